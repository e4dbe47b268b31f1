#include "tests/support/database.h"

#include <libpq-fe.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    if (!value || !*value)
        fail_msg("%s is not set: run this test by `tests/support/with-postgres COMMAND`, which "
                 "starts the PostgreSQL it needs",
                 name);
    return value;
}

static PGconn *connect_to(const char *database, const char *user)
{
    char *conninfo = text_format("%s dbname=%s user=%s", environment("UKETSUKE_TEST_CONNECTION"),
                                 database ? database : "postgres", user);
    PGconn *pg = PQconnectdb(conninfo);
    free(conninfo);
    if (PQstatus(pg) != CONNECTION_OK)
        fail_msg("cannot connect to the test cluster: %s", PQerrorMessage(pg));
    return pg;
}

/* Connections of the main thread are kept until the database is dropped: for each new one
 * PostgreSQL starts a process, which costs more than most of what tests ask. */
static struct kept {
    char database[64], user[48];
    pid_t process; /* a child must not speak on its parent's */
    PGconn *pg;
} kept[16];

static struct kept *kept_find(const char *database, const char *user)
{
    for (size_t i = 0; gettid() == getpid() && i < sizeof kept / sizeof kept[0]; i++) {
        struct kept *k = &kept[i];
        if (k->pg && k->process == getpid() && strcmp(k->database, database) == 0 &&
            strcmp(k->user, user) == 0)
            return k;
    }
    return NULL;
}

static void kept_close(struct kept *k)
{
    PQfinish(k->pg);
    *k = (struct kept){0};
}

static PGconn *borrow(const char *database, const char *user)
{
    struct kept *k = kept_find(database, user);
    if (k && PQconsumeInput(k->pg) && PQstatus(k->pg) == CONNECTION_OK)
        return k->pg;
    if (k) /* some tests end other backends */
        kept_close(k);
    PGconn *pg = connect_to(database, user);
    for (size_t i = 0; gettid() == getpid() && i < sizeof kept / sizeof kept[0]; i++) {
        if (kept[i].pg)
            continue;
        kept[i] = (struct kept){.process = getpid(), .pg = pg};
        snprintf(kept[i].database, sizeof kept[i].database, "%s", database);
        snprintf(kept[i].user, sizeof kept[i].user, "%s", user);
        break;
    }
    return pg;
}

/* As new for the next one, or closed. */
static void give_back(PGconn *pg, const char *database, const char *user)
{
    struct kept *k = kept_find(database, user);
    if (!k || k->pg != pg) {
        PQfinish(pg);
        return;
    }
    PGresult *discarded = PQexec(pg, "DISCARD ALL"); /* fails within what is left open */
    if (PQresultStatus(discarded) != PGRES_COMMAND_OK)
        kept_close(k);
    PQclear(discarded);
}

static PGresult *run(PGconn *pg, const char *sql)
{
    PGresult *result = PQexec(pg, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(pg));
    return result;
}

static void on_cluster(const char *sql)
{
    PGconn *pg = connect_to(NULL, environment("UKETSUKE_TEST_ADMIN"));
    PQclear(run(pg, sql));
    PQfinish(pg);
}

static void replace_folder(FILE *out, const char *text, const char *folder)
{
    static const char mark[] = "${folder}";
    for (const char *p; (p = strstr(text, mark)); text = p + strlen(mark))
        fprintf(out, "%.*s%s", (int)(p - text), text, folder);
    fputs(text, out);
}

static void write_config(const struct test_database *t, const char *path, const char *more)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fprintf(out, "[database]\nconnection = %s dbname=%s\nowner-user = %s\n\n",
            environment("UKETSUKE_TEST_CONNECTION"), t->name, environment("UKETSUKE_TEST_OWNER"));
    replace_folder(out, more ? more : "", t->folder);
    assert_int_equal(fclose(out), 0);
}

