/* What the made-up people are called and where they live. Surnames and streets are of plants and
 * landscapes; every character is in JIS X 0208, as in a certificate. */
#ifndef UKETSUKE_SANDBOX_TOWN_NAMES_H
#define UKETSUKE_SANDBOX_TOWN_NAMES_H

#include <stddef.h>

struct town_name {
    const char *kanji;
    const char *kana; /* full width */
};

extern const struct town_name town_families[], town_given_men[], town_given_women[];
extern const char *const town_streets[];
extern const size_t town_families_count, town_given_men_count, town_given_women_count,
    town_streets_count;

#endif
