/* Evaluating compiled expressions on one form: one context of libxml2 for all of them, with a limit
 * on its operations; variables and functions are looked up here, and nothing else is in reach. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xml.h"
#include "forms/evaluation.h"
#include "forms/xpath.h"

static void say_nothing(void *data, xmlError *error)
{
    (void)data, (void)error; /* NULL is what an evaluation answers */
}

static xmlXPathFunction function_lookup(void *data, const xmlChar *name, const xmlChar *uri)
{
    const struct xpath_function *function = uri && strcmp((const char *)uri, FUNCTIONS_NS) == 0
                                                ? xpath_function_find((const char *)name)
                                                : NULL;
    (void)data;
    return function ? function->call : NULL;
}

static xmlXPathObject *variable_lookup(void *data, const xmlChar *name, const xmlChar *uri)
{
    const struct evaluation *e = data;
    const char *text = (const char *)name;
    if (uri)
        return NULL;
    if (strcmp(text, "applied-on") == 0)
        return xmlXPathNewCString(e->applied_on);
    for (size_t i = 0; strncmp(text, "setting-", 8) == 0 && i < e->procedure->setting_count; i++)
        if (strcmp(text + 8, e->procedure->settings[i].name) == 0)
            return xmlXPathNewCString(e->procedure->settings[i].value);
    return NULL;
}

bool closed_days_move(const struct procedure *procedure)
{
    for (size_t i = 0; i < procedure->setting_count; i++)
        if (strcmp(procedure->settings[i].name, "closed-days") == 0)
            return strcmp(procedure->settings[i].value, "moved") == 0;
    return procedure->closed_days_move;
}

struct evaluation *evaluation_begin(const struct procedure *procedure,
                                    const struct form_input *input)
{
    struct evaluation *e = memory_allocate(sizeof *e);
    struct day day = day_of_instant(input->applied_at);
    *e = (struct evaluation){
        .procedure = procedure,
        .input = input,
        .closed_days_move = closed_days_move(procedure),
        .context = xmlXPathNewContext(input->form),
    };
    snprintf(e->applied_on, sizeof e->applied_on, "%04d-%02d-%02d", day.year % 10000, day.month,
             day.day);
    if (!e->context)
        abort();
    e->context->opLimit = XPATH_OPERATIONS_MOST;
    e->context->error = (xmlStructuredErrorFunc)say_nothing;
    e->context->userData = e;
    xmlXPathRegisterNs(e->context, (const xmlChar *)XPATH_PREFIX,
                       (const xmlChar *)procedure->namespace);
    xmlXPathRegisterNs(e->context, (const xmlChar *)"u", (const xmlChar *)FUNCTIONS_NS);
    xmlXPathRegisterFuncLookup(e->context, function_lookup, e);
    xmlXPathRegisterVariableLookup(e->context, variable_lookup, e);
    return e;
}

void evaluation_end(struct evaluation *e)
{
    xmlXPathFreeContext(e->context);
    free(e);
}

static xmlXPathObject *evaluate(struct evaluation *e, xmlXPathCompExpr *expression, xmlNode *at)
{
    e->context->node = at;
    return xmlXPathCompiledEval(expression, e->context);
}

bool evaluation_test(struct evaluation *e, xmlXPathCompExpr *expression, xmlNode *at,
                     bool *ret_holds)
{
    xmlXPathObject *result = evaluate(e, expression, at);
    if (!result)
        return false;
    *ret_holds = xmlXPathCastToBoolean(result);
    xmlXPathFreeObject(result);
    return true;
}

bool evaluation_text(struct evaluation *e, xmlXPathCompExpr *expression, xmlNode *at,
                     char **ret_text)
{
    xmlXPathObject *result = evaluate(e, expression, at);
    xmlChar *text = result ? xmlXPathCastToString(result) : NULL;
    xmlXPathFreeObject(result);
    if (!text)
        return false;
    *ret_text = text_copy((const char *)text);
    xmlFree(text);
    return true;
}

unsigned long evaluation_operations(const struct evaluation *e)
{
    return e->context->opCount;
}
