/* Items as CSV: one table for each procedure and form version, one for each list in it, one for
 * computed values, one for notices. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/charset.h"
#include "base/cleanup.h"
#include "base/csv.h"
#include "forms/fields.h"
#include "routing/files_internal.h"

#define LIST_SIGN   "[]"
#define LISTS_DEPTH 4 /* lists within lists; deeper ones no record.xml has */

struct row { /* being written */
    const struct files_text *text;
    struct buffer content;
    bool begun;
    int64_t lines;
    char *unsaid; /* the first column that the encoding can't say */
};

static bool row_field(struct row *row, const char *column, const char *value, struct failure *f)
{
    _cleanup_(cleanup_secret_buffer) struct buffer quoted = {0};
    bool said = true;
    if (row->begun)
        buffer_append_text(&row->content, ",");
    row->begun = true;
    csv_quote(value ? value : "", &quoted);
    if (strcmp(row->text->encoding, "cp932") != 0)
        buffer_append(&row->content, quoted.data, quoted.length);
    else if (!charset_cp932(buffer_bytes(&quoted), &said, &row->content, f))
        return false;
    if (!said && !row->unsaid)
        row->unsaid = text_copy(column);
    return true;
}

static void row_end(struct row *row)
{
    buffer_append_text(&row->content, strcmp(row->text->line_end, "lf") ? "\r\n" : "\n");
    row->begun = false;
    row->lines++;
}

static bool row_value(struct row *row, const char *column, const json_t *value, struct failure *f)
{
    char number[32];
    if (json_is_boolean(value))
        return row_field(row, column, json_is_true(value) ? "true" : "false", f);
    if (json_is_integer(value)) {
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return row_field(row, column, number, f);
    }
    return row_field(row, column, json_string_value(value), f);
}

static const json_t *at_path(const json_t *from, const char *path)
{
    while (from && *path) {
        size_t length = strcspn(path, ".");
        _cleanup_(cleanup_text) char *part = text_copy_n(path, length);
        from = json_object_get(from, part);
        path += length + (path[length] == '.');
    }
    return from;
}

/* --- tables ----------------------------------------------------------------------------------- */

static const char *const item_columns[] = {"id",
                                           "sha256",
                                           "receipt_number",
                                           "applied_at",
                                           "atenabango",
                                           "corrects",
                                           "legal_basis",
                                           "verification.indication",
                                           "verification.judged_at",
                                           "package_sha256"};
#define ITEM_COLUMNS (sizeof item_columns / sizeof *item_columns)

static bool words_has(const json_t *words, const char *word)
{
    size_t i;
    json_t *one;
    json_array_foreach ((json_t *)words, i, one)
        if (strcmp(json_string_value(one), word) == 0)
            return true;
    return false;
}

/* Length of the part that leads to the innermost list: "children[].schools[].name" → 19; 0. */
static size_t list_length(const char *item)
{
    size_t length = 0;
    for (const char *at = item; (at = strstr(at, LIST_SIGN)); at += 2)
        length = (size_t)(at - item) + 2;
    return length;
}

static struct files_table *table_find(struct files_tables *tables, const char *name)
{
    for (size_t i = 0; i < tables->count; i++)
        if (strcmp(tables->at[i].name, name) == 0)
            return &tables->at[i];
    return NULL;
}

static struct files_table *table_make(struct files_tables *tables, const char *name,
                                      const char *list)
{
    tables->at = memory_resize(tables->at, (tables->count + 1) * sizeof *tables->at);
    struct files_table *table = &tables->at[tables->count++];
    *table = (struct files_table){
        .name = text_copy(name), .columns = json_array(), .list = text_copy(list)};
    if (strcmp(tables->text.encoding, "utf-8-bom") == 0)
        buffer_append_text(&table->content, "\xEF\xBB\xBF");
    return table;
}

static void header_columns(struct row *row, const struct files_table *table, size_t skip)
{
    struct failure f;
    size_t i;
    json_t *column;
    json_array_foreach (table->columns, i, column)
        row_field(row, "", json_string_value(column) + skip, &f); /* ASCII */
}

