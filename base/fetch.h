/* Downloads as a stream, for what is large and carries its own signature (revocation lists): pieces
 * go to a sink as they come. URLs of http, https, ldap and ldaps; plain ones too, for who reads
 * along learns nothing and who changes anything is found out by the signature. TLS 1.2 or newer
 * with the CA that is given and no other; no redirects, no proxies, no user names. A stop of the
 * process ends it. */
#ifndef UKETSUKE_BASE_FETCH_H
#define UKETSUKE_BASE_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/failure.h"

struct fetch {
    const char *url;     /* ldap: RFC 4516, "ldap://host/DN?attribute;binary", of one entry */
    const char *ca_file; /* PEM; needed for https and ldaps */
    instant patience;    /* for all of it */
    uint64_t most;       /* bytes: of more, FAILURE_LIMIT */
};

/* Takes a piece (borrowed); false with a failure ends the download. */
typedef bool fetch_sink(void *context, struct bytes piece, struct failure *f);

/* Whether `source` is a URL that can be fetched. */
bool fetch_knows(const char *source);
/* Of LDAP the value of the one attribute, which libldap holds whole on its way. FAILURE_NETWORK:
 * not reached, or broken off; FAILURE_PEER: answered, but not with what was asked for. */
bool fetch_url(const struct fetch *fetch, fetch_sink *sink, void *context, struct failure *f);

#endif
