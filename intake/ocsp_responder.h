/* One OCSP responder with its circuit breaker. Used by ocsp.c only. */
#ifndef UKETSUKE_INTAKE_OCSP_RESPONDER_H
#define UKETSUKE_INTAKE_OCSP_RESPONDER_H

#include "base/breaker.h"
#include "intake/ocsp.h"

struct ocsp_responder {
    char *url; /* for the log */
    struct http_client *http;
    struct breaker breaker;
    instant asked_at, answered_at; /* 0: not yet */
    instant patience;
    size_t parallel;
};

bool ocsp_responder_open(const struct config_group *group, const char *url,
                         struct ocsp_responder *ret_responder, struct failure *f);
void ocsp_responder_close(struct ocsp_responder *responder);
/* Asks for all, fills in what came. Those that another responder should be asked for come to the
 * front of `errands`; returns how many. */
size_t ocsp_responder_ask(struct ocsp_responder *responder, struct ocsp_errand **errands,
                          size_t count);

#endif
