/* 宛名番号 by people: one proposes, another confirms (R-025, D05). */
#include <string.h>

#include "base/cleanup.h"
#include "intake/staff/proposal.h"
#include "intake/staff/staff_internal.h"

#define CONFIRMATION_WAITS "confirmation-waits"
#define DROPPED            "proposal-dropped"
#define UNDONE             "identification-undone"

static const struct db_statement proposal_put = {
    "proposal_put",
    "INSERT INTO identification_proposal (city_code, application_id, atenabango, proposed_by,"
    " proposed_at) VALUES ($1, $2::uuid, $3, $4, $5) "
    "ON CONFLICT (city_code, application_id) DO UPDATE SET atenabango = excluded.atenabango,"
    " proposed_by = excluded.proposed_by, proposed_at = excluded.proposed_at"};
static const struct db_statement proposal_find = {
    "proposal_find", "SELECT atenabango, proposed_by FROM identification_proposal"
                     " WHERE city_code = $1 AND application_id = $2::uuid"};
static const struct db_statement proposal_end = {
    "proposal_end", "DELETE FROM identification_proposal"
                    " WHERE city_code = $1 AND application_id = $2::uuid"};
static const struct db_statement identification_back = {
    "identification_back",
    "WITH back AS (DELETE FROM identification WHERE city_code = $1 AND application_id = $2::uuid"
    "  RETURNING city_code, application_id, atenabango), kept AS (INSERT INTO identification_back"
    "  (city_code, application_id, atenabango, taken_back_by, taken_back_at)"
    "  SELECT city_code, application_id, atenabango, $3, $4 FROM back RETURNING 1) "
    "SELECT count(*) FROM kept"};
static const struct db_statement identification_went_out = {
    "identification_went_out", "SELECT application_went_out($1, $2::uuid)"};
static const struct db_statement identification_put = {
    "identification_by_staff",
    "INSERT INTO identification (city_code, application_id, identified_at, atenabango, how,"
    " proposed_by, confirmed_by) VALUES ($1, $2::uuid, $3, $4, 'staff', $5, $6) "
    "ON CONFLICT (city_code, application_id) DO UPDATE SET identified_at = excluded.identified_at,"
    " atenabango = excluded.atenabango, how = excluded.how, proposed_by = excluded.proposed_by,"
    " confirmed_by = excluded.confirmed_by"};

bool staff_identify_propose(struct db_tx *tx, const struct staff_act *act, const char *atenabango,
                            struct staff_answer *ret_answer, struct failure *f)
{
    const struct staff_move wait = {.to = STATE_UNMATCHED, .code = CONFIRMATION_WAITS};
    struct seen seen;
    bool go;
    if (!staff_begin(tx, act, STATE_SET(STATE_UNMATCHED), &seen, ret_answer, &go, f))
        return false;
    if (!go)
        return true;
    size_t length = strlen(atenabango);
    if (length < 1 || length > 15 || strspn(atenabango, "0123456789") != length)
        return staff_answer_no(ret_answer, STAFF_NOT_POSSIBLE, "宛名番号は1〜15桁の数字です。",
                               "a 宛名番号 has 1 to 15 digits");
    return db_execute(tx, &proposal_put,
                      DB_VALUES(db_text(act->city_code), db_text(act->application_id),
                                db_text(atenabango), db_text(act->who), db_instant(clock_now())),
                      NULL, f) &&
           staff_move(tx, act, &seen, "staff.identify-propose", &wait, ret_answer, f) &&
           proposal_reason_keep(tx, act, ret_answer->version, f);
}

static bool proposal_read(struct db_tx *tx, const struct staff_act *act, struct seen *seen,
                          struct staff_answer *answer, struct db_rows **ret_rows, bool *ret_go,
                          struct failure *f)
{
    if (!staff_begin(tx, act, STATE_SET(STATE_UNMATCHED), seen, answer, ret_go, f))
        return false;
    if (!*ret_go)
        return true;
    if (!db_query(tx, &proposal_find,
                  DB_VALUES(db_text(act->city_code), db_text(act->application_id)), ret_rows, f))
        return false;
    *ret_go = db_row_count(*ret_rows) == 1;
    return *ret_go || staff_answer_no(answer, STAFF_NOT_NOW, "申請者の提案がありません。",
                                      "nobody was proposed");
}

