#include "intake/identify/protection.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

static const struct db_statement find = {
    "protection_find",
    "SELECT DISTINCT (t.whose)::bigint FROM protection_find($1, $2::integer, $4::text[],"
    "  $5::bytea[], $6::text[], $7::integer[]) AS position"
    " JOIN unnest($3::integer[]) WITH ORDINALITY AS t (whose, position) USING (position)"};

/* One row for each person: columns, one array each. */
struct asked {
    size_t count, room;
    struct row {
        char whose[24], birth[12], hash[2 + 2 * NUMBER_HASH_BYTES + 1], name[FOLD_KEY];
        const char *atenabango;
        bool has_number;
    } * rows;
};

static struct row *row_add(struct asked *asked, size_t question)
{
    if (asked->count == asked->room) {
        asked->room = 2 * asked->room + 64;
        asked->rows = memory_resize(asked->rows, asked->room * sizeof *asked->rows);
    }
    struct row *row = &asked->rows[asked->count++];
    *row->name = 0;
    row->atenabango = NULL;
    row->has_number = false;
    snprintf(row->whose, sizeof row->whose, "%zu", question);
    snprintf(row->birth, sizeof row->birth, "-1"); /* nobody's */
    return row;
}

static int birth_number(const char *text)
{
    struct birth_date date;
    birth_date_read(text, &date);
    return date.year && date.month && date.day ? date.year * 10000 + date.month * 100 + date.day
                                               : 0;
}

static void facts_add(struct asked *asked, size_t question, const struct facts *facts,
                      bool number_asked)
{
    struct row *row = row_add(asked, question);
    if (facts->number_hash && !number_asked) {
        snprintf(row->hash, 3, "\\x"); /* PostgreSQL, "bytea Hex Format" */
        hex_encode(facts->number_hash, NUMBER_HASH_BYTES, row->hash + 2);
        row->has_number = true;
    }
    fold_name_key(facts->name, row->name);
    int birth = birth_number(facts->birth_date);
    /* a number tells who it is, a name does not */
    if (*row->name && (birth || !facts->number_hash))
        snprintf(row->birth, sizeof row->birth, "%d", birth);
}

/* A name with substitute characters is no key: the form tells it whole, or else they differ. */
static void certificate_add(struct asked *asked, size_t question, const json_t *object)
{
    struct facts facts;
    facts_read(object, &facts);
    facts_add(asked, question, &facts, false);
}

static void question_add(struct asked *asked, size_t index,
                         const struct protection_question *question,
                         const struct city_key *city_key)
{
    struct people read;
    const struct people *people = question->people;
    if (!people) {
        people_read(question->record, city_key, &read);
        people = &read;
    }
    if (question->atenabango && *question->atenabango)
        row_add(asked, index)->atenabango = question->atenabango;
    if (question->facts)
        certificate_add(asked, index, question->facts);
    for (size_t i = 0; i < people->count; i++)
        facts_add(asked, index, &people->at[i].facts, question->numbers_asked);
}

#define COLUMNS 5

static bool ask(struct db_tx *tx, const char *city_code, const struct asked *asked,
                struct db_rows **ret_rows, struct failure *f)
{
    size_t n = asked->count;
    const char **column = memory_allocate(COLUMNS * n * sizeof *column);
    struct day day = day_of_instant(clock_now());
    for (size_t i = 0; i < n; i++) {
        const struct row *row = &asked->rows[i];
        column[i] = row->whose;
        column[n + i] = row->atenabango;
        column[2 * n + i] = row->has_number ? row->hash : NULL;
        column[3 * n + i] = row->name;
        column[4 * n + i] = row->birth;
    }
    bool done = db_query(
        tx, &find,
        DB_VALUES(db_text(city_code), db_number(day.year * 10000 + day.month * 100 + day.day),
                  db_texts(column, n), db_texts(column + n, n), db_texts(column + 2 * n, n),
                  db_texts(column + 3 * n, n), db_texts(column + 4 * n, n)),
        ret_rows, f);
    free(column);
    return done;
}

static void asked_free(struct asked *asked)
{
    free(asked->rows);
}

bool protection_check(struct db_tx *tx, const char *city_code, const struct city_key *city_key,
                      const struct protection_question *questions, size_t count,
                      bool *ret_protected, struct failure *f)
{
    _cleanup_(asked_free) struct asked asked = {0};
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    for (size_t i = 0; i < count; i++)
        question_add(&asked, i, &questions[i], city_key);
    if (asked.count && !ask(tx, city_code, &asked, &rows, f))
        return false;
    for (size_t i = 0; i < count; i++)
        ret_protected[i] = false;
    for (size_t row = 0; rows && row < db_row_count(rows); row++)
        ret_protected[db_get_number(rows, row, 0)] = true;
    return true;
}
