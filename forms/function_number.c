/* Numbers of persons, cities, companies: whether their check digit is right. */
#include "base/check_digit.h"
#include "base/cleanup.h"
#include "forms/evaluation.h"
#include "forms/xpath.h"

static void judge(xmlXPathParserContext *parser, bool (*valid)(const char *text))
{
    _cleanup_(cleanup_text) char *text = pop_text(parser);
    push_boolean(parser, valid(text));
}

static void kojinbango(xmlXPathParserContext *parser, int count)
{
    (void)count;
    judge(parser, kojinbango_valid);
}

static void juminhyokodo(xmlXPathParserContext *parser, int count)
{
    (void)count;
    judge(parser, juminhyo_code_valid);
}

static void hojinbango(xmlXPathParserContext *parser, int count)
{
    (void)count;
    judge(parser, hojin_bango_valid);
}

static void dantaikodo(xmlXPathParserContext *parser, int count)
{
    (void)count;
    judge(parser, dantai_code_valid);
}

const struct xpath_function number_functions[] = {
    {"kojinbango-valid", 1, 1, kojinbango},
    {"juminhyokodo-valid", 1, 1, juminhyokodo},
    {"hojinbango-valid", 1, 1, hojinbango},
    {"dantaikodo-valid", 1, 1, dantaikodo},
    {0},
};
