/* attachments.xml as it is loaded: which documents, how many, how large, of which formats. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/xml.h"
#include "forms/xpath.h"

#define NS        "urn:uketsuke:attachments:1"
#define FILE_NAME "attachments.xml"

#define FILES_MOST     100                  /* as [package] members has it, more cannot come */
#define FILE_SIZE_MOST ((int64_t)100 << 20) /* bytes */

static bool broken(const struct procedure *procedure, const xmlNode *node, struct failure *f,
                   const char *what)
{
    return definition_broken(f, procedure->folder, FILE_NAME, xmlGetLineNo(node), "%s", what);
}

static bool formats_good(const char *formats)
{
    size_t count = 0;
    for (; *formats; count++) {
        size_t length = strcspn(formats, " ");
        char *word = text_copy_n(formats, length);
        bool known = words_contain("pdf jpeg png", word);
        free(word);
        if (!known)
            return false;
        formats += length + strspn(formats + length, " ");
    }
    return count > 0;
}

/* What <document> and <other> have alike. */
static bool limits_read(const struct procedure *procedure, const xmlNode *node,
                        struct document *document, struct failure *f)
{
    const char *formats = xml_attribute(node, "formats"), *most = xml_attribute(node, "most");
    const char *size = xml_attribute(node, "size-most");
    if (!formats || !formats_good(formats))
        return broken(procedure, node, f, "formats are of pdf, jpeg and png, separated by blanks");
    if (!most || !number_parse(most, 1, FILES_MOST, &document->most))
        return broken(procedure, node, f, "most is a number of files, from 1 to 100");
    if (!size || !number_parse(size, 1, FILE_SIZE_MOST, &document->size_most))
        return broken(procedure, node, f, "size-most is a number of bytes, up to 104857600");
    document->formats = text_copy(formats);
    return true;
}

static bool id_good(const char *id)
{
    return id && *id && strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(id) &&
           *id != '-' && id[strlen(id) - 1] != '-' && strlen(id) <= 64;
}

static bool names_read(const struct procedure *procedure, const xmlNode *node,
                       struct document *document, struct failure *f)
{
    const char *id = xml_attribute(node, "id"), *label = xml_attribute(node, "label");
    const char *required = xml_attribute(node, "required");
    const xmlNode *help = xml_first(node);
    if (!definition_attributes(node, "id label required when formats most size-most") ||
        (help && (!xml_is(help, NS, "help") || !xml_text(help) || xml_next(help))))
        return broken(procedure, node, f,
                      "a document has id, label, required, when, formats, most and size-most, and "
                      "may have one help in it");
    if (!id_good(id) || document_find(procedure, id))
        return broken(procedure, node, f, "an id is in kebab case, and no other document has it");
    if (!label || !*label)
        return broken(procedure, node, f, "the label is missing");
    if (!required || (strcmp(required, "true") != 0 && strcmp(required, "false") != 0))
        return broken(procedure, node, f, "required is true or false");
    document->id = text_copy(id);
    document->label = text_copy(label);
    document->help = help ? text_copy(xml_text(help)) : NULL;
    document->required = strcmp(required, "true") == 0;
    return true;
}

static bool when_read(const struct procedure *procedure, const xmlNode *node,
                      struct document *document, struct failure *f)
{
    const char *when = xml_attribute(node, "when");
    struct xpath_error error = {0};
    if (!when)
        return true;
    if (!document->required)
        return broken(procedure, node, f, "when tells when a required document is required");
    document->when = xpath_compile(procedure, &procedure->outline, when, &error);
    return document->when || definition_broken(f, procedure->folder, FILE_NAME, xmlGetLineNo(node),
                                               "XPath: %s", error.text);
}

static bool document_read(const struct procedure *procedure, const xmlNode *node,
                          struct document *document, struct failure *f)
{
    document->line = xmlGetLineNo(node);
    if (xml_is(node, NS, "document"))
        return names_read(procedure, node, document, f) &&
               limits_read(procedure, node, document, f) && when_read(procedure, node, document, f);
    if (!xml_is(node, NS, "other") || xml_next(node) || xml_first(node) ||
        !definition_attributes(node, "formats most size-most"))
        return broken(procedure, node, f, "expected documents, and last at most one other");
    return limits_read(procedure, node, document, f);
}

static bool root_read(struct procedure *procedure, const xmlNode *root, struct failure *f)
{
    const char *most = xml_attribute(root, "most");
    if (!xml_is(root, NS, "attachments") || !definition_attributes(root, "most"))
        return broken(procedure, root, f, "the root must be attachments of " NS);
    if (xml_first(root) ? !most || !number_parse(most, 1, FILES_MOST, &procedure->attachments_most)
                        : most != NULL)
        return broken(procedure, root, f,
                      "most is the number of all files, from 1 to 100; none without documents");
    return true;
}

bool attachments_load(struct procedure *procedure, struct failure *f)
{
    _cleanup_(cleanup_xml_doc) xmlDoc *document = definition_parse(procedure, FILE_NAME, f);
    if (!document || !root_read(procedure, xmlDocGetRootElement(document), f))
        return false;
    for (const xmlNode *node = xml_first(xmlDocGetRootElement(document)); node;
         node = xml_next(node)) {
        struct document one = {0};
        bool good = document_read(procedure, node, &one, f);
        procedure->documents = memory_resize(
            procedure->documents, (procedure->document_count + 1) * sizeof *procedure->documents);
        procedure->documents[procedure->document_count++] = one; /* freed with the rest */
        if (!good)
            return false;
    }
    return true;
}

void attachments_free(struct procedure *procedure)
{
    for (size_t i = 0; i < procedure->document_count; i++) {
        struct document *document = &procedure->documents[i];
        free(document->id);
        free(document->label);
        free(document->help);
        free(document->formats);
        xmlXPathFreeCompExpr(document->when);
    }
    free(procedure->documents);
}

const struct document *document_find(const struct procedure *procedure, const char *id)
{
    for (size_t i = 0; i < procedure->document_count; i++)
        if (procedure->documents[i].id && strcmp(procedure->documents[i].id, id) == 0)
            return &procedure->documents[i];
    return NULL;
}
