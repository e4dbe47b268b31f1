/* POST /api/session/common-base: where the browser goes. POST …/back {state, code}: what it brought
 * back from there. */
#include "base/cleanup.h"
#include "base/log.h"
#include "intake/console/endpoints.h"

#define STATE_MOST 128
#define CODE_MOST  2048 /* characters; RFC 6749 leaves it to the base */

/* False after replying. */
static bool common_base_there(const struct console_context *console, struct http_request *request,
                              struct console_caller *caller)
{
    if (!console_admit(console, request, NEED_HALF, caller))
        return false;
    if (console->common_base)
        return true;
    http_reply_error(request, 404, "E0100", "共通基盤によるサインインは、使えない設定です。");
    return false;
}

enum http_flow endpoint_common_base(struct http_request *request, void *context)
{
    const struct console_context *console = context;
    struct console_caller caller;
    struct failure f = {0};
    uint8_t challenge[WEBAUTHN_CHALLENGE];
    if (!common_base_there(console, request, &caller))
        return HTTP_DONE;
    if (!sign_in_challenge(&caller.at, &caller.session, challenge, NULL, NULL, &f))
        return console_reply_failure(request, &f);
    _cleanup_(cleanup_text) char *address = common_base_address(console->common_base, challenge);
    return http_reply_json(request, 200, json_pack("{s:s}", "address", address));
}

static enum http_flow reply_refused(const struct console_context *console,
                                    struct http_request *request)
{
    return http_reply_error(request, 401, "E0103",
                            "%sで、この利用者であることを確かめられませんでした。はじめから、"
                            "もう一度サインインしてください。",
                            common_base_title(console->common_base));
}

static enum http_flow reply_silent(const struct console_context *console,
                                   struct http_request *request, const struct failure *f)
{
    log_failure("console.common_base", f);
    return http_reply_error(request, 503, "E0190",
                            "%sにつながりません。ほかの確認方法を登録してあれば、それでサインイン"
                            "してください。",
                            common_base_title(console->common_base));
}

enum http_flow endpoint_common_base_back(struct http_request *request, void *context)
{
    const struct console_context *console = context;
    struct console_caller caller;
    struct failure f = {0};
    struct common_base_word word;
    enum sign_in outcome;
    if (!common_base_there(console, request, &caller))
        return HTTP_DONE;
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    const char *state = body ? console_text(request, body, "state", STATE_MOST) : NULL;
    const char *code = state ? console_text(request, body, "code", CODE_MOST) : NULL;
    if (!code)
        return HTTP_DONE;
    if (!common_base_ask(console->common_base, caller.session.challenge, state, code, &word, &f))
        return reply_silent(console, request, &f);
    if (word.why)
        log_warning("console.common_base", log_text("request", http_request_id(request)),
                    log_text("refused", word.why));
    if (!sign_in_common_base(&caller.at, &caller.session, &word, &outcome, &f))
        return console_reply_failure(request, &f);
    return outcome == SIGN_IN_WRONG ? reply_refused(console, request)
                                    : console_reply_sign_in(request, outcome, PASSWORD_GOOD);
}
