#include "routing/server.h"

#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/http_client.h"
#include "base/metrics.h"
#include "base/text.h"
#include "deploy/sandbox/sandbox.h"
#include "intake/schema.h"
#include "routing/route.h"
#include "tests/support/applications.h"

#define OURS "child-allowance"

static char pki[64];
static struct test_database database;
static struct db *db; /* as the role routing */
static struct city_key *city_key;
static struct routing_server *server;
static struct http_client *ours, *theirs; /* of child-allowance and of health */

/* What the hook saw. */
static struct {
    size_t calls, accepted, rejected;
    char application_id[37];
    bool fails;
} hook;

static bool on_receipts(struct db_tx *tx, const char *destination,
                        const struct outbox_receipt *taken, size_t count, const char *terminal,
                        void *context, struct failure *f)
{
    (void)tx;
    assert_ptr_equal(context, &hook);
    assert_string_equal(destination, OURS);
    assert_non_null(strstr(terminal, "127.0.0.1 "));
    hook.calls++;
    for (size_t i = 0; i < count; i++)
        *(taken[i].accepted ? &hook.accepted : &hook.rejected) += 1;
    snprintf(hook.application_id, sizeof hook.application_id, "%s", taken[0].application_id);
    return !hook.fails || failure_set(f, FAILURE_SYSTEM, "as the test wants");
}

/* --- set up -------------------------------------------------------------------------------------
 */

static void read_fingerprint(const char *name, char text[65])
{
    char *path = text_format("%s/%s.sha256", pki, name);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    assert_int_equal(fscanf(in, "%64s", text), 1);
    fclose(in);
    free(path);
}

static void make_config_and_database(void)
{
    static const struct config_section *const sections[] = {
        &routing_config_section, &destination_config_section, &route_config_section};
    char allowance[65], health[65];
    read_fingerprint("business-child-allowance", allowance);
    read_fingerprint("business-health", health);
    char *more =
        text_format("[routing]\naddress = 127.0.0.1:0\ncertificate = %s/routing.pem\n"
                    "key = %s/routing.key\nclient-ca = %s/ca.pem\n"
                    "[destination child-allowance]\npeers = %s\n"
                    "[destination health]\npeers = %s\n"
                    "[route child-allowance.certification-claim]\ndestination = child-allowance\n"
                    "legal-basis = 番号法第9条第1項\n",
                    pki, pki, pki, allowance, health);
    test_database_make(&database, more, sections, 3);
    test_database_upgrade(&database, schema_migrations, schema_migration_count);
    free(more);
}

static struct http_client *client(const char *name)
{
    char *url = text_format("https://127.0.0.1:%u", routing_server_port(server));
    char *ca = text_format("%s/ca.pem", pki);
    char *certificate = name ? text_format("%s/%s.pem", pki, name) : NULL;
    char *key = name ? text_format("%s/%s.key", pki, name) : NULL;
    struct http_client_options options = {
        .base_url = url, .ca_file = ca, .certificate = certificate, .key = key};
    struct http_client *made = NULL;
    struct failure f = {0};
    if (!http_client_open(&options, &made, &f))
        fail_msg("%s", f.text);
    free(url);
    free(ca);
    free(certificate);
    free(key);
    return made;
}

static void start_server(void)
{
    struct routing_options options = {.config = database.config,
                                      .db = db,
                                      .city_key = city_key,
                                      .city_code = TEST_CITY,
                                      .on_receipts = on_receipts,
                                      .context = &hook};
    struct failure f = {0};
    if (!routing_server_start(&options, &server, &f))
        fail_msg("%s", f.text);
    ours = client("business-child-allowance");
    theirs = client("business-health");
}

static void stop_server(void)
{
    http_client_close(ours);
    http_client_close(theirs);
    routing_server_stop(server);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(pki, sizeof pki, "/tmp/uketsuke-test-pki.XXXXXX");
    assert_non_null(mkdtemp(pki));
    char command[] = "pki", out[] = "--out";
    char *words[] = {command, out, pki, NULL};
    assert_int_equal(sandbox_pki(3, words), 0);
    make_config_and_database();
    db = test_database_open(&database, "routing", 8);
    city_key = test_city_key(&database);
    for (int n = 1; n <= 8; n++)
        test_application_make(&database, city_key, n, NULL);
    start_server();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    stop_server();
    db_close(db);
    city_key_free(city_key);
    test_database_drop(&database);
    char *remove = text_format("rm -r '%s'", pki);
    FILE *rm = popen(remove, "r");
    if (rm)
        pclose(rm);
    free(remove);
    return 0;
}

