#include "intake/registry/residents.h"

#include <stdlib.h>

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

/* The versions of `number` that were not over at wanted.at. All before the present one were over
 * when it began. */
#define VERSIONS(number)                                                                           \
    "LATERAL (SELECT " ITEMS ", valid_from FROM resident"                                          \
    "  WHERE city_code = $1 AND atenabango = " number " OFFSET 0) AS present"                      \
    " CROSS JOIN LATERAL ("                                                                        \
    "  SELECT present.*, 'infinity'::timestamptz AS valid_to"                                      \
    "  UNION ALL SELECT " ITEMS ", valid_from, valid_to FROM resident_past AS past"                \
    "   WHERE wanted.at < present.valid_from AND wanted.at < past.valid_to"                        \
    "   AND past.city_code = $1 AND past.atenabango = " number                                     \
    "   AND past.birth_date = present.birth_date) AS version"
/* … and what tells which of them counts (residents_read.c): the present one says that by then who
 * it is was no resident any more. */
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
    " FROM unnest($2::integer[], $3::text[]) WITH ORDINALITY"
    "  AS wanted (birth_date, whole, position)"
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
