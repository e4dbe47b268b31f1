/* The audit trail, and every way of tampering with it: by a superuser who switches triggers off. */
#include "base/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "intake/schema.h"
#include "tests/support/database.h"

static struct test_database database;
static struct db *operator_db, *examine_db;

/* As somebody who may do everything: no triggers, no foreign keys. */
#define TAMPER "SET session_replication_role = replica; "

static void make_database(void)
{
    static const struct config_section *const sections[] = {&audit_config_section};
    test_database_make(&database,
                       "[audit]\nsigning-key = ${folder}/audit.key\n"
                       "public-key = ${folder}/audit.key.pub\n",
                       sections, 1);
    test_database_upgrade(&database, schema_migrations, schema_migration_count);
    char path[100];
    struct failure f = {0};
    snprintf(path, sizeof path, "%s/audit.key", database.folder);
    assert_true(audit_key_create(path, &f));
    operator_db = test_database_open(&database, "operator", 2);
    examine_db = test_database_open(&database, "examine", 2);
}

static int set_up(void **state)
{
    (void)state;
    make_database();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    db_close(operator_db);
    db_close(examine_db);
    test_database_drop(&database);
    return 0;
}

/* --- appending ---------------------------------------------------------------------------------
 */

struct appending {
    const char *chain;
    size_t count;
    bool fail;
};

static bool append_work(struct db_tx *tx, void *context, struct failure *f)
{
    const struct appending *a = context;
    struct audit_entry entries[1500];
    assert_true(a->count <= 1500);
    for (size_t i = 0; i < a->count; i++)
        entries[i] = (struct audit_entry){.action = "application.move",
                                          .actor = "role:test",
                                          .terminal = i % 2 ? "127.0.0.1" : NULL,
                                          .city_code = "992011",
                                          .application_id = i % 3 ? "id" : NULL,
                                          .reason = i % 5 ? NULL : "",
                                          .detail = "{\"to\":\"\\\"保留\\\"\"}"};
    return audit_append(tx, a->chain, entries, a->count, f) &&
           (!a->fail || failure_set(f, FAILURE_INPUT, "on purpose"));
}

static bool append(struct db *db, const char *chain, size_t count, bool fails)
{
    struct failure f = {0};
    struct appending a = {chain, count, fails};
    bool done = db_transaction(db, append_work, &a, &f);
    if (!done && f.kind != FAILURE_INPUT)
        print_message("%s\n", f.text);
    return done;
}

struct faults {
    size_t count;
    struct audit_fault first;
    char all[4096];
};

static void note_fault(const struct audit_fault *fault, void *context)
{
    struct faults *faults = context;
    size_t n = strlen(faults->all);
    if (faults->count++ == 0)
        faults->first = *fault;
    snprintf(faults->all + n, sizeof faults->all - n, "%s/%lld: %s\n", fault->chain,
             (long long)fault->position, fault->what);
}

static bool verify(struct faults *ret_faults, struct audit_summary *ret_summary)
{
    struct failure f = {0};
    bool intact = false;
    *ret_faults = (struct faults){0};
    if (!audit_verify(operator_db, database.config, note_fault, NULL, ret_faults, &intact,
                      ret_summary, &f))
        fail_msg("%s", f.text);
    assert_int_equal(intact, ret_faults->count == 0);
    return intact;
}

static void expect_intact(void)
{
    struct faults faults;
    struct audit_summary summary;
    if (!verify(&faults, &summary))
        fail_msg("%s", faults.all);
}

static void expect_fault(const char *chain, int64_t position, const char *what)
{
    struct faults faults;
    struct audit_summary summary;
    assert_false(verify(&faults, &summary));
    if (strcmp(faults.first.chain, chain) != 0 || faults.first.position != position ||
        !strstr(faults.first.what, what))
        fail_msg("expected first %s/%lld: … %s …, found\n%s", chain, (long long)position, what,
                 faults.all);
}

static void checkpoint(void)
{
    struct failure f = {0};
    if (!audit_checkpoint(operator_db, database.config, &f))
        fail_msg("%s", f.text);
}

/* Twenty entries, a checkpoint, ten more; in two chains. */
static int fresh(void **state)
{
    (void)state;
    test_sql(&database, TAMPER "TRUNCATE audit_entry, audit_chain, audit_checkpoint");
    assert_true(append(operator_db, "operator", 12, false));
    assert_true(append(operator_db, "operator", 8, false));
    assert_true(append(examine_db, "examine", 20, false));
    checkpoint();
    assert_true(append(operator_db, "operator", 10, false));
    assert_true(append(examine_db, "examine", 10, false));
    return 0;
}

