#include "intake/console/output.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/console/holiday.h"
#include "routing/message.h"

#define PURPOSE "output"

static const struct db_statement output_insert = {
    "output_insert",
    "INSERT INTO output (city_code, kind, application_id, asked_by, asked_at, terminal, reason,"
    " with_numbers, recipient, medium, until, fetches, fetched_at, many, key)"
    " VALUES ($1, $2, $3::uuid, $4, $5, $6, $7, $8::boolean, $9, $10, $11,"
    " CASE WHEN $2 = 'print' THEN 1 ELSE 0 END, CASE WHEN $2 = 'print' THEN $5::timestamptz END,"
    " $2 = 'export' AND (SELECT count(*) FROM output o WHERE o.city_code = $1 AND o.asked_by = $4"
    "  AND o.kind = 'export' AND o.asked_at > $5::timestamptz - interval '24 h') >= $12, $13::uuid)"
    " RETURNING output_id, many"};
/* One after the other, so that each is counted by the next. */
static const struct db_statement output_medium = {"output_medium", "SELECT medium_for($1, $2, $3)"};
static const struct db_statement output_turn = {
    "output_turn", "SELECT pg_advisory_xact_lock(hashtext('output'), hashtext($1))"};
static const struct db_statement output_again = {
    "output_again",
    "SELECT output_id, many, (kind, application_id, reason, with_numbers, coalesce(recipient, ''),"
    " coalesce(medium, '')) = ($4, $5::uuid, $6, $7::boolean, $8, $9),"
    " kind = 'print' AND (disposed_by IS NOT NULL OR until <= $10) FROM output"
    " WHERE city_code = $1 AND asked_by = $2 AND key = $3::uuid"};
static const struct db_statement output_find = {
    "output_find", "SELECT o.asked_by, o.approved_by, o.until, o.secret, o.disposed_by, o.kind,"
                   " k.wrapped, o.reason, o.many,"
                   " o.kind = 'print' OR medium_for(o.city_code, o.medium, o.asked_by)"
                   " FROM output o JOIN application_key k"
                   " USING (city_code, application_id) WHERE o.city_code = $1"
                   " AND o.application_id = $2::uuid AND o.output_id = $3::bigint FOR UPDATE OF o"};
static const struct db_statement output_approved = {
    "output_approved", "UPDATE output SET approved_by = $3, approved_at = $4, until = $5,"
                       " secret = $6 WHERE city_code = $1 AND output_id = $2::bigint"};
static const struct db_statement output_fetched = {
    "output_fetched", "UPDATE output SET fetches = fetches + 1, fetched_at = $3, sha256 = $4"
                      " WHERE city_code = $1 AND output_id = $2::bigint"};
static const struct db_statement output_printed_again = {
    "output_printed_again", "UPDATE output SET fetches = fetches + 1, fetched_at = $3"
                            " WHERE city_code = $1 AND output_id = $2::bigint"};
static const struct db_statement output_disposed = {
    "output_disposed", "UPDATE output SET disposed_by = $3, disposed_at = $4, disposal = $5,"
                       " secret = NULL WHERE city_code = $1 AND output_id = $2::bigint"};
/* The password of a working copy that is over is no more. */
static const struct db_statement output_forget = {
    "output_forget",
    "UPDATE output SET secret = NULL WHERE city_code = $1 AND until < $2 AND secret IS NOT NULL"};

/* --- where it may be ----------------------------------------------------------------------------
 */

static const struct {
    const char *on, *terminals, *name;
} keys[] = {[OUTPUT_PRINT] = {"print", "print-terminals", "印刷"},
            [OUTPUT_EXPORT] = {"export", "export-terminals", "ファイルへの出力"}};

bool output_available(const struct console_context *context, const struct console_caller *caller,
                      enum output_kind kind)
{
    const struct config_group *group = config_group(context->role->config, "console");
    bool here = false;
    for (size_t i = 0; i < config_list_length(group, keys[kind].terminals); i++)
        here |=
            strcmp(config_list_item(group, keys[kind].terminals, i), caller->terminal.label) == 0;
    return here && config_boolean(group, keys[kind].on);
}

