/* Values, transactions, and connections that break. */
#include "tests/unit/db_support.h"

/* --- values and rows ---------------------------------------------------------------------------
 */

static bool kinds_work(struct db_tx *tx, void *context, struct failure *f)
{
    (void)context;
    static const struct db_statement put = {
        "kinds_put", "INSERT INTO kinds VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"};
    static const struct db_statement get = {"kinds_get", "SELECT * FROM kinds"};
    struct db_rows *rows;
    const uint8_t raw[] = {0, 1, 0xff, '\\', '\''};
    if (!db_execute(tx, &put,
                    DB_VALUES(db_number(-32768), db_number(INT32_MIN), db_number(INT64_MIN),
                              db_boolean(true), db_text("桜\\\"'\n"), db_text(""), db_text("ab"),
                              db_text("01234567-89ab-cdef-0123-456789abcdef"),
                              db_bytes(bytes_of(raw, sizeof raw)), db_instant(-1)),
                    NULL, f) ||
        !db_execute(tx, &put,
                    DB_VALUES(db_null(), db_null(), db_number(INT64_MAX), db_boolean(false),
                              db_text(NULL), db_null(), db_null(), db_null(),
                              db_bytes(bytes_of(NULL, 0)), db_instant(INT64_MAX)),
                    NULL, f) ||
        !db_query(tx, &get, DB_NO_VALUES, &rows, f))
        return false;
    assert_int_equal(db_row_count(rows), 2);
    assert_int_equal(db_get_number(rows, 0, 0), -32768);
    assert_int_equal(db_get_number(rows, 0, 1), INT32_MIN);
    assert_true(db_get_number(rows, 0, 2) == INT64_MIN);
    assert_true(db_get_boolean(rows, 0, 3));
    assert_string_equal(db_get_text(rows, 0, 4), "桜\\\"'\n");
    assert_string_equal(db_get_text(rows, 0, 5), "");
    assert_string_equal(db_get_text(rows, 0, 6), "ab  ");
    assert_string_equal(db_get_text(rows, 0, 7), "01234567-89ab-cdef-0123-456789abcdef");
    assert_true(bytes_equal(db_get_bytes(rows, 0, 8), bytes_of(raw, sizeof raw)));
    assert_true(db_get_instant(rows, 0, 9) == -1);

    assert_true(db_is_null(rows, 1, 0));
    assert_int_equal(db_get_number(rows, 1, 1), 0);
    assert_true(db_get_number(rows, 1, 2) == INT64_MAX);
    assert_false(db_get_boolean(rows, 1, 3));
    assert_null(db_get_text(rows, 1, 4));
    assert_null(db_get_text(rows, 1, 7));
    assert_false(db_is_null(rows, 1, 8));
    assert_int_equal(db_get_bytes(rows, 1, 8).length, 0);
    assert_true(db_get_instant(rows, 1, 9) == INT64_MAX);
    db_rows_free(rows);
    return true;
}

static void every_kind_of_value_comes_back_as_it_went(void **state)
{
    (void)state;
    struct failure f = {0};
    assert_true(db_transaction(db, kinds_work, NULL, &f));
}

static bool texts_work(struct db_tx *tx, void *context, struct failure *f)
{
    (void)context;
    static const struct db_statement list = {
        "texts_list", "SELECT t FROM unnest($1::text[]) WITH ORDINALITY AS x (t, i) ORDER BY i"};
    const char *const texts[] = {"", "a,b", "\"q\"", "back\\slash", NULL, "NULL", "{}", "宛名"};
    const size_t count = sizeof texts / sizeof texts[0];
    struct db_rows *rows;
    if (!db_query(tx, &list, DB_VALUES(db_texts(texts, 0)), &rows, f))
        return false;
    assert_int_equal(db_row_count(rows), 0);
    db_rows_free(rows);
    if (!db_query(tx, &list, DB_VALUES(db_texts(texts, count)), &rows, f))
        return false;
    assert_int_equal(db_row_count(rows), count);
    for (size_t i = 0; i < count; i++) {
        if (texts[i])
            assert_string_equal(db_get_text(rows, i, 0), texts[i]);
        else
            assert_true(db_is_null(rows, i, 0));
    }
    db_rows_free(rows);
    return true;
}

