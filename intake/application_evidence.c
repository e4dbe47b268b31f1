#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "intake/application_internal.h"

/* At most two rows: more than one is as bad as many. */
static const struct db_statement verdict_select = {
    "verdict_select",
    "SELECT a.application_id, a.channel, e.verdict, coalesce(e.reason, ''), e.report, e.evidence,"
    " k.wrapped "
    "FROM application a JOIN examination e USING (city_code, application_id)"
    " JOIN application_key k USING (city_code, application_id) "
    "WHERE a.city_code = $1 AND a.receipt_number = $2 LIMIT 2"};

void stored_verdict_free(struct stored_verdict *verdict)
{
    buffer_free(&verdict->report);
    buffer_free(&verdict->evidence);
    stored_application_free(&verdict->application);
    *verdict = (struct stored_verdict){0};
}

static bool verdict_unseal(const struct db_rows *rows, const struct city_key *city,
                           struct stored_verdict *v, struct failure *f)
{
    char context[APPLICATION_CONTEXT];
    struct wrapped_key wrapped;
    struct application_key key;
    application_context(&v->item, context);
    if (db_is_null(rows, 0, 5))
        return application_not_stored(&v->item, "evidence: it was examined before any was kept", f);
    if (!wrapped_key_read(rows, 0, 6, &v->item, &wrapped, f) ||
        !application_key_open(city, &v->item, &wrapped, &key, f))
        return false;
    bool opened =
        unseal(&key, "report", context, db_get_bytes(rows, 0, 4), &v->report, f) &&
        unseal(&key, "verdict-evidence", context, db_get_bytes(rows, 0, 5), &v->evidence, f);
    application_key_erase(&key);
    return opened;
}

static bool package_load(struct db_tx *tx, const struct city_key *city, struct stored_verdict *v,
                         struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    return application_fetch_packages(tx, &v->item, 1, 0, &rows, f) &&
           application_open_package(rows, 0, city, &v->item, &v->application, f);
}

bool application_load_verdict(struct db_tx *tx, const struct city_key *city, const char *city_code,
                              const char *receipt_number, struct stored_verdict *ret_verdict,
                              struct failure *f)
{
    struct stored_verdict v = {0};
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &verdict_select, DB_VALUES(db_text(city_code), db_text(receipt_number)),
                  &rows, f))
        return false;
    if (db_row_count(rows) != 1)
        return failure_set(f, FAILURE_USAGE, "%s",
                           db_row_count(rows) ? "several channels have an examined application of "
                                                "this receipt number"
                                              : "no application of this receipt number has been "
                                                "examined");
    application_copy_text(v.item.city_code, sizeof v.item.city_code, city_code);
    application_copy_text(v.item.receipt_number, sizeof v.item.receipt_number, receipt_number);
    application_copy_text(v.item.application_id, sizeof v.item.application_id,
                          db_get_text(rows, 0, 0));
    application_copy_text(v.item.channel, sizeof v.item.channel, db_get_text(rows, 0, 1));
    application_copy_text(v.verdict, sizeof v.verdict, db_get_text(rows, 0, 2));
    application_copy_text(v.reason, sizeof v.reason, db_get_text(rows, 0, 3));
    if (!verdict_unseal(rows, city, &v, f) || !package_load(tx, city, &v, f)) {
        stored_verdict_free(&v);
        return false;
    }
    *ret_verdict = v;
    return true;
}
