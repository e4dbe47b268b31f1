#include "intake/explain/words.h"

#include <string.h>

/* Sorted, so the last row that fits is the longest. `rows` begin with the text compared. */
static const void *longest(const void *rows, size_t count, size_t size, const char *name)
{
    const void *found = NULL;
    for (size_t i = 0; i < count; i++) {
        const char *const *row = (const void *)((const char *)rows + i * size);
        if (strncmp(name, *row, strlen(*row)) == 0)
            found = row;
    }
    return found;
}

const struct reason_words *reason_words_find(const char *reason)
{
    return longest(reason_word_rows, reason_word_count, sizeof *reason_word_rows, reason);
}

const struct check_words *check_words_find(const char *check)
{
    return longest(check_word_rows, check_word_count, sizeof *check_word_rows, check);
}
