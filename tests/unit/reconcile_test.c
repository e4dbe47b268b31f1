/* Reconciliation of hand-over: the format and the comparison, then what was handed over on a real
 * database, as the role operator reads it. */
#include "routing/reconcile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "intake/schema.h"
#include "routing/handed_over.h"
#include "tests/support/applications.h"
#include "tests/unit/check.h"

#define A    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define TIME "2026-11-21T09:00:00.000000+09:00"
#define HEAD RECONCILE_HEADER "\r\n"

/* --- the format ------------------------------------------------------------------------------- */

static bool read_text(const char *text, struct reconcile_list *ret_list, struct failure *f)
{
    FILE *in = fmemopen((void *)text, strlen(text), "r");
    bool good = reconcile_read(in, ret_list, f);
    fclose(in);
    return good;
}

static struct reconcile_list good_list(const char *text)
{
    struct reconcile_list list = {0};
    struct failure f = {0};
    if (!read_text(text, &list, &f))
        fail_msg("%s", f.text);
    return list;
}

static char *written(const struct reconcile_list *list)
{
    struct buffer csv = {0};
    buffer_append_text(&csv, HEAD);
    for (size_t i = 0; i < list->count; i++)
        reconcile_write(&list->at[i], &csv);
    buffer_text(&csv);
    return (char *)csv.data;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    static const char text[] =
        HEAD "1,R-1,application," A "," TIME ",pull,,yes,2\r\n"
             "2,R-2,notice," B "," TIME ",files,9223372036854775807,waiting,0\r\n"
             "3,R-2,application,," TIME ",files,1,none,0\r\n"
             "9223372036854775807,-,application," A "," TIME ",pull,,no,1\r\n";
    struct reconcile_list list = good_list(text);
    _cleanup_(cleanup_text) char *again = written(&list);
    assert_string_equal(again, text);
    assert_int_equal(list.count, 4);
    assert_true(list.at[1].notice && list.at[1].batch == INT64_MAX);
    assert_int_equal(list.at[0].receipts, 2);
    assert_false(list.at[0].outside);
    reconcile_list_free(&list);
    list = good_list(RECONCILE_HEADER "\n"); /* no line feed is demanded, nor a row */
    assert_int_equal(list.count, 0);
    reconcile_list_free(&list);
}

static void expect_fault(const char *text, const char *fault)
{
    struct reconcile_list list = {0};
    struct failure f = {0};
    assert_false(read_text(text, &list, &f));
    assert_failure(f, FAILURE_INPUT, fault);
    assert_null(list.at);
}

static void expect_row_fault(const char *row, const char *fault)
{
    _cleanup_(cleanup_text) char *text =
        text_format(HEAD "1,R-1,application," A "," TIME ",pull,,yes,1\r\n%s\r\n", row);
    _cleanup_(cleanup_text) char *line = text_format("line 3: %s", fault);
    expect_fault(text, line);
}

static void what_is_wrong_is_named_with_its_line(void **state)
{
    (void)state;
    expect_fault("\xEF\xBB\xBF", "line 1: the file is empty");
    expect_fault("id,receipt_number\n", "line 1: the header must be id,");
    expect_fault("ID,receipt_number,kind,sha256,handed_over_at,way,batch,accepted,receipts\n",
                 "line 1: the header must be");
    expect_row_fault("2,R-1", "a row has nine columns");
    expect_row_fault("2,R-1,application," A "," TIME ",pull,,yes,1,", "a row has nine columns");
    expect_row_fault("0,R-1,application," A "," TIME ",pull,,yes,1", "not a possible id");
    expect_row_fault("9223372036854775808,R,application," A "," TIME ",pull,,yes,1",
                     "not a possible id");
    expect_row_fault("2,=1+1,application," A "," TIME ",pull,,yes,1",
                     "not a possible receipt_number");
    expect_row_fault("2,,application," A "," TIME ",pull,,yes,1", "not a possible receipt_number");
    expect_row_fault("2,R-1,Notice," A "," TIME ",pull,,yes,1", "not a possible kind");
    expect_row_fault("2,R-1,notice,aa," TIME ",pull,,yes,1", "not a possible sha256");
    expect_row_fault("2,R-1,notice,A" A "," TIME ",pull,,yes,1", "not a possible sha256");
    expect_row_fault("2,R-1,notice," A ",2026-11-21,pull,,yes,1", "not a possible handed_over_at");
    expect_row_fault("2,R-1,notice," A ",9999-12-31T23:00:00Z,pull,,yes,1",
                     "not a possible handed_over_at");
    expect_row_fault("2,R-1,notice," A "," TIME ",fax,,yes,1", "not a possible way");
    expect_row_fault("2,R-1,notice," A "," TIME ",pull,1,yes,1", "not a possible batch");
    expect_row_fault("2,R-1,notice," A "," TIME ",files,,yes,1", "not a possible batch");
    expect_row_fault("2,R-1,notice," A "," TIME ",pull,,maybe,1", "not a possible accepted");
    expect_row_fault("2,R-1,notice," A "," TIME ",pull,,yes,-1", "not a possible receipts");
    expect_row_fault("1,R-1,notice," A "," TIME ",pull,,yes,1", "rows must be ordered by id");
    expect_row_fault("2,\"R-1,notice", "");
}

