/* signature/crl_stream: what is a revocation list and what is none, each with its own words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "signature/crl_stream.h"
#include "signature/der.h"
#include "tests/support/crl_der.h"
#include "tests/support/pki.h"
#include "tests/support/trust.h"

#define SEEN_MOST 64

static struct pki_ca ca, next_ca, ec_ca, stranger;
static struct trust *trust;

static int set_up(void **state)
{
    (void)state;
    ca = pki_ca_make((struct pki_ca_options){0});
    next_ca = pki_ca_make((struct pki_ca_options){.number = 1});
    ec_ca = pki_ca_make((struct pki_ca_options){.kind = PKI_EC_P384, .unit = "EC"});
    stranger = pki_ca_make((struct pki_ca_options){.number = 3});
    trust = trust_of((X509 *[]){ca.certificate, next_ca.certificate, ec_ca.certificate}, 3);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    trust_free(trust);
    pki_ca_free(&ca);
    pki_ca_free(&next_ca);
    pki_ca_free(&ec_ca);
    pki_ca_free(&stranger);
    return 0;
}

struct seen {
    struct crl_entry entries[SEEN_MOST];
    size_t count;
};

static bool see(void *context, const struct crl_entry *entry, struct failure *f)
{
    struct seen *seen = context;
    if (seen->count == SEEN_MOST)
        return failure_set(f, FAILURE_SYSTEM, "the sink is full");
    seen->entries[seen->count++] = *entry;
    return true;
}

/* Reads it by pieces of this size. */
static bool read_by(struct bytes list, size_t piece, struct seen *seen, struct crl_facts *ret_facts,
                    struct failure *f)
{
    struct crl_stream *stream = crl_stream_new(trust, seen ? see : NULL, seen);
    bool good = true;
    while (good && list.length > 0) {
        size_t size = list.length < piece ? list.length : piece;
        good = crl_stream_feed(stream, bytes_of(list.data, size), f);
        list = bytes_of(list.data + size, list.length - size);
    }
    good = good && crl_stream_end(stream, ret_facts, f);
    crl_stream_free(stream);
    return good;
}

/* The words of the refusal; "" when it is taken. */
static const char *said_of(struct bytes list)
{
    static char text[512];
    struct failure f = {0};
    struct crl_facts facts;
    if (read_by(list, 65536, NULL, &facts, &f))
        return "";
    assert_int_equal(f.kind, FAILURE_INPUT);
    snprintf(text, sizeof text, "%s", f.text);
    return text;
}

static const char *said_of_list(const struct crl_der *list)
{
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    crl_der_make(&ca, list, &der);
    return said_of(buffer_bytes(&der));
}

/* Two pieces of hex: for a part of a list. */
static struct bytes part(struct buffer *buffer, const char *hex)
{
    buffer_clear(buffer);
    buffer_reserve(buffer, 1); /* not NULL, even when it is empty */
    der_put_hex(buffer, hex);
    return buffer_bytes(buffer);
}

/* SHA-256 of what is signed, whatever the digest of the signature. */
static void expect_tbs_hash(const struct crl_facts *facts, struct bytes der)
{
    struct bytes list, tbs;
    char hash[65];
    assert_true(der_take(&der, DER_SEQUENCE, &list));
    const uint8_t *from = list.data;
    assert_true(der_take(&list, DER_SEQUENCE, &tbs));
    sha256_hex(bytes_of(from, (size_t)(list.data - from)), hash);
    assert_string_equal(facts->tbs_sha256, hash);
}

