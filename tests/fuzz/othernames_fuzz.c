/* Any bytes as a subjectAltName: the four basic facts are read whole and consistent, or not. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "signature/facts.h"
#include "tests/fuzz/fuzz.h"

static bool clean(const char *text)
{
    return *text && utf8_valid(bytes_of_text(text));
}

static bool consistent(const struct basic_facts *facts)
{
    if (!clean(facts->name) || !clean(facts->address) || !strchr("1239", facts->sex) ||
        strlen(facts->name_substituted) != utf8_length(facts->name) ||
        strlen(facts->address_substituted) != utf8_length(facts->address))
        return false;
    for (size_t i = 0; i < facts->other_count; i++)
        if (strncmp(facts->others[i].oid, FACTS_ARC, strlen(FACTS_ARC)) != 0)
            return false;
    return facts->other_count <= FACTS_OTHERS_MAX &&
           (!facts->birth_date[0] || strlen(facts->birth_date) == 10);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct basic_facts facts;
    const char *fault = NULL;
    if (!basic_facts_read(bytes_of(data, size), &facts, &fault)) {
        if (!fault)
            abort();
        return 0;
    }
    json_t *json = basic_facts_to_json(&facts);
    if (!json || !consistent(&facts))
        abort();
    json_decref(json);
    return 0;
}
