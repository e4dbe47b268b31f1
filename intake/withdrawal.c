#include "intake/withdrawal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "intake/decide.h"
#include "routing/claim.h"
#include "routing/message.h"

#define ACTOR  "role:routing"
#define NOTICE "withdrawn" /* outbox.status of the item that tells a destination */

static const char too_late[] = "この申請は手続が終わっているため、取下げはできませんでした。"
                               "詳しくは市の窓口にお問い合わせください。";

/* Both are locked until the transaction ends: nobody hands over, or moves, meanwhile. */
static const struct db_statement withdrawals_find = {
    "withdrawals_find",
    "SELECT w.application_id, a.state, a.version, a.channel, a.receipt_number, w.asked_at,"
    " w.asked_by,"
    " coalesce((SELECT d.destination FROM delivery d WHERE d.city_code = a.city_code"
    "  AND d.application_id = a.application_id AND d.destination <> 'portal' AND d.status IS NULL"
    "  AND d.accepted ORDER BY d.delivered_at DESC LIMIT 1),"
    /* read, and taken back before a receipt came (routing/recheck.h) */
    "  (SELECT b.destination FROM outbox_taken_back b WHERE b.city_code = a.city_code"
    "   AND b.application_id = a.application_id ORDER BY b.taken_back_at DESC LIMIT 1)),"
    " NOT EXISTS (SELECT FROM application_key k WHERE k.city_code = a.city_code"
    "  AND k.application_id = a.application_id) "
    "FROM withdrawal w JOIN application a USING (city_code, application_id) "
    "WHERE w.city_code = $1 AND w.settled_at IS NULL "
    "ORDER BY w.asked_at LIMIT 64 FOR UPDATE OF w, a SKIP LOCKED"};
static const struct db_statement withdrawal_where = {
    "withdrawal_where", "SELECT destination FROM outbox WHERE city_code = $1"
                        " AND application_id = $2::uuid AND destination <> 'portal'"
                        " AND status IS NULL ORDER BY outbox_id DESC LIMIT 1"};
/* Waits for whoever is fetching it just now, and sees that they did. */
static const struct db_statement withdrawal_waits = {
    "withdrawal_waits", "SELECT attempts > 0 OR outbox_claimed(city_code, destination, outbox_id)"
                        " FROM outbox WHERE city_code = $1 AND application_id = $2::uuid"
                        " AND destination = $3 AND status IS NULL "
                        "ORDER BY outbox_id DESC LIMIT 1 FOR UPDATE"};
static const struct db_statement withdrawal_settle = {
    "withdrawal_settle", "UPDATE withdrawal SET settled_at = $3, outcome = $4"
                         " WHERE city_code = $1 AND application_id = $2::uuid"};
static const struct db_statement withdrawal_outbox = {
    "withdrawal_outbox",
    "WITH gone AS (DELETE FROM outbox WHERE city_code = $1 AND application_id = $2::uuid"
    "  AND destination <> 'portal' AND status IS NULL RETURNING city_code, destination,"
    "  outbox_id) "
    "DELETE FROM outbox_item i USING gone g WHERE i.city_code = g.city_code"
    " AND i.destination = g.destination AND i.outbox_id = g.outbox_id"};
static const struct db_statement withdrawal_key = {
    "withdrawal_key", "SELECT wrapped FROM application_key WHERE city_code = $1"
                      " AND application_id = $2::uuid"};

static const struct db_statement withdrawal_again = {
    "withdrawal_again",
    "WITH again AS (UPDATE withdrawal SET settled_at = NULL, outcome = NULL WHERE city_code = $1"
    "  AND application_id = $2::uuid AND outcome = 'told-destination' RETURNING application_id) "
    "SELECT pg_notify('work_route', '') FROM again"};

struct asked { /* one withdrawal; texts borrowed from the rows */
    const char *application_id, *channel, *receipt_number;
    const char *asked_by, *delivered_to;
    char waits_for[64]; /* destination; "" */
    enum state state;
    int version;
    bool fetched;
    bool forgotten; /* its key is destroyed: nothing can be written about it any more */
    instant at;
};