static void an_export_has_its_limit(void **state)
{
    (void)state;
    struct reconcile_list list = {0};
    struct reconcile_item item = {0};
    struct failure f = {0};
    for (item.id = 1; item.id <= RECONCILE_ITEMS_MOST; item.id++)
        if (!reconcile_add(&list, &item, &f))
            fail_msg("%s", f.text);
    assert_false(reconcile_add(&list, &item, &f));
    assert_failure(f, FAILURE_LIMIT, "more than 1000000 items");
    reconcile_list_free(&list);
}

/* --- the comparison --------------------------------------------------------------------------- */

static void note(enum reconcile_difference difference, const struct reconcile_item *ours,
                 const struct reconcile_item *theirs, void *context)
{
    static const char signs[] = "htsa"; /* missing here, there; SHA-256, answer */
    assert_true((ours != NULL) == (difference != RECONCILE_MISSING_HERE));
    assert_true((theirs != NULL) == (difference != RECONCILE_MISSING_THERE));
    buffer_format(context, "%" PRId64 "%c ", (ours ? ours : theirs)->id, signs[difference]);
}

static void expect_differences(const struct reconcile_list *ours,
                               const struct reconcile_list *theirs, const char *wanted)
{
    _cleanup_(cleanup_buffer) struct buffer seen = {0};
    size_t count = reconcile_compare(ours, theirs, note, &seen), spaces = 0;
    for (const char *at = wanted; *at; at++)
        spaces += *at == ' ';
    assert_string_equal(buffer_text(&seen), wanted);
    assert_int_equal(count, spaces);
}

static void each_difference_is_told(void **state)
{
    (void)state;
    static const struct reconcile_list none = {0};
    struct reconcile_item here[] = {{.id = 1, .sha256 = A, .receipts = 1},
                                    {.id = 3, .sha256 = A},
                                    {.id = 4, .sha256 = A, .accepted = RECONCILE_WAITING},
                                    {.id = 5, .accepted = RECONCILE_NONE},
                                    {.id = 6, .sha256 = A, .outside = true},
                                    {.id = 7, .sha256 = A, .outside = true}};
    struct reconcile_item there[] = {{.id = 1, .sha256 = A, .receipts = 7, .batch = 3},
                                     {.id = 2, .sha256 = A},
                                     {.id = 4, .sha256 = B, .accepted = RECONCILE_YES},
                                     {.id = 5, .sha256 = B, .accepted = RECONCILE_NONE},
                                     {.id = 7, .sha256 = B},
                                     {.id = 8, .sha256 = B}};
    const struct reconcile_list ours = {here, 6, 6}, theirs = {there, 6, 6};
    expect_differences(&none, &none, "");
    expect_differences(&ours, &ours, "");
    expect_differences(&ours, &theirs, "2h 3t 4s 4a 7s 8h ");
    expect_differences(&none, &theirs, "1h 2h 4h 5h 7h 8h ");
    expect_differences(&ours, &none, "1t 3t 4t 5t "); /* what is outside nobody misses */
}

/* --- what was handed over --------------------------------------------------------------------- */

static struct test_database database;
static struct db *db; /* as operator */
static struct city_key *city_key;

