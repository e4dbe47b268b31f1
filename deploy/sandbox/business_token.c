/* The access token of the made-up business system: OAuth 2.0 client credentials by an assertion
 * that the client's secret signs (client_secret_jwt). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/jws.h"
#include "base/text.h"
#include "deploy/sandbox/business.h"

#define TOKEN_PATH     "/routing/v1/token"
#define ASSERTION_LIFE 60                    /* seconds */
#define TOKEN_SPARE    (30 * INSTANT_SECOND) /* a new one is got so long before the end */

static bool sign(const struct business_client *client, struct buffer *ret_text, struct failure *f)
{
    uint8_t random[16];
    char jti[33];
    json_int_t now = clock_now() / INSTANT_SECOND;
    if (getrandom(random, sizeof random, 0) != sizeof random)
        return failure_errno(f, "can't get random bytes");
    _cleanup_(cleanup_text) char *audience = text_format("%s" TOKEN_PATH, client->routing);
    _cleanup_(cleanup_json) json_t *claims = json_pack(
        "{s:s, s:s, s:s, s:s, s:I, s:I}", "iss", client->id, "sub", client->id, "aud", audience,
        "jti", hex_encode(random, sizeof random, jti), "iat", now, "exp", now + ASSERTION_LIFE);
    return jws_make(claims, buffer_bytes(&client->secret), ret_text, f);
}

static bool ask(struct http_client *http, const char *assertion, struct http_answer *answer,
                struct failure *f)
{
    _cleanup_(cleanup_text) char *body =
        text_format("grant_type=client_credentials"
                    "&client_assertion_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3A"
                    "client-assertion-type%%3Ajwt-bearer&client_assertion=%s",
                    assertion);
    struct http_call call = {.method = "POST",
                             .path = TOKEN_PATH,
                             .content_type = "application/x-www-form-urlencoded",
                             .body = bytes_of_text(body)};
    return http_client_call(http, &call, answer, f);
}

static bool keep(struct business_client *client, const json_t *answer, struct failure *f)
{
    const char *token = json_string_value(json_object_get(answer, "access_token"));
    json_int_t life = json_integer_value(json_object_get(answer, "expires_in"));
    if (!token)
        return failure_set(f, FAILURE_PEER,
                           "the routing server gave no token: is our client-id "
                           "and secret the one of its configuration?");
    buffer_clear(&client->header);
    buffer_format(&client->header, "Authorization: Bearer %s", token);
    client->until = clock_monotonic() + life * INSTANT_SECOND - TOKEN_SPARE;
    return true;
}

bool business_authorize(struct business_client *client, struct http_client *http,
                        const char *headers[2], struct failure *f)
{
    headers[0] = headers[1] = NULL;
    if (!client->id)
        return true;
    if (!client->header.length || client->until <= clock_monotonic()) {
        _cleanup_(cleanup_secret_buffer) struct buffer assertion = {0};
        struct http_answer answer = {0};
        if (!sign(client, &assertion, f) || !ask(http, buffer_text(&assertion), &answer, f)) {
            http_answer_free(&answer);
            return false;
        }
        _cleanup_(cleanup_json) json_t *json = http_answer_json(&answer, f);
        http_answer_free(&answer);
        if (!json || !keep(client, json, f))
            return false;
    }
    headers[0] = buffer_text(&client->header);
    return true;
}
