/* A decision as JSON, for staff and for later. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "intake/identify/identify.h"

const char *resident_status_word(enum resident_status status)
{
    static const char *const words[RESIDENT_STATUS_COUNT] = {
        [RESIDENT_PRESENT] = "present",       [RESIDENT_LEAVING] = "leaving",
        [RESIDENT_MOVED_OUT] = "moved-out",   [RESIDENT_DEAD] = "dead",
        [RESIDENT_STRUCK_OFF] = "struck-off", [RESIDENT_NON_RESIDENT] = "non-resident",
    };
    return words[status];
}

static json_t *resident_json(const struct resident *resident)
{
    return resident ? json_pack("{s:s s:s s:b}", "atenabango", resident->atenabango, "status",
                                resident_status_word(resident->status), "protected",
                                resident->is_protected)
                    : json_null();
}

/* {"name": "same", …} */
static json_t *agreements_json(const enum agreement how[FACT_COUNT])
{
    json_t *object = json_object();
    for (enum fact fact = 0; fact < FACT_COUNT; fact++)
        json_object_set_new(object, fact_word(fact), json_string(agreement_word(how[fact])));
    return object;
}

static json_t *people_json(const struct identification_input *input,
                           const struct identification *identification)
{
    json_t *people = json_array();
    for (size_t i = 0; i < input->people->count; i++) {
        const struct person *person = &input->people->at[i];
        const struct person_found *found = &identification->people[i];
        json_t *object =
            json_pack("{s:s s:I s:s s:o}", "role", person->role, "index", (json_int_t)person->index,
                      "found", found->how, "resident", resident_json(found->resident));
        if (found->resident)
            json_object_set_new(object, "facts", agreements_json(found->facts));
        json_array_append_new(people, object);
    }
    return people;
}

json_t *candidate_json(const struct candidate *candidate)
{
    const struct match *match = &candidate->match;
    json_t *facts = json_object();
    for (enum fact fact = 0; fact < FACT_COUNT; fact++)
        json_object_set_new(facts, fact_word(fact),
                            json_pack("{s:s s:i}", "how", agreement_word(match->how[fact]),
                                      "points", match->points[fact]));
    return json_pack("{s:o s:i s:b s:o}", "resident", resident_json(candidate->resident), "score",
                     match->score, "all_four", match->full || match->full_second, "facts", facts);
}

json_t *identification_json(const struct identification_input *input,
                            const struct identification *identification)
{
    json_t *object = json_pack("{s:i s:s s:o s:o}", "version", 1, "reason", identification->reason,
                               "linked", resident_json(identification->linked), "people",
                               people_json(input, identification));
    if (identification->atenabango)
        json_object_set_new(object, "atenabango", json_string(identification->atenabango));
    json_t *candidates = json_array();
    for (size_t i = 0; i < identification->candidate_count; i++)
        json_array_append_new(candidates, candidate_json(&identification->candidates[i]));
    json_object_set_new(object, "candidates", candidates);
    if (identification->compared) {
        json_object_set_new(object, "certificate_form", agreements_json(identification->form));
        json_object_set_new(object, "certificate_registry",
                            agreements_json(identification->registry));
    }
    return object;
}
