/* What tests/bench/routing.py needs done fast: applications that wait for a business system, and
 * consumers of the pull API.
 *
 *   routing_bench fill CONFIG CITY-KEY FIRST COUNT SIZE       into the database of [database]
 *   routing_bench pull URL CA CERT KEY CLIENT-ID SECRET CONSUMERS ITEMS
 *
 * pull takes by claims of 500, keeps nothing, sends receipts, and prints items, seconds, and the
 * microseconds of a processor that it took itself; it ends after ITEMS items, or when nothing
 * waits.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/db.h"
#include "base/seal.h"
#include "base/secret_file.h"
#include "base/text.h"
#include "deploy/sandbox/business.h"
#include "intake/command.h"

#define CITY        "992011"
#define DESTINATION "child-allowance"
#define PROCEDURE   "child-allowance.certification-claim"

static void die(const struct failure *f)
{
    fprintf(stderr, "routing_bench: %s\n", f->text);
    exit(3);
}

/* --- fill ----------------------------------------------------------------------------------------
 */

struct filling {
    struct city_key *key;
    int64_t first, count, size;
    const struct db_statement *statement;
    void (*row)(const struct filling *fill, int64_t n, struct db_copy *copy);
};

static const char *hex_of(struct bytes bytes, struct buffer *text)
{
    buffer_clear(text);
    buffer_append_text(text, "\\x");
    char *at = (char *)buffer_reserve(text, 2 * bytes.length + 1);
    hex_encode(bytes.data, bytes.length, at);
    buffer_commit(text, 2 * bytes.length);
    return buffer_text(text);
}

static void id_of(int64_t n, char text[37])
{
    snprintf(text, 37, "00000000-0000-4000-8000-%012" PRIx64, n);
}

static void item_of(const struct filling *fill, int64_t n, struct buffer *item)
{
    buffer_clear(item);
    buffer_format(item, "{\"receipt_number\":\"B-%010" PRId64 "\",\"text\":\"", n);
    while ((int64_t)item->length < fill->size - 2)
        buffer_append_text(item, "x");
    buffer_append_text(item, "\"}");
}

static void row(struct db_copy *copy, const char *const *fields, size_t count)
{
    struct failure f = {0};
    if (!db_copy_row(copy, fields, count, &f))
        die(&f);
}

static const struct db_statement copy_applications = {
    "bench_applications",
    "COPY application (city_code, application_id, channel, receipt_number, state, changed_by,"
    " version, applied_at, procedure_id, form_version, promised_size, promised_sha256) FROM STDIN"};
static void application_row(const struct filling *fill, int64_t n, struct db_copy *copy)
{
    (void)fill;
    char id[37], number[32];
    id_of(n, id);
    snprintf(number, sizeof number, "B-%010" PRId64, n);
    row(copy,
        (const char *const[]){
            CITY, id, "bench", number, "routed", "role:routing", "5", "2026-11-01T00:00:00+09:00",
            PROCEDURE, "1", "1000",
            "\\x0000000000000000000000000000000000000000000000000000000000000000"},
        12);
}

static const struct db_statement copy_events = {
    "bench_events", "COPY application_event (city_code, application_id, version, at, to_state,"
                    " actor) FROM STDIN"};
static void event_row(const struct filling *fill, int64_t n, struct db_copy *copy)
{
    (void)fill;
    char id[37];
    id_of(n, id);
    row(copy,
        (const char *const[]){CITY, id, "5", "2026-11-01T00:00:00+09:00", "routed", "role:routing"},
        6);
}

/* Key and item of one application belong together: the key is derived from nothing, so both are
 * made in one pass, and the item's hex waits here for its own COPY. */
static char **items;

static const struct db_statement copy_keys = {
    "bench_keys", "COPY application_key (city_code, application_id, wrapped) FROM STDIN"};
static void key_row(const struct filling *fill, int64_t n, struct db_copy *copy)
{
    static struct buffer text, plain, sealed;
    char id[37], context[64];
    uint8_t wrapped[SEAL_WRAPPED_LENGTH];
    struct application_key key;
    struct failure f = {0};
    id_of(n, id);
    snprintf(context, sizeof context, CITY "/%s", id);
    item_of(fill, n, &plain);
    buffer_clear(&sealed);
    if (!application_key_make(fill->key, context, &key, wrapped, &f) ||
        !seal(&key, "item", context, buffer_bytes(&plain), &sealed, &f))
        die(&f);
    items[n - fill->first] = text_copy(hex_of(buffer_bytes(&sealed), &text));
    row(copy, (const char *const[]){CITY, id, hex_of(bytes_of(wrapped, sizeof wrapped), &text)}, 3);
}

