#include "tests/support/routing.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/secret_file.h"
#include "base/text.h"
#include "deploy/sandbox/sandbox.h"
#include "intake/schema.h"
#include "routing/route.h"

struct routing_house house;

static bool on_receipts(struct db_tx *tx, const char *destination,
                        struct outbox_receipt *const *taken, size_t count, const char *terminal,
                        void *context, struct failure *f)
{
    (void)tx;
    assert_ptr_equal(context, &house);
    assert_string_equal(destination, HOUSE_OURS);
    assert_non_null(strstr(terminal, "127.0.0.1 "));
    house.calls++;
    for (size_t i = 0; i < count; i++)
        *(taken[i]->accepted ? &house.accepted : &house.rejected) += 1;
    snprintf(house.application_id, sizeof house.application_id, "%s", taken[0]->application_id);
    return !house.fails || failure_set(f, FAILURE_SYSTEM, "as the test wants");
}

static bool on_outcomes(struct db_tx *tx, const char *destination, struct outcome *outcomes,
                        size_t count, const char *terminal, void *context, struct failure *f)
{
    (void)tx;
    assert_ptr_equal(context, &house);
    assert_string_equal(destination, HOUSE_OURS);
    assert_non_null(strstr(terminal, "127.0.0.1 "));
    for (size_t i = 0; i < count; i++) {
        outcomes[i].moved = !house.unmoved;
        house.outcomes[outcomes[i].kind] += outcomes[i].moved;
        snprintf(house.message, sizeof house.message, "%s",
                 outcomes[i].message ? outcomes[i].message : "");
    }
    return !house.fails || failure_set(f, FAILURE_SYSTEM, "as the test wants");
}

static void read_fingerprint(const char *name, char text[65])
{
    char *path = text_format("%s/%s.sha256", house.pki, name);
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
    char *more = text_format(
        "[routing]\naddress = 127.0.0.1:0\ncertificate = %s/routing.pem\n"
        "key = %s/routing.key\nclient-ca = %s/ca.pem\n"
        "refusals-most = %d\n%s"
        "[destination child-allowance]\npackage = yes\npeers = %s\n%s"
        "[destination health]\npeers = %s\n%s"
        "[route child-allowance.certification-claim]\ndestination = child-allowance\n"
        "legal-basis = 番号法第9条第1項\n",
        house.pki, house.pki, house.pki, house.tokens ? 20 : 0, house.more ? house.more : "",
        allowance,
        house.tokens ? "client-id = " HOUSE_OUR_ID
                       "\nclient-secret = ${folder}/ours ${folder}/next\n"
                     : "auth = mtls\n",
        health,
        house.tokens ? "client-id = " HOUSE_THEIR_ID "\nclient-secret = ${folder}/theirs\n"
                     : "auth = mtls\n");
    test_database_make(&house.database, more, sections, 3);
    test_database_upgrade(&house.database, schema_migrations, schema_migration_count);
    free(more);
}

