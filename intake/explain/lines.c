#include "intake/explain/lines.h"

#include <string.h>

#include "base/cleanup.h"
#include "intake/explain/words.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

const char *explain_reason(const char *reason)
{
    const struct reason_words *words = reason && *reason ? reason_words_find(reason) : NULL;
    return words ? words->imi : NULL;
}

/* What was looked at; and when it did not pass, the rule's own words, or what the reason means. */
static char *line_text(const json_t *check, bool passed)
{
    const char *name = text_of(check, "check");
    const struct check_words *words = check_words_find(name);
    const char *looked = words ? words->kensa : name;
    const char *message = text_of(json_object_get(check, "inputs"), "message");
    const char *means = explain_reason(text_of(check, "reason"));
    if (passed)
        return text_copy(looked);
    return text_format("%s：%s", looked, *message ? message : means ? means : "");
}

json_t *explain_lines(const json_t *report)
{
    const json_t *checks = json_object_get(report, "checks");
    json_t *lines = json_array();
    const char *before = "";
    for (size_t i = 0; i < json_array_size(checks); i++) {
        const json_t *check = json_array_get(checks, i);
        bool passed = strcmp(text_of(check, "result"), "passed") == 0;
        _cleanup_(cleanup_text) char *text = line_text(check, passed);
        if (passed && strcmp(text, before) == 0)
            continue;
        json_t *line = json_pack("{s:s, s:s, s:s}", "check", text_of(check, "check"), "result",
                                 text_of(check, "result"), "text", text);
        json_array_append_new(lines, line);
        before = passed ? text_of(line, "text") : "";
    }
    return lines;
}
