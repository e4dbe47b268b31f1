#include "signature/cms_form.h"

#include <string.h>

#include "signature/der.h"

#define CMS_BYTES_MOST ((size_t)1 << 20)

#define OID_SIGNED_DATA "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"
#define OID_DATA        "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
#define OID_RSA         "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01" /* rsaEncryption, RFC 3370 §3.2 */
#define OID_SHA2        "\x60\x86\x48\x01\x65\x03\x04\x02"     /* .1 SHA-256, .2 -384, .3 -512 */

#define IMPLICIT_0 0x80

static bool oid_is(struct bytes oid, const char *expected)
{
    return bytes_equal(oid, bytes_of(expected, strlen(expected)));
}

static bool malformed(struct checks *checks, const char *text)
{
    return checks_fail(checks, "signature.form", "FORMAT_FAILURE", "signature-malformed", "%s",
                       text);
}

static bool not_allowed(struct checks *checks, const char *text)
{
    return checks_fail(checks, "signature.form", "CRYPTO_CONSTRAINTS_FAILURE",
                       "signature-algorithm", "%s", text);
}

static bool no_parameters(struct bytes rest)
{
    return rest.length == 0 || bytes_equal(rest, bytes_of("\x05\x00", 2));
}

bool cms_digest_read(struct bytes identifier, enum digest *ret_digest)
{
    struct bytes rest = identifier, oid;
    size_t length = strlen(OID_SHA2);
    if (!der_take(&rest, DER_OID, &oid) || !no_parameters(rest) || oid.length != length + 1 ||
        memcmp(oid.data, OID_SHA2, length) != 0)
        return false;
    switch (oid.data[length]) {
    case 1:
        *ret_digest = DIGEST_SHA256;
        return true;
    case 2:
        *ret_digest = DIGEST_SHA384;
        return true;
    case 3:
        *ret_digest = DIGEST_SHA512;
        return true;
    default:
        return false;
    }
}

/* rsaEncryption leaves the hash to digestAlgorithm; the others name it, and must name the same. */
static const struct signature_algorithm *algorithm_of(struct bytes whole, struct bytes identifier,
                                                      enum digest digest)
{
    struct bytes rest = identifier, oid;
    if (der_take(&rest, DER_OID, &oid) && oid_is(oid, OID_RSA) && no_parameters(rest))
        return signature_algorithm_for(EVP_PKEY_RSA, digest);
    const struct signature_algorithm *algorithm = signature_algorithm_of_der(whole);
    return algorithm && algorithm->digest == digest ? algorithm : NULL;
}

/* From *in as it stands, up to where `rest` goes on. */
static struct bytes whole_of(struct bytes in, struct bytes rest)
{
    return bytes_of(in.data, in.length - rest.length);
}

static bool signer_name_read(struct bytes *in, unsigned *ret_version, struct cms_form *form)
{
    if (der_take(in, IMPLICIT_0, &form->key_id)) {
        *ret_version = 3;
        return form->key_id.length > 0;
    }
    struct bytes pair, name;
    if (!der_take(in, DER_SEQUENCE, &pair))
        return false;
    struct bytes before = pair;
    if (!der_take(&pair, DER_SEQUENCE, &name))
        return false;
    form->issuer = whole_of(before, pair);
    *ret_version = 1;
    return der_take(&pair, DER_INTEGER, &form->serial) && pair.length == 0;
}

