#include "base/http_service.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/breaker.h"
#include "base/cleanup.h"
#include "base/secret_file.h"
#include "base/text.h"

#define PATIENCE      (5 * INSTANT_SECOND)
#define FAILURES_MOST 5
#define REST          (10 * INSTANT_SECOND)
#define SECRET_MOST   1024 /* bytes */

struct http_service {
    pthread_mutex_t mutex; /* of what follows */
    struct http_client *client;
    struct breaker breaker;
    const char *what;
    char *path;
    struct buffer authorization; /* "Authorization: Basic …"; empty without */
};

/* --- opening ------------------------------------------------------------------------------------
 */

static const char *or_null(const char *text)
{
    return text && *text ? text : NULL;
}

/* Where the path begins in https://HOST:PORT/path; NULL when the URL is none. */
static const char *path_of(const char *url)
{
    const char *host = strstr(url, "://");
    return host ? strchr(host + 3, '/') : NULL;
}

static bool read_secret(const struct http_service_options *options, struct http_service *service,
                        struct failure *f)
{
    _cleanup_(cleanup_secret_buffer) struct buffer pair = {0}, secret = {0};
    if (!or_null(options->client_id))
        return true;
    if (!secret_file_read("client secret", options->secret_file, SECRET_MOST, &secret, f))
        return false;
    buffer_format(&pair, "%s:%.*s", options->client_id, (int)strcspn(buffer_text(&secret), "\n"),
                  buffer_text(&secret));
    buffer_append_text(&service->authorization, "Authorization: Basic ");
    base64_encode(buffer_bytes(&pair), &service->authorization);
    return true;
}

static bool open_client(const struct http_service_options *options, const char *path,
                        struct http_service *service, struct failure *f)
{
    _cleanup_(cleanup_text) char *base = text_copy_n(options->url, (size_t)(path - options->url));
    const struct http_client_options client = {
        .base_url = base,
        .ca_file = or_null(options->ca_file),
        .certificate = or_null(options->certificate),
        .key = or_null(options->key),
        .connect_patience = PATIENCE,
        .patience = PATIENCE,
    };
    service->path = text_copy(path);
    return http_client_open(&client, &service->client, f) && read_secret(options, service, f);
}

bool http_service_open(const struct http_service_options *options, struct http_service **ret,
                       struct failure *f)
{
    const char *path = path_of(options->url);
    if (!path)
        return failure_set(f, FAILURE_USAGE, "%s: %s is not like https://HOST/PATH",
                           options->setting, options->url);
    struct http_service *service = memory_allocate(sizeof *service);
    pthread_mutex_init(&service->mutex, NULL);
    service->what = options->what;
    service->breaker = (struct breaker){.failures_most = FAILURES_MOST, .rest = REST};
    if (!open_client(options, path, service, f)) {
        http_service_close(service);
        return false;
    }
    *ret = service;
    return true;
}

void http_service_close(struct http_service *service)
{
    if (!service)
        return;
    http_client_close(service->client);
    pthread_mutex_destroy(&service->mutex);
    free(service->path);
    buffer_erase_free(&service->authorization);
    free(service);
}

/* --- asking -------------------------------------------------------------------------------------
 */

static bool call(struct http_service *service, const char *form, struct http_answer *answer,
                 struct failure *f)
{
    const char *headers[] = {"Accept: application/json", NULL, NULL};
    if (service->authorization.length)
        headers[1] = buffer_text(&service->authorization);
    struct http_call call = {.method = form ? "POST" : "GET",
                             .path = service->path,
                             .headers = headers,
                             .content_type = form ? "application/x-www-form-urlencoded" : NULL,
                             .body = form ? bytes_of_text(form) : (struct bytes){0}};
    int64_t now = clock_monotonic();
    if (breaker_state(&service->breaker, now) == BREAKER_OPEN)
        return failure_set(f, FAILURE_NETWORK, "the %s failed lately", service->what);
    bool done = http_client_call(service->client, &call, answer, f) &&
                (answer->status < 500 || failure_set(f, FAILURE_NETWORK, "the %s answered %u",
                                                     service->what, answer->status));
    breaker_note(&service->breaker, done, now);
    return done;
}

bool http_service_call(struct http_service *service, const char *form, struct http_answer *answer,
                       struct failure *f)
{
    pthread_mutex_lock(&service->mutex);
    bool done = call(service, form, answer, f);
    pthread_mutex_unlock(&service->mutex);
    return done;
}
