/* intake/ocsp: asking responders over HTTP, one after the other, with breakers and a cache. */
#include <openssl/ocsp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/http_server.h"
#include "intake/examine.h"
#include "intake/ocsp.h"
#include "intake/ocsp_cache.h"
#include "tests/support/ocsp.h"
#include "tests/unit/check.h"

#define HOUR (3600 * INSTANT_SECOND)

enum mode {
    GOOD,
    WITHOUT_NONCE,
    ANOTHER_NONCE,
    UNAUTHORIZED,
    TRY_LATER,
    STATUS_500,
    EMPTY,
    GARBAGE,
    LONG,
    SILENT
};

static struct responder { /* a server */
    struct http_server *server;
    enum mode mode;
    int asked;
    char url[64];
} servers[2];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct pki_ca ca;
static X509 *residents[4];
static struct buffer ids[4];
static instant applied;

/* Of the certificate that the request asks for; with the request's nonce. */
static void respond(struct http_request *request, enum mode mode, struct buffer *ret_der)
{
    struct bytes body = http_request_body(request);
    const uint8_t *at = body.data;
    OCSP_REQUEST *asked = d2i_OCSP_REQUEST(NULL, &at, (long)body.length);
    int where = OCSP_REQUEST_get_ext_by_NID(asked, NID_id_pkix_OCSP_Nonce, -1);
    struct pki_ocsp order = {.issuer = ca.certificate,
                             .signer = ca.certificate,
                             .key = ca.key,
                             .this_update = applied + HOUR,
                             .next_update = applied + 3 * HOUR};
    for (size_t i = 0; i < 4; i++) {
        OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha256(), residents[i], ca.certificate);
        if (OCSP_id_cmp(id, OCSP_onereq_get0_id(OCSP_request_onereq_get0(asked, 0))) == 0)
            order.about = residents[i];
        OCSP_CERTID_free(id);
    }
    if (where >= 0 && mode == GOOD) {
        ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(OCSP_REQUEST_get_ext(asked, where));
        order.nonce = bytes_of(ASN1_STRING_get0_data(value) + 2, OCSP_NONCE_BYTES);
    }
    static const uint8_t another[OCSP_NONCE_BYTES] = {1};
    if (mode == ANOTHER_NONCE)
        order.nonce = bytes_of(another, sizeof another);
    order.error = mode == UNAUTHORIZED ? OCSP_RESPONSE_STATUS_UNAUTHORIZED
                  : mode == TRY_LATER  ? OCSP_RESPONSE_STATUS_TRYLATER
                                       : 0;
    pki_ocsp_make(&order, ret_der);
    OCSP_REQUEST_free(asked);
}

static enum http_flow ocsp_post(struct http_request *request, void *context)
{
    struct responder *responder = context;
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    static const uint8_t zeros[OCSP_RESPONSE_MAX + 1];
    static const char type[] = "application/ocsp-response";
    if (responder->mode == SILENT && !http_request_expired(request)) {
        if (!http_request_kept(request))
            responder->asked++;
        http_request_keep(request, responder, NULL);
        return http_request_wait(request, 30 * INSTANT_SECOND);
    }
    pthread_mutex_lock(&lock);
    responder->asked++;
    respond(request, responder->mode, &der);
    pthread_mutex_unlock(&lock);
    switch (responder->mode) {
    case STATUS_500:
        return http_reply_bytes(request, 500, type, buffer_bytes(&der));
    case EMPTY:
        return http_reply_bytes(request, 200, type, (struct bytes){0});
    case GARBAGE:
        return http_reply_bytes(request, 200, type, bytes_of_text("busy"));
    case LONG:
        return http_reply_bytes(request, 200, type, bytes_of(zeros, sizeof zeros));
    default:
        return http_reply_bytes(request, 200, type, buffer_bytes(&der));
    }
}

static const struct http_route routes[] = {{"POST", "/ocsp", ocsp_post, 64 * 1024}};

static void server_start(struct responder *responder)
{
    struct failure f = {0};
    const struct http_server_options options = {
        .address = "127.0.0.1:0", .routes = routes, .route_count = 1, .context = responder};
    if (!http_server_start(&options, &responder->server, &f))
        fail_msg("%s", f.text);
    snprintf(responder->url, sizeof responder->url, "http://127.0.0.1:%u/ocsp",
             http_server_port(responder->server));
}

