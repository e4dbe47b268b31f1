/* Hand-over by files on a real database, into a real directory, with the real procedures. */
#include "routing/files.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "intake/file_hand_over.h"
#include "intake/package.h"
#include "intake/schema.h"
#include "routing/outbox.h"
#include "routing/route.h"
#include "tests/support/applications.h"
#include "tests/support/package.h"
#include "tests/unit/check.h"

#define OURS "child-allowance"

static struct test_database database;
static struct db *db;
static struct city_key *city_key;
static struct procedures *procedures;
static struct files_options options;
static char place[128];
static size_t taken, accepted;

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *format, ...)
{
    char command[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    if (system(command) != 0)
        fail_msg("failed: %s", command);
}

static bool on_receipts(struct db_tx *tx, const char *destination,
                        struct outbox_receipt *const *receipts, size_t count, const char *terminal,
                        void *context, struct failure *f)
{
    (void)tx, (void)terminal, (void)context, (void)f;
    assert_string_equal(destination, OURS);
    taken += count;
    for (size_t i = 0; i < count; i++)
        accepted += receipts[i]->accepted;
    return true;
}

static void make_options(struct db *to)
{
    struct failure f = {0};
    db = to;
    options.routing = (struct routing_options){.config = database.config,
                                               .db = db,
                                               .city_key = city_key,
                                               .city_code = TEST_CITY,
                                               .on_receipts = on_receipts};
    assert_true(file_hand_over_ready(database.config, &procedures, &options, &f));
}

static const struct config_section forms_section = {
    .name = "forms",
    .keys = (const struct config_key[]){{.name = "procedures", .type = CONFIG_PATH, .initial = ""}},
    .key_count = 1};

static int set_up(void **state)
{
    (void)state;
    static const struct config_section *const sections[] = {&destination_config_section,
                                                            &files_config_section, &forms_section,
                                                            &package_config_section};
    struct failure f = {0};
    test_database_make(&database,
                       "[forms]\nprocedures = " SOURCE_ROOT "/forms/procedures\n"
                       "[destination child-allowance]\nauth = mtls\npackage = yes\n"
                       "[files child-allowance]\nto = ${folder}/place\nencoding = cp932\n"
                       "interval = 100ms\nbatch = 5\nreceipts-interval = 100ms\n"
                       "retry-most = 100ms\n",
                       sections, 4);
    test_database_upgrade(&database, schema_migrations, schema_migration_count);
    city_key = test_city_key(&database);
    if (!procedures_load(SOURCE_ROOT "/forms/procedures", &procedures, &f))
        fail_msg("%s", f.text);
    make_options(test_database_open(&database, "routing", 4));
    snprintf(place, sizeof place, "%s/place", database.folder);
    for (int n = 1; n <= 40; n++)
        test_application_make(&database, city_key, n, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    db_close(db);
    city_key_free(city_key);
    procedures_free(procedures);
    test_database_drop(&database);
    return 0;
}

static int reset(void **state)
{
    (void)state;
    test_sql(&database, "DELETE FROM file_batch_item; DELETE FROM file_batch; "
                        "DELETE FROM file_place; DELETE FROM outbox; DELETE FROM outbox_item; "
                        "DELETE FROM delivery; DELETE FROM package; DELETE FROM examination");
    run("rm -rf %s && mkdir -p %s/receipts", place, place);
    taken = accepted = 0;
    return 0;
}

/* --- things to hand over ---------------------------------------------------------------------- */

struct putting {
    struct outbox_entry entry;
};

static bool put_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct putting *putting = context;
    return outbox_put(tx, &putting->entry, 1, f);
}

static void put_sealed(int n, const char *purpose, struct bytes plain, const char *sql)
{
    _cleanup_(cleanup_buffer) struct buffer sealed = {0};
    char id[37];
    test_application_seal(&database, city_key, n, purpose, plain, &sealed);
    char *hex = memory_allocate(2 * sealed.length + 1);
    hex_encode(sealed.data, sealed.length, hex);
    char hash[65];
    sha256_hex(plain, hash);
    char *text = text_format(sql, test_application_id(n, id), hex, hash, (long long)plain.length);
    test_sql(&database, text);
    free(text);
    free(hex);
}

/* A package with one attachment that the procedure does not know, and the report beside. */
static void put_package(int n)
{
    static const char pdf[] = "%PDF-1.4 made for a test";
    const struct test_part parts[] = {
        {.name = "application.xml", .content = bytes_of_text("<a/>")},
        {.name = "attachments/yamada-taro.pdf", .content = bytes_of_text(pdf)}};
    const struct test_manifest manifest = {0};
    _cleanup_(cleanup_buffer) struct buffer zip = {0};
    test_package_write(&manifest, parts, 2, &zip);
    put_sealed(n, "package", buffer_bytes(&zip),
               "INSERT INTO package (city_code, application_id, sealed, sha256, size) VALUES "
               "('" TEST_CITY "', '%s', '\\x%s', '\\x%s', %lld)");
    put_sealed(n, "report", bytes_of_text("{\"indication\":\"TOTAL-PASSED\"}"),
               "INSERT INTO examination (city_code, application_id, verdict, report) SELECT "
               "'" TEST_CITY "', '%s', 'accepted', '\\x%s' WHERE '%s' <> '' AND %lld > 0");
}

static void put_item(int n, const char *name)
{
    char id[37];
    _cleanup_(cleanup_json) json_t *item =
        json_pack("{s:s, s:s, s:{s:s, s:s}, s:s, s:s, s:s, s:{s:{s:s, s:s}, s:[{s:s, s:b}, {s:s}], "
                  "s:{s:{s:s, s:s}}}, s:{s:s}}",
                  "city_code", TEST_CITY, "receipt_number", "R-1", "procedure", "id",
                  "child-allowance.certification-claim", "form_version", "1", "applied_at",
                  "2026-11-21T09:00:00.000000+09:00", "atenabango", "17", "legal_basis", "番号法",
                  "record", "claimant", "name", name, "address", "a, \"b\"\nc", "children", "name",
                  "子一", "living_together", 1, "name", "子二", "computed", "start_month", "value",
                  "2026-12", "how", "翌月", "verification", "indication", "TOTAL-PASSED");
    _cleanup_(cleanup_buffer) struct buffer text = {0}, sealed = {0};
    uint8_t hash[32];
    struct failure f = {0};
    assert_non_null(item);
    json_write(item, &text);
    sha256(buffer_bytes(&text), hash);
    test_application_seal(&database, city_key, n, "item", buffer_bytes(&text), &sealed);
    struct putting putting = {{.city_code = TEST_CITY,
                               .destination = OURS,
                               .application_id = test_application_id(n, id),
                               .sealed = buffer_bytes(&sealed),
                               .sha256 = hash}};
    if (!db_transaction(db, put_work, &putting, &f))
        fail_msg("%s", f.text);
    put_package(n);
}

static void step_all(void)
{
    struct failure f = {0};
    enum work_result result;
    usleep(150000); /* past the interval */
    while ((result = files_step(&options, &f)) == WORK_DONE)
        ;
    if (result == WORK_FAILED)
        fail_msg("%s", f.text);
}

/* sha256sum over manifest and marker, and over each file that the manifest names; with nothing
 * half and nothing besides. */
static void must_be_whole(const char *folder)
{
    run("cd %s && sha256sum -c --quiet done && "
        "jq -r '.files[] | .sha256 + \"  \" + .name' manifest.json | sha256sum -c --quiet && "
        "test \"$(ls -A | wc -l)\" = \"$(jq '.file_count + 2' manifest.json)\" && "
        "test \"$(jq '.items | length' manifest.json)\" = \"$(jq .item_count manifest.json)\"",
        folder);
}

static char *first_batch(void)
{
    char *id = test_sql_text(&database, "SELECT min(batch_id)::text FROM file_batch");
    char *folder = text_format("%s/batch-%012lld", place, atoll(id));
    free(id);
    return folder;
}

/* --- tests ------------------------------------------------------------------------------------ */

static void a_batch_has_all_and_is_the_same_again(void **state)
{
    (void)state;
    struct failure f = {0};
    put_item(1, "山田 髙子");
    put_item(2, "佐藤, \"花\"");
    step_all();
    _cleanup_(cleanup_text) char *folder = first_batch();
    must_be_whole(folder);
    run("cd %s && iconv -f cp932 -t utf-8 child-allowance.certification-claim-1.csv | python3 -c '"
        "import csv,sys\n"
        "text=sys.stdin.buffer.read().decode()\n"
        "assert text.count(\"\\r\\n\")==3, text\n"
        "rows=list(csv.DictReader(text.splitlines(True)))\n"
        "assert [r[\"claimant.name\"] for r in rows]==[\"山田 髙子\",\"佐藤, \\\"花\\\"\"], rows\n"
        "assert rows[0][\"claimant.address\"]==\"a, \\\"b\\\"\\nc\", rows\n"
        "assert rows[0][\"atenabango\"]==\"17\" and rows[0][\"spouse.name\"]==\"\"'",
        folder);
    run("cd %s && test \"$(head -c 24 child-allowance.certification-claim-1.children.csv)\" = "
        "'id,children.position,nam' && "
        "test \"$(wc -l <child-allowance.certification-claim-1.children.csv)\" = 5 && "
        "test \"$(wc -l <child-allowance.certification-claim-1.computed.csv)\" = 3 && "
        "test \"$(ls *.attachment-1.pdf *.package.zip *.report.json | wc -l)\" = 6 && "
        "! ls | grep yamada && ! grep -r yamada manifest.json",
        folder);
    run("mkdir %s/again", database.folder);
    _cleanup_(cleanup_text) char *again = text_format("%s/again", database.folder);
    int64_t id = test_sql_number(&database, "SELECT max(batch_id) FROM file_batch");
    if (!files_batch_again(&options, id, again, &f))
        fail_msg("%s", f.text);
    run("diff -r %s %s/$(basename %s) && rm -r %s", folder, again, folder, again);
    assert_false(files_batch_again(&options, id + 1, again, &f));
    assert_failure(f, FAILURE_USAGE, "no batch");
    step_all(); /* what is under way goes into no second batch */
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM file_batch"), 1);
    assert_int_equal(test_sql_number(&database, "SELECT sum(attempts) FROM outbox"), 2);
}

static void what_the_encoding_cannot_say_is_kept(void **state)
{
    (void)state;
    put_item(1, "𠮷田");
    put_item(2, "ナミ〜");
    put_item(3, "吉田～");
    step_all();
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM file_batch_item"), 1);
    char *why = test_sql_text(&database, "SELECT min(last_error) FROM outbox");
    assert_string_equal(why, "files-encoding: claimant.name can't be said in cp932");
    free(why);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM outbox WHERE due_at > now()"),
                     2);
}

