/* Any bytes as 人事データ: what comes out is a plan, and what it would propose is a sound account
 * of somebody who is there; with a fault, its line is told. */
#include <stdlib.h>
#include <string.h>

#include "intake/console/change.h"
#include "intake/console/personnel.h"
#include "tests/fuzz/fuzz.h"

static json_t *account(const char *department)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:[{s:s, s:s, s:s}]}", "display_name", "職員",
                     "department", department, "kind", "staff", "valid_from", "2026-04-01",
                     "valid_to", "2027-03-31", "disabled", 0, "rights", "business", "*",
                     "department", "*", "right", "see");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t i;
    const json_t *one;
    json_t *accounts =
        json_pack("{s:o, s:o}", "hanako", account("市民課"), "taro", account("税務課"));
    json_t *plan = personnel_plan(bytes_of(data, size), accounts, "2026-11-28", true);
    size_t faults = json_array_size(json_object_get(plan, "faults"));
    if (faults > PERSONNEL_FAULTS_MOST || !json_is_array(json_object_get(plan, "differences")))
        abort();
    json_array_foreach (json_object_get(plan, "changes"), i, one) {
        const char *subject = json_string_value(json_object_get(one, "subject"));
        if (!json_equal(json_object_get(accounts, subject), json_object_get(one, "before")) ||
            change_fault(CHANGE_ACCOUNT, subject, json_object_get(one, "after")))
            abort();
    }
    json_decref(plan);
    json_decref(accounts);
    return 0;
}
