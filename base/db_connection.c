/* One connection: made, checked, remembered what is prepared on it, and what its errors mean. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/db_internal.h"

static void notice_drop(void *context, const PGresult *result)
{
    (void)context; /* notices may quote values, and nobody acts on them */
    (void)result;
}

/* One round trip: settings that would otherwise be the server's or the operator's to choose. */
static bool session_set_up(struct db *db, struct db_connection *connection, struct failure *f)
{
    static const char sql[] =
        "SELECT set_config('statement_timeout', $1, false), "
        "set_config('idle_in_transaction_session_timeout', $1, false), "
        "set_config('TimeZone', 'Asia/Tokyo', false), "
        "set_config('enable_seqscan', $2, false), "
        "set_config('plan_cache_mode', $3, false), "
        "set_config('enable_bitmapscan', $4, false), "
        "set_config('jit', 'off', false), " /* short statements, many times */
        "set_config('default_transaction_isolation', 'read committed', false)";
    const char *values[] = {db->statement_timeout, db->by_key ? "off" : "on",
                            db->plan_once ? "force_generic_plan" : "auto",
                            db->in_order ? "off" : "on"};
    _cleanup_(cleanup_result) PGresult *result =
        PQexecParams(connection->pg, sql, 4, NULL, values, NULL, NULL, 1);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        return connection_failure(connection, result, "session", f);
    if (PQserverVersion(connection->pg) < 150000)
        return failure_set(f, FAILURE_USAGE, "PostgreSQL %d is too old: 15 or later is needed",
                           PQserverVersion(connection->pg) / 10000);
    if (PQenterPipelineMode(connection->pg) != 1)
        return connection_failure(connection, NULL, "pipeline mode", f);
    return true;
}

bool connection_open(struct db *db, struct db_connection **ret_connection, struct failure *f)
{
    char timeout[16];
    snprintf(timeout, sizeof timeout, "%d", db->connect_timeout);
    /* What stands before dbname can be changed in [database] connection, what stands behind not. */
    const char *names[] = {"connect_timeout",
                           "keepalives_idle",
                           "keepalives_interval",
                           "tcp_user_timeout",
                           "dbname",
                           "application_name",
                           "client_encoding",
                           "user",
                           NULL};
    const char *values[] = {timeout,         "30",   "10",     "30000", db->conninfo,
                            db->application, "UTF8", db->user, NULL};
    if (!*db->user)
        names[7] = NULL;

    struct db_connection *connection = memory_allocate(sizeof *connection);
    connection->pg = PQconnectdbParams(names, values, 1);
    bool good = PQstatus(connection->pg) == CONNECTION_OK;
    if (good) {
        PQsetNoticeReceiver(connection->pg, notice_drop, NULL);
        good = session_set_up(db, connection, f);
    } else {
        connection_failure(connection, NULL, "connect", f);
    }
    if (!good) {
        connection_close(connection);
        return false;
    }
    *ret_connection = connection;
    return true;
}

void connection_close(struct db_connection *connection)
{
    PQfinish(connection->pg);
    free(connection->prepared);
    free(connection);
}

/* An idle connection has nothing to say: if there is something to read, the server has gone, or
 * tells us that it is going. */
bool connection_alive(struct db_connection *connection)
{
    struct pollfd fd = {.fd = PQsocket(connection->pg), .events = POLLIN};
    if (PQstatus(connection->pg) != CONNECTION_OK)
        return false;
    if (poll(&fd, 1, 0) <= 0)
        return true;
    return false;
}

static ptrdiff_t prepared_find(const struct db_connection *connection, const char *name)
{
    for (size_t i = 0; i < connection->prepared_count; i++)
        if (strcmp(connection->prepared[i].name, name) == 0)
            return (ptrdiff_t)i;
    return -1;
}

bool connection_prepared(const struct db_connection *connection,
                         const struct db_statement *statement)
{
    ptrdiff_t i = prepared_find(connection, statement->name);
    if (i >= 0 && strcmp(connection->prepared[i].sql, statement->sql) != 0) {
        fprintf(stderr, "bug: two statements are called %s\n", statement->name);
        abort();
    }
    return i >= 0;
}

void connection_remember(struct db_connection *connection, const struct db_statement *statement)
{
    if (connection->prepared_count == connection->prepared_capacity) {
        connection->prepared_capacity = connection->prepared_capacity * 2 + 16;
        connection->prepared = memory_resize(
            connection->prepared, connection->prepared_capacity * sizeof *connection->prepared);
    }
    connection->prepared[connection->prepared_count++] = *statement;
}

void connection_forget(struct db_connection *connection, const char *name)
{
    ptrdiff_t i = prepared_find(connection, name);
    if (i >= 0)
        connection->prepared[i] = connection->prepared[--connection->prepared_count];
}

/* PostgreSQL, Appendix A: what says that the connection, or the server behind it, is gone. */
static bool state_is_lost(const char *state)
{
    return strncmp(state, "08", 2) == 0 ||  /* connection exception */
           strncmp(state, "57P", 3) == 0 || /* shutting down, starting up, terminated */
           strcmp(state, "53300") == 0 ||   /* too many connections */
           strcmp(state, "25006") == 0 ||   /* read-only: it became a standby under us */
           strcmp(state, "25P03") == 0;     /* idle in transaction for too long */
}

bool connection_lost(const struct db_connection *connection, const PGresult *result)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    return PQstatus(connection->pg) != CONNECTION_OK || (state && state_is_lost(state));
}

static enum failure_kind kind_of(const char *state)
{
    if (strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0)
        return FAILURE_CONFLICT;
    if (strncmp(state, "53", 2) == 0)
        return FAILURE_LIMIT;
    return FAILURE_DATABASE;
}

/* libpq's messages end in a line feed and may have several lines. */
static void one_line(const char *message, char *text, size_t size)
{
    size_t n = 0;
    for (const char *p = message; *p && n + 1 < size; p++)
        text[n++] = *p == '\n' || *p == '\t' ? ' ' : *p;
    while (n && text[n - 1] == ' ')
        n--;
    text[n] = '\0';
}

/* What no waiting mends. (A server that speaks another language is just waited for in vain.) */
static bool text_is_hopeless(const char *text)
{
    static const char *const signs[] = {"does not exist", "authentication failed",
                                        "no pg_hba.conf entry", "is not permitted to log in"};
    if (!strstr(text, "FATAL:"))
        return false;
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (strstr(text, signs[i]))
            return true;
    return false;
}

bool connection_failure(const struct db_connection *connection, const PGresult *result,
                        const char *what, struct failure *f)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    char text[300];
    if (!state || connection_lost(connection, result)) {
        /* A connection that cannot be made shows its reason (no such role, no such socket). */
        one_line(PQerrorMessage(connection->pg), text, sizeof text);
        return failure_set(f, text_is_hopeless(text) ? FAILURE_USAGE : FAILURE_NETWORK,
                           "database (%s): %s%s", what, *text ? text : "the connection broke",
                           strstr(text, "Peer authentication failed")
                               ? " (pg_ident.conf says which account may be which database role)"
                               : "");
    }
    /* The primary message names constraints and columns; only data exceptions quote the data. */
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    bool quotes_data = strncmp(state, "22", 2) == 0;
    one_line(message && !quotes_data ? message : "a value does not fit", text, sizeof text);
    return failure_set(f, kind_of(state), "database (%s): %s [SQLSTATE %s]", what, text, state);
}
