#include <stdlib.h>
#include <string.h>

#include "base/config_internal.h"

void config_free(struct config *config)
{
    if (!config)
        return;
    for (struct config_group *group = config->first, *next; group; group = next) {
        next = group->next;
        for (size_t i = 0; i < group->section->key_count; i++)
            config_value_free(&group->values[i]);
        for (size_t i = 0; i < group->free_count; i++) {
            free(group->free[i].key);
            free(group->free[i].text);
        }
        free(group->free);
        free(group->values);
        free(group->name);
        free(group);
    }
    free(config->folder);
    free(config->path);
    free(config);
}

const char *config_path(const struct config *config)
{
    return config->path;
}

static bool is_section(const struct config_group *group, const char *section)
{
    return strcmp(group->section->name, section) == 0;
}

bool config_has(const struct config *config, const char *section)
{
    for (const struct config_group *g = config->first; g; g = g->next)
        if (g->line && is_section(g, section))
            return true;
    return false;
}

bool config_require(const struct config *config, const char *section, struct failure *f)
{
    if (config_has(config, section))
        return true;
    return failure_set(f, FAILURE_USAGE,
                       "%s: section [%s] is missing; `uketsuke config reference` describes it",
                       config->path, section);
}

const struct config_group *config_group(const struct config *config, const char *section)
{
    for (const struct config_group *g = config->first; g; g = g->next)
        if (!g->name && is_section(g, section))
            return g;
    fprintf(stderr, "uketsuke: no section [%s] was declared\n", section);
    abort();
}

const struct config_group *config_next(const struct config *config, const char *section,
                                       const struct config_group *previous)
{
    const struct config_group *g = previous ? previous->next : config->first;

    while (g && !(g->name && is_section(g, section)))
        g = g->next;
    return g;
}

const struct config_group *config_find(const struct config *config, const char *section,
                                       const char *name)
{
    const struct config_group *g = NULL;

    while ((g = config_next(config, section, g)))
        if (strcmp(g->name, name) == 0)
            return g;
    return NULL;
}

const char *config_name(const struct config_group *group)
{
    return group->name;
}

size_t config_free_count(const struct config_group *group)
{
    return group->free_count;
}

const char *config_free_key(const struct config_group *group, size_t index)
{
    return group->free[index].key;
}

const char *config_free_text(const struct config_group *group, size_t index)
{
    return group->free[index].text;
}

bool config_free_fault(const struct config *config, const struct config_group *group, size_t index,
                       const char *what, struct failure *f)
{
    return failure_set(f, FAILURE_USAGE, "%s:%d: %s", config->path, group->free[index].line, what);
}

static bool type_in(enum config_type type, unsigned types)
{
    return (1u << type) & types;
}

static const struct config_value *value_of(const struct config_group *group, const char *key,
                                           unsigned types)
{
    for (size_t i = 0; i < group->section->key_count; i++) {
        const struct config_key *k = &group->section->keys[i];
        if (strcmp(k->name, key) != 0)
            continue;
        if (!type_in(k->type, types) || !group->values[i].text)
            break;
        return &group->values[i];
    }
    fprintf(stderr, "uketsuke: [%s] %s: not declared, of another type, or not given\n",
            group->section->name, key);
    abort();
}

const char *config_text(const struct config_group *group, const char *key)
{
    return value_of(group, key, 1 << CONFIG_TEXT | 1 << CONFIG_PATH | 1 << CONFIG_CHOICE)->text;
}

int64_t config_number(const struct config_group *group, const char *key)
{
    return value_of(group, key, 1 << CONFIG_NUMBER | 1 << CONFIG_SIZE)->number;
}

instant config_duration(const struct config_group *group, const char *key)
{
    return value_of(group, key, 1 << CONFIG_DURATION)->number;
}

bool config_boolean(const struct config_group *group, const char *key)
{
    return value_of(group, key, 1 << CONFIG_BOOLEAN)->number;
}

size_t config_list_length(const struct config_group *group, const char *key)
{
    return value_of(group, key, 1 << CONFIG_LIST | 1 << CONFIG_PATHS)->item_count;
}

const char *config_list_item(const struct config_group *group, const char *key, size_t index)
{
    const struct config_value *value = value_of(group, key, 1 << CONFIG_LIST | 1 << CONFIG_PATHS);

    if (index >= value->item_count)
        abort();
    return value->items[index];
}
