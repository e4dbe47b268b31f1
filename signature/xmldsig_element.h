/* Reading the elements of a signature so strictly that nothing in them goes unseen. */
#ifndef UKETSUKE_SIGNATURE_XMLDSIG_ELEMENT_H
#define UKETSUKE_SIGNATURE_XMLDSIG_ELEMENT_H

#include <libxml/tree.h>
#include <stdbool.h>
#include <stddef.h>

#define XMLDSIG_NS "http://www.w3.org/2000/09/xmldsig#"

/* The element children, in order; false when there are more than `most`, or anything else stands
 * between them than white space. */
bool element_children(const xmlNode *element, xmlNode **ret_children, size_t most,
                      size_t *ret_count);
/* No children at all, white space aside. */
bool element_is_empty(const xmlNode *element);
/* It has no attributes but the named ones (NULL-terminated list), and none in a namespace. */
bool element_attributes(const xmlNode *element, ...) __attribute__((sentinel));

#endif
