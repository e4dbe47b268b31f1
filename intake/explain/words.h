/* The words in which results are told to people: reasons.tsv and checks.tsv, built into the
 * program.
 */
#ifndef UKETSUKE_INTAKE_EXPLAIN_WORDS_H
#define UKETSUKE_INTAKE_EXPLAIN_WORDS_H

#include <stddef.h>

struct reason_words {
    const char *reason;      /* "certificate-revoked", or what several begin with */
    const char *means, *act; /* English, for engineers */
    const char *imi, *taiou; /* 意味, 対応: for staff */
};
struct check_words {
    const char *check; /* "signature.digest", or what several begin with */
    const char *kensa; /* 検査 */
};

/* Sorted by the first member (embed.py). */
extern const struct reason_words reason_word_rows[];
extern const size_t reason_word_count;
extern const struct check_words check_word_rows[];
extern const size_t check_word_count;

/* The longest row that `name` begins with; NULL when there is none. */
const struct reason_words *reason_words_find(const char *reason);
const struct check_words *check_words_find(const char *check);

#endif
