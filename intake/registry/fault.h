/* What is wrong with a feed: a bounded list, precise and without anything of what stands there. */
#ifndef UKETSUKE_INTAKE_REGISTRY_FAULT_H
#define UKETSUKE_INTAKE_REGISTRY_FAULT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define FEED_FAULTS_MOST 1000 /* kept; all are counted */

struct feed_fault {
    int64_t line;     /* 0: of the feed as a whole */
    const char *item; /* a literal; NULL: of the line */
    const char *code; /* E0001 required, E0002 characters, E0003 length, E0004 combination; NULL */
    char text[160];
};

struct feed_faults { /* {0} is empty; free with feed_faults_free */
    struct feed_fault *kept;
    size_t kept_count, capacity;
    int64_t count;
};

void feed_fault(struct feed_faults *faults, int64_t line, const char *item, const char *code,
                const char *format, ...) __attribute__((format(printf, 5, 6)));
/* "line 3, item serial: E0002 has …"; returns text. */
const char *feed_fault_text(const struct feed_fault *fault, char text[256]);
/* {"line", "item", "code", "text"}, null where there is none. New reference. */
json_t *feed_fault_json(const struct feed_fault *fault);
void feed_faults_free(struct feed_faults *faults);

#endif
