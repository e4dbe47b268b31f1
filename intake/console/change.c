#include "intake/console/change.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"

static const struct db_statement current = {"change_current",
                                            "SELECT change_current($1, $2, $3)::text"};
static const struct db_statement differs = {
    "change_differs", "SELECT change_current($1, $2, $3) IS DISTINCT FROM $4::text::jsonb,"
                      " change_current($1, $2, $3) IS DISTINCT FROM $5::text::jsonb"};
static const struct db_statement find_waiting = {
    "change_waiting", "SELECT change_id, before::text, after::text, proposed_by FROM change"
                      " WHERE city_code = $1 AND kind = $2 AND subject = $3 AND state = 'waiting'"};
static const struct db_statement insert = {
    "change_insert", "INSERT INTO change"
                     " (city_code, kind, subject, before, after, reason, proposed_by, terminal,"
                     " batch, effective_on) VALUES ($1, $2, $3, $4::text::jsonb, $5::text::jsonb,"
                     " $6, $7, $8, $9::text::uuid, $10::text::date)"
                     " ON CONFLICT DO NOTHING RETURNING change_id"};
static const struct db_statement settle = {"change_settle",
                                           "SELECT change_settle($1, $2, $3, $4, $5, $6)"};
static const struct db_statement cancel = {"change_cancel",
                                           "SELECT change_cancel($1, $2, $3, $4, $5)"};
static const struct db_statement find_batch = {
    "change_batch", "SELECT change_id, subject FROM change WHERE city_code = $1"
                    " AND batch = $2::text::uuid AND state = $3 ORDER BY change_id"};
static const struct db_statement find_settled = {"change_settled",
                                                 "SELECT kind, subject, before IS NULL FROM change"
                                                 " WHERE city_code = $1 AND change_id = $2"};
static const struct db_statement first = {"change_first",
                                          "SELECT change_first($1, $2, $3, $4::text::jsonb, $5)"};

static const struct {
    const char *code, *name_ja;
} kinds[CHANGE_KIND_COUNT] = {
    [CHANGE_ACCOUNT] = {"account", "利用者"},   [CHANGE_ENROLMENT] = {"enrolment", "再登録"},
    [CHANGE_UNLOCK] = {"unlock", "ロック解除"}, [CHANGE_TERMINAL] = {"terminal", "端末"},
    [CHANGE_MEDIUM] = {"medium", "媒体"},       [CHANGE_HOLIDAY] = {"holiday", "休日"},
    [CHANGE_TEMPLATE] = {"template", "定型文"},
};

/* `code`: what the database answers. */
static const struct {
    const char *code, *sentence;
} outcomes[] = {
    [CHANGE_WAITS] = {"waiting", "変更案を登録しました。ほかの管理者の確認を待っています。"},
    [CHANGE_SAME] = {"same", "変わるところがありません。"},
    [CHANGE_MEANWHILE] = {"meanwhile", "画面を開いた後に、ほかの人が内容を変更しました。新しい内容"
                                       "を確かめて、もう一度入力してください。"},
    [CHANGE_BUSY] = {"busy",
                     "ほかの人の変更案が確認を待っています。先にそちらを確認してください。"},
    [CHANGE_EFFECTIVE] = {"effective", "変更しました。"},
    [CHANGE_CONFIRMED] = {"confirmed", "確認しました。反映する日になると、自動で反映します。"},
    [CHANGE_REJECTED] = {"rejected", "変更案を差し戻しました。"},
    [CHANGE_WITHDRAWN] = {"withdrawn", "変更案を取り下げました。"},
    [CHANGE_CANCELLED] = {"cancelled", "反映を取り消しました。その日になっても反映しません。"},
    [CHANGE_STALE] = {"stale", "変更案が出された後に、元の内容が変わりました。この変更案は使えませ"
                               "ん。必要なら、新しく変更案を出してください。"},
    [CHANGE_GONE] = {"gone", "この変更案は、すでに処理されています。"},
    [CHANGE_SAME_PERSON] = {"same-person", "変更案を出した人は確認できません。別の管理者が確認して"
                                           "ください。"},
    [CHANGE_OWN] =
        {"own",
         "自分についての変更は、自分では確認も取消しもできません。別の管理者が行ってください。"},
    [CHANGE_PROPOSER] =
        {"proposer", "変更案を出した人は、いまは管理者ではありません。差し戻して、必要なら新しく"
                     "変更案を出してください。"},
    [CHANGE_IN_USE] = {"in-use", "この証明書またはIPアドレスは、別の端末で登録されています。"},
};

const char *change_kind_code(enum change_kind kind)
{
    return kinds[kind].code;
}

const char *change_kind_name_ja(enum change_kind kind)
{
    return kinds[kind].name_ja;
}

bool change_kind_from_code(const char *code, enum change_kind *ret_kind)
{
    for (enum change_kind kind = 0; kind < CHANGE_KIND_COUNT; kind++)
        if (strcmp(kinds[kind].code, code) == 0) {
            *ret_kind = kind;
            return true;
        }
    return false;
}

