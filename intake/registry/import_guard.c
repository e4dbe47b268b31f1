/* The guard against a feed that takes too much away, by accident or by intent, and the second
 * person who lets it through. */
#include <inttypes.h>
#include <string.h>

#include "base/audit.h"
#include "base/text.h"
#include "intake/registry/import_internal.h"

/* Of one or two residents no share tells anything. */
#define LIFTED_FEW 1

static const struct db_statement protected_count = {
    "registry_protected_count",
    "SELECT count(*) FROM resident WHERE city_code = $1 AND source = $2"
    " AND (support_from IS NOT NULL OR undisclosed_from IS NOT NULL)"
    " AND (coalesce($3::integer BETWEEN support_from AND support_to, false)"
    "  OR coalesce($3::integer BETWEEN undisclosed_from AND undisclosed_to, false))"};
static const struct db_statement approved_find = {
    "registry_approved_find",
    "SELECT import_id FROM registry_import WHERE city_code = $1 AND bound = $2"
    " AND state = 'approved' AND approved_at > $3 FOR UPDATE"};
/* One that waits already goes on waiting, and one whose approval is over waits again. */
static const struct db_statement wait_insert = {
    "registry_wait_insert",
    "INSERT INTO registry_import AS i (city_code, actor, full_load, rows, sha256, kind, source,"
    "  sequence, as_of, at, added, changed, removed, before, ended, lifted, state, bound)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, nullif($8::bigint, 0), $9, $10, $11, $12, $13, $14, $15,"
    "  $16, 'waiting', $17)"
    " ON CONFLICT (bound, city_code) WHERE state <> 'done' DO UPDATE SET"
    "  state = CASE WHEN i.approved_at > $18 THEN i.state ELSE 'waiting' END,"
    "  approved_by = CASE WHEN i.approved_at > $18 THEN i.approved_by END,"
    "  approved_at = CASE WHEN i.approved_at > $18 THEN i.approved_at END"
    " RETURNING import_id, xmax = 0"};
static const struct db_statement approve = {
    "registry_approve",
    "UPDATE registry_import SET state = 'approved', approved_by = $3, approved_at = $4"
    " WHERE city_code = $1 AND import_id = $2 AND state = 'waiting'"
    " AND person_fold(actor) <> person_fold($3)"};

/* --- how much is too much --------------------------------------------------------------------- */

/* A differential feed says how many are gone, not of how many: one counts as far as it matters. */
static bool count_before(struct db_tx *tx, struct import *import, int64_t most, struct failure *f)
{
    struct registry_import_result *result = &import->result;
    return import->feed->full ||
           import_count(tx, &import_statements(import)->before,
                        DB_VALUES(db_text(import->options->city_code),
                                  db_text(import->feed->source), db_instant(import->feed->as_of),
                                  most ? db_number(most) : db_null()),
                        &result->before, NULL, f);
}

static bool removes_too_many(struct db_tx *tx, struct import *import, bool *ret_too_many,
                             struct failure *f)
{
    const struct registry_import_result *result = &import->result;
    int64_t gone = result->removed + result->ended, percent = import->options->removals_most;
    *ret_too_many = false;
    if (gone == 0)
        return true;
    if (!count_before(tx, import, percent ? gone * 100 / percent + 1 : 1, f))
        return false;
    *ret_too_many = gone * 100 > result->before * percent;
    return true;
}

static bool lifts_too_many(struct db_tx *tx, const struct import *import, bool *ret_too_many,
                           struct failure *f)
{
    int64_t before, lifted = import->result.lifted;
    struct day day = day_of_instant(import->feed->as_of);
    *ret_too_many = false;
    if (lifted <= LIFTED_FEW)
        return true;
    if (!import_count(tx, &protected_count,
                      DB_VALUES(db_text(import->options->city_code), db_text(import->feed->source),
                                db_number(day.year * 10000 + day.month * 100 + day.day)),
                      &before, NULL, f))
        return false;
    *ret_too_many = lifted * 100 > before * import->options->protections_most;
    return true;
}

/* --- what an approval covers ------------------------------------------------------------------ */

/* The feed with all that its manifest says (a file without one is as of now, whenever that is), and
 * what it would do, row by row where something is lost. */
