/* The writer of canonical forms. It goes down the tree once, writes as it goes, and remembers only
 * which namespaces the elements around have written. libxml2's own (xmlC14NExecute) asks for each
 * node whether it is wanted and keeps lists for each element: it costs as much as to parse. That
 * one is the reference: tests/fuzz/canonical_fuzz.c and tests/unit/canonical_test.c hold this one
 * against it, byte for byte. */
#include <libxml/uri.h>
#include <stdlib.h>
#include <string.h>

#include "signature/canonical.h"
#include "signature/canonical_output.h"

/* A namespace that is in force in what was written; of one prefix the last counts. */
struct binding {
    const xmlNs *ns;              /* to know it again; NULL for xmlns="" without a declaration */
    const xmlChar *prefix, *name; /* "" for the default one, and for none */
};

struct bindings {
    struct binding *items;
    size_t count, capacity;
};

struct writer {
    const struct canonical_method *method;
    struct canonical_output out;
    struct bindings bindings;
    size_t marks[CANONICAL_DEPTH_MAX]; /* count of bindings outside of each open element */
    int depth;
    const xmlAttr **attributes; /* of one element, sorted; reused */
    size_t attribute_count, attribute_capacity;
};

static void put_name(struct writer *w, const xmlNs *ns, const xmlChar *name)
{
    if (ns && ns->prefix && *ns->prefix) {
        put_text(&w->out, ns->prefix);
        put(&w->out, ":", 1);
    }
    put_text(&w->out, name);
}

/* ---- namespaces ---- */

static const xmlChar *or_empty(const xmlChar *text)
{
    return text ? text : BAD_CAST "";
}

static bool is_xml(const xmlNs *ns)
{
    return ns && ns->prefix && strcmp((const char *)ns->prefix, "xml") == 0;
}

static bool same(const xmlChar *a, const xmlChar *b)
{
    return strcmp((const char *)a, (const char *)b) == 0;
}

static bool in_force(const struct bindings *bindings, const struct binding *wanted)
{
    for (size_t i = bindings->count; i-- > 0;) {
        const struct binding *b = &bindings->items[i];
        if (wanted->ns && b->ns == wanted->ns)
            return true;
        if (same(b->prefix, wanted->prefix))
            return same(b->name, wanted->name);
    }
    return !*wanted->prefix && !*wanted->name; /* no default namespace is where all begins */
}

/* Into the place that the order of prefixes gives it among those that this element writes. */
static void bind(struct writer *w, const struct binding *wanted)
{
    struct bindings *bindings = &w->bindings;
    if (in_force(bindings, wanted))
        return;
    if (bindings->count == bindings->capacity) {
        bindings->capacity = bindings->capacity ? 2 * bindings->capacity : 16;
        bindings->items =
            memory_resize(bindings->items, bindings->capacity * sizeof *bindings->items);
    }
    size_t at = bindings->count++;
    for (; at > w->marks[w->depth]; at--) {
        const struct binding *before = &bindings->items[at - 1];
        if (strcmp((const char *)before->prefix, (const char *)wanted->prefix) < 0)
            break;
        bindings->items[at] = *before;
    }
    bindings->items[at] = *wanted;
}

static void bind_ns(struct writer *w, const xmlNs *ns)
{
    if (!is_xml(ns))
        bind(w, &(struct binding){ns, or_empty(ns ? ns->prefix : NULL),
                                  or_empty(ns ? ns->href : NULL)});
}

/* The declaration of `prefix` ("" for the default) that is in force at `element`; NULL. */
static const xmlNs *declaration_of(const xmlNode *element, const xmlChar *prefix)
{
    for (; element && element->type == XML_ELEMENT_NODE; element = element->parent)
        for (const xmlNs *ns = element->nsDef; ns; ns = ns->next)
            if (same(or_empty(ns->prefix), prefix))
                return ns;
    return NULL;
}

/* Exclusive C14N §3: what the element and its attributes use, and the listed prefixes as the
 * inclusive form would have them. */
