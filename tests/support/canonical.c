#include "tests/support/canonical.h"

#include <libxml/c14n.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xml.h"

/* Attributes and namespaces are asked for with the element that they belong to. */
static int within(void *apex, xmlNode *node, xmlNode *parent)
{
    bool element_or_text =
        node && node->type != XML_ATTRIBUTE_NODE && node->type != XML_NAMESPACE_DECL;
    for (const xmlNode *n = element_or_text ? node : parent; n; n = n->parent)
        if (n == apex)
            return 1;
    return 0;
}

static int append(void *bytes, const char *data, int length)
{
    buffer_append(bytes, data, (size_t)length);
    return length;
}

static int close_nothing(void *bytes)
{
    (void)bytes;
    return 0;
}

bool canonical_by_libxml2(xmlDoc *document, xmlNode *apex, const struct canonical_method *method,
                          struct buffer *ret_bytes)
{
    xmlOutputBuffer *out = xmlOutputBufferCreateIO(append, close_nothing, ret_bytes, NULL);
    if (!out)
        abort();
    int done = xmlC14NExecute(document, apex ? within : NULL, apex,
                              method->exclusive ? XML_C14N_EXCLUSIVE_1_0 : XML_C14N_1_0,
                              method->prefixes[0] ? (xmlChar **)method->prefixes : NULL, 0, out);
    int flushed = xmlOutputBufferClose(out);
    return done >= 0 && flushed >= 0;
}

static xmlNode *following(xmlNode *element)
{
    xmlNode *next = xml_first(element);
    while (!next && element && !(next = xml_next(element))) {
        element = element->parent;
        if (!element || element->type != XML_ELEMENT_NODE)
            return NULL;
    }
    return next;
}

/* Names with an '&' have no form with us. */
static bool names_have_ampersand(const xmlDoc *document)
{
    for (xmlNode *e = xmlDocGetRootElement(document); e; e = following(e))
        for (const xmlNs *ns = e->nsDef; ns; ns = ns->next)
            if (ns->href && strchr((const char *)ns->href, '&'))
                return true;
    return false;
}

static bool same(xmlDoc *document, xmlNode *apex, const struct canonical_method *method)
{
    _cleanup_(cleanup_buffer) struct buffer ours = {0}, theirs = {0};
    bool found = apex ? canonical_element(apex, method, canonical_append, &ours)
                      : canonical_document(document, method, canonical_append, &ours);
    bool expected = canonical_by_libxml2(document, apex, method, &theirs);
    expected = expected && !names_have_ampersand(document);
    bool agree =
        found == expected && (!found || bytes_equal(buffer_bytes(&ours), buffer_bytes(&theirs)));
    if (!agree)
        fprintf(stderr, "ours (%d):\n%s\nlibxml2 (%d):\n%s\n", found, buffer_text(&ours), expected,
                buffer_text(&theirs));
    return agree;
}

bool canonical_agrees(xmlDoc *document, const struct canonical_method *method, size_t apexes)
{
    bool agree = same(document, NULL, method);
    xmlNode *apex = xmlDocGetRootElement(document);
    for (; agree && apex && apexes > 0; apex = following(apex), apexes--)
        agree = same(document, apex, method);
    return agree;
}

struct canonical_method canonical_exclusive(const char *prefixes)
{
    struct canonical_method method = {.exclusive = true, .list = text_copy(prefixes)};
    char *rest = NULL;
    size_t count = 0;
    for (char *word = strtok_r(method.list, " ", &rest); word && count < CANONICAL_PREFIXES_MAX;
         word = strtok_r(NULL, " ", &rest))
        method.prefixes[count++] = BAD_CAST word;
    return method;
}
