/* The configuration: one file, `[section]` or `[section name]`, `key = value`; a comment begins
 * with
 * `#` and has a line of its own. An indented line goes on with the list above it.
 *
 * Modules declare their sections as tables (below); the program hands all of them to config_load.
 * An unknown section or key, a missing required key, a value out of range or given twice is a
 * failure that names file and line. `uketsuke config reference` prints the tables as Markdown. */
#ifndef UKETSUKE_BASE_CONFIG_H
#define UKETSUKE_BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/failure.h"

enum config_type {
    CONFIG_TEXT,
    CONFIG_NUMBER,
    CONFIG_SIZE,     /* bytes; K, M, G (powers of 1024) */
    CONFIG_DURATION, /* ms, s, min, h, d; kept in microseconds */
    CONFIG_BOOLEAN,  /* yes, no */
    CONFIG_PATH,     /* relative to the folder of the configuration file */
    CONFIG_LIST,     /* words separated by blanks; a list of paths is CONFIG_PATHS */
    CONFIG_PATHS, /* each relative to the file's folder; what has "://" in it is a URL, and stays */
    CONFIG_CHOICE, /* one of `choices`, separated by blanks */
};

struct config_key {
    const char *name;
    enum config_type type;
    const char *initial; /* the default as it would be written; NULL: must be given */
    int64_t least,
        most; /* bounds for numbers, sizes (bytes) and durations (microseconds); 0, 0: none */
    const char *choices; /* for CONFIG_CHOICE */
    const char *help;    /* one sentence; says the unit where the type does not */
};

struct config_section {
    const char *name;
    bool named; /* may appear many times, each with a name: `[route child-allowance.…]` */
    bool required;
    bool free; /* takes keys that are not declared, as texts: config_free_key */
    const char *help;
    const struct config_key *keys;
    size_t key_count;
};

struct config;
struct config_group; /* one section as it stands in the file, or all defaults; owned by the config
                      */

bool config_load(const char *path, const struct config_section *const *sections, size_t count,
                 struct config **ret_config, struct failure *f);
/* The same from bytes; `path` is for messages and for what is relative to it. */
bool config_parse(const char *path, struct bytes text, const struct config_section *const *sections,
                  size_t count, struct config **ret_config, struct failure *f);
void config_free(struct config *config);

/* Does the file have the section (one of that name)? A section that is not `required` may be left
 * out although keys of it must be given: roles that live by it ask for it first. */
bool config_has(const struct config *config, const char *section);
/* A failure that names file and section when it is not there. */
bool config_require(const struct config *config, const char *section, struct failure *f);
const char *config_path(const struct config *config); /* of the file it came from */

/* A section without a name; never NULL for a declared section (defaults where the file is silent).
 */
const struct config_group *config_group(const struct config *config, const char *section);
/* Named sections in the order of the file: pass NULL for the first; NULL after the last. */
const struct config_group *config_next(const struct config *config, const char *section,
                                       const struct config_group *previous);
const struct config_group *config_find(const struct config *config, const char *section,
                                       const char *name);
const char *config_name(const struct config_group *group);

/* The keys of a `free` section in the order of the file, for who declares them elsewhere;
 * config_free_fault makes a failure that names file and line of one. */
size_t config_free_count(const struct config_group *group);
const char *config_free_key(const struct config_group *group, size_t index);
const char *config_free_text(const struct config_group *group, size_t index);
bool config_free_fault(const struct config *config, const struct config_group *group, size_t index,
                       const char *what, struct failure *f);

/* Asking for a key that was not declared, or by another type, is a bug and aborts; so is asking for
 * a key without default of a section that is not there (config_require comes first). */
const char *config_text(const struct config_group *group, const char *key); /* text, path, choice */
int64_t config_number(const struct config_group *group, const char *key);   /* number and size */
instant config_duration(const struct config_group *group, const char *key);
bool config_boolean(const struct config_group *group, const char *key);
size_t config_list_length(const struct config_group *group, const char *key);
const char *config_list_item(const struct config_group *group, const char *key, size_t index);

/* Markdown: every section and key with type, default and help. */
void config_write_reference(FILE *out, const struct config_section *const *sections, size_t count);

#endif