struct http_client *house_client(const char *name)
{
    char *url = text_format("https://127.0.0.1:%u", routing_server_port(house.server));
    char *ca = text_format("%s/ca.pem", house.pki);
    char *certificate = name ? text_format("%s/%s.pem", house.pki, name) : NULL;
    char *key = name ? text_format("%s/%s.key", house.pki, name) : NULL;
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

void house_start(void)
{
    struct routing_options options = {.config = house.database.config,
                                      .db = house.db,
                                      .city_key = house.city_key,
                                      .city_code = TEST_CITY,
                                      .on_receipts = on_receipts,
                                      .on_outcomes = on_outcomes,
                                      .context = &house};
    struct failure f = {0};
    if (!routing_server_start(&options, &house.server, &f))
        fail_msg("%s", f.text);
    house.ours = house_client("business-child-allowance");
    house.theirs = house_client("business-health");
}

void house_stop(void)
{
    http_client_close(house.ours);
    http_client_close(house.theirs);
    routing_server_stop(house.server);
}

void house_secret(const char *name, const char *text)
{
    struct failure f = {0};
    _cleanup_(cleanup_text) char *path = text_format("%s/%s", house.database.folder, name);
    remove(path);
    if (!secret_file_create("client secret", path, 0400, bytes_of_text(text), &f))
        fail_msg("%s", f.text);
}

void house_make(void)
{
    snprintf(house.pki, sizeof house.pki, "/tmp/uketsuke-test-pki.XXXXXX");
    assert_non_null(mkdtemp(house.pki));
    char command[] = "pki", out[] = "--out";
    char *words[] = {command, out, house.pki, NULL};
    assert_int_equal(sandbox_pki(3, words), 0);
    make_config_and_database();
    house_secret("ours", HOUSE_OUR_SECRET "\n");
    house_secret("next", HOUSE_OUR_NEXT "\n");
    house_secret("theirs", HOUSE_THEIR_SECRET "\n");
    house.db = test_database_open(&house.database, "routing", 8);
    house.city_key = test_city_key(&house.database);
    for (int n = 1; n <= 8; n++)
        test_application_make(&house.database, house.city_key, n, NULL);
    house_start();
}

void house_drop(void)
{
    house_stop();
    db_close(house.db);
    city_key_free(house.city_key);
    test_database_drop(&house.database);
    char *remove = text_format("rm -r '%s'", house.pki);
    FILE *rm = popen(remove, "r");
    if (rm)
        pclose(rm);
    free(remove);
}

void house_clear(void)
{
    test_sql(&house.database, "DELETE FROM outbox; DELETE FROM outbox_claim; "
                              "DELETE FROM outbox_item; "
                              "DELETE FROM delivery; DELETE FROM outcome");
    house.calls = house.accepted = house.rejected = 0;
    memset(house.outcomes, 0, sizeof house.outcomes);
    house.fails = house.unmoved = false;
}

/* --- what tests do with it ----------------------------------------------------------------------
 */

char *house_item(int n)
{
    return text_format("{\"n\":%d,\"name\":\"桜野　花子\"}", n);
}

static bool put_work(struct db_tx *tx, void *context, struct failure *f)
{
    return outbox_put(tx, context, 1, f);
}

void house_put(int n)
{
    _cleanup_(cleanup_text) char *text = house_item(n);
    house_put_text(n, text);
}

void house_put_text(int n, const char *text)
{
    char id[37];
    uint8_t hash[32];
    _cleanup_(cleanup_buffer) struct buffer sealed = {0};
    struct failure f = {0};
    sha256(bytes_of_text(text), hash);
    test_application_seal(&house.database, house.city_key, n, "item", bytes_of_text(text), &sealed);
    struct outbox_entry entry = {.city_code = TEST_CITY,
                                 .destination = HOUSE_OURS,
                                 .application_id = test_application_id(n, id),
                                 .sealed = buffer_bytes(&sealed),
                                 .sha256 = hash};
    if (!db_transaction(house.db, put_work, &entry, &f))
        fail_msg("%s", f.text);
}

const char *house_hash(int n)
{
    static char hash[65];
    char *text = house_item(n);
    sha256_hex(bytes_of_text(text), hash);
    free(text);
    return hash;
}

struct http_answer house_ask(struct http_client *c, const char *method, const char *path,
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

json_t *house_ask_json(struct http_client *c, const char *method, const char *path,
                       const char *body, unsigned status)
{
    struct http_answer answer = house_ask(c, method, path, body);
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

void house_expect(struct http_client *c, const char *method, const char *path, const char *body,
                  unsigned status, const char *code)
{
    json_t *json = house_ask_json(c, method, path, body, status);
    const char *got = json_string_value(
        json_object_get(json_array_get(json_object_get(json, "errors"), 0), "code"));
    if (!got || strcmp(got, code) != 0)
        fail_msg("%s %s: error %s instead of %s", method, path, got ? got : "(none)", code);
    json_decref(json);
}

const char *house_text(const json_t *list, size_t i, const char *key)
{
    const char *text = json_string_value(json_object_get(json_array_get(list, i), key));
    assert_non_null(text);
    return text;
}

size_t house_waiting(int64_t ids[], size_t most)
{
    json_t *answer = house_ask_json(house.ours, "GET", "/routing/v1/items?limit=500", NULL, 200);
    const json_t *items = json_object_get(answer, "items");
    size_t count = json_array_size(items);
    for (size_t i = 0; i < count && i < most; i++)
        assert_true(number_parse(house_text(items, i, "id"), 1, INT64_MAX, &ids[i]));
    json_decref(answer);
    return count;
}

int64_t house_put_one(int n)
{
    int64_t id = 0;
    house_put(n);
    assert_int_equal(house_waiting(&id, 1), 1);
    return id;
}

char *house_path(int64_t id, const char *rest)
{
    return text_format("/routing/v1/items/%" PRId64 "%s", id, rest);
}

char *house_receipt(int64_t id, const char *hash, bool accepted)
{
    return text_format("{\"id\":\"%" PRId64 "\",\"sha256\":\"%s\",\"result\":\"%s\"%s}", id, hash,
                       accepted ? "accepted" : "rejected",
                       accepted ? ""
                                : ",\"problems\":[{\"code\":\"E0004\",\"item\":\"atenabango\","
                                  "\"message\":\"no such person\"}]");
}

const char *house_send(struct http_client *c, int64_t id, const char *hash, bool accepted)
{
    static char result[32];
    _cleanup_(cleanup_text) char *receipt = house_receipt(id, hash, accepted);
    _cleanup_(cleanup_text) char *body = text_format("[%s]", receipt);
    json_t *answer = house_ask_json(c, "POST", "/routing/v1/receipts", body, 200);
    const json_t *results = json_object_get(answer, "results");
    assert_int_equal(json_array_size(results), 1);
    snprintf(result, sizeof result, "%s", house_text(results, 0, "result"));
    json_decref(answer);
    return result;
}

char *house_unseal(int n, const char *purpose, const char *sql)
{
    char id[37], binding[64];
    uint8_t wrapped[SEAL_WRAPPED_LENGTH], sealed[8192];
    struct application_key key;
    struct failure f = {0};
    _cleanup_(cleanup_buffer) struct buffer plain = {0};
    _cleanup_(cleanup_text) char *hex = test_sql_text(&house.database, sql);
    _cleanup_(cleanup_text) char *key_sql =
        text_format("SELECT encode(wrapped, 'hex') FROM application_key WHERE application_id = "
                    "'%s'",
                    test_application_id(n, id));
    _cleanup_(cleanup_text) char *key_hex = test_sql_text(&house.database, key_sql);
    assert_true(hex_decode(key_hex, wrapped, sizeof wrapped));
    assert_true(strlen(hex) / 2 <= sizeof sealed && hex_decode(hex, sealed, strlen(hex) / 2));
    snprintf(binding, sizeof binding, TEST_CITY "/%s", id);
    if (!application_key_unwrap(house.city_key, binding, bytes_of(wrapped, sizeof wrapped), &key,
                                &f) ||
        !unseal(&key, purpose, binding, bytes_of(sealed, strlen(hex) / 2), &plain, &f))
        fail_msg("%s", f.text);
    return text_copy(buffer_text(&plain));
}

#define AUDITED                                                                                    \
    "action = '%s' AND chain = 'routing' AND actor = 'business:child-allowance' AND "              \
    "terminal LIKE '127.0.0.1 %%'"

long long house_audited(const char *action)
{
    char *sql = text_format("SELECT count(*) FROM audit_entry WHERE " AUDITED, action);
    long long count = test_sql_number(&house.database, sql);
    free(sql);
    return count;
}

long long house_audited_of(int n, const char *action)
{
    char id[37];
    char *sql = text_format("SELECT count(*) FROM audit_of_application('" TEST_CITY
                            "', '%s') WHERE " AUDITED,
                            test_application_id(n, id), action);
    long long count = test_sql_number(&house.database, sql);
    free(sql);
    return count;
}