static bool signer_read(struct bytes in, unsigned *ret_version, struct cms_form *form,
                        struct checks *checks)
{
    struct bytes version, after;
    if (!der_take(&in, DER_INTEGER, &version) || !signer_name_read(&in, ret_version, form) ||
        version.length != 1 || version.data[0] != *ret_version)
        return malformed(checks, "SignerInfo has another version than its signerIdentifier");
    if (!der_take(&in, DER_SEQUENCE, &form->digest_algorithm))
        return malformed(checks, "SignerInfo has no digestAlgorithm");
    after = in;
    if (der_take(&after, DER_EXPLICIT_0, &form->attributes)) {
        form->attributes_whole = whole_of(in, after);
        in = after;
    }
    after = in;
    if (!der_take(&after, DER_SEQUENCE, &form->value_algorithm))
        return malformed(checks, "SignerInfo has no signatureAlgorithm");
    struct bytes algorithm = whole_of(in, after);
    in = after;
    if (!der_take(&in, DER_OCTET_STRING, &form->value) || in.length != 0)
        return malformed(checks, "SignerInfo does not end with the signature: unsigned attributes "
                                 "are not accepted");
    if (!cms_digest_read(form->digest_algorithm, &form->digest))
        return not_allowed(checks, "the digestAlgorithm is not allowed");
    form->algorithm = algorithm_of(algorithm, form->value_algorithm, form->digest);
    return form->algorithm ||
           not_allowed(checks, "the signatureAlgorithm is not allowed, or not of the "
                               "digestAlgorithm");
}

static bool certificate_take(struct bytes *in, struct cms_form *form, struct checks *checks)
{
    struct bytes set, content;
    bool one = der_take(in, DER_EXPLICIT_0, &set);
    form->certificate = one ? set : bytes_of(NULL, 0);
    return (one && der_take(&set, DER_SEQUENCE, &content) && set.length == 0) ||
           checks_fail(checks, "signature.form", "NO_SIGNING_CERTIFICATE_FOUND",
                       "signature-certificates", "there is not exactly one certificate");
}

static bool signed_data_read(struct bytes in, struct cms_form *form, struct checks *checks)
{
    struct bytes version, digests, digest, content, type, signers, signer;
    unsigned signer_version = 0;
    if (!der_take(&in, DER_INTEGER, &version) || !der_take(&in, DER_SET, &digests) ||
        !der_take(&digests, DER_SEQUENCE, &digest) || digests.length != 0)
        return malformed(checks, "SignedData does not begin with a version and one "
                                 "digestAlgorithm");
    if (!der_take(&in, DER_SEQUENCE, &content) || !der_take(&content, DER_OID, &type) ||
        !oid_is(type, OID_DATA))
        return malformed(checks, "the content type is not id-data");
    if (content.length != 0)
        return checks_fail(checks, "signature.form", "FORMAT_FAILURE", "signature-embedded",
                           "content is embedded: only detached signatures are accepted");
    if (!certificate_take(&in, form, checks))
        return false;
    if (!der_take(&in, DER_SET, &signers) || in.length != 0 ||
        !der_take(&signers, DER_SEQUENCE, &signer) || signers.length != 0)
        return malformed(checks, "SignedData does not end with exactly one SignerInfo");
    if (!signer_read(signer, &signer_version, form, checks))
        return false;
    if (version.length != 1 || version.data[0] != signer_version)
        return malformed(checks, "SignedData has another version than its parts");
    return bytes_equal(digest, form->digest_algorithm) ||
           not_allowed(checks, "the digestAlgorithms are not those of the SignerInfo");
}

bool cms_form_read(struct bytes file, struct cms_form *ret_form, struct checks *checks)
{
    struct bytes in = file, info, type, wrapped, data;
    *ret_form = (struct cms_form){0};
    if (file.length > CMS_BYTES_MOST || !der_strict(file))
        return malformed(checks, "the file is not one element in DER, or larger than 1 MiB");
    if (!der_take(&in, DER_SEQUENCE, &info) || !der_take(&info, DER_OID, &type) ||
        !oid_is(type, OID_SIGNED_DATA) || !der_take(&info, DER_EXPLICIT_0, &wrapped) ||
        info.length != 0 || !der_take(&wrapped, DER_SEQUENCE, &data) || wrapped.length != 0)
        return malformed(checks, "the file is not CMS SignedData");
    return signed_data_read(data, ret_form, checks);
}
