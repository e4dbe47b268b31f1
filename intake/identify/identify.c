#include "intake/identify/identify.h"

#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>

#include "base/bytes.h"

/* A noncharacter: stands for "whatever was there", and no honest text holds it. */
#define ANY_CHARACTER 0xFDD0
/* UTF-16 units: the longest fact has 200 characters, and a compatibility form may be much longer
 * than the character it stands for. */
#define FOLDED_MOST 4096

struct folded {
    UChar text[FOLDED_MOST];
    int32_t length;
};

/* --- folding ---------------------------------------------------------------------------------- */

static bool dropped(UChar32 c)
{
    /* variation selectors choose a glyph, not a character; the certificate never has them */
    return u_isUWhiteSpace(c) || (c >= 0xFE00 && c <= 0xFE0F) || (c >= 0xE0100 && c <= 0xE01EF);
}

static UChar32 dash_folded(UChar32 c)
{
    return (c >= 0x2010 && c <= 0x2015) || c == 0x2212 ? '-' : c;
}

/* Replaces the characters that `substituted` marks with '1'. False when the marks do not fit the
 * text: then nothing can be said about any position. */
static bool mark_substituted(UChar *text, int32_t *length, const char *substituted)
{
    if (!*substituted)
        return true;
    int32_t at = 0, out = 0;
    const char *mark = substituted;
    for (; at < *length && *mark; mark++) {
        UChar32 c;
        U16_NEXT(text, at, *length, c);
        if (*mark != '0' && *mark != '1')
            return false;
        if (*mark == '1')
            c = ANY_CHARACTER;
        U16_APPEND_UNSAFE(text, out, c);
    }
    if (at != *length || *mark)
        return false;
    *length = out;
    return true;
}

/* Width, kana width and compatibility forms by NFKC; white space and glyph selectors dropped. */
static bool fold(const char *utf8, const char *substituted, struct folded *ret_folded)
{
    UErrorCode error = U_ZERO_ERROR;
    UChar raw[FOLDED_MOST / 4];
    int32_t length = 0;
    u_strFromUTF8(raw, FOLDED_MOST / 4, &length, utf8, -1, &error);
    if (U_FAILURE(error) || length >= FOLDED_MOST / 4 || u_memchr32(raw, ANY_CHARACTER, length))
        return false;
    if (!mark_substituted(raw, &length, substituted))
        return false;
    const UNormalizer2 *nfkc = unorm2_getNFKCInstance(&error);
    UChar normal[FOLDED_MOST];
    int32_t normal_length = unorm2_normalize(nfkc, raw, length, normal, FOLDED_MOST, &error);
    if (U_FAILURE(error) || normal_length > FOLDED_MOST)
        return false;
    ret_folded->length = 0;
    for (int32_t at = 0; at < normal_length;) {
        UChar32 c;
        U16_NEXT(normal, at, normal_length, c);
        if (dropped(c))
            continue;
        c = dash_folded(c);
        U16_APPEND_UNSAFE(ret_folded->text, ret_folded->length, c);
    }
    return true;
}

/* A text of which nothing is known but its length agrees with too many. */
static bool folded_agree(const struct folded *certificate, const struct folded *form)
{
    int32_t a = 0, b = 0;
    bool compared = false;
    while (a < certificate->length && b < form->length) {
        UChar32 wanted, found;
        U16_NEXT(certificate->text, a, certificate->length, wanted);
        U16_NEXT(form->text, b, form->length, found);
        if (wanted != ANY_CHARACTER && wanted != found)
            return false;
        compared |= wanted != ANY_CHARACTER;
    }
    return a == certificate->length && b == form->length && compared;
}

/* --- one fact --------------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static bool text_agrees(const json_t *facts, const char *fact, const char *marks,
                        const json_t *claimant)
{
    struct folded certificate, form;
    return fold(text_of(facts, fact), text_of(facts, marks), &certificate) &&
           fold(text_of(claimant, fact), "", &form) && folded_agree(&certificate, &form);
}

/* '9' is an older way to write '3', not known. */
static char sex_of(const json_t *object)
{
    const char *sex = text_of(object, "sex");
    if (strlen(sex) != 1 || !strchr("1239", *sex))
        return 0;
    return *sex == '9' ? '3' : *sex;
}

bool identify_fact_agrees(const char *fact, const json_t *certificate_facts, const json_t *claimant)
{
    if (!strcmp(fact, "name"))
        return text_agrees(certificate_facts, "name", "name_substituted", claimant);
    if (!strcmp(fact, "address"))
        return text_agrees(certificate_facts, "address", "address_substituted", claimant);
    if (!strcmp(fact, "sex"))
        return sex_of(certificate_facts) && sex_of(certificate_facts) == sex_of(claimant);
    if (!strcmp(fact, "birth_date")) {
        /* "" is a date that is not, or only partly, known: it never agrees by machine */
        const char *date = text_of(certificate_facts, "birth_date");
        return *date && !strcmp(date, text_of(claimant, "birth_date"));
    }
    return false;
}

/* --- the decision ----------------------------------------------------------------------------- */

static bool facts_agree(const struct identification_input *input)
{
    static const char *const facts[] = {"name", "birth_date", "sex", "address"};
    for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++)
        if (!identify_fact_agrees(facts[i], input->facts, input->claimant))
            return false;
    return true;
}

static const char *obstacle(const struct identification_input *input)
{
    if (!*input->ca || !*input->serial)
        return "unsigned";
    if (input->by_agent)
        return "agent";
    if (input->link_count == 0)
        return "serial-unknown";
    if (input->link_count > 1)
        return "many-links";
    return facts_agree(input) ? "" : "facts-differ";
}

void identify(const struct identification_input *input, struct identification *ret_identification)
{
    const char *reason = obstacle(input);
    ret_identification->identified = !*reason;
    ret_identification->reason = reason;
    ret_identification->atenabango = *reason ? NULL : input->links[0];
}
