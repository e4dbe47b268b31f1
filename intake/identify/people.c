#include "intake/identify/people.h"

#include <string.h>

#include "base/text.h"
#include "intake/registry/number.h"

static void person_read(struct people *people, const char *role, size_t index, const json_t *object,
                        const struct city_key *city_key)
{
    if (people->count == PEOPLE_MOST) {
        people->more = true;
        return;
    }
    struct person *person = &people->at[people->count++];
    *person = (struct person){.role = role, .index = index, .object = object};
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

/* `role`: the key under which it, or its list, stands. */
static void walk(struct people *people, const char *role, size_t index, const json_t *value,
                 int depth, const struct city_key *city_key)
{
    const char *key;
    json_t *inner;
    size_t i;
    if (depth > PEOPLE_DEPTH) {
        people->more |= json_is_object(value) || json_is_array(value);
        return;
    }
    if (depth > 0 && is_person(value) && (depth > 1 || strcmp(role, "claimant") != 0))
        person_read(people, role, index, value, city_key);
    json_object_foreach ((json_t *)(uintptr_t)value, key, inner)
        walk(people, key, 0, inner, depth + 1, city_key);
    json_array_foreach (value, i, inner)
        walk(people, role, i, inner, depth + 1, city_key);
}

void people_read(const json_t *record, const struct city_key *city_key, struct people *ret_people)
{
    ret_people->count = 0;
    ret_people->more = false;
    person_read(ret_people, "claimant", 0, json_object_get(record, "claimant"), city_key);
    walk(ret_people, "", 0, record, 0, city_key);
}

/* Who signs is who claims, and a family lives at one address: most is told in the same words. */
void parties_make(const json_t *facts, const struct people *people, struct parties *ret_parties)
{
    struct facts signed_facts;
    facts_read(facts, &signed_facts);
    ret_parties->certificate = known_of(&signed_facts);
    ret_parties->count = people->count;
    for (size_t i = 0; i < people->count; i++) {
        ret_parties->people[i] = known_of(&people->at[i].facts);
        known_beside(ret_parties->people[i], i ? ret_parties->people[0] : ret_parties->certificate);
    }
}

void parties_free(struct parties *parties)
{
    known_free(parties->certificate);
    for (size_t i = 0; i < parties->count; i++)
        known_free(parties->people[i]);
    *parties = (struct parties){0};
}
