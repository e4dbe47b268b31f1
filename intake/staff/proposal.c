#include "intake/staff/proposal.h"

#include "base/cleanup.h"
#include "routing/message.h"

#define PURPOSE "proposal"

static const struct db_statement proposal_reason_put = {
    "proposal_reason_put", "INSERT INTO proposal_reason (city_code, application_id, version,"
                           " reason, sealed) VALUES ($1, $2::uuid, $3, $4, $5)"};

bool proposal_reason_keep(struct db_tx *tx, const struct staff_act *act, int version,
                          struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer sealed = {0};
    if (act->words && !words_seal(tx, act->city_key, act->city_code, act->application_id, PURPOSE,
                                  act->words, &sealed, f))
        return false;
    return db_execute(tx, &proposal_reason_put,
                      DB_VALUES(db_text(act->city_code), db_text(act->application_id),
                                db_number(version), db_text(act->reason),
                                act->words ? db_bytes(buffer_bytes(&sealed)) : db_null()),
                      NULL, f);
}

bool proposal_reason_read(const struct db_rows *rows, size_t row, int first,
                          const struct city_key *city_key, const char *city_code,
                          const char *application_id, json_t *json, struct failure *f)
{
    const char *reason = db_get_text(rows, row, first);
    bool said = !db_is_null(rows, row, first + 1) && !db_is_null(rows, row, first + 2);
    _cleanup_(cleanup_secret_buffer) struct buffer words = {0};
    if (said && !words_unseal(city_key, city_code, application_id, PURPOSE,
                              db_get_bytes(rows, row, first + 2),
                              db_get_bytes(rows, row, first + 1), &words, f))
        return false;
    json_object_set_new(json, "said", reason ? json_string(reason) : json_null());
    json_object_set_new(json, "words", said ? json_string(buffer_text(&words)) : json_null());
    return true;
}
