#include "intake/registry/residents.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

/* --- statements ------------------------------------------------------------------------------- */

/* A macro may stand between pieces of a text: the formatter does not know. */
/* clang-format off */
#define ITEMS                                                                                      \
    "atenabango, household, relation, name, kana, common_name, common_kana, former_surname,"       \
    " roman_name, kanji_name, birth_date, sex, prefecture, municipality, town_code, town, lot,"    \
    " building, status, status_since, number_hash, support_from, support_to, undisclosed_from,"    \
    " undisclosed_to"
#define PROTECTED(version, day)                                                                    \
    "(coalesce(" day " BETWEEN " version ".support_from AND " version ".support_to, false)"        \
    " OR coalesce(" day " BETWEEN " version ".undisclosed_from AND " version ".undisclosed_to,"    \
    " false))"

/* Of the versions that were not over yet, the earliest: the one in force, if there is one. But who is
 * known by now to have been no resident that day (転出, 死亡, 職権消除: the feed tells it days later)
 * was none, whatever was known then. All before the present one were over when it began. */
static const struct db_statement by_atenabango = {
    "residents_fetch",
    "SELECT DISTINCT ON (wanted.position) wanted.position, " PROTECTED("version", "wanted.day")
    " OR " PROTECTED("present", "$5::integer") ", version.*"
    " FROM unnest($2::text[], $3::timestamptz[], $4::integer[]) WITH ORDINALITY"
    "  AS wanted (atenabango, at, day, position)"
    " CROSS JOIN LATERAL (SELECT " ITEMS ", valid_from FROM resident"
    "  WHERE city_code = $1 AND atenabango = wanted.atenabango) AS present"
    " CROSS JOIN LATERAL ("
    "  SELECT present.*, 'infinity'::timestamptz AS valid_to"
    "  UNION ALL SELECT " ITEMS ", valid_from, valid_to FROM resident_past AS past"
    "   WHERE wanted.at < present.valid_from AND wanted.at < past.valid_to"
    "   AND past.city_code = $1 AND past.atenabango = wanted.atenabango"
    "   AND past.birth_date = present.birth_date) AS version"
    " ORDER BY wanted.position, NOT (version.valid_to = 'infinity'"
    "  AND version.status BETWEEN $6::integer AND $7::integer"
    "  AND version.status_since <= wanted.day), version.valid_from"};

/* Without an order: sorting them there, each with all its items, takes longer than finding them. */
static const struct db_statement by_number = {
    "residents_by_number",
    "SELECT wanted.position, " PROTECTED("version", "$3::integer") ", version.*"
    " FROM unnest($2::bytea[]) WITH ORDINALITY AS wanted (hash, position)"
    " CROSS JOIN LATERAL (SELECT " ITEMS " FROM resident"
    "  WHERE number_hash = wanted.hash AND city_code = $1 LIMIT $4) AS version"};

static const struct db_statement by_household = {
    "residents_by_household",
    "SELECT wanted.position, " PROTECTED("version", "$3::integer") ", version.*"
    " FROM unnest($2::text[]) WITH ORDINALITY AS wanted (household, position)"
    " CROSS JOIN LATERAL (SELECT " ITEMS " FROM resident"
    "  WHERE household = wanted.household AND household <> '' AND city_code = $1"
    "  ORDER BY atenabango LIMIT $4) AS version"};

static const struct db_statement beside = {
    "residents_beside",
    "SELECT wanted.position, " PROTECTED("version", "$5::integer") ", version.*"
    " FROM unnest($2::integer[], $3::text[]) WITH ORDINALITY AS wanted (birth_date, whole, position)"
    " CROSS JOIN LATERAL (SELECT " ITEMS " FROM resident"
    "  WHERE birth_date = wanted.birth_date AND birth_date <> 0 AND city_code = $1"
    "  AND (wanted.whole = '' OR starts_with(wanted.whole, address_key))"
    "  ORDER BY atenabango LIMIT $4) AS version"
    " ORDER BY wanted.position, version.atenabango"};

