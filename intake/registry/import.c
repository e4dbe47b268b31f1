#include "intake/registry/import.h"

#include <inttypes.h>
#include <string.h>

#include "base/audit.h"
#include "base/metrics.h"
#include "base/text.h"
#include "intake/registry/import_internal.h"
#include "intake/registry/keys.h"

static const struct config_key registry_keys[] = {
    {"removals-most", CONFIG_NUMBER, "1", 0, 100,
     .help =
         "Percent of what is in force that a feed may remove, or end (転出, 死亡, 職権消除; the "
         "last serial link of a CA); one that would remove or end more waits for a second "
         "person (`uketsuke registry approve`)."},
    {"protections-most", CONFIG_NUMBER, "10", 0, 100,
     .help =
         "Percent of the residents under 支援措置 or 不開示 whose protection a feed may lift; one "
         "that would lift more, and not just one, waits for a second person."},
    {"approval-lasts", CONFIG_DURATION, "1d", INSTANT_SECOND, 30 * INSTANT_DAY,
     .help = "How long after `uketsuke registry approve` the feed may be imported again."},
    {"approvers", CONFIG_TEXT, "",
     .help = "Accounts that may approve an import, separated by blanks; empty: any that logged in. "
             "Where the kernel keeps no login (/proc/self/loginuid), they must stand here."},
    {"keep-juminhyo-code", CONFIG_BOOLEAN, "no",
     .help =
         "Whether 住民票コード of a feed are kept (sealed); no: they are checked and forgotten."},
};
const struct config_section registry_config_section = {
    "registry", .help = "The feeds of residents and serial links.", .keys = registry_keys,
    .key_count = sizeof registry_keys / sizeof *registry_keys};

static struct metric rows_total = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_registry_rows_total",
    .help = "Residents and serial links, by what an import did to them.",
    .label_name = "change",
};

/* --- statements ------------------------------------------------------------------------------- */

/* A load of a city takes its time; memory is better than temporary files. Only for the transaction:
 * statement_timeout is for the short work of the roles. */
static const struct db_statement settings = {
    "registry_settings",
    "SELECT set_config('statement_timeout', '0', true),"
    " set_config('idle_in_transaction_session_timeout', '0', true),"
    " set_config('work_mem', '128MB', true),"
    /* a full load reads both sides whole: without fresh statistics the planner would not know */
    " set_config('enable_nestloop', CASE WHEN $1 THEN 'off' ELSE 'on' END, true)"};
static const struct db_statement lock_try = {
    "registry_lock_try",
    "SELECT pg_try_advisory_xact_lock(hashtextextended('registry_import:' || $1::text, 0))"};
/* Against registry_hold. void is not a type that crosses the border: IS NULL makes a boolean. */
static const struct db_statement links_lock = {
    "registry_links_lock",
    "SELECT pg_advisory_xact_lock(hashtextextended('registry_link:' || $1::text, 0)) IS NULL"};
static const struct db_statement last_find = {
    "registry_last",
    "SELECT coalesce(max(sequence), 0), coalesce(max(as_of), '-infinity') FROM registry_import"
    " WHERE city_code = $1 AND source = $2 AND kind = $3 AND state = 'done'"};
static const struct db_statement note_insert = {
    "registry_import_insert",
    "INSERT INTO registry_import (city_code, actor, full_load, rows, sha256, kind, source,"
    "  sequence, as_of, at, added, changed, removed, before, ended, lifted, state)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, nullif($8::bigint, 0), $9, $10, $11, $12, $13, $14, $15,"
    "  $16, 'done') RETURNING import_id"};
/* The row that waited becomes that of the import that went through; who asked stays. */
static const struct db_statement note_done = {
    "registry_import_done",
    "UPDATE registry_import SET state = 'done', as_of = $3, at = $4, added = $5, changed = $6,"
    " removed = $7, before = $8, ended = $9, lifted = $10"
    " WHERE city_code = $1 AND import_id = $2 AND state = 'approved' RETURNING import_id"};
static const struct db_statement work_notify = {"registry_work_notify",
                                                "SELECT pg_notify('work_identify', '') IS NULL"};

struct registry_options registry_options_read(const struct config *config, const char *city_code,
                                              const struct city_key *city_key, const char *actor)
{
    const struct config_group *group = config_group(config, "registry");
    return (struct registry_options){
        .city_code = city_code,
        .city_key = city_key,
        .actor = actor,
        .removals_most = config_number(group, "removals-most"),
        .protections_most = config_number(group, "protections-most"),
        .approval_lasts = config_duration(group, "approval-lasts"),
        .keep_juminhyo_code = config_boolean(group, "keep-juminhyo-code"),
    };
}