static void header(struct files_tables *tables, struct files_table *table)
{
    struct failure f;
    struct row row = {.text = &tables->text};
    if (table->list) {
        row_field(&row, "", "id", &f);
        for (const char *at = table->list; (at = strstr(at, LIST_SIGN)); at += 2) {
            _cleanup_(cleanup_text) char *name =
                text_format("%.*s.position", (int)(at - table->list), table->list);
            for (char *sign; (sign = strstr(name, LIST_SIGN));)
                memmove(sign, sign + 2, strlen(sign + 2) + 1);
            row_field(&row, "", name, &f);
        }
        header_columns(&row, table, strlen(table->list) + 1);
    } else {
        for (size_t i = 0; i < ITEM_COLUMNS; i++)
            row_field(&row, "", item_columns[i], &f);
        header_columns(&row, table, 0);
    }
    row_end(&row);
    buffer_append(&table->content, row.content.data, row.content.length);
    buffer_free(&row.content);
}

static void header_fixed(struct files_tables *tables, struct files_table *table,
                         const char *const *names, size_t count)
{
    struct failure f;
    struct row row = {.text = &tables->text};
    for (size_t i = 0; i < count; i++)
        row_field(&row, "", names[i], &f);
    row_end(&row);
    buffer_append(&table->content, row.content.data, row.content.length);
    buffer_free(&row.content);
}

/* "AREA.PROCEDURE-VERSION" and the list's path, without its signs. */
static char *table_name(const char *begin, const char *list)
{
    char *name = text_format("%s%s%s.csv", begin, *list ? "." : "", list);
    for (char *sign; (sign = strstr(name, LIST_SIGN));)
        memmove(sign, sign + 2, strlen(sign + 2) + 1);
    return name;
}

static char *begin_of(const struct procedure *procedure)
{
    return text_format("%s-%s", procedure_id(procedure), procedure_version(procedure));
}

/* All tables of a procedure, in the order in which record.xml names them. */
static void tables_of(struct files_tables *tables, const struct procedure *procedure)
{
    static const char *const computed[] = {"id", "name", "value", "how"};
    _cleanup_(cleanup_text) char *begin = begin_of(procedure), *name = table_name(begin, "");
    _cleanup_(cleanup_text) char *values = table_name(begin, "computed");
    _cleanup_(cleanup_json) json_t *fields = procedure_fields(procedure);
    size_t i, first = tables->count;
    json_t *field;
    if (table_find(tables, name))
        return;
    table_make(tables, name, NULL);
    json_array_foreach (fields, i, field) {
        const char *item = json_string_value(json_object_get(field, "item"));
        if (!words_has(json_object_get(field, "to"), tables->destination))
            continue;
        _cleanup_(cleanup_text) char *list = text_copy_n(item, list_length(item));
        _cleanup_(cleanup_text) char *file = table_name(begin, list);
        struct files_table *table = table_find(tables, file);
        if (!table)
            table = table_make(tables, file, list);
        json_array_append_new(table->columns, json_string(item));
    }
    for (size_t t = first; t < tables->count; t++)
        header(tables, &tables->at[t]);
    header_fixed(tables, table_make(tables, values, ""), computed, 4);
}

/* --- rows ------------------------------------------------------------------------------------- */

static bool item_row(struct row *row, const struct files_table *table,
                     const struct files_item *item, struct failure *f)
{
    const json_t *record = json_object_get(item->json, "record");
    char id[24];
    size_t i;
    json_t *column;
    snprintf(id, sizeof id, "%" PRId64, item->outbox_id);
    if (!row_field(row, "id", id, f) || !row_field(row, "sha256", item->sha256, f))
        return false;
    for (size_t c = 2; c < ITEM_COLUMNS; c++)
        if (!row_value(row, item_columns[c], at_path(item->json, item_columns[c]), f))
            return false;
    json_array_foreach (table->columns, i, column)
        if (!row_value(row, json_string_value(column), at_path(record, json_string_value(column)),
                       f))
            return false;
    row_end(row);
    return true;
}

struct entry { /* of a list, in its lists */
    size_t position[LISTS_DEPTH];
    size_t depth;
};

static bool entry_row(struct row *row, const struct files_table *table,
                      const struct files_item *item, const json_t *value, const struct entry *entry,
                      struct failure *f)
{
    char number[24];
    size_t i, skip = strlen(table->list) + 1;
    json_t *column;
    snprintf(number, sizeof number, "%" PRId64, item->outbox_id);
    if (!row_field(row, "id", number, f))
        return false;
    for (size_t d = 0; d < entry->depth; d++) {
        snprintf(number, sizeof number, "%zu", entry->position[d] + 1);
        if (!row_field(row, "position", number, f))
            return false;
    }
    json_array_foreach (table->columns, i, column)
        if (!row_value(row, json_string_value(column),
                       at_path(value, json_string_value(column) + skip), f))
            return false;
    row_end(row);
    return true;
}

