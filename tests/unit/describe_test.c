/* What a screen is told of a procedure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/cleanup.h"
#include "forms/procedure.h"

#define PROCEDURES SOURCE_ROOT "/forms/procedures"

static struct procedures *procedures;

static int load(void **state)
{
    (void)state;
    struct failure f = {0};
    return procedures_load(PROCEDURES, &procedures, &f) ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    procedures_free(procedures);
    return 0;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* Looks through items and their parts. */
static const json_t *item_find(const json_t *items, const char *path)
{
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        if (strcmp(text_of(item, "path"), path) == 0)
            return item;
        const json_t *found = item_find(json_object_get(item, "parts"), path);
        if (found)
            return found;
    }
    return NULL;
}

static const json_t *item_of(const json_t *description, const char *path)
{
    const json_t *groups = json_object_get(description, "groups"), *found = NULL;
    for (size_t i = 0; i < json_array_size(groups) && !found; i++)
        found = item_find(json_object_get(json_array_get(groups, i), "items"), path);
    assert_non_null(found);
    return found;
}

static json_t *claim(void)
{
    const struct procedure *procedure =
        procedures_find(procedures, "child-allowance.certification-claim", "1");
    assert_non_null(procedure);
    return procedure_describe(procedure);
}

static void kind_is(const json_t *description, const char *path, const char *kind)
{
    assert_string_equal(text_of(item_of(description, path), "kind"), kind);
}

static void test_kinds(void **state)
{
    (void)state;
    _cleanup_(cleanup_json) json_t *d = claim();
    kind_is(d, "claimant", "group");
    kind_is(d, "claimant/name", "text");
    kind_is(d, "claimant/birth-date", "date");
    kind_is(d, "claimant/sex", "choice");
    kind_is(d, "children/child", "list");
    kind_is(d, "children/child/living-together", "boolean");
    kind_is(d, "older-children-count", "integer");
}

static void test_limits(void **state)
{
    (void)state;
    _cleanup_(cleanup_json) json_t *d = claim();
    const json_t *name = item_of(d, "claimant/name");
    assert_string_equal(text_of(name, "label"), "氏名");
    assert_true(json_is_true(json_object_get(name, "required")));
    assert_int_equal(json_integer_value(json_object_get(name, "min_length")), 1);
    assert_int_equal(json_integer_value(json_object_get(name, "max_length")), 100);
    assert_int_equal(json_array_size(json_object_get(name, "patterns")), 1);
    assert_int_equal(json_integer_value(json_object_get(item_of(d, "children/child"), "most")), 20);
    assert_true(json_is_false(json_object_get(item_of(d, "spouse"), "required")));
    const json_t *older = item_of(d, "older-children-count");
    assert_int_equal(json_integer_value(json_object_get(older, "least")), 0);
    assert_int_equal(json_integer_value(json_object_get(older, "largest")), 20);
    assert_string_equal(text_of(item_of(d, "claimant/individual-number"), "check"), "kojinbango");
    const json_t *birth = item_of(d, "claimant/birth-date");
    assert_true(json_is_true(json_object_get(birth, "not_after_today")));
}

static void test_choices_and_conditions(void **state)
{
    (void)state;
    _cleanup_(cleanup_json) json_t *d = claim();
    const json_t *choices = json_object_get(item_of(d, "account/kind"), "choices");
    assert_int_equal(json_array_size(choices), 2);
    assert_string_equal(text_of(json_array_get(choices, 1), "value"), "current");
    assert_string_equal(text_of(json_array_get(choices, 1), "label"), "当座");
    size_t required = 0, forbidden = 0;
    const json_t *conditions = json_object_get(d, "conditions");
    for (size_t i = 0; i < json_array_size(conditions); i++) {
        const json_t *condition = json_array_get(conditions, i);
        if (strcmp(text_of(condition, "item"), "account/institution") != 0)
            continue;
        assert_string_equal(text_of(condition, "when"), "account/public-money-account");
        bool forbid = json_is_true(json_object_get(condition, "forbid"));
        assert_string_equal(text_of(condition, "is"), forbid ? "true" : "false");
        *(forbid ? &forbidden : &required) += 1;
    }
    assert_int_equal(required, 1);
    assert_int_equal(forbidden, 1);
}