static void good_list(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer entries = {0}, der = {0};
    crl_der_entry(&entries, "0a", "261101000000Z", NULL);
    crl_der_entry(&entries, "00 ff", "500101000000Z", CRL_REASON("06"));
    crl_der_entry(&entries, "7f ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff",
                  "491231235959Z", NULL);
    crl_der_entry(&entries, "00 ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff",
                  "20500101000000Z",
                  CRL_REASON("01") "30 18 06 03 55 1d 18 04 11 18 0f 32 30 32 36 30 31 30 31 30 30"
                                   " 30 30 30 30 5a");
    crl_der_make(&ca, &(struct crl_der){.entries = buffer_bytes(&entries)}, &der);
    static const size_t pieces[] = {1, 2, 7, 64, 65536};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct seen seen = {.count = 0};
        struct crl_facts facts;
        struct failure f = {0};
        if (!read_by(buffer_bytes(&der), pieces[i], &seen, &facts, &f))
            fail_msg("by %zu: %s", pieces[i], f.text);
        assert_int_equal(facts.entries, 4);
        assert_int_equal(seen.count, 4);
        assert_string_equal(facts.number, "01");
        assert_string_equal(facts.partition, "");
        char hash[65];
        expect_tbs_hash(&facts, buffer_bytes(&der));
        pki_fingerprint(ca.certificate, hash);
        assert_string_equal(facts.issuer_sha256, hash);
        assert_true(seen.entries[0].serial.limbs[0] == 10);
        assert_true(seen.entries[1].serial.limbs[0] == 255);
        assert_int_equal(seen.entries[1].reason, CRL_CERTIFICATE_HOLD);
        assert_true(seen.entries[3].serial.limbs[2] == 0xffffffff);
        instant at;
        assert_true(instant_parse("1950-01-01T00:00:00Z", &at));
        assert_true(seen.entries[1].revoked_at == at);
        assert_true(instant_parse("2049-12-31T23:59:59Z", &at));
        assert_true(seen.entries[2].revoked_at == at);
        assert_true(instant_parse("2050-01-01T00:00:00Z", &at));
        assert_true(seen.entries[3].revoked_at == at);
    }
}

/* Of OpenSSL's making, with partition and key id; by RSA and by EC; in DER and in PEM. */
static void lists_of_openssl(void **state)
{
    (void)state;
    const struct pki_ca *const issuers[] = {&ca, &next_ca, &ec_ca};
    for (size_t i = 0; i < 3; i++) {
        _cleanup_(cleanup_buffer) struct buffer der = {0};
        struct pki_crl crl = {.number = 255, .from = 0, .to = INSTANT_DAY};
        crl.revoked[0].serial = "0a";
        pki_crl_make(issuers[i], &crl, &der);
        struct crl_facts facts;
        struct failure f = {0};
        if (!read_by(buffer_bytes(&der), 100, NULL, &facts, &f))
            fail_msg("%s", f.text);
        assert_string_equal(facts.number, "ff");
        assert_non_null(strstr(facts.partition, "CN=Sakurano-shi CRLDP"));
        assert_true(facts.this_update == 0 && facts.next_update == INSTANT_DAY);
        expect_tbs_hash(&facts, buffer_bytes(&der));
        char issuer[65];
        pki_fingerprint(issuers[i]->certificate, issuer);
        assert_string_equal(facts.issuer_sha256, issuer);
    }
}

static char *pem_of(struct bytes der)
{
    _cleanup_(cleanup_bio) BIO *out = BIO_new(BIO_s_mem());
    char *text;
    assert_true(PEM_write_bio(out, "X509 CRL", "", der.data, (long)der.length) > 0);
    long length = BIO_get_mem_data(out, &text);
    return text_copy_n(text, (size_t)length);
}

static void in_pem(void **state)
{
    (void)state;
    for (size_t extra = 0; extra < 3; extra++) { /* each length modulo 3 */
        _cleanup_(cleanup_buffer) struct buffer entries = {0}, der = {0};
        crl_der_entry(&entries, &"01 02 03 04"[3 * extra], "261101000000Z", NULL);
        crl_der_make(&ca, &(struct crl_der){.entries = buffer_bytes(&entries)}, &der);
        _cleanup_(cleanup_text) char *pem = pem_of(buffer_bytes(&der));
        struct crl_facts facts, plain;
        struct failure f = {0};
        assert_true(read_by(buffer_bytes(&der), 65536, NULL, &plain, &f));
        for (size_t piece = 1; piece < 200; piece += 33) {
            if (!read_by(bytes_of_text(pem), piece, NULL, &facts, &f))
                fail_msg("by %zu: %s", piece, f.text);
            assert_string_equal(facts.tbs_sha256, plain.tbs_sha256);
        }
        pem[strlen(pem) - 1] = '\0'; /* the last line without its end */
        assert_string_equal(said_of(bytes_of_text(pem)), "");
        pem[strlen(pem) - 1] = '\0';
        assert_non_null(strstr(said_of(bytes_of_text(pem)), "its PEM has no end"));
        _cleanup_(cleanup_text) char *twice = text_format("%s-\n%s-\n", pem, pem);
        assert_non_null(strstr(said_of(bytes_of_text(twice)), "not one in DER or PEM"));
        pem[60] = ' ';
        assert_non_null(strstr(said_of(bytes_of_text(pem)), "not one in DER or PEM"));
        pem[6] = 'b';
        assert_non_null(strstr(said_of(bytes_of_text(pem)), "not one in DER or PEM"));
    }
}

