/* Drafts: what a resident has filled in so far. {"id", "card", "procedure", "version", "values",
 * "files": [{"id", "document", "name", "type", "size"}], "corrects", "updated_at"}, and once it is
 * submitted "receipt_number" and "applied_at". */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "deploy/sandbox/portal_site.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static bool owns(const json_t *card, const json_t *draft)
{
    return strcmp(text_of(draft, "card"), text_of(card, "id")) == 0;
}

enum http_flow site_broken(struct http_request *request, const struct failure *f)
{
    fprintf(stderr, "uketsuke-sandbox portal: %s\n", f->text);
    return http_reply_error(request, 500, "E0199", "the site is broken");
}

static char *draft_path(const struct portal_site *site, const json_t *draft)
{
    return text_format("%s/drafts/%s.json", site->folder, text_of(draft, "id"));
}

bool site_draft_save(struct portal_site *site, json_t *draft, struct failure *f)
{
    char now[INSTANT_TEXT];
    _cleanup_(cleanup_text) char *path = draft_path(site, draft);
    json_object_set_new(draft, "updated_at", json_string(instant_text_jst(clock_now(), now)));
    return site_json_save(path, draft, f);
}

static json_t *draft_of(struct portal_site *site, struct http_request *request, const json_t *card)
{
    json_t *draft = json_object_get(site->drafts, http_request_parameter(request, "id"));
    if (draft && owns(card, draft))
        return draft;
    http_reply_error(request, 404, "E0100", "there is no such draft");
    return NULL;
}

json_t *site_draft_take(struct portal_site *site, struct http_request *request, const json_t *card)
{
    json_t *draft = draft_of(site, request, card);
    if (!draft || !json_object_get(draft, "receipt_number"))
        return draft;
    http_reply_error(request, 409, "E0105", "it has been submitted");
    return NULL;
}

/* --- the list and a new one ------------------------------------------------------------------- */

enum http_flow site_drafts_get(struct portal_site *site, struct http_request *request,
                               const json_t *card)
{
    json_t *list = json_array(), *draft;
    const char *id;
    json_object_foreach (site->drafts, id, draft) {
        const json_t *service =
            site_service_find(site, text_of(draft, "procedure"), text_of(draft, "version"));
        if (!owns(card, draft) || json_object_get(draft, "receipt_number") || !service)
            continue;
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:s, s:s*}", "id", id, "procedure",
                            text_of(draft, "procedure"), "name", text_of(service, "name"),
                            "updated_at", text_of(draft, "updated_at"), "corrects",
                            json_string_value(json_object_get(draft, "corrects"))));
    }
    return http_reply_json(request, 200, json_pack("{s:o}", "drafts", list));
}

/* The submitted draft of a receipt number that its resident may correct; NULL. */
static const json_t *correctable(const struct portal_site *site, const json_t *card,
                                 const char *receipt_number)
{
    struct portal_arrival arrival;
    json_t *draft;
    const char *id;
    if (!portal_store_find(site->store, receipt_number, &arrival) || arrival.corrected_by[0] ||
        arrival.history[arrival.history_count - 1].state != STATE_CORRECTION)
        return NULL;
    json_object_foreach (site->drafts, id, draft)
        if (owns(card, draft) && strcmp(text_of(draft, "receipt_number"), receipt_number) == 0)
            return draft;
    return NULL;
}

static json_t *draft_new(const json_t *card, const json_t *service)
{
    char id[33];
    site_random(id);
    return json_pack("{s:s, s:s, s:s, s:s, s:{}, s:[]}", "id", id, "card", text_of(card, "id"),
                     "procedure", text_of(service, "id"), "version", text_of(service, "version"),
                     "values", "files");
}

/* As it was submitted, but for its attachments, which are sent again. */
static json_t *draft_again(const json_t *card, const json_t *first)
{
    json_t *draft = draft_new(card, json_object());
    json_object_set(draft, "procedure", json_object_get(first, "procedure"));
    json_object_set(draft, "version", json_object_get(first, "version"));
    json_object_set(draft, "corrects", json_object_get(first, "receipt_number"));
    json_object_set_new(draft, "values", json_deep_copy(json_object_get(first, "values")));
    return draft;
}

static enum http_flow draft_keep(struct portal_site *site, struct http_request *request,
                                 json_t *stolen)
{
    struct failure f = {0};
    json_object_set_new(site->drafts, text_of(stolen, "id"), stolen);
    if (!site_draft_save(site, stolen, &f))
        return site_broken(request, &f);
    return http_reply_json(request, 201, json_incref(stolen));
}

enum http_flow site_drafts_post(struct portal_site *site, struct http_request *request,
                                const json_t *card)
{
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    if (!body)
        return HTTP_DONE;
    const char *corrects = json_string_value(json_object_get(body, "corrects"));
    if (corrects) {
        const json_t *first = correctable(site, card, corrects);
        return first ? draft_keep(site, request, draft_again(card, first))
                     : http_reply_error(request, 409, "E0105", "it can't be corrected now");
    }
    const json_t *service = site_service_find(site, text_of(body, "procedure"), NULL);
    return service ? draft_keep(site, request, draft_new(card, service))
                   : http_reply_error(request, 404, "E0100", "there is no such service");
}

/* --- one draft -------------------------------------------------------------------------------- */

enum http_flow site_draft_get(struct portal_site *site, struct http_request *request,
                              const json_t *card)
{
    json_t *draft = draft_of(site, request, card);
    if (!draft)
        return HTTP_DONE;
    const json_t *service =
        site_service_find(site, text_of(draft, "procedure"), text_of(draft, "version"));
    return http_reply_json(request, 200,
                           json_pack("{s:O, s:O?}", "draft", draft, "service", service));
}

enum http_flow site_draft_put(struct portal_site *site, struct http_request *request,
                              const json_t *card)
{
    struct failure f = {0};
    json_t *draft = site_draft_take(site, request, card);
    _cleanup_(cleanup_json) json_t *body = draft ? http_request_json(request) : NULL;
    if (!body)
        return HTTP_DONE;
    json_t *values = json_object_get(body, "values");
    if (!json_is_object(values))
        return http_reply_error(request, 400, "E0001", "values is needed");
    json_object_set(draft, "values", values);
    if (!site_draft_save(site, draft, &f))
        return site_broken(request, &f);
    return http_reply_json(request, 200, json_object());
}

enum http_flow site_draft_delete(struct portal_site *site, struct http_request *request,
                                 const json_t *card)
{
    json_t *draft = site_draft_take(site, request, card), *file;
    size_t i;
    if (!draft)
        return HTTP_DONE;
    json_array_foreach (json_object_get(draft, "files"), i, file) {
        _cleanup_(cleanup_text) char *path =
            site_file_path(site, text_of(draft, "id"), text_of(file, "id"));
        unlink(path);
    }
    _cleanup_(cleanup_text) char *path = draft_path(site, draft);
    unlink(path);
    json_object_del(site->drafts, http_request_parameter(request, "id"));
    return http_reply_json(request, 200, json_object());
}

enum http_flow site_draft_check(struct portal_site *site, struct http_request *request,
                                const json_t *card)
{
    const json_t *draft = site_draft_take(site, request, card);
    if (!draft)
        return HTTP_DONE;
    const json_t *service =
        site_service_find(site, text_of(draft, "procedure"), text_of(draft, "version"));
    if (!service)
        return http_reply_error(request, 404, "E0100", "there is no such service any more");
    return http_reply_json(request, 200,
                           json_pack("{s:o}", "errors", site_form_check(service, draft)));
}