bool output_admit(const struct console_context *context, struct http_request *request,
                  const struct console_caller *caller, enum output_kind kind)
{
    if (output_available(context, caller, kind))
        return true;
    http_reply_error(request, 403, "E0104",
                     "%sは使えない設定になっているか、この端末では認められていません。",
                     keys[kind].name);
    return false;
}

/* The end of the next business day: of the law's, and the city's own. */
static bool copy_until(struct db_tx *tx, const char *city_code, instant *ret_until,
                       struct failure *f)
{
    struct holidays holidays = {0};
    if (!holidays_load(tx, city_code, &holidays, f))
        return false;
    struct day next = holiday_open_from(&holidays, day_add(day_of_instant(clock_now()), 1));
    *ret_until = day_start(day_add(next, 1));
    holidays_free(&holidays);
    return true;
}

/* --- entries ------------------------------------------------------------------------------------
 */

static bool note(struct db_tx *tx, const struct subject_call *call, const char *action,
                 int64_t number, const char *reason, struct failure *f)
{
    char detail[48];
    snprintf(detail, sizeof detail, "{\"output\":%" PRId64 "}", number);
    return subject_note(tx, call, action, reason, detail, f);
}

/* Behind output_turn: who asks twice at once is found the second time. */
static bool asked_before(struct db_tx *tx, const struct subject_call *call,
                         struct output_order *order, bool *ret_before, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    const struct work_item *item = &call->subject.item;
    *ret_before = order->other = order->over = false;
    if (!order->key)
        return true;
    if (!db_query(tx, &output_again,
                  DB_VALUES(db_text(item->city_code), db_text(call->caller.actor),
                            db_text(order->key),
                            db_text(order->kind == OUTPUT_PRINT ? "print" : "export"),
                            db_text(item->application_id), db_text(order->reason),
                            db_boolean(order->with_numbers),
                            db_text(order->recipient ? order->recipient : ""),
                            db_text(order->medium ? order->medium : ""), db_instant(clock_now())),
                  &rows, f))
        return false;
    *ret_before = db_row_count(rows) == 1;
    if (!*ret_before)
        return true;
    order->number = db_get_number(rows, 0, 0);
    order->many = db_get_boolean(rows, 0, 1);
    order->other = !db_get_boolean(rows, 0, 2);
    order->over = db_get_boolean(rows, 0, 3);
    return true;
}

static bool medium_check(struct db_tx *tx, const struct subject_call *call,
                         struct output_order *order, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    order->unregistered = false;
    if (order->kind == OUTPUT_PRINT)
        return true;
    if (!db_query(tx, &output_medium,
                  DB_VALUES(db_text(call->subject.item.city_code), db_text(order->medium),
                            db_text(call->caller.actor)),
                  &rows, f))
        return false;
    order->unregistered = !db_get_boolean(rows, 0, 0);
    return true;
}

static bool numbers_note(struct db_tx *tx, const struct subject_call *call,
                         const struct output_order *order, struct failure *f)
{
    return order->kind != OUTPUT_PRINT || !order->with_numbers ||
           note(tx, call, "application.numbers", order->number, order->reason, f);
}

/* What is told again may not be on disk yet: this waits until it is. A print is made once more,
 * under the number that it has. */
static bool ask_again(struct db_tx *tx, const struct subject_call *call,
                      const struct output_order *order, struct failure *f)
{
    bool handed = order->kind == OUTPUT_PRINT && !order->other && !order->over;
    return (!handed || (db_execute(tx, &output_printed_again,
                                   DB_VALUES(db_text(call->subject.item.city_code),
                                             db_number(order->number), db_instant(clock_now())),
                                   NULL, f) &&
                        note(tx, call, "output.fetch", order->number, NULL, f) &&
                        numbers_note(tx, call, order, f))) &&
           db_flush_late(tx, f);
}

