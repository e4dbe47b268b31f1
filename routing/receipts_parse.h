/* Reads the body of POST /routing/v1/receipts. */
#ifndef UKETSUKE_ROUTING_RECEIPTS_PARSE_H
#define UKETSUKE_ROUTING_RECEIPTS_PARSE_H

#include "routing/body.h"
#include "routing/outbox.h"

#define RECEIPTS_MOST 500 /* of one request */

struct receipts { /* free with receipts_free; {0} to begin */
    struct outbox_receipt *list;
    char **problems; /* what list[i].problems borrows */
    size_t count;
};

/* False with a fault that begins with the position of the first receipt that is wrong. */
bool receipts_parse(const json_t *body, struct receipts *ret_receipts, struct body_fault *fault);
void receipts_free(struct receipts *receipts);

#endif
