#include "deploy/sandbox/business.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "routing/handed_over.h"
#include "tests/support/routing.h"

#define HASH "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static char connection[256];

static void make_store_schema(void)
{
    const char *owner = getenv("UKETSUKE_TEST_OWNER");
    char *sql = text_format("DROP SCHEMA IF EXISTS business CASCADE;"
                            "CREATE SCHEMA business AUTHORIZATION %s",
                            owner);
    test_sql(&house.database, sql);
    free(sql);
}

static int set_up(void **state)
{
    (void)state;
    house_make();
    /* A schema of its own stands for a database of its own. */
    snprintf(connection, sizeof connection, "%s dbname=%s options='-c search_path=business'",
             getenv("UKETSUKE_TEST_CONNECTION"), house.database.name);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    house_drop();
    return 0;
}

static int reset(void **state)
{
    (void)state;
    house_clear();
    make_store_schema();
    return 0;
}

/* An item as the house makes them. */
static char *good_item(int n, const char *number)
{
    return text_format(
        "{\"city_code\":\"992011\",\"receipt_number\":\"R-%08d\",\"procedure\":{\"id\":\"a.b\","
        "\"form_version\":\"1\"},\"applied_at\":\"2026-11-21T09:00:00+09:00\",\"atenabango\":"
        "\"1001\",\"legal_basis\":\"番号法\",\"record\":{\"claimant\":{\"name\":\"桜野　花子\","
        "\"birth_date\":\"1992-04-01\",\"address\":\"試験県桜野市\",\"individual_number\":\"%s\"}},"
        "\"verification\":{\"indication\":\"TOTAL-PASSED\",\"judged_at\":"
        "\"2026-11-21T09:00:01+09:00\"},\"package_sha256\":\"" HASH "\"}",
        n, number);
}

static void put_good(int n)
{
    char *text = good_item(n, "123456789018");
    house_put_text(n, text);
    free(text);
}

static struct business open_business(void)
{
    struct business b = {.client = house.ours, .batch = 100, .once = true};
    struct failure f = {0};
    if (!business_store_open(connection, getenv("UKETSUKE_TEST_OWNER"), &b.store, &f))
        fail_msg("%s", f.text);
    return b;
}

static void work(struct business *b)
{
    struct failure f = {0};
    enum work_result result;
    for (int i = 0; (result = business_step(b, &f)) == WORK_DONE; i++)
        assert_true(i < 50);
    if (result == WORK_FAILED)
        fail_msg("%s", f.text);
}

static long long number(const char *sql)
{
    return test_sql_number(&house.database, sql);
}

#define STORED "SELECT count(*) FROM business.item"

/* --- the whole way ------------------------------------------------------------------------------
 */

static void what_waits_is_stored_and_receipted_once(void **state)
{
    (void)state;
    for (int pages = 1; pages <= 2; pages++) { /* singly, and in a batch */
        house_clear();
        make_store_schema();
        int count = pages == 1 ? 2 : 8;
        for (int n = 1; n <= count; n++)
            put_good(n);
        struct business b = open_business();
        work(&b);
        work(&b);
        business_store_close(&b.store);
        assert_int_equal(number(STORED), count);
        assert_int_equal(number(STORED " WHERE receipt = 'taken' AND deliveries = 1"), count);
        assert_int_equal(house.accepted, count);
        int64_t id;
        assert_int_equal(house_waiting(&id, 1), 0);
    }
}

static void small_pages_reach_the_end(void **state)
{
    (void)state;
    for (int n = 1; n <= 8; n++)
        put_good(n);
    struct business b = open_business();
    b.batch = 5;
    work(&b);
    business_store_close(&b.store);
    assert_int_equal(house.accepted, 8);
}

static void what_is_wrong_is_rejected(void **state)
{
    (void)state;
    char *text = good_item(1, "123456789012"); /* a wrong check digit */
    house_put_text(1, text);
    free(text);
    house_put(2); /* not an item at all */
    struct business b = open_business();
    work(&b);
    business_store_close(&b.store);
    assert_int_equal(house.rejected, 2);
    char *problems = house_unseal(
        1, "problems", "SELECT encode(problems, 'hex') FROM delivery ORDER BY outbox_id LIMIT 1");
    assert_non_null(strstr(problems, "E0002"));
    assert_null(strstr(problems, "123456789012"));
    free(problems);
}

