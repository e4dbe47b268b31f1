/* labels.xml: <labels><purpose/><basis/><group items="a b">見出し</group><label
 * item="claimant/name" help="…">氏名</label><value item="claimant/sex" is="1">男</value>…</labels>.
 * Every item that has text needs a label; they stand in the order of display. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
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
        return broken(procedure, node, f, "expected label, value, group, purpose or basis");
    if (!definition_attributes(node, value ? "item is" : "item help") || !item || (value && !is) ||
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
    procedure->labels[procedure->label_count++] = (struct label){
        .path = text_copy(item),
        .value = value ? text_copy(is) : NULL,
        .text = text_copy(text),
        .help = text_copy(xml_attribute(node, "help")),
        .line = xmlGetLineNo(node),
    };
    return true;
}

/* Every word is a top-level item that no other group has. */
static const char *group_fault(const struct procedure *procedure, const char *items)
{
    while (*(items += strspn(items, " "))) {
        size_t length = strcspn(items, " ");
        _cleanup_(cleanup_text) char *item = text_copy_n(items, length);
        if (!outline_part(&procedure->outline, item))
            return "form.xsd has no such top-level item";
        for (size_t i = 0; i < procedure->group_count; i++)
            if (words_contain(procedure->groups[i].items, item))
                return "an item stands in two groups";
        items += length;
    }
    return NULL;
}

static bool group_read(struct procedure *procedure, const xmlNode *node, struct failure *f)
{
    const char *items = xml_attribute(node, "items"), *text = xml_text(node);
    if (!definition_attributes(node, "items") || !items || !text || !*text)
        return broken(procedure, node, f, "a group needs items and a text");
    const char *fault = group_fault(procedure, items);
    if (fault)
        return broken(procedure, node, f, fault);
    procedure->groups =
        memory_resize(procedure->groups, (procedure->group_count + 1) * sizeof *procedure->groups);
    procedure->groups[procedure->group_count++] = (struct group){text_copy(items), text_copy(text)};
    return true;
}

static bool line_read(struct procedure *procedure, const xmlNode *node, struct failure *f)
{
    bool purpose = xml_is(node, NS, "purpose");
    const char *text = xml_text(node);
    char **to = purpose ? &procedure->purpose : &procedure->basis;
    if (xml_is(node, NS, "group"))
        return group_read(procedure, node, f);
    if (!purpose && !xml_is(node, NS, "basis"))
        return entry_read(procedure, node, f);
    if (*to || !text || !*text)
        return broken(procedure, node, f, "purpose and basis have a text and stand here once");
    *to = text_copy(text);
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
        good = line_read(procedure, node, f);
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
        free(procedure->labels[i].help);
    }
    for (size_t i = 0; i < procedure->group_count; i++) {
        free(procedure->groups[i].items);
        free(procedure->groups[i].text);
    }
    free(procedure->labels);
    free(procedure->groups);
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
