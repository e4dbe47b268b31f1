/* Which kinds of applications a town sends, how many, and in which order. */
#ifndef UKETSUKE_SANDBOX_TOWN_PLAN_H
#define UKETSUKE_SANDBOX_TOWN_PLAN_H

#include "deploy/sandbox/town.h"

struct town_plan {
    const struct kind **kinds; /* one an application, shuffled */
    size_t count;
};
bool town_plan_make(const struct town_options *options, struct town_plan *ret_plan,
                    struct failure *f);
void town_plan_free(struct town_plan *plan);

#endif
