#include "intake/console/names.h"

#include <pthread.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"

static const struct db_statement select_names = {
    "names", "SELECT 'staff:' || name, display_name FROM account WHERE city_code = $1"};

struct names {
    struct db *db;
    const char *city_code;
    pthread_mutex_t mutex;
    json_t *known; /* NULL before the first time */
    int64_t read_at;
};

struct names *names_new(struct db *db, const char *city_code)
{
    struct names *names = memory_allocate(sizeof *names);
    *names = (struct names){.db = db, .city_code = city_code};
    pthread_mutex_init(&names->mutex, NULL);
    return names;
}

void names_free(struct names *names)
{
    if (!names)
        return;
    json_decref(names->known);
    pthread_mutex_destroy(&names->mutex);
    free(names);
}

/* Nobody waits for a database behind the lock: two may look at the same time. */
static bool refresh(struct names *names, struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_look(names->db,
                 DB_QUESTIONS({&select_names, DB_VALUES(db_text(names->city_code)), &rows}), f))
        return false;
    json_t *known = json_object();
    for (size_t row = 0; row < db_row_count(rows); row++)
        json_object_set_new(known, db_get_text(rows, row, 0),
                            json_string(db_get_text(rows, row, 1)));
    pthread_mutex_lock(&names->mutex);
    json_decref(names->known);
    names->known = known;
    names->read_at = clock_monotonic();
    pthread_mutex_unlock(&names->mutex);
    return true;
}

static void collect(const json_t *known, const json_t *value, json_t *found)
{
    const char *key, *text = json_string_value(value);
    const json_t *member;
    size_t i;
    if (text && strncmp(text, "staff:", 6) == 0) {
        const char *name = json_string_value(json_object_get(known, text));
        if (name)
            json_object_set_new(found, text, json_string(name));
    }
    json_array_foreach (value, i, member)
        collect(known, member, found);
    json_object_foreach ((json_t *)value, key, member)
        collect(known, member, found);
}

static bool find(struct names *names, const json_t *answer, json_t *found, struct failure *f)
{
    pthread_mutex_lock(&names->mutex);
    bool fresh = names->known && clock_monotonic() - names->read_at < NAMES_EVERY;
    pthread_mutex_unlock(&names->mutex);
    if (!fresh && !refresh(names, f))
        return false;
    pthread_mutex_lock(&names->mutex);
    collect(names->known, answer, found);
    pthread_mutex_unlock(&names->mutex);
    return true;
}

enum http_flow names_reply(const struct console_context *context, struct http_request *request,
                           unsigned status, json_t *stolen)
{
    struct failure f = {0};
    _cleanup_(cleanup_json) json_t *answer = stolen;
    json_t *found = json_object();
    bool done = find(context->names, answer, found, &f);
    json_object_set_new(answer, "names", found);
    return done ? http_reply_json(request, status, TAKE(answer))
                : console_reply_failure(request, &f);
}
