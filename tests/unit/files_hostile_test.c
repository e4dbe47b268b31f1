/* What would make hand-over by files lose, double, leak or half-write an item, on a real database
 * and in a real directory. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "routing/files_internal.h"
#include "tests/support/files.h"
#include "tests/unit/check.h"

static long long number(const char *sql)
{
    return test_sql_number(&desk.database, sql);
}

static void sql(const char *text)
{
    test_sql(&desk.database, text);
}

static void error_must_say(const char *words)
{
    char *why = test_sql_text(&desk.database, "SELECT coalesce(last_error, '') FROM file_batch "
                                              "ORDER BY batch_id DESC LIMIT 1");
    if (!strstr(why, words))
        fail_msg("\"%s\" is not in \"%s\"", words, why);
    free(why);
}

/* Of what may not leave, the first application of the tests. */
static bool not_the_first(struct db_tx *tx, const char *destination, struct recheck_item *items,
                          size_t count, void *context, struct failure *f)
{
    (void)tx, (void)destination, (void)context, (void)f;
    char id[37];
    for (size_t i = 0; i < count; i++)
        items[i].may_leave = strcmp(items[i].application_id, test_application_id(1, id)) != 0;
    return true;
}

static void the_first_comes_under_protection(void)
{
    sql("UPDATE outbox SET checked = -1");
    desk.options.routing.on_recheck = not_the_first;
}

static int reset(void **state)
{
    desk.options.routing.on_recheck = NULL;
    umount2(desk.place, MNT_DETACH); /* what a test that failed left */
    sql("DROP FUNCTION IF EXISTS cut_off CASCADE");
    return files_reset(state);
}

/* Items 1 and 2 are in a batch of which nothing could be written yet. */
static char *batch_that_waits(void)
{
    struct failure f = {0};
    files_put_item(1, "山田");
    files_put_item(2, "佐藤");
    files_run("mv %s %s.away", desk.place, desk.place);
    usleep(150000);
    assert_int_equal(files_step(&desk.options, &f), WORK_DONE);
    files_run("mv %s.away %s", desk.place, desk.place);
    return files_first_batch();
}

/* --- batches ---------------------------------------------------------------------------------- */

/* Killed after the done-marker: it has left, whoever comes under protection then. */
static void what_has_its_marker_has_left(void **state)
{
    (void)state;
    files_put_item(1, "山田");
    files_put_item(2, "佐藤");
    files_step_all();
    sql("UPDATE file_batch SET written_at = NULL, manifest_sha256 = NULL");
    the_first_comes_under_protection();
    files_step_all();
    files_step_all();
    _cleanup_(cleanup_text) char *folder = files_first_batch();
    files_must_be_whole(folder);
    assert_int_equal(number("SELECT count(*) FROM file_batch WHERE written_at > now() - interval "
                            "'1 minute' AND manifest_sha256 IS NOT NULL AND items = 2"),
                     1);
    assert_int_equal(number("SELECT count(*) FROM file_batch"), 1);
}

/* A database that was restored counts on from an older number. */
static void another_batch_of_that_name_is_not_taken_for_ours(void **state)
{
    (void)state;
    files_put_item(1, "山田");
    files_step_all();
    _cleanup_(cleanup_text) char *folder = files_first_batch();
    files_run("cp -r %s %s.before", folder, desk.place);
    sql("UPDATE file_batch SET written_at = NULL, manifest_sha256 = NULL,"
        " made_at = made_at + interval '1 second'");
    files_step_all();
    error_must_say("has the done-marker of another batch");
    assert_int_equal(number("SELECT count(*) FROM file_batch WHERE written_at IS NULL"), 1);
    files_run("diff -r %s %s.before && rm -r %s.before && mv %s %s/read-already", folder,
              desk.place, desk.place, folder, desk.place);
    files_step_all();
    files_must_be_whole(folder);
    assert_int_equal(number("SELECT count(*) FROM file_batch WHERE written_at IS NULL"), 0);
}

