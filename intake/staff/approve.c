/* Release: the yes of as many people as it takes to exactly what is in review. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "intake/staff/staff_internal.h"

static const struct db_statement approve_see = {
    "approve_see",
    "SELECT r.sha256, r.persons, count(a.approved_by), coalesce(bool_or(a.approved_by = $3), "
    "false),"
    " coalesce(bool_or($3 IN (i.proposed_by, i.confirmed_by)), false), "
    "coalesce(bool_or(e.chosen_by = $3), false),"
    " count(e.chosen_by) > 0, r.demands, r.superior "
    "FROM review r LEFT JOIN approval a USING (city_code, application_id, sha256)"
    " LEFT JOIN identification i ON i.city_code = r.city_code"
    "  AND i.application_id = r.application_id"
    " LEFT JOIN reroute e ON e.city_code = r.city_code AND e.application_id = r.application_id "
    "WHERE r.city_code = $1 AND r.application_id = $2::uuid GROUP BY r.sha256, r.persons, "
    "r.demands, r.superior"};
static const struct db_statement approve_insert = {
    "approve_insert", "INSERT INTO approval (city_code, application_id, sha256, approved_by,"
                      " approved_at, superior) VALUES ($1, $2::uuid, $3, $4, $5, $6)"};

static bool approve(struct db_tx *tx, const struct staff_act *act, const struct seen *seen,
                    const struct db_rows *rows, struct staff_answer *answer, struct failure *f)
{
    int64_t persons = db_get_number(rows, 0, 1), before = db_get_number(rows, 0, 2);
    const struct staff_move on = {.to = STATE_IDENTIFIED, .next = STAGE_ROUTE};
    bool last = before + 1 >= persons, superior = last && db_get_boolean(rows, 0, 8);
    if (superior && !act->superior)
        return staff_answer_no(answer, STAFF_SUPERIOR, "",
                               "enough people checked it: now a 管理責任者 has to approve it");
    if (!db_execute(tx, &approve_insert,
                    DB_VALUES(db_text(act->city_code), db_text(act->application_id),
                              db_bytes(db_get_bytes(rows, 0, 0)), db_text(act->who),
                              db_instant(clock_now()), db_boolean(superior)),
                    NULL, f))
        return false;
    if (last)
        return staff_move(tx, act, seen, "staff.approve", &on, answer, f);
    /* Not the last: an event, so that whoever looks next sees it. */
    const struct staff_move wait = {.to = STATE_REVIEW, .code = seen->reason};
    if (!staff_move(tx, act, seen, "staff.approve", &wait, answer, f))
        return false;
    return staff_answer_no(answer, STAFF_ONE_MORE, "",
                           "noted; another person has to approve it, too");
}

bool staff_may_approve(enum state state, const char *reason)
{
    return state == STATE_REVIEW && strcmp(reason, REJECTED) != 0;
}

static bool approve_what(struct db_tx *tx, const struct staff_act *act, bool plain,
                         struct staff_answer *ret_answer, struct failure *f)
{
    struct seen seen;
    bool go;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!staff_begin(tx, act, STATE_SET(STATE_REVIEW), &seen, ret_answer, &go, f))
        return false;
    if (!go)
        return true;
    if (!staff_may_approve(seen.state, seen.reason))
        return staff_answer_no(ret_answer, STAFF_NOT_NOW,
                               "業務システムが受け取りませんでした。もう一度処理するか、訂正を"
                               "求めてください。",
                               "the business system rejected it: resend it, or ask for a "
                               "correction");
    if (!db_query(
            tx, &approve_see,
            DB_VALUES(db_text(act->city_code), db_text(act->application_id), db_text(act->who)),
            &rows, f))
        return false;
    if (db_row_count(rows) == 0)
        return staff_answer_no(ret_answer, STAFF_NOT_NOW, "承認するものがありません。",
                               "nothing of it is up for release");
    if (db_get_boolean(rows, 0, 3))
        return staff_answer_no(ret_answer, STAFF_SAME_PERSON, "",
                               "you approved it already: another person has to");
    if (db_get_boolean(rows, 0, 4))
        return staff_answer_no(ret_answer, STAFF_SAME_PERSON, "",
                               "you identified its applicant: another person has to approve it");
    if (db_get_boolean(rows, 0, 5))
        return staff_answer_no(ret_answer, STAFF_SAME_PERSON, "",
                               "you chose where it goes: another person has to approve it");
    if (plain && (db_get_boolean(rows, 0, 6) || strcmp(db_get_text(rows, 0, 7), "route") != 0))
        return staff_answer_no(ret_answer, STAFF_NOT_POSSIBLE,
                               "指摘や確認事項があるため、開いて確かめてから承認してください。",
                               "it has to be looked at by itself: there is a finding or a flag");
    return approve(tx, act, &seen, rows, ret_answer, f);
}

bool staff_approve(struct db_tx *tx, const struct staff_act *act, struct staff_answer *ret_answer,
                   struct failure *f)
{
    return approve_what(tx, act, false, ret_answer, f);
}

bool staff_approve_plain(struct db_tx *tx, const struct staff_act *act,
                         struct staff_answer *ret_answer, struct failure *f)
{
    return approve_what(tx, act, true, ret_answer, f);
}
