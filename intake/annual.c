#include "intake/annual.h"

#include <stdio.h>

#include "base/audit.h"
#include "base/cleanup.h"
#include "base/json.h"

/* Statements: $1 the city, $2 and $3 from and until, $4 whose accounts (their kind) or NULL; each
 * gives one JSON text. */

#define YEAR       "extract(year FROM a.applied_at AT TIME ZONE 'Asia/Tokyo' - interval '3 months')"
#define LIST(rows) "SELECT coalesce(json_agg(r), '[]')::text FROM (" rows ") r"

static const struct db_statement stored = {
    "annual_stored",
    LIST("SELECT " YEAR "::integer AS year, a.procedure_id, count(*) AS applications,"
         " count(*) FILTER (WHERE p.size >= 0 AND k.city_code = $1) AS readable,"
         " count(*) FILTER (WHERE p.size >= 0 AND k.city_code IS NULL) AS forgotten,"
         " count(*) FILTER (WHERE a.state IN (SELECT from_state FROM state_transition)) AS open"
         " FROM application a LEFT JOIN package p USING (city_code, application_id)"
         " LEFT JOIN application_key k USING (city_code, application_id)"
         " WHERE a.city_code = $1 GROUP BY 1, 2 ORDER BY 1, 2")};

#define OF_KIND(actor)                                                                             \
    " AND ($4::text IS NULL OR EXISTS (SELECT FROM account k WHERE k.city_code = $1"               \
    "  AND 'staff:' || k.name = " actor " AND k.kind = $4))"
#define BY_PEOPLE                                                                                  \
    "e.chain IN ('administrator', 'console', 'operator', 'registry') AND e.at >= $2 AND e.at < $3" \
    " AND (e.city_code IS NULL OR e.city_code = $1)" OF_KIND("e.actor")

static const struct db_statement acts = {
    "annual_acts", LIST("SELECT e.action, count(*) AS entries, count(DISTINCT e.actor) AS persons "
                        "FROM audit_entry e WHERE " BY_PEOPLE " GROUP BY 1 ORDER BY 1")};
static const struct db_statement persons = {
    "annual_persons",
    LIST("SELECT e.actor AS person, (SELECT a.kind FROM account a WHERE a.city_code = $1"
         "  AND 'staff:' || a.name = e.actor) AS kind, count(*) AS entries,"
         " count(DISTINCT e.application_id) AS applications,"
         " count(*) FILTER (WHERE e.action = 'session.begun') AS sign_ins "
         "FROM audit_entry e WHERE " BY_PEOPLE " GROUP BY 1 ORDER BY 2 NULLS LAST, 1")};
static const struct db_statement reviews = {
    "annual_reviews",
    LIST("SELECT report, count(*) AS reviews, moment_in_japan(max(reviewed_at)) AS last "
         "FROM audit_review WHERE city_code = $1 AND reviewed_at >= $2"
         " AND reviewed_at < $3 GROUP BY 1 ORDER BY 1")};
static const struct db_statement verification = {
    "annual_verification",
    "SELECT (SELECT json_build_object('at', moment_in_japan(at), 'intact', intact)::text"
    " FROM audit_verification ORDER BY verification_id DESC LIMIT 1)"};
static const struct db_statement prints = {
    "annual_prints",
    "SELECT json_build_object('count', count(*), 'with_numbers', count(*) FILTER (WHERE"
    " with_numbers), 'open', count(*) FILTER (WHERE disposed_at IS NULL))::text FROM output"
    " WHERE city_code = $1 AND kind = 'print'"
    " AND asked_at >= $2 AND asked_at < $3" OF_KIND("asked_by")};
static const struct db_statement files = {
    "annual_files",
    LIST("SELECT output_id AS number, moment_in_japan(asked_at) AS asked_at, asked_by, terminal,"
         " medium, with_numbers, many, approved_by, fetches,"
         " moment_in_japan(disposed_at) AS disposed_at FROM output"
         " WHERE city_code = $1 AND kind = 'export'"
         " AND asked_at >= $2 AND asked_at < $3" OF_KIND("asked_by") " ORDER BY output_id")};

static const struct {
    const char *name;
    const struct db_statement *statement;
    size_t values; /* how many of $1 … it takes */
} parts[] = {
    {"stored", &stored, 1},
    {"acts", &acts, 4},
    {"persons", &persons, 4},
    {"reviews", &reviews, 3},
    {"prints", &prints, 4},
    {"files", &files, 4},
    {"verification", &verification, 0},
};

int annual_year(struct day day)
{
    return day.month >= 4 ? day.year : day.year - 1;
}

struct annual {
    const char *city_code, *actor, *kind;
    int year;
    struct day from, until;
    json_t *report;
};

static bool part_take(struct annual *a, const char *name, const struct db_rows *rows,
                      struct failure *f)
{
    const char *text = db_get_text(rows, 0, 0);
    json_t *part = text ? json_read(bytes_of_text(text)) : json_null();
    return (part && json_object_set_new(a->report, name, part) == 0) ||
           failure_set(f, FAILURE_DATABASE, "the database's answer to %s is no JSON", name);
}

static bool part_read(struct annual *a, struct db_tx *tx, size_t i, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    const struct db_value values[] = {db_text(a->city_code), db_instant(day_start(a->from)),
                                      db_instant(day_start(a->until)), db_text(a->kind)};
    return db_query(tx, parts[i].statement, values, parts[i].values, &rows, f) &&
           part_take(a, parts[i].name, rows, f);
}

static json_t *head_json(const struct annual *a)
{
    char from[DAY_TEXT], to[DAY_TEXT], at[INSTANT_TEXT];
    return json_pack("{s:i, s:s, s:s, s:s, s:s?}", "year", a->year, "from", day_text(a->from, from),
                     "to", day_text(day_add(a->until, -1), to), "at",
                     instant_text_jst(clock_now(), at), "kind", a->kind);
}

static bool report_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct annual *a = context;
    char detail[32];
    snprintf(detail, sizeof detail, "{\"year\":%d}", a->year);
    const struct audit_entry look = {
        .action = "audit.annual", .actor = a->actor, .city_code = a->city_code, .detail = detail};
    json_decref(a->report);
    a->report = head_json(a);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!part_read(a, tx, i, f))
            return false;
    return audit_append(tx, "operator", &look, 1, f);
}

json_t *annual_report(struct db *db, const char *city_code, int year, const char *kind,
                      const char *actor, struct failure *f)
{
    struct annual a = {.city_code = city_code,
                       .actor = actor,
                       .kind = kind,
                       .year = year,
                       .from = {year, 4, 1},
                       .until = {year + 1, 4, 1}};
    if (db_transaction(db, report_work, &a, f))
        return a.report;
    json_decref(a.report);
    return NULL;
}
