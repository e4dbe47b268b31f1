#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/config_internal.h"
#include "base/text.h"

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit size_units[] = {
    {"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10}, {"", 1}, {0}};
static const struct unit duration_units[] = {
    {"d", INSTANT_DAY},    {"h", 3600 * INSTANT_SECOND},  {"min", 60 * INSTANT_SECOND},
    {"s", INSTANT_SECOND}, {"ms", INSTANT_SECOND / 1000}, {0}};

static const struct unit *units_of(enum config_type type)
{
    static const struct unit plain[] = {{"", 1}, {0}};

    return type == CONFIG_SIZE ? size_units : type == CONFIG_DURATION ? duration_units : plain;
}

const char *config_type_name(enum config_type type)
{
    static const char *const names[] = {
        [CONFIG_TEXT] = "text",         [CONFIG_NUMBER] = "number",   [CONFIG_SIZE] = "size",
        [CONFIG_DURATION] = "duration", [CONFIG_BOOLEAN] = "yes, no", [CONFIG_PATH] = "path",
        [CONFIG_LIST] = "list",         [CONFIG_PATHS] = "paths",     [CONFIG_CHOICE] = "choice",
    };
    return names[type];
}

/* In the largest unit that divides it. */
void config_amount_write(const struct config_key *key, int64_t amount, struct buffer *ret_text)
{
    const struct unit *unit = units_of(key->type);

    while (unit[1].name && (amount == 0 || amount % unit->factor != 0))
        unit++;
    buffer_format(ret_text, "%lld%s", (long long)(amount / unit->factor), unit->name);
}

static bool out_of_bounds(const struct config_key *key, struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer least = {0}, most = {0};

    config_amount_write(key, key->least, &least);
    config_amount_write(key, key->most, &most);
    return failure_set(f, FAILURE_USAGE, "%s must be between %s and %s", key->name,
                       buffer_text(&least), buffer_text(&most));
}

static bool not_an_amount(const struct config_key *key, struct failure *f)
{
    static const char *const how[] = {
        [CONFIG_NUMBER] = "a number",
        [CONFIG_SIZE] = "a size, such as 512K, 16M or 1G",
        [CONFIG_DURATION] = "a duration with its unit, such as 500ms, 30s, 5min, 2h or 1d",
    };
    return failure_set(f, FAILURE_USAGE, "%s must be %s", key->name, how[key->type]);
}

static bool read_amount(const struct config_key *key, const char *text, int64_t *ret_amount,
                        struct failure *f)
{
    size_t digits = strspn(text, "-0123456789");
    _cleanup_(cleanup_text) char *number = text_copy_n(text, digits);
    const struct unit *unit = units_of(key->type);
    int64_t amount;

    while (unit->name && strcmp(unit->name, text + digits) != 0)
        unit++;
    if (!unit->name || !number_parse(number, INT64_MIN, INT64_MAX, &amount) ||
        (amount < 0 && key->type != CONFIG_NUMBER))
        return not_an_amount(key, f);
    bool bounded = key->least != 0 || key->most != 0;
    if (__builtin_mul_overflow(amount, unit->factor, &amount))
        return bounded ? out_of_bounds(key, f) : not_an_amount(key, f);
    if (bounded && (amount < key->least || amount > key->most))
        return out_of_bounds(key, f);
    *ret_amount = amount;
    return true;
}

static bool choice_known(const char *choices, const char *text)
{
    size_t length = strlen(text);

    while (*choices) {
        size_t word = strcspn(choices, " ");
        if (word == length && memcmp(choices, text, word) == 0)
            return true;
        choices += word;
        choices += strspn(choices, " ");
    }
    return false;
}

static char *resolve_path(const struct config *config, const char *text)
{
    if (*text == '/' || *text == 0)
        return text_copy(text);
    return text_format("%s%s", config->folder, text);
}

static bool read_list(const struct config *config, const struct config_key *key, const char *text,
                      struct config_value *value, struct failure *f)
{
    for (text += strspn(text, " \t"); *text; text += strspn(text, " \t")) {
        size_t length = strcspn(text, " \t");
        if (value->item_count == CONFIG_ITEMS_MOST)
            return failure_set(f, FAILURE_USAGE, "%s has more than %d items", key->name,
                               CONFIG_ITEMS_MOST);
        _cleanup_(cleanup_text) char *word = text_copy_n(text, length);
        bool is_path = key->type == CONFIG_PATHS && !strstr(word, "://");
        value->items = memory_resize(value->items, (value->item_count + 1) * sizeof *value->items);
        value->items[value->item_count++] = is_path ? resolve_path(config, word) : TAKE(word);
        text += length;
    }
    return true;
}

bool config_value_read(const struct config *config, const struct config_key *key, const char *text,
                       struct config_value *value, struct failure *f)
{
    switch (key->type) {
    case CONFIG_NUMBER:
    case CONFIG_SIZE:
    case CONFIG_DURATION:
        if (!read_amount(key, text, &value->number, f))
            return false;
        break;
    case CONFIG_BOOLEAN:
        value->number = strcmp(text, "yes") == 0;
        if (!value->number && strcmp(text, "no") != 0)
            return failure_set(f, FAILURE_USAGE, "%s must be yes or no", key->name);
        break;
    case CONFIG_CHOICE:
        if (!choice_known(key->choices, text))
            return failure_set(f, FAILURE_USAGE, "%s must be one of: %s", key->name, key->choices);
        break;
    case CONFIG_LIST:
    case CONFIG_PATHS:
        if (!read_list(config, key, text, value, f))
            return false;
        break;
    case CONFIG_TEXT:
    case CONFIG_PATH:
        break;
    }
    value->text = key->type == CONFIG_PATH ? resolve_path(config, text) : text_copy(text);
    return true;
}

void config_value_free(struct config_value *value)
{
    for (size_t i = 0; i < value->item_count; i++)
        free(value->items[i]);
    free(value->items);
    free(value->text);
    *value = (struct config_value){0};
}
