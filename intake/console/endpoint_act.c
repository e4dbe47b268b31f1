/* POST /api/applications/{receipt}/{identify, confirm, drop, deny, undo, approve, correct, refuse,
 * hold, withdraw, resend, reroute}: what staff decide (intake/staff/staff.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/console/claim.h"
#include "intake/console/endpoints.h"
#include "intake/console/once.h"
#include "intake/console/shown.h"
#include "intake/console/view.h"
#include "intake/staff/proposal.h"
#include "routing/message.h"

struct acting;
typedef bool act_do(struct db_tx *tx, const struct staff_act *act, struct acting *a,
                    struct failure *f);

struct acting {
    struct staff_act act;
    const char *atenabango, *mark, *message, *destination; /* NULL: not given */
    instant until;
    const char *name; /* of the act */
    struct once_key key;
    bool plain;
    const struct subject_call *subject;
    act_do *call;
    enum once once;
    struct staff_answer answer;
};

/* --- in words -----------------------------------------------------------------------------------
 */

static enum http_flow reply_stale(struct http_request *request, const struct staff_answer *answer)
{
    enum state state = STATE_HELD;
    state_from_code(answer->state, &state);
    return console_reply_conflict(
        request,
        json_pack("{s:i, s:s, s:s, s:O}", "version", answer->version, "state", answer->state,
                  "state_name", state_name_ja(state), "changes", answer->changes),
        "表示した後に、ほかの人か処理がこの申請を変更しました（いまは「%s」）。内容を確かめて、"
        "もう一度判断してください。何も変更していません。",
        state_name_ja(state));
}

/* It is not as the answer of then would say. */
static enum http_flow reply_past(struct http_request *request, const struct subject *now)
{
    return console_reply_conflict(
        request,
        json_pack("{s:i, s:s}", "version", now->item.version, "state", state_code(now->item.state)),
        "この操作は前に受け付けて済んでいますが、その後に職員がこの申請を変更しました（いまは"
        "「%s」）。内容を確かめてください。今回は何も変更していません。",
        state_name_ja(now->item.state));
}

static enum http_flow reply_no(struct http_request *request, const struct staff_answer *answer)
{
    json_t *now = json_pack("{s:i, s:s}", "version", answer->version, "state", answer->state);
    enum state state = STATE_HELD;
    state_from_code(answer->state, &state);
    switch (answer->result) {
    case STAFF_SAME_PERSON:
        return console_reply_conflict(
            request, now,
            "同じ人が二度行うことはできません。提案や承認をした人とは別の職員が行ってください。");
    case STAFF_SUPERIOR:
        return console_reply_conflict(
            request, now, "必要な人数の確認は済んでいます。最後の承認は、管理責任者が行います。");
    case STAFF_NOT_NOW:
        return console_reply_conflict(request, now, "いまの状態（%s）ではできません。%s",
                                      state_name_ja(state), answer->why_ja);
    default:
        json_decref(now);
        return http_reply_error(request, 400, "E0004", "この内容では行えません。%s",
                                answer->why_ja);
    }
}

static enum http_flow reply(struct http_request *request, const struct acting *a)
{
    const struct staff_answer *answer = &a->answer;
    if (a->once == ONCE_OTHER)
        return once_reply_other(request);
    if (a->once == ONCE_PAST)
        return reply_past(request, &a->subject->subject);
    if (answer->result == STAFF_STALE)
        return reply_stale(request, answer);
    if (answer->result != STAFF_DONE && answer->result != STAFF_ONE_MORE)
        return reply_no(request, answer);
    return http_reply_json(request, 200,
                           json_pack("{s:i, s:s, s:b}", "version", answer->version, "state",
                                     answer->state, "one_more", answer->result == STAFF_ONE_MORE));
}

/* --- the transaction ----------------------------------------------------------------------------
 */

/* Whoever has decided is done with it. */
static bool act_work(struct db_tx *tx, struct subject_call *call, void *context, struct failure *f)
{
    struct acting *a = context;
    const struct role *role = call->context->role;
    a->subject = call;
    a->act.config = role->config;
    a->act.city_key = role->city_key;
    a->act.city_code = role->city_code;
    a->act.application_id = call->subject.item.application_id;
    a->act.who = call->caller.actor;
    a->act.terminal = call->caller.terminal_text;
    a->act.superior = subject_may(call, RIGHT_SUPERIOR);
    staff_answer_free(&a->answer);
    if (!once_begin(tx, call, &a->key, a->name, &a->once, &a->answer, f))
        return false;
    if (a->once != ONCE_GO)
        return true;
    if (!a->call(tx, &a->act, a, f) || !once_end(tx, call, &a->key, &a->answer, f))
        return false;
    bool done = a->answer.result == STAFF_DONE || a->answer.result == STAFF_ONE_MORE;
    return !done || console_claim_release(tx, call, f);
}

/* `reason` and `version`, which every act needs. False after replying. */
static bool order_read(struct http_request *request, const json_t *body, struct acting *a)
{
    const json_t *version = json_object_get(body, "version");
    a->act.reason = console_text(request, body, "reason", STAFF_REASON_MOST);
    if (!a->act.reason)
        return false;
    json_int_t number = json_integer_value(version);
    a->act.version = number >= 1 && number <= INT32_MAX ? (int)number : 0;
    if (a->act.version)
        return true;
    http_reply_error(request, 400, version ? "E0002" : "E0001", "version must be a number");
    return false;
}