/* Killed after the store, before the receipt: the receipt is sent, nothing is stored again. */
static void a_receipt_that_was_not_sent_is_sent_after_a_restart(void **state)
{
    (void)state;
    put_good(1);
    struct business b = open_business();
    work(&b);
    business_store_close(&b.store);
    test_sql(&house.database, "UPDATE business.item SET receipt = NULL");
    house.accepted = 0;
    b = open_business();
    work(&b);
    business_store_close(&b.store);
    assert_int_equal(house.accepted, 0);
    assert_int_equal(number("SELECT repeated FROM delivery"), 1);
    assert_int_equal(number(STORED " WHERE receipt = 'repeated'"), 1);
    assert_int_equal(number(STORED), 1);
}

/* Stored, and delivered again because no receipt came: recognised by its id. */
static void what_comes_again_is_not_stored_again(void **state)
{
    (void)state;
    put_good(1);
    int64_t id;
    assert_int_equal(house_waiting(&id, 1), 1);
    struct business b = open_business();
    char *text = good_item(1, "123456789018");
    struct business_item item = {.id = id};
    sha256_hex(bytes_of_text(text), item.sha256);
    buffer_append_text(&item.content, text);
    struct failure f = {0};
    assert_true(business_store_save(&b.store, &item, 1, &f));
    test_sql(&house.database, "UPDATE business.item SET receipt = 'taken'"); /* so it believes */
    free(text);
    work(&b);
    assert_int_equal(house.accepted, 1);
    assert_int_equal(number(STORED " WHERE deliveries = 2"), 1);
    memset(item.sha256, 'a', 64); /* the same id with other bytes */
    assert_false(business_store_save(&b.store, &item, 1, &f));
    assert_int_equal(f.kind, FAILURE_CONFLICT);
    business_item_clear(&item);
    business_store_close(&b.store);
}

/* --- residents -------------------------------------------------------------------------------- */

/* 宛名番号 1001 with this name, 通称 and birth date, as the registry's file has them. */
static void load_resident(struct business *b, const char *number, const char *name,
                          const char *common_name, const char *birth_date)
{
    char path[] = "/tmp/uketsuke-test-residents.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *out = fdopen(fd, "w");
    fprintf(out, "seinengappi,atenabango,shimei,x,tsusho\n%s,%s,%s,,%s\n", birth_date, number, name,
            common_name);
    fclose(out);
    struct failure f = {0};
    int64_t count = 0;
    if (!business_residents_load(&b->store, path, &count, &f))
        fail_msg("%s", f.text);
    assert_int_equal(count, 1);
    unlink(path);
}

/* The problems' items of the one item that was stored; "" when it was accepted. */
static void expect_problem(struct business *b, const char *item)
{
    house_clear();
    test_sql(&house.database, "TRUNCATE business.item CASCADE");
    put_good(1);
    work(b);
    char *found =
        test_sql_text(&house.database, "SELECT problems::jsonb -> 0 ->> 'item' FROM business.item"
                                       " WHERE problems IS NULL OR problems LIKE '%E0004%'");
    assert_string_equal(found, item);
    free(found);
}

static void the_claimant_must_be_who_our_copy_says(void **state)
{
    (void)state;
    struct business b = open_business();
    expect_problem(&b, ""); /* no copy yet */
    load_resident(&b, "1002", "桜野　花子", "", "1992-04-01");
    expect_problem(&b, "atenabango");
    load_resident(&b, "1001", "桜野　華子", "", "1992-04-01");
    expect_problem(&b, "record.claimant.name");
    load_resident(&b, "1001", "桜野　花子", "", "1992-04-02");
    expect_problem(&b, "record.claimant.birth_date");
    load_resident(&b, "1001", "桜野花子", "", "1992-04-01"); /* spaces */
    expect_problem(&b, "");
    load_resident(&b, "1001", "ＫＩＭ　ＭＩＮＳＵ", "桜野 花子", "1992-04-01"); /* 通称 */
    expect_problem(&b, "");
    business_store_close(&b.store);
}

/* --- outcomes --------------------------------------------------------------------------------- */

static void what_is_decided_is_told_once(void **state)
{
    (void)state;
    for (int n = 1; n <= 8; n++)
        put_good(n);
    struct business b = open_business();
    b.decides = true;
    work(&b);
    work(&b);
    business_store_close(&b.store);
    assert_int_equal(number("SELECT count(*) FROM business.outcome WHERE result = 'taken'"), 8);
    assert_int_equal(house.outcomes[0] + house.outcomes[1] + house.outcomes[2], 8);
}

