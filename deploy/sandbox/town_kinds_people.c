#include "deploy/sandbox/town_kinds_people.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Longer ago than [identify] wait-for-serial: nobody waits for its serial number any more. The
 * certificates are older still. */
#define LATE (8 * INSTANT_DAY)

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void household_renew(struct draft *draft, instant now)
{
    household_make(draft->town->seed, draft->number, draft->town->city->city, now,
                   &draft->household);
    draft->signer = draft->household.claimant;
}

static void late(struct draft *draft)
{
    household_renew(draft, draft->town->now - LATE);
    draft->parcel.applied_at -= LATE;
    draft->form.applied_at -= LATE;
}

__attribute__((format(printf, 2, 3))) static void name_set(char ret_name[PERSON_NAME],
                                                           const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(ret_name, PERSON_NAME, format, arguments);
    va_end(arguments);
}

/* The claimant's name, everywhere but where it is said otherwise. */
static void claimant_call(struct draft *draft, const char *surname, const char *given)
{
    struct person *claimant = &draft->household.claimant;
    name_set(claimant->name, "%s　%s", surname, given);
    draft->signer = *claimant;
}

static void name_split(const char *name, char ret_surname[PERSON_NAME], char ret_given[PERSON_NAME])
{
    const char *space = strstr(name, "　");
    name_set(ret_surname, "%.*s", (int)(space - name), name);
    name_set(ret_given, "%s", space + strlen("　"));
}

/* Another surname than the claimant's. */
static void surname_other(struct draft *draft, char ret_surname[PERSON_NAME])
{
    char name[PERSON_NAME], given[PERSON_NAME];
    person_rename(&draft->dice, &draft->household.claimant, name);
    name_split(name, ret_surname, given);
}

/* --- the same person, told in another way ----------------------------------------------------- */

/* 旧氏 beside the surname, as certificates have it: 氏［旧氏］　名. */
void former_surname_prepare(struct draft *draft)
{
    char surname[PERSON_NAME], given[PERSON_NAME];
    struct person *claimant = &draft->household.claimant;
    surname_other(draft, claimant->former_surname);
    name_split(claimant->name, surname, given);
    name_set(draft->fact_name, "%s［%s］　%s", surname, claimant->former_surname, given);
}

/* A foreign resident whose certificate and form say the 通称. */
void common_name_prepare(struct draft *draft)
{
    static const char *const names[] = {"ＫＩＭ　ＭＩＮＳＵ", "ＬＥＥ　ＪＩＷＯＯ",
                                        "ＮＧＵＹＥＮ　ＡＮＨ"};
    struct person *claimant = &draft->household.claimant;
    memcpy(claimant->common_name, claimant->name, sizeof claimant->name);
    memcpy(draft->fact_name, claimant->name, sizeof claimant->name);
    draft->form.name = claimant->common_name;
    name_set(claimant->name, "%s", names[dice_between(&draft->dice, 0, COUNT(names) - 1)]);
}

/* One kanji in two shapes: 髙 in registry and form, 高 in the certificate. */
void variant_kanji_prepare(struct draft *draft)
{
    static const char *const surnames[][2] = {
        {"髙橋", "高橋"}, {"渡邉", "渡辺"}, {"山﨑", "山崎"}, {"濵口", "浜口"}, {"桒原", "桑原"}};
    char surname[PERSON_NAME], given[PERSON_NAME];
    size_t i = dice_roll(&draft->dice) % COUNT(surnames);
    name_split(draft->signer.name, surname, given);
    claimant_call(draft, surnames[i][0], given);
    name_set(draft->fact_name, "%s　%s", surnames[i][1], given);
}

/* In the certificate's name, the character at `place` is a substitute. */
static void substitute_mark(struct draft *draft, size_t place)
{
    memset(draft->fact_substituted, '0', utf8_length(draft->fact_name));
    draft->fact_substituted[place] = '1';
}

/* A character that certificates cannot write, 〓 in its place (代替文字). */
void substituted_prepare(struct draft *draft)
{
    static const char *const surnames[] = {"𠮷田", "𡈽屋", "𠮷村"};
    char surname[PERSON_NAME], given[PERSON_NAME];
    size_t i = dice_roll(&draft->dice) % COUNT(surnames);
    name_split(draft->signer.name, surname, given);
    claimant_call(draft, surnames[i], given);
    name_set(draft->fact_name, "〓%s", draft->signer.name + strlen("𠮷"));
    substitute_mark(draft, 0);
}