const char *change_outcome_ja(enum change_outcome outcome)
{
    return outcomes[outcome].sentence;
}

static bool outcome_read(const char *code, enum change_outcome *ret_outcome, struct failure *f)
{
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
        if (strcmp(outcomes[i].code, code) == 0) {
            *ret_outcome = (enum change_outcome)i;
            return true;
        }
    return failure_set(f, FAILURE_DATABASE, "change_settle answers %s", code);
}

static json_t *json_column(const struct db_rows *rows, size_t row, int column)
{
    const char *text = db_get_text(rows, row, column);
    return text ? json_read(bytes_of_text(text)) : NULL;
}

static char *json_text(const json_t *json) /* NULL for NULL */
{
    return json ? json_dumps(json, JSON_COMPACT) : NULL;
}

#define THING(city_code, kind, subject)                                                            \
    db_text(city_code), db_text(change_kind_code(kind)), db_text(subject)

bool change_current(struct db_tx *tx, const char *city_code, enum change_kind kind,
                    const char *subject, json_t **ret_current, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &current, DB_VALUES(THING(city_code, kind, subject)), &rows, f))
        return false;
    *ret_current = json_column(rows, 0, 0);
    return true;
}

/* --- the first person ------------------------------------------------------------------------- */

void change_waiting_free(struct change_waiting *change)
{
    json_decref(change->before);
    json_decref(change->after);
    *change = (struct change_waiting){0};
}

bool change_waiting(struct db_tx *tx, const char *city_code, enum change_kind kind,
                    const char *subject, struct change_waiting *ret_change, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &find_waiting, DB_VALUES(THING(city_code, kind, subject)), &rows, f))
        return false;
    struct change_waiting found = {.kind = kind};
    snprintf(found.subject, sizeof found.subject, "%s", subject);
    if (db_row_count(rows) == 1) {
        found.id = db_get_number(rows, 0, 0);
        found.before = json_column(rows, 0, 1);
        found.after = json_column(rows, 0, 2);
        snprintf(found.proposed_by, sizeof found.proposed_by, "%s", db_get_text(rows, 0, 3));
    }
    *ret_change = found;
    return true;
}

/* Takes one's own back, so that the new one can wait in its place. */
static bool make_room(struct db_tx *tx, const struct administrator *who,
                      const struct change_draft *draft, bool *ret_free, struct failure *f)
{
    struct change_waiting waiting;
    enum change_outcome outcome;
    char code[ENROLMENT_CODE];
    if (!change_waiting(tx, who->city_code, draft->kind, draft->subject, &waiting, f))
        return false;
    int64_t id = waiting.id;
    *ret_free = id == 0 || strcmp(waiting.proposed_by, who->by) == 0;
    change_waiting_free(&waiting);
    return id == 0 || !*ret_free ||
           change_settle(tx, who, id, CHANGE_REJECT, NULL, &outcome, code, f);
}

static bool compare(struct db_tx *tx, const struct administrator *who,
                    const struct change_draft *draft, const char *seen, const char *after,
                    enum change_outcome *ret_outcome, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &differs,
                  DB_VALUES(THING(who->city_code, draft->kind, draft->subject), db_text(seen),
                            db_text(after)),
                  &rows, f))
        return false;
    *ret_outcome = db_get_boolean(rows, 0, 0) ? CHANGE_MEANWHILE
                   : db_get_boolean(rows, 0, 1) || draft->kind == CHANGE_ENROLMENT ? CHANGE_WAITS
                                                                                   : CHANGE_SAME;
    return true;
}

static json_t *note_detail(int64_t id, enum change_kind kind, const char *subject)
{
    return json_pack("{s:I, s:s, s:s}", "change", (json_int_t)id, "kind", change_kind_code(kind),
                     "about", subject);
}

bool change_propose(struct db_tx *tx, const struct administrator *who,
                    const struct change_draft *draft, enum change_outcome *ret_outcome,
                    int64_t *ret_id, struct failure *f)
{
    bool room = false;
    enum change_outcome outcome;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    _cleanup_(cleanup_text) char *seen = json_text(draft->seen), *after = json_text(draft->after);
    if (!compare(tx, who, draft, seen, after, &outcome, f) ||
        (outcome == CHANGE_WAITS && !make_room(tx, who, draft, &room, f)))
        return false;
    if (outcome == CHANGE_WAITS && !room)
        outcome = CHANGE_BUSY;
    *ret_outcome = outcome;
    if (outcome != CHANGE_WAITS)
        return true;
    if (!db_query(tx, &insert,
                  DB_VALUES(THING(who->city_code, draft->kind, draft->subject), db_text(seen),
                            db_text(after), db_text(draft->reason), db_text(who->by),
                            db_text(who->terminal), db_text(draft->batch),
                            db_text(draft->effective_on)),
                  &rows, f))
        return false;
    if (db_row_count(rows) == 0) { /* somebody was faster */
        *ret_outcome = CHANGE_BUSY;
        return true;
    }
    *ret_id = db_get_number(rows, 0, 0);
    return administer_note(tx, who, "change.propose",
                           note_detail(*ret_id, draft->kind, draft->subject), draft->reason, f);
}