static void arrays_of_texts_keep_their_elements(void **state)
{
    (void)state;
    struct failure f = {0};
    assert_true(db_transaction(db, texts_work, NULL, &f));
}

static const struct db_statement lists_find = {
    "lists_find", "SELECT n, y, at FROM unnest($1::integer[], $2::bytea[], $3::timestamptz[])"
                  " WITH ORDINALITY AS x (n, y, at, i) ORDER BY i"};

static bool lists_work(struct db_tx *tx, void *context, struct failure *f)
{
    (void)context;
    const int32_t numbers[] = {0, -1, INT32_MAX, INT32_MIN};
    const struct bytes bytes[] = {bytes_of("\0\\\"", 3), bytes_of(NULL, 0), bytes_of("", 0),
                                  bytes_of("\xFF{,}", 4)};
    const instant instants[] = {0, INT64_MAX, INT64_MIN, 1795824000 * INSTANT_SECOND + 1};
    for (size_t count = 0; count <= 4; count += 4) {
        _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
        if (!db_query(tx, &lists_find,
                      DB_VALUES(db_numbers(numbers, count), db_bytes_list(bytes, count),
                                db_instants(instants, count)),
                      &rows, f))
            return false;
        assert_int_equal(db_row_count(rows), count);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(db_get_number(rows, i, 0), numbers[i]);
            assert_int_equal(db_is_null(rows, i, 1), !bytes[i].data);
            assert_true(bytes_equal(db_get_bytes(rows, i, 1), bytes[i]));
            assert_int_equal(db_get_instant(rows, i, 2), instants[i]);
        }
    }
    return true;
}

static void lists_of_one_type_keep_their_elements(void **state)
{
    (void)state;
    struct failure f = {0};
    if (!db_transaction(db, lists_work, NULL, &f))
        fail_msg("%s", f.text);
}

/* --- transactions ------------------------------------------------------------------------------
 */

static bool add_then_fail(struct db_tx *tx, void *context, struct failure *f)
{
    (void)context;
    if (!db_execute(tx, &pair_add, DB_VALUES(db_number(1), db_number(5)), NULL, f))
        return false;
    return failure_set(f, FAILURE_INPUT, "not like this");
}

static void work_that_fails_leaves_nothing(void **state)
{
    (void)state;
    struct failure f = {0};
    assert_false(db_transaction(db, add_then_fail, NULL, &f));
    assert_int_equal(f.kind, FAILURE_INPUT);
    assert_int_equal(pair_sum(), 0);
}

static bool ignores_an_error(struct db_tx *tx, void *context, struct failure *f)
{
    (void)context;
    (void)f;
    db_execute(tx, &pair_add, DB_VALUES(db_number(1), db_number(5)), NULL, NULL);
    db_execute(tx, &pair_insert, DB_VALUES(db_number(1)), NULL, NULL); /* a duplicate */
    return true;
}

static void a_failed_transaction_is_never_taken_for_committed(void **state)
{
    (void)state;
    struct failure f = {0};
    assert_false(db_transaction(db, ignores_an_error, NULL, &f));
    assert_int_equal(f.kind, FAILURE_DATABASE);
    assert_int_equal(pair_sum(), 0);
}

static long long lsn_of_add; /* where the log of changes stood when it was made */

static bool add_late(struct db_tx *tx, void *context, struct failure *f)
{
    static const struct db_statement where = {
        "late_where", "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint"};
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    const bool *fails = context;
    if (!db_flush_late(tx, f) ||
        !db_execute(tx, &pair_add, DB_VALUES(db_number(1), db_number(1)), NULL, f) ||
        !db_query(tx, &where, DB_NO_VALUES, &rows, f))
        return false;
    lsn_of_add = db_get_number(rows, 0, 0);
    return !*fails || failure_set(f, FAILURE_INPUT, "as the test wants");
}

