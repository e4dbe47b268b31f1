#include "base/xml.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/xml_scan.h"

/* Namespaces in force at one place. libxml2 looks for a prefix from the innermost outwards, for
 * each element and attribute, and canonicalizing looks for each of them at each element: the work
 * grows with the square. Of 64, a document of 50,000 elements took two seconds for each signature
 * over it; no form needs more than a few. */
#define NAMESPACES_IN_FORCE_MAX 16

/* libxml2 holds a depth of its own (256) unless it is told to be careless. */
#define DEPTH_MOST 256

struct reader {
    const struct xml_limits *limits;
    int depth;
    size_t nodes;
    int namespaces;               /* in force here */
    int declared[DEPTH_MOST + 1]; /* namespaces declared by each open element */
    const char *reason;           /* of the first fault; NULL while there is none */
    const char *text;
    int code, line, column;
};

static xmlParserInput *refuse_entity(const char *url, const char *id, xmlParserCtxt *parser)
{
    (void)url, (void)id, (void)parser;
    return NULL;
}

static void say_nothing(void *data, const char *format, ...)
{
    (void)data, (void)format;
}

static void hear_nothing(void *data, xmlErrorPtr error)
{
    (void)data, (void)error;
}

static void initialize(void)
{
    xmlInitParser();
    xmlSetExternalEntityLoader(refuse_entity);
    /* libxml2 keeps these for each thread: this one, and what threads to come begin with. */
    xmlSetGenericErrorFunc(NULL, say_nothing);
    xmlSetStructuredErrorFunc(NULL, hear_nothing);
    xmlThrDefSetGenericErrorFunc(NULL, say_nothing);
    xmlThrDefSetStructuredErrorFunc(NULL, hear_nothing);
}

void xml_initialize(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, initialize);
}

/* The first fault counts; after it nothing more is parsed. Not by xmlStopParser: that frees the
 * input at once, and libxml2 2.9 reads on in it when it comes back from here (the values of
 * attributes behind an xml:id that is no name). */
static void stop(xmlParserCtxt *parser, const char *reason, const char *text)
{
    struct reader *reader = parser->_private;
    if (reader->reason)
        return;
    reader->reason = reason;
    reader->text = text;
    if (parser->input) {
        reader->line = parser->input->line;
        reader->column = parser->input->col;
    }
    parser->wellFormed = 0;
    parser->disableSAX = 1;
    parser->instate = XML_PARSER_EOF;
}

static void on_start_document(void *data)
{
    xmlParserCtxt *parser = data;
    if (parser->version && strcmp((const char *)parser->version, "1.0") != 0)
        return stop(parser, "xml-malformed", "declares an XML version other than 1.0");
    xmlSAX2StartDocument(data);
}

static void on_doctype(void *data, const xmlChar *name, const xmlChar *id, const xmlChar *system)
{
    (void)name, (void)id, (void)system;
    stop(data, "xml-dtd", "has a document type declaration");
}

static void on_instruction(void *data, const xmlChar *target, const xmlChar *content)
{
    (void)target, (void)content;
    stop(data, "xml-instruction", "has a processing instruction");
}

static void on_start_element(void *data, const xmlChar *name, const xmlChar *prefix,
                             const xmlChar *uri, int namespace_count, const xmlChar **namespaces,
                             int attribute_count, int defaulted, const xmlChar **attributes)
{
    xmlParserCtxt *parser = data;
    struct reader *reader = parser->_private;
    if (reader->reason)
        return;
    reader->nodes += 1 + (size_t)attribute_count + (size_t)namespace_count;
    if (reader->depth >= reader->limits->depth || reader->depth >= DEPTH_MOST)
        return stop(parser, "xml-too-deep", "has elements nested too deep");
    if (reader->nodes > reader->limits->nodes)
        return stop(parser, "xml-too-many-nodes", "has too many elements and attributes");
    reader->declared[reader->depth++] = namespace_count;
    reader->namespaces += namespace_count;
    if (reader->namespaces > NAMESPACES_IN_FORCE_MAX)
        return stop(parser, "xml-too-many-nodes", "has too many namespaces in force");
    xmlSAX2StartElementNs(data, name, prefix, uri, namespace_count, namespaces, attribute_count,
                          defaulted, attributes);
}

static void on_end_element(void *data, const xmlChar *name, const xmlChar *prefix,
                           const xmlChar *uri)
{
    struct reader *reader = ((xmlParserCtxt *)data)->_private;
    if (reader->reason || reader->depth == 0)
        return;
    reader->namespaces -= reader->declared[--reader->depth];
    xmlSAX2EndElementNs(data, name, prefix, uri);
}

/* libxml2 goes on after a fault to find more of them; we have seen enough. Its texts quote the
 * document, so only its number is kept. */
static void on_error(void *data, xmlErrorPtr error)
{
    xmlParserCtxt *parser = data;
    if (!parser || error->level < XML_ERR_ERROR)
        return;
    struct reader *reader = parser->_private;
    if (!reader->reason)
        reader->code = error->code;
    if (error->code == XML_ERR_NO_MEMORY) /* so it calls a text that is too long for it */
        return stop(parser, "xml-too-large", "has a text that is too long");
    stop(parser, "xml-malformed", "is not well-formed XML with namespaces");
}

