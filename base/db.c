/* The pool: connections are made when somebody needs one and kept for the next who does. */
#include "base/db.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/db_internal.h"
#include "base/log.h"
#include "base/process.h"

#define BORROW_PATIENCE (30 * INSTANT_SECOND)
#define CONNECT_FIRST   (INSTANT_SECOND / 20)
#define TELL_AFTER      (2 * INSTANT_SECOND)
#define CONNECT_MOST    (2 * INSTANT_SECOND)

static const struct config_key keys[] = {
    {"connection", CONFIG_TEXT, "dbname=uketsuke", 0, 0, NULL,
     "How to reach PostgreSQL: a libpq connection string without user. Several hosts may be named; "
     "add target_session_attrs=read-write then."},
    {"user-prefix", CONFIG_TEXT, "uketsuke_", 0, 0, NULL,
     "Each role connects as this and its own name: uketsuke_collect, uketsuke_examine, …"},
    {"owner-user", CONFIG_TEXT, "", 0, 0, NULL,
     "Who owns the tables, for `uketsuke db upgrade`; empty: the system user who runs it."},
    {"connect-timeout", CONFIG_DURATION, "5s", 2 * INSTANT_SECOND, 300 * INSTANT_SECOND, NULL,
     "How long one attempt to connect may take."},
    {"statement-timeout", CONFIG_DURATION, "5min", INSTANT_SECOND, INSTANT_DAY, NULL,
     "How long one statement may run before PostgreSQL stops it."},
    {"patience", CONFIG_DURATION, "10s", 0, 3600 * INSTANT_SECOND, NULL,
     "How long work waits for a database that is away before it counts as a failure."},
};

const struct config_section db_config_section = {
    .name = "database",
    .help = "The PostgreSQL database (15 or later) that all roles share.",
    .keys = keys,
    .key_count = sizeof keys / sizeof keys[0],
};

static void conditions_initialize(struct db *db)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&db->returned, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&db->mutex, NULL);
}

static bool pool_make(const struct config *config, char *stolen_user, const char *role,
                      unsigned pool, struct db **ret_db, struct failure *f)
{
    const struct config_group *group = config_group(config, "database");
    char *fault = NULL;
    PQconninfoOption *options = PQconninfoParse(config_text(group, "connection"), &fault);
    if (!options) { /* libpq's text may quote a password: not shown */
        PQfreemem(fault);
        free(stolen_user);
        return failure_set(f, FAILURE_USAGE,
                           "[database] connection is not a libpq connection string: correct it");
    }
    PQconninfoFree(options);

    struct db *db = memory_allocate(sizeof *db);
    db->conninfo = text_copy(config_text(group, "connection"));
    db->user = stolen_user;
    db->application = text_format("uketsuke-%s", role);
    db->pool = pool ? pool : 1;
    db->connect_timeout = (int)(config_duration(group, "connect-timeout") / INSTANT_SECOND);
    snprintf(db->statement_timeout, sizeof db->statement_timeout, "%" PRId64 "ms",
             config_duration(group, "statement-timeout") / 1000);
    db->patience = config_duration(group, "patience");
    db->idle = memory_allocate(db->pool * sizeof(struct db_connection *));
    conditions_initialize(db);
    *ret_db = db;
    return true;
}

bool db_open(const struct config *config, const char *role, unsigned pool, struct db **ret_db,
             struct failure *f)
{
    const char *prefix = config_text(config_group(config, "database"), "user-prefix");
    return pool_make(config, text_format("%s%s", prefix, role), role, pool, ret_db, f);
}

bool db_open_owner(const struct config *config, struct db **ret_db, struct failure *f)
{
    const char *owner = config_text(config_group(config, "database"), "owner-user");
    return pool_make(config, text_copy(owner), "owner", 1, ret_db, f);
}

void db_plan_by_key(struct db *db)
{
    db->by_key = true;
}

