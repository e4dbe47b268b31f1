/* The container `raw`: values over members' bytes and one certificate, as the card's own interface
 * yields them. docs/formats/pittari-1.md. */
#include <jansson.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "signature/container.h"

#define FILE_MOST  ((size_t)1 << 20)
#define VALUES_MAX 256

static void cleanup_result(struct signature_result *result)
{
    signature_result_free(result);
}

static bool malformed(struct checks *checks, const char *text)
{
    return checks_fail(checks, "signature.form", "FORMAT_FAILURE", "signature-malformed", "%s",
                       text);
}

/* In the one form that it has: no blanks, no loose bits. */
static bool base64_take(const char *text, struct buffer *ret_data)
{
    _cleanup_(cleanup_buffer) struct buffer again = {0};
    if (!base64_decode(bytes_of_text(text), ret_data) || ret_data->length == 0)
        return false;
    base64_encode(buffer_bytes(ret_data), &again);
    return bytes_equal(buffer_bytes(&again), bytes_of_text(text));
}

static bool verify_value(const struct signature_input *input, json_t *entry,
                         struct signature_result *result, struct checks *checks)
{
    const char *member, *name, *text;
    size_t at;
    uint8_t hash[DIGEST_MAX];
    _cleanup_(cleanup_buffer) struct buffer value = {0};
    if (json_unpack(entry, "{s:s, s:s, s:s !}", "member", &member, "algorithm", &name, "value",
                    &text) != 0 ||
        !base64_take(text, &value))
        return malformed(checks, "a signature is not exactly member, algorithm and a value in "
                                 "Base64");
    const struct signature_algorithm *algorithm = signature_algorithm_named(name);
    if (!algorithm)
        return checks_fail(checks, "signature.form", "CRYPTO_CONSTRAINTS_FAILURE",
                           "signature-algorithm", "an algorithm is not allowed");
    if (!signable_find(input, member, &at))
        return checks_fail(checks, "signature.reference", "SIGNED_DATA_NOT_FOUND",
                           "signature-reference",
                           "a signature is over no member that can be "
                           "signed");
    if (result->covered[at].coverage != COVERAGE_NONE)
        return malformed(checks, "two signatures are over one member");
    signable_digest(&input->signables[at], algorithm->digest, hash);
    if (!signature_hash_judge(result, algorithm, hash, buffer_bytes(&value), checks))
        return false;
    result->covered[at].coverage = COVERAGE_BYTES;
    return true;
}

static bool verify_json(const struct signature_input *input, struct bytes file,
                        struct signature_result *result, struct checks *checks)
{
    _cleanup_(cleanup_json) json_t *json = file.length <= FILE_MOST ? json_read(file) : NULL;
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    json_t *values;
    const char *certificate;
    if (!json ||
        json_unpack(json, "{s:s, s:o !}", "certificate", &certificate, "signatures", &values) != 0)
        return malformed(checks, "the file is not JSON of exactly certificate and signatures, or "
                                 "larger than 1 MiB");
    size_t count = json_array_size(values);
    if (count == 0 || count > VALUES_MAX)
        return malformed(checks, "there are not from 1 to 256 signatures");
    if (!base64_take(certificate, &der))
        return malformed(checks, "the certificate is not Base64");
    checks_pass(checks, "signature.form", "%zu values", count);
    if (!signer_take(result, buffer_bytes(&der), checks))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!verify_value(input, json_array_get(values, i), result, checks))
            return false;
    return true;
}

/* A bare value names no algorithm: of those allowed for the key, the one by which it holds. */
static bool verify_bare(const struct signature_input *input, struct bytes value,
                        struct signature_result *result, struct checks *checks)
{
    static const enum digest digests[] = {DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512};
    const struct signature_algorithm *last = NULL;
    uint8_t hash[DIGEST_MAX];
    if (input->signable_count != 1)
        return malformed(checks, "a bare value is over exactly one content");
    if (!signer_take(result, input->certificate, checks))
        return false;
    for (size_t i = 0; i < sizeof digests / sizeof *digests; i++) {
        const struct signature_algorithm *algorithm =
            result->key ? signature_algorithm_for(EVP_PKEY_get_base_id(result->key), digests[i])
                        : NULL;
        if (!algorithm)
            continue;
        last = algorithm;
        signable_digest(&input->signables[0], algorithm->digest, hash);
        if (signature_hash_holds(algorithm, result->key, hash, value))
            break;
    }
    if (!last)
        return checks_fail(checks, "signature.value", "CRYPTO_CONSTRAINTS_FAILURE",
                           "signature-algorithm", "the certificate's key is not allowed");
    if (!signature_hash_judge(result, last, hash, value, checks))
        return false;
    result->covered[0].coverage = COVERAGE_BYTES;
    return true;
}

bool raw_verify(const struct signature_input *input, struct signature_result *ret_result,
                struct checks *checks)
{
    _cleanup_(cleanup_result) struct signature_result result = {0};
    signature_result_begin(input, &result);
    if (input->signature_count == 0)
        return checks_fail(checks, "signature.present", "FORMAT_FAILURE", "signature-missing",
                           "there is no signature");
    if (input->signature_count > 1)
        return malformed(checks, "there is more than one file of raw signatures");
    struct bytes file = input->signatures[0].bytes;
    if (input->certificate.data ? !verify_bare(input, file, &result, checks)
                                : !verify_json(input, file, &result, checks))
        return false;
    *ret_result = result;
    result = (struct signature_result){0};
    return true;
}