static bool settle(struct role *role, struct db_tx *tx, const struct asked *asked,
                   const char *outcome, struct failure *f)
{
    log_info("application.withdrawal", log_text("application", asked->application_id),
             log_text("outcome", outcome));
    return db_execute(tx, &withdrawal_settle,
                      DB_VALUES(db_text(role->city_code), db_text(asked->application_id),
                                db_instant(clock_now()), db_text(outcome)),
                      NULL, f);
}

/* --- it ends here ----------------------------------------------------------------------------- */

static bool end(struct role *role, struct db_tx *tx, const struct asked *asked, struct failure *f)
{
    struct decision decision = {.city_code = role->city_code,
                                .application_id = asked->application_id,
                                .from = asked->state,
                                .to = STATE_WITHDRAWN,
                                .version = asked->version,
                                .reason = strncmp(asked->asked_by, "staff:", 6) == 0
                                              ? "withdrawn-by-staff"
                                              : "withdrawn-by-resident",
                                .actor = ACTOR};
    return (asked->state != STATE_ROUTED ||
            db_execute(tx, &withdrawal_outbox,
                       DB_VALUES(db_text(role->city_code), db_text(asked->application_id)), NULL,
                       f)) &&
           decide(tx, role->config, role->name, &decision, 1, f) &&
           settle(role, tx, asked, "withdrawn", f);
}

/* --- a business system may have it ------------------------------------------------------------ */

static char *notice_text(const struct role *role, const struct asked *asked)
{
    char at[INSTANT_TEXT];
    _cleanup_(cleanup_json) json_t *notice = json_pack(
        "{s:s, s:s, s:s, s:s}", "notice", NOTICE, "city_code", role->city_code, "receipt_number",
        asked->receipt_number, "withdrawn_at", instant_text_jst(asked->at, at));
    return json_dumps(notice, JSON_COMPACT | JSON_SORT_KEYS);
}

static bool notice_seal(struct role *role, struct db_tx *tx, const struct asked *asked,
                        struct bytes plain, struct buffer *ret_sealed, struct failure *f)
{
    char context[64];
    struct application_key key;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    snprintf(context, sizeof context, "%s/%s", role->city_code, asked->application_id);
    if (!db_query(tx, &withdrawal_key,
                  DB_VALUES(db_text(role->city_code), db_text(asked->application_id)), &rows, f))
        return false;
    if (db_row_count(rows) != 1)
        return failure_set(f, FAILURE_INPUT, "application %s has no key", asked->application_id);
    if (!application_key_unwrap(role->city_key, context, db_get_bytes(rows, 0, 0), &key, f))
        return false;
    bool done = seal(&key, "item", context, plain, ret_sealed, f);
    application_key_erase(&key);
    return done;
}

static bool tell(struct role *role, struct db_tx *tx, const struct asked *asked,
                 const char *destination, struct failure *f)
{
    uint8_t hash[32];
    _cleanup_(cleanup_buffer) struct buffer sealed = {0};
    _cleanup_(cleanup_text) char *text = notice_text(role, asked);
    sha256(bytes_of_text(text), hash);
    if (!notice_seal(role, tx, asked, bytes_of_text(text), &sealed, f))
        return false;
    const struct outbox_entry entry = {.city_code = role->city_code,
                                       .destination = destination,
                                       .application_id = asked->application_id,
                                       .sealed = buffer_bytes(&sealed),
                                       .sha256 = hash,
                                       .status = NOTICE};
    return outbox_put(tx, &entry, 1, f);
}

/* --- too late --------------------------------------------------------------------------------- */

/* The portal shows 取下げ since the resident asked; it is told again how it really ended, without
 * words when it is forgotten. */
static bool refuse(struct role *role, struct db_tx *tx, const struct asked *asked,
                   struct failure *f)
{
    struct outbox_entry entry = {.city_code = role->city_code,
                                 .destination = OUTBOX_PORTAL,
                                 .application_id = asked->application_id,
                                 .status =
                                     decide_status(role->config, asked->channel, asked->state)};
    if (*entry.status && !asked->forgotten &&
        !message_write(tx, role->city_key, role->city_code, asked->application_id, ACTOR,
                       entry.status, too_late, &entry.message_id, f))
        return false;
    return (!*entry.status || outbox_put(tx, &entry, 1, f)) &&
           settle(role, tx, asked, "too-late", f);
}

