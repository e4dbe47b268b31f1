/* The package as hostile input: every refusal of the archive by its name, every limit at its edge.
 */
#include "tests/unit/package_support.h"

static void test_good(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer zip = {0};
    good_package(&zip);
    struct checks *checks = checks_new();
    struct package_limits limits = package_limits_default();
    struct package *package = package_open(buffer_bytes(&zip), &limits, checks);
    assert_non_null(package);
    assert_int_equal(checks_indication(checks), TOTAL_PASSED);
    assert_string_equal(package->receipt_number, TEST_RECEIPT);
    assert_string_equal(package->city_code, TEST_CITY);
    assert_string_equal(package->procedure_id, TEST_PROCEDURE);
    assert_string_equal(package->form_version, "1");
    assert_false(package->by_agent);
    assert_int_equal(package->member_count, 6);
    assert_string_equal(package->members[0].name, "application.xml");
    const struct package_member *member = package_find(package, "attachments/2.png");
    assert_true(bytes_equal(buffer_bytes(&member->bytes), bytes_of_text(PNG)));
    uint8_t hash[32];
    sha256(buffer_bytes(&member->bytes), hash);
    assert_memory_equal(member->sha256, hash, sizeof hash);
    assert_null(package_find(package, "manifest.xml"));
    package_free(package);
    checks_free(checks);
}

/* Cut off anywhere, a package is never one. */
static void test_truncated(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer zip = {0};
    good_package(&zip);
    for (size_t length = 0; length < zip.length; length++)
        assert_string_equal(reason_of(bytes_of(zip.data, length), NULL), "package-not-zip");
    buffer_append(&zip, "", 1);
    is(&zip, "package-not-zip");
}

/* One flipped bit anywhere is refused or changes nothing that is read; nothing breaks. */
static void test_flipped(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer zip = {0};
    good_package(&zip);
    size_t refused = 0;
    for (size_t i = 0; i < zip.length * 8; i += 3) {
        zip.data[i / 8] ^= (uint8_t)(1u << (i % 8));
        refused += *reason_of(buffer_bytes(&zip), NULL) != 0;
        zip.data[i / 8] ^= (uint8_t)(1u << (i % 8));
    }
    assert_true(refused > zip.length * 8 / 3 / 2);
    is(&zip, "");
}

static void test_not_zip(void **state)
{
    (void)state;
    static const char other[] = "this is some text, long enough to hold an end record";
    assert_string_equal(reason_of(bytes_of_text(other), NULL), "package-not-zip");
    assert_string_equal(reason_of(bytes_of(NULL, 0), NULL), "package-not-zip");
    _cleanup_(cleanup_buffer) struct buffer zip = {0}, shifted = {0};
    good_package(&zip);
    buffer_append_text(&shifted, "#!"); /* bytes in front, offsets right */
    buffer_append(&shifted, zip.data, zip.length);
    uint32_t offset = (uint32_t)test_zip_central(buffer_bytes(&zip), 0);
    test_put32(&shifted, shifted.length - 6, offset + 2);
    is(&shifted, "package-not-zip");
    buffer_append(&zip, "c", 1); /* a comment */
    test_put16(&zip, zip.length - 3, 1);
    is(&zip, "package-not-zip");
}

static void test_end_record(void **state)
{
    (void)state;
    static const struct {
        size_t from_end;
        unsigned value;
    } bent[] = {{18, 1}, {16, 1}, {14, 6}, {14, 8}, {12, 6}, {10, 0}, {6, 0}, {6, 0xffff}};
    for (size_t i = 0; i < COUNT(bent); i++) {
        _cleanup_(cleanup_buffer) struct buffer zip = {0};
        good_package(&zip);
        test_put16(&zip, zip.length - bent[i].from_end, bent[i].value);
        is(&zip, "package-not-zip");
    }
    _cleanup_(cleanup_buffer) struct buffer zip = {0};
    good_package(&zip); /* fewer members than there are, in both counts */
    test_put16(&zip, zip.length - 14, 6);
    test_put16(&zip, zip.length - 12, 6);
    is(&zip, "package-not-zip");
    test_put16(&zip, zip.length - 14, 0xffff);
    test_put16(&zip, zip.length - 12, 0xffff);
    is(&zip, "package-not-zip"); /* ZIP64 */
}

