/* What an application says: of the card and of the form, as the examination would hand it on. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "deploy/sandbox/city.h"

#define DAYS_BACK       14 /* of applications; half have waited for a serial number long enough */
#define NUMBER_PERCENT  60 /* of claimants who tell their 個人番号 */
#define NEWBORN_PERCENT 10 /* of families: a child that the registry does not know yet */

static void certificate_make(struct city_case *one)
{
    citizen_certified(one->who, one->name, one->name_marks);
    city_address_write(&one->home->address, NOTATION_REGISTRY, one->address);
    city_marks_none(one->address, one->address_marks);
    citizen_birth(one->who, one->birth);
    if (one->who->day_unknown)
        *one->birth = '\0'; /* as signature/facts.h gives what is known in part */
    one->sex = one->who->sex;
}

void city_claim_of(struct city_case *one, const struct citizen *who, enum notation notation)
{
    struct claim *claim = &one->claim;
    citizen_plain(who, claim->name);
    citizen_kana(who, claim->kana);
    citizen_birth(who, claim->birth);
    if (who->day_unknown)
        memcpy(claim->birth + 8, "01", 2);
    claim->sex = who->sex;
    city_address_write(&one->home->address, notation, claim->address);
    bool told = dice_chance(&one->dice, NUMBER_PERCENT);
    snprintf(claim->number, sizeof claim->number, "%s", told ? who->number : "");
}

void city_case_make(struct city_case *one)
{
    one->who = &one->home->at[0];
    one->signed_by_card = true;
    one->applied_at -= dice_between(&one->dice, 60, DAYS_BACK * 86400) * INSTANT_SECOND;
    certificate_make(one);
    city_claim_of(one, one->who, NOTATION_REGISTRY);
    if (one->kind->unlinked)
        city_serial_make(one->feeds, one->serial);
    else
        snprintf(one->serial, sizeof one->serial, "%s", one->who->sign);
    if (one->kind->prepare)
        one->kind->prepare(one);
    for (char *p = one->serial; *p; p++) /* as signature/certificate.h; the feed has capitals */
        *p = (char)tolower((unsigned char)*p);
}

/* --- as JSON -----------------------------------------------------------------------------------
 */

static json_t *sex_json(char sex)
{
    return json_stringn(&sex, 1);
}

static json_t *facts_json(const struct city_case *one)
{
    if (!one->signed_by_card)
        return json_null();
    return json_pack("{s:s s:s s:o s:s s:s s:s}", "name", one->name, "name_substituted",
                     one->name_marks, "sex", sex_json(one->sex), "birth_date", one->birth,
                     "address", one->address, "address_substituted", one->address_marks);
}

static json_t *claim_json(const struct claim *claim)
{
    json_t *object = json_pack("{s:s s:s s:s s:o s:s}", "name", claim->name, "name_kana",
                               claim->kana, "birth_date", claim->birth, "sex", sex_json(claim->sex),
                               "address", claim->address);
    if (*claim->number)
        json_object_set_new(object, "individual_number", json_string(claim->number));
    return object;
}

static json_t *child_json(const struct citizen *child)
{
    char name[CITY_NAME], birth[11];
    citizen_plain(child, name);
    citizen_birth(child, birth);
    return json_pack("{s:s s:s s:s}", "name", name, "birth_date", birth, "individual_number",
                     child->number);
}

static json_t *newborn_json(const struct city_case *one)
{
    char name[CITY_NAME], birth[11];
    struct dice dice = one->dice;
    struct citizen child = {.family = one->home->at[0].family,
                            .birth_day = day_add(day_of_instant(one->applied_at), -5)};
    city_given_roll(&dice, '2', &child.given);
    citizen_plain(&child, name);
    citizen_birth(&child, birth);
    return json_pack("{s:s s:s}", "name", name, "birth_date", birth);
}

static json_t *record_json(const struct city_case *one)
{
    const struct home *home = one->home;
    json_t *children = json_array(),
           *record = json_pack("{s:o}", "claimant", claim_json(&one->claim));
    struct dice dice = one->dice;
    for (size_t i = home->adults; one->who && i < home->count; i++)
        json_array_append_new(children, child_json(&home->at[i]));
    if (one->who && home->has_spouse && dice_chance(&dice, NEWBORN_PERCENT))
        json_array_append_new(children, newborn_json(one));
    if (one->who && home->has_spouse) {
        char name[CITY_NAME];
        citizen_plain(&home->at[1], name);
        json_object_set_new(
            record, "spouse",
            json_pack("{s:s s:s}", "name", name, "individual_number", home->at[1].number));
    }
    json_object_set_new(record, "children", children);
    return record;
}

json_t *city_case_json(const struct city_case *one, const char *id)
{
    char applied_at[INSTANT_TEXT];
    return json_pack("{s:s s:s s:s s:o s:o s:b s:s}", "id", id, "ca",
                     one->signed_by_card ? "sign" : "", "serial",
                     one->signed_by_card ? one->serial : "", "facts", facts_json(one), "record",
                     record_json(one), "by_agent", one->by_agent, "applied_at",
                     instant_text_jst(one->applied_at, applied_at));
}
