/* rules.xml as it is loaded: settings, conditions (require, forbid), tests, computed values, terms.
 * Every expression is compiled once, here, and checked against form.xsd. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xml.h"
#include "forms/xpath.h"

#define NS        "urn:uketsuke:rules:1"
#define FILE_NAME "rules.xml"

#define RULES_MOST 500

const char *const severity_names[3] = {"refuse", "review", "note"};

static bool broken(const struct procedure *procedure, const xmlNode *node, struct failure *f,
                   const char *what)
{
    return definition_broken(f, procedure->folder, FILE_NAME, xmlGetLineNo(node), "%s", what);
}

/* Lower-case letters, digits and single hyphens (or, in the record, underscores) between them. */
static bool is_id(const char *text, char joint)
{
    size_t length = text ? strlen(text) : 0;
    if (length == 0 || length > 64 || !islower((unsigned char)*text) || text[length - 1] == joint)
        return false;
    for (size_t i = 0; i < length; i++)
        if (!islower((unsigned char)text[i]) && !isdigit((unsigned char)text[i]) &&
            (text[i] != joint || text[i + 1] == joint))
            return false;
    return true;
}

/* The child `name` with a text; the one at `number` among the children. */
static const char *part_text(const xmlNode *node, size_t number, const char *name)
{
    const xmlNode *part = xml_first(node);
    while (part && number-- > 0)
        part = xml_next(part);
    const char *text = part && xml_is(part, NS, name) ? xml_text(part) : NULL;
    return text && *text && definition_attributes(part, "") ? text : NULL;
}

static size_t part_count(const xmlNode *node)
{
    size_t count = 0;
    for (const xmlNode *part = xml_first(node); part; part = xml_next(part))
        count++;
    return count;
}

static xmlXPathCompExpr *compile(const struct procedure *procedure, const xmlNode *node,
                                 const struct outline *context, const char *text, struct failure *f)
{
    struct xpath_error error = {0};
    xmlXPathCompExpr *expression = xpath_compile(procedure, context, text, &error);
    if (!expression)
        definition_broken(f, procedure->folder, FILE_NAME, xmlGetLineNo(node), "XPath: %s",
                          error.text);
    return expression;
}

static bool id_free(const struct procedure *procedure, const char *id)
{
    for (size_t i = 0; i < procedure->test_count; i++)
        if (strcmp(procedure->tests[i].id, id) == 0)
            return false;
    for (size_t i = 0; i < procedure->rule_count; i++)
        if (procedure->rules[i].id && strcmp(procedure->rules[i].id, id) == 0)
            return false;
    return true;
}

/* --- conditions ------------------------------------------------------------------------------- */

/* Bytes of `path` that lead to the last element that may repeat; 0 when none does. */
static size_t repeating_part(const struct procedure *procedure, const char *path)
{
    const struct outline *outline = &procedure->outline;
    size_t at = 0, found = 0;
    while (outline && path[at]) {
        size_t length = strcspn(path + at, "/");
        char *name = text_copy_n(path + at, length);
        outline = outline_part(outline, name);
        free(name);
        at += length;
        if (outline && outline->most > 1)
            found = at;
        at += path[at] == '/';
    }
    return found;
}

/* Both stand in the same repetition, or in none; the item itself may repeat. */
static bool around_find(const struct procedure *procedure, const char *item, const char *when,
                        size_t *ret_around)
{
    size_t around = repeating_part(procedure, when);
    _cleanup_(cleanup_text) char *above = text_copy(item);
    char *slash = strrchr(above, '/');
    if (slash)
        *slash = 0;
    size_t own = slash ? repeating_part(procedure, above) : 0;
    if (own != around || strncmp(item, when, around) != 0 || when[around] != (around ? '/' : *when))
        return false;
    *ret_around = around;
    return true;
}

static bool condition_read(struct procedure *procedure, const xmlNode *node, struct failure *f)
{
    const char *item = xml_attribute(node, "item"), *when = xml_attribute(node, "when");
    const char *is = xml_attribute(node, "is"), *id = xml_attribute(node, "id");
    if (!definition_attributes(node, "id item when is") || !item || !when || !is || xml_first(node))
        return broken(procedure, node, f,
                      "require and forbid have item, when and is, and may have id");
    const struct outline *asked = outline_find(&procedure->outline, when);
    if (!outline_find(&procedure->outline, item) || !asked || !asked->leaf)
        return broken(procedure, node, f, "form.xsd has no such item");
    if (id && (!is_id(id, '-') || !id_free(procedure, id)))
        return broken(procedure, node, f, "an id is in kebab case, and nothing else has it");
    size_t around;
    if (!around_find(procedure, item, when, &around))
        return broken(procedure, node, f,
                      "item and when stand in different repetitions: write a rule instead");
    procedure->rules =
        memory_resize(procedure->rules, (procedure->rule_count + 1) * sizeof *procedure->rules);
    procedure->rules[procedure->rule_count++] = (struct rule){
        .id = text_copy(id),
        .item = text_copy(item),
        .when = text_copy(when),
        .is = text_copy(is),
        .around = around,
        .forbids = xml_is(node, NS, "forbid"),
        .line = xmlGetLineNo(node),
    };
    return true;
}

