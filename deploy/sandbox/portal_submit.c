/* Signing and submitting: the form and its attachments become a 申請ZIP, signed with the key of the
 * resident's test card, and arrive at the portal. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "deploy/sandbox/portal_site.h"
#include "deploy/sandbox/town_parcel.h"
#include "deploy/sandbox/x509_make.h"
#include "deploy/sandbox/xml_sign.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* --- what is sent ----------------------------------------------------------------------------- */

static bool file_read(const char *path, struct buffer *ret_bytes, struct failure *f)
{
    _cleanup_(cleanup_file) FILE *file = fopen(path, "re");
    if (!file)
        return failure_errno(f, "can't read %s", path);
    size_t n = fread(buffer_reserve(ret_bytes, SITE_FILE_MOST), 1, SITE_FILE_MOST, file);
    buffer_commit(ret_bytes, n);
    return !ferror(file) || failure_errno(f, "can't read %s", path);
}

/* attachments/<document>-<n>.pdf, n from 1 for each document. */
static void member_name(const json_t *files, size_t place, char ret_name[96])
{
    const json_t *file = json_array_get(files, place);
    const char *type = text_of(file, "type");
    size_t n = 1;
    for (size_t i = 0; i < place; i++)
        n += strcmp(text_of(json_array_get(files, i), "document"), text_of(file, "document")) == 0;
    snprintf(ret_name, 96, "attachments/%.60s-%zu.%s", text_of(file, "document"), n,
             strcmp(type, "jpeg") == 0 ? "jpg" : type);
}

static bool members_add(const struct portal_site *site, const json_t *service, const json_t *draft,
                        struct parcel *parcel, struct failure *f)
{
    struct buffer form = {0};
    const json_t *files = json_object_get(draft, "files");
    site_form_write(service, json_object_get(draft, "values"), &form);
    parcel_add(parcel, "application.xml", &form);
    for (size_t i = 0; i < json_array_size(files); i++) {
        char name[96];
        struct buffer bytes = {0};
        _cleanup_(cleanup_text) char *path =
            site_file_path(site, text_of(draft, "id"), text_of(json_array_get(files, i), "id"));
        if (!file_read(path, &bytes, f)) {
            buffer_free(&bytes);
            return false;
        }
        member_name(files, i, name);
        parcel_add(parcel, name, &bytes);
    }
    return true;
}

