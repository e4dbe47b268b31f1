/* Is somebody concerned by an application protected (支援措置, 不開示) today? Asked when it is
 * identified, and again whenever it is about to leave the house: a feed may have brought the
 * protection in between. It reads no resident (schema 0009, protection_find), so roles without
 * that right may ask: identify, routing, operator, console. */
#ifndef UKETSUKE_INTAKE_IDENTIFY_PROTECTION_H
#define UKETSUKE_INTAKE_IDENTIFY_PROTECTION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/db.h"
#include "base/seal.h"
#include "intake/identify/people.h"

/* One application. Concerned are the resident `atenabango`, whoever has a 個人番号 that the form
 * tells, and whoever has the name and the birth date of a person of the form or of the certificate
 * (of whom neither birth date nor 個人番号 is told: the name), wherever they live and whether or
 * not they still do. */
struct protection_question {       /* borrowed; NULL or "" where there is none */
    const char *atenabango;        /* whom it was identified as */
    const json_t *record, *facts;  /* of the form, of the certificate */
    const struct people *people;   /* of the record, if they were read before, … */
    const struct parties *parties; /* … with these of them and of the facts */
    bool numbers_asked; /* of who has a 個人番号 it is known: the number is not asked */
};

/* Any number of applications in one round trip; ret_protected[i] answers questions[i]. A city
 * without residents' feed protects nobody. */
bool protection_check(struct db_tx *tx, const char *city_code, const struct city_key *city_key,
                      const struct protection_question *questions, size_t count,
                      bool *ret_protected, struct failure *f);

/* The same in two: asked without waiting (db_ask), read when it is answered. */
struct protection_asked { /* {0} is fine */
    struct db_rows *rows;
    size_t *whose; /* which question each element of the arrays belongs to */
};
bool protection_ask(struct db_tx *tx, const char *city_code, const struct city_key *city_key,
                    const struct protection_question *questions, size_t count,
                    struct protection_asked *ret_asked, struct failure *f);
/* Sets those that are protected; the others stay as they are. */
void protection_tell(const struct protection_asked *asked, bool *protected_ones);
void protection_asked_free(struct protection_asked *asked);

#endif