/* --- tests ------------------------------------------------------------------------------------ */

static bool severity_read(const char *text, enum severity *ret_severity)
{
    for (size_t i = 0; text && i < sizeof severity_names / sizeof *severity_names; i++)
        if (strcmp(text, severity_names[i]) == 0) {
            *ret_severity = (enum severity)i;
            return true;
        }
    return false;
}

static bool test_read(struct procedure *procedure, const xmlNode *node, struct failure *f)
{
    const char *id = xml_attribute(node, "id"), *around = xml_attribute(node, "for") ?: "";
    const char *item = xml_attribute(node, "item");
    const char *text = part_text(node, 0, "test"), *message = part_text(node, 1, "message");
    enum severity severity;
    if (!definition_attributes(node, "id severity for item") || part_count(node) != 2 || !text ||
        !message)
        return broken(procedure, node, f,
                      "a rule has id, severity, for and item, and in it one test and one message");
    if (!is_id(id, '-') || !id_free(procedure, id))
        return broken(procedure, node, f, "an id is in kebab case, and nothing else has it");
    if (!severity_read(xml_attribute(node, "severity"), &severity))
        return broken(procedure, node, f, "severity is refuse, review or note");
    const struct outline *context = outline_find(&procedure->outline, around);
    if (!context)
        return broken(procedure, node, f, "form.xsd has no such item (for)");
    if (!item || !outline_find(context, item))
        return broken(procedure, node, f,
                      "item names an item of form.xsd, by its path from what \"for\" names");
    xmlXPathCompExpr *expression = compile(procedure, xml_first(node), context, text, f);
    if (!expression)
        return false;
    procedure->tests =
        memory_resize(procedure->tests, (procedure->test_count + 1) * sizeof *procedure->tests);
    procedure->tests[procedure->test_count++] = (struct test){
        .id = text_copy(id),
        .severity = severity,
        .around = text_copy(around),
        .item = text_copy(item),
        .expression = expression,
        .message = text_copy(message),
        .line = xmlGetLineNo(node),
    };
    return true;
}

/* --- computed values, settings ---------------------------------------------------------------- */

static bool computed_read(struct procedure *procedure, const xmlNode *node, struct failure *f)
{
    const char *name = xml_attribute(node, "name"), *label = xml_attribute(node, "label");
    const char *to = xml_attribute(node, "to");
    const char *select = part_text(node, 0, "select"), *how = part_text(node, 1, "how");
    if (!definition_attributes(node, "name label to") || !is_id(name, '_') || !label || !*label ||
        part_count(node) != 2 || !select || !how)
        return broken(procedure, node, f,
                      "a value has a name (snake_case), a label, and in it select and how");
    for (size_t i = 0; i < procedure->computed_count; i++)
        if (strcmp(procedure->computed[i].name, name) == 0)
            return broken(procedure, node, f, "a second value of this name");
    procedure->computed = memory_resize(procedure->computed, (procedure->computed_count + 1) *
                                                                 sizeof *procedure->computed);
    struct computed *computed = &procedure->computed[procedure->computed_count++];
    *computed = (struct computed){
        .name = text_copy(name),
        .label = text_copy(label),
        .to = text_copy(to ? to : procedure->record.to),
        .line = xmlGetLineNo(node),
    };
    computed->select = compile(procedure, xml_first(node), &procedure->outline, select, f);
    if (!computed->select)
        return false;
    computed->how = compile(procedure, xml_next(xml_first(node)), &procedure->outline, how, f);
    return computed->how != NULL;
}

