#include "signature/facts.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "signature/der.h"

#define BRAILLE_BLANK 0x2800 /* a symbol by its category, and nothing to be seen */

DEFINE_CLEANUP(cleanup_names, GENERAL_NAMES *, GENERAL_NAMES_free)

enum fact { NAME, NAME_SUBSTITUTED, SEX, BIRTH_DATE, ADDRESS, ADDRESS_SUBSTITUTED, FACT_COUNT };

/* What has been read so far. */
struct reading {
    char texts[FACT_COUNT][FACT_TEXT];
    struct basic_facts facts;
    const char *fault;
};

static bool fault(struct reading *r, const char *text)
{
    r->fault = text;
    return false;
}

/* Dotted, when it lies under the arc. */
static bool of_the_arc(const ASN1_OBJECT *oid, char text[FACT_OID_TEXT])
{
    int length = OBJ_obj2txt(text, FACT_OID_TEXT, oid, 1);
    return length > 0 && length < FACT_OID_TEXT &&
           strncmp(text, FACTS_ARC, sizeof FACTS_ARC - 1) == 0;
}

/* The last number of the OID is the fact's place here, counted from 1. */
static bool fact_of(const char *oid, enum fact *ret_fact)
{
    const char *last = oid + sizeof FACTS_ARC - 1;
    if (last[0] < '1' || last[0] > '0' + FACT_COUNT || last[1])
        return false;
    *ret_fact = (enum fact)(last[0] - '1');
    return true;
}

/* Every character is to be seen, and not all of them are blanks: what a person sees must be what is
 * compared. The characters of JIS X 0208 and 0212, of which these texts are made (reference §1.3),
 * all pass; controls, formats (U+200B, U+202E), line separators, variation selectors and fillers,
 * and what is no character, do not. */
static bool to_be_seen(const char *text)
{
    const int32_t length = (int32_t)strlen(text);
    bool seen = false;
    for (int32_t i = 0; i < length;) {
        UChar32 c;
        U8_NEXT(text, i, length, c);
        const uint32_t unseen =
            U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CN_MASK | U_GC_CS_MASK | U_GC_ZL_MASK | U_GC_ZP_MASK;
        if (c < 0 || (U_GET_GC_MASK(c) & unseen) ||
            u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT))
            return false;
        seen = seen || (!u_isUWhiteSpace(c) && c != BRAILLE_BLANK);
    }
    return seen;
}

/* Strict: the type is UTF8String, the bytes are UTF-8. */
static bool copy_text(const ASN1_TYPE *value, char text[FACT_TEXT])
{
    if (!value || value->type != V_ASN1_UTF8STRING)
        return false;
    const ASN1_STRING *string = value->value.utf8string;
    struct bytes bytes = {ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string)};
    if (bytes.length == 0 || bytes.length >= FACT_TEXT || !utf8_valid(bytes))
        return false;
    memcpy(text, bytes.data, bytes.length);
    text[bytes.length] = '\0';
    return to_be_seen(text);
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

static int number_of(const char *digits, size_t count)
{
    int number = 0;
    while (count-- > 0)
        number = 10 * number + *digits++ - '0';
    return number;
}

/* Whether the parts that are known can be of one date: 1944-02-?? may be, 1944-13-?? may not. A
 * leap year stands for a year that is not known. */
static bool birth_possible(const struct birth *birth)
{
    struct day day = {birth->year ? birth->year : 2000, birth->month ? birth->month : 1,
                      birth->day ? birth->day : 1};
    return day_valid(day);
}

/* The days of an era, its last and the next one's first included, where both are one: 1912-07-30 is
 * 明治45年 and 大正元年. */
static const struct era {
    struct day first, last;
} eras[] = {
    ['1'] = {{1868, 1, 25}, {1912, 7, 30}}, ['2'] = {{1912, 7, 30}, {1926, 12, 25}},
    ['3'] = {{1926, 12, 25}, {1989, 1, 7}}, ['4'] = {{1989, 1, 8}, {2019, 4, 30}},
    ['5'] = {{2019, 5, 1}, {9999, 12, 31}},
};

/* Whether the date can lie in the era that it is given with; what is not known may be anything. */
static bool era_fits(const struct birth *birth)
{
    const struct era *era = &eras[(unsigned char)birth->era];
    struct day earliest = {birth->year, birth->month ? birth->month : 1,
                           birth->day ? birth->day : 1};
    struct day latest = {birth->year, birth->month ? birth->month : 12,
                         birth->day ? birth->day : 31};
    return birth->era == '0' || !birth->year ||
           (day_compare(latest, era->first) >= 0 && day_compare(earliest, era->last) <= 0);
}

/* EYYYYMMDD: the era, then the Gregorian date. Parts that are not known are zeros; then there is no
 * date to compare. A year without its era is none that is known; nor is a date outside of its era:
 * one of the two is wrong, and a person has to see which. */
