#include "forms/cases.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/xml.h"
#include "forms/cases_internal.h"

#define CASES      "examples/cases.json"
#define FILES_MOST 200 /* attachments of a case */

void problem_add(json_t *problems, const char *file, long line, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    json_array_append_new(problems, json_pack("{s:s, s:I, s:s}", "file", file, "line",
                                              (json_int_t)line, "problem", text));
}

/* --- what came out ---------------------------------------------------------------------------- */

struct outcome {
    json_t *record, *findings;
    struct checks *checks;
    struct form_term term; /* {0}: none, or not read */
};

/* As the examination reads it: the first term only of what can be read. */
static void outcome_read(struct outcome *outcome, const struct procedure *procedure,
                         const struct form_input *input)
{
    outcome->record = form_read(procedure, input, outcome->checks, &outcome->findings);
    if (outcome->record)
        form_term(procedure, input, &outcome->term);
}

static void outcome_free(struct outcome *outcome)
{
    json_decref(outcome->record);
    json_decref(outcome->findings);
    checks_free(outcome->checks);
}

static bool same_or_open(const json_t *expected, const char *key, const json_t *found)
{
    const char *wanted = json_string_value(json_object_get(expected, key));
    const char *is = json_string_value(json_object_get(found, key));
    return !wanted || (is && strcmp(wanted, is) == 0);
}

static bool rule_named(const struct outcome *outcome, const json_t *expected)
{
    const char *severity = json_string_value(json_object_get(expected, "severity"));
    _cleanup_(cleanup_json) json_t *checks = checks_to_json(outcome->checks);
    size_t i;
    json_t *one;
    json_array_foreach (checks, i, one) {
        const json_t *inputs = json_object_get(one, "inputs");
        const char *result = json_string_value(json_object_get(one, "result"));
        if (json_object_get(inputs, "rule") && strcmp(result, "failed") == 0 &&
            same_or_open(expected, "rule", inputs) && same_or_open(expected, "item", inputs) &&
            (!severity || strcmp(severity, "refuse") == 0))
            return true;
    }
    json_array_foreach (outcome->findings, i, one)
        if (same_or_open(expected, "rule", one) && same_or_open(expected, "item", one) &&
            same_or_open(expected, "severity", one))
            return outcome->record != NULL;
    return false;
}

static bool listed(const json_t *list, const char *text)
{
    size_t i;
    json_t *one;
    json_array_foreach ((json_t *)list, i, one)
        if (strcmp(json_string_value(one) ?: "", text) == 0)
            return true;
    return false;
}

/* The findings that are told, and no others. */
static bool findings_as(const struct outcome *outcome, const json_t *expected)
{
    size_t i, found = 0;
    json_t *one;
    json_array_foreach (expected, i, one) {
        _cleanup_(cleanup_json) json_t *wanted = json_pack("{s:O}", "rule", one);
        found += rule_named(outcome, wanted);
    }
    if (found != json_array_size(expected))
        return false;
    json_array_foreach (outcome->findings, i, one)
        if (!listed(expected, json_string_value(json_object_get(one, "rule"))))
            return false;
    return true;
}

static bool reason_as(const struct outcome *outcome, const json_t *expected)
{
    const char *reason = json_string_value(json_object_get(expected, "reason"));
    const char *item = json_string_value(json_object_get(expected, "item"));
    const char *found = checks_reason(outcome->checks);
    _cleanup_(cleanup_text) char *named = text_format("item %s: ", item ? item : "");
    return !outcome->record && found && strcmp(found, reason) == 0 &&
           (!item || strstr(checks_text(outcome->checks), named));
}

static bool computed_as(const struct outcome *outcome, const json_t *expected)
{
    const json_t *computed = json_object_get(outcome->record, "computed");
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)expected, name, value) {
        const json_t *found = json_object_get(json_object_get(computed, name), "value");
        const char *wanted = json_string_value(value);
        if (strcmp(wanted ?: "", json_string_value(found) ?: "") != 0)
            return false;
    }
    return true;
}

/* {"fifteen-days": "2026-11-25"}: the first of all. */
static bool term_as(const struct outcome *outcome, const json_t *expected)
{
    const char *day = json_string_value(json_object_get(expected, outcome->term.name));
    return !expected || strcmp(day ?: "", outcome->term.on) == 0;
}

static bool outcome_as(const struct outcome *outcome, const json_t *one, char *ret_why)
{
    const json_t *expected = json_object_get(one, "expect");
    const char *reason = checks_reason(outcome->checks);
    _cleanup_(cleanup_text) char *findings =
        json_dumps(outcome->findings, JSON_COMPACT | JSON_ENSURE_ASCII * 0);
    bool as = json_object_get(expected, "reason") ? reason_as(outcome, expected)
              : json_object_get(expected, "rule") ? rule_named(outcome, expected)
              : json_is_true(json_object_get(expected, "good"))
                  ? outcome->record && findings_as(outcome, json_object_get(expected, "findings"))
                  : false;
    if (as && computed_as(outcome, json_object_get(one, "computed")) &&
        term_as(outcome, json_object_get(one, "term")))
        return true;
    _cleanup_(cleanup_text) char *computed =
        json_dumps(json_object_get(outcome->record, "computed"), JSON_COMPACT);
    snprintf(ret_why, WHY, "came out otherwise: %s%s%s, findings %s, computed %s, term %s",
             reason ? reason : "good", reason ? ", " : "",
             reason ? checks_text(outcome->checks) : "", findings, computed ? computed : "none",
             outcome->term.name);
    return false;
}