/* What the central directory says and the local header denies. */
static void test_contradiction(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer zip = {0};
    good_package(&zip);
    memcpy(zip.data + test_zip_local(buffer_bytes(&zip), 1) + 30, "applicatioN.xml", 15);
    is(&zip, "package-not-zip");
}

static void insert(struct buffer *zip, size_t at, const void *data, size_t length)
{
    struct buffer copy = {0};
    buffer_append(&copy, zip->data, at);
    buffer_append(&copy, data, length);
    buffer_append(&copy, zip->data + at, zip->length - at);
    buffer_free(zip);
    *zip = copy;
}

static uint32_t get32(const struct buffer *zip, size_t at)
{
    const uint8_t *p = zip->data + at;
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Bytes in front of the local header of member `index` (7: behind the last), and a directory that
 * knows where all has gone to. */
static void shifted_package(size_t index, const void *data, size_t length, struct buffer *ret_zip)
{
    good_package(ret_zip);
    size_t end = ret_zip->length - 22, directory = get32(ret_zip, end + 16);
    size_t at = index < 7 ? test_zip_local(buffer_bytes(ret_zip), index) : directory;
    for (size_t i = index; i < 7; i++) {
        size_t central = test_zip_central(buffer_bytes(ret_zip), i);
        test_put32(ret_zip, central + 42, get32(ret_zip, central + 42) + (uint32_t)length);
    }
    test_put32(ret_zip, end + 16, (uint32_t)(directory + length));
    insert(ret_zip, at, data, length);
}

/* A member that stands in no directory: who reads from the front finds it. */
static void test_hidden_member(void **state)
{
    (void)state;
    static const char hidden[] = "PK\3\4\24\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                 "\17\0\0\0application.xml";
    for (size_t index = 0; index <= 7; index++) {
        _cleanup_(cleanup_buffer) struct buffer zip = {0};
        shifted_package(index, hidden, sizeof hidden - 1, &zip);
        is(&zip, "package-not-zip");
    }
}

/* Member 2 as one that was written without going back: its sizes stand behind its data. `data` is
 * put behind what inflates. */
static void streamed_package(const char *data, bool marked, struct buffer *ret_zip)
{
    _cleanup_(cleanup_buffer) struct buffer rest = {0};
    good_package(ret_zip);
    size_t central = test_zip_central(buffer_bytes(ret_zip), 2);
    uint32_t size = get32(ret_zip, central + 20) + (uint32_t)strlen(data);
    uint8_t sizes[12];
    memcpy(sizes, ret_zip->data + central + 16, sizeof sizes);
    memcpy(sizes + 4, &size, 4); /* the machines that this runs on are little-endian */
    buffer_append(&rest, data, strlen(data));
    if (marked)
        buffer_append(&rest, "PK\7\10", 4);
    buffer_append(&rest, sizes, sizeof sizes);
    buffer_free(ret_zip);
    shifted_package(3, rest.data, rest.length, ret_zip);
    size_t local = test_zip_local(buffer_bytes(ret_zip), 2);
    central = test_zip_central(buffer_bytes(ret_zip), 2);
    test_put32(ret_zip, central + 20, size);
    test_put16(ret_zip, central + 8, 8);
    test_put16(ret_zip, local + 6, 8);
    memset(ret_zip->data + local + 14, 0, 12);
}

static void test_sizes_behind(void **state)
{
    (void)state;
    for (int marked = 0; marked < 2; marked++) {
        _cleanup_(cleanup_buffer) struct buffer zip = {0}, hiding = {0}, other = {0}, stored = {0};
        streamed_package("", marked, &zip);
        is(&zip, "");
        streamed_package("more", marked, &hiding); /* as large as it says, but inflated before */
        is(&hiding, "package-not-zip");
        streamed_package("", marked, &other);
        size_t next = test_zip_local(buffer_bytes(&other), 3);
        other.data[next - 12] ^= 1; /* the checksum */
        is(&other, "package-not-zip");
        streamed_package("", marked, &stored);
        test_put16(&stored, test_zip_central(buffer_bytes(&stored), 2) + 10, 0);
        test_put16(&stored, test_zip_local(buffer_bytes(&stored), 2) + 8, 0);
        is(&stored, "package-not-zip");
    }
}

/* What only the local header says. */
static void test_local_header(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        unsigned value;
    } changes[] = {{6, 1}, {6, 0x40}, {6, 8}, {8, 0}, {14, 0}, {18, 0}, {22, 0}, {26, 14}, {28, 1}};
    for (size_t i = 0; i < COUNT(changes); i++) {
        _cleanup_(cleanup_buffer) struct buffer zip = {0};
        good_package(&zip);
        test_put16(&zip, test_zip_local(buffer_bytes(&zip), 2) + changes[i].at, changes[i].value);
        is(&zip, "package-not-zip");
    }
}

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *name; /* 18 bytes each */
        size_t length;
    } bad[] = {{"attachments/../../x", 19},  {"/attachments/1.pdf.", 19},
               {"attachments//1.pdf.", 19},  {"attachments\\..\\1.pd", 19},
               {"attachments/1.pdf\0x", 19}, {"attachments/1\x80.pdf.", 19},
               {"attachments/./1.pdf", 19},  {"attachments/1.pdfff/", 19 + 1},
               {"C:attachments/1.pdf", 19},  {"attachments/1 2.pdf", 19},
               {"../ttachments/1.pdf", 19},  {"attachments/1.pdf/..", 20},
               {"attachments/1.pdf\n", 18}};
    for (size_t i = 0; i < COUNT(bad); i++) {
        _cleanup_(cleanup_buffer) struct buffer zip = {0};
        char honest[] = "attachments/1234.pdf";
        honest[bad[i].length] = 0;
        const struct test_part parts[] = {part("application.xml", FORM), part(honest, PDF)};
        test_package_write(NULL, parts, 2, &zip);
        is(&zip, "");
        test_zip_rename(&zip, 2, bad[i].name, bad[i].length);
        is(&zip, "package-path");
    }
}

