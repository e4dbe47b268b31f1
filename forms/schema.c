/* A form against form.xsd. libxml2 says that something is wrong; which item it is, and whether it
 * is missing, too long or something else, is told from the outline. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xml.h"
#include "forms/definition.h"

#define FORMAT_FAILURE "FORMAT_FAILURE"

struct first_error {
    int code; /* 0: none */
    const xmlNode *node;
};

static void note_error(void *context, xmlError *error)
{
    struct first_error *first = context;
    if (!first->code)
        *first = (struct first_error){error->code, error->node};
}

static const xmlNode *element_of(const xmlNode *node)
{
    while (node && node->type != XML_ELEMENT_NODE)
        node = node->parent;
    return node;
}

static bool form_fails(struct checks *checks, const char *reason, const char *path, long line,
                       const char *what)
{
    return checks_fail(checks, "form.schema", FORMAT_FAILURE, reason, "line %ld, item %s: %s", line,
                       *path ? path : "(the form)", what);
}

/* The number of elements of one name; *ret_first stays when there is none. */
static int64_t parts_count(const xmlNode *node, const char *ns, const char *name)
{
    int64_t count = 0;
    for (const xmlNode *part = xml_first(node); part; part = xml_next(part))
        count += xml_is(part, ns, name);
    return count;
}

/* Required parts that are missing and parts that are too many, below `node`. Depth is bounded by
 * the outline. True when there is none. */
static bool structure_check(const struct procedure *procedure, const struct outline *outline,
                            const xmlNode *node, struct checks *checks)
{
    for (size_t i = 0; i < outline->part_count; i++) {
        const struct outline *part = &outline->parts[i];
        int64_t count = parts_count(node, procedure->namespace, part->name);
        if (count > part->most)
            return form_fails(checks, "form-too-large", part->path, xmlGetLineNo(node),
                              "stands here more often than the form allows");
        if (count > 0 || !part->required)
            continue;
        _cleanup_(cleanup_text) char *around = form_path(procedure, node);
        _cleanup_(cleanup_text) char *path =
            text_format("%s%s%s", around, *around ? "/" : "", part->name);
        return form_fails(checks, "form-missing-item", path, xmlGetLineNo(node), "is missing");
    }
    for (const xmlNode *part = xml_first(node); part; part = xml_next(part)) {
        const struct outline *known = xml_is(part, procedure->namespace, (const char *)part->name)
                                          ? outline_part(outline, (const char *)part->name)
                                          : NULL; /* what is not of the form, the schema tells */
        if (known && !structure_check(procedure, known, part, checks))
            return false;
    }
    return true;
}

/* Blanks are no text, the full-width one (U+3000) included. */
static bool is_empty(const xmlNode *node)
{
    static const char wide[] = "\u3000";
    const char *text = xml_text(node);
    while (text && *text) {
        size_t length = strspn(text, " \t\r\n");
        if (length == 0 && strncmp(text, wide, sizeof wide - 1) == 0)
            length = sizeof wide - 1;
        if (length == 0)
            return false;
        text += length;
    }
    return text != NULL;
}

static bool error_explain(const struct procedure *procedure, const struct first_error *error,
                          xmlNode *root, struct checks *checks)
{
    if (!structure_check(procedure, &procedure->outline, root, checks))
        return false;
    const xmlNode *node = element_of(error->node);
    _cleanup_(cleanup_text) char *path = form_path(procedure, node);
    long line = node ? xmlGetLineNo(node) : 0;
    if (error->code == XML_SCHEMAV_ELEMENT_CONTENT)
        return form_fails(checks, "form-schema", path, line,
                          "an element that the form does not have here");
    if (node && is_empty(node))
        return form_fails(checks, "form-missing-item", path, line, "is empty");
    if (error->code == XML_SCHEMAV_CVC_MAXLENGTH_VALID)
        return form_fails(checks, "form-too-large", path, line, "has too many characters");
    return form_fails(checks, "form-schema", path, line, "is not what the form allows here");
}

bool schema_validate(const struct procedure *procedure, xmlDoc *form, struct checks *checks)
{
    xmlNode *root = xmlDocGetRootElement(form);
    if (!root || !xml_is(root, procedure->namespace, procedure->outline.name))
        return form_fails(checks, "form-schema", "", root ? xmlGetLineNo(root) : 0,
                          "is not the form of this procedure and version");
    xmlSchemaValidCtxt *context = xmlSchemaNewValidCtxt(procedure->schema);
    if (!context) /* memory: as everywhere, the process ends */
        abort();
    struct first_error error = {0};
    xmlSchemaSetValidStructuredErrors(context, (xmlStructuredErrorFunc)note_error, &error);
    int result = xmlSchemaValidateDoc(context, form);
    xmlSchemaFreeValidCtxt(context);
    if (result == 0) {
        checks_pass(checks, "form.schema", "%s version %s", procedure->id, procedure->version);
        return true;
    }
    return error_explain(procedure, &error, root, checks);
}

xmlNode *form_at(const struct procedure *procedure, xmlNode *from, const char *path)
{
    while (from && *path) {
        size_t length = strcspn(path, "/");
        _cleanup_(cleanup_text) char *name = text_copy_n(path, length);
        from = xml_child(from, procedure->namespace, name);
        path += length + (path[length] == '/');
    }
    return from;
}

/* "child" or, where it may repeat, "child[2]". */
static char *step_text(const struct procedure *procedure, const struct outline *item,
                       const xmlNode *node)
{
    if (item->most == 1)
        return text_copy(item->name);
    size_t number = 1;
    for (const xmlNode *before = node->prev; before; before = before->prev)
        number += xml_is(before, procedure->namespace, item->name);
    return text_format("%s[%zu]", item->name, number);
}

char *form_path(const struct procedure *procedure, const xmlNode *node)
{
    const xmlNode *steps[64];
    size_t count = 0;
    for (; node && node->type == XML_ELEMENT_NODE && count < 64; node = node->parent)
        steps[count++] = node;
    const struct outline *item = &procedure->outline;
    char *path = text_copy("");
    for (size_t i = count > 0 ? count - 1 : 0; i-- > 0 && item;) { /* the last step is the root */
        item = xml_is(steps[i], procedure->namespace, (const char *)steps[i]->name)
                   ? outline_part(item, (const char *)steps[i]->name)
                   : NULL;
        if (!item)
            break;
        _cleanup_(cleanup_text) char *around = path;
        _cleanup_(cleanup_text) char *text = step_text(procedure, item, steps[i]);
        path = text_format("%s%s%s", around, *around ? "/" : "", text);
    }
    return path;
}
