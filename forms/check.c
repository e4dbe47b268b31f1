/* Everything about a definition that loading it does not see: `uketsuke forms check`. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xml.h"
#include "forms/cases.h"
#include "forms/xpath.h"

#define ELEMENTS_MOST 200000 /* of the largest form that is made */

/* --- record ----------------------------------------------------------------------------------- */

static void map_check(const struct map *map, const char *around, json_t *paths, json_t *problems)
{
    for (size_t i = 0; i < map->part_count; i++) {
        const struct map *part = &map->parts[i];
        _cleanup_(cleanup_text) char *path =
            text_format("%s%s%s", around, *around ? "/" : "", part->from);
        if (part->kind != MAP_ITEM) {
            map_check(part, path, paths, problems);
            continue;
        }
        json_object_set_new(paths, path, json_true());
        if (!*part->to)
            problem_add(problems, "record.xml", part->line,
                        "the item %s (from %s) goes to no destination: give it a \"to\"",
                        part->name, path);
    }
}

static void leaves_check(const struct outline *outline, const json_t *paths, json_t *problems)
{
    for (size_t i = 0; i < outline->part_count; i++)
        leaves_check(&outline->parts[i], paths, problems);
    if (outline->leaf && !json_object_get(paths, outline->path))
        problem_add(problems, "form.xsd", outline->line,
                    "record.xml has no item from %s: what is asked must go somewhere",
                    outline->path);
}

/* --- labels ----------------------------------------------------------------------------------- */

static void choices_check(const struct procedure *procedure, const json_t *item, json_t *problems)
{
    const char *path = json_string_value(json_object_get(item, "path"));
    const json_t *choices = json_object_get(item, "choices");
    const struct outline *outline = outline_find(&procedure->outline, path);
    size_t i;
    json_t *one;
    json_array_foreach (choices, i, one) {
        const char *value = json_string_value(json_object_get(one, "value"));
        if (!procedure_value_label(procedure, path, value))
            problem_add(problems, "form.xsd", outline ? outline->line : 0,
                        "labels.xml has no label for the value \"%s\" of %s", value, path);
    }
    for (i = 0; i < procedure->label_count; i++) {
        const struct label *label = &procedure->labels[i];
        bool found = !label->value || strcmp(label->path, path) != 0;
        size_t k;
        json_array_foreach (choices, k, one)
            found = found ||
                    strcmp(json_string_value(json_object_get(one, "value")), label->value) == 0;
        if (!found)
            problem_add(problems, "labels.xml", label->line,
                        "form.xsd does not allow the value \"%s\" of %s", label->value, path);
    }
}

static void items_check(const struct procedure *procedure, const json_t *items, json_t *problems)
{
    size_t i;
    json_t *item;
    json_array_foreach (items, i, item) {
        if (json_object_get(item, "parts"))
            items_check(procedure, json_object_get(item, "parts"), problems);
        else
            choices_check(procedure, item, problems);
    }
}

static void labels_check(const struct procedure *procedure, json_t *problems)
{
    _cleanup_(cleanup_json) json_t *described = procedure_describe(procedure);
    size_t i;
    json_t *group;
    json_array_foreach (json_object_get(described, "groups"), i, group)
        items_check(procedure, json_object_get(group, "items"), problems);
    if (!procedure->purpose || !procedure->basis)
        problem_add(problems, "labels.xml", 0,
                    "purpose (利用目的) and basis (根拠法令) are needed");
    if (!*procedure->summary || !*procedure->search || !*procedure->life_events)
        problem_add(problems, "procedure.xml", 0,
                    "summary, search and a life-event are needed: residents find it by them");
}

/* --- rules on the largest form ---------------------------------------------------------------- */

static void largest_make(const struct outline *outline, xmlNode *node, size_t *count)
{
    for (size_t i = 0; i < outline->part_count; i++) {
        const struct outline *part = &outline->parts[i];
        for (int64_t k = 0; k < part->most && *count < ELEMENTS_MOST; k++) {
            xmlNode *child = xmlNewChild(node, node->ns, (const xmlChar *)part->name,
                                         (const xmlChar *)(part->leaf ? "2026-04-01" : NULL));
            (*count)++;
            largest_make(part, child, count);
        }
    }
}

static void expense_check(const struct procedure *procedure, json_t *problems)
{
    _cleanup_(cleanup_xml_doc) xmlDoc *form = xmlNewDoc((const xmlChar *)"1.0");
    xmlNode *root = xmlNewNode(NULL, (const xmlChar *)procedure->outline.name);
    size_t count = 1;
    xmlDocSetRootElement(form, root);
    xmlSetNs(root, xmlNewNs(root, (const xmlChar *)procedure->namespace, NULL));
    largest_make(&procedure->outline, root, &count);
    const struct form_input input = {.form = form};
    struct evaluation *evaluation = evaluation_begin(procedure, &input);
    struct checks *checks = checks_new();
    _cleanup_(cleanup_json) json_t *findings = json_array(), *record = json_object();
    tests_hold(procedure, evaluation, root, checks, findings);
    computed_add(procedure, evaluation, root, checks, record);
    for (size_t i = 0; i < procedure->document_count; i++) {
        bool holds;
        if (procedure->documents[i].when &&
            !evaluation_test(evaluation, procedure->documents[i].when, root, &holds))
            problem_add(problems, "attachments.xml", procedure->documents[i].line,
                        "when cannot be evaluated on the largest form");
    }
    for (size_t i = 0; i < procedure->term_count; i++) {
        _cleanup_(cleanup_text) char *day = NULL;
        if (!evaluation_text(evaluation, procedure->terms[i].select, root, &day))
            problem_add(problems, "rules.xml", procedure->terms[i].line,
                        "a term cannot be evaluated on the largest form");
    }
    _cleanup_(cleanup_json) json_t *all = checks_to_json(checks);
    size_t i;
    json_t *one;
    json_array_foreach (all, i, one)
        if (strcmp(json_string_value(json_object_get(one, "result")), "undecided") == 0)
            problem_add(problems, "rules.xml", 0,
                        "%s on the largest form that form.xsd allows (%zu elements): simplify it, "
                        "all rules together have %d steps",
                        json_string_value(json_object_get(one, "text")), count,
                        XPATH_OPERATIONS_MOST);
    checks_free(checks);
    evaluation_end(evaluation);
}

void procedure_check(struct procedure *procedure, json_t *problems)
{
    _cleanup_(cleanup_json) json_t *paths = json_object();
    map_check(&procedure->record, "", paths, problems);
    leaves_check(&procedure->outline, paths, problems);
    labels_check(procedure, problems);
    expense_check(procedure, problems);
    examples_check(procedure, problems);
}
