/* Attachments of a draft: PDF, JPEG or PNG, told as the city tells them, so that a resident hears
 * at once of a file that the city would refuse. The resident's name for a file is kept to show it
 * to them; the package names it after its document. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/content.h"
#include "base/text.h"
#include "deploy/sandbox/portal_site.h"

enum { FILES_MOST = 20, NAME_MOST = 300 /* bytes */ };

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

char *site_file_path(const struct portal_site *site, const char *draft, const char *file)
{
    return text_format("%s/files/%s-%s", site->folder, draft, file);
}

static const json_t *document_of(const struct portal_site *site, const json_t *draft,
                                 const char *id)
{
    const json_t *service =
        site_service_find(site, text_of(draft, "procedure"), text_of(draft, "version"));
    json_t *document;
    size_t i;
    json_array_foreach (json_object_get(service, "documents"), i, document)
        if (strcmp(text_of(document, "id"), id) == 0)
            return document;
    return NULL;
}

static size_t count_of(const json_t *draft, const char *document)
{
    json_t *file;
    size_t i, count = 0;
    json_array_foreach (json_object_get(draft, "files"), i, file)
        count += strcmp(text_of(file, "document"), document) == 0;
    return count;
}

static enum http_flow refuse(struct http_request *request, const char *message)
{
    return http_reply_json(request, 422, json_pack("{s:s}", "message", message));
}

/* NULL, or what the resident is told. */
static const char *file_wrong(const json_t *draft, const json_t *document, struct bytes bytes)
{
    const json_t *most = json_object_get(document, "most");
    const json_t *size_most = json_object_get(document, "size_most");
    const char *type = content_name(content_of(bytes)), *formats = text_of(document, "formats");
    if (json_array_size(json_object_get(draft, "files")) >= FILES_MOST ||
        (most && (json_int_t)count_of(draft, text_of(document, "id")) >= json_integer_value(most)))
        return "添付できるファイルの数を超えています。不要なファイルを削除してください。";
    if (size_most && (json_int_t)bytes.length > json_integer_value(size_most))
        return "ファイルが大きすぎます。写真の画質を下げるなどして、小さくしてください。";
    if (!*type || (*formats && !strstr(formats, type)))
        return "このファイルは添付できません。案内された形式で、こわれていないファイルを選んでくだ"
               "さい。";
    return NULL;
}

static bool file_write(const char *path, struct bytes bytes, struct failure *f)
{
    _cleanup_(cleanup_file) FILE *file = fopen(path, "we");
    if (file && fwrite(bytes.data, 1, bytes.length, file) == bytes.length && fflush(file) == 0)
        return true;
    return failure_errno(f, "can't write %s", path);
}

/* X-File-Name is written with percent signs; for showing only. */
static json_t *file_entry(struct http_request *request, const json_t *document, struct bytes bytes)
{
    char id[33];
    const char *name = http_request_header(request, "X-File-Name");
    site_random(id);
    return json_pack("{s:s, s:s, s:s, s:s, s:I}", "id", id, "document", text_of(document, "id"),
                     "name", name && strlen(name) <= NAME_MOST ? name : "", "type",
                     content_name(content_of(bytes)), "size", (json_int_t)bytes.length);
}

enum http_flow site_file_post(struct portal_site *site, struct http_request *request,
                              const json_t *card)
{
    struct failure f = {0};
    json_t *draft = site_draft_take(site, request, card);
    if (!draft)
        return HTTP_DONE;
    struct bytes bytes = http_request_body(request);
    const json_t *document = document_of(site, draft, http_request_parameter(request, "document"));
    if (!document)
        return http_reply_error(request, 404, "E0100", "the service asks for no such document");
    const char *message = file_wrong(draft, document, bytes);
    if (message)
        return refuse(request, message);
    json_t *entry = file_entry(request, document, bytes);
    json_array_append_new(json_object_get(draft, "files"), entry);
    _cleanup_(cleanup_text) char *path =
        site_file_path(site, text_of(draft, "id"), text_of(entry, "id"));
    if (!file_write(path, bytes, &f) || !site_draft_save(site, draft, &f))
        return site_broken(request, &f);
    return http_reply_json(request, 201, json_incref(entry));
}

/* Its place among the draft's files; the number of files when there is none. */
static size_t place_of(const json_t *draft, const char *id)
{
    const json_t *files = json_object_get(draft, "files");
    size_t i = 0;
    while (i < json_array_size(files) && strcmp(text_of(json_array_get(files, i), "id"), id) != 0)
        i++;
    return i;
}

enum http_flow site_file_delete(struct portal_site *site, struct http_request *request,
                                const json_t *card)
{
    struct failure f = {0};
    json_t *draft = site_draft_take(site, request, card);
    if (!draft)
        return HTTP_DONE;
    const char *id = http_request_parameter(request, "file");
    json_t *files = json_object_get(draft, "files");
    size_t place = place_of(draft, id);
    if (place == json_array_size(files))
        return http_reply_error(request, 404, "E0100", "there is no such file");
    _cleanup_(cleanup_text) char *path = site_file_path(site, text_of(draft, "id"), id);
    unlink(path);
    json_array_remove(files, place);
    if (!site_draft_save(site, draft, &f))
        return site_broken(request, &f);
    return http_reply_json(request, 200, json_object());
}
