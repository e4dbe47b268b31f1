/* What the sources of the portal's store share. */
#ifndef UKETSUKE_SANDBOX_PORTAL_STORE_INTERNAL_H
#define UKETSUKE_SANDBOX_PORTAL_STORE_INTERNAL_H

#include <pthread.h>

#include "deploy/sandbox/portal_store.h"

struct portal_store {
    char *folder;
    int journal;             /* opened for appending */
    pthread_mutex_t putting; /* one arrival at a time, without holding up the city's side */
    pthread_mutex_t mutex;
    struct portal_arrival **arrivals; /* in the order of arrival */
    size_t count, capacity;
    json_t *index;                       /* receipt number → place in `arrivals` */
    struct portal_arrival **withdrawals; /* in the order in which they were asked for */
    size_t withdrawal_count, withdrawal_room;
};

/* All of these under the lock. */
struct portal_arrival *portal_index_find(const struct portal_store *store,
                                         const char *receipt_number);
void portal_index_add(struct portal_store *store, const struct portal_arrival *arrival);
void portal_index_withdraw(struct portal_store *store, struct portal_arrival *arrival,
                           const char *at);
bool portal_had(const struct portal_arrival *arrival, enum portal_state state);
enum portal_state portal_state_now(const struct portal_arrival *arrival);
/* `message` is copied and stays as long as the store; "" or NULL: none. */
void portal_history_append(struct portal_arrival *arrival, enum portal_state state, const char *at,
                           const char *message);

bool portal_write_all(int fd, struct bytes data);
json_t *portal_arrival_line(const struct portal_arrival *arrival);
void portal_journal_line(struct buffer *lines, json_t *stolen);
bool portal_journal_write(struct portal_store *store, const struct buffer *lines,
                          struct failure *f);
bool portal_journal_replay(struct portal_store *store, const char *path, struct failure *f);

#endif