static const json_t *entry_of(const json_t *description, const char *list, const char *id)
{
    const json_t *entries = json_object_get(description, list);
    for (size_t i = 0; i < json_array_size(entries); i++)
        if (strcmp(text_of(json_array_get(entries, i), "id"), id) == 0)
            return json_array_get(entries, i);
    fail_msg("%s has no %s", list, id);
    return NULL;
}

static void test_documents_and_rules(void **state)
{
    (void)state;
    _cleanup_(cleanup_json) json_t *d = claim();
    const json_t *document = entry_of(d, "documents", "care-confirmation");
    assert_string_equal(text_of(document, "formats"), "pdf jpeg png");
    assert_true(json_is_false(json_object_get(document, "required")));
    assert_true(json_is_false(json_object_get(document, "conditional")));
    assert_int_equal(json_integer_value(json_object_get(document, "most")), 3);
    assert_int_equal(json_integer_value(json_object_get(document, "size_most")), 10485760);
    const json_t *rule = entry_of(d, "rules", "child-over-18");
    assert_string_equal(text_of(rule, "severity"), "refuse");
    assert_string_equal(text_of(rule, "item"), "children/child/birth-date");
    assert_true(*text_of(rule, "message"));
}

static void test_what_is_said_of_the_whole(void **state)
{
    (void)state;
    _cleanup_(cleanup_json) json_t *d = claim();
    assert_string_equal(text_of(d, "status"), "current");
    assert_string_equal(text_of(d, "root"), "application");
    assert_true(*text_of(d, "summary") && *text_of(d, "purpose") && *text_of(d, "basis"));
    assert_true(json_array_size(json_object_get(d, "life_events")) > 0);
    assert_true(*text_of(item_of(d, "claimant"), "help"));
}

/* labels.xml heads several items at once: they stand together, in the order of their labels. */
static void test_groups(void **state)
{
    (void)state;
    const struct procedure *procedure =
        procedures_find(procedures, "child-allowance.certification-claim", "1");
    _cleanup_(cleanup_json) json_t *d = procedure_describe(procedure);
    const json_t *groups = json_object_get(d, "groups");
    size_t items = 0, several = 0;
    for (size_t i = 0; i < json_array_size(groups); i++) {
        size_t count = json_array_size(json_object_get(json_array_get(groups, i), "items"));
        assert_true(*text_of(json_array_get(groups, i), "label"));
        items += count;
        several += count > 1;
    }
    assert_true(several > 0);
    assert_true(items > json_array_size(groups));
}

/* Every item of every procedure has what a screen can't do without. */
static void item_is_whole(const char *procedure, const json_t *item)
{
    const char *path = text_of(item, "path"), *kind = text_of(item, "kind");
    const json_t *parts = json_object_get(item, "parts");
    if (!strstr("text integer boolean date choice group list", kind) || !*kind)
        fail_msg("%s: %s has the kind %s", procedure, path, kind);
    bool chosen = strcmp(kind, "choice") == 0 || strcmp(kind, "boolean") == 0;
    if (chosen != (json_array_size(json_object_get(item, "choices")) > 0))
        fail_msg("%s: %s is a %s: choices", procedure, path, kind);
    if (!parts && !*text_of(item, "label"))
        fail_msg("%s: %s has no label", procedure, path);
    for (size_t i = 0; i < json_array_size(parts); i++)
        item_is_whole(procedure, json_array_get(parts, i));
}

static void test_every_procedure(void **state)
{
    (void)state;
    assert_true(procedures_count(procedures) > 0);
    for (size_t i = 0; i < procedures_count(procedures); i++) {
        const struct procedure *procedure = procedures_at(procedures, i);
        _cleanup_(cleanup_json) json_t *d = procedure_describe(procedure);
        const json_t *groups = json_object_get(d, "groups");
        assert_true(json_array_size(groups) > 0);
        for (size_t k = 0; k < json_array_size(groups); k++) {
            const json_t *items = json_object_get(json_array_get(groups, k), "items");
            for (size_t n = 0; n < json_array_size(items); n++)
                item_is_whole(procedure_id(procedure), json_array_get(items, n));
        }
        assert_string_equal(text_of(item_of(d, "claimant/name"), "kind"), "text");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_choices_and_conditions),
        cmocka_unit_test(test_documents_and_rules),
        cmocka_unit_test(test_what_is_said_of_the_whole),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_every_procedure),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