static bool proposal_close(struct db_tx *tx, const struct staff_act *act, struct failure *f)
{
    return db_execute(tx, &proposal_end,
                      DB_VALUES(db_text(act->city_code), db_text(act->application_id)), NULL, f);
}

/* The row of the proposal must be there when the identification is written: the database asks. */
static bool confirm(struct db_tx *tx, const struct staff_act *act, const struct seen *seen,
                    const struct db_rows *proposal, struct staff_answer *answer, struct failure *f)
{
    const struct staff_move on = {.to = STATE_IDENTIFIED, .next = STAGE_ROUTE};
    return db_execute(tx, &identification_put,
                      DB_VALUES(db_text(act->city_code), db_text(act->application_id),
                                db_instant(clock_now()), db_text(db_get_text(proposal, 0, 0)),
                                db_text(db_get_text(proposal, 0, 1)), db_text(act->who)),
                      NULL, f) &&
           proposal_close(tx, act, f) &&
           staff_move(tx, act, seen, "staff.identify-confirm", &on, answer, f);
}

bool staff_identify_confirm(struct db_tx *tx, const struct staff_act *act, const char *atenabango,
                            struct staff_answer *ret_answer, struct failure *f)
{
    struct seen seen;
    bool go;
    _cleanup_(cleanup_db_rows) struct db_rows *proposal = NULL;
    if (!proposal_read(tx, act, &seen, ret_answer, &proposal, &go, f))
        return false;
    if (!go)
        return true;
    if (strcmp(db_get_text(proposal, 0, 1), act->who) == 0)
        return staff_answer_no(ret_answer, STAFF_SAME_PERSON, "",
                               "you proposed it: another person has to confirm it");
    if (atenabango && strcmp(db_get_text(proposal, 0, 0), atenabango) != 0)
        return staff_answer_no(ret_answer, STAFF_NOT_POSSIBLE, "別の人が提案されています。",
                               "another resident was proposed");
    return confirm(tx, act, &seen, proposal, ret_answer, f);
}

bool staff_identify_drop(struct db_tx *tx, const struct staff_act *act,
                         struct staff_answer *ret_answer, struct failure *f)
{
    const struct staff_move back = {
        .to = STATE_UNMATCHED, .code = DROPPED, .next = STAGE_IDENTIFY, .due_at = clock_now()};
    struct seen seen;
    bool go;
    _cleanup_(cleanup_db_rows) struct db_rows *proposal = NULL;
    if (!proposal_read(tx, act, &seen, ret_answer, &proposal, &go, f))
        return false;
    return !go || (proposal_close(tx, act, f) &&
                   staff_move(tx, act, &seen, "staff.identify-drop", &back, ret_answer, f));
}

/* --- back ------------------------------------------------------------------------------------- */

bool staff_identify_undo(struct db_tx *tx, const struct staff_act *act,
                         struct staff_answer *ret_answer, struct failure *f)
{
    const struct staff_move back = {.to = STATE_UNMATCHED, .code = UNDONE};
    struct seen seen;
    bool go;
    _cleanup_(cleanup_db_rows) struct db_rows *out = NULL, *rows = NULL;
    if (!staff_begin(tx, act,
                     STATE_SET(STATE_IDENTIFIED) | STATE_SET(STATE_REVIEW) | STATE_SET(STATE_HELD),
                     &seen, ret_answer, &go, f))
        return false;
    if (!go)
        return true;
    if (!db_query(tx, &identification_went_out,
                  DB_VALUES(db_text(act->city_code), db_text(act->application_id)), &out, f))
        return false;
    if (db_get_boolean(out, 0, 0))
        return staff_answer_no(ret_answer, STAFF_NOT_NOW,
                               "業務システムに渡したか、渡した可能性があります。業務システムの側で"
                               "対応してください。",
                               "a business system has it, or may have: settle it there");
    if (!db_query(tx, &identification_back,
                  DB_VALUES(db_text(act->city_code), db_text(act->application_id),
                            db_text(act->who), db_instant(clock_now())),
                  &rows, f))
        return false;
    if (db_get_number(rows, 0, 0) == 0)
        return staff_answer_no(ret_answer, STAFF_NOT_NOW, "申請者は特定されていません。",
                               "nobody was identified");
    return staff_move(tx, act, &seen, "staff.identify-undo", &back, ret_answer, f);
}
