#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "intake/console/personnel.h"

#define HEADER "利用者名,氏名,部署,異動,前任者\n"
#define TODAY  "2026-11-28"

static json_t *account(const char *display_name, const char *department, const char *valid_to,
                       const char *right)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:[{s:s, s:s, s:s}]}", "display_name",
                     display_name, "department", department, "kind", "staff", "valid_from",
                     "2020-04-01", "valid_to", valid_to, "disabled", 0, "rights", "business", "*",
                     "department", "*", "right", right);
}

static json_t *plan_of(const char *csv, bool complete)
{
    _cleanup_(cleanup_json) json_t *accounts = json_pack(
        "{s:o, s:o, s:o, s:o}", "hanako", account("桜野花子", "市民課", "2027-03-31", "see"),
        "taro", account("若葉太郎", "税務課", "2027-03-31", "approve"), "old",
        account("昔の人", "税務課", "2026-11-27", "see"), "gone",
        account("去った人", "税務課", "2027-03-31", "see"));
    json_object_set_new(json_object_get(accounts, "gone"), "disabled", json_true());
    return personnel_plan(bytes_of_text(csv), accounts, TODAY, complete);
}

static const char *text(const json_t *plan, const char *list, size_t at, const char *key)
{
    const char *found =
        json_string_value(json_object_get(json_array_get(json_object_get(plan, list), at), key));
    return found ? found : "";
}

static size_t count(const json_t *plan, const char *list)
{
    return json_array_size(json_object_get(plan, list));
}

static const json_t *after(const json_t *plan, size_t at)
{
    return json_object_get(json_array_get(json_object_get(plan, "changes"), at), "after");
}

static void who_moves_gets_the_rights_of_the_post_or_none(void **state)
{
    (void)state;
    _cleanup_(cleanup_json) json_t *plan =
        plan_of(HEADER "hanako,桜野花子,税務課,異動,taro\ntaro,若葉太郎,福祉課,異動,\n", false);
    assert_int_equal(count(plan, "faults"), 0);
    assert_int_equal(count(plan, "changes"), 2);
    assert_string_equal(text(plan, "changes", 0, "subject"), "hanako");
    assert_string_equal(json_string_value(json_object_get(after(plan, 0), "department")), "税務課");
    const json_t *rights = json_object_get(after(plan, 0), "rights");
    assert_int_equal(json_array_size(rights), 1); /* hers are gone */
    assert_string_equal(json_string_value(json_object_get(json_array_get(rights, 0), "right")),
                        "approve");
    assert_int_equal(json_array_size(json_object_get(after(plan, 1), "rights")), 0);
}

static void who_leaves_is_stopped(void **state)
{
    (void)state;
    _cleanup_(cleanup_json) json_t *plan = plan_of(HEADER "hanako,桜野花子,市民課,退職,\n", false);
    assert_int_equal(count(plan, "changes"), 1);
    assert_true(json_is_true(json_object_get(after(plan, 0), "disabled")));
    assert_int_equal(json_array_size(json_object_get(after(plan, 0), "rights")), 0);
}

static void what_differs_is_told_and_nothing_proposed(void **state)
{
    (void)state;
    _cleanup_(cleanup_json) json_t *plan =
        plan_of(HEADER "hanako,桜野花,市民課,,\nnew,新人,市民課,,\nold,昔の人,税務課,,\n", true);
    assert_int_equal(count(plan, "faults"), 0);
    assert_int_equal(count(plan, "changes"), 0);
    assert_int_equal(count(plan, "differences"), 4);
    assert_string_equal(text(plan, "differences", 0, "what"), "name");
    assert_string_equal(text(plan, "differences", 0, "account"), "桜野花子");
    assert_string_equal(text(plan, "differences", 1, "what"), "no-account");
    assert_string_equal(text(plan, "differences", 2, "what"), "no-account"); /* it has ended */
    assert_string_equal(text(plan, "differences", 3, "what"), "absent");
    assert_string_equal(text(plan, "differences", 3, "subject"), "taro"); /* not who is stopped */
    _cleanup_(cleanup_json) json_t *some = plan_of(HEADER "hanako,桜野花子,市民課,,\n", false);
    assert_int_equal(count(some, "differences"), 0);
    assert_int_equal(json_integer_value(json_object_get(some, "same")), 1);
}

