#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/metrics.h"
#include "intake/collect_internal.h"

/* Entries a page, and pages a listing: what does not fit is listed the next time, since what was
 * stored by then is listed no more. */
#define PAGE_ENTRIES 500
#define PAGES_MOST   1000

DEFINE_CLEANUP(cleanup_entries, struct portal_entry *, free)

static struct metric announced_total = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_applications_announced_total",
    .help = "Applications seen in the portal's list for the first time.",
};
static struct metric left_out_total = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_portal_entries_left_out_total",
    .help = "Entries of the portal's list that are not what they should be, or another city's, "
            "counted at every listing.",
};

static struct metric changed_total = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_portal_changed_entries_total",
    .help = "Entries that promise another package than when they were first listed, counted at "
            "every listing.",
};

/* What was taken back before it was ever listed is known, and withdrawn; its package is not asked
 * for. OFFSET 0: each entry is looked up by the index, whatever the planner thinks of the table:
 * one that was never analyzed was read whole for each entry, half a minute a page at 16,000. */
static const struct db_statement announce = {
    "collect_announce",
    "WITH listed AS ("
    " SELECT * FROM json_to_recordset($3::text::json)"
    "  AS e (r text, a timestamptz, p text, v text, n bigint, h text, c text, w boolean)),"
    "new AS ("
    " INSERT INTO application (city_code, channel, receipt_number, changed_by, applied_at,"
    "  procedure_id, form_version, promised_size, promised_sha256, corrects)"
    " SELECT $1::text, $2::text, r, 'role:collect', a, p, v, n, decode(h, 'hex'), c FROM listed"
    " WHERE NOT EXISTS (SELECT FROM application AS known WHERE known.city_code = $1::text"
    "  AND known.channel = $2::text AND known.receipt_number = listed.r OFFSET 0)"
    " ON CONFLICT (city_code, channel, receipt_number) DO NOTHING"
    " RETURNING city_code, application_id, receipt_number),"
    "queued AS ("
    " INSERT INTO work (city_code, application_id, stage)"
    " SELECT city_code, application_id, 'collect' FROM new JOIN listed ON r = receipt_number"
    " WHERE NOT w),"
    "withdrawn AS ("
    " INSERT INTO withdrawal (city_code, application_id, asked_at, asked_by)"
    " SELECT city_code, application_id, $4, 'portal' FROM new JOIN listed ON r = receipt_number"
    " WHERE w RETURNING application_id)"
    "SELECT (SELECT count(*) FROM new), count(*), min(l.r),"
    " (SELECT CASE WHEN count(*) > 0 THEN pg_notify('work_route', '') END FROM withdrawn)"
    " FROM listed l CROSS JOIN LATERAL (SELECT a.promised_sha256 FROM application a"
    "  WHERE a.city_code = $1::text AND a.channel = $2::text AND a.receipt_number = l.r OFFSET 0) a"
    " WHERE encode(a.promised_sha256, 'hex') <> l.h"};

struct page {
    const char *city_code, *channel, *entries;
    int64_t announced, changed;
    char changed_first[65];
};

static json_t *entry_to_json(const struct portal_entry *entry)
{
    char at[INSTANT_TEXT];
    return json_pack("{s:s s:s s:s s:s s:I s:s s:s* s:b}", "r", entry->receipt_number, "a",
                     instant_text_jst(entry->applied_at, at), "p", entry->procedure_id, "v",
                     entry->form_version, "n", (json_int_t)entry->size, "h", entry->sha256, "c",
                     *entry->corrects ? entry->corrects : NULL, "w", entry->withdrawn);
}

static bool announce_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct page *page = context;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &announce,
                  DB_VALUES(db_text(page->city_code), db_text(page->channel),
                            db_text(page->entries), db_instant(clock_now())),
                  &rows, f))
        return false;
    const char *first = db_get_text(rows, 0, 2);
    page->announced = db_get_number(rows, 0, 0);
    page->changed = db_get_number(rows, 0, 1);
    snprintf(page->changed_first, sizeof page->changed_first, "%s", first ? first : "");
    return true;
}

/* The first promise stands: what was stored by it must not be replaced behind our back. But another
 * application under a number that is taken already would be lost unless somebody is told. */
static void tell_changed(const struct page *page)
{
    metric_add(&changed_total, NULL, page->changed);
    if (page->changed)
        log_warning("portal.promise-changed", log_text("channel", page->channel),
                    log_number("count", page->changed),
                    log_text("first_receipt_number", page->changed_first));
}

