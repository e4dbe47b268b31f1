/* An act that carries a key (header Idempotency-Key, a UUID that the page makes) is done once: who
 * asks again, since the answer was lost on the way, gets the same answer, and nothing happens. Keys
 * are an account's own, are for one body (in whatever version the application was seen), and are
 * remembered for a day. */
#ifndef UKETSUKE_INTAKE_CONSOLE_ONCE_H
#define UKETSUKE_INTAKE_CONSOLE_ONCE_H

#include "intake/console/subject.h"
#include "intake/staff/staff.h"

enum once {
    ONCE_GO,    /* do it, and tell once_end */
    ONCE_AGAIN, /* it was done: the answer is that of the first time */
    ONCE_PAST, /* it was done, and people have moved the application on since: the answer of then */
    ONCE_OTHER, /* the key was used for something else */
};

struct once_key {
    const char *key;   /* "" without */
    uint8_t asked[32]; /* hash of the body, but for its "version" */
};
/* The request's key. False after replying 400 E0002: it is no UUID. */
bool once_key(struct http_request *request, const json_t *body, struct once_key *ret_key);
/* Before the act. Waits while the same key is under way elsewhere. */
bool once_begin(struct db_tx *tx, const struct subject_call *call, const struct once_key *key,
                const char *act, enum once *ret_once, struct staff_answer *answer,
                struct failure *f);
/* After ONCE_GO, in the same transaction: keeps the answer of what was done, forgets the rest. */
bool once_end(struct db_tx *tx, const struct subject_call *call, const struct once_key *key,
              const struct staff_answer *answer, struct failure *f);

/* 409: the key was used for something else. */
enum http_flow once_reply_other(struct http_request *request);

#endif
