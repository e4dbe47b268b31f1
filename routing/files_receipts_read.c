/* A file of receipts, CSV or JSON, as the body of POST /routing/v1/receipts. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/csv.h"
#include "base/json.h"
#include "routing/files_internal.h"

enum column { COLUMN_ID, COLUMN_SHA256, COLUMN_RESULT, COLUMN_CODE, COLUMN_ITEM, COLUMN_MESSAGE };
#define COLUMNS         6
#define ROWS_MOST       250000 /* as many fit into FILES_RECEIPTS_MOST with their hashes */
#define CONTAINERS_MOST 500000 /* objects and arrays, which cost fifty times their bytes */
#define VALUES_MOST     3000000
static const char *const columns[COLUMNS] = {"id", "sha256", "result", "code", "item", "message"};

static bool ends_with(const char *text, const char *end)
{
    size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

/* at[c]: where column c stands; -1: nowhere. The last three may be left out; none stands twice. */
static bool header_read(const struct csv_record *record, int at[COLUMNS])
{
    for (int c = 0; c < COLUMNS; c++) {
        at[c] = -1;
        for (size_t i = 0; i < record->count; i++)
            if (strcmp(record->field[i], columns[c]) == 0) {
                if (at[c] >= 0)
                    return false;
                at[c] = (int)i;
            }
    }
    return at[COLUMN_ID] >= 0 && at[COLUMN_SHA256] >= 0 && at[COLUMN_RESULT] >= 0;
}

static json_t *object_of(const struct csv_record *record, const int at[COLUMNS], int from, int to)
{
    json_t *object = json_object();
    for (int c = from; c < to; c++)
        if (at[c] >= 0 && *record->field[at[c]])
            json_object_set_new(object, columns[c], json_string(record->field[at[c]]));
    return object;
}

/* Rows of one id in a row are one receipt with several problems. */
static void row_add(json_t *body, const struct csv_record *record, const int at[COLUMNS])
{
    json_t *last = json_array_get(body, json_array_size(body) - 1);
    json_t *receipt = object_of(record, at, COLUMN_ID, COLUMN_CODE);
    json_t *problem = object_of(record, at, COLUMN_CODE, COLUMNS);
    json_t *problems = json_object_get(last, "problems");
    const char *id = json_string_value(json_object_get(receipt, "id"));
    const char *before = json_string_value(json_object_get(last, "id"));
    if (problems && id && before && strcmp(id, before) == 0 && json_object_size(problem)) {
        json_array_append(problems, problem);
    } else {
        if (json_object_size(problem))
            json_object_set_new(receipt, "problems", json_pack("[O]", problem));
        json_array_append(body, receipt);
    }
    json_decref(receipt);
    json_decref(problem);
}

static bool rows_read(struct csv_reader *reader, json_t *body, struct failure *f)
{
    struct csv_record record;
    int at[COLUMNS];
    bool end;
    size_t width;
    if (!csv_next(reader, &record, &end, f))
        return false;
    if (end || !header_read(&record, at))
        return failure_set(f, FAILURE_INPUT,
                           "the header must name id, sha256 and result, each once");
    for (width = record.count;;) {
        if (!csv_next(reader, &record, &end, f))
            return false;
        if (end)
            return true;
        if (record.line > ROWS_MOST)
            return failure_set(f, FAILURE_INPUT, "more than %d lines", ROWS_MOST);
        if (record.count != width)
            return failure_set(f, FAILURE_INPUT, "line %lld: not as many fields as the header",
                               (long long)record.line);
        row_add(body, &record, at);
    }
}

static json_t *csv_body(struct bytes content, struct failure *f)
{
    if (content.length == 0) {
        failure_set(f, FAILURE_INPUT, "the file is empty");
        return NULL;
    }
    FILE *in = fmemopen((void *)content.data, content.length, "r");
    if (!in) {
        failure_errno(f, "can't read it");
        return NULL;
    }
    struct csv_reader *reader = csv_open(in);
    json_t *body = json_array();
    if (!rows_read(reader, body, f)) {
        json_decref(body);
        body = NULL;
    }
    csv_close(reader);
    fclose(in);
    return body;
}

/* Before a tree is made of it. */
static bool is_small(struct bytes json)
{
    size_t containers = 0, values = 0;
    for (size_t i = 0; i < json.length; i++) {
        uint8_t c = json.data[i];
        containers += c == '{' || c == '[';
        values += c == ',' || c == ':';
    }
    return containers <= CONTAINERS_MOST && values <= VALUES_MOST;
}

static json_t *json_body(struct bytes content, struct failure *f)
{
    if (!is_small(content)) {
        failure_set(f, FAILURE_INPUT, "more than %d objects and lists", CONTAINERS_MOST);
        return NULL;
    }
    json_t *body = json_read(content);
    if (!body)
        failure_set(f, FAILURE_INPUT, "the file is no JSON");
    return body;
}

bool files_receipts_read(const char *name, struct bytes content, json_t **ret_body, char *ret_fault,
                         size_t size)
{
    struct failure f = {0};
    json_t *body = ends_with(name, ".json") ? json_body(content, &f) : csv_body(content, &f);
    if (body && !json_array_size(body)) {
        json_decref(body);
        body = NULL;
        failure_set(&f, FAILURE_INPUT, "there are no receipts in it");
    }
    if (!body) {
        snprintf(ret_fault, size, "%s", f.text);
        return false;
    }
    *ret_body = body;
    return true;
}
