/* The made-up JPKI: serial numbers, validity, the ledger, what a CRL and OCSP say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ocsp.h>

#include "deploy/sandbox/jpki.h"

#define NOW (INT64_C(1795224000) * INSTANT_SECOND)

struct ground {
    char folder[64];
    struct jpki *jpki;
    EVP_PKEY *key;
};

static int ground_make(void **state)
{
    struct ground *ground = memory_allocate(sizeof *ground);
    struct failure f = {0};
    snprintf(ground->folder, sizeof ground->folder, "/tmp/sandbox-jpki-XXXXXX");
    if (!mkdtemp(ground->folder) || !jpki_init(ground->folder, NOW, &f) ||
        !jpki_open(ground->folder, true, &ground->jpki, &f))
        return -1;
    ground->key = key_make_rsa(&f);
    *state = ground;
    return ground->key ? 0 : -1;
}

static int ground_clear(void **state)
{
    static const char *const files[] = {"sign-1",  "sign-2", "sign-3", "auth",
                                        "foreign", "ocsp-2", "ocsp-3"};
    struct ground *ground = *state;
    char path[128];
    jpki_close(ground->jpki);
    EVP_PKEY_free(ground->key);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s.pem", ground->folder, files[i]);
        unlink(path);
        snprintf(path, sizeof path, "%s/%s.key", ground->folder, files[i]);
        unlink(path);
    }
    static const char *const others[] = {"sign-anchors.pem", "sign-anchors.pins", "ledger.csv",
                                         "crl-number"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        snprintf(path, sizeof path, "%s/%s", ground->folder, others[i]);
        unlink(path);
    }
    int left = rmdir(ground->folder);
    free(ground);
    return left;
}

static X509 *issue(struct ground *ground, enum jpki_ca ca, unsigned generation, uint64_t *serial)
{
    struct jpki_facts facts = {.name = "桜野　花子",
                               .sex = '2',
                               .birth_day = {1992, 4, 1},
                               .address = "試験県桜野市本町一丁目２番３号"};
    struct jpki_order order = {.ca = ca,
                               .generation = generation,
                               .partition = jpki_partition_find("sakurano"),
                               .facts = &facts,
                               .key = ground->key,
                               .issued = NOW - 100 * INSTANT_DAY};
    struct failure f = {0};
    X509 *made = jpki_issue(ground->jpki, &order, serial, &f);
    assert_non_null(made);
    return made;
}

static void fifth_birthday_ends_the_day_in_jst(void **state)
{
    (void)state;
    char text[INSTANT_TEXT];
    struct {
        struct day birth;
        const char *issued, *end;
    } cases[] = {
        {{1992, 4, 1}, "2024-03-31T10:00:00+09:00", "2028-04-01T23:59:59.000000+09:00"},
        {{1992, 4, 1}, "2024-04-01T10:00:00+09:00", "2029-04-01T23:59:59.000000+09:00"},
        {{1992, 4, 1}, "2024-03-31T15:30:00Z", "2029-04-01T23:59:59.000000+09:00"},
        {{1996, 2, 29}, "2024-02-28T10:00:00+09:00", "2028-02-29T23:59:59.000000+09:00"},
        {{1996, 2, 29}, "2024-03-01T10:00:00+09:00", "2029-02-28T23:59:59.000000+09:00"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        instant issued;
        assert_true(instant_parse(cases[i].issued, &issued));
        instant_text_jst(jpki_fifth_birthday(cases[i].birth, issued), text);
        assert_string_equal(text, cases[i].end);
    }
}

static void serials_count_up_and_survive(void **state)
{
    struct ground *ground = *state;
    struct failure f = {0};
    uint64_t first, second, login;
    X509_free(issue(ground, JPKI_SIGN, 3, &first));
    X509_free(issue(ground, JPKI_AUTH, 0, &login));
    X509_free(issue(ground, JPKI_SIGN, 3, &second));
    assert_int_equal(first, 0x07000000);
    assert_int_equal(second, first + 1);
    assert_int_equal(login, first); /* two counters: the number alone says nothing */
    assert_true(jpki_revoke(ground->jpki, JPKI_SIGN, second, NOW, CRL_REASON_KEY_COMPROMISE, &f));
    assert_true(jpki_ledger_save(ground->jpki, &f));
    assert_true(jpki_ledger_read(ground->jpki, &f));
    assert_int_equal(jpki_serial_next(ground->jpki, JPKI_SIGN, 3), second + 1);
    assert_int_equal(jpki_serial_next(ground->jpki, JPKI_AUTH, 0), login + 1);
    assert_int_equal(jpki_entry_find(ground->jpki, JPKI_SIGN, second)->revoked_at, NOW);
    assert_int_equal(jpki_entry_find(ground->jpki, JPKI_AUTH, login)->revoked_at, 0);
    assert_false(jpki_revoke(ground->jpki, JPKI_SIGN, 0x123, NOW, 0, &f));
}

