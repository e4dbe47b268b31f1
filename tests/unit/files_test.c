/* Hand-over by files on a real database, into a real directory, with the real procedures. */
#include "tests/support/files.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "tests/unit/check.h"

static void a_batch_has_all_and_is_the_same_again(void **state)
{
    (void)state;
    struct failure f = {0};
    files_put_item(1, "山田 髙子");
    files_put_item(2, "佐藤, \"花\"");
    files_step_all();
    _cleanup_(cleanup_text) char *folder = files_first_batch();
    files_must_be_whole(folder);
    files_run(
        "cd %s && iconv -f cp932 -t utf-8 child-allowance.certification-claim-1.csv | python3 -c '"
        "import csv,sys\n"
        "text=sys.stdin.buffer.read().decode()\n"
        "assert text.count(\"\\r\\n\")==3, text\n"
        "rows=list(csv.DictReader(text.splitlines(True)))\n"
        "assert [r[\"claimant.name\"] for r in rows]==[\"山田 髙子\",\"佐藤, \\\"花\\\"\"], rows\n"
        "assert rows[0][\"claimant.address\"]==\"a, \\\"b\\\"\\nc\", rows\n"
        "assert rows[0][\"atenabango\"]==\"17\" and rows[0][\"spouse.name\"]==\"\"'",
        folder);
    files_run(
        "cd %s && test \"$(head -c 24 child-allowance.certification-claim-1.children.csv)\" = "
        "'id,children.position,nam' && "
        "test \"$(wc -l <child-allowance.certification-claim-1.children.csv)\" = 5 && "
        "test \"$(wc -l <child-allowance.certification-claim-1.computed.csv)\" = 3 && "
        "test \"$(ls *.attachment-1.pdf *.package.zip *.report.json | wc -l)\" = 6 && "
        "! ls | grep yamada && ! grep -r yamada manifest.json",
        folder);
    files_run("mkdir %s/again", desk.database.folder);
    _cleanup_(cleanup_text) char *again = text_format("%s/again", desk.database.folder);
    int64_t id = test_sql_number(&desk.database, "SELECT max(batch_id) FROM file_batch");
    if (!files_batch_again(&desk.options, id, again, &f))
        fail_msg("%s", f.text);
    files_run("diff -r %s %s/$(basename %s) && rm -r %s", folder, again, folder, again);
    assert_false(files_batch_again(&desk.options, id + 1, again, &f));
    assert_failure(f, FAILURE_USAGE, "no batch");
    files_step_all(); /* what is under way goes into no second batch */
    assert_int_equal(test_sql_number(&desk.database, "SELECT count(*) FROM file_batch"), 1);
    assert_int_equal(test_sql_number(&desk.database, "SELECT sum(attempts) FROM outbox"), 2);
}

static void what_the_encoding_cannot_say_is_kept(void **state)
{
    (void)state;
    files_put_item(1, "𠮷田");
    files_put_item(2, "ナミ〜");
    files_put_item(3, "吉田～");
    files_step_all();
    assert_int_equal(test_sql_number(&desk.database, "SELECT count(*) FROM file_batch_item"), 1);
    char *why = test_sql_text(&desk.database, "SELECT min(last_error) FROM outbox");
    assert_string_equal(why, "files-encoding: claimant.name can't be said in cp932");
    free(why);
    assert_int_equal(
        test_sql_number(&desk.database, "SELECT count(*) FROM outbox WHERE due_at > now()"), 2);
}

static void a_full_batch_is_followed_in_order(void **state)
{
    (void)state;
    for (int n = 1; n <= 12; n++)
        files_put_item(n, "山田");
    files_step_all();
    assert_int_equal(test_sql_number(&desk.database, "SELECT count(*) FROM file_batch"), 3);
    assert_int_equal(test_sql_number(&desk.database,
                                     "SELECT count(*) FROM (SELECT outbox_id, lag(outbox_id) OVER "
                                     "(ORDER BY batch_id, position) AS before FROM file_batch_item)"
                                     " q WHERE before > outbox_id"),
                     0);
}