static int reset(void **state)
{
    (void)state;
    test_sql(&database, "DELETE FROM outbox; DELETE FROM outbox_item; DELETE FROM delivery");
    memset(&hook, 0, sizeof hook);
    return 0;
}

/* --- what the tests do with it ------------------------------------------------------------------
 */

static char *item_text(int n)
{
    return text_format("{\"n\":%d,\"name\":\"桜野　花子\"}", n);
}

static bool put_work(struct db_tx *tx, void *context, struct failure *f)
{
    return outbox_put(tx, context, 1, f);
}

static void put(int n)
{
    char id[37];
    uint8_t hash[32];
    _cleanup_(cleanup_text) char *text = item_text(n);
    _cleanup_(cleanup_buffer) struct buffer sealed = {0};
    struct failure f = {0};
    sha256(bytes_of_text(text), hash);
    test_application_seal(&database, city_key, n, "item", bytes_of_text(text), &sealed);
    struct outbox_entry entry = {.city_code = TEST_CITY,
                                 .destination = OURS,
                                 .application_id = test_application_id(n, id),
                                 .sealed = buffer_bytes(&sealed),
                                 .sha256 = hash};
    if (!db_transaction(db, put_work, &entry, &f))
        fail_msg("%s", f.text);
}

static const char *hash_of(int n)
{
    static char hash[65];
    char *text = item_text(n);
    sha256_hex(bytes_of_text(text), hash);
    free(text);
    return hash;
}

static struct http_answer ask(struct http_client *c, const char *method, const char *path,
                              const char *body)
{
    struct http_call call = {.method = method,
                             .path = path,
                             .content_type = body ? "application/json" : NULL,
                             .body = body ? bytes_of_text(body) : (struct bytes){0}};
    struct http_answer answer = {0};
    struct failure f = {0};
    if (!http_client_call(c, &call, &answer, &f))
        fail_msg("%s %s: %s", method, path, f.text);
    return answer;
}

static json_t *ask_json(struct http_client *c, const char *method, const char *path,
                        const char *body, unsigned status)
{
    struct http_answer answer = ask(c, method, path, body);
    struct failure f = {0};
    if (answer.status != status)
        fail_msg("%s %s: %u instead of %u: %s", method, path, answer.status, status,
                 buffer_text(&answer.body));
    json_t *json = http_answer_json(&answer, &f);
    if (!json)
        fail_msg("%s", f.text);
    http_answer_free(&answer);
    return json;
}

static void expect_error(struct http_client *c, const char *method, const char *path,
                         const char *body, unsigned status, const char *code)
{
    json_t *json = ask_json(c, method, path, body, status);
    const char *got = json_string_value(
        json_object_get(json_array_get(json_object_get(json, "errors"), 0), "code"));
    if (!got || strcmp(got, code) != 0)
        fail_msg("%s %s: error %s instead of %s", method, path, got ? got : "(none)", code);
    json_decref(json);
}

static const char *text_at(const json_t *list, size_t i, const char *key)
{
    const char *text = json_string_value(json_object_get(json_array_get(list, i), key));
    assert_non_null(text);
    return text;
}

/* The ids of all that waits for us, in their order. */
static size_t waiting(int64_t ids[], size_t most)
{
    json_t *answer = ask_json(ours, "GET", "/routing/v1/items?limit=500", NULL, 200);
    const json_t *items = json_object_get(answer, "items");
    size_t count = json_array_size(items);
    for (size_t i = 0; i < count && i < most; i++)
        assert_true(number_parse(text_at(items, i, "id"), 1, INT64_MAX, &ids[i]));
    json_decref(answer);
    return count;
}

static int64_t put_and_get_id(int n)
{
    int64_t id = 0;
    put(n);
    assert_int_equal(waiting(&id, 1), 1);
    return id;
}

static char *item_path(int64_t id, const char *rest)
{
    return text_format("/routing/v1/items/%" PRId64 "%s", id, rest);
}

