#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/utf8.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/identify/fold.h"
#include "intake/identify/variants.h"

struct example {
    const char *text, *key;
};

/* What folding lets stand without asking ICU, ICU lets stand: by itself, and behind anything. */
static void common_characters_stand_for_themselves(void **state)
{
    (void)state;
    static const UChar ranges[][2] = {
        {0x4E00, 0x9FFF}, {0x3041, 0x3096}, {0x30A1, 0x30FC}, {'0', '9'}};
    UErrorCode error = U_ZERO_ERROR;
    const UNormalizer2 *normalizer = unorm2_getNFKCCasefoldInstance(&error);
    assert_true(U_SUCCESS(error));
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        for (UChar c = ranges[i][0]; c <= ranges[i][1]; c++) {
            UChar normal[8];
            if (unorm2_normalize(normalizer, &c, 1, normal, 8, &error) != 1 || *normal != c ||
                U_FAILURE(error) || !unorm2_hasBoundaryBefore(normalizer, c) || u_isUWhiteSpace(c))
                fail_msg("U+%04X", c);
        }
}

/* ASCII, and its wide forms, are one small ASCII character each; signs tell nothing in a name. */
static void wide_characters_are_what_icu_makes_of_them(void **state)
{
    (void)state;
    static const UChar ranges[][2] = {{' ', '~'}, {0x3000, 0x3000}, {0xFF01, 0xFF5E}};
    UErrorCode error = U_ZERO_ERROR;
    const UNormalizer2 *normalizer = unorm2_getNFKCCasefoldInstance(&error);
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        for (UChar c = ranges[i][0]; c <= ranges[i][1]; c++) {
            UChar normal[8];
            char text[5] = "", key[FOLD_KEY];
            int32_t length = 0;
            bool one = unorm2_normalize(normalizer, &c, 1, normal, 8, &error) == 1;
            U8_APPEND_UNSAFE(text, length, c);
            fold_name_key(text, key);
            if (!one || U_FAILURE(error) || !unorm2_hasBoundaryBefore(normalizer, c) ||
                *normal < ' ' || *normal > '~' || (*key && (*key != *normal || key[1])) ||
                (!*key && u_isalnum(*normal)))
                fail_msg("U+%04X", c);
        }
}

/* --- names ------------------------------------------------------------------------------------ */

static void names_fold(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"桜野　花子", "桜野花子"},
        {"桜野 花子", "桜野花子"},
        {"櫻野　花子", "桜野花子"},
        {"ＪＯＨＮ　ＳＭＩＴＨ", "johnsmith"},
        {"Smith, John", "smithjohn"},
        {"ﾏﾘｰ･ｸﾛｰﾄﾞ", "マリークロード"},
        {"マリ－　クロ-ド", "マリークロード"}, /* dashes after kana */
        {"マリ‐　クロ−ド", "マリークロード"},
        {"JEAN-PAUL", "jeanpaul"},
        {"O'BRIEN", "obrien"},
        {"O’BRIEN", "obrien"},
        {"髙橋　一", "高橋一"},
        {"山﨑", "山崎"},
        {"渡邊", "渡辺"},
        {"渡邉", "渡辺"},
        {"齋藤", "斉藤"}, /* 齋 is 斎, which is taken for 斉 */
        {"齊藤", "斉藤"},
        {"斎藤", "斉藤"},
        {"濵田", "浜田"},
        {"濱田", "浜田"},
        {"𠮷田", "吉田"},
        {"嶋田", "島田"},
        {"嶌田", "島田"},
        {"神\xEF\xA8\x99", "神神"}, /* U+FA19, a CJK compatibility ideograph */
        {"葛\U000E0100城", "葛城"}, /* a glyph selector (IVS) */
        {"佐々木", "佐佐木"},
        {"佐佐木", "佐佐木"},
        {"々", "々"},
        {"小ヶ倉", "小ケ倉"},
        {"小ケ倉", "小ケ倉"},
        {"小が倉", "小ケ倉"},
        {"木の下", "木ノ下"},
        {"\U0010DE92ヶ原", "\U0010DE92ケ原"},
        {"みのり", "みのり"}, /* の between kana is itself */
        {"みすゞ", "みすゞ"},
        {"\U0010DE92田", "\U0010DE92田"}, /* 外字 */
        {"か\u3099", "が"},
        {"", ""},
        {"　", ""},
    };
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        char key[FOLD_KEY];
        fold_name_key(examples[i].text, key);
        assert_string_equal(key, examples[i].key);
    }
}

