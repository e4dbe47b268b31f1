/* A procedure as JSON for screens: what the definition's files say, put together item by item.
 * docs/formats/description.md tells what is in it. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/xml.h"
#include "forms/definition.h"
#include "forms/item_check.h"

#define XSD "http://www.w3.org/2001/XMLSchema"

/* --- what form.xsd says ----------------------------------------------------------------------- */

/* The xs:element `name` of a sequence, choice or complexType; not those inside other elements. */
static const xmlNode *element_below(const xmlNode *around, const char *name)
{
    for (const xmlNode *node = xml_first(around); node; node = xml_next(node)) {
        if (xml_is(node, XSD, "element")) {
            const char *own = xml_attribute(node, "name");
            if (own && strcmp(own, name) == 0)
                return node;
            continue;
        }
        const xmlNode *found = element_below(node, name);
        if (found)
            return found;
    }
    return NULL;
}

static const xmlNode *named_type(const struct procedure *procedure, const char *name)
{
    const char *colon = strchr(name, ':');
    const char *local = colon ? colon + 1 : name;
    const xmlNode *root = xmlDocGetRootElement(procedure->xsd);
    for (const xmlNode *node = xml_first(root); node; node = xml_next(node)) {
        const char *own = xml_attribute(node, "name");
        if (xml_is(node, XSD, "simpleType") && own && strcmp(own, local) == 0)
            return node;
    }
    return NULL;
}

struct facets {
    const char *base; /* local name of the built-in type: "string", "integer" */
    json_t *json;     /* where they are noted */
};

static void number_note(json_t *json, const char *name, const char *value)
{
    int64_t number;
    if (value && !json_object_get(json, name) && number_parse(value, INT64_MIN, INT64_MAX, &number))
        json_object_set_new(json, name, json_integer(number));
}

static void facet_note(const struct facets *facets, const xmlNode *node)
{
    const char *value = xml_attribute(node, "value"), *name = (const char *)node->name;
    json_t *json = facets->json;
    if (strcmp(name, "maxLength") == 0 || strcmp(name, "length") == 0)
        number_note(json, "max_length", value);
    if (strcmp(name, "minLength") == 0 || strcmp(name, "length") == 0)
        number_note(json, "min_length", value);
    if (strcmp(name, "minInclusive") == 0)
        number_note(json, "least", value);
    if (strcmp(name, "maxInclusive") == 0)
        number_note(json, "largest", value);
    if (strcmp(name, "pattern") == 0 && value) /* a screen takes what any of them fits */
        json_array_append_new(json_object_get(json, "patterns"), json_string(value));
    if (strcmp(name, "enumeration") == 0 && value)
        json_array_append_new(json_object_get(json, "values"), json_string(value));
}

/* Down the restrictions to the built-in type; what is nearer to the element counts. */
static void facets_collect(const struct procedure *procedure, const xmlNode *element,
                           struct facets *facets)
{
    const char *type = xml_attribute(element, "type");
    const xmlNode *simple =
        type ? named_type(procedure, type) : xml_child(element, XSD, "simpleType");
    while (simple) {
        const xmlNode *restriction = xml_child(simple, XSD, "restriction");
        type = restriction ? xml_attribute(restriction, "base") : NULL;
        for (const xmlNode *node = restriction ? xml_first(restriction) : NULL; node;
             node = xml_next(node))
            facet_note(facets, node);
        simple = type ? named_type(procedure, type) : NULL;
    }
    const char *colon = type ? strchr(type, ':') : NULL;
    facets->base = colon ? colon + 1 : type ? type : "string";
}

/* --- what record.xml says --------------------------------------------------------------------- */

/* The entry that is filled from the item `path`; NULL. */
static const struct map *map_of(const struct map *map, const char *path)
{
    for (size_t i = 0; i < map->part_count; i++) {
        const struct map *part = &map->parts[i];
        size_t length = strlen(part->from);
        if (strncmp(part->from, path, length) != 0)
            continue;
        if (!path[length] && part->kind == MAP_ITEM)
            return part;
        const struct map *found = path[length] == '/' ? map_of(part, path + length + 1) : NULL;
        if (found)
            return found;
    }
    return NULL;
}

/* --- items ------------------------------------------------------------------------------------ */

static json_t *choices_json(const struct procedure *procedure, const char *path,
                            const json_t *values)
{
    json_t *choices = json_array();
    for (size_t i = 0; i < json_array_size(values); i++) {
        const char *value = json_string_value(json_array_get(values, i));
        const char *label = procedure_value_label(procedure, path, value);
        json_array_append_new(
            choices, json_pack("{s:s, s:s}", "value", value, "label", label ? label : value));
    }
    return choices;
}