static void a_full_batch_is_followed_in_order(void **state)
{
    (void)state;
    for (int n = 1; n <= 12; n++)
        put_item(n, "山田");
    step_all();
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM file_batch"), 3);
    assert_int_equal(test_sql_number(&database,
                                     "SELECT count(*) FROM (SELECT outbox_id, lag(outbox_id) OVER "
                                     "(ORDER BY batch_id, position) AS before FROM file_batch_item)"
                                     " q WHERE before > outbox_id"),
                     0);
}

static void a_place_that_is_away_is_tried_again_with_the_same_batch(void **state)
{
    (void)state;
    struct failure f = {0};
    put_item(1, "山田");
    run("mv %s %s.away", place, place);
    usleep(150000);
    assert_int_equal(files_step(&options, &f), WORK_DONE);
    char *why = test_sql_text(&database, "SELECT last_error FROM file_batch");
    assert_non_null(strstr(why, "can't use the directory"));
    free(why);
    why = test_sql_text(&database, "SELECT last_error FROM outbox");
    assert_non_null(strstr(why, "can't use the directory"));
    free(why);
    put_item(2, "佐藤"); /* not into the batch that waits */
    run("mv %s.away %s", place, place);
    step_all();
    _cleanup_(cleanup_text) char *folder = first_batch();
    must_be_whole(folder);
    assert_int_equal(test_sql_number(&database, "SELECT max(attempts) FROM file_batch"), 2);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM file_batch"), 2);
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
    put_item(1, "山田");
    put_item(2, "佐藤");
    test_sql(&database, "UPDATE outbox SET checked = -1"); /* before protection changed */
    options.routing.on_recheck = not_the_first;
    step_all();
    options.routing.on_recheck = NULL;
    _cleanup_(cleanup_text) char *folder = first_batch();
    must_be_whole(folder);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM file_batch_item"), 1);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM outbox"), 1);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM outbox_item"), 1);
}