bool output_ask(struct db_tx *tx, const struct subject_call *call, struct output_order *order,
                struct failure *f)
{
    bool print = order->kind == OUTPUT_PRINT, before;
    instant until;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    int64_t many =
        config_number(config_group(call->context->role->config, "console"), "export-many");
    if (!copy_until(tx, call->subject.item.city_code, &until, f) ||
        !db_execute(tx, &output_turn, DB_VALUES(db_text(call->caller.actor)), NULL, f) ||
        !asked_before(tx, call, order, &before, f))
        return false;
    if (before)
        return ask_again(tx, call, order, f);
    if (!medium_check(tx, call, order, f))
        return false;
    if (order->unregistered)
        return true;
    if (!db_query(
            tx, &output_insert,
            DB_VALUES(db_text(call->subject.item.city_code), db_text(print ? "print" : "export"),
                      db_text(call->subject.item.application_id), db_text(call->caller.actor),
                      db_instant(clock_now()), db_text(call->caller.terminal.label),
                      db_text(order->reason), db_boolean(order->with_numbers),
                      db_text(order->recipient), db_text(order->medium),
                      print ? db_instant(until) : db_null(), db_number(many), db_text(order->key)),
            &rows, f))
        return false;
    order->number = db_get_number(rows, 0, 0);
    order->many = db_get_boolean(rows, 0, 1);
    return note(tx, call, print ? "output.print" : "output.ask", order->number, order->reason, f) &&
           numbers_note(tx, call, order, f);
}

struct entry { /* locked */
    struct db_rows *rows;
    const char *asked_by, *approved_by;
    instant until;
    bool secret, disposed, print, many, medium;
};

static void entry_free(struct entry *entry)
{
    db_rows_free(entry->rows);
}

static bool entry_find(struct db_tx *tx, const struct subject_call *call, int64_t number,
                       struct entry *ret_entry, enum output_answer *ret_answer, struct failure *f)
{
    const struct work_item *item = &call->subject.item;
    struct entry entry = {0};
    *ret_answer = OUTPUT_UNKNOWN;
    if (!db_execute(tx, &output_forget,
                    DB_VALUES(db_text(item->city_code), db_instant(clock_now())), NULL, f) ||
        !db_query(
            tx, &output_find,
            DB_VALUES(db_text(item->city_code), db_text(item->application_id), db_number(number)),
            &entry.rows, f))
        return false;
    if (db_row_count(entry.rows) == 1) {
        *ret_answer = OUTPUT_DONE;
        entry.asked_by = db_get_text(entry.rows, 0, 0);
        entry.approved_by = db_get_text(entry.rows, 0, 1);
        entry.until = db_is_null(entry.rows, 0, 2) ? 0 : db_get_instant(entry.rows, 0, 2);
        entry.secret = !db_is_null(entry.rows, 0, 3);
        entry.disposed = !db_is_null(entry.rows, 0, 4);
        entry.print = strcmp(db_get_text(entry.rows, 0, 5), "print") == 0;
        entry.many = db_get_boolean(entry.rows, 0, 8);
        entry.medium = db_get_boolean(entry.rows, 0, 9);
    }
    *ret_entry = entry;
    return true;
}

static enum output_answer approve_answer(const struct subject_call *call, const struct entry *entry)
{
    if (entry->print || entry->approved_by || entry->disposed)
        return OUTPUT_OVER;
    if (strcmp(entry->asked_by, call->caller.actor) == 0)
        return OUTPUT_OWN;
    if (!entry->medium)
        return OUTPUT_MEDIUM;
    return entry->many && !subject_may(call, RIGHT_SUPERIOR) ? OUTPUT_MANY : OUTPUT_DONE;
}

bool output_approve(struct db_tx *tx, const struct subject_call *call, int64_t number,
                    enum output_answer *ret_answer, struct failure *f)
{
    const struct work_item *item = &call->subject.item;
    const struct city_key *city_key = call->context->role->city_key;
    char password[ENVELOPE_PASSWORD];
    instant until;
    _cleanup_(cleanup_buffer) struct buffer secret = {0};
    _cleanup_(entry_free) struct entry entry = {0};
    if (!entry_find(tx, call, number, &entry, ret_answer, f))
        return false;
    if (*ret_answer == OUTPUT_DONE)
        *ret_answer = approve_answer(call, &entry);
    if (*ret_answer != OUTPUT_DONE)
        return true;
    if (!copy_until(tx, item->city_code, &until, f))
        return false;
    envelope_password_make(password);
    bool sealed = words_seal(tx, city_key, item->city_code, item->application_id, PURPOSE, password,
                             &secret, f);
    explicit_bzero(password, sizeof password);
    return sealed &&
           db_execute(tx, &output_approved,
                      DB_VALUES(db_text(item->city_code), db_number(number),
                                db_text(call->caller.actor), db_instant(clock_now()),
                                db_instant(until), db_bytes(buffer_bytes(&secret))),
                      NULL, f) &&
           note(tx, call, "output.approve", number, NULL, f);
}

