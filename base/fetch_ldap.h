/* The one value that an LDAP search gave, out of the LDIF that libcurl writes. */
#ifndef UKETSUKE_BASE_FETCH_LDAP_H
#define UKETSUKE_BASE_FETCH_LDAP_H

#include <stdbool.h>

#include "base/bytes.h"

#define LDIF_NAME_MOST 256 /* of an attribute */

struct ldif_value { /* {0} to begin; nothing to free */
    enum { LDIF_LINE, LDIF_OTHER, LDIF_VALUE } place;
    char line[LDIF_NAME_MOST]; /* as much of the line as tells what it is */
    size_t line_length;
    char digits[4];
    size_t digit_count;
    bool found;
};

/* Appends what is decoded of the first Base64 value; false: there is a second one, or it is no
 * Base64. */
bool ldif_value_feed(struct ldif_value *value, struct bytes text, struct buffer *ret_data);
/* Whether there was one, whole. */
bool ldif_value_end(const struct ldif_value *value);

#endif
