#include "intake/identify/people.h"

#include <string.h>

#include "base/text.h"
#include "intake/registry/number.h"

static void person_read(struct people *people, const char *role, size_t index, const json_t *object,
                        const struct city_key *city_key)
{
    if (people->count == PEOPLE_MOST)
        return;
    struct person *person = &people->at[people->count++];
    *person = (struct person){.role = role, .index = index};
    facts_read(object, &person->facts);
    const char *number = json_string_value(json_object_get(object, "individual_number"));
    if (!city_key || !number || !digits_only(number, 12))
        return;
    registry_number_hash(city_key, number, person->number_hash);
    person->has_number = true;
    person->facts.number_hash = person->number_hash;
}

static bool is_person(const json_t *object)
{
    return json_is_string(json_object_get(object, "name"));
}

void people_read(const json_t *record, const struct city_key *city_key, struct people *ret_people)
{
    const char *key;
    json_t *value, *object;
    size_t i;
    ret_people->count = 0;
    person_read(ret_people, "claimant", 0, json_object_get(record, "claimant"), city_key);
    json_object_foreach ((json_t *)record, key, value) {
        if (is_person(value) && strcmp(key, "claimant") != 0)
            person_read(ret_people, key, 0, value, city_key);
        json_array_foreach (value, i, object)
            if (is_person(object))
                person_read(ret_people, key, i, object, city_key);
    }
}
