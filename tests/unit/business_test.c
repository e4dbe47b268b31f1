#include "deploy/sandbox/business.h"

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "tests/support/routing.h"

#define HASH "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static char folder[64];
static char store_path[96];

static int set_up(void **state)
{
    (void)state;
    house_make();
    snprintf(folder, sizeof folder, "/tmp/uketsuke-test-business.XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(store_path, sizeof store_path, "%s/store", folder);
    return 0;
}

static void remove_store(const char *path)
{
    char *command = text_format("rm -rf '%s'", path);
    FILE *rm = popen(command, "r");
    if (rm)
        pclose(rm);
    free(command);
}

static int tear_down(void **state)
{
    (void)state;
    house_drop();
    remove_store(folder);
    return 0;
}

static int reset(void **state)
{
    (void)state;
    house_clear();
    remove_store(store_path);
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
    if (!business_store_open(store_path, true, &b.store, &f))
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

static size_t stored(size_t *ret_duplicates)
{
    struct business_store store;
    struct failure f = {0};
    assert_true(business_store_open(store_path, false, &store, &f));
    size_t count = store.count;
    *ret_duplicates = store.duplicates + store.damaged;
    business_store_close(&store);
    return count;
}

/* --- the whole way ------------------------------------------------------------------------------
 */

static void what_waits_is_stored_and_receipted_once(void **state)
{
    (void)state;
    for (int pages = 1; pages <= 2; pages++) { /* singly, and in a batch */
        house_clear();
        remove_store(store_path);
        int count = pages == 1 ? 2 : 8;
        for (int n = 1; n <= count; n++)
            put_good(n);
        struct business b = open_business();
        work(&b);
        work(&b);
        business_store_close(&b.store);
        size_t duplicates;
        assert_int_equal(stored(&duplicates), count);
        assert_int_equal(duplicates, 0);
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
    char *receipts = text_format("%s/receipts.journal", store_path);
    assert_int_equal(truncate(receipts, 0), 0); /* it does not know that it was taken */
    free(receipts);
    house.accepted = 0;
    b = open_business();
    assert_false(b.store.items[0].receipted);
    work(&b);
    assert_true(b.store.items[0].receipted);
    business_store_close(&b.store);
    assert_int_equal(house.accepted, 0);
    assert_int_equal(test_sql_number(&house.database, "SELECT repeated FROM delivery"), 1);
    size_t duplicates;
    assert_int_equal(stored(&duplicates), 1);
    assert_int_equal(duplicates, 0);
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
    struct business_item item = {.id = id, .accepted = true, .receipted = true};
    sha256_hex(bytes_of_text(text), item.sha256);
    business_store_add(&b.store, &item, bytes_of_text(text));
    struct failure f = {0};
    assert_true(business_store_save(&b.store, &f));
    free(text);
    work(&b);
    assert_int_equal(b.redelivered, 1);
    business_store_close(&b.store);
    assert_int_equal(house.accepted, 1);
    size_t duplicates;
    assert_int_equal(stored(&duplicates), 1);
    assert_int_equal(duplicates, 0);
}

/* --- the store ----------------------------------------------------------------------------------
 */

static void append_to_journal(const char *text)
{
    char *path = text_format("%s/items.journal", store_path);
    FILE *out = fopen(path, "a");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
    free(path);
}

static void a_line_that_a_crash_tore_is_cut_off(void **state)
{
    (void)state;
    put_good(1);
    struct business b = open_business();
    work(&b);
    business_store_close(&b.store);
    append_to_journal("{\"id\":\"99\",\"sha256\":\"");
    put_good(2);
    b = open_business();
    assert_int_equal(b.store.count, 1);
    assert_int_equal(b.store.damaged, 0);
    work(&b);
    business_store_close(&b.store);
    size_t duplicates;
    assert_int_equal(stored(&duplicates), 2);
    assert_int_equal(duplicates, 0);
}

static void a_duplicate_or_damage_does_not_hide(void **state)
{
    (void)state;
    put_good(1);
    struct business b = open_business();
    work(&b);
    business_store_close(&b.store);
    char *path = text_format("%s/items.journal", store_path), *line = NULL;
    FILE *in = fopen(path, "r");
    size_t room = 0, duplicates;
    assert_true(in && getline(&line, &room, in) > 0);
    fclose(in);
    append_to_journal(line);
    assert_int_equal(stored(&duplicates), 1);
    assert_int_equal(duplicates, 1);
    append_to_journal("{\"id\":\"5\"}\n");
    assert_int_equal(stored(&duplicates), 1);
    assert_int_equal(duplicates, 2);
    free(line);
    free(path);
}

static void a_store_has_one_writer(void **state)
{
    (void)state;
    struct business b = open_business();
    struct business_store other;
    struct failure f = {0};
    assert_false(business_store_open(store_path, true, &other, &f));
    assert_int_equal(f.kind, FAILURE_USAGE);
    assert_true(business_store_open(store_path, false, &other, &f));
    business_store_close(&other);
    business_store_close(&b.store);
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
        EACH(a_line_that_a_crash_tore_is_cut_off),
        EACH(a_duplicate_or_damage_does_not_hide),
        EACH(a_store_has_one_writer),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