static void not_whole(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer entries = {0}, der = {0};
    crl_der_entry(&entries, "0a", "261101000000Z", CRL_REASON("01"));
    crl_der_make(&ca, &(struct crl_der){.entries = buffer_bytes(&entries)}, &der);
    assert_string_equal(said_of(buffer_bytes(&der)), "");
    for (size_t i = 0; i < der.length; i++)
        if (!strstr(said_of(bytes_of(der.data, i)), "not whole"))
            fail_msg("cut off at %zu: %s", i, said_of(bytes_of(der.data, i)));
    for (size_t i = 0; i < der.length; i++) {
        der.data[i] ^= 0x10;
        if (!*said_of(buffer_bytes(&der)))
            fail_msg("altered at %zu, and taken", i);
        der.data[i] ^= 0x10;
    }
    buffer_append(&der, "\0", 1);
    assert_non_null(strstr(said_of(buffer_bytes(&der)), "something follows it"));
}

/* One part is wrong, in hex; and what is said of it. */
struct wrong {
    const char *part, *said;
};

#define EACH(field, table)                                                                         \
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {                                    \
        _cleanup_(cleanup_buffer) struct buffer buffer = {0};                                      \
        const char *said = said_of_list(&(struct crl_der){.field = part(&buffer, table[i].part)}); \
        if (*table[i].said ? !strstr(said, table[i].said) : *said)                                 \
            fail_msg(#field " %zu: \"%s\"", i, said);                                              \
    }

static void wrong_heads(void **state)
{
    (void)state;
    static const struct wrong versions[] = {
        {"02 01 01", ""},
        {"", "not of version 2"},
        {"02 01 00", "not of version 2"},
        {"02 02 00 01", "not of version 2"},
        {"02 81 01 01", "not of version 2"},
    };
    EACH(version, versions)
    static const struct wrong algorithms[] = {
        {"30 0d 06 09 2a 86 48 86 f7 0d 01 01 05 05 00", "not allowed"}, /* sha1WithRSA */
        {"30 0d 06 09 2a 86 48 86 f7 0d 01 01 04 05 00", "not allowed"}, /* md5WithRSA */
        {"30 0b 06 09 2a 86 48 86 f7 0d 01 01 0b", "not allowed"},       /* no parameters */
        {"30 80 06 09 2a 86 48 86 f7 0d 01 01 0b 05 00 00 00", "not allowed"},
        {"30 0d 06 09 2a 86 48 86 f7 0d 01 01 0c 05 00", "one algorithm inside and another"},
    };
    EACH(algorithm, algorithms)
    static const struct wrong outer[] = {
        {"30 0d 06 09 2a 86 48 86 f7 0d 01 01 0c 05 00", "one algorithm inside and another"},
        {"", "one algorithm inside and another"},
        {"30 80", "no algorithm beside its signature"},
    };
    EACH(outer_algorithm, outer)
    static const struct wrong issuers[] = {
        {"30 00", "none of the trust anchors"},
        {"31 00", "issuer's name that is malformed"},
        {"30 05 31 80 00 00 00", "issuer's name that is malformed"},
        {"30 0d 31 0b 30 09 06 03 55 04 06 13 02 4a 50", "none of the trust anchors"},
    };
    EACH(issuer, issuers)
}

static void wrong_times(void **state)
{
    (void)state;
    static const struct wrong updates[] = {
        {"18 0f 32 30 32 36 31 31 32 31 30 30 30 30 30 30 5a", ""},
        {"17 0d 32 36 31 33 32 31 30 30 30 30 30 30 5a", "no thisUpdate"}, /* month 13 */
        {"17 0d 32 36 31 31 33 31 30 30 30 30 30 30 5a", "no thisUpdate"}, /* November 31 */
        {"17 0d 32 36 30 32 32 39 30 30 30 30 30 30 5a", "no thisUpdate"}, /* no leap year */
        {"17 0d 32 34 30 32 32 39 30 30 30 30 30 30 5a", ""},
        {"17 0d 32 36 31 31 32 31 32 34 30 30 30 30 5a", "no thisUpdate"}, /* 24 o'clock */
        {"17 0d 32 36 31 31 32 31 30 30 36 30 30 30 5a", "no thisUpdate"}, /* minute 60 */
        {"17 0d 32 36 31 31 32 31 30 30 30 30 36 30 5a", "no thisUpdate"}, /* second 60 */
        {"17 0b 32 36 31 31 32 31 30 30 30 30 5a", "no thisUpdate"},       /* no seconds */
        {"17 11 32 36 31 31 32 31 30 30 30 30 30 30 2b 30 39 30 30", "no thisUpdate"},
        {"18 11 32 30 32 36 31 31 32 31 30 30 30 30 30 30 2e 35 5a", "no thisUpdate"},
        {"17 0d 32 36 31 31 32 31 30 30 30 30 30 30 7a", "no thisUpdate"},
        {"17 0d 32 36 31 31 32 3a 30 30 30 30 30 30 5a", "no thisUpdate"},
        {"04 0d 32 36 31 31 32 31 30 30 30 30 30 30 5a", "no thisUpdate"},
        {"17 0d 32 36 31 31 32 38 30 30 30 30 30 30 5a", "not after its thisUpdate"},
    };
    EACH(this_update, updates)
    static const struct wrong next[] = {
        {"", "no nextUpdate"},
        {"17 0d 32 36 31 31 32 31 30 30 30 30 30 31 5a", ""},
        {"17 0d 32 36 31 31 32 31 30 30 30 30 30 30 5a", "not after its thisUpdate"},
    };
    EACH(next_update, next)
}

static void wrong_lists(void **state)
{
    (void)state;
    static const struct wrong lists[] = {
        {"30 00", ""}, /* RFC 5280 would leave it out */
        {"31 00", "extensions that are malformed"},
        {"30 80 00 00", "list of entries that is malformed"},
        {"30 81 00", "list of entries that is malformed"},
        {"30 83 10 00 00", "list of entries that is malformed"}, /* beyond what holds it */
        {"30 01 30", "entry 1 of the revocation list is malformed"},
        {"30 02 31 00", "entry 1 of the revocation list is malformed"},
        {"30 04 30 02 02 00", "serial number that is none"},
    };
    EACH(list, lists)
}

static void wrong_entries(void **state)
{
    (void)state;
    static const struct {
        const char *serial, *time, *extensions, *said;
    } entries[] = {
        {"0a", "261101000000Z", "", "is malformed"},
        {"00", "261101000000Z", NULL, "serial number that is none"},
        {"80", "261101000000Z", NULL, "serial number that is none"}, /* negative */
        {"00 01", "261101000000Z", NULL, "serial number that is none"},
        {"01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", "261101000000Z", NULL,
         "serial number that is none"},
        {"0a", "261101000000", NULL, "revocationDate that is none"},
        {"0a", "260229000000Z", NULL, "revocationDate that is none"},
        {"0a", "20260229000000Z", NULL, "revocationDate that is none"},
        {"0a", "261101000000Z", CRL_REASON("00"), ""},
        {"0a", "261101000000Z", CRL_REASON("0a"), ""},
        {"0a", "261101000000Z", CRL_REASON("07"), "reason that is not known"},
        {"0a", "261101000000Z", CRL_REASON("0b"), "reason that is not known"},
        {"0a", "261101000000Z", "30 0a 06 03 55 1d 15 04 03 02 01 01", "reason that is malformed"},
        {"0a", "261101000000Z", "30 0b 06 03 55 1d 15 04 04 0a 02 00 01",
         "reason that is malformed"},
        {"0a", "261101000000Z", CRL_REASON("01") CRL_REASON("06"), "extension twice"},
        {"0a", "261101000000Z", "30 0d 06 03 55 1d 15 01 01 ff 04 03 0a 01 01",
         "critical extension"},
        {"0a", "261101000000Z", "30 0d 06 03 55 1d 15 01 01 00 04 03 0a 01 01",
         "extension that is malformed"},
        {"0a", "261101000000Z", "30 09 06 03 55 1d 18 04 02 18 00", "invalidityDate"},
        {"0a", "261101000000Z", "30 09 06 03 55 1d 1d 04 02 30 00", "names another issuer"},
        {"0a", "261101000000Z", "30 08 06 02 2a 03 04 02 30 00", ""}, /* not known, not critical */
        {"0a", "261101000000Z", "30 0b 06 02 2a 03 01 01 ff 04 02 30 00", "critical extension"},
        {"0a", "261101000000Z", "30 08 06 02 2a 03 04 02 30 00 05 00",
         "extension that is malformed"},
    };
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        _cleanup_(cleanup_buffer) struct buffer content = {0};
        crl_der_entry(&content, "01", "261101000000Z", NULL);
        crl_der_entry(&content, entries[i].serial, entries[i].time, entries[i].extensions);
        const char *said = said_of_list(&(struct crl_der){.entries = buffer_bytes(&content)});
        if (*entries[i].said ? !strstr(said, entries[i].said) : *said)
            fail_msg("entry %zu: \"%s\"", i, said);
        if (*entries[i].said)
            assert_non_null(strstr(said, "entry 2 of the revocation list"));
    }
}

