#include "forms/record_form.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/xml.h"
#include "forms/definition.h"

static xmlNode *child_add(xmlNode *around, const char *name)
{
    return xmlNewChild(around, around->ns, BAD_CAST name, NULL);
}

/* Down the path, making what is not there; the last step is made anew when `fresh`. */
static xmlNode *element_at(xmlNode *around, const char *path, bool fresh)
{
    while (*path) {
        size_t length = strcspn(path, "/");
        _cleanup_(cleanup_text) char *name = text_copy_n(path, length);
        path += length + (path[length] == '/');
        xmlNode *there =
            fresh && !*path ? NULL : xml_child(around, (const char *)around->ns->href, name);
        around = there ? there : child_add(around, name);
    }
    return around;
}

static void text_put(xmlNode *element, const json_t *value)
{
    _cleanup_(cleanup_text) char *number =
        json_is_integer(value) ? text_format("%" JSON_INTEGER_FORMAT, json_integer_value(value))
                               : NULL;
    const char *text = json_is_boolean(value) ? (json_is_true(value) ? "true" : "false")
                       : number               ? number
                                              : json_string_value(value);
    if (text)
        xmlAddChild(element, xmlNewDocText(element->doc, BAD_CAST text)); /* as it is: no markup */
}

/* No deeper than record.xml, which is limited. */
static void parts_put(const struct map *map, const json_t *object, xmlNode *around)
{
    for (size_t i = 0; i < map->part_count; i++) {
        const struct map *part = &map->parts[i];
        const json_t *value = json_object_get(object, part->name);
        if (!value)
            continue;
        if (part->kind == MAP_ITEM)
            text_put(element_at(around, part->from, false), value);
        else if (part->kind == MAP_OBJECT)
            parts_put(part, value, element_at(around, part->from, false));
        for (size_t k = 0; part->kind == MAP_LIST && k < json_array_size(value); k++)
            parts_put(part, json_array_get(value, k), element_at(around, part->from, true));
    }
}

xmlDoc *record_form(const struct procedure *procedure, const json_t *record)
{
    xmlDoc *form = xmlNewDoc(BAD_CAST "1.0");
    xmlNode *root = xmlNewDocNode(form, NULL, BAD_CAST procedure->outline.name, NULL);
    xmlDocSetRootElement(form, root);
    xmlSetNs(root, xmlNewNs(root, BAD_CAST procedure->namespace, NULL));
    parts_put(&procedure->record, record, root);
    return form;
}

/* --- from the record's words to the form's ------------------------------------------------------
 */

struct seeking {
    const json_t *object;
    const char *name;
};

static char *path_find(const struct seeking *seeking, const struct map *map, const json_t *here,
                       const char *path);

static char *path_find_in(const struct seeking *seeking, const struct map *part,
                          const json_t *value, const char *path)
{
    char *found = NULL;
    if (part->kind == MAP_OBJECT)
        return path_find(seeking, part, value, path);
    for (size_t i = 0; part->kind == MAP_LIST && !found && i < json_array_size(value); i++) {
        _cleanup_(cleanup_text) char *entry = text_format("%s[%zu]", path, i + 1);
        found = path_find(seeking, part, json_array_get(value, i), entry);
    }
    return found;
}

static char *path_find(const struct seeking *seeking, const struct map *map, const json_t *here,
                       const char *path)
{
    char *found = NULL;
    for (size_t i = 0; i < map->part_count && !found; i++) {
        const struct map *part = &map->parts[i];
        const json_t *value = json_object_get(here, part->name);
        _cleanup_(cleanup_text) char *own =
            text_format("%s%s%s", path, *path ? "/" : "", part->from);
        if (part->kind != MAP_ITEM)
            found = path_find_in(seeking, part, value, own);
        else if (here == seeking->object && strcmp(part->name, seeking->name) == 0)
            found = text_copy(own);
    }
    return found;
}

char *record_item_path(const struct procedure *procedure, const json_t *record,
                       const json_t *object, const char *name)
{
    return path_find(&(struct seeking){object, name}, &procedure->record, record, "");
}
