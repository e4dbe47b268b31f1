/* A record as rows: words, order, and that a 個人番号 stands nowhere but where it is asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/cleanup.h"
#include "forms/view.h"

#define PROCEDURES SOURCE_ROOT "/forms/procedures"
#define EXAMPLE    PROCEDURES "/child-allowance/certification-claim/examples/good.json"
#define NUMBER     "123456789018" /* the claimant's, in the example */

static struct procedures *procedures;
static const struct procedure *procedure;

static int load(void **state)
{
    (void)state;
    struct failure f = {0};
    if (!procedures_load(PROCEDURES, &procedures, &f))
        return -1;
    procedure = procedures_find(procedures, "child-allowance.certification-claim", "1");
    return procedure ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    procedures_free(procedures);
    return 0;
}

static json_t *record_load(void)
{
    json_t *example = json_load_file(EXAMPLE, 0, NULL);
    assert_non_null(example);
    json_t *record = json_incref(json_object_get(example, "record"));
    json_decref(example);
    return record;
}

static const json_t *row_find(const json_t *groups, const char *path)
{
    for (size_t g = 0; g < json_array_size(groups); g++) {
        const json_t *rows = json_object_get(json_array_get(groups, g), "rows");
        for (size_t i = 0; i < json_array_size(rows); i++) {
            const json_t *row = json_array_get(rows, i);
            if (strcmp(json_string_value(json_object_get(row, "path")), path) == 0)
                return row;
        }
    }
    return NULL;
}

static const char *value_at(const json_t *groups, const char *path)
{
    const json_t *row = row_find(groups, path);
    assert_non_null(row);
    return json_string_value(json_object_get(row, "value"));
}

static void values_are_told_in_words(void **state)
{
    (void)state;
    _cleanup_(cleanup_json) json_t *record = record_load();
    _cleanup_(cleanup_json) json_t *groups = record_view(procedure, record);
    assert_string_equal(value_at(groups, "claimant/name"), "桜野　花子");
    assert_string_equal(value_at(groups, "claimant/birth-date"), "平成4年4月1日（1992-04-01）");
    assert_string_equal(value_at(groups, "claimant/sex"), "女");
    assert_string_equal(value_at(groups, "children/child[1]/name"), "桜野　一郎");
    assert_null(row_find(groups, "children/child[99]/name"));
}

static void numbers_are_masked_wherever_they_stand(void **state)
{
    (void)state;
    _cleanup_(cleanup_json) json_t *record = record_load();
    json_object_set_new(json_object_get(record, "claimant"), "address",
                        json_string("本町１番 番号は" NUMBER "です"));
    _cleanup_(cleanup_json) json_t *groups = record_view(procedure, record);
    _cleanup_(cleanup_text) char *text = json_dumps(groups, 0);
    assert_null(strstr(text, NUMBER));
    assert_string_equal(value_at(groups, "claimant/individual-number"), VIEW_MASK);
    assert_string_equal(value_at(groups, "claimant/address"), VIEW_MASK);
    assert_true(json_is_true(json_object_get(row_find(groups, "claimant/address"), "masked")));
}

static void numbers_are_told_when_asked_for(void **state)
{
    (void)state;
    _cleanup_(cleanup_json) json_t *record = record_load();
    _cleanup_(cleanup_json) json_t *numbers = record_numbers(procedure, record);
    assert_int_equal(json_array_size(numbers), 3); /* of claimant, spouse and one child */
    assert_string_equal(json_string_value(json_object_get(json_array_get(numbers, 0), "value")),
                        NUMBER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_told_in_words),
        cmocka_unit_test(numbers_are_masked_wherever_they_stand),
        cmocka_unit_test(numbers_are_told_when_asked_for),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
