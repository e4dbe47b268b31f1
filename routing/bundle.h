/* All that belongs to one item in one ZIP: item.json, report.json, package.zip. The same content
 * gives the same bytes. */
#ifndef UKETSUKE_ROUTING_BUNDLE_H
#define UKETSUKE_ROUTING_BUNDLE_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/failure.h"

struct bundle {
    struct bytes item, report, package;
};
bool bundle_write(const struct bundle *bundle, struct buffer *ret_zip, struct failure *f);

#endif