/* The look-alike has the root's name, serial number and key id, and not its key. */
static void foreign_ca_looks_like_the_root(void **state)
{
    struct ground *ground = *state;
    X509 *root = ground->jpki->sign[3].certificate, *foreign = ground->jpki->foreign.certificate;
    uint64_t serial;
    assert_int_equal(X509_NAME_cmp(X509_get_subject_name(root), X509_get_subject_name(foreign)), 0);
    assert_int_equal(
        ASN1_OCTET_STRING_cmp(X509_get0_subject_key_id(root), X509_get0_subject_key_id(foreign)),
        0);
    _cleanup_(cleanup_x509) X509 *genuine = issue(ground, JPKI_SIGN, 3, &serial);
    assert_int_equal(X509_verify(genuine, ground->jpki->sign[3].key), 1);
    assert_int_equal(X509_verify(genuine, ground->jpki->sign[2].key), 0);
    assert_int_equal(X509_verify(genuine, ground->jpki->foreign.key), 0);
}

static int64_t crl_number(X509_CRL *crl)
{
    ASN1_INTEGER *value = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
    int64_t number = ASN1_INTEGER_get(value);
    ASN1_INTEGER_free(value);
    return number;
}

static X509_CRL *crl_make(struct ground *ground, const char *partition, unsigned generation,
                          instant now)
{
    struct buffer der = {0};
    struct failure f = {0};
    assert_true(
        jpki_crl_make(ground->jpki, jpki_partition_find(partition), generation, now, &der, &f));
    const uint8_t *at = der.data;
    X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)der.length);
    assert_non_null(crl);
    buffer_free(&der);
    return crl;
}

static void crl_lists_its_own_and_nothing_from_the_future(void **state)
{
    struct ground *ground = *state;
    struct failure f = {0};
    uint64_t serial;
    X509_REVOKED *found;
    _cleanup_(cleanup_x509) X509 *certificate = issue(ground, JPKI_SIGN, 2, &serial);
    assert_true(jpki_revoke(ground->jpki, JPKI_SIGN, serial, NOW, CRL_REASON_SUPERSEDED, &f));
    struct {
        const char *partition;
        unsigned generation;
        instant at;
        bool listed;
    } cases[] = {{"sakurano", 2, NOW, true},
                 {"sakurano", 2, NOW - INSTANT_SECOND, false},
                 {"sakurano", 3, NOW, false},
                 {"wakaba", 2, NOW, false}};
    int64_t before = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        _cleanup_(cleanup_crl) X509_CRL *crl =
            crl_make(ground, cases[i].partition, cases[i].generation, cases[i].at);
        assert_int_equal(X509_CRL_get0_by_cert(crl, &found, certificate), cases[i].listed);
        assert_int_equal(X509_CRL_verify(crl, ground->jpki->sign[cases[i].generation].key), 1);
        assert_true(crl_number(crl) > before);
        before = crl_number(crl);
    }
}