static void test_name_length(void **state)
{
    (void)state;
    char name[202] = "attachments/";
    memset(name + 12, 'a', sizeof name - 13);
    const struct test_part longer[] = {part("application.xml", FORM), part(name, PDF)};
    assert_int_equal(strlen(name), 201);
    parts_are(longer, 2, "package-path");
    name[200] = 0;
    parts_are(longer, 2, "");
}

static void test_encrypted(void **state)
{
    (void)state;
    static const unsigned flags[] = {0x0001, 0x0040, 0x2000, 0x0041};
    for (size_t i = 0; i < COUNT(flags); i++) {
        _cleanup_(cleanup_buffer) struct buffer zip = {0};
        good_package(&zip);
        test_put16(&zip, test_zip_central(buffer_bytes(&zip), 2) + 8, flags[i]);
        test_put16(&zip, test_zip_local(buffer_bytes(&zip), 2) + 6, flags[i]);
        is(&zip, "package-encrypted");
    }
}

static void test_compression(void **state)
{
    (void)state;
    static const unsigned methods[] = {1, 9, 12, 14, 93, 95, 99};
    for (size_t i = 0; i < COUNT(methods); i++) {
        _cleanup_(cleanup_buffer) struct buffer zip = {0};
        good_package(&zip);
        test_put16(&zip, test_zip_central(buffer_bytes(&zip), 2) + 10, methods[i]);
        test_put16(&zip, test_zip_local(buffer_bytes(&zip), 2) + 8, methods[i]);
        is(&zip, "package-compression");
    }
}

static void test_duplicate(void **state)
{
    (void)state;
    static const char *const names[] = {"attachments/1.pdf", "attachments/1.PDF"};
    for (size_t i = 0; i < COUNT(names); i++) {
        _cleanup_(cleanup_buffer) struct buffer zip = {0};
        const struct test_part parts[] = {part("application.xml", FORM),
                                          part("attachments/1.pdf", PDF),
                                          part("attachments/2.pdf", PDF)};
        test_package_write(NULL, parts, 3, &zip);
        test_zip_rename(&zip, 3, names[i], strlen(names[i]));
        is(&zip, "package-duplicate-member");
    }
}

