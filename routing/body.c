#include "routing/body.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

bool body_fault_set(struct body_fault *fault, const char *code, const char *format, ...)
{
    va_list arguments;
    fault->code = code;
    va_start(arguments, format);
    vsnprintf(fault->text, sizeof fault->text, format, arguments);
    va_end(arguments);
    return false;
}

/* C0 and DEL: in a header, a log or a terminal they would mean something. */
static bool has_control(const char *text, bool lines)
{
    for (; *text; text++)
        if (((unsigned char)*text < 0x20 && !(lines && *text == '\n')) || *text == 0x7f)
            return true;
    return false;
}

bool body_text(const json_t *object, const char *key, size_t most, bool lines,
               const char **ret_text, struct body_fault *fault)
{
    const json_t *value = json_object_get(object, key);
    const char *text = json_string_value(value);
    if (value && !text)
        return body_fault_set(fault, "E0002", "%s must be a string", key);
    if (!text || *text == '\0')
        return body_fault_set(fault, "E0001", "%s is required", key);
    if (strlen(text) != json_string_length(value) || has_control(text, lines))
        return body_fault_set(fault, "E0002", "%s has a control character", key);
    if (utf8_length(text) > most)
        return body_fault_set(fault, "E0003", "%s has at most %zu characters", key, most);
    *ret_text = text;
    return true;
}

bool body_id(const json_t *object, const char *key, int64_t *ret_id, struct body_fault *fault)
{
    const char *id;
    if (!body_text(object, key, 19, false, &id, fault))
        return false;
    if (!number_parse_exact(id, 1, INT64_MAX, ret_id))
        return body_fault_set(fault, "E0002", "%s must be the item's decimal id", key);
    return true;
}

static bool code_sound(const char *code)
{
    return code[0] == 'E' && digits_only(code + 1, 4) && code[5] == '\0';
}

static bool read_problem(const json_t *problem, json_t *list, struct body_fault *fault)
{
    const char *code, *item, *message;
    if (!body_text(problem, "code", 64, false, &code, fault) ||
        !body_text(problem, "item", 128, false, &item, fault) ||
        !body_text(problem, "message", 500, true, &message, fault))
        return false;
    if (!code_sound(code))
        return body_fault_set(fault, "E0002", "code must be E and four digits");
    json_array_append_new(
        list, json_pack("{s:s, s:s, s:s}", "code", code, "item", item, "message", message));
    return true;
}

bool body_problems(const json_t *object, const char *key, json_t **ret_problems,
                   struct body_fault *fault)
{
    const json_t *problems = json_object_get(object, key);
    if (problems && !json_is_array(problems))
        return body_fault_set(fault, "E0002", "%s must be an array", key);
    if (json_array_size(problems) > BODY_PROBLEMS_MOST)
        return body_fault_set(fault, "E0003", "%s has at most %d entries", key, BODY_PROBLEMS_MOST);
    _cleanup_(cleanup_json) json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(problems); i++)
        if (!read_problem(json_array_get(problems, i), list, fault))
            return false;
    *ret_problems = TAKE(list);
    return true;
}
