#include "intake/ocsp_responder.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/http_client.h"
#include "base/log.h"
#include "base/metrics.h"

static struct metric breakers_open = {
    .kind = METRIC_GAUGE,
    .name = "uketsuke_ocsp_breakers_open",
    .help = "OCSP responders that are left alone because they failed.",
};

bool ocsp_responder_open(const struct config_group *group, const char *url,
                         struct ocsp_responder *ret_responder, struct failure *f)
{
    const char *ca = config_text(group, "ca");
    const struct http_client_options options = {
        .base_url = url,
        .ca_file = *ca ? ca : NULL,
        .connect_patience = config_duration(group, "ocsp-timeout"),
        .plain = true, /* as all responders are: responses are signed */
    };
    struct http_client *http;
    if (!http_client_open(&options, &http, f))
        return failure_prefix(f, "[revocation] ocsp-url");
    *ret_responder = (struct ocsp_responder){
        .url = text_copy(url),
        .http = http,
        .patience = config_duration(group, "ocsp-timeout"),
        .parallel = (size_t)config_number(group, "ocsp-parallel"),
        .breaker = {.failures_most = config_number(group, "ocsp-failures-most"),
                    .rest = config_duration(group, "ocsp-rest")},
    };
    return true;
}

void ocsp_responder_close(struct ocsp_responder *responder)
{
    http_client_close(responder->http);
    free(responder->url);
}

/* Whether it is worth telling the breaker, and asking the next responder: no OCSPResponse at all
 * (RFC 6960 §4.2.1: SEQUENCE { ENUMERATED … }), internalError or tryLater. The others are its last
 * word about this certificate, or about us. Nothing more is read here: what came from the network
 * is taken apart where it can do no harm. */
static bool is_failure(struct bytes response)
{
    enum { SEQUENCE = 0x30, ENUMERATED = 0x0a, INTERNAL_ERROR = 2, TRY_LATER = 3 };
    const uint8_t *at = response.data;
    size_t more = response.length > 1 && at[1] & 0x80 ? at[1] & 0x7f : 0; /* bytes of the length */
    if (response.length < 2 + more + 3 || at[0] != SEQUENCE)
        return true;
    at += 2 + more;
    return at[0] != ENUMERATED || at[1] != 1 || at[2] == INTERNAL_ERROR || at[2] == TRY_LATER;
}

/* False when the responder failed. */
static bool exchange_take(const struct http_exchange *exchange, struct ocsp_errand *errand)
{
    const struct buffer *body = &exchange->answer.body;
    if (!exchange->answered)
        errand->trouble = exchange->timed_out                       ? "ocsp-timeout"
                          : exchange->failure.kind == FAILURE_LIMIT ? "ocsp-too-long"
                                                                    : "ocsp-unreachable";
    else if (exchange->answer.status != 200 || body->length == 0)
        errand->trouble = "ocsp-http";
    else {
        buffer_clear(&errand->response);
        buffer_append(&errand->response, body->data, body->length);
        errand->trouble = NULL;
        return !is_failure(buffer_bytes(body));
    }
    return false;
}

static void breaker_tell(struct ocsp_responder *responder, bool answered,
                         const struct http_exchange *exchange)
{
    responder->asked_at = clock_now();
    if (answered)
        responder->answered_at = responder->asked_at;
    if (!breaker_note(&responder->breaker, answered, clock_monotonic()))
        return;
    metric_add(&breakers_open, NULL, answered ? -1 : 1);
    if (answered)
        log_info("ocsp.breaker_closed", log_text("responder", responder->url));
    else
        log_warning("ocsp.breaker_opened", log_text("responder", responder->url),
                    log_number("rest_seconds", responder->breaker.rest / INSTANT_SECOND),
                    log_number("status", exchange->answer.status),
                    log_text("text", exchange->failure.text));
}

/* Moves those that failed to the front of `errands`; returns how many. */
static size_t exchange_all(struct ocsp_responder *responder, struct ocsp_errand **errands,
                           size_t count)
{
    struct http_exchange *all = memory_allocate((count + 1) * sizeof *all);
    size_t failed = 0;
    for (size_t i = 0; i < count; i++)
        all[i].call = (struct http_call){.method = "POST",
                                         .path = "",
                                         .content_type = "application/ocsp-request",
                                         .body = buffer_bytes(&errands[i]->request),
                                         .answer_most = OCSP_RESPONSE_MAX};
    http_client_call_all(responder->http, all, count, responder->parallel, responder->patience);
    for (size_t i = 0; i < count; i++) {
        bool answered = exchange_take(&all[i], errands[i]);
        breaker_tell(responder, answered, &all[i]);
        if (!answered)
            errands[failed++] = errands[i];
        http_answer_free(&all[i].answer);
    }
    free(all);
    return failed;
}

static size_t leave_alone(struct ocsp_errand **errands, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (errands[i]->response.length == 0 && !errands[i]->trouble)
            errands[i]->trouble = "ocsp-breaker-open";
    return count;
}

size_t ocsp_responder_ask(struct ocsp_responder *responder, struct ocsp_errand **errands,
                          size_t count)
{
    switch (breaker_state(&responder->breaker, clock_monotonic())) {
    case BREAKER_OPEN:
        return leave_alone(errands, count);
    case BREAKER_TRIAL:
        if (exchange_all(responder, errands, 1) > 0) {
            leave_alone(errands + 1, count - 1);
            return count;
        }
        memmove(errands, errands + 1, --count * sizeof *errands);
        return exchange_all(responder, errands, count);
    case BREAKER_CLOSED:
    default:
        return exchange_all(responder, errands, count);
    }
}