static json_t *bound_json(const struct import *import, const char *lost)
{
    char as_of[INSTANT_TEXT] = "", hash[65];
    const struct feed *feed = import->feed;
    const struct registry_import_result *result = &import->result;
    if (feed->promised)
        instant_text_jst(feed->as_of, as_of);
    return json_pack("{s:s s:s s:b s:I s:s s:i s:b s:s s:I s:I s:I s:I s:I s:I s:I s:s}", "kind",
                     feed_kind_name(feed->kind), "source", feed->source, "full", feed->full,
                     "sequence", (json_int_t)feed->sequence, "as_of", as_of, "encoding",
                     (int)feed->encoding, "decimal", feed->decimal_serials, "sha256",
                     hex_encode(import->sha256, 32, hash), "rows", (json_int_t)result->rows,
                     "before", (json_int_t)result->before, "added", (json_int_t)result->added,
                     "changed", (json_int_t)result->changed, "removed", (json_int_t)result->removed,
                     "ended", (json_int_t)result->ended, "lifted", (json_int_t)result->lifted,
                     "lost", lost);
}

static bool bind(struct db_tx *tx, struct import *import, struct failure *f)
{
    char lost[65];
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &import_statements(import)->lost,
                  DB_VALUES(db_text(import->options->city_code), db_instant(import->feed->as_of)),
                  &rows, f))
        return false;
    hex_encode(db_get_bytes(rows, 0, 0).data, 32, lost);
    _cleanup_(cleanup_json) json_t *root = bound_json(import, lost);
    _cleanup_(cleanup_text) char *text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
    sha256(bytes_of_text(text), import->bound);
    return true;
}

static instant approved_since(const struct import *import)
{
    return clock_now() - import->options->approval_lasts;
}

bool import_guard(struct db_tx *tx, struct import *import, struct failure *f)
{
    bool removes, lifts;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!removes_too_many(tx, import, &removes, f) || !lifts_too_many(tx, import, &lifts, f))
        return false;
    if (!removes && !lifts)
        return true;
    if (!count_before(tx, import, 0, f) || !bind(tx, import, f) ||
        !db_query(tx, &approved_find,
                  DB_VALUES(db_text(import->options->city_code),
                            db_bytes(bytes_of(import->bound, 32)),
                            db_instant(approved_since(import))),
                  &rows, f))
        return false;
    import->approved = db_row_count(rows) ? db_get_number(rows, 0, 0) : 0;
    import->result.waiting = !import->approved;
    return true;
}

bool import_wait(struct db_tx *tx, struct import *import, struct failure *f)
{
    const struct feed *feed = import->feed;
    struct registry_import_result *result = &import->result;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(
            tx, &wait_insert,
            DB_VALUES(db_text(import->options->city_code), db_text(import->options->actor),
                      db_boolean(feed->full), db_number(result->rows),
                      db_bytes(bytes_of(import->sha256, 32)), db_text(feed_kind_name(feed->kind)),
                      db_text(feed->source), db_number(feed->sequence), db_instant(feed->as_of),
                      db_instant(clock_now()), db_number(result->added), db_number(result->changed),
                      db_number(result->removed), db_number(result->before),
                      db_number(result->ended), db_number(result->lifted),
                      db_bytes(bytes_of(import->bound, 32)), db_instant(approved_since(import))),
            &rows, f))
        return false;
    result->import_id = db_get_number(rows, 0, 0);
    return !db_get_boolean(rows, 0, 1) || import_note_audit(tx, import, "registry.wait", f);
}

/* --- the second person ------------------------------------------------------------------------ */

struct approval {
    const char *city_code, *actor;
    int64_t import_id;
};

bool registry_approve_in(struct db_tx *tx, const char *city_code, int64_t import_id,
                         const char *actor, bool *ret_moved, struct failure *f)
{
    int64_t approved;
    if (!db_execute(tx, &approve,
                    DB_VALUES(db_text(city_code), db_number(import_id), db_text(actor),
                              db_instant(clock_now())),
                    &approved, f))
        return false;
    *ret_moved = approved > 0;
    return true;
}

static bool approve_work(struct db_tx *tx, void *context, struct failure *f)
{
    const struct approval *approval = context;
    bool approved;
    if (!registry_approve_in(tx, approval->city_code, approval->import_id, approval->actor,
                             &approved, f))
        return false;
    if (!approved)
        return failure_set(f, FAILURE_USAGE,
                           "import %" PRId64 " does not wait, or it was you who imported it: a "
                           "second person is needed (`uketsuke registry status`)",
                           approval->import_id);
    _cleanup_(cleanup_text) char *detail =
        text_format("{\"import\":%" PRId64 "}", approval->import_id);
    struct audit_entry entry = {.action = "registry.approve",
                                .actor = approval->actor,
                                .city_code = approval->city_code,
                                .detail = detail};
    return audit_append(tx, "administrator", &entry, 1, f);
}

bool registry_approve(struct db *db, const char *city_code, int64_t import_id, const char *actor,
                      struct failure *f)
{
    struct approval approval = {city_code, actor, import_id};
    return db_transaction(db, approve_work, &approval, f);
}
