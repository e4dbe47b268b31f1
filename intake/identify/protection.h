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
struct protection_question {      /* borrowed; NULL or "" where there is none */
    const char *atenabango;       /* whom it was identified as */
    const json_t *record, *facts; /* of the form, of the certificate */
    const struct people *people;  /* of the record, if they were read before */
    bool numbers_asked; /* of who has a 個人番号 it is known: the number is not asked */
};

/* Any number of applications in one round trip; ret_protected[i] answers questions[i]. A city
 * without residents' feed protects nobody. */
bool protection_check(struct db_tx *tx, const char *city_code, const struct city_key *city_key,
                      const struct protection_question *questions, size_t count,
                      bool *ret_protected, struct failure *f);

#endif
