#include "intake/registry/fault.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"

void feed_fault(struct feed_faults *faults, int64_t line, const char *item, const char *code,
                const char *format, ...)
{
    faults->count++;
    if (faults->kept_count == FEED_FAULTS_MOST)
        return;
    if (faults->kept_count == faults->capacity) {
        faults->capacity = faults->capacity ? 2 * faults->capacity : 8;
        faults->kept = memory_resize(faults->kept, faults->capacity * sizeof *faults->kept);
    }
    struct feed_fault *fault = &faults->kept[faults->kept_count++];
    *fault = (struct feed_fault){.line = line, .item = item, .code = code};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault->text, sizeof fault->text, format, arguments);
    va_end(arguments);
}

const char *feed_fault_text(const struct feed_fault *fault, char text[256])
{
    char line[32] = "", item[64] = "";
    if (fault->line)
        snprintf(line, sizeof line, "line %" PRId64, fault->line);
    if (fault->item)
        snprintf(item, sizeof item, "%sitem %s", fault->line ? ", " : "", fault->item);
    snprintf(text, 256, "%s%s%s%s%s%s", line, item, fault->line || fault->item ? ": " : "",
             fault->code ? fault->code : "", fault->code ? " " : "", fault->text);
    return text;
}

json_t *feed_fault_json(const struct feed_fault *fault)
{
    return json_pack("{s:o s:s? s:s? s:s}", "line",
                     fault->line ? json_integer(fault->line) : json_null(), "item", fault->item,
                     "code", fault->code, "text", fault->text);
}

void feed_faults_free(struct feed_faults *faults)
{
    free(faults->kept);
    *faults = (struct feed_faults){0};
}