const struct import_statements *import_statements(const struct import *import)
{
    return import->feed->kind == FEED_LINKS ? &import_links : &import_residents;
}

void import_tell(const struct import *import, const char *doing)
{
    if (import->options->tell)
        import->options->tell(import->options->context, doing);
}

/* --- before the feed is read ------------------------------------------------------------------ */

static bool run(struct db_tx *tx, const struct db_statement *statement,
                const struct db_value *values, size_t count, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    return db_query(tx, statement, values, count, &rows, f);
}

/* A transaction that lost a race runs again: from the start of the feed. */
static bool feed_rewind(struct import *import, struct failure *f)
{
    if (import->begun && fseeko(import->in, 0, SEEK_SET) != 0)
        return failure_set(f, FAILURE_DATABASE,
                           "the database went away, and the feed is a pipe that can't be read "
                           "again: run it again");
    import->begun = true;
    import->approved = 0;
    import->result = (struct registry_import_result){0};
    feed_faults_free(import->faults);
    return true;
}

static bool alone(struct db_tx *tx, const struct import *import, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!run(tx, &settings, DB_VALUES(db_boolean(import->feed->full)), f) ||
        !db_query(tx, &lock_try, DB_VALUES(db_text(import->options->city_code)), &rows, f))
        return false;
    return db_get_boolean(rows, 0, 0) ||
           failure_set(f, FAILURE_USAGE,
                       "another import is under way: wait until it has ended, and run it again");
}

struct last { /* of a feed's source and kind */
    const char *city_code;
    const struct feed *feed;
    int64_t sequence;
    instant as_of;
};

static bool last_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct last *last = context;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &last_find,
                  DB_VALUES(db_text(last->city_code), db_text(last->feed->source),
                            db_text(feed_kind_name(last->feed->kind))),
                  &rows, f))
        return false;
    last->sequence = db_get_number(rows, 0, 0);
    last->as_of = db_get_instant(rows, 0, 1);
    return true;
}

bool registry_last_sequence(struct db *db, const char *city_code, const struct feed *feed,
                            int64_t *ret_sequence, struct failure *f)
{
    struct last last = {.city_code = city_code, .feed = feed};
    if (!db_transaction(db, last_work, &last, f))
        return false;
    *ret_sequence = last.sequence;
    return true;
}

/* Sequence and time of a feed go forward; a full load heals a gap. */
static bool order_check(struct db_tx *tx, const struct import *import, struct failure *f)
{
    const struct feed *feed = import->feed;
    struct last found = {.city_code = import->options->city_code, .feed = feed};
    if (!last_work(tx, &found, f))
        return false;
    int64_t last = found.sequence;
    if (feed->sequence && feed->sequence <= last)
        return failure_set(f, FAILURE_INPUT,
                           "sequence %" PRId64 " was taken in already: the last one is %" PRId64,
                           feed->sequence, last);
    if (feed->sequence && !feed->full && feed->sequence != last + 1)
        return failure_set(f, FAILURE_INPUT,
                           "sequence %" PRId64 " does not follow %" PRId64
                           ": import what is missing, or a full load",
                           feed->sequence, last);
    if (feed->as_of <= found.as_of)
        return failure_set(f, FAILURE_INPUT,
                           "time runs backwards: the feed speaks for a moment (as_of) that does "
                           "not lie after that of the last one");
    if (feed->as_of > clock_now() + INSTANT_DAY)
        return failure_set(f, FAILURE_INPUT, "the feed speaks for a moment (as_of) to come");
    return true;
}

/* --- what is remembered ----------------------------------------------------------------------- */

static bool note(struct db_tx *tx, struct import *import, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    const struct feed *feed = import->feed;
    struct registry_import_result *result = &import->result;
    const struct db_value city = db_text(import->options->city_code),
                          as_of = db_instant(feed->as_of), at = db_instant(clock_now()),
                          added = db_number(result->added), changed = db_number(result->changed),
                          removed = db_number(result->removed), before = db_number(result->before),
                          ended = db_number(result->ended), lifted = db_number(result->lifted);
    bool noted =
        import->approved
            ? db_query(tx, &note_done,
                       DB_VALUES(city, db_number(import->approved), as_of, at, added, changed,
                                 removed, before, ended, lifted),
                       &rows, f)
            : db_query(tx, &note_insert,
                       DB_VALUES(city, db_text(import->options->actor), db_boolean(feed->full),
                                 db_number(result->rows), db_bytes(bytes_of(import->sha256, 32)),
                                 db_text(feed_kind_name(feed->kind)), db_text(feed->source),
                                 db_number(feed->sequence), as_of, at, added, changed, removed,
                                 before, ended, lifted),
                       &rows, f);
    if (noted)
        result->import_id = db_get_number(rows, 0, 0);
    return noted;
}

