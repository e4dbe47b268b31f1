#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "intake/identify/identify.h"
#include "tests/unit/hanako_support.h"

#define MOST 8

/* One application and the residents that were fetched for it: good, until a test changes it. */
struct scene {
    json_t *facts, *record;
    bool unsigned_; /* nothing is signed */
    struct people people;
    const char *links[2];
    struct resident residents[MOST];
    struct identification_input input;
    struct identification found;
};

static struct resident resident_of(const char *atenabango, const char *name)
{
    struct resident resident = registered;
    resident.name = name;
    resident.kana = "";
    snprintf(resident.atenabango, sizeof resident.atenabango, "%s", atenabango);
    return resident;
}

static json_t *person(void)
{
    return json_pack("{s:s s:s s:s s:s s:s}", "name", NAME, "name_kana", KANA, "sex", "2",
                     "birth_date", "1992-04-01", "address", ADDRESS);
}

static int set_up(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    s->facts = person();
    json_object_set_new(s->facts, "name_substituted", json_string("00000"));
    json_object_set_new(s->facts, "address_substituted", json_string("000000000000000"));
    s->record = json_pack("{s:o}", "claimant", person());
    s->links[0] = "1";
    s->links[1] = "2";
    s->residents[0] = resident_of("1", NAME);
    s->input = (struct identification_input){.ca = "sign",
                                             .serial = "067c6a21",
                                             .people = &s->people,
                                             .links = s->links,
                                             .link_count = 1,
                                             .residents = s->residents,
                                             .resident_count = 1,
                                             .looked_around = true};
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    json_decref(s->facts);
    json_decref(s->record);
    free(s);
    return 0;
}

static void form_says(struct scene *s, const char *item, const char *text)
{
    json_object_set_new(json_object_get(s->record, "claimant"), item, json_string(text));
}

static void certificate_says(struct scene *s, const char *item, const char *text)
{
    json_object_set_new(s->facts, item, json_string(text));
}

static void add(struct scene *s, struct resident resident)
{
    assert_true(s->input.resident_count < MOST);
    s->residents[s->input.resident_count++] = resident;
}

/* As people_read does with the city's key. */
static void claims_number(struct scene *s, size_t whose, uint8_t number)
{
    struct person *who = &s->people.at[whose];
    who->has_number = true;
    memset(who->number_hash, number, sizeof who->number_hash);
    who->facts.number_hash = who->number_hash;
}

static void has_number(struct resident *resident, uint8_t number)
{
    resident->has_number = true;
    memset(resident->number_hash, number, sizeof resident->number_hash);
}

static void decide_again(struct scene *s, const char *reason)
{
    _cleanup_(parties_free) struct parties parties = {0};
    parties_make(s->unsigned_ ? NULL : s->facts, &s->people, &parties);
    s->input.parties = &parties;
    identify(&s->input, &s->found);
    assert_string_equal(s->found.reason, reason);
    assert_int_equal(s->found.identified, !*reason);
    _cleanup_(cleanup_json) json_t *json = identification_json(&s->input, &s->found);
    assert_string_equal(json_string_value(json_object_get(json, "reason")), reason);
    struct comparison comparison; /* made before, it changes nothing */
    identify_compare(s->input.parties, s->found.linked, &comparison);
    s->input.comparison = s->input.link_count == 1 ? &comparison : NULL;
    identify(&s->input, &s->found);
    _cleanup_(cleanup_json) json_t *again = identification_json(&s->input, &s->found);
    assert_true(json_equal(json, again));
    s->input.comparison = NULL;
}

static void must_be(struct scene *s, const char *reason)
{
    people_read(s->record, NULL, &s->people);
    decide_again(s, reason);
}

/* --- by serial number ------------------------------------------------------------------------- */

static void serial_and_four_facts_identify(void **state)
{
    struct scene *s = *state;
    must_be(s, "");
    assert_string_equal(s->found.atenabango, "1");
    assert_int_equal(s->found.candidate_count, 0);
    form_says(s, "address", "桜野市本町1-2-3");
    form_says(s, "name", "櫻野 花子");
    must_be(s, "");
}

