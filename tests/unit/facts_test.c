/* signature/facts: from the very bytes of a subjectAltName; each fault by its own words. */
#include "tests/unit/check.h"

#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "signature/facts.h"

/* A TLV in DER around what is in `content`, which it replaces. */
static void wrap(struct buffer *content, uint8_t tag)
{
    struct buffer out = {0};
    size_t n = content->length;
    uint8_t head[] = {tag, 0x82, (uint8_t)(n >> 8), (uint8_t)n}, small[] = {tag, 0x81, (uint8_t)n};
    if (n < 128)
        buffer_append(&out, (uint8_t[]){tag, (uint8_t)n}, 2);
    else if (n < 256)
        buffer_append(&out, small, sizeof small);
    else
        buffer_append(&out, head, sizeof head);
    buffer_append(&out, content->data, n);
    buffer_free(content);
    *content = out;
}

/* otherName of the arc's `place`th number (RFC 5280 §4.2.1.6); the text's tag is UTF8String's. */
static void add(struct buffer *names, uint8_t place, const void *text, size_t length, uint8_t tag)
{
    static const uint8_t oid[] = {6, 10, 42, 131, 8, 140, 155, 85, 8, 5, 5};
    _cleanup_(cleanup_buffer) struct buffer value = {0}, name = {0};
    buffer_append(&value, text, length);
    wrap(&value, tag);
    wrap(&value, 0xa0);
    buffer_append(&name, oid, sizeof oid);
    buffer_append(&name, &place, 1);
    buffer_append(&name, value.data, value.length);
    wrap(&name, 0xa0);
    buffer_append(names, name.data, name.length);
}

static const char *const usual[] = {"桜野　花子",         "00100",    "2", "419920401",
                                    "試験県桜野市本町１", "000000000"};

/* The six, with `text` in `place` (0: as they are), and `extra` bytes of names behind them. */
static struct buffer names_with(uint8_t place, const void *text, size_t length,
                                const struct buffer *extra)
{
    struct buffer names = {0};
    for (uint8_t i = 1; i <= 6; i++) {
        bool other = i == place;
        add(&names, i, other ? text : usual[i - 1], other ? length : strlen(usual[i - 1]), 0x0c);
    }
    if (extra)
        buffer_append(&names, extra->data, extra->length);
    wrap(&names, 0x30);
    return names;
}

static bool facts_of(struct buffer *names, struct basic_facts *ret_facts, const char **ret_fault)
{
    bool good = basic_facts_read(buffer_bytes(names), ret_facts, ret_fault);
    buffer_free(names);
    return good;
}

static void assert_fault(struct buffer names, const char *words)
{
    struct basic_facts facts;
    const char *fault = "";
    assert_false(facts_of(&names, &facts, &fault));
    if (!strstr(fault, words))
        fail_msg("\"%s\" is not in \"%s\"", words, fault);
}

static void the_six_are_read(void **state)
{
    (void)state;
    struct basic_facts facts;
    const char *fault;
    struct buffer names = names_with(0, NULL, 0, NULL);
    assert_true(facts_of(&names, &facts, &fault));
    _cleanup_(cleanup_json) json_t *json = basic_facts_to_json(&facts);
    char *text = json_dumps(json, JSON_SORT_KEYS | JSON_COMPACT);
    assert_string_equal(text,
                        "{\"address\":\"試験県桜野市本町１\",\"address_substituted\":\"000000000\","
                        "\"birth\":{\"day\":1,\"era\":\"4\",\"month\":4,\"year\":1992},"
                        "\"birth_date\":\"1992-04-01\",\"name\":\"桜野　花子\","
                        "\"name_substituted\":\"00100\",\"others\":[],\"sex\":\"2\"}");
    free(text);
}