static bool birth_read(const char *text, struct basic_facts *facts)
{
    if (!digits_only(text, 9) || text[9] || text[0] > '5')
        return false;
    struct birth birth = {text[0], number_of(text + 1, 4), number_of(text + 5, 2),
                          number_of(text + 7, 2)};
    if (!birth_possible(&birth))
        return false;
    facts->birth = birth;
    if (birth.era != '0' && birth.year && birth.month && birth.day && era_fits(&birth))
        snprintf(facts->birth_date, sizeof facts->birth_date, "%.4s-%.2s-%.2s", text + 1, text + 5,
                 text + 7);
    return true;
}

/* Not of our six: kept, so that who reads later knows it was there. */
static bool keep_other(struct reading *r, const char *oid, const ASN1_TYPE *value)
{
    struct basic_facts *facts = &r->facts;
    for (size_t i = 0; i < facts->other_count; i++)
        if (strcmp(facts->others[i].oid, oid) == 0)
            return fault(r, "an otherName stands there twice");
    if (facts->other_count == FACTS_OTHERS_MAX)
        return fault(r, "there are too many otherNames that are not known");
    struct other_fact *other = &facts->others[facts->other_count];
    if (value->type == V_ASN1_UTF8STRING && !copy_text(value, other->text))
        return fault(r, "an otherName that is not known holds no clean text of a fitting length");
    memcpy(other->oid, oid, strlen(oid) + 1);
    facts->other_count++;
    return true;
}

static bool name_read(struct reading *r, const OTHERNAME *name)
{
    char oid[FACT_OID_TEXT];
    enum fact fact;
    if (!of_the_arc(name->type_id, oid))
        return true;
    if (!fact_of(oid, &fact))
        return keep_other(r, oid, name->value);
    if (r->texts[fact][0])
        return fault(r, "an otherName stands there twice");
    if (!copy_text(name->value, r->texts[fact]))
        return fault(r, "an otherName is not a UTF8String of clean text and fitting length");
    return true;
}

static bool names_read(struct reading *r, const GENERAL_NAMES *names)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_OTHERNAME && !name_read(r, name->d.otherName))
            return false;
    }
    for (int i = 0; i < FACT_COUNT; i++)
        if (!r->texts[i][0])
            return fault(r, "one of the six otherNames of the basic facts is missing");
    return true;
}

static bool texts_understood(struct reading *r)
{
    if (!flags_fit(r->texts[NAME_SUBSTITUTED], r->texts[NAME]) ||
        !flags_fit(r->texts[ADDRESS_SUBSTITUTED], r->texts[ADDRESS]))
        return fault(r, "the positions of substituted characters do not fit their text");
    if (!sex_read(r->texts[SEX], &r->facts.sex))
        return fault(r, "the sex is none of 1, 2, 3, 9");
    if (!birth_read(r->texts[BIRTH_DATE], &r->facts))
        return fault(r, "the birth date is not of the form EYYYYMMDD, or is no date");
    memcpy(r->facts.name, r->texts[NAME], FACT_TEXT);
    memcpy(r->facts.name_substituted, r->texts[NAME_SUBSTITUTED], FACT_TEXT);
    memcpy(r->facts.address, r->texts[ADDRESS], FACT_TEXT);
    memcpy(r->facts.address_substituted, r->texts[ADDRESS_SUBSTITUTED], FACT_TEXT);
    return true;
}

static GENERAL_NAMES *names_parse(struct bytes der)
{
    const uint8_t *at = der.data;
    if (der.length > FACTS_BYTES_MAX || !der_strict(der))
        return NULL;
    GENERAL_NAMES *names = d2i_GENERAL_NAMES(NULL, &at, (long)der.length);
    ERR_clear_error();
    return names;
}

bool basic_facts_read(struct bytes subject_alt_name, struct basic_facts *ret_facts,
                      const char **ret_fault)
{
    _cleanup_(cleanup_names) GENERAL_NAMES *names = names_parse(subject_alt_name);
    struct reading r = {.fault = "the subjectAltName cannot be read"};
    if (!names || !names_read(&r, names) || !texts_understood(&r)) {
        *ret_fault = r.fault;
        return false;
    }
    *ret_facts = r.facts;
    return true;
}

static json_t *others_to_json(const struct basic_facts *facts)
{
    json_t *array = json_array();
    for (size_t i = 0; i < facts->other_count; i++)
        json_array_append_new(array, json_pack("{s:s, s:s}", "oid", facts->others[i].oid, "text",
                                               facts->others[i].text));
    return array;
}

json_t *basic_facts_to_json(const struct basic_facts *facts)
{
    char sex[2] = {facts->sex, '\0'}, era[2] = {facts->birth.era, '\0'};
    return json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:i, s:i, s:i}, s:s, s:s, s:o}", "name",
                     facts->name, "name_substituted", facts->name_substituted, "sex", sex,
                     "birth_date", facts->birth_date, "birth", "era", era, "year",
                     facts->birth.year, "month", facts->birth.month, "day", facts->birth.day,
                     "address", facts->address, "address_substituted", facts->address_substituted,
                     "others", others_to_json(facts));
}
