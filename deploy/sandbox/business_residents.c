/* The business system's own copy of the residents, and whether an item agrees with it. */
#include <string.h>

#include "base/cleanup.h"
#include "base/csv.h"
#include "deploy/sandbox/business_store.h"

static const struct db_statement make_stage = {
    "business_residents_stage",
    "CREATE TEMPORARY TABLE stage (atenabango text, name text, common_name text, birth_date text)"
    " ON COMMIT DROP"};
static const struct db_statement copy_stage = {"business_residents_copy", "COPY stage FROM STDIN"};
static const struct db_statement merge_stage = {
    "business_residents_merge",
    "INSERT INTO resident SELECT DISTINCT ON (atenabango) atenabango,"
    " replace(normalize(name, NFKC), ' ', ''), replace(normalize(common_name, NFKC), ' ', ''),"
    " birth_date FROM stage ORDER BY atenabango ON CONFLICT (atenabango) DO UPDATE"
    " SET name = excluded.name, common_name = excluded.common_name,"
    " birth_date = excluded.birth_date"};
/* Width and spaces only: whoever wrote another character is asked about it. */
static const struct db_statement compare = {
    "business_residents_compare",
    "SELECT r.atenabango IS NOT NULL,"
    " coalesce(folded IN (r.name, nullif(r.common_name, '')), false),"
    " coalesce(r.birth_date = c.birth_date, false), EXISTS (SELECT FROM resident)"
    " FROM unnest($1::text[], $2::text[], $3::text[])"
    " WITH ORDINALITY AS c (atenabango, name, birth_date, place)"
    " CROSS JOIN LATERAL replace(normalize(c.name, NFKC), ' ', '') AS folded"
    " LEFT JOIN resident r ON r.atenabango = c.atenabango ORDER BY place"};

static const char *const columns[] = {"atenabango", "shimei", "tsusho", "seinengappi"};
#define COLUMN_COUNT (sizeof columns / sizeof columns[0])

struct load {
    FILE *in;
    int64_t count;
};

static bool find_columns(const struct csv_record *head, size_t ret_places[COLUMN_COUNT],
                         struct failure *f)
{
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        size_t place = 0;
        while (place < head->count && strcmp(head->field[place], columns[i]) != 0)
            place++;
        if (place == head->count)
            return failure_set(f, FAILURE_USAGE, "the file has no column %s", columns[i]);
        ret_places[i] = place;
    }
    return true;
}

static bool copy_rows(struct csv_reader *reader, struct db_copy *copy, struct failure *f)
{
    struct csv_record record = {0};
    size_t places[COLUMN_COUNT];
    bool end = false;
    if (!csv_next(reader, &record, &end, f) || !find_columns(&record, places, f))
        return false;
    for (;;) {
        const char *fields[COLUMN_COUNT];
        if (!csv_next(reader, &record, &end, f))
            return false;
        if (end)
            return true;
        for (size_t i = 0; i < COLUMN_COUNT; i++) {
            if (places[i] >= record.count)
                return failure_set(f, FAILURE_USAGE, "a line of the file is too short");
            fields[i] = record.field[places[i]];
        }
        if (!db_copy_row(copy, fields, COLUMN_COUNT, f))
            return false;
    }
}

static bool load_all(struct db_tx *tx, void *context, struct failure *f)
{
    struct load *load = context;
    struct db_copy *copy;
    rewind(load->in);
    if (!db_execute(tx, &make_stage, DB_NO_VALUES, NULL, f) ||
        !db_copy_begin(tx, &copy_stage, &copy, f))
        return false;
    struct csv_reader *reader = csv_open(load->in);
    bool copied = copy_rows(reader, copy, f);
    csv_close(reader);
    struct failure other = {0};
    bool ended = db_copy_end(copy, NULL, copied ? f : &other);
    return copied && ended && db_execute(tx, &merge_stage, DB_NO_VALUES, &load->count, f);
}

bool business_residents_load(struct business_store *store, const char *path, int64_t *ret_count,
                             struct failure *f)
{
    struct load load = {.in = fopen(path, "re")};
    if (!load.in)
        return failure_errno(f, "can't read %s", path);
    bool done = db_transaction(store->db, load_all, &load, f);
    fclose(load.in);
    if (done)
        *ret_count = load.count;
    return done;
}

/* --- comparing -------------------------------------------------------------------------------- */

struct comparing {
    const char *const *numbers, *const *names, *const *births;
    size_t count;
    enum business_agreement *ret;
};

static enum business_agreement agreement(const struct db_rows *rows, size_t i)
{
    if (!db_get_boolean(rows, i, 3))
        return NO_COPY;
    if (!db_get_boolean(rows, i, 0))
        return NOBODY;
    if (!db_get_boolean(rows, i, 1))
        return OTHER_NAME;
    return db_get_boolean(rows, i, 2) ? AGREES : OTHER_BIRTH_DATE;
}

static bool compare_all(struct db_tx *tx, void *context, struct failure *f)
{
    const struct comparing *c = context;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &compare,
                  DB_VALUES(db_texts(c->numbers, c->count), db_texts(c->names, c->count),
                            db_texts(c->births, c->count)),
                  &rows, f))
        return false;
    for (size_t i = 0; i < c->count && i < db_row_count(rows); i++)
        c->ret[i] = agreement(rows, i);
    return true;
}

bool business_residents_compare(struct business_store *store, const char *const *numbers,
                                const char *const *names, const char *const *births, size_t count,
                                enum business_agreement *ret_agreements, struct failure *f)
{
    struct comparing comparing = {numbers, names, births, count, ret_agreements};
    return count == 0 || db_transaction(store->db, compare_all, &comparing, f);
}