static void an_untouched_trail_is_intact(void **state)
{
    (void)state;
    struct faults faults;
    struct audit_summary summary;
    checkpoint();
    assert_true(verify(&faults, &summary));
    assert_int_equal(summary.entries, 60);
    assert_int_equal(summary.chains, 2);
    assert_int_equal(summary.checkpoints, 2);
    assert_true(clock_now() - summary.last_checkpoint < 60 * INSTANT_SECOND);
}

static void an_empty_trail_is_intact(void **state)
{
    (void)state;
    test_sql(&database, TAMPER "TRUNCATE audit_entry, audit_chain, audit_checkpoint");
    expect_intact();
    checkpoint();
    expect_intact();
}

static void more_than_one_batch_is_walked(void **state)
{
    (void)state;
    struct faults faults;
    struct audit_summary summary;
    assert_true(append(operator_db, "operator", 1500, false));
    assert_true(append(operator_db, "operator", 470, false));
    checkpoint();
    assert_true(verify(&faults, &summary));
    assert_int_equal(summary.entries, 2030);
    test_sql(&database, TAMPER "DELETE FROM audit_entry WHERE position = 1001");
    expect_fault("operator", 1001, "missing");
}

static void what_is_rolled_back_leaves_no_gap(void **state)
{
    (void)state;
    assert_false(append(operator_db, "operator", 3, true));
    assert_true(append(operator_db, "operator", 3, false));
    expect_intact();
    assert_int_equal(test_sql_number(&database, "SELECT position FROM audit_chain"
                                                " WHERE chain = 'operator'"),
                     33);
}

static void a_role_cannot_write_another_chain(void **state)
{
    (void)state;
    assert_false(append(examine_db, "operator", 1, false));
    expect_intact();
}

/* --- tampering ---------------------------------------------------------------------------------
 */

static void an_altered_entry_shows(void **state)
{
    (void)state;
    static const char *const alterations[] = {"action = 'application.view'",
                                              "actor = 'role:tesT'",
                                              "terminal = NULL",
                                              "terminal = ''",
                                              "city_code = '992012'",
                                              "application_id = 'iD'",
                                              "reason = ''",
                                              "detail = NULL",
                                              "at = at + interval '1 microsecond'",
                                              "hash = decode(repeat('00', 32), 'hex')"};
    for (size_t i = 0; i < sizeof alterations / sizeof alterations[0]; i++) {
        char sql[200];
        fresh(NULL);
        snprintf(sql, sizeof sql,
                 TAMPER "UPDATE audit_entry SET %s WHERE chain = 'operator' AND position = 2",
                 alterations[i]);
        test_sql(&database, sql);
        expect_fault("operator", 2, "altered");
    }
}

/* Somebody who knows the rule computes the altered entry's hash anew: the next one tells. */
static void an_altered_entry_with_a_new_hash_shows(void **state)
{
    (void)state;
    test_sql(&database, TAMPER
             "CREATE OR REPLACE FUNCTION field(b bytea) RETURNS bytea LANGUAGE sql AS $$"
             " SELECT coalesce(int4send(length(b)) || b, '\\xffffffff') $$;"
             "UPDATE audit_entry SET actor = 'nobody' WHERE chain = 'operator' AND position = 2;"
             "UPDATE audit_entry SET hash = sha256(field(chain::bytea) || field('2')"
             " || field(previous) || field(convert_to(to_char(at AT TIME ZONE 'Asia/Tokyo',"
             "   'YYYY-MM-DD\"T\"HH24:MI:SS.US\"+09:00\"'), 'UTF8'))"
             " || field(convert_to(action, 'UTF8')) || field(convert_to(actor, 'UTF8'))"
             " || field(convert_to(terminal, 'UTF8')) || field(convert_to(city_code, 'UTF8'))"
             " || field(convert_to(application_id, 'UTF8')) || field(convert_to(reason, 'UTF8'))"
             " || field(convert_to(detail, 'UTF8')))"
             " WHERE chain = 'operator' AND position = 2");
    expect_fault("operator", 3, "does not follow");
}

static void a_deleted_entry_shows(void **state)
{
    (void)state;
    test_sql(&database, TAMPER "DELETE FROM audit_entry WHERE chain = 'examine' AND position = 7");
    expect_fault("examine", 7, "missing");
    fresh(NULL);
    test_sql(&database, TAMPER "DELETE FROM audit_entry WHERE chain = 'examine' AND position = 1");
    expect_fault("examine", 1, "missing");
}

