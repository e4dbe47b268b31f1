/* What is looked at in an XML document before libxml2 may see it. The bytes are valid UTF-8. */
#ifndef UKETSUKE_BASE_XML_SCAN_H
#define UKETSUKE_BASE_XML_SCAN_H

#include <stdbool.h>

#include "base/bytes.h"

/* libxml2 compares each attribute of an element with every other: the count has to be known before
 * it begins. */
#define XML_ATTRIBUTES_MAX 256

/* The XML declaration names UTF-8, or no encoding. */
bool xml_scan_declares_utf8(struct bytes document);

/* No start tag holds more than XML_ATTRIBUTES_MAX attributes (namespaces count). Follows the tags
 * exactly as far as the document is well-formed, which is as far as the parser goes. */
bool xml_scan_tags_bounded(struct bytes document);

#endif
