/* The rules of a procedure on one form that its schema has let through. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xml.h"
#include "forms/definition.h"

#define FORMAT_FAILURE "FORMAT_FAILURE"

/* Elements at a path from the root, in the order of the form, with all repetitions. */
struct places {
    xmlNode **items;
    size_t count;
};

static void cleanup_places(struct places *places)
{
    free(places->items);
}

static void places_find(const struct procedure *procedure, xmlNode *from, const char *path,
                        struct places *places)
{
    if (!*path) {
        places->items = memory_resize(places->items, (places->count + 1) * sizeof *places->items);
        places->items[places->count++] = from;
        return;
    }
    size_t length = strcspn(path, "/");
    const char *rest = path + length + (path[length] == '/');
    for (xmlNode *node = xml_first(from); node; node = xml_next(node))
        if (strncmp((const char *)node->name, path, length) == 0 && !node->name[length])
            places_find(procedure, node, rest, places);
}

/* --- require, forbid -------------------------------------------------------------------------- */

static bool condition_fails(const struct procedure *procedure, const struct rule *rule,
                            const xmlNode *around, const xmlNode *item, const xmlNode *when,
                            struct checks *checks)
{
    const char *rest = rule->item + rule->around + (rule->around > 0);
    _cleanup_(cleanup_text) char *above = form_path(procedure, around);
    _cleanup_(cleanup_text) char *path =
        item ? form_path(procedure, item) : text_format("%s%s%s", above, *above ? "/" : "", rest);
    const char *label = procedure_label(procedure, rule->item) ?: rule->item;
    const char *when_label = procedure_label(procedure, rule->when) ?: rule->when;
    const char *value = procedure_value_label(procedure, rule->when, rule->is) ?: rule->is;
    if (rule->id)
        checks_input(checks, "rule", "%s", rule->id);
    checks_input(checks, "item", "%s", path);
    checks_input(checks, "message",
                 rule->forbids ? "%s：「%s」が「%s」のときは、記入できません。消してください。"
                               : "%s：「%s」が「%s」のときは必要です。記入してください。",
                 label, when_label, value);
    return checks_fail(checks, "form.items", FORMAT_FAILURE,
                       rule->forbids ? "form-rule" : "form-missing-item",
                       "line %ld, item %s: %s when %s is %s", xmlGetLineNo(when), path,
                       rule->forbids ? "may not stand here" : "is missing", rule->when, rule->is);
}

static bool condition_holds(const struct procedure *procedure, const struct rule *rule,
                            xmlNode *around, struct checks *checks)
{
    size_t skip = rule->around + (rule->around > 0);
    const xmlNode *when = form_at(procedure, around, rule->when + skip);
    const char *value = when ? xml_text(when) : NULL;
    if (!value || strcmp(value, rule->is) != 0)
        return true;
    const xmlNode *item = form_at(procedure, around, rule->item + skip);
    return (item != NULL) != rule->forbids ||
           condition_fails(procedure, rule, around, item, when, checks);
}

bool conditions_hold(const struct procedure *procedure, xmlNode *root, struct checks *checks)
{
    bool all = true;
    for (size_t i = 0; i < procedure->rule_count; i++) {
        const struct rule *rule = &procedure->rules[i];
        _cleanup_(cleanup_places) struct places places = {0};
        _cleanup_(cleanup_text) char *around = text_copy_n(rule->item, rule->around);
        size_t failed = 0;
        places_find(procedure, root, around, &places);
        for (size_t k = 0; k < places.count && failed < FORM_FINDINGS_MOST; k++)
            failed += !condition_holds(procedure, rule, places.items[k], checks);
        all = all && failed == 0;
    }
    return all;
}

/* --- tests ------------------------------------------------------------------------------------ */

/* The named item, or where it would stand. */
static char *item_named(const struct procedure *procedure, const struct test *test, xmlNode *around)
{
    const xmlNode *item = form_at(procedure, around, test->item);
    if (item)
        return form_path(procedure, item);
    _cleanup_(cleanup_text) char *above = form_path(procedure, around);
    return text_format("%s%s%s", above, *above && *test->item ? "/" : "", test->item);
}

/* `around` stands in the text as a line, as everywhere. */
static void test_tell(const struct procedure *procedure, const struct test *test, xmlNode *around,
                      struct checks *checks, json_t *findings)
{
    _cleanup_(cleanup_text) char *item = item_named(procedure, test, around);
    if (test->severity != SEVERITY_REFUSE) {
        json_array_append_new(findings, json_pack("{s:s, s:s, s:s, s:s}", "rule", test->id,
                                                  "severity", severity_names[test->severity],
                                                  "item", item, "message", test->message));
        return;
    }
    checks_input(checks, "rule", "%s", test->id);
    checks_input(checks, "item", "%s", item);
    checks_input(checks, "message", "%s", test->message);
    checks_fail(checks, "form.rules", FORMAT_FAILURE, "form-rule", "line %ld, item %s: rule %s",
                xmlGetLineNo(around), *item ? item : "(the form)", test->id);
}

