/* signature/crl: which list speaks for which certificate, and what it says at the moment of
 * application. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "signature/crl.h"
#include "tests/support/pki.h"
#include "tests/support/trust.h"

DEFINE_CLEANUP(cleanup_checks, struct checks *, checks_free)
DEFINE_CLEANUP(cleanup_set, struct crl_set *, crl_set_free)

#define APPLIED  "2026-11-21T09:00:00+09:00"
#define AGE_MOST (3 * INSTANT_DAY)

static struct pki_ca ca, next_ca;
static struct trust *trust;

static int make_ca(void **state)
{
    (void)state;
    ca = pki_ca_make((struct pki_ca_options){0});
    next_ca = pki_ca_make((struct pki_ca_options){.number = 1});
    trust = trust_of((X509 *[]){ca.certificate, next_ca.certificate}, 2);
    return 0;
}

static int free_ca(void **state)
{
    (void)state;
    trust_free(trust);
    pki_ca_free(&ca);
    pki_ca_free(&next_ca);
    return 0;
}

static instant at(const char *text)
{
    instant moment;
    assert_true(instant_parse(text, &moment));
    return moment;
}

/* Issued an hour after the application, for a day. */
static struct pki_crl fresh(void)
{
    return (struct pki_crl){.from = at(APPLIED) + 3600 * INSTANT_SECOND,
                            .to = at(APPLIED) + INSTANT_DAY};
}

static void add(struct crl_set *set, const struct pki_ca *by, const struct pki_crl *crl)
{
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    struct failure f = {0};
    pki_crl_make(by, crl, &der);
    if (!crl_set_add(set, buffer_bytes(&der), trust, &f))
        fail_msg("%s", f.text);
}

/* The result of the certificate (by `ca`, serial 0a) two hours after the application. */
static const char *judged_with(const struct crl_set *set, const struct pki_end *end, instant now,
                               json_t **ret_evidence)
{
    static char reason[64];
    _cleanup_(cleanup_checks) struct checks *checks = checks_new();
    _cleanup_(cleanup_x509) X509 *x509 = pki_issue(&ca, pki_key(PKI_RSA_2048, 1), end);
    struct certificate certificate = {.x509 = x509};
    json_t *evidence = NULL;
    const struct crl_question question = {
        .set = set, .trust = trust, .applied_at = at(APPLIED), .now = now, .age_most = AGE_MOST};
    bool passed = crl_judge(&question, &certificate, checks, &evidence);
    assert_true(passed == (checks_indication(checks) == TOTAL_PASSED));
    snprintf(reason, sizeof reason, "%s", passed ? "" : checks_reason(checks));
    if (ret_evidence)
        *ret_evidence = evidence;
    else
        json_decref(evidence);
    return reason;
}

static const char *judged(const struct crl_set *set)
{
    return judged_with(set, &(struct pki_end){.serial = "0a"}, at(APPLIED) + 7200 * INSTANT_SECOND,
                       NULL);
}

static const char *judged_by(const struct pki_crl *crl)
{
    _cleanup_(cleanup_set) struct crl_set *set = crl_set_new();
    add(set, &ca, crl);
    return judged(set);
}

static void revoked_before_and_after(void **state)
{
    (void)state;
    struct pki_crl crl = fresh();
    assert_string_equal(judged_by(&crl), "");
    crl.revoked[0].serial = "0b";
    crl.revoked[0].date = at(APPLIED) - INSTANT_DAY;
    assert_string_equal(judged_by(&crl), "");
    crl.revoked[1].serial = "0a";
    crl.revoked[1].date = at(APPLIED);
    assert_string_equal(judged_by(&crl), "certificate-revoked");
    crl.revoked[1].date = at(APPLIED) - INSTANT_DAY;
    assert_string_equal(judged_by(&crl), "certificate-revoked");
    crl.revoked[1].date = at(APPLIED) + INSTANT_SECOND; /* he moved: that is what he applied for */
    assert_string_equal(judged_by(&crl), "");
}