static int make_all(void **state)
{
    (void)state;
    assert_true(instant_parse("2026-11-21T09:00:00+09:00", &applied));
    clock_fix(applied + 2 * HOUR);
    ca = pki_ca_make((struct pki_ca_options){.kind = PKI_EC_P256});
    for (int i = 0; i < 4; i++) {
        const char *const serials[] = {"0a", "0b", "0c", "0d"};
        residents[i] =
            pki_issue(&ca, pki_key(PKI_EC_P256, 1), &(struct pki_end){.serial = serials[i]});
        ocsp_certid(residents[i], ca.certificate, OCSP_HASH_SHA256, &ids[i]);
    }
    server_start(&servers[0]);
    server_start(&servers[1]);
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        http_server_stop(servers[i].server);
    for (int i = 0; i < 4; i++) {
        X509_free(residents[i]);
        buffer_free(&ids[i]);
    }
    pki_ca_free(&ca);
    clock_fix(0);
    return 0;
}

static struct config *config_of(const char *text)
{
    const struct config_section *const sections[] = {&revocation_config_section};
    struct config *config;
    struct failure f = {0};
    if (!config_parse("test.conf", bytes_of_text(text), sections, 1, &config, &f))
        fail_msg("%s", f.text);
    return config;
}

/* `servers` as many, and more keys. */
static struct ocsp_client *client_of(size_t responders, const char *keys)
{
    _cleanup_(cleanup_text) char *text =
        text_format("[revocation]\nocsp-url = %s %s\nocsp-timeout = 400ms\n%s", servers[0].url,
                    responders > 1 ? servers[1].url : "", keys);
    struct config *config = config_of(text);
    struct ocsp_client *client;
    struct failure f = {0};
    if (!ocsp_client_open(config, &client, &f))
        fail_msg("%s", f.text);
    config_free(config);
    return client;
}

/* Asks for one certificate; gives its trouble, "response" or "cached". */
static const char *ask(struct ocsp_client *client, int resident)
{
    struct ocsp_errand errand = {.certid = buffer_bytes(&ids[resident]), .applied_at = applied};
    ocsp_client_ask(client, &errand, 1);
    const char *result = errand.cached                ? "cached"
                         : errand.response.length > 0 ? "response"
                                                      : errand.trouble;
    ocsp_errand_free(&errand);
    return result;
}

static void modes(enum mode first, enum mode second)
{
    servers[0].mode = first;
    servers[1].mode = second;
    servers[0].asked = servers[1].asked = 0;
}

/* --- configuration ---------------------------------------------------------------------------- */

static void test_policy(void **state)
{
    static const struct {
        const char *keys;
        enum revocation_method method;
    } cases[] = {
        {"", REVOCATION_CRL_ONLY}, /* nobody to ask */
        {"method = ocsp-then-crl\n", REVOCATION_CRL_ONLY},
        {"ocsp-url = http://ocsp.example/\n", REVOCATION_OCSP_THEN_CRL},
        {"ocsp-url = http://ocsp.example/\nmethod = ocsp-only\n", REVOCATION_OCSP_ONLY},
        {"ocsp-url = http://ocsp.example/\nmethod = crl-only\n", REVOCATION_CRL_ONLY},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        _cleanup_(cleanup_text) char *text = text_format("[revocation]\n%s", cases[i].keys);
        struct config *config = config_of(text);
        struct revocation_policy policy;
        struct ocsp_client *client;
        assert_true(revocation_policy_read(config, &policy, NULL));
        assert_int_equal(policy.method, cases[i].method);
        assert_false(policy.ocsp.nonce_required);
        assert_false(policy.ocsp.nocheck_dispensed);
        assert_true(ocsp_client_open(config, &client, NULL));
        assert_int_equal(client == NULL, cases[i].method == REVOCATION_CRL_ONLY);
        ocsp_client_close(client);
        config_free(config);
    }
}