static char *receipt_text(int64_t id, const char *hash, bool accepted)
{
    return text_format("{\"id\":\"%" PRId64 "\",\"sha256\":\"%s\",\"result\":\"%s\"%s}", id, hash,
                       accepted ? "accepted" : "rejected",
                       accepted ? ""
                                : ",\"problems\":[{\"code\":\"unknown\",\"item\":\"atenabango\","
                                  "\"message\":\"no such person\"}]");
}

/* Sends one receipt and says what became of it. */
static const char *send_receipt(struct http_client *c, int64_t id, const char *hash, bool accepted)
{
    static char result[32];
    _cleanup_(cleanup_text) char *receipt = receipt_text(id, hash, accepted);
    _cleanup_(cleanup_text) char *body = text_format("[%s]", receipt);
    json_t *answer = ask_json(c, "POST", "/routing/v1/receipts", body, 200);
    const json_t *results = json_object_get(answer, "results");
    assert_int_equal(json_array_size(results), 1);
    snprintf(result, sizeof result, "%s", text_at(results, 0, "result"));
    json_decref(answer);
    return result;
}

static long long audit_count(const char *action)
{
    char *sql = text_format("SELECT count(*) FROM audit_entry WHERE chain = 'routing' AND "
                            "action = '%s' AND actor = 'business:child-allowance' AND "
                            "terminal LIKE '127.0.0.1 %%'",
                            action);
    long long count = test_sql_number(&database, sql);
    free(sql);
    return count;
}

/* --- lists --------------------------------------------------------------------------------------
 */

static void a_list_tells_what_waits(void **state)
{
    (void)state;
    put(1);
    json_t *answer = ask_json(ours, "GET", "/routing/v1/items", NULL, 200);
    const json_t *items = json_object_get(answer, "items");
    assert_int_equal(json_array_size(items), 1);
    assert_string_equal(text_at(items, 0, "receipt_number"), "R-00000001");
    assert_string_equal(text_at(items, 0, "procedure_id"), "child-allowance.certification-claim");
    assert_string_equal(text_at(items, 0, "sha256"), hash_of(1));
    instant at;
    assert_true(instant_parse(text_at(items, 0, "created_at"), &at));
    const json_t *attempts = json_object_get(json_array_get(items, 0), "attempts");
    assert_int_equal(json_integer_value(attempts), 0);
    assert_string_equal(json_string_value(json_object_get(answer, "next")),
                        text_at(items, 0, "id"));
    json_decref(answer);
}

static void a_list_pages(void **state)
{
    (void)state;
    for (int n = 1; n <= 5; n++)
        put(n);
    char path[128], next[32] = "0";
    size_t seen = 0;
    for (int page = 0; page < 3; page++) {
        snprintf(path, sizeof path, "/routing/v1/items?limit=2&after=%s", next);
        json_t *answer = ask_json(ours, "GET", path, NULL, 200);
        seen += json_array_size(json_object_get(answer, "items"));
        snprintf(next, sizeof next, "%s", json_string_value(json_object_get(answer, "next")));
        json_decref(answer);
    }
    assert_int_equal(seen, 5);
    snprintf(path, sizeof path, "/routing/v1/items?after=%s", next);
    json_t *end = ask_json(ours, "GET", path, NULL, 200);
    assert_int_equal(json_array_size(json_object_get(end, "items")), 0);
    assert_string_equal(json_string_value(json_object_get(end, "next")), next);
    json_decref(end);
}

static void the_bounds_of_a_list_hold(void **state)
{
    (void)state;
    json_decref(ask_json(ours, "GET", "/routing/v1/items?limit=1", NULL, 200));
    json_decref(ask_json(ours, "GET", "/routing/v1/items?limit=500", NULL, 200));
    expect_error(ours, "GET", "/routing/v1/items?limit=0", NULL, 400, "E0002");
    expect_error(ours, "GET", "/routing/v1/items?limit=501", NULL, 400, "E0002");
    expect_error(ours, "GET", "/routing/v1/items?wait=61", NULL, 400, "E0002");
    expect_error(ours, "GET", "/routing/v1/items?after=-1", NULL, 400, "E0002");
    expect_error(ours, "GET", "/routing/v1/items?after=x", NULL, 400, "E0002");
    expect_error(ours, "GET", "/routing/v1/batch?limit=101", NULL, 400, "E0002");
    expect_error(ours, "DELETE", "/routing/v1/items", NULL, 405, "E0101");
    expect_error(ours, "GET", "/routing/v1/other", NULL, 404, "E0100");
}