static void each_fact_must_agree(void **state)
{
    struct scene *s = *state;
    static const struct {
        const char *item, *value;
    } other[] = {{"name", "桜野　葉子"},
                 {"sex", "1"},
                 {"birth_date", "1992-04-02"},
                 {"address", "試験県桜野市本町一丁目２番４号"},
                 {"name", ""},
                 {"sex", ""},
                 {"birth_date", ""},
                 {"birth_date", "1992-04-00"},
                 {"address", ""}};
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        _cleanup_(cleanup_json) json_t *good = person();
        const char *was = json_string_value(json_object_get(good, other[i].item));
        form_says(s, other[i].item, other[i].value);
        must_be(s, "facts-differ");
        assert_null(s->found.atenabango);
        certificate_says(s, other[i].item, other[i].value); /* both, so the registry differs */
        json_object_del(s->facts, "name_substituted");
        json_object_del(s->facts, "address_substituted");
        must_be(s, "facts-differ");
        form_says(s, other[i].item, was);
        certificate_says(s, other[i].item, was);
        must_be(s, "");
    }
    s->unsigned_ = true;
    must_be(s, "facts-differ");
    s->unsigned_ = false;
    json_object_del(s->record, "claimant");
    must_be(s, "facts-differ");
}

/* 斎 and 斉 are taken for each other, and are two characters. */
static void like_is_not_same(void **state)
{
    struct scene *s = *state;
    certificate_says(s, "name", "斉藤　花子");
    form_says(s, "name", "斎藤　花子");
    s->residents[0].name = "斉藤　花子";
    must_be(s, "facts-differ");
    assert_int_equal(s->found.form[FACT_NAME], DIFFER_LIKE);
}

static void the_feed_links_to_another_of_the_same_name(void **state)
{
    struct scene *s = *state;
    s->residents[0].birth_date = (struct birth_date){1961, 4, 1}; /* her mother */
    must_be(s, "facts-differ");
    s->residents[0] = resident_of("1", "桜野　美咲"); /* her twin */
    must_be(s, "facts-differ");
    s->residents[0] = resident_of("1", NAME);
    s->residents[0].municipality = "水森市";
    must_be(s, "facts-differ");
}

static void twins_under_one_substitute_character(void **state)
{
    struct scene *s = *state;
    certificate_says(s, "name", "桜野　〓");
    certificate_says(s, "name_substituted", "0001");
    form_says(s, "name", "桜野　\U0010DE92");
    s->residents[0] = resident_of("1", "桜野　\U0010DE92");
    must_be(s, "");
    s->input.looked_around = false;
    must_be(s, "");
    assert_true(s->found.look_around); /* not before one has looked who else it may be */
    s->input.looked_around = true;
    add(s, resident_of("2", "桜野　\U0010DE93"));
    must_be(s, "many-candidates");
}

static void form_and_registry_must_agree_where_the_certificate_is_silent(void **state)
{
    struct scene *s = *state;
    certificate_says(s, "name_substituted", "00001");
    must_be(s, "");
    form_says(s, "name", "桜野　花江"); /* a twin who lives elsewhere */
    must_be(s, "facts-differ");
    s->residents[0].name = "桜野　花\U0010DE92"; /* which no form can write */
    must_be(s, "");
    s->residents[0].name = "桜\U0010DE92　花子"; /* but here 子 and 江 differ */
    must_be(s, "facts-differ");
    s->residents[0].name = NAME;
    form_says(s, "name", NAME);
    s->residents[0].building = "コーポ桜１０１号";
    must_be(s, "");
    form_says(s, "address", ADDRESS "　コーポ桜１０２号");
    must_be(s, "facts-differ");
}

static void who_left_is_no_resident(void **state)
{
    struct scene *s = *state;
    static const struct {
        enum resident_status status;
        const char *reason;
    } examples[] = {{RESIDENT_PRESENT, ""},          {RESIDENT_LEAVING, ""},
                    {RESIDENT_NON_RESIDENT, ""},     {RESIDENT_MOVED_OUT, "not-resident"},
                    {RESIDENT_DEAD, "not-resident"}, {RESIDENT_STRUCK_OFF, "not-resident"}};
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        s->residents[0].status = examples[i].status;
        must_be(s, examples[i].reason);
    }
}

static void old_links_leave_it_to_people(void **state)
{
    struct scene *s = *state;
    s->input.links_old = true;
    must_be(s, "links-old");
    assert_null(s->found.atenabango); /* that is no proposal */
    assert_int_equal(s->found.candidate_count, 1);
    s->residents[0].name = "若葉　太郎"; /* what stands in the way besides is told */
    must_be(s, "facts-differ");
    s->residents[0].name = NAME;
    s->input.link_count = 0; /* what needs no link is as before */
    must_be(s, "serial-unknown");
    s->input.waited = true;
    must_be(s, "proposed-by-facts");
}

