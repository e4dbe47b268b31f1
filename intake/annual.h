/* 維持管理点検: what a city looks through once a year: how old what it keeps is, who worked
 * with it, and what left the house. Counts, staff and hand-over numbers; nothing about residents.
 * Of a fiscal year (年度, April to March). */
#ifndef UKETSUKE_INTAKE_ANNUAL_H
#define UKETSUKE_INTAKE_ANNUAL_H

#include <jansson.h>

#include "base/db.h"

#define ANNUAL_YEAR_LEAST 2000
#define ANNUAL_YEAR_MOST  2999

/* The fiscal year in which it is April to March: 2026 for 2027-03-31. */
int annual_year(struct day day);

/* As role operator; an entry "audit.annual" of the trail by `actor`. `kind`: acts, persons, prints
 * and files of people with an account of this kind (enum account_kind) only; NULL: of all. New
 * reference; NULL with a failure. An object with
 *
 *   year, from, to (its last day), at, kind
 *   stored        all that is there now, by the fiscal year of application: year, procedure_id,
 *                 applications, readable (package and key are there), forgotten (the key is
 *                 destroyed), open (not at their end)
 *   acts          what people did in the year: action, entries, persons
 *   persons       person, kind (null: no account), entries, applications, sign_ins
 *   reviews       checks that were signed off: report, reviews, last
 *   verification  the last of the trail: at, intact; or null
 *   prints        count, with_numbers, open (not written off)
 *   files         number, asked_at, asked_by, terminal, medium, with_numbers, many, approved_by,
 *                 fetches, disposed_at (null: not written off) */
json_t *annual_report(struct db *db, const char *city_code, int year, const char *kind,
                      const char *actor, struct failure *f);

#endif
