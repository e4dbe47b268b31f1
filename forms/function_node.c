/* Over several items at once; what is no set of nodes counts as one value. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "forms/evaluation.h"
#include "forms/xpath.h"

struct values {
    char **items;
    size_t count;
};

static void cleanup_values(struct values *values)
{
    for (size_t i = 0; i < values->count; i++)
        free(values->items[i]);
    free(values->items);
}

static void pop_values(xmlXPathParserContext *parser, struct values *ret_values)
{
    xmlXPathObject *object = pop_object(parser);
    if (!object)
        return;
    bool set = object->type == XPATH_NODESET;
    int nodes = set && object->nodesetval ? object->nodesetval->nodeNr : 0;
    size_t count = set ? (size_t)nodes : 1;
    ret_values->items = memory_allocate((count + 1) * sizeof *ret_values->items);
    for (size_t i = 0; i < count; i++) {
        xmlChar *text = set ? xmlXPathCastNodeToString(object->nodesetval->nodeTab[i])
                            : xmlXPathCastToString(object);
        ret_values->items[ret_values->count++] = text_copy(text ? (const char *)text : "");
        xmlFree(text);
    }
    xmlXPathFreeObject(object);
}

/* The latest (sign 1) or earliest (-1) day; "" when there is none, or one of them is no day. */
static void extreme(xmlXPathParserContext *parser, int sign)
{
    _cleanup_(cleanup_values) struct values values = {0};
    const char *found = "";
    struct day best = {0}, day;
    pop_values(parser, &values);
    for (size_t i = 0; i < values.count; i++) {
        if (!day_parse(values.items[i], &day)) {
            found = "";
            break;
        }
        if (i == 0 || sign * day_compare(day, best) > 0) {
            best = day;
            found = values.items[i];
        }
    }
    push_text(parser, found);
}

static void max(xmlXPathParserContext *parser, int count)
{
    (void)count;
    extreme(parser, 1);
}

static void min(xmlXPathParserContext *parser, int count)
{
    (void)count;
    extreme(parser, -1);
}

static int text_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void distinct(xmlXPathParserContext *parser, int count)
{
    _cleanup_(cleanup_values) struct values values = {0};
    bool different = true;
    (void)count;
    pop_values(parser, &values);
    if (values.count > 1)
        qsort(values.items, values.count, sizeof *values.items, text_order);
    for (size_t i = 1; i < values.count; i++)
        different = different && strcmp(values.items[i - 1], values.items[i]) != 0;
    push_boolean(parser, different);
}

static void document(xmlXPathParserContext *parser, int count)
{
    const struct evaluation *e = evaluation_of(parser);
    (void)count;
    _cleanup_(cleanup_text) char *id = pop_text(parser);
    const struct document *found = document_find(e->procedure, id);
    push_number(parser, found ? (double)document_files(e->procedure, e->input, found) : 0);
}

const struct xpath_function node_functions[] = {
    {"max", 1, 1, max},
    {"min", 1, 1, min},
    {"distinct", 1, 1, distinct},
    {"document", 1, 1, document},
    {0},
};