/* --- long poll ----------------------------------------------------------------------------------
 */

struct poll {
    pthread_t thread;
    struct http_client *client;
    size_t count;
    unsigned status;
    int64_t answered_at;
    int seconds;
};

static void *poll_run(void *context)
{
    struct poll *p = context;
    char path[64];
    snprintf(path, sizeof path, "/routing/v1/items?wait=%d", p->seconds);
    struct http_call call = {.method = "GET", .path = path};
    struct http_answer answer = {0};
    struct failure f = {0};
    if (http_client_call(p->client, &call, &answer, &f)) {
        p->answered_at = clock_monotonic();
        p->status = answer.status;
        json_t *json = http_answer_json(&answer, &f);
        p->count = json_array_size(json_object_get(json, "items"));
        json_decref(json);
    }
    http_answer_free(&answer);
    return NULL;
}

static void a_poll_for_nothing_ends_in_time(void **state)
{
    (void)state;
    struct poll p = {.client = ours, .seconds = 1};
    int64_t begun = clock_monotonic();
    poll_run(&p);
    assert_int_equal(p.status, 200);
    assert_int_equal(p.count, 0);
    assert_in_range(p.answered_at - begun, INSTANT_SECOND * 9 / 10, 5 * INSTANT_SECOND);
}

static int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void a_poll_is_woken_by_an_item(void **state)
{
    (void)state;
    enum { ROUNDS = 40 };
    int64_t times[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        reset(NULL);
        struct poll p = {.client = ours, .seconds = 20};
        pthread_create(&p.thread, NULL, poll_run, &p);
        usleep(20000);
        put(1 + i % 8);
        int64_t put_at = clock_monotonic();
        pthread_join(p.thread, NULL);
        assert_int_equal(p.status, 200);
        assert_int_equal(p.count, 1);
        times[i] = p.answered_at - put_at;
    }
    qsort(times, ROUNDS, sizeof times[0], compare_times);
    print_message("long poll: median %.1f ms, worst of %d %.1f ms\n", times[ROUNDS / 2] / 1000.0,
                  ROUNDS, times[ROUNDS - 1] / 1000.0);
    assert_true(times[ROUNDS - 1] < 2 * INSTANT_SECOND);
    assert_true(times[ROUNDS / 2] < INSTANT_SECOND / 4);
}

static void anothers_item_does_not_end_a_poll(void **state)
{
    (void)state;
    struct poll p = {.client = theirs, .seconds = 1};
    int64_t begun = clock_monotonic();
    pthread_create(&p.thread, NULL, poll_run, &p);
    usleep(100000);
    put(1);
    pthread_join(p.thread, NULL);
    assert_int_equal(p.status, 200);
    assert_int_equal(p.count, 0);
    assert_true(p.answered_at - begun > INSTANT_SECOND * 9 / 10);
}

static void a_stop_does_not_wait_for_a_poll(void **state)
{
    (void)state;
    struct http_client *c = client("business-child-allowance");
    struct poll p = {.client = c, .seconds = 60};
    pthread_create(&p.thread, NULL, poll_run, &p);
    usleep(300000);
    int64_t begun = clock_monotonic();
    stop_server();
    pthread_join(p.thread, NULL);
    assert_true(clock_monotonic() - begun < 10 * INSTANT_SECOND);
    assert_int_equal(p.status, 200);
    http_client_close(c);
    start_server();
}

/* --- items --------------------------------------------------------------------------------------
 */

static void an_item_comes_byte_for_byte(void **state)
{
    (void)state;
    long long before = audit_count("item.delivered");
    int64_t id = put_and_get_id(2);
    _cleanup_(cleanup_text) char *path = item_path(id, "");
    _cleanup_(cleanup_text) char *text = item_text(2);
    char etag[80];
    snprintf(etag, sizeof etag, "\"%s\"", hash_of(2));
    for (int i = 0; i < 2; i++) { /* as often as it is asked for */
        struct http_answer answer = ask(ours, "GET", path, NULL);
        assert_int_equal(answer.status, 200);
        assert_string_equal(buffer_text(&answer.body), text);
        assert_string_equal(answer.etag, etag);
        assert_string_equal(answer.content_type, "application/json");
        http_answer_free(&answer);
    }
    assert_int_equal(audit_count("item.delivered") - before, 2);
    assert_int_equal(test_sql_number(&database, "SELECT attempts FROM outbox"), 2);
}

