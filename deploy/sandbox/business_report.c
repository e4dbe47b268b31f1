/* What is in the store, for people and tests. */
#include "base/cleanup.h"
#include "deploy/sandbox/business_store.h"

/* Nothing may be there twice: the same application accepted under two ids, but for notices. */
static const struct db_statement report_counts = {
    "business_report_counts",
    "SELECT count(*), count(*) FILTER (WHERE receipt IN ('taken', 'repeated')),"
    " count(*) FILTER (WHERE problems IS NULL AND NOT notice AND receipt_number <> '')"
    " - count(DISTINCT receipt_number) FILTER (WHERE problems IS NULL AND NOT notice"
    " AND receipt_number <> ''),"
    " count(*) FILTER (WHERE encode(sha256(content), 'hex') <> sha256),"
    " coalesce(sum(deliveries - 1), 0)::bigint,"
    " (SELECT count(*) FROM resident),"
    " (SELECT count(*) FROM (SELECT id < max(id) OVER (ORDER BY arrived) AS late FROM item) AS l"
    "  WHERE late) FROM item"};
static const char *const count_names[] = {"count",       "receipted", "duplicates",  "damaged",
                                          "redelivered", "residents", "out_of_order"};
#define COUNT_COUNT (sizeof count_names / sizeof count_names[0])
static const struct db_statement report_numbers = {
    "business_report_numbers",
    "SELECT receipt_number, problems IS NULL FROM item WHERE NOT notice ORDER BY id"};
static const struct db_statement report_outcomes = {
    "business_report_outcomes",
    "SELECT receipt_number, outcome, result FROM outcome o JOIN item i ON i.id = o.id"
    " ORDER BY o.id"};

static bool add_counts(struct db_tx *tx, json_t *report, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &report_counts, DB_NO_VALUES, &rows, f))
        return false;
    for (size_t i = 0; i < COUNT_COUNT; i++)
        json_object_set_new(report, count_names[i], json_integer(db_get_number(rows, 0, (int)i)));
    return true;
}

static bool add_numbers(struct db_tx *tx, json_t *report, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &report_numbers, DB_NO_VALUES, &rows, f))
        return false;
    json_t *accepted = json_array(), *rejected = json_array();
    for (size_t i = 0; i < db_row_count(rows); i++)
        json_array_append_new(db_get_boolean(rows, i, 1) ? accepted : rejected,
                              json_string(db_get_text(rows, i, 0)));
    json_object_set_new(report, "receipt_numbers", accepted);
    json_object_set_new(report, "rejected_receipt_numbers", rejected);
    return true;
}

static bool add_outcomes(struct db_tx *tx, json_t *report, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &report_outcomes, DB_NO_VALUES, &rows, f))
        return false;
    json_t *outcomes = json_object();
    for (size_t i = 0; i < db_row_count(rows); i++)
        json_object_set_new(outcomes, db_get_text(rows, i, 0),
                            json_pack("{s:s, s:s?}", "outcome", db_get_text(rows, i, 1), "result",
                                      db_get_text(rows, i, 2)));
    json_object_set_new(report, "outcomes", outcomes);
    return true;
}

static bool make_report(struct db_tx *tx, void *context, struct failure *f)
{
    return add_counts(tx, context, f) && add_numbers(tx, context, f) &&
           add_outcomes(tx, context, f);
}

json_t *business_report(struct business_store *store, struct failure *f)
{
    _cleanup_(cleanup_json) json_t *report = json_object();
    if (!db_transaction(store->db, make_report, report, f))
        return NULL;
    return TAKE(report);
}
