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

/* As role operator; an entry "audit.annual" of the trail by `actor`. New reference; NULL with a
 * failure.
 * {"year","from","to" (its last day),"at",
 *  "stored": [{"year","procedure_id","applications","readable","forgotten","open"}…]: all that is
 * there, by the fiscal year of application: with a package that can be read, or whose key is
 * destroyed; not at their end, "acts": [{"action","entries","persons"}…], "persons":
 * [{"person","kind" (null: no account),"entries", "applications","sign_ins"}…]: entries of the
 * trail that people made in that year, "reviews": [{"report","reviews","last"}…], "verification":
 * {"at","intact"} or null: the last, "prints": {"count","with_numbers","open"}, "files":
 * [{"number","asked_at","asked_by","terminal",
 *      "medium","with_numbers","many","approved_by","fetches","disposed_at"}…]: of that year; open:
 * not written off} */
json_t *annual_report(struct db *db, const char *city_code, int year, const char *actor,
                      struct failure *f);

#endif
