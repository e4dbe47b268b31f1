/* Numbered migrations, each in a transaction of its own, under one advisory lock. */
#include <string.h>

#include "base/db_internal.h"

static const struct db_statement schema_lock = {
    /* the letters "uketsuke", so that nobody else's lock is met */
    "schema_lock", "SELECT 1 FROM pg_advisory_xact_lock(x'756b657473756b65'::bigint)"};
static const struct db_statement schema_table_exists = {
    "schema_table_exists", "SELECT to_regclass('schema_version') IS NOT NULL"};
static const struct db_statement schema_latest = {
    "schema_latest", "SELECT coalesce(max(number), 0) FROM schema_version"};
static const struct db_statement schema_note = {
    "schema_note", "INSERT INTO schema_version (number, name) VALUES ($1, $2)"};
static const char schema_table_sql[] = "CREATE TABLE schema_version ("
                                       "number integer PRIMARY KEY, name text NOT NULL, "
                                       "at timestamptz NOT NULL DEFAULT now());"
                                       "GRANT SELECT ON schema_version TO PUBLIC";

struct upgrade {
    const struct db_migration *migrations;
    size_t count;
    int at; /* the database's version when the step was done */
    bool applied;
};

/* Version 0: a database without the table. */
static bool version_read(struct db_tx *tx, int *ret_version, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *exists = NULL;
    _cleanup_(cleanup_db_rows) struct db_rows *latest = NULL;
    if (!db_query(tx, &schema_table_exists, DB_NO_VALUES, &exists, f))
        return false;
    if (!db_get_boolean(exists, 0, 0)) {
        *ret_version = 0;
        return true;
    }
    if (!db_query(tx, &schema_latest, DB_NO_VALUES, &latest, f))
        return false;
    *ret_version = (int)db_get_number(latest, 0, 0);
    return true;
}

static bool newer_failure(int version, int expected, struct failure *f)
{
    return failure_set(f, FAILURE_USAGE,
                       "the database has schema %d, this program knows schema %d: "
                       "use the program of the version that upgraded the database",
                       version, expected);
}

static bool upgrade_step(struct db_tx *tx, void *context, struct failure *f)
{
    struct upgrade *upgrade = context;
    int version = 0;
    upgrade->applied = false;
    if (!db_execute(tx, &schema_lock, DB_NO_VALUES, NULL, f) || !version_read(tx, &version, f))
        return false;
    upgrade->at = version;
    if (version > (int)upgrade->count)
        return newer_failure(version, (int)upgrade->count, f);
    if (version == (int)upgrade->count)
        return true;
    const struct db_migration *next = &upgrade->migrations[version];
    if (version == 0 && !tx_script(tx, "schema_version", schema_table_sql, f))
        return false;
    if (!tx_script(tx, next->name, next->sql, f))
        return false;
    upgrade->applied = true;
    upgrade->at = next->number;
    return db_execute(tx, &schema_note, DB_VALUES(db_number(next->number), db_text(next->name)),
                      NULL, f);
}

bool db_schema_upgrade(struct db *db, const struct db_migration *migrations, size_t count,
                       int *ret_from, int *ret_to, struct failure *f)
{
    struct upgrade upgrade = {.migrations = migrations, .count = count};
    int from = -1;
    do {
        if (!db_transaction(db, upgrade_step, &upgrade, f))
            return false;
        if (from < 0)
            from = upgrade.applied ? upgrade.at - 1 : upgrade.at;
    } while (upgrade.applied);
    if (ret_from)
        *ret_from = from;
    if (ret_to)
        *ret_to = upgrade.at;
    return true;
}

static bool check_read(struct db_tx *tx, void *context, struct failure *f)
{
    return version_read(tx, context, f);
}

bool db_schema_check(struct db *db, int expected, struct failure *f)
{
    int version = 0;
    if (!db_transaction(db, check_read, &version, f))
        return false;
    if (version > expected)
        return newer_failure(version, expected, f);
    if (version < expected)
        return failure_set(f, FAILURE_USAGE,
                           "the database has schema %d, this program needs schema %d: "
                           "run `uketsuke db upgrade`",
                           version, expected);
    return true;
}