static void only_data_issued_after(void **state)
{
    (void)state;
    struct pki_crl crl = fresh();
    crl.from = at(APPLIED) - INSTANT_SECOND;
    assert_string_equal(judged_by(&crl), "revocation-not-yet");
    crl.from = at(APPLIED); /* of the same second: it may have been closed before */
    assert_string_equal(judged_by(&crl), "revocation-not-yet");
    crl.from = at(APPLIED) + INSTANT_SECOND;
    assert_string_equal(judged_by(&crl), "");
    /* What was revoked already is revoked, however old the list. */
    crl.from = at(APPLIED) - INSTANT_DAY;
    crl.revoked[0].serial = "0a";
    crl.revoked[0].date = at(APPLIED) - 2 * INSTANT_DAY;
    assert_string_equal(judged_by(&crl), "certificate-revoked");
}

/* A list from the future would be newer than every application. */
static void a_list_still_to_come(void **state)
{
    (void)state;
    struct pki_crl crl = fresh();
    instant now = at(APPLIED) + 7200 * INSTANT_SECOND;
    crl.to = at(APPLIED) + 365 * INSTANT_DAY;
    crl.from = now + 300 * INSTANT_SECOND; /* as far as clocks may differ */
    assert_string_equal(judged_by(&crl), "");
    crl.from = now + 301 * INSTANT_SECOND;
    assert_string_equal(judged_by(&crl), "revocation-not-yet");
    crl.revoked[0].serial = "0a";
    crl.revoked[0].date = at(APPLIED);
    assert_string_equal(judged_by(&crl), "certificate-revoked");
}

static void of_several_entries_the_earliest(void **state)
{
    (void)state;
    struct pki_crl crl = fresh();
    for (size_t i = 0; i < 6; i++) {
        crl.revoked[i].serial = i < 3 ? "0a" : "09";
        crl.revoked[i].date = at(APPLIED) + 60 * INSTANT_SECOND;
    }
    assert_string_equal(judged_by(&crl), "");
    for (size_t i = 0; i < 3; i++) {
        crl.revoked[i].date = at(APPLIED) - INSTANT_DAY;
        assert_string_equal(judged_by(&crl), "certificate-revoked");
        crl.revoked[i].date = at(APPLIED) + 60 * INSTANT_SECOND;
    }
}

/* To the first entry. */
static void add_to_entry(X509_CRL *crl, int nid, void *value)
{
    X509_REVOKED *entry = sk_X509_REVOKED_value(X509_CRL_get_REVOKED(crl), 0);
    assert_int_equal(X509_REVOKED_add1_ext_i2d(entry, nid, value, 0, X509V3_ADD_APPEND), 1);
}

static void add_reason(X509_CRL *crl, int code)
{
    ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
    assert_int_equal(ASN1_ENUMERATED_set(reason, code), 1);
    add_to_entry(crl, NID_crl_reason, reason);
    ASN1_ENUMERATED_free(reason);
}

static void add_hold(X509_CRL *crl)
{
    add_reason(crl, CRL_REASON_CERTIFICATE_HOLD);
}

static void add_key_compromise(X509_CRL *crl)
{
    add_reason(crl, CRL_REASON_KEY_COMPROMISE);
}

static void add_removal(X509_CRL *crl)
{
    add_reason(crl, CRL_REASON_REMOVE_FROM_CRL);
}

/* 一時保留: the card was reported lost, and may turn up again. */
static void suspended_is_not_revoked(void **state)
{
    (void)state;
    struct pki_crl crl = fresh();
    crl.revoked[0].serial = "0a";
    crl.revoked[0].date = at(APPLIED) - INSTANT_DAY;
    crl.change = add_hold;
    assert_string_equal(judged_by(&crl), "revocation-on-hold");
    crl.revoked[0].date = at(APPLIED) + INSTANT_SECOND;
    assert_string_equal(judged_by(&crl), "");
    crl.revoked[0].date = at(APPLIED) - INSTANT_DAY;
    crl.change = add_key_compromise;
    assert_string_equal(judged_by(&crl), "certificate-revoked");
    crl.change = add_removal; /* only for lists of changes; here it says that he is on the list */
    assert_string_equal(judged_by(&crl), "certificate-revoked");
    crl.change = add_hold; /* one entry says hold, the other does not */
    crl.revoked[1] = crl.revoked[0];
    assert_string_equal(judged_by(&crl), "certificate-revoked");
}

