/* Canonical forms: those that the recommendations show, and libxml2's, byte for byte, of thousands
 * of documents made at random from everything that has a rule. tests/fuzz/canonical_fuzz.c looks
 * for the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xml.h"
#include "tests/support/canonical.h"

DEFINE_CLEANUP(cleanup_checks, struct checks *, checks_free)

#define DOCUMENTS 4000

static const struct xml_limits limits = {.size = 1 << 24, .depth = 256, .nodes = 100000};
static const char *const lists[] = {
    "", "a", "#default", "a b xml", "b #default none", "a #default b"};

static xmlDoc *parse(const char *text)
{
    _cleanup_(cleanup_checks) struct checks *checks = checks_new();
    return xml_parse(bytes_of_text(text), &limits, "test.xml", checks);
}

static void agrees(const char *text)
{
    _cleanup_(cleanup_xml_doc) xmlDoc *tree = parse(text);
    if (!tree)
        fail_msg("not a document: %s", text);
    bool agree = canonical_agrees(tree, &(struct canonical_method){0}, 100);
    for (size_t i = 0; i < sizeof lists / sizeof *lists && agree; i++) {
        struct canonical_method method = canonical_exclusive(lists[i]);
        agree = canonical_agrees(tree, &method, 100);
        canonical_method_free(&method);
    }
    if (!agree)
        fail_msg("our canonical form is not libxml2's: %s", text);
}

/* Of the element `name` or, without one, of the whole. */
static void is_form(const char *text, const char *name, const struct canonical_method *method,
                    const char *expected)
{
    _cleanup_(cleanup_xml_doc) xmlDoc *tree = parse(text);
    _cleanup_(cleanup_buffer) struct buffer form = {0};
    assert_non_null(tree);
    xmlNode *apex = xmlDocGetRootElement(tree);
    while (name && apex && strcmp((const char *)apex->name, name) != 0)
        apex = xml_first(apex);
    assert_non_null(apex);
    assert_true(canonical_element(apex, method, canonical_append, &form));
    assert_string_equal(buffer_text(&form), expected);
    agrees(text);
}

/* Canonical XML 1.0 §3.3 and §3.4 without what needs a DTD; Exclusive C14N §2.2. */
static void as_the_recommendations_show(void **state)
{
    (void)state;
    const struct canonical_method inclusive = {0}, exclusive = {.exclusive = true};
    is_form("<doc><e1   /><e3   name = \"elem3\"   id=\"elem3\"   /><e5 a:attr=\"out\" "
            "b:attr=\"sorted\" attr2=\"all\" attr=\"I'm\" xmlns:b=\"http://www.ietf.org\" "
            "xmlns:a=\"http://www.w3.org\" xmlns=\"http://example.org\"/><e6 xmlns=\"\" "
            "xmlns:a=\"http://www.w3.org\"><e7 xmlns=\"http://www.ietf.org\"><e8 xmlns=\"\" "
            "xmlns:a=\"http://www.w3.org\"/></e7></e6></doc>",
            NULL, &inclusive,
            "<doc><e1></e1><e3 id=\"elem3\" name=\"elem3\"></e3><e5 xmlns=\"http://example.org\" "
            "xmlns:a=\"http://www.w3.org\" xmlns:b=\"http://www.ietf.org\" attr=\"I'm\" "
            "attr2=\"all\" b:attr=\"sorted\" a:attr=\"out\"></e5><e6 xmlns:a=\"http://www.w3.org\">"
            "<e7 xmlns=\"http://www.ietf.org\"><e8 xmlns=\"\"></e8></e7></e6></doc>");
    is_form("<doc><text>First line&#x0d;&#10;Second line</text><value>&#x32;</value><compute>"
            "<![CDATA[value>\"0\" && value<\"10\" ?\"valid\":\"error\"]]></compute></doc>",
            NULL, &inclusive,
            "<doc><text>First line&#xD;\nSecond line</text><value>2</value><compute>value&gt;\"0\" "
            "&amp;&amp; value&lt;\"10\" ?\"valid\":\"error\"</compute></doc>");
    is_form("<n0:pdu xmlns:n0=\"http://a.example\" xml:lang=\"fr\" xml:space=\"preserve\">"
            "<n1:elem2 xmlns:n1=\"http://b.example\" xml:lang=\"en\"><n3:stuff "
            "xmlns:n3=\"ftp://example.org\"/></n1:elem2></n0:pdu>",
            "elem2", &inclusive,
            "<n1:elem2 xmlns:n0=\"http://a.example\" xmlns:n1=\"http://b.example\" xml:lang=\"en\" "
            "xml:space=\"preserve\"><n3:stuff xmlns:n3=\"ftp://example.org\"></n3:stuff>"
            "</n1:elem2>");
    is_form("<n0:pdu xmlns:n0=\"http://a.example\" xml:lang=\"fr\" xml:space=\"preserve\">"
            "<n1:elem2 xmlns:n1=\"http://b.example\" xml:lang=\"en\"><n3:stuff "
            "xmlns:n3=\"ftp://example.org\"/></n1:elem2></n0:pdu>",
            "elem2", &exclusive,
            "<n1:elem2 xmlns:n1=\"http://b.example\" xml:lang=\"en\"><n3:stuff "
            "xmlns:n3=\"ftp://example.org\"></n3:stuff></n1:elem2>");
}

