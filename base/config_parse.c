#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/config_internal.h"
#include "base/text.h"

struct parser {
    struct config *config;
    const struct config_section *const *sections;
    size_t section_count;
    struct config_group **last;
    struct config_group *group; /* under way; NULL before the first section */
    size_t group_count;
    int line;
    const struct config_key
        *key; /* of the last "key = value"; what an indented line goes on with */
    int key_line;
    struct buffer value;
};

static bool fault(const struct parser *p, int line, struct failure *f, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static bool fault(const struct parser *p, int line, struct failure *f, const char *format, ...)
{
    va_list arguments;
    char *text = NULL;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        abort();
    va_end(arguments);
    failure_set(f, FAILURE_USAGE, "%s:%d: %s", p->config->path, line, text);
    free(text);
    return false;
}

static const struct config_section *find_section(const struct parser *p, const char *name)
{
    for (size_t i = 0; i < p->section_count; i++)
        if (strcmp(p->sections[i]->name, name) == 0)
            return p->sections[i];
    return NULL;
}

static const struct config_key *find_key(const struct config_section *section, const char *name)
{
    for (size_t i = 0; i < section->key_count; i++)
        if (strcmp(section->keys[i].name, name) == 0)
            return &section->keys[i];
    return NULL;
}

static struct config_group *add_group(struct parser *p, const struct config_section *section,
                                      const char *name, int line)
{
    struct config_group *group = memory_allocate(sizeof *group);

    group->section = section;
    group->name = text_copy(name);
    group->line = line;
    group->values = memory_allocate(section->key_count * sizeof *group->values);
    *p->last = group;
    p->last = &group->next;
    return group;
}

/* The value is complete only when the next line does not go on with it. */
static bool finish_value(struct parser *p, struct failure *f)
{
    if (!p->key)
        return true;
    struct config_value *value = &p->group->values[p->key - p->group->section->keys];
    struct failure why = {0};
    const char *text = buffer_text(&p->value);
    if (*text == 0 && !p->key->initial)
        return fault(p, p->key_line, f, "%s must be given a value", p->key->name);
    if (!config_value_read(p->config, p->key, text, value, &why))
        return fault(p, p->key_line, f, "%s", why.text);
    value->line = p->key_line;
    p->key = NULL;
    buffer_clear(&p->value);
    return true;
}

static bool begin_section(struct parser *p, char *text, struct failure *f)
{
    size_t length = strlen(text);

    if (text[length - 1] != ']')
        return fault(p, p->line, f, "a section is written [name] or [kind name]");
    text[length - 1] = 0;
    char *rest = text + 1;
    char *kind = strsep(&rest, " ");
    char *name = rest && *rest ? rest : NULL;
    const struct config_section *section = find_section(p, kind);
    if (!section)
        return fault(p, p->line, f, "there is no section [%s]", kind);
    if (section->named && !name)
        return fault(p, p->line, f, "section [%s] needs a name: [%s NAME]", kind, kind);
    if (!section->named && rest)
        return fault(p, p->line, f, "section [%s] has no name", kind);
    if (name && (strpbrk(name, " \t[]") || strlen(name) > CONFIG_NAME_MOST))
        return fault(p, p->line, f, "the name of a section is one word of at most %d bytes",
                     CONFIG_NAME_MOST);
    for (struct config_group *g = p->config->first; g; g = g->next)
        if (g->section == section && (!name || strcmp(g->name, name) == 0))
            return fault(p, p->line, f, "the section stands in line %d already", g->line);
    if (p->group_count++ == CONFIG_GROUPS_MOST)
        return fault(p, p->line, f, "more than %d sections", CONFIG_GROUPS_MOST);
    p->group = add_group(p, section, name, p->line);
    return true;
}

static char *trim(char *text)
{
    text += strspn(text, " \t");
    size_t length = strlen(text);
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
        length--;
    text[length] = 0;
    return text;
}

/* " #" in a value is more likely a comment that would become part of it. */
static bool append_value(struct parser *p, const char *text, struct failure *f)
{
    if (strstr(text, " #") || strstr(text, "\t#") || *text == '#')
        return fault(p, p->line, f, "a comment needs a line of its own");
    buffer_append_text(&p->value, text);
    return true;
}

/* A key that only the module knows that the section is for: one line, a text. */
static bool take_free(struct parser *p, const char *name, const char *text, struct failure *f)
{
    struct config_group *group = p->group;
    for (size_t i = 0; i < group->free_count; i++)
        if (strcmp(group->free[i].key, name) == 0)
            return fault(p, p->line, f, "%s is given in line %d already", name,
                         group->free[i].line);
    if (!append_value(p, text, f))
        return false;
    group->free = memory_resize(group->free, (group->free_count + 1) * sizeof *group->free);
    group->free[group->free_count++] =
        (struct config_free){text_copy(name), text_copy(text), p->line};
    buffer_clear(&p->value);
    return true;
}

static bool begin_key(struct parser *p, char *text, struct failure *f)
{
    char *equals = strchr(text, '=');

    if (!equals)
        return fault(p, p->line, f, "expected \"key = value\" or [section]");
    *equals = 0;
    char *name = trim(text);
    if (!p->group)
        return fault(p, p->line, f, "the key stands before any [section]");
    const struct config_key *key = find_key(p->group->section, name);
    if (!key && p->group->section->free)
        return take_free(p, name, trim(equals + 1), f);
    if (!key)
        return fault(p, p->line, f, "section [%s] has no key \"%.64s\"", p->group->section->name,
                     name);
    int before = p->group->values[key - p->group->section->keys].line;
    if (before)
        return fault(p, p->line, f, "%s is given in line %d already", key->name, before);
    p->key = key;
    p->key_line = p->line;
    return append_value(p, trim(equals + 1), f);
}

static bool continue_list(struct parser *p, const char *text, struct failure *f)
{
    if (!p->key || (p->key->type != CONFIG_LIST && p->key->type != CONFIG_PATHS))
        return fault(p, p->line, f, "an indented line goes on with a list; there is none above it");
    if (strstr(text, " = "))
        return fault(p, p->line, f, "a key must not be indented");
    buffer_append_text(&p->value, " ");
    return append_value(p, text, f);
}

static bool read_line(struct parser *p, char *line, struct failure *f)
{
    bool indented = *line == ' ' || *line == '\t';
    char *text = trim(line);

    if (*text == 0 || *text == '#')
        return true;
    if (indented)
        return continue_list(p, text, f);
    if (!finish_value(p, f))
        return false;
    return *text == '[' ? begin_section(p, text, f) : begin_key(p, text, f);
}

static bool read_lines(struct parser *p, struct bytes text, struct failure *f)
{
    const uint8_t *at = text.data, *end = at + text.length;

    while (at < end) {
        const uint8_t *stop = memchr(at, '\n', (size_t)(end - at)) ?: end;
        size_t length = (size_t)(stop - at);
        p->line++;
        if (length > 0 && at[length - 1] == '\r')
            length--;
        if (length > CONFIG_LINE_MOST)
            return fault(p, p->line, f, "the line is longer than %d bytes", CONFIG_LINE_MOST);
        if (!utf8_valid(bytes_of(at, length)))
            return fault(p, p->line, f, "the line is not UTF-8 text");
        _cleanup_(cleanup_text) char *line = text_copy_n((const char *)at, length);
        if (!read_line(p, line, f))
            return false;
        at = stop + (stop < end);
    }
    return finish_value(p, f);
}

/* A default that can't be read is a bug in a table, which the first test that loads it meets. */
static bool fill_group(struct parser *p, struct config_group *group, struct failure *f)
{
    for (size_t i = 0; i < group->section->key_count; i++) {
        const struct config_key *key = &group->section->keys[i];
        struct config_value *value = &group->values[i];
        struct failure why = {0};
        if (value->line)
            continue;
        if (key->initial) {
            /* An empty default of an amount or choice means "not set". */
            if (*key->initial == 0)
                value->text = text_copy("");
            else if (!config_value_read(p->config, key, key->initial, value, &why))
                abort();
        } else if (group->line) {
            return fault(p, group->line, f, "section [%s%s%s] needs the key \"%s\"",
                         group->section->name, group->name ? " " : "",
                         group->name ? group->name : "", key->name);
        }
    }
    return true;
}

static bool fill_defaults(struct parser *p, struct failure *f)
{
    for (size_t i = 0; i < p->section_count; i++) {
        const struct config_section *section = p->sections[i];
        if (config_has(p->config, section->name))
            continue;
        if (section->required)
            return failure_set(f, FAILURE_USAGE, "%s: section [%s%s] is missing", p->config->path,
                               section->name, section->named ? " NAME" : "");
        if (!section->named)
            add_group(p, section, NULL, 0);
    }
    for (struct config_group *group = p->config->first; group; group = group->next)
        if (!fill_group(p, group, f))
            return false;
    return true;
}

static void cleanup_config(struct config **config)
{
    config_free(*config);
}

bool config_parse(const char *path, struct bytes text, const struct config_section *const *sections,
                  size_t count, struct config **ret_config, struct failure *f)
{
    _cleanup_(cleanup_config) struct config *config = memory_allocate(sizeof *config);
    struct parser p = {
        .config = config, .sections = sections, .section_count = count, .last = &config->first};
    const char *slash = strrchr(path, '/');

    config->path = text_copy(path);
    config->folder = text_copy_n(path, slash ? (size_t)(slash - path) + 1 : 0);
    if (text.length > CONFIG_FILE_MOST)
        return failure_set(f, FAILURE_USAGE, "%s: longer than %d bytes", path, CONFIG_FILE_MOST);
    bool good = read_lines(&p, text, f) && fill_defaults(&p, f);
    buffer_free(&p.value);
    if (good)
        *ret_config = TAKE(config);
    return good;
}

bool config_load(const char *path, const struct config_section *const *sections, size_t count,
                 struct config **ret_config, struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer text = {0};
    _cleanup_(cleanup_file) FILE *file = fopen(path, "re");
    size_t got;

    if (!file)
        return failure_errno(f, "cannot open the configuration %s", path);
    do {
        got = fread(buffer_reserve(&text, 8192), 1, 8192, file);
        buffer_commit(&text, got);
    } while (got > 0 && text.length <= CONFIG_FILE_MOST);
    if (ferror(file))
        return failure_errno(f, "cannot read the configuration %s", path);
    return config_parse(path, buffer_bytes(&text), sections, count, ret_config, f);
}
