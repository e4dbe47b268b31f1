#include "intake/identify/search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "intake/schema.h"
#include "tests/support/residents.h"

static struct test_database database;
static struct db *identify_db;
static struct city_key *city_key;

static int set_up(void **state)
{
    (void)state;
    test_database_make(&database, NULL, NULL, 0);
    test_database_upgrade(&database, schema_migrations, schema_migration_count);
    identify_db = test_database_open(&database, "identify", 1);
    city_key = test_city_key(&database);
    test_application_make(&database, city_key, 1, NULL);
    test_application_move(&database, 1,
                          (const char *const[]){"collected", "verified", "unmatched", NULL});
    test_application_make(&database, city_key, 2, NULL);
    test_application_move(&database, 2, (const char *const[]){"collected", "refused", NULL});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    db_close(identify_db);
    city_key_free(city_key);
    test_database_drop(&database);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    test_residents_clear(&database);
    return 0;
}

static struct search good(void)
{
    return (struct search){.city_code = TEST_CITY,
                           .receipt_number = "R-00000001",
                           .name = "桜野 花子",
                           .birth_date = "1992-04-01",
                           .reason = "氏名変更の確認",
                           .actor = "operator:test",
                           .chain = "identify"};
}

struct running {
    const struct search *search;
    struct search_answer answer;
};

static bool work(struct db_tx *tx, void *context, struct failure *f)
{
    struct running *running = context;
    search_answer_free(&running->answer);
    return search_run(tx, running->search, &running->answer, f);
}

static struct search_answer found(const struct search *search)
{
    struct failure f = {0};
    struct running running = {.search = search};
    if (!db_transaction(identify_db, work, &running, &f))
        fail_msg("%s", f.text);
    return running.answer;
}

static size_t count_found(const struct search *search)
{
    _cleanup_(search_answer_free) struct search_answer answer = found(search);
    return answer.count;
}

static void refused(struct search search, const char *why)
{
    struct failure f = {0};
    struct running running = {.search = &search};
    assert_false(db_transaction(identify_db, work, &running, &f));
    assert_int_equal(f.kind, FAILURE_USAGE);
    if (!strstr(f.text, why))
        fail_msg("\"%s\" does not say \"%s\"", f.text, why);
}

/* --- the rule --------------------------------------------------------------------------------- */

static void two_facts_an_application_and_a_reason_are_needed(void **state)
{
    (void)state;
    struct search search = good();
    search.birth_date = "";
    refused(search, "at least two");
    search.name = NULL;
    refused(search, "at least two");
    search = good(), search.reason = "";
    refused(search, "reason");
    search = good(), search.receipt_number = "R-99999999";
    refused(search, "no application");
    search = good(), search.receipt_number = "R-00000002";
    refused(search, "does not wait");
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM audit_entry"), 0);
}

static void no_browsing(void **state)
{
    (void)state;
    struct search search = good();
    search.name = "桜";
    refused(search, "2 characters");
    search = good(), search.birth_date = "1992-04-00";
    refused(search, "whole");
    search = good(), search.birth_date = "1992";
    refused(search, "whole");
    search = good(), search.address = "桜野市本町";
    refused(search, "lot");
    search = good(), search.name = "%_";
    assert_int_equal(count_found(&search), 0); /* no wildcards */
}

static void a_reason_has_its_length(void **state)
{
    (void)state;
    char reason[3 * (SEARCH_REASON_MOST + 1) + 1] = "";
    struct search search = good();
    search.reason = reason;
    for (int i = 0; i < SEARCH_REASON_MOST; i++)
        strcat(reason, "理");
    assert_true(search_allowed(&search, NULL));
    strcat(reason, "由");
    assert_false(search_allowed(&search, NULL));
}

/* --- what is found ---------------------------------------------------------------------------- */

static void all_that_is_given_must_fit(void **state)
{
    (void)state;
    test_resident_make(&database, &(struct test_resident){.atenabango = "1"});
    test_resident_make(&database, &(struct test_resident){"2", .name = "桜野　葉子"});
    test_resident_make(&database, &(struct test_resident){"3", .birth_date = 19920402});
    struct search search = good();
    assert_int_equal(count_found(&search), 1);
    search.address = "桜野市本町1-2-3";
    assert_int_equal(count_found(&search), 1);
    search.address = "桜野市本町1-2-4";
    assert_int_equal(count_found(&search), 0);
    search = good(), search.birth_date = NULL, search.address = "桜野市本町1-2-3";
    assert_int_equal(count_found(&search), 2);
}

