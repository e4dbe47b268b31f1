/* Catches what is written to standard error. */
#ifndef UKETSUKE_TESTS_UNIT_CAPTURE_H
#define UKETSUKE_TESTS_UNIT_CAPTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bytes.h"

struct capture {
    FILE *file;
    int before;
};

static inline struct capture capture_begin(void)
{
    struct capture capture = {.file = tmpfile(), .before = dup(STDERR_FILENO)};

    if (!capture.file || capture.before < 0 || dup2(fileno(capture.file), STDERR_FILENO) < 0)
        abort();
    return capture;
}

/* Appends what came to `ret_text`. */
static inline void capture_end(struct capture *capture, struct buffer *ret_text)
{
    size_t got;

    dup2(capture->before, STDERR_FILENO);
    close(capture->before);
    rewind(capture->file);
    while ((got = fread(buffer_reserve(ret_text, 4096), 1, 4096, capture->file)) > 0)
        buffer_commit(ret_text, got);
    fclose(capture->file);
}

#endif