static bool test_run(const struct procedure *procedure, const struct test *test,
                     struct evaluation *evaluation, xmlNode *root, struct checks *checks,
                     json_t *findings)
{
    _cleanup_(cleanup_places) struct places places = {0};
    size_t found = 0;
    places_find(procedure, root, test->around, &places);
    for (size_t i = 0; i < places.count && found < FORM_FINDINGS_MOST; i++) {
        bool holds;
        if (!evaluation_test(evaluation, test->expression, places.items[i], &holds)) {
            checks_input(checks, "rule", "%s", test->id);
            return checks_undecided(
                checks, "form.rules", "SIGNATURE_POLICY_NOT_AVAILABLE", "form-rule-broken",
                "rules.xml:%ld: rule %s cannot be evaluated", test->line, test->id);
        }
        if (!holds && ++found)
            test_tell(procedure, test, places.items[i], checks, findings);
    }
    return found == 0 || test->severity != SEVERITY_REFUSE;
}

bool tests_hold(const struct procedure *procedure, struct evaluation *evaluation, xmlNode *root,
                struct checks *checks, json_t *findings)
{
    bool all = true;
    for (size_t i = 0; i < procedure->test_count; i++)
        all = test_run(procedure, &procedure->tests[i], evaluation, root, checks, findings) && all;
    if (all)
        checks_pass(checks, "form.rules", "%zu hold, %zu findings for staff", procedure->test_count,
                    json_array_size(findings));
    return all;
}

/* --- computed values -------------------------------------------------------------------------- */

bool computed_add(const struct procedure *procedure, struct evaluation *evaluation, xmlNode *root,
                  struct checks *checks, json_t *record)
{
    json_t *all = json_object();
    if (procedure->computed_count > 0)
        json_object_set(record, "computed", all);
    json_decref(all); /* the record's, or gone */
    for (size_t i = 0; i < procedure->computed_count; i++) {
        const struct computed *computed = &procedure->computed[i];
        _cleanup_(cleanup_text) char *value = NULL, *how = NULL;
        if (!evaluation_text(evaluation, computed->select, root, &value) ||
            !evaluation_text(evaluation, computed->how, root, &how))
            return checks_undecided(
                checks, "form.rules", "SIGNATURE_POLICY_NOT_AVAILABLE", "form-rule-broken",
                "rules.xml:%ld: value %s cannot be computed", computed->line, computed->name);
        if (*value)
            json_object_set_new(all, computed->name,
                                json_pack("{s:s, s:s}", "value", value, "how", how));
    }
    return true;
}

/* --- terms ------------------------------------------------------------------------------------ */

const char *procedure_term_label(const struct procedure *procedure, const char *name)
{
    for (size_t i = 0; i < procedure->term_count; i++)
        if (strcmp(procedure->terms[i].name, name) == 0)
            return procedure->terms[i].label;
    return NULL;
}

const char *procedure_term_at(const struct procedure *procedure, size_t index)
{
    return index < procedure->term_count ? procedure->terms[index].name : NULL;
}

bool procedure_term_moves(const struct procedure *procedure, const char *name)
{
    for (size_t i = 0; i < procedure->term_count; i++)
        if (strcmp(procedure->terms[i].name, name) == 0)
            return procedure->terms[i].by_law && closed_days_move(procedure);
    return false;
}

/* What ended before the application came is kept, or missed, already. */
bool form_term(const struct procedure *procedure, const struct form_input *input,
               struct form_term *ret_term)
{
    struct evaluation *evaluation = evaluation_begin(procedure, input);
    struct day first = day_of_instant(input->applied_at), on;
    struct form_term found = {0};
    for (size_t i = 0; i < procedure->term_count; i++) {
        _cleanup_(cleanup_text) char *text = NULL;
        if (!evaluation_text(evaluation, procedure->terms[i].select,
                             xmlDocGetRootElement(input->form), &text) ||
            !day_parse(text, &on) || day_compare(on, first) < 0 ||
            (*found.name && strcmp(found.on, text) <= 0))
            continue;
        snprintf(found.name, sizeof found.name, "%s", procedure->terms[i].name);
        snprintf(found.on, sizeof found.on, "%s", text);
    }
    evaluation_end(evaluation);
    if (*found.name)
        *ret_term = found;
    return *found.name;
}
