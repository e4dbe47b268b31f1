#include "intake/registry/report.h"

#include "base/cleanup.h"

/* --- feeds ------------------------------------------------------------------------------------ */

static const struct db_statement last_feeds = {
    "registry_status_feeds",
    "SELECT DISTINCT ON (source, kind) source, kind, import_id, at, as_of, coalesce(sequence, 0),"
    " full_load, rows, added, changed, removed FROM registry_import"
    " WHERE city_code = $1 AND state = 'done' ORDER BY source, kind, import_id DESC"};
static const struct db_statement waiting_imports = {
    "registry_status_waiting",
    "SELECT import_id, source, kind, at, actor, state, before, removed, ended, lifted, as_of,"
    " coalesce(sequence, 0), full_load, coalesce(approved_by, '') FROM registry_import"
    " WHERE city_code = $1 AND state <> 'done' ORDER BY import_id"};

struct report {
    const char *city_code;
    json_t *root; /* owned */
};

static json_t *feed_row(const struct db_rows *rows, size_t row)
{
    char at[INSTANT_TEXT], as_of[INSTANT_TEXT];
    instant_text_jst(db_get_instant(rows, row, 3), at);
    instant_text_jst(db_get_instant(rows, row, 4), as_of);
    return json_pack(
        "{s:s s:s s:I s:s s:s s:I s:b s:I s:I s:I s:I}", "source", db_get_text(rows, row, 0),
        "kind", db_get_text(rows, row, 1), "import", (json_int_t)db_get_number(rows, row, 2), "at",
        at, "as_of", as_of, "sequence", (json_int_t)db_get_number(rows, row, 5), "full",
        db_get_boolean(rows, row, 6), "rows", (json_int_t)db_get_number(rows, row, 7), "added",
        (json_int_t)db_get_number(rows, row, 8), "changed", (json_int_t)db_get_number(rows, row, 9),
        "removed", (json_int_t)db_get_number(rows, row, 10));
}

static json_t *waiting_row(const struct db_rows *rows, size_t row)
{
    char at[INSTANT_TEXT], as_of[INSTANT_TEXT];
    return json_pack(
        "{s:I s:s s:s s:s s:s s:s s:I s:I s:I s:I s:s s:I s:b s:s}", "import",
        (json_int_t)db_get_number(rows, row, 0), "source", db_get_text(rows, row, 1), "kind",
        db_get_text(rows, row, 2), "at", instant_text_jst(db_get_instant(rows, row, 3), at),
        "actor", db_get_text(rows, row, 4), "state", db_get_text(rows, row, 5), "before",
        (json_int_t)db_get_number(rows, row, 6), "removed", (json_int_t)db_get_number(rows, row, 7),
        "ended", (json_int_t)db_get_number(rows, row, 8), "lifted",
        (json_int_t)db_get_number(rows, row, 9), "as_of",
        instant_text_jst(db_get_instant(rows, row, 10), as_of), "sequence",
        (json_int_t)db_get_number(rows, row, 11), "full", db_get_boolean(rows, row, 12),
        "approved_by", db_get_text(rows, row, 13));
}

static bool status_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct report *report = context;
    _cleanup_(cleanup_db_rows) struct db_rows *feeds = NULL, *waiting = NULL;
    if (!db_query(tx, &last_feeds, DB_VALUES(db_text(report->city_code)), &feeds, f) ||
        !db_query(tx, &waiting_imports, DB_VALUES(db_text(report->city_code)), &waiting, f))
        return false;
    json_decref(report->root);
    report->root = json_pack("{s:[] s:[]}", "feeds", "waiting");
    for (size_t row = 0; row < db_row_count(feeds); row++)
        json_array_append_new(json_object_get(report->root, "feeds"), feed_row(feeds, row));
    for (size_t row = 0; row < db_row_count(waiting); row++)
        json_array_append_new(json_object_get(report->root, "waiting"), waiting_row(waiting, row));
    return true;
}

static bool report_make(struct db *db, db_work *work, const char *city_code, json_t **ret_report,
                        struct failure *f)
{
    struct report report = {.city_code = city_code};
    if (!db_transaction(db, work, &report, f)) {
        json_decref(report.root);
        return false;
    }
    *ret_report = report.root;
    return true;
}

bool registry_status(struct db *db, const char *city_code, json_t **ret_report, struct failure *f)
{
    return report_make(db, status_work, city_code, ret_report, f);
}

/* --- do residents and links fit together? ----------------------------------------------------- */

/* status 0, 1: 現存, 転出予定; 5: 住登外, who are none but may apply */
static const struct db_statement reconcile = {
    "registry_reconcile",
    "WITH link AS MATERIALIZED (SELECT * FROM registry_link WHERE city_code = $1),"
    " in_force AS MATERIALIZED ("
    "  SELECT * FROM link WHERE valid_from <= now() AND now() < valid_to),"
    " person AS MATERIALIZED ("
    "  SELECT atenabango, status, number_hash FROM resident WHERE city_code = $1)"
    "SELECT (SELECT count(*) FROM person),"
    " (SELECT count(*) FROM person WHERE status IN (0, 1)),"
    " (SELECT count(*) FROM link), (SELECT count(*) FROM in_force),"
    " (SELECT count(*) FROM (SELECT FROM in_force GROUP BY ca, serial"
    "  HAVING count(DISTINCT atenabango) > 1) AS several),"
    " (SELECT count(*) FROM person WHERE status IN (0, 1) AND NOT EXISTS ("
    "  SELECT FROM in_force WHERE in_force.atenabango = person.atenabango)),"
    " (SELECT count(*) FROM in_force WHERE NOT EXISTS ("
    "  SELECT FROM person WHERE person.atenabango = in_force.atenabango)),"
    " (SELECT count(*) FROM in_force JOIN person USING (atenabango) WHERE status IN (2, 3, 4)),"
    " (SELECT count(*) FROM in_force AS new JOIN in_force AS old ON old.ca = new.ca"
    "  AND old.serial = new.old_serial AND old.atenabango = new.atenabango),"
    " (SELECT count(*) FROM (SELECT FROM person WHERE number_hash IS NOT NULL GROUP BY number_hash"
    "  HAVING count(*) > 1) AS several)"};

static bool reconcile_work(struct db_tx *tx, void *context, struct failure *f)
{
    static const char *const names[] = {
        "residents",
        "residents_present",
        "links",
        "links_in_force",
        "serials_in_conflict",
        "residents_without_link",
        "links_without_resident",
        "links_of_leavers",
        "renewed_in_force",
        "numbers_twice",
    };
    struct report *report = context;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &reconcile, DB_VALUES(db_text(report->city_code)), &rows, f))
        return false;
    json_decref(report->root);
    report->root = json_object();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        json_object_set_new(report->root, names[i], json_integer(db_get_number(rows, 0, (int)i)));
    return true;
}

bool registry_reconcile(struct db *db, const char *city_code, json_t **ret_report,
                        struct failure *f)
{
    return report_make(db, reconcile_work, city_code, ret_report, f);
}