/* --- the second person ------------------------------------------------------------------------ */

static bool note_settled(struct db_tx *tx, const struct administrator *who, int64_t id,
                         enum change_kind kind, const char *subject, const char *why,
                         enum change_outcome outcome, struct failure *f)
{
    static const char *const actions[] = {
        [CHANGE_EFFECTIVE] = "change.confirm",   [CHANGE_CONFIRMED] = "change.confirm",
        [CHANGE_REJECTED] = "change.reject",     [CHANGE_WITHDRAWN] = "change.withdraw",
        [CHANGE_CANCELLED] = "change.cancel",    [CHANGE_STALE] = "change.stale",
        [CHANGE_SAME_PERSON] = "change.refused", [CHANGE_OWN] = "change.refused",
        [CHANGE_PROPOSER] = "change.refused",    [CHANGE_IN_USE] = NULL,
    };
    return !actions[outcome] ||
           administer_note(tx, who, actions[outcome], note_detail(id, kind, subject), why, f);
}

static bool answer_put(struct db_tx *tx, const struct administrator *who, int64_t id,
                       enum change_answer answer, const char *why, enum change_outcome *ret_outcome,
                       struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    const struct db_value values[] = {
        db_text(who->city_code), db_number(id), db_text(who->by),
        db_text(who->terminal),  db_text(why),  db_boolean(answer == CHANGE_AGREE)};
    bool cancels = answer == CHANGE_CANCEL;
    return db_query(tx, cancels ? &cancel : &settle, values, cancels ? 5 : 6, &rows, f) &&
           outcome_read(db_get_text(rows, 0, 0), ret_outcome, f);
}

bool change_settle(struct db_tx *tx, const struct administrator *who, int64_t id,
                   enum change_answer answer, const char *why, enum change_outcome *ret_outcome,
                   char ret_code[ENROLMENT_CODE], struct failure *f)
{
    enum change_kind kind;
    enum change_outcome outcome = CHANGE_GONE;
    _cleanup_(cleanup_db_rows) struct db_rows *settled = NULL;
    *ret_code = '\0';
    if (!answer_put(tx, who, id, answer, why, &outcome, f) ||
        !db_query(tx, &find_settled, DB_VALUES(db_text(who->city_code), db_number(id)), &settled,
                  f))
        return false;
    *ret_outcome = outcome;
    if (outcome == CHANGE_GONE || db_row_count(settled) == 0 ||
        !change_kind_from_code(db_get_text(settled, 0, 0), &kind))
        return true;
    const char *subject = db_get_text(settled, 0, 1);
    bool code =
        outcome == CHANGE_EFFECTIVE &&
        (kind == CHANGE_ENROLMENT || (kind == CHANGE_ACCOUNT && db_get_boolean(settled, 0, 2)));
    return (!code || account_issue_code(tx, who, subject, ret_code, f)) &&
           note_settled(tx, who, id, kind, subject, why, outcome, f);
}

bool change_settled(enum change_outcome outcome)
{
    return outcome == CHANGE_EFFECTIVE || outcome == CHANGE_CONFIRMED ||
           outcome == CHANGE_REJECTED || outcome == CHANGE_WITHDRAWN || outcome == CHANGE_CANCELLED;
}

bool change_settle_batch(struct db_tx *tx, const struct administrator *who, const char *batch,
                         enum change_answer answer, const char *why,
                         enum change_outcome *ret_outcome,
                         char ret_subject[4 * CHANGE_SUBJECT_MOST + 1], struct failure *f)
{
    char code[ENROLMENT_CODE];
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    *ret_subject = '\0';
    *ret_outcome = CHANGE_GONE;
    const char *state = answer == CHANGE_CANCEL ? "confirmed" : "waiting";
    if (!db_query(tx, &find_batch,
                  DB_VALUES(db_text(who->city_code), db_text(batch), db_text(state)), &rows, f))
        return false;
    for (size_t row = 0; row < db_row_count(rows); row++) {
        if (!change_settle(tx, who, db_get_number(rows, row, 0), answer, why, ret_outcome, code, f))
            return false;
        if (change_settled(*ret_outcome))
            continue;
        snprintf(ret_subject, 4 * CHANGE_SUBJECT_MOST + 1, "%s", db_get_text(rows, row, 1));
        return false;
    }
    return true;
}

bool change_first(struct db_tx *tx, const struct administrator *who, enum change_kind kind,
                  const char *subject, const json_t *after, bool *ret_done, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    _cleanup_(cleanup_text) char *text = json_text(after);
    if (!db_query(tx, &first,
                  DB_VALUES(THING(who->city_code, kind, subject), db_text(text), db_text(who->by)),
                  &rows, f))
        return false;
    *ret_done = db_get_boolean(rows, 0, 0);
    return !*ret_done ||
           administer_note(
               tx, who, "change.first",
               json_pack("{s:s, s:s}", "kind", change_kind_code(kind), "about", subject), NULL, f);
}