static int set_up(void **state)
{
    (void)state;
    test_database_make(&database, NULL, NULL, 0);
    test_database_upgrade(&database, schema_migrations, schema_migration_count);
    db = test_database_open(&database, "operator", 1);
    city_key = test_city_key(&database);
    for (int n = 1; n <= 8; n++)
        test_application_make(&database, city_key, n, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    db_close(db);
    city_key_free(city_key);
    test_database_drop(&database);
    return 0;
}

static int reset(void **state)
{
    (void)state;
    test_sql(&database, "DELETE FROM file_batch_item; DELETE FROM file_batch; DELETE FROM outbox;"
                        "DELETE FROM delivery");
    return 0;
}

static void deliver(int n, const char *destination, const char *status, const char *at,
                    bool accepted)
{
    char id[37];
    _cleanup_(cleanup_text) char *sql = text_format(
        "INSERT INTO delivery (city_code, destination, outbox_id, application_id, created_at,"
        " delivered_at, attempts, status, sha256, accepted, repeated) VALUES ('" TEST_CITY "',"
        " '%s', %d, '%s', '2026-11-01', '%s', 1, nullif('%s', ''), '\\x" A "', %s, %d)",
        destination, n, test_application_id(n, id), at, status, accepted ? "true" : "false", n - 1);
    test_sql(&database, sql);
}

static void wait_for(int n)
{
    char id[37];
    _cleanup_(cleanup_text) char *sql = text_format(
        "INSERT INTO outbox (city_code, destination, outbox_id, application_id, sha256)"
        " OVERRIDING SYSTEM VALUE VALUES ('" TEST_CITY "', 'health', %d, '%s', '\\x" B "')",
        n, test_application_id(n, id));
    test_sql(&database, sql);
}

/* A batch with application n; not written when `written` is NULL, given up when `manifest` is "".
 */
static void batch(int batch_id, int n, const char *status, const char *made, const char *written,
                  const char *manifest)
{
    char id[37];
    _cleanup_(cleanup_text) char *sql = text_format(
        "INSERT INTO file_batch (city_code, destination, batch_id, made_at, encoding, line_end,"
        " attachments, package, items, due_at, written_at, manifest_sha256)"
        " OVERRIDING SYSTEM VALUE VALUES ('" TEST_CITY "', 'health', %d, '%s', 'utf-8', 'lf',"
        " false, false, 1, '%s', nullif('%s', '')::timestamptz, nullif('%s', '')::bytea);"
        "INSERT INTO file_batch_item (city_code, destination, batch_id, position, outbox_id,"
        " application_id, status, settled) VALUES ('" TEST_CITY "', 'health', %d, 1, %d, '%s',"
        " '%s', true)",
        batch_id, made, made, written, manifest, batch_id, n, test_application_id(n, id), status);
    test_sql(&database, sql);
}

static struct reconcile_list look(const char *destination, const struct reconcile_list *named)
{
    const struct handed_over_query query = {.city_code = TEST_CITY,
                                            .destination = destination,
                                            .from = day_start((struct day){2026, 11, 10}),
                                            .to = day_start((struct day){2026, 11, 12}),
                                            .named = named};
    struct reconcile_list list = {0};
    struct failure f = {0};
    if (!handed_over_read(db, &query, &list, &f))
        fail_msg("%s", f.text);
    return list;
}

static void expect_export(const char *destination, const char *rows)
{
    struct reconcile_list list = look(destination, NULL);
    _cleanup_(cleanup_text) char *csv = written(&list);
    assert_string_equal(csv + strlen(HEAD), rows);
    reconcile_list_free(&list);
}

static void what_was_pulled_in_the_period(void **state)
{
    (void)state;
    expect_export("health", "");
    deliver(1, "health", "", "2026-11-09T23:59:59.999999+09:00", true);
    deliver(2, "health", "", "2026-11-10T00:00:00+09:00", true);
    deliver(3, "health", "withdrawn", "2026-11-11T23:59:59.999999+09:00", false);
    deliver(4, "health", "", "2026-11-12T00:00:00+09:00", true);
    deliver(5, "child-allowance", "", "2026-11-11T00:00:00+09:00", true);
    wait_for(6); /* was not handed over */
    wait_for(2); /* again, after a redelivery */
    expect_export("health", "2,R-00000002,application," A ",2026-11-10T00:00:00.000000+09:00,"
                            "pull,,yes,2\r\n"
                            "3,R-00000003,notice," A ",2026-11-11T23:59:59.999999+09:00,"
                            "pull,,no,3\r\n");
}

static void what_lay_in_a_batch_in_the_period(void **state)
{
    (void)state;
    batch(11, 1, "", "2026-11-09", "2026-11-10T00:00:00+09:00", "m"); /* answered later */
    deliver(1, "health", "", "2026-11-20T00:00:00+09:00", true);
    batch(12, 2, "withdrawn", "2026-11-09", "2026-11-11T00:00:00+09:00", "m");
    wait_for(2);
    batch(13, 3, "", "2026-11-09", "2026-11-11T00:00:00+09:00", "m"); /* withdrawn since */
    batch(14, 4, "", "2026-11-09", "2026-11-11T00:00:00+09:00", "");  /* given up */
    batch(15, 5, "", "2026-11-09", "", "");                           /* not written yet */
    wait_for(5);
    batch(16, 1, "", "2026-11-21", "2026-11-22T00:00:00+09:00", "m"); /* redelivered */
    batch(17, 2, "", "2026-11-11", "2026-11-11T01:00:00+09:00", "m"); /* and again, no answer */
    deliver(6, "health", "", "2026-11-10T00:00:00+09:00", true);
    batch(18, 6, "", "2026-11-11", "2026-11-11T00:00:00+09:00", "m"); /* pulled before */
    batch(19, 7, "", "2026-11-10", "2026-11-11T00:00:00+09:00", "m"); /* answered before noted */
    deliver(7, "health", "", "2026-11-10T12:00:00+09:00", true);
    expect_export(
        "health",
        "1,R-00000001,application," A ",2026-11-10T00:00:00.000000+09:00,files,11,yes,1\r\n"
        "2,R-00000002,notice," B ",2026-11-11T00:00:00.000000+09:00,files,12,waiting,0\r\n"
        "3,R-00000003,application,,2026-11-11T00:00:00.000000+09:00,files,13,none,0\r\n"
        "6,R-00000006,application," A ",2026-11-10T00:00:00.000000+09:00,pull,,yes,6\r\n"
        "7,R-00000007,application," A ",2026-11-10T12:00:00.000000+09:00,files,19,yes,7\r\n");
}

static void what_the_other_side_names_is_looked_up_at_any_time(void **state)
{
    (void)state;
    deliver(1, "health", "", "2026-11-09T23:59:59+09:00", true);
    deliver(2, "health", "", "2026-11-12T00:00:00+09:00", true); /* nobody names it */
    batch(11, 3, "", "2026-10-01", "2026-10-01T00:00:00+09:00", "m");
    wait_for(3);
    deliver(4, "child-allowance", "", "2026-11-11T00:00:00+09:00", true);
    struct reconcile_list theirs =
        good_list(HEAD "1,R-1,application," A "," TIME ",pull,,yes,1\r\n"
                       "3,R-3,application," B "," TIME ",files,11,yes,1\r\n"
                       "4,R-4,application," A "," TIME ",pull,,yes,1\r\n");
    struct reconcile_list ours = look("health", &theirs);
    assert_int_equal(ours.count, 2);
    assert_true(ours.at[0].outside && ours.at[1].outside);
    expect_differences(&ours, &theirs, "3a 4h ");
    reconcile_list_free(&ours);
    reconcile_list_free(&theirs);
}

/* More than one page of the query, and each once. */
static void many_come_in_their_order(void **state)
{
    (void)state;
    char id[37];
    _cleanup_(cleanup_text) char *sql = text_format(
        "INSERT INTO delivery (city_code, destination, outbox_id, application_id, created_at,"
        " delivered_at, attempts, sha256, accepted) SELECT '" TEST_CITY "', 'health', n, '%s',"
        " '2026-11-01', '2026-11-11', 1, '\\x" A "', true FROM generate_series(1, 45000) AS n",
        test_application_id(1, id));
    test_sql(&database, sql);
    struct reconcile_list list = look("health", NULL);
    assert_int_equal(list.count, 45000);
    for (size_t i = 0; i < list.count; i++)
        assert_int_equal(list.at[i].id, i + 1);
    reconcile_list_free(&list);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup(test, reset)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(what_is_wrong_is_named_with_its_line),
        cmocka_unit_test(an_export_has_its_limit),
        cmocka_unit_test(each_difference_is_told),
        EACH(what_was_pulled_in_the_period),
        EACH(what_lay_in_a_batch_in_the_period),
        EACH(what_the_other_side_names_is_looked_up_at_any_time),
        EACH(many_come_in_their_order),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
