/* A form: any bytes, read by every procedure. A record comes only when no check failed or was left
 * undecided; reading twice gives the same. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/xml.h"
#include "forms/procedure.h"
#include "tests/fuzz/fuzz.h"

static struct procedures *procedures;

static void load(void)
{
    struct failure f = {0};
    if (!procedures && !procedures_load(SOURCE_ROOT "/forms/procedures", &procedures, &f))
        abort();
}

static json_t *read_once(const struct procedure *procedure, struct bytes bytes)
{
    struct checks *checks = checks_new();
    struct form_input input = {.applied_at = 1795651200 * INSTANT_SECOND};
    _cleanup_(cleanup_json) json_t *findings = NULL, *record = NULL;
    input.form = xml_parse(bytes, &XML_LIMITS_DEFAULT, "form.document", checks);
    if (input.form) {
        record = form_read(procedure, &input, checks, &findings);
        xmlFreeDoc(input.form);
    }
    if ((record != NULL) != (checks_indication(checks) == TOTAL_PASSED))
        __builtin_trap();
    json_t *all = json_pack("{s:o, s:O?, s:O?}", "checks", checks_to_json(checks), "record", record,
                            "findings", findings);
    checks_free(checks);
    return all;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    load();
    for (size_t i = 0; i < procedures_count(procedures); i++) {
        const struct procedure *procedure = procedures_at(procedures, i);
        _cleanup_(cleanup_json) json_t *once = read_once(procedure, bytes_of(data, size));
        _cleanup_(cleanup_json) json_t *twice = read_once(procedure, bytes_of(data, size));
        if (!json_equal(once, twice))
            __builtin_trap();
    }
    return 0;
}
