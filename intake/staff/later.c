/* Later, again, elsewhere. */
#include <string.h>

#include "base/cleanup.h"
#include "intake/staff/staff_internal.h"
#include "intake/work.h"
#include "routing/route.h"

static const struct db_statement hold_put = {
    "staff_hold_put", "INSERT INTO staff_hold (city_code, application_id, until, held_by, held_at) "
                      "VALUES ($1, $2::uuid, $3, $4, $5)"};
static const struct db_statement outbox_now = {
    "staff_outbox_now", "UPDATE outbox SET due_at = now() WHERE city_code = $1"
                        " AND application_id = $2::uuid"};
static const struct db_statement work_again = {
    "staff_work_again", "INSERT INTO work (city_code, application_id, stage, due_at)"
                        " VALUES ($1, $2::uuid, 'route', $3) "
                        "ON CONFLICT (city_code, application_id) DO UPDATE SET due_at = $3"};
static const struct db_statement notify = {"staff_notify", "SELECT pg_notify($1, '')"};
static const struct db_statement reroute_put = {
    "staff_reroute_put",
    "INSERT INTO reroute (city_code, application_id, destination, chosen_by, chosen_at) "
    "VALUES ($1, $2::uuid, $3, $4, $5) ON CONFLICT (city_code, application_id) DO UPDATE SET"
    " destination = excluded.destination, chosen_by = excluded.chosen_by,"
    " chosen_at = excluded.chosen_at"};

/* --- later ------------------------------------------------------------------------------------ */

/* An unmatched one stays where feeds find it; what is held is tried again then. */
bool staff_hold_until(struct db_tx *tx, const struct staff_act *act, instant until,
                      struct staff_answer *ret_answer, struct failure *f)
{
    struct seen seen;
    bool go;
    if (!staff_begin(tx, act,
                     STATE_SET(STATE_REVIEW) | STATE_SET(STATE_UNMATCHED) | STATE_SET(STATE_HELD),
                     &seen, ret_answer, &go, f))
        return false;
    if (!go)
        return true;
    if (until <= clock_now() || until > clock_now() + 366 * INSTANT_DAY)
        return staff_answer_no(ret_answer, STAFF_NOT_POSSIBLE,
                               "保留は、今日より後の1年以内の日までにしてください。",
                               "a hold ends in the future, within a year");
    const struct staff_move stay = {.to = seen.state,
                                    .code = *seen.reason ? seen.reason : NULL,
                                    .next = seen.stage,
                                    .due_at = seen.state == STATE_HELD ? until : seen.due_at};
    return staff_move(tx, act, &seen, "staff.hold", &stay, ret_answer, f) &&
           db_execute(tx, &hold_put,
                      DB_VALUES(db_text(act->city_code), db_text(act->application_id),
                                db_instant(until), db_text(act->who), db_instant(clock_now())),
                      NULL, f);
}

/* --- again ------------------------------------------------------------------------------------ */

static bool again(struct db_tx *tx, const struct staff_act *act, const struct seen *seen,
                  struct staff_answer *answer, struct failure *f)
{
    const struct db_value one[] = {db_text(act->city_code), db_text(act->application_id)};
    bool waits = seen->state == STATE_ROUTED, received = seen->state == STATE_RECEIVED;
    answer->result = STAFF_DONE;
    if (!staff_note(tx, act, "staff.resend", NULL, f) ||
        !db_execute(tx, &outbox_now, one, 2, NULL, f))
        return false;
    if (waits)
        return true;
    const char *channel = work_channel(received ? STAGE_ROUTE : seen->stage);
    return db_execute(tx, &work_again, DB_VALUES(one[0], one[1], db_instant(clock_now())), NULL,
                      f) &&
           db_execute(tx, &notify, DB_VALUES(db_text(channel)), NULL, f);
}

bool staff_may_resend(enum state state, const char *reason, enum stage stage)
{
    if (state == STATE_REVIEW)
        return strcmp(reason, REJECTED) == 0;
    return state == STATE_ROUTED || state == STATE_RECEIVED ||
           (state == STATE_HELD && stage != STAGE_NONE);
}

bool staff_resend(struct db_tx *tx, const struct staff_act *act, struct staff_answer *ret_answer,
                  struct failure *f)
{
    const struct staff_move on = {.to = STATE_IDENTIFIED, .next = STAGE_ROUTE};
    struct seen seen;
    bool go;
    if (!staff_begin(tx, act,
                     STATE_SET(STATE_HELD) | STATE_SET(STATE_ROUTED) | STATE_SET(STATE_RECEIVED) |
                         STATE_SET(STATE_REVIEW),
                     &seen, ret_answer, &go, f))
        return false;
    if (!go)
        return true;
    if (!staff_may_resend(seen.state, seen.reason, seen.stage))
        return seen.state == STATE_REVIEW
                   ? staff_answer_no(ret_answer, STAFF_NOT_NOW, "先に承認してください。",
                                     "it has to be approved first")
                   : staff_answer_no(ret_answer, STAFF_NOT_NOW, "続きの処理がありません。",
                                     "nothing would take it up");
    if (strcmp(seen.reason, REJECTED) == 0)
        return staff_move(tx, act, &seen, "staff.resend", &on, ret_answer, f);
    return again(tx, act, &seen, ret_answer, f);
}

/* --- elsewhere -------------------------------------------------------------------------------- */

/* Held at its hand-over, or in review: both come from there. */
bool staff_may_reroute(enum state state, enum stage stage)
{
    return state == STATE_REVIEW || (state == STATE_HELD && stage == STAGE_ROUTE);
}

bool staff_reroute(struct db_tx *tx, const struct staff_act *act, const char *destination,
                   struct staff_answer *ret_answer, struct failure *f)
{
    struct seen seen;
    struct route route;
    bool go;
    if (!staff_begin(tx, act, STATE_SET(STATE_REVIEW) | STATE_SET(STATE_HELD), &seen, ret_answer,
                     &go, f))
        return false;
    if (!go)
        return true;
    if (!staff_may_reroute(seen.state, seen.stage))
        return staff_answer_no(ret_answer, STAFF_NOT_NOW, "まだ連携する段階ではありません。",
                               "it is not up for hand-over");
    if (!route_find(act->config, seen.procedure_id, &route) ||
        !route_alternative(act->config, &route, destination))
        return staff_answer_no(ret_answer, STAFF_NOT_POSSIBLE,
                               "この手続の連携先に含まれていません。",
                               "its route does not name that destination");
    /* In review it stays, to be approved anew: the hash names the destination. */
    bool rejected = strcmp(seen.reason, REJECTED) == 0;
    const struct staff_move on = {.to = rejected ? STATE_IDENTIFIED : seen.state,
                                  .code = *seen.reason && !rejected ? seen.reason : NULL,
                                  .next = STAGE_ROUTE,
                                  .due_at = clock_now()};
    return db_execute(tx, &reroute_put,
                      DB_VALUES(db_text(act->city_code), db_text(act->application_id),
                                db_text(destination), db_text(act->who), db_instant(clock_now())),
                      NULL, f) &&
           staff_move(tx, act, &seen, "staff.reroute", &on, ret_answer, f);
}