static void stale_at_its_edge(void **state)
{
    (void)state;
    _cleanup_(cleanup_set) struct crl_set *set = crl_set_new();
    struct pki_crl crl = fresh();
    struct pki_end end = {.serial = "0a"};
    add(set, &ca, &crl);
    assert_string_equal(judged_with(set, &end, crl.to, NULL), "");
    assert_string_equal(judged_with(set, &end, crl.from + AGE_MOST, NULL), "");
    assert_string_equal(judged_with(set, &end, crl.from + AGE_MOST + 1, NULL), "revocation-stale");
}

/* Applied in its last hour; judged on lists of the days behind. */
static void silence_about_the_expired_is_no_answer(void **state)
{
    (void)state;
    struct pki_end end = {.serial = "0a", .to = at(APPLIED) + 3600 * INSTANT_SECOND};
    struct pki_crl crl = fresh();
    static const char *const reasons[] = {"", "revocation-expired"};
    for (size_t late = 0; late < 2; late++) {
        _cleanup_(cleanup_set) struct crl_set *set = crl_set_new();
        crl.from = end.to + INSTANT_DAY + (instant)late * INSTANT_SECOND;
        crl.to = crl.from + INSTANT_DAY;
        add(set, &ca, &crl);
        assert_string_equal(judged_with(set, &end, crl.from, NULL), reasons[late]);
    }
    _cleanup_(cleanup_set) struct crl_set *telling = crl_set_new();
    crl.revoked[0].serial = "0a"; /* what it does say counts */
    crl.revoked[0].date = at(APPLIED) - INSTANT_DAY;
    add(telling, &ca, &crl);
    assert_string_equal(judged_with(telling, &end, crl.from, NULL), "certificate-revoked");
}

static void lists_speak_for_their_own(void **state)
{
    (void)state;
    _cleanup_(cleanup_set) struct crl_set *set = crl_set_new();
    struct pki_crl crl = fresh();
    instant now = at(APPLIED) + 7200 * INSTANT_SECOND;
    assert_string_equal(judged(set), "revocation-unavailable");
    crl.city = PKI_OTHER_CITY;
    add(set, &ca, &crl); /* another municipality's */
    assert_string_equal(judged(set), "revocation-unavailable");
    crl.city = PKI_CITY;
    add(set, &next_ca, &crl); /* another generation's */
    assert_string_equal(judged(set), "revocation-unavailable");
    assert_int_equal(crl_set_count(set), 2);
    add(set, &ca, &crl);
    assert_string_equal(judged(set), "");
    struct pki_end pointless = {.serial = "0a", .city = ""};
    assert_string_equal(judged_with(set, &pointless, now, NULL), "revocation-unavailable");
    crl.city = ""; /* of all that the generation issued */
    crl.revoked[0].serial = "0a";
    crl.revoked[0].date = at(APPLIED) - INSTANT_DAY;
    add(set, &ca, &crl);
    assert_string_equal(judged_with(set, &pointless, now, NULL), "certificate-revoked");
    assert_int_equal(crl_set_count(set), 4);
}

static void the_higher_number_stays(void **state)
{
    (void)state;
    _cleanup_(cleanup_set) struct crl_set *set = crl_set_new();
    struct pki_crl old = fresh(), young = fresh();
    old.number = 255;
    young.number = 256;
    young.revoked[0].serial = "0a";
    young.revoked[0].date = at(APPLIED) - INSTANT_DAY;
    add(set, &ca, &young);
    add(set, &ca, &old);
    assert_int_equal(crl_set_count(set), 1);
    assert_string_equal(judged(set), "certificate-revoked");
    young.number = 257;
    young.revoked[0].serial = NULL;
    add(set, &ca, &young);
    assert_string_equal(judged(set), "");
}

