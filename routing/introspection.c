#include "routing/introspection.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/http_service.h"
#include "base/text.h"

/* --- opening ------------------------------------------------------------------------------------
 */

bool introspection_open(const struct config_group *group, struct http_service **ret_introspection,
                        struct failure *f)
{
    const struct http_service_options options = {
        .what = "authorization server",
        .setting = "[routing] introspection-url",
        .url = config_text(group, "introspection-url"),
        .ca_file = config_text(group, "introspection-ca"),
        .certificate = config_text(group, "introspection-certificate"),
        .key = config_text(group, "introspection-key"),
        .client_id = config_text(group, "introspection-client-id"),
        .secret_file = config_text(group, "introspection-secret"),
    };
    return !*options.url || http_service_open(&options, ret_introspection, f);
}

/* --- asking -------------------------------------------------------------------------------------
 */

static bool call(struct http_service *introspection, const char *text, struct http_answer *answer,
                 struct failure *f)
{
    _cleanup_(cleanup_text) char *escaped = http_escape(text);
    _cleanup_(cleanup_text) char *form = text_format("token=%s", escaped);
    return http_service_call(introspection, form, answer, f) &&
           (answer->status == 200 ||
            failure_set(f, FAILURE_NETWORK, "the authorization server answered %u",
                        answer->status));
}

static bool read_thumbprint(const json_t *answer, char ret_peer[65])
{
    char plain[45];
    _cleanup_(cleanup_buffer) struct buffer hash = {0};
    const char *text =
        json_string_value(json_object_get(json_object_get(answer, "cnf"), "x5t#S256"));
    if (!text || strlen(text) != 43)
        return false;
    for (size_t i = 0; i < 43; i++)
        plain[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
    plain[43] = '=';
    if (!base64_decode(bytes_of(plain, 44), &hash) || hash.length != 32)
        return false;
    hex_encode(hash.data, hash.length, ret_peer);
    return true;
}

static bool read_answer(const json_t *answer, const char *business_id, struct token *ret_token)
{
    struct token token = {.issued_at = clock_now()};
    const char *client_id = json_string_value(json_object_get(answer, "client_id"));
    const char *scope = json_string_value(json_object_get(answer, "scope"));
    json_int_t expires = json_integer_value(json_object_get(answer, "exp"));
    if (!json_is_true(json_object_get(answer, "active")) || !client_id ||
        strlen(client_id) >= sizeof token.client_id || expires <= 0 ||
        expires > INT64_MAX / INSTANT_SECOND || !read_thumbprint(answer, token.peer))
        return false;
    snprintf(token.client_id, sizeof token.client_id, "%s", client_id);
    token.scopes = scope ? scopes_known(scope, business_id) : 0;
    token.expires_at = (instant)expires * INSTANT_SECOND;
    *ret_token = token;
    return true;
}

bool introspection_ask(struct http_service *introspection, const char *text,
                       const char *business_id, bool *ret_found, struct token *ret_token,
                       struct failure *f)
{
    struct http_answer answer = {0};
    bool done = call(introspection, text, &answer, f);
    _cleanup_(cleanup_json) json_t *json = done ? http_answer_json(&answer, f) : NULL;
    http_answer_free(&answer);
    if (!json)
        return false;
    *ret_found = read_answer(json, business_id, ret_token);
    return true;
}
