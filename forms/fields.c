#include "forms/fields.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "forms/definition.h"
#include "forms/item_check.h"

static bool is_number(const struct map *map)
{
    return map->check && strcmp(map->check->name, "kojinbango") == 0;
}

static json_t *words_json(const char *words)
{
    json_t *list = json_array();
    for (const char *at = words ? words : ""; *(at += strspn(at, " ")); at += strcspn(at, " "))
        json_array_append_new(list, json_stringn(at, strcspn(at, " ")));
    return list;
}

static void fields_add(json_t *list, const struct map *map, const char *around)
{
    for (size_t i = 0; i < map->part_count; i++) {
        const struct map *part = &map->parts[i];
        _cleanup_(cleanup_text) char *path = text_format(
            "%s%s%s%s", around, *around ? "." : "", part->name, part->kind == MAP_LIST ? "[]" : "");
        if (part->kind == MAP_ITEM)
            json_array_append_new(list, json_pack("{s:s, s:o, s:b}", "item", path, "to",
                                                  words_json(part->to), "individual_number",
                                                  is_number(part)));
        else
            fields_add(list, part, path); /* no deeper than record.xml, which is limited */
    }
}

json_t *procedure_fields(const struct procedure *procedure)
{
    json_t *list = json_array();
    fields_add(list, &procedure->record, "");
    return list;
}

static bool sends_numbers(const struct map *map, const char *destination)
{
    if (map->kind == MAP_ITEM)
        return is_number(map) && words_contain(map->to, destination);
    for (size_t i = 0; i < map->part_count; i++)
        if (sends_numbers(&map->parts[i], destination))
            return true;
    return false;
}

bool procedure_sends_numbers(const struct procedure *procedure, const char *destination)
{
    return sends_numbers(&procedure->record, destination);
}