static bool announce_page(struct role *role, const struct channel *channel,
                          const struct portal_entry *entries, size_t count, int64_t *announced,
                          struct failure *f)
{
    if (count == 0)
        return true;
    _cleanup_(cleanup_json) json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, entry_to_json(&entries[i]));
    _cleanup_(cleanup_text) char *text = json_dumps(list, JSON_COMPACT);
    struct page page = {role->city_code, channel->name, text, 0, 0, ""};
    if (!db_transaction(role->db, announce_work, &page, f))
        return false;
    *announced += page.announced;
    tell_changed(&page);
    return true;
}

/* Drops what is older; how many are left. */
static size_t keep_since(struct portal_entry *entries, size_t count, instant since)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (entries[i].applied_at >= since)
            entries[kept++] = entries[i];
    return kept;
}

bool channel_list(struct role *role, struct channel *channel, const char *status, instant since,
                  struct failure *f)
{
    _cleanup_(cleanup_entries) struct portal_entry *entries =
        memory_allocate(PAGE_ENTRIES * sizeof(*entries));
    char cursor[129] = "";
    int64_t announced = 0;
    /* of what was stored before, all is listed each time: there is no next time for the rest */
    for (int page = 0; (page < PAGES_MOST || since) && !process_stopping(); page++) {
        size_t count = 0, left_out = 0;
        if (!portal_list(channel->portal, status, cursor, entries, PAGE_ENTRIES, &count, &left_out,
                         f) ||
            !announce_page(role, channel, entries, keep_since(entries, count, since), &announced,
                           f))
            return false;
        if (left_out)
            metric_add(&left_out_total, NULL, (int64_t)left_out);
        if (!*cursor)
            break;
    }
    metric_add(&announced_total, NULL, announced);
    if (announced)
        log_info("applications.announced", log_text("channel", channel->name),
                 log_number("count", announced));
    return true;
}

/* --- withdrawals ------------------------------------------------------------------------------ */

/* Of what is known here; asked for again and again until the portal is answered. The role routing
 * settles it (intake/withdrawal.h). */
static const struct db_statement withdrawals_note = {
    "collect_withdrawals",
    "WITH new AS ("
    " INSERT INTO withdrawal (city_code, application_id, asked_at, asked_by)"
    " SELECT a.city_code, a.application_id, l.at, 'portal'"
    " FROM unnest($3::text[], $4::timestamptz[]) AS l (receipt, at) JOIN application a"
    "  ON a.city_code = $1::text AND a.channel = $2::text AND a.receipt_number = l.receipt"
    " ON CONFLICT DO NOTHING RETURNING application_id)"
    "SELECT count(*), CASE WHEN count(*) > 0 THEN pg_notify('work_route', '') END FROM new"};

struct noting {
    const struct role *role;
    const struct channel *channel;
    const char *receipts[PAGE_ENTRIES], *times[PAGE_ENTRIES];
    char texts[PAGE_ENTRIES][INSTANT_TEXT];
    size_t count;
    int64_t added;
};

static bool note_withdrawals(struct db_tx *tx, void *context, struct failure *f)
{
    struct noting *n = context;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &withdrawals_note,
                  DB_VALUES(db_text(n->role->city_code), db_text(n->channel->name),
                            db_texts(n->receipts, n->count), db_texts(n->times, n->count)),
                  &rows, f))
        return false;
    n->added = db_get_number(rows, 0, 0);
    return true;
}

static bool withdrawals_page(struct noting *n, char cursor[129],
                             struct portal_withdrawal *withdrawals, struct failure *f)
{
    if (!portal_list_withdrawals(n->channel->portal, cursor, withdrawals, PAGE_ENTRIES, &n->count,
                                 f))
        return false;
    for (size_t i = 0; i < n->count; i++) {
        n->receipts[i] = withdrawals[i].receipt_number;
        n->times[i] = instant_text_jst(withdrawals[i].at, n->texts[i]);
    }
    n->added = 0;
    if (n->count && !db_transaction(n->role->db, note_withdrawals, n, f))
        return false;
    if (n->added)
        log_info("applications.withdrawn", log_text("channel", n->channel->name),
                 log_number("count", n->added));
    return true;
}

bool channel_list_withdrawals(struct role *role, struct channel *channel, struct failure *f)
{
    struct noting *n = memory_allocate(sizeof *n);
    struct portal_withdrawal *withdrawals = memory_allocate(PAGE_ENTRIES * sizeof *withdrawals);
    char cursor[129] = "";
    bool good = true;
    *n = (struct noting){.role = role, .channel = channel};
    for (int page = 0; good && page < PAGES_MOST && !process_stopping(); page++) {
        good = withdrawals_page(n, cursor, withdrawals, f);
        if (!*cursor)
            break;
    }
    free(withdrawals);
    free(n);
    return good;
}