static void different_names_stay_different(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"みどり", "ミドリ"},     {"花子", "葉子"},
                                           {"ガーデン", "カーデン"}, {"一", "ー"},
                                           {"佐木", "佐々木"},       {"木下", "木ノ下"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char one[FOLD_KEY], other[FOLD_KEY];
        fold_name_key(pairs[i][0], one);
        fold_name_key(pairs[i][1], other);
        assert_string_not_equal(one, other);
    }
}

static void a_substitute_character_stands_for_a_kanji(void **state)
{
    (void)state;
    struct folded folded;
    assert_true(fold_name("〓ヶ関", "100", &folded));
    assert_int_equal(folded.at[0].c, FOLD_ANY);
    assert_int_equal(folded.at[1].c, 0x30B1);
    assert_true(fold_name("〓々木", "100", &folded)); /* repeated: not known, either */
    assert_int_equal(folded.at[1].c, FOLD_ANY);
    assert_int_equal(folded.at[2].c, 0x6728);
}

static void kana_fold(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"サクラノ　ハナコ", "サクラノハナコ"},
        {"さくらの はなこ", "サクラノハナコ"},
        {"ｻｸﾗﾉ ﾊﾅｺ", "サクラノハナコ"},
        {"シュウジ", "シユウジ"},
        {"ヂュン", "ジユン"},
        {"カヲル", "カオル"},
        {"ﾏﾘ-", "マリー"},
    };
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        char key[FOLD_KEY];
        fold_kana_key(examples[i].text, key);
        assert_string_equal(key, examples[i].key);
    }
}

/* --- variants --------------------------------------------------------------------------------- */

static void kinds_of_variants_are_kept_apart(void **state)
{
    (void)state;
    struct folded one, other;
    assert_true(fold_name("斎藤", "", &one) && fold_name("斉藤", "", &other));
    assert_int_not_equal(one.at[0].c, other.at[0].c);
    assert_int_equal(fold_like(one.at[0].c), fold_like(other.at[0].c));
    assert_true(fold_name("齋藤", "", &other));
    assert_int_equal(one.at[0].c, other.at[0].c);
}

static void the_tables_are_sorted_and_lead_to_an_end(void **state)
{
    (void)state;
    const struct {
        const struct variant *at;
        size_t count;
    } tables[] = {{variants_same, variants_same_count}, {variants_like, variants_like_count}};
    assert_true(variants_same_count > 450 && variants_like_count > 30);
    for (size_t t = 0; t < 2; t++)
        for (size_t i = 0; i < tables[t].count; i++) {
            assert_true(i == 0 || tables[t].at[i - 1].variant < tables[t].at[i].variant);
            for (size_t j = 0; j < tables[t].count; j++)
                assert_int_not_equal(tables[t].at[i].head, tables[t].at[j].variant);
        }
}

/* --- addresses -------------------------------------------------------------------------------- */

static const char *part(const struct folded_address *a, size_t from, size_t to, char *text)
{
    folded_key(a->text.at + from, to - from, text);
    return text;
}

