/* Wake-ups: LISTEN on a connection of its own. A notification only says "look": whoever waits looks
 * now and then anyway, so one that is lost costs time and nothing else. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/db_internal.h"
#include "base/process.h"

#define RECONNECT_MOST (5 * INSTANT_SECOND)

struct db_listener {
    struct db *db;
    struct db_connection *connection; /* NULL while it is down */
    char **channels;
    size_t count;
    unsigned attempts; /* to connect, in vain */
    int64_t next_attempt;
};

static bool listen_on(struct db_connection *connection, const char *channel)
{
    char *name = PQescapeIdentifier(connection->pg, channel, strlen(channel));
    char *sql = text_format("LISTEN %s", name ? name : "");
    _cleanup_(cleanup_result) PGresult *result = PQexec(connection->pg, sql);
    free(sql);
    PQfreemem(name);
    return PQresultStatus(result) == PGRES_COMMAND_OK;
}

static bool listener_connect(struct db_listener *listener, struct failure *f)
{
    struct db_connection *connection;
    if (!connection_open(listener->db, &connection, f))
        return false;
    bool good = PQexitPipelineMode(connection->pg) == 1;
    for (size_t i = 0; i < listener->count && good; i++)
        good = listen_on(connection, listener->channels[i]);
    if (!good) {
        connection_failure(connection, NULL, "LISTEN", f);
        connection_close(connection);
        return false;
    }
    listener->connection = connection;
    listener->attempts = 0;
    return true;
}

bool db_listen(struct db *db, const char *const *channels, size_t count,
               struct db_listener **ret_listener, struct failure *f)
{
    struct db_listener *listener = memory_allocate(sizeof *listener);
    listener->db = db;
    listener->count = count;
    listener->channels = memory_allocate((count ? count : 1) * sizeof(char *));
    for (size_t i = 0; i < count; i++)
        listener->channels[i] = text_copy(channels[i]);
    struct failure why = {0};
    if (!listener_connect(listener, &why) && why.kind != FAILURE_NETWORK) {
        db_listener_close(listener);
        return failure_set(f, why.kind, "%s", why.text);
    }
    *ret_listener = listener; /* a database that is away will come back */
    return true;
}

void db_listener_close(struct db_listener *listener)
{
    if (!listener)
        return;
    if (listener->connection)
        connection_close(listener->connection);
    for (size_t i = 0; i < listener->count; i++)
        free(listener->channels[i]);
    free(listener->channels);
    free(listener);
}

/* Which channel it was, where somebody wants to know. */
static void note_channel(const struct db_listener *listener, const char *channel, bool *ret_which)
{
    for (size_t i = 0; ret_which && i < listener->count; i++)
        ret_which[i] |= strcmp(listener->channels[i], channel) == 0;
}

static bool notified(struct db_listener *listener, bool *ret_which)
{
    PGconn *pg = listener->connection->pg;
    bool any = false;
    bool good = PQconsumeInput(pg) == 1;
    for (PGnotify *n = PQnotifies(pg); n; n = PQnotifies(pg)) {
        note_channel(listener, n->relname, ret_which);
        PQfreemem(n);
        any = true;
    }
    if (!good || PQstatus(pg) != CONNECTION_OK) {
        connection_close(listener->connection);
        listener->connection = NULL;
    }
    return any;
}

/* True when the connection is back: something may have happened meanwhile. */
static bool reconnected(struct db_listener *listener)
{
    int64_t now = clock_monotonic();
    if (listener->connection || now < listener->next_attempt)
        return false;
    if (listener_connect(listener, NULL))
        return true;
    listener->next_attempt = now + INSTANT_SECOND / 10 +
                             backoff(listener->attempts++, INSTANT_SECOND / 10, RECONNECT_MOST);
    return false;
}

static int poll_milliseconds(const struct db_listener *listener, int64_t until)
{
    if (!listener->connection && listener->next_attempt < until)
        until = listener->next_attempt;
    int64_t left = (until - clock_monotonic() + 999) / 1000;
    return left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

bool db_listener_wait(struct db_listener *listener, instant patience)
{
    return db_listener_wait_which(listener, patience, NULL);
}

bool db_listener_wait_which(struct db_listener *listener, instant patience, bool *ret_which)
{
    for (size_t i = 0; ret_which && i < listener->count; i++)
        ret_which[i] = false;
    int64_t until = clock_monotonic() + patience;
    do {
        if (process_stopping())
            return false;
        if (reconnected(listener)) {
            for (size_t i = 0; ret_which && i < listener->count; i++)
                ret_which[i] = true;
            return true;
        }
        if (listener->connection && notified(listener, ret_which))
            return true;
        struct pollfd fds[2] = {
            {.fd = process_stop_fd(), .events = POLLIN},
            {.fd = listener->connection ? PQsocket(listener->connection->pg) : -1,
             .events = POLLIN},
        };
        poll(fds, 2, poll_milliseconds(listener, until));
        if (listener->connection && fds[1].revents && notified(listener, ret_which))
            return true;
    } while (clock_monotonic() < until);
    return false;
}
