/* What a feed that stood its checks changes, set by set. */
#include "intake/registry/change.h"
#include "intake/registry/import_internal.h"

static const struct db_statement change_everything = {
    "registry_change_everything",
    "INSERT INTO registry_change (city_code, import_id) VALUES ($1, $2)"};

bool import_count(struct db_tx *tx, const struct db_statement *statement,
                  const struct db_value *values, size_t count, int64_t *ret_first,
                  int64_t *ret_second, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, statement, values, count, &rows, f))
        return false;
    *ret_first = db_get_number(rows, 0, 0);
    if (ret_second)
        *ret_second = db_get_number(rows, 0, 1);
    return true;
}

bool import_weigh(struct db_tx *tx, struct import *import, struct failure *f)
{
    const struct import_statements *s = import_statements(import);
    struct registry_import_result *result = &import->result;
    const struct db_value city = db_text(import->options->city_code),
                          source = db_text(import->feed->source),
                          as_of = db_instant(import->feed->as_of);
    import_tell(import, "comparing with what is there");
    if (import->feed->full &&
        !import_count(tx, &s->before, DB_VALUES(city, source, as_of, db_null()), &result->before,
                      NULL, f))
        return false;
    int64_t left;
    if (!db_execute(tx, &s->gone_table, DB_NO_VALUES, NULL, f) ||
        !db_execute(tx, import->feed->full ? &s->gone_full : &s->gone_differential,
                    DB_VALUES(city, source, as_of), &result->removed, f) ||
        !db_execute(tx, &s->sweep, DB_NO_VALUES, NULL, f) ||
        !db_execute(tx, &s->same, DB_VALUES(city, source), NULL, f) ||
        !import_count(tx, &s->count, DB_VALUES(city), &left, &result->changed, f))
        return false;
    result->added = left - result->changed;
    return result->changed == 0 ||
           import_count(tx, &s->ended, DB_VALUES(city, as_of), &result->ended, &result->lifted, f);
}

static bool change_note(struct db_tx *tx, struct import *import, struct failure *f)
{
    const struct registry_import_result *result = &import->result;
    int64_t changes = result->added + result->changed + result->removed;
    const struct db_statement *statement = changes == 0 || changes > REGISTRY_CHANGES_MOST
                                               ? &change_everything
                                               : &import_statements(import)->change;
    return db_execute(tx, statement,
                      DB_VALUES(db_text(import->options->city_code), db_number(result->import_id)),
                      NULL, f);
}

bool import_merge(struct db_tx *tx, struct import *import, struct failure *f)
{
    const struct import_statements *s = import_statements(import);
    const struct registry_import_result *result = &import->result;
    const struct db_value city = db_text(import->options->city_code),
                          source = db_text(import->feed->source),
                          as_of = db_instant(import->feed->as_of),
                          id = db_number(result->import_id);
    if (result->added + result->changed + result->removed == 0)
        /* That all links are as they were is news for whom they were too old for. */
        return import->feed->kind != FEED_LINKS || change_note(tx, import, f);
    import_tell(import, "writing what changed");
    if (result->changed + result->removed &&
        (!db_execute(tx, &s->past, DB_VALUES(city, as_of, id), NULL, f) ||
         !db_execute(tx, &s->replace, DB_VALUES(city), NULL, f) ||
         (s->close.sql && !db_execute(tx, &s->close, DB_VALUES(city, as_of, id), NULL, f))))
        return false;
    if (result->removed && !db_execute(tx, &s->remove, DB_VALUES(city, as_of), NULL, f))
        return false;
    bool inserted = import->feed->kind == FEED_LINKS
                        ? db_execute(tx, &s->insert, DB_VALUES(city, source, id), NULL, f)
                        : db_execute(tx, &s->insert, DB_VALUES(city, source, id, as_of), NULL, f);
    return inserted && change_note(tx, import, f);
}