static void test_policy_that_cannot_be(void **state)
{
    static const char *const cases[][2] = {
        {"method = ocsp-only\n", "no ocsp-url"},
        {"ocsp-url = ldap://ocsp.example\n", "must begin with https://"},
        {"ocsp-url = https://ocsp.example\n", "needs the CA"},
        {"ocsp-url = http://a http://b http://c http://d http://e\n", "more than 4"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        _cleanup_(cleanup_text) char *text = text_format("[revocation]\n%s", cases[i][0]);
        struct config *config = config_of(text);
        struct ocsp_client *client;
        struct failure f = {0};
        assert_false(ocsp_client_open(config, &client, &f));
        assert_failure(f, FAILURE_USAGE, cases[i][1]);
        config_free(config);
    }
}

/* --- asking ----------------------------------------------------------------------------------- */

static enum indication judged(const struct ocsp_errand *errand, X509 *resident)
{
    const struct ocsp_policy policy = {.age_most = INSTANT_DAY, .nonce_required = true};
    const struct ocsp_question question = {resident, ca.certificate, &policy, applied, clock_now()};
    const struct ocsp_answer answer = ocsp_errand_answer(errand);
    struct checks *checks = checks_new();
    json_t *evidence;
    ocsp_judge(&question, &answer, checks, &evidence);
    enum indication indication = checks_indication(checks);
    json_decref(evidence);
    checks_free(checks);
    return indication;
}

static void test_each_gets_its_own(void **state)
{
    struct ocsp_errand errands[4] = {0};
    struct ocsp_client *client = client_of(1, "ocsp-parallel = 2\n");
    (void)state;
    modes(GOOD, GOOD);
    for (int i = 0; i < 4; i++)
        errands[i] = (struct ocsp_errand){.certid = buffer_bytes(&ids[i]), .applied_at = applied};
    ocsp_client_ask(client, errands, 4);
    assert_int_equal(servers[0].asked, 4);
    for (int i = 0; i < 4; i++) {
        assert_null(errands[i].trouble);
        assert_int_equal(judged(&errands[i], residents[i]), TOTAL_PASSED);
        assert_int_equal(judged(&errands[i], residents[(i + 1) % 4]), INDETERMINATE);
        assert_memory_not_equal(errands[i].nonce, errands[(i + 1) % 4].nonce, OCSP_NONCE_BYTES);
    }
    for (int i = 0; i < 4; i++)
        ocsp_errand_free(&errands[i]);
    ocsp_client_close(client);
}

static void test_troubles(void **state)
{
    static const struct {
        enum mode mode;
        const char *result;
    } cases[] = {
        {GOOD, "response"},      {UNAUTHORIZED, "response"}, /* what it says is judged elsewhere */
        {TRY_LATER, "response"}, {GARBAGE, "response"},      {STATUS_500, "ocsp-http"},
        {EMPTY, "ocsp-http"},    {LONG, "ocsp-too-long"},    {SILENT, "ocsp-timeout"},
    };
    struct ocsp_client *client = client_of(1, "ocsp-failures-most = 100\n");
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        modes(cases[i].mode, GOOD);
        int64_t begun = clock_monotonic();
        assert_string_equal(ask(client, 0), cases[i].result);
        assert_true(clock_monotonic() - begun < INSTANT_SECOND);
        assert_int_equal(servers[0].asked, 1);
    }
    ocsp_client_close(client);
}

static void test_certid_that_is_none(void **state)
{
    struct ocsp_client *client = client_of(1, "");
    struct ocsp_errand errands[2] = {{.certid = bytes_of_text("none"), .applied_at = applied},
                                     {.certid = buffer_bytes(&ids[0]), .applied_at = applied}};
    (void)state;
    modes(GOOD, GOOD);
    ocsp_client_ask(client, errands, 2);
    assert_string_equal(errands[0].trouble, "ocsp-not-asked");
    assert_int_equal(judged(&errands[1], residents[0]), TOTAL_PASSED);
    ocsp_errand_free(&errands[0]);
    ocsp_errand_free(&errands[1]);
    ocsp_client_close(client);
}

static void test_nobody_listens(void **state)
{
    struct responder gone = {0};
    (void)state;
    server_start(&gone);
    http_server_stop(gone.server);
    _cleanup_(cleanup_text) char *text = text_format("[revocation]\nocsp-url = %s\n", gone.url);
    struct config *config = config_of(text);
    struct ocsp_client *client;
    assert_true(ocsp_client_open(config, &client, NULL));
    assert_string_equal(ask(client, 0), "ocsp-unreachable");
    ocsp_client_close(client);
    config_free(config);
}

