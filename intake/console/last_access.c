#include "intake/console/last_access.h"

#include <stdio.h>

#include "base/cleanup.h"

/* $3: the session that asks. The entries are found by person and time. */
static const struct db_statement find = {
    "last_access",
    "SELECT s.created_at, s.seen_at, t.label,"
    " (SELECT count(*) FROM (SELECT FROM audit_entry e WHERE e.chain = 'console'"
    "   AND e.actor = $4 AND e.at > s.created_at AND e.action IN ('session.wrong-password',"
    "   'session.wrong-code', 'session.wrong-assertion', 'session.not-in-force',"
    "   'session.no-second-factor', 'session.second-refused', 'session.other-department') LIMIT "
    "$5) AS failed) "
    "FROM session s JOIN terminal t USING (city_code, terminal_id)"
    " WHERE s.city_code = $1 AND s.account_id = $2::uuid AND s.complete AND s.token <> $3"
    " ORDER BY s.created_at DESC LIMIT 1"};

bool last_access_find(struct db_tx *tx, const struct session *session, struct last_access *ret,
                      struct failure *f)
{
    const struct account *account = &session->account;
    _cleanup_(cleanup_text) char *actor = text_format("staff:%s", account->name);
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &find,
                  DB_VALUES(db_text(account->city_code), db_text(account->id),
                            db_bytes(bytes_of(session->token, sizeof session->token)),
                            db_text(actor), db_number(LAST_ACCESS_FAILURES_MOST)),
                  &rows, f))
        return false;
    *ret = (struct last_access){0};
    if (db_row_count(rows) == 0)
        return true;
    ret->begun = db_get_instant(rows, 0, 0);
    ret->seen = db_get_instant(rows, 0, 1);
    snprintf(ret->terminal, sizeof ret->terminal, "%s", db_get_text(rows, 0, 2));
    ret->failures = db_get_number(rows, 0, 3);
    return true;
}
