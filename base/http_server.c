#include "base/http_server.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/http_server_internal.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/text.h"

static struct metric requests_total = {.kind = METRIC_COUNTER,
                                       .name = "uketsuke_http_requests_total",
                                       .help = "HTTP requests answered, by class of status.",
                                       .label_name = "status"};

static struct metric handshakes_refused = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_http_handshakes_refused_total",
    .help = "Connections that ended before a request, where a client certificate is demanded.",
    .label_name = "reason"};

/* --- one request ------------------------------------------------------------------------------ */

static void *on_uri(void *context, const char *uri, struct MHD_Connection *mhd)
{
    return http_request_new(context, mhd, uri);
}

/* The length that the header announces; 0 without one. MHD has checked that it is a number. */
static uint64_t announced(const struct http_request *request)
{
    const char *text = http_request_header(request, "Content-Length");
    int64_t length = 0;
    return text && number_parse(text, 0, INT64_MAX, &length) ? (uint64_t)length : 0;
}

static void refuse_large(struct http_request *request)
{
    http_reply_error(request, 413, "E0102", "the body may have at most %zu bytes",
                     request->route->body_most);
}

/* The header is there, the body is not yet read. */
static enum MHD_Result begin(struct http_request *request, const char *method)
{
    request->begun = true;
    uint64_t length = announced(request);
    if (http_request_route(request, method) && length > request->route->body_most) {
        refuse_large(request);
        return http_reply_queue(request);
    }
    if (request->response) {
        if (length > HTTP_DISCARD_MOST)
            return http_reply_queue(request);
        request->discard = true; /* a short body is read away, so that the reply gets through */
    }
    if (request->connection)
        http_connection_hurry(request->connection, length);
    return MHD_YES;
}

static enum MHD_Result take_body(struct http_request *request, const char *data, size_t *size)
{
    request->body_seen += *size;
    size_t most = request->discard ? HTTP_DISCARD_MOST : request->route->body_most;
    if (request->body_seen > most) { /* chunked: nobody announced it */
        if (request->body_seen > most + HTTP_DISCARD_MOST)
            return MHD_NO;
        if (!request->discard)
            refuse_large(request);
        request->discard = true;
    }
    if (!request->discard)
        buffer_append(&request->body, data, *size);
    *size = 0;
    return MHD_YES;
}

static enum MHD_Result on_access(void *context, struct MHD_Connection *mhd, const char *url,
                                 const char *method, const char *version, const char *data,
                                 size_t *size, void **request_context)
{
    (void)context, (void)mhd, (void)url, (void)version;
    struct http_request *request = *request_context;
    if (!request->begun)
        return begin(request, method);
    if (*size > 0)
        return take_body(request, data, size);
    return request->discard || request->answered ? http_reply_queue(request)
                                                 : http_work_begin(request);
}

static void count(const struct http_request *request)
{
    static const char *const classes[] = {"other", "1xx", "2xx", "3xx", "4xx", "5xx"};
    unsigned class = request->status / 100;
    metric_add(&requests_total, classes[class < 6 ? class : 0], 1);
    log_debug("http.answered", log_text("request", request->id),
              log_text("method", request->method),
              log_text("route", request->route ? request->route->path : "none"),
              log_number("status", request->status),
              log_number("microseconds", clock_monotonic() - request->started));
}

static void on_completed(void *context, struct MHD_Connection *mhd, void **request_context,
                         enum MHD_RequestTerminationCode code)
{
    (void)mhd, (void)code;
    struct http_server *server = context;
    struct http_request *request = *request_context;
    if (!request)
        return;
    http_wait_forget(request);
    if (request->status)
        count(request);
    if (request->connection)
        http_connection_hurry(request->connection, 0); /* for the next one */
    pthread_mutex_lock(&server->mutex);
    if (request->running && --server->running == 0)
        pthread_cond_broadcast(&server->idle);
    pthread_mutex_unlock(&server->mutex);
    http_request_free(request);
    *request_context = NULL;
}

/* --- one connection --------------------------------------------------------------------------- */

/* Where a client certificate is demanded, who showed none, or one that does not verify, or has too
 * many connections, never gets to ask: the handshake ends, and this is all that is seen of it. */
static void note_refused(const struct http_connection *connection)
{
    if (!connection->server->client_certificates || connection->asked)
        return;
    const char *reason = connection->refused ? connection->refused : "certificate-missing";
    metric_add(&handshakes_refused, reason, 1);
    log_warning("http.refused", log_text("reason", reason),
                log_text("address", connection->address),
                log_text("owner", connection->owner ? connection->owner : ""));
}

