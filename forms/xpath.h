/* XPath 1.0 as rules.xml and attachments.xml have it. Names without prefix are elements of the
 * form; functions of ours have the prefix "u". What an expression names is checked against form.xsd
 * when it is loaded, so that a slip of the pen is not a rule that never trips. Internal to forms/.
 */
#ifndef UKETSUKE_FORMS_XPATH_H
#define UKETSUKE_FORMS_XPATH_H

#include <libxml/xpath.h>
#include <stdbool.h>
#include <stddef.h>

#include "forms/definition.h"

#define XPATH_PREFIX    "f" /* that names of the form get */
#define XPATH_TEXT_MOST 4096
#define XPATH_DEPTH     32 /* parentheses, predicates and arguments within each other */

/* Of all expressions on one form together; a form of 200 elements needs some thousand. */
#define XPATH_OPERATIONS_MOST 2000000

struct xpath_error {
    char text[256]; /* a sentence in English for who writes the definition */
};

/* Compiles `text`, to be evaluated at the element `context` of the form. NULL with *ret_error. */
xmlXPathCompExpr *xpath_compile(const struct procedure *procedure, const struct outline *context,
                                const char *text, struct xpath_error *ret_error);

/* The same text with prefixes, as libxml2 gets it; false with *ret_error. */
bool xpath_read(const struct procedure *procedure, const struct outline *context, const char *text,
                struct buffer *ret_text, struct xpath_error *ret_error);

/* The functions with the prefix "u". */
struct xpath_function {
    const char *name;
    int least, most; /* arguments */
    xmlXPathFunction call;
};
const struct xpath_function *xpath_function_find(const char *name); /* NULL */

#endif
