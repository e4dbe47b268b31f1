/* form.xsd is written in a plain style, which is checked here: one global element, types of
 * elements with parts written inside them, no imports. So the form's outline is the schema's own
 * tree, and an item that is missing can be named. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xml.h"
#include "forms/definition.h"

#define XSD      "http://www.w3.org/2001/XMLSchema"
#define XSD_FILE "form.xsd"

static bool broken(const struct procedure *procedure, const xmlNode *node, struct failure *f,
                   const char *what)
{
    return definition_broken(f, procedure->folder, XSD_FILE, xmlGetLineNo(node), "%s", what);
}

static bool occurs_read(const xmlNode *node, struct outline *item)
{
    const char *least = xml_attribute(node, "minOccurs"), *most = xml_attribute(node, "maxOccurs");
    int64_t number = 1;
    item->most = 1;
    if ((least && !number_parse(least, 0, 1000, &number)) ||
        (most && !number_parse(most, 1, 1000, &item->most)))
        return false; /* "unbounded" too: every repetition has a limit */
    item->required = number > 0;
    return true;
}

static bool element_read(const struct procedure *procedure, const xmlNode *node,
                         const struct outline *around, struct outline *item, struct failure *f);

/* The elements of a sequence, choice or group of them, flat; `certain`: they must all be there. */
static bool group_read(const struct procedure *procedure, const xmlNode *group, bool certain,
                       struct outline *item, struct failure *f)
{
    certain = certain && !xml_is(group, XSD, "choice") && !xml_attribute(group, "minOccurs");
    if (xml_attribute(group, "maxOccurs"))
        return broken(procedure, group, f, "a group may not repeat: give its elements a maxOccurs");
    for (const xmlNode *node = xml_first(group); node; node = xml_next(node)) {
        if (xml_is(node, XSD, "sequence") || xml_is(node, XSD, "choice")) {
            if (!group_read(procedure, node, certain, item, f))
                return false;
            continue;
        }
        if (!xml_is(node, XSD, "element"))
            return broken(procedure, node, f, "expected element, sequence or choice");
        item->parts = memory_resize(item->parts, (item->part_count + 1) * sizeof *item->parts);
        struct outline *part = &item->parts[item->part_count++];
        *part = (struct outline){0};
        if (!element_read(procedure, node, item, part, f))
            return false;
        part->required = part->required && certain;
    }
    return true;
}

static bool element_read(const struct procedure *procedure, const xmlNode *node,
                         const struct outline *around, struct outline *item, struct failure *f)
{
    const char *name = xml_attribute(node, "name");
    const xmlNode *type = xml_first(node);
    if (!name || xml_attribute(node, "ref"))
        return broken(procedure, node, f, "an element needs a name of its own, not a ref");
    if (!occurs_read(node, item))
        return broken(procedure, node, f, "minOccurs and maxOccurs must be numbers up to 1000");
    item->name = text_copy(name);
    item->line = xmlGetLineNo(node);
    item->path = !around         ? text_copy("")
                 : *around->path ? text_format("%s/%s", around->path, name)
                                 : text_copy(name);
    if (around && outline_part(around, name) != item)
        return broken(procedure, node, f, "two elements of this name stand side by side");
    item->leaf = !type || xml_is(type, XSD, "simpleType");
    if (item->leaf)
        return xml_attribute(node, "type") || type ||
               broken(procedure, node, f, "the element has no type");
    const xmlNode *group = xml_is(type, XSD, "complexType") ? xml_first(type) : NULL;
    if (!group || xml_next(group) || !xml_is(group, XSD, "sequence"))
        return broken(procedure, node, f,
                      "an element with parts needs a complexType inside it with one sequence");
    return group_read(procedure, group, true, item, f);
}

static bool global_read(struct procedure *procedure, const xmlNode *node, struct failure *f)
{
    if (xml_is(node, XSD, "simpleType") || xml_is(node, XSD, "annotation"))
        return true;
    if (!xml_is(node, XSD, "element"))
        return broken(procedure, node, f,
                      "only simpleType and one element may stand here (no import, include, "
                      "redefine or named complexType)");
    if (procedure->outline.name)
        return broken(procedure, node, f, "a second global element");
    return element_read(procedure, node, NULL, &procedure->outline, f);
}

struct compile_error {
    long line;
    char text[256];
};

static void note_compile_error(void *context, xmlError *error)
{
    struct compile_error *first = context;
    if (*first->text)
        return;
    const char *message = error->message ? error->message : "not a schema";
    first->line = error->line;
    snprintf(first->text, sizeof first->text, "%.*s", (int)strcspn(message, "\n"), message);
}

static bool schema_compile(struct procedure *procedure, struct failure *f)
{
    struct compile_error error = {0};
    xmlSchemaParserCtxt *parser = xmlSchemaNewDocParserCtxt(procedure->xsd);
    if (parser) {
        xmlSchemaSetParserStructuredErrors(parser, (xmlStructuredErrorFunc)note_compile_error,
                                           &error);
        procedure->schema = xmlSchemaParse(parser);
        xmlSchemaFreeParserCtxt(parser);
    }
    return procedure->schema || definition_broken(f, procedure->folder, XSD_FILE, error.line, "%s",
                                                  *error.text ? error.text : "not a schema");
}

bool outline_load(struct procedure *procedure, struct failure *f)
{
    procedure->xsd = definition_parse(procedure, XSD_FILE, f);
    if (!procedure->xsd)
        return false;
    const xmlNode *root = xmlDocGetRootElement(procedure->xsd);
    const char *namespace = xml_attribute(root, "targetNamespace");
    const char *qualified = xml_attribute(root, "elementFormDefault");
    if (!xml_is(root, XSD, "schema") || !qualified || strcmp(qualified, "qualified") != 0)
        return broken(procedure, root, f,
                      "the root must be xs:schema, elementFormDefault qualified");
    procedure->namespace =
        text_format("urn:uketsuke:form:%s:%s", procedure->id, procedure->version);
    if (!namespace || strcmp(namespace, procedure->namespace) != 0)
        return definition_broken(f, procedure->folder, XSD_FILE, xmlGetLineNo(root),
                                 "targetNamespace must be %s", procedure->namespace);
    for (const xmlNode *node = xml_first(root); node; node = xml_next(node))
        if (!global_read(procedure, node, f))
            return false;
    if (!procedure->outline.name || procedure->outline.leaf)
        return broken(procedure, root, f, "there is no global element with parts");
    return schema_compile(procedure, f);
}

void outline_free(struct outline *outline)
{
    for (size_t i = 0; i < outline->part_count; i++)
        outline_free(&outline->parts[i]);
    free(outline->parts);
    free(outline->name);
    free(outline->path);
    *outline = (struct outline){0};
}

static const struct outline *part_of_length(const struct outline *outline, const char *name,
                                            size_t length)
{
    for (size_t i = 0; i < outline->part_count; i++)
        if (strncmp(outline->parts[i].name, name, length) == 0 && !outline->parts[i].name[length])
            return &outline->parts[i];
    return NULL;
}

const struct outline *outline_part(const struct outline *outline, const char *name)
{
    return part_of_length(outline, name, strlen(name));
}

const struct outline *outline_find(const struct outline *outline, const char *path)
{
    while (outline && *path) {
        size_t length = strcspn(path, "/");
        outline = part_of_length(outline, path, length);
        path += length + (path[length] == '/');
    }
    return outline;
}
