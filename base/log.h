/* The log: one line an event on standard error, for people (text) or machines (JSON, one object a
 * line; what systemd's journal keeps). Fields are named values. Never personal data: no names,
 * addresses, 個人番号, certificate serial numbers, and no text that an applicant wrote. */
#ifndef UKETSUKE_BASE_LOG_H
#define UKETSUKE_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/failure.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

struct log_field {
    const char *name; /* NULL ends the list */
    const char *text; /* NULL: number */
    int64_t number;
};

static inline struct log_field log_text(const char *name, const char *text)
{
    return (struct log_field){name, text ? text : "", 0};
}

static inline struct log_field log_number(const char *name, int64_t number)
{
    return (struct log_field){name, 0, number};
}

/* `role` ("collect", "console", …) stands in every line. Call once, in main, before any thread. */
void log_open(const char *role, enum log_level least, bool json);
/* Whether lines are JSON objects: log_open said so. */
bool log_is_json(void);
/* event is "noun.verb", e.g. "package.stored". Thread-safe; never blocks the service on a full pipe
 * for longer than the write takes, and a failed write is counted, not fatal. */
void log_write(enum log_level level, const char *event, const struct log_field *fields);

#define LOG_FIELDS_(...)        ((struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})
#define log_debug(event, ...)   log_write(LOG_LEVEL_DEBUG, event, LOG_FIELDS_(__VA_ARGS__))
#define log_info(event, ...)    log_write(LOG_LEVEL_INFO, event, LOG_FIELDS_(__VA_ARGS__))
#define log_warning(event, ...) log_write(LOG_LEVEL_WARNING, event, LOG_FIELDS_(__VA_ARGS__))
#define log_error(event, ...)   log_write(LOG_LEVEL_ERROR, event, LOG_FIELDS_(__VA_ARGS__))
/* Warning with the kind and text of a failure. */
void log_failure(const char *event, const struct failure *f);

#endif