static void wrong_extensions(void **state)
{
    (void)state;
    static const struct wrong extensions[] = {
        {"", "no extensions"},
        {"30 08 06 02 2a 03 04 02 30 00", "no number (crlNumber)"},
        {CRL_NUMBER_1 CRL_NUMBER_1, "extension twice"},
        {"30 0a 06 03 55 1d 14 04 03 02 01 80", "number (crlNumber) that is none"},
        {"30 0b 06 03 55 1d 14 04 04 02 02 00 01", "number (crlNumber) that is none"},
        {"30 0a 06 03 55 1d 14 04 03 02 01 00", ""}, /* a number may be zero */
        {"30 1d 06 03 55 1d 14 04 16 02 14 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
         " 00 00",
         ""},
        {"30 1e 06 03 55 1d 14 04 17 02 15 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
         " 00 00 00",
         "number (crlNumber) that is none"},
        {CRL_NUMBER_1 "30 0a 06 03 55 1d 1b 04 03 02 01 01", "tells changes only"},
        {CRL_NUMBER_1 "30 0d 06 03 55 1d 1b 01 01 ff 04 03 02 01 01", "tells changes only"},
        {CRL_NUMBER_1 "30 0b 06 02 2a 03 01 01 ff 04 02 30 00", "critical extension that is not"},
        {CRL_NUMBER_1 "30 08 06 02 2a 03 04 02 30 00", ""},
        {CRL_NUMBER_1 "30 09 06 03 55 1d 23 04 02 31 00", "authorityKeyIdentifier"},
        {CRL_NUMBER_1 "30 0d 06 03 55 1d 23 04 06 30 04 80 02 aa bb", "not signed by a trust"},
        {CRL_NUMBER_1 "30 0b 06 03 55 1d 1c 04 04 30 80 00 00", "Point that is malformed"},
        {CRL_NUMBER_1 "30 09 06 03 55 1d 1c 04 02 30 00", "without a directoryName"},
        {CRL_NUMBER_1 "30 0c 06 03 55 1d 1c 04 05 30 03 84 01 ff", "not of the profile"},
        {CRL_NUMBER_1 "30 0c 06 03 55 1d 1c 04 05 30 03 82 01 ff", "not of the profile"},
        {CRL_NUMBER_1 "30 0c 06 03 55 1d 1c 04 05 30 03 85 01 ff", "not of the profile"},
        {CRL_NUMBER_1 "30 0d 06 03 55 1d 1c 04 06 30 04 83 02 06 40", "not of the profile"},
        {CRL_NUMBER_1 "05 00", "extension that is malformed"},
        {CRL_NUMBER_1 "30 09 06 03 55 1d db 04 02 30 00", "extension that is malformed"},
        {CRL_NUMBER_1 "30 09 06 03 55 80 01 04 02 30 00", "extension that is malformed"},
    };
    EACH(extensions, extensions)
    _cleanup_(cleanup_buffer) struct buffer many = {0};
    der_put_hex(&many, CRL_NUMBER_1);
    for (int i = 0; i < CRL_EXTENSIONS_MOST; i++) {
        assert_string_equal(said_of_list(&(struct crl_der){.extensions = buffer_bytes(&many)}), "");
        _cleanup_(cleanup_text) char *one = text_format("30 08 06 02 2a %02x 04 02 30 00", i);
        der_put_hex(&many, one);
    }
    assert_non_null(strstr(said_of_list(&(struct crl_der){.extensions = buffer_bytes(&many)}),
                           "too many extensions"));
}

