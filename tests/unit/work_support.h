/* For the tests of claims, decisions and what is stored: a database with applications that are due.
 */
#ifndef UKETSUKE_TESTS_WORK_SUPPORT_H
#define UKETSUKE_TESTS_WORK_SUPPORT_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/audit.h"
#include "base/cleanup.h"
#include "intake/schema.h"
#include "intake/work.h"
#include "routing/portal.h"
#include "tests/support/applications.h"
#include "tests/support/database.h"
#include "tests/unit/check.h"

static struct test_database database;
static struct db *collect_db, *examine_db;
static struct city_key *city_key;

static const char more[] = "[work]\nlease = 30s\n"
                           "[channel pittari]\nurl = https://localhost\nclient-id = x\n"
                           "[channel quiet]\nurl = https://localhost\nclient-id = x\n"
                           "status-collected =\n";

static inline int set_up(void **state)
{
    (void)state;
    static const struct config_section *const sections[] = {
        &work_config_section, &channel_config_section, &audit_config_section};
    test_database_make(&database, more, sections, 3);
    test_database_upgrade(&database, schema_migrations, schema_migration_count);
    collect_db = test_database_open(&database, "collect", 4);
    examine_db = test_database_open(&database, "examine", 4);
    city_key = test_city_key(&database);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    db_close(collect_db);
    db_close(examine_db);
    city_key_free(city_key);
    test_database_drop(&database);
    return 0;
}

static inline int empty(void **state)
{
    (void)state;
    clock_fix(0);
    test_database_clear(&database, "application, application_event, work, outbox,"
                                   " outbox_item, delivery, audit_entry, audit_chain,"
                                   " audit_checkpoint");
    return 0;
}

static inline long long count(const char *what)
{
    char sql[300];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", what);
    return test_sql_number(&database, sql);
}

/* `n` announced applications, due for `stage`; the first has been due for longest. */
static inline void make_due(int n, const char *stage)
{
    for (int i = 1; i <= n; i++) {
        char sql[300], id[37];
        test_application_make(&database, city_key, i, "pittari");
        snprintf(sql, sizeof sql,
                 "INSERT INTO work (city_code, application_id, stage, due_at) VALUES ('" TEST_CITY
                 "', '%s', '%s', now() - interval '1 hour' + interval '1 second' * %d)",
                 test_application_id(i, id), stage, i);
        test_sql(&database, sql);
    }
}

#define MOST 300

static inline size_t claim(struct db *db, enum stage stage, size_t most, struct work_item *items)
{
    struct failure f = {0};
    size_t n = 0;
    if (!work_claim(db, database.config, stage, most, items, &n, &f))
        fail_msg("%s", f.text);
    return n;
}

#endif
