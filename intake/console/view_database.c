/* What else is stored about an application: who it may be, what people decided, what happened. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "intake/console/endpoints.h"
#include "intake/console/view.h"
#include "intake/identify/identify.h"
#include "intake/registry/residents.h"
#include "routing/message.h"

#define RESIDENTS_MOST (CANDIDATES_MOST + PEOPLE_MOST + 1)

static const struct db_statement view_proposal_find = {
    "view_proposal", "SELECT atenabango, proposed_by, proposed_at FROM identification_proposal"
                     " WHERE city_code = $1 AND application_id = $2::uuid"};
static const struct db_statement view_review_find = {
    "view_review", "SELECT r.demands, r.persons, a.approved_by, a.approved_at FROM review r"
                   " LEFT JOIN approval a USING (city_code, application_id, sha256) "
                   "WHERE r.city_code = $1 AND r.application_id = $2::uuid ORDER BY a.approved_at"};
static const struct db_statement view_messages_find = {
    "view_messages", "SELECT message_id, written_at, written_by, status FROM resident_message"
                     " WHERE city_code = $1 AND application_id = $2::uuid ORDER BY message_id"};
static const struct db_statement view_hold_find = {
    "view_hold", "SELECT until, held_by FROM staff_hold WHERE city_code = $1"
                 " AND application_id = $2::uuid AND until > $3"};
/* What it was corrected from and by, as far as that goes. */
static const struct db_statement view_versions_find = {
    "view_versions",
    "WITH RECURSIVE before AS (SELECT s.application_id, 1 AS step FROM supersession s"
    "  WHERE s.city_code = $1 AND s.by_application_id = $2::uuid"
    " UNION ALL SELECT s.application_id, b.step + 1 FROM supersession s JOIN before b"
    "  ON s.by_application_id = b.application_id WHERE s.city_code = $1 AND b.step < 20),"
    " after AS (SELECT s.by_application_id, 1 AS step FROM supersession s"
    "  WHERE s.city_code = $1 AND s.application_id = $2::uuid"
    " UNION ALL SELECT s.by_application_id, b.step + 1 FROM supersession s JOIN after b"
    "  ON s.application_id = b.by_application_id WHERE s.city_code = $1 AND b.step < 20) "
    "SELECT a.receipt_number, a.applied_at, a.state, found.step FROM"
    " (SELECT application_id, -step AS step FROM before"
    "  UNION ALL SELECT by_application_id, step FROM after) AS found"
    " JOIN application a ON a.city_code = $1 AND a.application_id = found.application_id "
    "ORDER BY found.step"};
static const struct db_statement view_history_find = {
    "view_history", "SELECT version, at, from_state, to_state, reason, actor FROM application_event"
                    " WHERE city_code = $1 AND application_id = $2::uuid ORDER BY version"};

static bool rows_of(struct db_tx *tx, const struct db_statement *statement,
                    const struct subject *subject, struct db_rows **ret_rows, struct failure *f)
{
    return db_query(
        tx, statement,
        DB_VALUES(db_text(subject->item.city_code), db_text(subject->item.application_id)),
        ret_rows, f);
}

/* --- residents ----------------------------------------------------------------------------------
 */

json_t *resident_view(const struct resident *r, bool all)
{
    char birth[16], sex[2] = {r->sex, '\0'};
    if (r->is_protected && !all)
        return json_pack("{s:s, s:s, s:b}", "atenabango", "", "status", "", "protected", true);
    snprintf(birth, sizeof birth, "%04d-%02d-%02d", r->birth_date.year, r->birth_date.month,
             r->birth_date.day);
    _cleanup_(cleanup_text) char *address =
        text_format("%s%s%s%s", r->prefecture, r->municipality, r->town, r->lot);
    return json_pack("{s:s, s:s, s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "atenabango",
                     r->atenabango, "status", resident_status_word(r->status), "protected",
                     r->is_protected, "name", r->name, "kana", r->kana, "birth_date", birth, "sex",
                     sex, "address", address, "building", r->building, "common_name",
                     r->common_name, "former_surname", r->former_surname);
}

