#include "signature/xmldsig_element.h"

#include <stdarg.h>
#include <string.h>

static bool is_blank(const xmlNode *node)
{
    const char *text = (const char *)node->content;
    return node->type == XML_TEXT_NODE && (!text || strspn(text, " \t\r\n") == strlen(text));
}

bool element_children(const xmlNode *element, xmlNode **ret_children, size_t most,
                      size_t *ret_count)
{
    size_t count = 0;
    for (xmlNode *child = element->children; child; child = child->next) {
        if (is_blank(child))
            continue;
        if (child->type != XML_ELEMENT_NODE || count == most)
            return false;
        ret_children[count++] = child;
    }
    *ret_count = count;
    return true;
}

bool element_is_empty(const xmlNode *element)
{
    size_t count;
    return element_children(element, NULL, 0, &count);
}

static bool named(const xmlAttr *attribute, va_list names)
{
    bool found = false;
    va_list each;
    va_copy(each, names);
    for (const char *name; !found && (name = va_arg(each, const char *));)
        found = xmlStrEqual(attribute->name, BAD_CAST name);
    va_end(each);
    return found && !attribute->ns;
}

bool element_attributes(const xmlNode *element, ...)
{
    bool only = true;
    va_list names;
    va_start(names, element);
    for (const xmlAttr *a = element->properties; a && only; a = a->next)
        only = named(a, names);
    va_end(names);
    return only;
}
