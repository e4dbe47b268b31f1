#include "intake/registry/residents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

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

/* The versions of `number` that were not over at wanted.at. All before the present one were over when
 * it began. */
#define VERSIONS(number)                                                                           \
    "LATERAL (SELECT " ITEMS ", valid_from FROM resident"                                          \
    "  WHERE city_code = $1 AND atenabango = " number " OFFSET 0) AS present"                      \
    " CROSS JOIN LATERAL ("                                                                        \
    "  SELECT present.*, 'infinity'::timestamptz AS valid_to"                                      \
    "  UNION ALL SELECT " ITEMS ", valid_from, valid_to FROM resident_past AS past"                \
    "   WHERE wanted.at < present.valid_from AND wanted.at < past.valid_to"                        \
    "   AND past.city_code = $1 AND past.atenabango = " number                                     \
    "   AND past.birth_date = present.birth_date) AS version"
/* … and what tells which of them counts (compare_versions): the present one says that by then who it
 * is was no resident any more. */
#define VERSION_ITEMS                                                                              \
    "wanted.position, " PROTECTED("version", "wanted.day") " OR "                                  \
    PROTECTED("present", "$2::integer") ", version.*, version.valid_to = 'infinity'"               \
    " AND version.status BETWEEN $3::integer AND $4::integer"                                      \
    " AND version.status_since <= wanted.day"

static const struct db_statement by_atenabango = {
    "residents_fetch",
    "SELECT " VERSION_ITEMS
    " FROM unnest($5::text[], $6::timestamptz[], $7::integer[]) WITH ORDINALITY"
    "  AS wanted (atenabango, at, day, position)"
    " CROSS JOIN " VERSIONS("wanted.atenabango")};

static const struct db_statement by_link = {
    "residents_linked",
    "SELECT " VERSION_ITEMS ", link.atenabango"
    " FROM unnest($5::text[], $6::text[], $7::timestamptz[], $8::integer[]) WITH ORDINALITY"
    "  AS wanted (ca, serial, at, day, position)"
    " CROSS JOIN LATERAL (SELECT atenabango FROM registry_link AS l WHERE city_code = $1"
    "  AND l.ca = wanted.ca AND l.serial = wanted.serial"
    "  AND l.valid_from <= wanted.at AND wanted.at < l.valid_to OFFSET 0) AS link"
    " LEFT JOIN (" VERSIONS("link.atenabango") ") ON true"};

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

/* --- questions: as columns, one array each ------------------------------------------------------
 */

/* Room for each of `count`, and one more: nothing need be there. */
static void *column(size_t count, size_t size)
{
    return memory_allocate((count + 1) * size);
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

bool residents_fetch(struct db_tx *tx, const char *city_code, const struct resident_wanted *wanted,
                     size_t count, struct resident_set *ret_set, struct failure *f)
{
    const char **numbers = column(count, sizeof *numbers);
    instant *at = column(count, sizeof *at);
    int32_t *days = column(count, sizeof *days);
    for (size_t i = 0; i < count; i++) {
        numbers[i] = wanted[i].atenabango;
        at[i] = wanted[i].at;
        days[i] = day_as_number(wanted[i].at);
    }
    ret_set->versions = true;
    bool done = db_ask(tx, &by_atenabango,
                       DB_VALUES(db_text(city_code), today(), db_number(RESIDENT_MOVED_OUT),
                                 db_number(RESIDENT_STRUCK_OFF), db_texts(numbers, count),
                                 db_instants(at, count), db_numbers(days, count)),
                       &ret_set->rows, f);
    free(numbers);
    free(at);
    free(days);
    return done;
}

bool residents_linked(struct db_tx *tx, const char *city_code,
                      const struct registry_lookup *lookups, size_t count,
                      struct resident_set *ret_set, struct failure *f)
{
    const char **texts = column(2 * count, sizeof *texts);
    instant *at = column(count, sizeof *at);
    int32_t *days = column(count, sizeof *days);
    for (size_t i = 0; i < count; i++) {
        texts[i] = lookups[i].ca;
        texts[count + i] = lookups[i].serial;
        at[i] = lookups[i].at;
        days[i] = day_as_number(lookups[i].at);
    }
    ret_set->versions = true;
    bool done = db_ask(tx, &by_link,
                       DB_VALUES(db_text(city_code), today(), db_number(RESIDENT_MOVED_OUT),
                                 db_number(RESIDENT_STRUCK_OFF), db_texts(texts, count),
                                 db_texts(texts + count, count), db_instants(at, count),
                                 db_numbers(days, count)),
                       &ret_set->rows, f);
    free(texts);
    free(at);
    free(days);
    return done;
}

bool residents_by_number(struct db_tx *tx, const char *city_code, const struct bytes *hashes,
                         size_t count, struct resident_set *ret_set, struct failure *f)
{
    return db_ask(tx, &by_number,
                  DB_VALUES(db_text(city_code), db_bytes_list(hashes, count), today(),
                            db_number(RESIDENTS_OF_NUMBER)),
                  &ret_set->rows, f);
}

bool residents_by_household(struct db_tx *tx, const char *city_code, const char *const *households,
                            size_t count, size_t each, struct resident_set *ret_set,
                            struct failure *f)
{
    return db_ask(tx, &by_household,
                  DB_VALUES(db_text(city_code), db_texts(households, count), today(),
                            db_number((int64_t)each)),
                  &ret_set->rows, f);
}

bool residents_by_keys(struct db_tx *tx, const char *city_code, const struct resident_keys *keys,
                       size_t count, size_t each, struct resident_set *ret_set, struct failure *f)
{
    int32_t *births = column(count, sizeof *births);
    const char **texts = column(4 * count, sizeof *texts);
    struct bytes *hashes = column(count, sizeof *hashes);
    for (size_t i = 0; i < count; i++) {
        births[i] = keys[i].birth_date;
        texts[i] = keys[i].name_key;
        texts[count + i] = keys[i].kana_key;
        texts[2 * count + i] = keys[i].address_key;
        texts[3 * count + i] = keys[i].household;
        hashes[i] = bytes_of(keys[i].number_hash, NUMBER_HASH_BYTES);
    }
    bool done =
        db_ask(tx, &by_keys,
               DB_VALUES(db_text(city_code), db_numbers(births, count), db_texts(texts, count),
                         db_texts(texts + count, count), db_texts(texts + 2 * count, count),
                         db_texts(texts + 3 * count, count), db_bytes_list(hashes, count),
                         db_number((int64_t)each), today()),
               &ret_set->rows, f);
    free(births);
    free(texts);
    free(hashes);
    return done;
}

bool residents_beside(struct db_tx *tx, const char *city_code,
                      const struct resident_beside *questions, size_t count, size_t each,
                      struct resident_set *ret_set, struct failure *f)
{
    int32_t *births = column(count, sizeof *births);
    const char **wholes = column(count, sizeof *wholes);
    for (size_t i = 0; i < count; i++) {
        births[i] = questions[i].birth_date;
        wholes[i] = questions[i].whole;
    }
    bool done = db_ask(tx, &beside,
                       DB_VALUES(db_text(city_code), db_numbers(births, count),
                                 db_texts(wholes, count), db_number((int64_t)each), today()),
                       &ret_set->rows, f);
    free(births);
    free(wholes);
    return done;
}
