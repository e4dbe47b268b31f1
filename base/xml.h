/* XML from outside, read strictly: UTF-8, no DTD (so no entities beyond the five), no processing
 * instructions, no network, no files, a depth and a size that are bounded. */
#ifndef UKETSUKE_BASE_XML_H
#define UKETSUKE_BASE_XML_H

#include <libxml/tree.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/checks.h"

struct xml_limits {
    size_t size;  /* bytes of the document */
    int depth;    /* elements within elements */
    size_t nodes; /* elements and attributes in all */
};

#define XML_LIMITS_DEFAULT ((struct xml_limits){.size = 16 << 20, .depth = 64, .nodes = 200000})

/* Call once in main, before threads: sets libxml2's global state (no external entity loader, quiet
 * errors). Safe to call again. */
void xml_initialize(void);

/* NULL with a failed check named `name` and one of the reasons xml-too-large, xml-encoding,
 * xml-dtd, xml-instruction, xml-too-deep, xml-too-many-nodes, xml-malformed (with line and column)
 * in `checks`. Comments and CDATA sections do not survive: text stands in one node. The caller
 * frees with xmlFreeDoc. */
xmlDoc *xml_parse(struct bytes document, const struct xml_limits *limits, const char *name,
                  struct checks *checks);

/* Elements, comments aside. Names compare with the namespace; `ns` NULL means no namespace. */
bool xml_is(const xmlNode *node, const char *ns, const char *name);
xmlNode *xml_child(const xmlNode *parent, const char *ns, const char *name); /* first; NULL */
xmlNode *xml_first(const xmlNode *parent); /* first element child */
xmlNode *xml_next(const xmlNode *node);    /* next element sibling */
/* The text of an element that has only text; borrowed from the tree; "" when empty; NULL when it
 * has element children. */
const char *xml_text(const xmlNode *node);
const char *xml_attribute(const xmlNode *node, const char *name); /* borrowed; NULL */

#endif
