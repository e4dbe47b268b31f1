/* Pipelines, COPY, wake-ups, the schema. */
#include "tests/unit/db_support.h"

/* --- pipelines ---------------------------------------------------------------------------------
 */

struct batch {
    int count;
    int wrong_at;  /* an id that is not there */
    int broken_at; /* an id that is there already */
    int64_t expect;
};

static bool batch_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct batch *b = context;
    for (int i = 0; i < b->count; i++) {
        if (i == b->broken_at) {
            if (!db_send(tx, &pair_insert, DB_VALUES(db_number(1)), 1, f))
                return false;
        }
        int64_t id = i == b->wrong_at ? 77 : 1;
        if (!db_send(tx, &pair_add, DB_VALUES(db_number(id), db_number(1)), b->expect, f))
            return false;
    }
    return true;
}

static void a_pipeline_runs_in_order(void **state)
{
    (void)state;
    struct failure f = {0};
    struct batch b = {2000, -1, -1, 1};
    assert_true(db_transaction(db, batch_work, &b, &f));
    assert_int_equal(pair_sum(), 2000);
}

static void an_unexpected_number_of_rows_undoes_all(void **state)
{
    (void)state;
    struct failure f = {0};
    const int places[] = {0, 7, 9};
    for (size_t i = 0; i < 3; i++) {
        struct batch b = {10, places[i], -1, 1};
        assert_false(db_transaction(db, batch_work, &b, &f));
        assert_int_equal(f.kind, FAILURE_CONFLICT);
    }
    assert_int_equal(pair_sum(), 0);
    struct batch any = {10, 7, -1, -1};
    assert_true(db_transaction(db, batch_work, &any, &f));
    assert_int_equal(pair_sum(), 9);
}

static void an_error_in_a_pipeline_shows_at_the_latest_at_commit(void **state)
{
    (void)state;
    const int places[] = {0, 5, 9};
    for (size_t i = 0; i < 3; i++) {
        struct failure f = {0};
        struct batch b = {10, -1, places[i], -1};
        assert_false(db_transaction(db, batch_work, &b, &f));
        assert_int_equal(f.kind, FAILURE_DATABASE);
        assert_non_null(strstr(f.text, "23505"));
        assert_int_equal(pair_sum(), 0);
        struct batch good = {1, -1, -1, 1}; /* the connection is fit for the next */
        assert_true(db_transaction(db, batch_work, &good, &f));
        reset(NULL);
    }
}

static bool bad_statement_work(struct db_tx *tx, void *context, struct failure *f)
{
    (void)context;
    static const struct db_statement bad = {"bad", "SELECT nothing FROM nowhere"};
    return db_send(tx, &pair_add, DB_VALUES(db_number(1), db_number(1)), 1, f) &&
           db_send(tx, &bad, DB_NO_VALUES, -1, f) &&
           db_execute(tx, &pair_add, DB_VALUES(db_number(1), db_number(1)), NULL, f);
}

static void a_statement_that_cannot_be_prepared_is_not_remembered(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct failure f = {0};
        assert_false(db_transaction(db, bad_statement_work, NULL, &f));
        assert_non_null(strstr(f.text, "42P01"));
    }
    assert_int_equal(pair_sum(), 0);
    struct failure f = {0};
    assert_true(db_transaction(db, add_one, NULL, &f));
}

static bool quotes_work(struct db_tx *tx, void *context, struct failure *f)
{
    (void)context;
    static const struct db_statement cast = {"cast", "SELECT $1::text::integer"};
    struct db_rows *rows;
    return db_query(tx, &cast, DB_VALUES(db_text("5678-9018x")), &rows, f);
}

static void an_error_text_never_quotes_a_value(void **state)
{
    (void)state;
    struct failure f = {0};
    assert_false(db_transaction(db, quotes_work, NULL, &f));
    assert_non_null(strstr(f.text, "22P02"));
    assert_null(strstr(f.text, "5678-9018"));
}

/* --- asked, and waited for later ---------------------------------------------------------------
 */

static bool ask_work(struct db_tx *tx, void *context, struct failure *f)
{
    (void)context;
    _cleanup_(cleanup_db_rows) struct db_rows *one = NULL, *other = NULL, *third = NULL;
    if (!db_ask(tx, &pair_get, DB_VALUES(db_number(1)), &one, f) ||
        !db_send(tx, &pair_add, DB_VALUES(db_number(1), db_number(5)), 1, f) ||
        !db_ask(tx, &pair_get, DB_VALUES(db_number(1)), &other, f))
        return false;
    assert_null(one);
    assert_null(other);
    if (!db_wait(tx, f) || !db_ask(tx, &pair_get, DB_VALUES(db_number(2)), &third, f))
        return false;
    assert_int_equal(db_get_number(one, 0, 0), 0); /* in the order in which they were asked */
    assert_int_equal(db_get_number(other, 0, 0), 5);
    assert_null(third);
    return add_one(tx, NULL, f) && db_row_count(third) == 1; /* whoever waits */
}

