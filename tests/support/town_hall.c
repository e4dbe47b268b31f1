#include "tests/support/town_hall.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/audit.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "forms/procedure.h"
#include "intake/escalation.h"
#include "intake/examine.h"
#include "intake/hand_over.h"
#include "intake/schema.h"
#include "intake/work.h"
#include "routing/portal.h"
#include "routing/route.h"
#include "routing/server.h"

struct town_hall hall;

static const char start[] =
    "[channel pittari]\nurl = https://localhost\nclient-id = x\nstatus-collected =\n"
    "[destination child-allowance]\npeers = "
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
    "[destination welfare]\npeers = "
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n"
    "[forms]\nprocedures = " SOURCE_ROOT "/forms/procedures\n";

void hall_make(const char *more)
{
    static const struct config_section *const sections[] = {
        &work_config_section,    &channel_config_section,   &audit_config_section,
        &route_config_section,   &forms_config_section,     &destination_config_section,
        &routing_config_section, &escalation_config_section};
    _cleanup_(cleanup_text) char *text = text_format("%s%s", start, more);
    test_database_make(&hall.database, text, sections, sizeof sections / sizeof sections[0]);
    test_database_upgrade(&hall.database, schema_migrations, schema_migration_count);
    hall.routing = (struct role){.name = "routing",
                                 .config = hall.database.config,
                                 .city_code = TEST_CITY,
                                 .db = test_database_open(&hall.database, "routing", 2),
                                 .city_key = test_city_key(&hall.database)};
    hall.console = test_database_open(&hall.database, "console", 2);
}

void hall_drop(void)
{
    clock_fix(0);
    staff_answer_free(&hall.last);
    db_close(hall.console);
    db_close(hall.routing.db);
    procedures_free(hall.routing.procedures);
    city_key_free(hall.routing.city_key);
    test_database_drop(&hall.database);
}

void hall_clear(void)
{
    clock_fix(0);
    test_database_clear(&hall.database,
                        "application, application_event, work, outbox, outbox_item, delivery,"
                        " escalation, audit_entry, audit_chain, audit_checkpoint");
}

static char *sealed_hex(int n, const char *purpose, const char *plain)
{
    _cleanup_(cleanup_buffer) struct buffer sealed = {0};
    test_application_seal(&hall.database, hall.routing.city_key, n, purpose, bytes_of_text(plain),
                          &sealed);
    char *hex = memory_allocate(2 * sealed.length + 1);
    hex_encode(sealed.data, sealed.length, hex);
    return hex;
}

void hall_application(int n, const char *findings, const char *corrects)
{
    static const char person[] = "{\"name\":\"桜野　花子\",\"birth_date\":\"1992-04-01\","
                                 "\"sex\":\"2\",\"address\":\"試験県桜野市本町\"}";
    char id[37];
    _cleanup_(cleanup_text) char *report_text =
        text_format("{\"indication\":\"TOTAL-PASSED\",\"application\":{%s%s%s},\"findings\":%s}",
                    corrects ? "\"corrects\":\"" : "", corrects ? corrects : "",
                    corrects ? "\"" : "", findings);
    _cleanup_(cleanup_text) char *record_text =
        text_format("{\"claimant\":%s,\"older_children_count\":%d}", person, n);
    test_application_make(&hall.database, hall.routing.city_key, n, NULL);
    test_application_move(&hall.database, n,
                          (const char *const[]){"collected", "verified", "identified", NULL});
    _cleanup_(cleanup_text) char *report = sealed_hex(n, "report", report_text);
    _cleanup_(cleanup_text) char *facts = sealed_hex(n, "facts", person);
    _cleanup_(cleanup_text) char *record = sealed_hex(n, "record", record_text);
    test_application_id(n, id);
    _cleanup_(cleanup_text) char *sql = text_format(
        "INSERT INTO package (city_code, application_id, size, sha256, sealed) VALUES ('" TEST_CITY
        "', '%s', 1, decode(repeat('00', 32), 'hex'), ''); "
        "INSERT INTO examination (city_code, application_id, verdict, ca, serial, report, facts,"
        " record) VALUES ('" TEST_CITY "', '%s', 'accepted', 'sign', 'ab', '\\x%s', '\\x%s',"
        " '\\x%s'); "
        "INSERT INTO identification (city_code, application_id, atenabango, how) VALUES "
        "('" TEST_CITY "', '%s', '17', 'serial'); "
        "INSERT INTO work (city_code, application_id, stage, due_at) VALUES ('" TEST_CITY
        "', '%s', 'route', '2020-01-01');"
        "SET session_replication_role = replica;"
        "UPDATE application SET corrects = nullif('%s', '') WHERE application_id = '%s'",
        id, id, report, facts, record, id, id, corrects ? corrects : "", id);
    test_sql(&hall.database, sql);
}

