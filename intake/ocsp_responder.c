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

/* Worth telling the breaker, and worth asking the next responder. The others are its last word
 * about this certificate, or about us. */
static bool is_failure(const char *error)
{
    return error &&
           (strcmp(error, "ocsp-try-later") == 0 || strcmp(error, "ocsp-internal-error") == 0 ||
            strcmp(error, "ocsp-malformed") == 0);
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
        return !is_failure(ocsp_response_error(buffer_bytes(body)));
    }
    return false;
}

static void breaker_tell(struct ocsp_responder *responder, bool answered,
                         const struct http_exchange *exchange)
{
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

static void request_make(const struct ocsp_errand *errand, struct buffer *ret_request)
{
    if (!ocsp_request(errand->certid, bytes_of(errand->nonce, errand->nonce_length), ret_request))
        abort(); /* an examination hands out nothing else */
}

/* Moves those that failed to the front of `errands`; returns how many. */
static size_t exchange_all(struct ocsp_responder *responder, struct ocsp_errand **errands,
                           size_t count)
{
    struct http_exchange *all = memory_allocate((count + 1) * sizeof *all);
    struct buffer *requests = memory_allocate((count + 1) * sizeof *requests);
    size_t failed = 0;
    for (size_t i = 0; i < count; i++) {
        request_make(errands[i], &requests[i]);
        all[i].call = (struct http_call){.method = "POST",
                                         .path = "",
                                         .content_type = "application/ocsp-request",
                                         .body = buffer_bytes(&requests[i]),
                                         .answer_most = OCSP_RESPONSE_MAX};
    }
    http_client_call_all(responder->http, all, count, responder->parallel, responder->patience);
    for (size_t i = 0; i < count; i++) {
        bool answered = exchange_take(&all[i], errands[i]);
        breaker_tell(responder, answered, &all[i]);
        if (!answered)
            errands[failed++] = errands[i];
        http_answer_free(&all[i].answer);
        buffer_free(&requests[i]);
    }
    free(all);
    free(requests);
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
