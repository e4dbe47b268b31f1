/* raw.json that claims what it does not prove: names, JSON, Base64, the encoding of ECDSA values.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "tests/attacks/attacks.h"
#include "tests/support/cms.h"
#include "tests/support/crl_der.h"

#define CONTENT "%PDF-1.7 an attachment\n"
#define CHECK                                                                                      \
    "signature check --json --container raw --signature {}/raw.json "                              \
    "--content 1.pdf={0}/attachment.pdf"

static void json_add(struct corpus *corpus, const char *name, const char *reason,
                     const struct buffer *json, const char *what)
{
    attack_file(corpus, name, "raw.json", buffer_bytes(json));
    attack_add(corpus, &(struct attack){name, *reason ? 1 : 0, reason, CHECK, what});
}

static void value_add(struct corpus *corpus, const char *name, const char *reason,
                      X509 *certificate, const char *algorithm, struct bytes value,
                      const char *what)
{
    _cleanup_(cleanup_buffer) struct buffer json = {0};
    raw_json(certificate, "1.pdf", algorithm, value, &json);
    json_add(corpus, name, reason, &json, what);
}

/* --- an honest file, and its text bent ----------------------------------------------------------
 */

static const struct bent {
    const char *name, *reason, *from, *to, *what;
} bents[] = {
    {"raw-method-hmac", "signature-algorithm", "rsa-sha256", "hmac-sha256",
     "HMAC, so that the public key would be the secret"},
    {"raw-method-sha1", "signature-algorithm", "rsa-sha256", "rsa-sha1", "SHA-1"},
    {"raw-method-pss", "signature-algorithm", "rsa-sha256", "rsa-pss-sha256", "RSASSA-PSS"},
    {"raw-method-letters", "signature-algorithm", "rsa-sha256", "RSA-SHA256",
     "a name in other letters"},
    {"raw-method-nul", "signature-malformed", "rsa-sha256", "rsa-sha256\\u0000",
     "a name with a NUL behind it"},
    {"raw-method-ecdsa", "signature-algorithm", "rsa-sha256", "ecdsa-sha256",
     "ECDSA, and the key is RSA"},
    {"raw-other-hash", "signature-value", "rsa-sha256", "rsa-sha512",
     "another hash, and an allowed one"},
    {"raw-member-not-there", "signature-reference", "1.pdf", "2.pdf", "a member that is not there"},
    {"raw-member-path", "signature-reference", "1.pdf", "./1.pdf", "a path to the member"},
    {"raw-member-key-twice", "signature-malformed", "\"member\":\"1.pdf\"",
     "\"member\":\"2.pdf\",\"member\":\"1.pdf\"", "two members to choose from"},
    {"raw-certificate-key-twice", "signature-malformed", "{\"certificate\":",
     "{\"certificate\":\"AAAA\",\"certificate\":", "two certificates to choose from"},
    {"raw-more-keys", "signature-malformed",
     "\"signatures\":", "\"more\":1,\"signatures\":", "a key that nobody here understands"},
    {"raw-behind", "signature-malformed", "}]}", "}]}{}", "a second object behind the first"},
    {"raw-no-values", "signature-malformed", "\"signatures\":[", "\"signatures\":[],\"x\":[",
     "no values, and some elsewhere"},
    {"raw-value-behind-padding", "signature-malformed", "==\"}]", "==AAAA\"}]",
     "Base64 goes on behind its padding"},
    {"raw-value-blank", "signature-malformed", "==\"}]", "= =\"}]", "a blank in the Base64"},
    {"raw-value-url", "signature-malformed", "==\"}]", "\"}]", "Base64 without its padding"},
    {"raw-value-empty-list", "signature-malformed", "\"signatures\":[{", "\"signatures\":[[],{",
     "a list in place of a value"},
};

static void bents_make(struct corpus *corpus, const struct buffer *honest)
{
    for (size_t i = 0; i < sizeof bents / sizeof *bents; i++) {
        _cleanup_(cleanup_buffer) struct buffer json = {0};
        buffer_append(&json, honest->data, honest->length);
        bend(&json, bents[i].from, bents[i].to);
        json_add(corpus, bents[i].name, bents[i].reason, &json, bents[i].what);
    }
}

static void member_twice(struct corpus *corpus, const struct buffer *honest)
{
    _cleanup_(cleanup_buffer) struct buffer json = {0};
    buffer_append(&json, honest->data, honest->length);
    _cleanup_(cleanup_text) char *entry = text_copy(strstr(buffer_text(&json), "{\"member\""));
    entry[strlen(entry) - 2] = 0; /* without ]} */
    _cleanup_(cleanup_text) char *two = text_format("\"signatures\":[%s,", entry);
    bend(&json, "\"signatures\":[", two);
    json_add(corpus, "raw-member-twice", "signature-malformed", &json, "two values for a member");
}

/* --- certificates --------------------------------------------------------------------------------
 */

