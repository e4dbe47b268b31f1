#include "intake/commands/verify_print.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "intake/explain/explain.h"
#include "intake/explain/words.h"

void verify_print_json(FILE *out, const char *path, const struct examination *examination)
{
    _cleanup_(cleanup_json) json_t *shown = json_read(buffer_bytes(&examination->report));
    json_object_set_new(shown, "file", json_string(path));
    json_dumpf(shown, out, JSON_SORT_KEYS | JSON_COMPACT);
    fputc('\n', out);
}

static const char *mark_of(const char *result)
{
    return strcmp(result, "passed") == 0 ? "✓" : strcmp(result, "failed") == 0 ? "✗" : "?";
}

static void print_checks(FILE *out, const json_t *checks)
{
    size_t index;
    json_t *check;
    json_array_foreach ((json_t *)checks, index, check) {
        const char *name = json_string_value(json_object_get(check, "check"));
        const char *result = json_string_value(json_object_get(check, "result"));
        const char *text = json_string_value(json_object_get(check, "text"));
        fprintf(out, "  %s %-24s %s\n", mark_of(result), name, text ? text : "");
    }
}

void verify_print_text(FILE *out, const char *path, const struct examination *examination)
{
    static const char *const verdicts[] = {
        [VERDICT_ACCEPTED] = "accepted", [VERDICT_REFUSED] = "REFUSED", [VERDICT_HELD] = "HELD"};
    const struct reason_words *words = reason_words_find(examination->reason);
    fprintf(out, "%s: %s", path, verdicts[examination->verdict]);
    if (*examination->reason)
        fprintf(out, " (%s, %s)", examination->reason, examination->sub_indication);
    fputc('\n', out);
    _cleanup_(cleanup_json) json_t *report = json_read(buffer_bytes(&examination->report));
    print_checks(out, json_object_get(report, "checks"));
    if (examination->verdict != VERDICT_ACCEPTED && words)
        fprintf(out, "  What it means: %s\n  What to do:    %s\n", words->means, words->act);
    fputc('\n', out);
}

void verify_print_page(FILE *out, const char *path, const struct examination *examination)
{
    _cleanup_(cleanup_json) json_t *report = json_read(buffer_bytes(&examination->report));
    explain_page(out, path, report);
}
