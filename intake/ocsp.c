#include "intake/ocsp.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/metrics.h"
#include "intake/examine.h"
#include "intake/ocsp_cache.h"
#include "intake/ocsp_responder.h"

static struct metric questions_total = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_ocsp_questions_total",
    .help = "Certificates to ask OCSP responders for, by what came of it.",
    .label_name = "result",
};
struct ocsp_client {
    struct ocsp_responder responders[OCSP_RESPONDERS_MAX];
    size_t responder_count;
    struct ocsp_cache *cache;
    instant age_most;
    bool with_nonce;
};

/* --- configuration ---------------------------------------------------------------------------- */

static const struct config_group *settings(const struct config *config)
{
    return config_group(config, revocation_config_section.name);
}

bool revocation_policy_read(const struct config *config, struct revocation_policy *ret_policy,
                            struct failure *f)
{
    const struct config_group *group = settings(config);
    const char *method = config_text(group, "method");
    bool only = strcmp(method, "ocsp-only") == 0;
    bool somebody = config_list_length(group, "ocsp-url") > 0;
    if (only && !somebody)
        return failure_set(f, FAILURE_USAGE,
                           "%s: [revocation] method is ocsp-only, and no ocsp-url is given",
                           config_path(config));
    *ret_policy = (struct revocation_policy){
        .method = strcmp(method, "crl-only") == 0 || !somebody ? REVOCATION_CRL_ONLY
                  : only                                       ? REVOCATION_OCSP_ONLY
                                                               : REVOCATION_OCSP_THEN_CRL,
        .crl_age_most = config_duration(group, "age-most"),
        .ocsp.hash = strcmp(config_text(group, "ocsp-hash"), "sha1") == 0 ? OCSP_HASH_SHA1
                                                                          : OCSP_HASH_SHA256,
        .ocsp.age_most = config_duration(group, "ocsp-age-most"),
        .ocsp.nonce_required = strcmp(config_text(group, "ocsp-nonce"), "required") == 0,
        .ocsp.nocheck_dispensed = !config_boolean(group, "ocsp-nocheck"),
    };
    return true;
}

bool ocsp_client_open(const struct config *config, struct ocsp_client **ret_client,
                      struct failure *f)
{
    const struct config_group *group = settings(config);
    size_t count = config_list_length(group, "ocsp-url");
    struct revocation_policy policy;
    if (!revocation_policy_read(config, &policy, f))
        return false;
    if (count > OCSP_RESPONDERS_MAX)
        return failure_set(f, FAILURE_USAGE, "%s: [revocation] ocsp-url names more than %d",
                           config_path(config), OCSP_RESPONDERS_MAX);
    if (policy.method == REVOCATION_CRL_ONLY) {
        *ret_client = NULL;
        return true;
    }
    struct ocsp_client *client = memory_allocate(sizeof *client);
    client->with_nonce = strcmp(config_text(group, "ocsp-nonce"), "none") != 0;
    client->age_most = policy.ocsp.age_most;
    client->cache = ocsp_cache_new();
    for (; client->responder_count < count; client->responder_count++)
        if (!ocsp_responder_open(group,
                                 config_list_item(group, "ocsp-url", client->responder_count),
                                 &client->responders[client->responder_count], f)) {
            ocsp_client_close(client);
            return false;
        }
    *ret_client = client;
    return true;
}

void ocsp_client_close(struct ocsp_client *client)
{
    if (!client)
        return;
    for (size_t i = 0; i < client->responder_count; i++)
        ocsp_responder_close(&client->responders[i]);
    ocsp_cache_free(client->cache);
    free(client);
}

/* --- asking ------------------------------------------------------------------------------ */

static bool cache_answers(const struct ocsp_client *client, struct ocsp_errand *errand)
{
    struct bytes response, nonce;
    if (!ocsp_cache_find(client->cache, errand->certid, errand->applied_at, clock_now(),
                         client->age_most, &response, &nonce))
        return false;
    buffer_append(&errand->response, response.data, response.length);
    errand->nonce_length = nonce.length;
    if (nonce.length)
        memcpy(errand->nonce, nonce.data, nonce.length);
    return errand->cached = true;
}

static bool request_make(const struct ocsp_client *client, struct ocsp_errand *errand)
{
    if (client->with_nonce) {
        if (RAND_bytes(errand->nonce, sizeof errand->nonce) != 1)
            abort(); /* a system without randomness can do nothing safely */
        errand->nonce_length = sizeof errand->nonce;
    }
    bool made = ocsp_request(errand->certid, bytes_of(errand->nonce, errand->nonce_length),
                             &errand->request);
    if (!made)
        errand->trouble = "ocsp-not-asked";
    return made;
}

static const char *result_of(const struct ocsp_errand *errand)
{
    if (errand->cached)
        return "cached";
    return errand->response.length > 0 ? "answered" : errand->trouble;
}

void ocsp_client_ask(struct ocsp_client *client, struct ocsp_errand *errands, size_t count)
{
    struct ocsp_errand **open = memory_allocate((count + 1) * sizeof *open);
    size_t left = 0;
    for (size_t i = 0; i < count; i++)
        if (!cache_answers(client, &errands[i]) && request_make(client, &errands[i]))
            open[left++] = &errands[i];
    for (size_t i = 0; i < client->responder_count && left > 0; i++)
        left = ocsp_responder_ask(&client->responders[i], open, left);
    for (size_t i = 0; i < count; i++)
        metric_add(&questions_total, result_of(&errands[i]), 1);
    free(open);
}

void ocsp_client_keep(struct ocsp_client *client, const struct ocsp_errand *errand,
                      struct ocsp_span span)
{
    if (!errand->cached && errand->response.length > 0 && span.this_update != 0)
        ocsp_cache_put(client->cache, errand->certid, buffer_bytes(&errand->response),
                       bytes_of(errand->nonce, errand->nonce_length), span);
}

size_t ocsp_client_answering(const struct ocsp_client *client,
                             struct ocsp_answering ret_answering[OCSP_RESPONDERS_MAX])
{
    for (size_t i = 0; i < client->responder_count; i++) {
        const struct ocsp_responder *one = &client->responders[i];
        ret_answering[i] = (struct ocsp_answering){
            one->url, one->asked_at, one->answered_at,
            breaker_state(&one->breaker, clock_monotonic()) == BREAKER_OPEN};
    }
    return client->responder_count;
}

struct ocsp_answer ocsp_errand_answer(const struct ocsp_errand *errand)
{
    return (struct ocsp_answer){
        .asked = true,
        .response = buffer_bytes(&errand->response),
        .nonce = bytes_of(errand->nonce, errand->nonce_length),
        .trouble = errand->response.length > 0 ? NULL : errand->trouble,
    };
}

void ocsp_errand_free(struct ocsp_errand *errand)
{
    buffer_free(&errand->request);
    buffer_free(&errand->response);
    *errand = (struct ocsp_errand){0};
}
