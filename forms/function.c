/* The functions with the prefix "u": how they are found, and how they take and give values. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "forms/evaluation.h"
#include "forms/xpath.h"

const struct xpath_function *xpath_function_find(const char *name)
{
    static const struct xpath_function *const all[] = {
        number_functions, date_functions, text_functions, bank_functions, node_functions};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (const struct xpath_function *one = all[i]; one->name; one++)
            if (strcmp(one->name, name) == 0)
                return one;
    return NULL;
}

struct evaluation *evaluation_of(const xmlXPathParserContext *parser)
{
    return parser->context->userData;
}

char *pop_text(xmlXPathParserContext *parser)
{
    xmlChar *text = xmlXPathPopString(parser);
    char *copy = text_copy(text ? (const char *)text : "");
    xmlFree(text);
    return copy;
}

double pop_number(xmlXPathParserContext *parser)
{
    double number = xmlXPathPopNumber(parser);
    return xmlXPathCheckError(parser) ? NAN : number;
}

xmlXPathObject *pop_object(xmlXPathParserContext *parser)
{
    return valuePop(parser);
}

static void push(xmlXPathParserContext *parser, xmlXPathObject *object)
{
    if (!object)
        abort();
    valuePush(parser, object);
}

void push_boolean(xmlXPathParserContext *parser, bool value)
{
    push(parser, xmlXPathNewBoolean(value));
}

void push_number(xmlXPathParserContext *parser, double value)
{
    push(parser, xmlXPathNewFloat(value));
}

void push_text(xmlXPathParserContext *parser, const char *text)
{
    push(parser, xmlXPathNewCString(text));
}
