/* application.xml of child-allowance.certification-claim, version 1, as docs/formats/pittari-1.md
 * has it. */
#ifndef UKETSUKE_SANDBOX_TOWN_FORM_H
#define UKETSUKE_SANDBOX_TOWN_FORM_H

#include "base/bytes.h"
#include "deploy/sandbox/town_people.h"

struct form_order {
    const struct household *household;
    instant applied_at;
    uint64_t dice_seed;   /* for what the household does not say */
    const char *left_out; /* element of the claimant that is missing; NULL */
    const char *prologue; /* stands before the root: a DTD; NULL */
    const char *name;     /* XML text in place of the claimant's name; NULL */
    const char *number;   /* in place of the claimant's 個人番号; NULL */
    const char *extra;    /* XML behind the last element; NULL */
};
void form_write(const struct form_order *order, struct buffer *ret_xml);

#endif
