/* Rows to residents: what the statements of residents.c answer. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "intake/registry/residents.h"

enum column { /* of every answer */
              COLUMN_QUESTION,
              COLUMN_PROTECTED,
              COLUMN_ATENABANGO,
              COLUMN_HOUSEHOLD,
              COLUMN_RELATION,
              COLUMN_NAME,
              COLUMN_KANA,
              COLUMN_COMMON_NAME,
              COLUMN_COMMON_KANA,
              COLUMN_FORMER_SURNAME,
              COLUMN_ROMAN_NAME,
              COLUMN_KANJI_NAME,
              COLUMN_BIRTH_DATE,
              COLUMN_SEX,
              COLUMN_PREFECTURE,
              COLUMN_MUNICIPALITY,
              COLUMN_TOWN_CODE,
              COLUMN_TOWN,
              COLUMN_LOT,
              COLUMN_BUILDING,
              COLUMN_STATUS,
              COLUMN_STATUS_SINCE,
              COLUMN_NUMBER_HASH,
              /* of versions, behind four that tell of protection: */
              COLUMN_VALID_FROM = COLUMN_NUMBER_HASH + 5,
              COLUMN_VALID_TO,
              COLUMN_LEFT,
              COLUMN_LINK, /* of those that are linked */
};

/* --- rows to residents ------------------------------------------------------------------------ */

static void atenabango_copy(char to[ATENABANGO_TEXT], const char *from)
{
    size_t length = strnlen(from, ATENABANGO_TEXT - 1);
    memcpy(to, from, length);
    to[length] = 0;
}

static struct birth_date birth_date_of(int64_t number)
{
    return (struct birth_date){(int)(number / 10000), (int)(number / 100 % 100),
                               (int)(number % 100)};
}

static struct resident resident_read(const struct db_rows *rows, size_t row)
{
    struct resident resident = {
        .relation = db_get_text(rows, row, COLUMN_RELATION),
        .name = db_get_text(rows, row, COLUMN_NAME),
        .kana = db_get_text(rows, row, COLUMN_KANA),
        .common_name = db_get_text(rows, row, COLUMN_COMMON_NAME),
        .common_kana = db_get_text(rows, row, COLUMN_COMMON_KANA),
        .former_surname = db_get_text(rows, row, COLUMN_FORMER_SURNAME),
        .roman_name = db_get_text(rows, row, COLUMN_ROMAN_NAME),
        .kanji_name = db_get_text(rows, row, COLUMN_KANJI_NAME),
        .birth_date = birth_date_of(db_get_number(rows, row, COLUMN_BIRTH_DATE)),
        .sex = *db_get_text(rows, row, COLUMN_SEX),
        .prefecture = db_get_text(rows, row, COLUMN_PREFECTURE),
        .municipality = db_get_text(rows, row, COLUMN_MUNICIPALITY),
        .town_code = db_get_text(rows, row, COLUMN_TOWN_CODE),
        .town = db_get_text(rows, row, COLUMN_TOWN),
        .lot = db_get_text(rows, row, COLUMN_LOT),
        .building = db_get_text(rows, row, COLUMN_BUILDING),
        .status = (enum resident_status)db_get_number(rows, row, COLUMN_STATUS),
        .status_since = (int)db_get_number(rows, row, COLUMN_STATUS_SINCE),
        .is_protected = db_get_boolean(rows, row, COLUMN_PROTECTED),
        .has_number = !db_is_null(rows, row, COLUMN_NUMBER_HASH),
    };
    atenabango_copy(resident.atenabango, db_get_text(rows, row, COLUMN_ATENABANGO));
    atenabango_copy(resident.household, db_get_text(rows, row, COLUMN_HOUSEHOLD));
    if (resident.has_number)
        memcpy(resident.number_hash, db_get_bytes(rows, row, COLUMN_NUMBER_HASH).data,
               NUMBER_HASH_BYTES);
    return resident;
}

