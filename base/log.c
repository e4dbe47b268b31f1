#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/text.h"

#define VALUE_MOST 4096 /* bytes of one field: a log line is for reading */

static struct {
    pthread_mutex_t lock;
    char role[32];
    enum log_level least;
    bool json;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .least = LOG_LEVEL_INFO};

static struct metric lines_lost = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_log_lines_lost_total",
    .help = "Log lines that could not be written to standard error.",
};

static const char *level_name(enum log_level level)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};

    return names[level];
}

void log_open(const char *role, enum log_level least, bool json)
{
    pthread_mutex_lock(&state.lock);
    snprintf(state.role, sizeof state.role, "%s", role);
    state.least = least;
    state.json = json;
    pthread_mutex_unlock(&state.lock);
}

bool log_is_json(void)
{
    return state.json;
}

/* At most VALUE_MOST bytes, and no character cut in two. */
static struct bytes bounded(const char *text)
{
    size_t length = strnlen(text, VALUE_MOST + 1);

    if (length > VALUE_MOST) {
        length = VALUE_MOST;
        while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80)
            length--;
    }
    return bytes_of(text, length);
}

/* Between quotes: quotes, backslashes and control characters escaped as JSON has them; a byte that
 * is not UTF-8 becomes U+FFFD, so that one bad byte never makes a line unreadable to a machine. */
static void append_quoted(struct buffer *line, struct bytes text)
{
    size_t at = 0;

    buffer_append_text(line, "\"");
    while (at < text.length) {
        uint8_t c = text.data[at];
        size_t length = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
        if (length > text.length - at || !utf8_valid(bytes_of(text.data + at, length))) {
            buffer_append_text(line, "\uFFFD");
            at++;
            continue;
        }
        if (c == '"' || c == '\\')
            buffer_format(line, "\\%c", c);
        else if (c < 0x20 || c == 0x7F)
            buffer_format(line, "\\u%04x", c);
        else
            buffer_append(line, text.data + at, length);
        at += length;
    }
    buffer_append_text(line, "\"");
}

static void write_json(struct buffer *line, enum log_level level, const char *event,
                       const struct log_field *fields)
{
    char at[INSTANT_TEXT];

    buffer_format(line,
                  "{\"at\":\"%s\",\"level\":\"%s\",\"role\":", instant_text_jst(clock_now(), at),
                  level_name(level));
    append_quoted(line, bytes_of_text(state.role));
    buffer_append_text(line, ",\"event\":");
    append_quoted(line, bounded(event));
    for (; fields->name; fields++) {
        buffer_append_text(line, ",");
        append_quoted(line, bounded(fields->name));
        buffer_append_text(line, ":");
        if (fields->text)
            append_quoted(line, bounded(fields->text));
        else
            buffer_format(line, "%lld", (long long)fields->number);
    }
    buffer_append_text(line, "}\n");
}

static bool plain_word(struct bytes text)
{
    if (text.length == 0 || !utf8_valid(text))
        return false;
    for (size_t i = 0; i < text.length; i++) {
        uint8_t c = text.data[i];
        if (c <= ' ' || c == 0x7F || c == '"' || c == '=' || c == '\\')
            return false;
    }
    return true;
}

/* 09:00:01 collect  package.stored  receipt=R-1 bytes=123 */
static void write_text(struct buffer *line, enum log_level level, const char *event,
                       const struct log_field *fields)
{
    char at[INSTANT_TEXT];
    const char *mark = level == LOG_LEVEL_ERROR     ? "ERROR "
                       : level == LOG_LEVEL_WARNING ? "warning "
                                                    : "";

    instant_text_jst(clock_now(), at);
    buffer_format(line, "%.8s %-10s %s%s", at + 11, state.role, mark, event);
    if (fields->name)
        buffer_append_text(line, " ");
    for (; fields->name; fields++) {
        buffer_format(line, " %s=", fields->name);
        if (!fields->text) {
            buffer_format(line, "%lld", (long long)fields->number);
            continue;
        }
        struct bytes text = bounded(fields->text);
        if (plain_word(text))
            buffer_append(line, text.data, text.length);
        else
            append_quoted(line, text);
    }
    buffer_append_text(line, "\n");
}

static void write_whole(struct bytes line)
{
    while (line.length > 0) {
        ssize_t written = write(STDERR_FILENO, line.data, line.length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            metric_add(&lines_lost, NULL, 1);
            return;
        }
        line.data += written;
        line.length -= (size_t)written;
    }
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    struct buffer line = {0};
    int error = errno;

    pthread_mutex_lock(&state.lock);
    if (level >= state.least) {
        if (state.json)
            write_json(&line, level, event, fields);
        else
            write_text(&line, level, event, fields);
        write_whole(buffer_bytes(&line)); /* locked: lines must not mix */
    }
    pthread_mutex_unlock(&state.lock);
    buffer_free(&line);
    errno = error;
}

void log_failure(const char *event, const struct failure *f)
{
    log_warning(event, log_text("kind", failure_kind_name(f->kind)), log_text("text", f->text));
}