static void what_is_asked_is_there_when_somebody_waited(void **state)
{
    (void)state;
    struct failure f = {0};
    if (!db_transaction(db, ask_work, NULL, &f))
        fail_msg("%s", f.text);
    assert_int_equal(pair_sum(), 6);
}

static bool wait_for_work(struct db_tx *tx, void *context, struct failure *f)
{
    (void)context;
    static const struct db_statement slow = {"slow",
                                             "SELECT 7 FROM (SELECT pg_sleep($1::integer)) AS x"};
    _cleanup_(cleanup_db_rows) struct db_rows *one = NULL, *other = NULL, *third = NULL;
    int64_t begun = clock_monotonic();
    if (!db_send(tx, &pair_add, DB_VALUES(db_number(1), db_number(5)), 1, f) ||
        !db_ask(tx, &pair_get, DB_VALUES(db_number(1)), &one, f) ||
        !db_ask(tx, &pair_get, DB_VALUES(db_number(2)), &other, f) ||
        !db_ask(tx, &slow, DB_VALUES(db_number(2)), &third, f) || !db_wait_for(tx, &other, f))
        return false;
    assert_int_equal(db_get_number(one, 0, 0), 5);
    assert_int_equal(db_get_number(other, 0, 0), 0);
    assert_null(third);
    assert_true(clock_monotonic() - begun < 2 * INSTANT_SECOND);
    if (!db_wait_for(tx, &one, f) || !db_wait(tx, f)) /* the first is there already */
        return false;
    assert_int_equal(db_get_number(third, 0, 0), 7);
    return add_one(tx, NULL, f);
}

static void one_answer_may_be_waited_for(void **state)
{
    (void)state;
    struct failure f = {0};
    if (!db_transaction(db, wait_for_work, NULL, &f))
        fail_msg("%s", f.text);
    assert_int_equal(pair_sum(), 6);
}

/* Who asks and goes leaves nothing behind, where answers would be written. */
static bool leave_work(struct db_tx *tx, void *context, struct failure *f)
{
    const bool *good = context;
    struct db_rows **gone = memory_allocate(sizeof(struct db_rows *));
    bool asked = db_ask(tx, &pair_get, DB_VALUES(db_number(1)), gone, f);
    assert_null(*gone);
    free(gone);
    return asked && (*good || failure_set(f, FAILURE_INPUT, "not like this"));
}

static void who_asks_and_goes_is_not_written_to(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct failure f = {0};
        bool good = i == 1;
        assert_int_equal(db_transaction(db, leave_work, &good, &f), good);
        assert_true(db_transaction(db, add_one, NULL, &f)); /* the connection is fit */
    }
    assert_int_equal(pair_sum(), 2);
}

static bool wrong_work(struct db_tx *tx, void *context, struct failure *f)
{
    static const struct db_statement divide = {"divide", "SELECT 1 / $1::integer"};
    _cleanup_(cleanup_db_rows) struct db_rows *good = NULL, *bad = NULL, *skipped = NULL;
    bool asked = db_ask(tx, &pair_get, DB_VALUES(db_number(1)), &good, f) &&
                 db_ask(tx, &divide, DB_VALUES(db_number(0)), &bad, f) &&
                 db_ask(tx, &pair_get, DB_VALUES(db_number(1)), &skipped, f);
    assert_true(asked);
    const bool *early = context;
    if (*early)
        assert_true(db_wait_for(tx, &good, f));
    assert_false(*early ? db_wait_for(tx, &bad, f) : db_wait(tx, f));
    assert_null(bad);
    assert_null(skipped);
    return false;
}

static void an_error_shows_to_who_waits(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct failure f = {0};
        bool early = i == 1;
        assert_false(db_transaction(db, wrong_work, &early, &f));
        assert_non_null(strstr(f.text, "22012"));
        assert_true(db_transaction(db, add_one, NULL, &f));
    }
}

/* --- COPY ---------------------------------------------------------------------------------------
 */

static const struct db_statement load = {"load", "COPY loaded (a, b) FROM STDIN"};

static bool copy_work(struct db_tx *tx, void *context, struct failure *f)
{
    const char *bad_number = context;
    struct db_copy *copy;
    int64_t rows = 0;
    bool good = db_copy_begin(tx, &load, &copy, f);
    const char *const odd[] = {"tab\t nl\n cr\r bs\\ \\. \\N", "1"}, *const null[] = {NULL, "2"};
    good = good && db_copy_row(copy, odd, 2, f) && db_copy_row(copy, null, 2, f);
    for (int i = 0; i < 20000 && good; i++)
        good = db_copy_row(copy, (const char *const[]){"宛名番号", bad_number ? bad_number : "3"},
                           2, f);
    if (!good || !db_copy_end(copy, &rows, f))
        return false;
    assert_int_equal(rows, 20002);
    return add_one(tx, NULL, f);
}

