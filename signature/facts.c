#include "signature/facts.h"

#include <openssl/objects.h>
#include <string.h>

#include "base/text.h"

#define ARC "1.2.392.200149.8.5.5."

enum fact { NAME, NAME_SUBSTITUTED, SEX, BIRTH_DATE, ADDRESS, ADDRESS_SUBSTITUTED, FACT_COUNT };

/* The last number of the OID is the fact's place here, counted from 1. */
static bool fact_of(const ASN1_OBJECT *oid, enum fact *ret_fact)
{
    char text[64];
    int length = OBJ_obj2txt(text, sizeof text, oid, 1);
    size_t arc = sizeof ARC - 1;
    if (length != (int)arc + 1 || strncmp(text, ARC, arc) != 0)
        return false;
    int place = text[arc] - '1';
    if (place < 0 || place >= FACT_COUNT)
        return false;
    *ret_fact = (enum fact)place;
    return true;
}

static bool printable(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    return true;
}

/* Strict: the type is UTF8String, the bytes are UTF-8 without NUL or control characters. */
static bool copy_text(const ASN1_TYPE *value, char text[FACT_TEXT])
{
    if (!value || value->type != V_ASN1_UTF8STRING)
        return false;
    const ASN1_STRING *string = value->value.utf8string;
    size_t length = (size_t)ASN1_STRING_length(string);
    if (length == 0 || length >= FACT_TEXT)
        return false;
    memcpy(text, ASN1_STRING_get0_data(string), length);
    text[length] = '\0';
    return utf8_valid(bytes_of(text, length)) && printable(text);
}

/* One '0' or '1' for each character of `of`: whoever compares names relies on the positions. */
static bool flags_fit(const char *flags, const char *of)
{
    return strspn(flags, "01") == strlen(flags) && strlen(flags) == utf8_length(of);
}

static bool sex_read(const char *text, char *ret_sex)
{
    if (strlen(text) != 1 || !strchr("1239", *text))
        return false;
    *ret_sex = *text;
    return true;
}

/* EYYYYMMDD: the era (0 unknown, 1 明治 … 5 令和), then the Gregorian date. Parts that are not
 * known are zeros; then there is no date to compare. A year without its era is none that is known.
 */
static bool birth_date_read(const char *text, char ret_date[11])
{
    if (!digits_only(text, 9) || text[9] || text[0] > '5')
        return false;
    char date[11] = {text[1], text[2], text[3], text[4], '-', text[5],
                     text[6], '-',     text[7], text[8], '\0'};
    bool unknown = text[0] == '0' || strncmp(date, "0000", 4) == 0 ||
                   strncmp(date + 5, "00", 2) == 0 || strncmp(date + 8, "00", 2) == 0;
    struct day day;
    if (!unknown && !day_parse(date, &day))
        return false;
    memcpy(ret_date, unknown ? "" : date, unknown ? 1 : sizeof date);
    return true;
}

static bool texts_read(const GENERAL_NAMES *names, char texts[FACT_COUNT][FACT_TEXT],
                       const char **ret_fault)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        enum fact fact;
        if (name->type != GEN_OTHERNAME || !fact_of(name->d.otherName->type_id, &fact))
            continue;
        if (texts[fact][0]) {
            *ret_fault = "an otherName stands there twice";
            return false;
        }
        if (!copy_text(name->d.otherName->value, texts[fact])) {
            *ret_fault = "an otherName is not a UTF8String of a fitting length";
            return false;
        }
    }
    for (int i = 0; i < FACT_COUNT; i++)
        if (!texts[i][0]) {
            *ret_fault = "one of the six otherNames of the basic facts is missing";
            return false;
        }
    return true;
}

bool basic_facts_read(const GENERAL_NAMES *names, struct basic_facts *ret_facts,
                      const char **ret_fault)
{
    char texts[FACT_COUNT][FACT_TEXT] = {0};
    struct basic_facts facts = {0};
    if (!texts_read(names, texts, ret_fault))
        return false;
    *ret_fault = "the positions of substituted characters do not fit their text";
    if (!flags_fit(texts[NAME_SUBSTITUTED], texts[NAME]) ||
        !flags_fit(texts[ADDRESS_SUBSTITUTED], texts[ADDRESS]))
        return false;
    *ret_fault = "the sex is none of 1, 2, 3, 9";
    if (!sex_read(texts[SEX], &facts.sex))
        return false;
    *ret_fault = "the birth date is not of the form EYYYYMMDD";
    if (!birth_date_read(texts[BIRTH_DATE], facts.birth_date))
        return false;
    memcpy(facts.name, texts[NAME], FACT_TEXT);
    memcpy(facts.name_substituted, texts[NAME_SUBSTITUTED], FACT_TEXT);
    memcpy(facts.address, texts[ADDRESS], FACT_TEXT);
    memcpy(facts.address_substituted, texts[ADDRESS_SUBSTITUTED], FACT_TEXT);
    *ret_facts = facts;
    return true;
}

json_t *basic_facts_to_json(const struct basic_facts *facts)
{
    char sex[2] = {facts->sex, '\0'};
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "name", facts->name, "name_substituted",
                     facts->name_substituted, "sex", sex, "birth_date", facts->birth_date,
                     "address", facts->address, "address_substituted", facts->address_substituted);
}