static void a_batch_that_waits_is_given_up_when_somebody_comes_under_protection(void **state)
{
    (void)state;
    struct failure f = {0};
    put_item(1, "山田");
    put_item(2, "佐藤");
    run("mv %s %s.away", place, place);
    usleep(150000);
    assert_int_equal(files_step(&options, &f), WORK_DONE); /* made, and not written */
    assert_int_equal(test_sql_number(&database, "SELECT max(items) FROM file_batch"), 2);
    run("mv %s.away %s", place, place);
    test_sql(&database, "UPDATE outbox SET checked = -1");
    options.routing.on_recheck = not_the_first;
    step_all();
    step_all();
    options.routing.on_recheck = NULL;
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM outbox"), 1);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM file_batch"), 2);
    run("test \"$(ls -d %s/batch-* | wc -l)\" = 1", place);
    run("test \"$(jq .item_count %s/batch-*/manifest.json)\" = 1", place);
}

static void write_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/receipts/%s", place, name);
    FILE *out = fopen(path, "w");
    fputs(text, out);
    fclose(out);
}

static void receipts_come_back(void **state)
{
    (void)state;
    for (int n = 1; n <= 3; n++)
        put_item(n, "山田");
    step_all();
    long long id = test_sql_number(&database, "SELECT min(outbox_id) FROM outbox");
    char *hash = test_sql_text(&database, "SELECT encode(sha256, 'hex') FROM outbox LIMIT 1");
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
    step_all();
    assert_int_equal(taken, 2);
    assert_int_equal(accepted, 1);
    run("cd %s/receipts && test ! -e r1.csv && test -e r1.csv.part && "
        "test \"$(jq -r '[.[].result] | join(\" \")' done/r1.csv.results.json)\" = "
        "'taken taken wrong-hash unknown'",
        place);
    write_file("r2.csv", text);
    step_all();
    assert_int_equal(taken, 2);
    run("cd %s/receipts && test \"$(jq -r '[.[].result] | join(\" \")' done/r2.csv.results.json)\" "
        "= 'repeated repeated wrong-hash unknown'",
        place);
    free(text);
    text =
        text_format("[{\"id\":\"%lld\",\"sha256\":\"%s\",\"result\":\"accepted\"}]", id + 2, hash);
    write_file("r3.json", text);
    step_all();
    assert_int_equal(accepted, 2);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM outbox"), 0);
    free(text);
    free(hash);
}

