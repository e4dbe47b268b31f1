#include "tests/support/package.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <zip.h>

#include "base/cleanup.h"
#include "base/text.h"

#define OR(value, usual) ((value) ? (value) : (usual))

void test_manifest_write(const struct test_manifest *manifest, const struct test_part *parts,
                         size_t count, struct buffer *ret_xml)
{
    const struct test_manifest usual = {0}, *m = OR(manifest, &usual);
    buffer_format(ret_xml,
                  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                  "<manifest xmlns=\"urn:uketsuke:pittari-1:manifest\" version=\"1\"%s>\n"
                  "  <receipt-number>%s</receipt-number>\n  <city-code>%s</city-code>\n"
                  "  <procedure id=\"%s\" form-version=\"%s\"/>\n"
                  "  <applied-at>%s</applied-at>\n  <applicant-role>%s</applicant-role>\n"
                  "  <members>\n",
                  OR(m->attributes, ""), OR(m->receipt_number, TEST_RECEIPT),
                  OR(m->city_code, TEST_CITY), OR(m->procedure, TEST_PROCEDURE),
                  OR(m->form_version, "1"), OR(m->applied_at, TEST_APPLIED_AT),
                  OR(m->role, "self"));
    for (size_t i = 0; i < count && !m->members; i++) {
        char hash[65];
        sha256_hex(parts[i].content, hash);
        buffer_format(ret_xml, "    <member name=\"%s\" size=\"%zu\" sha256=\"%s\"/>\n",
                      parts[i].name, parts[i].content.length, hash);
    }
    buffer_append_text(ret_xml, OR(m->members, ""));
    buffer_append_text(ret_xml, "  </members>\n</manifest>\n");
}

void test_zip_write(const struct test_part *parts, size_t count, struct buffer *ret_zip)
{
    zip_source_t *out = zip_source_buffer_create(NULL, 0, 0, NULL);
    assert_non_null(out);
    zip_source_keep(out);
    zip_t *archive = zip_open_from_source(out, ZIP_TRUNCATE, NULL);
    assert_non_null(archive);
    for (size_t i = 0; i < count; i++) {
        zip_source_t *in =
            zip_source_buffer(archive, parts[i].content.data, parts[i].content.length, 0);
        zip_int64_t index = zip_file_add(archive, parts[i].name, in, ZIP_FL_ENC_UTF_8);
        assert_true(index >= 0);
        zip_int32_t method = parts[i].stored ? ZIP_CM_STORE : ZIP_CM_DEFLATE;
        assert_int_equal(zip_set_file_compression(archive, (zip_uint64_t)index, method, 0), 0);
    }
    assert_int_equal(zip_close(archive), 0);
    assert_int_equal(zip_source_open(out), 0);
    zip_stat_t st;
    assert_int_equal(zip_source_stat(out, &st), 0);
    uint8_t *to = buffer_reserve(ret_zip, st.size);
    assert_int_equal(zip_source_read(out, to, st.size), (zip_int64_t)st.size);
    buffer_commit(ret_zip, st.size);
    zip_source_close(out);
    zip_source_free(out);
}

void test_package_write(const struct test_manifest *manifest, const struct test_part *parts,
                        size_t count, struct buffer *ret_zip)
{
    _cleanup_(cleanup_buffer) struct buffer xml = {0};
    test_manifest_write(manifest, parts, count, &xml);
    struct test_part *all = memory_allocate((count + 1) * sizeof *all);
    all[0] = (struct test_part){"manifest.xml", buffer_bytes(&xml), false};
    for (size_t i = 0; i < count; i++)
        all[i + 1] = parts[i];
    test_zip_write(all, count + 1, ret_zip);
    free(all);
}

static unsigned get16(struct bytes zip, size_t at)
{
    return zip.data[at] | (unsigned)zip.data[at + 1] << 8;
}

static size_t get32(struct bytes zip, size_t at)
{
    return get16(zip, at) | (size_t)get16(zip, at + 2) << 16;
}

size_t test_zip_central(struct bytes zip, size_t index)
{
    size_t at = get32(zip, zip.length - 6);
    for (; index > 0; index--)
        at += 46 + get16(zip, at + 28) + get16(zip, at + 30) + get16(zip, at + 32);
    assert_memory_equal(zip.data + at, "PK\1\2", 4);
    return at;
}

size_t test_zip_local(struct bytes zip, size_t index)
{
    size_t at = get32(zip, test_zip_central(zip, index) + 42);
    assert_memory_equal(zip.data + at, "PK\3\4", 4);
    return at;
}

void test_put16(struct buffer *zip, size_t at, unsigned value)
{
    zip->data[at] = (uint8_t)value;
    zip->data[at + 1] = (uint8_t)(value >> 8);
}

void test_put32(struct buffer *zip, size_t at, uint32_t value)
{
    test_put16(zip, at, value & 0xffff);
    test_put16(zip, at + 2, value >> 16);
}

void test_zip_rename(struct buffer *zip, size_t index, const char *name, size_t length)
{
    size_t central = test_zip_central(buffer_bytes(zip), index);
    size_t local = test_zip_local(buffer_bytes(zip), index);
    assert_int_equal(get16(buffer_bytes(zip), central + 28), length);
    memcpy(zip->data + central + 46, name, length);
    memcpy(zip->data + local + 30, name, length);
}

void test_file_read(const char *path, struct buffer *ret_content)
{
    _cleanup_(cleanup_file) FILE *file = fopen(path, "re");
    char block[4096];
    size_t length;
    assert_non_null(file);
    while ((length = fread(block, 1, sizeof block, file)) > 0)
        buffer_append(ret_content, block, length);
}