static void of_one_number_the_later_stays(void **state)
{
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        _cleanup_(cleanup_set) struct crl_set *set = crl_set_new();
        struct pki_crl early = fresh(), late = fresh();
        late.from += INSTANT_SECOND;
        late.revoked[0].serial = "0a";
        late.revoked[0].date = at(APPLIED);
        add(set, &ca, turn ? &early : &late);
        add(set, &ca, turn ? &late : &early);
        assert_string_equal(judged(set), "certificate-revoked");
    }
}

static void evidence(void **state)
{
    (void)state;
    _cleanup_(cleanup_set) struct crl_set *set = crl_set_new();
    _cleanup_(cleanup_json) json_t *json = NULL;
    struct pki_end end = {.serial = "0a"};
    instant now = at(APPLIED) + 7200 * INSTANT_SECOND;
    judged_with(set, &end, now, &json);
    assert_null(json);
    struct pki_crl crl = fresh();
    crl.number = 0x1234;
    add(set, &ca, &crl);
    judged_with(set, &end, now, &json);
    assert_string_equal(json_string_value(json_object_get(json, "kind")), "crl");
    assert_string_equal(json_string_value(json_object_get(json, "number")), "1234");
    assert_int_equal(strlen(json_string_value(json_object_get(json, "tbs_sha256"))), 64);
    assert_string_equal(json_string_value(json_object_get(json, "index_sha256")),
                        crl_index_sha256(crl_set_at(set, 0)));
    assert_string_equal(json_string_value(json_object_get(json, "this_update")),
                        "2026-11-21T10:00:00.000000+09:00");
}

static bool check_der(const struct pki_ca *by, const struct pki_crl *crl, struct crl_facts *facts)
{
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    struct failure f = {0};
    pki_crl_make(by, crl, &der);
    struct crl_index *index = NULL;
    bool checked = crl_index_of_list(buffer_bytes(&der), trust, &index, &f);
    assert_true(checked || f.kind == FAILURE_INPUT);
    if (checked)
        *facts = *crl_index_facts(index);
    crl_index_free(index);
    return checked;
}

static void set_version_1(X509_CRL *crl)
{
    X509_CRL_set_version(crl, X509_CRL_VERSION_1);
}

static void add_delta(X509_CRL *crl)
{
    ASN1_INTEGER *base = ASN1_INTEGER_new();
    ASN1_INTEGER_set(base, 1);
    X509_CRL_add1_ext_i2d(crl, NID_delta_crl, base, 1, X509V3_ADD_APPEND);
    ASN1_INTEGER_free(base);
}

static void add_delta_quietly(X509_CRL *crl)
{
    add_delta(crl);
    X509_EXTENSION_set_critical(
        X509_CRL_get_ext(crl, X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1)), 0);
}

/* The entry, and those behind it, are another issuer's. */
static void add_other_issuer(X509_CRL *crl)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(name, GEN_DIRNAME, pki_point_name(PKI_OTHER_CITY));
    sk_GENERAL_NAME_push(names, name);
    add_to_entry(crl, NID_certificate_issuer, names);
    GENERAL_NAMES_free(names);
}

static void add_reason_twice(X509_CRL *crl)
{
    add_hold(crl);
    add_key_compromise(crl);
}