void test_database_make(struct test_database *ret, const char *more,
                        const struct config_section *const *sections, size_t count)
{
    struct test_database t = {0};
    const struct config_section *all[32] = {&db_config_section};
    assert_true(count < sizeof all / sizeof all[0]);
    for (size_t i = 0; i < count; i++)
        all[i + 1] = sections[i];
    snprintf(t.folder, sizeof t.folder, "/tmp/uketsuke-test.XXXXXX");
    assert_non_null(mkdtemp(t.folder));
    snprintf(t.name, sizeof t.name, "test_%ld", (long)getpid());

    char sql[160];
    snprintf(sql, sizeof sql, "CREATE DATABASE %s OWNER %s", t.name,
             environment("UKETSUKE_TEST_OWNER"));
    on_cluster(sql);
    char path[96];
    snprintf(path, sizeof path, "%s/uketsuke.conf", t.folder);
    write_config(&t, path, more);
    struct failure f = {0};
    if (!config_load(path, all, count + 1, &t.config, &f))
        fail_msg("%s", f.text);
    *ret = t;
}

void test_database_drop(struct test_database *t)
{
    char text[160];
    config_free(t->config);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        if (kept[i].process == getpid() && strcmp(kept[i].database, t->name) == 0)
            kept_close(&kept[i]);
    snprintf(text, sizeof text, "DROP DATABASE %s WITH (FORCE)", t->name);
    on_cluster(text);
    snprintf(text, sizeof text, "rm -rf '%s'", t->folder);
    FILE *rm = popen(text, "r");
    if (rm)
        pclose(rm);
}

void test_database_upgrade(const struct test_database *t, const struct db_migration *migrations,
                           size_t count)
{
    struct failure f = {0};
    struct db *owner = NULL;
    if (!db_open_owner(t->config, &owner, &f) ||
        !db_schema_upgrade(owner, migrations, count, NULL, NULL, &f))
        fail_msg("%s", f.text);
    db_close(owner);
}

void test_database_clear(const struct test_database *t, const char *tables)
{
    static const char each[] =
        "SET session_replication_role = replica;" /* no triggers */
        "DO $$ DECLARE one regclass; BEGIN FOR one IN"
        " WITH RECURSIVE found(name) AS ("
        "  SELECT unnest(string_to_array('%s', ', ')::regclass[])::oid"
        "  UNION SELECT conrelid FROM pg_constraint JOIN found ON confrelid = name)"
        " SELECT name FROM found LOOP EXECUTE 'DELETE FROM ' || one; END LOOP; END $$";
    char *sql = text_format(each, tables);
    test_sql(t, sql);
    free(sql);
}

struct db *test_database_open(const struct test_database *t, const char *role, unsigned pool)
{
    struct failure f = {0};
    struct db *db = NULL;
    if (!db_open(t->config, role, pool, &db, &f))
        fail_msg("%s", f.text);
    return db;
}

void test_sql(const struct test_database *t, const char *sql)
{
    free(test_sql_text(t, sql));
}

char *test_sql_text(const struct test_database *t, const char *sql)
{
    const char *user = environment("UKETSUKE_TEST_ADMIN");
    PGconn *pg = borrow(t->name, user);
    PGresult *result = run(pg, sql);
    char *text = text_copy(PQntuples(result) ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    give_back(pg, t->name, user);
    return text;
}

long long test_sql_number(const struct test_database *t, const char *sql)
{
    char *text = test_sql_text(t, sql);
    long long number = strtoll(text, NULL, 10);
    free(text);
    return number;
}

const char *test_sql_state(const struct test_database *t, const char *role, const char *sql,
                           char ret_state[6])
{
    char *user = text_format("uketsuke_%s", role);
    PGconn *pg = borrow(t->name, user);
    PGresult *result = PQexec(pg, sql);
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    snprintf(ret_state, 6, "%s", state ? state : "00000");
    PQclear(result);
    give_back(pg, t->name, user);
    free(user);
    return ret_state;
}