static void a_place_that_is_away_is_tried_again_with_the_same_batch(void **state)
{
    (void)state;
    struct failure f = {0};
    files_put_item(1, "山田");
    files_run("mv %s %s.away", desk.place, desk.place);
    usleep(150000);
    assert_int_equal(files_step(&desk.options, &f), WORK_DONE);
    char *why = test_sql_text(&desk.database, "SELECT last_error FROM file_batch");
    assert_non_null(strstr(why, "can't use the directory"));
    free(why);
    why = test_sql_text(&desk.database, "SELECT last_error FROM outbox");
    assert_non_null(strstr(why, "can't use the directory"));
    free(why);
    files_put_item(2, "佐藤"); /* not into the batch that waits */
    files_run("mv %s.away %s", desk.place, desk.place);
    files_step_all();
    _cleanup_(cleanup_text) char *folder = files_first_batch();
    files_must_be_whole(folder);
    assert_int_equal(test_sql_number(&desk.database, "SELECT max(attempts) FROM file_batch"), 2);
    assert_int_equal(test_sql_number(&desk.database, "SELECT count(*) FROM file_batch"), 2);
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

static void who_comes_under_protection_is_in_no_batch(void **state)
{
    (void)state;
    files_put_item(1, "山田");
    files_put_item(2, "佐藤");
    test_sql(&desk.database, "UPDATE outbox SET checked = -1"); /* before protection changed */
    desk.options.routing.on_recheck = not_the_first;
    files_step_all();
    desk.options.routing.on_recheck = NULL;
    _cleanup_(cleanup_text) char *folder = files_first_batch();
    files_must_be_whole(folder);
    assert_int_equal(test_sql_number(&desk.database, "SELECT count(*) FROM file_batch_item"), 1);
    assert_int_equal(test_sql_number(&desk.database, "SELECT count(*) FROM outbox"), 1);
    assert_int_equal(test_sql_number(&desk.database, "SELECT count(*) FROM outbox_item"), 1);
}

static void a_batch_that_waits_is_given_up_when_somebody_comes_under_protection(void **state)
{
    (void)state;
    struct failure f = {0};
    files_put_item(1, "山田");
    files_put_item(2, "佐藤");
    files_run("mv %s %s.away", desk.place, desk.place);
    usleep(150000);
    assert_int_equal(files_step(&desk.options, &f), WORK_DONE); /* made, and not written */
    assert_int_equal(test_sql_number(&desk.database, "SELECT max(items) FROM file_batch"), 2);
    files_run("mv %s.away %s", desk.place, desk.place);
    test_sql(&desk.database, "UPDATE outbox SET checked = -1");
    desk.options.routing.on_recheck = not_the_first;
    files_step_all();
    files_step_all();
    desk.options.routing.on_recheck = NULL;
    assert_int_equal(test_sql_number(&desk.database, "SELECT count(*) FROM outbox"), 1);
    assert_int_equal(test_sql_number(&desk.database, "SELECT count(*) FROM file_batch"), 2);
    files_run("test \"$(ls -d %s/batch-* | wc -l)\" = 1", desk.place);
    files_run("test \"$(jq .item_count %s/batch-*/manifest.json)\" = 1", desk.place);
}

static void write_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/receipts/%s", desk.place, name);
    FILE *out = fopen(path, "w");
    fputs(text, out);
    fclose(out);
}

static void receipts_come_back(void **state)
{
    (void)state;
    for (int n = 1; n <= 3; n++)
        files_put_item(n, "山田");
    files_step_all();
    long long id = test_sql_number(&desk.database, "SELECT min(outbox_id) FROM outbox");
    char *hash = test_sql_text(&desk.database, "SELECT encode(sha256, 'hex') FROM outbox LIMIT 1");
    static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
    char *text = text_format("id,sha256,result,code,item,message\r\n"
                             "%lld,%s,accepted,,,\r\n"
                             "%lld,%s,rejected,E0004,atenabango,\"no such, person\"\r\n"
                             "%lld,%s,rejected,E0001,claimant,none\r\n"
                             "%lld,%s,accepted,,,\r\n"
                             "999999,%s,accepted,,,\r\n",
                             id, hash, id + 1, hash, id + 1, hash, id + 2, zeros, hash);
    write_file("r1.csv", text);
    write_file("r1.csv.part", "half");
    files_step_all();
    assert_int_equal(desk.taken, 2);
    assert_int_equal(desk.accepted, 1);
    files_run("cd %s/receipts && test ! -e r1.csv && test -e r1.csv.part && "
              "test \"$(jq -r '[.[].result] | join(\" \")' done/r1.csv.results.json)\" = "
              "'taken taken wrong-hash unknown'",
              desk.place);
    write_file("r2.csv", text);
    files_step_all();
    assert_int_equal(desk.taken, 2);
    files_run(
        "cd %s/receipts && test \"$(jq -r '[.[].result] | join(\" \")' done/r2.csv.results.json)\" "
        "= 'repeated repeated wrong-hash unknown'",
        desk.place);
    free(text);
    text =
        text_format("[{\"id\":\"%lld\",\"sha256\":\"%s\",\"result\":\"accepted\"}]", id + 2, hash);
    write_file("r3.json", text);
    files_step_all();
    assert_int_equal(desk.accepted, 2);
    assert_int_equal(test_sql_number(&desk.database, "SELECT count(*) FROM outbox"), 0);
    free(text);
    free(hash);
}