/* Down along "children[].schools[]"; no deeper than LISTS_DEPTH. */
static bool list_rows(struct row *row, const struct files_table *table,
                      const struct files_item *item, const json_t *from, const char *path,
                      struct entry entry, struct failure *f)
{
    const char *sign = strstr(path, LIST_SIGN);
    if (!sign)
        return entry_row(row, table, item, from, &entry, f);
    if (entry.depth == LISTS_DEPTH)
        return failure_set(f, FAILURE_LIMIT, "a record with lists more than %d deep", LISTS_DEPTH);
    _cleanup_(cleanup_text) char *here = text_copy_n(path, (size_t)(sign - path));
    const char *rest = sign + 2 + (sign[2] == '.');
    size_t level = entry.depth++;
    json_t *value;
    json_array_foreach ((json_t *)at_path(from, here), entry.position[level], value)
        if (!list_rows(row, table, item, value, rest, entry, f))
            return false;
    return true;
}

static bool computed_rows(struct row *row, const struct files_item *item, struct failure *f)
{
    const json_t *all = at_path(item->json, "record.computed");
    const char *name;
    json_t *value;
    char id[24];
    snprintf(id, sizeof id, "%" PRId64, item->outbox_id);
    json_object_foreach ((json_t *)all, name, value) { /* sorted: the item's bytes are canonical */
        _cleanup_(cleanup_text) char *column = text_format("computed.%s", name);
        if (!row_field(row, "id", id, f) || !row_field(row, column, name, f) ||
            !row_value(row, column, json_object_get(value, "value"), f) ||
            !row_value(row, column, json_object_get(value, "how"), f))
            return false;
        row_end(row);
    }
    return true;
}

static bool rows_of(struct row *row, const struct files_table *table, const struct files_item *item,
                    struct failure *f)
{
    if (!table->list)
        return item_row(row, table, item, f);
    if (!*table->list)
        return computed_rows(row, item, f);
    const struct entry none = {.depth = 0};
    return list_rows(row, table, item, json_object_get(item->json, "record"), table->list, none, f);
}

static bool notice_add(struct files_tables *tables, const struct files_item *item,
                       char **ret_unsaid, struct failure *f)
{
    static const char *const columns[] = {"id", "sha256", "receipt_number", "notice"};
    struct files_table *table = table_find(tables, "notices.csv");
    struct row row = {.text = &tables->text};
    char id[24];
    if (!table)
        header_fixed(tables, table = table_make(tables, "notices.csv", ""), columns, 4);
    snprintf(id, sizeof id, "%" PRId64, item->outbox_id);
    bool done = row_field(&row, "id", id, f) && row_field(&row, "sha256", item->sha256, f) &&
                row_value(&row, columns[2], json_object_get(item->json, columns[2]), f) &&
                row_field(&row, columns[3], item->status, f);
    row_end(&row);
    if (done)
        buffer_append(&table->content, row.content.data, row.content.length);
    table->rows += done;
    buffer_erase_free(&row.content);
    *ret_unsaid = NULL;
    return done;
}

bool files_tables_add(struct files_tables *tables, const struct files_item *item, char **ret_unsaid,
                      struct failure *f)
{
    if (!item->procedure)
        return notice_add(tables, item, ret_unsaid, f);
    _cleanup_(cleanup_text) char *begin = begin_of(item->procedure);
    size_t length = strlen(begin), most;
    tables_of(tables, item->procedure);
    most = tables->count;
    struct row *rows = memory_allocate(most * sizeof *rows);
    char *unsaid = NULL;
    bool done = true;
    for (size_t t = 0; done && !unsaid && t < most; t++) {
        rows[t].text = &tables->text;
        if (strncmp(tables->at[t].name, begin, length) == 0 && tables->at[t].name[length] == '.')
            done = rows_of(&rows[t], &tables->at[t], item, f);
        unsaid = TAKE(rows[t].unsaid);
    }
    for (size_t t = 0; t < most; t++) {
        if (done && !unsaid) {
            buffer_append(&tables->at[t].content, rows[t].content.data, rows[t].content.length);
            tables->at[t].rows += rows[t].lines;
        }
        buffer_erase_free(&rows[t].content);
    }
    free(rows);
    if (done)
        *ret_unsaid = unsaid;
    else
        free(unsaid);
    return done;
}

void files_tables_free(struct files_tables *tables)
{
    for (size_t i = 0; i < tables->count; i++) {
        free(tables->at[i].name);
        free(tables->at[i].list);
        json_decref(tables->at[i].columns);
        buffer_erase_free(&tables->at[i].content);
    }
    free(tables->at);
    *tables = (struct files_tables){0};
}