static void copy_loads_what_it_is_given(void **state)
{
    (void)state;
    struct failure f = {0};
    assert_true(db_transaction(db, copy_work, NULL, &f));
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM loaded"), 20002);
    char *text = test_sql_text(&database, "SELECT a FROM loaded WHERE b = 1");
    assert_string_equal(text, "tab\t nl\n cr\r bs\\ \\. \\N");
    free(text);
    assert_int_equal(test_sql_number(&database, "SELECT b FROM loaded WHERE a IS NULL"), 2);
    assert_int_equal(pair_sum(), 1);
}

static void a_copy_that_fails_leaves_nothing_and_a_fit_connection(void **state)
{
    (void)state;
    struct failure f = {0};
    char bad[] = "x";
    test_sql(&database, "TRUNCATE loaded");
    assert_false(db_transaction(db, copy_work, bad, &f));
    assert_non_null(strstr(f.text, "22P02"));
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM loaded"), 0);
    assert_true(db_transaction(db, add_one, NULL, &f));
}

/* --- wake-ups -----------------------------------------------------------------------------------
 */

static void a_listener_wakes_and_survives_its_connection(void **state)
{
    (void)state;
    struct failure f = {0};
    struct db_listener *listener;
    const char *const channels[] = {"work_examine", "work_route"};
    assert_true(db_listen(db, channels, 2, &listener, &f));
    assert_false(db_listener_wait(listener, INSTANT_SECOND / 50));
    test_sql(&database, "NOTIFY work_route");
    assert_true(db_listener_wait(listener, 5 * INSTANT_SECOND));
    test_sql(&database, "NOTIFY work_other");
    assert_false(db_listener_wait(listener, INSTANT_SECOND / 50));

    test_sql(&database, KILL_OTHERS);
    assert_true(db_listener_wait(listener, 5 * INSTANT_SECOND)); /* back again: look */
    test_sql(&database, "NOTIFY work_examine");
    assert_true(db_listener_wait(listener, 5 * INSTANT_SECOND));
    assert_false(db_listener_wait(listener, INSTANT_SECOND / 50));
    db_listener_close(listener);
}

/* --- schema -------------------------------------------------------------------------------------
 */

static void schema_upgrades_once_and_knows_its_number(void **state)
{
    (void)state;
    struct failure f = {0};
    int from = -1, to = -1;
    assert_true(db_schema_upgrade(db, migrations, 2, &from, &to, &f));
    assert_int_equal(from, 2);
    assert_int_equal(to, 2);
    assert_true(db_schema_check(db, 2, &f));
    assert_false(db_schema_check(db, 3, &f));
    assert_non_null(strstr(f.text, "uketsuke db upgrade"));
    assert_false(db_schema_check(db, 1, &f));
    assert_false(db_schema_upgrade(db, migrations, 1, &from, &to, &f));
    assert_int_equal(f.kind, FAILURE_USAGE);
}

static void a_migration_that_fails_changes_nothing(void **state)
{
    (void)state;
    struct failure f = {0};
    const struct db_migration more[] = {
        migrations[0],
        migrations[1],
        {3, "third", "CREATE TABLE third (n integer)"},
        {4, "fourth", "CREATE TABLE fourth (n integer); SELECT 1 / 0"}};
    int from = -1, to = -1;
    assert_false(db_schema_upgrade(db, more, 4, &from, &to, &f));
    assert_int_equal(from, -1);
    assert_int_equal(test_sql_number(&database, "SELECT max(number) FROM schema_version"), 3);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM pg_class WHERE relname IN "
                                                "('third', 'fourth')"),
                     1);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup(test, reset)
    const struct CMUnitTest tests[] = {
        EACH(a_pipeline_runs_in_order),
        EACH(an_unexpected_number_of_rows_undoes_all),
        EACH(an_error_in_a_pipeline_shows_at_the_latest_at_commit),
        EACH(a_statement_that_cannot_be_prepared_is_not_remembered),
        EACH(an_error_text_never_quotes_a_value),
        EACH(what_is_asked_is_there_when_somebody_waited),
        EACH(one_answer_may_be_waited_for),
        EACH(who_asks_and_goes_is_not_written_to),
        EACH(an_error_shows_to_who_waits),
        EACH(copy_loads_what_it_is_given),
        EACH(a_copy_that_fails_leaves_nothing_and_a_fit_connection),
        EACH(a_listener_wakes_and_survives_its_connection),
        EACH(schema_upgrades_once_and_knows_its_number),
        EACH(a_migration_that_fails_changes_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
