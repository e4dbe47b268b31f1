/* The schema: it applies, it agrees with state.c, and each role may do what it must and no more. */
#include "intake/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "intake/state.h"
#include "tests/support/database.h"

static struct test_database database;

#define APPLICATION "'992011', '00000000-0000-0000-0000-000000000001'"
#define DENIED      "42501"
#define RAISED      "P0001"
#define DONE        "00000"

static int set_up(void **state)
{
    (void)state;
    test_database_make(&database, NULL, NULL, 0);
    test_database_upgrade(&database, schema_migrations, 18);
    test_sql(&database, "INSERT INTO terminal (city_code, label, department, address, proposed_by,"
                        " approved_by) SELECT '992011', repeat('x', 60), 'd', n, 'a',"
                        " CASE WHEN n = '2' THEN 'b' END FROM unnest(ARRAY['1', '2', '3']) AS n");
    test_database_upgrade(&database, schema_migrations, 24);
    test_sql(&database, "INSERT INTO change (city_code, kind, subject, after, reason, proposed_by)"
                        " VALUES ('992011', 'holiday', '2027-01-04', '{\"name\": \"x\"}', 'x',"
                        " 'operator:one')");
    test_database_upgrade(&database, schema_migrations, schema_migration_count);
    test_sql(&database,
             "INSERT INTO application (city_code, application_id, channel, receipt_number,"
             " changed_by, applied_at, procedure_id, form_version, promised_size, promised_sha256)"
             " VALUES (" APPLICATION ", 'pittari', 'R-1', 'role:collect', now(), 'p', '1', 1,"
             " decode(repeat('00', 32), 'hex'))");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_database_drop(&database);
    return 0;
}

/* --- from an older schema ------------------------------------------------------------------------
 */

static void terminals_with_the_same_label_do_not_stop_an_upgrade(void **state)
{
    (void)state;
    assert_int_equal(
        test_sql_number(&database, "SELECT address FROM terminal WHERE label = repeat('x', 60)"),
        2); /* the one that may be used */
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM terminal WHERE label LIKE"
                                                " 'x%' || terminal_id AND retired_at IS NULL"),
                     2);
}

/* --- the same table in C and SQL ---------------------------------------------------------------
 */

static void states_and_names_are_the_same(void **state)
{
    (void)state;
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM state"), STATE_COUNT);
    for (enum state s = 0; s < STATE_COUNT; s++) {
        char sql[160];
        snprintf(sql, sizeof sql, "SELECT name_ja FROM state WHERE code = '%s'", state_code(s));
        char *name = test_sql_text(&database, sql);
        assert_string_equal(name, state_name_ja(s));
        free(name);
    }
}

static void transitions_are_the_same(void **state)
{
    (void)state;
    for (enum state from = 0; from < STATE_COUNT; from++) {
        bool any = false;
        for (enum state to = 0; to < STATE_COUNT; to++) {
            char sql[160];
            snprintf(sql, sizeof sql,
                     "SELECT count(*) FROM state_transition WHERE from_state = '%s'"
                     " AND to_state = '%s'",
                     state_code(from), state_code(to));
            assert_int_equal(test_sql_number(&database, sql), state_allowed(from, to));
            any |= state_allowed(from, to);
        }
        assert_int_equal(state_final(from), !any);
    }
}

static void stages_are_the_same(void **state)
{
    (void)state;
    char *check = test_sql_text(&database, "SELECT pg_get_constraintdef(oid) FROM pg_constraint "
                                           "WHERE conname = 'work_stage_check'");
    for (enum stage stage = STAGE_COLLECT; stage <= STAGE_ROUTE; stage++) {
        char quoted[32];
        snprintf(quoted, sizeof quoted, "'%s'", stage_code(stage));
        assert_non_null(strstr(check, quoted));
    }
    free(check);
}

static void codes_are_read_back(void **state)
{
    (void)state;
    enum state read;
    for (enum state s = 0; s < STATE_COUNT; s++) {
        assert_true(state_from_code(state_code(s), &read));
        assert_int_equal(read, s);
    }
    assert_false(state_from_code("Held", &read));
    assert_false(state_from_code("", &read));
}

