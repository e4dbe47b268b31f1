#include "intake/console/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "intake/console/proof.h"

/* --- replies ---------------------------------------------------------------------------------- */

/* Nothing inline, nothing from elsewhere, in no frame; that nothing is kept, the server says of
 * every reply. */
void console_headers(struct http_request *request)
{
    http_reply_header(request, "Content-Security-Policy",
                      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' "
                      "blob:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action "
                      "'none'; frame-ancestors 'none'");
    http_reply_header(request, "Referrer-Policy", "no-referrer");
    http_reply_header(request, "Cross-Origin-Opener-Policy", "same-origin");
    http_reply_header(request, "Cross-Origin-Resource-Policy", "same-origin");
}

enum http_flow console_reply_failure(struct http_request *request, const struct failure *f)
{
    log_warning("console.request", log_text("request", http_request_id(request)),
                log_text("kind", failure_kind_name(f->kind)), log_text("text", f->text));
    if (f->kind == FAILURE_DATABASE || f->kind == FAILURE_CONFLICT || f->kind == FAILURE_NETWORK) {
        http_reply_header(request, "Retry-After", "5");
        return http_reply_error(request, 503, "E0190",
                                "いま処理できません。しばらくしてから、もう一度お試しください。");
    }
    return http_reply_error(request, 500, "E0199",
                            "システムの不具合です。何も変更されていません。");
}

enum http_flow console_reply_conflict(struct http_request *request, json_t *stolen,
                                      const char *format, ...)
{
    va_list arguments;
    char *text = NULL;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    json_t *reply = json_pack("{s:s, s:s, s:[{s:s, s:s}], s:s}", "title", "Conflict", "detail",
                              length < 0 ? "" : text, "errors", "code", "E0105", "message",
                              length < 0 ? "" : text, "request_id", http_request_id(request));
    free(length < 0 ? NULL : text);
    json_object_update(reply, stolen);
    json_decref(stolen);
    return http_reply_json(request, 409, reply);
}

json_t *console_time(instant at)
{
    char text[INSTANT_TEXT];
    return at ? json_string(instant_text_jst(at, text)) : json_null();
}

/* What a field of the pages is called. */
static const char *label_of(const char *key)
{
    static const struct {
        const char *key, *label;
    } labels[] = {{"reason", "理由"},       {"message", "申請した人に伝えること"},
                  {"remark", "所見"},       {"recipient", "渡す相手"},
                  {"medium", "媒体の番号"}, {"how", "廃棄・返却の方法"},
                  {"text", "内容"},         {"atenabango", "宛名番号"},
                  {"words", "補足"},        {"birth_date", "生年月日"},
                  {"address", "住所"}};
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        if (strcmp(labels[i].key, key) == 0)
            return labels[i].label;
    return key;
}

const char *console_text(struct http_request *request, const json_t *body, const char *key,
                         size_t most)
{
    const json_t *value = json_object_get(body, key);
    const char *text = json_string_value(value);
    if (!value)
        http_reply_error(request, 400, "E0001", "%s is required", key);
    else if (!text || json_string_length(value) != strlen(text))
        http_reply_error(request, 400, "E0002", "%s must be a text", key);
    else if (!*text || utf8_length(text) > most)
        http_reply_error(request, 400, "E0003", "「%s」は1文字以上%zu文字以内で入れてください。",
                         label_of(key), most);
    else
        return text;
    return NULL;
}

bool console_text_maybe(struct http_request *request, const json_t *body, const char *key,
                        size_t most, const char **ret_text)
{
    const json_t *value = json_object_get(body, key);
    *ret_text = NULL;
    if (!value || json_is_null(value) || (json_is_string(value) && !json_string_length(value)))
        return true;
    *ret_text = console_text(request, body, key, most);
    return *ret_text;
}

/* --- the cookie ------------------------------------------------------------------------------- */

/* The value of our cookie, or NULL: 64 hexadecimal digits, or it is not ours. */
static bool cookie_token(const struct http_request *request, char ret_token[SESSION_TOKEN])
{
    static const char name[] = CONSOLE_COOKIE "=";
    const char *header = http_request_header(request, "Cookie");
    const char *at = header ? strstr(header, name) : NULL;
    if (!at || (at != header && at[-1] != ' ' && at[-1] != ';'))
        return false;
    at += sizeof name - 1;
    if (strspn(at, "0123456789abcdef") != SESSION_TOKEN - 1)
        return false;
    memcpy(ret_token, at, SESSION_TOKEN - 1);
    ret_token[SESSION_TOKEN - 1] = '\0';
    return true;
}

/* --- the checks ------------------------------------------------------------------------------- */

/* What changes something must come from our own page: browsers send Origin with every such
 * request, and no page can forge it. Reading is safe: the cookie is SameSite=Strict. */
static bool same_origin(const struct console_context *context, const struct http_request *request)
{
    const char *origin = http_request_header(request, "Origin");
    const char *site = http_request_header(request, "Sec-Fetch-Site");
    if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
        return false;
    if (!origin)
        return !http_request_changes(request);
    return strcmp(origin, context->origin) == 0;
}