/* The places of a decision where a resident stands, with what stands around each. */
static size_t places_of(json_t *decision, json_t *ret_places[RESIDENTS_MOST])
{
    static const char *const lists[] = {"people", "candidates"};
    size_t count = 0;
    for (size_t l = 0; l < 2; l++) {
        json_t *list = json_object_get(decision, lists[l]);
        for (size_t i = 0; i < json_array_size(list) && count < RESIDENTS_MOST - 1; i++)
            ret_places[count++] = json_array_get(list, i);
    }
    return count;
}

/* Puts what the registry tells today in place of the bare number; who is not there any more, or was
 * protected when it was decided, is told by no name. */
static void place_fill(json_t *place, const char *key, const struct resident *resident, bool all)
{
    json_t *stood = json_object_get(place, key);
    struct resident now;
    if (!json_is_object(stood))
        return;
    bool was_protected = json_is_true(json_object_get(stood, "protected"));
    if (resident) {
        now = *resident;
        now.is_protected |= was_protected;
        json_object_set_new(place, key, resident_view(&now, all));
    } else if (was_protected && !all) {
        now = (struct resident){.is_protected = true};
        json_object_set_new(place, key, resident_view(&now, false));
    }
}

static const char *number_at(const json_t *place, const char *key)
{
    const char *number =
        json_string_value(json_object_get(json_object_get(place, key), "atenabango"));
    return number ? number : "";
}

static const struct resident *answer_of(const struct resident_set *set, size_t question)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->answers[i].question == question)
            return &set->answers[i].resident;
    return NULL;
}

static bool decision_fill(struct db_tx *tx, const struct subject_call *call, json_t *decision,
                          struct failure *f)
{
    json_t *places[RESIDENTS_MOST];
    struct resident_wanted wanted[RESIDENTS_MOST];
    _cleanup_(cleanup_resident_set) struct resident_set set = {0};
    size_t count = places_of(decision, places);
    bool all = subject_may(call, RIGHT_PROTECTED);
    for (size_t i = 0; i < count; i++)
        wanted[i] = (struct resident_wanted){number_at(places[i], "resident"), clock_now()};
    wanted[count] = (struct resident_wanted){number_at(decision, "linked"), clock_now()};
    if (!residents_fetch(tx, call->subject.item.city_code, wanted, count + 1, &set, f))
        return false;
    for (size_t i = 0; i < count; i++)
        place_fill(places[i], "resident", answer_of(&set, i), all);
    place_fill(decision, "linked", answer_of(&set, count), all);
    return true;
}

bool view_decision(struct db_tx *tx, const struct subject_call *call, json_t **ret_decision,
                   struct failure *f)
{
    _cleanup_(cleanup_json) json_t *decision = NULL;
    if (!application_open_decision(tx, call->context->role->city_key, &call->subject.item,
                                   &decision, f) ||
        (decision && !decision_fill(tx, call, decision, f)))
        return false;
    *ret_decision = decision ? TAKE(decision) : json_null();
    return true;
}

/* --- what people decided ------------------------------------------------------------------------
 */

bool view_proposal(struct db_tx *tx, const struct subject *subject, json_t **ret_proposal,
                   struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!rows_of(tx, &view_proposal_find, subject, &rows, f))
        return false;
    *ret_proposal =
        db_row_count(rows) == 0
            ? json_null()
            : json_pack("{s:s, s:s, s:o}", "atenabango", db_get_text(rows, 0, 0), "by",
                        db_get_text(rows, 0, 1), "at", console_time(db_get_instant(rows, 0, 2)));
    return true;
}

static json_t *words_json(const char *text)
{
    json_t *words = json_array();
    while (*text) {
        size_t length = strcspn(text, " ");
        if (length)
            json_array_append_new(words, json_stringn(text, length));
        text += length + (text[length] == ' ');
    }
    return words;
}

