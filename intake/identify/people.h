/* The people that a form names: the claimant first, then every other object of the record that has
 * a name (spouse, children), however deep it stands. */
#ifndef UKETSUKE_INTAKE_IDENTIFY_PEOPLE_H
#define UKETSUKE_INTAKE_IDENTIFY_PEOPLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/seal.h"
#include "intake/identify/match.h"

#define PEOPLE_MOST  60 /* a claimant, a spouse, their children, a household */
#define PEOPLE_DEPTH 6  /* of objects in one another */

struct person {
    const char *role;     /* key of the record: "claimant", "spouse", "children"; borrowed */
    size_t index;         /* among those of its list, from 0 */
    const json_t *object; /* in the record; NULL: no claimant stands there */
    struct facts facts;
    bool has_number;
    uint8_t number_hash[NUMBER_HASH_BYTES]; /* where facts.number_hash points */
};
struct people {
    struct person at[PEOPLE_MOST]; /* at[0] is the claimant, without facts if there is none */
    size_t count;
    bool more; /* than can be looked at: no machine may decide about them */
};
/* Borrows from record, which may be NULL. `city_key` NULL: numbers are not looked at. */
void people_read(const json_t *record, const struct city_key *city_key, struct people *ret_people);

/* The certificate's facts and those of the people, to compare with others. */
struct parties {
    struct known *certificate; /* tells nothing where nothing is signed */
    struct known *people[PEOPLE_MOST];
    size_t count;
};
/* `facts` of the certificate; NULL: there are none. Borrows from both. */
void parties_make(const json_t *facts, const struct people *people, struct parties *ret_parties);
void parties_free(struct parties *parties); /* {0} is fine */

#endif
