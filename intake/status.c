#include "intake/status.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "intake/revocation.h"
#include "intake/state.h"

DEFINE_CLEANUP(cleanup_index, struct crl_index *, crl_index_free)

/* When due work counts as left lying; tries after which somebody should look. */
#define OVERDUE_AFTER (5 * 60 * INSTANT_SECOND)
#define TRIES_MANY    3

static const struct db_statement status_states = {
    "status_states", "SELECT state, count(*), min(changed_at) FROM application "
                     "WHERE city_code = $1 GROUP BY state"};
static const struct db_statement status_reasons = {
    "status_reasons", "SELECT state, coalesce(reason, ''), count(*), min(changed_at) "
                      "FROM application WHERE city_code = $1"
                      " AND state IN ('held', 'unmatched', 'review', 'correction') "
                      "GROUP BY 1, 2 ORDER BY 4, 2"};
static const struct db_statement status_work = {
    "status_work", "SELECT stage, count(*), count(*) FILTER (WHERE due_at <= $2::timestamptz),"
                   " count(*) FILTER (WHERE due_at <= $3::timestamptz), min(due_at),"
                   " count(*) FILTER (WHERE attempts >= $4),"
                   " (array_agg(note ORDER BY attempts DESC) FILTER (WHERE note IS NOT NULL))[1] "
                   "FROM work WHERE city_code = $1 GROUP BY stage ORDER BY min(due_at)"};
/* Whatever is neither at its end nor waits for a business system or for people must be in the work
 * table. Who was found by hand, and not confirmed yet, waits for people. */
static const struct db_statement status_stuck = {
    "status_stuck", "SELECT count(*) FROM application a WHERE a.city_code = $1"
                    " AND a.state IN ('announced', 'collected', 'verified', 'identified', 'held',"
                    " 'unmatched') AND a.reason IS DISTINCT FROM 'confirmation-waits' AND NOT "
                    "EXISTS (SELECT FROM work w WHERE"
                    " w.city_code = a.city_code AND w.application_id = a.application_id)"};
static const struct db_statement status_outbox = {
    "status_outbox",
    "SELECT destination, count(*), min(created_at), max(attempts),"
    " (array_agg(last_error ORDER BY last_attempt_at DESC NULLS LAST)"
    "  FILTER (WHERE last_error IS NOT NULL))[1] "
    "FROM outbox WHERE city_code = $1 GROUP BY destination ORDER BY min(created_at)"};
static const struct db_statement status_escalations = {
    "status_escalations", "SELECT what, max(step)::bigint, count(*), min(since) FROM escalation"
                          " WHERE city_code = $1 GROUP BY what ORDER BY 4"};
static const struct db_statement status_audit = {
    "status_audit", "SELECT (SELECT max(at) FROM audit_checkpoint), (SELECT min(e.at)"
                    " FROM audit_chain c JOIN audit_entry e ON e.chain = c.chain"
                    " AND e.position = 1)"};

static json_t *time_json(instant at)
{
    char text[INSTANT_TEXT];
    return at ? json_string(instant_text_jst(at, text)) : json_null();
}

static json_t *text_json(const char *text)
{
    return text ? json_string(text) : json_null();
}

struct reading {
    const char *city_code;
    instant now;
    json_t *status;
};

/* --- the parts -------------------------------------------------------------------------------- */

static json_t *states_json(const struct db_rows *rows)
{
    json_t *list = json_array();
    for (enum state s = 0; s < STATE_COUNT; s++) {
        size_t i = 0;
        while (i < db_row_count(rows) && strcmp(db_get_text(rows, i, 0), state_code(s)) != 0)
            i++;
        bool any = i < db_row_count(rows);
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:I, s:o}", "state", state_code(s), "name",
                                        state_name_ja(s), "count",
                                        (json_int_t)(any ? db_get_number(rows, i, 1) : 0), "oldest",
                                        time_json(any ? db_get_instant(rows, i, 2) : 0)));
    }
    return list;
}

static json_t *reason_json(const struct db_rows *rows, size_t i)
{
    return json_pack("{s:s, s:s, s:I, s:o}", "state", db_get_text(rows, i, 0), "reason",
                     db_get_text(rows, i, 1), "count", (json_int_t)db_get_number(rows, i, 2),
                     "oldest", time_json(db_get_instant(rows, i, 3)));
}

static json_t *work_json(const struct db_rows *rows, size_t i)
{
    return json_pack(
        "{s:s, s:I, s:I, s:I, s:o, s:I, s:o}", "stage", db_get_text(rows, i, 0), "count",
        (json_int_t)db_get_number(rows, i, 1), "due", (json_int_t)db_get_number(rows, i, 2),
        "overdue", (json_int_t)db_get_number(rows, i, 3), "oldest_due",
        time_json(db_get_instant(rows, i, 4)), "failing", (json_int_t)db_get_number(rows, i, 5),
        "note", text_json(db_get_text(rows, i, 6)));
}

static json_t *outbox_json(const struct db_rows *rows, size_t i)
{
    return json_pack("{s:s, s:I, s:o, s:I, s:o}", "destination", db_get_text(rows, i, 0), "count",
                     (json_int_t)db_get_number(rows, i, 1), "oldest",
                     time_json(db_get_instant(rows, i, 2)), "tried",
                     (json_int_t)db_get_number(rows, i, 3), "last_error",
                     text_json(db_get_text(rows, i, 4)));
}