static void bind_used(struct writer *w, const xmlNode *element)
{
    for (size_t i = 0; w->method->prefixes[i]; i++) {
        const xmlChar *prefix = w->method->prefixes[i];
        if (same(prefix, BAD_CAST "#default"))
            prefix = BAD_CAST "";
        const xmlNs *ns = declaration_of(element, prefix);
        if (ns || !*prefix)
            bind_ns(w, ns);
    }
    bind_ns(w, element->ns);
    for (const xmlAttr *a = element->properties; a; a = a->next)
        if (a->ns)
            bind_ns(w, a->ns);
}

/* Canonical XML §2.3: what the element declares; the apex, what it inherits too. */
static void bind_declared(struct writer *w, const xmlNode *element)
{
    const xmlNode *from = element;
    do
        for (const xmlNs *ns = from->nsDef; ns; ns = ns->next)
            if (from == element || declaration_of(element, or_empty(ns->prefix)) == ns)
                bind_ns(w, ns);
    while (w->depth == 0 && (from = from->parent) && from->type == XML_ELEMENT_NODE);
}

static void write_namespaces(struct writer *w)
{
    for (size_t i = w->marks[w->depth]; i < w->bindings.count; i++) {
        const struct binding *b = &w->bindings.items[i];
        put_text(&w->out, *b->prefix ? " xmlns:" : " xmlns");
        put_text(&w->out, b->prefix);
        put(&w->out, "=\"", 2);
        put_escaped(&w->out, b->name, IN_VALUE);
        put(&w->out, "\"", 1);
    }
}

/* ---- attributes ---- */

static int attribute_order(const xmlAttr *a, const xmlAttr *b)
{
    int order = a->ns == b->ns ? 0
                               : strcmp((const char *)or_empty(a->ns ? a->ns->href : NULL),
                                        (const char *)or_empty(b->ns ? b->ns->href : NULL));
    return order ? order : strcmp((const char *)a->name, (const char *)b->name);
}

/* Sorted in; one of that name that is there already stays alone. */
static void attribute_take(struct writer *w, const xmlAttr *attribute)
{
    size_t at = w->attribute_count;
    int order = 1;
    while (at > 0 && (order = attribute_order(w->attributes[at - 1], attribute)) > 0)
        at--;
    if (at > 0 && order == 0)
        return;
    if (w->attribute_count == w->attribute_capacity) {
        w->attribute_capacity = w->attribute_capacity ? 2 * w->attribute_capacity : 16;
        w->attributes = memory_resize(w->attributes, w->attribute_capacity * sizeof *w->attributes);
    }
    memmove(w->attributes + at + 1, w->attributes + at,
            (w->attribute_count - at) * sizeof *w->attributes);
    w->attributes[at] = attribute;
    w->attribute_count++;
}

/* Canonical XML §2.4: the apex of a part has the attributes xml:… of what is around it. */
static void attributes_inherit(struct writer *w, const xmlNode *apex)
{
    for (const xmlNode *n = apex->parent; n && n->type == XML_ELEMENT_NODE; n = n->parent)
        for (const xmlAttr *a = n->properties; a; a = a->next)
            if (is_xml(a->ns))
                attribute_take(w, a);
}

static bool write_attributes(struct writer *w, const xmlNode *element)
{
    w->attribute_count = 0;
    for (const xmlAttr *a = element->properties; a; a = a->next)
        attribute_take(w, a);
    if (w->depth == 0 && !w->method->exclusive)
        attributes_inherit(w, element);
    for (size_t i = 0; i < w->attribute_count; i++) {
        const xmlAttr *a = w->attributes[i];
        put(&w->out, " ", 1);
        put_name(w, a->ns, a->name);
        put(&w->out, "=\"", 2);
        for (const xmlNode *child = a->children; child; child = child->next) {
            if (child->type != XML_TEXT_NODE)
                return false;
            put_escaped(&w->out, or_empty(child->content), IN_VALUE);
        }
        put(&w->out, "\"", 1);
    }
    return true;
}

/* ---- the tree ---- */

