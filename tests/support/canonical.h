/* libxml2's canonical forms: the reference that ours (signature/canonical.h) is held against. */
#ifndef UKETSUKE_TESTS_SUPPORT_CANONICAL_H
#define UKETSUKE_TESTS_SUPPORT_CANONICAL_H

#include "signature/canonical.h"

/* Of the document, or of `apex` and what is below it. False when libxml2 finds none. */
bool canonical_by_libxml2(xmlDoc *document, xmlNode *apex, const struct canonical_method *method,
                          struct buffer *ret_bytes);

/* Whether ours is the same, byte for byte, or neither exists (and none of ours where a
 * namespace name has an '&', which libxml2 does not write as it has to be): of the whole document
 * and of each of the first `apexes` elements. */
bool canonical_agrees(xmlDoc *document, const struct canonical_method *method, size_t apexes);

/* Exclusive with this PrefixList, words in a row with single spaces between; {0} is inclusive. Free
 * with canonical_method_free. */
struct canonical_method canonical_exclusive(const char *prefixes);

#endif
