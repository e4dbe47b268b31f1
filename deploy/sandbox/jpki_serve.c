/* `jpki serve`: CRLs that are re-issued all the time, and the OCSP responder, over HTTP. */
#include <pthread.h>
#include <string.h>

#include "base/http_server.h"
#include "base/log.h"
#include "base/process.h"
#include "deploy/sandbox/jpki.h"

struct jpki_service {
    pthread_mutex_t lock; /* over the ledger and the lists */
    struct jpki *jpki;
    struct jpki_responder *responder;
    struct jpki_list lists[JPKI_LISTS_MAX];
    struct buffer ders[JPKI_LISTS_MAX];
    size_t count;
};

static enum http_flow list_get(struct http_request *request, void *context)
{
    struct jpki_service *service = context;
    const char *name = http_request_parameter(request, "name");
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    pthread_mutex_lock(&service->lock);
    for (size_t i = 0; i < service->count; i++)
        if (strcmp(service->lists[i].file, name) == 0)
            buffer_append(&der, service->ders[i].data, service->ders[i].length);
    pthread_mutex_unlock(&service->lock);
    if (!der.length)
        return http_reply_error(request, 404, "E0100", "there is no such list");
    return http_reply_bytes(request, 200, "application/pkix-crl", buffer_bytes(&der));
}

#define SLOW (30 * INSTANT_SECOND) /* longer than anybody waits */

static enum http_flow ocsp_answer(struct http_request *request, struct jpki_service *service,
                                  const struct jpki_manner *manner)
{
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    struct failure f = {0};
    pthread_mutex_lock(&service->lock);
    bool answered = jpki_responder_answer(service->responder, service->jpki, manner,
                                          http_request_body(request), clock_now(), &der, &f);
    pthread_mutex_unlock(&service->lock);
    if (!answered) {
        log_failure("ocsp.failed", &f);
        return http_reply_error(request, 500, "E0199", "no answer could be made");
    }
    return http_reply_bytes(request, 200, "application/ocsp-response", buffer_bytes(&der));
}

static enum http_flow ocsp_post(struct http_request *request, void *context)
{
    return ocsp_answer(request, context, NULL);
}

/* What is wrong with the line, the machine or what stands in between. */
static enum http_flow ocsp_post_broken(struct http_request *request, const char *how)
{
    if (strcmp(how, "error") == 0)
        return http_reply_error(request, 500, "E0199", "the responder is broken");
    if (strcmp(how, "garbage") == 0)
        return http_reply_bytes(request, 200, "text/html", bytes_of_text("<p>busy</p>"));
    if (strcmp(how, "slow") != 0)
        return http_reply_error(request, 404, "E0100", "there is no such manner");
    if (http_request_expired(request))
        return http_reply_error(request, 500, "E0199", "too late");
    return http_request_wait(request, SLOW);
}

static enum http_flow ocsp_post_in_manner(struct http_request *request, void *context)
{
    const char *name = http_request_parameter(request, "manner");
    for (size_t i = 0; i < jpki_manner_count; i++)
        if (strcmp(jpki_manners[i].name, name) == 0)
            return ocsp_answer(request, context, &jpki_manners[i]);
    return ocsp_post_broken(request, name);
}

static const struct http_route jpki_routes[] = {
    {"GET", "/crl/{name}", list_get, 0},
    {"POST", "/ocsp", ocsp_post, 64 * 1024},
    {"POST", "/ocsp/{manner}", ocsp_post_in_manner, 64 * 1024},
};

/* Reads the ledger again and makes every list anew. */
static bool lists_renew(struct jpki_service *service, struct failure *f)
{
    bool done = jpki_ledger_read(service->jpki, f);
    for (size_t i = 0; done && i < service->count; i++) {
        struct buffer der = {0};
        done = jpki_crl_make(service->jpki, service->lists[i].partition,
                             service->lists[i].generation, clock_now(), &der, f);
        if (!done) {
            buffer_free(&der);
            break;
        }
        buffer_free(&service->ders[i]);
        service->ders[i] = der;
    }
    return done;
}

static bool service_run(struct jpki_service *service, const char *address, instant interval,
                        struct failure *f)
{
    struct http_server_options options = {.address = address,
                                          .routes = jpki_routes,
                                          .route_count = sizeof jpki_routes / sizeof *jpki_routes,
                                          .context = service};
    struct http_server *server;
    if (!lists_renew(service, f) || !http_server_start(&options, &server, f))
        return false;
    printf("sandbox JPKI on port %u: %zu lists, a new one of each every %.1f s\n",
           http_server_port(server), service->count, (double)interval / INSTANT_SECOND);
    for (size_t i = 0; i < service->count; i++)
        printf("  GET /crl/%s\n", service->lists[i].file);
    printf("  POST /ocsp\n");
    fflush(stdout);
    while (process_sleep(interval)) {
        struct failure trouble = {0};
        pthread_mutex_lock(&service->lock);
        if (!lists_renew(service, &trouble))
            log_failure("lists.failed", &trouble); /* the old ones are still good for a day */
        pthread_mutex_unlock(&service->lock);
    }
    http_server_stop(server);
    return true;
}

bool jpki_serve(const char *folder, const char *address, instant interval, struct failure *f)
{
    struct jpki_service service = {.lock = PTHREAD_MUTEX_INITIALIZER};
    service.count = jpki_lists(service.lists);
    bool done = jpki_open(folder, false, &service.jpki, f) &&
                jpki_responder_open(service.jpki, &service.responder, f) &&
                service_run(&service, address, interval, f);
    for (size_t i = 0; i < service.count; i++)
        buffer_free(&service.ders[i]);
    jpki_responder_close(service.responder);
    jpki_close(service.jpki);
    return done;
}