static void an_item_that_is_not_there_is_404(void **state)
{
    (void)state;
    expect_error(ours, "GET", "/routing/v1/items/1", NULL, 404, "E0100");
    expect_error(ours, "GET", "/routing/v1/items/0", NULL, 404, "E0100");
    expect_error(ours, "GET", "/routing/v1/items/x", NULL, 404, "E0100");
    expect_error(ours, "GET", "/routing/v1/items/99999999999999999999", NULL, 404, "E0100");
    expect_error(ours, "GET", "/routing/v1/items/1/package", NULL, 404, "E0100");
}

static void an_item_that_does_not_open_harms_no_other(void **state)
{
    (void)state;
    put(1);
    test_sql(&database, "UPDATE outbox_item SET sealed = set_byte(sealed, 20, 0) || '\\x00'");
    put(2);
    int64_t ids[2];
    assert_int_equal(waiting(ids, 2), 2);
    _cleanup_(cleanup_text) char *bad = item_path(ids[0], "");
    _cleanup_(cleanup_text) char *good = item_path(ids[1], "");
    long long before = audit_count("item.delivered");
    expect_error(ours, "GET", bad, NULL, 500, "E0199");
    assert_int_equal(audit_count("item.delivered"), before);
    struct http_answer answer = ask(ours, "GET", good, NULL);
    assert_int_equal(answer.status, 200);
    http_answer_free(&answer);
    json_t *batch = ask_json(ours, "GET", "/routing/v1/batch", NULL, 200);
    const json_t *items = json_object_get(batch, "items");
    assert_int_equal(json_array_size(items), 1);
    assert_string_equal(text_at(items, 0, "sha256"), hash_of(2));
    json_decref(batch);
}

static void a_batch_brings_the_same_bytes(void **state)
{
    (void)state;
    long long before = audit_count("item.delivered");
    for (int n = 1; n <= 5; n++)
        put(n);
    json_t *answer = ask_json(ours, "GET", "/routing/v1/batch?limit=3", NULL, 200);
    const json_t *items = json_object_get(answer, "items");
    assert_int_equal(json_array_size(items), 3);
    for (int n = 1; n <= 3; n++) {
        _cleanup_(cleanup_text) char *text = item_text(n);
        assert_string_equal(text_at(items, (size_t)n - 1, "item"), text);
        assert_string_equal(text_at(items, (size_t)n - 1, "sha256"), hash_of(n));
    }
    char path[96];
    snprintf(path, sizeof path, "/routing/v1/batch?after=%s",
             json_string_value(json_object_get(answer, "next")));
    json_decref(answer);
    answer = ask_json(ours, "GET", path, NULL, 200);
    assert_int_equal(json_array_size(json_object_get(answer, "items")), 2);
    json_decref(answer);
    assert_int_equal(audit_count("item.delivered") - before, 5);
    assert_int_equal(test_sql_number(&database, "SELECT sum(attempts) FROM outbox"), 5);
    answer = ask_json(theirs, "GET", "/routing/v1/batch", NULL, 200);
    assert_int_equal(json_array_size(json_object_get(answer, "items")), 0);
    json_decref(answer);
}

static void store_package(int n, struct bytes package)
{
    char id[37], hash[65];
    _cleanup_(cleanup_buffer) struct buffer sealed = {0};
    test_application_seal(&database, city_key, n, "package", package, &sealed);
    char *hex = memory_allocate(2 * sealed.length + 1);
    sha256_hex(package, hash);
    hex_encode(sealed.data, sealed.length, hex);
    char *sql = text_format("INSERT INTO package (city_code, application_id, size, sha256, sealed) "
                            "VALUES ('" TEST_CITY "', '%s', %zu, '\\x%s', '\\x%s')",
                            test_application_id(n, id), package.length, hash, hex);
    test_sql(&database, sql);
    free(sql);
    free(hex);
}