static enum output_answer open_answer(const struct subject_call *call, const struct entry *entry)
{
    if (strcmp(entry->asked_by, call->caller.actor) != 0)
        return OUTPUT_OTHERS;
    if (entry->print || entry->disposed)
        return OUTPUT_OVER;
    if (!entry->approved_by)
        return OUTPUT_NOT_YET;
    if (!entry->medium)
        return OUTPUT_MEDIUM;
    return entry->secret && entry->until > clock_now() ? OUTPUT_DONE : OUTPUT_OVER;
}

bool output_open(struct db_tx *tx, const struct subject_call *call, int64_t number, bool fetch,
                 char ret_password[ENVELOPE_PASSWORD], instant *ret_until,
                 enum output_answer *ret_answer, struct failure *f)
{
    const struct work_item *item = &call->subject.item;
    _cleanup_(cleanup_secret_buffer) struct buffer password = {0};
    _cleanup_(entry_free) struct entry entry = {0};
    if (!entry_find(tx, call, number, &entry, ret_answer, f))
        return false;
    if (*ret_answer == OUTPUT_DONE)
        *ret_answer = open_answer(call, &entry);
    if (*ret_answer != OUTPUT_DONE)
        return true;
    if (!words_unseal(call->context->role->city_key, item->city_code, item->application_id, PURPOSE,
                      db_get_bytes(entry.rows, 0, 6), db_get_bytes(entry.rows, 0, 3), &password, f))
        return false;
    snprintf(ret_password, ENVELOPE_PASSWORD, "%s", buffer_text(&password));
    *ret_until = entry.until;
    return fetch ? note(tx, call, "application.numbers", number, db_get_text(entry.rows, 0, 7), f)
                 : note(tx, call, "output.password", number, NULL, f);
}

bool output_taken(struct db_tx *tx, const struct subject_call *call, int64_t number,
                  struct bytes file, struct failure *f)
{
    uint8_t hash[32];
    sha256(file, hash);
    return db_execute(tx, &output_fetched,
                      DB_VALUES(db_text(call->subject.item.city_code), db_number(number),
                                db_instant(clock_now()), db_bytes((struct bytes){hash, 32})),
                      NULL, f) &&
           note(tx, call, "output.fetch", number, NULL, f);
}

static enum output_answer dispose_answer(const struct subject_call *call, const struct entry *entry)
{
    bool own = strcmp(entry->asked_by, call->caller.actor) == 0;
    if (!subject_may(call, entry->print ? RIGHT_PRINT : RIGHT_EXPORT) ||
        (!own && !subject_may(call, RIGHT_APPROVE)))
        return OUTPUT_OTHERS;
    return entry->disposed ? OUTPUT_OVER : OUTPUT_DONE;
}

bool output_dispose(struct db_tx *tx, const struct subject_call *call, int64_t number,
                    const char *how, enum output_answer *ret_answer, struct failure *f)
{
    const struct work_item *item = &call->subject.item;
    _cleanup_(entry_free) struct entry entry = {0};
    if (!entry_find(tx, call, number, &entry, ret_answer, f))
        return false;
    if (*ret_answer == OUTPUT_DONE)
        *ret_answer = dispose_answer(call, &entry);
    if (*ret_answer != OUTPUT_DONE)
        return true;
    return db_execute(tx, &output_disposed,
                      DB_VALUES(db_text(item->city_code), db_number(number),
                                db_text(call->caller.actor), db_instant(clock_now()), db_text(how)),
                      NULL, f) &&
           note(tx, call, "output.dispose", number, how, f);
}