/* --- one case --------------------------------------------------------------------------------- */

static xmlDoc *form_parse(const struct procedure *procedure, const char *name, char *ret_why)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/examples/%s", procedure->folder, name);
    _cleanup_(cleanup_buffer) struct buffer content = {0};
    struct failure f = {0};
    if (strchr(name, '/') || !definition_file_read(path, &content, &f)) {
        snprintf(ret_why, WHY, "%s", *f.text ? f.text : "a form is named without folder");
        return NULL;
    }
    struct checks *checks = checks_new();
    xmlDoc *form = xml_parse(buffer_bytes(&content), &XML_LIMITS_DEFAULT, "form", checks);
    if (!form)
        snprintf(ret_why, WHY, "%s: %s", name, checks_text(checks));
    checks_free(checks);
    return form;
}

struct files {
    struct form_attachment items[FILES_MOST];
    size_t count;
};

static void cleanup_files(struct files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free((char *)files->items[i].name);
}

static bool files_make(const struct procedure *procedure, const json_t *wanted, struct files *files,
                       char *ret_why)
{
    const char *id, *ending;
    json_t *value;
    json_object_foreach ((json_t *)wanted, id, value) {
        const struct document *document = document_find(procedure, id);
        struct bytes content = case_file(document ? document->formats : "pdf", &ending);
        for (json_int_t i = 1; i <= json_integer_value(value); i++) {
            if (files->count == FILES_MOST) {
                snprintf(ret_why, WHY, "more than %d attachments", FILES_MOST);
                return false;
            }
            files->items[files->count++] = (struct form_attachment){
                text_format("attachments/%s-%d.%s", id, (int)i, ending), content};
        }
    }
    return true;
}

static bool setting_swap(struct procedure *procedure, const char *name, char **value)
{
    for (size_t i = 0; i < procedure->setting_count; i++) {
        struct setting *setting = &procedure->settings[i];
        if (strcmp(setting->name, name) != 0 ||
            (setting->values && !words_contain(setting->values, *value)))
            continue;
        char *before = setting->value;
        setting->value = *value;
        *value = before;
        return true;
    }
    return false;
}

/* With the case's settings in force; they are as before afterwards. */
static bool settings_run(struct procedure *procedure, const json_t *settings, void *at,
                         const struct form_input *input, struct outcome *outcome, char *ret_why)
{
    void *entry = at;
    if (!entry) {
        outcome_read(outcome, procedure, input);
        return true;
    }
    const char *name = json_object_iter_key(entry);
    char *value = text_copy(json_string_value(json_object_iter_value(entry)) ?: "");
    bool done = setting_swap(procedure, name, &value);
    if (done) {
        done = settings_run(procedure, settings, json_object_iter_next((json_t *)settings, entry),
                            input, outcome, ret_why);
        setting_swap(procedure, name, &value);
    } else {
        snprintf(ret_why, WHY, "there is no setting %s with this value", name);
    }
    free(value);
    return done;
}

/* NAME.json beside NAME.xml: what a case does not say itself is as there. */
static json_t *result_of(const struct procedure *procedure, const char *form)
{
    size_t length = strlen(form);
    if (length < 5 || strchr(form, '/'))
        return NULL;
    _cleanup_(cleanup_text) char *path =
        text_format("%s/examples/%.*s.json", procedure->folder, (int)(length - 4), form);
    return json_load_file(path, 0, NULL);
}

bool case_run(struct procedure *procedure, const json_t *one, char ret_why[512])
{
    const char *of = json_string_value(json_object_get(one, "of"));
    const json_t *settings = json_object_get(one, "settings");
    _cleanup_(cleanup_json) json_t *whole = of ? result_of(procedure, of) : NULL;
    const char *time = json_string_value(json_object_get(one, "applied_at")
                                             ?: json_object_get(whole, "applied_at"));
    struct form_input input = {0};
    _cleanup_(cleanup_files) struct files files = {0};
    if (!of || !time || !instant_parse(time, &input.applied_at)) {
        snprintf(ret_why, WHY, "a case needs of and applied_at");
        return false;
    }
    _cleanup_(cleanup_xml_doc) xmlDoc *form = form_parse(procedure, of, ret_why);
    if (!form || !case_change(procedure, form, one, ret_why) ||
        !files_make(procedure,
                    json_object_get(one, "attachments") ?: json_object_get(whole, "attachments"),
                    &files, ret_why))
        return false;
    input.form = form;
    input.attachments = files.items;
    input.attachment_count = files.count;
    struct outcome outcome = {.checks = checks_new()};
    bool good = settings_run(procedure, settings, json_object_iter((json_t *)settings), &input,
                             &outcome, ret_why) &&
                outcome_as(&outcome, one, ret_why);
    outcome_free(&outcome);
    return good;
}