static void a_deleted_tail_shows_against_the_head(void **state)
{
    (void)state;
    test_sql(&database,
             TAMPER "DELETE FROM audit_entry WHERE chain = 'operator' AND position > 25");
    expect_fault("operator", 26, "end of the chain is missing");
}

#define SET_BACK(chain, position)                                                                  \
    "UPDATE audit_chain c SET position = e.position, hash = e.hash FROM audit_entry e WHERE "      \
    "e.chain = c.chain AND c.chain = '" chain "' AND e.position = " #position

static void a_head_that_was_set_back_shows(void **state)
{
    (void)state;
    test_sql(&database, TAMPER SET_BACK("operator", 25));
    expect_fault("operator", 25, "set back");
}

static void a_tail_deleted_with_its_head_shows_against_the_checkpoint(void **state)
{
    (void)state;
    test_sql(
        &database,
        TAMPER SET_BACK("operator",
                        15) "; "
                            "DELETE FROM audit_entry WHERE chain = 'operator' AND position > 15");
    expect_fault("operator", 20, "checkpoint");
}

static void a_chain_deleted_whole_shows_against_the_checkpoint(void **state)
{
    (void)state;
    test_sql(&database, TAMPER "DELETE FROM audit_entry WHERE chain = 'operator';"
                               "DELETE FROM audit_chain WHERE chain = 'operator'");
    expect_fault("operator", 20, "missing");
}

static void a_tail_replaced_by_a_good_looking_one_shows_against_the_checkpoint(void **state)
{
    (void)state;
    test_sql(
        &database,
        TAMPER SET_BACK("operator",
                        15) "; "
                            "DELETE FROM audit_entry WHERE chain = 'operator' AND position > 15");
    assert_true(append(operator_db, "operator", 10, false)); /* links and hashes are all right */
    expect_fault("operator", 20, "not the one that checkpoint");
}

static void a_missing_head_shows(void **state)
{
    (void)state;
    test_sql(&database, TAMPER "DELETE FROM audit_chain WHERE chain = 'examine'");
    expect_fault("examine", 0, "head of the chain is missing");
}

static void a_head_with_another_hash_shows(void **state)
{
    (void)state;
    test_sql(&database, TAMPER "UPDATE audit_chain SET hash = decode(repeat('ab', 32), 'hex')"
                               " WHERE chain = 'examine'");
    expect_fault("examine", 30, "names another entry");
}

static void entries_in_another_order_show(void **state)
{
    (void)state;
    test_sql(&database, TAMPER
             "UPDATE audit_entry SET position = -1 WHERE chain = 'operator' AND position = 4;"
             "UPDATE audit_entry SET position = 4 WHERE chain = 'operator' AND position = 5;"
             "UPDATE audit_entry SET position = 5 WHERE chain = 'operator' AND position = -1");
    expect_fault("operator", 4, "does not follow");
}

static void an_entry_moved_to_another_chain_shows(void **state)
{
    (void)state;
    test_sql(&database, TAMPER "DELETE FROM audit_entry WHERE chain = 'examine' AND position = 3;"
                               "UPDATE audit_entry SET chain = 'examine' WHERE position = 3");
    struct faults faults;
    struct audit_summary summary;
    assert_false(verify(&faults, &summary));
    assert_non_null(strstr(faults.all, "operator/3: the entry is missing"));
    assert_non_null(strstr(faults.all, "examine/3: the entry was altered"));
}

/* --- checkpoints -------------------------------------------------------------------------------
 */

static void an_altered_checkpoint_shows(void **state)
{
    (void)state;
    static const char *const alterations[] = {
        "heads = replace(heads, '\"position\":20', '\"position\":19')",
        "heads = heads || ' '",
        "signature = set_byte(signature, 5, get_byte(signature, 5) # 1)",
        "signature = ''",
        "key_id = repeat('0', 64)",
    };
    for (size_t i = 0; i < sizeof alterations / sizeof alterations[0]; i++) {
        char sql[200];
        fresh(NULL);
        snprintf(sql, sizeof sql, TAMPER "UPDATE audit_checkpoint SET %s", alterations[i]);
        test_sql(&database, sql);
        struct faults faults;
        struct audit_summary summary;
        assert_false(verify(&faults, &summary));
        assert_string_equal(faults.first.chain, "checkpoint");
        assert_non_null(strstr(faults.first.what, "signature is wrong"));
    }
    fresh(NULL);
    test_sql(&database, TAMPER "UPDATE audit_checkpoint SET at = at + interval '1 hour'");
    struct faults faults;
    struct audit_summary summary;
    assert_false(verify(&faults, &summary));
    assert_non_null(strstr(faults.first.what, "time"));
}