static bool open_element(struct writer *w, const xmlNode *element)
{
    if (w->depth == CANONICAL_DEPTH_MAX)
        return false;
    w->marks[w->depth] = w->bindings.count;
    if (w->method->exclusive)
        bind_used(w, element);
    else
        bind_declared(w, element);
    put(&w->out, "<", 1);
    put_name(w, element->ns, element->name);
    write_namespaces(w);
    if (element->properties || w->depth == 0)
        if (!write_attributes(w, element))
            return false;
    put(&w->out, ">", 1);
    w->depth++;
    return true;
}

static void close_element(struct writer *w, const xmlNode *element)
{
    w->bindings.count = w->marks[--w->depth];
    put(&w->out, "</", 2);
    put_name(w, element->ns, element->name);
    put(&w->out, ">", 1);
}

static bool write_node(struct writer *w, const xmlNode *node)
{
    switch (node->type) {
    case XML_ELEMENT_NODE:
        return open_element(w, node);
    case XML_TEXT_NODE:
    case XML_CDATA_SECTION_NODE:
        put_escaped(&w->out, or_empty(node->content), IN_TEXT);
        return true;
    case XML_COMMENT_NODE:
        return true;
    default:
        return false; /* base/xml.h lets nothing else into a tree */
    }
}

static bool write_tree(struct writer *w, const xmlNode *apex)
{
    const xmlNode *node = apex;
    for (;;) {
        if (!write_node(w, node))
            return false;
        if (node->type == XML_ELEMENT_NODE && node->children) {
            node = node->children;
            continue;
        }
        if (node->type == XML_ELEMENT_NODE)
            close_element(w, node);
        while (node != apex && !node->next) {
            node = node->parent;
            close_element(w, node);
        }
        if (node == apex)
            return true;
        node = node->next;
    }
}

/* Absolute is, as libxml2 has it, what is a URI with a scheme. And an '&' it writes as it is,
 * against Canonical XML §2.3: of such a name there are two forms. */
static bool name_fits(const xmlChar *name)
{
    xmlURI *uri = strchr((const char *)name, '&') ? NULL : xmlParseURI((const char *)name);
    bool fits = uri && uri->scheme;
    xmlFreeURI(uri);
    return fits;
}

/* Behind `node` and all that is in it, or within it, in document order; NULL behind the last. */
static const xmlNode *following(const xmlNode *node)
{
    if (node->type == XML_ELEMENT_NODE && node->children)
        return node->children;
    while (node && !node->next)
        node = node->parent;
    return node ? node->next : NULL;
}

static bool names_fit(const xmlDoc *document)
{
    for (const xmlNode *node = document->children; node; node = following(node))
        if (node->type == XML_ELEMENT_NODE)
            for (const xmlNs *ns = node->nsDef; ns; ns = ns->next)
                if (ns->href && *ns->href && !name_fits(ns->href))
                    return false;
    return true;
}

bool canonical_element(const xmlNode *apex, const struct canonical_method *method,
                       canonical_sink *sink, void *to)
{
    struct writer w; /* not {0}: marks and chunk are large, and written before they are read */
    w.method = method;
    output_begin(&w.out, sink, to);
    w.bindings = (struct bindings){0};
    w.depth = 0;
    w.attributes = NULL;
    w.attribute_count = w.attribute_capacity = 0;
    bool written = names_fit(apex->doc) && write_tree(&w, apex);
    if (written)
        output_flush(&w.out);
    free(w.bindings.items);
    free(w.attributes);
    return written;
}

bool canonical_document(const xmlDoc *document, const struct canonical_method *method,
                        canonical_sink *sink, void *to)
{
    const xmlNode *root = xmlDocGetRootElement(document);
    for (const xmlNode *node = document->children; node; node = node->next)
        if (node != root && node->type != XML_COMMENT_NODE)
            return false;
    return root && canonical_element(root, method, sink, to);
}

void canonical_append(void *buffer, struct bytes piece)
{
    buffer_append(buffer, piece.data, piece.length);
}
