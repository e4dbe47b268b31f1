/* The examples of all procedures, and definitions that are broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/xml.h"
#include "forms/procedure.h"

#define PROCEDURES SOURCE_ROOT "/forms/procedures"

static struct procedures *loaded(void)
{
    struct failure f = {0};
    struct procedures *procedures;
    if (!procedures_load(PROCEDURES, &procedures, &f))
        fail_msg("%s", f.text);
    return procedures;
}

static void content_of(const char *path, struct buffer *ret_content)
{
    _cleanup_(cleanup_file) FILE *file = fopen(path, "r");
    char block[4096];
    size_t length;
    assert_non_null(file);
    while ((length = fread(block, 1, sizeof block, file)) > 0)
        buffer_append(ret_content, block, length);
}

static void put_content(const char *path, struct bytes content)
{
    _cleanup_(cleanup_file) FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(content.data, 1, content.length, file), content.length);
}

/* "child-allowance.certification-claim" stands in child-allowance/certification-claim. */
static char *examples_of(const struct procedure *procedure)
{
    char *path = text_format(PROCEDURES "/%s/examples", procedure_id(procedure));
    char *dot = strchr(path + strlen(PROCEDURES) + 1, '.');
    assert_non_null(dot);
    *dot = '/';
    return path;
}

/* All that `uketsuke forms check` looks for: all examples and cases come out as they say. */
static void test_check(void **state)
{
    (void)state;
    struct failure f = {0};
    _cleanup_(cleanup_json) json_t *all = NULL;
    size_t i;
    json_t *one;
    if (!procedures_check(PROCEDURES, &all, &f))
        fail_msg("%s", f.text);
    assert_true(json_array_size(all) > 0);
    json_array_foreach (all, i, one) {
        if (json_array_size(json_object_get(one, "problems")) > 0)
            fail_msg("%s", json_dumps(one, 0));
    }
}

static void test_accessors(void **state)
{
    (void)state;
    struct procedures *procedures = loaded();
    const struct procedure *claim =
        procedures_find(procedures, "child-allowance.certification-claim", "1");
    assert_non_null(claim);
    assert_null(procedures_find(procedures, "child-allowance.certification-claim", "2"));
    assert_null(procedures_find(procedures, "child-allowance", "1"));
    assert_string_equal(procedure_version(claim), "1");
    assert_true(procedure_signature_required(claim));
    assert_string_equal(procedure_label(claim, "claimant/birth-date"), "生年月日");
    assert_null(procedure_label(claim, "claimant/nickname"));
    assert_string_equal(procedure_value_label(claim, "claimant/sex", "2"), "女");
    assert_null(procedure_value_label(claim, "claimant/sex", "4"));
    procedures_free(procedures);
}

static void test_record_for(void **state)
{
    (void)state;
    struct procedures *procedures = loaded();
    const struct procedure *claim = procedures_at(procedures, 0);
    _cleanup_(cleanup_text) char *folder = examples_of(claim);
    _cleanup_(cleanup_text) char *path = text_format("%s/good.json", folder);
    _cleanup_(cleanup_json) json_t *expected = json_load_file(path, 0, NULL);
    const json_t *record = json_object_get(expected, "record");
    _cleanup_(cleanup_json) json_t *own = record_for(claim, record, "child-allowance");
    assert_true(json_equal(own, record));
    _cleanup_(cleanup_json) json_t *other = record_for(claim, record, "health");
    assert_int_equal(json_object_size(other), 2); /* procedure and version: nothing of the form */
    _cleanup_(cleanup_json) json_t *nobody = record_for(claim, record, "");
    assert_int_equal(json_object_size(nobody), 2);
    procedures_free(procedures);
}

/* ---- broken definitions ---- */

static char copy[] = "/tmp/procedure_test.XXXXXX";
static const char *const files[] = {"procedure.xml", "form.xsd",  "labels.xml",
                                    "record.xml",    "rules.xml", "attachments.xml"};

static char *copy_path(const char *file)
{
    return text_format("%s/child-allowance/certification-claim/%s", copy, file);
}

static void restore(void)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        _cleanup_(cleanup_text) char *from =
            text_format(PROCEDURES "/child-allowance/certification-claim/%s", files[i]);
        _cleanup_(cleanup_text) char *to = copy_path(files[i]);
        _cleanup_(cleanup_buffer) struct buffer content = {0};
        content_of(from, &content);
        put_content(to, buffer_bytes(&content));
    }
}

static int make_copy(void **state)
{
    (void)state;
    _cleanup_(cleanup_text) char *area = NULL, *folder = NULL;
    if (!mkdtemp(copy))
        return -1;
    area = text_format("%s/child-allowance", copy);
    folder = copy_path("");
    return mkdir(area, 0700) || mkdir(folder, 0700);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st, (void)type, (void)walk;
    return remove(path);
}