static void links_that_lead_nowhere_or_too_far(void **state)
{
    struct scene *s = *state;
    s->input.link_count = 2;
    must_be(s, "many-links");
    s->input.link_count = 1;
    s->input.resident_count = 0;
    must_be(s, "resident-unknown");
}

static void links_alone_do_where_no_residents_are_sent(void **state)
{
    struct scene *s = *state;
    s->input.resident_count = 0;
    s->input.links_only = true;
    must_be(s, "");
    assert_string_equal(s->found.atenabango, "1");
    form_says(s, "sex", "1");
    must_be(s, "facts-differ");
}

/* --- whose number ----------------------------------------------------------------------------- */

static void the_number_must_be_the_linked_ones(void **state)
{
    struct scene *s = *state;
    people_read(s->record, NULL, &s->people);
    claims_number(s, 0, 7);
    decide_again(s, ""); /* nobody's that we know */
    has_number(&s->residents[0], 7);
    decide_again(s, "");
    has_number(&s->residents[0], 8);
    decide_again(s, "number-mismatch");
    s->residents[0].has_number = false;
    struct resident other = resident_of("2", "梅田　太郎");
    has_number(&other, 7);
    add(s, other);
    decide_again(s, "number-mismatch");
    assert_int_equal(s->found.candidate_count, 2); /* what is signed comes before what is claimed */
    assert_ptr_equal(s->found.candidates[0].resident, &s->residents[0]);
    assert_true(s->found.candidates[0].match.score < s->found.candidates[1].match.score);
}

/* --- without a link --------------------------------------------------------------------------- */

static void no_link(struct scene *s)
{
    s->input.link_count = 0;
}

static void an_unknown_serial_waits_then_facts_propose(void **state)
{
    struct scene *s = *state;
    no_link(s);
    must_be(s, "serial-unknown");
    assert_null(s->found.atenabango);
    assert_int_equal(s->found.candidate_count, 1); /* staff see it already */
    s->input.waited = true;
    must_be(s, "proposed-by-facts");
    assert_false(s->found.identified); /* a name match never decides alone */
    assert_string_equal(s->found.atenabango, "1");
}

static void facts_that_fit_nobody_or_several(void **state)
{
    struct scene *s = *state;
    no_link(s);
    s->input.waited = true;
    s->residents[0].lot = "９番９号";
    must_be(s, "no-candidate");
    assert_int_equal(s->found.candidate_count, 1); /* not all facts agree: first of the list */
    s->input.resident_count = 0;
    must_be(s, "no-candidate");
    add(s, resident_of("1", NAME));
    add(s, resident_of("2", NAME));
    must_be(s, "many-candidates");
    assert_int_equal(s->found.candidate_count, 2);
    s->residents[1].status = RESIDENT_MOVED_OUT; /* once the other's number */
    must_be(s, "proposed-by-facts");
    assert_string_equal(s->found.atenabango, "1");
    s->residents[0].status = RESIDENT_DEAD;
    s->input.resident_count = 1;
    must_be(s, "not-resident");
}

/* What the form claims alone is no proposal: anybody can write it. */
static void the_form_alone_proposes_nobody(void **state)
{
    struct scene *s = *state;
    no_link(s);
    s->input.waited = true;
    certificate_says(s, "name", "梅田　太郎");
    must_be(s, "no-candidate");
    certificate_says(s, "name", "梅田　月美");
    add(s, resident_of("2", "梅田　月美"));
    must_be(s, "many-candidates"); /* one fits the certificate, another the form */
}

static void an_unknown_birth_date_never_agrees(void **state)
{
    struct scene *s = *state;
    certificate_says(s, "birth_date", "");
    form_says(s, "birth_date", "");
    s->residents[0].birth_date = (struct birth_date){1992, 0, 0};
    must_be(s, "facts-differ");
    no_link(s);
    s->input.waited = true;
    must_be(s, "no-candidate");
}

