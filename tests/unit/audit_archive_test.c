/* The archive of the audit trail: written, interrupted anywhere, damaged, and proven. */
#include "base/audit_archive.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "intake/schema.h"
#include "tests/support/database.h"

static struct test_database database;
static struct db *operator_db, *examine_db, *administrator_db;
static struct city_key *city_key;
static char folder[200];

#define TAMPER "SET session_replication_role = replica; "

static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void shell(const char *format, ...)
{
    char command[600], where[300];
    va_list list;
    va_start(list, format);
    vsnprintf(command, sizeof command, format, list);
    va_end(list);
    snprintf(where, sizeof where, "cd %s && ", folder);
    char *both = text_format("%s%s", where, command);
    if (system(both) != 0)
        fail_msg("%s", both);
    free(both);
}

static int set_up(void **state)
{
    (void)state;
    static const struct config_section *const sections[] = {&audit_config_section};
    char path[100];
    struct failure f = {0};
    test_database_make(&database,
                       "[audit]\nsigning-key = ${folder}/audit.key\n"
                       "public-key = ${folder}/audit.key.pub\n",
                       sections, 1);
    test_database_upgrade(&database, schema_migrations, schema_migration_count);
    snprintf(path, sizeof path, "%s/audit.key", database.folder);
    assert_true(audit_key_create(path, &f));
    snprintf(path, sizeof path, "%s/city.key", database.folder);
    assert_true(city_key_create(path, &f) && city_key_load(path, &city_key, &f));
    snprintf(folder, sizeof folder, "%s/archive", database.folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    operator_db = test_database_open(&database, "operator", 2);
    examine_db = test_database_open(&database, "examine", 2);
    administrator_db = test_database_open(&database, "administrator", 2);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clock_fix(0);
    db_close(operator_db);
    db_close(examine_db);
    db_close(administrator_db);
    city_key_free(city_key);
    test_database_drop(&database);
    return 0;
}

struct appending {
    const char *chain;
    size_t count;
};

static bool append_work(struct db_tx *tx, void *context, struct failure *f)
{
    const struct appending *a = context;
    struct audit_entry entries[1200];
    for (size_t i = 0; i < a->count; i++)
        entries[i] = (struct audit_entry){.action = "application.move",
                                          .actor = "role:test",
                                          .terminal = i % 2 ? "127.0.0.1" : NULL,
                                          .city_code = "992011",
                                          .application_id = i % 3 ? "id" : NULL,
                                          .reason = i % 5 ? NULL : "",
                                          .detail = "{\"to\":\"\\\"保留\\\"\"}"};
    return audit_append(tx, a->chain, entries, a->count, f);
}

static void append(struct db *db, const char *chain, const char *at, size_t count)
{
    struct failure f = {0};
    struct appending a = {chain, count};
    instant moment;
    assert_true(instant_parse(at, &moment));
    clock_fix(moment);
    if (!db_transaction(db, append_work, &a, &f))
        fail_msg("%s", f.text);
}

static void now_is(const char *at)
{
    instant moment;
    assert_true(instant_parse(at, &moment));
    clock_fix(moment);
}

static void checkpoint(void)
{
    struct failure f = {0};
    if (!audit_checkpoint(operator_db, database.config, &f))
        fail_msg("%s", f.text);
}

/* January, February (to its last microsecond) and April of 2023 in two chains; then today. */
static int fresh(void **state)
{
    (void)state;
    test_sql(&database,
             TAMPER "TRUNCATE audit_entry, audit_chain, audit_checkpoint, audit_archive");
    shell("rm -rf -- * .[!.]*");
    append(operator_db, "operator", "2023-01-10T09:00:00+09:00", 1100);
    append(examine_db, "examine", "2023-01-31T23:59:59.999999+09:00", 20);
    checkpoint();
    append(examine_db, "examine", "2023-02-01T00:00:00+09:00", 5);
    append(operator_db, "operator", "2023-02-28T23:59:59.999999+09:00", 7);
    append(operator_db, "operator", "2023-04-01T00:00:00+09:00", 3);
    checkpoint();
    append(operator_db, "operator", "2026-11-01T00:00:00+09:00", 4);
    append(examine_db, "examine", "2026-11-01T00:00:00+09:00", 4);
    now_is("2026-11-29T09:00:00+09:00");
    return 0;
}

struct faults {
    size_t count;
    char all[4096];
};

static void note_fault(const struct audit_fault *fault, void *context)
{
    struct faults *faults = context;
    size_t n = strlen(faults->all);
    faults->count++;
    snprintf(faults->all + n, sizeof faults->all - n, "%s/%lld: %s\n", fault->chain,
             (long long)fault->position, fault->what);
}

static struct audit_archived run(bool removes, struct faults *faults)
{
    struct failure f = {0};
    struct audit_archived done;
    const struct audit_archive archive = {folder, city_key, "992011", note_fault, NULL, faults};
    *faults = (struct faults){0};
    if (!audit_archive_run(operator_db, removes ? administrator_db : NULL, database.config,
                           &archive, "operator:test", &done, &f))
        fail_msg("%s", f.text);
    assert_int_equal(done.intact, faults->count == 0);
    return done;
}

static void archived(bool removes)
{
    struct faults faults;
    if (!run(removes, &faults).intact)
        fail_msg("%s", faults.all);
}

static bool verify(const char *month, struct faults *faults, struct audit_summary *ret_summary)
{
    struct failure f = {0};
    bool intact;
    struct audit_archived done;
    const struct audit_archive archive = {folder, city_key, "992011", note_fault, NULL, faults};
    *faults = (struct faults){0};
    if (!audit_archive_verify(operator_db, database.config, &archive, month, &intact, ret_summary,
                              &done, &f))
        fail_msg("%s", f.text);
    assert_int_equal(intact, faults->count == 0);
    return intact;
}

static bool verify_online(struct faults *faults, struct audit_summary *ret_summary)
{
    struct failure f = {0};
    bool intact;
    *faults = (struct faults){0};
    if (!audit_verify(operator_db, database.config, note_fault, NULL, faults, &intact, ret_summary,
                      &f))
        fail_msg("%s", f.text);
    return intact;
}

static void all_is_proven(int64_t online, int64_t left)
{
    struct faults faults;
    struct audit_summary summary;
    if (!verify(NULL, &faults, &summary) || !verify_online(&faults, &summary))
        fail_msg("%s", faults.all);
    assert_int_equal(summary.entries, online);
    assert_int_equal(summary.archived, left);
}

static void fault_is(const char *what)
{
    struct faults faults;
    struct audit_summary summary;
    assert_false(verify(NULL, &faults, &summary));
    if (!strstr(faults.all, what))
        fail_msg("expected %s, found\n%s", what, faults.all);
}

#define ALL  (1100 + 20 + 5 + 7 + 3)
#define LATE 8

static void whole_months_are_written_and_proven(void **state)
{
    (void)state;
    struct faults faults;
    struct audit_archived done = run(false, &faults);
    assert_string_equal(faults.all, "");
    assert_int_equal(done.months, 3);
    assert_int_equal(done.written, 3);
    assert_int_equal(done.entries, ALL);
    assert_int_equal(done.removed, 0);
    assert_string_equal(done.last, "2023-04");
    shell("test \"$(ls | tr '\\n' ' ')\" = '2023-01-examine.trail 2023-01-operator.trail"
          " 2023-01.json 2023-01.json.sig 2023-02-examine.trail 2023-02-operator.trail"
          " 2023-02.json 2023-02.json.sig 2023-04-operator.trail 2023-04.json 2023-04.json.sig '");
    shell("! grep -q 'role:test\\|保留' *");
    shell("openssl pkeyutl -verify -rawin -pubin -inkey ../audit.key.pub -in 2023-02.json"
          " -sigfile 2023-02.json.sig >/dev/null");
    all_is_proven(ALL + LATE, 0);
    done = run(false, &faults);
    assert_int_equal(done.months, 3);
    assert_int_equal(done.written, 0);
}

static void what_was_proven_leaves_and_the_rest_is_still_proven(void **state)
{
    (void)state;
    struct faults faults;
    struct audit_archived done = run(true, &faults);
    assert_int_equal(done.removed, ALL);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM audit_entry"), LATE + 3);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM audit_entry WHERE action = "
                                                "'audit.archive' AND chain = 'administrator'"),
                     3);
    all_is_proven(LATE + 3, ALL);
    done = run(true, &faults);
    assert_int_equal(done.months + done.removed, 0);
    checkpoint();
    append(operator_db, "operator", "2026-11-29T09:00:00+09:00", 4);
    all_is_proven(LATE + 7, ALL);
}