static void test_members_limit(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer zip = {0};
    good_package(&zip);
    struct package_limits limits = package_limits_default();
    limits.members = 7;
    is_within(&zip, limits, "");
    limits.members = 6;
    is_within(&zip, limits, "package-too-many-members");
}

static void test_size_limits(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer zip = {0}, content = {0};
    buffer_append_text(&content, PDF);
    memset(buffer_reserve(&content, 100000), 'x', 100000);
    buffer_commit(&content, 100000);
    const struct test_part parts[] = {part("application.xml", FORM),
                                      {"attachments/1.pdf", buffer_bytes(&content), true}};
    test_package_write(NULL, parts, 2, &zip);
    struct package_limits limits = package_limits_default();
    limits.size = zip.length;
    limits.member_size = content.length;
    is_within(&zip, limits, "");
    limits.size--;
    is_within(&zip, limits, "package-too-large");
    limits.size++;
    limits.member_size--;
    is_within(&zip, limits, "package-too-large");
}

static size_t total_of(struct bytes zip, size_t count)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *size = zip.data + test_zip_central(zip, i) + 24;
        total += size[0] | (size_t)size[1] << 8 | (size_t)size[2] << 16;
    }
    return total;
}

static void test_total_limit(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer zip = {0};
    good_package(&zip);
    struct package_limits limits = package_limits_default();
    limits.total_size = total_of(buffer_bytes(&zip), 7);
    is_within(&zip, limits, "");
    limits.total_size--;
    is_within(&zip, limits, "package-too-large");
}

/* A member of `size` zeros behind a PDF's first bytes, deflated. */
static void bomb(size_t size, struct buffer *ret_zip)
{
    _cleanup_(cleanup_buffer) struct buffer content = {0};
    buffer_append_text(&content, "%PDF-");
    memset(buffer_reserve(&content, size), 0, size);
    buffer_commit(&content, size - 5);
    const struct test_part parts[] = {part("application.xml", FORM),
                                      {"attachments/1.pdf", buffer_bytes(&content), false}};
    test_package_write(NULL, parts, 2, ret_zip);
}

static void test_ratio(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer zip = {0}, small = {0};
    bomb(1 << 20, &zip);
    is(&zip, "package-ratio");
    const uint8_t *header = zip.data + test_zip_central(buffer_bytes(&zip), 2);
    size_t compressed = header[20] | (size_t)header[21] << 8;
    struct package_limits limits = package_limits_default();
    limits.ratio = (1 << 20) / compressed + 1;
    is_within(&zip, limits, "");
    limits.ratio--;
    is_within(&zip, limits, "package-ratio");
    bomb(64 << 10, &small); /* small ones may have any ratio */
    is(&small, "");
    buffer_clear(&small);
    bomb((64 << 10) + 1, &small);
    is(&small, "package-ratio");
}

/* Sizes that are declared smaller (the bomb that lies) or larger than what comes out. */
static void test_declared_size(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {1000, (1 << 20) - 1, (1 << 20) + 1};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        _cleanup_(cleanup_buffer) struct buffer zip = {0};
        bomb(1 << 20, &zip);
        test_put32(&zip, test_zip_central(buffer_bytes(&zip), 2) + 24, sizes[i]);
        test_put32(&zip, test_zip_local(buffer_bytes(&zip), 2) + 22, sizes[i]);
        struct package_limits limits = package_limits_default();
        limits.ratio = 2000;
        is_within(&zip, limits, "package-member-size");
    }
}

static void test_overlap(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer zip = {0};
    good_package(&zip);
    for (size_t i = 2; i < 5; i++) /* they claim more data than there is */
        test_put32(&zip, test_zip_central(buffer_bytes(&zip), i) + 20, (uint32_t)zip.length / 2);
    is(&zip, "package-not-zip");
}