static void candidates_come_best_first_and_once(void **state)
{
    struct scene *s = *state;
    no_link(s);
    s->input.resident_count = 0;
    struct resident moved = resident_of("3", NAME);
    moved.town = "川上";
    add(s, moved);
    add(s, resident_of("2", NAME));
    add(s, moved);
    struct resident stranger = resident_of("4", "梅田　太郎");
    stranger.birth_date = (struct birth_date){1950, 1, 2};
    stranger.municipality = "水森市";
    add(s, stranger);
    must_be(s, "serial-unknown");
    assert_int_equal(s->found.candidate_count, 2);
    assert_string_equal(s->found.candidates[0].resident->atenabango, "2");
    assert_string_equal(s->found.candidates[1].resident->atenabango, "3");
}

/* --- not by machine --------------------------------------------------------------------------- */

static void unsigned_and_agents_wait_for_staff(void **state)
{
    struct scene *s = *state;
    s->input.by_agent = true;
    must_be(s, "agent");
    s->input.by_agent = false;
    s->input.ca = s->input.serial = "";
    s->unsigned_ = true;
    s->input.link_count = 0;
    must_be(s, "unsigned");
    assert_int_equal(s->found.candidate_count, 1);
}

/* The agent's certificate says nothing of who is meant. */
static void candidates_of_an_agents_application_are_the_claimants(void **state)
{
    struct scene *s = *state;
    s->input.by_agent = true;
    certificate_says(s, "name", "梅田　太郎");
    certificate_says(s, "birth_date", "1960-05-05");
    struct resident agent = resident_of("2", "梅田　太郎");
    agent.birth_date = (struct birth_date){1960, 5, 5};
    add(s, agent);
    s->links[0] = "2";
    must_be(s, "agent");
    assert_string_equal(s->found.candidates[0].resident->atenabango, "1");
    assert_true(s->found.candidates[0].match.full);
}

static void protection_stops_everything(void **state)
{
    struct scene *s = *state;
    s->residents[0].is_protected = true;
    must_be(s, "protected");
    s->input.by_agent = true; /* by link of the agent, or by facts of the claimant */
    must_be(s, "protected");
    s->input.by_agent = false;
    no_link(s);
    must_be(s, "protected");
    s->input.waited = true;
    must_be(s, "protected");
    s->residents[0].birth_date.day = 2; /* somebody else of the same name */
    must_be(s, "no-candidate");
}

static void protection_of_family_stops_too(void **state)
{
    struct scene *s = *state;
    json_object_set_new(s->record, "children",
                        json_pack("[{s:s s:s}]", "name", "桜野　翼", "birth_date", "2020-01-05"));
    struct resident child = resident_of("5", "桜野　翼");
    child.birth_date = (struct birth_date){2020, 1, 5};
    child.is_protected = true;
    add(s, child);
    must_be(s, "protected");
    snprintf(s->residents[1].household, sizeof s->residents[1].household, "H2");
    must_be(s, "protected"); /* wherever she lives */
    s->residents[1].birth_date.day = 6;
    must_be(s, "");
    people_read(s->record, NULL, &s->people);
    claims_number(s, 1, 3);
    has_number(&s->residents[1], 3);
    decide_again(s, "protected");
    s->residents[1].status = RESIDENT_MOVED_OUT; /* who fled is protected still */
    decide_again(s, "protected");
    struct resident twice = resident_of("6", "桜野　翼"); /* as 住登外者 besides: a number of two */
    has_number(&twice, 3);
    add(s, twice);
    s->residents[1].status = RESIDENT_PRESENT;
    decide_again(s, "protected");
    assert_string_equal(s->found.people[1].how, "many");
    s->input.resident_count = 1;
    decide_again(s, "");
    s->input.protection = true; /* of somebody who was not fetched */
    decide_again(s, "protected");
}

static void people_are_found_however_deep_and_are_never_too_many(void **state)
{
    struct scene *s = *state;
    json_object_set_new(
        s->record, "household",
        json_pack("{s:{s:[{s:{s:s}}]}}", "moving", "members", "person", "name", "桜野　翼"));
    must_be(s, "");
    assert_int_equal(s->people.count, 2);
    assert_string_equal(s->people.at[1].role, "person");
    json_t *children = json_array();
    for (size_t i = 2; i < PEOPLE_MOST; i++)
        json_array_append_new(children, json_pack("{s:s}", "name", "桜野　翼"));
    json_object_set_new(s->record, "children", children);
    must_be(s, "");
    assert_int_equal(s->people.count, PEOPLE_MOST);
    json_array_append_new(children, json_pack("{s:s}", "name", "桜野　翼"));
    must_be(s, "many-people"); /* one of those who are not looked at may be protected */
    json_object_del(s->record, "children");
    must_be(s, "");
    json_t *deep = json_pack("{s:s}", "name", "桜野　翼");
    for (int i = 0; i < PEOPLE_DEPTH; i++)
        deep = json_pack("{s:o}", "inner", deep);
    json_object_set_new(s->record, "deep", deep);
    must_be(s, "many-people");
}