static const struct db_statement copy_items = {
    "bench_items", "COPY outbox_item (city_code, destination, outbox_id, sealed) FROM STDIN"};
static void item_row(const struct filling *fill, int64_t n, struct db_copy *copy)
{
    char number[24];
    snprintf(number, sizeof number, "%" PRId64, n);
    row(copy, (const char *const[]){CITY, DESTINATION, number, items[n - fill->first]}, 4);
    free(items[n - fill->first]);
}

static const struct db_statement copy_outbox = {
    "bench_outbox",
    "COPY outbox (city_code, destination, outbox_id, application_id, sha256) FROM STDIN"};
static void outbox_row_of(const struct filling *fill, int64_t n, struct db_copy *copy)
{
    static struct buffer text, plain;
    char id[37], number[24];
    uint8_t hash[32];
    id_of(n, id);
    item_of(fill, n, &plain);
    sha256(buffer_bytes(&plain), hash);
    snprintf(number, sizeof number, "%" PRId64, n);
    row(copy,
        (const char *const[]){CITY, DESTINATION, number, id,
                              hex_of(bytes_of(hash, sizeof hash), &text)},
        5);
}

static const struct db_statement no_triggers = {"bench_no_triggers",
                                                "SET LOCAL session_replication_role = replica"};

/* There is nothing to ask about protected people by: as if that had been done today. */
static const struct db_statement asked_today = {
    "bench_asked_today",
    "UPDATE outbox SET checked = protection_epoch(city_code,"
    " to_char(now() AT TIME ZONE 'Asia/Tokyo', 'YYYYMMDD')::integer) WHERE outbox_id >= $1"};

static bool ask_work(struct db_tx *tx, void *context, struct failure *f)
{
    const struct filling *fill = context;
    return db_execute(tx, &asked_today, DB_VALUES(db_number(fill->first)), NULL, f);
}

static bool fill_work(struct db_tx *tx, void *context, struct failure *f)
{
    const struct filling *fill = context;
    struct db_copy *copy;
    int64_t rows;
    if (!db_execute(tx, &no_triggers, DB_NO_VALUES, NULL, f) ||
        !db_copy_begin(tx, fill->statement, &copy, f))
        return false;
    for (int64_t n = fill->first; n < fill->first + fill->count; n++)
        fill->row(fill, n, copy);
    return db_copy_end(copy, &rows, f);
}

static void fill(char **argv)
{
    static const struct config_section *const sections[] = {&db_config_section};
    static const struct {
        const struct db_statement *statement;
        void (*row)(const struct filling *, int64_t, struct db_copy *);
    } tables[] = {{&copy_applications, application_row},
                  {&copy_events, event_row},
                  {&copy_keys, key_row},
                  {&copy_items, item_row},
                  {&copy_outbox, outbox_row_of}};
    struct failure f = {0};
    struct config *config;
    struct db *db;
    struct filling x = {.first = atoll(argv[2]), .count = atoll(argv[3]), .size = atoll(argv[4])};
    if (!config_load(argv[0], sections, 1, &config, &f) || !city_key_load(argv[1], &x.key, &f) ||
        !db_open_owner(config, &db, &f))
        die(&f);
    items = memory_allocate((size_t)x.count * sizeof *items);
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        x.statement = tables[i].statement;
        x.row = tables[i].row;
        if (!db_transaction(db, fill_work, &x, &f))
            die(&f);
    }
    if (!db_transaction(db, ask_work, &x, &f))
        die(&f);
    db_close(db);
    config_free(config);
}

/* --- pull ----------------------------------------------------------------------------------------
 */

struct consumer {
    pthread_t thread;
    struct http_client *client;
    struct business_client oauth;
};

static atomic_llong left, taken;

static void call(struct consumer *c, const char *path, const char *body,
                 struct http_answer *ret_answer)
{
    const char *headers[2];
    struct failure f = {0};
    if (!business_authorize(&c->oauth, c->client, headers, &f))
        die(&f);
    struct http_call post = {.method = "POST",
                             .path = path,
                             .headers = headers,
                             .content_type = "application/json",
                             .body = bytes_of_text(body),
                             .answer_most = 64 << 20};
    if (!http_client_call(c->client, &post, ret_answer, &f))
        die(&f);
    if (ret_answer->status != 200) {
        failure_set(&f, FAILURE_PEER, "%s: %u %s", path, ret_answer->status,
                    buffer_text(&ret_answer->body));
        die(&f);
    }
}

