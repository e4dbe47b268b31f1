#include "intake/console/personnel.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/csv.h"
#include "base/text.h"
#include "intake/console/change.h"

enum { NAME, DISPLAY_NAME, DEPARTMENT, MOVE, PREDECESSOR, COLUMNS };
static const char *const header[COLUMNS] = {"利用者名", "氏名", "部署", "異動", "前任者"};

struct plan {
    const json_t *accounts;
    const char *today;
    json_t *faults, *changes, *differences;
    json_t *seen; /* {name: true} */
    int64_t fault_count, same;
};

static void fault(struct plan *plan, int64_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void fault(struct plan *plan, int64_t line, const char *format, ...)
{
    char text[400];
    va_list arguments;
    if (++plan->fault_count > PERSONNEL_FAULTS_MOST)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    json_array_append_new(plan->faults,
                          json_pack("{s:I, s:s}", "line", (json_int_t)line, "text", text));
}

static const char *text_of(const json_t *account, const char *key)
{
    const char *text = json_string_value(json_object_get(account, key));
    return text ? text : "";
}

static bool in_force(const struct plan *plan, const json_t *account)
{
    return account && !json_is_true(json_object_get(account, "disabled")) &&
           strcmp(text_of(account, "valid_to"), plan->today) >= 0;
}

static void differ(struct plan *plan, const char *subject, const char *what, const char *account,
                   const char *data)
{
    json_array_append_new(plan->differences,
                          json_pack("{s:s, s:s, s:s?, s:s?}", "subject", subject, "what", what,
                                    "account", account, "data", data));
}

/* --- a line ----------------------------------------------------------------------------------- */

/* Of who neither moves nor leaves: are they as the data says? */
static void compare(struct plan *plan, const struct csv_record *line, const json_t *account)
{
    const char *name = line->field[NAME];
    if (!in_force(plan, account)) {
        differ(plan, name, "no-account", NULL, line->field[DISPLAY_NAME]);
        return;
    }
    bool same_name = !strcmp(text_of(account, "display_name"), line->field[DISPLAY_NAME]),
         same_department = !strcmp(text_of(account, "department"), line->field[DEPARTMENT]);
    if (!same_name)
        differ(plan, name, "name", text_of(account, "display_name"), line->field[DISPLAY_NAME]);
    if (!same_department)
        differ(plan, name, "department", text_of(account, "department"), line->field[DEPARTMENT]);
    plan->same += same_name && same_department;
}

/* The rights that go with the post: new reference; NULL after a fault. */
static json_t *rights_of_post(struct plan *plan, const struct csv_record *line)
{
    const char *predecessor = line->field[PREDECESSOR];
    const json_t *account = json_object_get(plan->accounts, predecessor);
    if (!*predecessor)
        return json_array();
    if (account && strcmp(predecessor, line->field[NAME]) != 0)
        return json_deep_copy(json_object_get(account, "rights"));
    fault(plan, line->line, "前任者の利用者がいないか、本人です。");
    return NULL;
}

static json_t *moved(struct plan *plan, const struct csv_record *line, const json_t *before)
{
    json_t *rights = rights_of_post(plan, line);
    if (!rights)
        return NULL;
    json_t *after = json_deep_copy(before);
    json_object_set_new(after, "display_name", json_string(line->field[DISPLAY_NAME]));
    json_object_set_new(after, "department", json_string(line->field[DEPARTMENT]));
    json_object_set_new(after, "rights", rights);
    return after;
}

static json_t *left(const json_t *before)
{
    json_t *after = json_deep_copy(before);
    json_object_set_new(after, "disabled", json_true());
    json_object_set_new(after, "rights", json_array());
    return after;
}

static void change(struct plan *plan, const struct csv_record *line, const json_t *before)
{
    bool leaves = strcmp(line->field[MOVE], "退職") == 0;
    if (!leaves && strcmp(line->field[MOVE], "異動") != 0) {
        fault(plan, line->line, "「異動」の列は、空欄・異動・退職のどれかにしてください。");
        return;
    }
    if (!in_force(plan, before)) {
        fault(plan, line->line, "この利用者はいないか、すでに使えません。");
        return;
    }
    _cleanup_(cleanup_json) json_t *after = leaves ? left(before) : moved(plan, line, before);
    if (!after)
        return;
    const char *wrong = change_fault(CHANGE_ACCOUNT, line->field[NAME], after);
    if (wrong)
        fault(plan, line->line, "%s", wrong);
    else if (json_equal(before, after))
        fault(plan, line->line, "変わるところがありません。");
    else
        json_array_append_new(plan->changes,
                              json_pack("{s:s, s:O, s:O}", "subject", line->field[NAME], "before",
                                        before, "after", after));
}

static void line_read(struct plan *plan, const struct csv_record *line)
{
    if (line->count != COLUMNS) {
        fault(plan, line->line, "列の数が%d列ではありません。", COLUMNS);
        return;
    }
    const char *name = line->field[NAME];
    const json_t *account = json_object_get(plan->accounts, name);
    if (!account_name_valid(name)) {
        fault(plan, line->line, "利用者名が正しくありません。");
        return;
    }
    if (json_object_get(plan->seen, name)) {
        fault(plan, line->line, "同じ利用者名の行が、前にもあります。");
        return;
    }
    json_object_set_new(plan->seen, name, json_true());
    if (*line->field[MOVE])
        change(plan, line, account);
    else
        compare(plan, line, account);
}

/* --- the whole -------------------------------------------------------------------------------- */

static bool header_right(const struct csv_record *line)
{
    for (size_t i = 0; line->count == COLUMNS && i < COLUMNS; i++)
        if (strcmp(line->field[i], header[i]) != 0)
            return false;
    return line->count == COLUMNS;
}

static void lines_read(struct plan *plan, struct csv_reader *reader, struct csv_record *line)
{
    bool end = false;
    int64_t count = 0;
    struct failure why = {0};
    while (csv_next(reader, line, &end, &why) && !end) {
        if (count++ == 0 && !header_right(line)) {
            fault(plan, 1, "1行目は「利用者名,氏名,部署,異動,前任者」にしてください。");
            return;
        }
        if (count > PERSONNEL_LINES_MOST + 1) {
            fault(plan, line->line, "%d行を超えています。", PERSONNEL_LINES_MOST);
            return;
        }
        if (count > 1)
            line_read(plan, line);
    }
    if (!end)
        fault(plan, 0, "UTF-8のCSVとして読めません（%s）。", why.text);
    else if (count < 2)
        fault(plan, 0, "データの行がありません。");
}

static void absent(struct plan *plan)
{
    const char *name;
    json_t *account;
    json_object_foreach ((json_t *)plan->accounts, name, account)
        if (in_force(plan, account) && !json_object_get(plan->seen, name))
            differ(plan, name, "absent", text_of(account, "display_name"), NULL);
}

/* Excel writes a byte order mark. */
static struct bytes without_mark(struct bytes csv)
{
    bool marked = csv.length >= 3 && memcmp(csv.data, "\xef\xbb\xbf", 3) == 0;
    return marked ? bytes_of((const uint8_t *)csv.data + 3, csv.length - 3) : csv;
}

json_t *personnel_plan(struct bytes csv, const json_t *accounts, const char *today, bool complete)
{
    struct plan plan = {.accounts = accounts,
                        .today = today,
                        .faults = json_array(),
                        .changes = json_array(),
                        .differences = json_array(),
                        .seen = json_object()};
    struct csv_record *line = memory_allocate(sizeof *line);
    struct bytes text = without_mark(csv);
    FILE *in = fmemopen((void *)(text.length ? text.data : (const uint8_t *)"\n"),
                        text.length ? text.length : 1, "r");
    struct csv_reader *reader = csv_open(in);
    lines_read(&plan, reader, line);
    if (complete && !plan.fault_count)
        absent(&plan);
    csv_close(reader);
    fclose(in);
    free(line);
    json_decref(plan.seen);
    return json_pack("{s:o, s:o, s:o, s:I}", "faults", plan.faults, "changes", plan.changes,
                     "differences", plan.differences, "same", (json_int_t)plan.same);
}
