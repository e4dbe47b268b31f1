/* The scopes of the pull API: `業務ID:resource:operation`, one for each endpoint. */
#ifndef UKETSUKE_ROUTING_SCOPE_H
#define UKETSUKE_ROUTING_SCOPE_H

#include <stdbool.h>
#include <stddef.h>

enum routing_scope {
    SCOPE_ITEMS_READ,
    SCOPE_CONTENT_READ,
    SCOPE_PACKAGES_READ,
    SCOPE_BUNDLES_READ,
    SCOPE_BATCHES_READ,
    SCOPE_CLAIMS_CREATE,
    SCOPE_CLAIMS_UPDATE,
    SCOPE_CLAIMS_DELETE,
    SCOPE_RECEIPTS_CREATE,
    SCOPE_OUTCOMES_CREATE,
    SCOPE_REDELIVERIES_CREATE,
    SCOPE_TOKENS_READ,
    SCOPE_COUNT,
};
typedef unsigned routing_scopes; /* a set: bit 1 << scope */

#define SCOPES_ALL  ((1u << SCOPE_COUNT) - 1)
#define SCOPES_TEXT 1024 /* room for all of them as text, NUL included */

/* "029:items/v1:Read …" for the set, under the 業務ID. Returns text. */
const char *scopes_text(routing_scopes scopes, const char *business_id, char text[SCOPES_TEXT]);
/* Words separated by single spaces; false when one is none of ours. "" is the empty set. */
bool scopes_parse(const char *text, const char *business_id, routing_scopes *ret_scopes);
/* The same of a text that may hold others', too: they are passed over. */
routing_scopes scopes_known(const char *text, const char *business_id);

#endif
