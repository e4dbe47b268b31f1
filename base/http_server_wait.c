/* Who waits, and until when: long polls, and peers that must not dawdle. One thread looks once a
 * second while there are connections, and exactly when the next long poll is due. */
#include <signal.h>
#include <string.h>

#include "base/http_server_internal.h"

static const int64_t tick = INSTANT_SECOND;

/* --- connections ------------------------------------------------------------------------------ */

/* Connections like this one: of its owner, or as long as it has none, of its address. */
static size_t alike(const struct http_connection *connection)
{
    size_t count = 0;
    for (const struct http_connection *c = connection->server->connections; c; c = c->next)
        if (!c->refused && c->owner == connection->owner)
            count += c->owner || strcmp(c->address, connection->address) == 0;
    return count;
}

/* Under the lock. */
static void limit(struct http_connection *connection, unsigned most, const char *reason)
{
    if (most && alike(connection) > most)
        connection->refused = reason;
}

bool http_connection_own(struct http_connection *connection, const char *owner)
{
    struct http_server *server = connection->server;
    pthread_mutex_lock(&server->mutex);
    connection->owner = owner;
    if (owner)
        limit(connection, server->of_owner_most, "connections-of-owner");
    pthread_mutex_unlock(&server->mutex);
    return !connection->refused;
}

void http_connection_add(struct http_server *server, struct http_connection *connection)
{
    pthread_mutex_lock(&server->mutex);
    connection->next = server->connections;
    if (connection->next)
        connection->next->previous = connection;
    else
        pthread_cond_signal(&server->changed); /* the timer slept without end */
    server->connections = connection;
    if (server->client_certificates)
        limit(connection, server->of_address_most, "connections-of-address");
    if (connection->refused)
        shutdown(connection->fd, SHUT_RDWR);
    pthread_mutex_unlock(&server->mutex);
}

void http_connection_remove(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    pthread_mutex_lock(&server->mutex);
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        server->connections = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    pthread_mutex_unlock(&server->mutex);
}

void http_connection_hurry(struct http_connection *connection, uint64_t bytes)
{
    int64_t slow = (int64_t)(bytes / HTTP_SLOWEST) * INSTANT_SECOND;
    connection->deadline = clock_monotonic() + connection->server->timeout + slow;
}

/* Under the lock, so that the socket is still ours: it is closed after http_connection_remove. */
static void cut_slow(struct http_server *server, int64_t now)
{
    for (struct http_connection *c = server->connections; c; c = c->next)
        if (c->deadline && c->deadline <= now) {
            c->deadline = 0;
            shutdown(c->fd, SHUT_RDWR);
        }
}

/* --- waiting requests ------------------------------------------------------------------------- */

static void unlink_waiting(struct http_request *request)
{
    if (request->previous)
        request->previous->next = request->next;
    else
        request->server->waiting = request->next;
    if (request->next)
        request->next->previous = request->previous;
    request->previous = request->next = NULL;
    request->waiting = false;
}

static void resume(struct http_request *request)
{
    unlink_waiting(request);
    http_work_add(request);
}

bool http_wait_begin(struct http_request *request)
{
    struct http_server *server = request->server;
    pthread_mutex_lock(&server->mutex);
    int64_t now = clock_monotonic();
    if (request->wait_until == 0)
        request->wait_until = now + request->patience;
    request->expired = server->stopping || request->wait_until <= now;
    /* A wake-up between the handler's look and now would be lost: look again instead. */
    bool sleeps = !request->expired && request->seen == server->wakes;
    if (sleeps) {
        request->waiting = true;
        request->next = server->waiting;
        if (request->next)
            request->next->previous = request;
        server->waiting = request;
        if (request->wait_until < server->timer_until)
            pthread_cond_signal(&server->changed);
    }
    pthread_mutex_unlock(&server->mutex);
    return sleeps;
}

void http_wait_forget(struct http_request *request)
{
    pthread_mutex_lock(&request->server->mutex);
    if (request->waiting)
        unlink_waiting(request);
    pthread_mutex_unlock(&request->server->mutex);
}

void http_server_wake(struct http_server *server)
{
    pthread_mutex_lock(&server->mutex);
    server->wakes++;
    while (server->waiting)
        resume(server->waiting);
    pthread_mutex_unlock(&server->mutex);
}

void http_server_wake_topic(struct http_server *server, const void *topic)
{
    struct http_request *following;
    pthread_mutex_lock(&server->mutex);
    server->wakes++;
    for (struct http_request *r = server->waiting; r; r = following) {
        following = r->next;
        if (r->topic == topic)
            resume(r);
    }
    pthread_mutex_unlock(&server->mutex);
}

void http_wait_stop(struct http_server *server)
{
    pthread_mutex_lock(&server->mutex);
    server->stopping = true;
    for (struct http_request *r = server->waiting; r; r = r->next)
        r->expired = true;
    pthread_mutex_unlock(&server->mutex);
    http_server_wake(server);
}

/* Resumes those whose time is over; returns when the next is due. */
static int64_t expire(struct http_server *server, int64_t now)
{
    int64_t next = INT64_MAX;
    struct http_request *following;
    for (struct http_request *r = server->waiting; r; r = following) {
        following = r->next;
        if (r->wait_until <= now) {
            r->expired = true;
            resume(r);
        } else if (r->wait_until < next) {
            next = r->wait_until;
        }
    }
    return next;
}

/* --- the timer -------------------------------------------------------------------------------- */

static void sleep_until(struct http_server *server, int64_t until)
{
    server->timer_until = until;
    if (until == INT64_MAX) {
        pthread_cond_wait(&server->changed, &server->mutex);
        return;
    }
    struct timespec at = {.tv_sec = until / INSTANT_SECOND,
                          .tv_nsec = (until % INSTANT_SECOND) * 1000};
    pthread_cond_timedwait(&server->changed, &server->mutex, &at);
}

static void *run_timer(void *context)
{
    struct http_server *server = context;
    pthread_mutex_lock(&server->mutex);
    while (!server->timer_ends) {
        int64_t now = clock_monotonic();
        int64_t next = expire(server, now);
        cut_slow(server, now);
        if (server->connections && now + tick < next)
            next = now + tick;
        sleep_until(server, next);
    }
    pthread_mutex_unlock(&server->mutex);
    return NULL;
}

bool http_timer_start(struct http_server *server, struct failure *f)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC); /* as clock_monotonic */
    pthread_cond_init(&server->changed, &attributes);
    pthread_cond_init(&server->idle, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&server->mutex, NULL);
    server->timer_until = INT64_MAX;
    int error = pthread_create(&server->timer, NULL, run_timer, server);
    if (error == 0)
        return true;
    return failure_set(f, FAILURE_SYSTEM, "can't make the server's timer thread: %s",
                       strerror(error));
}

void http_timer_stop(struct http_server *server)
{
    pthread_mutex_lock(&server->mutex);
    server->timer_ends = true;
    pthread_cond_signal(&server->changed);
    pthread_mutex_unlock(&server->mutex);
    pthread_join(server->timer, NULL);
}