/* A chain that has nothing left online, and goes on. */
static void a_chain_that_left_whole_goes_on(void **state)
{
    (void)state;
    test_sql(&database,
             TAMPER "TRUNCATE audit_entry, audit_chain, audit_checkpoint, audit_archive");
    append(examine_db, "examine", "2023-01-31T23:59:59.999999+09:00", 20);
    now_is("2026-11-29T09:00:00+09:00");
    archived(true);
    all_is_proven(1, 20);
    append(examine_db, "examine", "2026-11-29T09:00:00+09:00", 2);
    all_is_proven(3, 20);
}

static void what_is_online_long_enough_only(void **state)
{
    (void)state;
    struct faults faults;
    now_is("2025-02-27T23:59:59+09:00"); /* 730 days, of which one is 29 February 2024 */
    assert_int_equal(run(false, &faults).months, 1);
    now_is("2025-02-28T00:00:00+09:00"); /* 1 March 2023 */
    assert_int_equal(run(false, &faults).months, 2);
    now_is("2025-04-29T23:59:59+09:00");
    assert_int_equal(run(false, &faults).months, 2);
    now_is("2025-04-30T00:00:00+09:00");
    assert_int_equal(run(false, &faults).months, 3);
}

/* What each step leaves behind when it is the last. */
static void an_interrupted_call_is_finished(void **state)
{
    (void)state;
    static const char *const remains[] = {
        "rm 2023-0[24]*; mv 2023-01-operator.trail .2023-01-operator.trail.part; rm 2023-01.*",
        "rm 2023-0[24]*; rm 2023-01.json 2023-01.json.sig",
        "rm 2023-0[24]*; rm 2023-01.json",
        "rm 2023-0[24]*; truncate -s 100 2023-01-operator.trail; rm 2023-01.json",
        "rm 2023-04.json",
        "true",
    };
    for (size_t i = 0; i < sizeof remains / sizeof remains[0]; i++) {
        struct faults faults;
        fresh(NULL);
        archived(false);
        shell("%s", remains[i]);
        struct audit_archived done = run(true, &faults);
        assert_string_equal(faults.all, "");
        assert_int_equal(done.removed, ALL);
        all_is_proven(LATE + 3, ALL);
        shell("! ls .*.part 2>/dev/null");
    }
}