static void a_bad_file_of_receipts_takes_nothing(void **state)
{
    (void)state;
    put_item(1, "山田");
    step_all();
    write_file("a.csv", "id,sha256\r\n1,2\r\n");
    write_file("b.json", "{");
    write_file("c.csv", "id,sha256,result\r\n1,zz,accepted\r\n");
    write_file("d.csv", "");
    step_all();
    assert_int_equal(taken, 0);
    run("cd %s/receipts && test \"$(ls bad | wc -l)\" = 8 && grep -q 'must name id' "
        "bad/a.csv.why.txt && grep -q 'no JSON' bad/b.json.why.txt && grep -q E0003 "
        "bad/c.csv.why.txt && grep -q empty bad/d.csv.why.txt",
        place);
}

/* A child is killed at random moments; what it leaves, the next one finishes. */
static void killed_at_any_moment_nothing_is_lost_or_doubled(void **state)
{
    (void)state;
    srandom(20261128);
    for (int n = 1; n <= 40; n++)
        put_item(n, "山田");
    for (int round = 0; round < 25; round++) {
        pid_t child = fork();
        if (child == 0) {
            struct failure f = {0};
            make_options(test_database_open(&database, "routing", 2));
            files_step(&options, &f);
            files_step(&options, &f);
            _exit(0);
        }
        usleep((useconds_t)(random() % 250000));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        test_sql(&database, "UPDATE file_place SET lease_until = '-infinity'"); /* it ran out */
    }
    step_all();
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM file_batch_item"), 40);
    assert_int_equal(
        test_sql_number(&database, "SELECT count(DISTINCT outbox_id) FROM file_batch_item"), 40);
    assert_int_equal(
        test_sql_number(&database, "SELECT count(*) FROM file_batch WHERE written_at IS NULL"), 0);
    run("cd %s && for b in batch-*; do (cd $b && sha256sum -c --quiet done && "
        "jq -r '.files[] | .sha256 + \"  \" + .name' manifest.json | sha256sum -c --quiet && "
        "test -z \"$(ls -A | grep part)\") || exit 1; done",
        place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_batch_has_all_and_is_the_same_again, reset),
        cmocka_unit_test_setup(what_the_encoding_cannot_say_is_kept, reset),
        cmocka_unit_test_setup(a_full_batch_is_followed_in_order, reset),
        cmocka_unit_test_setup(a_place_that_is_away_is_tried_again_with_the_same_batch, reset),
        cmocka_unit_test_setup(who_comes_under_protection_is_in_no_batch, reset),
        cmocka_unit_test_setup(a_batch_that_waits_is_given_up_when_somebody_comes_under_protection,
                               reset),
        cmocka_unit_test_setup(receipts_come_back, reset),
        cmocka_unit_test_setup(a_bad_file_of_receipts_takes_nothing, reset),
        cmocka_unit_test_setup(killed_at_any_moment_nothing_is_lost_or_doubled, reset),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