static void dates_known_in_part(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct birth birth;
        const char *date;
    } cases[] = {
        {"520200229", {'5', 2020, 2, 29}, "2020-02-29"},
        {"000000000", {'0', 0, 0, 0}, ""},
        {"319440000", {'3', 1944, 0, 0}, ""},
        {"319440500", {'3', 1944, 5, 0}, ""},
        {"300000501", {'3', 0, 5, 1}, ""},
        {"019920401", {'0', 1992, 4, 1}, ""},
        {"300000229", {'3', 0, 2, 29}, ""},
        {"319440031", {'3', 1944, 0, 31}, ""},
        /* at the edges of the eras */
        {"118680125", {'1', 1868, 1, 25}, "1868-01-25"},
        {"118680124", {'1', 1868, 1, 24}, ""},
        {"119120730", {'1', 1912, 7, 30}, "1912-07-30"},
        {"119120731", {'1', 1912, 7, 31}, ""},
        {"219120730", {'2', 1912, 7, 30}, "1912-07-30"},
        {"219120729", {'2', 1912, 7, 29}, ""},
        {"219261225", {'2', 1926, 12, 25}, "1926-12-25"},
        {"219261226", {'2', 1926, 12, 26}, ""},
        {"319261225", {'3', 1926, 12, 25}, "1926-12-25"},
        {"319261224", {'3', 1926, 12, 24}, ""},
        {"319890107", {'3', 1989, 1, 7}, "1989-01-07"},
        {"319890108", {'3', 1989, 1, 8}, ""},
        {"419890108", {'4', 1989, 1, 8}, "1989-01-08"},
        {"419890107", {'4', 1989, 1, 7}, ""},
        {"420190430", {'4', 2019, 4, 30}, "2019-04-30"},
        {"420190501", {'4', 2019, 5, 1}, ""},
        {"520190501", {'5', 2019, 5, 1}, "2019-05-01"},
        {"520190430", {'5', 2019, 4, 30}, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct basic_facts facts;
        const char *fault;
        struct buffer names = names_with(4, cases[i].text, 9, NULL);
        assert_true(facts_of(&names, &facts, &fault));
        const struct birth *want = &cases[i].birth;
        assert_int_equal(facts.birth.era, want->era);
        assert_int_equal(facts.birth.year, want->year);
        assert_int_equal(facts.birth.month, want->month);
        assert_int_equal(facts.birth.day, want->day);
        assert_string_equal(facts.birth_date, cases[i].date);
    }
    static const char *const wrong[] = {"319441300", "319440230",  "300000230", "619440101",
                                        "41992040",  "4199204011", "41992 401", "300010101"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_fault(names_with(4, wrong[i], strlen(wrong[i]), NULL), "birth date");
}

static void texts_that_hide_something(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t length;
    } cases[] = {
        {"abc\0d", 5},               /* a NUL hides the rest from a careless reader */
        {"abcd\0", 5},               /* the same at the end */
        {"abcd\xc0\xaf", 6},         /* overlong "/" */
        {"abcd\xc0\x80", 6},         /* overlong NUL */
        {"abcd\xe0\x80\xaf", 7},     /* overlong in three */
        {"abcd\xed\xa0\x80", 7},     /* a surrogate */
        {"abcd\xf4\x90\x80\x80", 8}, /* beyond U+10FFFF */
        {"abcd\xe6\xa1", 6},         /* cut off */
        {"ab\x7f"
         "de",
         5},
        {"ab\nde", 5},
        {"", 0},
        {"ab\u202ede", 7}, /* shows what follows from right to left */
        {"ab\u200bde", 7}, /* of no width */
        {"ab\u200dde", 7}, /* joins */
        {"\ufeff桜野", 9}, /* a byte order mark */
        {"ab\u00adde", 6}, /* a hyphen that is not seen */
        {"ab\u2028de", 7}, /* ends the line */
        {"ab\xc2\x85"
         "de",
         6},                    /* a control beyond ASCII */
        {"葛\U000e0100城", 10}, /* another shape of the one before: no JIS has it */
        {"ab\u3164de", 7},      /* a letter that is not seen */
        {"ab\uffffde", 7},      /* no character */
        {"ab\u0378de", 6},      /* not assigned */
        {" ", 1},
        {"　　", 6},
        {"\u00a0\u2003", 5},
        {"\u2800", 3}, /* a Braille cell without dots */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fault(names_with(1, cases[i].text, cases[i].length, NULL), "clean text");
    char longest[FACT_TEXT + 1];
    memset(longest, 'x', sizeof longest);
    assert_fault(names_with(1, longest, FACT_TEXT, NULL), "fitting length");
    assert_fault(names_with(1, longest, FACT_TEXT - 1, NULL), "positions");
}

/* What certificates have, and what is unusual and to be seen all the same. */
static void texts_that_are_seen(void **state)
{
    (void)state;
    static const struct {
        const char *name, *flags;
    } cases[] = {
        {"桜野　花子", "00000"},
        {"〓ヶ関　髙﨑", "100000"},
        {"SAKURANO HANAKO", "000000000000000"},
        {"さくらの［旧氏］　々〆〇", "000000000000"},
        {"𠮷", "0"},
        {"\ue000", "0"}, /* of the private use: a city's own character */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer names = {0};
        for (uint8_t place = 1; place <= 6; place++) {
            const char *text = place == 1   ? cases[i].name
                               : place == 2 ? cases[i].flags
                                            : usual[place - 1];
            add(&names, place, text, strlen(text), 0x0c);
        }
        wrap(&names, 0x30);
        struct basic_facts facts;
        const char *fault = "";
        if (!facts_of(&names, &facts, &fault))
            fail_msg("%s: %s", cases[i].name, fault);
        assert_string_equal(facts.name, cases[i].name);
    }
}

static void flags_have_one_place_for_each_character(void **state)
{
    (void)state;
    static const char *const wrong[] = {"0000", "000000", "00002", "0000a"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_fault(names_with(2, wrong[i], strlen(wrong[i]), NULL), "positions");
    assert_fault(names_with(6, "00000000", 8, NULL), "positions");
    static const char *const sexes[] = {"0", "4", "12", "男"};
    for (size_t i = 0; i < sizeof sexes / sizeof *sexes; i++)
        assert_fault(names_with(3, sexes[i], strlen(sexes[i]), NULL), "sex");
}

static void what_is_not_known_yet_is_kept(void **state)
{
    (void)state;
    struct basic_facts facts;
    const char *fault;
    struct buffer extra = {0};
    add(&extra, 7, "サクラノ　ハナコ", strlen("サクラノ　ハナコ"), 0x0c);
    add(&extra, 8, "\x05", 1, 0x02); /* a number: kept by its OID alone */
    struct buffer names = names_with(0, NULL, 0, &extra);
    assert_true(facts_of(&names, &facts, &fault));
    assert_int_equal(facts.other_count, 2);
    assert_string_equal(facts.others[0].oid, FACTS_ARC "7");
    assert_string_equal(facts.others[0].text, "サクラノ　ハナコ");
    assert_string_equal(facts.others[1].oid, FACTS_ARC "8");
    assert_string_equal(facts.others[1].text, "");
    add(&extra, 7, "x", 1, 0x0c);
    assert_fault(names_with(0, NULL, 0, &extra), "twice");
    buffer_clear(&extra);
    add(&extra, 7, "x\0y", 3, 0x0c);
    assert_fault(names_with(0, NULL, 0, &extra), "not known holds no clean text");
    buffer_clear(&extra);
    for (uint8_t i = 0; i < FACTS_OTHERS_MAX; i++)
        add(&extra, 7 + i, "x", 1, 0x0c);
    names = names_with(0, NULL, 0, &extra);
    assert_true(facts_of(&names, &facts, &fault));
    assert_int_equal(facts.other_count, FACTS_OTHERS_MAX);
    add(&extra, 100, "x", 1, 0x0c);
    assert_fault(names_with(0, NULL, 0, &extra), "too many");
    buffer_free(&extra);
}

static void one_of_ours_twice_or_of_another_type(void **state)
{
    (void)state;
    struct buffer extra = {0}, names = {0};
    add(&extra, 1, "桜野　太郎", strlen("桜野　太郎"), 0x0c);
    assert_fault(names_with(0, NULL, 0, &extra), "twice");
    buffer_free(&extra);
    for (uint8_t i = 1; i <= 6; i++)
        add(&names, i, usual[i - 1], strlen(usual[i - 1]), i == 3 ? 0x13 : 0x0c);
    wrap(&names, 0x30);
    assert_fault(names, "not a UTF8String");
}

static void only_strict_der(void **state)
{
    (void)state;
    struct buffer names = names_with(0, NULL, 0, NULL);
    buffer_append(&names, "\0", 1);
    assert_fault(names, "cannot be read"); /* trailing byte */
    names = names_with(0, NULL, 0, NULL);
    names.length--;
    assert_fault(names, "cannot be read");
    names = names_with(0, NULL, 0, NULL);
    struct buffer longer = {0}; /* the length in one byte more than needed */
    assert_int_equal(names.data[1], 0x81);
    buffer_append(&longer, (uint8_t[]){0x30, 0x82, 0, names.data[2]}, 4);
    buffer_append(&longer, names.data + 3, names.length - 3);
    assert_fault(longer, "cannot be read");
    struct buffer indefinite = {0};
    buffer_append(&indefinite, "\x30\x80", 2);
    buffer_append(&indefinite, names.data + 3, names.length - 3);
    buffer_append(&indefinite, "\0\0", 2);
    assert_fault(indefinite, "cannot be read");
    buffer_free(&names);
    assert_fault((struct buffer){0}, "cannot be read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_six_are_read),
        cmocka_unit_test(dates_known_in_part),
        cmocka_unit_test(texts_that_hide_something),
        cmocka_unit_test(texts_that_are_seen),
        cmocka_unit_test(flags_have_one_place_for_each_character),
        cmocka_unit_test(what_is_not_known_yet_is_kept),
        cmocka_unit_test(one_of_ours_twice_or_of_another_type),
        cmocka_unit_test(only_strict_der),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
