#include "tests/support/feeds.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/registry/residents.h"
#include "intake/schema.h"
#include "tests/unit/check.h"

struct test_database feeds_database;
struct db *feeds_registry, *feeds_identify, *feeds_administrator, *feeds_owner;
static struct city_key *city_key;

int feeds_set_up(void **state)
{
    (void)state;
    test_database_make(&feeds_database, NULL, NULL, 0);
    test_database_upgrade(&feeds_database, schema_migrations, schema_migration_count);
    feeds_registry = test_database_open(&feeds_database, "registry", 2);
    feeds_identify = test_database_open(&feeds_database, "identify", 2);
    feeds_administrator = test_database_open(&feeds_database, "administrator", 1);
    feeds_owner = test_database_open(&feeds_database, "owner", 1);
    city_key = test_city_key(&feeds_database);
    return 0;
}

int feeds_tear_down(void **state)
{
    (void)state;
    db_close(feeds_registry);
    db_close(feeds_identify);
    db_close(feeds_administrator);
    db_close(feeds_owner);
    city_key_free(city_key);
    test_database_drop(&feeds_database);
    return 0;
}

int feeds_reset(void **state)
{
    (void)state;
    test_sql(&feeds_database,
             "DELETE FROM registry_link; DELETE FROM registry_import;"
             " DELETE FROM registry_link_past; DELETE FROM resident; DELETE FROM resident_past;"
             " DELETE FROM registry_change");
    return 0;
}

/* --- helpers ---------------------------------------------------------------------------------- */

bool import_call(const char *text, const struct call *call,
                 struct registry_import_result *ret_result, struct failure *f)
{
    struct feed feed = call->feed;
    _cleanup_(feed_faults_free) struct feed_faults faults = {0};
    _cleanup_(cleanup_file) FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    const struct registry_options options = {
        .city_code = TEST_CITY,
        .city_key = city_key,
        .actor = call->actor ? call->actor : "operator:one",
        .removals_most = call->removals_most,
        .protections_most = call->protections_most,
        .approval_lasts = INSTANT_DAY,
        .compare_only = call->compare_only,
    };
    assert_non_null(in);
    feed.kind = call->kind;
    feed.full = call->full;
    snprintf(feed.source, sizeof feed.source, "%s", call->source ? call->source : "juki");
    if (!feed.as_of)
        feed.as_of = clock_now();
    return registry_import(feeds_registry, &feed, in, &options, ret_result, &faults, f);
}

bool import_text(const char *text, bool full, struct registry_import_result *ret_result,
                 struct failure *f)
{
    return import_call(text, &(struct call){.full = full, .removals_most = 100}, ret_result, f);
}

struct registry_import_result import_as(const char *text, const struct call *call)
{
    struct registry_import_result result = {0};
    struct failure f = {0};
    if (!import_call(text, call, &result, &f))
        fail_msg("%s", f.text);
    return result;
}

struct registry_import_result import_good(const char *text, bool full)
{
    return import_as(text, &(struct call){.full = full, .removals_most = 100});
}

void import_bad(const char *text, const struct call *call, enum failure_kind kind,
                const char *expected)
{
    struct registry_import_result result = {.rows = -1};
    struct failure f = {0};
    assert_false(import_call(text, call, &result, &f));
    if (!strstr(f.text, expected))
        fail_msg("\"%s\" instead of \"%s\"", f.text, expected);
    assert_int_equal(f.kind, kind);
    assert_int_equal(result.rows, -1);
}

long long links(void)
{
    return test_sql_number(&feeds_database, "SELECT count(*) FROM registry_link");
}

struct look {
    const char *at;
    struct registry_lookup lookup;
};

static bool look_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct look *look = context;
    assert_true(instant_parse(look->at, &look->lookup.at));
    /* behind one that finds nothing, so that answers must go where they belong */
    struct registry_lookup lookups[2] = {{"sign", "ffffffff", 0, .count = 7}, look->lookup};
    _cleanup_(cleanup_resident_set) struct resident_set set = {0};
    bool done = residents_linked(tx, TEST_CITY, lookups, 2, &set, f) && db_wait(tx, f);
    resident_set_links(&set, lookups, 2);
    assert_int_equal(lookups[0].count, 0);
    look->lookup = lookups[1];
    return done;
}

const char *found(const char *ca, const char *serial, const char *at)
{
    static struct look look;
    struct failure f = {0};
    look = (struct look){.at = at, .lookup = {.ca = ca, .serial = serial}};
    if (!db_transaction(feeds_identify, look_work, &look, &f))
        fail_msg("%s", f.text);
    return look.lookup.count == 0   ? "none"
           : look.lookup.count == 1 ? look.lookup.atenabango[0]
                                    : "many";
}