static void test_the_next_responder(void **state)
{
    static const enum mode failing[] = {TRY_LATER, GARBAGE, STATUS_500, EMPTY, LONG, SILENT};
    struct ocsp_client *client = client_of(2, "ocsp-failures-most = 100\n");
    (void)state;
    for (size_t i = 0; i < sizeof failing / sizeof *failing; i++) {
        struct ocsp_errand errand = {.certid = buffer_bytes(&ids[1]), .applied_at = applied};
        modes(failing[i], GOOD);
        ocsp_client_ask(client, &errand, 1);
        assert_int_equal(servers[1].asked, 1);
        assert_int_equal(judged(&errand, residents[1]), TOTAL_PASSED);
        ocsp_errand_free(&errand);
    }
    modes(GOOD, GOOD);
    assert_string_equal(ask(client, 1), "response");
    assert_int_equal(servers[1].asked, 0);
    modes(TRY_LATER, SILENT); /* better than nothing: what the first said */
    assert_string_equal(ask(client, 1), "response");
    ocsp_client_close(client);
}

/* --- breaker ---------------------------------------------------------------------------------- */

static void test_breaker(void **state)
{
    struct ocsp_client *client = client_of(1, "ocsp-failures-most = 2\nocsp-rest = 300ms\n");
    (void)state;
    modes(STATUS_500, GOOD);
    for (int i = 0; i < 2; i++)
        assert_string_equal(ask(client, 0), "ocsp-http");
    assert_string_equal(ask(client, 0), "ocsp-breaker-open");
    assert_int_equal(servers[0].asked, 2); /* the third was not sent */
    usleep(310 * 1000);
    assert_string_equal(ask(client, 0), "ocsp-http"); /* the trial */
    assert_string_equal(ask(client, 0), "ocsp-breaker-open");
    usleep(310 * 1000);
    modes(GOOD, GOOD);
    assert_string_equal(ask(client, 0), "response");
    assert_string_equal(ask(client, 1), "response");
    ocsp_client_close(client);
}

static void test_one_tries_for_all(void **state)
{
    struct ocsp_errand errands[4] = {0};
    struct ocsp_client *client = client_of(1, "ocsp-failures-most = 1\nocsp-rest = 100ms\n");
    (void)state;
    for (int working = 0; working < 2; working++) {
        modes(STATUS_500, GOOD);
        if (working == 0)
            assert_string_equal(ask(client, 0), "ocsp-http");
        usleep(110 * 1000);
        modes(working ? GOOD : STATUS_500, GOOD);
        for (int i = 0; i < 4; i++)
            errands[i] =
                (struct ocsp_errand){.certid = buffer_bytes(&ids[i]), .applied_at = applied};
        ocsp_client_ask(client, errands, 4);
        assert_int_equal(servers[0].asked, working ? 4 : 1);
        for (int i = 0; i < 4; i++) {
            if (working)
                assert_int_equal(judged(&errands[i], residents[i]), TOTAL_PASSED);
            else
                assert_string_equal(errands[i].trouble, i ? "ocsp-breaker-open" : "ocsp-http");
            ocsp_errand_free(&errands[i]);
        }
    }
    ocsp_client_close(client);
}

/* --- cache ------------------------------------------------------------------------------------ */

static void test_kept_until_next_update(void **state)
{
    struct ocsp_client *client = client_of(1, "");
    struct ocsp_errand first = {.certid = buffer_bytes(&ids[2]), .applied_at = applied};
    (void)state;
    modes(GOOD, GOOD);
    ocsp_client_ask(client, &first, 1);
    assert_string_equal(ask(client, 2), "response"); /* nobody said that it was good */
    ocsp_client_keep(client, &first, (struct ocsp_span){applied + HOUR, applied + 3 * HOUR});
    ocsp_errand_free(&first);
    servers[0].asked = 0;
    struct ocsp_errand again = {.certid = buffer_bytes(&ids[2]), .applied_at = applied};
    ocsp_client_ask(client, &again, 1);
    assert_true(again.cached);
    assert_int_equal(judged(&again, residents[2]), TOTAL_PASSED); /* with the nonce of the first */
    ocsp_errand_free(&again);
    assert_string_equal(ask(client, 1), "response"); /* another certificate */
    /* Issued an hour after `applied`: of no use to who applied then, or later. */
    struct ocsp_errand later = {.certid = buffer_bytes(&ids[2]), .applied_at = applied + HOUR};
    ocsp_client_ask(client, &later, 1);
    assert_false(later.cached);
    ocsp_errand_free(&later);
    later = (struct ocsp_errand){.certid = buffer_bytes(&ids[2]),
                                 .applied_at = applied + HOUR - INSTANT_SECOND};
    ocsp_client_ask(client, &later, 1);
    assert_true(later.cached);
    ocsp_errand_free(&later);
    clock_fix(applied + 3 * HOUR);
    assert_string_equal(ask(client, 2), "cached");
    clock_fix(applied + 3 * HOUR + INSTANT_SECOND);
    assert_string_equal(ask(client, 2), "response");
    clock_fix(applied + 2 * HOUR);
    ocsp_client_close(client);
}

