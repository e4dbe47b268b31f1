/* What the parts of the configuration share: config_parse.c fills it, config_value.c understands
 * values, config.c answers. Nobody else includes this. */
#ifndef UKETSUKE_BASE_CONFIG_INTERNAL_H
#define UKETSUKE_BASE_CONFIG_INTERNAL_H

#include "base/config.h"

#define CONFIG_FILE_MOST   (1 << 20) /* bytes */
#define CONFIG_LINE_MOST   8192      /* bytes, without the line's end */
#define CONFIG_NAME_MOST   128       /* bytes of a section's own name */
#define CONFIG_GROUPS_MOST 1024
#define CONFIG_ITEMS_MOST  1024 /* of one list */

struct config_value {
    int line;       /* 0: not given */
    char *text;     /* as written, paths resolved; "" for an empty one; NULL: no value at all */
    int64_t number; /* number, size, duration, boolean */
    char **items;
    size_t item_count;
};

struct config_free {
    char *key, *text;
    int line;
};

struct config_group {
    const struct config_section *section;
    char *name; /* NULL: a section without one */
    int line;   /* 0: not in the file */
    struct config_value *values;
    struct config_free *free;
    size_t free_count;
    struct config_group *next;
};

struct config {
    char *path;
    char *folder; /* with a slash at the end; "" for the working folder */
    struct config_group *first;
};

/* Understands `text` as a value of `key`; *f is a sentence without place. */
bool config_value_read(const struct config *config, const struct config_key *key, const char *text,
                       struct config_value *value, struct failure *f);
void config_value_free(struct config_value *value);
/* "number", "duration", … and how bounds and defaults are written. */
const char *config_type_name(enum config_type type);
void config_amount_write(const struct config_key *key, int64_t amount, struct buffer *ret_text);

#endif
