/* Applications of other procedures than TOWN_PROCEDURE: the good examples of the procedures, with
 * the town's residents as claimants and days as near as the example's. */
#ifndef UKETSUKE_SANDBOX_TOWN_OTHERS_H
#define UKETSUKE_SANDBOX_TOWN_OTHERS_H

#include "deploy/sandbox/town.h"

struct other_form {
    const char *procedure_id; /* static */
    char *text;               /* examples/good.xml */
    struct day day;           /* that it was written for */
};

struct town_others {
    struct other_form *forms;
    size_t count;
    int percent; /* of the good applications */
};

/* `folder`: of the procedures. Nothing is read when percent is 0. */
bool town_others_read(const char *folder, int64_t percent, struct town_others *ret_others,
                      struct failure *f);
void town_others_free(struct town_others *others);
/* Makes `draft` one of them, or leaves it as it is. After the kind's prepare. */
void town_others_apply(const struct town_others *others, struct draft *draft);
/* Writes application.xml, when it is one of them. */
bool town_others_write(const struct draft *draft, struct buffer *ret_xml);

#endif
