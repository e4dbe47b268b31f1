#include "base/rate.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/bytes.h"

#define SLOTS  4096 /* a power of two */
#define PROBES 8

struct slot {     /* all zero: free */
    uint64_t key; /* hash of it: who collides shares a bucket */
    double left;
    int64_t at;
};

struct rate {
    pthread_mutex_t mutex;
    double per_second, burst;
    uint64_t seed; /* nobody outside can choose keys that collide */
    struct slot slots[SLOTS];
};

struct rate *rate_new(double per_second, double burst)
{
    struct rate *rate = memory_allocate(sizeof *rate);
    pthread_mutex_init(&rate->mutex, NULL);
    rate->per_second = per_second;
    rate->burst = burst < 1 ? 1 : burst;
    if (getrandom(&rate->seed, sizeof rate->seed, 0) != sizeof rate->seed)
        rate->seed = (uint64_t)clock_monotonic();
    return rate;
}

void rate_free(struct rate *rate)
{
    if (!rate)
        return;
    pthread_mutex_destroy(&rate->mutex);
    free(rate);
}

/* FNV-1a, seeded and mixed (splitmix64); never 0. */
static uint64_t hash_of(const struct rate *rate, const char *key)
{
    uint64_t h = 0xcbf29ce484222325u ^ rate->seed;
    for (; *key; key++)
        h = (h ^ (unsigned char)*key) * 0x100000001b3u;
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
    return h ? h : 1;
}

static double left_at(const struct rate *rate, const struct slot *slot, int64_t now)
{
    double left = slot->left + (double)(now - slot->at) / INSTANT_SECOND * rate->per_second;
    return left < rate->burst ? left : rate->burst;
}

/* The key's slot, or the one among its places that can be spared the easiest. */
static struct slot *slot_of(struct rate *rate, uint64_t key, int64_t now)
{
    struct slot *spare = NULL;
    for (uint64_t i = 0; i < PROBES; i++) {
        struct slot *slot = &rate->slots[(key + i) & (SLOTS - 1)];
        if (slot->key == key)
            return slot;
        if (!spare ||
            (spare->key && (!slot->key || left_at(rate, slot, now) > left_at(rate, spare, now))))
            spare = slot;
    }
    *spare = (struct slot){.key = key, .left = rate->burst, .at = now};
    return spare;
}

static bool take(struct rate *rate, const char *key, double many, int64_t now, instant *ret_wait)
{
    if (rate->per_second <= 0)
        return true;
    pthread_mutex_lock(&rate->mutex);
    struct slot *slot = slot_of(rate, hash_of(rate, key), now);
    double left = left_at(rate, slot, now);
    bool enough = left >= 1;
    slot->left = enough ? left - many : left;
    slot->at = now;
    pthread_mutex_unlock(&rate->mutex);
    if (!enough)
        *ret_wait = (instant)((1 - left) / rate->per_second * INSTANT_SECOND) + 1;
    return enough;
}

bool rate_take(struct rate *rate, const char *key, int64_t now, instant *ret_wait)
{
    return take(rate, key, 1, now, ret_wait);
}

bool rate_left(struct rate *rate, const char *key, int64_t now, instant *ret_wait)
{
    return take(rate, key, 0, now, ret_wait);
}
