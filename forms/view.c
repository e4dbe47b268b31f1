#include "forms/view.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/era.h"
#include "forms/definition.h"

/* --- what the record holds, by the item's path in the form --------------------------------------
 */

static void flatten(const struct map *map, const json_t *object, const char *prefix, json_t *flat);

static void flatten_part(const struct map *part, json_t *value, const char *path, json_t *flat)
{
    if (part->kind == MAP_ITEM) {
        json_object_set(flat, path, value);
    } else if (part->kind == MAP_OBJECT) {
        flatten(part, value, path, flat);
    } else {
        for (size_t i = 0; i < json_array_size(value); i++) {
            _cleanup_(cleanup_text) char *entry = text_format("%s[%zu]", path, i + 1);
            json_object_set_new(flat, entry, json_null()); /* there is one */
            flatten(part, json_array_get(value, i), entry, flat);
        }
    }
}

static void flatten(const struct map *map, const json_t *object, const char *prefix, json_t *flat)
{
    for (size_t i = 0; i < map->part_count; i++) {
        const struct map *part = &map->parts[i];
        json_t *value = json_object_get(object, part->name);
        _cleanup_(cleanup_text) char *path =
            text_format("%s%s%s", prefix, *prefix ? "/" : "", part->from);
        if (value)
            flatten_part(part, value, path, flat);
    }
}

/* --- values in words ----------------------------------------------------------------------------
 */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* "平成31年4月1日（2019-04-01）"; what is no day stays as it is. */
static json_t *date_words(const char *text)
{
    struct day day;
    char era[ERA_TEXT];
    if (!day_parse(text, &day))
        return json_string(text);
    _cleanup_(cleanup_text) char *words = text_format("%s（%s）", era_day_text(day, era), text);
    return json_string(words);
}

static json_t *value_words(const struct procedure *procedure, const json_t *item,
                           const json_t *value)
{
    const char *kind = text_of(item, "kind");
    if (json_is_boolean(value))
        return json_string(json_is_true(value) ? "はい" : "いいえ");
    _cleanup_(cleanup_text) char *text =
        json_is_integer(value) ? text_format("%" JSON_INTEGER_FORMAT, json_integer_value(value))
                               : text_copy(json_is_string(value) ? json_string_value(value) : "");
    if (strcmp(kind, "date") == 0)
        return date_words(text);
    const char *label = procedure_value_label(procedure, text_of(item, "path"), text);
    return json_string(label ? label : text);
}

static bool secret(const json_t *item)
{
    const char *check = text_of(item, "check");
    return strcmp(check, "kojinbango") == 0 || strcmp(check, "juminhyokodo") == 0;
}

/* --- rows ---------------------------------------------------------------------------------------
 */

struct viewing {
    const struct procedure *procedure;
    const json_t *flat;
    bool numbers;          /* only what is masked, and that in the clear */
    const json_t *secrets; /* record_numbers: their digits may stand in no other item; NULL */
    json_t *rows;
};

/* `around`: the form's path and the words of what stands around the item. */
struct around {
    const char *path, *words;
};

static void item_view(struct viewing *v, const json_t *item, struct around around);

/* Somebody may have written the number into another item, too. */
static bool tells_secret(const struct viewing *v, const json_t *value)
{
    const char *text = json_string_value(value);
    for (size_t i = 0; text && i < json_array_size(v->secrets); i++) {
        const char *secret = text_of(json_array_get(v->secrets, i), "value");
        if (*secret && strstr(text, secret))
            return true;
    }
    return false;
}

static void leaf_view(struct viewing *v, const json_t *item, const char *path, const char *words)
{
    const json_t *value = json_object_get(v->flat, path);
    bool masked = secret(item) || (!v->numbers && tells_secret(v, value));
    if (!value || (v->numbers && !masked))
        return;
    json_t *shown =
        masked && !v->numbers ? json_string(VIEW_MASK) : value_words(v->procedure, item, value);
    json_t *row = json_pack("{s:s, s:s, s:o}", "path", path, "label", words, "value", shown);
    if (!v->numbers)
        json_object_set_new(row, "masked", json_boolean(masked));
    json_array_append_new(v->rows, row);
}