static void wrong_signatures(void **state)
{
    (void)state;
    static const struct wrong signatures[] = {
        {"03 02 00 01", "not signed by a trust anchor"},
        {"03 02 01 02", "signature that is malformed"}, /* an unused bit */
        {"03 01 00", "signature that is malformed"},
        {"04 02 00 01", "signature that is malformed"},
        {"", "signature that is malformed"},
    };
    EACH(signature, signatures)
    static const struct wrong behind[] = {{"05 00", "something behind its signature"}};
    EACH(behind, behind)
}

/* The same name, another key: the key id says whose it would be, the signature says whose it is. */
static void wrong_issuers(void **state)
{
    (void)state;
    const struct crl_der list = {0};
    _cleanup_(cleanup_buffer) struct buffer by_stranger = {0}, by_next = {0}, crossed = {0};
    crl_der_make(&stranger, &list, &by_stranger);
    assert_non_null(strstr(said_of(buffer_bytes(&by_stranger)), "not signed by a trust anchor"));
    crl_der_make(&next_ca, &list, &by_next);
    assert_string_equal(said_of(buffer_bytes(&by_next)), "");
    /* Key id of `ca`, signed by `next_ca`. */
    const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(ca.certificate);
    _cleanup_(cleanup_buffer) struct buffer key_id = {0}, extensions = {0}, value = {0},
                                            extension = {0};
    der_put(&key_id, 0x80, bytes_of(ASN1_STRING_get0_data(id), (size_t)ASN1_STRING_length(id)));
    der_put(&value, 0x30, buffer_bytes(&key_id));
    der_put_hex(&extension, "06 03 55 1d 23");
    der_put(&extension, 0x04, buffer_bytes(&value));
    der_put_hex(&extensions, CRL_NUMBER_1);
    der_put(&extensions, 0x30, buffer_bytes(&extension));
    crl_der_make(&next_ca, &(struct crl_der){.extensions = buffer_bytes(&extensions)}, &crossed);
    assert_non_null(strstr(said_of(buffer_bytes(&crossed)), "not signed by a trust anchor"));
}