static void what_is_flushed_late_is_flushed_all_the_same(void **state)
{
    (void)state;
    struct failure f = {0};
    bool fails = false;
    assert_true(db_transaction(db, add_late, &fails, &f));
    assert_true(test_sql_number(&database, "SELECT (pg_current_wal_flush_lsn() - '0/0')::bigint") >
                lsn_of_add);
    long long sum = pair_sum();
    assert_int_equal(sum, 1);
    fails = true;
    assert_false(db_transaction(db, add_late, &fails, &f));
    assert_int_equal(pair_sum(), sum);
    assert_string_equal(f.text, "as the test wants");
}

static void work_without_statements_is_fine(void **state)
{
    (void)state;
    struct failure f = {0};
    assert_true(db_ping(db, &f));
}

struct crossing {
    pthread_barrier_t *barrier;
    int first, second;
    int runs;
    bool done;
};

/* Two of these, crosswise, deadlock the first time. */
static bool crossing_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct crossing *c = context;
    if (!db_execute(tx, &pair_add, DB_VALUES(db_number(c->first), db_number(1)), NULL, f))
        return false;
    if (c->runs++ == 0)
        pthread_barrier_wait(c->barrier);
    return db_execute(tx, &pair_add, DB_VALUES(db_number(c->second), db_number(1)), NULL, f);
}

static void *crossing_run(void *context)
{
    struct crossing *c = context;
    c->done = db_transaction(db, crossing_work, c, NULL);
    return NULL;
}

static void a_deadlock_is_run_again(void **state)
{
    (void)state;
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, 2);
    struct crossing a = {&barrier, 1, 2, 0, false}, b = {&barrier, 2, 1, 0, false};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, crossing_run, &a), 0);
    crossing_run(&b);
    pthread_join(thread, NULL);
    assert_true(a.done && b.done);
    /* One of them was the victim, at least once; when both were, they may meet again. */
    assert_in_range(a.runs, 1, 8);
    assert_in_range(b.runs, 1, 8);
    assert_true(a.runs + b.runs >= 3);
    assert_int_equal(pair_sum(), 4);
    pthread_barrier_destroy(&barrier);
}

struct serial {
    int runs;
    int fail_until;
};

static bool serialization_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct serial *s = context;
    static const struct db_statement isolation = {
        "isolation", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"};
    struct db_rows *rows;
    s->runs++;
    if (!db_execute(tx, &isolation, DB_NO_VALUES, NULL, f) ||
        !db_query(tx, &pair_get, DB_VALUES(db_number(1)), &rows, f))
        return false;
    db_rows_free(rows);
    if (s->runs <= s->fail_until) /* somebody else changes the row under our snapshot */
        test_sql(&database, "UPDATE pair SET n = n + 100 WHERE id = 1");
    return db_execute(tx, &pair_add, DB_VALUES(db_number(1), db_number(1)), NULL, f);
}

static void a_serialization_failure_is_run_again_but_not_for_ever(void **state)
{
    (void)state;
    struct failure f = {0};
    struct serial twice = {0, 2}, always = {0, 1000};
    assert_true(db_transaction(db, serialization_work, &twice, &f));
    assert_int_equal(twice.runs, 3);
    assert_int_equal(pair_sum(), 201);
    assert_false(db_transaction(db, serialization_work, &always, &f));
    assert_int_equal(f.kind, FAILURE_CONFLICT);
    assert_int_equal(always.runs, 8);
}

static bool count_runs_and_fail(struct db_tx *tx, void *context, struct failure *f)
{
    ++*(int *)context;
    return db_execute(tx, &pair_insert, DB_VALUES(db_number(1)), NULL, f);
}

static void other_errors_are_not_run_again(void **state)
{
    (void)state;
    struct failure f = {0};
    int runs = 0;
    assert_false(db_transaction(db, count_runs_and_fail, &runs, &f));
    assert_int_equal(runs, 1);
    assert_int_equal(f.kind, FAILURE_DATABASE);
    assert_non_null(strstr(f.text, "23505"));
    assert_non_null(strstr(f.text, "pair_insert"));
}

