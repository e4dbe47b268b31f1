/* The escalation clock, with a fixed clock and a program that writes down what it is told. */
#include "intake/escalation.h"

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
#include "tests/support/town_hall.h"

static char program[64], told[80];

static int set_up(void **state)
{
    (void)state;
    strcpy(program, "/tmp/uketsuke-notify.XXXXXX");
    int fd = mkstemp(program);
    assert_true(fd >= 0);
    snprintf(told, sizeof told, "%s.told", program);
    FILE *out = fdopen(fd, "w");
    fprintf(out, "#!/bin/sh\n[ -e %s.broken ] && exit 1\ncat >>%s\necho >>%s\n", program, told,
            told);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(chmod(program, 0700), 0);
    _cleanup_(cleanup_text) char *more = text_format(
        "[route child-allowance.certification-claim]\ndestination = child-allowance\n"
        "legal-basis = 番号法第9条第1項\nindividual-number = yes\ndepartment = こども家庭課\n"
        "[escalation]\nnotify = %s\n",
        program);
    hall_make(more);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hall_drop();
    remove(program);
    remove(told);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    hall_clear();
    remove(told);
    hall_application(1, "[]", NULL);
    hall_hand_over();
    test_sql(&hall.database, "UPDATE outbox SET created_at = '2026-11-01T00:00:00Z'");
    return 0;
}

static void at(const char *time)
{
    instant now;
    assert_true(instant_parse(time, &now));
    clock_fix(now);
}

static enum work_result step(void)
{
    struct failure f = {0};
    enum work_result result = escalation_step(&hall.routing, &f);
    if (result == WORK_FAILED)
        fail_msg("%s", f.text);
    return result;
}

/* How many of the lines that the program got have the text. */
static int lines_with(const char *text)
{
    char line[4096];
    int count = 0;
    FILE *in = fopen(told, "r");
    while (in && fgets(line, sizeof line, in))
        count += strstr(line, text) != NULL;
    if (in)
        fclose(in);
    return count;
}

static void each_step_is_told_once_and_in_its_time(void **state)
{
    (void)state;
    at("2026-11-01T03:59:59Z");
    assert_int_equal(step(), WORK_IDLE);
    at("2026-11-01T04:00:00Z"); /* operator-after */
    assert_int_equal(step(), WORK_DONE);
    assert_int_equal(lines_with("\"level\":\"operator\""), 1);
    assert_int_equal(lines_with("R-00000001"), 1);
    assert_int_equal(step(), WORK_IDLE);
    at("2026-11-02T00:00:00Z"); /* department-after */
    assert_int_equal(step(), WORK_DONE);
    assert_int_equal(lines_with("\"department\":\"こども家庭課\""), 1);
    at("2026-11-04T00:00:00Z"); /* report-after */
    assert_int_equal(step(), WORK_DONE);
    assert_int_equal(lines_with("\"level\":\"report\""), 1);
    assert_int_equal(step(), WORK_IDLE);
    assert_int_equal(hall_count("outbox"), 1); /* nothing expires */
    assert_int_equal(hall_count("audit_entry WHERE action = 'application.escalated'"), 3);
}

static void who_could_not_be_told_is_told_later(void **state)
{
    (void)state;
    _cleanup_(cleanup_text) char *broken = text_format("%s.broken", program);
    fclose(fopen(broken, "w"));
    at("2026-11-01T04:00:00Z");
    assert_int_equal(step(), WORK_IDLE);
    assert_int_equal(hall_count("escalation"), 0);
    remove(broken);
    assert_int_equal(step(), WORK_DONE);
    assert_int_equal(lines_with("operator"), 1);
}

static void what_moved_is_forgotten_and_what_waits_again_begins_anew(void **state)
{
    (void)state;
    at("2026-11-09T00:00:00Z"); /* all three at once, after a long stop */
    assert_int_equal(step(), WORK_DONE);
    assert_int_equal(lines_with("level"), 3);
    test_sql(&hall.database, "DELETE FROM outbox");
    assert_int_equal(step(), WORK_IDLE);
    assert_int_equal(hall_count("escalation"), 0);
}

static void what_waits_for_staff_counts_from_the_end_of_its_hold(void **state)
{
    (void)state;
    test_sql(&hall.database,
             "DELETE FROM outbox; SET session_replication_role = replica; UPDATE application SET"
             " state = 'review', changed_at = '2026-11-01T00:00:00Z'; INSERT INTO staff_hold SELECT"
             " city_code, application_id, '2026-11-05T00:00:00Z', 'staff:a', now()"
             " FROM application");
    at("2026-11-05T03:59:59Z");
    assert_int_equal(step(), WORK_IDLE);
    at("2026-11-05T04:00:00Z");
    assert_int_equal(step(), WORK_DONE);
    assert_int_equal(lines_with("\"what\":\"review\""), 1);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup(test, clear)
    const struct CMUnitTest tests[] = {
        EACH(each_step_is_told_once_and_in_its_time),
        EACH(who_could_not_be_told_is_told_later),
        EACH(what_moved_is_forgotten_and_what_waits_again_begins_anew),
        EACH(what_waits_for_staff_counts_from_the_end_of_its_hold),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
