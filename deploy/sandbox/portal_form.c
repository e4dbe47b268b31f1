/* From a resident's values to application.xml. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "deploy/sandbox/portal_site.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

const json_t *site_value_at(const json_t *values, const char *path)
{
    char name[128];
    while (values && *path) {
        size_t length = strcspn(path, "/"), plain = strcspn(path, "[/");
        if (plain >= sizeof name)
            return NULL;
        memcpy(name, path, plain);
        name[plain] = '\0';
        values = json_object_get(values, name);
        if (plain < length) /* [n], from 1 */
            values = json_array_get(values, strtoul(path + plain + 1, NULL, 10) - 1);
        path += length + (path[length] == '/');
    }
    return values;
}

/* "children/child/kind" beside "children/child[2]/name" is "children/child[2]/kind". */
static char *path_beside(const char *wanted, const char *path)
{
    struct buffer text = {0};
    while (*wanted && *path) {
        size_t length = strcspn(wanted, "/"), plain = strcspn(path, "[/"),
               whole = strcspn(path, "/");
        if (length != plain || strncmp(wanted, path, plain) != 0)
            break;
        buffer_append(&text, path, whole);
        wanted += length;
        path += whole + (path[whole] == '/');
        if (*wanted) {
            buffer_append_text(&text, "/");
            wanted++;
        }
    }
    buffer_append_text(&text, wanted);
    char *beside = text_copy(buffer_text(&text));
    buffer_free(&text);
    return beside;
}

bool site_condition_holds(const json_t *condition, const json_t *values, const char *path)
{
    _cleanup_(cleanup_text) char *when = path_beside(text_of(condition, "when"), path);
    const char *value = json_string_value(site_value_at(values, when));
    return value && strcmp(value, text_of(condition, "is")) == 0;
}

struct writing {
    const json_t *conditions, *values;
    struct buffer *xml;
};

static bool is_forbidden(const struct writing *w, const json_t *item, const char *path)
{
    json_t *condition;
    size_t i;
    json_array_foreach ((json_t *)w->conditions, i, condition)
        if (json_is_true(json_object_get(condition, "forbid")) &&
            strcmp(text_of(condition, "item"), text_of(item, "path")) == 0 &&
            site_condition_holds(condition, w->values, path))
            return true;
    return false;
}

static void text_write(struct buffer *xml, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&':
            buffer_append_text(xml, "&amp;");
            break;
        case '<':
            buffer_append_text(xml, "&lt;");
            break;
        case '>':
            buffer_append_text(xml, "&gt;");
            break;
        case '\r':
            break;
        default:
            buffer_append(xml, text, 1);
        }
    }
}

static int by_place(const void *a, const void *b)
{
    const json_t *const *one = a, *const *two = b;
    json_int_t x = json_integer_value(json_object_get(*one, "at")),
               y = json_integer_value(json_object_get(*two, "at"));
    return (x > y) - (x < y);
}

static void item_write(const struct writing *w, const json_t *item, const json_t *value,
                       const char *path);

static void items_write(const struct writing *w, const json_t *items, const json_t *values,
                        const char *around)
{
    size_t count = json_array_size(items);
    const json_t **sorted = memory_allocate((count + 1) * sizeof *sorted);
    for (size_t i = 0; i < count; i++)
        sorted[i] = json_array_get(items, i);
    qsort(sorted, count, sizeof *sorted, by_place);
    for (size_t i = 0; i < count; i++) {
        const char *name = text_of(sorted[i], "name");
        _cleanup_(cleanup_text) char *path = text_format("%s%s", around, name);
        if (!is_forbidden(w, sorted[i], path))
            item_write(w, sorted[i], json_object_get(values, name), path);
    }
    free(sorted);
}

/* An element with what stands in it; parts that are all empty leave nothing behind, unless the form
 * wants the element. */
static void group_write(const struct writing *w, const json_t *item, const json_t *value,
                        const char *path)
{
    const char *name = text_of(item, "name");
    size_t before = w->xml->length;
    buffer_format(w->xml, "<%s>\n", name);
    size_t empty = w->xml->length;
    _cleanup_(cleanup_text) char *inside = text_format("%s/", path);
    items_write(w, json_object_get(item, "parts"), value, inside);
    if (w->xml->length == empty && !json_is_true(json_object_get(item, "required")))
        w->xml->length = before;
    else
        buffer_format(w->xml, "</%s>\n", name);
}

static void item_write(const struct writing *w, const json_t *item, const json_t *value,
                       const char *path)
{
    const char *kind = text_of(item, "kind"), *name = text_of(item, "name");
    json_t *one;
    size_t i;
    if (strcmp(kind, "list") == 0) {
        json_array_foreach ((json_t *)value, i, one) {
            _cleanup_(cleanup_text) char *entry = text_format("%s[%zu]", path, i + 1);
            group_write(w, item, one, entry);
        }
    } else if (strcmp(kind, "group") == 0) {
        if (value || json_is_true(json_object_get(item, "required")))
            group_write(w, item, value, path);
    } else if (json_string_length(value)) {
        buffer_format(w->xml, "<%s>", name);
        text_write(w->xml, json_string_value(value));
        buffer_format(w->xml, "</%s>\n", name);
    }
}

void site_form_write(const json_t *service, const json_t *values, struct buffer *ret_xml)
{
    const struct writing w = {json_object_get(service, "conditions"), values, ret_xml};
    json_t *all = json_array(), *group;
    size_t i;
    json_array_foreach (json_object_get(service, "groups"), i, group)
        json_array_extend(all, json_object_get(group, "items"));
    buffer_format(ret_xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<%s xmlns=\"%s\">\n",
                  text_of(service, "root"), text_of(service, "namespace"));
    items_write(&w, all, values, "");
    buffer_format(ret_xml, "</%s>\n", text_of(service, "root"));
    json_decref(all);
}
