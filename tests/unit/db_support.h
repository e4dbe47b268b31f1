/* For the tests of the database wrapper: two rows, and a connection as their owner. */
#ifndef UKETSUKE_TESTS_DB_SUPPORT_H
#define UKETSUKE_TESTS_DB_SUPPORT_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/db.h"
#include "tests/support/database.h"
#include "tests/unit/check.h"

static struct test_database database;
static struct db *db; /* as the owner, two connections */

static const struct db_migration migrations[] = {
    {1, "first",
     "CREATE TABLE pair (id integer PRIMARY KEY, n bigint NOT NULL DEFAULT 0);"
     "INSERT INTO pair VALUES (1, 0), (2, 0);"
     "CREATE TABLE kinds (i2 smallint, i4 integer, i8 bigint, b boolean, t text,"
     " v varchar(20), c char(4), u uuid, y bytea, at timestamptz)"},
    {2, "second", "CREATE TABLE loaded (a text, b integer)"},
};

static const struct db_statement pair_add = {"pair_add",
                                             "UPDATE pair SET n = n + $2 WHERE id = $1"};
static const struct db_statement pair_get = {"pair_get", "SELECT n FROM pair WHERE id = $1"};
static const struct db_statement pair_insert = {"pair_insert", "INSERT INTO pair (id) VALUES ($1)"};
static const struct db_statement terminate_self = {"terminate_self",
                                                   "SELECT pg_terminate_backend(pg_backend_pid())"};

static inline int set_up(void **state)
{
    (void)state;
    test_database_make(&database, NULL, NULL, 0);
    test_database_upgrade(&database, migrations, 2);
    db = test_database_open(&database, "owner", 2);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    db_close(db);
    test_database_drop(&database);
    return 0;
}

static inline int reset(void **state)
{
    (void)state;
    test_sql(&database, "DELETE FROM pair; INSERT INTO pair VALUES (1, 0), (2, 0)");
    return 0;
}

static inline long long pair_sum(void)
{
    return test_sql_number(&database, "SELECT sum(n) FROM pair");
}

#define KILL_OTHERS                                                                                \
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = "               \
    "current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"

static inline bool add_one(struct db_tx *tx, void *context, struct failure *f)
{
    (void)context;
    return db_execute(tx, &pair_add, DB_VALUES(db_number(1), db_number(1)), NULL, f);
}

#endif