/* One index each; what is empty finds nothing. */
#define BLOCK(key, wanted, empty)                                                                  \
    "(SELECT r.atenabango FROM resident AS r WHERE r." key " = wanted." wanted                     \
    " AND r." key " <> " empty " AND r.city_code = $1 ORDER BY r.atenabango LIMIT $8)"
static const struct db_statement by_keys = {
    "residents_by_keys",
    "SELECT wanted.position, " PROTECTED("version", "$9::integer") ", version.*"
    " FROM unnest($2::integer[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[])"
    "  WITH ORDINALITY AS wanted (birth_date, name, kana, address, household, number, position)"
    " CROSS JOIN LATERAL ("
    BLOCK("birth_date", "birth_date", "0")
    " UNION " BLOCK("name_key", "name", "''")
    " UNION " BLOCK("common_key", "name", "''")
    " UNION " BLOCK("former_key", "name", "''")
    " UNION " BLOCK("roman_key", "name", "''")
    " UNION " BLOCK("kanji_key", "name", "''")
    " UNION " BLOCK("kana_key", "kana", "''")
    " UNION " BLOCK("address_key", "address", "''")
    " UNION " BLOCK("household", "household", "''")
    " UNION " BLOCK("number_hash", "number", "''") ") AS found"
    " CROSS JOIN LATERAL (SELECT " ITEMS " FROM resident"
    "  WHERE city_code = $1 AND atenabango = found.atenabango) AS version"
    " ORDER BY wanted.position, version.atenabango"};
/* clang-format on */

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
};

/* --- rows to residents ------------------------------------------------------------------------ */

