/* `town cards`: residents with test My Number cards, for the portal's site. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "deploy/sandbox/town.h"
#include "deploy/sandbox/town_registry.h"

#define CARD_SEED  77777 /* apart from the seeds of towns: their 宛名番号 must not meet */
#define ISSUED_AGO (400 * INSTANT_DAY)

/* By place: who applies in the examples of forms/procedures, all at one address; then names that
 * are hard to write; the rest are as the dice will have it. */
static const struct {
    const char *name, *kana;
    char sex;         /* 0: as rolled, and so what follows */
    struct day birth; /* {0}: as rolled */
    const char *individual_number;
} known[] = {
    {"桜野　花子", "サクラノ　ハナコ", '2', {1992, 4, 1}, "123456789018"},
    {"桜野　花子", "サクラノ　ハナコ", '2', {1980, 5, 5}, NULL}, /* another of that name */
    {"桜野　一郎", "サクラノ　イチロウ", '1', {2010, 2, 28}, NULL},
    {"𠮷野　髙志", "ヨシノ　タカシ", 0, {0}, NULL},   /* U+20BB7: a surrogate pair in UTF-16 */
    {"渡邉　﨑子", "ワタナベ　サキコ", 0, {0}, NULL}, /* variant and compatibility kanji */
    {"ルイーズ　モーリーン", "ルイーズ　モーリーン", 0, {0}, NULL}, /* long vowels */
};
#define EXAMPLE_ADDRESS "試験県桜野市本町一丁目２番３号"
#define EXAMPLE_POSTAL  "9990001"

static void example_take(uint32_t number, struct household *household)
{
    struct person *claimant = &household->claimant;
    claimant->sex = known[number].sex;
    claimant->birth_day = known[number].birth;
    if (known[number].individual_number)
        snprintf(claimant->individual_number, sizeof claimant->individual_number, "%s",
                 known[number].individual_number);
    snprintf(household->address, sizeof household->address, EXAMPLE_ADDRESS);
    snprintf(household->postal_code, sizeof household->postal_code, EXAMPLE_POSTAL);
    household->has_spouse = false;
    household->child_count = 0;
}

static void known_take(uint32_t number, struct household *household)
{
    struct person *claimant = &household->claimant;
    if (number >= sizeof known / sizeof *known)
        return;
    snprintf(claimant->name, sizeof claimant->name, "%s", known[number].name);
    snprintf(claimant->name_kana, sizeof claimant->name_kana, "%s", known[number].kana);
    if (known[number].sex)
        example_take(number, household);
}

static json_t *person_json(const struct person *person)
{
    char birth[16];
    snprintf(birth, sizeof birth, "%04d-%02d-%02d", person->birth_day.year % 10000,
             person->birth_day.month, person->birth_day.day);
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", person->name, "name_kana",
                     person->name_kana, "birth_date", birth, "sex",
                     (const char[]){person->sex, '\0'}, "individual_number",
                     person->individual_number);
}

static json_t *card_json(const struct draft *draft, const char *id)
{
    const struct household *household = &draft->household;
    char login[8], sign[16];
    snprintf(login, sizeof login, "%04u", 1234 + draft->number);
    snprintf(sign, sizeof sign, "SAKURA%02u", draft->number + 1);
    json_t *card = person_json(&household->claimant), *children = json_array();
    for (size_t i = 0; i < household->child_count; i++)
        json_array_append_new(children, person_json(&household->children[i]));
    json_object_update_new(
        card, json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o*}", "id", id, "address",
                        household->address, "postal_code", household->postal_code, "login_pin",
                        login, "sign_pin", sign, "children", children, "spouse",
                        household->has_spouse ? person_json(&household->spouse) : NULL));
    return card;
}

static void draft_begin(struct town *town, uint32_t number, struct draft *draft)
{
    *draft = (struct draft){.town = town, .number = number, .registered = true};
    household_make(CARD_SEED, number, town->city->city, town->now, &draft->household);
    known_take(number, &draft->household);
    draft->signer = draft->household.claimant;
    draft->parcel.applied_at = town->now;
    draft->facts = (struct jpki_facts){.name = draft->signer.name,
                                       .sex = draft->signer.sex,
                                       .birth_day = draft->signer.birth_day,
                                       .address = draft->household.address};
    draft->order = (struct jpki_order){.ca = JPKI_SIGN,
                                       .generation = JPKI_GENERATION_LAST,
                                       .partition = town->city,
                                       .facts = &draft->facts,
                                       .issued = town->now - ISSUED_AGO};
}

static bool card_make(struct town *town, const char *folder, uint32_t number,
                      struct town_registry *registry, json_t *cards, struct failure *f)
{
    char id[16], pem[24], key_name[24];
    snprintf(id, sizeof id, "card-%02u", number + 1);
    snprintf(pem, sizeof pem, "%s.pem", id);
    snprintf(key_name, sizeof key_name, "%s.key", id);
    struct draft *draft = memory_allocate(sizeof *draft);
    draft_begin(town, number, draft);
    _cleanup_(cleanup_pkey) EVP_PKEY *key = key_make_rsa(f);
    draft->order.key = key;
    _cleanup_(cleanup_x509) X509 *made =
        key ? jpki_issue(town->jpki, &draft->order, &draft->serial, f) : NULL;
    bool done =
        made && certificate_write(folder, pem, &made, 1, f) && key_write(folder, key_name, key, f);
    if (done) {
        town_registry_write(registry, draft);
        json_array_append_new(cards, card_json(draft, id));
    }
    free(draft);
    return done;
}

static bool cards_write(const char *folder, const json_t *cards, struct failure *f)
{
    _cleanup_(cleanup_text) char *text = json_dumps(cards, JSON_INDENT(1));
    return text_write(folder, "cards.json", bytes_of_text(text), f);
}

bool town_cards(const struct town_options *options, struct failure *f)
{
    struct town town = {.now = options->now};
    struct town_registry registry = {0};
    _cleanup_(cleanup_json) json_t *cards = json_array();
    _cleanup_(cleanup_text) char *list = text_format("%s/cards.json", options->folder);
    if (access(list, F_OK) == 0)
        return failure_set(f, FAILURE_USAGE, "%s has cards already: take another folder",
                           options->folder);
    town.city = jpki_partition_find("sakurano");
    bool done = folder_make(options->folder, f) &&
                jpki_open(options->jpki_folder, true, &town.jpki, f) &&
                town_registry_open(options->folder, &registry, f);
    for (uint32_t i = 0; done && i < options->count; i++)
        done = card_make(&town, options->folder, i, &registry, cards, f);
    done = done && jpki_ledger_save(town.jpki, f) && town_registry_close(&registry, f) &&
           cards_write(options->folder, cards, f);
    town_registry_free(&registry);
    jpki_close(town.jpki);
    return done;
}
