/* What else is stored about an application: who it may be, what people decided, what happened. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "intake/console/claim.h"
#include "intake/console/endpoints.h"
#include "intake/console/view.h"
#include "intake/explain/lines.h"
#include "intake/staff/contact.h"
#include "intake/staff/proposal.h"
#include "routing/message.h"

static const struct db_statement view_proposal_find = {
    "view_proposal",
    "SELECT p.atenabango, p.proposed_by, p.proposed_at, " PROPOSAL_REASON_COLUMNS
    " FROM identification_proposal p LEFT JOIN application_key k USING (city_code, application_id)"
    " LEFT JOIN LATERAL (SELECT reason, sealed FROM proposal_reason r"
    "  WHERE (r.city_code, r.application_id) = (p.city_code, p.application_id)"
    "  ORDER BY version DESC LIMIT 1) r ON true "
    "WHERE p.city_code = $1 AND p.application_id = $2::uuid"};
static const struct db_statement view_review_find = {
    "view_review",
    "SELECT r.demands, r.persons, a.approved_by, a.approved_at, r.superior FROM review r"
    " LEFT JOIN approval a USING (city_code, application_id, sha256) "
    "WHERE r.city_code = $1 AND r.application_id = $2::uuid ORDER BY a.approved_at"};
static const struct db_statement view_messages_find = {
    "view_messages",
    "SELECT m.written_at, m.written_by, m.status, k.wrapped, m.sealed"
    " FROM resident_message m JOIN application_key k"
    "  USING (city_code, application_id) "
    "WHERE m.city_code = $1 AND m.application_id = $2::uuid ORDER BY m.message_id"};
static const struct db_statement view_hold_find = {
    "view_hold", "SELECT until, held_by FROM staff_hold WHERE city_code = $1"
                 " AND application_id = $2::uuid AND until > now()"};
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
    "SELECT a.receipt_number, a.applied_at, a.state, found.step, a.channel FROM"
    " (SELECT application_id, -step AS step FROM before"
    "  UNION ALL SELECT by_application_id, step FROM after) AS found"
    " JOIN application a ON a.city_code = $1 AND a.application_id = found.application_id "
    "ORDER BY found.step"};
static const struct db_statement view_history_find = {
    "view_history",
    "SELECT e.version, e.at, e.from_state, e.to_state, e.reason, e.actor, " PROPOSAL_REASON_COLUMNS
    " FROM application_event e LEFT JOIN proposal_reason r USING (city_code, application_id, "
    "version)"
    " LEFT JOIN application_key k USING (city_code, application_id) "
    "WHERE e.city_code = $1 AND e.application_id = $2::uuid ORDER BY e.version"};

/* --- the parts, each of its rows ----------------------------------------------------------------
 */

typedef bool part_read(const struct subject_call *call, const struct db_rows *rows,
                       json_t **ret_json, struct failure *f);

static bool claim_part(const struct subject_call *call, const struct db_rows *rows,
                       json_t **ret_json, struct failure *f)
{
    struct console_claim claim;
    (void)f;
    console_claim_take(rows, call, &claim);
    *ret_json = console_claim_json(&claim);
    return true;
}

static bool decision_part(const struct subject_call *call, const struct db_rows *rows,
                          json_t **ret_json, struct failure *f)
{
    json_t *decision = NULL;
    if (!application_decision_read(rows, call->context->role->city_key, &call->subject.item,
                                   &decision, f))
        return false;
    *ret_json = decision ? decision : json_null();
    return true;
}

/* The reason that a proposal was given, in the columns from `first` on. */
static bool said_set(const struct subject_call *call, const struct db_rows *rows, size_t row,
                     int first, json_t *json, struct failure *f)
{
    const struct work_item *item = &call->subject.item;
    return proposal_reason_read(rows, row, first, call->context->role->city_key, item->city_code,
                                item->application_id, json, f);
}