/* --- all of them ------------------------------------------------------------------------------ */

/* NAME.json: {"applied_at", "attachments", "record" | "reason", "item"}. */
static void example_judge(const struct procedure *procedure, const char *file,
                          const json_t *expected, const struct form_input *input, json_t *problems)
{
    struct outcome outcome = {.checks = checks_new()};
    json_t *record = json_object_get(expected, "record");
    outcome_read(&outcome, procedure, input);
    if (record ? !outcome.record || !json_equal(record, outcome.record)
               : !json_object_get(expected, "reason") || !reason_as(&outcome, expected)) {
        _cleanup_(cleanup_text) char *found = json_dumps(outcome.record, JSON_COMPACT);
        problem_add(problems, file, 0, "came out otherwise: %s %.600s",
                    checks_text(outcome.checks) ?: "good", found ? found : "");
    }
    outcome_free(&outcome);
}

static void example_check(const struct procedure *procedure, const char *name, json_t *problems)
{
    _cleanup_(cleanup_text) char *file =
        text_format("examples/%.*s.json", (int)(strlen(name) - 4), name);
    _cleanup_(cleanup_json) json_t *expected = result_of(procedure, name);
    const char *time = json_string_value(json_object_get(expected, "applied_at"));
    _cleanup_(cleanup_files) struct files files = {0};
    struct form_input input = {.attachments = files.items};
    char why[WHY] = "";
    if (!time || !instant_parse(time, &input.applied_at)) {
        problem_add(problems, file, 0, "is needed beside the form, with applied_at");
        return;
    }
    _cleanup_(cleanup_xml_doc) xmlDoc *form = form_parse(procedure, name, why);
    if (!form || !files_make(procedure, json_object_get(expected, "attachments"), &files, why)) {
        problem_add(problems, file, 0, "%s", why);
        return;
    }
    input.form = form;
    input.attachment_count = files.count;
    example_judge(procedure, file, expected, &input, problems);
}

/* The line of cases.json on which a case's name stands; 0. */
static long case_line(struct bytes text, const char *name)
{
    _cleanup_(cleanup_text) char *quoted = text_format("\"%s\"", name);
    const uint8_t *found = memmem(text.data, text.length, quoted, strlen(quoted));
    long line = 1;
    for (const uint8_t *p = text.data; found && p < found; p++)
        line += *p == '\n';
    return found ? line : 0;
}

static bool cases_have(const json_t *cases, const char *id, bool edge)
{
    size_t i;
    json_t *one;
    json_array_foreach ((json_t *)cases, i, one) {
        const json_t *told = edge ? json_object_get(one, "edge")
                                  : json_object_get(json_object_get(one, "expect"), "rule");
        if (strcmp(json_string_value(told) ?: "", id) == 0)
            return true;
    }
    return false;
}

static void rule_check(const json_t *cases, const char *id, long line, json_t *problems)
{
    if (!cases_have(cases, id, false))
        problem_add(problems, "rules.xml", line, "no case of " CASES " trips the rule %s", id);
    if (!cases_have(cases, id, true))
        problem_add(problems, "rules.xml", line,
                    "no case of " CASES " passes at the edge of the rule %s (\"edge\")", id);
}

static void cases_check(struct procedure *procedure, json_t *problems)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/" CASES, procedure->folder);
    _cleanup_(cleanup_buffer) struct buffer content = {0};
    struct failure f = {0};
    json_error_t error = {0};
    bool there = definition_file_read(path, &content, &f);
    _cleanup_(cleanup_json) json_t *cases =
        there
            ? json_loadb((const char *)content.data, content.length, JSON_REJECT_DUPLICATES, &error)
            : NULL;
    if (there && !json_is_array(cases))
        problem_add(problems, CASES, error.line, "is no JSON array: %s", error.text);
    size_t i;
    json_t *one;
    json_array_foreach (cases, i, one) {
        const char *name = json_string_value(json_object_get(one, "name")) ?: "(no name)";
        char why[WHY] = "";
        if (!case_run(procedure, one, why))
            problem_add(problems, CASES, case_line(buffer_bytes(&content), name), "%s: %s", name,
                        why);
    }
    for (i = 0; i < procedure->test_count; i++)
        rule_check(cases, procedure->tests[i].id, procedure->tests[i].line, problems);
    for (i = 0; i < procedure->rule_count; i++)
        if (procedure->rules[i].id)
            rule_check(cases, procedure->rules[i].id, procedure->rules[i].line, problems);
}

void examples_check(struct procedure *procedure, json_t *problems)
{
    _cleanup_(cleanup_text) char *folder = text_format("%s/examples", procedure->folder);
    DIR *directory = opendir(folder);
    size_t count = 0;
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        size_t length = strlen(entry->d_name);
        if (length < 5 || strcmp(entry->d_name + length - 4, ".xml") != 0)
            continue;
        example_check(procedure, entry->d_name, problems);
        count++;
    }
    if (directory)
        closedir(directory);
    if (count == 0)
        problem_add(problems, "examples", 0, "there is no form: good.xml with good.json at least");
    cases_check(procedure, problems);
}