static void as_libxml2_has_it(void **state)
{
    (void)state;
    agrees("<a/>");
    agrees(
        "\xEF\xBB\xBF<!-- before --><a>\xE6\xA1\x9C<!-- in -->\xF0\xA0\xAE\xB7</a><!-- behind -->");
    agrees("<a b='&#9;&#10;&#13;&lt;&gt;&amp;&quot;&apos;\t\n\r\n\"' "
           "c=''>&#9;&#13;\r\n&gt;]]&gt;</a>");
    agrees("<a xmlns='urn:1'><b xmlns=''><c xmlns='urn:1'><d xmlns=''/></c></b><e xmlns=''/></a>");
    agrees("<a xmlns=''><b xmlns='urn:1'><b xmlns='urn:1'/></b></a>");
    agrees("<a:a xmlns:a='urn:1' xmlns='urn:1' a:x='1' x='2' xml:lang='ja'><a xml:lang=''/></a:a>");
    agrees("<a:a xmlns:a='urn:1'><a:b xmlns:a='urn:2'><a:c xmlns:a='urn:1' a:z=''/></a:b></a:a>");
    agrees("<a xmlns:b='urn:1' xmlns:a='urn:1' b:y='' a:x='' xml:id='i'><c a:x='' b:y=''/></a>");
    agrees(
        "<a xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:base='b'><b xml:base='c'/></a>");
    agrees("<a xmlns:a='http://h/?a&amp;b'/>");
    agrees("<a xmlns='relative'/>");
    agrees("<a xmlns:a='urn:1'><b xmlns:b='//host/relative'/></a>");
    agrees("<a xmlns:a='dav:' xmlns:b='tag:example.org,2026:x' xmlns:c='mailto:x'/>");
    agrees("<a xmlns:a='http://h' xmlns:b='http:///x' xmlns:c='URN:x'/>");
}

/* Longer than what the writer gathers, in text, in values and across borders. */
static void long_texts(void **state)
{
    (void)state;
    for (size_t length = 8180; length < 8200; length++) {
        _cleanup_(cleanup_buffer) struct buffer text = {0};
        buffer_append_text(&text, "<a b='");
        memset(buffer_reserve(&text, length), 'x', length);
        buffer_commit(&text, length);
        buffer_append_text(&text, "&amp;'>&amp;");
        memset(buffer_reserve(&text, 3 * length), 'y', 3 * length);
        buffer_commit(&text, 3 * length);
        buffer_append_text(&text, "<b/></a>");
        agrees(buffer_text(&text));
    }
}

