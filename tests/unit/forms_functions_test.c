/* The functions of rules: every one at its edges, and with arguments that make no sense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xml.h"
#include "forms/days.h"
#include "forms/definition.h"
#include "forms/xpath.h"

static struct procedures *procedures;
static struct procedure *procedure;
static xmlDoc *form;

static int load(void **state)
{
    static const char text[] =
        "<application xmlns='urn:uketsuke:form:child-allowance.certification-claim:1'>"
        "<children><child><name>a</name><birth-date>2020-02-29</birth-date></child>"
        "<child><name>b</name><birth-date>2019-12-31</birth-date></child>"
        "<child><name>a</name><birth-date>2021-01-01</birth-date></child></children>"
        "<consent/></application>";
    struct failure f = {0};
    (void)state;
    if (!procedures_load(SOURCE_ROOT "/forms/procedures", &procedures, &f))
        return -1;
    procedure =
        (struct procedure *)procedures_find(procedures, "child-allowance.certification-claim", "1");
    struct checks *checks = checks_new();
    form = xml_parse(bytes_of_text(text), &XML_LIMITS_DEFAULT, "form", checks);
    checks_free(checks);
    return procedure && form ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    xmlFreeDoc(form);
    procedures_free(procedures);
    return 0;
}

static char *value_of(const char *text)
{
    struct xpath_error error = {0};
    const struct form_input input = {.form = form, .applied_at = 1795651200 * INSTANT_SECOND};
    xmlXPathCompExpr *expression = xpath_compile(procedure, &procedure->outline, text, &error);
    if (!expression)
        fail_msg("%s: %s", text, error.text);
    struct evaluation *evaluation = evaluation_begin(procedure, &input);
    char *value = NULL;
    if (!evaluation_text(evaluation, expression, xmlDocGetRootElement(form), &value))
        fail_msg("%s cannot be evaluated", text);
    evaluation_end(evaluation);
    xmlXPathFreeCompExpr(expression);
    return value;
}

static void is(const char *text, const char *expected)
{
    _cleanup_(cleanup_text) char *value = value_of(text);
    if (strcmp(value, expected) != 0)
        fail_msg("%s is %s, not %s", text, value, expected);
}

static void test_age(void **state)
{
    (void)state;
    is("u:age('2008-04-01', '2026-03-30')", "17");
    is("u:age('2008-04-01', '2026-03-31')", "18"); /* reached when the day before ends */
    is("u:age('2008-04-02', '2026-03-31')", "17");
    is("u:age('2008-02-29', '2026-02-27')", "17");
    is("u:age('2008-02-29', '2026-02-28')", "18");
    is("u:age('2008-02-29', '2028-02-28')", "20");
    is("u:age('2026-11-28', '2026-11-28')", "0");
    is("u:age('2026-11-28', '2026-11-26')", "-1");
    is("u:fiscal-year-end('2008-04-01', 18)", "2026-03-31");
    is("u:fiscal-year-end('2008-04-02', 18)", "2027-03-31");
    is("u:fiscal-year-end('2008-03-31', 18)", "2026-03-31");
    is("u:fiscal-year-end('2004-02-29', 22)", "2026-03-31");
    is("u:fiscal-year-end('2004-04-01', 22)", "2026-03-31");
}

static void test_terms(void **state)
{
    (void)state;
    is("u:days-between('2026-11-10', '2026-11-25')", "15");
    is("u:days-between('2028-02-28', '2028-03-01')", "2");
    is("u:days-between('2026-11-25', '2026-11-10')", "-15");
    is("u:days-after('2026-12-31', 1)", "2027-01-01");
    is("u:days-after('2027-01-01', -1)", "2026-12-31");
    is("u:term-end('2026-11-10', 15)", "2026-11-25"); /* Wednesday */
    is("u:term-end('2026-11-06', 15)", "2026-11-24"); /* Saturday, Sunday, 勤労感謝の日 */
    is("u:term-end('2026-12-14', 15)", "2027-01-04"); /* 29 December to 3 January */
    is("u:term-end('2026-12-13', 15)", "2026-12-28");
    is("u:month-after('2026-12-31')", "2027-01");
    is("u:month-after('2026-01-31')", "2026-02");
    is("u:era('2026-11-28')", "令和8年11月28日");
    is("u:era('2019-05-01')", "令和元年5月1日");
    is("$applied-on", "2026-11-26");
    procedure->closed_days_move = false;
    is("u:term-end('2026-11-06', 15)", "2026-11-21");
    procedure->closed_days_move = true;
}

