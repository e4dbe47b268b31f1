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

static const struct db_statement announce = {
    "collect_announce",
    "WITH listed AS ("
    " SELECT * FROM json_to_recordset($3::text::json)"
    "  AS e (r text, a timestamptz, p text, v text, n bigint, h text)),"
    "new AS ("
    " INSERT INTO application (city_code, channel, receipt_number, changed_by, applied_at,"
    "  procedure_id, form_version, promised_size, promised_sha256)"
    " SELECT $1::text, $2::text, r, 'role:collect', a, p, v, n, decode(h, 'hex') FROM listed"
    " WHERE NOT EXISTS (SELECT FROM application AS known WHERE known.city_code = $1::text"
    "  AND known.channel = $2::text AND known.receipt_number = listed.r)"
    " ON CONFLICT (city_code, channel, receipt_number) DO NOTHING"
    " RETURNING city_code, application_id),"
    "queued AS ("
    " INSERT INTO work (city_code, application_id, stage)"
    " SELECT city_code, application_id, 'collect' FROM new)"
    "SELECT (SELECT count(*) FROM new), count(*), min(l.r) FROM listed l JOIN application a"
    " ON a.city_code = $1::text AND a.channel = $2::text AND a.receipt_number = l.r"
    " WHERE encode(a.promised_sha256, 'hex') <> l.h"};

struct page {
    const char *city_code, *channel, *entries;
    int64_t announced, changed;
    char changed_first[65];
};

static json_t *entry_to_json(const struct portal_entry *entry)
{
    char at[INSTANT_TEXT];
    return json_pack("{s:s s:s s:s s:s s:I s:s}", "r", entry->receipt_number, "a",
                     instant_text_jst(entry->applied_at, at), "p", entry->procedure_id, "v",
                     entry->form_version, "n", (json_int_t)entry->size, "h", entry->sha256);
}

static bool announce_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct page *page = context;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(
            tx, &announce,
            DB_VALUES(db_text(page->city_code), db_text(page->channel), db_text(page->entries)),
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

bool channel_list(struct role *role, struct channel *channel, struct failure *f)
{
    _cleanup_(cleanup_entries) struct portal_entry *entries =
        memory_allocate(PAGE_ENTRIES * sizeof(*entries));
    char cursor[129] = "";
    int64_t announced = 0;
    for (int page = 0; page < PAGES_MOST && !process_stopping(); page++) {
        size_t count = 0, left_out = 0;
        if (!portal_list(channel->portal, cursor, entries, PAGE_ENTRIES, &count, &left_out, f) ||
            !announce_page(role, channel, entries, count, &announced, f))
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