static void nest(struct buffer *text, size_t depth)
{
    for (size_t i = 0; i < depth; i++)
        buffer_append_text(text, "<a>");
    for (size_t i = 0; i < depth; i++)
        buffer_append_text(text, "</a>");
}

static void depth_is_bounded(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer text = {0}, form = {0};
    nest(&text, CANONICAL_DEPTH_MAX);
    _cleanup_(cleanup_xml_doc) xmlDoc *tree = parse(buffer_text(&text));
    const struct canonical_method method = {.exclusive = true};
    assert_non_null(tree);
    assert_true(canonical_document(tree, &method, canonical_append, &form));
    xmlNode *outer = xmlNewNode(NULL, BAD_CAST "a"), *root = xmlDocSetRootElement(tree, outer);
    xmlAddChild(outer, root);
    assert_false(canonical_document(tree, &method, canonical_append, &form));
}

/* ---- at random ---- */

static uint32_t seed;

static size_t pick(size_t count)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % count;
}

#define PICK(array) array[pick(sizeof array / sizeof *array)]

static void append_value(struct buffer *text)
{
    static const char *const pieces[] = {"",      "x",     "\t",           "\n",
                                         "&#13;", "&lt;",  "&#9;",         "&quot;",
                                         ">",     "&amp;", "\xE5\x8F\x97", "&#x4ED8;"};
    for (size_t i = pick(4); i > 0; i--)
        buffer_append_text(text, PICK(pieces));
}

/* Declarations in any order, sometimes the same again, sometimes undone; then names that they
 * allow. Everything has a declaration at the root. */
static void append_start(struct buffer *text, const char *name, bool root)
{
    static const char *const prefixes[] = {"a", "b", "c"};
    static const char *const names[] = {"urn:1", "urn:2", "http://h/?a='b'", "urn:2"};
    static const char *const attributes[] = {"x",   "y",        "a:x",      "b:x",
                                             "c:y", "xml:lang", "xml:space"};
    static const char *const defaults[] = {"", "urn:1", "urn:2"};
    buffer_format(text, "<%s", name);
    for (size_t i = 0; i < 3; i++)
        if (root || pick(4) == 0)
            buffer_format(text, " xmlns:%s=\"%s%s\"", prefixes[i], PICK(names), i == 2 ? "3" : "");
    if (pick(3) == 0)
        buffer_format(text, " xmlns='%s'", PICK(defaults));
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
        if (pick(6) == 0) {
            buffer_format(text, " %s='", attributes[i]);
            append_value(text);
            buffer_append_text(text, "'");
        }
    buffer_append_text(text, ">");
}

static void append_element(struct buffer *text, size_t depth)
{
    static const char *const names[] = {"e", "a:e", "b:e", "c:e"};
    static const char *const pieces[] = {"\n",     "&#13;", "<![CDATA[<&>]]>", "<!-- c -->", "&gt;",
                                         "&quot;", "t",     "\xE5\x8F\x97",    " \t"};
    const char *name = PICK(names);
    append_start(text, name, depth == 0);
    for (size_t i = pick(5); i > 0; i--) {
        if (depth < 6 && pick(2) == 0)
            append_element(text, depth + 1);
        else
            buffer_append_text(text, PICK(pieces));
    }
    buffer_format(text, "</%s>", name);
}

static void at_random(void **state)
{
    (void)state;
    size_t documents = 0;
    for (uint32_t i = 0; documents < DOCUMENTS; i++) {
        _cleanup_(cleanup_buffer) struct buffer text = {0};
        seed = i;
        append_element(&text, 0);
        _cleanup_(cleanup_xml_doc) xmlDoc *tree = parse(buffer_text(&text));
        if (!tree) /* two attributes of one expanded name */
            continue;
        agrees(buffer_text(&text));
        documents++;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_the_recommendations_show),
        cmocka_unit_test(as_libxml2_has_it),
        cmocka_unit_test(long_texts),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(at_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