/* --- given back ------------------------------------------------------------------------------- */

bool withdrawals_given_back(struct db_tx *tx, const struct decision *decisions, size_t count,
                            struct failure *f)
{
    for (size_t i = 0; i < count; i++) {
        const struct decision *d = &decisions[i];
        if (d->moved && (d->to == STATE_REVIEW || d->to == STATE_CORRECTION) &&
            !db_send(tx, &withdrawal_again,
                     DB_VALUES(db_text(d->city_code), db_text(d->application_id)), -1, f))
            return false;
    }
    return true;
}

/* --- the step --------------------------------------------------------------------------------- */

static bool look_into_outbox(struct role *role, struct db_tx *tx, struct asked *asked,
                             struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *where = NULL, *waits = NULL;
    const struct db_value city = db_text(role->city_code);
    const struct db_value application = db_text(asked->application_id);
    if (!db_query(tx, &withdrawal_where, DB_VALUES(city, application), &where, f))
        return false;
    if (db_row_count(where) == 0)
        return true;
    const struct claim_place place = {.city_code = role->city_code,
                                      .destination = db_get_text(where, 0, 0)};
    if (!claim_lock(tx, &place, f) ||
        !db_query(tx, &withdrawal_waits, DB_VALUES(city, application, db_text(place.destination)),
                  &waits, f))
        return false;
    if (db_row_count(waits) == 0)
        return true;
    snprintf(asked->waits_for, sizeof asked->waits_for, "%s", place.destination);
    asked->fetched = db_get_boolean(waits, 0, 0);
    return true;
}

static bool settle_one(struct role *role, struct db_tx *tx, struct asked *asked, struct failure *f)
{
    if (asked->state == STATE_WITHDRAWN)
        return settle(role, tx, asked, "withdrawn", f);
    if (state_final(asked->state))
        return refuse(role, tx, asked, f);
    if (asked->state == STATE_ROUTED && !look_into_outbox(role, tx, asked, f))
        return false;
    bool out = asked->fetched || asked->state == STATE_RECEIVED;
    const char *whom = asked->forgotten ? NULL
                       : asked->fetched ? asked->waits_for
                                        : asked->delivered_to;
    if (out && whom)
        return tell(role, tx, asked, whom, f) && settle(role, tx, asked, "told-destination", f);
    if (out)
        return refuse(role, tx, asked, f);
    /* What it asked the resident to correct, or lost, it hears of, too. */
    return (!whom || tell(role, tx, asked, whom, f)) && end(role, tx, asked, f);
}

static bool asked_read(const struct db_rows *rows, size_t i, struct asked *ret, struct failure *f)
{
    *ret = (struct asked){.application_id = db_get_text(rows, i, 0),
                          .version = (int)db_get_number(rows, i, 2),
                          .channel = db_get_text(rows, i, 3),
                          .receipt_number = db_get_text(rows, i, 4),
                          .at = db_get_instant(rows, i, 5),
                          .asked_by = db_get_text(rows, i, 6),
                          .delivered_to = db_get_text(rows, i, 7),
                          .forgotten = db_get_boolean(rows, i, 8)};
    return state_from_code(db_get_text(rows, i, 1), &ret->state) ||
           failure_set(f, FAILURE_DATABASE,
                       "an application is in a state that this program does not know: use the "
                       "newer one");
}

struct settling {
    struct role *role;
    size_t count;
};

static bool settle_all(struct db_tx *tx, void *context, struct failure *f)
{
    struct settling *s = context;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &withdrawals_find, DB_VALUES(db_text(s->role->city_code)), &rows, f))
        return false;
    s->count = db_row_count(rows);
    for (size_t i = 0; i < s->count; i++) {
        struct asked asked;
        if (!asked_read(rows, i, &asked, f) || !settle_one(s->role, tx, &asked, f))
            return false;
    }
    return true;
}

enum work_result withdrawal_step(void *context, struct failure *f)
{
    struct settling settling = {.role = context};
    if (!db_transaction(settling.role->db, settle_all, &settling, f))
        return WORK_FAILED;
    return settling.count ? WORK_DONE : WORK_IDLE;
}
