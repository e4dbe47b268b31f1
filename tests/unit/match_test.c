#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "tests/unit/hanako_support.h"

static enum agreement compare(enum fact fact, const struct facts *a, const struct facts *b)
{
    _cleanup_(cleanup_known) struct known *one = known_of(a);
    _cleanup_(cleanup_known) struct known *other = known_of(b);
    enum agreement how = known_compare(fact, one, other);
    assert_int_equal(how, known_compare(fact, other, one)); /* whichever way one looks */
    return how;
}

static enum agreement names(const char *a, const char *marks, const char *b)
{
    struct facts one = certificate, other = certificate;
    one.name = a, one.name_substituted = marks;
    other.name = b, other.name_substituted = "";
    return compare(FACT_NAME, &one, &other);
}

static enum agreement addresses(const char *a, const char *marks, const char *b)
{
    struct facts one = certificate, other = certificate;
    one.address = a, one.address_substituted = marks;
    other.address = b, other.address_substituted = "";
    return compare(FACT_ADDRESS, &one, &other);
}

/* --- names ------------------------------------------------------------------------------------ */

static void names_compare(void **state)
{
    (void)state;
    static const struct {
        const char *a, *marks, *b;
        enum agreement how;
    } examples[] = {
        {NAME, "00000", NAME, AGREE_SAME},
        {NAME, "", "桜野 花子", AGREE_NOTATION},
        {NAME, "", "桜野花子", AGREE_NOTATION},
        {"ＪＯＨＮ　ＳＭＩＴＨ", "", "JOHN SMITH", AGREE_NOTATION},
        {"ＪＯＨＮ　ＳＭＩＴＨ", "", "JOHN SMYTH", DIFFER_NEAR},
        {"ガーデン　パブ", "", "ｶﾞｰﾃﾞﾝ ﾊﾟﾌﾞ", AGREE_NOTATION},
        {"ガーデン", "", "がーでん", DIFFER_ALL},
        {"葛城　一", "", "葛\U000E0100城　一", AGREE_NOTATION},
        {"高橋　一", "", "髙橋　一", AGREE_NOTATION},
        {"渡辺　一", "", "渡邉　一", AGREE_NOTATION},
        {"斉藤　一", "", "斎藤　一", DIFFER_LIKE},
        {"斉藤　一", "", "齋藤　一", DIFFER_LIKE},
        /* substitute characters */
        {"高橋　一郎", "10000", "髙橋　一郎", AGREE_SUBSTITUTED},
        {"高橋　一郎", "10000", "𠮷橋　一郎", AGREE_SUBSTITUTED},
        {"高橋　一郎", "10000", "葛\U000E0100橋　一郎", AGREE_SUBSTITUTED},
        {"高橋　一郎", "10000", "\U0010DE92橋　一郎", AGREE_SUBSTITUTED},
        {"高橋　一郎", "10000", "髙嶋　一郎", DIFFER_SURNAME},
        {"高橋　一郎", "10000", "髙髙橋　一郎", DIFFER_SURNAME},
        {"〓〓", "11", "髙﨑", DIFFER_UNKNOWN}, /* nothing is known but its length */
        {"〓　〓", "101", "髙　﨑", DIFFER_UNKNOWN},
        {"〓　花〓", "1001", "髙　花﨑", AGREE_SUBSTITUTED},
        {NAME, "0000", NAME, DIFFER_UNKNOWN}, /* marks that do not fit */
        {NAME, "0000x", NAME, DIFFER_UNKNOWN},
        {"花\uFDD0", "", "花\uFDD0", DIFFER_UNKNOWN}, /* the wildcard, smuggled in */
        {"花\uFDD0", "", "花子", DIFFER_UNKNOWN},
        /* other names */
        {"桜野［梅田］　花子", "", "梅田　花子", AGREE_OTHER_NAME},
        {"桜野［梅田］　花子", "", "桜野　花子", AGREE_NOTATION},
        {"ＷＡＮＧ　ＨＵＡ（王　花）", "", "王　花", AGREE_OTHER_NAME},
        /* parts */
        {NAME, "", "梅田　花子", DIFFER_SURNAME},
        {NAME, "", "桜野　太郎", DIFFER_GIVEN},
        {NAME, "", "桜野　葉子", DIFFER_NEAR},
        {NAME, "", "梅田　太郎", DIFFER_ALL},
        {"桜　花", "", "桜　葉", DIFFER_GIVEN}, /* of two characters one is half the name */
        {"", "", "", DIFFER_UNKNOWN},
        {NAME, "", "　", DIFFER_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
        assert_string_equal(agreement_word(names(examples[i].a, examples[i].marks, examples[i].b)),
                            agreement_word(examples[i].how));
}

/* --- addresses -------------------------------------------------------------------------------- */

/* Every pair is two addresses, though they are written nearly alike. */
static void two_addresses_never_become_one(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"桜野市本町1-11", "桜野市本町11-1"},
        {"桜野市本町1-1　1号室", "桜野市本町1-11"}, /* a room, a lot */
        {"桜野市本町1番1号 101号室", "桜野市本町1番1101号"},
        {"桜野市本町1-1 コーポ1 2", "桜野市本町1-1 コーポ12"},
        {"桜野市一番町3番", "桜野市一町3番"},
        {"桜野市二番丁3番4号", "桜野市二丁目3番4号"},
        {"桜野市3号線町4番", "桜野市3線町4番"},
        {"桜野市本町一丁目2番", "桜野市本町1番2号"},
        {"桜野市本町2丁目", "桜野市本町2番地"},
        {"桜野市上三３番", "桜野市上三十三番"},
        {"桜野市本町二・三番", "桜野市本町二三番"},
        {"桜野市本町1-2-3", "桜野市本町12-3"},
        {"試験県桜野市本町1", "実験県桜野市本町1"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (agrees(addresses(pairs[i][0], "", pairs[i][1])))
            fail_msg("%s is %s", pairs[i][0], pairs[i][1]);
    /* what is written in short may be either */
    assert_true(agrees(addresses("桜野市本町一丁目2番", "", "桜野市本町1-2")));
    assert_true(agrees(addresses("桜野市本町1番2号", "", "桜野市本町1-2")));
    assert_true(agrees(addresses("桜野市本町1-1 101", "", "桜野市本町1-1-101")));
}

static struct resident resident_at(const char *name, const char *town, const char *lot)
{
    return (struct resident){.name = name,
                             .kana = "",
                             .common_name = "",
                             .former_surname = "",
                             .roman_name = "",
                             .kanji_name = "",
                             .prefecture = "",
                             .municipality = "桜野市",
                             .town = town,
                             .lot = lot,
                             .building = ""};
}

static void a_town_that_ends_in_a_number_is_no_lot(void **state)
{
    (void)state;
    const struct resident resident = resident_at(NAME, "本町１", "１番");
    struct facts facts = certificate;
    facts.address_substituted = "";
    _cleanup_(cleanup_known) struct known *known = known_of_resident(&resident);
    static const struct {
        const char *address;
        bool agrees;
    } examples[] = {
        {"桜野市本町11番", false}, {"桜野市本町１　１番", true}, {"桜野市本町1-1", true}};
    for (size_t i = 0; i < 3; i++) {
        facts.address = examples[i].address;
        _cleanup_(cleanup_known) struct known *other = known_of(&facts);
        assert_int_equal(agrees(known_compare(FACT_ADDRESS, known, other)), examples[i].agrees);
    }
}

/* Eleven letters of one character: too long for a name once it is folded, and no place for 旧氏. */
static void names_that_cannot_be_folded_are_left_out(void **state)
{
    (void)state;
    const char *longer = "\uFDFA\uFDFA\uFDFA\uFDFA\uFDFA\uFDFA　\uFDFA\uFDFA\uFDFA\uFDFA\uFDFA";
    struct resident resident = resident_at(longer, "本町", "1");
    resident.former_surname = "梅田";
    _cleanup_(cleanup_known) struct known *known = known_of_resident(&resident);
    _cleanup_(cleanup_known) struct known *other = known_of(&certificate);
    assert_false(agrees(known_compare(FACT_NAME, known, other)));
    resident.name = "\uFDFA\uFDFA\uFDFA\uFDFA\uFDFA\uFDFA\uFDFA　\uFDFA\uFDFA\uFDFA\uFDFA";
    resident.former_surname = "梅田（桜野）\uFDFA\uFDFA\uFDFA\uFDFA\uFDFA\uFDFA\uFDFA";
    _cleanup_(cleanup_known) struct known *nobody = known_of_resident(&resident);
    assert_int_equal(known_compare(FACT_NAME, nobody, other), DIFFER_UNKNOWN);
    resident.name = NAME; /* two names of 旧氏, as one has one in brackets */
    resident.former_surname = "梅田（桃井）";
    _cleanup_(cleanup_known) struct known *two = known_of_resident(&resident);
    struct facts facts = certificate;
    facts.name = "桃井　花子";
    _cleanup_(cleanup_known) struct known *peach = known_of(&facts);
    assert_int_equal(known_compare(FACT_NAME, two, peach), AGREE_OTHER_NAME);
}

static void surname_and_given_name_part_where_they_part(void **state)
{
    (void)state;
    assert_int_equal(names("林　田一", "", "林田　一"), DIFFER_NEAR);
    assert_int_equal(names("林　田一", "", "林田一"), AGREE_NOTATION); /* not told */
    assert_int_equal(names("林　〓一", "0010", "林田　一"), DIFFER_NEAR);
    assert_int_equal(names("JOHN　PAULSMITH", "", "John Paul Smith"), AGREE_NOTATION);
    assert_int_equal(names("マリア　クララ", "", "マリ　アクララ"), AGREE_NOTATION);
}

static void addresses_compare(void **state)
{
    (void)state;
    static const struct {
        const char *a, *marks, *b;
        enum agreement how;
    } examples[] = {
        {ADDRESS, "", ADDRESS, AGREE_SAME},
        {ADDRESS, "", "試験県桜野市本町1-2-3", AGREE_NOTATION},
        {ADDRESS, "", "桜野市大字本町1−2ー3", AGREE_NOTATION}, /* no prefecture */
        {ADDRESS, "", "他試県桜野市本町1-2-3", DIFFER_ALL},    /* another one */
        {ADDRESS, "", "試験県桜野市本町1-2-4", DIFFER_NEAR},
        {ADDRESS, "", "試験県桜野市本町1-23", DIFFER_NEAR},
        {ADDRESS, "", "試験県水森市川上8", DIFFER_ALL},
        {ADDRESS "　コーポ桜１０１", "", "桜野市本町1-2-3 ｺｰﾎﾟ桜101号", AGREE_NOTATION},
        {ADDRESS "　コーポ桜１０１", "", ADDRESS, AGREE_NO_BUILDING},
        {ADDRESS "　コーポ桜１０１", "", ADDRESS "　コーポ桜１０２", DIFFER_BUILDING},
        {"試験県桜野市＝町１", "000000100", "試験県桜野市\U00020BB7町1", AGREE_SUBSTITUTED},
        {"", "", ADDRESS, DIFFER_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
        assert_string_equal(
            agreement_word(addresses(examples[i].a, examples[i].marks, examples[i].b)),
            agreement_word(examples[i].how));
}

/* --- the other facts -------------------------------------------------------------------------- */

static enum agreement dates(const char *a, const char *b)
{
    struct facts one = certificate, other = certificate;
    one.birth_date = a, other.birth_date = b;
    return compare(FACT_BIRTH_DATE, &one, &other);
}

static void birth_dates_compare(void **state)
{
    (void)state;
    assert_int_equal(dates("1992-04-01", "1992-04-01"), AGREE_SAME);
    assert_int_equal(dates("1992-04-01", "1992-04-02"), DIFFER_NEAR);
    assert_int_equal(dates("1992-04-01", "1992-01-04"), DIFFER_NEAR); /* turned round */
    assert_int_equal(dates("1992-04-01", "1993-05-01"), DIFFER_ALL);
    assert_int_equal(dates("", ""), DIFFER_UNKNOWN);
    assert_int_equal(dates("1992-00-00", "1992-00-00"), DIFFER_UNKNOWN);
    assert_int_equal(dates("1992-04-1", "1992-04-1"), DIFFER_UNKNOWN);
    assert_int_equal(dates("1992-04-0x", "1992-04-0x"), DIFFER_UNKNOWN);
}

static enum agreement sexes(char a, char b)
{
    struct facts one = certificate, other = certificate;
    one.sex = a, other.sex = b;
    return compare(FACT_SEX, &one, &other);
}

static void sexes_compare(void **state)
{
    (void)state;
    assert_int_equal(sexes('2', '2'), AGREE_SAME);
    assert_int_equal(sexes('1', '2'), DIFFER_ALL);
    assert_int_equal(sexes('3', '9'), AGREE_SAME); /* not known, as each writes it */
    assert_int_equal(sexes('3', '0'), AGREE_SAME);
    assert_int_equal(sexes('3', '1'), DIFFER_ALL);
    assert_int_equal(sexes('4', '4'), DIFFER_UNKNOWN);
    assert_int_equal(sexes(0, 0), DIFFER_UNKNOWN);
}

static void facts_of_a_wrong_type_count_as_none(void **state)
{
    (void)state;
    struct facts facts;
    _cleanup_(cleanup_json) json_t *object =
        json_pack("{s:i s:s s:n s:s}", "name", 1, "sex", "22", "address", "birth_date", "x");
    facts_read(object, &facts);
    assert_string_equal(facts.name, "");
    assert_string_equal(facts.address, "");
    assert_int_equal(facts.sex, 0);
    facts_read(NULL, &facts);
    assert_string_equal(facts.birth_date, "");
}

/* --- residents -------------------------------------------------------------------------------- */

static struct match match_with(const struct facts *facts, const struct resident *resident)
{
    struct match found;
    _cleanup_(cleanup_known) struct known *first = known_of(facts);
    _cleanup_(cleanup_known) struct known *known = known_of_resident(resident);
    match(first, NULL, known, &found);
    return found;
}

static void other_names_of_a_resident_count(void **state)
{
    (void)state;
    struct resident resident = registered;
    struct facts facts = certificate;
    facts.name_substituted = "";
    assert_int_equal(match_with(&facts, &resident).how[FACT_NAME], AGREE_SAME);
    assert_int_equal(match_with(&facts, &resident).how[FACT_ADDRESS], AGREE_SAME);
    assert_true(match_with(&facts, &resident).full);
    static const char *const claimed[] = {"梅田　花子", "通称　一", "ＨＡＮＡ", "王　花"};
    resident.former_surname = "梅田";
    resident.common_name = "通称　一";
    resident.roman_name = "HANA";
    resident.kanji_name = "王　花";
    for (size_t i = 0; i < sizeof claimed / sizeof *claimed; i++) {
        facts.name = claimed[i];
        assert_int_equal(match_with(&facts, &resident).how[FACT_NAME], AGREE_OTHER_NAME);
    }
}

/* What staff would say: who of them is it? */
static void better_candidates_score_more(void **state)
{
    (void)state;
    struct facts facts = certificate;
    facts.kana = KANA;
    const struct resident self = registered;
    struct resident married = self, moved = self, twin = self, namesake = self, stranger = self;
    married.name = "梅田　花子", married.kana = "ウメダ　ハナコ";
    moved.town = "川上", moved.lot = "８";
    twin.name = "桜野　美咲", twin.kana = "サクラノ　ミサキ";
    namesake.birth_date = (struct birth_date){1950, 12, 24};
    namesake.town = "川上", namesake.lot = "９";
    stranger.name = "梅田　太郎", stranger.kana = "ウメダ　タロウ", stranger.sex = '1';
    stranger.town = "川上", stranger.lot = "９";
    const struct resident *const order[] = {&self, &moved, &married, &twin, &namesake, &stranger};
    for (size_t i = 1; i < sizeof order / sizeof *order; i++)
        assert_true(match_with(&facts, order[i - 1]).score > match_with(&facts, order[i]).score);
}

static void the_number_outweighs(void **state)
{
    (void)state;
    static const uint8_t hash[NUMBER_HASH_BYTES] = {1}, other[NUMBER_HASH_BYTES] = {2};
    struct facts facts = certificate;
    struct resident same = registered, married = same;
    facts.number_hash = hash;
    same.has_number = married.has_number = true;
    memcpy(same.number_hash, other, sizeof other);
    memcpy(married.number_hash, hash, sizeof hash);
    married.name = "梅田　花子";
    assert_true(match_with(&facts, &married).score > match_with(&facts, &same).score);
    assert_int_equal(match_with(&facts, &same).how[FACT_NUMBER], DIFFER_ALL);
}

static void the_better_of_two_tellers_counts(void **state)
{
    (void)state;
    struct match found;
    struct facts form = certificate;
    struct resident resident = registered;
    form.address = "試験県桜野市川上８", form.address_substituted = "";
    _cleanup_(cleanup_known) struct known *first = known_of(&form);
    _cleanup_(cleanup_known) struct known *second = known_of(&certificate);
    _cleanup_(cleanup_known) struct known *known = known_of_resident(&resident);
    match(first, second, known, &found);
    assert_false(found.full);
    assert_true(found.full_second);
    assert_true(agrees(found.how[FACT_ADDRESS]));
    int sum = 0;
    for (enum fact fact = 0; fact < FACT_COUNT; fact++)
        sum += found.points[fact];
    assert_int_equal(found.score, sum);
}

static void keys_are_those_of_the_registry(void **state)
{
    (void)state;
    char key[FOLD_KEY];
    struct facts facts = certificate;
    _cleanup_(cleanup_known) struct known *known = known_of(&facts);
    const struct address_parts parts = {"試験県", "桜野市", "本町一丁目", "２番３号", ""};
    struct known_keys keys;
    known_keys(known, &keys);
    fold_name_key(NAME, key);
    assert_string_equal(keys.name, key);
    fold_address_key(&parts, key);
    assert_string_equal(keys.address, key);
    assert_int_equal(keys.birth_date, 19920401);
    assert_string_equal(keys.kana, "");
    facts.name_substituted = "10000";
    _cleanup_(cleanup_known) struct known *unknown = known_of(&facts);
    known_keys(unknown, &keys);
    assert_string_equal(keys.name, "");
}

/* --- differences ------------------------------------------------------------------------------ */

/* "same 0-2 0-2, differs 2-3 2-3" */
static const char *told(enum fact fact, const char *a, const char *marks, const char *b, char *text)
{
    struct difference spans[DIFFERENCES_MOST];
    size_t count = differences(fact, a, marks, b, spans);
    char *to = text;
    *text = 0;
    for (size_t i = 0; i < count; i++)
        to += sprintf(to, "%s%s %zu-%zu %zu-%zu", i ? ", " : "", spans[i].kind, spans[i].a_from,
                      spans[i].a_to, spans[i].b_from, spans[i].b_to);
    return text;
}

static void differences_are_told_character_by_character(void **state)
{
    (void)state;
    char text[1000];
    assert_string_equal(told(FACT_NAME, NAME, "", NAME, text), "same 0-5 0-5");
    assert_string_equal(told(FACT_NAME, NAME, "", "桜野　葉子", text),
                        "same 0-3 0-3, differs 3-4 3-4, same 4-5 4-5");
    assert_string_equal(told(FACT_NAME, "高橋　一", "", "髙橋一", text),
                        "notation 0-1 0-1, same 1-2 1-2, notation 2-3 2-2, same 3-4 2-3");
    assert_string_equal(told(FACT_NAME, "〓橋", "10", "髙橋", text),
                        "substituted 0-1 0-1, same 1-2 1-2");
    assert_string_equal(told(FACT_ADDRESS, "本町一丁目２番", "", "本町1-3", text),
                        "same 0-2 0-2, notation 2-5 2-4, differs 5-7 4-5");
}

static void spans_cover_both_texts(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        NAME,
                                        "桜野花子",
                                        "髙橋　一郎",
                                        "高橋一朗太",
                                        "試験県桜野市大字本町一丁目２番地の３",
                                        "桜野市本町1-2-3 コーポ101",
                                        "㈱桜",
                                        "か\u3099",
                                        "\xFF"};
    const size_t count = sizeof texts / sizeof *texts;
    for (size_t i = 0; i < count * count; i++)
        for (int fact = FACT_NAME; fact <= FACT_ADDRESS; fact += FACT_ADDRESS - FACT_NAME) {
            struct difference spans[DIFFERENCES_MOST];
            const char *a = texts[i / count], *b = texts[i % count];
            size_t n = differences((enum fact)fact, a, "", b, spans), at = 0, bt = 0;
            for (size_t j = 0; j < n; j++) {
                assert_int_equal(spans[j].a_from, at);
                assert_int_equal(spans[j].b_from, bt);
                assert_true(spans[j].a_to >= at && spans[j].b_to >= bt);
                at = spans[j].a_to;
                bt = spans[j].b_to;
            }
            assert_int_equal(at, utf8_length(a));
            assert_int_equal(bt, utf8_length(b));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_compare),
        cmocka_unit_test(addresses_compare),
        cmocka_unit_test(two_addresses_never_become_one),
        cmocka_unit_test(a_town_that_ends_in_a_number_is_no_lot),
        cmocka_unit_test(names_that_cannot_be_folded_are_left_out),
        cmocka_unit_test(surname_and_given_name_part_where_they_part),
        cmocka_unit_test(birth_dates_compare),
        cmocka_unit_test(sexes_compare),
        cmocka_unit_test(facts_of_a_wrong_type_count_as_none),
        cmocka_unit_test(other_names_of_a_resident_count),
        cmocka_unit_test(better_candidates_score_more),
        cmocka_unit_test(the_number_outweighs),
        cmocka_unit_test(the_better_of_two_tellers_counts),
        cmocka_unit_test(keys_are_those_of_the_registry),
        cmocka_unit_test(differences_are_told_character_by_character),
        cmocka_unit_test(spans_cover_both_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