/* Judged stale by ocsp-age-most, a response must not come out of the cache again and again. */
static void test_kept_no_longer_than_its_age(void **state)
{
    struct ocsp_client *client = client_of(1, "ocsp-age-most = 90min\n");
    struct ocsp_errand first = {.certid = buffer_bytes(&ids[2]), .applied_at = applied};
    (void)state;
    modes(GOOD, GOOD); /* thisUpdate: an hour after `applied` */
    ocsp_client_ask(client, &first, 1);
    ocsp_client_keep(client, &first, (struct ocsp_span){applied + HOUR, applied + 3 * HOUR});
    ocsp_errand_free(&first);
    clock_fix(applied + 2 * HOUR + HOUR / 2);
    assert_string_equal(ask(client, 2), "cached");
    clock_fix(applied + 2 * HOUR + HOUR / 2 + 1);
    assert_string_equal(ask(client, 2), "response");
    clock_fix(applied + 2 * HOUR);
    ocsp_client_close(client);
}

/* A response that another's question was answered with, good in all else, decides nothing: so says
 * its examination, and it is asked for again. */
static void test_another_nonce_is_not_kept(void **state)
{
    struct ocsp_client *client = client_of(1, "");
    (void)state;
    modes(ANOTHER_NONCE, GOOD);
    for (int i = 1; i <= 2; i++) {
        struct ocsp_errand errand = {.certid = buffer_bytes(&ids[3]), .applied_at = applied};
        ocsp_client_ask(client, &errand, 1);
        assert_int_equal(servers[0].asked, i);
        assert_false(errand.cached);
        assert_int_equal(judged(&errand, residents[3]), INDETERMINATE);
        ocsp_client_keep(client, &errand, (struct ocsp_span){0});
        ocsp_errand_free(&errand);
    }
    modes(GOOD, GOOD);
    struct ocsp_errand own = {.certid = buffer_bytes(&ids[3]), .applied_at = applied};
    ocsp_client_ask(client, &own, 1);
    assert_int_equal(judged(&own, residents[3]), TOTAL_PASSED);
    ocsp_errand_free(&own);
    ocsp_client_close(client);
}

static void test_what_is_not_kept(void **state)
{
    struct ocsp_cache *cache = ocsp_cache_new();
    struct bytes response, nonce;
    static const uint8_t zeros[OCSP_CACHE_RESPONSE_MAX + 1];
    (void)state;
    struct bytes id = buffer_bytes(&ids[0]);
    const struct ocsp_span span = {HOUR, 2 * HOUR};
    ocsp_cache_put(cache, id, bytes_of(zeros, sizeof zeros), (struct bytes){0}, span);
    assert_false(ocsp_cache_find(cache, id, 0, HOUR, INSTANT_DAY, &response, &nonce));
    ocsp_cache_put(cache, id, bytes_of(zeros, sizeof zeros - 1), (struct bytes){0}, span);
    assert_true(ocsp_cache_find(cache, id, 0, HOUR, INSTANT_DAY, &response, &nonce));
    ocsp_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policy),
        cmocka_unit_test(test_policy_that_cannot_be),
        cmocka_unit_test(test_each_gets_its_own),
        cmocka_unit_test(test_troubles),
        cmocka_unit_test(test_certid_that_is_none),
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_the_next_responder),
        cmocka_unit_test(test_breaker),
        cmocka_unit_test(test_one_tries_for_all),
        cmocka_unit_test(test_kept_until_next_update),
        cmocka_unit_test(test_kept_no_longer_than_its_age),
        cmocka_unit_test(test_another_nonce_is_not_kept),
        cmocka_unit_test(test_what_is_not_kept),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}
