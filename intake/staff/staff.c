#include "intake/staff/staff.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/audit.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "intake/decide.h"
#include "intake/staff/staff_internal.h"

static const struct config_key staff_keys[] = {
    {.name = "accounts",
     .type = CONFIG_TEXT,
     .initial = "",
     .help = "Accounts that may act at a terminal where two people must agree (`uketsuke "
             "application approve`, `identify`, `confirm`, `reroute`; all of `uketsuke user` and "
             "`uketsuke terminal`), separated by blanks; empty: any that logged in. Where the "
             "kernel keeps no login (/proc/self/loginuid), they "
             "must stand here: one for each person, that nobody else gets into by sudo or su."},
};
const struct config_section staff_config_section = {
    .name = "staff",
    .help = "Staff at a terminal; those at the console have accounts of its own.",
    .keys = staff_keys,
    .key_count = sizeof staff_keys / sizeof staff_keys[0],
};

static const struct db_statement staff_see = {
    "staff_see", "SELECT a.state, a.reason, a.channel, a.procedure_id, a.version, w.stage, w.due_at"
                 " FROM application a LEFT JOIN work w USING (city_code, application_id) "
                 "WHERE a.city_code = $1 AND a.application_id = $2::uuid FOR UPDATE OF a"};
static const struct db_statement staff_changes = {
    "staff_changes",
    "SELECT version, at, from_state, to_state, reason, actor FROM application_event"
    " WHERE city_code = $1 AND application_id = $2::uuid AND version > $3"
    " ORDER BY version"};
static const struct db_statement staff_hold_end = {
    "staff_hold_end", "DELETE FROM staff_hold WHERE city_code = $1 AND application_id = $2::uuid"};

const char *staff_result_name(enum staff_result result)
{
    static const char *const names[STAFF_RESULT_COUNT] = {[STAFF_DONE] = "done",
                                                          [STAFF_ONE_MORE] = "one-more",
                                                          [STAFF_STALE] = "stale",
                                                          [STAFF_NOT_NOW] = "forbidden-now",
                                                          [STAFF_SAME_PERSON] = "same-person",
                                                          [STAFF_SUPERIOR] = "superior",
                                                          [STAFF_NOT_POSSIBLE] = "impossible"};
    return names[result];
}

void staff_answer_free(struct staff_answer *answer)
{
    json_decref(answer->changes);
    *answer = (struct staff_answer){0};
}

bool staff_answer_no(struct staff_answer *answer, enum staff_result result, const char *why_ja,
                     const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(answer->why, sizeof answer->why, format, arguments);
    va_end(arguments);
    answer->result = result;
    answer->why_ja = why_ja;
    return true;
}

/* --- seeing ----------------------------------------------------------------------------------- */

static bool seen_read(const struct db_rows *rows, struct seen *ret_seen, struct failure *f)
{
    struct seen seen = {.version = (int)db_get_number(rows, 0, 4),
                        .stage = stage_from_code(db_get_text(rows, 0, 5))};
    const char *reason = db_get_text(rows, 0, 1);
    if (!state_from_code(db_get_text(rows, 0, 0), &seen.state))
        return failure_set(f, FAILURE_DATABASE,
                           "an application is in a state that this program does not know: use the "
                           "newer one");
    if (seen.stage)
        seen.due_at = db_get_instant(rows, 0, 6);
    snprintf(seen.reason, sizeof seen.reason, "%s", reason ? reason : "");
    snprintf(seen.channel, sizeof seen.channel, "%s", db_get_text(rows, 0, 2));
    snprintf(seen.procedure_id, sizeof seen.procedure_id, "%s", db_get_text(rows, 0, 3));
    *ret_seen = seen;
    return true;
}

static json_t *change_json(const struct db_rows *rows, size_t i)
{
    char at[INSTANT_TEXT];
    return json_pack("{s:I, s:s, s:s?, s:s, s:s?, s:s}", "version",
                     (json_int_t)db_get_number(rows, i, 0), "at",
                     instant_text_jst(db_get_instant(rows, i, 1), at), "from",
                     db_get_text(rows, i, 2), "to", db_get_text(rows, i, 3), "reason",
                     db_get_text(rows, i, 4), "actor", db_get_text(rows, i, 5));
}