static void on_connection(void *context, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http_server *server = context;
    struct http_connection *connection = *socket_context;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (connection) {
            note_refused(connection);
            http_connection_remove(connection);
        }
        free(connection);
        return;
    }
    connection = memory_allocate(sizeof *connection);
    connection->server = server;
    connection->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    http_peer_address(info ? info->client_addr : NULL, connection->address,
                      sizeof connection->address);
    info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (server->client_certificates)
        http_tls_demand(info->tls_session, connection);
    http_connection_hurry(connection, 0);
    *socket_context = connection;
    http_connection_add(server, connection);
}

/* --- the server ------------------------------------------------------------------------------- */

static void on_log(void *context, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
static void on_log(void *context, const char *format, va_list arguments)
{
    (void)context;
    char text[256];
    vsnprintf(text, sizeof text, format, arguments);
    text[strcspn(text, "\n")] = 0;
    log_debug("http.library", log_text("text", text)); /* mostly peers that went away */
}

static struct MHD_Daemon *start_daemon(struct http_server *server,
                                       const struct http_server_options *options,
                                       const struct http_tls *tls)
{
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
                     (server->tls ? MHD_USE_TLS : 0);
    unsigned most = options->connections_most ? options->connections_most : 1024;
    unsigned threads = server->worker_count;
    instant seconds = server->timeout / INSTANT_SECOND;
    struct MHD_OptionItem items[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_log, NULL},
        {MHD_OPTION_LISTEN_SOCKET, server->listen_fd, NULL},
        {MHD_OPTION_THREAD_POOL_SIZE, threads, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, most < threads ? threads : most, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, HTTP_LINE_MEMORY, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, seconds > 0 ? seconds : 1, NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_uri, server},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, server},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, server},
        {tls->certificate ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, tls->certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, tls->key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0,
         (char *)(uintptr_t) "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
        {tls->client_ca ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0, tls->client_ca},
        {MHD_OPTION_END, 0, NULL},
    };
    return MHD_start_daemon(flags, 0, NULL, NULL, on_access, server, MHD_OPTION_ARRAY, items,
                            MHD_OPTION_END);
}

static void server_free(struct http_server *server)
{
    if (server->listen_fd >= 0)
        close(server->listen_fd);
    if (server->unix_path)
        unlink(server->unix_path);
    free(server->unix_path);
    free(server->owned);
    free(server->workers);
    free(server);
}

static bool open_socket(struct http_server *server, const struct http_server_options *options,
                        struct failure *f)
{
    struct http_listen listen;
    if (!http_listen(options->address, &listen, f))
        return false;
    server->listen_fd = listen.fd;
    server->port = listen.port;
    server->unix_path = listen.unix_path;
    if (options->tls_certificate || listen.local)
        return true;
    return failure_set(f, FAILURE_USAGE,
                       "%s is not on this machine only: give a TLS certificate and key",
                       options->address);
}

/* Signals are the main thread's business. */
static bool start_threads(struct http_server *server, const struct http_server_options *options,
                          const struct http_tls *tls, struct failure *f)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool timer = http_timer_start(server, f), work = timer && http_work_start(server, f);
    bool good = work && (server->daemon = start_daemon(server, options, tls));
    if (work && !good)
        failure_set(f, FAILURE_SYSTEM, "can't start the HTTP server on %s", options->address);
    if (timer && !good) {
        http_work_stop(server);
        http_timer_stop(server);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return good;
}

bool http_server_start(const struct http_server_options *options, struct http_server **ret_server,
                       struct failure *f)
{
    struct http_tls tls = {0};
    if (options->tls_certificate && !http_tls_load(options, &tls, f))
        return false;
    struct http_server *server = memory_allocate(sizeof *server);
    server->listen_fd = -1;
    server->routes = options->routes;
    server->route_count = options->route_count;
    server->context = options->context;
    server->worker_count = options->threads ? options->threads : 2;
    server->timeout = options->timeout ? options->timeout : 30 * INSTANT_SECOND;
    server->tls = tls.certificate != NULL;
    server->client_certificates = tls.client_ca != NULL;
    server->of_owner_most = options->connections_of_owner_most;
    server->of_address_most = options->connections_of_address_most;
    server->owner_of = options->owner_of;
    bool good = open_socket(server, options, f) && start_threads(server, options, &tls, f);
    http_tls_free(&tls);
    if (good)
        *ret_server = server;
    else
        server_free(server);
    return good;
}

void http_server_stop(struct http_server *server)
{
    if (!server)
        return;
    MHD_quiesce_daemon(server->daemon);
    http_wait_stop(server);
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 5; /* for replies on their way to a slow peer */
    pthread_mutex_lock(&server->mutex);
    while (server->running > 0 &&
           pthread_cond_timedwait(&server->idle, &server->mutex, &until) == 0)
        ;
    pthread_mutex_unlock(&server->mutex);
    http_work_stop(server);
    MHD_stop_daemon(server->daemon);
    http_timer_stop(server);
    server_free(server);
}

unsigned http_server_port(const struct http_server *server)
{
    return server->port;
}
