/* Classes of characters, kana, postal codes and telephone numbers. */
#include "base/cleanup.h"
#include "base/contact.h"
#include "forms/evaluation.h"
#include "forms/kana.h"
#include "forms/xpath.h"

static void judge(xmlXPathParserContext *parser, bool (*good)(const char *text))
{
    _cleanup_(cleanup_text) char *text = pop_text(parser);
    push_boolean(parser, good(text));
}

static void katakana(xmlXPathParserContext *parser, int count)
{
    (void)count;
    judge(parser, is_katakana);
}

static void hiragana(xmlXPathParserContext *parser, int count)
{
    (void)count;
    judge(parser, is_hiragana);
}

static void fullwidth(xmlXPathParserContext *parser, int count)
{
    (void)count;
    judge(parser, is_fullwidth);
}

static void halfwidth(xmlXPathParserContext *parser, int count)
{
    (void)count;
    judge(parser, is_halfwidth);
}

static void equal(xmlXPathParserContext *parser, int count)
{
    (void)count;
    _cleanup_(cleanup_text) char *b = pop_text(parser);
    _cleanup_(cleanup_text) char *a = pop_text(parser);
    push_boolean(parser, kana_equal(a, b));
}

static void postal_code(xmlXPathParserContext *parser, int count)
{
    (void)count;
    judge(parser, postal_code_valid);
}

static void phone(xmlXPathParserContext *parser, int count)
{
    (void)count;
    judge(parser, phone_valid);
}

const struct xpath_function text_functions[] = {
    {"is-katakana", 1, 1, katakana},   {"is-hiragana", 1, 1, hiragana},
    {"is-fullwidth", 1, 1, fullwidth}, {"is-halfwidth", 1, 1, halfwidth},
    {"kana-equal", 2, 2, equal},       {"postal-code-valid", 1, 1, postal_code},
    {"phone-valid", 1, 1, phone},      {0},
};