static void addresses_fold(void **state)
{
    (void)state;
    static const struct {
        const char *text, *prefecture, *body, *building;
    } examples[] = {
        {"試験県桜野市本町一丁目２番３号", "試験県", "桜野市本町1-2-3", ""},
        {"試験県桜野市本町１－２－３", "試験県", "桜野市本町1-2-3", ""},
        {"桜野市本町1-2-3", "", "桜野市本町1-2-3", ""},
        {"桜野市本町一丁目2-3", "", "桜野市本町1-2-3", ""},
        {"桜野市本町1丁目2番地の3", "", "桜野市本町1-2-3", ""},
        {"桜野市本町1丁目2番地3", "", "桜野市本町1-2-3", ""},
        {"桜野市本町1ー2−3", "", "桜野市本町1-2-3", ""},
        {"桜野市本町1ノ2の3", "", "桜野市本町1-2-3", ""},
        {"桜野市 本町 1丁目 2番 3号", "", "桜野市本町1-2-3", ""},
        {"桜野市大字本町123番地", "", "桜野市本町123", ""},
        {"桜野市字本町百二十三番地", "", "桜野市本町123", ""},
        {"桜野市本町二〇三", "", "桜野市本町203", ""},
        {"桜野市本町十番地", "", "桜野市本町10", ""},
        {"桜野市本町千二番地", "", "桜野市本町1002", ""},
        {"桜野市十文字町5", "", "桜野市10文字町5", ""},
        {"東京都港区三田1-2-3", "東京都", "港区3田1-2-3", ""},
        {"京都府京都市上京区1", "京都府", "京都市上京区1", ""},
        {"北海道桜野市北1条西2丁目3-4", "北海道", "桜野市北1条西2-3-4", ""},
        {"太宰府市本町1-2", "", "太宰府市本町1-2", ""},
        {"桜野市一番町5-6", "", "桜野市1番町5-6", ""},
        {"桜野市1番町5番6号", "", "桜野市1番町5-6", ""},
        {"桜野市霞ヶ関1-2", "", "桜野市霞ケ関1-2", ""},
        {"桜野市霞が関1-2", "", "桜野市霞ケ関1-2", ""},
        {"桜野市井の頭1-2", "", "桜野市井ノ頭1-2", ""},
        {"桜野市三ヶ日町3", "", "桜野市3ケ日町3", ""},
        {"桜野市3ヶ日町3", "", "桜野市3ケ日町3", ""},
        {"桜野市二〇ヶ町3", "", "桜野市20ケ町3", ""},
        {"桜野市澤1-2", "", "桜野市沢1-2", ""},
        /* 方書 */
        {"桜野市本町1-2-3　コーポ桜１０１", "", "桜野市本町1-2-3", "コーポ桜101"},
        {"桜野市本町1丁目2番3号コーポ桜101号", "", "桜野市本町1-2-3", "コーポ桜101"},
        {"桜野市本町1丁目2番3号 101号室", "", "桜野市本町1-2-3", "101室"},
        {"桜野市本町1-2-3 101", "", "桜野市本町1-2-3", "101"},
        {"桜野市本町5コーポ桜", "", "桜野市本町5", "コーポ桜"},
        {"桜野市本町五　コーポ桜", "", "桜野市本町5", "コーポ桜"},
        {"桜野市第2地割3番地4", "", "桜野市第2地割3-4", ""},
        {"桜野市二番丁3番4号", "", "桜野市2番丁3-4", ""},
        {"桜野市3号線町4", "", "桜野市3号線町4", ""},
        {"桜野市上三３番４", "", "桜野市上3-3-4", ""},
        {"桜野市本町千一一番", "", "桜野市本町千一一", ""},
        {"", "", "", ""},
    };
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        struct folded_address a;
        char text[FOLD_KEY];
        assert_true(fold_address(examples[i].text, "", &a));
        assert_string_equal(part(&a, 0, a.prefecture, text), examples[i].prefecture);
        assert_string_equal(part(&a, a.prefecture, a.body, text), examples[i].body);
        assert_string_equal(part(&a, a.body, a.text.length, text), examples[i].building);
    }
}

