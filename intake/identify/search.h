/* Looking a person up by hand: never without an application that waits for its applicant, a reason,
 * and at least two of name, address and birth date; never more than a capped number of residents;
 * and each search is an entry in the audit trail (action "registry.search"). */
#ifndef UKETSUKE_INTAKE_IDENTIFY_SEARCH_H
#define UKETSUKE_INTAKE_IDENTIFY_SEARCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/db.h"
#include "intake/identify/identify.h"
#include "intake/registry/residents.h"

#define SEARCH_MOST        20  /* residents that a search shows */
#define SEARCH_NAME_LEAST  2   /* folded characters: a name of one is a way to browse */
#define SEARCH_REASON_MOST 200 /* characters */

struct search {
    const char *city_code, *receipt_number;
    const char *name, *birth_date, *address; /* NULL or "": not asked by; YYYY-MM-DD */
    const char *reason;                      /* of the search; into the audit trail */
    const char *actor, *terminal;            /* for the audit trail; terminal may be NULL */
    const char *chain;                       /* of the database role that searches */
    bool protected_too;                      /* who asks may know where protected residents live */
};

/* Residents whom every fact that is asked by fits: it agrees, or is taken for the other (斎, 斉),
 * or only the building differs. Of who is protected, the address is left out; nor does it tell
 * anything, unless `protected_too`, when it is asked by: name and birth date must fit, or else a
 * guess would be confirmed. */
struct search_answer {
    struct candidate at[SEARCH_MOST]; /* best first */
    size_t count;
    size_t left_out; /* fitted, too: ask more narrowly */
    struct resident *residents;
    struct resident_set set;
};
void search_answer_free(struct search_answer *answer); /* {0} is fine */

/* The rule alone: FAILURE_USAGE says what is missing. */
bool search_allowed(const struct search *search, struct failure *f);
/* Also FAILURE_USAGE: no such application, or it does not wait for its applicant. The entry in the
 * audit trail stands in the same transaction; its detail says by which facts, and how many. */
bool search_run(struct db_tx *tx, const struct search *search, struct search_answer *ret_answer,
                struct failure *f);

#endif