/* Comments are dropped, and what CDATA holds joins the text around it: the tree is then what C14N
 * without comments sees, so nothing can be read that was not signed. */
static void set_handlers(xmlParserCtxt *parser)
{
    xmlSAXHandler *sax = parser->sax;
    sax->startDocument = on_start_document;
    sax->internalSubset = on_doctype;
    sax->externalSubset = NULL;
    sax->resolveEntity = NULL;
    sax->processingInstruction = on_instruction;
    sax->startElementNs = on_start_element;
    sax->endElementNs = on_end_element;
    sax->comment = NULL;
    sax->cdataBlock = NULL;
    sax->serror = on_error;
    sax->error = NULL;
    sax->warning = NULL;
}

DEFINE_CLEANUP(cleanup_parser, xmlParserCtxt *, xmlFreeParserCtxt)

static xmlDoc *parse(struct bytes document, struct reader *reader)
{
    _cleanup_(cleanup_parser) xmlParserCtxt *parser = xmlNewParserCtxt();
    if (!parser)
        abort();
    parser->_private = reader;
    set_handlers(parser);
    /* NOENT puts the five predefined entities and character references into the text; there can
     * be no other entity where there is no DTD. The encoding was looked at before (xml_scan.c). */
    const int options = XML_PARSE_NOENT | XML_PARSE_NONET | XML_PARSE_NOCDATA |
                        XML_PARSE_IGNORE_ENC | XML_PARSE_COMPACT;
    _cleanup_(cleanup_xml_doc) xmlDoc *tree = xmlCtxtReadMemory(
        parser, (const char *)document.data, (int)document.length, NULL, NULL, options);
    if (!reader->reason && (!tree || !parser->wellFormed || !parser->nsWellFormed))
        stop(parser, "xml-malformed", "is not well-formed XML with namespaces");
    if (reader->reason)
        return NULL;
    return TAKE(tree);
}

static const char *look_before(struct bytes document, const struct xml_limits *limits,
                               const char **ret_text)
{
    if (document.length > limits->size || document.length > INT_MAX) {
        *ret_text = "is larger than the limit";
        return "xml-too-large";
    }
    if (!utf8_valid(document)) {
        *ret_text = "is not UTF-8, or has a NUL";
        return "xml-encoding";
    }
    if (!xml_scan_declares_utf8(document)) {
        *ret_text = "declares an encoding other than UTF-8";
        return "xml-encoding";
    }
    if (!xml_scan_tags_bounded(document)) {
        *ret_text = "has an element with too many attributes";
        return "xml-too-many-nodes";
    }
    return NULL;
}

xmlDoc *xml_parse(struct bytes document, const struct xml_limits *limits, const char *name,
                  struct checks *checks)
{
    xml_initialize();
    const char *text = NULL, *reason = look_before(document, limits, &text);
    if (reason) {
        checks_fail(checks, name, "FORMAT_FAILURE", reason, "the document %s", text);
        return NULL;
    }
    struct reader reader = {.limits = limits};
    xmlDoc *tree = parse(document, &reader);
    if (!tree)
        checks_fail(checks, name, "FORMAT_FAILURE", reader.reason,
                    "the document %s, line %d, column %d (libxml2 %d)", reader.text, reader.line,
                    reader.column, reader.code);
    return tree;
}

bool xml_is(const xmlNode *node, const char *ns, const char *name)
{
    if (!node || node->type != XML_ELEMENT_NODE || !xmlStrEqual(node->name, BAD_CAST name))
        return false;
    if (!ns)
        return !node->ns;
    return node->ns && xmlStrEqual(node->ns->href, BAD_CAST ns);
}

static xmlNode *element_from(xmlNode *node)
{
    while (node && node->type != XML_ELEMENT_NODE)
        node = node->next;
    return node;
}

xmlNode *xml_first(const xmlNode *parent)
{
    return parent ? element_from(parent->children) : NULL;
}

xmlNode *xml_next(const xmlNode *node)
{
    return node ? element_from(node->next) : NULL;
}

xmlNode *xml_child(const xmlNode *parent, const char *ns, const char *name)
{
    xmlNode *child = xml_first(parent);
    while (child && !xml_is(child, ns, name))
        child = xml_next(child);
    return child;
}

/* A list of nodes that is nothing, or one text. */
static const char *only_text(const xmlNode *child)
{
    if (!child)
        return "";
    if (child->next || child->type != XML_TEXT_NODE)
        return NULL;
    return child->content ? (const char *)child->content : "";
}

const char *xml_text(const xmlNode *node)
{
    return node ? only_text(node->children) : NULL;
}

const char *xml_attribute(const xmlNode *node, const char *name)
{
    if (!node || node->type != XML_ELEMENT_NODE)
        return NULL;
    for (const xmlAttr *a = node->properties; a; a = a->next)
        if (!a->ns && xmlStrEqual(a->name, BAD_CAST name))
            return only_text(a->children);
    return NULL;
}
