#include "intake/ocsp_health.h"

#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "intake/examine.h"

static const struct db_statement health_put = {
    "ocsp_health_put",
    "INSERT INTO ocsp_health AS h (city_code, url, machine, asked_at, answered_at, resting)"
    " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (city_code, url, machine) DO UPDATE"
    " SET asked_at = excluded.asked_at, resting = excluded.resting,"
    " answered_at = greatest(h.answered_at, excluded.answered_at)"};
const struct db_statement ocsp_health_find = {
    "ocsp_health_find", "SELECT url, max(asked_at), max(answered_at), bool_or(resting)"
                        " FROM ocsp_health WHERE city_code = $1 GROUP BY url"};

/* --- keeping ------------------------------------------------------------------------------------
 */

struct keeping {
    const char *city_code;
    struct ocsp_answering responders[OCSP_RESPONDERS_MAX];
    size_t count;
};

static bool keep_work(struct db_tx *tx, void *context, struct failure *f)
{
    const struct keeping *k = context;
    char machine[256] = "";
    gethostname(machine, sizeof machine - 1);
    for (size_t i = 0; i < k->count; i++) {
        const struct ocsp_answering *one = &k->responders[i];
        if (one->asked_at &&
            !db_send(tx, &health_put,
                     DB_VALUES(db_text(k->city_code), db_text(one->url), db_text(machine),
                               db_instant(one->asked_at),
                               one->answered_at ? db_instant(one->answered_at) : db_null(),
                               db_boolean(one->resting)),
                     1, f))
            return false;
    }
    return true;
}

void ocsp_health_keep(struct ocsp_health *health, struct db *db, const char *city_code,
                      const struct ocsp_client *client)
{
    struct failure f = {0};
    struct keeping k = {.city_code = city_code};
    int64_t now = clock_monotonic();
    bool asked = false, turned = false;
    k.count = client ? ocsp_client_answering(client, k.responders) : 0;
    for (size_t i = 0; i < k.count; i++) {
        asked |= k.responders[i].asked_at != 0;
        turned |= k.responders[i].resting != health->resting[i];
    }
    if (!asked || (!turned && health->kept_at && now - health->kept_at < OCSP_HEALTH_EVERY))
        return;
    if (!db_transaction_relaxed(db, keep_work, &k, &f))
        log_failure("ocsp.health", &f);
    for (size_t i = 0; i < k.count; i++)
        health->resting[i] = k.responders[i].resting;
    health->kept_at = now;
}

/* --- telling ------------------------------------------------------------------------------------
 */

static json_t *time_json(instant at)
{
    char text[INSTANT_TEXT];
    return at ? json_string(instant_text_jst(at, text)) : json_null();
}

json_t *ocsp_health_json(const struct db_rows *rows, const struct config *config)
{
    const struct config_group *group = config_group(config, revocation_config_section.name);
    size_t count = config_list_length(group, "ocsp-url");
    json_t *list = json_array();
    if (count == 0 || strcmp(config_text(group, "method"), "crl-only") == 0) {
        json_decref(list);
        return json_null();
    }
    for (size_t i = 0; i < count; i++) {
        size_t row = 0;
        while (row < db_row_count(rows) &&
               strcmp(db_get_text(rows, row, 0), config_list_item(group, "ocsp-url", i)) != 0)
            row++;
        bool any = row < db_row_count(rows);
        json_array_append_new(
            list, json_pack("{s:I, s:o, s:o, s:b}", "responder", (json_int_t)i + 1, "asked",
                            time_json(any ? db_get_instant(rows, row, 1) : 0), "answered",
                            time_json(any ? db_get_instant(rows, row, 2) : 0), "resting",
                            any && db_get_boolean(rows, row, 3)));
    }
    return list;
}
