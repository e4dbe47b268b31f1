/* The other side's export: nothing in it is trusted. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/csv.h"
#include "base/text.h"
#include "routing/reconcile.h"

enum column { ID, RECEIPT_NUMBER, KIND, HASH, AT, WAY, BATCH, ACCEPTED, RECEIPTS, COLUMNS };
static const char *const columns[COLUMNS] = {"id",     "receipt_number", "kind",
                                             "sha256", "handed_over_at", "way",
                                             "batch",  "accepted",       "receipts"};

/* Position of the word, or -1. */
static int word_find(const char *word, const char *const *words, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(word, words[i]) == 0)
            return i;
    return -1;
}

/* Lower case, as everybody writes it; or nothing. */
static bool hash_read(const char *text, char ret_hash[65])
{
    uint8_t hash[32];
    if (*text && (!hex_decode(text, hash, sizeof hash) || text[strcspn(text, "ABCDEF")]))
        return false;
    memcpy(ret_hash, text, strlen(text) + 1);
    return true;
}

/* A time that we can write, too. */
static bool at_read(const char *text, instant *ret_at)
{
    instant at;
    if (!instant_parse(text, &at) || at < 0 || day_of_instant(at).year > 9999)
        return false;
    *ret_at = at;
    return true;
}

static bool batch_read(const char *way, const char *batch, struct reconcile_item *item)
{
    if (strcmp(way, "pull") == 0)
        return !*batch;
    return number_parse(batch, 1, INT64_MAX, &item->batch);
}

/* COLUMNS, or the first column that is not what it should be. */
static enum column row_read(const char *const *field, struct reconcile_item *item)
{
    static const char *const kinds[] = {"application", "notice"}, *const ways[] = {"pull", "files"},
                             *const answers[] = {"yes", "no", "waiting", "none"};
    int kind = word_find(field[KIND], kinds, 2), answer = word_find(field[ACCEPTED], answers, 4);
    if (!number_parse(field[ID], 1, INT64_MAX, &item->id))
        return ID;
    if (!receipt_number_valid(field[RECEIPT_NUMBER]))
        return RECEIPT_NUMBER;
    if (kind < 0)
        return KIND;
    if (!hash_read(field[HASH], item->sha256))
        return HASH;
    if (!at_read(field[AT], &item->at))
        return AT;
    if (word_find(field[WAY], ways, 2) < 0)
        return WAY;
    if (!batch_read(field[WAY], field[BATCH], item))
        return BATCH;
    if (answer < 0)
        return ACCEPTED;
    if (!number_parse(field[RECEIPTS], 0, INT64_MAX, &item->receipts))
        return RECEIPTS;
    snprintf(item->receipt_number, sizeof item->receipt_number, "%s", field[RECEIPT_NUMBER]);
    item->notice = kind == 1;
    item->accepted = (enum reconcile_answer)answer;
    return COLUMNS;
}

static bool fault(const struct csv_record *record, const char *what, const char *column,
                  struct failure *f)
{
    return failure_set(f, FAILURE_INPUT, "line %lld: %s%s", (long long)record->line, what, column);
}

static bool header_check(const struct csv_record *record, struct failure *f)
{
    if (record->count == COLUMNS) {
        int i = 0;
        while (i < COLUMNS && strcmp(record->field[i], columns[i]) == 0)
            i++;
        if (i == COLUMNS)
            return true;
    }
    return fault(record, "the header must be " RECONCILE_HEADER, "", f);
}

static bool record_add(const struct csv_record *record, struct reconcile_list *list,
                       struct failure *f)
{
    struct reconcile_item item = {0};
    if (record->count != COLUMNS)
        return fault(record, "a row has nine columns", "", f);
    enum column wrong = row_read(record->field, &item);
    if (wrong != COLUMNS)
        return fault(record, "not a possible ", columns[wrong], f);
    if (list->count && list->at[list->count - 1].id >= item.id)
        return fault(record, "rows must be ordered by id, and have each once", "", f);
    return reconcile_add(list, &item, f);
}

static bool all_read(struct csv_reader *reader, struct csv_record *record,
                     struct reconcile_list *list, struct failure *f)
{
    bool end = false;
    if (!csv_next(reader, record, &end, f))
        return false;
    if (end)
        return failure_set(f, FAILURE_INPUT, "line 1: the file is empty");
    if (!header_check(record, f))
        return false;
    for (;;) {
        if (!csv_next(reader, record, &end, f))
            return false;
        if (end)
            return true;
        if (!record_add(record, list, f))
            return false;
    }
}

bool reconcile_read(FILE *in, struct reconcile_list *ret_list, struct failure *f)
{
    struct reconcile_list list = {0};
    struct csv_record *record = memory_allocate(sizeof *record);
    struct csv_reader *reader = csv_open(in);
    bool good = all_read(reader, record, &list, f);
    csv_close(reader);
    free(record);
    if (good)
        *ret_list = list;
    else
        reconcile_list_free(&list);
    return good;
}
