#include <string.h>

#include "base/log.h"
#include "base/process.h"
#include "base/text.h"
#include "intake/collect_internal.h"

/* Tries to resume that brought not one byte more, in a row. */
#define FRUITLESS_MOST 2
#define RESUMES_MOST   64

const char *outcome_name(enum outcome outcome)
{
    static const char *const names[OUTCOME_COUNT] = {
        [OUTCOME_PROMISED] = "as-promised",         [OUTCOME_MISMATCH] = "download-mismatch",
        [OUTCOME_BROKEN] = "portal-unreachable",    [OUTCOME_PEER] = "portal-error",
        [OUTCOME_TOO_LARGE] = "download-too-large",
    };
    return names[outcome];
}

static bool as_promised(const struct parcel *parcel)
{
    char hash[65];
    sha256_hex(buffer_bytes(&parcel->body), hash);
    return (int64_t)parcel->body.length == parcel->promised_size &&
           !strcmp(hash, parcel->promised_sha256);
}

/* Goes on where the transfer broke, as long as that helps. */
static bool fetch(struct parcel *parcel, struct portal *portal, struct failure *f)
{
    size_t most = (size_t)parcel->promised_size + 1; /* one more: longer than promised shows */
    for (int tries = 0, fruitless = 0; tries < RESUMES_MOST; tries++) {
        size_t before = parcel->body.length;
        *f = (struct failure){0};
        if (portal_get(portal, parcel->item->receipt_number, most, &parcel->body, f))
            return true;
        if (f->kind != FAILURE_NETWORK || process_stopping())
            return false;
        fruitless = parcel->body.length > before ? 0 : fruitless + 1;
        /* nothing at all came: the portal is away, and that is another's business */
        if (parcel->body.length == 0 || fruitless >= FRUITLESS_MOST)
            return false;
    }
    return false;
}

static enum outcome outcome_of(struct parcel *parcel, struct portal *portal, size_t size_most)
{
    struct failure f = {0};
    if (parcel->promised_size > (int64_t)size_most)
        return OUTCOME_TOO_LARGE;
    if (fetch(parcel, portal, &f))
        return as_promised(parcel) ? OUTCOME_PROMISED : OUTCOME_MISMATCH;
    if (f.kind == FAILURE_LIMIT) /* more than promised: what came of it is the evidence */
        return OUTCOME_MISMATCH;
    log_debug("download.failed", log_text("receipt_number", parcel->item->receipt_number),
              log_text("kind", failure_kind_name(f.kind)), log_text("text", f.text));
    parcel->silent = f.kind == FAILURE_NETWORK && parcel->body.length == 0;
    return f.kind == FAILURE_NETWORK ? OUTCOME_BROKEN : OUTCOME_PEER;
}

void parcel_download(struct parcel *parcel, struct portal *portal, size_t size_most)
{
    parcel->outcome = outcome_of(parcel, portal, size_most);
}