/* "YYYY-MM-DD": its midnight in Japan; or a moment. */
static bool until_read(struct http_request *request, const json_t *body, instant *ret_until)
{
    const char *text = console_text(request, body, "until", INSTANT_TEXT);
    struct day day;
    if (!text)
        return false;
    if (day_parse(text, &day))
        *ret_until = day_start(day);
    else if (!instant_parse(text, ret_until)) {
        http_reply_error(request, 400, "E0002", "until must be a day, YYYY-MM-DD");
        return false;
    }
    return true;
}

typedef bool more_read(struct http_request *request, const json_t *body, struct acting *a);

static enum http_flow act(struct http_request *request, void *context, enum right right,
                          more_read *more, const char *name, act_do *call_it)
{
    _cleanup_(subject_end) struct subject_call call = {0};
    struct acting a = {.name = name, .call = call_it};
    if (!subject_begin(context, request, right, &call))
        return HTTP_DONE;
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    if (body && once_key(request, body, &a.key) && order_read(request, body, &a) &&
        (!more || more(request, body, &a)) && subject_do(&call, act_work, &a))
        reply(request, &a);
    staff_answer_free(&a.answer);
    return HTTP_DONE;
}

/* --- each ---------------------------------------------------------------------------------------
 */

/* Whom, and why: one reason says nothing without words. */
static bool person_read(struct http_request *request, const json_t *body, struct acting *a)
{
    a->atenabango = console_text(request, body, "atenabango", 15);
    a->mark = json_string_value(json_object_get(body, "mark"));
    if (!a->atenabango)
        return false;
    if (strcmp(a->act.reason, PROPOSAL_OTHER) != 0)
        return console_text_maybe(request, body, "words", STAFF_REASON_MOST, &a->act.words);
    a->act.words = console_text(request, body, "words", STAFF_REASON_MOST);
    return a->act.words != NULL;
}

static bool message_needed(struct http_request *request, const json_t *body, struct acting *a)
{
    a->message = console_text(request, body, "message", MESSAGE_MOST);
    return a->message != NULL;
}

static bool message_perhaps(struct http_request *request, const json_t *body, struct acting *a)
{
    return console_text_maybe(request, body, "message", MESSAGE_MOST, &a->message);
}

static bool until_needed(struct http_request *request, const json_t *body, struct acting *a)
{
    return until_read(request, body, &a->until);
}

static bool destination_needed(struct http_request *request, const json_t *body, struct acting *a)
{
    a->destination = console_text(request, body, "destination", 40);
    return a->destination != NULL;
}

/* One of several that are accepted together. */
static bool plain_read(struct http_request *request, const json_t *body, struct acting *a)
{
    (void)request;
    a->plain = json_is_true(json_object_get(body, "plain"));
    return true;
}

static bool identify(struct db_tx *tx, struct acting *a, struct failure *f)
{
    bool shown;
    if (!shown_before(tx, a->subject, a->atenabango, a->mark, &shown, f))
        return false;
    if (shown)
        return staff_identify_propose(tx, &a->act, a->atenabango, &a->answer, f);
    a->answer = (struct staff_answer){
        .result = STAFF_NOT_POSSIBLE,
        .why = "neither a candidate of this application nor found by a search for it",
        .why_ja = "この申請の候補者からか、この申請のために探した人から選んでください。"};
    return true;
}

static bool reroute(struct db_tx *tx, struct acting *a, struct failure *f)
{
    if (view_destination_allowed(a->subject, a->destination))
        return staff_reroute(tx, &a->act, a->destination, &a->answer, f);
    a->answer = (struct staff_answer){
        .result = STAFF_NOT_POSSIBLE,
        .why = "its route does not lead there, or the right is missing on one of both sides",
        .why_ja = "この手続の連携先に含まれていないか、振替元か振替先の権限がありません。"};
    return true;
}

#define ACT(name, right, more, ...)                                                                \
    static bool name##_do(struct db_tx *tx, const struct staff_act *act, struct acting *a,         \
                          struct failure *f)                                                       \
    {                                                                                              \
        return __VA_ARGS__;                                                                        \
    }                                                                                              \
    enum http_flow endpoint_##name(struct http_request *request, void *context)                    \
    {                                                                                              \
        return act(request, context, right, more, #name, name##_do);                               \
    }

ACT(identify, RIGHT_IDENTIFY, person_read, ((void)act, identify(tx, a, f)))
ACT(confirm, RIGHT_CONFIRM, NULL, staff_identify_confirm(tx, act, NULL, &a->answer, f))
ACT(drop, RIGHT_IDENTIFY, NULL, staff_identify_drop(tx, act, &a->answer, f))
ACT(deny, RIGHT_CONFIRM, NULL, staff_identify_drop(tx, act, &a->answer, f))
ACT(undo, RIGHT_IDENTIFY, NULL, staff_identify_undo(tx, act, &a->answer, f))
ACT(approve, RIGHT_APPROVE, plain_read,
    (a->plain ? staff_approve_plain : staff_approve)(tx, act, &a->answer, f))
ACT(reroute, RIGHT_REROUTE, destination_needed, ((void)act, reroute(tx, a, f)))
ACT(correct, RIGHT_EXAMINE, message_needed,
    staff_correction_ask(tx, act, a->message, &a->answer, f))
ACT(refuse, RIGHT_EXAMINE, message_perhaps, staff_refuse(tx, act, a->message, &a->answer, f))
ACT(hold, RIGHT_EXAMINE, until_needed, staff_hold_until(tx, act, a->until, &a->answer, f))
ACT(withdraw, RIGHT_EXAMINE, NULL, staff_withdraw(tx, act, &a->answer, f))
ACT(resend, RIGHT_EXAMINE, NULL, staff_resend(tx, act, &a->answer, f))