static const char *leaf_kind(const struct map *map, const struct facets *facets, size_t choices)
{
    if (map && map->type == MAP_BOOLEAN)
        return "boolean";
    if (choices)
        return "choice";
    if (strcmp(facets->base, "date") == 0 ||
        (map && map->check && strcmp(map->check->name, "date") == 0))
        return "date";
    if (strcmp(facets->base, "integer") == 0 || (map && map->type == MAP_INTEGER))
        return "integer";
    return "text";
}

static void leaf_describe(const struct procedure *procedure, const struct outline *outline,
                          const xmlNode *element, json_t *item)
{
    _cleanup_(cleanup_json) json_t *noted = json_pack("{s:[], s:[]}", "patterns", "values");
    struct facets facets = {.json = noted};
    facets_collect(procedure, element, &facets);
    const struct map *map = map_of(&procedure->record, outline->path);
    json_t *values = json_object_get(noted, "values"), *limit;
    const char *key;
    json_object_set_new(item, "kind",
                        json_string(leaf_kind(map, &facets, json_array_size(values))));
    if (json_array_size(values))
        json_object_set_new(item, "choices", choices_json(procedure, outline->path, values));
    json_object_del(noted, "values");
    if (!json_array_size(json_object_get(noted, "patterns")))
        json_object_del(noted, "patterns");
    json_object_foreach (noted, key, limit)
        json_object_set(item, key, limit);
    if (map && map->check)
        json_object_set_new(item, "check", json_string(map->check->name));
    if (map && map->not_after_applied_at)
        json_object_set_new(item, "not_after_today", json_true());
}

static const struct label *label_of(const struct procedure *procedure, const char *path)
{
    for (size_t i = 0; i < procedure->label_count; i++)
        if (!procedure->labels[i].value && strcmp(procedure->labels[i].path, path) == 0)
            return &procedure->labels[i];
    return NULL;
}

static size_t place_of(const struct procedure *procedure, const struct outline *outline)
{
    const struct label *label = label_of(procedure, outline->path);
    return label ? (size_t)(label - procedure->labels) : procedure->label_count;
}

/* The parts in the order of their labels; the caller frees. */
static const struct outline **parts_sorted(const struct procedure *procedure,
                                           const struct outline *outline)
{
    const struct outline **sorted = memory_allocate((outline->part_count + 1) * sizeof *sorted);
    for (size_t i = 0; i < outline->part_count; i++) {
        size_t k = i;
        for (;
             k > 0 && place_of(procedure, sorted[k - 1]) > place_of(procedure, &outline->parts[i]);
             k--)
            sorted[k] = sorted[k - 1];
        sorted[k] = &outline->parts[i];
    }
    return sorted;
}

static json_t *item_describe(const struct procedure *procedure, const struct outline *outline,
                             const xmlNode *element);

static json_t *parts_describe(const struct procedure *procedure, const struct outline *outline,
                              const xmlNode *element)
{
    const struct outline **sorted = parts_sorted(procedure, outline);
    json_t *parts = json_array();
    for (size_t i = 0; i < outline->part_count; i++)
        json_array_append_new(
            parts, item_describe(procedure, sorted[i], element_below(element, sorted[i]->name)));
    free(sorted);
    return parts;
}

/* "at": the element's place among its siblings in form.xsd, which is not that on the screen. */
static json_t *item_describe(const struct procedure *procedure, const struct outline *outline,
                             const xmlNode *element)
{
    const struct label *label = label_of(procedure, outline->path);
    json_t *item = json_pack("{s:s, s:s, s:s, s:s*, s:b, s:I, s:I}", "path", outline->path, "name",
                             outline->name, "label", label ? label->text : "", "help",
                             label ? label->help : NULL, "required", outline->required, "most",
                             (json_int_t)outline->most, "at", (json_int_t)outline->line);
    if (outline->leaf) {
        leaf_describe(procedure, outline, element, item);
        return item;
    }
    json_object_set_new(item, "kind", json_string(outline->most > 1 ? "list" : "group"));
    json_object_set_new(item, "parts", parts_describe(procedure, outline, element));
    return item;
}

/* --- documents and rules ---------------------------------------------------------------------- */

static json_t *documents_json(const struct procedure *procedure)
{
    json_t *documents = json_array();
    for (size_t i = 0; i < procedure->document_count; i++) {
        const struct document *document = &procedure->documents[i];
        if (document->id) /* other files: nothing that a screen could ask for */
            json_array_append_new(documents,
                                  json_pack("{s:s, s:s, s:s*, s:b, s:b, s:s, s:I, s:I}", "id",
                                            document->id, "label", document->label, "help",
                                            document->help, "required", document->required,
                                            "conditional", document->when != NULL, "formats",
                                            document->formats, "most", (json_int_t)document->most,
                                            "size_most", (json_int_t)document->size_most));
    }
    return documents;
}

