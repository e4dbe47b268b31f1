/* The services that can be applied for on the site: search, and what each needs. */
#include <string.h>

#include "deploy/sandbox/portal_site.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static bool is_retired(const json_t *service)
{
    return strcmp(text_of(service, "status"), "retired") == 0;
}

const json_t *site_service_find(const struct portal_site *site, const char *id, const char *version)
{
    const json_t *found = NULL;
    json_t *service;
    size_t i;
    json_array_foreach (site->services, i, service)
        if (strcmp(text_of(service, "id"), id) == 0 &&
            (version ? strcmp(text_of(service, "version"), version) == 0 : !is_retired(service)))
            found = service;
    return found;
}

/* All of the query's words (blanks of either width between them) somewhere in what is searched. */
static bool words_found(const json_t *service, const char *query)
{
    static const char wide_blank[] = "　";
    static const char *const searched[] = {"name", "summary", "search", "purpose"};
    char word[256];
    while (*query) {
        size_t length = strcspn(query, " ");
        const char *wide = strstr(query, wide_blank);
        size_t skip = 1;
        if (wide && (size_t)(wide - query) < length) {
            length = (size_t)(wide - query);
            skip = strlen(wide_blank);
        }
        bool found = length == 0 || length >= sizeof word;
        memcpy(word, query, length < sizeof word ? length : 0);
        word[length < sizeof word ? length : 0] = '\0';
        for (size_t i = 0; !found && i < sizeof searched / sizeof *searched; i++)
            found = strstr(text_of(service, searched[i]), word) != NULL;
        if (!found)
            return false;
        query += length;
        query += *query ? skip : 0;
    }
    return true;
}

static bool event_found(const json_t *service, const char *event)
{
    size_t i;
    json_t *one;
    json_array_foreach (json_object_get(service, "life_events"), i, one)
        if (strcmp(json_string_value(one), event) == 0)
            return true;
    return false;
}

static json_t *summary_json(const json_t *service)
{
    static const char *const shown[] = {"id",      "version",     "name",
                                        "summary", "life_events", "signature_required"};
    json_t *summary = json_object();
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        json_object_set(summary, shown[i], json_object_get(service, shown[i]));
    return summary;
}

enum http_flow site_services_get(struct portal_site *site, struct http_request *request,
                                 const json_t *card)
{
    (void)card;
    const char *query = http_request_query(request, "q");
    const char *event = http_request_query(request, "event");
    json_t *list = json_array(), *service;
    size_t i;
    json_array_foreach (site->services, i, service)
        if (site_service_find(site, text_of(service, "id"), NULL) == service &&
            (!query || words_found(service, query)) &&
            (!event || !*event || event_found(service, event)))
            json_array_append_new(list, summary_json(service));
    return http_reply_json(request, 200, json_pack("{s:o}", "services", list));
}

enum http_flow site_service_get(struct portal_site *site, struct http_request *request,
                                const json_t *card)
{
    (void)card;
    const json_t *service = site_service_find(site, http_request_parameter(request, "id"), NULL);
    if (!service)
        return http_reply_error(request, 404, "E0100", "there is no such service");
    return http_reply_json(request, 200, json_incref((json_t *)service));
}