static void lists_that_are_no_good(void **state)
{
    (void)state;
    struct crl_facts facts = {0};
    struct pki_crl crl = fresh();
    crl.revoked[0].serial = "0b";
    crl.revoked[0].date = at(APPLIED);
    assert_true(check_der(&ca, &crl, &facts));
    assert_int_equal(facts.entries, 1);
    assert_string_equal(facts.number, "01");
    assert_non_null(strstr(facts.partition, "CN=Sakurano-shi CRLDP"));
    assert_true(facts.this_update == crl.from && facts.next_update == crl.to);
    struct pki_ca stranger = pki_ca_make((struct pki_ca_options){.number = 3});
    assert_false(check_der(&stranger, &crl, &facts));
    pki_ca_free(&stranger);
    struct pki_crl bad = crl;
    bad.number = -1;
    assert_false(check_der(&ca, &bad, &facts));
    bad = crl;
    bad.to = bad.from;
    assert_false(check_der(&ca, &bad, &facts));
    bad = crl;
    bad.digest = "SHA1";
    assert_false(check_der(&ca, &bad, &facts));
    bad = crl;
    bad.change = set_version_1;
    assert_false(check_der(&ca, &bad, &facts));
    void (*const changes[])(X509_CRL *) = {add_delta, add_delta_quietly, add_other_issuer,
                                           add_reason_twice};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        bad.change = changes[i];
        if (check_der(&ca, &bad, &facts))
            fail_msg("taken: change %zu", i);
    }
    static const char *const points[] = {"critical,onlyuser:TRUE",
                                         "critical,onlyCA:TRUE",
                                         "critical,onlyAA:TRUE",
                                         "critical,indirectCRL:TRUE",
                                         "critical,onlysomereasons:keyCompromise",
                                         "critical,fullname:URI:http://x/"};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        bad = crl;
        bad.idp = points[i];
        if (check_der(&ca, &bad, &facts))
            fail_msg("taken: %s", points[i]);
    }
}

static void write_file(const char *path, struct bytes bytes, bool pem)
{
    _cleanup_(cleanup_file) FILE *file = fopen(path, "w");
    const uint8_t *der = bytes.data;
    _cleanup_(cleanup_crl) X509_CRL *crl =
        pem ? d2i_X509_CRL(NULL, &der, (long)bytes.length) : NULL;
    assert_non_null(file);
    assert_true(pem ? PEM_write_X509_CRL(file, crl)
                    : fwrite(bytes.data, 1, bytes.length, file) == bytes.length);
}

static void lists_in_files(void **state)
{
    (void)state;
    char path[] = "/tmp/uketsuke-crl-XXXXXX";
    _cleanup_(cleanup_fd) int fd = mkstemp(path);
    assert_true(fd >= 0);
    _cleanup_(cleanup_set) struct crl_set *set = crl_set_new();
    _cleanup_(cleanup_buffer) struct buffer one = {0}, two = {0};
    struct pki_crl crl = fresh();
    struct failure f = {0};
    pki_crl_make(&ca, &crl, &one);
    crl.city = PKI_OTHER_CITY;
    pki_crl_make(&ca, &crl, &two);
    write_file(path, buffer_bytes(&one), false);
    assert_true(crl_set_add_file(set, path, trust, &f));
    write_file(path, buffer_bytes(&two), true);
    assert_true(crl_set_add_file(set, path, trust, &f));
    assert_int_equal(crl_set_count(set), 2);
    assert_string_equal(judged(set), "");
    write_file(path, bytes_of_text("nonsense"), false);
    assert_false(crl_set_add_file(set, path, trust, &f));
    assert_non_null(strstr(f.text, path));
    unlink(path);
    assert_false(crl_set_add_file(set, path, trust, &f));
    assert_int_equal(f.kind, FAILURE_SYSTEM);
    assert_int_equal(crl_set_count(set), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(revoked_before_and_after),
        cmocka_unit_test(only_data_issued_after),
        cmocka_unit_test(stale_at_its_edge),
        cmocka_unit_test(lists_speak_for_their_own),
        cmocka_unit_test(the_higher_number_stays),
        cmocka_unit_test(evidence),
        cmocka_unit_test(lists_that_are_no_good),
        cmocka_unit_test(lists_in_files),
        cmocka_unit_test(a_list_still_to_come),
        cmocka_unit_test(of_several_entries_the_earliest),
        cmocka_unit_test(suspended_is_not_revoked),
        cmocka_unit_test(silence_about_the_expired_is_no_answer),
        cmocka_unit_test(of_one_number_the_later_stays),
    };
    return cmocka_run_group_tests(tests, make_ca, free_ca);
}