bool import_note_audit(struct db_tx *tx, const struct import *import, const char *action,
                       struct failure *f)
{
    char hash[65];
    const struct registry_import_result *result = &import->result;
    _cleanup_(cleanup_json) json_t *detail =
        json_pack("{s:I s:s s:s s:b s:I s:I s:I s:I s:I s:I s:I s:s}", "import",
                  (json_int_t)result->import_id, "kind", feed_kind_name(import->feed->kind),
                  "source", import->feed->source, "full", import->feed->full, "sequence",
                  (json_int_t)import->feed->sequence, "rows", (json_int_t)result->rows, "added",
                  (json_int_t)result->added, "changed", (json_int_t)result->changed, "removed",
                  (json_int_t)result->removed, "ended", (json_int_t)result->ended, "lifted",
                  (json_int_t)result->lifted, "sha256", hex_encode(import->sha256, 32, hash));
    _cleanup_(cleanup_text) char *text = json_dumps(detail, JSON_COMPACT | JSON_SORT_KEYS);
    struct audit_entry entry = {.action = action,
                                .actor = import->options->actor,
                                .city_code = import->options->city_code,
                                .detail = text};
    return audit_append(tx, "registry", &entry, 1, f);
}

/* Identification finds what changed in registry_change and tries the unmatched again. It holds the
 * links (registry_hold) from looking up until its decision stands, and this waits for it: so what
 * looked before us is woken, and what looks later sees what we wrote. The lock is held only from
 * here to the commit. */
static bool wake(struct db_tx *tx, struct import *import, struct failure *f)
{
    const struct db_value city = db_text(import->options->city_code);
    return run(tx, &links_lock, &city, 1, f) && run(tx, &work_notify, DB_NO_VALUES, f);
}

/* --- the import ------------------------------------------------------------------------------- */

static bool faulty(const struct import *import, struct failure *f)
{
    char text[256];
    int64_t more = import->faults->count - 1;
    feed_fault_text(&import->faults->kept[0], text);
    if (more > 0)
        return failure_set(f, FAILURE_INPUT, "%s (and %" PRId64 " more %s)", text, more,
                           text_plural(more, "fault", "faults"));
    return failure_set(f, FAILURE_INPUT, "%s", text);
}

static bool import_apply(struct db_tx *tx, struct import *import, struct failure *f)
{
    return note(tx, import, f) && import_merge(tx, import, f) && wake(tx, import, f) &&
           import_note_audit(tx, import, "registry.import", f);
}

/* What only compares, or must wait, ends as a failure of no kind: nothing is to be written. */
static bool import_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct import *import = context;
    bool residents = import->feed->kind == FEED_RESIDENTS;
    if (!feed_rewind(import, f) || !alone(tx, import, f) ||
        (residents && !registry_folding_begin(tx, import->options->city_code, f)) ||
        !order_check(tx, import, f) || !import_stage(tx, import, f))
        return false;
    if (import->faults->count)
        return faulty(import, f);
    if (!import_weigh(tx, import, f) || import->options->compare_only)
        return false;
    if (!import_guard(tx, import, f) || import->result.waiting)
        return false;
    return import_apply(tx, import, f);
}

static bool wait_work(struct db_tx *tx, void *context, struct failure *f)
{
    return import_wait(tx, context, f);
}

bool registry_import(struct db *db, const struct feed *feed, FILE *in,
                     const struct registry_options *options,
                     struct registry_import_result *ret_result, struct feed_faults *faults,
                     struct failure *f)
{
    struct import import = {.feed = feed, .options = options, .in = in, .faults = faults};
    struct failure why = {0};
    bool done = db_transaction(db, import_work, &import, &why);
    if (!done && why.kind != FAILURE_NONE)
        return failure_set(f, why.kind, "%s", why.text);
    if (import.result.waiting && !db_transaction(db, wait_work, &import, f))
        return false;
    if (done) {
        metric_add(&rows_total, "added", import.result.added);
        metric_add(&rows_total, "changed", import.result.changed);
        metric_add(&rows_total, "removed", import.result.removed);
    }
    *ret_result = import.result;
    return true;
}