/* As a place's own loss of power may leave it. */
static void half_a_marker_is_none(void **state)
{
    (void)state;
    _cleanup_(cleanup_text) char *folder = batch_that_waits();
    files_run("mkdir %s && : >%s/done && : >%s/manifest.json", folder, folder, folder);
    files_step_all();
    files_must_be_whole(folder);
}

/* A consumer of the pull API rejected it meanwhile, and its bytes are gone. */
static void what_is_kept_no_more_keeps_no_batch_waiting(void **state)
{
    (void)state;
    _cleanup_(cleanup_text) char *folder = batch_that_waits();
    sql("WITH gone AS (DELETE FROM outbox WHERE outbox_id = (SELECT min(outbox_id) FROM outbox) "
        "RETURNING outbox_id) DELETE FROM outbox_item USING gone"
        " WHERE outbox_item.outbox_id = gone.outbox_id");
    files_step_all();
    files_run("test ! -e %s/done && cd %s/batch-*[0-9] && test \"$(jq .item_count manifest.json)\" "
              "= 1 && sha256sum -c --quiet done",
              folder, desk.place);
    assert_int_equal(number("SELECT count(*) FROM file_batch WHERE items = 1"), 1);
}

static void nothing_stays_of_a_batch_that_is_given_up(void **state)
{
    (void)state;
    _cleanup_(cleanup_text) char *folder = batch_that_waits();
    files_run("mkdir -p %s/manifest.json", folder);
    files_step_all(); /* written but for the manifest */
    error_must_say("Is a directory");
    files_run("rmdir %s/manifest.json && test \"$(ls %s | wc -l)\" -ge 8", folder, folder);
    the_first_comes_under_protection();
    files_step_all();
    files_run("test -z \"$(ls -A %s)\"", folder);
    assert_int_equal(number("SELECT count(*) FROM file_batch WHERE items = 1"), 1);
    assert_int_equal(number("SELECT count(*) FROM outbox"), 1);
}

/* Else a withdrawal would be told to nobody (intake/withdrawal.c). */
static void who_may_have_read_it_is_known_before_it_is_there(void **state)
{
    (void)state;
    struct failure f = {0};
    files_put_item(1, "山田");
    sql("CREATE FUNCTION cut_off() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'cut off'; END $$; "
        "CREATE TRIGGER cut_off BEFORE UPDATE ON file_batch FOR EACH ROW EXECUTE FUNCTION "
        "cut_off()");
    usleep(150000);
    assert_int_equal(files_step(&desk.options, &f), WORK_FAILED);
    _cleanup_(cleanup_text) char *folder = files_first_batch();
    files_must_be_whole(folder);
    assert_int_equal(number("SELECT attempts FROM outbox"), 1);
    sql("DROP TRIGGER cut_off ON file_batch; DROP FUNCTION cut_off");
    files_step_all();
    assert_int_equal(number("SELECT count(*) FROM file_batch WHERE written_at IS NOT NULL"), 1);
}

static void a_clock_that_went_back_keeps_no_batch_waiting(void **state)
{
    (void)state;
    _cleanup_(cleanup_text) char *folder = batch_that_waits();
    sql("UPDATE file_batch SET due_at = now() + interval '400 days'; "
        "UPDATE file_place SET lease_until = now() + interval '400 days',"
        " receipts_at = now() + interval '400 days'");
    files_step_all();
    files_must_be_whole(folder);
}

static void a_folder_that_is_a_link_is_not_written_to(void **state)
{
    (void)state;
    _cleanup_(cleanup_text) char *folder = batch_that_waits();
    files_run("mkdir %s.elsewhere && ln -s %s.elsewhere %s", desk.place, desk.place, folder);
    files_step_all();
    error_must_say("Not a directory");
    files_run("test -z \"$(ls -A %s.elsewhere)\" && rmdir %s.elsewhere && rm %s", desk.place,
              desk.place, folder);
    files_step_all();
    files_must_be_whole(folder);
}