static void a_bad_file_of_receipts_takes_nothing(void **state)
{
    (void)state;
    files_put_item(1, "山田");
    files_step_all();
    write_file("a.csv", "id,sha256\r\n1,2\r\n");
    write_file("b.json", "{");
    write_file("c.csv", "id,sha256,result\r\n1,zz,accepted\r\n");
    write_file("d.csv", "");
    files_step_all();
    assert_int_equal(desk.taken, 0);
    files_run("cd %s/receipts && test \"$(ls bad | wc -l)\" = 8 && grep -q 'must name id' "
              "bad/a.csv.why.txt && grep -q 'no JSON' bad/b.json.why.txt && grep -q E0003 "
              "bad/c.csv.why.txt && grep -q empty bad/d.csv.why.txt",
              desk.place);
}

/* A child is killed at random moments; what it leaves, the next one finishes. */
static void killed_at_any_moment_nothing_is_lost_or_doubled(void **state)
{
    (void)state;
    srandom(20261128);
    for (int n = 1; n <= 40; n++)
        files_put_item(n, "山田");
    for (int round = 0; round < 25; round++) {
        pid_t child = fork();
        if (child == 0) {
            struct failure f = {0};
            files_make_options(test_database_open(&desk.database, "routing", 2));
            files_step(&desk.options, &f);
            files_step(&desk.options, &f);
            _exit(0);
        }
        usleep((useconds_t)(random() % 250000));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        test_sql(&desk.database,
                 "UPDATE file_place SET lease_until = '-infinity'"); /* it ran out */
    }
    files_step_all();
    assert_int_equal(test_sql_number(&desk.database, "SELECT count(*) FROM file_batch_item"), 40);
    assert_int_equal(
        test_sql_number(&desk.database, "SELECT count(DISTINCT outbox_id) FROM file_batch_item"),
        40);
    assert_int_equal(
        test_sql_number(&desk.database, "SELECT count(*) FROM file_batch WHERE written_at IS NULL"),
        0);
    files_run("cd %s && for b in batch-*; do (cd $b && sha256sum -c --quiet done && "
              "jq -r '.files[] | .sha256 + \"  \" + .name' manifest.json | sha256sum -c --quiet && "
              "test -z \"$(ls -A | grep part)\") || exit 1; done",
              desk.place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_batch_has_all_and_is_the_same_again, files_reset),
        cmocka_unit_test_setup(what_the_encoding_cannot_say_is_kept, files_reset),
        cmocka_unit_test_setup(a_full_batch_is_followed_in_order, files_reset),
        cmocka_unit_test_setup(a_place_that_is_away_is_tried_again_with_the_same_batch,
                               files_reset),
        cmocka_unit_test_setup(who_comes_under_protection_is_in_no_batch, files_reset),
        cmocka_unit_test_setup(a_batch_that_waits_is_given_up_when_somebody_comes_under_protection,
                               files_reset),
        cmocka_unit_test_setup(receipts_come_back, files_reset),
        cmocka_unit_test_setup(a_bad_file_of_receipts_takes_nothing, files_reset),
        cmocka_unit_test_setup(killed_at_any_moment_nothing_is_lost_or_doubled, files_reset),
    };
    return cmocka_run_group_tests(tests, files_set_up, files_tear_down);
}