static void test_damaged_data(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer zip = {0};
    const struct test_part parts[] = {part("application.xml", FORM),
                                      {"attachments/1.pdf", bytes_of_text(PDF), true}};
    test_package_write(NULL, parts, 2, &zip);
    zip.data[test_zip_local(buffer_bytes(&zip), 2) + 30 + 17 + 6] ^= 1; /* wrong CRC-32 */
    is(&zip, "package-not-zip");
}

static void test_nested(void **state)
{
    (void)state;
    static const char *const archives[] = {
        "PK\3\4",      "PK\5\6", "\x1f\x8b\x08", "Rar!\x1a\x07\x00", "7z\xbc\xaf\x27\x1c",
        "\xfd\x37zXZ", "BZh9"};
    for (size_t i = 0; i < COUNT(archives); i++) {
        const struct test_part parts[] = {part("application.xml", FORM),
                                          part("attachments/1.pdf", archives[i])};
        parts_are(parts, 2, "package-nested-archive");
    }
    const struct test_part form[] = {part("application.xml", "PK\3\4")};
    parts_are(form, 1, "package-nested-archive");
}

static void test_types(void **state)
{
    (void)state;
    static const struct {
        const char *name, *content, *reason;
    } cases[] = {
        {"attachments/1.pdf", "MZ", "package-member-type"},
        {"attachments/1.pdf", "", "package-member-type"},
        {"attachments/1.pdf", " %PDF-1.7", "package-member-type"},
        {"attachments/1.pdf", PNG, ""}, /* by content, not by name */
        {"application.pdf", PNG, "package-member-type"},
        {"readme.txt", "x", "package-member-extra"},
        {"attachments", "x", "package-member-extra"},
        {"signature/1.pdf", PDF, "package-member-extra"},
        {"signature/.xml", "<s/>", "package-member-extra"},
        {"Signature/1.xml", "<s/>", "package-member-extra"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct test_part parts[] = {part("application.xml", FORM),
                                          part(cases[i].name, cases[i].content)};
        parts_are(parts, 2, cases[i].reason);
    }
}

/* The defaults of the configuration are the defaults of the code. */
static void test_defaults(void **state)
{
    (void)state;
    static const struct config_section *const sections[] = {&package_config_section};
    struct config *config;
    struct failure f = {0};
    assert_true(config_parse("test", bytes_of_text(""), sections, 1, &config, &f));
    struct package_limits from_config = {0}, usual = package_limits_default();
    package_limits_read(config, &from_config);
    assert_int_equal(from_config.size, usual.size);
    assert_int_equal(from_config.members, usual.members);
    assert_int_equal(from_config.member_size, usual.member_size);
    assert_int_equal(from_config.total_size, usual.total_size);
    assert_int_equal(from_config.ratio, usual.ratio);
    assert_int_equal(from_config.xml.size, usual.xml.size);
    assert_int_equal(from_config.xml.depth, usual.xml.depth);
    assert_int_equal(from_config.xml.nodes, usual.xml.nodes);
    config_free(config);
}

int main(void)
{
    xml_initialize();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),          cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_flipped),       cmocka_unit_test(test_not_zip),
        cmocka_unit_test(test_end_record),    cmocka_unit_test(test_contradiction),
        cmocka_unit_test(test_hidden_member), cmocka_unit_test(test_sizes_behind),
        cmocka_unit_test(test_local_header),  cmocka_unit_test(test_names),
        cmocka_unit_test(test_name_length),   cmocka_unit_test(test_encrypted),
        cmocka_unit_test(test_compression),   cmocka_unit_test(test_duplicate),
        cmocka_unit_test(test_members_limit), cmocka_unit_test(test_size_limits),
        cmocka_unit_test(test_total_limit),   cmocka_unit_test(test_ratio),
        cmocka_unit_test(test_declared_size), cmocka_unit_test(test_overlap),
        cmocka_unit_test(test_damaged_data),  cmocka_unit_test(test_nested),
        cmocka_unit_test(test_types),         cmocka_unit_test(test_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