/* Who is known by now to have been no resident that day (転出, 死亡, 職権消除: the feed tells it
 * days later) was none, whatever was known then; else the earliest version was in force. */
static int compare_versions(const struct resident_answer *a, const struct resident_answer *b)
{
    if (a->left != b->left)
        return a->left ? -1 : 1;
    return a->since < b->since ? -1 : a->since > b->since;
}

static int compare_answers(const void *one, const void *other)
{
    const struct resident_answer *a = one, *b = other;
    if (a->question != b->question)
        return a->question < b->question ? -1 : 1;
    int whom = strcmp(a->resident.atenabango, b->resident.atenabango);
    return whom ? whom : compare_versions(a, b);
}

static void answer_read(const struct resident_set *set, size_t row, struct resident_answer *ret)
{
    ret->question = (size_t)db_get_number(set->rows, row, COLUMN_QUESTION) - 1;
    ret->resident = resident_read(set->rows, row);
    ret->since = set->versions ? db_get_instant(set->rows, row, COLUMN_VALID_FROM) : 0;
    ret->left = set->versions && db_get_boolean(set->rows, row, COLUMN_LEFT);
}

/* Of one question and resident, the first. */
static void versions_drop(struct resident_set *set)
{
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++) {
        const struct resident_answer *last = count ? &set->answers[count - 1] : NULL;
        if (!last || last->question != set->answers[i].question ||
            strcmp(last->resident.atenabango, set->answers[i].resident.atenabango) != 0)
            set->answers[count++] = set->answers[i];
    }
    set->count = count;
}

/* PostgreSQL need not sort them: each with all its items, that takes longer than finding them. */
void resident_set_read(struct resident_set *set)
{
    size_t count = set->rows ? db_row_count(set->rows) : 0;
    bool sorted = true;
    set->answers = memory_resize(NULL, (count ? count : 1) * sizeof *set->answers);
    for (size_t row = 0; row < count; row++) {
        struct resident_answer *answer = &set->answers[set->count];
        if (db_is_null(set->rows, row, COLUMN_ATENABANGO))
            continue; /* linked, and not sent */
        answer_read(set, row, answer);
        sorted = sorted && (set->count == 0 || compare_answers(answer - 1, answer) < 0);
        set->count++;
    }
    if (!sorted)
        qsort(set->answers, set->count, sizeof *set->answers, compare_answers);
    versions_drop(set);
}

/* Distinct, in order; of more than two, the first and the last. */
static void link_add(struct registry_lookup *lookup, const char *atenabango)
{
    char(*links)[ATENABANGO_TEXT] = lookup->atenabango;
    int first = lookup->count > 0 ? strcmp(atenabango, links[0]) : 1;
    int last = lookup->count > 1 ? strcmp(atenabango, links[1]) : first;
    if (first == 0 || last == 0 || (lookup->count == 2 && first > 0 && last < 0))
        return;
    if (first < 0) {
        if (lookup->count == 1)
            atenabango_copy(links[1], links[0]);
        atenabango_copy(links[0], atenabango);
    } else {
        atenabango_copy(links[lookup->count > 0], atenabango);
    }
    lookup->count += lookup->count < REGISTRY_LINKS_MOST;
}

void resident_set_links(const struct resident_set *set, struct registry_lookup *lookups,
                        size_t count)
{
    for (size_t i = 0; i < count; i++)
        lookups[i].count = 0;
    for (size_t row = 0; set->rows && row < db_row_count(set->rows); row++)
        link_add(&lookups[db_get_number(set->rows, row, COLUMN_QUESTION) - 1],
                 db_get_text(set->rows, row, COLUMN_LINK));
}

bool resident_set_wait(struct db_tx *tx, struct resident_set *set, struct failure *f)
{
    if (!db_wait(tx, f))
        return false;
    resident_set_read(set);
    return true;
}

void resident_set_free(struct resident_set *set)
{
    free(set->answers);
    if (set->rows)
        db_rows_free(set->rows);
    *set = (struct resident_set){0};
}