/* --- connections that break --------------------------------------------------------------------
 */

static void an_idle_connection_that_was_killed_is_opened_again(void **state)
{
    (void)state;
    struct failure f = {0};
    assert_true(db_transaction(db, add_one, NULL, &f));
    for (int i = 0; i < 5; i++) {
        assert_true(test_sql_number(&database, KILL_OTHERS) >= 1);
        assert_true(db_transaction(db, add_one, NULL, &f));
    }
    assert_int_equal(pair_sum(), 6);
}

static bool add_and_be_killed_once(struct db_tx *tx, void *context, struct failure *f)
{
    int *runs = context;
    if (!add_one(tx, NULL, f))
        return false;
    if (++*runs == 1)
        return db_execute(tx, &terminate_self, DB_NO_VALUES, NULL, f);
    return true;
}

static void a_connection_killed_before_commit_is_run_again_whole(void **state)
{
    (void)state;
    struct failure f = {0};
    int runs = 0;
    assert_true(db_transaction(db, add_and_be_killed_once, &runs, &f));
    assert_int_equal(runs, 2);
    assert_int_equal(pair_sum(), 1);
}

/* The deferred trigger kills the backend while COMMIT is under way. */
static void a_connection_killed_in_commit_is_not_run_again(void **state)
{
    (void)state;
    test_sql(&database,
             "SET client_min_messages = warning; CREATE FUNCTION die() RETURNS trigger LANGUAGE "
             "plpgsql SECURITY DEFINER AS "
             "$$BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END$$;"
             "CREATE CONSTRAINT TRIGGER die AFTER UPDATE ON pair DEFERRABLE INITIALLY DEFERRED "
             "FOR EACH ROW EXECUTE FUNCTION die()");
    struct failure f = {0};
    bool done = db_transaction(db, add_one, NULL, &f);
    test_sql(&database, "SET client_min_messages = warning; DROP FUNCTION die CASCADE");
    assert_false(done);
    assert_int_equal(f.kind, FAILURE_NETWORK);
    assert_non_null(strstr(f.text, "not known"));
    assert_int_equal(pair_sum(), 0);
    assert_true(db_transaction(db, add_one, NULL, &f));
}

static bool planned_work(struct db_tx *tx, void *context, struct failure *f)
{
    static const struct db_statement how = {
        "planned", "SELECT current_setting('plan_cache_mode'), pg_backend_pid()"};
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    int64_t *pid = context;
    if (!db_query(tx, &how, DB_NO_VALUES, &rows, f))
        return false;
    *pid = strcmp(db_get_text(rows, 0, 0), "force_generic_plan") == 0 ? -db_get_number(rows, 0, 1)
                                                                      : db_get_number(rows, 0, 1);
    return true;
}

static void statements_are_planned_once_where_that_is_asked_for(void **state)
{
    (void)state;
    struct failure f = {0};
    struct db *own = test_database_open(&database, "owner", 1);
    int64_t before, after;
    assert_true(db_transaction(own, planned_work, &before, &f));
    assert_true(before > 0);
    db_plan_once(own);
    assert_true(db_transaction(own, planned_work, &after, &f));
    assert_true(after < 0 && after != -before); /* on a connection that was made anew */
    db_close(own);
}

/* --- several questions -------------------------------------------------------------------------
 */

static const struct db_statement no_such = {"no_such", "SELECT n / 0 FROM pair WHERE id = $1"};

static void several_questions_are_answered_each_in_its_place(void **state)
{
    (void)state;
    struct failure f = {0};
    _cleanup_(cleanup_db_rows) struct db_rows *one = NULL, *none = NULL, *two = NULL;
    test_sql(&database, "UPDATE pair SET n = 10 * id");
    assert_true(db_look(db,
                        DB_QUESTIONS({&pair_get, DB_VALUES(db_number(1)), &one},
                                     {&pair_get, DB_VALUES(db_number(3)), &none},
                                     {&pair_get, DB_VALUES(db_number(2)), &two}),
                        &f));
    assert_int_equal(db_get_number(one, 0, 0), 10);
    assert_int_equal(db_row_count(none), 0);
    assert_int_equal(db_get_number(two, 0, 0), 20);
}