/* Signed by a key of the forger's own, over a history of the forger's own. */
static void a_forged_checkpoint_shows(void **state)
{
    (void)state;
    struct failure f = {0};
    char key[100], path[100];
    snprintf(key, sizeof key, "%s/forged.key", database.folder);
    unlink(key);
    assert_true(audit_key_create(key, &f));
    snprintf(path, sizeof path, "%s/forged.conf", database.folder);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fprintf(out, "[audit]\nsigning-key = %s\n", key);
    fclose(out);
    static const struct config_section *const sections[] = {&audit_config_section};
    struct config *forger = NULL;
    assert_true(config_load(path, sections, 1, &forger, &f));
    assert_true(audit_checkpoint(operator_db, forger, &f));
    config_free(forger);
    struct faults faults;
    struct audit_summary summary;
    assert_false(verify(&faults, &summary));
    assert_int_equal(faults.count, 1);
    assert_non_null(strstr(faults.first.what, "signature is wrong"));
}

static void a_deleted_checkpoint_shows(void **state)
{
    (void)state;
    checkpoint();
    checkpoint();
    test_sql(&database, TAMPER "DELETE FROM audit_checkpoint WHERE checkpoint_id ="
                               " (SELECT min(checkpoint_id) + 1 FROM audit_checkpoint)");
    struct faults faults;
    struct audit_summary summary;
    assert_false(verify(&faults, &summary));
    assert_non_null(strstr(faults.first.what, "before this one is missing"));
}

static void without_a_public_key_checkpoints_prove_nothing(void **state)
{
    (void)state;
    char path[100];
    snprintf(path, sizeof path, "%s/no-key.conf", database.folder);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fclose(out);
    static const struct config_section *const sections[] = {&audit_config_section};
    struct config *config = NULL;
    struct failure f = {0};
    struct audit_summary summary;
    bool intact = false;
    assert_true(config_load(path, sections, 1, &config, &f));
    assert_false(audit_verify(operator_db, config, NULL, NULL, NULL, &intact, &summary, &f));
    assert_non_null(strstr(f.text, "public-key"));
    assert_false(audit_checkpoint(operator_db, config, &f));
    config_free(config);
}

/* --- keys --------------------------------------------------------------------------------------
 */

static void audit_keys_are_kept_as_secrets_are(void **state)
{
    (void)state;
    struct failure f = {0};
    char path[100];
    struct stat st;
    snprintf(path, sizeof path, "%s/audit.key", database.folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0400);
    assert_false(audit_key_create(path, &f));
    assert_int_equal(chmod(path, 0440), 0);
    assert_false(audit_checkpoint(operator_db, database.config, &f));
    assert_non_null(strstr(f.text, "chmod"));
    assert_int_equal(chmod(path, 0400), 0);
    snprintf(path, sizeof path, "%s/lonely.key.pub", database.folder);
    fclose(fopen(path, "w"));
    path[strlen(path) - 4] = '\0';
    assert_false(audit_key_create(path, &f));
    assert_int_not_equal(stat(path, &st), 0);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup(test, fresh)
    const struct CMUnitTest tests[] = {
        EACH(an_untouched_trail_is_intact),
        EACH(an_empty_trail_is_intact),
        EACH(more_than_one_batch_is_walked),
        EACH(what_is_rolled_back_leaves_no_gap),
        EACH(a_role_cannot_write_another_chain),
        EACH(an_altered_entry_shows),
        EACH(an_altered_entry_with_a_new_hash_shows),
        EACH(a_deleted_entry_shows),
        EACH(a_deleted_tail_shows_against_the_head),
        EACH(a_head_that_was_set_back_shows),
        EACH(a_tail_deleted_with_its_head_shows_against_the_checkpoint),
        EACH(a_chain_deleted_whole_shows_against_the_checkpoint),
        EACH(a_tail_replaced_by_a_good_looking_one_shows_against_the_checkpoint),
        EACH(a_missing_head_shows),
        EACH(a_head_with_another_hash_shows),
        EACH(entries_in_another_order_show),
        EACH(an_entry_moved_to_another_chain_shows),
        EACH(an_altered_checkpoint_shows),
        EACH(a_forged_checkpoint_shows),
        EACH(a_deleted_checkpoint_shows),
        EACH(without_a_public_key_checkpoints_prove_nothing),
        EACH(audit_keys_are_kept_as_secrets_are),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
