/* record.xml as it is loaded: what the record is made of, checked against form.xsd. */
#include <stdlib.h>
#include <string.h>

#include "base/xml.h"
#include "forms/definition.h"
#include "forms/item_check.h"

#define NS        "urn:uketsuke:record:1"
#define FILE_NAME "record.xml"

static bool broken(const struct procedure *procedure, const xmlNode *node, struct failure *f,
                   const char *what)
{
    return definition_broken(f, procedure->folder, FILE_NAME, xmlGetLineNo(node), "%s", what);
}

static bool type_read(const char *text, enum map_type *ret_type)
{
    static const char *const names[] = {"text", "integer", "boolean"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!text || strcmp(text, names[i]) == 0) {
            *ret_type = (enum map_type)i;
            return true;
        }
    return false;
}

static bool item_read(const struct procedure *procedure, const xmlNode *node, struct map *map,
                      struct failure *f)
{
    const char *check = xml_attribute(node, "check"), *limit = xml_attribute(node, "not-after");
    if (!definition_attributes(node, "name from to type check not-after") || xml_first(node))
        return broken(procedure, node, f,
                      "an item has name, from, to, type, check and not-after, and no parts");
    if (!type_read(xml_attribute(node, "type"), &map->type))
        return broken(procedure, node, f, "type must be text, integer or boolean");
    map->check = check ? item_check_find(check) : NULL;
    if (check && !map->check)
        return broken(procedure, node, f, "there is no such check");
    map->not_after_applied_at = limit != NULL;
    if (limit && (strcmp(limit, "applied-at") != 0 || !check || strcmp(check, "date") != 0))
        return broken(procedure, node, f,
                      "not-after must be applied-at, on an item with the check date");
    return true;
}

static bool kind_read(const xmlNode *node, enum map_kind *ret_kind)
{
    static const char *const names[] = {"object", "list", "item"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (xml_is(node, NS, names[i])) {
            *ret_kind = (enum map_kind)i;
            return true;
        }
    return false;
}

static bool name_free(const struct map *around, const char *name)
{
    if (!around->name && words_contain("procedure version computed", name))
        return false;
    for (size_t i = 0; i < around->part_count; i++)
        if (strcmp(around->parts[i].name, name) == 0)
            return false;
    return true;
}

static bool parts_read(const struct procedure *procedure, const xmlNode *list,
                       const struct outline *outline, struct map *map, struct failure *f);

static bool repeats_above(const struct outline *outline, const char *from)
{
    while (*from) { /* every step but the last */
        size_t length = strcspn(from, "/");
        char *name = text_copy_n(from, length);
        outline = outline_part(outline, name);
        free(name);
        from += length + (from[length] == '/');
        if (*from && outline->most > 1)
            return true;
    }
    return false;
}

static bool map_read(const struct procedure *procedure, const xmlNode *node,
                     const struct outline *outline, const struct map *around, struct map *map,
                     struct failure *f)
{
    const char *name = xml_attribute(node, "name"), *from = xml_attribute(node, "from");
    const char *to = xml_attribute(node, "to");
    if (!kind_read(node, &map->kind))
        return broken(procedure, node, f, "expected object, list or item");
    if (!name || !*name || !from || !*from)
        return broken(procedure, node, f, "name and from are needed");
    if (!name_free(around, name))
        return broken(procedure, node, f, "a second entry of this name");
    const struct outline *source = outline_find(outline, from);
    if (!source)
        return broken(procedure, node, f, "form.xsd has no such item (from)");
    if (source->leaf != (map->kind == MAP_ITEM))
        return broken(procedure, node, f, "an item is made from text, object and list from parts");
    if ((source->most > 1) != (map->kind == MAP_LIST) || repeats_above(outline, from))
        return broken(procedure, node, f, "a list, and only a list, is made from what repeats");
    map->name = text_copy(name);
    map->from = text_copy(from);
    map->line = xmlGetLineNo(node);
    map->to = text_copy(to ? to : around->to);
    if (map->kind == MAP_ITEM)
        return item_read(procedure, node, map, f);
    if (!definition_attributes(node, "name from to"))
        return broken(procedure, node, f, "object and list have name, from and to");
    return parts_read(procedure, node, source, map, f);
}

static bool parts_read(const struct procedure *procedure, const xmlNode *list,
                       const struct outline *outline, struct map *map, struct failure *f)
{
    for (const xmlNode *node = xml_first(list); node; node = xml_next(node)) {
        if (!map->name && xml_is(node, NS, "rules"))
            return broken(procedure, node, f, "rules stand in a file of their own: rules.xml");
        struct map part = {0};
        bool good = map_read(procedure, node, outline, map, &part, f);
        map->parts = memory_resize(map->parts, (map->part_count + 1) * sizeof *map->parts);
        map->parts[map->part_count++] = part; /* also when broken: it is freed with the rest */
        if (!good)
            return false;
    }
    return true;
}

/* Identification compares these four with the certificate: every record must have them. */
static bool claimant_present(const struct procedure *procedure)
{
    static const char *const facts[] = {"name", "birth_date", "sex", "address"};
    const struct map *claimant = NULL;
    for (size_t i = 0; i < procedure->record.part_count; i++)
        if (strcmp(procedure->record.parts[i].name, "claimant") == 0)
            claimant = &procedure->record.parts[i];
    size_t found = 0;
    for (size_t i = 0; claimant && i < claimant->part_count; i++)
        for (size_t j = 0; j < sizeof facts / sizeof *facts; j++)
            found += strcmp(claimant->parts[i].name, facts[j]) == 0;
    return found == sizeof facts / sizeof *facts;
}

bool record_load(struct procedure *procedure, struct failure *f)
{
    xmlDoc *document = definition_parse(procedure, FILE_NAME, f);
    if (!document)
        return false;
    const xmlNode *root = xmlDocGetRootElement(document);
    const char *to = xml_attribute(root, "to");
    procedure->record = (struct map){.kind = MAP_OBJECT, .to = text_copy(to ? to : "")};
    bool good = xml_is(root, NS, "record") && definition_attributes(root, "to")
                    ? parts_read(procedure, root, &procedure->outline, &procedure->record, f)
                    : broken(procedure, root, f, "the root must be record of " NS);
    if (good && !claimant_present(procedure))
        good = broken(procedure, root, f,
                      "the object claimant with name, birth_date, sex and address is needed");
    xmlFreeDoc(document);
    return good;
}

static void map_free(struct map *map)
{
    for (size_t i = 0; i < map->part_count; i++)
        map_free(&map->parts[i]);
    free(map->parts);
    free(map->name);
    free(map->from);
    free(map->to);
}

void record_free(struct procedure *procedure)
{
    map_free(&procedure->record);
}
