/* POST /api/session/totp {code}. POST /api/session/challenge: a WebAuthn challenge and who may
 * answer it; POST /api/session/webauthn: the assertion. */
#include "base/cleanup.h"
#include "intake/console/endpoints.h"

json_t *console_base64url(struct bytes data)
{
    _cleanup_(cleanup_buffer) struct buffer text = {0};
    base64url_encode(data, &text);
    return json_string(buffer_text(&text));
}

bool console_bytes(struct http_request *request, const json_t *body, const char *key, size_t most,
                   struct buffer *ret_bytes)
{
    const char *text = console_text(request, body, key, 2 * most);
    if (!text)
        return false;
    if (base64url_decode(text, most, ret_bytes))
        return true;
    http_reply_error(request, 400, "E0002", "%s must be Base64url without padding", key);
    return false;
}

enum http_flow endpoint_session_totp(struct http_request *request, void *context)
{
    struct console_caller caller;
    struct failure f = {0};
    enum sign_in outcome;
    if (!console_admit(context, request, NEED_HALF, &caller))
        return HTTP_DONE;
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    const char *code = body ? console_text(request, body, "code", 6) : NULL;
    if (!code)
        return HTTP_DONE;
    if (!sign_in_totp(&caller.at, &caller.session, code, &outcome, &f))
        return console_reply_failure(request, &f);
    return console_reply_sign_in(request, outcome, PASSWORD_GOOD);
}

enum http_flow endpoint_session_challenge(struct http_request *request, void *context)
{
    const struct console_context *console = context;
    struct console_caller caller;
    struct failure f = {0};
    uint8_t challenge[WEBAUTHN_CHALLENGE];
    struct webauthn_credential credentials[WEBAUTHN_CREDENTIAL_MOST];
    size_t count;
    if (!console_admit(context, request, NEED_HALF, &caller))
        return HTTP_DONE;
    if (!sign_in_challenge(&caller.at, &caller.session, challenge, credentials, &count, &f))
        return console_reply_failure(request, &f);
    json_t *ids = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(ids, console_base64url(buffer_bytes(&credentials[i].id)));
        webauthn_credential_free(&credentials[i]);
    }
    return http_reply_json(request, 200,
                           json_pack("{s:o, s:s, s:o, s:b, s:s?}", "challenge",
                                     console_base64url(bytes_of(challenge, sizeof challenge)),
                                     "party_id", console->party_id, "credentials", ids, "totp",
                                     caller.session.account.has_totp, "common_base",
                                     common_base_title(console->common_base)));
}

enum http_flow endpoint_session_webauthn(struct http_request *request, void *context)
{
    const struct console_context *console = context;
    struct console_caller caller;
    struct failure f = {0};
    enum sign_in outcome;
    _cleanup_(cleanup_buffer) struct buffer id = {0}, client = {0}, data = {0}, signature = {0};
    if (!console_admit(context, request, NEED_HALF, &caller))
        return HTTP_DONE;
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    if (!body || !console_bytes(request, body, "id", WEBAUTHN_ID_MOST, &id) ||
        !console_bytes(request, body, "client_data", WEBAUTHN_CLIENT_MOST, &client) ||
        !console_bytes(request, body, "authenticator_data", WEBAUTHN_DATA_MOST, &data) ||
        !console_bytes(request, body, "signature", WEBAUTHN_KEY_MOST, &signature))
        return HTTP_DONE;
    const struct assertion assertion = {buffer_bytes(&id), buffer_bytes(&client),
                                        buffer_bytes(&data), buffer_bytes(&signature)};
    if (!sign_in_webauthn(&caller.at, &caller.session, console->origin, console->party_id,
                          &assertion, &outcome, &f))
        return console_reply_failure(request, &f);
    return console_reply_sign_in(request, outcome, PASSWORD_GOOD);
}