static void test_holidays(void **state)
{
    /* 国立天文台 暦要項, to 2030 */
    static const int vernal[] = {21, 20, 20, 21, 21, 20, 20, 21, 21, 20, 20, 21,
                                 21, 20, 20, 21, 21, 20, 20, 20, 21, 20, 20, 20};
    static const int autumnal[] = {23, 23, 23, 23, 23, 22, 23, 23, 23, 22, 23, 23,
                                   23, 22, 23, 23, 23, 22, 23, 23, 23, 22, 23, 23};
    (void)state;
    for (int i = 0; i < 24; i++) {
        assert_string_equal(holiday_name((struct day){2007 + i, 3, vernal[i]}), "春分の日");
        assert_string_equal(holiday_name((struct day){2007 + i, 9, autumnal[i]}), "秋分の日");
    }
    assert_string_equal(holiday_name((struct day){2026, 9, 22}), "国民の休日");
    assert_string_equal(holiday_name((struct day){2026, 5, 6}), "振替休日"); /* 3 May: Sunday */
    assert_string_equal(holiday_name((struct day){2019, 5, 2}), "国民の休日");
    assert_string_equal(holiday_name((struct day){2019, 5, 6}), "振替休日");
    assert_string_equal(holiday_name((struct day){2021, 8, 9}), "振替休日");
    assert_string_equal(holiday_name((struct day){2020, 7, 23}), "海の日");
    assert_null(holiday_name((struct day){2020, 10, 12}));
    assert_null(holiday_name((struct day){2019, 2, 23}));
    assert_null(holiday_name((struct day){2019, 12, 23}));
    assert_string_equal(holiday_name((struct day){2027, 1, 11}), "成人の日");
    assert_null(holiday_name((struct day){2006, 1, 1})); /* before what is known */
    assert_true(day_closed((struct day){2026, 12, 29}));
    assert_false(day_closed((struct day){2026, 12, 28}));
    assert_true(day_closed((struct day){2027, 1, 3}));
    assert_false(day_closed((struct day){2027, 1, 4}));
}

static void test_text(void **state)
{
    (void)state;
    is("u:is-katakana('サクラノ　モーリー')", "true");
    is("u:is-katakana('さくら')", "false");
    is("u:is-katakana('ｻｸﾗ')", "false");
    is("u:is-katakana('　')", "false");
    is("u:is-hiragana('さくらー')", "true");
    is("u:is-hiragana('サクラ')", "false");
    is("u:is-fullwidth('桜１Ａ')", "true");
    is("u:is-fullwidth('桜1')", "false");
    is("u:is-halfwidth('ｻｸﾗ 1-2')", "true");
    is("u:is-halfwidth('サ')", "false");
    is("u:kana-equal('ｻｸﾗﾉ ﾊﾅｺ', 'サクラノ　ハナコ')", "true");
    is("u:kana-equal('ｶﾞｯｷﾕｳ', 'ガッキュウ')", "true");
    is("u:kana-equal('カ゛', 'ガ')", "true");
    is("u:kana-equal('カ', 'ガ')", "false");
    is("u:kana-equal('サ-ビス', 'サービス')", "true");
    is("u:kana-equal('さくら', 'サクラ')", "true");
    is("u:kana-equal('', '')", "true");
    is("u:postal-code-valid('9990001')", "true");
    is("u:postal-code-valid('999-0001')", "true");
    is("u:postal-code-valid('0000001')", "false");
    is("u:postal-code-valid('999000')", "false");
    is("u:postal-code-valid('９９９０００１')", "false");
    is("u:phone-valid('09000000000')", "true");
    is("u:phone-valid('090-0000-0000')", "true");
    is("u:phone-valid('0900000000')", "false");
    is("u:phone-valid('0312345678')", "true");
    is("u:phone-valid('03123456789')", "false");
    is("u:phone-valid('0120000000')", "true");
    is("u:phone-valid('08000000000')", "true");
    is("u:phone-valid('0012345678')", "false");
    is("u:phone-valid('-0312345678')", "false");
}