/* --- what the database itself refuses ----------------------------------------------------------
 */

static void expect(const char *role, const char *sql, const char *wanted)
{
    char found[6];
    test_sql_state(&database, role, sql, found);
    if (strcmp(found, wanted) != 0)
        fail_msg("%s, %s: SQLSTATE %s instead of %s", role, sql, found, wanted);
}

static void a_state_changes_along_the_table_only(void **state)
{
    (void)state;
    expect("examine", "BEGIN; UPDATE application SET version = version + 1, state = 'refused'",
           RAISED);
    expect("routing", "BEGIN; UPDATE application SET version = version + 1, state = 'received'",
           RAISED);
    expect("owner", "BEGIN; UPDATE application SET version = version + 1, state = 'completed'",
           RAISED);
    expect("admin", "BEGIN; UPDATE application SET version = version + 1, state = 'announced'",
           RAISED);
    expect("collect",
           "BEGIN; UPDATE application SET version = version + 1, state = 'no-such-state'", RAISED);
    expect("collect",
           "BEGIN; UPDATE application SET version = version + 1, state = 'collected', changed_by = "
           "'role:collect';"
           " ROLLBACK",
           DONE);
    expect("collect",
           "INSERT INTO application (city_code, channel, receipt_number, state, changed_by,"
           " applied_at, procedure_id, form_version, promised_size, promised_sha256) VALUES"
           " ('992011', 'pittari', 'R-2', 'received', 'x', now(), 'p', '1', 1,"
           " decode(repeat('00', 32), 'hex'))",
           RAISED);
}

static void a_move_counts_the_version_up_by_one(void **state)
{
    (void)state;
    expect("collect", "UPDATE application SET state = 'collected', changed_by = 'role:collect'",
           RAISED);
    expect("owner", "UPDATE application SET version = version + 2, state = 'collected'", RAISED);
}

static void what_the_portal_says_is_well_formed(void **state)
{
    (void)state;
    static const char *const malformed[] = {"city_code = '99201'",
                                            "city_code = 'x92011'",
                                            "receipt_number = ''",
                                            "receipt_number = 'R 2'",
                                            "receipt_number = repeat('1', 65)",
                                            "corrects = 'R''2'",
                                            "corrects = ''"};
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        char sql[200];
        snprintf(sql, sizeof sql, "UPDATE application SET version = version + 1, %s", malformed[i]);
        expect("owner", sql, "23514");
    }
    expect("collect",
           "INSERT INTO application (city_code, channel, receipt_number, changed_by, applied_at,"
           " procedure_id, form_version, promised_size, promised_sha256) VALUES ('992011',"
           " 'pittari', 'R 2', 'role:collect', now(), 'p', '1', 1,"
           " decode(repeat('00', 32), 'hex'))",
           "23514");
}

static void every_change_writes_its_event(void **state)
{
    (void)state;
    test_sql(&database, "UPDATE application SET version = version + 1, state = 'held', reason = "
                        "'download-mismatch', changed_by = "
                        "'role:collect'; UPDATE application SET version = version + 1, state = "
                        "'collected', reason = NULL");
    char *events = test_sql_text(
        &database, "SELECT string_agg(concat_ws(' ', version, from_state, to_state, reason), ', '"
                   " ORDER BY version) FROM application_event");
    assert_string_equal(events, "1 announced, 2 announced held download-mismatch, "
                                "3 held collected");
    free(events);
    assert_int_equal(test_sql_number(&database, "SELECT version FROM application"), 3);
}

#define ENTRY(chain, position, previous)                                                           \
    "INSERT INTO audit_entry (chain, position, at, action, actor, previous, hash) VALUES ('" chain \
    "', " #position ", now(), 'a', 'b', decode(repeat('" previous "', 32), 'hex'), "               \
    "decode(repeat('11', 32), 'hex'))"

