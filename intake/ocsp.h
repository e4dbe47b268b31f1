/* Asks the configured OCSP responders (never one that a certificate names) for what examinations
 * want to know. What comes back is judged by signature/ocsp.h and nowhere else.
 *
 * The responders are asked in the order of [revocation] ocsp-url, the next one for what the one
 * before did not answer. Each has a circuit breaker: one that fails is left alone for a while, and
 * applications do not wait for it. */
#ifndef UKETSUKE_INTAKE_OCSP_H
#define UKETSUKE_INTAKE_OCSP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/config.h"
#include "base/failure.h"
#include "signature/ocsp.h"
#include "signature/revocation.h"

#define OCSP_RESPONDERS_MAX 4

/* [revocation] method and what belongs to it. Without ocsp-url, ocsp-then-crl means crl-only and
 * ocsp-only is a failure. */
bool revocation_policy_read(const struct config *config, struct revocation_policy *ret_policy,
                            struct failure *f);

struct ocsp_client; /* not thread-safe */

/* NULL when the policy asks nobody. */
bool ocsp_client_open(const struct config *config, struct ocsp_client **ret_client,
                      struct failure *f);
void ocsp_client_close(struct ocsp_client *client); /* NULL is nobody */

struct ocsp_errand {        /* one certificate to ask for */
    struct bytes certid;    /* struct examination.ocsp_certid; borrowed */
    instant applied_at;     /* an older response is of no use */
    struct buffer request;  /* from here on {0} to begin */
    struct buffer response; /* what came of it */
    uint8_t nonce[OCSP_NONCE_BYTES];
    size_t nonce_length;
    /* Why there is no response: ocsp-timeout, ocsp-unreachable, ocsp-too-long, ocsp-http (a status
     * other than 200), ocsp-breaker-open (not asked: it failed just before), ocsp-not-asked (certid
     * is none). NULL with one. */
    const char *trouble;
    bool cached;
};

/* Takes at most [revocation] ocsp-timeout for each responder, however many errands there are. */
void ocsp_client_ask(struct ocsp_client *client, struct ocsp_errand *errands, size_t count);
/* The response decided, as the examination says (struct examination.ocsp_used; {0}: it did not): it
 * may do so again until its nextUpdate. It is not read here. */
void ocsp_client_keep(struct ocsp_client *client, const struct ocsp_errand *errand,
                      struct ocsp_span span);

/* How the responders have answered so far, in the order of [revocation] ocsp-url. */
struct ocsp_answering {
    const char *url;               /* borrowed from the client */
    instant asked_at, answered_at; /* 0: never; answered: told something, good or bad */
    bool resting;                  /* its breaker is open */
};
size_t ocsp_client_answering(const struct ocsp_client *client,
                             struct ocsp_answering ret_answering[OCSP_RESPONDERS_MAX]);

/* For struct examination_input; borrows from the errand. */
struct ocsp_answer ocsp_errand_answer(const struct ocsp_errand *errand);
void ocsp_errand_free(struct ocsp_errand *errand);

#endif
