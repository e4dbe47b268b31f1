#include "intake/routing_check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "forms/fields.h"
#include "routing/access.h"
#include "routing/route.h"

static void __attribute__((format(printf, 3, 4)))
say(json_t *result, const char *list, const char *format, ...)
{
    va_list arguments;
    char *text = NULL;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        abort();
    json_array_append_new(json_object_get(result, list), json_string(text));
    free(text);
}

static bool contains(const json_t *words, const char *word)
{
    size_t i;
    json_t *each;
    json_array_foreach (words, i, each)
        if (strcmp(json_string_value(each), word) == 0)
            return true;
    return false;
}

/* --- one procedure ---------------------------------------------------------------------------- */

/* Names of record.xml that no [destination] section has. */
static void check_names(const struct config *config, const struct procedure *procedure,
                        const json_t *fields, json_t *result)
{
    _cleanup_(cleanup_json) json_t *told = json_array();
    size_t i, j;
    json_t *field, *to;
    json_array_foreach (fields, i, field)
        json_array_foreach (json_object_get(field, "to"), j, to) {
            const char *name = json_string_value(to);
            if (config_find(config, "destination", name) || contains(told, name))
                continue;
            json_array_append(told, to);
            say(result, "warnings", "%s: record.xml names the destination %s, which has no section",
                procedure_id(procedure), name);
        }
}

static void fields_of(const json_t *fields, const char *destination, json_t *names, json_t *numbers)
{
    size_t i;
    json_t *field;
    json_array_foreach (fields, i, field) {
        json_t *item = json_object_get(field, "item");
        if (!contains(json_object_get(field, "to"), destination))
            continue;
        json_array_append(names, item);
        if (json_is_true(json_object_get(field, "individual_number")))
            json_array_append(numbers, item);
    }
}

static void check_route(const struct procedure *procedure, const struct route *route,
                        const json_t *names, const json_t *numbers, json_t *result)
{
    if (json_array_size(numbers) && !route->individual_number)
        say(result, "errors",
            "[route %s] leads to %s, which record.xml lets have a 個人番号 (%s), but has not "
            "individual-number = yes: nothing is handed over",
            route->procedure_id, route->destination, json_string_value(json_array_get(numbers, 0)));
    if (!json_array_size(names))
        say(result, "warnings", "[route %s] leads to %s, which may have no item of record.xml",
            procedure_id(procedure), route->destination);
}

/* Where staff may send a single application instead: the same law must let it go there. */
static json_t *check_alternatives(const struct config *config, const struct procedure *procedure,
                                  const struct route *route, const json_t *fields, json_t *result)
{
    json_t *alternatives = json_array();
    const struct config_group *group = config_find(config, "route", route->procedure_id);
    for (size_t i = 0; i < config_list_length(group, "alternatives"); i++) {
        struct route other = *route;
        json_t *names = json_array(), *numbers = json_array();
        other.destination = config_list_item(group, "alternatives", i);
        fields_of(fields, other.destination, names, numbers);
        check_route(procedure, &other, names, numbers, result);
        json_array_append_new(alternatives,
                              json_pack("{s:s, s:o, s:o}", "destination", other.destination,
                                        "fields", names, "individual_numbers", numbers,
                                        "alternatives", alternatives));
    }
    return alternatives;
}

static void check_procedure(const struct config *config, const struct procedure *procedure,
                            json_t *result)
{
    struct route route;
    _cleanup_(cleanup_json) json_t *fields = procedure_fields(procedure);
    json_t *names = json_array(), *numbers = json_array(), *alternatives = NULL;
    check_names(config, procedure, fields, result);
    bool routed = route_find(config, procedure_id(procedure), &route);
    if (routed) {
        fields_of(fields, route.destination, names, numbers);
        check_route(procedure, &route, names, numbers, result);
        alternatives = check_alternatives(config, procedure, &route, fields, result);
    } else {
        say(result, "warnings", "%s has no route: its applications are held (route-missing)",
            procedure_id(procedure));
    }
    json_array_append_new(
        json_object_get(result, "routes"),
        json_pack(
            "{s:s, s:s, s:s, s:s?, s:s?, s:s?, s:s?, s:s?, s:b, s:i, s:i, s:b, s:o, s:o, s:o*}",
            "procedure", procedure_id(procedure), "version", procedure_version(procedure), "name",
            procedure_name(procedure), "destination", routed ? route.destination : NULL,
            "hand_over", routed ? route.hand_over : NULL, "legal_basis",
            routed ? route.legal_basis : NULL, "business", routed ? route.business : NULL,
            "department", routed ? route.department : NULL, "approval", routed && route.approval,
            "retention_years", routed ? route.retention_years : 0, "retention_days",
            routed ? route.retention_days : 0, "individual_number",
            routed && route.individual_number, "fields", names, "individual_numbers", numbers,
            "alternatives", alternatives));
}

/* --- one destination -------------------------------------------------------------------------- */

/* Whether secrets are there, as far as who asks may look; routing itself reads them. */
static void check_secrets(const struct config_group *group, json_t *result)
{
    for (size_t i = 0; i < config_list_length(group, "client-secret"); i++)
        if (access(config_list_item(group, "client-secret", i), F_OK) != 0 && errno == ENOENT)
            say(result, "errors", "[destination %s] client-secret: there is no %s",
                config_name(group), config_list_item(group, "client-secret", i));
}

static void check_destination(const struct config *config, const struct config_group *group,
                              json_t *result)
{
    struct failure f = {0};
    const char *name = config_name(group);
    bool introspected = *config_text(config_group(config, "routing"), "introspection-url");
    if (!config_list_length(group, "peers") && !config_find(config, "files", name))
        say(result, "errors",
            "[destination %s] has neither peers (client certificates) nor a [files %s]: it gets "
            "nothing",
            name, name);
    else if (!access_client_check(group, introspected, &f))
        say(result, "errors", "%s", f.text);
    check_secrets(group, result);
}

/* --- the table -------------------------------------------------------------------------------- */

static bool known(const struct procedures *procedures, const char *id)
{
    for (size_t i = 0; i < procedures_count(procedures); i++)
        if (strcmp(procedure_id(procedures_at(procedures, i)), id) == 0)
            return true;
    return false;
}

static bool routed_to(const struct config *config, const char *destination)
{
    const struct config_group *group = NULL;
    struct route route;
    while ((group = config_next(config, "route", group)))
        if (route_find(config, config_name(group), &route) &&
            route_alternative(config, &route, destination))
            return true;
    return false;
}

json_t *routing_check(const struct config *config, const struct procedures *procedures)
{
    const struct config_group *group = NULL;
    json_t *result = json_pack("{s:[], s:[], s:[], s:[]}", "routes", "errors", "warnings", "notes");
    for (size_t i = 0; i < procedures_count(procedures); i++)
        check_procedure(config, procedures_at(procedures, i), result);
    while ((group = config_next(config, "route", group)))
        if (!known(procedures, config_name(group)))
            say(result, "warnings", "[route %s]: there is no such procedure", config_name(group));
    while ((group = config_next(config, "destination", group)))
        if (routed_to(config, config_name(group)))
            check_destination(config, group, result);
        else
            say(result, "notes", "[destination %s]: no route leads there", config_name(group));
    return result;
}
