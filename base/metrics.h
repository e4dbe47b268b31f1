/* Counters and gauges in the Prometheus text format (version 0.0.4). Metrics are static objects of
 * the module that counts; labels have closed sets of values, never personal data. Thread-safe. */
#ifndef UKETSUKE_BASE_METRICS_H
#define UKETSUKE_BASE_METRICS_H

#include <stdint.h>

#include "base/bytes.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE };

struct metric {
    enum metric_kind kind;
    const char *name; /* "uketsuke_packages_stored_total" */
    const char *help;
    const char *label_name; /* NULL: one value */
    struct metric_value *values;
    struct metric *next;
};

/* label: a literal or NULL when the metric has none. At most 64 labels a metric; more are counted
 * under "other". */
void metric_add(struct metric *metric, const char *label, int64_t n);
void metric_set(struct metric *metric, const char *label, int64_t value);
/* All metrics touched so far. */
void metrics_write(struct buffer *ret_text);

#endif
