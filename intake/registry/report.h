/* Reports about the registry: which feeds came, and whether residents and links fit together.
 * Counts and codes only, nothing personal. */
#ifndef UKETSUKE_INTAKE_REGISTRY_REPORT_H
#define UKETSUKE_INTAKE_REGISTRY_REPORT_H

#include <jansson.h>

#include "base/db.h"
#include "base/failure.h"

/* {"feeds": [{"source", "kind", "import", "at", "as_of", "sequence", "full", "rows", "added",
 *             "changed", "removed"}…], the last of each source and kind;
 *  "waiting": [{"import", "source", "kind", "at", "actor", "state", "before", "removed",
 *               "ended", "lifted", "as_of", "sequence", "full", "approved_by"}…]}.
 * New reference. */
bool registry_status(struct db *db, const char *city_code, json_t **ret_report, struct failure *f);

/* As of now: {"residents", "residents_present", "links", "links_in_force", "serials_in_conflict"
 * (in force for several 宛名番号), "residents_without_link" (present ones),
 * "links_without_resident" (in force), "links_of_leavers" (in force, of who is no resident any
 * more), "renewed_in_force" (in force beside the serial that replaced them), "numbers_twice" (a
 * 個人番号 of several 宛名番号)}, all numbers. New reference. */
bool registry_reconcile(struct db *db, const char *city_code, json_t **ret_report,
                        struct failure *f);

#endif