static void the_past_is_append_only_for_everybody(void **state)
{
    (void)state;
    test_sql(&database,
             "INSERT INTO audit_chain VALUES ('operator', 0, decode(repeat('00', 32), 'hex')),"
             " ('registry', 0, decode(repeat('00', 32), 'hex'))");
    test_sql(&database, ENTRY("registry", 1, "00"));
    const char *const tables[] = {"audit_entry", "audit_checkpoint", "application_event"};
    const char *const roles[] = {"collect", "examine",  "identify", "routing",
                                 "report",  "registry", "operator", "administrator"};
    for (size_t t = 0; t < 3; t++) {
        const char *const changes[] = {"DELETE FROM %s", "TRUNCATE %s", "UPDATE %s SET at = now()"};
        for (size_t c = 0; c < 3; c++) {
            char sql[100];
            snprintf(sql, sizeof sql, changes[c], tables[t]);
            expect("owner", sql, RAISED);
            expect("admin", sql, RAISED);
            for (size_t r = 0; r < sizeof roles / sizeof roles[0]; r++)
                expect(roles[r], sql, DENIED);
        }
    }
}

static void an_audit_entry_follows_the_head_of_its_own_chain(void **state)
{
    (void)state;
    expect("operator", ENTRY("operator", 2, "00"), RAISED);
    expect("operator", ENTRY("operator", 1, "22"), RAISED);
    expect("operator", ENTRY("examine", 1, "00"), DENIED);
    expect("examine", ENTRY("operator", 1, "00"), DENIED);
    expect("operator", ENTRY("operator", 1, "00"), DONE);
    expect("operator", ENTRY("operator", 1, "00"), "23505");
    assert_int_equal(
        test_sql_number(&database, "SELECT position FROM audit_chain WHERE chain = 'operator'"), 1);
    expect("operator", "UPDATE audit_chain SET position = 0", DENIED);
    expect("examine", "SELECT * FROM audit_head('operator')", DENIED);
    expect("examine", "SELECT * FROM audit_head('examine')", DONE);
    expect("examine", "SELECT * FROM audit_chain", DENIED);
}

/* --- least privilege ---------------------------------------------------------------------------
 */

/* c collect, x examine, i identify, r routing, p report, g registry, o operator, s console,
 * a administrator */
static const struct {
    const char *table;
    const char *select, *insert, *update, *delete;
} rights[] = {
    {"state", "cxirpgos", "", "", ""},
    {"state_transition", "cxirpgos", "", "", ""},
    {"application", "cxirpgos", "c", "cxirs", ""},
    {"application_event", "os", "", "", ""},
    {"role_transition", "", "", "", ""},
    {"work", "cxirpgos", "cxirs", "cxirs", "cxirs"},
    {"application_key", "cxirpos", "c", "", ""},
    {"package", "cxros", "c", "", ""},
    {"package_evidence", "c", "c", "", ""},
    {"examination", "xiros", "x", "x", ""},
    {"identification", "iros", "is", "is", "s"},
    {"identification_back", "ris", "s", "", ""},
    {"identification_decision", "is", "i", "i", ""},
    {"identification_proposal", "os", "s", "s", "s"},
    {"registry_link", "ig", "g", "g", "g"},
    {"registry_link_past", "g", "g", "", ""},
    {"registry_import", "igosa", "g", "gsa", ""},
    {"registry_folding", "igs", "g", "g", ""},
    {"registry_change", "ig", "g", "", "i"},
    {"registry_key", "g", "g", "", ""},
    {"resident", "igs", "g", "g", "g"},
    {"resident_past", "igs", "g", "", ""},
    {"review", "ros", "r", "r", ""},
    {"approval", "ros", "s", "", ""},
    {"staff_hold", "ros", "s", "s", "s"},
    {"ocsp_health", "xos", "x", "x", ""},
    {"reroute", "ros", "s", "s", "s"},
    {"supersession", "ros", "r", "", ""},
    {"protection_change", "", "", "", ""},
    {"withdrawal", "cros", "cs", "r", ""},
    {"resident_message", "rpos", "rs", "", ""},
    {"escalation", "ros", "r", "r", "r"},
    {"outbox", "cxirpos", "cxirs", "rps", "rp"},
    {"outbox_taken_back", "ros", "r", "", ""},
    {"outbox_claim", "rpos", "r", "r", "r"},
    {"outbox_item", "r", "r", "", "r"},
    {"delivery", "rpos", "rp", "r", ""},
    {"outcome", "ro", "r", "r", ""},
    {"token_assertion", "r", "r", "", "r"},
    {"token", "r", "r", "", "r"},
    {"file_place", "r", "r", "r", ""},
    {"file_batch", "ro", "r", "r", ""},
    {"file_batch_item", "ro", "r", "r", ""},
    {"account", "os", "", "s", ""},
    {"account_password", "s", "s", "", ""},
    {"account_credential", "s", "s", "s", "s"},
    {"account_right", "os", "", "", ""},
    {"terminal", "os", "", "", ""},
    {"medium", "osa", "", "", ""},
    {"backup_take_out", "oa", "a", "a", ""},
    {"change", "osa", "sa", "", ""},
    {"holiday", "os", "", "", ""},
    {"message_template", "os", "", "", ""},
    {"session", "os", "s", "s", ""},
    {"claim", "s", "s", "s", "s"},
    {"once", "s", "s", "s", "s"},
    {"contact_note", "s", "s", "", ""},
    {"proposal_reason", "s", "s", "", ""},
    {"audit_chain", "os", "", "", ""},
    {"audit_entry", "os", "cxirpgosa", "", ""},
    {"audit_checkpoint", "os", "o", "", ""},
    {"audit_archive", "os", "", "", ""},
    {"audit_review", "os", "s", "", ""},
    {"audit_verification", "os", "os", "", ""},
    {"output", "os", "s", "s", ""},
    {"schema_version", "cxirpgosa", "", "", ""},
};
#define ROLES                                                                                      \
    "(VALUES ('c', 'collect'), ('x', 'examine'), ('i', 'identify'), ('r', 'routing'),"             \
    " ('p', 'report'), ('g', 'registry'), ('o', 'operator'), ('s', 'console'),"                    \
    " ('a', 'administrator')) AS role (letter, name)"