static void parts_view(struct viewing *v, const json_t *item, struct around around)
{
    const json_t *parts = json_object_get(item, "parts");
    for (size_t i = 0; i < json_array_size(parts); i++)
        item_view(v, json_array_get(parts, i), around);
}

static void list_view(struct viewing *v, const json_t *item, const char *path, const char *words)
{
    for (size_t i = 1;; i++) {
        _cleanup_(cleanup_text) char *entry = text_format("%s[%zu]", path, i);
        _cleanup_(cleanup_text) char *named = text_format("%s（%zu）", words, i);
        if (!json_object_get(v->flat, entry))
            return;
        parts_view(v, item, (struct around){entry, named});
    }
}

static void item_view(struct viewing *v, const json_t *item, struct around around)
{
    const char *kind = text_of(item, "kind"), *label = text_of(item, "label");
    _cleanup_(cleanup_text) char *path =
        text_format("%s%s%s", around.path, *around.path ? "/" : "", text_of(item, "name"));
    _cleanup_(cleanup_text) char *words =
        text_format("%s%s%s", around.words, *around.words && *label ? "　" : "", label);
    if (strcmp(kind, "list") == 0)
        list_view(v, item, path, words);
    else if (strcmp(kind, "group") == 0)
        parts_view(v, item, (struct around){path, words});
    else
        leaf_view(v, item, path, words);
}

/* Under a heading of its own name, an item need not say the name again. */
static void group_view(struct viewing *v, const json_t *group)
{
    const json_t *items = json_object_get(group, "items");
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        bool same = strcmp(text_of(item, "label"), text_of(group, "label")) == 0;
        if (same && strcmp(text_of(item, "kind"), "group") == 0)
            parts_view(v, item, (struct around){text_of(item, "name"), ""});
        else
            item_view(v, item, (struct around){"", ""});
    }
}

static void computed_view(const struct procedure *procedure, const json_t *record, json_t *groups)
{
    const json_t *computed = json_object_get(record, "computed");
    json_t *rows = json_array();
    for (size_t i = 0; i < procedure->computed_count; i++) {
        const struct computed *one = &procedure->computed[i];
        const json_t *found = json_object_get(computed, one->name);
        if (!found)
            continue;
        _cleanup_(cleanup_text) char *path = text_format("computed/%s", one->name);
        _cleanup_(cleanup_text) char *words =
            text_format("%s　%s", text_of(found, "value"), text_of(found, "how"));
        json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:b}", "path", path, "label",
                                              one->label ? one->label : one->name, "value", words,
                                              "masked", false));
    }
    if (json_array_size(rows) > 0)
        json_array_append_new(groups,
                              json_pack("{s:s, s:O}", "label", "計算で求めた値", "rows", rows));
    json_decref(rows);
}

json_t *record_view(const struct procedure *procedure, const json_t *record)
{
    _cleanup_(cleanup_json) json_t *description = procedure_describe(procedure);
    _cleanup_(cleanup_json) json_t *flat = json_object();
    _cleanup_(cleanup_json) json_t *secrets = record_numbers(procedure, record);
    const json_t *groups = json_object_get(description, "groups");
    json_t *view = json_array();
    flatten(&procedure->record, record, "", flat);
    for (size_t i = 0; i < json_array_size(groups); i++) {
        const json_t *group = json_array_get(groups, i);
        _cleanup_(cleanup_json) json_t *rows = json_array();
        struct viewing v = {.procedure = procedure, .flat = flat, .secrets = secrets, .rows = rows};
        group_view(&v, group);
        if (json_array_size(rows) > 0)
            json_array_append_new(
                view, json_pack("{s:s, s:O}", "label", text_of(group, "label"), "rows", rows));
    }
    computed_view(procedure, record, view);
    return view;
}

json_t *record_numbers(const struct procedure *procedure, const json_t *record)
{
    _cleanup_(cleanup_json) json_t *description = procedure_describe(procedure);
    _cleanup_(cleanup_json) json_t *flat = json_object();
    const json_t *groups = json_object_get(description, "groups");
    struct viewing v = {
        .procedure = procedure, .flat = flat, .numbers = true, .rows = json_array()};
    flatten(&procedure->record, record, "", flat);
    for (size_t i = 0; i < json_array_size(groups); i++)
        group_view(&v, json_array_get(groups, i));
    return v.rows;
}
