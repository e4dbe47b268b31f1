#include "intake/identify/protection.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"

static const struct db_statement find = {
    "protection_find", "SELECT position FROM protection_find($1, $2::integer, $3::text[],"
                       "  $4::bytea[], $5::text[], $6::integer[]) AS position"};

/* One row for each person: columns, one array each. */
struct asking {
    size_t count, room;
    struct row {
        size_t question, name; /* where it begins in `names` */
        const char *atenabango;
        int birth; /* BIRTH_NOBODYS; 0: not told */
        bool has_number;
        uint8_t number_hash[NUMBER_HASH_BYTES];
    } * rows;
    struct buffer names; /* keys, a NUL behind each */
};
#define BIRTH_NOBODYS (-1)

static void asking_free(struct asking *asking)
{
    free(asking->rows);
    buffer_free(&asking->names);
}

static struct row *row_add(struct asking *asking, size_t question, const char *name)
{
    if (asking->count == asking->room) {
        asking->room = 2 * asking->room + 256;
        asking->rows = memory_resize(asking->rows, asking->room * sizeof *asking->rows);
    }
    struct row *row = &asking->rows[asking->count++];
    *row = (struct row){.question = question, .name = asking->names.length, .birth = BIRTH_NOBODYS};
    buffer_append(&asking->names, name, strlen(name) + 1);
    return row;
}

static const char *row_name(const struct asking *asking, const struct row *row)
{
    return (const char *)asking->names.data + row->name;
}

/* Who signs is told by the form, too, and need not be asked for twice. */
static bool asked_already(const struct asking *asking, size_t question, const char *name, int birth)
{
    for (size_t i = asking->count; i-- > 0 && asking->rows[i].question == question;)
        if (asking->rows[i].birth == birth && !strcmp(row_name(asking, &asking->rows[i]), name))
            return true;
    return false;
}

static void party_add(struct asking *asking, size_t question, struct known *known,
                      const struct facts *facts, bool number_asked)
{
    char name[FOLD_KEY];
    struct birth_date date;
    birth_date_read(facts->birth_date, &date);
    int birth = birth_date_number(&date);
    bool asks_number = facts->number_hash && !number_asked;
    known_name_key(known, name);
    /* a number tells who it is, a name does not */
    bool asks_name = *name && (birth || !facts->number_hash);
    if (asks_name && asked_already(asking, question, name, birth))
        asks_name = false;
    if (!asks_name && !asks_number)
        return;
    struct row *row = row_add(asking, question, asks_name ? name : "");
    if (asks_name)
        row->birth = birth;
    row->has_number = asks_number;
    if (asks_number)
        memcpy(row->number_hash, facts->number_hash, NUMBER_HASH_BYTES);
}

/* A name with substitute characters is no key: the form tells it whole, or else they differ. */
static void parties_add(struct asking *asking, size_t index,
                        const struct protection_question *question, const struct people *people,
                        const struct parties *parties)
{
    if (question->facts) {
        struct facts facts;
        facts_read(question->facts, &facts);
        party_add(asking, index, parties->certificate, &facts, false);
    }
    for (size_t i = 0; i < people->count; i++)
        party_add(asking, index, parties->people[i], &people->at[i].facts, question->numbers_asked);
}

static void question_add(struct asking *asking, size_t index,
                         const struct protection_question *question,
                         const struct city_key *city_key)
{
    if (question->atenabango && *question->atenabango)
        row_add(asking, index, "")->atenabango = question->atenabango;
    if (question->parties) {
        parties_add(asking, index, question, question->people, question->parties);
        return;
    }
    struct people people;
    _cleanup_(parties_free) struct parties parties = {0};
    people_read(question->record, city_key, &people);
    parties_make(question->facts, &people, &parties);
    parties_add(asking, index, question, &people, &parties);
}

static bool ask(struct db_tx *tx, const char *city_code, const struct asking *asking,
                struct db_rows **ret_rows, struct failure *f)
{
    size_t n = asking->count;
    const char **texts = memory_allocate(2 * n * sizeof *texts);
    struct bytes *hashes = memory_allocate(n * sizeof *hashes);
    int32_t *births = memory_allocate(n * sizeof *births);
    struct day day = day_of_instant(clock_now());
    for (size_t i = 0; i < n; i++) {
        const struct row *row = &asking->rows[i];
        texts[i] = row->atenabango;
        texts[n + i] = row_name(asking, row);
        births[i] = row->birth;
        if (row->has_number)
            hashes[i] = bytes_of(row->number_hash, NUMBER_HASH_BYTES);
    }
    bool done = db_ask(tx, &find,
                       DB_VALUES(db_text(city_code),
                                 db_number(day.year * 10000 + day.month * 100 + day.day),
                                 db_texts(texts, n), db_bytes_list(hashes, n),
                                 db_texts(texts + n, n), db_numbers(births, n)),
                       ret_rows, f);
    free(texts);
    free(hashes);
    free(births);
    return done;
}

bool protection_ask(struct db_tx *tx, const char *city_code, const struct city_key *city_key,
                    const struct protection_question *questions, size_t count,
                    struct protection_asked *ret_asked, struct failure *f)
{
    _cleanup_(asking_free) struct asking asking = {0};
    for (size_t i = 0; i < count; i++)
        question_add(&asking, i, &questions[i], city_key);
    ret_asked->whose = memory_allocate((asking.count + 1) * sizeof *ret_asked->whose);
    for (size_t i = 0; i < asking.count; i++)
        ret_asked->whose[i] = asking.rows[i].question;
    return asking.count == 0 || ask(tx, city_code, &asking, &ret_asked->rows, f);
}

void protection_tell(const struct protection_asked *asked, bool *protected_ones)
{
    for (size_t row = 0; asked->rows && row < db_row_count(asked->rows); row++)
        protected_ones[asked->whose[db_get_number(asked->rows, row, 0) - 1]] = true;
}

void protection_asked_free(struct protection_asked *asked)
{
    free(asked->whose);
    if (asked->rows)
        db_rows_free(asked->rows);
    *asked = (struct protection_asked){0};
}

bool protection_check(struct db_tx *tx, const char *city_code, const struct city_key *city_key,
                      const struct protection_question *questions, size_t count,
                      bool *ret_protected, struct failure *f)
{
    _cleanup_(protection_asked_free) struct protection_asked asked = {0};
    if (!protection_ask(tx, city_code, city_key, questions, count, &asked, f) || !db_wait(tx, f))
        return false;
    for (size_t i = 0; i < count; i++)
        ret_protected[i] = false;
    protection_tell(&asked, ret_protected);
    return true;
}