static bool all_in(const char *some, const char *letters)
{
    return strspn(some, letters) == strlen(some);
}

/* Rights on columns count too: whoever may update one column, may update. */
static void compare_right(const char *table, const char *right, const char *letters)
{
    char sql[500];
    const char *function =
        strcmp(right, "DELETE") == 0 ? "has_table_privilege" : "has_any_column_privilege";
    snprintf(sql, sizeof sql,
             "SELECT coalesce(string_agg(letter, ''), '') FROM " ROLES
             " WHERE %s('uketsuke_' || name, '%s', '%s')",
             function, table, right);
    char *found = test_sql_text(&database, sql);
    if (!all_in(found, letters) || !all_in(letters, found))
        fail_msg("%s on %s: \"%s\" have it, not \"%s\" as in the table of rights", right, table,
                 found, letters);
    free(found);
}

static void rights_are_those_of_the_table_and_no_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rights / sizeof rights[0]; i++) {
        compare_right(rights[i].table, "SELECT", rights[i].select);
        compare_right(rights[i].table, "INSERT", rights[i].insert);
        compare_right(rights[i].table, "UPDATE", rights[i].update);
        compare_right(rights[i].table, "DELETE", rights[i].delete);
        compare_right(rights[i].table, "REFERENCES", "");
    }
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM pg_class WHERE relkind = 'r'"
                                                " AND relnamespace = 'public'::regnamespace"),
                     sizeof rights / sizeof rights[0]);
}

