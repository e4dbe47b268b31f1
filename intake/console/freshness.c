#include "intake/console/freshness.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "intake/status.h"

#define LOOK_EVERY (60 * INSTANT_SECOND)

struct freshness {
    pthread_mutex_t lock;
    int64_t looked_at;
    json_t *found; /* NULL: nobody has looked yet */
};

struct freshness *freshness_new(void)
{
    struct freshness *freshness = memory_allocate(sizeof *freshness);
    pthread_mutex_init(&freshness->lock, NULL);
    return freshness;
}

void freshness_free(struct freshness *freshness)
{
    if (!freshness)
        return;
    json_decref(freshness->found);
    pthread_mutex_destroy(&freshness->lock);
    free(freshness);
}

json_t *freshness_read(struct freshness *freshness, const struct config *config)
{
    int64_t now = clock_monotonic();
    pthread_mutex_lock(&freshness->lock);
    if (!freshness->found || now - freshness->looked_at > LOOK_EVERY) {
        json_decref(freshness->found);
        freshness->found = status_revocation(config, clock_now());
        freshness->looked_at = now;
    }
    json_t *found = json_incref(freshness->found);
    pthread_mutex_unlock(&freshness->lock);
    return found;
}
