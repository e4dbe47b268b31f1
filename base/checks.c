#include "base/checks.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/bytes.h"

struct check {
    enum indication result;
    const char *name;
    const char *sub_indication;
    const char *reason;
    char *text;
    json_t *inputs; /* NULL: none */
};

struct checks {
    struct check *list;
    size_t count, capacity;
    json_t *inputs;  /* of the check to come; NULL */
    size_t deciding; /* index + 1; 0: all passed so far */
};

struct checks *checks_new(void)
{
    return memory_allocate(sizeof(struct checks));
}

void checks_free(struct checks *checks)
{
    if (!checks)
        return;
    for (size_t i = 0; i < checks->count; i++) {
        free(checks->list[i].text);
        json_decref(checks->list[i].inputs);
    }
    json_decref(checks->inputs);
    free(checks->list);
    free(checks);
}

static void add(struct checks *checks, struct check check)
{
    if (checks->count == checks->capacity) {
        checks->capacity = checks->capacity ? 2 * checks->capacity : 32;
        checks->list = memory_resize(checks->list, checks->capacity * sizeof *checks->list);
    }
    check.inputs = checks->inputs;
    checks->inputs = NULL;
    checks->list[checks->count++] = check;
    /* The first failure decides; an undecided check only as long as none has failed. */
    if (check.result > checks_indication(checks))
        checks->deciding = checks->count;
}

static char *format_text(const char *format, va_list arguments)
{
    char *text = NULL;

    if (vasprintf(&text, format, arguments) < 0)
        abort();
    return text;
}

void checks_pass(struct checks *checks, const char *name, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    char *text = format_text(format, arguments);
    va_end(arguments);
    add(checks, (struct check){.result = TOTAL_PASSED, .name = name, .text = text});
}

bool checks_fail(struct checks *checks, const char *name, const char *sub_indication,
                 const char *reason, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    char *text = format_text(format, arguments);
    va_end(arguments);
    add(checks, (struct check){TOTAL_FAILED, name, sub_indication, reason, text, NULL});
    return false;
}

bool checks_undecided(struct checks *checks, const char *name, const char *sub_indication,
                      const char *reason, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    char *text = format_text(format, arguments);
    va_end(arguments);
    add(checks, (struct check){INDETERMINATE, name, sub_indication, reason, text, NULL});
    return false;
}

/* Texts may quote bytes from outside: what is not UTF-8 must not cost us the whole report. */
static json_t *text_to_json(const char *text)
{
    json_t *string = text ? json_string(text) : json_null();

    return string ? string : json_string("(text is not UTF-8)");
}

void checks_input(struct checks *checks, const char *name, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    char *text = format_text(format, arguments);
    va_end(arguments);
    if (!checks->inputs)
        checks->inputs = json_object();
    json_object_set_new(checks->inputs, name, text_to_json(text));
    free(text);
}

static const struct check *deciding(const struct checks *checks)
{
    return checks->deciding ? &checks->list[checks->deciding - 1] : NULL;
}

void checks_append(struct checks *checks, struct checks *more)
{
    for (size_t i = 0; i < more->count; i++) {
        json_t *inputs = checks->inputs; /* those belong to the check to come, not to these */
        checks->inputs = more->list[i].inputs;
        add(checks, more->list[i]);
        checks->inputs = inputs;
    }
    more->count = more->deciding = 0;
}

enum indication checks_indication(const struct checks *checks)
{
    return checks->deciding ? deciding(checks)->result : TOTAL_PASSED;
}

const char *checks_sub_indication(const struct checks *checks)
{
    return checks->deciding ? deciding(checks)->sub_indication : NULL;
}

const char *checks_reason(const struct checks *checks)
{
    return checks->deciding ? deciding(checks)->reason : NULL;
}

const char *checks_text(const struct checks *checks)
{
    return checks->deciding ? deciding(checks)->text : NULL;
}

const char *indication_name(enum indication indication)
{
    static const char *const names[] = {"TOTAL-PASSED", "INDETERMINATE", "TOTAL-FAILED"};

    return names[indication];
}

json_t *checks_to_json(const struct checks *checks)
{
    static const char *const results[] = {"passed", "undecided", "failed"};
    json_t *array = json_array();

    for (size_t i = 0; i < checks->count; i++) {
        const struct check *check = &checks->list[i];
        json_t *object = json_object();

        json_object_set_new(object, "check", json_string(check->name));
        json_object_set_new(object, "result", json_string(results[check->result]));
        if (check->result != TOTAL_PASSED) {
            json_object_set_new(object, "sub_indication", text_to_json(check->sub_indication));
            json_object_set_new(object, "reason", text_to_json(check->reason));
        }
        json_object_set_new(object, "text", text_to_json(check->text));
        if (check->inputs)
            json_object_set(object, "inputs", check->inputs);
        json_array_append_new(array, object);
    }
    return array;
}