static void operators_see_what_happened_but_not_what_was_said(void **state)
{
    (void)state;
    expect("operator", "SELECT verdict, reason FROM examination", DONE);
    expect("operator", "SELECT size, sha256 FROM package", DONE);
    expect("operator", "SELECT how FROM identification", DONE);
    expect("operator", "SELECT serial FROM examination", DENIED);
    expect("operator", "SELECT record FROM examination", DENIED);
    expect("operator", "SELECT sealed FROM package", DENIED);
    expect("operator", "SELECT atenabango FROM identification", DENIED);
    expect("operator", "SELECT wrapped FROM application_key", DENIED);
    expect("operator", "SELECT reason FROM output", DENIED);
    expect("operator", "SELECT name, kind FROM account", DONE);
    expect("operator", "SELECT password FROM account", DENIED);
    expect("examine", "SELECT * FROM registry_link", DENIED);
    expect("identify", "SELECT name, number_hash FROM resident", DONE);
    expect("identify", "SELECT number_sealed FROM resident", DENIED);
    expect("identify", "SELECT number_sealed FROM resident_past", DENIED);
    expect("console", "SELECT report, facts, record FROM examination", DONE);
    expect("console", "SELECT serial FROM examination", DENIED);
    expect("console", "SELECT evidence FROM examination", DENIED);
    expect("console", "SELECT sealed FROM package", DONE);
    expect("console", "SELECT name FROM resident", DONE);
    expect("console", "SELECT number_sealed FROM resident", DENIED);
    expect("console", "SELECT number_sealed FROM resident_past", DENIED);
    expect("examine", "UPDATE application SET receipt_number = 'x'", DENIED);
    expect("examine", "UPDATE application SET applied_at = now()", DENIED);
    expect("registry", "UPDATE work SET stage = 'route'", DENIED);
    expect("report", "UPDATE application SET state = 'held'", DENIED);
    expect("operator", "CREATE TABLE mine (n integer)", DENIED);
}

#define MOVE(from, to, who)                                                                        \
    "BEGIN; UPDATE application SET version = version + 1, state = '" to "', changed_by = '" who    \
    "' WHERE state = '" from "'; ROLLBACK"

static void a_role_moves_only_what_is_its_own_and_in_its_own_name(void **state)
{
    (void)state;
    test_sql(&database, "UPDATE application SET version = version + 1, state = 'held', changed_by "
                        "= 'role:collect'");
    expect("collect", MOVE("held", "collected", "role:collect"), DONE);
    expect("collect", MOVE("held", "collected", "role:examine"), DENIED);
    expect("collect", MOVE("held", "verified", "role:collect"), DENIED);
    expect("collect", MOVE("held", "routed", "role:collect"), DENIED);
    expect("identify", MOVE("held", "refused", "role:identify"), DENIED);
    expect("examine", MOVE("held", "refused", "role:examine"), DONE);
    expect("examine", MOVE("held", "refused", "business:x"), DENIED);
    expect("routing", MOVE("held", "held", "business:x"), DONE);
    expect("console", MOVE("held", "correction", "staff:a"), DONE);
    expect("console", MOVE("held", "correction", "staff:"), DENIED);
    expect("console", MOVE("held", "correction", "role:examine"), DENIED);
    expect("console", MOVE("held", "routed", "staff:a"), DENIED);
    expect("examine", MOVE("held", "correction", "staff:a"), DENIED);
    expect("routing", MOVE("held", "verified", "role:routing"), DENIED);
    expect("owner", MOVE("held", "verified", "whoever"), DONE);
}

#define OUTBOX(destination)                                                                        \
    "BEGIN; INSERT INTO outbox (city_code, destination, application_id, status) VALUES "           \
    "('992011', '" destination "', gen_random_uuid(), 'x'); ROLLBACK"
#define WORK(stage)                                                                                \
    "BEGIN; INSERT INTO work (city_code, application_id, stage) VALUES "                           \
    "('992011', gen_random_uuid(), '" stage "'); ROLLBACK"

static void a_role_touches_only_its_own_rows(void **state)
{
    (void)state;
    test_sql(&database, "INSERT INTO work (city_code, application_id, stage) SELECT '992011',"
                        " gen_random_uuid(), unnest(ARRAY['collect', 'examine', 'identify',"
                        " 'route'])");
    test_sql(&database, "INSERT INTO outbox (city_code, destination, application_id, status) SELECT"
                        " '992011', unnest(ARRAY['portal', 'child-allowance']), gen_random_uuid(),"
                        " 'x'");
    expect("collect", OUTBOX("portal"), DONE);
    expect("collect", OUTBOX("child-allowance"), DENIED);
    expect("routing", OUTBOX("child-allowance"), DONE);
    expect("collect", WORK("examine"), DONE);
    expect("collect", WORK("route"), DENIED);
    expect("examine", "UPDATE work SET stage = 'route'", DENIED);
    expect("collect", "DELETE FROM work", DONE);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM work"), 3);
    expect("report", "DELETE FROM outbox", DONE);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM outbox"), 1);
    expect("report", "UPDATE outbox SET destination = 'portal'", DONE);
    assert_int_equal(
        test_sql_number(&database, "SELECT count(*) FROM outbox WHERE destination = 'portal'"), 0);
}

