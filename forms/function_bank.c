/* Bank accounts. */
#include "base/cleanup.h"
#include "base/contact.h"
#include "forms/evaluation.h"
#include "forms/xpath.h"

static void yucho(xmlXPathParserContext *parser, int count)
{
    (void)count;
    _cleanup_(cleanup_text) char *number = pop_text(parser);
    _cleanup_(cleanup_text) char *symbol = pop_text(parser);
    push_boolean(parser, yucho_valid(symbol, number));
}

static void account(xmlXPathParserContext *parser, int count)
{
    (void)count;
    _cleanup_(cleanup_text) char *number = pop_text(parser);
    push_boolean(parser, account_number_valid(number));
}

const struct xpath_function bank_functions[] = {
    {"yucho-valid", 2, 2, yucho},
    {"account-number-valid", 1, 1, account},
    {0},
};
