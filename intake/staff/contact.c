#include "intake/staff/contact.h"

#include <string.h>

#include "base/audit.h"
#include "base/cleanup.h"
#include "routing/message.h"

#define PURPOSE "note"

static const struct db_statement contact_insert = {
    "contact_insert", "INSERT INTO contact_note (city_code, application_id, at, written_by, way,"
                      " sealed) VALUES ($1, $2::uuid, $3, $4, $5, $6)"};
const struct db_statement contact_select = {
    "contact_select", "SELECT n.at, n.written_by, n.way, n.sealed, k.wrapped FROM contact_note n"
                      " JOIN application_key k USING (city_code, application_id) "
                      "WHERE n.city_code = $1 AND n.application_id = $2::uuid ORDER BY n.note_id"};

bool contact_way_known(const char *way)
{
    static const char *const ways[] = {"phone", "counter", "letter", "mail", "inside", "other"};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (strcmp(ways[i], way) == 0)
            return true;
    return false;
}

bool contact_write(struct db_tx *tx, const struct staff_act *act, const char *way,
                   const char *words, struct failure *f)
{
    const struct audit_entry entry = {.action = "staff.contact",
                                      .actor = act->who,
                                      .terminal = act->terminal,
                                      .city_code = act->city_code,
                                      .application_id = act->application_id};
    _cleanup_(cleanup_buffer) struct buffer sealed = {0};
    return words_seal(tx, act->city_key, act->city_code, act->application_id, PURPOSE, words,
                      &sealed, f) &&
           db_execute(tx, &contact_insert,
                      DB_VALUES(db_text(act->city_code), db_text(act->application_id),
                                db_instant(clock_now()), db_text(act->who), db_text(way),
                                db_bytes(buffer_bytes(&sealed))),
                      NULL, f) &&
           audit_append(tx, STAFF_CHAIN, &entry, 1, f);
}

static bool one_read(const struct db_rows *rows, size_t row, const struct city_key *city_key,
                     const char *city_code, const char *application_id, json_t *list,
                     struct failure *f)
{
    char at[INSTANT_TEXT];
    _cleanup_(cleanup_secret_buffer) struct buffer text = {0};
    if (!words_unseal(city_key, city_code, application_id, PURPOSE, db_get_bytes(rows, row, 4),
                      db_get_bytes(rows, row, 3), &text, f))
        return false;
    json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "at",
                                          instant_text_jst(db_get_instant(rows, row, 0), at), "by",
                                          db_get_text(rows, row, 1), "way",
                                          db_get_text(rows, row, 2), "text", buffer_text(&text)));
    return true;
}

bool contact_list(const struct db_rows *rows, const struct city_key *city_key,
                  const char *city_code, const char *application_id, json_t **ret_list,
                  struct failure *f)
{
    _cleanup_(cleanup_json) json_t *list = json_array();
    for (size_t row = 0; row < db_row_count(rows); row++)
        if (!one_read(rows, row, city_key, city_code, application_id, list, f))
            return false;
    *ret_list = TAKE(list);
    return true;
}
