/* Comparing people by their facts: how each fact agrees or differs, a score, and what differs
 * character by character. Pure. docs/identify.md has the words and the points as tables. */
#ifndef UKETSUKE_INTAKE_IDENTIFY_MATCH_H
#define UKETSUKE_INTAKE_IDENTIFY_MATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "intake/identify/fold.h"
#include "intake/registry/resident.h"

/* How two ways to tell a fact compare; the words are stable (agreement_word). */
enum agreement {
    AGREE_SAME,        /* character by character */
    AGREE_NOTATION,    /* written in another way: width, variant kanji, 一丁目 and 1- */
    AGREE_SUBSTITUTED, /* but for substitute characters (代替文字) of the certificate */
    AGREE_OTHER_NAME,  /* by 通称, 旧氏, ローマ字 or 漢字併記名 */
    AGREE_NO_BUILDING, /* one side tells no 方書 */
    AGREE_MOST = AGREE_NO_BUILDING,
    DIFFER_LIKE,     /* characters that are taken for each other (斎 and 斉) */
    DIFFER_NEAR,     /* one character, one part of a date; the same town */
    DIFFER_SURNAME,  /* the given name is the same */
    DIFFER_GIVEN,    /* the surname is the same */
    DIFFER_BUILDING, /* the lot is the same */
    DIFFER_ALL,
    DIFFER_UNKNOWN, /* a side does not know it: never agrees by machine */
    AGREEMENT_COUNT,
};
static inline bool agrees(enum agreement agreement)
{
    return agreement <= AGREE_MOST;
}
const char *agreement_word(enum agreement agreement); /* "same", "notation", "other-name", … */

enum fact {
    FACT_NAME,
    FACT_KANA,
    FACT_BIRTH_DATE,
    FACT_SEX,
    FACT_ADDRESS,
    FACT_NUMBER,
    FACT_COUNT
};
const char *
fact_word(enum fact fact); /* "name", "kana", "birth_date", "sex", "address", "number" */

/* What a certificate or a form tells of a person; borrowed, "" where it tells nothing. */
struct facts {
    const char *name, *name_substituted;
    const char *kana;
    const char *birth_date; /* YYYY-MM-DD */
    char sex;               /* '1', '2'; '3', '9', '0': not known; 0: not told */
    const char *address, *address_substituted;
    const uint8_t *number_hash; /* of the 個人番号, NUMBER_HASH_BYTES; NULL */
};
/* Of the JSON of a certificate's facts or of a person of a form; what is no text counts as "". */
void facts_read(const json_t *object, struct facts *ret_facts);
/* 0 for what is not a whole date. */
void birth_date_read(const char *text, struct birth_date *ret_date);
int birth_date_number(const struct birth_date *date); /* YYYYMMDD; 0 when it is not a whole date */

/* A person to compare with others: each fact is folded when it is first compared, and only then.
 * Borrows the texts of the facts, or the resident. */
struct known;
struct known *known_of(const struct facts *facts);
struct known *known_of_resident(const struct resident *resident);
/* What `known` tells in the words of `other`, who lives as long, is folded once, for both. Of facts
 * only. */
void known_beside(struct known *known, struct known *other);
/* Now, while somebody else is waited for: what is compared sooner or later. */
void known_fold(struct known *known);
void known_free(struct known *known); /* NULL is fine */
static inline void cleanup_known(struct known **known)
{
    known_free(*known);
}
/* Symmetric, but for AGREE_SUBSTITUTED's side, which does not matter. */
enum agreement known_compare(enum fact fact, struct known *a, struct known *b);
/* A copy in which a 外字 of a name or address, which no form can write, fits any character. NULL:
 * there is none. */
struct known *known_with_gaiji_open(const struct known *known);
/* The keys under which candidates of these facts are found; "" for what is not known, and of a text
 * with a wildcard in it. */
struct known_keys {
    int birth_date; /* YYYYMMDD; 0 when not wholly known */
    char name[FOLD_KEY], kana[FOLD_KEY], address[FOLD_KEY];
    char whole_address[FOLD_KEY]; /* with the building */
};
void known_keys(struct known *known, struct known_keys *ret_keys);
/* As fold_name_key makes it of the name, whatever of it is marked as substituted. */
void known_name_key(struct known *known, char ret_key[FOLD_KEY]);

/* A resident as a candidate: the best that certificate or form has to say of each fact. */
struct match {
    enum agreement how[FACT_COUNT];
    int points[FACT_COUNT];
    int score;        /* the sum */
    bool full;        /* all four facts of the first agree */
    bool full_second; /* … of the second */
};
/* `second` may be NULL. */
void match(struct known *first, struct known *second, struct known *resident,
           struct match *ret_match);

/* --- differences, for showing ----------------------------------------------------------------- */

struct difference {   /* characters of the sources, [from, to) */
    const char *kind; /* "same", "notation", "substituted", "differs" */
    size_t a_from, a_to, b_from, b_to;
};
#define DIFFERENCES_MOST 256
/* Aligned spans that cover both texts; `fact` is FACT_NAME, FACT_KANA or FACT_ADDRESS. Returns how
 * many; 1 "differs" for texts that cannot be folded or have too many differences. */
size_t differences(enum fact fact, const char *a, const char *a_substituted, const char *b,
                   struct difference ret_differences[DIFFERENCES_MOST]);

#endif