static void atenabango_copy(char to[ATENABANGO_TEXT], const char *from)
{
    snprintf(to, ATENABANGO_TEXT, "%s", from);
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

static void set_make(struct db_rows *stolen, struct resident_set *ret_set)
{
    size_t count = db_row_count(stolen);
    *ret_set = (struct resident_set){.count = count, .rows = stolen};
    ret_set->answers = memory_allocate((count ? count : 1) * sizeof *ret_set->answers);
    for (size_t row = 0; row < count; row++) {
        ret_set->answers[row].question = (size_t)db_get_number(stolen, row, COLUMN_QUESTION) - 1;
        ret_set->answers[row].resident = resident_read(stolen, row);
    }
}

static int compare_answers(const void *one, const void *other)
{
    const struct resident_answer *a = one, *b = other;
    if (a->question != b->question)
        return a->question < b->question ? -1 : 1;
    return strcmp(a->resident.atenabango, b->resident.atenabango);
}

static void set_sort(struct resident_set *set)
{
    qsort(set->answers, set->count, sizeof *set->answers, compare_answers);
}

void resident_set_free(struct resident_set *set)
{
    free(set->answers);
    if (set->rows)
        db_rows_free(set->rows);
    *set = (struct resident_set){0};
}

static bool ask(struct db_tx *tx, const struct db_statement *statement,
                const struct db_value *values, size_t count, struct resident_set *ret_set,
                struct failure *f)
{
    struct db_rows *rows;
    if (!db_query(tx, statement, values, count, &rows, f))
        return false;
    set_make(rows, ret_set);
    return true;
}

/* --- questions: as columns, one array each ------------------------------------------------------
 */

#define COLUMNS_MOST 6

struct question_text {
    char at[INSTANT_TEXT], day[12], number_hash[2 + 2 * NUMBER_HASH_BYTES + 1];
};
struct columns {
    size_t count;
    const char **column[COLUMNS_MOST];
    struct question_text *texts;
};

static struct columns columns_make(size_t count)
{
    size_t room = count ? count : 1;
    struct columns c = {.count = count, .texts = memory_allocate(room * sizeof *c.texts)};
    c.column[0] = memory_allocate(COLUMNS_MOST * room * sizeof **c.column);
    for (size_t i = 1; i < COLUMNS_MOST; i++)
        c.column[i] = c.column[i - 1] + count;
    return c;
}

static void columns_free(struct columns *columns)
{
    free(columns->column[0]);
    free(columns->texts);
}

static struct db_value column(const struct columns *columns, size_t index)
{
    return db_texts(columns->column[index], columns->count);
}

static int day_as_number(instant at)
{
    struct day day = day_of_instant(at);
    return day.year * 10000 + day.month * 100 + day.day;
}

static struct db_value today(void)
{
    return db_number(day_as_number(clock_now()));
}

static const char *number_text(int number, char text[12])
{
    snprintf(text, 12, "%d", number);
    return text;
}

/* PostgreSQL, "bytea Hex Format" */
static const char *hash_text(const uint8_t hash[NUMBER_HASH_BYTES], struct question_text *text)
{
    memcpy(text->number_hash, "\\x", 2);
    hex_encode(hash, NUMBER_HASH_BYTES, text->number_hash + 2);
    return text->number_hash;
}

bool residents_fetch(struct db_tx *tx, const char *city_code, const struct resident_wanted *wanted,
                     size_t count, struct resident_set *ret_set, struct failure *f)
{
    _cleanup_(columns_free) struct columns c = columns_make(count);
    for (size_t i = 0; i < count; i++) {
        c.column[0][i] = wanted[i].atenabango;
        c.column[1][i] = instant_text_jst(wanted[i].at, c.texts[i].at);
        c.column[2][i] = number_text(day_as_number(wanted[i].at), c.texts[i].day);
    }
    return ask(tx, &by_atenabango,
               DB_VALUES(db_text(city_code), column(&c, 0), column(&c, 1), column(&c, 2), today(),
                         db_number(RESIDENT_MOVED_OUT), db_number(RESIDENT_STRUCK_OFF)),
               ret_set, f);
}

bool residents_by_number(struct db_tx *tx, const char *city_code,
                         const uint8_t (*hashes)[NUMBER_HASH_BYTES], size_t count,
                         struct resident_set *ret_set, struct failure *f)
{
    _cleanup_(columns_free) struct columns c = columns_make(count);
    for (size_t i = 0; i < count; i++)
        c.column[0][i] = hash_text(hashes[i], &c.texts[i]);
    if (!ask(tx, &by_number,
             DB_VALUES(db_text(city_code), column(&c, 0), today(), db_number(RESIDENTS_OF_NUMBER)),
             ret_set, f))
        return false;
    set_sort(ret_set);
    return true;
}

bool residents_by_household(struct db_tx *tx, const char *city_code, const char *const *households,
                            size_t count, size_t each, struct resident_set *ret_set,
                            struct failure *f)
{
    if (!ask(tx, &by_household,
             DB_VALUES(db_text(city_code), db_texts(households, count), today(),
                       db_number((int64_t)each)),
             ret_set, f))
        return false;
    set_sort(ret_set);
    return true;
}

bool residents_by_keys(struct db_tx *tx, const char *city_code, const struct resident_keys *keys,
                       size_t count, size_t each, struct resident_set *ret_set, struct failure *f)
{
    _cleanup_(columns_free) struct columns c = columns_make(count);
    for (size_t i = 0; i < count; i++) {
        c.column[0][i] = number_text(keys[i].birth_date, c.texts[i].day);
        c.column[1][i] = keys[i].name_key;
        c.column[2][i] = keys[i].kana_key;
        c.column[3][i] = keys[i].address_key;
        c.column[4][i] = keys[i].household;
        c.column[5][i] = keys[i].number_hash ? hash_text(keys[i].number_hash, &c.texts[i]) : NULL;
    }
    return ask(tx, &by_keys,
               DB_VALUES(db_text(city_code), column(&c, 0), column(&c, 1), column(&c, 2),
                         column(&c, 3), column(&c, 4), column(&c, 5), db_number((int64_t)each),
                         today()),
               ret_set, f);
}

bool residents_beside(struct db_tx *tx, const char *city_code,
                      const struct resident_beside *questions, size_t count, size_t each,
                      struct resident_set *ret_set, struct failure *f)
{
    _cleanup_(columns_free) struct columns c = columns_make(count);
    for (size_t i = 0; i < count; i++) {
        c.column[0][i] = number_text(questions[i].birth_date, c.texts[i].day);
        c.column[1][i] = questions[i].whole;
    }
    return ask(tx, &beside,
               DB_VALUES(db_text(city_code), column(&c, 0), column(&c, 1), db_number((int64_t)each),
                         today()),
               ret_set, f);
}