static void idle_close(struct db *db)
{
    for (size_t i = 0; i < db->idle_count; i++)
        connection_close(db->idle[i]);
    db->open -= db->idle_count;
    db->idle_count = 0;
}

static void plan(struct db *db, bool *ret_choice)
{
    pthread_mutex_lock(&db->mutex);
    *ret_choice = true;
    idle_close(db);
    pthread_mutex_unlock(&db->mutex);
}

void db_plan_once(struct db *db)
{
    plan(db, &db->plan_once);
}

void db_plan_in_order(struct db *db)
{
    plan(db, &db->in_order);
}

void db_close(struct db *db)
{
    if (!db)
        return;
    idle_close(db);
    pthread_mutex_destroy(&db->mutex);
    pthread_cond_destroy(&db->returned);
    free(db->idle);
    free(db->conninfo);
    free(db->user);
    free(db->application);
    free(db);
}

/* Waits for a place in the pool; *ret_connection is NULL when a new connection is to be made. */
static bool pool_take(struct db *db, struct db_connection **ret_connection, struct failure *f)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += BORROW_PATIENCE / INSTANT_SECOND;
    bool timed_out = false;

    pthread_mutex_lock(&db->mutex);
    while (!db->idle_count && db->open >= db->pool && !timed_out)
        timed_out = pthread_cond_timedwait(&db->returned, &db->mutex, &until) != 0;
    bool have = db->idle_count || db->open < db->pool;
    if (db->idle_count)
        *ret_connection = db->idle[--db->idle_count];
    else if (have)
        db->open++, *ret_connection = NULL;
    pthread_mutex_unlock(&db->mutex);

    return have || failure_set(f, FAILURE_LIMIT,
                               "all %u database connections have been in use for %d s: "
                               "look for a statement that hangs (pg_stat_activity)",
                               db->pool, (int)(BORROW_PATIENCE / INSTANT_SECOND));
}

static void pool_release(struct db *db)
{
    pthread_mutex_lock(&db->mutex);
    db->open--;
    pthread_cond_signal(&db->returned);
    pthread_mutex_unlock(&db->mutex);
}

static bool connect_patiently(struct db *db, struct db_connection **ret_connection,
                              struct failure *f)
{
    int64_t begun = clock_monotonic(), deadline = begun + db->patience;
    bool told = false;
    for (unsigned attempt = 0;; attempt++) {
        struct failure why = {0};
        if (connection_open(db, ret_connection, &why))
            return true;
        if (!told && clock_monotonic() - begun > TELL_AFTER) { /* whoever waits should know why */
            log_warning("database.waiting", log_text("text", why.text));
            told = true;
        }
        bool worth_waiting = why.kind == FAILURE_NETWORK && clock_monotonic() < deadline;
        if (!worth_waiting || !process_sleep(backoff(attempt, CONNECT_FIRST, CONNECT_MOST)))
            return failure_set(f, why.kind, "%s", why.text);
    }
}

bool db_borrow(struct db *db, struct db_connection **ret_connection, struct failure *f)
{
    struct db_connection *connection = NULL;
    if (!pool_take(db, &connection, f))
        return false;
    if (connection && !connection_alive(connection)) {
        connection_close(connection);
        connection = NULL;
    }
    if (!connection && !connect_patiently(db, &connection, f)) {
        pool_release(db);
        return false;
    }
    *ret_connection = connection;
    return true;
}

void db_give_back(struct db *db, struct db_connection *connection)
{
    if (connection->discard || PQstatus(connection->pg) != CONNECTION_OK ||
        PQtransactionStatus(connection->pg) != PQTRANS_IDLE) {
        connection_close(connection);
        pool_release(db);
        return;
    }
    pthread_mutex_lock(&db->mutex);
    db->idle[db->idle_count++] = connection;
    pthread_cond_signal(&db->returned);
    pthread_mutex_unlock(&db->mutex);
}