static void the_rule_of_deciding_is_by_the_receipt_number(void **state)
{
    (void)state;
    struct business_item item = {0};
    const struct business_rule rule = {.rejected = 20, .incomplete = 5};
    size_t completed = 0, rejected = 0, incomplete = 0;
    for (int n = 1; n <= 1000; n++) {
        snprintf(item.receipt_number, sizeof item.receipt_number, "R-%08d", n);
        const char *outcome = business_decide(&rule, &item);
        completed += strcmp(outcome, "completed") == 0;
        rejected += strcmp(outcome, "rejected") == 0;
        incomplete += strcmp(outcome, "incomplete") == 0;
    }
    assert_int_equal(completed + rejected + incomplete, 1000);
    assert_in_range(rejected, 150, 250);
    assert_in_range(incomplete, 25, 75);
    item.notice = true;
    assert_string_equal(business_decide(&rule, &item), "rejected");
}

static void a_notice_of_withdrawal_is_taken_and_ends_the_application(void **state)
{
    (void)state;
    put_good(1);
    struct business b = open_business();
    work(&b);
    b.decides = true;
    house_put_text(1, "{\"city_code\":\"992011\",\"notice\":\"withdrawn\",\"receipt_number\":"
                      "\"R-00000001\",\"withdrawn_at\":\"2026-11-22T09:00:00+09:00\"}");
    work(&b);
    business_store_close(&b.store);
    assert_int_equal(number(STORED " WHERE notice AND problems IS NULL"), 1);
    assert_int_equal(number("SELECT count(*) FROM business.outcome WHERE outcome = 'rejected'"), 1);
}

/* What the business system stored, in the format of the export. */
#define STORED_EXPORT                                                                              \
    "SELECT '" RECONCILE_HEADER "' || coalesce(string_agg(format(E'\\n%s,%s,%s,%s,%s,pull,,%s,1'," \
    " id, receipt_number, CASE WHEN notice THEN 'notice' ELSE 'application' END, sha256,"          \
    " '2026-11-21T09:00:00+09:00', CASE WHEN problems IS NULL THEN 'yes' ELSE 'no' END), ''"       \
    " ORDER BY id), '') FROM business.item"

static void print_difference(enum reconcile_difference difference,
                             const struct reconcile_item *ours, const struct reconcile_item *theirs,
                             void *context)
{
    (void)context;
    print_error("%d: difference %d\n", (int)(ours ? ours : theirs)->id, difference);
}

static size_t differences(struct db *operator)
{
    _cleanup_(cleanup_text) char *text = test_sql_text(&house.database, STORED_EXPORT);
    struct reconcile_list ours = {0}, theirs = {0};
    struct failure f = {0};
    struct handed_over_query query = {.city_code = TEST_CITY,
                                      .destination = HOUSE_OURS,
                                      .from = clock_now() - INSTANT_DAY,
                                      .to = clock_now() + INSTANT_DAY,
                                      .named = &theirs};
    _cleanup_(cleanup_file) FILE *in = fmemopen(text, strlen(text), "r");
    if (!reconcile_read(in, &theirs, &f) || !handed_over_read(operator, & query, &ours, &f))
        fail_msg("%s", f.text);
    size_t count = reconcile_compare(&ours, &theirs, print_difference, NULL);
    reconcile_list_free(&ours);
    reconcile_list_free(&theirs);
    return count;
}

static void what_is_stored_is_what_was_handed_over(void **state)
{
    (void)state;
    for (int n = 1; n <= 4; n++)
        put_good(n);
    house_put_text(5, "{\"city_code\":\"992011\",\"receipt_number\":\"R-00000005\"}"); /* no item */
    struct business b = open_business();
    work(&b);
    business_store_close(&b.store);
    struct db *operator= test_database_open(&house.database, "operator", 1);
    assert_int_equal(number(STORED " WHERE problems IS NULL"), 4);
    assert_int_equal(number(STORED), 5);
    assert_int_equal(differences(operator), 0);
    test_sql(&house.database, "UPDATE business.item SET sha256 = '" HASH "', problems = '[]'"
                              " WHERE id = (SELECT min(id) FROM business.item)");
    test_sql(&house.database,
             "DELETE FROM business.item WHERE id = (SELECT max(id) FROM business.item)");
    assert_int_equal(differences(operator), 3); /* its hash, its answer, the last */
    db_close(operator);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup(test, reset)
    const struct CMUnitTest tests[] = {
        EACH(what_waits_is_stored_and_receipted_once),
        EACH(small_pages_reach_the_end),
        EACH(what_is_wrong_is_rejected),
        EACH(a_receipt_that_was_not_sent_is_sent_after_a_restart),
        EACH(what_comes_again_is_not_stored_again),
        EACH(the_claimant_must_be_who_our_copy_says),
        EACH(what_is_decided_is_told_once),
        EACH(the_rule_of_deciding_is_by_the_receipt_number),
        EACH(a_notice_of_withdrawal_is_taken_and_ends_the_application),
        EACH(what_is_stored_is_what_was_handed_over),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