static bool stale(struct db_tx *tx, const struct staff_act *act, struct staff_answer *answer,
                  struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &staff_changes,
                  DB_VALUES(db_text(act->city_code), db_text(act->application_id),
                            db_number(act->version)),
                  &rows, f))
        return false;
    answer->changes = json_array();
    for (size_t i = 0; i < db_row_count(rows); i++)
        json_array_append_new(answer->changes, change_json(rows, i));
    return staff_answer_no(answer, STAFF_STALE, "",
                           "it changed since you saw it (version %d, now %d)", act->version,
                           answer->version);
}

static bool reason_sound(const char *reason)
{
    return reason && *reason && utf8_valid(bytes_of_text(reason)) &&
           utf8_length(reason) <= STAFF_REASON_MOST;
}

/* One way to write a person's name: who is written in two ways would be two people. */
static bool who_sound(const char *who)
{
    static const char prefix[] = "staff:";
    size_t length = sizeof prefix - 1;
    return strncmp(who, prefix, length) == 0 && who[length] &&
           !who[length + strspn(who + length, "abcdefghijklmnopqrstuvwxyz0123456789.-_@\\")];
}

bool staff_begin(struct db_tx *tx, const struct staff_act *act, unsigned states,
                 struct seen *ret_seen, struct staff_answer *answer, bool *ret_go,
                 struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    *answer = (struct staff_answer){.why_ja = ""};
    *ret_go = false;
    if (!reason_sound(act->reason) || (act->words && !reason_sound(act->words)) ||
        !who_sound(act->who))
        return failure_set(f, FAILURE_USAGE,
                           "an act of staff has a person, by an account's name in small letters, "
                           "and a reason, 1 to %d characters",
                           STAFF_REASON_MOST);
    if (!db_query(tx, &staff_see, DB_VALUES(db_text(act->city_code), db_text(act->application_id)),
                  &rows, f))
        return false;
    if (db_row_count(rows) == 0)
        return staff_answer_no(answer, STAFF_NOT_POSSIBLE, "この申請はありません。",
                               "there is no such application");
    if (!seen_read(rows, ret_seen, f))
        return false;
    snprintf(answer->state, sizeof answer->state, "%s", state_code(ret_seen->state));
    snprintf(answer->reason, sizeof answer->reason, "%s", ret_seen->reason);
    answer->version = ret_seen->version;
    if (ret_seen->version != act->version)
        return stale(tx, act, answer, f);
    if (!(states & STATE_SET(ret_seen->state)))
        return staff_answer_no(answer, STAFF_NOT_NOW, "", "what is %s (%s) does not allow it",
                               state_code(ret_seen->state), state_name_ja(ret_seen->state));
    *ret_go = true;
    return true;
}

/* --- doing ------------------------------------------------------------------------------------ */

bool staff_note(struct db_tx *tx, const struct staff_act *act, const char *action,
                const char *detail, struct failure *f)
{
    const struct audit_entry entry = {.action = action,
                                      .actor = act->who,
                                      .terminal = act->terminal,
                                      .city_code = act->city_code,
                                      .application_id = act->application_id,
                                      .reason = act->reason,
                                      .detail = detail};
    return audit_append(tx, STAFF_CHAIN, &entry, 1, f);
}

bool staff_move(struct db_tx *tx, const struct staff_act *act, const struct seen *seen,
                const char *action, const struct staff_move *move, struct staff_answer *answer,
                struct failure *f)
{
    struct decision decision = {.city_code = act->city_code,
                                .application_id = act->application_id,
                                .from = seen->state,
                                .to = move->to,
                                .version = seen->version,
                                .reason = move->code,
                                .next = move->next,
                                .due_at = move->due_at,
                                .message_id = move->message_id,
                                .actor = act->who,
                                .terminal = act->terminal};
    if (!db_execute(tx, &staff_hold_end,
                    DB_VALUES(db_text(act->city_code), db_text(act->application_id)), NULL, f) ||
        !staff_note(tx, act, action, NULL, f) ||
        !decide(tx, act->config, STAFF_CHAIN, &decision, 1, f))
        return false;
    if (!decision.moved) /* it is locked and of this version */
        return failure_set(f, FAILURE_CONFLICT, "application %s did not move", act->application_id);
    answer->result = STAFF_DONE;
    answer->version = seen->version + 1;
    snprintf(answer->state, sizeof answer->state, "%s", state_code(move->to));
    snprintf(answer->reason, sizeof answer->reason, "%s", move->code ? move->code : "");
    return true;
}
