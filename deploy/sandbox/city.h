/* The made-up city, large: residents and serial links as feeds for `uketsuke registry import`,
 * applications to identify, and, kept apart, the truth about each. Where the town makes ZIPs and
 * certificates, the city makes only what identification looks at, but a million residents a minute.
 * The same seed makes the same city. docs/formats/registry-feed.md has the feeds. */
#ifndef UKETSUKE_SANDBOX_CITY_H
#define UKETSUKE_SANDBOX_CITY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/failure.h"
#include "deploy/sandbox/city_names.h"
#include "deploy/sandbox/town_people.h"

#define CITY_CODE         "992011"
#define CITY_PREFECTURE   "試験県"
#define CITY_MUNICIPALITY "桜野市"

struct city_options {
    const char *folder;
    int64_t seed, residents, links, cases;
    instant now;
};
bool city_make(const struct city_options *options, struct failure *f);

/* --- addresses (city_address.c) --------------------------------------------------------------- */

#define CITY_ADDRESS 320

struct city_address {
    char town[64];         /* 町字 with its 丁目, as the registry has it: 本町一丁目 */
    char town_bare[48];    /* without: 本町 */
    int block, lot, house; /* 丁目, 番, 号; 0: there is none */
    bool plot;             /* 番地 instead of 番 and 号 */
    char lots[48];         /* as the registry has it: ２番３号, １２番地の４ */
    char building[64];     /* 方書; "" */
};
enum notation { /* of the whole, as people write */
                NOTATION_REGISTRY,
                NOTATION_NO_PREFECTURE,
                NOTATION_HYPHENS,      /* 本町1-2-3 */
                NOTATION_WIDE_HYPHENS, /* 本町１－２－３, with the dash that the keyboard gave */
                NOTATION_KANJI,        /* 二番三号 */
                NOTATION_NO_BUILDING,
                NOTATION_COUNT,
};
void city_address_make(struct dice *dice, const struct city_options *options, bool in_building,
                       struct city_address *ret_address);
void city_address_write(const struct city_address *address, enum notation notation,
                        char ret_text[CITY_ADDRESS]);

/* --- people (city_homes.c) -------------------------------------------------------------------- */

/* What a kind of case asks of the home that it is about; of the first person, if of one. */
enum wish {
    WISH_FAMILY = 1 << 0, /* a spouse and a child */
    WISH_BUILDING = 1 << 1,
    WISH_VARIANT = 1 << 2, /* the registry writes a variant kanji */
    WISH_GAIJI = 1 << 3,   /* … a character of the private-use planes */
    WISH_FOREIGN = 1 << 4,
    WISH_COMMON = 1 << 5,  /* 通称 */
    WISH_FORMER = 1 << 6,  /* 旧氏 */
    WISH_RENEWED = 1 << 7, /* the card, days ago */
    WISH_PHONE = 1 << 8,
    WISH_TWIN = 1 << 9,       /* the second is the first's twin */
    WISH_NEAR_TWIN = 1 << 10, /* … and one character of the given name is all the difference */
    WISH_NAMESAKE = 1 << 11,  /* of the home before: name, sex and birth date */
    WISH_JUNIOR = 1 << 12,    /* the second is the father of the same name */
    WISH_LEAVING = 1 << 13,
    WISH_MOVED_OUT = 1 << 14,
    WISH_DEAD = 1 << 15,
    WISH_PROTECTED = 1 << 16,
    WISH_SPOUSE_PROTECTED = 1 << 17,
    WISH_UNKNOWN_DAY = 1 << 18, /* the day of birth is not known */
};

struct citizen {
    char atenabango[16], number[INDIVIDUAL_DIGIT];
    const char *relation; /* 続柄 */
    struct city_name family, given;
    char roman[96]; /* a foreigner's 氏名, full width; then family and given are the 通称 */
    bool has_common;
    char former[64]; /* 旧氏; "" */
    struct day birth_day;
    bool day_unknown;
    char sex;
    char status; /* '1' 現存 … */
    bool is_protected;
    instant card_from;
    char sign[24], sign_before[24], phone[24]; /* serial numbers in the feed; "" */
};

#define HOME_MOST 8
struct home {
    uint64_t index;
    const struct city_kind *kind; /* NULL: nobody of it applies */
    unsigned wishes;
    char household[16];
    struct city_address address;
    struct citizen at[HOME_MOST];
    size_t count, adults, child_count; /* a spouse is at[1], children are the last */
    bool has_spouse;
};
void home_make(const struct city_options *options, uint64_t index, const struct city_kind *kind,
               const struct home *before, struct home *ret_home);
/* As registry, certificate (with marks) and people write the name. */
void citizen_registered(const struct citizen *who, char ret_text[CITY_NAME]);
void citizen_certified(const struct citizen *who, char ret_text[CITY_NAME],
                       char ret_marks[CITY_NAME]);
void citizen_plain(const struct citizen *who, char ret_text[CITY_NAME]);
void citizen_kana(const struct citizen *who, char ret_text[CITY_NAME]);
void citizen_birth(const struct citizen *who, char ret_text[11]); /* YYYY-MM-DD, 00 not known */

/* --- feeds (city_feed.c) ---------------------------------------------------------------------- */

struct city_feeds;
bool city_feeds_open(const struct city_options *options, struct city_feeds **ret_feeds,
                     struct failure *f);
/* Writes the residents of a home, and their links; fills their serial numbers in. */
void city_feeds_home(struct city_feeds *feeds, struct home *home, size_t residents_most);
/* A link besides. */
void city_feeds_link(struct city_feeds *feeds, const char *serial, const char *atenabango);
void city_serial_make(struct city_feeds *feeds, char ret_serial[24]); /* of nobody's yet */
bool city_feeds_close(struct city_feeds *feeds, struct failure *f);   /* with manifests */

/* --- cases (city_cases.c, city_kinds.c) ------------------------------------------------------- */

struct claim { /* a person of the form */
    char name[CITY_NAME], kana[CITY_NAME], birth[11], address[CITY_ADDRESS];
    char number[INDIVIDUAL_DIGIT];
    char sex;
};

struct city_case {
    const struct city_kind *kind;
    const struct home *home, *before;
    struct dice dice;
    const struct citizen *who; /* the truth; NULL: nobody of this city */
    bool signed_by_card, by_agent;
    char name[CITY_NAME], name_marks[CITY_NAME], birth[11], address[CITY_ADDRESS],
        address_marks[CITY_ADDRESS], serial[24];
    char sex;
    struct claim claim;
    instant applied_at;       /* now, before city_case_make */
    struct city_feeds *feeds; /* for links that only this case has */
};

/* `solvable`: may, and must, be identified by machine. That is when a link in force leads to one
 * present resident, the resident applies for herself, nobody concerned is protected, and
 * certificate, form and registry tell the same four facts, but for notation. */
struct city_kind {
    const char *name;
    int weight; /* parts in the sum of all weights */
    bool solvable;
    bool ranked;   /* there is a right resident, and the case tells enough to find them */
    bool unlinked; /* no feed knows the serial number */
    unsigned wishes;
    void (*prepare)(struct city_case *one);
};
extern const struct city_kind city_kinds[];
extern const size_t city_kind_count;
const struct city_kind *city_kind_roll(struct dice *dice);

/* What card and form say when nothing is the matter; then the kind changes it. */
void city_case_make(struct city_case *one);
json_t *city_case_json(const struct city_case *one, const char *id); /* what the matcher sees */
void city_claim_of(struct city_case *one, const struct citizen *who, enum notation notation);
void city_marks_none(const char *text, char ret_marks[]); /* "0" for each character */

#endif
