#include "deploy/sandbox/portal_site.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"

#define CSP                                                                                        \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "              \
    "font-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; "                   \
    "frame-ancestors 'none'"

void site_random(char ret_hex[33])
{
    uint8_t random[16];
    if (getrandom(random, sizeof random, 0) != sizeof random)
        abort();
    hex_encode(random, sizeof random, ret_hex);
}

/* --- files ------------------------------------------------------------------------------------ */

static bool file_read(const char *path, struct buffer *ret_bytes, struct failure *f)
{
    _cleanup_(cleanup_file) FILE *file = fopen(path, "re");
    if (!file)
        return failure_errno(f, "can't read %s", path);
    for (size_t n = 1; n > 0;) {
        n = fread(buffer_reserve(ret_bytes, 65536), 1, 65536, file);
        buffer_commit(ret_bytes, n);
    }
    return !ferror(file) || failure_errno(f, "can't read %s", path);
}

json_t *site_json_load(const char *path, struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer text = {0};
    if (!file_read(path, &text, f))
        return NULL;
    json_t *json = json_read(buffer_bytes(&text));
    if (!json)
        failure_set(f, FAILURE_INPUT, "%s is no JSON", path);
    return json;
}

bool site_json_save(const char *path, const json_t *json, struct failure *f)
{
    _cleanup_(cleanup_text) char *new = text_format("%s.new", path);
    if (json_dump_file(json, new, JSON_INDENT(1)) == 0 && rename(new, path) == 0)
        return true;
    return failure_errno(f, "can't write %s", path);
}

static const char *type_of(const char *name)
{
    static const struct {
        const char *end, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"}, {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},   {".svg", "image/svg+xml"},
        {".txt", "text/plain; charset=utf-8"},
    };
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
        if (strcmp(dot, types[i].end) == 0)
            return types[i].type;
    return NULL;
}

static bool pages_load(struct portal_site *site, const char *folder, struct failure *f)
{
    DIR *directory = opendir(folder);
    if (!directory)
        return failure_errno(f, "can't read %s (deploy/sandbox/site/build makes it)", folder);
    bool good = true;
    for (struct dirent *entry; good && (entry = readdir(directory));) {
        const char *type = type_of(entry->d_name);
        if (!type || entry->d_name[0] == '.' || site->page_count == SITE_PAGES_MOST)
            continue;
        struct site_page *page = &site->pages[site->page_count++];
        page->name = text_copy(entry->d_name);
        page->type = type;
        _cleanup_(cleanup_text) char *path = text_format("%s/%s", folder, entry->d_name);
        good = file_read(path, &page->bytes, f);
    }
    closedir(directory);
    return good;
}

/* --- open ------------------------------------------------------------------------------------- */

static bool folders_make(const struct portal_site *site, struct failure *f)
{
    _cleanup_(cleanup_text) char *drafts = text_format("%s/drafts", site->folder);
    _cleanup_(cleanup_text) char *files = text_format("%s/files", site->folder);
    const char *paths[] = {site->folder, drafts, files};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (mkdir(paths[i], 0700) != 0 && errno != EEXIST)
            return failure_errno(f, "can't make %s", paths[i]);
    return true;
}

static bool drafts_load(struct portal_site *site, struct failure *f)
{
    _cleanup_(cleanup_text) char *folder = text_format("%s/drafts", site->folder);
    DIR *directory = opendir(folder);
    bool good = directory || failure_errno(f, "can't read %s", folder);
    for (struct dirent *entry; good && (entry = readdir(directory));) {
        const char *dot = strrchr(entry->d_name, '.');
        if (!dot || strcmp(dot, ".json") != 0)
            continue;
        _cleanup_(cleanup_text) char *path = text_format("%s/%s", folder, entry->d_name);
        json_t *draft = site_json_load(path, f);
        good = draft &&
               json_object_set_new(site->drafts, json_string_value(json_object_get(draft, "id")),
                                   draft) == 0;
    }
    if (directory)
        closedir(directory);
    return good;
}

static bool site_load(struct portal_site *site, const struct site_options *options,
                      struct failure *f)
{
    _cleanup_(cleanup_text) char *cards = text_format("%s/cards.json", options->cards);
    _cleanup_(cleanup_text) char *tries = text_format("%s/cards.json", site->folder);
    if (!folders_make(site, f) || !pages_load(site, options->pages, f) ||
        !(site->services = site_json_load(options->services, f)) ||
        !(site->cards = site_json_load(cards, f)) || !drafts_load(site, f))
        return false;
    site->tries = access(tries, F_OK) == 0 ? site_json_load(tries, f) : json_object();
    return site->tries != NULL;
}

bool portal_site_open(const struct site_options *options, struct portal_store *store,
                      struct portal_site **ret_site, struct failure *f)
{
    struct portal_site *site = memory_allocate(sizeof *site);
    pthread_mutex_init(&site->mutex, NULL);
    site->store = store;
    site->folder = text_format("%s/site", options->state);
    site->card_folder = text_copy(options->cards);
    site->drafts = json_object();
    if (!site_load(site, options, f)) {
        portal_site_close(site);
        return false;
    }
    *ret_site = site;
    return true;
}

