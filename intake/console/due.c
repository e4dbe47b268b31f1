#include "intake/console/due.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "intake/console/administer.h"
#include "intake/console/sign_in_internal.h"

#define LOOK_EVERY 60 /* seconds */

static const struct db_statement apply = {"change_apply_due", "SELECT change_apply_due($1)::text"};

struct due {
    struct db *db;
    const char *city_code;
    pthread_mutex_t mutex; /* over `stopping` */
    pthread_cond_t stop;
    bool stopping;
    pthread_t thread;
};

static bool apply_work(struct db_tx *tx, void *context, struct failure *f)
{
    const struct due *due = context;
    const struct administrator who = {
        .city_code = due->city_code, .by = "role:console", .chain = CONSOLE_CHAIN};
    size_t i;
    json_t *one;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &apply, DB_VALUES(db_text(due->city_code)), &rows, f))
        return false;
    _cleanup_(cleanup_json) json_t *done = json_read(bytes_of_text(db_get_text(rows, 0, 0)));
    json_array_foreach (done, i, one) {
        const char *state = json_string_value(json_object_get(one, "state"));
        json_t *detail =
            json_pack("{s:O, s:O, s:O}", "change", json_object_get(one, "id"), "kind",
                      json_object_get(one, "kind"), "about", json_object_get(one, "subject"));
        _cleanup_(cleanup_text) char *action = text_format("change.%s", state);
        if (!administer_note(tx, &who, action, detail, NULL, f))
            return false;
        if (strcmp(state, "effective") != 0) /* the page tells the administrators, too */
            log_warning("console.not-applied", log_text("why", state),
                        log_number("change", json_integer_value(json_object_get(one, "id"))));
    }
    return true;
}

/* False when it is to end. */
static bool wait_a_while(struct due *due)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += LOOK_EVERY;
    pthread_mutex_lock(&due->mutex);
    int waited = 0;
    while (!due->stopping && waited == 0)
        waited = pthread_cond_clockwait(&due->stop, &due->mutex, CLOCK_MONOTONIC, &until);
    bool on = !due->stopping;
    pthread_mutex_unlock(&due->mutex);
    return on;
}

static void *run(void *context)
{
    struct due *due = context;
    do {
        struct failure f = {0};
        if (!db_transaction(due->db, apply_work, due, &f))
            log_failure("console.due", &f);
    } while (wait_a_while(due));
    return NULL;
}

bool due_start(struct db *db, const char *city_code, struct due **ret_due, struct failure *f)
{
    struct due *due = memory_allocate(sizeof *due);
    *due = (struct due){.db = db, .city_code = city_code};
    pthread_mutex_init(&due->mutex, NULL);
    pthread_cond_init(&due->stop, NULL);
    int error = pthread_create(&due->thread, NULL, run, due);
    if (error) {
        pthread_cond_destroy(&due->stop);
        pthread_mutex_destroy(&due->mutex);
        free(due);
        return failure_set(f, FAILURE_SYSTEM, "no thread for what is due: %s", strerror(error));
    }
    *ret_due = due;
    return true;
}

void due_stop(struct due *due)
{
    if (!due)
        return;
    pthread_mutex_lock(&due->mutex);
    due->stopping = true;
    pthread_cond_signal(&due->stop);
    pthread_mutex_unlock(&due->mutex);
    pthread_join(due->thread, NULL);
    pthread_cond_destroy(&due->stop);
    pthread_mutex_destroy(&due->mutex);
    free(due);
}
