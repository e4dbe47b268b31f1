/* Any bytes as XML: what is taken is a tree of elements and single texts, and its canonical form
 * reads back as the same. */
#include <libxml/c14n.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xml.h"
#include "tests/fuzz/fuzz.h"

static const struct xml_limits limits = {.size = 1 << 20, .depth = 32, .nodes = 1000};

static xmlDoc *parse(struct bytes document)
{
    struct checks *checks = checks_new();
    xmlDoc *tree = xml_parse(document, &limits, "fuzz.xml", checks);
    if (!tree == !checks_reason(checks))
        abort();
    checks_free(checks);
    return tree;
}

static void check_node(const xmlNode *node, int depth)
{
    if (depth > limits.depth)
        abort();
    for (const xmlNode *child = node->children; child; child = child->next) {
        bool text = child->type == XML_TEXT_NODE;
        if (!text && child->type != XML_ELEMENT_NODE)
            abort();
        if (text && child->next && child->next->type == XML_TEXT_NODE)
            abort();
        if (!text)
            check_node(child, depth + 1);
    }
}

static struct bytes canonical_of(xmlDoc *tree)
{
    xmlChar *bytes = NULL;
    int length = xmlC14NDocDumpMemory(tree, NULL, XML_C14N_1_0, NULL, 0, &bytes);
    return bytes_of(bytes, length > 0 ? (size_t)length : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(cleanup_xml_doc) xmlDoc *tree = parse(bytes_of(data, size));
    if (!tree)
        return 0;
    check_node(xmlDocGetRootElement(tree), 1);
    struct bytes canonical = canonical_of(tree);
    if (canonical.length == 0) /* a relative namespace has no canonical form */
        return 0;
    _cleanup_(cleanup_xml_doc) xmlDoc *again =
        canonical.length <= limits.size ? parse(canonical) : NULL;
    if (again) {
        struct bytes twice = canonical_of(again);
        if (!bytes_equal(canonical, twice))
            abort();
        xmlFree((void *)twice.data);
    }
    xmlFree((void *)canonical.data);
    return 0;
}