/* The links in force when the application was sent count, not today's. */
void renewed_card_prepare(struct draft *draft)
{
    draft->link = LINK_RENEWED;
}

void phone_prepare(struct draft *draft)
{
    draft->link = LINK_PHONE;
}

/* --- not to be told by machine ---------------------------------------------------------------- */

void unlinked_prepare(struct draft *draft)
{
    draft->link = LINK_NONE;
}

/* Renamed, or moved in from the neighbour city: the certificate says what was. */
void facts_differ_prepare(struct draft *draft)
{
    if (dice_chance(&draft->dice, 50)) {
        person_rename(&draft->dice, &draft->signer, draft->fact_name);
        return;
    }
    draft->order.partition = draft->town->neighbour;
    address_make(&draft->dice, draft->order.partition->city, draft->fact_address);
}

/* The registry knows the surname of the certificate as 旧氏, the form does not tell it. */
void married_prepare(struct draft *draft)
{
    struct person *claimant = &draft->household.claimant;
    char surname[PERSON_NAME], given[PERSON_NAME];
    surname_other(draft, claimant->former_surname);
    name_split(claimant->name, surname, given);
    name_set(draft->fact_name, "%s　%s", claimant->former_surname, given);
}

/* Within the city, and within the week: form and registry have the new address. */
void moved_prepare(struct draft *draft)
{
    do
        address_make(&draft->dice, draft->town->city->city, draft->fact_address);
    while (strcmp(draft->fact_address, draft->household.address) == 0);
}

void agent_prepare(struct draft *draft)
{
    struct household other;
    household_make(draft->town->seed, draft->number + 50000000, draft->town->city->city,
                   draft->town->now, &other);
    draft->signer = other.claimant;
    memcpy(draft->fact_address, other.address, sizeof other.address);
    draft->parcel.by_agent = true;
}

/* Anybody of the form stops the machine. A namesake born on the same day would, too: nobody else
 * has this surname. */
void protected_prepare(struct draft *draft)
{
    char surname[PERSON_NAME], given[PERSON_NAME];
    struct household *household = &draft->household;
    struct person *people[] = {&household->claimant, &household->children[0], &household->spouse};
    int least = 0, most = household->has_spouse ? 2 : 1;
    struct person *person = people[dice_between(&draft->dice, least, most)];
    name_split(person->name, surname, given);
    name_set(person->name, "十六夜　%s", given);
    draft->signer = household->claimant;
    person->has_support = dice_chance(&draft->dice, 50);
    person->is_undisclosed = !person->has_support;
}

/* 転出, 死亡 or 職権消除, before the application. */
void not_resident_prepare(struct draft *draft)
{
    draft->household.claimant.status = (char)('0' + dice_between(&draft->dice, 3, 5));
}

/* The spouse's card beside one's own: that number was copied. */
void number_mismatch_prepare(struct draft *draft)
{
    draft->household.has_spouse = true;
    draft->form.number = draft->household.spouse.individual_number;
}

void resident_unknown_prepare(struct draft *draft)
{
    draft->registered = false;
}

void many_links_prepare(struct draft *draft)
{
    draft->link = LINK_TWICE;
}

void proposed_prepare(struct draft *draft)
{
    late(draft);
    draft->link = LINK_NONE;
}

void no_candidate_prepare(struct draft *draft)
{
    late(draft);
    draft->link = LINK_NONE;
    draft->registered = false;
}

/* Twins under one roof, whose names differ in the character that the certificate cannot write; the
 * link may be there or not. */
void twins_prepare(struct draft *draft)
{
    static const char *const given[][2] = {{"真𠮷", "真𡈽"}, {"千𠮷", "千𡈽"}};
    struct household *household = &draft->household;
    char surname[PERSON_NAME], old[PERSON_NAME];
    size_t i = dice_roll(&draft->dice) % COUNT(given);
    if (dice_chance(&draft->dice, 50))
        proposed_prepare(draft);
    name_split(draft->signer.name, surname, old);
    claimant_call(draft, surname, given[i][0]);
    person_twin(&draft->dice, &household->claimant, &household->other);
    name_set(household->other.name, "%s　%s", surname, given[i][1]);
    household->has_other = true;
    name_set(draft->fact_name, "%s　%.3s〓", surname, given[i][0]);
    substitute_mark(draft, utf8_length(draft->fact_name) - 1);
}
