/* Identifying many applications at once: what the core needs is fetched for all of them in a few
 * round trips. The worker (role.h) and the bench of accuracy call it. */
#ifndef UKETSUKE_INTAKE_IDENTIFY_BATCH_H
#define UKETSUKE_INTAKE_IDENTIFY_BATCH_H

#include "base/clock.h"
#include "base/db.h"
#include "base/seal.h"
#include "intake/identify/identify.h"
#include "intake/identify/protection.h"
#include "intake/registry/links.h"
#include "intake/registry/residents.h"

/* Residents that one key may bring; more of one name, birthday or house are not looked at. */
#define RESIDENTS_PER_KEY 100
/* Residents born on one day who may be another than the one decided; so many are too many. */
#define RESIDENTS_BESIDE 1000

struct subject {                  /* one application */
    const char *ca, *serial;      /* "" without a signature */
    const json_t *facts, *record; /* NULL where there is none */
    bool by_agent, waited, links_old, links_only;
    instant applied_at;
    /* made by subjects_identify: */
    bool protection, crowded;
    struct people people;
    struct parties parties;
    const char *links[REGISTRY_LINKS_MOST];
    struct comparison comparison; /* if there is one link */
    struct resident *residents;
    size_t resident_count, resident_room;
    struct identification_input input; /* what `found` was decided on */
    struct identification found;
};

struct fetch { /* residents, and whose they are */
    struct resident_set set;
    struct subject **whose; /* of each question */
    size_t count;
};
struct fetched { /* what subjects borrow from; {0} is fine */
    struct registry_lookup *lookups;
    struct protection_asked protection;
    struct resident_set linked;
    struct fetch numbered, households, around, beside;
};

/* Call registry_hold before, or an import may come between. Free subjects, then `fetched`. */
bool subjects_identify(struct db_tx *tx, const char *city_code, const struct city_key *city_key,
                       struct subject *subjects, size_t count, struct fetched *ret_fetched,
                       struct failure *f);
void subjects_clear(struct subject *subjects, size_t count);
void fetched_free(struct fetched *fetched);

#endif
