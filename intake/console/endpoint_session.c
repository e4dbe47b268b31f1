/* GET /api/session: who I am. POST: name and password. DELETE: sign out. POST …/unlock and
 * …/password: the password again (of an idle screen, or as a proof: proof.h), or a new one. */
#include <stdio.h>

#include "base/cleanup.h"
#include "intake/console/endpoints.h"
#include "intake/console/last_access.h"

#define COOKIE_ATTRIBUTES "; Path=/; Secure; HttpOnly; SameSite=Strict"

void console_set_cookie(struct http_request *request, const char *token)
{
    _cleanup_(cleanup_text) char *value =
        *token ? text_format(CONSOLE_COOKIE "=%s" COOKIE_ATTRIBUTES, token)
               : text_copy(CONSOLE_COOKIE "=; Max-Age=0" COOKIE_ATTRIBUTES);
    http_reply_header(request, "Set-Cookie", value);
}

enum http_flow console_reply_wrong(struct http_request *request)
{
    return http_reply_error(request, 401, "E0103",
                            "利用者名かパスワードがちがうか、いまは使えません。確かめて、もう一度"
                            "入れてください。何度も間違えると、しばらく使えなくなります。");
}

enum http_flow console_reply_sign_in(struct http_request *request, enum sign_in outcome,
                                     enum password_fault fault)
{
    switch (outcome) {
    case SIGN_IN_DONE:
    case SIGN_IN_NEXT:
        return http_reply_json(request, 200, json_pack("{s:b}", "next", outcome == SIGN_IN_NEXT));
    case SIGN_IN_ELSEWHERE:
        return http_reply_error(request, 403, "E0104",
                                "この端末は、ほかの部署の端末です。自分の部署の端末でサインインして"
                                "ください。ここで使う必要があるときは、管理者に相談してください。");
    case SIGN_IN_OTHER:
        return http_reply_error(request, 409, "E0105",
                                "この利用者は、別の端末でサインインしています。心当たりがないとき"
                                "は、管理者に連絡してください。");
    case SIGN_IN_PASSWORD:
        return http_reply_error(request, 400, "E0004", "%s", password_fault_ja(fault));
    case SIGN_IN_WRONG:
        break;
    }
    return console_reply_wrong(request);
}

/* --- who I am --------------------------------------------------------------------------------- */

static json_t *rights_json(const struct permissions *permissions)
{
    json_t *list = json_array();
    for (size_t i = 0; i < permissions->count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "right",
                                              right_code(permissions->at[i].right), "business",
                                              permissions->at[i].business, "department",
                                              permissions->at[i].department));
    return list;
}

static json_t *last_json(const struct last_access *last)
{
    if (!last->begun)
        return json_null();
    return json_pack("{s:o, s:o, s:s, s:I}", "begun", console_time(last->begun), "seen",
                     console_time(last->seen), "terminal", last->terminal, "failures",
                     (json_int_t)last->failures);
}

struct who_am_i {
    const struct session *session;
    struct last_access last;
};

static bool last_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct who_am_i *me = context;
    return last_access_find(tx, me->session, &me->last, f);
}

enum http_flow endpoint_session_get(struct http_request *request, void *context)
{
    const struct console_context *console = context;
    struct console_caller caller;
    struct failure f = {0};
    if (!console_admit(context, request, NEED_SESSION, &caller))
        return HTTP_DONE;
    const struct account *account = &caller.session.account;
    struct who_am_i me = {.session = &caller.session};
    if (db_transaction(console->role->db, last_work, &me, &f))
        http_reply_json(
            request, 200,
            json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:I}", "name", account->name,
                      "display_name", account->display_name, "department", account->department,
                      "kind", account_kind_code(account->kind), "terminal", caller.terminal.label,
                      "rights", rights_json(&caller.permissions), "last", last_json(&me.last),
                      "idle", (json_int_t)(console->rules.session.idle / INSTANT_SECOND)));
    else
        console_reply_failure(request, &f);
    console_caller_free(&caller);
    return HTTP_DONE;
}