static void a_fault_is_told_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *csv;
        int line;
        const char *says;
    } faults[] = {
        {"", 1, "1行目は"},
        {HEADER, 0, "データの行がありません"},
        {"a,b\nhanako,b\n", 1, "1行目は"},
        {HEADER "hanako,a\n", 2, "列の数"},
        {HEADER "hanako,桜野花子,市民課,,\nhanako,桜野花子,税務課,異動,\n", 3, "前にもあります"},
        {HEADER "HANAKO,a,b,,\n", 2, "利用者名が正しくありません"},
        {HEADER "hanako,a,b,出向,\n", 2, "空欄・異動・退職"},
        {HEADER "nobody,a,b,異動,\n", 2, "いないか"},
        {HEADER "gone,a,b,退職,\n", 2, "すでに使えません"},
        {HEADER "hanako,a,b,異動,nobody\n", 2, "前任者"},
        {HEADER "hanako,a,b,異動,hanako\n", 2, "前任者"},
        {HEADER "hanako,桜野花子,,異動,\n", 2, "部署は"},
        {HEADER "hanako,\"a", 0, "読めません"},
        {HEADER "hanako,\xff,b,,\n", 0, "読めません"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        _cleanup_(cleanup_json) json_t *plan = plan_of(faults[i].csv, true);
        if (count(plan, "faults") != 1 || !strstr(text(plan, "faults", 0, "text"), faults[i].says))
            fail_msg("%zu: %s", i, text(plan, "faults", 0, "text"));
        assert_int_equal(json_integer_value(json_object_get(
                             json_array_get(json_object_get(plan, "faults"), 0), "line")),
                         faults[i].line);
    }
}

static json_t *many(int lines, const char *format)
{
    struct buffer csv = {0};
    buffer_append_text(&csv, HEADER);
    for (int i = 0; i < lines; i++)
        buffer_format(&csv, format, i);
    json_t *plan = plan_of(buffer_text(&csv), false);
    buffer_free(&csv);
    return plan;
}

static void limits_at_their_edges(void **state)
{
    (void)state;
    _cleanup_(cleanup_json) json_t *most = many(PERSONNEL_LINES_MOST, "n%05d,a,b,,\n");
    assert_int_equal(count(most, "faults"), 0);
    assert_int_equal(count(most, "differences"), PERSONNEL_LINES_MOST);
    _cleanup_(cleanup_json) json_t *more = many(PERSONNEL_LINES_MOST + 1, "n%05d,a,b,,\n");
    assert_int_equal(count(more, "faults"), 1);
    _cleanup_(cleanup_json) json_t *bad = many(PERSONNEL_FAULTS_MOST + 1, "N%05d,a,b,,\n");
    assert_int_equal(count(bad, "faults"), PERSONNEL_FAULTS_MOST);
}

static void excels_mark_is_no_part_of_it(void **state)
{
    (void)state;
    _cleanup_(cleanup_json) json_t *plan =
        plan_of("\xef\xbb\xbf" HEADER "hanako,桜野花子,市民課,,\n", false);
    assert_int_equal(count(plan, "faults"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_moves_gets_the_rights_of_the_post_or_none),
        cmocka_unit_test(who_leaves_is_stopped),
        cmocka_unit_test(what_differs_is_told_and_nothing_proposed),
        cmocka_unit_test(a_fault_is_told_with_its_line),
        cmocka_unit_test(limits_at_their_edges),
        cmocka_unit_test(excels_mark_is_no_part_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