static void element_at_its_limit(void **state)
{
    (void)state;
    /* An entry of exactly CRL_ELEMENT_MOST, and of one octet more: an extension nobody knows. */
    for (size_t more = 0; more < 2; more++) {
        _cleanup_(cleanup_buffer) struct buffer filler = {0}, extension = {0}, extensions = {0},
                                                entry = {0}, entries = {0};
        size_t length = CRL_ELEMENT_MOST - 4 - 3 - 15 - 4 - 4 - 4 - 4 + more;
        memset(buffer_reserve(&filler, length), 0, length);
        buffer_commit(&filler, length);
        der_put_hex(&extension, "06 02 2a 03");
        der_put(&extension, 0x04, buffer_bytes(&filler));
        der_put(&extensions, 0x30, buffer_bytes(&extension));
        der_put_hex(&entry, "02 01 0a 17 0d 32 36 31 31 32 31 30 30 30 30 30 30 5a");
        der_put(&entry, 0x30, buffer_bytes(&extensions));
        der_put(&entries, 0x30, buffer_bytes(&entry));
        assert_int_equal(entries.length, CRL_ELEMENT_MOST + more);
        const char *said = said_of_list(&(struct crl_der){.entries = buffer_bytes(&entries)});
        if (more ? !strstr(said, "entry 1 of the revocation list is malformed") : *said)
            fail_msg("%zu: %s", more, said);
    }
}

static void a_sink_that_fails(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer entries = {0}, der = {0};
    for (int i = 1; i <= SEEN_MOST + 1; i++) {
        _cleanup_(cleanup_text) char *serial = text_format("%02x", i);
        crl_der_entry(&entries, serial, "261101000000Z", NULL);
    }
    crl_der_make(&ca, &(struct crl_der){.entries = buffer_bytes(&entries)}, &der);
    struct seen seen = {.count = 0};
    struct crl_facts facts;
    struct failure f = {0};
    assert_false(read_by(buffer_bytes(&der), 50, &seen, &facts, &f));
    assert_string_equal(f.text, "the sink is full");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_list),
        cmocka_unit_test(lists_of_openssl),
        cmocka_unit_test(in_pem),
        cmocka_unit_test(not_whole),
        cmocka_unit_test(wrong_heads),
        cmocka_unit_test(wrong_times),
        cmocka_unit_test(wrong_lists),
        cmocka_unit_test(wrong_entries),
        cmocka_unit_test(wrong_extensions),
        cmocka_unit_test(wrong_signatures),
        cmocka_unit_test(wrong_issuers),
        cmocka_unit_test(element_at_its_limit),
        cmocka_unit_test(a_sink_that_fails),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
