#include "routing/introspection.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/breaker.h"
#include "base/cleanup.h"
#include "base/http_client.h"
#include "base/secret_file.h"
#include "base/text.h"

#define PATIENCE      (5 * INSTANT_SECOND)
#define FAILURES_MOST 5
#define REST          (10 * INSTANT_SECOND)

struct introspection {
    pthread_mutex_t mutex; /* of what follows */
    struct http_client *client;
    struct breaker breaker;
    char *path;
    struct buffer authorization; /* "Authorization: Basic …"; empty without */
};

/* --- opening ------------------------------------------------------------------------------------
 */

static const char *text_or_null(const struct config_group *group, const char *key)
{
    const char *text = config_text(group, key);
    return *text ? text : NULL;
}

/* Where the path begins in https://HOST:PORT/path; NULL when the URL is none. */
static const char *path_of(const char *url)
{
    const char *host = strstr(url, "://");
    return host ? strchr(host + 3, '/') : NULL;
}

static bool read_secret(const struct config_group *group, struct introspection *x,
                        struct failure *f)
{
    const char *client_id = config_text(group, "introspection-client-id");
    _cleanup_(cleanup_secret_buffer) struct buffer pair = {0}, secret = {0};
    if (!*client_id)
        return true;
    if (!secret_file_read("introspection secret", config_text(group, "introspection-secret"), 1024,
                          &secret, f))
        return false;
    buffer_format(&pair, "%s:%.*s", client_id, (int)strcspn(buffer_text(&secret), "\n"),
                  buffer_text(&secret));
    buffer_append_text(&x->authorization, "Authorization: Basic ");
    base64_encode(buffer_bytes(&pair), &x->authorization);
    return true;
}

static bool open_client(const struct config_group *group, const char *url, const char *path,
                        struct introspection *x, struct failure *f)
{
    _cleanup_(cleanup_text) char *base = text_copy_n(url, (size_t)(path - url));
    struct http_client_options options = {
        .base_url = base,
        .ca_file = text_or_null(group, "introspection-ca"),
        .certificate = text_or_null(group, "introspection-certificate"),
        .key = text_or_null(group, "introspection-key"),
        .connect_patience = PATIENCE,
        .patience = PATIENCE,
    };
    x->path = text_copy(path);
    return http_client_open(&options, &x->client, f) && read_secret(group, x, f);
}

bool introspection_open(const struct config_group *group, struct introspection **ret_introspection,
                        struct failure *f)
{
    const char *url = config_text(group, "introspection-url");
    const char *path = path_of(url);
    if (*url == '\0')
        return true;
    if (!path)
        return failure_set(f, FAILURE_USAGE,
                           "[routing] introspection-url: %s is not like https://HOST/PATH", url);
    struct introspection *x = memory_allocate(sizeof *x);
    pthread_mutex_init(&x->mutex, NULL);
    x->breaker = (struct breaker){.failures_most = FAILURES_MOST, .rest = REST};
    if (!open_client(group, url, path, x, f)) {
        introspection_close(x);
        return false;
    }
    *ret_introspection = x;
    return true;
}

void introspection_close(struct introspection *x)
{
    if (!x)
        return;
    http_client_close(x->client);
    pthread_mutex_destroy(&x->mutex);
    free(x->path);
    buffer_erase_free(&x->authorization);
    free(x);
}

/* --- asking -------------------------------------------------------------------------------------
 */

static bool call(struct introspection *x, const char *text, struct http_answer *answer,
                 struct failure *f)
{
    _cleanup_(cleanup_text) char *escaped = http_escape(text);
    _cleanup_(cleanup_text) char *body = text_format("token=%s", escaped);
    const char *headers[] = {"Accept: application/json", NULL, NULL};
    if (x->authorization.length)
        headers[1] = buffer_text(&x->authorization);
    struct http_call post = {.method = "POST",
                             .path = x->path,
                             .headers = headers,
                             .content_type = "application/x-www-form-urlencoded",
                             .body = bytes_of_text(body)};
    int64_t now = clock_monotonic();
    if (breaker_state(&x->breaker, now) == BREAKER_OPEN)
        return failure_set(f, FAILURE_NETWORK, "the authorization server failed lately");
    bool done =
        http_client_call(x->client, &post, answer, f) &&
        (answer->status == 200 ||
         failure_set(f, FAILURE_NETWORK, "the authorization server answered %u", answer->status));
    breaker_note(&x->breaker, done, now);
    return done;
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

bool introspection_ask(struct introspection *x, const char *text, const char *business_id,
                       bool *ret_found, struct token *ret_token, struct failure *f)
{
    struct http_answer answer = {0};
    pthread_mutex_lock(&x->mutex);
    bool done = call(x, text, &answer, f);
    pthread_mutex_unlock(&x->mutex);
    _cleanup_(cleanup_json) json_t *json = done ? http_answer_json(&answer, f) : NULL;
    http_answer_free(&answer);
    if (!json)
        return false;
    *ret_found = read_answer(json, business_id, ret_token);
    return true;
}