/* --- in and out ------------------------------------------------------------------------------- */

enum http_flow endpoint_session_post(struct http_request *request, void *context)
{
    struct console_caller caller;
    struct failure f = {0};
    enum sign_in outcome;
    char token[SESSION_TOKEN] = "";
    if (!console_admit(context, request, NEED_TERMINAL, &caller))
        return HTTP_DONE;
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    const char *name = body ? console_text(request, body, "name", 64) : NULL;
    const char *password =
        name ? console_text(request, body, "password", PASSWORD_LENGTH_MOST) : NULL;
    if (!password || !console_may_guess(context, request, &caller))
        return HTTP_DONE;
    if (!sign_in_password(&caller.at, name, password, &outcome, token, &f))
        return console_reply_failure(request, &f);
    if (outcome == SIGN_IN_WRONG)
        console_guessed_wrong(context, &caller);
    if (outcome == SIGN_IN_NEXT)
        console_set_cookie(request, token);
    return console_reply_sign_in(request, outcome, PASSWORD_GOOD);
}

enum http_flow endpoint_session_delete(struct http_request *request, void *context)
{
    struct console_caller caller;
    struct failure f = {0};
    if (!console_admit(context, request, NEED_UNLOCK, &caller))
        return HTTP_DONE;
    if (!sign_out(&caller.at, &caller.session, &f))
        return console_reply_failure(request, &f);
    console_set_cookie(request, "");
    return http_reply_json(request, 200, json_object());
}

/* --- nobody is there ------------------------------------------------------------------------ */

struct locking {
    const struct session *session;
    const struct session_limits *limits;
};

static bool lock_work(struct db_tx *tx, void *context, struct failure *f)
{
    const struct locking *locking = context;
    return session_lock(tx, locking->session, locking->limits, clock_now(), f);
}

/* Whoever has the page behind the locked screen loaded anew still finds it locked. */
enum http_flow endpoint_session_lock(struct http_request *request, void *context)
{
    const struct console_context *console = context;
    struct console_caller caller;
    struct failure f = {0};
    if (!console_admit(context, request, NEED_UNLOCK, &caller))
        return HTTP_DONE;
    struct locking locking = {&caller.session, &console->rules.session};
    if (!db_transaction(console->role->db, lock_work, &locking, &f))
        return console_reply_failure(request, &f);
    return http_reply_json(request, 200, json_object());
}

/* --- the password again ----------------------------------------------------------------------- */

enum http_flow endpoint_session_unlock(struct http_request *request, void *context)
{
    struct console_caller caller;
    struct failure f = {0};
    enum sign_in outcome;
    if (!console_admit(context, request, NEED_UNLOCK, &caller))
        return HTTP_DONE;
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    const char *password =
        body ? console_text(request, body, "password", PASSWORD_LENGTH_MOST) : NULL;
    if (!password || !console_may_guess(context, request, &caller))
        return HTTP_DONE;
    if (!sign_in_unlock(&caller.at, &caller.session, password, &outcome, &f))
        return console_reply_failure(request, &f);
    if (outcome == SIGN_IN_WRONG)
        console_guessed_wrong(context, &caller);
    return console_reply_sign_in(request, outcome, PASSWORD_GOOD);
}

enum http_flow endpoint_session_password(struct http_request *request, void *context)
{
    struct console_caller caller;
    struct failure f = {0};
    enum sign_in outcome;
    enum password_fault fault;
    if (!console_admit(context, request, NEED_CHANGE, &caller))
        return HTTP_DONE;
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    const char *old = body ? console_text(request, body, "old", PASSWORD_LENGTH_MOST) : NULL;
    const char *new = old ? console_text(request, body, "new", PASSWORD_LENGTH_MOST) : NULL;
    if (!new)
        return HTTP_DONE;
    if (!sign_in_change_password(&caller.at, &caller.session, old, new, &outcome, &fault, &f))
        return console_reply_failure(request, &f);
    return console_reply_sign_in(request, outcome, fault);
}
