/* Files attached to a form: what they are by their content, damaged and disguised ones, and the
 * limits of attachments.xml at their edges. */
#include <string.h>

#include "base/cleanup.h"
#include "base/content.h"
#include "base/text.h"
#include "base/xml.h"
#include "forms/definition.h"
#include "tests/unit/check.h"

#define FOLDER SOURCE_ROOT "/forms/procedures"

#define LITERAL(text)                                                                              \
    {                                                                                              \
        text, sizeof text - 1                                                                      \
    }
static const struct file {
    const char *data;
    size_t length;
} pdf = LITERAL("%PDF-1.7\nxref\nstartxref\n9\n%%EOF"),
  jpeg = LITERAL("\xFF\xD8\xFF\xE0\0\x04JF\xFF\xC0\0\x0B\x08\0\1\0\1\1\1\x11\0"
                 "\xFF\xDA\0\x08\1\1\0\0\x3F\0\x3F\xFF\xD9"),
  png = LITERAL("\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0CRC_"
                "\0\0\0\1IDATxCRC_\0\0\0\0IENDCRC_");

static enum content content(const struct file *file)
{
    return content_of(bytes_of(file->data, file->length));
}

static void test_whole(void **state)
{
    (void)state;
    assert_int_equal(content(&pdf), CONTENT_PDF);
    assert_int_equal(content(&jpeg), CONTENT_JPEG);
    assert_int_equal(content(&png), CONTENT_PNG);
    assert_int_equal(content(&(struct file)LITERAL("")), CONTENT_OTHER);
}

/* Cut short anywhere, in memory of just that length, so that a reader that goes beyond is seen. */
static void test_truncated(void **state)
{
    (void)state;
    const struct file *const all[] = {&pdf, &jpeg, &png};
    for (size_t i = 0; i < 3; i++)
        for (size_t length = 0; length < all[i]->length; length++) {
            uint8_t *part = memory_allocate(length);
            memcpy(part, all[i]->data, length);
            if (content_of(bytes_of(part, length)) != CONTENT_OTHER)
                fail_msg("file %zu, the first %zu bytes", i, length);
            free(part);
        }
}

/* Every bit of what tells the format: another is none of them. Not what may be anything: the
 * version of PDF, the kind of the first JPEG segment. */
static void test_magic(void **state)
{
    (void)state;
    static const struct {
        const struct file *file;
        size_t length;
    } all[] = {{&pdf, 5}, {&jpeg, 3}, {&png, 16}};
    for (size_t i = 0; i < 3; i++)
        for (size_t bit = 0; bit < 8 * all[i].length; bit++) {
            _cleanup_(cleanup_buffer) struct buffer damaged = {0};
            buffer_append(&damaged, all[i].file->data, all[i].file->length);
            damaged.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            if (content_of(buffer_bytes(&damaged)) != CONTENT_OTHER)
                fail_msg("file %zu, bit %zu", i, bit);
        }
}

