/* Reads the body of POST /routing/v1/outcomes. */
#ifndef UKETSUKE_ROUTING_OUTCOMES_PARSE_H
#define UKETSUKE_ROUTING_OUTCOMES_PARSE_H

#include "routing/body.h"
#include "routing/outcome.h"

#define OUTCOMES_MOST         100  /* of one request */
#define OUTCOMES_MESSAGE_MOST 2000 /* characters for the resident */

struct outcomes { /* free with outcomes_free; {0} to begin */
    struct outcome *list;
    char **contents; /* what list[i].content borrows; messages are borrowed from the body */
    size_t count;
};

/* False with a fault that begins with the position of the first outcome that is wrong. */
bool outcomes_parse(const json_t *body, struct outcomes *ret_outcomes, struct body_fault *fault);
void outcomes_free(struct outcomes *outcomes);

#endif
