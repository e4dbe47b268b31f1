/* Serial links (番号紐付情報): (CA, serial number) to 宛名番号. residents_linked looks them up. */
#ifndef UKETSUKE_INTAKE_REGISTRY_LINKS_H
#define UKETSUKE_INTAKE_REGISTRY_LINKS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/failure.h"
#include "intake/registry/resident.h"

/* Until the transaction ends no import changes the links: what it finds unknown is woken by the
 * next import, and never falls between the two. Call before residents_linked. FAILURE_USAGE: the
 * keys of residents are of another folding (registry_folding_check). */
bool registry_hold(struct db_tx *tx, const char *city_code, struct failure *f);

/* How old the links are: the moment that the newest feed of links speaks for; of several sources,
 * that of the one that is behind. 0: no feed came. */
bool registry_links_as_of(struct db_tx *tx, const char *city_code, instant *ret_as_of,
                          struct failure *f);
extern const struct db_statement registry_links_as_of_find; /* $1 city: one row, NULL for 0 */

#define REGISTRY_LINKS_MOST 2 /* more than one is too many already */

struct registry_lookup {
    const char *ca, *serial; /* borrowed */
    instant at;
    /* out: the distinct 宛名番号 linked to (ca, serial) in force at `at`; of more than two, the
     * first and the last */
    char atenabango[REGISTRY_LINKS_MOST][ATENABANGO_TEXT];
    size_t count;
};

#endif
