/* A whole form, changed as a case says. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/xml.h"
#include "forms/cases_internal.h"

#define COPIES_MOST 20000

/* "child[2]/name" → "child", 2; returns what follows. */
static const char *step_of(const char *path, char **ret_name, int64_t *ret_number)
{
    size_t length = strcspn(path, "/["), whole = strcspn(path, "/");
    *ret_name = text_copy_n(path, length);
    *ret_number = 1;
    if (path[length] == '[') {
        _cleanup_(cleanup_text) char *number =
            text_copy_n(path + length + 1, whole > length + 2 ? whole - length - 2 : 0);
        if (!number_parse(number, 1, COPIES_MOST, ret_number))
            *ret_number = 0;
    }
    return path + whole + (path[whole] == '/');
}

/* Where a new part stands: before the first that comes later in form.xsd. */
static xmlNode *part_create(const struct procedure *procedure, const struct outline *around,
                            const struct outline *part, xmlNode *parent)
{
    xmlNode *node = xmlNewNode(parent->ns, (const xmlChar *)part->name);
    if (xml_text(parent)) /* blanks or nothing: it becomes an element with parts */
        xmlNodeSetContent(parent, NULL);
    for (xmlNode *other = xml_first(parent); other; other = xml_next(other)) {
        const struct outline *known = outline_part(around, (const char *)other->name);
        if (known && known > part && xml_is(other, procedure->namespace, known->name))
            return xmlAddPrevSibling(other, node);
    }
    return xmlAddChild(parent, node);
}

static xmlNode *place_find(const struct procedure *procedure, xmlNode *root, const char *path,
                           bool create)
{
    const struct outline *outline = &procedure->outline;
    xmlNode *node = root;
    while (node && *path) {
        _cleanup_(cleanup_text) char *name = NULL;
        int64_t number, seen = 0;
        path = step_of(path, &name, &number);
        const struct outline *part = outline_part(outline, name);
        if (!part || number == 0)
            return NULL;
        xmlNode *found = xml_first(node);
        for (; found; found = xml_next(found)) {
            seen += xml_is(found, procedure->namespace, name);
            if (seen == number)
                break;
        }
        if (!found && create && number == seen + 1)
            found = part_create(procedure, outline, part, node);
        node = found;
        outline = part;
    }
    return node;
}

static bool copy_all(const struct procedure *procedure, xmlNode *root, const json_t *copies,
                     char *ret_why)
{
    const char *path;
    json_t *value;
    json_object_foreach ((json_t *)copies, path, value) {
        xmlNode *node = place_find(procedure, root, path, false);
        json_int_t count = json_integer_value(value);
        if (!node || count < 1 || count > COPIES_MOST) {
            snprintf(ret_why, WHY, "copy: there is no %s, or the number is none", path);
            return false;
        }
        for (json_int_t i = 0; i < count; i++)
            xmlAddNextSibling(node, xmlCopyNode(node, 1));
    }
    return true;
}

static bool set_all(const struct procedure *procedure, xmlNode *root, const json_t *sets,
                    char *ret_why)
{
    const char *path;
    json_t *value;
    json_object_foreach ((json_t *)sets, path, value) {
        xmlNode *node = place_find(procedure, root, path, true);
        if (!node || !json_is_string(value)) {
            snprintf(ret_why, WHY, "set: form.xsd has no %s, or the value is no text", path);
            return false;
        }
        xmlNodeSetContent(node, NULL);
        xmlNodeAddContent(node, (const xmlChar *)json_string_value(value));
    }
    return true;
}

static bool remove_all(const struct procedure *procedure, xmlNode *root, const json_t *paths,
                       char *ret_why)
{
    size_t i;
    json_t *path;
    json_array_foreach ((json_t *)paths, i, path) {
        const char *text = json_string_value(path) ?: "";
        xmlNode *node = *text ? place_find(procedure, root, text, false) : NULL;
        if (!node) {
            snprintf(ret_why, WHY, "remove: there is no %s", text);
            return false;
        }
        xmlUnlinkNode(node);
        xmlFreeNode(node);
    }
    return true;
}

bool case_change(const struct procedure *procedure, xmlDoc *form, const json_t *one, char *ret_why)
{
    xmlNode *root = xmlDocGetRootElement(form);
    return copy_all(procedure, root, json_object_get(one, "copy"), ret_why) &&
           set_all(procedure, root, json_object_get(one, "set"), ret_why) &&
           remove_all(procedure, root, json_object_get(one, "remove"), ret_why);
}

/* Files that are what their names say, and no more. */
struct bytes case_file(const char *formats, const char **ret_ending)
{
    static const char pdf[] = "%PDF-1.7\nxref\nstartxref\n9\n%%EOF\n";
    static const char jpeg[] = "\xFF\xD8\xFF\xC0\0\x0B\x08\0\1\0\1\1\1\x11\0"
                               "\xFF\xDA\0\x08\1\1\0\0\x3F\0\x3F\xFF\xD9";
    static const char png[] = "\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0CRC_"
                              "\0\0\0\0IDATCRC_\0\0\0\0IENDCRC_";
    if (words_contain(formats, "pdf")) {
        *ret_ending = "pdf";
        return bytes_of(pdf, sizeof pdf - 1);
    }
    bool picture = words_contain(formats, "jpeg");
    *ret_ending = picture ? "jpg" : "png";
    return picture ? bytes_of(jpeg, sizeof jpeg - 1) : bytes_of(png, sizeof png - 1);
}