static void the_package_comes_untouched_and_in_parts(void **state)
{
    (void)state;
    uint8_t package[100000];
    char hash[65];
    for (size_t i = 0; i < sizeof package; i++)
        package[i] = (uint8_t)(i * 7919 >> 3);
    sha256_hex(bytes_of(package, sizeof package), hash);
    store_package(3, bytes_of(package, sizeof package));
    int64_t id = put_and_get_id(3);
    _cleanup_(cleanup_text) char *path = item_path(id, "/package");

    struct http_answer answer = ask(ours, "GET", path, NULL);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.content_type, "application/zip");
    assert_non_null(strstr(answer.etag, hash));
    assert_int_equal(answer.body.length, sizeof package);
    assert_memory_equal(answer.body.data, package, sizeof package);
    http_answer_free(&answer);

    const char *const headers[] = {"Range: bytes=99990-", NULL};
    struct http_call call = {.method = "GET", .path = path, .headers = headers};
    struct http_answer rest = {0};
    struct failure f = {0};
    assert_true(http_client_call(ours, &call, &rest, &f));
    assert_int_equal(rest.status, 206);
    assert_int_equal(rest.body.length, 10);
    assert_memory_equal(rest.body.data, package + 99990, 10);
    http_answer_free(&rest);

    assert_int_equal(audit_count("package.delivered"), 2);
    expect_error(theirs, "GET", path, NULL, 404, "E0100");
}

/* --- who asks -----------------------------------------------------------------------------------
 */

static void another_destination_sees_nothing_of_ours(void **state)
{
    (void)state;
    int64_t id = put_and_get_id(1);
    _cleanup_(cleanup_text) char *path = item_path(id, "");
    json_t *answer = ask_json(theirs, "GET", "/routing/v1/items", NULL, 200);
    assert_int_equal(json_array_size(json_object_get(answer, "items")), 0);
    json_decref(answer);
    expect_error(theirs, "GET", path, NULL, 404, "E0100");
    assert_string_equal(send_receipt(theirs, id, hash_of(1), true), "unknown");
    assert_int_equal(hook.calls, 0);
    assert_int_equal(waiting(&id, 1), 1);
}

static void a_certificate_of_nobody_is_turned_away(void **state)
{
    (void)state;
    struct http_client *city = client("city");
    expect_error(city, "GET", "/routing/v1/items", NULL, 403, "E0104");
    expect_error(city, "GET", "/routing/v1/items/1", NULL, 403, "E0104");
    expect_error(city, "GET", "/routing/v1/items/1/package", NULL, 403, "E0104");
    expect_error(city, "GET", "/routing/v1/batch", NULL, 403, "E0104");
    expect_error(city, "POST", "/routing/v1/receipts", "[]", 403, "E0104");
    http_client_close(city);
}

static void without_a_certificate_nothing_is_said(void **state)
{
    (void)state;
    struct http_client *nobody = client(NULL);
    struct http_call call = {.method = "GET", .path = "/routing/v1/items"};
    struct http_answer answer = {0};
    struct failure f = {0};
    bool answered = http_client_call(nobody, &call, &answer, &f);
    assert_true(!answered || answer.status == 401);
    http_answer_free(&answer);
    http_client_close(nobody);
}

/* --- receipts -----------------------------------------------------------------------------------
 */

static void a_receipt_is_taken_and_told(void **state)
{
    (void)state;
    char id_text[37];
    long long before = audit_count("item.received");
    int64_t id = put_and_get_id(4);
    assert_string_equal(send_receipt(ours, id, hash_of(4), true), "taken");
    assert_int_equal(hook.calls, 1);
    assert_int_equal(hook.accepted, 1);
    assert_string_equal(hook.application_id, test_application_id(4, id_text));
    assert_int_equal(waiting(&id, 1), 0);
    assert_int_equal(audit_count("item.received") - before, 1);
    assert_string_equal(send_receipt(ours, id, hash_of(4), true), "repeated");
    assert_string_equal(send_receipt(ours, id, hash_of(4), false), "conflict");
    assert_int_equal(hook.calls, 1);
    _cleanup_(cleanup_text) char *path = item_path(id, "");
    expect_error(ours, "GET", path, NULL, 404, "E0100");
}

static void a_rejection_keeps_its_problems(void **state)
{
    (void)state;
    int64_t id = put_and_get_id(5);
    assert_string_equal(send_receipt(ours, id, hash_of(5), false), "taken");
    assert_int_equal(hook.rejected, 1);
    char *problems = test_sql_text(&database, "SELECT problems FROM delivery");
    assert_string_equal(problems, "[{\"code\":\"unknown\",\"item\":\"atenabango\","
                                  "\"message\":\"no such person\"}]");
    free(problems);
}