/* The peers' consumers have V8 read their JSON; ours reads what it needs of an answer in one pass,
 * for jansson would be half of its work. Appends the bytes of the string at `text`, behind its
 * quote, and returns what follows it; the made-up items escape nothing but \" and \\. */
static const char *read_string(const char *text, struct buffer *bytes)
{
    for (;;) {
        size_t run = strcspn(text, "\"\\");
        buffer_append(bytes, text, run);
        text += run;
        if (*text != '\\')
            return *text ? text + 1 : text;
        buffer_append(bytes, text + 1, 1);
        text += 2;
    }
}

/* Behind the next `"name":"`; NULL when there is none. No string has that within: its quotes are
 * escaped. */
static const char *member(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at ? at + strlen(name) : NULL;
}

/* Receipts for a claim's items; how many. */
static size_t receipts_of(const char *answer, struct buffer *body)
{
    struct buffer item = {0};
    size_t count = 0;
    const char *claim = member(answer, "\"claim\":\"");
    for (const char *at = answer; (at = member(at, "{\"id\":\"")); count++) {
        char hash[65];
        const char *id = at;
        buffer_clear(&item);
        at = read_string(member(at, ",\"item\":\""), &item);
        sha256_hex(buffer_bytes(&item), hash);
        buffer_format(
            body,
            "%c{\"id\":\"%.*s\",\"sha256\":\"%s\",\"result\":\"accepted\",\"claim\":\"%.*s\"}",
            count ? ',' : '[', (int)strcspn(id, "\""), id, hash, (int)strcspn(claim, "\""), claim);
    }
    buffer_append_text(body, "]");
    buffer_free(&item);
    return count;
}

static size_t occurrences(const char *text, const char *what)
{
    size_t count = 0;
    while ((text = member(text, what)))
        count++;
    return count;
}

static size_t take_some(struct consumer *c)
{
    struct http_answer answer = {0};
    struct buffer body = {0};
    call(c, "/routing/v1/claims", "{\"most\":500,\"seconds\":60}", &answer);
    size_t count = receipts_of(buffer_text(&answer.body), &body);
    http_answer_free(&answer);
    if (count > 0) {
        struct failure f = {0};
        call(c, "/routing/v1/receipts", buffer_text(&body), &answer);
        if (occurrences(buffer_text(&answer.body), "\"result\":\"taken\"") != count) {
            failure_set(&f, FAILURE_PEER, "a receipt was not taken");
            die(&f);
        }
        http_answer_free(&answer);
    }
    buffer_free(&body);
    return count;
}

static void *consume(void *context)
{
    while (atomic_fetch_sub(&left, 500) > 0) {
        size_t count = take_some(context);
        if (count == 0)
            break;
        atomic_fetch_add(&taken, (long long)count);
    }
    return NULL;
}

static void open_consumer(struct consumer *c, char **argv)
{
    struct failure f = {0};
    struct http_client_options options = {
        .base_url = argv[0], .ca_file = argv[1], .certificate = argv[2], .key = argv[3]};
    c->oauth = (struct business_client){.id = argv[4], .routing = argv[0]};
    if (!secret_file_read("client secret", argv[5], 1024, &c->oauth.secret, &f) ||
        !http_client_open(&options, &c->client, &f))
        die(&f);
    c->oauth.secret.length--; /* the line feed */
    const char *headers[2];
    if (!business_authorize(&c->oauth, c->client, headers, &f)) /* connected when it begins */
        die(&f);
}

static double processor(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void pull(char **argv)
{
    int count = atoi(argv[6]);
    struct consumer *consumers = memory_allocate((size_t)count * sizeof *consumers);
    atomic_store(&left, atoll(argv[7]));
    for (int i = 0; i < count; i++)
        open_consumer(&consumers[i], argv);
    int64_t begun = clock_monotonic();
    double before = processor();
    for (int i = 0; i < count; i++)
        pthread_create(&consumers[i].thread, NULL, consume, &consumers[i]);
    for (int i = 0; i < count; i++)
        pthread_join(consumers[i].thread, NULL);
    printf("{\"items\": %lld, \"seconds\": %.6f, \"micros\": %.0f}\n", atomic_load(&taken),
           (double)(clock_monotonic() - begun) / INSTANT_SECOND, processor() - before);
}

int main(int argc, char **argv)
{
    if (argc == 7 && strcmp(argv[1], "fill") == 0)
        fill(argv + 2);
    else if (argc == 10 && strcmp(argv[1], "pull") == 0)
        pull(argv + 2);
    else
        return 64;
    return 0;
}