void hall_list_says(int n, const char *corrects)
{
    char id[37];
    _cleanup_(cleanup_text) char *sql =
        text_format("SET session_replication_role = replica; UPDATE application SET corrects ="
                    " nullif('%s', '') WHERE application_id = '%s'",
                    corrects ? corrects : "", test_application_id(n, id));
    test_sql(&hall.database, sql);
}

void hall_hand_over(void)
{
    struct failure f = {0};
    if (hand_over_step(&hall.routing, &f) == WORK_FAILED)
        fail_msg("%s", f.text);
}

void hall_must_be(int n, const char *state_and_reason)
{
    char id[37];
    _cleanup_(cleanup_text) char *sql =
        text_format("SELECT trim(concat_ws(' ', state, reason)) FROM application"
                    " WHERE application_id = '%s'",
                    test_application_id(n, id));
    _cleanup_(cleanup_text) char *found = test_sql_text(&hall.database, sql);
    assert_string_equal(found, state_and_reason);
}

long long hall_count(const char *from)
{
    _cleanup_(cleanup_text) char *sql = text_format("SELECT count(*) FROM %s", from);
    return test_sql_number(&hall.database, sql);
}

struct doing {
    struct staff_act act;
    hall_act *what_to_do;
    const void *what;
};

static bool do_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct doing *doing = context;
    staff_answer_free(&hall.last);
    return doing->what_to_do(tx, &doing->act, doing->what, &hall.last, f);
}

static bool attempt(const char *who, int n, int version, hall_act *act, const void *what,
                    struct failure *f)
{
    char id[37];
    _cleanup_(cleanup_text) char *sql = text_format(
        "SELECT version FROM application WHERE application_id = '%s'", test_application_id(n, id));
    struct doing doing = {
        .act = {.config = hall.database.config,
                .city_key = hall.routing.city_key,
                .city_code = TEST_CITY,
                .application_id = id,
                .who = who,
                .terminal = "pts/1",
                .reason = "窓口で確認済",
                .version = version ? version : (int)test_sql_number(&hall.database, sql)},
        .what_to_do = act,
        .what = what};
    return db_transaction(hall.console, do_work, &doing, f);
}

enum staff_result hall_do(const char *who, int n, int version, hall_act *act, const void *what)
{
    struct failure f = {0};
    if (!attempt(who, n, version, act, what, &f))
        fail_msg("%s", f.text);
    return hall.last.result;
}

bool hall_try(const char *who, int n, hall_act *act, const void *what)
{
    struct failure f = {0};
    return attempt(who, n, 0, act, what, &f);
}

bool hall_approve(struct db_tx *tx, const struct staff_act *act, const void *what,
                  struct staff_answer *answer, struct failure *f)
{
    (void)what;
    return staff_approve(tx, act, answer, f);
}

bool hall_resend(struct db_tx *tx, const struct staff_act *act, const void *what,
                 struct staff_answer *answer, struct failure *f)
{
    (void)what;
    return staff_resend(tx, act, answer, f);
}

bool hall_undo(struct db_tx *tx, const struct staff_act *act, const void *what,
               struct staff_answer *answer, struct failure *f)
{
    (void)what;
    return staff_identify_undo(tx, act, answer, f);
}
