/* Values that fit an item of a form, at random: from its description (docs/formats/description.md).
 */
#ifndef UKETSUKE_TESTS_SUPPORT_FORM_VALUES_H
#define UKETSUKE_TESTS_SUPPORT_FORM_VALUES_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/clock.h"

struct random {
    uint64_t state; /* the seed */
};

uint64_t random_below(struct random *random, uint64_t limit); /* limit > 0 */

/* Text that a regular expression of XML Schema takes (literals, classes, groups, quantifiers), of
 * `most` characters at most and, where it leaves that open, `least` at least. */
void pattern_make(struct random *random, const char *pattern, size_t least, size_t most,
                  struct buffer *ret_text);

/* Days around `today`; never later when the item says so. The caller frees. */
char *value_make(struct random *random, const json_t *item, struct day today);

#endif