/* One signature over all members, as the card's software makes it. */
static bool parcel_sign(const struct portal_site *site, const json_t *card, struct parcel *parcel,
                        struct failure *f)
{
    _cleanup_(cleanup_text) char *pem = text_format("%s.pem", text_of(card, "id"));
    _cleanup_(cleanup_text) char *key_name = text_format("%s.key", text_of(card, "id"));
    _cleanup_(cleanup_x509) X509 *certificate = certificate_load(site->card_folder, pem, f);
    _cleanup_(cleanup_pkey) EVP_PKEY *key =
        certificate ? key_load(site->card_folder, key_name, f) : NULL;
    struct xml_sign_reference references[32];
    struct buffer file = {0};
    if (!key)
        return false;
    for (size_t i = 0; i < parcel->count && i < 32; i++)
        references[i] = (struct xml_sign_reference){
            .uri = parcel->members[i].name,
            .transform = i == 0 ? XML_SIGN_C14N : XML_SIGN_BYTES,
            .content = buffer_bytes(&parcel->members[i].bytes),
        };
    buffer_append_text(&file, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    bool done = xml_sign(references, parcel->count, XML_SIGN_SHA256, key, certificate, &file, f);
    buffer_append_text(&file, "\n");
    if (done)
        parcel_add(parcel, "signature/1.xml", &file);
    buffer_free(&file);
    return done;
}

/* --- where it goes ---------------------------------------------------------------------------- */

static void receipt_number_make(const struct portal_site *site, instant at, char ret_number[65])
{
    struct portal_arrival taken;
    struct day day = day_of_instant(at);
    unsigned n = (unsigned)json_object_size(site->drafts);
    do
        snprintf(ret_number, 65, "%04d%02d%02d-9%07u", day.year, day.month, day.day,
                 n++ % 10000000);
    while (portal_store_find(site->store, ret_number, &taken));
}

static void arrival_plan(const struct parcel *parcel, struct portal_arrival *ret_arrival)
{
    *ret_arrival = (struct portal_arrival){0};
    memcpy(ret_arrival->receipt_number, parcel->receipt_number, sizeof parcel->receipt_number);
    memcpy(ret_arrival->city_code, parcel->city_code, sizeof parcel->city_code);
    snprintf(ret_arrival->procedure_id, sizeof ret_arrival->procedure_id, "%s",
             parcel->procedure_id);
    snprintf(ret_arrival->form_version, sizeof ret_arrival->form_version, "%s",
             parcel->form_version);
    memcpy(ret_arrival->corrects, parcel->corrects, sizeof parcel->corrects);
    instant_text_jst(parcel->applied_at, ret_arrival->applied_at);
}

static bool parcel_make(struct portal_site *site, const json_t *card, json_t *draft, instant at,
                        struct parcel *parcel, struct failure *f)
{
    const json_t *service =
        site_service_find(site, text_of(draft, "procedure"), text_of(draft, "version"));
    parcel->applied_at = at - at % 1000; /* milliseconds, as the manifest has it */
    receipt_number_make(site, at, parcel->receipt_number);
    snprintf(parcel->city_code, sizeof parcel->city_code, SITE_CITY);
    snprintf(parcel->procedure_id, sizeof parcel->procedure_id, "%s", text_of(draft, "procedure"));
    snprintf(parcel->form_version, sizeof parcel->form_version, "%s", text_of(draft, "version"));
    snprintf(parcel->corrects, sizeof parcel->corrects, "%s", text_of(draft, "corrects"));
    return members_add(site, service, draft, parcel, f) && parcel_sign(site, card, parcel, f);
}

static bool submit(struct portal_site *site, const json_t *card, json_t *draft, instant at,
                   struct failure *f)
{
    struct parcel parcel = {0};
    struct portal_arrival arrival;
    _cleanup_(cleanup_buffer) struct buffer zip = {0};
    bool done = parcel_make(site, card, draft, at, &parcel, f) && parcel_zip(&parcel, &zip, f);
    arrival_plan(&parcel, &arrival);
    parcel_clear(&parcel);
    if (!done)
        return false;
    if (portal_store_put(site->store, &arrival, buffer_bytes(&zip), f) != PUT_NEW)
        return failure_prefix(f, "%s did not arrive", arrival.receipt_number);
    json_object_set_new(draft, "receipt_number", json_string(arrival.receipt_number));
    json_object_set_new(draft, "applied_at", json_string(arrival.applied_at));
    return site_draft_save(site, draft, f);
}

/* --- the endpoint ----------------------------------------------------------------------------- */

/* Now; a test may say another time: X-Sandbox-Applied-At. */
static instant applied_at_of(struct http_request *request)
{
    const char *text = http_request_header(request, "X-Sandbox-Applied-At");
    instant at = clock_now();
    if (text)
        instant_parse(text, &at);
    return at;
}

static enum http_flow receipt_reply(struct http_request *request, const json_t *draft)
{
    return http_reply_json(request, 200,
                           json_pack("{s:O, s:O}", "receipt_number",
                                     json_object_get(draft, "receipt_number"), "applied_at",
                                     json_object_get(draft, "applied_at")));
}

/* A second try after a lost answer gets the same receipt number. */
enum http_flow site_draft_submit(struct portal_site *site, struct http_request *request,
                                 const json_t *card)
{
    int left;
    struct failure f = {0};
    json_t *again = json_object_get(site->drafts, http_request_parameter(request, "id"));
    if (again && json_object_get(again, "receipt_number") &&
        strcmp(text_of(again, "card"), text_of(card, "id")) == 0)
        return receipt_reply(request, again);
    json_t *draft = site_draft_take(site, request, card);
    _cleanup_(cleanup_json) json_t *body = draft ? http_request_json(request) : NULL;
    if (!body)
        return HTTP_DONE;
    const json_t *service =
        site_service_find(site, text_of(draft, "procedure"), text_of(draft, "version"));
    _cleanup_(cleanup_json) json_t *errors = service ? site_form_check(service, draft) : NULL;
    if (!errors || json_array_size(errors))
        return http_reply_json(request, 422, json_pack("{s:O?}", "errors", errors));
    enum site_pin pin =
        site_pin_try(site, card, "sign", json_string_value(json_object_get(body, "pin")), &left);
    if (pin != PIN_RIGHT)
        return site_pin_refuse(request, pin, left);
    if (!submit(site, card, draft, applied_at_of(request), &f))
        return site_broken(request, &f);
    return receipt_reply(request, draft);
}
