/* What an evaluation and the functions of xpath.h know together. Internal to forms/. */
#ifndef UKETSUKE_FORMS_EVALUATION_H
#define UKETSUKE_FORMS_EVALUATION_H

#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>

#include "forms/definition.h"
#include "forms/xpath.h"

#define FUNCTIONS_NS "urn:uketsuke:functions:1"

struct evaluation {
    const struct procedure *procedure;
    const struct form_input *input;
    xmlXPathContext *context;
    bool closed_days_move;
    char applied_on[16];
};

/* A function gets its arguments from the top of the parser's stack, the last one first: pop_text
 * gives the string value (owned, never NULL), pop_nodes the set. After an error of the parser,
 * which ends the evaluation, they give "" and NULL. */
char *pop_text(xmlXPathParserContext *parser);
double pop_number(xmlXPathParserContext *parser);
xmlXPathObject *pop_object(xmlXPathParserContext *parser);
struct evaluation *evaluation_of(const xmlXPathParserContext *parser);

void push_boolean(xmlXPathParserContext *parser, bool value);
void push_number(xmlXPathParserContext *parser, double value);
void push_text(xmlXPathParserContext *parser, const char *text);

/* forms/function_….c */
extern const struct xpath_function number_functions[], date_functions[], text_functions[],
    bank_functions[], node_functions[]; /* ends with an entry without name */

#endif
