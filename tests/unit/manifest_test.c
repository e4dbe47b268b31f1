/* The package's manifest: what it says is what is there, and nothing else is read. */
#include "tests/unit/package_support.h"

static void test_members_and_manifest(void **state)
{
    (void)state;
    const struct test_part parts[] = {part("application.xml", FORM),
                                      part("attachments/1.pdf", PDF)};
    _cleanup_(cleanup_buffer) struct buffer xml = {0}, zip = {0};
    test_manifest_write(NULL, parts, 2, &xml);
    const struct test_part missing[] = {part("manifest.xml", buffer_text(&xml)), parts[0]};
    test_zip_write(missing, 2, &zip);
    is(&zip, "package-member-missing");
    buffer_clear(&zip);
    const struct test_part extra[] = {part("manifest.xml", buffer_text(&xml)), parts[0], parts[1],
                                      part("attachments/2.pdf", PDF)};
    test_zip_write(extra, 4, &zip);
    is(&zip, "package-member-extra");
    buffer_clear(&zip);
    test_zip_write(parts, 2, &zip); /* no manifest */
    is(&zip, "package-member-missing");
    parts_are(parts + 1, 1, "package-member-missing"); /* no form */
}

static void test_size_and_hash(void **state)
{
    (void)state;
    static const struct {
        const char *content, *reason;
    } changed[] = {{"%PDF-1.7 \xe2\x80\xa5", "package-member-hash"},
                   {"%PDF-1.7 longer", "package-member-size"}};
    const struct test_part listed[] = {part("application.xml", FORM),
                                       part("attachments/1.pdf", PDF)};
    for (size_t i = 0; i < COUNT(changed); i++) {
        _cleanup_(cleanup_buffer) struct buffer xml = {0}, zip = {0};
        test_manifest_write(NULL, listed, 2, &xml);
        const struct test_part found[] = {part("manifest.xml", buffer_text(&xml)), listed[0],
                                          part("attachments/1.pdf", changed[i].content)};
        test_zip_write(found, 3, &zip);
        is(&zip, changed[i].reason);
    }
}

static void manifest_is(struct test_manifest manifest, const char *reason)
{
    const struct test_part parts[] = {part("application.xml", FORM)};
    _cleanup_(cleanup_buffer) struct buffer zip = {0};
    test_package_write(&manifest, parts, 1, &zip);
    is(&zip, reason);
}

static void test_manifest_items(void **state)
{
    (void)state;
    static const char malformed[] = "manifest-malformed";
    manifest_is((struct test_manifest){.role = "agent"}, "");
    manifest_is((struct test_manifest){.role = "Self"}, malformed);
    manifest_is((struct test_manifest){.city_code = "992012"}, malformed);
    manifest_is((struct test_manifest){.city_code = "99201"}, malformed);
    manifest_is((struct test_manifest){.receipt_number = ""}, malformed);
    manifest_is((struct test_manifest){.receipt_number = "a/b"}, malformed);
    manifest_is((struct test_manifest){.applied_at = "2026-11-21"}, malformed);
    manifest_is((struct test_manifest){.applied_at = "2026-11-21T09:00:00"}, malformed);
    manifest_is((struct test_manifest){.applied_at = "2026-11-31T09:00:00+09:00"}, malformed);
    manifest_is((struct test_manifest){.procedure = ""}, malformed);
    manifest_is((struct test_manifest){.procedure = "a b"}, malformed);
    manifest_is((struct test_manifest){.form_version = "12345678901234567"}, malformed);
    manifest_is((struct test_manifest){.form_version = "1234567890123456"}, "");
    manifest_is((struct test_manifest){.receipt_number = "<x/>"}, malformed);
    manifest_is((struct test_manifest){.attributes = " corrects=\"20261120-7\""}, "");
    manifest_is((struct test_manifest){.attributes = " corrects=\"\""}, malformed);
    manifest_is((struct test_manifest){.attributes = " corrects=\"a b\""}, malformed);
    manifest_is((struct test_manifest){.attributes = " instead=\"a\""}, malformed);
    manifest_is((struct test_manifest){.attributes = " corrects=\"a\" instead=\"a\""}, malformed);
}

static void test_manifest_members(void **state)
{
    (void)state;
    static const char malformed[] = "manifest-malformed";
#define HASH "sha256=\"0000000000000000000000000000000000000000000000000000000000000000\""
    manifest_is((struct test_manifest){.members = "<member name=\"../x\" size=\"1\" " HASH "/>"},
                malformed);
    manifest_is((struct test_manifest){.members = "<member name=\"x\" size=\"-1\" " HASH "/>"},
                malformed);
    manifest_is((struct test_manifest){.members = "<member name=\"x\" size=\"1e3\" " HASH "/>"},
                malformed);
    manifest_is((struct test_manifest){.members = "<member name=\"x\" size=\"1\"/>"}, malformed);
    manifest_is((struct test_manifest){.members = "<member name=\"x\" size=\"1\" sha256=\"0\"/>"},
                malformed);
    manifest_is((struct test_manifest){.members = "<file name=\"x\" size=\"1\" " HASH "/>"},
                malformed);
    manifest_is((struct test_manifest){.members = "<member name=\"x\" size=\"1\" " HASH
                                                  "/><member name=\"x\" size=\"1\" " HASH "/>"},
                "package-duplicate-member");
    manifest_is((struct test_manifest){.members = "<member name=\"x\" size=\"1\" " HASH "/>"},
                "package-member-missing");
}

static void manifest_text_is(const char *text, size_t length, const char *reason)
{
    const struct test_part parts[] = {{"manifest.xml", bytes_of(text, length), true},
                                      part("application.xml", FORM)};
    _cleanup_(cleanup_buffer) struct buffer zip = {0};
    test_zip_write(parts, 2, &zip);
    is(&zip, reason);
}

static void test_manifest_xml(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"", "xml-malformed"},
        {"<manifest", "xml-malformed"},
        {"<!DOCTYPE manifest [<!ENTITY a \"b\">]><manifest>&a;</manifest>", "xml-dtd"},
        {"<!DOCTYPE m SYSTEM \"file:///etc/passwd\"><m/>", "xml-dtd"},
        {"<?php x?><manifest/>", "xml-instruction"},
        {"<manifest>\xff</manifest>", "xml-encoding"},
        {"<manifest/>", "manifest-malformed"},
        {"<manifest xmlns=\"urn:uketsuke:pittari-1:manifest\" version=\"2\"/>",
         "manifest-malformed"},
        {"<manifest xmlns=\"urn:uketsuke:pittari-1:manifest\" version=\"1\"/>",
         "manifest-malformed"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        manifest_text_is(cases[i].text, strlen(cases[i].text), cases[i].reason);
    _cleanup_(cleanup_buffer) struct buffer deep = {0};
    for (int i = 0; i < 10000; i++)
        buffer_append_text(&deep, "<a>");
    for (int i = 0; i < 10000; i++)
        buffer_append_text(&deep, "</a>");
    manifest_text_is((char *)deep.data, deep.length, "xml-too-deep");
}

int main(void)
{
    xml_initialize();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_and_manifest), cmocka_unit_test(test_size_and_hash),
        cmocka_unit_test(test_manifest_items),       cmocka_unit_test(test_manifest_members),
        cmocka_unit_test(test_manifest_xml),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