static void a_receipt_must_prove_possession(void **state)
{
    (void)state;
    int64_t id = put_and_get_id(1);
    long long before = audit_count("receipt.refused");
    assert_string_equal(send_receipt(ours, id, hash_of(2), true), "wrong-hash");
    assert_string_equal(send_receipt(ours, id + 1, hash_of(1), true), "unknown");
    assert_int_equal(hook.calls, 0);
    assert_int_equal(audit_count("receipt.refused") - before, 1);
    assert_int_equal(waiting(&id, 1), 1);
    char capital[65];
    for (int i = 0; i < 65; i++) /* hexadecimal digits of either case are the same hash */
        capital[i] = hash_of(1)[i] >= 'a' ? (char)(hash_of(1)[i] - 32) : hash_of(1)[i];
    assert_string_equal(send_receipt(ours, id, capital, true), "taken");
}

/* `count` receipts: the first for `id`, the others for items that are not there. */
static char *many_receipts(int64_t id, int count)
{
    struct buffer body = {0};
    for (int i = 0; i < count; i++) {
        _cleanup_(cleanup_text) char *one = receipt_text(i ? 1000000 + i : id, hash_of(1), true);
        buffer_format(&body, "%c%s", i ? ',' : '[', one);
    }
    buffer_append_text(&body, "]");
    char *text = text_copy(buffer_text(&body));
    buffer_free(&body);
    return text;
}

static void five_hundred_receipts_fit_and_one_more_does_not(void **state)
{
    (void)state;
    int64_t id = put_and_get_id(1);
    _cleanup_(cleanup_text) char *more = many_receipts(id, 501);
    expect_error(ours, "POST", "/routing/v1/receipts", more, 400, "E0003");
    assert_int_equal(waiting(&id, 1), 1);
    _cleanup_(cleanup_text) char *most = many_receipts(id, 500);
    json_t *answer = ask_json(ours, "POST", "/routing/v1/receipts", most, 200);
    const json_t *results = json_object_get(answer, "results");
    assert_int_equal(json_array_size(results), 500);
    assert_string_equal(text_at(results, 0, "result"), "taken");
    assert_string_equal(text_at(results, 499, "result"), "unknown");
    json_decref(answer);
}

#define HASH    "\"sha256\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""
#define PROBLEM "{\"code\":\"a\",\"item\":\"b\",\"message\":\"c\"}"

static void one_wrong_receipt_refuses_the_request(void **state)
{
    (void)state;
    static const struct {
        const char *receipt, *code;
    } wrong[] = {
        {"5", "E0001"},
        {"{" HASH ",\"result\":\"accepted\"}", "E0001"},
        {"{\"id\":1," HASH ",\"result\":\"accepted\"}", "E0001"},
        {"{\"id\":\"x\"," HASH ",\"result\":\"accepted\"}", "E0002"},
        {"{\"id\":\"0\"," HASH ",\"result\":\"accepted\"}", "E0002"},
        {"{\"id\":\"99999999999999999999\"," HASH ",\"result\":\"accepted\"}", "E0002"},
        {"{\"id\":\"1\",\"result\":\"accepted\"}", "E0001"},
        {"{\"id\":\"1\",\"sha256\":\"aa\",\"result\":\"accepted\"}", "E0003"},
        {"{\"id\":\"1\"," HASH "}", "E0001"},
        {"{\"id\":\"1\"," HASH ",\"result\":\"maybe\"}", "E0002"},
        {"{\"id\":\"1\"," HASH ",\"result\":\"rejected\"}", "E0004"},
        {"{\"id\":\"1\"," HASH ",\"result\":\"accepted\",\"problems\":[" PROBLEM "]}", "E0004"},
        {"{\"id\":\"1\"," HASH ",\"result\":\"rejected\",\"problems\":{}}", "E0002"},
        {"{\"id\":\"1\"," HASH ",\"result\":\"rejected\",\"problems\":[{\"code\":\"a\"}]}",
         "E0001"},
        {"{\"id\":\"1\"," HASH ",\"result\":\"rejected\",\"problems\":[{\"code\":"
         "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"item\":\"b\","
         "\"message\":\"c\"}]}",
         "E0003"},
    };
    int64_t id = put_and_get_id(1);
    _cleanup_(cleanup_text) char *good = receipt_text(id, hash_of(1), true);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        _cleanup_(cleanup_text) char *body = text_format("[%s,%s]", good, wrong[i].receipt);
        expect_error(ours, "POST", "/routing/v1/receipts", body, 400, wrong[i].code);
    }
    expect_error(ours, "POST", "/routing/v1/receipts", "[]", 400, "E0001");
    expect_error(ours, "POST", "/routing/v1/receipts", good, 400, "E0001");
    struct http_answer answer = ask(ours, "POST", "/routing/v1/receipts", "[{");
    assert_int_equal(answer.status, 400);
    http_answer_free(&answer);
    assert_int_equal(hook.calls, 0);
    assert_int_equal(waiting(&id, 1), 1);
}