/* --- who administers on the server -------------------------------------------------------------
 */

#define FEED                                                                                       \
    "INSERT INTO registry_import (city_code, actor, full_load, rows, sha256, kind, source, as_of," \
    " at, state, bound) VALUES ('992011', 'operator:one', true, 1, decode(repeat('00', 32),"       \
    " 'hex'), 'residents', 'juki', now(), now(), 'waiting', decode(repeat('00', 32), 'hex'))"
#define LET_IN                                                                                     \
    "UPDATE registry_import SET state = 'approved', approved_by = 'operator:two',"                 \
    " approved_at = now()"
#define CHANGE(day)                                                                                \
    "INSERT INTO change (city_code, kind, subject, after, reason, proposed_by) VALUES ('992011',"  \
    " 'holiday', '" day "', '{\"name\": \"x\"}', 'x', 'operator:one')"

/* Whoever may only look writes neither the first login nor the second, whatever the SQL. */
static void who_operates_does_not_administer(void **state)
{
    (void)state;
    static const char *const acts[] = {
        CHANGE("2027-01-05"),
        "SELECT change_current('992011', 'holiday', '2027-01-04')",
        "SELECT change_settle('992011', 1, 'operator:two', NULL, NULL, true)",
        "SELECT change_first('992011', 'terminal', 'x', '{}', 'operator:one')",
        "SELECT change_person_check('992011', 'operator:two')",
        "SELECT account_stop('992011', 'x')",
        "SELECT account_new_code('992011', 'x', decode(repeat('00', 32), 'hex'), now())",
        LET_IN,
        ENTRY("administrator", 1, "00"),
    };
    test_sql(&database, FEED);
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        expect("operator", acts[i], DENIED);
    expect("administrator", "SELECT count(*) FROM application", DENIED);
    expect("administrator", "BEGIN; " LET_IN "; ROLLBACK", DONE);
    expect("administrator", "UPDATE registry_import SET state = 'done'", DENIED);
    expect("administrator", "BEGIN; " CHANGE("2027-01-05") "; ROLLBACK", DONE);
    expect("administrator", "UPDATE change SET state = 'effective'", DENIED);
    expect("administrator", "INSERT INTO holiday VALUES ('992011', 20270105, 'x')", DENIED);
    expect("administrator", ENTRY("operator", 2, "11"), DENIED);
}

/* What was proposed under the schema before is still confirmed, and by another person. */
static void what_waited_before_is_confirmed_by_who_administers(void **state)
{
    (void)state;
    expect("administrator", "SELECT change_settle('992011', 1, 'operator:ONE', NULL, NULL, true)",
           DONE);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM holiday"), 0);
    expect("administrator", "SELECT change_settle('992011', 1, 'operator:two', NULL, NULL, true)",
           DONE);
    assert_int_equal(test_sql_number(&database, "SELECT day FROM holiday"), 20270104);
}

/* --- four eyes ---------------------------------------------------------------------------------
 */

#define AS_STAFF(to, who)                                                                          \
    "UPDATE application SET version = version + 1, state = '" to "', changed_by = '" who "'"
#define APPROVE(hash, who)                                                                         \
    "INSERT INTO approval VALUES (" APPLICATION ", decode(repeat('" hash "', 32), 'hex'), '" who   \
    "', now())"
#define PROPOSE(who)                                                                               \
    "INSERT INTO identification_proposal VALUES (" APPLICATION ", '123', '" who "', now())"
#define IDENTIFY(number, proposer, confirmer)                                                      \
    "INSERT INTO identification VALUES (" APPLICATION ", now(), '" number "', 'staff', '" proposer \
    "', '" confirmer "')"

