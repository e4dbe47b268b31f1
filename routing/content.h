/* Items with their content, for answers that hold many: what a batch and a claim share. */
#ifndef UKETSUKE_ROUTING_CONTENT_H
#define UKETSUKE_ROUTING_CONTENT_H

#include "routing/endpoints.h"

#define CONTENT_BYTES (8 << 20) /* no further item is added beyond this; one always goes */

struct content {
    const struct routing_context *context;
    const struct routing_caller *caller;
    struct buffer body; /* {"items":[{"id","sha256","receipt_number","procedure_id","item"},… */
    size_t count, bytes;
    struct {
        int64_t id;
        char application_id[37];
    } entries[ROUTING_BATCH_MOST];
};

/* Begins it, also anew: where a transaction is run again. */
void content_clear(struct content *content);
void content_free(struct content *content); /* overwrites: items are personal */
/* Adds the items of these ids (at most ROUTING_BATCH_MOST) that wait and may leave, in their order,
 * until they are too large together; *ret_seen is the last id that was looked at (0: none). One
 * that does not open is left out and logged: it must not keep back the others. */
bool content_add(struct content *content, struct db_tx *tx, const int64_t *ids, size_t count,
                 int64_t *ret_seen, struct failure *f);
/* Answers 200 with {"items": […], …}: `stolen` are the other members. Once; it is empty then. */
enum http_flow content_reply(struct http_request *request, struct content *content, json_t *stolen);
/* "items.delivered" (routing/trail.h); append last in the transaction. */
bool content_audit(struct content *content, struct db_tx *tx, struct failure *f);

#endif