static void twenty_problems_fit_and_one_more_does_not(void **state)
{
    (void)state;
    int64_t id = put_and_get_id(1);
    struct buffer problems = {0};
    for (int i = 0; i < 20; i++)
        buffer_format(&problems, "%s" PROBLEM, i ? "," : "");
    for (int more = 1; more >= 0; more--) {
        _cleanup_(cleanup_text) char *body = text_format(
            "[{\"id\":\"%" PRId64 "\",\"sha256\":\"%s\",\"result\":\"rejected\",\"problems\":"
            "[%s%s]}]",
            id, hash_of(1), buffer_text(&problems), more ? "," PROBLEM : "");
        if (more)
            expect_error(ours, "POST", "/routing/v1/receipts", body, 400, "E0003");
        else
            json_decref(ask_json(ours, "POST", "/routing/v1/receipts", body, 200));
    }
    buffer_free(&problems);
    assert_int_equal(hook.rejected, 1);
}

static void what_the_house_can_not_decide_is_not_taken(void **state)
{
    (void)state;
    int64_t id = put_and_get_id(1);
    _cleanup_(cleanup_text) char *receipt = receipt_text(id, hash_of(1), true);
    _cleanup_(cleanup_text) char *body = text_format("[%s]", receipt);
    hook.fails = true;
    expect_error(ours, "POST", "/routing/v1/receipts", body, 500, "E0199");
    assert_int_equal(waiting(&id, 1), 1);
    hook.fails = false;
    assert_string_equal(send_receipt(ours, id, hash_of(1), true), "taken");
}

static void what_happens_is_counted(void **state)
{
    (void)state;
    struct buffer text = {0};
    metrics_write(&text);
    const char *all = buffer_text(&text);
    assert_non_null(strstr(all, "uketsuke_routing_delivered_total{kind=\"item\"}"));
    assert_non_null(strstr(all, "uketsuke_routing_receipts_total{result=\"repeated\"}"));
    assert_non_null(strstr(all, "uketsuke_routing_waiting 0"));
    buffer_free(&text);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup(test, reset)
    const struct CMUnitTest tests[] = {
        EACH(a_list_tells_what_waits),
        EACH(a_list_pages),
        EACH(the_bounds_of_a_list_hold),
        EACH(a_poll_for_nothing_ends_in_time),
        EACH(a_poll_is_woken_by_an_item),
        EACH(anothers_item_does_not_end_a_poll),
        EACH(a_stop_does_not_wait_for_a_poll),
        EACH(an_item_comes_byte_for_byte),
        EACH(an_item_that_is_not_there_is_404),
        EACH(an_item_that_does_not_open_harms_no_other),
        EACH(a_batch_brings_the_same_bytes),
        EACH(the_package_comes_untouched_and_in_parts),
        EACH(another_destination_sees_nothing_of_ours),
        EACH(a_certificate_of_nobody_is_turned_away),
        EACH(without_a_certificate_nothing_is_said),
        EACH(a_receipt_is_taken_and_told),
        EACH(a_rejection_keeps_its_problems),
        EACH(a_receipt_must_prove_possession),
        EACH(five_hundred_receipts_fit_and_one_more_does_not),
        EACH(one_wrong_receipt_refuses_the_request),
        EACH(twenty_problems_fit_and_one_more_does_not),
        EACH(what_the_house_can_not_decide_is_not_taken),
        EACH(what_happens_is_counted),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
