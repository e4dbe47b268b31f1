/* Reads the body of POST /routing/v1/receipts. */
#ifndef UKETSUKE_ROUTING_RECEIPTS_PARSE_H
#define UKETSUKE_ROUTING_RECEIPTS_PARSE_H

#include "routing/endpoints.h"

struct receipts { /* free with receipts_free; {0} to begin */
    struct outbox_receipt *list;
    char **problems; /* what list[i].problems borrows */
    size_t count;
};

/* False after replying 400 with the position of the first receipt that is wrong. */
bool receipts_parse(struct http_request *request, const json_t *body,
                    struct receipts *ret_receipts);
void receipts_free(struct receipts *receipts);

#endif