static void names_that_are_taken_for_each_other_are_found(void **state)
{
    (void)state;
    test_resident_make(&database, &(struct test_resident){"1", .name = "齋藤　花子"});
    struct search search = good();
    search.name = "斉藤花子";
    assert_int_equal(count_found(&search), 1);
}

static void answers_are_capped(void **state)
{
    (void)state;
    char number[16];
    for (int i = 0; i < SEARCH_MOST + 3; i++) {
        snprintf(number, sizeof number, "%04d", i);
        test_resident_make(&database, &(struct test_resident){.atenabango = number});
    }
    struct search search = good();
    _cleanup_(search_answer_free) struct search_answer answer = found(&search);
    assert_int_equal(answer.count, SEARCH_MOST);
    assert_int_equal(answer.left_out, 3);
}

static void of_the_protected_the_address_is_left_out(void **state)
{
    (void)state;
    test_resident_make(&database, &(struct test_resident){"1", .is_protected = true});
    struct search search = good();
    _cleanup_(search_answer_free) struct search_answer answer = found(&search);
    assert_int_equal(answer.count, 1);
    assert_true(answer.at[0].resident->is_protected);
    assert_string_equal(answer.at[0].resident->town, "");
    assert_string_equal(answer.at[0].resident->lot, "");
}

/* Whether one is found may not depend on where one lives: else each guess would be answered. */
static void where_the_protected_live_is_not_found_by_guessing(void **state)
{
    (void)state;
    test_resident_make(&database, &(struct test_resident){"1", .is_protected = true});
    static const char lives[] = "桜野市本町1-2-3", not_there[] = "桜野市本町1-2-4";
    struct search search = good();
    search.address = lives;
    _cleanup_(search_answer_free) struct search_answer right = found(&search);
    search.address = not_there;
    _cleanup_(search_answer_free) struct search_answer wrong = found(&search);
    assert_int_equal(right.count, 1);
    assert_int_equal(wrong.count, 1);
    assert_int_equal(right.at[0].match.score, wrong.at[0].match.score);
    assert_memory_equal(right.at[0].match.how, wrong.at[0].match.how, sizeof right.at[0].match.how);
    search.name = NULL;
    search.address = lives;
    assert_int_equal(count_found(&search), 0);
    search = good(), search.birth_date = NULL, search.address = lives;
    assert_int_equal(count_found(&search), 0);
    search.protected_too = true; /* who may know, asks as of anybody */
    assert_int_equal(count_found(&search), 1);
}

static void every_search_is_remembered_without_what_was_asked(void **state)
{
    (void)state;
    test_sql(&database, "SET session_replication_role = replica; DELETE FROM audit_entry;"
                        "DELETE FROM audit_chain");
    test_resident_make(&database, &(struct test_resident){.atenabango = "1"});
    struct search search = good();
    assert_int_equal(count_found(&search), 1);
    _cleanup_(cleanup_text) char *entry = test_sql_text(
        &database, "SELECT concat_ws('|', action, actor, application_id, reason, detail)"
                   " FROM audit_entry");
    assert_string_equal(entry, "registry.search|operator:test|00000000-0000-4000-8000-000000000001|"
                               "氏名変更の確認|{\"address\":false,\"birth_date\":true,\"found\":1,"
                               "\"left_out\":0,\"name\":true,\"protected\":0}");
}

int main(void)
{
#define CLEARED(test) cmocka_unit_test_setup(test, clear)
    const struct CMUnitTest tests[] = {
        CLEARED(two_facts_an_application_and_a_reason_are_needed),
        CLEARED(no_browsing),
        CLEARED(a_reason_has_its_length),
        CLEARED(all_that_is_given_must_fit),
        CLEARED(names_that_are_taken_for_each_other_are_found),
        CLEARED(answers_are_capped),
        CLEARED(of_the_protected_the_address_is_left_out),
        CLEARED(where_the_protected_live_is_not_found_by_guessing),
        CLEARED(every_search_is_remembered_without_what_was_asked),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
