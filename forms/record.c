/* A valid form to its record, and the part of a record that a destination may have. */
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/xml.h"
#include "forms/definition.h"
#include "forms/item_check.h"

#define FORMAT_FAILURE "FORMAT_FAILURE"

struct building {
    const struct procedure *procedure;
    instant applied_at;
    struct checks *checks;
};

static json_t *item_fails(const struct building *b, const xmlNode *node, const char *reason,
                          const char *what)
{
    _cleanup_(cleanup_text) char *path = form_path(b->procedure, node);
    checks_fail(b->checks, "form.items", FORMAT_FAILURE, reason, "line %ld, item %s: %s",
                xmlGetLineNo(node), path, what);
    return NULL;
}

static json_t *item_build(const struct building *b, const struct map *map, const xmlNode *node)
{
    const char *text = xml_text(node);
    struct day day;
    int64_t number;
    if (!text)
        return item_fails(b, node, "form-schema", "has parts");
    if (map->check && !map->check->good(text))
        return item_fails(b, node, map->check->reason, map->check->what);
    if (map->not_after_applied_at && day_parse(text, &day) &&
        day_compare(day, day_of_instant(b->applied_at)) > 0)
        return item_fails(b, node, "form-date", "lies after the day of application");
    switch (map->type) {
    case MAP_INTEGER:
        return number_parse(text, INT64_MIN, INT64_MAX, &number)
                   ? json_integer(number)
                   : item_fails(b, node, "form-schema", "is not a number");
    case MAP_BOOLEAN: /* the two ways in which XSD writes each */
        return json_boolean(strcmp(text, "true") == 0 || strcmp(text, "1") == 0);
    case MAP_TEXT:
    default:
        return json_string(text);
    }
}

static json_t *object_build(const struct building *b, const struct map *map, xmlNode *node);

static json_t *list_build(const struct building *b, const struct map *map, xmlNode *first)
{
    _cleanup_(cleanup_json) json_t *list = json_array();
    for (xmlNode *node = first; node; node = xml_next(node)) {
        if (!xml_is(node, b->procedure->namespace, (const char *)first->name))
            continue;
        json_t *entry = object_build(b, map, node);
        if (!entry)
            return NULL;
        json_array_append_new(list, entry);
    }
    return TAKE(list);
}

/* What is not in the form is not in the record. */
static json_t *object_build(const struct building *b, const struct map *map, xmlNode *node)
{
    _cleanup_(cleanup_json) json_t *object = json_object();
    for (size_t i = 0; i < map->part_count; i++) {
        const struct map *part = &map->parts[i];
        xmlNode *source = form_at(b->procedure, node, part->from);
        if (!source)
            continue;
        json_t *value = part->kind == MAP_ITEM   ? item_build(b, part, source)
                        : part->kind == MAP_LIST ? list_build(b, part, source)
                                                 : object_build(b, part, source);
        if (!value)
            return NULL;
        json_object_set_new(object, part->name, value);
    }
    return TAKE(object);
}

json_t *record_build(const struct procedure *procedure, xmlDoc *form, instant applied_at,
                     struct checks *checks)
{
    xmlNode *root = xmlDocGetRootElement(form);
    const struct building b = {procedure, applied_at, checks};
    if (!conditions_hold(procedure, root, checks))
        return NULL;
    json_t *record = object_build(&b, &procedure->record, root);
    if (!record)
        return NULL;
    json_object_set_new(record, "procedure", json_string(procedure->id));
    json_object_set_new(record, "version", json_string(procedure->version));
    checks_pass(checks, "form.items", "all items as their checks want them");
    return record;
}

static json_t *part_for(const struct map *map, const json_t *value, const char *destination);

static json_t *object_for(const struct map *map, const json_t *object, const char *destination)
{
    json_t *part = json_object();
    for (size_t i = 0; i < map->part_count; i++) {
        const json_t *value = json_object_get(object, map->parts[i].name);
        json_t *allowed = value ? part_for(&map->parts[i], value, destination) : NULL;
        if (allowed)
            json_object_set_new(part, map->parts[i].name, allowed);
    }
    return part;
}

/* NULL when the destination may have none of it. */
static json_t *part_for(const struct map *map, const json_t *value, const char *destination)
{
    if (map->kind == MAP_ITEM)
        return words_contain(map->to, destination) ? json_deep_copy(value) : NULL;
    json_t *part;
    if (map->kind == MAP_OBJECT) {
        part = object_for(map, value, destination);
    } else {
        size_t index;
        json_t *entry;
        part = json_array();
        json_array_foreach ((json_t *)value, index, entry) {
            json_t *allowed = object_for(map, entry, destination);
            if (json_object_size(allowed) > 0)
                json_array_append(part, allowed);
            json_decref(allowed);
        }
    }
    if (json_object_size(part) > 0 || json_array_size(part) > 0)
        return part;
    json_decref(part);
    return NULL;
}

/* What is computed goes where its <value> says. */
static void computed_for(const struct procedure *procedure, const json_t *record,
                         const char *destination, json_t *part)
{
    const json_t *all = json_object_get(record, "computed");
    json_t *allowed = json_object();
    for (size_t i = 0; i < procedure->computed_count; i++) {
        const struct computed *one = &procedure->computed[i];
        json_t *value = json_object_get(all, one->name);
        if (value && words_contain(one->to, destination))
            json_object_set(allowed, one->name, value);
    }
    if (json_object_size(allowed) > 0)
        json_object_set(part, "computed", allowed);
    json_decref(allowed);
}

json_t *record_for(const struct procedure *procedure, const json_t *record, const char *destination)
{
    json_t *part = object_for(&procedure->record, record, destination);
    computed_for(procedure, record, destination, part);
    json_object_set_new(part, "procedure", json_string(procedure->id));
    json_object_set_new(part, "version", json_string(procedure->version));
    return part;
}