static int remove_copy(void **state)
{
    (void)state;
    return nftw(copy, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Puts `after` in the place of `before` in one file. */
static void change(const char *file, const char *before, const char *after)
{
    _cleanup_(cleanup_text) char *path = copy_path(file);
    _cleanup_(cleanup_buffer) struct buffer content = {0}, changed = {0};
    content_of(path, &content);
    const char *text = buffer_text(&content), *at = strstr(text, before);
    assert_non_null(at);
    buffer_append(&changed, text, (size_t)(at - text));
    buffer_append_text(&changed, after);
    buffer_append_text(&changed, at + strlen(before));
    put_content(path, buffer_bytes(&changed));
}

/* Loading must fail and say `where`. */
static void breaks(const char *file, const char *before, const char *after, const char *where)
{
    restore();
    change(file, before, after);
    struct failure f = {0};
    struct procedures *procedures = NULL;
    if (procedures_load(copy, &procedures, &f))
        fail_msg("%s loads with %s", file, after);
    assert_null(procedures);
    if (!strstr(f.text, where))
        fail_msg("\"%s\" does not say \"%s\"", f.text, where);
}

static void test_broken(void **state)
{
    (void)state;
    breaks("procedure.xml", "required=\"true\"", "required=\"maybe\"", "procedure.xml:11: ");
    breaks("procedure.xml", "certification-claim\"", "other\"", "belongs into another folder");
    breaks("procedure.xml", "<signature", "<colour/><signature", "procedure.xml:11: ");
    breaks("procedure.xml", "</procedure>", "", "not well-formed");
    breaks("form.xsd", "targetNamespace=\"urn", "targetNamespace=\"xrn", "form.xsd:7: ");
    breaks("form.xsd", "type=\"kana\"", "type=\"kanna\"", "form.xsd:");
    breaks("form.xsd", "maxOccurs=\"20\"", "maxOccurs=\"unbounded\"", "up to 1000");
    breaks("form.xsd", "<xs:simpleType name=\"name\">",
           "<xs:import namespace=\"x\" schemaLocation=\"http://localhost/\"/>"
           "<xs:simpleType name=\"name\">",
           "form.xsd:12: only simpleType");
    breaks("form.xsd", "name=\"name-kana\" type", "name=\"name\" type", "side by side");
    breaks("labels.xml", "<label item=\"claimant/birth-date\">生年月日</label>", "",
           "claimant/birth-date");
    breaks("labels.xml", "claimant/sex", "claimant/six", "labels.xml:7: ");
    breaks("labels.xml", "item=\"claimant/name-kana\"", "item=\"claimant/name\"", "labels.xml:5: ");
    breaks("record.xml", "check=\"kojinbango\"", "check=\"kojinbangou\"", "record.xml:11: ");
    breaks("record.xml", "from=\"name-kana\"", "from=\"kana\"", "record.xml:5: ");
    breaks("record.xml", "name=\"name_kana\"", "name=\"name\"", "record.xml:5: ");
    breaks("record.xml", "name=\"birth_date\"", "name=\"birth\"", "claimant with name");
    breaks("record.xml", "<list name=\"children\" from=\"children/child\">",
           "<list name=\"children\" from=\"children\">", "record.xml:28: ");
    breaks("record.xml", "from=\"occupation\"", "from=\"occupation\" chek=\"date\"",
           "record.xml:12: ");
    breaks("rules.xml", "item=\"account/kind\"", "item=\"account/sort\"", "rules.xml:");
}

static void test_stray_file(void **state)
{
    (void)state;
    restore();
    _cleanup_(cleanup_text) char *path = copy_path("record.xml.old");
    put_content(path, bytes_of_text("<record/>"));
    struct failure f = {0};
    struct procedures *procedures = NULL;
    assert_false(procedures_load(copy, &procedures, &f));
    assert_non_null(strstr(f.text, "record.xml.old"));
    assert_int_equal(remove(path), 0);
    assert_true(procedures_load(copy, &procedures, &f));
    procedures_free(procedures);
}

/* What loading does not see is told with file and line as well. */
static void test_lines(void **state)
{
    (void)state;
    restore();
    struct failure f = {0};
    _cleanup_(cleanup_json) json_t *all = NULL;
    change("labels.xml", "<value item=\"claimant/sex\" is=\"2\">女</value>", "");
    change("record.xml", " to=\"child-allowance\"", "");
    assert_true(procedures_check(copy, &all, &f));
    _cleanup_(cleanup_text) char *text = json_dumps(all, JSON_COMPACT);
    const json_t *problems = json_object_get(json_array_get(all, 0), "problems");
    bool label = false, destination = false;
    size_t i;
    json_t *one;
    json_array_foreach ((json_t *)problems, i, one) {
        const char *file = json_string_value(json_object_get(one, "file"));
        bool line = json_integer_value(json_object_get(one, "line")) > 0;
        const char *what = json_string_value(json_object_get(one, "problem"));
        label |= line && !strcmp(file, "form.xsd") && strstr(what, "\"2\" of claimant/sex");
        destination |=
            line && !strcmp(file, "record.xml") && strstr(what, "goes to no destination");
    }
    if (!label || !destination)
        fail_msg("%s", text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),     cmocka_unit_test(test_check),
        cmocka_unit_test(test_accessors), cmocka_unit_test(test_record_for),
        cmocka_unit_test(test_broken),    cmocka_unit_test(test_stray_file),
    };
    return cmocka_run_group_tests(tests, make_copy, remove_copy);
}