static json_t *rules_json(const struct procedure *procedure)
{
    json_t *rules = json_array();
    for (size_t i = 0; i < procedure->test_count; i++) {
        const struct test *test = &procedure->tests[i];
        const char *slash = *test->around && *test->item ? "/" : "";
        _cleanup_(cleanup_text) char *path = text_format("%s%s%s", test->around, slash, test->item);
        json_array_append_new(rules, json_pack("{s:s, s:s, s:s, s:s}", "id", test->id, "severity",
                                               severity_names[test->severity], "item", path,
                                               "message", test->message));
    }
    return rules;
}

/* --- the whole -------------------------------------------------------------------------------- */

static json_t *conditions_json(const struct procedure *procedure)
{
    json_t *conditions = json_array();
    for (size_t i = 0; i < procedure->rule_count; i++) {
        const struct rule *rule = &procedure->rules[i];
        json_array_append_new(conditions,
                              json_pack("{s:s, s:s, s:s, s:b}", "item", rule->item, "when",
                                        rule->when, "is", rule->is, "forbid", rule->forbids));
    }
    return conditions;
}

/* The items of a heading; each item that no heading has, under its own label. */
static json_t *group_json(const struct procedure *procedure, json_t *items, size_t *at)
{
    json_t *item = json_array_get(items, *at), *taken = json_array();
    const char *name = json_string_value(json_object_get(item, "name"));
    const struct group *group = NULL;
    for (size_t i = 0; i < procedure->group_count && !group; i++)
        if (words_contain(procedure->groups[i].items, name))
            group = &procedure->groups[i];
    do {
        json_array_append(taken, item);
        item = json_array_get(items, ++*at);
        name = json_string_value(json_object_get(item, "name"));
    } while (item && group && words_contain(group->items, name));
    json_t *label = json_object_get(json_array_get(taken, 0), "label");
    return json_pack("{s:o, s:o}", "label", group ? json_string(group->text) : json_incref(label),
                     "items", taken);
}

static json_t *groups_json(const struct procedure *procedure)
{
    const xmlNode *schema = xmlDocGetRootElement(procedure->xsd);
    _cleanup_(cleanup_json) json_t *items = parts_describe(
        procedure, &procedure->outline, element_below(schema, procedure->outline.name));
    json_t *groups = json_array();
    for (size_t i = 0; i < json_array_size(items);)
        json_array_append_new(groups, group_json(procedure, items, &i));
    return groups;
}

static json_t *words_json(const char *words)
{
    json_t *list = json_array();
    while (*words) {
        words += strspn(words, " ");
        size_t length = strcspn(words, " ");
        if (length)
            json_array_append_new(list, json_stringn(words, length));
        words += length;
    }
    return list;
}

static json_t *describe(const struct procedure *procedure)
{
    json_t *description = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:b, s:s*, s:s*}", "id", procedure->id,
        "version", procedure->version, "status", procedure->retired ? "retired" : "current", "name",
        procedure->name, "summary", procedure->summary, "life_events",
        words_json(procedure->life_events), "search", procedure->search, "namespace",
        procedure->namespace, "root", procedure->outline.name, "signature_required",
        procedure->signature_required, "purpose", procedure->purpose, "basis", procedure->basis);
    json_object_set_new(description, "groups", groups_json(procedure));
    json_object_set_new(description, "conditions", conditions_json(procedure));
    json_object_set_new(description, "documents", documents_json(procedure));
    json_object_set_new(description, "rules", rules_json(procedure));
    return description;
}

/* --- made once ----------------------------------------------------------------------------------
 */

struct description {
    pthread_mutex_t lock;
    json_t *json; /* NULL: nobody has asked yet */
};

struct description *description_new(void)
{
    struct description *description = memory_allocate(sizeof *description);
    pthread_mutex_init(&description->lock, NULL);
    return description;
}

void description_free(struct description *description)
{
    json_decref(description->json);
    pthread_mutex_destroy(&description->lock);
    free(description);
}

json_t *procedure_describe(const struct procedure *procedure)
{
    struct description *description = procedure->description;
    pthread_mutex_lock(&description->lock);
    if (!description->json)
        description->json = describe(procedure);
    json_t *json = json_incref(description->json);
    pthread_mutex_unlock(&description->lock);
    return json;
}
