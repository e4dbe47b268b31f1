/* Variant kanji: variants.tsv as tables, written by variants.py at build time. */
#ifndef UKETSUKE_INTAKE_IDENTIFY_VARIANTS_H
#define UKETSUKE_INTAKE_IDENTIFY_VARIANTS_H

#include <stddef.h>
#include <stdint.h>

struct variant {
    uint32_t variant, head; /* what stands for it */
};

/* Sorted by variant. `like` is of heads of `same`: apply it to what `same` gave. */
extern const struct variant variants_same[], variants_like[];
extern const size_t variants_same_count, variants_like_count;

#endif