static void nothing_leaves_review_without_its_approvals(void **state)
{
    (void)state;
    test_sql(&database,
             "UPDATE application SET version = version + 1, state = 'review';"
             " INSERT INTO review VALUES (" APPLICATION ", now(), decode(repeat('aa', 32), 'hex'),"
             " 'child-allowance', 'protected', 2)");
    expect("console", AS_STAFF("identified", "staff:a"), DENIED);
    expect("console", APPROVE("bb", "staff:a"), DENIED); /* of something else */
    expect("console", APPROVE("aa", "staff:a"), DONE);
    expect("console", APPROVE("aa", "staff:a"), "23505");
    expect("console", AS_STAFF("identified", "staff:a"), DENIED);
    expect("owner", AS_STAFF("identified", "staff:a"), DENIED);
    expect("console", APPROVE("aa", "staff:b"), DONE);
    expect("owner", "DELETE FROM approval", RAISED);
    test_sql(&database, "UPDATE review SET sha256 = decode(repeat('cc', 32), 'hex')");
    expect("console", AS_STAFF("identified", "staff:b"), DENIED); /* void: it is another one now */
    test_sql(&database, "UPDATE review SET sha256 = decode(repeat('aa', 32), 'hex')");
    expect("console", "BEGIN; " AS_STAFF("identified", "staff:b") "; ROLLBACK", DONE);
}

static void nobody_is_found_by_hand_without_a_second_person(void **state)
{
    (void)state;
    test_sql(&database,
             "UPDATE application SET version = version + 1, state = 'correction', changed_by = 'x';"
             " SET session_replication_role = replica;"
             " UPDATE application SET state = 'unmatched'");
    expect("console", AS_STAFF("identified", "staff:b"), DENIED);
    expect("console", IDENTIFY("123", "staff:a", "staff:b"), DENIED); /* nothing was proposed */
    expect("console", PROPOSE("staff:a"), DONE);
    expect("console", IDENTIFY("123", "staff:a", "staff:a"), "23514");
    expect("console", IDENTIFY("124", "staff:a", "staff:b"), DENIED);
    expect("console", IDENTIFY("123", "staff:c", "staff:b"), DENIED);
    expect("console", IDENTIFY("123", "staff:a", "staff:b"), DONE);
    expect("console", AS_STAFF("identified", "staff:c"), DENIED);
    expect("console", AS_STAFF("identified", "staff:b"), DONE);
    test_sql(&database,
             "UPDATE application SET version = version + 1, state = 'review', changed_by = 'x'");
    expect("console", APPROVE("aa", "staff:c"), DONE);
    test_sql(&database, "UPDATE review SET sha256 = decode(repeat('cc', 32), 'hex')");
    expect("console", APPROVE("cc", "staff:a"), DENIED); /* who identified the applicant */
    expect("console", APPROVE("cc", "staff:b"), DENIED); /* and who confirmed it */
    expect("console", APPROVE("cc", "staff:d"), DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terminals_with_the_same_label_do_not_stop_an_upgrade),
        cmocka_unit_test(states_and_names_are_the_same),
        cmocka_unit_test(transitions_are_the_same),
        cmocka_unit_test(stages_are_the_same),
        cmocka_unit_test(codes_are_read_back),
        cmocka_unit_test(a_state_changes_along_the_table_only),
        cmocka_unit_test(a_move_counts_the_version_up_by_one),
        cmocka_unit_test(what_the_portal_says_is_well_formed),
        cmocka_unit_test(every_change_writes_its_event),
        cmocka_unit_test(the_past_is_append_only_for_everybody),
        cmocka_unit_test(an_audit_entry_follows_the_head_of_its_own_chain),
        cmocka_unit_test(rights_are_those_of_the_table_and_no_more),
        cmocka_unit_test(operators_see_what_happened_but_not_what_was_said),
        cmocka_unit_test(a_role_moves_only_what_is_its_own_and_in_its_own_name),
        cmocka_unit_test(a_role_touches_only_its_own_rows),
        cmocka_unit_test(who_operates_does_not_administer),
        cmocka_unit_test(what_waited_before_is_confirmed_by_who_administers),
        cmocka_unit_test(nothing_leaves_review_without_its_approvals),
        cmocka_unit_test(nobody_is_found_by_hand_without_a_second_person),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