/* --- the other people ------------------------------------------------------------------------- */

static void other_people_are_found_and_block_nothing(void **state)
{
    struct scene *s = *state;
    json_object_set_new(s->record, "spouse", json_pack("{s:s}", "name", "桜野　太郎"));
    json_object_set_new(s->record, "children",
                        json_pack("[{s:s s:s}, {s:s s:s}, {s:i}]", "name", "桜野　翼", "birth_date",
                                  "2020-01-05", "name", "桜野　葵", "birth_date", "2026-11-11",
                                  "name", 1));
    struct resident spouse = resident_of("4", "桜野　太郎"), child = resident_of("5", "櫻野　翼");
    child.birth_date = (struct birth_date){2020, 1, 6};
    has_number(&child, 3);
    add(s, spouse);
    add(s, child);
    people_read(s->record, NULL, &s->people);
    assert_int_equal(s->people.count, 4);
    claims_number(s, 2, 3);
    decide_again(s, "");
    assert_string_equal(s->found.people[0].how, "link");
    assert_string_equal(s->people.at[1].role, "spouse");
    assert_string_equal(s->found.people[1].how, "facts");
    assert_ptr_equal(s->found.people[1].resident, &s->residents[1]);
    assert_string_equal(s->found.people[2].how, "number");
    assert_int_equal(s->found.people[2].facts[FACT_NAME], AGREE_NOTATION);
    assert_int_equal(s->found.people[2].facts[FACT_BIRTH_DATE], DIFFER_NEAR);
    assert_string_equal(s->found.people[3].how, "none"); /* not registered yet */
    assert_null(s->found.people[3].resident);
    s->input.looked_around = false;
    decide_again(s, "");
    assert_true(s->found.look_around);
}

static void the_decision_can_be_read(void **state)
{
    struct scene *s = *state;
    form_says(s, "name", "梅田　花子");
    must_be(s, "facts-differ");
    _cleanup_(cleanup_json) json_t *json = identification_json(&s->input, &s->found);
    const char *form, *registry, *status, *how;
    assert_int_equal(json_unpack(json, "{s:{s:s} s:{s:s} s:{s:s} s:[{s:{s:{s:s}}}]}",
                                 "certificate_form", "name", &form, "certificate_registry", "name",
                                 &registry, "linked", "status", &status, "candidates", "facts",
                                 "name", "how", &how),
                     0);
    assert_string_equal(form, "surname-differs");
    assert_string_equal(registry, "same");
    assert_string_equal(status, "present");
    assert_string_equal(how, "same");
}

int main(void)
{
#define WITH_SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_SCENE(serial_and_four_facts_identify),
        WITH_SCENE(each_fact_must_agree),
        WITH_SCENE(like_is_not_same),
        WITH_SCENE(the_feed_links_to_another_of_the_same_name),
        WITH_SCENE(twins_under_one_substitute_character),
        WITH_SCENE(form_and_registry_must_agree_where_the_certificate_is_silent),
        WITH_SCENE(who_left_is_no_resident),
        WITH_SCENE(old_links_leave_it_to_people),
        WITH_SCENE(links_that_lead_nowhere_or_too_far),
        WITH_SCENE(links_alone_do_where_no_residents_are_sent),
        WITH_SCENE(the_number_must_be_the_linked_ones),
        WITH_SCENE(an_unknown_serial_waits_then_facts_propose),
        WITH_SCENE(facts_that_fit_nobody_or_several),
        WITH_SCENE(the_form_alone_proposes_nobody),
        WITH_SCENE(an_unknown_birth_date_never_agrees),
        WITH_SCENE(candidates_come_best_first_and_once),
        WITH_SCENE(unsigned_and_agents_wait_for_staff),
        WITH_SCENE(candidates_of_an_agents_application_are_the_claimants),
        WITH_SCENE(protection_stops_everything),
        WITH_SCENE(protection_of_family_stops_too),
        WITH_SCENE(people_are_found_however_deep_and_are_never_too_many),
        WITH_SCENE(other_people_are_found_and_block_nothing),
        WITH_SCENE(the_decision_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
