/* What keeps a feed from doing harm: too much that it removes or uncovers waits for a second
 * person, whose word covers that feed with that outcome; and the database holds each role to its
 * part. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "tests/support/feeds.h"
#include "tests/unit/check.h"

/* --- the second person ------------------------------------------------------------------------ */

static void a_load_that_removes_too_many_waits_for_a_second_person(void **state)
{
    (void)state;
    const char *less = HEADER "sign,01,card,A1,,\n";
    const struct call full = {.full = true, .removals_most = 49};
    struct failure f = {0};
    import_good(HEADER "sign,01,card,A1,,\nsign,02,card,A2,,\n", true);
    struct registry_import_result result = import_as(less, &full), again = import_as(less, &full);
    assert_true(result.waiting && again.waiting);
    assert_int_equal(result.removed, 1);
    assert_int_equal(result.import_id, again.import_id);
    assert_string_equal(found("sign", "02", "2100-01-01T00:00:00Z"), "A2");
    assert_false(
        registry_approve(feeds_administrator, TEST_CITY, result.import_id, "operator:one", &f));
    assert_int_equal(f.kind, FAILURE_USAGE);
    assert_false(
        registry_approve(feeds_administrator, TEST_CITY, result.import_id + 1, "operator:two", &f));
    assert_true(
        registry_approve(feeds_administrator, TEST_CITY, result.import_id, "operator:two", &f));
    assert_false(
        registry_approve(feeds_administrator, TEST_CITY, result.import_id, "operator:two", &f));
    /* another feed is not approved by that */
    assert_true(import_as(HEADER "sign,01,phone,A1,,\n", &full).waiting);
    result = import_as(less, &full);
    assert_false(result.waiting);
    assert_string_equal(found("sign", "02", "2100-01-01T00:00:00Z"), "none");
    assert_int_equal(test_sql_number(&feeds_database, "SELECT count(*) FROM registry_import WHERE"
                                                      " state = 'done' AND actor = 'operator:one'"
                                                      " AND approved_by = 'operator:two'"),
                     1);
    /* half may go without */
    import_good(HEADER "sign,02,card,A2,,\n", false);
    assert_false(import_as(less, &(struct call){.full = true, .removals_most = 50}).waiting);
}

#define THREE HEADER "sign,01,card,A1,,\nsign,02,card,A2,,\nsign,03,card,A3,,\n"

static int64_t wait_and_approve(const char *text, const struct call *call)
{
    struct failure f = {0};
    struct registry_import_result result = import_as(text, call);
    assert_true(result.waiting);
    if (!registry_approve(feeds_administrator, TEST_CITY, result.import_id, "operator:two", &f))
        fail_msg("%s", f.text);
    return result.import_id;
}

/* The bytes, and whose, when, how, and what would be lost of what. */
static void an_approval_covers_one_feed_with_one_outcome(void **state)
{
    (void)state;
    const char *less = HEADER "sign,01,card,A1,,\n";
    const instant as_of = clock_now() - (INSTANT_DAY / 24);
    struct call approved = {.full = true,
                            .feed = {.sequence = 5, .as_of = as_of, .rows = 1, .promised = true}};
    sha256(bytes_of_text(less), approved.feed.sha256);
    import_as(THREE, &(struct call){.full = true, .feed = {.sequence = 1, .as_of = 1}});
    int64_t id = wait_and_approve(less, &approved);
    struct call others[] = {approved, approved, approved};
    others[0].feed.sequence = 6;
    others[1].feed.as_of = as_of + 1;
    others[2].feed.encoding = FEED_CP932;
    assert_true(import_as(less, &others[0]).waiting);
    assert_true(import_as(less, &others[1]).waiting);
    assert_true(import_as(less, &others[2]).waiting);
    /* what it would remove is not what it was */
    test_sql(&feeds_database, "UPDATE registry_link SET atenabango = 'A9' WHERE serial = '03'");
    assert_true(import_as(less, &approved).waiting);
    test_sql(&feeds_database, "UPDATE registry_link SET atenabango = 'A3' WHERE serial = '03'");
    struct registry_import_result result = import_as(less, &approved);
    assert_false(result.waiting);
    assert_int_equal(result.import_id, id);
    assert_int_equal(result.removed, 2);
}

static void an_approval_ends(void **state)
{
    (void)state;
    struct failure f = {0};
    const char *less = HEADER "sign,01,card,A1,,\n";
    const struct call full = {.full = true};
    const instant now = clock_now() - 4 * INSTANT_DAY; /* nobody approves ahead of time */
    clock_fix(now);
    import_good(THREE, true);
    clock_fix(now + (INSTANT_DAY / 24));
    int64_t id = wait_and_approve(less, &full);
    clock_fix(now + (INSTANT_DAY / 24) + INSTANT_DAY);
    struct registry_import_result result = import_as(less, &full);
    assert_true(result.waiting);
    assert_int_equal(result.import_id, id); /* it waits again, for another approval */
    assert_true(registry_approve(feeds_administrator, TEST_CITY, id, "operator:two", &f));
    clock_fix(now + (INSTANT_DAY / 24) + 2 * INSTANT_DAY - 1);
    assert_false(import_as(less, &full).waiting);
    /* the import that went through is of its own time, not of the time when it waited */
    assert_int_equal(test_sql_number(&feeds_database,
                                     "SELECT (extract(epoch FROM as_of) * 1000000)::bigint"
                                     " FROM registry_import WHERE state = 'done'"
                                     " ORDER BY import_id DESC LIMIT 1"),
                     clock_now());
    assert_int_equal(test_sql_number(&feeds_database,
                                     "SELECT count(*) FROM registry_import"
                                     " WHERE at = as_of AND approved_by IS NOT NULL"),
                     1);
    clock_fix(0);
}

