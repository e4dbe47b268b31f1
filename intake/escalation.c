#include "intake/escalation.h"

#include <stdlib.h>
#include <string.h>

#include "base/audit.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/program.h"
#include "routing/route.h"

#define PATIENCE (30 * INSTANT_SECOND) /* for the program that notifies */

static const struct config_key keys[] = {
    {"operator-after", CONFIG_DURATION, "4h", INSTANT_SECOND, 366 * INSTANT_DAY, NULL,
     "How long something waits for a business system, or for staff, until the operator is told."},
    {"department-after", CONFIG_DURATION, "1d", INSTANT_SECOND, 366 * INSTANT_DAY, NULL,
     "… until the department of its route is told."},
    {"report-after", CONFIG_DURATION, "3d", INSTANT_SECOND, 366 * INSTANT_DAY, NULL,
     "… until it stands in the report of the day (`uketsuke routing report`)."},
    {"interval", CONFIG_DURATION, "5min", INSTANT_SECOND, INSTANT_DAY, NULL,
     "Between two looks at the clock."},
    {"notify", CONFIG_PATH, "", 0, 0, NULL,
     "A program that tells people, by whatever the city has (mail, a pager); it gets JSON on "
     "standard input, and no shell is between. Empty: only the log and `uketsuke status` tell."},
};
const struct config_section escalation_config_section = {
    .name = "escalation",
    .help = "Who is told of what waits for too long.",
    .keys = keys,
    .key_count = sizeof keys / sizeof keys[0],
};

static struct metric escalations_total = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_escalations_total",
    .help = "Applications of which somebody was told that they wait for too long.",
    .label_name = "level",
};

/* What waits for the resident (correction), or was put off by staff, does not count. */
static const struct db_statement escalations_due = {
    "escalations_due",
    "WITH waiting AS ("
    " SELECT application_id, destination AS what, min(created_at) AS since FROM outbox"
    "  WHERE city_code = $1 AND created_at <= $2 GROUP BY 1, 2"
    " UNION ALL"
    " SELECT a.application_id, a.state, greatest(a.changed_at, h.until) FROM application a"
    "  LEFT JOIN staff_hold h USING (city_code, application_id)"
    "  WHERE a.city_code = $1 AND a.state IN ('review', 'unmatched', 'held')"
    "  AND greatest(a.changed_at, h.until) <= $2),"
    "steps AS (SELECT w.*, CASE WHEN since <= $4 THEN 3 WHEN since <= $3 THEN 2 ELSE 1 END AS step"
    " FROM waiting w) "
    "SELECT s.application_id, s.what, s.since, s.step, a.receipt_number, a.procedure_id,"
    " coalesce(e.step, 0) "
    "FROM steps s JOIN application a ON a.city_code = $1 AND a.application_id = s.application_id"
    " LEFT JOIN escalation e ON e.city_code = $1 AND e.application_id = s.application_id"
    "  AND e.what = s.what AND e.since = s.since "
    "WHERE s.step > coalesce(e.step, 0) ORDER BY s.since LIMIT 500"};
static const struct db_statement escalation_note = {
    "escalation_note",
    "INSERT INTO escalation (city_code, application_id, what, since, step, told_at) "
    "VALUES ($1, $2::uuid, $3, $4, $5, $6) ON CONFLICT (city_code, application_id, what)"
    " DO UPDATE SET since = excluded.since, step = excluded.step, told_at = excluded.told_at"};
static const struct db_statement escalations_end = {
    "escalations_end",
    "DELETE FROM escalation e WHERE e.city_code = $1 AND NOT EXISTS (SELECT FROM application a"
    "  WHERE a.city_code = e.city_code AND a.application_id = e.application_id"
    "  AND a.state = e.what) AND NOT EXISTS (SELECT FROM outbox o WHERE o.city_code = e.city_code"
    "  AND o.application_id = e.application_id AND o.destination = e.what)"};
static const struct db_statement escalations_count = {
    "escalations_count", "SELECT what, step, count(*), min(since) FROM escalation"
                         " WHERE city_code = $1 GROUP BY 1, 2 ORDER BY 4"};

static const char *const levels[] = {NULL, "operator", "department", "report"};

struct telling {
    struct role *role;
    struct db_rows *rows;
    bool *told; /* of each row: nobody has to be told again */
};

static const char *department_of(const struct telling *t, size_t i)
{
    struct route route;
    return route_find(t->role->config, db_get_text(t->rows, i, 5), &route) ? route.department : "";
}

/* Is row i to be told at this level, to this department (NULL: the level has none)? */
static bool concerns(const struct telling *t, size_t i, int level, const char *department)
{
    return db_get_number(t->rows, i, 3) >= level && db_get_number(t->rows, i, 6) < level &&
           (!department || strcmp(department_of(t, i), department) == 0);
}

