/* What `routing export` and `routing reconcile` share: of which destination, from which day to
 * which day, and what we handed over. */
#ifndef UKETSUKE_INTAKE_COMMANDS_ROUTING_PERIOD_H
#define UKETSUKE_INTAKE_COMMANDS_ROUTING_PERIOD_H

#include "base/config.h"
#include "routing/reconcile.h"

struct routing_period {
    const char *destination;
    struct day from, to; /* both days belong to it */
    const char *out;     /* --out; NULL */
    const char *file;    /* the word that is no option; NULL */
};
/* NULL, or what is wrong with the words. */
const char *routing_period_read(int argc, char **argv, struct routing_period *ret_period);
/* As role operator. `named`: see routing/handed_over.h. */
bool routing_period_look(const struct config *config, const struct routing_period *period,
                         const struct reconcile_list *named, struct reconcile_list *ret_list,
                         struct failure *f);

#endif