static void parts_of_an_address_fold_like_the_whole(void **state)
{
    (void)state;
    const struct address_parts parts = {"試験県", "桜野市", "大字本町一丁目", "２番地３",
                                        "コーポ桜　１０１号"};
    struct folded_address a;
    char text[FOLD_KEY], key[FOLD_KEY];
    assert_true(fold_address_parts(&parts, &a));
    assert_string_equal(part(&a, 0, a.prefecture, text), "試験県");
    assert_string_equal(part(&a, a.body, a.text.length, text), "コーポ桜101");
    fold_address_key(&parts, key);
    assert_string_equal(key, "桜野市本町1-2-3");
    const struct address_parts none = {"", "", "", "", ""};
    fold_address_key(&none, key);
    assert_string_equal(key, "");
}

/* --- where a character came from -------------------------------------------------------------- */

static void every_folded_character_knows_its_source(void **state)
{
    (void)state;
    struct folded name;
    assert_true(fold_name("葛\U000E0100城　ｶﾞ・一", "", &name)); /* 0 葛 1 IVS 2 城 3 space 4 ｶ … */
    assert_int_equal(name.length, 4);
    const uint16_t from[] = {0, 2, 4, 7};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(name.at[i].from, from[i]);
    struct folded_address address;
    assert_true(fold_address("市二十一番地", "", &address));
    assert_int_equal(address.text.length, 3);
    assert_int_equal(address.text.at[2].from, 1);
}

static void substituted_characters_become_the_wildcard(void **state)
{
    (void)state;
    struct folded name;
    char key[FOLD_KEY];
    assert_true(fold_name("〓橋　一", "1000", &name));
    assert_int_equal(name.length, 3);
    assert_int_equal(name.at[0].c, FOLD_ANY);
    folded_key(name.at, name.length, key);
    assert_string_equal(key, ""); /* what nobody knows finds nobody */
    assert_false(fold_name("〓橋　一", "100", &name));
    assert_false(fold_name("〓橋　一", "10000", &name));
    assert_false(fold_name("〓橋　一", "1x00", &name));
    assert_true(fold_name("𠮷橋", "10", &name)); /* marks count characters, not units */
}

/* --- hostile text ----------------------------------------------------------------------------- */

static void what_is_no_text_does_not_fold(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "\xED\xA0\x80", /* a surrogate */
        "\xC0\xAF",     /* overlong */
        "\xE3\x81",     /* cut off */
        "\xFF",
        "\xF4\x90\x80\x80", /* beyond U+10FFFF */
        "花\xEF\xB7\x90子", /* the wildcard itself */
    };
    struct folded name;
    struct folded_address address;
    char key[FOLD_KEY];
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        assert_false(fold_name(broken[i], "", &name));
        assert_false(fold_kana(broken[i], &name));
        assert_false(fold_address(broken[i], "", &address));
        fold_name_key(broken[i], key);
        assert_string_equal(key, "");
    }
}

static void repeat(char *text, const char *what, size_t count)
{
    *text = 0;
    for (size_t i = 0; i < count; i++)
        text = stpcpy(text, what);
}

static void limits_hold(void **state)
{
    (void)state;
    char text[4 * (FOLD_SOURCE_MOST + 1)], key[FOLD_KEY];
    struct folded name;
    repeat(text, "花", FOLD_SOURCE_MOST);
    assert_true(fold_name(text, "", &name));
    assert_int_equal(name.length, FOLD_SOURCE_MOST);
    fold_name_key(text, key);
    assert_string_equal(key, ""); /* too long to be found by */
    repeat(text, "花", FOLD_SOURCE_MOST + 1);
    assert_false(fold_name(text, "", &name));
    repeat(text, "\uFDFA", 66); /* 15 letters each without its spaces, 18 with them */
    assert_true(fold_name(text, "", &name));
    repeat(text, "\uFDFA", 67);
    assert_false(fold_name(text, "", &name));
    strcpy(text, "e");
    repeat(text + 1, "\u0301", 100); /* no letter has a hundred accents */
    assert_false(fold_name(text, "", &name));
}

/* --- properties ------------------------------------------------------------------------------- */

