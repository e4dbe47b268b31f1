/* 授受簿 of backups: what was taken out, on which registered medium, why, by whom, approved by
 * whom, until when, and who keeps the key that opens it (schema 0048). The database refuses one
 * person for two, media that are not registered, and to rewrite what stands there. Each step is an
 * entry of the trail of the role administrator: backup.asked, backup.approved, backup.ended. */
#ifndef UKETSUKE_INTAKE_BACKUP_H
#define UKETSUKE_INTAKE_BACKUP_H

#include <jansson.h>

#include "intake/console/change.h"

struct backup_order { /* borrowed */
    const char *medium;
    const char *contents;   /* which backup, of when; 1 to 100 characters */
    const char *purpose;    /* 1 to 500 */
    const char *key_holder; /* 1 to 100 */
    struct day due;         /* the day by which it is back, or destroyed: not before today */
};
enum backup_answer {
    BACKUP_DONE,
    BACKUP_NO_MEDIUM, /* not registered, or out already */
    BACKUP_BAD_ORDER, /* a text is too short or too long, or the day is past */
    BACKUP_UNKNOWN,   /* nothing of that number waits, or is out */
    BACKUP_OWN,       /* another person has to approve */
};
bool backup_ask(struct db_tx *tx, const struct administrator *who, const struct backup_order *order,
                int64_t *ret_number, enum backup_answer *ret_answer, struct failure *f);
bool backup_approve(struct db_tx *tx, const struct administrator *who, int64_t number,
                    enum backup_answer *ret_answer, struct failure *f);
/* It is back, or gone, or was never taken out: `how`, 1 to 100 characters. */
bool backup_end(struct db_tx *tx, const struct administrator *who, int64_t number, const char *how,
                enum backup_answer *ret_answer, struct failure *f);

/* [{"number", "medium", "contents", "purpose", "key_holder", "due", "asked_by", "asked_at",
 *   "approved_by", "approved_at", "ended_by", "ended_at", "how", "state"}…], the latest first, at
 * most BACKUPS_MOST; state is "waiting", "out", "overdue" (its day is past) or "ended".
 * `open`: those that did not end. */
#define BACKUPS_MOST 1000
bool backup_list(struct db_tx *tx, const char *city_code, struct day today, bool open,
                 json_t **ret_list, struct failure *f);

#endif
