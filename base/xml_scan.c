#include "base/xml_scan.h"

#include <string.h>
#include <strings.h>

static bool starts_with(const char *at, const char *end, const char *text)
{
    size_t length = strlen(text);
    return (size_t)(end - at) >= length && memcmp(at, text, length) == 0;
}

/* Behind the next `text`, or the end. */
static const char *behind(const char *at, const char *end, const char *text)
{
    size_t length = strlen(text);
    const char *found = memmem(at, (size_t)(end - at), text, length);
    return found ? found + length : end;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && is_space(*at))
        at++;
    return at;
}

static const char *document_start(struct bytes document)
{
    const char *start = (const char *)document.data;
    bool marked = document.length >= 3 && memcmp(start, "\xEF\xBB\xBF", 3) == 0;
    return marked ? start + 3 : start;
}

/* In a well-formed declaration the word "encoding" can only be the name of that part: the others'
 * values are a number, yes and no. What is not well-formed the parser refuses by itself. */
bool xml_scan_declares_utf8(struct bytes document)
{
    if (document.length == 0)
        return true;
    const char *end = (const char *)document.data + document.length;
    const char *at = document_start(document);
    if (!starts_with(at, end, "<?xml") || end - at < 6 || !is_space(at[5]))
        return true;
    end = behind(at, end, "?>");
    at = behind(at, end, "encoding");
    if (at == end)
        return true;
    at = skip_space(at, end);
    if (at < end && *at == '=')
        at = skip_space(at + 1, end);
    return end - at >= 7 && (*at == '"' || *at == '\'') && strncasecmp(at + 1, "UTF-8", 5) == 0 &&
           at[6] == *at;
}

/* From behind '<' to behind the '>' that ends the tag; NULL when it holds too many values. */
static const char *skip_tag(const char *at, const char *end)
{
    int values = 0;
    while (at < end && *at != '>') {
        char quote = *at++;
        if (quote != '"' && quote != '\'')
            continue;
        if (++values > XML_ATTRIBUTES_MAX)
            return NULL;
        const char *close = memchr(at, quote, (size_t)(end - at));
        at = close ? close + 1 : end;
    }
    return at < end ? at + 1 : end;
}

bool xml_scan_tags_bounded(struct bytes document)
{
    if (document.length == 0)
        return true;
    const char *at = (const char *)document.data, *end = at + document.length;
    while (at && (at = memchr(at, '<', (size_t)(end - at)))) {
        at++;
        if (starts_with(at, end, "!--"))
            at = behind(at + 3, end, "-->");
        else if (starts_with(at, end, "![CDATA["))
            at = behind(at + 8, end, "]]>");
        else if (starts_with(at, end, "?"))
            at = behind(at + 1, end, "?>");
        else if (starts_with(at, end, "!"))
            return true; /* a DTD: here the parser stops */
        else if (!(at = skip_tag(at, end)))
            return false;
    }
    return true;
}