/* Pieces that fold into each other, in any order: what is folded must not fold further. */
static const char *const pieces[] = {
    "花",   "一", "二",   "十",     "百", "千",         "1",   "２",     "０",     "々",
    "ゝ",   "ヽ", "ゞ",   "ヶ",     "が", "の",         "ノ",  "之",     "か",     "カ",
    "ｶ",    "ﾞ",  "゛",   "\u3099", "ー", "－",         "-",   "−",      "・",     " ",
    "　",   "e",  "E",    "\u0301", "´",  "ᄀ",         "ᅡ",  "\u200D", "\uFE00", "\U000E0100",
    "丁目", "丁", "番地", "番",     "号", "大字",       "字",  "小字",   "文",     "大",
    "小",   "県", "市",   "町",     "条", "齋",         "斎",  "𠮷",     "﨑",     "ß",
    "İ",    "ϴ",  "…",    "㈱",     "½",  "\U0010DE92", "ｺｰﾎﾟ"};

static void assemble(char *text)
{
    size_t count = 1 + (size_t)(random() % 12);
    *text = 0;
    for (size_t i = 0; i < count; i++)
        text = stpcpy(text, pieces[(size_t)random() % (sizeof pieces / sizeof *pieces)]);
}

static void folding_twice_changes_nothing(void **state)
{
    (void)state;
    srandom(20261121);
    for (int i = 0; i < 200000; i++) {
        char text[256], once[FOLD_KEY], twice[FOLD_KEY];
        struct folded_address address;
        assemble(text);
        fold_name_key(text, once);
        fold_name_key(once, twice);
        assert_string_equal(once, twice);
        fold_kana_key(text, once);
        fold_kana_key(once, twice);
        assert_string_equal(once, twice);
        assert_true(fold_address(text, "", &address));
        part(&address, 0, address.text.length, once);
        assert_true(fold_address(once, "", &address));
        assert_string_equal(once, part(&address, 0, address.text.length, twice));
        assert_true(utf8_valid(bytes_of_text(once)));
    }
}

/* Change FOLD_RULES with these: keys in a database are only good with the folding that made them.
 */
static void rules_and_their_number_change_together(void **state)
{
    (void)state;
    char version[FOLD_VERSION], key[FOLD_KEY], text[256], hex[65];
    uint8_t hash[32];
    _cleanup_(cleanup_buffer) struct buffer all = {0};
    srandom(20261121);
    for (int i = 0; i < 20000; i++) {
        assemble(text);
        const struct address_parts parts = {"試験県", "桜野市", text, text, ""};
        fold_name_key(text, key);
        buffer_append_text(&all, key);
        fold_kana_key(text, key);
        buffer_append_text(&all, key);
        fold_address_key(&parts, key);
        buffer_append_text(&all, key);
    }
    sha256(buffer_bytes(&all), hash);
    hex_encode(hash, sizeof hash, hex);
    hex[16] = 0;
    fold_version(version);
    if (strncmp(version, "2-15.0-", 7) != 0 || strcmp(hex, "feafa78b35a79291") != 0)
        fail_msg("keys of folding %s are %s now: count FOLD_RULES up, and change this test",
                 version, hex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_and_their_number_change_together),
        cmocka_unit_test(common_characters_stand_for_themselves),
        cmocka_unit_test(wide_characters_are_what_icu_makes_of_them),
        cmocka_unit_test(names_fold),
        cmocka_unit_test(different_names_stay_different),
        cmocka_unit_test(a_substitute_character_stands_for_a_kanji),
        cmocka_unit_test(kana_fold),
        cmocka_unit_test(kinds_of_variants_are_kept_apart),
        cmocka_unit_test(the_tables_are_sorted_and_lead_to_an_end),
        cmocka_unit_test(addresses_fold),
        cmocka_unit_test(parts_of_an_address_fold_like_the_whole),
        cmocka_unit_test(every_folded_character_knows_its_source),
        cmocka_unit_test(substituted_characters_become_the_wildcard),
        cmocka_unit_test(what_is_no_text_does_not_fold),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(folding_twice_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
