#include "intake/correction.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

static const struct db_statement correction_lock = {
    "correction_lock",
    "SELECT o.application_id, o.version, s.by_application_id IS NOT NULL FROM application a JOIN "
    "application o"
    "  ON o.city_code = a.city_code AND o.channel = a.channel AND o.receipt_number = $3"
    "  AND o.procedure_id = a.procedure_id AND o.application_id <> a.application_id "
    " LEFT JOIN supersession s ON s.city_code = o.city_code AND s.application_id = o.application_id"
    "  AND s.by_application_id = a.application_id AND o.state = 'superseded' "
    "WHERE a.city_code = $1 AND a.application_id = $2::uuid AND a.version = $4"
    "  AND (o.state = 'correction' OR s.by_application_id IS NOT NULL) FOR UPDATE OF a, o"};
static const struct db_statement supersession_insert = {
    "supersession_insert", "INSERT INTO supersession (city_code, application_id, by_application_id)"
                           " VALUES ($1, $2::uuid, $3::uuid)"};
static const struct db_statement correction_same_person = {
    "correction_same_person",
    "SELECT coalesce(mine.atenabango = his.atenabango, his.atenabango IS NULL"
    "  AND e.ca = o.ca AND e.serial = o.serial, false)"
    " FROM examination e JOIN examination o ON o.city_code = e.city_code"
    "  AND o.application_id = $3::uuid"
    " LEFT JOIN identification mine ON mine.city_code = e.city_code"
    "  AND mine.application_id = e.application_id"
    " LEFT JOIN identification his ON his.city_code = o.city_code"
    "  AND his.application_id = o.application_id "
    "WHERE e.city_code = $1 AND e.application_id = $2::uuid"};

static bool same_person(struct db_tx *tx, const struct work_item *item, const char *other,
                        bool *ret_same, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(
            tx, &correction_same_person,
            DB_VALUES(db_text(item->city_code), db_text(item->application_id), db_text(other)),
            &rows, f))
        return false;
    *ret_same = db_row_count(rows) == 1 && db_get_boolean(rows, 0, 0);
    return true;
}

static bool agree(const char *corrects, const char *manifest)
{
    return corrects && manifest && strcmp(corrects, manifest) == 0;
}

bool correction_find(struct db_tx *tx, const struct work_item *item, const char *corrects,
                     const char *manifest, struct correction *ret_correction, struct failure *f)
{
    struct correction correction = {.claimed = corrects || manifest};
    bool sound = agree(corrects, manifest);
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (sound && !db_query(tx, &correction_lock,
                           DB_VALUES(db_text(item->city_code), db_text(item->application_id),
                                     db_text(corrects), db_number(item->version)),
                           &rows, f))
        return false;
    if (sound && db_row_count(rows) == 1) {
        snprintf(correction.receipt_number, sizeof correction.receipt_number, "%s", corrects);
        snprintf(correction.application_id, sizeof correction.application_id, "%s",
                 db_get_text(rows, 0, 0));
        correction.version = (int)db_get_number(rows, 0, 1);
        correction.settled = correction.possible = db_get_boolean(rows, 0, 2);
        if (!correction.settled &&
            !same_person(tx, item, correction.application_id, &correction.possible, f))
            return false;
    }
    *ret_correction = correction;
    return true;
}

bool correction_note(struct db_tx *tx, const struct work_item *item,
                     const struct correction *correction, struct failure *f)
{
    return db_send(tx, &supersession_insert,
                   DB_VALUES(db_text(item->city_code), db_text(correction->application_id),
                             db_text(item->application_id)),
                   1, f);
}

void correction_supersede(const struct correction *correction, const struct work_item *item,
                          struct decision *ret_decision)
{
    *ret_decision = (struct decision){
        .city_code = item->city_code,
        .application_id = correction->application_id,
        .from = STATE_CORRECTION,
        .to = STATE_SUPERSEDED,
        .version = correction->version,
        .actor = "role:routing",
    };
}
