/* Canonical XML without comments, inclusive 1.0 or exclusive 1.0: the two that are allowed. */
#ifndef UKETSUKE_SIGNATURE_CANONICAL_H
#define UKETSUKE_SIGNATURE_CANONICAL_H

#include <libxml/tree.h>
#include <stdbool.h>

#include "base/bytes.h"

#define CANONICAL_PREFIXES_MAX 16
#define CANONICAL_DEPTH_MAX    256 /* libxml2's own bound, too */

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

/* Takes the next piece of the form; borrowed for the call. */
typedef void canonical_sink(void *to, struct bytes piece);

/* Of the whole document, or of `apex` and what is below it, in the context of its document: what
 * it inherits (namespaces, xml: attributes) counts. For trees of elements and texts, as xml_parse
 * gives them (comments are passed over). False when there is no one canonical form: the document
 * has a namespace name that is relative or holds an '&', another kind of node, or more than
 * CANONICAL_DEPTH_MAX elements within each other; what the sink has got by then counts for nothing.
 */
bool canonical_document(const xmlDoc *document, const struct canonical_method *method,
                        canonical_sink *sink, void *to);
bool canonical_element(const xmlNode *apex, const struct canonical_method *method,
                       canonical_sink *sink, void *to);
void canonical_append(void *buffer, struct bytes piece); /* the sink that is a struct buffer */

/* Exclusive C14N leaves out namespaces that no name uses: somebody may have changed those since.
 * Takes them out of the tree, so that no reader can resolve a prefix in content (xsi:type) by
 * what was not signed. */
void canonical_forget_unused_namespaces(xmlDoc *document);

#endif