static bool setting_read(struct procedure *procedure, const xmlNode *node, struct failure *f)
{
    const char *name = xml_attribute(node, "name"), *initial = xml_attribute(node, "default");
    const char *values = xml_attribute(node, "values"), *help = xml_text(node);
    if (!definition_attributes(node, "name default values") || !is_id(name, '-') || !initial ||
        !help || !*help)
        return broken(procedure, node, f,
                      "a setting has a name (kebab-case), a default, values or none, and a help");
    if (values && !words_contain(values, initial))
        return broken(procedure, node, f, "the default is none of the values");
    for (size_t i = 0; i < procedure->setting_count; i++)
        if (strcmp(procedure->settings[i].name, name) == 0)
            return broken(procedure, node, f, "a second setting of this name");
    procedure->settings = memory_resize(procedure->settings, (procedure->setting_count + 1) *
                                                                 sizeof *procedure->settings);
    procedure->settings[procedure->setting_count++] = (struct setting){
        .name = text_copy(name),
        .values = text_copy(values),
        .initial = text_copy(initial),
        .value = text_copy(initial),
        .help = text_copy(help),
    };
    return true;
}

static bool term_read(struct procedure *procedure, const xmlNode *node, struct failure *f)
{
    const char *name = xml_attribute(node, "name"), *label = xml_attribute(node, "label");
    const char *select = part_text(node, 0, "select");
    if (!definition_attributes(node, "name label") || !is_id(name, '-') || !label || !*label ||
        part_count(node) != 1 || !select)
        return broken(procedure, node, f,
                      "a term has a name (kebab-case), a label, and in it one select");
    if (procedure_term_label(procedure, name))
        return broken(procedure, node, f, "a second term of this name");
    procedure->terms =
        memory_resize(procedure->terms, (procedure->term_count + 1) * sizeof *procedure->terms);
    struct term *term = &procedure->terms[procedure->term_count++];
    *term = (struct term){.name = text_copy(name),
                          .label = text_copy(label),
                          .line = xmlGetLineNo(node),
                          .by_law = strstr(select, "term-end(")};
    term->select = compile(procedure, xml_first(node), &procedure->outline, select, f);
    return term->select != NULL;
}

static bool entry_read(struct procedure *procedure, const xmlNode *node, struct failure *f)
{
    if (procedure->rule_count + procedure->test_count + procedure->computed_count +
            procedure->term_count ==
        RULES_MOST)
        return broken(procedure, node, f, "too many rules");
    if (xml_is(node, NS, "require") || xml_is(node, NS, "forbid"))
        return condition_read(procedure, node, f);
    if (xml_is(node, NS, "rule"))
        return test_read(procedure, node, f);
    if (xml_is(node, NS, "value"))
        return computed_read(procedure, node, f);
    if (xml_is(node, NS, "term"))
        return term_read(procedure, node, f);
    return xml_is(node, NS, "setting")
               ? setting_read(procedure, node, f)
               : broken(procedure, node, f,
                        "expected require, forbid, rule, value, term or setting");
}

bool rules_load(struct procedure *procedure, struct failure *f)
{
    _cleanup_(cleanup_xml_doc) xmlDoc *document = definition_parse(procedure, FILE_NAME, f);
    if (!document)
        return false;
    const xmlNode *root = xmlDocGetRootElement(document);
    if (!xml_is(root, NS, "rules") || !definition_attributes(root, ""))
        return broken(procedure, root, f, "the root must be rules of " NS);
    for (const xmlNode *node = xml_first(root); node; node = xml_next(node))
        if (!entry_read(procedure, node, f))
            return false;
    return true;
}

static void conditions_free(struct procedure *procedure)
{
    for (size_t i = 0; i < procedure->rule_count; i++) {
        free(procedure->rules[i].id);
        free(procedure->rules[i].item);
        free(procedure->rules[i].when);
        free(procedure->rules[i].is);
    }
    free(procedure->rules);
}

void rules_free(struct procedure *procedure)
{
    conditions_free(procedure);
    for (size_t i = 0; i < procedure->test_count; i++) {
        struct test *test = &procedure->tests[i];
        free(test->id);
        free(test->around);
        free(test->item);
        free(test->message);
        xmlXPathFreeCompExpr(test->expression);
    }
    for (size_t i = 0; i < procedure->computed_count; i++) {
        struct computed *computed = &procedure->computed[i];
        free(computed->name);
        free(computed->label);
        free(computed->to);
        xmlXPathFreeCompExpr(computed->select);
        xmlXPathFreeCompExpr(computed->how);
    }
    for (size_t i = 0; i < procedure->setting_count; i++) {
        free(procedure->settings[i].name);
        free(procedure->settings[i].values);
        free(procedure->settings[i].initial);
        free(procedure->settings[i].value);
        free(procedure->settings[i].help);
    }
    for (size_t i = 0; i < procedure->term_count; i++) {
        struct term *term = &procedure->terms[i];
        free(term->name);
        free(term->label);
        xmlXPathFreeCompExpr(term->select);
    }
    free(procedure->tests);
    free(procedure->computed);
    free(procedure->terms);
    free(procedure->settings);
}