/* A differential feed that removes, or ends, more than it may. */
static void differential_feeds_are_guarded_too(void **state)
{
    (void)state;
    static const char *const feeds[] = {
        "ca,serial,kind,atenabango,valid_from,valid_to,sakujoflag\nsign,02,,A2,,,1\n",
        HEADER "sign,02,card,A2,,2026-01-01T00:00:00Z\n",
    };
    const char *renewed = OLD_HEADER "sign,02,card,A2,,2026-01-01T00:00:00Z,\n"
                                     "sign,04,card,A2,2026-01-01T00:00:00Z,,02\n";
    import_good(THREE, true);
    for (size_t i = 0; i < 2; i++) {
        struct registry_import_result result =
            import_as(feeds[i], &(struct call){.removals_most = 33});
        assert_true(result.waiting);
        assert_int_equal(result.before, 3);
        assert_int_equal(result.removed, i == 0);
        assert_int_equal(result.ended, i == 1);
    }
    assert_int_equal(links(), 3);
    assert_false(import_as(renewed, &(struct call){0}).waiting); /* one goes, one comes */
    assert_false(import_as("ca,serial,kind,atenabango,valid_from,valid_to,sakujoflag\n"
                           "sign,03,,A3,,,1\n",
                           &(struct call){.removals_most = 34})
                     .waiting);
}

#define STATE(number, status, support)                                                             \
    number ",,,名,,,,,,,1990-02-03,,,2,,,,,,,,," status ",," support ",,,,,,,\n"

static void who_leaves_or_loses_protection_counts(void **state)
{
    (void)state;
    const struct call call = {.kind = FEED_RESIDENTS, .removals_most = 33, .protections_most = 50};
    import_as(RESIDENTS STATE("A1", "1", "1") STATE("A2", "1", "1") STATE("A3", "1", "1"),
              &(struct call){.kind = FEED_RESIDENTS, .full = true});
    struct registry_import_result result = import_as(RESIDENTS STATE("A1", "4", "1"), &call);
    assert_true(result.waiting);
    assert_int_equal(result.ended, 1);
    /* an export that forgot the column of 支援措置 */
    result = import_as(RESIDENTS STATE("A1", "1", "") STATE("A2", "1", ""), &call);
    assert_true(result.waiting);
    assert_int_equal(result.lifted, 2);
    assert_int_equal(test_sql_number(&feeds_database, "SELECT count(*) FROM resident"
                                                      " WHERE support_to IS NOT NULL"),
                     3);
    assert_false(import_as(RESIDENTS STATE("A1", "1", ""), &call).waiting); /* one, by itself */
    const char *leavers = RESIDENTS STATE("A2", "3", "1") STATE("A3", "5", "1");
    int64_t id = wait_and_approve(leavers, &call);
    assert_int_equal(import_as(leavers, &call).import_id, id);
    assert_int_equal(
        test_sql_number(&feeds_database, "SELECT count(*) FROM resident WHERE status > 1"), 2);
}

static bool statement_work(struct db_tx *tx, void *context, struct failure *f)
{
    return db_execute(tx, context, DB_NO_VALUES, NULL, f);
}

/* The database itself: who imports does not approve, and who approves does nothing else. */
static void roles_keep_to_their_part(void **state)
{
    (void)state;
    static const struct {
        bool imports;
        struct db_statement statement;
    } tries[] = {
        {true,
         {"test_approve", "UPDATE registry_import SET state = 'approved', approved_by = 'x',"
                          " approved_at = now() WHERE state = 'waiting'"}},
        {true, {"test_approved_by", "UPDATE registry_import SET approved_by = 'x'"}},
        {false, {"test_done", "UPDATE registry_import SET state = 'done'"}},
        {false, {"test_bound", "UPDATE registry_import SET bound = NULL"}},
        {false, {"test_resident", "DELETE FROM resident"}},
    };
    import_good(THREE, true);
    assert_true(import_as(HEADER "sign,01,card,A1,,\n", &(struct call){.full = true}).waiting);
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        struct failure f = {0};
        if (db_transaction(tries[i].imports ? feeds_registry : feeds_administrator, statement_work,
                           (void *)(uintptr_t)&tries[i].statement, &f))
            fail_msg("%s", tries[i].statement.sql);
    }
    assert_int_equal(test_sql_number(&feeds_database, "SELECT count(*) FROM registry_import"
                                                      " WHERE state = 'waiting'"),
                     1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_load_that_removes_too_many_waits_for_a_second_person, feeds_reset),
        cmocka_unit_test_setup(an_approval_covers_one_feed_with_one_outcome, feeds_reset),
        cmocka_unit_test_setup(an_approval_ends, feeds_reset),
        cmocka_unit_test_setup(differential_feeds_are_guarded_too, feeds_reset),
        cmocka_unit_test_setup(who_leaves_or_loses_protection_counts, feeds_reset),
        cmocka_unit_test_setup(roles_keep_to_their_part, feeds_reset),
    };
    return cmocka_run_group_tests(tests, feeds_set_up, feeds_tear_down);
}