static void certificates_make(struct corpus *corpus, struct bytes value)
{
    _cleanup_(cleanup_x509) X509 *other =
        pki_issue(&corpus->ca, pki_key(PKI_RSA_2048, 3), &(struct pki_end){.serial = "77"});
    _cleanup_(cleanup_x509) X509 *elliptic =
        pki_issue(&corpus->ca, pki_key(PKI_EC_P384, 3), &(struct pki_end){0});
    _cleanup_(cleanup_x509) X509 *small =
        pki_issue(&corpus->ca, pki_key(PKI_RSA_1024, 3), &(struct pki_end){0});
    value_add(corpus, "raw-certificate-of-another", "signature-value", other, "rsa-sha256", value,
              "the certificate is somebody else's");
    value_add(corpus, "raw-key-of-another-kind", "signature-algorithm", elliptic, "rsa-sha256",
              value, "the certificate's key is ECDSA");
    _cleanup_(cleanup_buffer) struct buffer weak = {0};
    raw_value(pki_key(PKI_RSA_1024, 3), "SHA256", bytes_of_text(CONTENT), &weak);
    value_add(corpus, "raw-rsa-1024", "signature-algorithm", small, "rsa-sha256",
              buffer_bytes(&weak), "a key of 1024 bits, and true");
}

/* --- ECDSA: SEQUENCE { r, s } in DER, and nothing else -------------------------------------------
 */

static struct buffer elliptic_value(void)
{
    struct buffer value = {0};
    raw_value(pki_key(PKI_EC_P384, 2), "SHA384", bytes_of_text(CONTENT), &value);
    return value;
}

static void integer_plain(const uint8_t **at, struct buffer *out)
{
    size_t length = (*at)[1];
    const uint8_t *number = *at + 2;
    *at = number + length;
    for (; length > 48; length--)
        number++; /* the zero in front */
    for (size_t i = length; i < 48; i++)
        buffer_append(out, "", 1);
    buffer_append(out, number, length);
}

static void elliptic_make(struct corpus *corpus)
{
    static const char method[] = "ecdsa-sha384";
    _cleanup_(cleanup_x509) X509 *own =
        pki_issue(&corpus->ca, pki_key(PKI_EC_P384, 2), &(struct pki_end){0});
    _cleanup_(cleanup_buffer) struct buffer value = elliptic_value(), ber = {0}, row = {0},
                                            noughts = {0};
    value_add(corpus, "honest-raw-ecdsa", "", own, method, buffer_bytes(&value), "nothing");
    der_put_hex(&ber, "30 81");
    buffer_append(&ber, value.data + 1, value.length - 1);
    value_add(corpus, "raw-ecdsa-ber", "signature-value", own, method, buffer_bytes(&ber),
              "BER: a length in more octets than it needs");
    const uint8_t *at = value.data + 2;
    integer_plain(&at, &row);
    integer_plain(&at, &row);
    value_add(corpus, "raw-ecdsa-row", "signature-value", own, method, buffer_bytes(&row),
              "r and s in a row");
    buffer_append(&value, "", 1);
    value_add(corpus, "raw-ecdsa-behind", "signature-value", own, method, buffer_bytes(&value),
              "a byte behind the SEQUENCE");
    der_put_hex(&noughts, "30 06 02 01 00 02 01 00");
    value_add(corpus, "raw-ecdsa-noughts", "signature-value", own, method, buffer_bytes(&noughts),
              "r and s are 0: holds for everything, where nobody looks (CVE-2022-21449)");
}

static void padding_make(struct corpus *corpus, EVP_PKEY *key, X509 *certificate,
                         struct bytes honest)
{
    const char *what;
    uint8_t forged[PADDING_KEY_BYTES];
    for (size_t i = 0; (what = padding_forge(i, key, honest, forged)); i++) {
        _cleanup_(cleanup_text) char *name = text_format("raw-%s", padding_name(i));
        value_add(corpus, name, "signature-value", certificate, "rsa-sha256",
                  bytes_of(forged, sizeof forged), what);
    }
}

void make_raw_attacks(struct corpus *corpus)
{
    EVP_PKEY *key = pki_key(PKI_RSA_2048, 2);
    _cleanup_(cleanup_x509) X509 *certificate = pki_issue(&corpus->ca, key, &(struct pki_end){0});
    _cleanup_(cleanup_buffer) struct buffer value = {0}, json = {0};
    raw_value(key, "SHA256", bytes_of_text(CONTENT), &value);
    raw_json(certificate, "1.pdf", "rsa-sha256", buffer_bytes(&value), &json);
    json_add(corpus, "honest-raw", "", &json, "nothing");
    bents_make(corpus, &json);
    member_twice(corpus, &json);
    certificates_make(corpus, buffer_bytes(&value));
    elliptic_make(corpus);
    padding_make(corpus, key, certificate, buffer_bytes(&value));
}
