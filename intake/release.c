#include "intake/release.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/text.h"

static const struct db_statement approvals_count = {
    "approvals_count", "SELECT count(*), coalesce(bool_or(superior), false) FROM approval"
                       " WHERE city_code = $1 AND application_id = $2::uuid AND sha256 = $3"};
static const struct db_statement review_upsert = {
    "review_upsert",
    "INSERT INTO review (city_code, application_id, asked_at, sha256, destination, demands,"
    " persons, superior) VALUES ($1, $2::uuid, $3, $4, $5, $6, $7, $8) "
    "ON CONFLICT (city_code, application_id) DO UPDATE SET asked_at = excluded.asked_at,"
    " sha256 = excluded.sha256, destination = excluded.destination, demands = excluded.demands,"
    " persons = excluded.persons, superior = excluded.superior"};

/* From the gravest to the least. */
static const struct {
    enum release_demand demand;
    const char *name, *reason;
} demand_names[] = {
    {RELEASE_PROTECTED, "protected", "review-protected"},
    {RELEASE_CORRECTION, "correction", "review-correction"},
    {RELEASE_ROUTE, "route", "review-route"},
    {RELEASE_FINDING, "finding", "review-finding"},
};
#define DEMAND_COUNT (sizeof demand_names / sizeof demand_names[0])

bool release_has_finding(const json_t *report)
{
    size_t i;
    json_t *finding;
    json_array_foreach (json_object_get(report, "findings"), i, finding) {
        const char *severity = json_string_value(json_object_get(finding, "severity"));
        if (severity && strcmp(severity, "review") == 0)
            return true;
    }
    return false;
}

static char *demands_text(unsigned demands)
{
    struct buffer text = {0};
    for (size_t i = 0; i < DEMAND_COUNT; i++)
        if (demands & demand_names[i].demand)
            buffer_format(&text, "%s%s", text.length ? " " : "", demand_names[i].name);
    return text.data ? (char *)text.data : text_copy("");
}

void release_make(const json_t *record, const char *atenabango, int64_t undone,
                  const struct route *route, unsigned demands, struct release *ret_release)
{
    _cleanup_(cleanup_text) char *why = demands_text(demands);
    bool checked = demands & RELEASE_ROUTE && (route->checkers || route->superior);
    _cleanup_(cleanup_json) json_t *all =
        json_pack("{s:O, s:s, s:s, s:s}", "record", record, "atenabango", atenabango, "destination",
                  route->destination, "demands", why);
    if (undone) /* else the hash is what it was before this could be */
        json_object_set_new(all, "undone", json_integer(undone));
    if (checked) /* who approved it as another rule was did so alone */
        json_object_set_new(all, "people",
                            json_pack("[i, b]", route->checkers, (int)route->superior));
    char *text = json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS);
    if (!text)
        abort(); /* strings that are not UTF-8: all have passed our own checks */
    ret_release->demands = demands;
    ret_release->persons = !demands ? 0 : demands & RELEASE_PROTECTED ? 2 : 1;
    if (checked && route->checkers + 1 > ret_release->persons)
        ret_release->persons = route->checkers + 1;
    ret_release->superior = checked && route->superior;
    sha256(bytes_of_text(text), ret_release->sha256);
    OPENSSL_cleanse(text, strlen(text));
    free(text);
}

const char *release_reason(const struct release *release)
{
    for (size_t i = 0; i < DEMAND_COUNT; i++)
        if (release->demands & demand_names[i].demand)
            return demand_names[i].reason;
    return NULL;
}

bool release_approved(struct db_tx *tx, const struct work_item *item, const struct release *release,
                      bool *ret_approved, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (release->persons == 0) {
        *ret_approved = true;
        return true;
    }
    if (!db_query(tx, &approvals_count,
                  DB_VALUES(db_text(item->city_code), db_text(item->application_id),
                            db_bytes(bytes_of(release->sha256, 32))),
                  &rows, f))
        return false;
    *ret_approved = db_get_number(rows, 0, 0) >= release->persons &&
                    (!release->superior || db_get_boolean(rows, 0, 1));
    return true;
}

bool release_ask(struct db_tx *tx, const struct work_item *item, const struct release *release,
                 const char *destination, struct failure *f)
{
    _cleanup_(cleanup_text) char *why = demands_text(release->demands);
    return db_send(tx, &review_upsert,
                   DB_VALUES(db_text(item->city_code), db_text(item->application_id),
                             db_instant(clock_now()), db_bytes(bytes_of(release->sha256, 32)),
                             db_text(destination), db_text(why), db_number(release->persons),
                             db_boolean(release->superior)),
                   1, f);
}
