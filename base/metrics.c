#include "base/metrics.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#define LABELS_MOST 64

struct metric_value {
    const char *label;
    int64_t number;
    struct metric_value *next;
};

static struct {
    pthread_mutex_t lock;
    struct metric *first, **last;
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER, .last = &registry.first};

static bool same_label(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* The value that belongs to the label; beyond LABELS_MOST of them, the one named "other". */
static struct metric_value *value_of(struct metric *metric, const char *label)
{
    struct metric_value **at = &metric->values;
    size_t count = 0;

    if (!metric->values) { /* touched for the first time */
        *registry.last = metric;
        registry.last = &metric->next;
    }
    for (; *at; at = &(*at)->next, count++)
        if (same_label((*at)->label, label))
            return *at;
    if (count >= LABELS_MOST && strcmp(label ? label : "", "other") != 0)
        return value_of(metric, "other");
    *at = memory_allocate(sizeof **at);
    (*at)->label = text_copy(label);
    return *at;
}

void metric_add(struct metric *metric, const char *label, int64_t n)
{
    pthread_mutex_lock(&registry.lock);
    value_of(metric, label)->number += n;
    pthread_mutex_unlock(&registry.lock);
}

void metric_set(struct metric *metric, const char *label, int64_t value)
{
    pthread_mutex_lock(&registry.lock);
    value_of(metric, label)->number = value;
    pthread_mutex_unlock(&registry.lock);
}

static void append_escaped(struct buffer *text, const char *value)
{
    for (; *value; value++) {
        if (*value == '\\' || *value == '"')
            buffer_format(text, "\\%c", *value);
        else if (*value == '\n')
            buffer_append_text(text, "\\n");
        else
            buffer_append(text, value, 1);
    }
}

static void write_metric(struct buffer *text, const struct metric *metric)
{
    buffer_format(text, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name,
                  metric->kind == METRIC_COUNTER ? "counter" : "gauge");
    for (const struct metric_value *v = metric->values; v; v = v->next) {
        buffer_append_text(text, metric->name);
        if (metric->label_name) {
            buffer_format(text, "{%s=\"", metric->label_name);
            append_escaped(text, v->label ? v->label : "");
            buffer_append_text(text, "\"}");
        }
        buffer_format(text, " %lld\n", (long long)v->number);
    }
}

void metrics_write(struct buffer *ret_text)
{
    pthread_mutex_lock(&registry.lock);
    for (const struct metric *metric = registry.first; metric; metric = metric->next)
        write_metric(ret_text, metric);
    pthread_mutex_unlock(&registry.lock);
}