bool view_review(struct db_tx *tx, const struct subject *subject, json_t **ret_review,
                 struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!rows_of(tx, &view_review_find, subject, &rows, f))
        return false;
    if (db_row_count(rows) == 0) {
        *ret_review = json_null();
        return true;
    }
    json_t *approvals = json_array();
    for (size_t i = 0; i < db_row_count(rows); i++)
        if (!db_is_null(rows, i, 2))
            json_array_append_new(approvals,
                                  json_pack("{s:s, s:o}", "by", db_get_text(rows, i, 2), "at",
                                            console_time(db_get_instant(rows, i, 3))));
    *ret_review =
        json_pack("{s:o, s:I, s:o}", "demands", words_json(db_get_text(rows, 0, 0)), "persons",
                  (json_int_t)db_get_number(rows, 0, 1), "approvals", approvals);
    return true;
}

bool view_messages(struct db_tx *tx, const struct subject_call *call, json_t **ret_messages,
                   struct failure *f)
{
    const struct subject *subject = &call->subject;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    _cleanup_(cleanup_json) json_t *messages = json_array();
    if (!rows_of(tx, &view_messages_find, subject, &rows, f))
        return false;
    for (size_t i = 0; i < db_row_count(rows); i++) {
        _cleanup_(cleanup_secret_buffer) struct buffer text = {0};
        if (!message_read(tx, call->context->role->city_key, subject->item.city_code,
                          subject->item.application_id, db_get_number(rows, i, 0), &text, f))
            return false;
        json_array_append_new(messages,
                              json_pack("{s:o, s:s, s:s, s:s}", "at",
                                        console_time(db_get_instant(rows, i, 1)), "by",
                                        db_get_text(rows, i, 2), "status", db_get_text(rows, i, 3),
                                        "text", buffer_text(&text)));
    }
    *ret_messages = TAKE(messages);
    return true;
}

bool view_history(struct db_tx *tx, const struct subject *subject, json_t **ret_history,
                  struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!rows_of(tx, &view_history_find, subject, &rows, f))
        return false;
    json_t *history = json_array();
    for (size_t i = 0; i < db_row_count(rows); i++)
        json_array_append_new(
            history, json_pack("{s:I, s:o, s:s?, s:s, s:s?, s:s}", "version",
                               (json_int_t)db_get_number(rows, i, 0), "at",
                               console_time(db_get_instant(rows, i, 1)), "from",
                               db_get_text(rows, i, 2), "to", db_get_text(rows, i, 3), "reason",
                               db_get_text(rows, i, 4), "actor", db_get_text(rows, i, 5)));
    *ret_history = history;
    return true;
}

bool view_hold(struct db_tx *tx, const struct subject *subject, json_t **ret_hold,
               struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &view_hold_find,
                  DB_VALUES(db_text(subject->item.city_code), db_text(subject->item.application_id),
                            db_instant(clock_now())),
                  &rows, f))
        return false;
    *ret_hold = db_row_count(rows)
                    ? json_pack("{s:o, s:s}", "until", console_time(db_get_instant(rows, 0, 0)),
                                "by", db_get_text(rows, 0, 1))
                    : json_null();
    return true;
}

bool view_versions(struct db_tx *tx, const struct subject *subject, json_t **ret_versions,
                   struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!rows_of(tx, &view_versions_find, subject, &rows, f))
        return false;
    json_t *versions = json_array();
    for (size_t i = 0; i < db_row_count(rows); i++) {
        enum state state = STATE_SUPERSEDED;
        state_from_code(db_get_text(rows, i, 2), &state);
        json_array_append_new(
            versions, json_pack("{s:s, s:o, s:s, s:s}", "receipt_number", db_get_text(rows, i, 0),
                                "applied_at", console_time(db_get_instant(rows, i, 1)),
                                "state_name", state_name_ja(state), "which",
                                db_get_number(rows, i, 3) < 0 ? "before" : "after"));
    }
    *ret_versions = versions;
    return true;
}
