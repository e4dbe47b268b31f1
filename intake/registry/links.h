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
