/* base/xml: every way in which a document is refused, each limit at its edge, and that the tree
 * holds what its canonical form holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <libxml/c14n.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/xml.h"

DEFINE_CLEANUP(cleanup_checks, struct checks *, checks_free)

static const char *reason_within(struct bytes document, const struct xml_limits *limits)
{
    static char reason[64];
    _cleanup_(cleanup_checks) struct checks *checks = checks_new();
    _cleanup_(cleanup_xml_doc) xmlDoc *tree = xml_parse(document, limits, "test.xml", checks);
    assert_true(!tree == (checks_reason(checks) != NULL));
    snprintf(reason, sizeof reason, "%s", tree ? "" : checks_reason(checks));
    return reason;
}

static const char *reason_of(const char *text)
{
    return reason_within(bytes_of_text(text), &XML_LIMITS_DEFAULT);
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"", "xml-malformed"},
        {"   ", "xml-malformed"},
        {"text", "xml-malformed"},
        {"<a>", "xml-malformed"},
        {"<a></b>", "xml-malformed"},
        {"<a/><a/>", "xml-malformed"},
        {"<a/>x", "xml-malformed"},
        {"<a x='1' x='2'/>", "xml-malformed"},
        {"<a x='<'/>", "xml-malformed"},
        {"<a xml:id='no:name' x='1'/>", "xml-malformed"}, /* libxml2 must not go on reading */
        {"<a>&nothing;</a>", "xml-malformed"},
        {"<a>&#0;</a>", "xml-malformed"},
        {"<a>&#xD800;</a>", "xml-malformed"},
        {"<a>\x01</a>", "xml-malformed"},
        {"<a>]]></a>", "xml-malformed"},
        {"<!-- a -- b --><a/>", "xml-malformed"},
        {"<p:a/>", "xml-malformed"}, /* libxml2 itself calls an unbound prefix well-formed */
        {"<a p:x='1'/>", "xml-malformed"},
        {"<a xmlns:p='u' xmlns:q='u' p:x='1' q:x='2'/>", "xml-malformed"},
        {"<?xml version='1.1'?><a/>", "xml-malformed"},
        {" <?xml version='1.0'?><a/>", "xml-malformed"},
        {"<!DOCTYPE a><a/>", "xml-dtd"},
        {"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "xml-dtd"},
        {"<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>", "xml-dtd"},
        {"<!DOCTYPE a [<!ENTITY b 'b'><!ENTITY c '&b;&b;'>]><a>&c;</a>", "xml-dtd"},
        {"<?xml version='1.0'?><!-- x --><!DOCTYPE a []><a/>", "xml-dtd"},
        {"<?xml-stylesheet href='x'?><a/>", "xml-instruction"},
        {"<a><?encoding encoding='x'?></a>", "xml-instruction"},
        {"<a/><?x?>", "xml-instruction"},
        {"<?xml version='1.0' encoding='Shift_JIS'?><a/>", "xml-encoding"},
        {"<?xml version='1.0' encoding = \"UTF-16\" ?><a/>", "xml-encoding"},
        {"<?xml version='1.0' encoding='UTF-7'?><a/>", "xml-encoding"},
        {"<?xml version='1.0' encoding='UTF-8x'?><a/>", "xml-encoding"},
        {"<a>\xff</a>", "xml-encoding"},
        {"<a>\xc0\x80</a>", "xml-encoding"},
        {"<a>\xed\xa0\x80</a>", "xml-encoding"},
        {"<a>\xe6\x97</a>", "xml-encoding"},
        {"\xfe\xff", "xml-encoding"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (strcmp(reason_of(cases[i].text), cases[i].reason) != 0)
            fail_msg("%s: %s", cases[i].text, reason_of(cases[i].text));
}

static void taken(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "<a/>",
        "\xef\xbb\xbf<a/>",
        "<?xml version='1.0'?><a/>",
        "<?xml version=\"1.0\" encoding=\"utf-8\" standalone='yes'?>\r\n<a/>\r\n",
        "<!-- <!DOCTYPE a> --><a><![CDATA[<!DOCTYPE a><?x?>]]></a>",
        "<a x='>' y='&lt;?'>&amp;&#65;</a>",
        "<桜 花='咲'>桜野　花子</桜>",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_string_equal(reason_of(texts[i]), "");
}

static void nul_is_refused(void **state)
{
    (void)state;
    static const char inside[] = "<a>x\0y</a>", behind[] = "<a/>\0";
    static const char utf16[] = "<\0a\0/\0>\0";
    assert_string_equal(reason_within(bytes_of(inside, sizeof inside - 1), &XML_LIMITS_DEFAULT),
                        "xml-encoding");
    assert_string_equal(reason_within(bytes_of(behind, sizeof behind - 1), &XML_LIMITS_DEFAULT),
                        "xml-encoding");
    assert_string_equal(reason_within(bytes_of(utf16, sizeof utf16 - 1), &XML_LIMITS_DEFAULT),
                        "xml-encoding");
}

static void append_times(struct buffer *b, const char *text, int times)
{
    for (int i = 0; i < times; i++)
        buffer_append_text(b, text);
}

static const char *reason_of_depth(int depth, const struct xml_limits *limits)
{
    _cleanup_(cleanup_buffer) struct buffer b = {0};
    append_times(&b, "<a>", depth);
    append_times(&b, "</a>", depth);
    return reason_within(buffer_bytes(&b), limits);
}

static void depth_at_its_edge(void **state)
{
    (void)state;
    assert_string_equal(reason_of_depth(64, &XML_LIMITS_DEFAULT), "");
    assert_string_equal(reason_of_depth(65, &XML_LIMITS_DEFAULT), "xml-too-deep");
    assert_string_equal(reason_of_depth(10000, &XML_LIMITS_DEFAULT), "xml-too-deep");
    struct xml_limits wide = {.size = 1 << 20, .depth = 10000, .nodes = 200000};
    assert_string_equal(reason_of_depth(256, &wide), "");
    assert_string_equal(reason_of_depth(257, &wide), "xml-too-deep");
}

static void size_at_its_edge(void **state)
{
    (void)state;
    struct xml_limits small = {.size = 8, .depth = 4, .nodes = 4};
    assert_string_equal(reason_within(bytes_of_text("<a>1</a>"), &small), "");
    assert_string_equal(reason_within(bytes_of_text("<a>12</a>"), &small), "xml-too-large");
}

static void nodes_at_their_edge(void **state)
{
    (void)state;
    struct xml_limits five = {.size = 1000, .depth = 4, .nodes = 5};
    assert_string_equal(reason_within(bytes_of_text("<a x='' y=''><b/><b/></a>"), &five), "");
    assert_string_equal(reason_within(bytes_of_text("<a x='' y=''><b/><b z=''/></a>"), &five),
                        "xml-too-many-nodes");
    assert_string_equal(reason_within(bytes_of_text("<a xmlns='u'><b/><b/><b/><b/></a>"), &five),
                        "xml-too-many-nodes");
}

static const char *reason_of_attributes(int count, const char *form)
{
    _cleanup_(cleanup_buffer) struct buffer b = {0};
    buffer_append_text(&b, "<a");
    for (int i = 0; i < count; i++)
        buffer_format(&b, form, i, i);
    buffer_append_text(&b, "/>");
    return reason_within(buffer_bytes(&b), &XML_LIMITS_DEFAULT);
}

static void attributes_at_their_edge(void **state)
{
    (void)state;
    assert_string_equal(reason_of_attributes(256, " a%d='>%d'"), "");
    assert_string_equal(reason_of_attributes(257, " a%d=\"%d\""), "xml-too-many-nodes");
    assert_string_equal(reason_of_attributes(100000, " a%d='%d'"), "xml-too-many-nodes");
    assert_string_equal(reason_of_attributes(16, " xmlns:p%d='u%d'"), "");
    assert_string_equal(reason_of_attributes(17, " xmlns:p%d='u%d'"), "xml-too-many-nodes");
}

/* Namespaces count where they are in force, not once they are closed. */
static void namespaces_go_out_of_force(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer b = {0};
    buffer_append_text(&b, "<r>");
    append_times(&b, "<a xmlns='u' xmlns:p='v'><p:b/></a>", 1000);
    buffer_append_text(&b, "</r>");
    assert_string_equal(reason_within(buffer_bytes(&b), &XML_LIMITS_DEFAULT), "");
}

/* A long document is read to its end; a single text beyond libxml2's 10 MB is refused by name. */
static void long_documents(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer b = {0};
    buffer_append_text(&b, "<r>");
    for (int i = 0; i < 120; i++) {
        buffer_append_text(&b, "<a>");
        memset(buffer_reserve(&b, 100000), 'x', 100000);
        buffer_commit(&b, 100000);
        buffer_append_text(&b, "</a>");
    }
    buffer_append_text(&b, "</r>");
    assert_string_equal(reason_within(buffer_bytes(&b), &XML_LIMITS_DEFAULT), "");
    buffer_clear(&b);
    buffer_append_text(&b, "<r>");
    for (int i = 0; i < 11; i++) {
        memset(buffer_reserve(&b, 1 << 20), 'x', 1 << 20);
        buffer_commit(&b, 1 << 20);
        buffer_append_text(&b, "&amp;");
    }
    buffer_append_text(&b, "</r>");
    assert_string_equal(reason_within(buffer_bytes(&b), &XML_LIMITS_DEFAULT), "xml-too-large");
}

static xmlDoc *parse(const char *text)
{
    _cleanup_(cleanup_checks) struct checks *checks = checks_new();
    xmlDoc *tree = xml_parse(bytes_of_text(text), &XML_LIMITS_DEFAULT, "test.xml", checks);
    assert_non_null(tree);
    return tree;
}

static void text_stands_in_one_node(void **state)
{
    (void)state;
    _cleanup_(cleanup_xml_doc) xmlDoc *tree =
        parse("<a>1<!-- not me -->2<![CDATA[<3>]]>&amp;&#52;<!----></a>");
    xmlNode *root = xmlDocGetRootElement(tree);
    assert_string_equal(xml_text(root), "12<3>&4");
    _cleanup_(cleanup_text) char *canonical = NULL;
    xmlChar *bytes = NULL;
    assert_true(xmlC14NDocDumpMemory(tree, NULL, XML_C14N_1_0, NULL, 0, &bytes) > 0);
    canonical = (char *)bytes;
    assert_string_equal(canonical, "<a>12&lt;3&gt;&amp;4</a>");
}

static void reading_a_tree(void **state)
{
    (void)state;
    _cleanup_(cleanup_xml_doc) xmlDoc *tree =
        parse("<a xmlns='u' x='1' y='' xmlns:p='v' p:z='2'> <!-- c --> <b>t</b> <p:b>u</p:b>"
              "<c xmlns=''/></a>");
    const xmlNode *root = xmlDocGetRootElement(tree);
    assert_true(xml_is(root, "u", "a"));
    assert_false(xml_is(root, NULL, "a"));
    assert_false(xml_is(root, "u", "b"));
    assert_false(xml_is(NULL, "u", "a"));
    assert_string_equal(xml_text(xml_child(root, "u", "b")), "t");
    assert_string_equal(xml_text(xml_child(root, "v", "b")), "u");
    assert_string_equal(xml_text(xml_child(root, NULL, "c")), "");
    assert_null(xml_child(root, NULL, "b"));
    assert_ptr_equal(xml_first(root), xml_child(root, "u", "b"));
    assert_ptr_equal(xml_next(xml_first(root)), xml_child(root, "v", "b"));
    assert_null(xml_next(xml_child(root, NULL, "c")));
    assert_null(xml_text(root));
    assert_string_equal(xml_attribute(root, "x"), "1");
    assert_string_equal(xml_attribute(root, "y"), "");
    assert_null(xml_attribute(root, "z"));
}

/* Line and column help an engineer; what stands there is nobody's business. */
static void messages_hold_no_content(void **state)
{
    (void)state;
    _cleanup_(cleanup_checks) struct checks *checks = checks_new();
    const char *text = "<a>\n  <hanako>sakura</taro></a>";
    assert_null(xml_parse(bytes_of_text(text), &XML_LIMITS_DEFAULT, "test.xml", checks));
    assert_non_null(strstr(checks_text(checks), "line 2"));
    assert_null(strstr(checks_text(checks), "hanako"));
    assert_null(strstr(checks_text(checks), "sakura"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused),
        cmocka_unit_test(taken),
        cmocka_unit_test(nul_is_refused),
        cmocka_unit_test(depth_at_its_edge),
        cmocka_unit_test(size_at_its_edge),
        cmocka_unit_test(nodes_at_their_edge),
        cmocka_unit_test(attributes_at_their_edge),
        cmocka_unit_test(namespaces_go_out_of_force),
        cmocka_unit_test(long_documents),
        cmocka_unit_test(text_stands_in_one_node),
        cmocka_unit_test(reading_a_tree),
        cmocka_unit_test(messages_hold_no_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