static void damage_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *damage, *told;
    } cases[] = {
        {"rm 2023-02-operator.trail", "2023-02-operator.trail: the file is not there"},
        {"truncate -s 500 2023-02-operator.trail",
         "2023-02-operator.trail: the file ends too early"},
        {"truncate -s -1 2023-01-operator.trail",
         "2023-01-operator.trail: the file ends too early"},
        {"printf x >>2023-01-operator.trail", "something follows the end"},
        {"printf x | dd of=2023-01-operator.trail bs=1 seek=300 conv=notrunc 2>/dev/null",
         "2023-01-operator.trail: a part of the file is altered"},
        {"cp 2023-01-examine.trail 2023-02-examine.trail", "belongs elsewhere"},
        {"printf no >2023-02-operator.trail", "is no archive of an audit trail"},
        {"sed -i 's/\"last\":1107/\"last\":1108/' 2023-02.json",
         "2023-02.json: the manifest's signature"},
        {"rm 2023-02.json.sig", "signature (.json.sig) is missing"},
        {"cp 2023-01.json 2023-02.json; cp 2023-01.json.sig 2023-02.json.sig", "of another month"},
    };
    struct faults faults;
    archived(false);
    shell("cp -r . ../kept");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        shell("%s", cases[i].damage);
        fault_is(cases[i].told);
        if (strstr(cases[i].damage, "2023-02")) /* and it does not leave; January may have */
            assert_false(run(true, &faults).intact);
        assert_int_equal(
            test_sql_number(&database, "SELECT count(*) FROM audit_entry WHERE position = 1106"),
            1);
        shell("rm -rf ../archive/* && cp -r ../kept/. .");
    }
    assert_true(run(true, &faults).intact);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        shell("%s", cases[i].damage);
        fault_is("");
        shell("rm -rf ../archive/* && cp -r ../kept/. .");
    }
    struct audit_summary summary;
    assert_true(verify(NULL, &faults, &summary));
    shell("rm -rf ../kept");
}

static void a_month_that_is_lost_is_missed(void **state)
{
    (void)state;
    struct faults faults;
    struct audit_summary summary;
    archived(true);
    shell("rm 2023-02*");
    fault_is("2023-02.json is not there");
    assert_true(verify("2023-01", &faults, &summary));
    assert_false(verify("2023-02", &faults, &summary));
    assert_false(verify("2023-03", &faults, &summary));
    assert_true(verify_online(&faults, &summary));
}

static void what_is_altered_is_not_archived(void **state)
{
    (void)state;
    struct faults faults;
    test_sql(&database,
             TAMPER "UPDATE audit_entry SET actor = 'nobody' WHERE chain = 'operator' AND "
                    "position = 1103");
    struct audit_archived done = run(true, &faults);
    assert_non_null(strstr(faults.all, "operator/1103: the entry was altered"));
    assert_int_equal(done.months, 1); /* January is good, and left */
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM audit_archive"), 1);
}

