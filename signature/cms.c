/* The container `cms`: detached SignedData (RFC 5652), one file for each member. */
#include <openssl/x509v3.h>
#include <string.h>

#include "base/cleanup.h"
#include "signature/cms_attributes.h"
#include "signature/cms_form.h"
#include "signature/container.h"
#include "signature/der.h"

#define ENDING ".p7s"

static void cleanup_result(struct signature_result *result)
{
    signature_result_free(result);
}

/* "signature/attachments/1.pdf.p7s" covers attachments/1.pdf. */
static bool member_find(const struct signature_input *input, const char *file, size_t *ret_at)
{
    size_t folder = strlen(SIGNATURE_FOLDER), length = strlen(file), end = strlen(ENDING);
    if (length <= folder + end || strncmp(file, SIGNATURE_FOLDER, folder) != 0 ||
        strcmp(file + length - end, ENDING) != 0)
        return false;
    _cleanup_(cleanup_text) char *name = text_copy_n(file + folder, length - folder - end);
    return signable_find(input, name, ret_at);
}

static bool names_signer(const struct cms_form *form, X509 *signer)
{
    if (!form->key_id.data)
        return cms_names_signer(signer, form->issuer, form->serial);
    const ASN1_OCTET_STRING *own = X509_get0_subject_key_id(signer);
    return own && bytes_equal(form->key_id, bytes_of(ASN1_STRING_get0_data(own),
                                                     (size_t)ASN1_STRING_length(own)));
}

/* What is signed is then the attributes, as a SET OF (RFC 5652 §5.4), and by them the content. */
static bool attributes_hash(const struct signature_input *input, const struct cms_form *form,
                            X509 *signer, uint8_t hash[DIGEST_MAX], struct checks *checks)
{
    struct cms_attributes attributes;
    if (!cms_attributes_read(form->attributes, &attributes, checks))
        return false;
    if (!bytes_equal(attributes.message_digest, bytes_of(hash, digest_length(form->digest))))
        return checks_fail(checks, "signature.digest", "HASH_FAILURE", "signature-digest",
                           "what is signed is not what is here");
    checks_pass(checks, "signature.digest", "message-digest holds");
    if (!cms_attributes_judge(&attributes, form, signer, input->applied_at, checks))
        return false;
    _cleanup_(cleanup_buffer) struct buffer set = {0};
    buffer_append(&set, form->attributes_whole.data, form->attributes_whole.length);
    set.data[0] = DER_SET;
    digest_of(form->digest, buffer_bytes(&set), hash);
    return true;
}

/* Signed attributes of one signature, handed in as the content of another without attributes, have
 * its value: nothing that may be signed here is a SET in DER. */
static bool is_attributes(struct bytes content)
{
    struct bytes set;
    return der_take(&content, DER_SET, &set) && content.length == 0;
}

static bool verify_member(const struct signature_input *input, const struct cms_form *form,
                          const struct signable *member, struct signature_result *result,
                          struct checks *checks)
{
    uint8_t hash[DIGEST_MAX];
    if (!signer_take(result, form->certificate, checks))
        return false;
    if (!names_signer(form, result->x509))
        return checks_fail(checks, "signature.certificate", "NO_SIGNING_CERTIFICATE_FOUND",
                           "signature-certificates",
                           "the certificate is not the one that the SignerInfo names");
    signable_digest(member, form->digest, hash);
    if (!form->attributes.data && is_attributes(member->bytes))
        return checks_fail(checks, "signature.attributes", "SIG_CONSTRAINTS_FAILURE",
                           "signature-attributes",
                           "the content is the signed attributes of another signature");
    if (form->attributes.data && !attributes_hash(input, form, result->x509, hash, checks))
        return false;
    return signature_hash_judge(result, form->algorithm, hash, form->value, checks);
}

static bool verify_file(const struct signature_input *input, const struct signable *file,
                        struct signature_result *result, struct checks *checks)
{
    struct cms_form form;
    size_t at;
    if (!member_find(input, file->name, &at))
        return checks_fail(checks, "signature.reference", "SIGNED_DATA_NOT_FOUND",
                           "signature-reference",
                           "a signature file is not named after a member that can be signed");
    if (!cms_form_read(file->bytes, &form, checks))
        return false;
    checks_pass(checks, "signature.form", "%s%s", form.algorithm->name,
                form.attributes.data ? ", with signed attributes" : "");
    if (!verify_member(input, &form, &input->signables[at], result, checks))
        return false;
    result->covered[at].coverage = COVERAGE_BYTES;
    return true;
}

bool cms_verify(const struct signature_input *input, struct signature_result *ret_result,
                struct checks *checks)
{
    _cleanup_(cleanup_result) struct signature_result result = {0};
    signature_result_begin(input, &result);
    if (input->signature_count == 0)
        return checks_fail(checks, "signature.present", "FORMAT_FAILURE", "signature-missing",
                           "there is no signature");
    for (size_t i = 0; i < input->signature_count; i++)
        if (!verify_file(input, &input->signatures[i], &result, checks))
            return false;
    *ret_result = result;
    result = (struct signature_result){0};
    return true;
}
