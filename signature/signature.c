#include "signature/signature.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "signature/certificate.h"
#include "signature/container.h"
#include "signature/public_key.h"

static const struct {
    struct signature_container container;
    const char *ending; /* of its files' names */
} containers[] = {
    {{"xmldsig", xmldsig_verify}, ".xml"},
    {{"cms", cms_verify}, ".p7s"},
    {{"raw", raw_verify}, "/raw.json"},
};

#define CONTAINER_COUNT (sizeof containers / sizeof *containers)

const struct signature_container *signature_container_find(const char *name)
{
    for (size_t i = 0; i < CONTAINER_COUNT; i++)
        if (strcmp(containers[i].container.name, name) == 0)
            return &containers[i].container;
    return NULL;
}

static bool is_file_of(const char *name, const char *ending)
{
    size_t length = strlen(name), end = strlen(ending);
    if (*ending == '/')
        return length == strlen(SIGNATURE_FOLDER) - 1 + end &&
               strcmp(name + length - end, ending) == 0;
    return length > strlen(SIGNATURE_FOLDER) + end && strcmp(name + length - end, ending) == 0;
}

const struct signature_container *signature_container_of_file(const char *name)
{
    if (strncmp(name, SIGNATURE_FOLDER, strlen(SIGNATURE_FOLDER)) != 0)
        return NULL;
    for (size_t i = 0; i < CONTAINER_COUNT; i++)
        if (is_file_of(name, containers[i].ending))
            return &containers[i].container;
    return NULL;
}

void signature_result_free(struct signature_result *result)
{
    for (size_t i = 0; i < result->covered_count; i++)
        if (result->covered[i].document)
            xmlFreeDoc(result->covered[i].document);
    free(result->covered);
    buffer_free(&result->certificate);
    X509_free(result->x509);
    EVP_PKEY_free(result->key);
    *result = (struct signature_result){0};
}

void signature_result_begin(const struct signature_input *input, struct signature_result *result)
{
    result->covered = memory_allocate((input->signable_count + 1) * sizeof *result->covered);
    result->covered_count = input->signable_count;
    for (size_t i = 0; i < input->signable_count; i++)
        result->covered[i].name = input->signables[i].name;
}

bool signable_find(const struct signature_input *input, const char *name, size_t *ret_at)
{
    for (size_t i = 0; name && i < input->signable_count; i++)
        if (strcmp(input->signables[i].name, name) == 0) {
            *ret_at = i;
            return true;
        }
    return false;
}

void signable_digest(const struct signable *signable, enum digest digest,
                     uint8_t ret_value[DIGEST_MAX])
{
    if (digest == DIGEST_SHA256 && signable->sha256)
        memcpy(ret_value, signable->sha256, digest_length(digest));
    else
        digest_of(digest, signable->bytes, ret_value);
}

bool signer_take(struct signature_result *result, struct bytes der, struct checks *checks)
{
    if (result->x509)
        return bytes_equal(der, buffer_bytes(&result->certificate)) ||
               checks_fail(checks, "signature.certificate", "SIG_CONSTRAINTS_FAILURE",
                           "signature-certificates", "there is more than one signer");
    X509 *x509 = certificate_parse(der);
    if (!x509)
        return checks_fail(checks, "signature.certificate", "CHAIN_CONSTRAINTS_FAILURE",
                           "certificate-malformed", "the signing certificate is not canonical DER");
    result->x509 = x509;
    result->key = public_key_of(x509);
    buffer_append(&result->certificate, der.data, der.length);
    return true;
}

bool signature_hash_judge(struct signature_result *result,
                          const struct signature_algorithm *algorithm, const uint8_t *hash,
                          struct bytes value, struct checks *checks)
{
    checks_input(checks, "algorithm", "%s", algorithm->name);
    if (!result->key || EVP_PKEY_get_base_id(result->key) != algorithm->key_type)
        return checks_fail(checks, "signature.value", "CRYPTO_CONSTRAINTS_FAILURE",
                           "signature-algorithm",
                           "the certificate's key is not allowed, or not of the algorithm");
    if (!signature_hash_holds(algorithm, result->key, hash, value))
        return checks_fail(checks, "signature.value", "SIG_CRYPTO_FAILURE", "signature-value",
                           "the signature was not made with the key of its certificate over what "
                           "is here");
    checks_pass(checks, "signature.value", "%s holds", algorithm->name);
    snprintf(result->algorithm, sizeof result->algorithm, "%s", algorithm->name);
    result->signature_count++;
    return true;
}