/* Whoever administers the database, but has no signing key. */
static void a_forged_beginning_shows(void **state)
{
    (void)state;
    struct faults faults;
    struct audit_summary summary;
    archived(true);
    test_sql(&database, TAMPER "DELETE FROM audit_archive WHERE month = '2023-04'");
    assert_false(verify_online(&faults, &summary));
    assert_non_null(strstr(faults.all, "missing"));
    fresh(NULL);
    archived(true);
    test_sql(&database,
             TAMPER "UPDATE audit_archive SET manifest = replace(manifest, '\"last\":1110',"
                    " '\"last\":1111'); DELETE FROM audit_entry WHERE position = 1111");
    assert_false(verify_online(&faults, &summary));
    assert_non_null(strstr(faults.all, "signature is wrong"));
}

static void nothing_leaves_by_another_way(void **state)
{
    (void)state;
    char sqlstate[6];
    archived(true);
    assert_string_equal(test_sql_state(&database, "admin",
                                       "DELETE FROM audit_entry WHERE position = "
                                       "1111",
                                       sqlstate),
                        "P0001");
    assert_string_equal(test_sql_state(&database, "admin", "DELETE FROM audit_archive", sqlstate),
                        "P0001");
    const char *const cut = "SELECT audit_cut('2026-11', "
                            "'{\"chains\":[{\"chain\":\"operator\",\"first\":1111,\"last\":1111,"
                            "\"count\":1,\"previous\":\"' || (SELECT encode(previous, 'hex') FROM "
                            "audit_entry WHERE position = "
                            "1111 AND chain = 'operator') || '\",\"hash\":\"' || (SELECT "
                            "encode(hash, 'hex') FROM audit_entry "
                            "WHERE position = 1111 AND chain = 'operator') || '\"}]}', "
                            "decode(repeat('00', 64), 'hex'), 'x')";
    assert_string_equal(test_sql_state(&database, "admin", cut, sqlstate), "P0001");
    assert_string_equal(test_sql_state(&database, "operator", cut, sqlstate), "42501");
    test_sql(&database,
             TAMPER "UPDATE audit_entry SET at = now() - interval '366 days' WHERE position ="
                    " 1111");
    assert_string_equal(test_sql_state(&database, "admin", cut, sqlstate), "00000");
    assert_string_equal(test_sql_state(&database, "admin", cut, sqlstate), "P0001");
}

static void one_call_at_a_time_writes(void **state)
{
    (void)state;
    struct failure f = {0};
    struct audit_archived done;
    struct faults faults = {0};
    const struct audit_archive archive = {folder, city_key, "992011", note_fault, NULL, &faults};
    int other = open(folder, O_RDONLY | O_DIRECTORY);
    assert_int_equal(flock(other, LOCK_EX), 0);
    assert_false(audit_archive_run(operator_db, NULL, database.config, &archive, "operator:test",
                                   &done, &f));
    assert_int_equal(f.kind, FAILURE_CONFLICT);
    close(other);
    archived(false);
}

struct found {
    struct faults faults; /* first: what note_fault gets */
    size_t count;
    int64_t last;
};

static void note_entry(const struct audit_archive_entry *entry, void *context)
{
    struct found *found = context;
    found->count++;
    found->last = entry->position;
    assert_string_equal(entry->entry.actor, "role:test");
}

static void a_month_is_read(void **state)
{
    (void)state;
    struct failure f = {0};
    struct found found = {0};
    bool intact = false;
    const struct audit_archive archive = {folder, city_key, "992011", note_fault, NULL, &found};
    archived(true);
    assert_true(audit_archive_list(database.config, &archive, "2023-01", note_entry, &intact, &f));
    assert_true(intact);
    assert_int_equal(found.count, 1120);
    assert_int_equal(found.last, 1100);
    assert_true(audit_archive_list(database.config, &archive, "2023-03", note_entry, &intact, &f));
    assert_false(intact);
    assert_false(audit_month_valid("2023-13") || audit_month_valid("2023-1") ||
                 audit_month_valid("../../x"));
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup(test, fresh)
    const struct CMUnitTest tests[] = {
        EACH(whole_months_are_written_and_proven),
        EACH(what_was_proven_leaves_and_the_rest_is_still_proven),
        EACH(a_chain_that_left_whole_goes_on),
        EACH(what_is_online_long_enough_only),
        EACH(an_interrupted_call_is_finished),
        EACH(damage_is_told_with_its_place),
        EACH(a_month_that_is_lost_is_missed),
        EACH(what_is_altered_is_not_archived),
        EACH(a_forged_beginning_shows),
        EACH(nothing_leaves_by_another_way),
        EACH(one_call_at_a_time_writes),
        EACH(a_month_is_read),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
