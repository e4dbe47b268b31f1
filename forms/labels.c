/* labels.xml: <labels><label item="claimant/name">氏名</label><value item="claimant/sex"
 * is="1">男</value>…</labels>. Every item that has text needs a label, in the order of the form. */
#include <stdlib.h>
#include <string.h>

#include "base/xml.h"
#include "forms/definition.h"

#define NS        "urn:uketsuke:labels:1"
#define FILE_NAME "labels.xml"

static bool broken(const struct procedure *procedure, const xmlNode *node, struct failure *f,
                   const char *what)
{
    return definition_broken(f, procedure->folder, FILE_NAME, xmlGetLineNo(node), "%s", what);
}

static bool entry_read(struct procedure *procedure, const xmlNode *node, struct failure *f)
{
    bool value = xml_is(node, NS, "value");
    const char *item = xml_attribute(node, "item"), *is = xml_attribute(node, "is");
    const char *text = xml_text(node);
    if (!value && !xml_is(node, NS, "label"))
        return broken(procedure, node, f, "expected label or value");
    if (!definition_attributes(node, value ? "item is" : "item") || !item || (value && !is) ||
        !text || !*text)
        return broken(procedure, node, f,
                      value ? "a value needs item, is and a text"
                            : "a label needs item and a text");
    if (!outline_find(&procedure->outline, item))
        return broken(procedure, node, f, "form.xsd has no such item");
    if (value ? procedure_value_label(procedure, item, is) : procedure_label(procedure, item))
        return broken(procedure, node, f, "this stands here a second time");
    procedure->labels =
        memory_resize(procedure->labels, (procedure->label_count + 1) * sizeof *procedure->labels);
    procedure->labels[procedure->label_count++] =
        (struct label){text_copy(item), value ? text_copy(is) : NULL, text_copy(text)};
    return true;
}

static const struct outline *unlabelled(const struct procedure *procedure,
                                        const struct outline *outline)
{
    if (outline->leaf && !procedure_label(procedure, outline->path))
        return outline;
    const struct outline *found = NULL;
    for (size_t i = 0; i < outline->part_count && !found; i++)
        found = unlabelled(procedure, &outline->parts[i]);
    return found;
}

bool labels_load(struct procedure *procedure, struct failure *f)
{
    xmlDoc *document = definition_parse(procedure, FILE_NAME, f);
    if (!document)
        return false;
    const xmlNode *root = xmlDocGetRootElement(document);
    bool good = xml_is(root, NS, "labels") && definition_attributes(root, "")
                    ? true
                    : broken(procedure, root, f, "the root must be labels of " NS);
    for (const xmlNode *node = xml_first(root); node && good; node = xml_next(node))
        good = entry_read(procedure, node, f);
    const struct outline *missing = good ? unlabelled(procedure, &procedure->outline) : NULL;
    if (missing)
        good = definition_broken(f, procedure->folder, FILE_NAME, xmlGetLineNo(root),
                                 "no label for the item %s (form.xsd:%ld)", missing->path,
                                 missing->line);
    xmlFreeDoc(document);
    return good;
}

void labels_free(struct procedure *procedure)
{
    for (size_t i = 0; i < procedure->label_count; i++) {
        free(procedure->labels[i].path);
        free(procedure->labels[i].value);
        free(procedure->labels[i].text);
    }
    free(procedure->labels);
    procedure->labels = NULL;
    procedure->label_count = 0;
}

const char *procedure_label(const struct procedure *procedure, const char *item)
{
    for (size_t i = 0; i < procedure->label_count; i++)
        if (!procedure->labels[i].value && strcmp(procedure->labels[i].path, item) == 0)
            return procedure->labels[i].text;
    return NULL;
}

const char *procedure_value_label(const struct procedure *procedure, const char *item,
                                  const char *value)
{
    for (size_t i = 0; i < procedure->label_count; i++) {
        const struct label *label = &procedure->labels[i];
        if (label->value && strcmp(label->path, item) == 0 && strcmp(label->value, value) == 0)
            return label->text;
    }
    return NULL;
}
