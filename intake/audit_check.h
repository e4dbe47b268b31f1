/* Proves the audit trail (base/audit.h) and keeps when, by whom, and what came out, so that the
 * console can show it. For `uketsuke audit verify` (role operator) and the console. */
#ifndef UKETSUKE_INTAKE_AUDIT_CHECK_H
#define UKETSUKE_INTAKE_AUDIT_CHECK_H

#include <jansson.h>

#include "base/audit.h"

#define AUDIT_FAULTS_KEPT 100 /* of one verification */

struct audit_check { /* free with audit_check_free */
    bool intact;
    struct audit_summary summary;
    int64_t fault_count;
    json_t *faults; /* [{"chain", "position", "what"}…], the first AUDIT_FAULTS_KEPT */
};
/* `report`, `progress`: as of audit_verify; either may be NULL. */
bool audit_check(struct db *db, const struct config *config,
                 void (*report)(const struct audit_fault *fault, void *context),
                 void (*progress)(int64_t entries, void *context), void *context,
                 struct audit_check *ret_check, struct failure *f);
void audit_check_free(struct audit_check *check);
bool audit_check_keep(struct db *db, const struct audit_check *check, const char *by,
                      struct failure *f);

#endif