static bool far_enough(enum console_need need, enum session_state state)
{
    if (need == NEED_TERMINAL)
        return true;
    switch (state) {
    case SESSION_GOOD:
        return need != NEED_HALF;
    case SESSION_CHANGE:
        return need == NEED_CHANGE || need == NEED_UNLOCK;
    case SESSION_LOCKED:
        return need == NEED_UNLOCK;
    case SESSION_HALF:
        return need == NEED_HALF;
    case SESSION_NONE:
        break;
    }
    return false;
}

static void reply_not_far(struct http_request *request, enum session_state state)
{
    if (state == SESSION_LOCKED)
        http_reply_error(request, 423, "E0106",
                         "操作がなかったため画面をロックしました。パスワードを入れてください。");
    else if (state == SESSION_CHANGE)
        http_reply_error(request, 403, "E0107",
                         "パスワードの有効期限が切れました。新しいパスワードにしてください。");
    else
        http_reply_error(request, 401, "E0103", "サインインしてください。");
}

static void caller_fill(const struct console_context *context, const struct http_request *request,
                        const struct admission *found, struct console_caller *caller)
{
    caller->terminal = found->terminal;
    caller->session = found->session;
    caller->permissions = found->permissions;
    snprintf(caller->terminal_text, sizeof caller->terminal_text, "%s %s",
             http_request_address(request), caller->terminal.label);
    snprintf(caller->actor, sizeof caller->actor, "staff:%s", caller->session.account.name);
    caller->at = (struct sign_in_at){.db = context->role->db,
                                     .city_key = context->role->city_key,
                                     .city_code = context->role->city_code,
                                     .rules = &context->rules,
                                     .terminal = &caller->terminal,
                                     .terminal_text = caller->terminal_text};
}

static bool admission_ask(const struct console_context *context, const struct http_request *request,
                          enum console_need need, struct admission *ret_admission,
                          struct failure *f)
{
    char token[SESSION_TOKEN];
    const struct session_question question = {
        .city_code = context->role->city_code,
        .peer = http_request_peer(request),
        .address = http_request_address(request),
        .token = cookie_token(request, token) ? token : NULL,
        .limits = &context->rules.session,
        .password_age = context->rules.password_age,
        /* what the page asks by itself is no sign of life of the person before it */
        .background = http_request_header(request, "X-Uketsuke-Background"),
        .rights = need == NEED_SESSION,
    };
    return session_admit(context->role->db, &question, ret_admission, f);
}

bool console_admit(const struct console_context *context, struct http_request *request,
                   enum console_need need, struct console_caller *ret_caller)
{
    struct failure f = {0};
    struct admission found;
    *ret_caller = (struct console_caller){0};
    console_headers(request);
    if (!same_origin(context, request)) {
        http_reply_error(request, 403, "E0104", "ほかの画面からの操作は受け付けません。");
        return false;
    }
    if (!admission_ask(context, request, need, &found, &f)) {
        console_reply_failure(request, &f);
        return false;
    }
    if (!found.known_terminal) {
        log_warning("console.unknown_terminal", log_text("request", http_request_id(request)));
        http_reply_error(request, 403, "E0104",
                         "この端末は登録されていません。管理者に登録を依頼してください。");
        return false;
    }
    caller_fill(context, request, &found, ret_caller);
    bool far = far_enough(need, ret_caller->session.state);
    if (far && (ret_caller->session.proven || !proof_needed(request)))
        return true;
    if (far)
        http_reply_error(request, 403, "E0108",
                         "本人であることを確かめるため、パスワードをもう一度入れてください。");
    else
        reply_not_far(request, ret_caller->session.state);
    console_caller_free(ret_caller);
    return false;
}

void console_caller_free(struct console_caller *caller)
{
    permissions_free(&caller->permissions);
}

bool console_may(struct http_request *request, const struct console_caller *caller,
                 enum right right)
{
    if (permission_allows(&caller->permissions, right, NULL, NULL))
        return true;
    http_reply_error(request, 403, "E0104", "「%s」の権限がありません。", right_name_ja(right));
    return false;
}

/* --- guesses ------------------------------------------------------------------------------------
 */

bool console_may_guess(const struct console_context *context, struct http_request *request,
                       const struct console_caller *caller)
{
    instant wait;
    if (rate_left(context->guesses, caller->terminal.id, clock_monotonic(), &wait))
        return true;
    log_warning("console.guessing", log_text("request", http_request_id(request)),
                log_text("terminal", caller->terminal.label));
    _cleanup_(cleanup_text) char *seconds = text_format("%d", (int)(wait / INSTANT_SECOND) + 1);
    http_reply_header(request, "Retry-After", seconds);
    http_reply_error(
        request, 429, "E0106",
        "この端末では、間違いが続きました。しばらくしてから、もう一度お試しください。");
    return false;
}

void console_guessed_wrong(const struct console_context *context,
                           const struct console_caller *caller)
{
    instant wait;
    rate_take(context->guesses, caller->terminal.id, clock_monotonic(), &wait);
}