static void test_numbers(void **state)
{
    (void)state;
    is("u:kojinbango-valid('123456789018')", "true");
    is("u:kojinbango-valid('123456789012')", "false");
    is("u:kojinbango-valid('１２３４５６７８９０１８')", "false");
    is("u:dantaikodo-valid('131016')", "true");
    is("u:dantaikodo-valid('131017')", "false");
    is("u:hojinbango-valid('7000012050002')", "true"); /* 国税庁 */
    is("u:hojinbango-valid('8000012050002')", "false");
    is("u:juminhyokodo-valid('1')", "false");
    is("u:yucho-valid('10000', '11')", "true");
    is("u:yucho-valid('10000', '12345671')", "true");
    is("u:yucho-valid('10000', '12345670')", "false");
    is("u:yucho-valid('10000', '123456781')", "false");
    is("u:yucho-valid('10001', '11')", "false");
    is("u:yucho-valid('00100-1', '123456')", "true");
    is("u:yucho-valid('00100', '1234567')", "false");
    is("u:account-number-valid('0000001')", "true");
    is("u:account-number-valid('0000000')", "false");
}

static void test_nodes(void **state)
{
    (void)state;
    is("u:max(children/child/birth-date)", "2021-01-01");
    is("u:min(children/child/birth-date)", "2019-12-31");
    is("u:max(children/child/individual-number)", "");
    is("u:max(children/child/name)", "");
    is("u:distinct(children/child/birth-date)", "true");
    is("u:distinct(children/child/name)", "false");
    is("u:distinct(spouse)", "true");
    is("u:document(string(spouse))", "0");
    is("count(//child[birth-date > 0])", "0");
    is("children/child[last()]/birth-date", "2021-01-01");
    is("string(children/child[2]/preceding-sibling::child/name)", "a");
}

/* Every function with every kind of nonsense: an answer, and no crash. */
static void test_hostile(void **state)
{
    static const char *const arguments[] = {
        "0 div 0",      "1 div 0",    "-1 div 0", "''",           "spouse",
        "children",     "true()",     "1e",       "'2026-02-30'", "'9999-12-31'",
        "'0001-01-01'", "1000000000", "-1",       "0.5",
    };
    static const char *const names[] = {
        "kojinbango-valid",
        "juminhyokodo-valid",
        "hojinbango-valid",
        "dantaikodo-valid",
        "is-date",
        "age",
        "fiscal-year-end",
        "days-between",
        "days-after",
        "term-end",
        "month-after",
        "era",
        "is-closed-day",
        "is-katakana",
        "is-hiragana",
        "is-fullwidth",
        "is-halfwidth",
        "kana-equal",
        "postal-code-valid",
        "phone-valid",
        "yucho-valid",
        "account-number-valid",
        "max",
        "min",
        "distinct",
    };
    (void)state;
    for (size_t n = 0; n < sizeof names / sizeof *names; n++)
        for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++)
            for (size_t k = 0; k < sizeof arguments / sizeof *arguments; k++) {
                const struct xpath_function *function = xpath_function_find(names[n]);
                const char *a = strcmp(arguments[i], "1e") == 0 ? "'x'" : arguments[i];
                const char *b = strcmp(arguments[k], "1e") == 0 ? "'x'" : arguments[k];
                _cleanup_(cleanup_text) char *text =
                    function->least == 2 ? text_format("u:%s(%s, %s)", names[n], a, b)
                                         : text_format("u:%s(%s)", names[n], a);
                free(value_of(text));
            }
    is("u:age('nonsense', '2026-01-01')", "NaN");
    is("u:days-after('2026-01-01', 0 div 0)", "");
    is("u:days-after('2026-01-01', 40001)", "");
    is("u:days-after('9998-12-31', 1)", "");
    is("u:fiscal-year-end('2026-01-01', 151)", "");
    is("u:fiscal-year-end('2026-01-01', -1)", "");
}