static json_t *message(const struct telling *t, int level, const char *department)
{
    char at[INSTANT_TEXT];
    json_t *waiting = json_array();
    for (size_t i = 0; i < db_row_count(t->rows); i++)
        if (concerns(t, i, level, department))
            json_array_append_new(
                waiting, json_pack("{s:s, s:s, s:s, s:s}", "receipt_number",
                                   db_get_text(t->rows, i, 4), "procedure",
                                   db_get_text(t->rows, i, 5), "what", db_get_text(t->rows, i, 1),
                                   "since", instant_text_jst(db_get_instant(t->rows, i, 2), at)));
    return json_pack("{s:s, s:s, s:s?, s:s, s:o}", "level", levels[level], "city_code",
                     t->role->city_code, "department", department, "at",
                     instant_text_jst(clock_now(), at), "waiting", waiting);
}

static bool notify(const struct telling *t, int level, const char *department)
{
    const char *program = config_text(config_group(t->role->config, "escalation"), "notify");
    struct failure f = {0};
    _cleanup_(cleanup_json) json_t *json = message(t, level, department);
    size_t count = json_array_size(json_object_get(json, "waiting"));
    if (count == 0)
        return true;
    if (process_stopping()) /* a program that is started now would be killed half-way */
        return false;
    log_warning("applications.waiting", log_text("level", levels[level]),
                log_number("count", (int64_t)count));
    _cleanup_(cleanup_text) char *text = json_dumps(json, JSON_COMPACT);
    if (*program && !program_run(program, bytes_of_text(text), PATIENCE, &f)) {
        log_failure("escalation.notify", &f);
        return false;
    }
    metric_add(&escalations_total, levels[level], (int64_t)count);
    return true;
}

static void notify_all(struct telling *t)
{
    for (size_t i = 0; i < db_row_count(t->rows); i++)
        t->told[i] = true;
    for (int level = 1; level <= 3; level++)
        for (size_t i = 0; i < db_row_count(t->rows); i++) {
            const char *department = level == 2 ? department_of(t, i) : NULL;
            bool first = concerns(t, i, level, department);
            for (size_t before = 0; first && before < i; before++)
                first = !concerns(t, before, level, department);
            if (!first || notify(t, level, department))
                continue;
            for (size_t j = i; j < db_row_count(t->rows); j++)
                t->told[j] &= !concerns(t, j, level, department);
        }
}

static bool due_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct telling *t = context;
    const struct config_group *group = config_group(t->role->config, "escalation");
    instant now = clock_now();
    const struct db_value city = db_text(t->role->city_code);
    return db_execute(tx, &escalations_end, &city, 1, NULL, f) &&
           db_query(tx, &escalations_due,
                    DB_VALUES(city, db_instant(now - config_duration(group, "operator-after")),
                              db_instant(now - config_duration(group, "department-after")),
                              db_instant(now - config_duration(group, "report-after"))),
                    &t->rows, f);
}

static bool note_one(struct db_tx *tx, const struct telling *t, size_t i, struct failure *f)
{
    const struct audit_entry entry = {.action = "application.escalated",
                                      .actor = "role:routing",
                                      .city_code = t->role->city_code,
                                      .application_id = db_get_text(t->rows, i, 0),
                                      .reason = levels[db_get_number(t->rows, i, 3)]};
    return db_send(tx, &escalation_note,
                   DB_VALUES(db_text(t->role->city_code), db_text(entry.application_id),
                             db_text(db_get_text(t->rows, i, 1)),
                             db_instant(db_get_instant(t->rows, i, 2)),
                             db_number(db_get_number(t->rows, i, 3)), db_instant(clock_now())),
                   1, f) &&
           audit_append(tx, "routing", &entry, 1, f);
}

static bool note_work(struct db_tx *tx, void *context, struct failure *f)
{
    const struct telling *t = context;
    for (size_t i = 0; i < db_row_count(t->rows); i++)
        if (t->told[i] && !note_one(tx, t, i, f))
            return false;
    return true;
}

enum work_result escalation_step(void *context, struct failure *f)
{
    struct telling t = {.role = context};
    if (!db_transaction(t.role->db, due_work, &t, f))
        return WORK_FAILED;
    t.told = memory_allocate((db_row_count(t.rows) + 1) * sizeof *t.told);
    notify_all(&t);
    bool any = false;
    for (size_t i = 0; i < db_row_count(t.rows); i++)
        any |= t.told[i];
    bool done = !any || db_transaction(t.role->db, note_work, &t, f);
    free(t.told);
    cleanup_db_rows(&t.rows);
    return !done ? WORK_FAILED : any ? WORK_DONE : WORK_IDLE;
}

struct reporting {
    const char *city_code;
    json_t *list;
};

static bool report_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct reporting *r = context;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &escalations_count, DB_VALUES(db_text(r->city_code)), &rows, f))
        return false;
    for (size_t i = 0; i < db_row_count(rows); i++) {
        char at[INSTANT_TEXT];
        json_array_append_new(r->list,
                              json_pack("{s:s, s:s, s:I, s:s}", "what", db_get_text(rows, i, 0),
                                        "step", levels[db_get_number(rows, i, 1)], "count",
                                        (json_int_t)db_get_number(rows, i, 2), "oldest",
                                        instant_text_jst(db_get_instant(rows, i, 3), at)));
    }
    return true;
}

json_t *escalation_report(struct db *db, const char *city_code, struct failure *f)
{
    struct reporting r = {city_code, json_array()};
    if (db_transaction(db, report_work, &r, f))
        return r.list;
    json_decref(r.list);
    return NULL;
}