static void a_full_disk_and_one_for_reading_only_are_waited_for(void **state)
{
    (void)state;
    for (int n = 1; n <= 5; n++)
        files_put_item(n, "山田");
    if (mount("none", desk.place, "tmpfs", 0, "size=16k") != 0)
        skip(); /* needs root */
    files_step_all();
    error_must_say("No space left");
    assert_int_equal(number("SELECT count(*) FROM file_batch WHERE written_at IS NULL"), 1);
    files_run("! find %s -name done | grep . && ! find %s -name '.*' | grep .", desk.place,
              desk.place);
    assert_int_equal(mount("none", desk.place, NULL, MS_REMOUNT | MS_RDONLY, "size=4m"), 0);
    files_step_all();
    error_must_say("Read-only file system");
    assert_int_equal(mount("none", desk.place, NULL, MS_REMOUNT, "size=4m"), 0);
    files_step_all();
    _cleanup_(cleanup_text) char *folder = files_first_batch();
    files_must_be_whole(folder);
    umount(desk.place);
}

static void two_processes_at_once_double_nothing(void **state)
{
    (void)state;
    pid_t child[2];
    for (int n = 1; n <= 40; n++)
        files_put_item(n, "山田");
    for (int i = 0; i < 2; i++)
        if ((child[i] = fork()) == 0) {
            struct failure f = {0};
            files_make_options(test_database_open(&desk.database, "routing", 2));
            for (int step = 0; step < 40; step++) {
                if (files_step(&desk.options, &f) == WORK_FAILED)
                    _exit(1);
                usleep(5000);
            }
            _exit(0);
        }
    for (int i = 0; i < 2; i++) {
        int status;
        waitpid(child[i], &status, 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(number("SELECT count(*) FROM file_batch_item"), 40);
    assert_int_equal(number("SELECT count(DISTINCT outbox_id) FROM file_batch_item"), 40);
    assert_int_equal(number("SELECT count(*) FROM file_batch WHERE attempts = 1 AND written_at IS "
                            "NOT NULL"),
                     8);
    assert_int_equal(number("SELECT sum(attempts) FROM outbox"), 40);
}

/* --- receipts --------------------------------------------------------------------------------- */

static char *receipt_of(int n)
{
    char *sql_text = text_format(
        "SELECT 'id,sha256,result\n' || outbox_id || ',' || encode(sha256, 'hex') || ',accepted\n'"
        " FROM outbox ORDER BY outbox_id OFFSET %d LIMIT 1",
        n - 1);
    char *text = test_sql_text(&desk.database, sql_text);
    free(sql_text);
    return text;
}

static void write_receipt(const char *name, const char *text)
{
    char path[600];
    snprintf(path, sizeof path, "%s/receipts/%s", desk.place, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

static void two_items_are_out(char *ret_receipt[2])
{
    files_put_item(1, "山田");
    files_put_item(2, "佐藤");
    files_step_all();
    ret_receipt[0] = receipt_of(1);
    ret_receipt[1] = receipt_of(2);
}

static void receipts_free(char *receipt[2])
{
    free(receipt[0]);
    free(receipt[1]);
}

/* Killed after the done-marker; the business system took the batch and cleared it away. */
static void what_was_received_whole_is_not_written_again(void **state)
{
    (void)state;
    char *receipt[2];
    two_items_are_out(receipt);
    _cleanup_(cleanup_text) char *folder = files_first_batch();
    sql("UPDATE file_batch SET written_at = NULL, manifest_sha256 = NULL");
    write_receipt("a.csv", receipt[0]);
    write_receipt("b.csv", receipt[1]);
    files_run("rm -r %s", folder);
    files_step_all();
    assert_int_equal(desk.accepted, 2);
    files_run("test ! -e %s", folder);
    receipts_free(receipt);
}

static void one_file_of_receipts_keeps_no_other_waiting(void **state)
{
    (void)state;
    char *receipt[2];
    two_items_are_out(receipt);
    files_run("mkdir -p %s/receipts/done/a.csv/x", desk.place);
    write_receipt("a.csv", receipt[0]);
    write_receipt("b.csv", receipt[1]);
    files_step_all();
    assert_int_equal(desk.accepted, 2);
    files_run("cd %s/receipts && test -e done/b.csv && test -e taking/a.csv && rm -r done/a.csv",
              desk.place);
    files_step_all(); /* what could not be put away is, and only counted as repeated */
    assert_int_equal(desk.accepted, 2);
    files_run("cd %s/receipts && test -f done/a.csv && test -z \"$(ls taking)\" && "
              "grep -q repeated done/a.csv.results.json",
              desk.place);
    receipts_free(receipt);
}

static void a_name_too_long_for_its_results_is_left_alone(void **state)
{
    (void)state;
    char *receipt[2], name[260], fits[260];
    two_items_are_out(receipt);
    snprintf(name, sizeof name, "%0125d.csv", 1); /* 129 characters */
    snprintf(fits, sizeof fits, "%0124d.csv", 2);
    write_receipt(name, receipt[0]);
    write_receipt(fits, receipt[1]);
    files_step_all();
    assert_int_equal(desk.accepted, 1);
    files_run("test -e %s/receipts/%s && test -e %s/receipts/done/%s", desk.place, name, desk.place,
              fits);
    receipts_free(receipt);
}

static char *newer;

static void put_a_newer_one(void)
{
    if (newer)
        write_receipt("r.csv", newer);
    newer = NULL;
}

static void the_same_name_again_while_the_first_is_taken_is_taken_too(void **state)
{
    (void)state;
    char *receipt[2];
    two_items_are_out(receipt);
    newer = receipt[1];
    desk.during = put_a_newer_one;
    write_receipt("r.csv", receipt[0]);
    files_step_all();
    files_step_all();
    assert_int_equal(desk.accepted, 2);
    assert_int_equal(number("SELECT count(*) FROM outbox"), 0);
    receipts_free(receipt);
}

static void what_an_end_left_half_taken_is_taken(void **state)
{
    (void)state;
    char *receipt[2];
    two_items_are_out(receipt);
    files_run("mkdir %s/receipts/taking", desk.place);
    write_receipt("taking/r.csv", receipt[0]);
    write_receipt("r.csv", receipt[1]);
    files_step_all();
    files_step_all();
    assert_int_equal(desk.accepted, 2);
    receipts_free(receipt);
}

static void receipts_of_another_destination_take_nothing(void **state)
{
    (void)state;
    files_put_item_for("health", 1, "山田");
    char *receipt = receipt_of(1);
    write_receipt("r.csv", receipt);
    files_step_all();
    assert_int_equal(desk.taken, 0);
    assert_int_equal(number("SELECT count(*) FROM outbox WHERE destination = 'health'"), 1);
    files_run("grep -q unknown %s/receipts/done/r.csv.results.json", desk.place);
    free(receipt);
}

/* A folder that leads elsewhere: nothing is read or moved there. */
static void a_folder_of_receipts_that_is_a_link_is_not_looked_into(void **state)
{
    (void)state;
    char *receipt[2];
    two_items_are_out(receipt);
    files_run("rmdir %s/receipts && mkdir %s.elsewhere && ln -s ../place.elsewhere %s/receipts",
              desk.place, desk.place, desk.place);
    write_receipt("r.csv", receipt[0]);
    files_step_all();
    assert_int_equal(desk.taken, 0);
    files_run("test \"$(ls -A %s.elsewhere)\" = r.csv && rm -r %s.elsewhere", desk.place,
              desk.place);
    receipts_free(receipt);
}

/* Files that would cost a hundred times their bytes are refused before they do. */
static void huge_files_of_receipts_are_refused(void **state)
{
    (void)state;
    files_run(
        "cd %s/receipts && python3 -c '\n"
        "open(\"a.json\", \"w\").write(\"[\" + \"{},\" * 5000000 + \"{}]\")\n"
        "open(\"b.json\", \"w\").write(\"[\" + \"1,\" * 8000000 + \"1]\")\n"
        "open(\"c.json\", \"w\").write(\"[\" * 8000000)\n"
        "open(\"d.csv\", \"w\").write(\"id,sha256,result\\n\" + \"1,2,3\\n\" * 2700000)\n"
        "open(\"e.csv\", \"w\").write(\"id,sha256,result\\n\" + \"1\" * 16777200 + \",2,3\\n\")\n"
        "open(\"f.csv\", \"w\").write(\"x\" * (16777216 + 1))\n"
        "open(\"g.csv\", \"wb\").truncate(3 << 30)'",
        desk.place);
    files_step_all();
    files_run("cd %s/receipts && test \"$(ls bad | wc -l)\" = 14 && test -z \"$(ls taking)\" && "
              "grep -q 'objects and lists' bad/a.json.why.txt && "
              "grep -q 'objects and lists' bad/b.json.why.txt && "
              "grep -q 'objects and lists' bad/c.json.why.txt && "
              "grep -q 'more than 250000 lines' bad/d.csv.why.txt && "
              "grep -q 'longer than' bad/f.csv.why.txt && grep -q 'longer than' bad/g.csv.why.txt",
              desk.place);
    assert_int_equal(desk.taken, 0);
}

static bool reads(const char *name, const char *begin, const char *one, size_t count,
                  const char *end)
{
    char fault[200];
    _cleanup_(cleanup_buffer) struct buffer text = {0};
    _cleanup_(cleanup_json) json_t *body = NULL;
    buffer_append_text(&text, begin);
    for (size_t i = 0; i < count; i++)
        buffer_append_text(&text, one);
    buffer_append_text(&text, end);
    return files_receipts_read(name, buffer_bytes(&text), &body, fault, sizeof fault);
}

static void limits_of_receipts_hold_at_their_edge(void **state)
{
    (void)state;
    assert_true(reads("a.csv", "id,sha256,result\n", "1,2,3\n", 249999, ""));
    assert_false(reads("a.csv", "id,sha256,result\n", "1,2,3\n", 250000, ""));
    assert_true(reads("a.json", "[", "{},", 499998, "{}]"));
    assert_false(reads("a.json", "[", "{},", 499999, "{}]"));
    assert_true(reads("a.json", "[", "1,", 3000000, "1]"));
    assert_false(reads("a.json", "[", "1,", 3000001, "1]"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_has_its_marker_has_left, reset),
        cmocka_unit_test_setup(another_batch_of_that_name_is_not_taken_for_ours, reset),
        cmocka_unit_test_setup(half_a_marker_is_none, reset),
        cmocka_unit_test_setup(what_is_kept_no_more_keeps_no_batch_waiting, reset),
        cmocka_unit_test_setup(nothing_stays_of_a_batch_that_is_given_up, reset),
        cmocka_unit_test_setup(who_may_have_read_it_is_known_before_it_is_there, reset),
        cmocka_unit_test_setup(a_clock_that_went_back_keeps_no_batch_waiting, reset),
        cmocka_unit_test_setup(a_folder_that_is_a_link_is_not_written_to, reset),
        cmocka_unit_test_setup(a_full_disk_and_one_for_reading_only_are_waited_for, reset),
        cmocka_unit_test_setup(two_processes_at_once_double_nothing, reset),
        cmocka_unit_test_setup(what_was_received_whole_is_not_written_again, reset),
        cmocka_unit_test_setup(one_file_of_receipts_keeps_no_other_waiting, reset),
        cmocka_unit_test_setup(a_name_too_long_for_its_results_is_left_alone, reset),
        cmocka_unit_test_setup(the_same_name_again_while_the_first_is_taken_is_taken_too, reset),
        cmocka_unit_test_setup(what_an_end_left_half_taken_is_taken, reset),
        cmocka_unit_test_setup(receipts_of_another_destination_take_nothing, reset),
        cmocka_unit_test_setup(a_folder_of_receipts_that_is_a_link_is_not_looked_into, reset),
        cmocka_unit_test_setup(huge_files_of_receipts_are_refused, reset),
        cmocka_unit_test(limits_of_receipts_hold_at_their_edge),
    };
    return cmocka_run_group_tests(tests, files_set_up, files_tear_down);
}
