/* Checkpoints: the heads of all chains, signed, each with the hash of the checkpoint before. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/audit_internal.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"

static const struct db_statement checkpoint_lock = {
    "checkpoint_lock", "SELECT 1 FROM pg_advisory_xact_lock(x'6175646974636b70'::bigint)"};
static const struct db_statement checkpoint_heads = {
    "checkpoint_heads",
    "SELECT chain, position, encode(hash, 'hex') FROM audit_chain ORDER BY chain COLLATE \"C\""};
static const struct db_statement checkpoint_latest = {
    "checkpoint_latest", "SELECT heads FROM audit_checkpoint ORDER BY checkpoint_id DESC LIMIT 1"};
static const struct db_statement checkpoint_insert = {
    "checkpoint_insert", "INSERT INTO audit_checkpoint (at, heads, key_id, signature) "
                         "VALUES ($1, $2, $3, $4)"};
static const struct db_statement checkpoint_find = {
    "checkpoint_find", "SELECT EXISTS (SELECT FROM audit_checkpoint"
                       " WHERE encode(sha256(convert_to(heads, 'UTF8')), 'hex') = lower($1))"};
static const struct db_statement checkpoint_list = {
    "checkpoint_list", "SELECT checkpoint_id, at, heads, key_id, signature FROM audit_checkpoint "
                       "ORDER BY checkpoint_id"};

/* --- making ----------------------------------------------------------------------------------- */

struct making {
    EVP_PKEY *key;
    char key_id[65];
    char hash[65]; /* of the signed text */
};

static json_t *heads_json(const struct db_rows *heads, const struct db_rows *latest, instant at)
{
    char text[INSTANT_TEXT], previous[65] = "";
    json_t *chains = json_array();
    for (size_t i = 0; i < db_row_count(heads); i++)
        json_array_append_new(chains,
                              json_pack("{s:s, s:I, s:s}", "chain", db_get_text(heads, i, 0),
                                        "position", (json_int_t)db_get_number(heads, i, 1), "hash",
                                        db_get_text(heads, i, 2)));
    if (db_row_count(latest))
        sha256_hex(bytes_of_text(db_get_text(latest, 0, 0)), previous);
    return json_pack("{s:s, s:s, s:o}", "at", instant_text_jst(at, text), "previous", previous,
                     "chains", chains);
}

static bool make_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct making *making = context;
    _cleanup_(cleanup_db_rows) struct db_rows *heads = NULL, *latest = NULL;
    if (!db_execute(tx, &checkpoint_lock, DB_NO_VALUES, NULL, f) ||
        !db_query(tx, &checkpoint_latest, DB_NO_VALUES, &latest, f) ||
        !db_query(tx, &checkpoint_heads, DB_NO_VALUES, &heads, f))
        return false;
    instant at = clock_now();
    uint8_t signature[AUDIT_SIGNATURE];
    _cleanup_(cleanup_json) json_t *json = heads_json(heads, latest, at);
    _cleanup_(cleanup_text) char *text = json_dumps(json, JSON_COMPACT);
    if (!text)
        return failure_set(f, FAILURE_SYSTEM, "the checkpoint cannot be written as JSON");
    sha256_hex(bytes_of_text(text), making->hash);
    return audit_sign(making->key, text, signature, f) &&
           db_send(tx, &checkpoint_insert,
                   DB_VALUES(db_instant(at), db_text(text), db_text(making->key_id),
                             db_bytes(bytes_of(signature, sizeof signature))),
                   1, f);
}

bool audit_checkpoint(struct db *db, const struct config *config, struct failure *f)
{
    _cleanup_(cleanup_pkey) EVP_PKEY *key = NULL;
    struct making making = {0};
    if (!audit_signing_key_load(config, &key, making.key_id, f))
        return false;
    making.key = key;
    if (!db_transaction(db, make_work, &making, f))
        return false;
    /* A log that leaves the machine is the copy by which a cut-off end shows. */
    log_info("audit.checkpoint", log_text("sha256", making.hash));
    return true;
}

struct looking {
    const char *hash;
    bool found;
};

static bool find_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct looking *looking = context;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &checkpoint_find, DB_VALUES(db_text(looking->hash)), &rows, f))
        return false;
    looking->found = db_get_boolean(rows, 0, 0);
    return true;
}

