/* 申請状況: what became of what a resident has submitted; withdrawal. */
#include <string.h>

#include "deploy/sandbox/portal.h"
#include "deploy/sandbox/portal_site.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static bool is_submitted(const json_t *draft, const json_t *card)
{
    return json_object_get(draft, "receipt_number") &&
           strcmp(text_of(draft, "card"), text_of(card, "id")) == 0;
}

static bool may_withdraw(const struct portal_arrival *arrival)
{
    enum portal_state now = arrival->history[arrival->history_count - 1].state;
    return now != STATE_REFUSED && now != STATE_COMPLETED && now != STATE_WITHDRAWN &&
           !arrival->corrected_by[0];
}

static json_t *application_json(const struct portal_site *site, const json_t *draft)
{
    struct portal_arrival arrival;
    const json_t *service =
        site_service_find(site, text_of(draft, "procedure"), text_of(draft, "version"));
    if (!service || !portal_store_find(site->store, text_of(draft, "receipt_number"), &arrival))
        return NULL;
    enum portal_state now = arrival.history[arrival.history_count - 1].state;
    return json_pack("{s:s, s:s, s:O, s:s, s:s, s:o, s:s*, s:s*, s:b, s:b}", "receipt_number",
                     arrival.receipt_number, "procedure", arrival.procedure_id, "name",
                     json_object_get(service, "name"), "applied_at", arrival.applied_at, "status",
                     portal_state_name(now), "history", portal_history_json(&arrival), "corrects",
                     arrival.corrects[0] ? arrival.corrects : NULL, "corrected_by",
                     arrival.corrected_by[0] ? arrival.corrected_by : NULL, "may_correct",
                     now == STATE_CORRECTION && !arrival.corrected_by[0], "may_withdraw",
                     may_withdraw(&arrival));
}

enum http_flow site_applications_get(struct portal_site *site, struct http_request *request,
                                     const json_t *card)
{
    json_t *list = json_array(), *draft, *one;
    const char *id;
    json_object_foreach (site->drafts, id, draft)
        if (is_submitted(draft, card) && (one = application_json(site, draft)))
            json_array_append_new(list, one);
    return http_reply_json(request, 200, json_pack("{s:o}", "applications", list));
}

static const json_t *application_find(const struct portal_site *site, struct http_request *request,
                                      const json_t *card)
{
    const char *receipt = http_request_parameter(request, "receipt_number"), *id;
    json_t *draft;
    json_object_foreach (site->drafts, id, draft)
        if (is_submitted(draft, card) && strcmp(text_of(draft, "receipt_number"), receipt) == 0)
            return draft;
    http_reply_error(request, 404, "E0100", "there is no such application");
    return NULL;
}

enum http_flow site_application_get(struct portal_site *site, struct http_request *request,
                                    const json_t *card)
{
    const json_t *draft = application_find(site, request, card);
    if (!draft)
        return HTTP_DONE;
    const json_t *service =
        site_service_find(site, text_of(draft, "procedure"), text_of(draft, "version"));
    return http_reply_json(request, 200,
                           json_pack("{s:o, s:O, s:O, s:O}", "application",
                                     application_json(site, draft), "values",
                                     json_object_get(draft, "values"), "files",
                                     json_object_get(draft, "files"), "service", service));
}

enum http_flow site_application_withdraw(struct portal_site *site, struct http_request *request,
                                         const json_t *card)
{
    struct failure f = {0};
    const json_t *draft = application_find(site, request, card);
    if (!draft)
        return HTTP_DONE;
    switch (portal_store_withdraw(site->store, text_of(draft, "receipt_number"), &f)) {
    case WITHDRAW_DONE:
        return http_reply_json(request, 200, application_json(site, draft));
    case WITHDRAW_FAILED:
        return site_broken(request, &f);
    case WITHDRAW_UNKNOWN:
    case WITHDRAW_LATE:
    default:
        return http_reply_error(request, 409, "E0105", "the application has ended already");
    }
}