static void of_questions_that_fail_none_is_answered(void **state)
{
    (void)state;
    struct failure f = {0};
    struct db_rows *one = NULL, *bad = NULL, *two = NULL;
    assert_false(db_look(db,
                         DB_QUESTIONS({&pair_get, DB_VALUES(db_number(1)), &one},
                                      {&no_such, DB_VALUES(db_number(1)), &bad},
                                      {&pair_get, DB_VALUES(db_number(2)), &two}),
                         &f));
    assert_int_equal(f.kind, FAILURE_DATABASE);
    assert_true(!one && !bad && !two);
    assert_true(db_look(db, DB_QUESTIONS({&pair_get, DB_VALUES(db_number(1)), &one}), &f));
    db_rows_free(one);
}

static bool add_and_ask(struct db_tx *tx, void *context, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *one = NULL, *two = NULL;
    (void)context;
    if (!db_send(tx, &pair_add, DB_VALUES(db_number(1), db_number(5)), 1, f) ||
        !db_query_all(tx,
                      DB_QUESTIONS({&pair_get, DB_VALUES(db_number(1)), &one},
                                   {&pair_get, DB_VALUES(db_number(2)), &two}),
                      f))
        return false;
    assert_int_equal(db_get_number(one, 0, 0) - db_get_number(two, 0, 0), 5);
    return true;
}

static void questions_see_what_their_transaction_did(void **state)
{
    (void)state;
    struct failure f = {0};
    assert_true(db_transaction(db, add_and_ask, NULL, &f));
    assert_int_equal(pair_sum(), 5);
}

static void a_look_on_a_connection_that_was_killed_is_taken_again(void **state)
{
    (void)state;
    struct failure f = {0};
    struct db_rows *one = NULL;
    assert_true(db_transaction(db, add_one, NULL, &f));
    assert_true(test_sql_number(&database, KILL_OTHERS) >= 1);
    assert_true(db_look(db, DB_QUESTIONS({&pair_get, DB_VALUES(db_number(1)), &one}), &f));
    assert_int_equal(db_get_number(one, 0, 0), 1);
    db_rows_free(one);
}

static void a_role_that_does_not_exist_fails_at_once(void **state)
{
    (void)state;
    struct failure f = {0};
    struct db *nobody = test_database_open(&database, "nobody-of-this-name", 1);
    int64_t start = clock_monotonic();
    assert_false(db_ping(nobody, &f));
    assert_int_equal(f.kind, FAILURE_USAGE);
    assert_true(clock_monotonic() - start < 5 * INSTANT_SECOND);
    db_close(nobody);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup(test, reset)
    const struct CMUnitTest tests[] = {
        EACH(every_kind_of_value_comes_back_as_it_went),
        EACH(arrays_of_texts_keep_their_elements),
        EACH(lists_of_one_type_keep_their_elements),
        EACH(work_that_fails_leaves_nothing),
        EACH(a_failed_transaction_is_never_taken_for_committed),
        EACH(work_without_statements_is_fine),
        EACH(what_is_flushed_late_is_flushed_all_the_same),
        EACH(a_deadlock_is_run_again),
        EACH(a_serialization_failure_is_run_again_but_not_for_ever),
        EACH(other_errors_are_not_run_again),
        EACH(an_idle_connection_that_was_killed_is_opened_again),
        EACH(a_connection_killed_before_commit_is_run_again_whole),
        EACH(a_connection_killed_in_commit_is_not_run_again),
        EACH(statements_are_planned_once_where_that_is_asked_for),
        EACH(several_questions_are_answered_each_in_its_place),
        EACH(of_questions_that_fail_none_is_answered),
        EACH(questions_see_what_their_transaction_did),
        EACH(a_look_on_a_connection_that_was_killed_is_taken_again),
        EACH(a_role_that_does_not_exist_fails_at_once),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
