/* A database of its own for each test program, on the cluster that tests/support/with-postgres
 * started. Without that cluster tests fail; they do not skip. */
#ifndef UKETSUKE_TESTS_SUPPORT_DATABASE_H
#define UKETSUKE_TESTS_SUPPORT_DATABASE_H

#include "base/config.h"
#include "base/db.h"

struct test_database {
    char name[64];
    char folder[64]; /* temporary; the configuration lies in it */
    struct config *config;
};

/* Makes an empty database and loads a configuration: [database] points to it, then the text of
 * `more` (may be NULL; whole sections). `sections`: those of `more`; db_config_section is added.
 * "${folder}" in `more` stands for the temporary folder. */
void test_database_make(struct test_database *ret, const char *more,
                        const struct config_section *const *sections, size_t count);
void test_database_drop(struct test_database *t);
void test_database_upgrade(const struct test_database *t, const struct db_migration *migrations,
                           size_t count);
/* Empties tables ("application, work") and all that refer to them, append-only or not. TRUNCATE
 * would make every table and index anew, which takes PostgreSQL fifteen times as long. */
void test_database_clear(const struct test_database *t, const char *tables);
/* role: "collect", …, "owner" (of the tables) or "admin" (superuser). */
struct db *test_database_open(const struct test_database *t, const char *role, unsigned pool);

/* As superuser, as on a connection of its own; a statement that fails fails the test. */
void test_sql(const struct test_database *t, const char *sql);
/* The first column of the first row as text, "" without a row or for NULL; the caller frees. */
char *test_sql_text(const struct test_database *t, const char *sql);
long long test_sql_number(const struct test_database *t, const char *sql);
/* As `role`; returns the SQLSTATE, "00000" when it went well. */
const char *test_sql_state(const struct test_database *t, const char *role, const char *sql,
                           char ret_state[6]);

#endif
