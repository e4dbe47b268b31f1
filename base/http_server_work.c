/* The threads that run handlers: whoever is free takes the oldest request. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/http_server_internal.h"

void http_work_add(struct http_request *request)
{
    struct http_server *server = request->server;
    request->next = NULL;
    if (server->work)
        server->work_last->next = request;
    else
        server->work = request;
    server->work_last = request;
    pthread_cond_signal(&server->work_came);
}

enum MHD_Result http_work_begin(struct http_request *request)
{
    struct http_server *server = request->server;
    if (request->connection)
        request->connection->deadline = 0; /* it is our turn */
    pthread_mutex_lock(&server->mutex);
    bool taken = !server->work_ends;
    if (taken) {
        request->running = true;
        server->running++;
        MHD_suspend_connection(request->mhd);
        http_work_add(request);
    }
    pthread_mutex_unlock(&server->mutex);
    if (taken)
        return MHD_YES;
    http_reply_error(request, 503, "E0190", "try again");
    return http_reply_queue(request);
}

/* What came before this it sees, what comes behind it is a reason to look again. Under the lock. */
static void look(struct http_request *request)
{
    request->seen = request->server->wakes;
    request->expired |= request->server->stopping;
}

/* NULL: there will be none any more. */
static struct http_request *take(struct http_server *server)
{
    pthread_mutex_lock(&server->mutex);
    while (!server->work && !server->work_ends)
        pthread_cond_wait(&server->work_came, &server->mutex);
    struct http_request *request = server->work;
    if (request) {
        server->work = request->next;
        request->next = NULL;
        look(request);
    }
    pthread_mutex_unlock(&server->mutex);
    return request;
}

static void look_again(struct http_request *request)
{
    pthread_mutex_lock(&request->server->mutex);
    look(request);
    pthread_mutex_unlock(&request->server->mutex);
}

/* Ends with its connection resumed, or when it waits: from there it is another thread's. */
static void serve(struct http_request *request)
{
    enum http_flow flow;
    for (;; look_again(request)) {
        bool last = request->expired;
        flow = request->route->handle(request, request->server->context);
        if (flow == HTTP_DONE || last)
            break;
        if (http_wait_begin(request))
            return;
    }
    if (flow == HTTP_WAIT)
        http_reply_error(request, 503, "E0190", "try again");
    request->answered = true;
    MHD_resume_connection(request->mhd);
}

static void *run(void *context)
{
    struct http_request *request;
    while ((request = take(context)))
        serve(request);
    return NULL;
}

bool http_work_start(struct http_server *server, struct failure *f)
{
    unsigned wanted = server->worker_count;
    pthread_cond_init(&server->work_came, NULL);
    server->workers = memory_allocate(wanted * sizeof *server->workers);
    for (server->worker_count = 0; server->worker_count < wanted; server->worker_count++) {
        int error = pthread_create(&server->workers[server->worker_count], NULL, run, server);
        if (error != 0)
            return failure_set(f, FAILURE_SYSTEM, "can't make the server's threads: %s",
                               strerror(error));
    }
    return true;
}

void http_work_stop(struct http_server *server)
{
    pthread_mutex_lock(&server->mutex);
    server->work_ends = true;
    pthread_cond_broadcast(&server->work_came);
    pthread_mutex_unlock(&server->mutex);
    for (unsigned i = 0; i < server->worker_count; i++)
        pthread_join(server->workers[i], NULL);
    server->worker_count = 0;
}