/* A text of a megabyte in the form. */
static void test_long(void **state)
{
    static const char *const names[] = {"is-katakana", "is-fullwidth", "is-halfwidth",
                                        "is-date",     "phone-valid",  "era",
                                        "max",         "distinct",     "document"};
    char *text = memory_allocate((1 << 20) + 1);
    (void)state;
    memset(text, 'a', 1 << 20);
    xmlNode *consent =
        xml_child(xmlDocGetRootElement(form),
                  "urn:uketsuke:form:child-allowance.certification-claim:1", "consent");
    xmlNodeSetContent(consent, (const xmlChar *)text);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        _cleanup_(cleanup_text) char *call = text_format("u:%s(consent)", names[i]);
        free(value_of(call));
    }
    is("u:kana-equal(consent, consent)", "true");
    is("u:kana-equal(consent, 'a')", "false");
    xmlNodeSetContent(consent, (const xmlChar *)"");
    free(text);
}

/* --- what cannot be compiled ------------------------------------------------------------------ */

static void refused(const char *text, const char *why)
{
    struct xpath_error error = {0};
    xmlXPathCompExpr *expression = xpath_compile(procedure, &procedure->outline, text, &error);
    if (expression)
        fail_msg("%s is compiled", text);
    if (!strstr(error.text, why))
        fail_msg("%s: \"%s\" does not say \"%s\"", text, error.text, why);
}

static void test_refused(void **state)
{
    (void)state;
    refused("", "too early");
    refused("claimant/", "expected the name");
    refused("claimant/nmae", "no item nmae in claimant");
    refused("children/name", "no item name in children");
    refused("children/child[nmae = 1]", "no item nmae in children/child");
    refused("children/child/../nmae", "no item nmae in children");
    refused("/claimant", "no item claimant at the top");
    refused("..//nothing", "no item nothing");
    refused("../..", "nothing above");
    refused("document('http://localhost/')", "no function document()");
    refused("u:document('nothing')", "attachments.xml has no document nothing");
    refused("id('x')", "no function id()");
    refused("u:nothing(1)", "no function u:nothing()");
    refused("u:age(1)", "has 2 arguments, not 1");
    refused("x:age(1, 2)", "no function x:age()");
    refused("f:claimant", "without prefix");
    refused("$nothing", "no variable $nothing");
    refused("$setting-nothing", "no variable $setting-nothing");
    refused("@id", "no attributes");
    refused("namespace::*", "axis namespace:: is not allowed");
    refused("following::claimant", "axis following:: is not allowed");
    refused("'open", "quote is not closed");
    refused("(1", ") is missing");
    refused("claimant[1", "] is missing");
    refused("1 1", "cannot be read from");
    refused("count(claimant)/name", "no item");
    refused("concat('a')", "has 2 arguments");
    char deep[256] = "";
    for (int i = 0; i < XPATH_DEPTH; i++)
        strcat(deep, "(");
    strcat(deep, "1");
    refused(deep, "levels");
    char *large = memory_allocate(XPATH_TEXT_MOST + 2);
    memset(large, ' ', XPATH_TEXT_MOST);
    large[XPATH_TEXT_MOST] = '1';
    refused(large, "longer than");
    large[XPATH_TEXT_MOST - 1] = '1';
    large[XPATH_TEXT_MOST] = 0;
    is(large, "1");
    free(large);
}

/* An expression without end in sight stops at the limit, and is an error, not an answer. */
static void test_limit(void **state)
{
    static const char endless[] = "//*[//*[//*[//*[//*[//*[//*[//*[//*[count(//*) = 0]]]]]]]]]";
    struct xpath_error error = {0};
    const struct form_input input = {.form = form};
    (void)state;
    xmlXPathCompExpr *expression = xpath_compile(procedure, &procedure->outline, endless, &error);
    assert_non_null(expression);
    struct evaluation *evaluation = evaluation_begin(procedure, &input);
    bool holds;
    assert_false(evaluation_test(evaluation, expression, xmlDocGetRootElement(form), &holds));
    assert_true(evaluation_operations(evaluation) >= XPATH_OPERATIONS_MOST);
    evaluation_end(evaluation);
    xmlXPathFreeCompExpr(expression);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_age),      cmocka_unit_test(test_terms),
        cmocka_unit_test(test_holidays), cmocka_unit_test(test_text),
        cmocka_unit_test(test_numbers),  cmocka_unit_test(test_nodes),
        cmocka_unit_test(test_hostile),  cmocka_unit_test(test_long),
        cmocka_unit_test(test_refused),  cmocka_unit_test(test_limit),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