bool audit_checkpoint_exists(struct db *db, const char *hash, bool *ret_exists, struct failure *f)
{
    struct looking looking = {.hash = hash};
    if (!db_transaction(db, find_work, &looking, f))
        return false;
    *ret_exists = looking.found;
    return true;
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool promise_read(const json_t *json, int64_t checkpoint, struct audit_promise *ret)
{
    const char *chain = json_string_value(json_object_get(json, "chain"));
    const char *hash = json_string_value(json_object_get(json, "hash"));
    const json_t *position = json_object_get(json, "position");
    struct audit_promise promise = {.checkpoint = checkpoint};
    if (!chain || strlen(chain) >= sizeof promise.chain || !hash || !json_is_integer(position) ||
        !hex_decode(hash, promise.hash, AUDIT_HASH))
        return false;
    snprintf(promise.chain, sizeof promise.chain, "%s", chain);
    promise.position = json_integer_value(position);
    *ret = promise;
    return true;
}

static void promise_add(struct audit_promises *all, const struct audit_promise *promise)
{
    if (promise->position == 0)
        return; /* a chain that was empty then */
    if (all->count == all->capacity) {
        all->capacity = all->capacity * 2 + 64;
        all->list = memory_resize(all->list, all->capacity * sizeof *all->list);
    }
    all->list[all->count++] = *promise;
}

static bool promises_read(const json_t *json, int64_t checkpoint, struct audit_promises *all)
{
    const json_t *chains = json_object_get(json, "chains");
    bool good = json_is_array(chains);
    for (size_t i = 0; i < json_array_size(chains) && good; i++) {
        struct audit_promise promise;
        good = promise_read(json_array_get(chains, i), checkpoint, &promise);
        if (good)
            promise_add(all, &promise);
    }
    return good;
}

struct reading {
    struct audit_keys keys;
    struct audit_promises promises;
    char previous[65]; /* hash of the checkpoint before */
    void (*fault)(void *context, const char *chain, int64_t position, const char *what);
    void *context;
};

/* What is wrong with a checkpoint; NULL when it is good. */
static const char *checkpoint_fault(struct reading *r, const struct db_rows *rows, size_t i)
{
    const char *heads = db_get_text(rows, i, 2);
    char at[INSTANT_TEXT];
    if (!audit_signature_good(&r->keys, db_get_text(rows, i, 3), heads, db_get_bytes(rows, i, 4)))
        return "the checkpoint's signature is wrong, or by a key that [audit] public-key does not "
               "name";
    _cleanup_(cleanup_json) json_t *json = json_loads(heads, JSON_REJECT_DUPLICATES, NULL);
    const char *said_at = json_string_value(json_object_get(json, "at"));
    const char *previous = json_string_value(json_object_get(json, "previous"));
    if (!said_at || !previous || !promises_read(json, db_get_number(rows, i, 0), &r->promises))
        return "the checkpoint is signed, but is no checkpoint";
    if (strcmp(said_at, instant_text_jst(db_get_instant(rows, i, 1), at)) != 0)
        return "the checkpoint's time is not the one that was signed";
    if (strcmp(previous, r->previous) != 0)
        return "the checkpoint before this one is missing or is another";
    return NULL;
}

static void checkpoint_read(struct reading *r, const struct db_rows *rows, size_t i)
{
    const char *fault = checkpoint_fault(r, rows, i);
    if (fault)
        r->fault(r->context, "checkpoint", db_get_number(rows, i, 0), fault);
    sha256_hex(bytes_of_text(db_get_text(rows, i, 2)), r->previous);
    r->promises.checkpoints++;
    r->promises.last = db_get_instant(rows, i, 1);
}

static int compare_promises(const void *a, const void *b)
{
    const struct audit_promise *x = a, *y = b;
    int order = strcmp(x->chain, y->chain);
    return order ? order : (x->position > y->position) - (x->position < y->position);
}

static bool list_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct db_rows **rows = context;
    return db_query(tx, &checkpoint_list, DB_NO_VALUES, rows, f);
}

bool audit_promises_load(struct db *db, const struct config *config,
                         void (*fault)(void *context, const char *chain, int64_t position,
                                       const char *what),
                         void *context, struct audit_promises *ret_promises, struct failure *f)
{
    struct reading r = {.fault = fault, .context = context};
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    bool good = audit_keys_load(config, &r.keys, f) && db_transaction(db, list_work, &rows, f);
    if (good && db_row_count(rows) && !r.keys.count)
        good = failure_set(f, FAILURE_USAGE,
                           "there are checkpoints, but [audit] public-key names "
                           "no key to check them by");
    for (size_t i = 0; good && i < db_row_count(rows); i++)
        checkpoint_read(&r, rows, i);
    audit_keys_free(&r.keys);
    if (!good) {
        audit_promises_free(&r.promises);
        return false;
    }
    if (r.promises.count)
        qsort(r.promises.list, r.promises.count, sizeof *r.promises.list, compare_promises);
    *ret_promises = r.promises;
    return true;
}

void audit_promises_free(struct audit_promises *promises)
{
    free(promises->list);
    *promises = (struct audit_promises){0};
}
