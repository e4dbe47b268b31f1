/* Any bytes as CSV: every record that comes out is within the limits and clean text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/text.h"
#include "tests/fuzz/fuzz.h"

static void check(const struct csv_record *record)
{
    size_t total = 0;

    if (record->count == 0 || record->count > CSV_FIELDS_MAX || record->line < 1)
        abort();
    for (size_t i = 0; i < record->count; i++) {
        struct bytes field = bytes_of_text(record->field[i]);
        total += field.length;
        if (!utf8_valid(field))
            abort();
    }
    if (total > CSV_LINE_MAX)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct csv_record record;
    struct failure f = {0};
    bool end = false;

    if (size == 0) /* fmemopen refuses nothing at all */
        return 0;
    FILE *in = fmemopen((void *)data, size, "r");
    struct csv_reader *reader = csv_open(in);
    while (csv_next(reader, &record, &end, &f) && !end)
        check(&record);
    if (!end && (f.kind == FAILURE_NONE || strncmp(f.text, "line ", 5) != 0))
        abort();
    csv_close(reader);
    fclose(in);
    return 0;
}
