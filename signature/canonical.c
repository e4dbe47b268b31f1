#include "signature/canonical.h"

#include <stdlib.h>
#include <string.h>

#include "base/xml.h"
#include "signature/xmldsig_element.h"

#define INCLUSIVE "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
#define EXCLUSIVE "http://www.w3.org/2001/10/xml-exc-c14n#"

void canonical_method_free(struct canonical_method *method)
{
    free(method->list);
    *method = (struct canonical_method){0};
}

static bool prefix_valid(const char *prefix)
{
    return strcmp(prefix, "#default") == 0 || xmlValidateNCName(BAD_CAST prefix, 0) == 0;
}

static bool prefixes_read(const char *text, struct canonical_method *method)
{
    size_t count = 0;
    char *rest = NULL;
    method->list = text_copy(text);
    for (char *word = strtok_r(method->list, " \t\r\n", &rest); word;
         word = strtok_r(NULL, " \t\r\n", &rest)) {
        if (count == CANONICAL_PREFIXES_MAX || !prefix_valid(word))
            return false;
        method->prefixes[count++] = BAD_CAST word;
    }
    return true;
}

static bool inclusive_namespaces_read(const xmlNode *element, struct canonical_method *method)
{
    xmlNode *child = NULL;
    size_t count = 0;
    if (!element_children(element, &child, 1, &count))
        return false;
    if (count == 0)
        return true;
    const char *list = xml_attribute(child, "PrefixList");
    return xml_is(child, EXCLUSIVE, "InclusiveNamespaces") && list && element_is_empty(child) &&
           element_attributes(child, "PrefixList", NULL) && prefixes_read(list, method);
}

bool canonical_method_read(const xmlNode *element, struct canonical_method *ret_method)
{
    struct canonical_method method = {0};
    const char *algorithm = xml_attribute(element, "Algorithm");
    if (!algorithm || !element_attributes(element, "Algorithm", NULL))
        return false;
    method.exclusive = strcmp(algorithm, EXCLUSIVE) == 0;
    bool known = method.exclusive ? inclusive_namespaces_read(element, &method)
                                  : strcmp(algorithm, INCLUSIVE) == 0 && element_is_empty(element);
    if (!known) {
        canonical_method_free(&method);
        return false;
    }
    *ret_method = method;
    return true;
}

/* The next element in document order; NULL behind the last. */
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

static void mark_used(xmlNode *element)
{
    if (element->ns)
        element->ns->_private = element;
    for (xmlAttr *a = element->properties; a; a = a->next)
        if (a->ns)
            a->ns->_private = element;
}

static void drop_unmarked(xmlNode *element)
{
    for (xmlNs **at = &element->nsDef; *at;) {
        xmlNs *ns = *at;
        bool undeclares = !ns->href || !*ns->href; /* xmlns="": nothing points to it */
        if (ns->_private || undeclares) {
            at = &ns->next;
            continue;
        }
        *at = ns->next;
        xmlFreeNs(ns);
    }
}

void canonical_forget_unused_namespaces(xmlDoc *document)
{
    xmlNode *root = xmlDocGetRootElement(document);
    for (xmlNode *element = root; element; element = following(element))
        mark_used(element);
    for (xmlNode *element = root; element; element = following(element))
        drop_unmarked(element);
}
