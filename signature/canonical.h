/* Canonical XML without comments, inclusive 1.0 or exclusive 1.0: the two that are allowed. */
#ifndef UKETSUKE_SIGNATURE_CANONICAL_H
#define UKETSUKE_SIGNATURE_CANONICAL_H

#include <libxml/tree.h>
#include <stdbool.h>

#include "base/bytes.h"

#define CANONICAL_PREFIXES_MAX 16

struct canonical_method {
    bool exclusive;
    /* InclusiveNamespaces/@PrefixList of the exclusive form; NULL-terminated, borrowed from `list`
     */
    xmlChar *prefixes[CANONICAL_PREFIXES_MAX + 1];
    char *list; /* owned */
};

/* From a CanonicalizationMethod or Transform element: its Algorithm and, for the exclusive form, an
 * InclusiveNamespaces child. False for anything else. Free with canonical_method_free. */
bool canonical_method_read(const xmlNode *element, struct canonical_method *ret_method);
void canonical_method_free(struct canonical_method *method);

/* Of the whole document, or of `apex` and what is below it, in the context of its document: what
 * it inherits (namespaces, xml: attributes) counts. Appends; false when it has no canonical form
 * (relative namespace names). */
bool canonical_document(xmlDoc *document, const struct canonical_method *method,
                        struct buffer *ret_bytes);
bool canonical_element(xmlNode *apex, const struct canonical_method *method,
                       struct buffer *ret_bytes);

/* Exclusive C14N leaves out namespaces that no name uses: somebody may have changed those since.
 * Takes them out of the tree, so that no reader can resolve a prefix in content (xsi:type) by
 * what was not signed. */
void canonical_forget_unused_namespaces(xmlDoc *document);

#endif