static json_t *escalation_json(const struct db_rows *rows, size_t i)
{
    static const char *const told[] = {"", "operator", "department", "report"};
    return json_pack("{s:s, s:s, s:I, s:o}", "what", db_get_text(rows, i, 0), "told",
                     told[db_get_number(rows, i, 1)], "count",
                     (json_int_t)db_get_number(rows, i, 2), "oldest",
                     time_json(db_get_instant(rows, i, 3)));
}

static json_t *list_json(const struct db_rows *rows,
                         json_t *(*row_json)(const struct db_rows *rows, size_t i))
{
    json_t *list = json_array();
    for (size_t i = 0; i < db_row_count(rows); i++)
        json_array_append_new(list, row_json(rows, i));
    return list;
}

static bool database_read(struct db_tx *tx, void *context, struct failure *f)
{
    struct reading *r = context;
    const struct db_value city = db_text(r->city_code);
    _cleanup_(cleanup_db_rows) struct db_rows *states = NULL, *reasons = NULL, *work = NULL,
                                              *stuck = NULL, *outbox = NULL, *audit = NULL,
                                              *escalations = NULL;
    if (!db_query(tx, &status_states, &city, 1, &states, f) ||
        !db_query(tx, &status_reasons, &city, 1, &reasons, f) ||
        !db_query(tx, &status_work,
                  DB_VALUES(city, db_instant(r->now), db_instant(r->now - OVERDUE_AFTER),
                            db_number(TRIES_MANY)),
                  &work, f) ||
        !db_query(tx, &status_stuck, &city, 1, &stuck, f) ||
        !db_query(tx, &status_outbox, &city, 1, &outbox, f) ||
        !db_query(tx, &status_escalations, &city, 1, &escalations, f) ||
        !db_query(tx, &status_audit, DB_NO_VALUES, &audit, f))
        return false;
    json_object_set_new(r->status, "states", states_json(states));
    json_object_set_new(r->status, "reasons", list_json(reasons, reason_json));
    json_object_set_new(r->status, "work", list_json(work, work_json));
    json_object_set_new(r->status, "stuck", json_integer(db_get_number(stuck, 0, 0)));
    json_object_set_new(r->status, "outbox", list_json(outbox, outbox_json));
    json_object_set_new(r->status, "escalations", list_json(escalations, escalation_json));
    json_object_set_new(r->status, "audit",
                        json_pack("{s:o, s:o}", "checkpoint",
                                  time_json(db_get_instant(audit, 0, 0)), "since",
                                  time_json(db_get_instant(audit, 0, 1))));
    return true;
}

struct lists {
    int64_t count, late, unusable;
    instant newest;
};

/* Files are replaced whole, so their time tells when a list came. */
static void list_count(struct lists *lists, const char *path, instant now, instant age_most)
{
    _cleanup_(cleanup_index) struct crl_index *index = NULL;
    struct stat st;
    if (stat(path, &st) != 0)
        return; /* replaced or removed just now */
    instant at = (instant)st.st_mtim.tv_sec * INSTANT_SECOND;
    lists->count++;
    lists->newest = at > lists->newest ? at : lists->newest;
    bool good = crl_index_open(path, &index, NULL);
    const struct crl_facts *facts = good ? crl_index_facts(index) : NULL;
    bool late = facts && facts->next_update < now;
    lists->late += late;
    lists->unusable += !facts || (late && now - facts->this_update > age_most);
}

json_t *status_revocation(const struct config *config, instant now)
{
    const struct config_group *group = config_group(config, "revocation");
    const char *path = config_text(group, "directory");
    if (!config_next(config, revocation_list_config_section.name, NULL))
        return json_null();
    DIR *folder = opendir(path);
    struct lists lists = {0};
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        const char *dot = strrchr(entry->d_name, '.');
        if (!dot || strcmp(dot, ".idx") != 0)
            continue;
        _cleanup_(cleanup_text) char *file = text_format("%s/%s", path, entry->d_name);
        list_count(&lists, file, now, config_duration(group, "age-most"));
    }
    if (folder)
        closedir(folder);
    return json_pack("{s:I, s:o, s:I, s:I}", "lists", (json_int_t)lists.count, "newest",
                     time_json(lists.newest), "late", (json_int_t)lists.late, "unusable",
                     (json_int_t)lists.unusable);
}

bool status_read(struct db *db, const struct config *config, json_t **ret_status, struct failure *f)
{
    const char *city = config_text(config_group(config, "city"), "code");
    struct reading r = {.city_code = city, .now = clock_now(), .status = json_object()};
    json_object_set_new(r.status, "at", time_json(r.now));
    json_object_set_new(r.status, "city_code", json_string(city));
    if (!db_transaction(db, database_read, &r, f)) {
        json_decref(r.status);
        return false;
    }
    if (config_next(config, revocation_list_config_section.name, NULL))
        json_object_set_new(r.status, "revocation", status_revocation(config, r.now));
    status_judge(r.status, config);
    *ret_status = r.status;
    return true;
}
