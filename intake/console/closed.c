#include "intake/console/closed.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

struct closed {
    struct db *db;
    const char *city_code;
    pthread_mutex_t mutex;
    struct holidays holidays;
    bool known;
    int64_t read_at;
};

struct closed *closed_new(struct db *db, const char *city_code)
{
    struct closed *closed = memory_allocate(sizeof *closed);
    *closed = (struct closed){.db = db, .city_code = city_code};
    pthread_mutex_init(&closed->mutex, NULL);
    return closed;
}

void closed_free(struct closed *closed)
{
    if (!closed)
        return;
    holidays_free(&closed->holidays);
    pthread_mutex_destroy(&closed->mutex);
    free(closed);
}

static struct holidays copy_of(const struct holidays *from)
{
    struct holidays copy = {memory_allocate((from->count + 1) * sizeof *copy.days), from->count};
    if (from->count)
        memcpy(copy.days, from->days, from->count * sizeof *copy.days);
    return copy;
}

/* Nobody waits for a database behind the lock: two may look at the same time. */
static bool refresh(struct closed *closed, struct failure *f)
{
    struct holidays found;
    if (!holidays_look(closed->db, closed->city_code, &found, f))
        return false;
    pthread_mutex_lock(&closed->mutex);
    holidays_free(&closed->holidays);
    closed->holidays = found;
    closed->known = true;
    closed->read_at = clock_monotonic();
    pthread_mutex_unlock(&closed->mutex);
    return true;
}

bool closed_read(struct closed *closed, struct holidays *ret_holidays, struct failure *f)
{
    pthread_mutex_lock(&closed->mutex);
    bool fresh = closed->known && clock_monotonic() - closed->read_at < CLOSED_EVERY;
    pthread_mutex_unlock(&closed->mutex);
    if (!fresh && !refresh(closed, f))
        return false;
    pthread_mutex_lock(&closed->mutex);
    *ret_holidays = copy_of(&closed->holidays);
    pthread_mutex_unlock(&closed->mutex);
    return true;
}
