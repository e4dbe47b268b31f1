/* The first time: POST /api/enrolment {name, code, password}; then either GET /api/enrolment/totp
 * (a secret for the app) and POST it with a code, or /api/session/challenge and
 * POST /api/enrolment/webauthn. */
#include <openssl/crypto.h>
#include <string.h>

#include "base/cleanup.h"
#include "intake/console/endpoints.h"

enum http_flow endpoint_enrolment(struct http_request *request, void *context)
{
    struct console_caller caller;
    struct failure f = {0};
    enum sign_in outcome;
    enum password_fault fault;
    char token[SESSION_TOKEN] = "";
    if (!console_admit(context, request, NEED_TERMINAL, &caller))
        return HTTP_DONE;
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    const char *name = body ? console_text(request, body, "name", 64) : NULL;
    const char *code = name ? console_text(request, body, "code", 64) : NULL;
    const char *password =
        code ? console_text(request, body, "password", PASSWORD_LENGTH_MOST) : NULL;
    if (!password || !console_may_guess(context, request, &caller))
        return HTTP_DONE;
    if (!enrol_begin(&caller.at, name, code, password, &outcome, &fault, token, &f))
        return console_reply_failure(request, &f);
    if (outcome == SIGN_IN_WRONG)
        console_guessed_wrong(context, &caller);
    if (outcome == SIGN_IN_NEXT)
        console_set_cookie(request, token);
    return console_reply_sign_in(request, outcome, fault);
}

/* The secret is kept by nobody until its code has come: the page sends both. */
enum http_flow endpoint_enrolment_totp_get(struct http_request *request, void *context)
{
    struct console_caller caller;
    struct failure f = {0};
    uint8_t secret[TOTP_SECRET];
    char text[TOTP_TEXT];
    if (!console_admit(context, request, NEED_HALF, &caller))
        return HTTP_DONE;
    if (!totp_secret_make(secret, &f))
        return console_reply_failure(request, &f);
    totp_secret_text(secret, text);
    _cleanup_(cleanup_text) char *uri = text_format(
        "otpauth://totp/uketsuke:%s?secret=%s&issuer=uketsuke", caller.session.account.name, text);
    return http_reply_json(request, 200,
                           json_pack("{s:o, s:s, s:s}", "secret",
                                     console_base64url(bytes_of(secret, sizeof secret)), "text",
                                     text, "uri", uri));
}

enum http_flow endpoint_enrolment_totp(struct http_request *request, void *context)
{
    struct console_caller caller;
    struct failure f = {0};
    enum sign_in outcome;
    _cleanup_(cleanup_secret_buffer) struct buffer secret = {0};
    if (!console_admit(context, request, NEED_HALF, &caller))
        return HTTP_DONE;
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    const char *code = body ? console_text(request, body, "code", 6) : NULL;
    if (!code || !console_bytes(request, body, "secret", TOTP_SECRET, &secret))
        return HTTP_DONE;
    if (secret.length != TOTP_SECRET)
        return http_reply_error(request, 400, "E0003", "secret must have %d bytes", TOTP_SECRET);
    if (!enrol_totp(&caller.at, &caller.session, secret.data, code, &outcome, &f))
        return console_reply_failure(request, &f);
    return console_reply_sign_in(request, outcome, PASSWORD_GOOD);
}

enum http_flow endpoint_enrolment_webauthn(struct http_request *request, void *context)
{
    const struct console_context *console = context;
    struct console_caller caller;
    struct failure f = {0};
    enum sign_in outcome;
    _cleanup_(cleanup_buffer) struct buffer client = {0}, data = {0};
    if (!console_admit(context, request, NEED_HALF, &caller))
        return HTTP_DONE;
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    const char *label = body ? console_text(request, body, "label", 60) : NULL;
    if (!label || !console_bytes(request, body, "client_data", WEBAUTHN_CLIENT_MOST, &client) ||
        !console_bytes(request, body, "authenticator_data", WEBAUTHN_DATA_MOST, &data))
        return HTTP_DONE;
    if (!enrol_webauthn(&caller.at, &caller.session, console->origin, console->party_id, label,
                        buffer_bytes(&client), buffer_bytes(&data), &outcome, &f))
        return console_reply_failure(request, &f);
    return console_reply_sign_in(request, outcome, PASSWORD_GOOD);
}
