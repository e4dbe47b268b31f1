/* 授受簿 of backups: two people, registered media, and nothing is rewritten. */
#include "intake/backup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/audit.h"
#include "base/cleanup.h"
#include "intake/schema.h"
#include "tests/support/database.h"

#define CITY "992011"

static struct test_database database;
static struct db *administrator_db, *operator_db;

static int set_up(void **state)
{
    (void)state;
    test_database_make(&database, NULL, NULL, 0);
    test_database_upgrade(&database, schema_migrations, schema_migration_count);
    administrator_db = test_database_open(&database, "administrator", 2);
    operator_db = test_database_open(&database, "operator", 2);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clock_fix(0);
    db_close(administrator_db);
    db_close(operator_db);
    test_database_drop(&database);
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    instant now;
    assert_true(instant_parse("2028-02-28T23:00:00+09:00", &now));
    clock_fix(now);
    test_sql(&database, "SET session_replication_role = replica; TRUNCATE backup_take_out, medium;"
                        "INSERT INTO medium VALUES ('" CITY "', 'M-7', '*', 'LTO')");
    return 0;
}

struct acting {
    const char *by;
    struct backup_order order;
    const char *how;
    int64_t number;
    enum backup_answer answer;
};

static bool ask_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct acting *a = context;
    const struct administrator who = {.city_code = CITY, .by = a->by, .chain = "administrator"};
    return backup_ask(tx, &who, &a->order, &a->number, &a->answer, f);
}

static bool approve_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct acting *a = context;
    const struct administrator who = {.city_code = CITY, .by = a->by, .chain = "administrator"};
    return backup_approve(tx, &who, a->number, &a->answer, f);
}

static bool end_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct acting *a = context;
    const struct administrator who = {.city_code = CITY, .by = a->by, .chain = "administrator"};
    return backup_end(tx, &who, a->number, a->how, &a->answer, f);
}

static enum backup_answer act(db_work *work, struct acting *a)
{
    struct failure f = {0};
    if (!db_transaction(administrator_db, work, a, &f))
        fail_msg("%s", f.text);
    return a->answer;
}

static struct acting order(const char *by)
{
    return (struct acting){
        .by = by,
        .order = {"M-7", "base backup", "off-site", "the officer", {2028, 2, 29}},
        .how = "returned"};
}

static enum backup_answer ask(struct acting *a)
{
    return act(ask_work, a);
}

static bool list_work(struct db_tx *tx, void *context, struct failure *f)
{
    return backup_list(tx, CITY, day_of_instant(clock_now()), true, context, f);
}

static void state_is(const char *wanted)
{
    struct failure f = {0};
    _cleanup_(cleanup_json) json_t *list = NULL;
    if (!db_transaction(operator_db, list_work, &list, &f))
        fail_msg("%s", f.text);
    const json_t *first = json_array_get(list, 0);
    if (!wanted)
        assert_null(first);
    else
        assert_string_equal(json_string_value(json_object_get(first, "state")), wanted);
}

static void two_people_take_it_out_and_it_comes_back(void **state)
{
    (void)state;
    struct acting a = order("operator:hanako");
    assert_int_equal(ask(&a), BACKUP_DONE);
    state_is("waiting");
    assert_int_equal(act(approve_work, &a), BACKUP_OWN);
    a.by = "operator:Hanako";
    assert_int_equal(act(approve_work, &a), BACKUP_OWN);
    a.by = "operator:taro";
    assert_int_equal(act(approve_work, &a), BACKUP_DONE);
    assert_int_equal(act(approve_work, &a), BACKUP_UNKNOWN);
    state_is("out");
    struct acting again = order("operator:taro");
    assert_int_equal(ask(&again), BACKUP_NO_MEDIUM); /* it is out */
    assert_int_equal(act(end_work, &a), BACKUP_DONE);
    assert_int_equal(act(end_work, &a), BACKUP_UNKNOWN);
    state_is(NULL);
    assert_int_equal(ask(&again), BACKUP_DONE);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM audit_entry WHERE action LIKE"
                                                " 'backup.%' AND chain = 'administrator'"),
                     4);
}

static void it_is_overdue_the_day_after(void **state)
{
    (void)state;
    struct acting a = order("operator:hanako");
    instant now;
    a.order.due = (struct day){2028, 2, 27};
    assert_int_equal(ask(&a), BACKUP_BAD_ORDER);
    a.order.due = (struct day){2028, 2, 29};
    assert_int_equal(ask(&a), BACKUP_DONE);
    a.by = "operator:taro";
    assert_int_equal(act(approve_work, &a), BACKUP_DONE);
    assert_true(instant_parse("2028-02-29T23:59:59+09:00", &now));
    clock_fix(now);
    state_is("out");
    assert_true(instant_parse("2028-03-01T00:00:00+09:00", &now));
    clock_fix(now);
    state_is("overdue");
}

static void only_on_registered_media_and_with_words(void **state)
{
    (void)state;
    struct acting a = order("operator:hanako");
    a.order.medium = "M-8";
    assert_int_equal(ask(&a), BACKUP_NO_MEDIUM);
    a = order("operator:hanako");
    a.order.purpose = "";
    assert_int_equal(ask(&a), BACKUP_BAD_ORDER);
    a = order("operator:hanako");
    assert_int_equal(ask(&a), BACKUP_DONE);
    test_sql(&database, "DELETE FROM medium"); /* lost, before it was approved */
    struct failure f = {0};
    a.by = "operator:taro";
    assert_false(db_transaction(administrator_db, approve_work, &a, &f));
    assert_int_equal(act(end_work, &a), BACKUP_DONE);
}

static void the_book_is_not_rewritten(void **state)
{
    (void)state;
    char sqlstate[6];
    static const char *const tries[] = {
        "UPDATE backup_take_out SET approved_by = 'operator:hanako'",
        "UPDATE backup_take_out SET approved_by = 'taro'",
        "UPDATE backup_take_out SET purpose = 'other'",
        "DELETE FROM backup_take_out",
        "INSERT INTO backup_take_out (city_code, medium_id, contents, purpose, key_holder, due,"
        " asked_by, approved_by) VALUES ('" CITY "', 'M-7', 'a', 'b', 'c', 20281231,"
        " 'operator:a', 'operator:b')",
    };
    struct acting a = order("operator:hanako");
    assert_int_equal(ask(&a), BACKUP_DONE);
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++)
        assert_string_not_equal(test_sql_state(&database, "administrator", tries[i], sqlstate),
                                "00000");
    assert_string_not_equal(test_sql_state(&database, "admin", tries[2], sqlstate), "00000");
    assert_string_not_equal(test_sql_state(&database, "admin", tries[3], sqlstate), "00000");
    assert_string_equal(test_sql_state(&database, "operator", tries[0], sqlstate), "42501");
    assert_string_equal(
        test_sql_state(&database, "console", "SELECT * FROM backup_take_out", sqlstate), "42501");
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup(test, fresh)
    const struct CMUnitTest tests[] = {
        EACH(two_people_take_it_out_and_it_comes_back),
        EACH(it_is_overdue_the_day_after),
        EACH(only_on_registered_media_and_with_words),
        EACH(the_book_is_not_rewritten),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