static void test_damaged(void **state)
{
    (void)state;
    static const struct file all[] = {
        LITERAL("%PDF-1.7\nxref\nstartxref\n99\n%%EOF"), /* leads beyond the end */
        LITERAL("%PDF-1.7\nxref\nstartxref\n99999999999999\n%%EOF"),
        LITERAL("%PDF-1.7\nxref\nstartxref\n0\n%%EOF"),              /* to no cross-reference */
        LITERAL("%PDF-1.7\nxref\nstartxref\n%%EOF"),                 /* nowhere */
        LITERAL("%PDF-1.7\nxref\n%%EOF\nstartxref\n9\n"),            /* ends before it begins */
        LITERAL("%PDF-x.7\nxref\nstartxref\n9\n%%EOF"),              /* no version */
        LITERAL("\n%PDF-1.7\nxref\nstartxref\n9\n%%EOF"),            /* something before it */
        LITERAL("\xFF\xD8\xFF\xDA\0\x08\1\1\0\0\x3F\0\x3F\xFF\xD9"), /* a scan without a frame */
        LITERAL("\xFF\xD8\xFF\xC0\0\1\xFF\xDA\0\2\xFF\xD9"), /* a segment shorter than itself */
        LITERAL("\xFF\xD8\xFF\xC0\xFF\xFF\1\xFF\xDA\0\2\xFF\xD9"), /* … longer than the file */
        LITERAL("\xFF\xD8\xFF\xC4\0\2\xFF\xDA\0\2\xFF\xD9"),       /* tables are no frame */
        LITERAL("\xFF\xD8\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"),       /* nothing but fill */
        LITERAL("\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0CRC_"
                "\0\0\0\0IENDCRC_"), /* no image in it */
        LITERAL("\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0CRC_"
                "\xFF\xFF\xFF\xFFIDATxCRC_\0\0\0\0IENDCRC_"), /* a chunk longer than the file */
        LITERAL("\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0CRC_"
                "\0\0\0\0IDATCRC_\0\0\0\1IENDxCRC_"), /* an end that holds something */
        LITERAL("PK\3\4"),
        LITERAL("<svg xmlns='http://www.w3.org/2000/svg'/>"),
        LITERAL("MZ"),
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (content(&all[i]) != CONTENT_OTHER)
            fail_msg("file %zu", i);
}

/* One file that two programs read as two kinds: it is what its beginning says, or nothing. */
static void test_polyglot(void **state)
{
    (void)state;
    static const struct {
        const struct file *first, *second;
        enum content is;
    } all[] = {
        {&png, &pdf, CONTENT_OTHER}, {&png, &jpeg, CONTENT_OTHER}, {&png, &png, CONTENT_OTHER},
        {&jpeg, &pdf, CONTENT_JPEG}, /* cameras write behind the picture, too */
        {&jpeg, &png, CONTENT_JPEG}, {&pdf, &pdf, CONTENT_PDF}, /* as changed and saved again */
        {&pdf, &png, CONTENT_PDF},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        _cleanup_(cleanup_buffer) struct buffer both = {0};
        buffer_append(&both, all[i].first->data, all[i].first->length);
        buffer_append(&both, all[i].second->data, all[i].second->length);
        if (content_of(buffer_bytes(&both)) != all[i].is)
            fail_msg("pair %zu", i);
    }
}

/* The end of a PDF is looked for in its last 1024 bytes. */
static void test_pdf_end(void **state)
{
    (void)state;
    for (size_t behind = 1000; behind <= 1030; behind++) {
        _cleanup_(cleanup_buffer) struct buffer padded = {0};
        buffer_append(&padded, pdf.data, pdf.length);
        memset(buffer_reserve(&padded, behind), '\n', behind);
        buffer_commit(&padded, behind);
        bool near = behind + strlen("startxref\n9\n%%EOF") <= 1024;
        assert_int_equal(content_of(buffer_bytes(&padded)), near ? CONTENT_PDF : CONTENT_OTHER);
    }
}

/* A moving picture behind a photograph: it is the photograph. A PNG ends where it ends. */
static void test_behind_the_end(void **state)
{
    (void)state;
    static const char more[] = "\0\0\0\x18"
                               "ftypmp42%PDF-1.7\nxref\nstartxref\n9\n%%EOF";
    const struct file *const all[] = {&jpeg, &png};
    for (size_t i = 0; i < 2; i++) {
        _cleanup_(cleanup_buffer) struct buffer longer = {0};
        buffer_append(&longer, all[i]->data, all[i]->length);
        buffer_append(&longer, more, sizeof more);
        assert_int_equal(content_of(buffer_bytes(&longer)), i == 0 ? CONTENT_JPEG : CONTENT_OTHER);
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_true(content_fits_name(CONTENT_JPEG, "a-1.jpg"));
    assert_true(content_fits_name(CONTENT_JPEG, "a-1.JPEG"));
    assert_true(content_fits_name(CONTENT_PDF, "a-1.png.pdf"));
    assert_false(content_fits_name(CONTENT_PDF, "a-1.pdf.png"));
    assert_false(content_fits_name(CONTENT_PNG, "a-1.jpg"));
    assert_false(content_fits_name(CONTENT_PDF, "pdf"));
    assert_false(content_fits_name(CONTENT_OTHER, "a-1."));
}

/* ---- limits of a document ---- */

/* household: three files of ten megabytes at most; twenty in all. */
static const struct procedure *separate_living(struct procedures **ret_procedures)
{
    struct failure f = {0};
    if (!procedures_load(FOLDER, ret_procedures, &f))
        fail_msg("%s", f.text);
    return procedures_find(*ret_procedures, "child-allowance.separate-living", "1");
}

static xmlDoc *good_form(void)
{
    _cleanup_(cleanup_buffer) struct buffer content = {0};
    struct failure f = {0};
    assert_true(definition_file_read(FOLDER "/child-allowance/separate-living/examples/good.xml",
                                     &content, &f));
    struct checks *checks = checks_new();
    xmlDoc *form = xml_parse(buffer_bytes(&content), &XML_LIMITS_DEFAULT, "form", checks);
    checks_free(checks);
    return form;
}

/* The reason for which a form with these files is refused; "" when it is taken. */
static void expect(const struct form_attachment *files, size_t count, const char *reason)
{
    struct procedures *procedures;
    const struct procedure *procedure = separate_living(&procedures);
    _cleanup_(cleanup_xml_doc) xmlDoc *form = good_form();
    _cleanup_(cleanup_json) json_t *findings = NULL, *record = NULL;
    struct form_input input = {.form = form, .attachments = files, .attachment_count = count};
    struct checks *checks = checks_new();
    assert_true(instant_parse("2026-11-21T09:00:00+09:00", &input.applied_at));
    record = form_read(procedure, &input, checks, &findings);
    assert_string_equal(checks_reason(checks) ? checks_reason(checks) : "", reason);
    assert_int_equal(record != NULL, !*reason);
    checks_free(checks);
    procedures_free(procedures);
}

static void expect_one(const char *name, struct bytes content, const char *reason)
{
    expect(&(struct form_attachment){name, content}, 1, reason);
}

static void test_kinds(void **state)
{
    (void)state;
    struct bytes good = bytes_of(pdf.data, pdf.length);
    expect_one("attachments/household-1.pdf", good, "");
    expect_one("attachments/household-1.png", good, "attachment-format");
    expect_one("attachments/household-1.pdf", bytes_of_text("%PDF-1.7"), "attachment-format");
    expect_one("attachments/household-1.pdf", bytes_of("", 0), "attachment-format");
    expect_one("attachments/household.pdf", good, "attachment-unknown");
    expect_one("attachments/household-1/a.pdf", good, "attachment-unknown");
    expect_one("attachments/school-1.pdf", good, "attachment-unknown");
}

static void test_size(void **state)
{
    (void)state;
    const size_t most = 10485760;
    for (size_t length = most; length <= most + 1; length++) {
        _cleanup_(cleanup_buffer) struct buffer file = {0};
        buffer_append_text(&file, "%PDF-1.7\nxref\n");
        size_t rest = length - file.length;
        char *end = (char *)buffer_reserve(&file, rest);
        memset(end, ' ', rest);
        memcpy(end + rest - 17, "startxref\n9\n%%EOF", 17);
        buffer_commit(&file, rest);
        expect_one("attachments/household-1.pdf", buffer_bytes(&file),
                   length == most ? "" : "attachment-too-large");
    }
}

static void test_count(void **state)
{
    (void)state;
    struct bytes good = bytes_of(pdf.data, pdf.length);
    const struct form_attachment files[] = {{"attachments/household-1.pdf", good},
                                            {"attachments/household-2.pdf", good},
                                            {"attachments/household-3.pdf", good},
                                            {"attachments/household-4.pdf", good}};
    expect(files, 3, "");
    expect(files, 4, "attachment-too-many");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),          cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_magic),          cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_polyglot),       cmocka_unit_test(test_pdf_end),
        cmocka_unit_test(test_names),          cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_size),           cmocka_unit_test(test_count),
        cmocka_unit_test(test_behind_the_end),
    };
    return cmocka_run_group_tests_name("attachments", tests, NULL, NULL);
}
