/* The end of an application, or the resident's turn. */
#include "base/cleanup.h"
#include "intake/decide.h"
#include "intake/staff/staff_internal.h"
#include "routing/message.h"

static const struct db_statement proposal_forget = {
    "proposal_forget", "DELETE FROM identification_proposal"
                       " WHERE city_code = $1 AND application_id = $2::uuid"};
static const struct db_statement withdrawal_ask = {
    "withdrawal_ask", "INSERT INTO withdrawal (city_code, application_id, asked_at, asked_by)"
                      " VALUES ($1, $2::uuid, $3, $4) ON CONFLICT DO NOTHING"};
static const struct db_statement routing_wake = {"routing_wake",
                                                 "SELECT pg_notify('work_route', '')"};

static bool forget_proposal(struct db_tx *tx, const struct staff_act *act, struct failure *f)
{
    return db_execute(tx, &proposal_forget,
                      DB_VALUES(db_text(act->city_code), db_text(act->application_id)), NULL, f);
}

/* Writes the message, where there is one, to go with the status of `to`. */
static bool end_with(struct db_tx *tx, const struct staff_act *act, const struct seen *seen,
                     const char *action, struct staff_move *move, const char *message,
                     struct staff_answer *answer, struct failure *f)
{
    const char *status = decide_status(act->config, seen->channel, move->to);
    if (message && !message_valid(message))
        return staff_answer_no(answer, STAFF_NOT_POSSIBLE,
                               "申請した人に伝える文が長すぎるか、見えない文字が入っています。",
                               "a message has 1 to %d characters, and none that can't be seen",
                               MESSAGE_MOST);
    if (message && !*status)
        return staff_answer_no(
            answer, STAFF_NOT_POSSIBLE, "この受付経路では、申請した人に伝える文を送れません。",
            "[channel %s] tells no status for it, so no message goes out", seen->channel);
    return (!message || message_write(tx, act->city_key, act->city_code, act->application_id,
                                      act->who, status, message, &move->message_id, f)) &&
           forget_proposal(tx, act, f) && staff_move(tx, act, seen, action, move, answer, f);
}

bool staff_correction_ask(struct db_tx *tx, const struct staff_act *act, const char *message,
                          struct staff_answer *ret_answer, struct failure *f)
{
    unsigned from = STATE_SET(STATE_REVIEW) | STATE_SET(STATE_UNMATCHED) | STATE_SET(STATE_HELD);
    struct staff_move move = {.to = STATE_CORRECTION, .code = "correction-asked"};
    struct seen seen;
    bool go;
    if (!staff_begin(tx, act, from, &seen, ret_answer, &go, f))
        return false;
    if (!go)
        return true;
    return end_with(tx, act, &seen, "staff.correction", &move, message ? message : "", ret_answer,
                    f);
}

bool staff_refuse(struct db_tx *tx, const struct staff_act *act, const char *message,
                  struct staff_answer *ret_answer, struct failure *f)
{
    unsigned from = STATE_SET(STATE_REVIEW) | STATE_SET(STATE_UNMATCHED) | STATE_SET(STATE_HELD) |
                    STATE_SET(STATE_CORRECTION);
    struct staff_move move = {.to = STATE_REFUSED, .code = "refused-by-staff"};
    struct seen seen;
    bool go;
    if (!staff_begin(tx, act, from, &seen, ret_answer, &go, f))
        return false;
    return !go || end_with(tx, act, &seen, "staff.refuse", &move, message, ret_answer, f);
}

/* What may be with a business system already is settled where its outbox is. */
static bool ask_routing(struct db_tx *tx, const struct staff_act *act, struct staff_answer *answer,
                        struct failure *f)
{
    answer->result = STAFF_DONE;
    return staff_note(tx, act, "staff.withdraw", NULL, f) &&
           db_execute(tx, &withdrawal_ask,
                      DB_VALUES(db_text(act->city_code), db_text(act->application_id),
                                db_instant(clock_now()), db_text(act->who)),
                      NULL, f) &&
           db_execute(tx, &routing_wake, DB_NO_VALUES, NULL, f);
}

bool staff_withdraw(struct db_tx *tx, const struct staff_act *act, struct staff_answer *ret_answer,
                    struct failure *f)
{
    unsigned there = STATE_SET(STATE_ROUTED) | STATE_SET(STATE_RECEIVED);
    unsigned from = STATE_SET(STATE_COLLECTED) | STATE_SET(STATE_VERIFIED) |
                    STATE_SET(STATE_IDENTIFIED) | STATE_SET(STATE_REVIEW) |
                    STATE_SET(STATE_UNMATCHED) | STATE_SET(STATE_HELD) |
                    STATE_SET(STATE_CORRECTION);
    struct staff_move move = {.to = STATE_WITHDRAWN, .code = "withdrawn-by-staff"};
    struct seen seen;
    bool go;
    if (!staff_begin(tx, act, from | there, &seen, ret_answer, &go, f))
        return false;
    if (!go)
        return true;
    if (there & STATE_SET(seen.state))
        return ask_routing(tx, act, ret_answer, f);
    return end_with(tx, act, &seen, "staff.withdraw", &move, NULL, ret_answer, f);
}