static bool proposal_part(const struct subject_call *call, const struct db_rows *rows,
                          json_t **ret_json, struct failure *f)
{
    if (db_row_count(rows) == 0) {
        *ret_json = json_null();
        return true;
    }
    _cleanup_(cleanup_json) json_t *proposal =
        json_pack("{s:s, s:s, s:o}", "atenabango", db_get_text(rows, 0, 0), "by",
                  db_get_text(rows, 0, 1), "at", console_time(db_get_instant(rows, 0, 2)));
    if (!said_set(call, rows, 0, 3, proposal, f))
        return false;
    *ret_json = TAKE(proposal);
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

static bool review_part(const struct subject_call *call, const struct db_rows *rows,
                        json_t **ret_json, struct failure *f)
{
    (void)call, (void)f;
    if (db_row_count(rows) == 0) {
        *ret_json = json_null();
        return true;
    }
    json_t *approvals = json_array();
    for (size_t i = 0; i < db_row_count(rows); i++)
        if (!db_is_null(rows, i, 2))
            json_array_append_new(approvals,
                                  json_pack("{s:s, s:o}", "by", db_get_text(rows, i, 2), "at",
                                            console_time(db_get_instant(rows, i, 3))));
    *ret_json = json_pack("{s:o, s:I, s:b, s:o}", "demands", words_json(db_get_text(rows, 0, 0)),
                          "persons", (json_int_t)db_get_number(rows, 0, 1), "superior",
                          (int)db_get_boolean(rows, 0, 4), "approvals", approvals);
    return true;
}

static bool messages_part(const struct subject_call *call, const struct db_rows *rows,
                          json_t **ret_json, struct failure *f)
{
    const struct work_item *item = &call->subject.item;
    _cleanup_(cleanup_json) json_t *messages = json_array();
    for (size_t i = 0; i < db_row_count(rows); i++) {
        _cleanup_(cleanup_secret_buffer) struct buffer text = {0};
        if (!words_unseal(call->context->role->city_key, item->city_code, item->application_id,
                          "message", db_get_bytes(rows, i, 3), db_get_bytes(rows, i, 4), &text, f))
            return false;
        json_array_append_new(messages,
                              json_pack("{s:o, s:s, s:s, s:s}", "at",
                                        console_time(db_get_instant(rows, i, 0)), "by",
                                        db_get_text(rows, i, 1), "status", db_get_text(rows, i, 2),
                                        "text", buffer_text(&text)));
    }
    *ret_json = TAKE(messages);
    return true;
}

static bool hold_part(const struct subject_call *call, const struct db_rows *rows,
                      json_t **ret_json, struct failure *f)
{
    (void)call, (void)f;
    *ret_json = db_row_count(rows)
                    ? json_pack("{s:o, s:s}", "until", console_time(db_get_instant(rows, 0, 0)),
                                "by", db_get_text(rows, 0, 1))
                    : json_null();
    return true;
}

static bool versions_part(const struct subject_call *call, const struct db_rows *rows,
                          json_t **ret_json, struct failure *f)
{
    (void)call, (void)f;
    json_t *versions = json_array();
    for (size_t i = 0; i < db_row_count(rows); i++) {
        enum state state = STATE_SUPERSEDED;
        state_from_code(db_get_text(rows, i, 2), &state);
        json_array_append_new(versions,
                              json_pack("{s:s, s:s, s:o, s:s, s:s}", "receipt_number",
                                        db_get_text(rows, i, 0), "channel", db_get_text(rows, i, 4),
                                        "applied_at", console_time(db_get_instant(rows, i, 1)),
                                        "state_name", state_name_ja(state), "which",
                                        db_get_number(rows, i, 3) < 0 ? "before" : "after"));
    }
    *ret_json = versions;
    return true;
}

static bool contacts_part(const struct subject_call *call, const struct db_rows *rows,
                          json_t **ret_json, struct failure *f)
{
    const struct work_item *item = &call->subject.item;
    return contact_list(rows, call->context->role->city_key, item->city_code, item->application_id,
                        ret_json, f);
}

static json_t *event_json(const struct db_rows *rows, size_t row)
{
    const char *to = db_get_text(rows, row, 3), *reason = db_get_text(rows, row, 4);
    enum state state = STATE_HELD;
    state_from_code(to, &state);
    return json_pack("{s:I, s:o, s:s?, s:s, s:s, s:s?, s:s?, s:s}", "version",
                     (json_int_t)db_get_number(rows, row, 0), "at",
                     console_time(db_get_instant(rows, row, 1)), "from", db_get_text(rows, row, 2),
                     "to", to, "to_name", state_name_ja(state), "reason", reason, "reason_ja",
                     explain_reason(reason), "actor", db_get_text(rows, row, 5));
}

static bool history_part(const struct subject_call *call, const struct db_rows *rows,
                         json_t **ret_json, struct failure *f)
{
    _cleanup_(cleanup_json) json_t *history = json_array();
    for (size_t row = 0; row < db_row_count(rows); row++) {
        json_t *event = event_json(rows, row);
        json_array_append_new(history, event);
        if (!said_set(call, rows, row, 6, event, f))
            return false;
    }
    *ret_json = TAKE(history);
    return true;
}

/* --- all of them, in one round trip -------------------------------------------------------------
 */

static const struct part {
    const char *name;
    const struct db_statement *statement; /* $1 the city, $2 the application */
    part_read *read;
} parts[] = {
    {"claim", &console_claim_find, claim_part},
    {"decision", &application_decision_select, decision_part},
    {"proposal", &view_proposal_find, proposal_part},
    {"review", &view_review_find, review_part},
    {"messages", &view_messages_find, messages_part},
    {"hold", &view_hold_find, hold_part},
    {"versions", &view_versions_find, versions_part},
    {"contacts", &contact_select, contacts_part},
    {"history", &view_history_find, history_part},
};
#define PART_COUNT (sizeof parts / sizeof *parts)

static bool parts_take(const struct subject_call *call, struct db_rows *const rows[PART_COUNT],
                       json_t *view, struct failure *f)
{
    for (size_t i = 0; i < PART_COUNT; i++) {
        json_t *part;
        if (!parts[i].read(call, rows[i], &part, f))
            return false;
        json_object_set_new(view, parts[i].name, part);
    }
    return true;
}

static bool form_set(struct db_tx *tx, struct subject_call *call, json_t *view, struct failure *f)
{
    _cleanup_(differences_free) struct differences differences = {0};
    json_t *decision = json_object_get(view, "decision"),
           *proposal = json_object_get(view, "proposal");
    if ((json_is_object(decision) || json_is_object(proposal)) &&
        !view_decision_fill(tx, call, decision, proposal, &differences, f))
        return false;
    json_object_set_new(view, "form", view_form(&call->subject, differences.at, differences.count));
    return true;
}

bool view_stored(struct db_tx *tx, struct subject_call *call, json_t *view, struct failure *f)
{
    const struct db_value values[] = {db_text(call->subject.item.city_code),
                                      db_text(call->subject.item.application_id)};
    struct db_rows *rows[PART_COUNT] = {NULL};
    struct db_question questions[PART_COUNT];
    for (size_t i = 0; i < PART_COUNT; i++)
        questions[i] = (struct db_question){parts[i].statement, values, 2, &rows[i]};
    if (!db_query_all(tx, questions, PART_COUNT, f))
        return false;
    bool done = parts_take(call, rows, view, f);
    for (size_t i = 0; i < PART_COUNT; i++)
        db_rows_free(rows[i]);
    return done && form_set(tx, call, view, f);
}
