#include "intake/console/slow.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct slow {
    pthread_mutex_t mutex;
    struct {
        bool taken;
        uint8_t session[32];
    } places[SLOW_MOST];
};

struct slow *slow_new(void)
{
    struct slow *slow = memory_allocate(sizeof *slow);
    pthread_mutex_init(&slow->mutex, NULL);
    return slow;
}

void slow_free(struct slow *slow)
{
    if (slow)
        pthread_mutex_destroy(&slow->mutex);
    free(slow);
}

bool slow_begin(struct slow *slow, const uint8_t session[32], unsigned *ret_place)
{
    unsigned free_place = SLOW_MOST;
    bool another = false;
    pthread_mutex_lock(&slow->mutex);
    for (unsigned i = 0; i < SLOW_MOST; i++)
        if (!slow->places[i].taken)
            free_place = i;
        else
            another |= memcmp(slow->places[i].session, session, 32) == 0;
    bool begins = free_place < SLOW_MOST && !another;
    if (begins) {
        slow->places[free_place].taken = true;
        memcpy(slow->places[free_place].session, session, 32);
        *ret_place = free_place;
    }
    pthread_mutex_unlock(&slow->mutex);
    return begins;
}

void slow_end(struct slow *slow, unsigned place)
{
    pthread_mutex_lock(&slow->mutex);
    slow->places[place].taken = false;
    pthread_mutex_unlock(&slow->mutex);
}

enum http_flow slow_reply_busy(struct http_request *request)
{
    http_reply_header(request, "Retry-After", "1");
    return http_reply_error(request, 429, "E0106",
                            "ほかの処理で混み合っています。少し待って、もう一度お試しください。");
}