void portal_site_close(struct portal_site *site)
{
    if (!site)
        return;
    for (size_t i = 0; i < site->page_count; i++) {
        free(site->pages[i].name);
        buffer_free(&site->pages[i].bytes);
    }
    json_decref(site->services);
    json_decref(site->cards);
    json_decref(site->tries);
    json_decref(site->drafts);
    pthread_mutex_destroy(&site->mutex);
    free(site->folder);
    free(site->card_folder);
    free(site);
}

/* --- pages ------------------------------------------------------------------------------------ */

static void safe_headers(struct http_request *request)
{
    http_reply_header(request, "Content-Security-Policy", CSP);
    http_reply_header(request, "Referrer-Policy", "no-referrer");
}

static enum http_flow page_reply(struct portal_site *site, struct http_request *request,
                                 const char *name)
{
    for (size_t i = 0; i < site->page_count; i++)
        if (strcmp(site->pages[i].name, name) == 0) {
            safe_headers(request);
            return http_reply_bytes(request, 200, site->pages[i].type,
                                    buffer_bytes(&site->pages[i].bytes));
        }
    return http_reply_error(request, 404, "E0100", "there is no such page");
}

static enum http_flow get_page(struct http_request *request, void *context)
{
    return page_reply(context, request, "index.html");
}

static enum http_flow get_asset(struct http_request *request, void *context)
{
    return page_reply(context, request, http_request_parameter(request, "name"));
}

/* --- the API ---------------------------------------------------------------------------------- */

/* A form on another site can't send this header, nor the cookie (SameSite). */
static bool is_ours(struct http_request *request)
{
    const char *header = http_request_header(request, "X-Requested-By");
    return header && strcmp(header, "portal") == 0;
}

static enum http_flow answer(struct http_request *request, struct portal_site *site,
                             site_handler *handle, bool changes, bool for_all)
{
    if (changes && !is_ours(request))
        return http_reply_error(request, 403, "E0104", "only the site itself may ask for that");
    pthread_mutex_lock(&site->mutex);
    const json_t *card = site_card_of(site, request);
    enum http_flow flow = card || for_all ? handle(site, request, card)
                                          : http_reply_error(request, 401, "E0103", "log in first");
    pthread_mutex_unlock(&site->mutex);
    return flow;
}

#define ENDPOINT(name, changes, for_all)                                                           \
    static enum http_flow name##_answer(struct http_request *request, void *context)               \
    {                                                                                              \
        return answer(request, context, name, changes, for_all);                                   \
    }
ENDPOINT(site_session_get, false, true)
ENDPOINT(site_session_post, true, true)
ENDPOINT(site_session_delete, true, true)
ENDPOINT(site_card_reset, true, true)
ENDPOINT(site_services_get, false, true)
ENDPOINT(site_service_get, false, true)
ENDPOINT(site_drafts_get, false, false)
ENDPOINT(site_drafts_post, true, false)
ENDPOINT(site_draft_get, false, false)
ENDPOINT(site_draft_put, true, false)
ENDPOINT(site_draft_delete, true, false)
ENDPOINT(site_draft_check, true, false)
ENDPOINT(site_draft_submit, true, false)
ENDPOINT(site_file_post, true, false)
ENDPOINT(site_file_delete, true, false)
ENDPOINT(site_applications_get, false, false)
ENDPOINT(site_application_get, false, false)
ENDPOINT(site_application_withdraw, true, false)

const struct http_route portal_site_routes[] = {
    {"GET", "/", get_page, 0},
    {"GET", "/services", get_page, 0},
    {"GET", "/services/{id}", get_page, 0},
    {"GET", "/login", get_page, 0},
    {"GET", "/apply/{id}", get_page, 0},
    {"GET", "/apply/{id}/{step}", get_page, 0},
    {"GET", "/applications", get_page, 0},
    {"GET", "/applications/{receipt_number}", get_page, 0},
    {"GET", "/assets/{name}", get_asset, 0},
    {"GET", "/api/session", site_session_get_answer, 0},
    {"POST", "/api/session", site_session_post_answer, 4096},
    {"DELETE", "/api/session", site_session_delete_answer, 4096},
    {"POST", "/api/cards/{id}/reset", site_card_reset_answer, 4096},
    {"GET", "/api/services", site_services_get_answer, 0},
    {"GET", "/api/services/{id}", site_service_get_answer, 0},
    {"GET", "/api/drafts", site_drafts_get_answer, 0},
    {"POST", "/api/drafts", site_drafts_post_answer, 4096},
    {"GET", "/api/drafts/{id}", site_draft_get_answer, 0},
    {"PUT", "/api/drafts/{id}", site_draft_put_answer, SITE_VALUES_MOST},
    {"DELETE", "/api/drafts/{id}", site_draft_delete_answer, 4096},
    {"POST", "/api/drafts/{id}/check", site_draft_check_answer, 4096},
    {"POST", "/api/drafts/{id}/submit", site_draft_submit_answer, 4096},
    {"POST", "/api/drafts/{id}/files/{document}", site_file_post_answer, SITE_FILE_MOST},
    {"DELETE", "/api/drafts/{id}/files/{file}", site_file_delete_answer, 4096},
    {"GET", "/api/applications", site_applications_get_answer, 0},
    {"GET", "/api/applications/{receipt_number}", site_application_get_answer, 0},
    {"POST", "/api/applications/{receipt_number}/withdrawal", site_application_withdraw_answer,
     4096},
};
const size_t portal_site_route_count = sizeof portal_site_routes / sizeof *portal_site_routes;