static int ocsp_status(struct ground *ground, OCSP_REQUEST *request, const OCSP_CERTID *id)
{
    struct jpki_responder *responder;
    struct buffer asked = {0}, answer = {0};
    struct failure f = {0};
    int length = i2d_OCSP_REQUEST(request, NULL);
    uint8_t *end = buffer_reserve(&asked, (size_t)length);
    i2d_OCSP_REQUEST(request, &end);
    buffer_commit(&asked, (size_t)length);
    assert_true(jpki_responder_open(ground->jpki, &responder, &f));
    assert_true(jpki_responder_answer(responder, ground->jpki, NULL, buffer_bytes(&asked), NOW,
                                      &answer, &f));
    jpki_responder_close(responder);
    const uint8_t *at = answer.data;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)answer.length);
    int status = -1;
    if (OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL) {
        OCSP_BASICRESP *basic = OCSP_response_get1_basic(response);
        assert_int_equal(OCSP_check_nonce(request, basic), 1);
        assert_int_equal(OCSP_resp_find_status(basic, (OCSP_CERTID *)(uintptr_t)id, &status, NULL,
                                               NULL, NULL, NULL),
                         1);
        OCSP_BASICRESP_free(basic);
    }
    OCSP_RESPONSE_free(response);
    buffer_free(&asked);
    buffer_free(&answer);
    return status;
}

static int ocsp_ask(struct ground *ground, const X509 *issuer, uint64_t serial)
{
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    ASN1_INTEGER_set_uint64(number, serial);
    OCSP_REQUEST *request = OCSP_REQUEST_new();
    OCSP_CERTID *id = OCSP_cert_id_new(EVP_sha1(), X509_get_subject_name(issuer),
                                       X509_get0_pubkey_bitstr(issuer), number);
    OCSP_request_add0_id(request, id);
    OCSP_request_add1_nonce(request, NULL, -1);
    int status = ocsp_status(ground, request, id);
    OCSP_REQUEST_free(request);
    ASN1_INTEGER_free(number);
    return status;
}

static void responder_knows_its_own_generation_only(void **state)
{
    struct ground *ground = *state;
    struct failure f = {0};
    uint64_t good, revoked, login;
    X509_free(issue(ground, JPKI_SIGN, 3, &good));
    X509_free(issue(ground, JPKI_SIGN, 3, &revoked));
    X509_free(issue(ground, JPKI_AUTH, 0, &login));
    assert_true(jpki_revoke(ground->jpki, JPKI_SIGN, revoked, NOW - 1, 0, &f));
    const X509 *third = ground->jpki->sign[3].certificate;
    const X509 *second = ground->jpki->sign[2].certificate;
    assert_int_equal(ocsp_ask(ground, third, good), V_OCSP_CERTSTATUS_GOOD);
    assert_int_equal(ocsp_ask(ground, third, revoked), V_OCSP_CERTSTATUS_REVOKED);
    assert_int_equal(ocsp_ask(ground, third, 0x07FFFFFF), V_OCSP_CERTSTATUS_UNKNOWN);
    assert_int_equal(ocsp_ask(ground, second, good), V_OCSP_CERTSTATUS_UNKNOWN);
    assert_int_equal(ocsp_ask(ground, ground->jpki->auth.certificate, login), -1);
    assert_int_equal(ocsp_ask(ground, ground->jpki->foreign.certificate, good), -1);
}

static void responder_answers_garbage(void **state)
{
    struct ground *ground = *state;
    struct jpki_responder *responder;
    struct failure f = {0};
    assert_true(jpki_responder_open(ground->jpki, &responder, &f));
    static const char *const requests[] = {"", "0", "\x30\x03\x30\x01\x30", "GET / HTTP/1.0"};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct buffer answer = {0};
        assert_true(jpki_responder_answer(responder, ground->jpki, NULL, bytes_of_text(requests[i]),
                                          NOW, &answer, &f));
        const uint8_t *at = answer.data;
        OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)answer.length);
        assert_int_equal(OCSP_response_status(response), OCSP_RESPONSE_STATUS_MALFORMEDREQUEST);
        OCSP_RESPONSE_free(response);
        buffer_free(&answer);
    }
    jpki_responder_close(responder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fifth_birthday_ends_the_day_in_jst),
        cmocka_unit_test(serials_count_up_and_survive), /* issues the first ones */
        cmocka_unit_test(foreign_ca_looks_like_the_root),
        cmocka_unit_test(crl_lists_its_own_and_nothing_from_the_future),
        cmocka_unit_test(responder_knows_its_own_generation_only),
        cmocka_unit_test(responder_answers_garbage),
    };
    return cmocka_run_group_tests(tests, ground_make, ground_clear); /* keys take long to make */
}
