/* Packages (申請ZIP) for tests: honest ones, and ones whose bytes are then bent. */
#ifndef UKETSUKE_TESTS_SUPPORT_PACKAGE_H
#define UKETSUKE_TESTS_SUPPORT_PACKAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct test_part {
    const char *name;
    struct bytes content;
    bool stored; /* else deflated */
};

/* What the manifest says; NULL fields mean what a good one has. */
struct test_manifest {
    const char *receipt_number, *city_code, *procedure, *form_version, *applied_at, *role;
    const char *attributes; /* of the root, behind version */
    const char *members;    /* in place of those that the parts give */
};

#define TEST_RECEIPT    "20261121-00000001"
#define TEST_CITY       "992011"
#define TEST_PROCEDURE  "child-allowance.certification-claim"
#define TEST_APPLIED_AT "2026-11-21T09:00:00.000+09:00"

void test_manifest_write(const struct test_manifest *manifest, const struct test_part *parts,
                         size_t count, struct buffer *ret_xml);
/* Exactly these members, in this order. */
void test_zip_write(const struct test_part *parts, size_t count, struct buffer *ret_zip);
/* The manifest first, then the parts. */
void test_package_write(const struct test_manifest *manifest, const struct test_part *parts,
                        size_t count, struct buffer *ret_zip);

/* The headers of member `index`: where its central or its local one begins. */
size_t test_zip_central(struct bytes zip, size_t index);
size_t test_zip_local(struct bytes zip, size_t index);
void test_put16(struct buffer *zip, size_t at, unsigned value);
void test_put32(struct buffer *zip, size_t at, uint32_t value);
/* Writes over the name in both headers; `name` has the length of the old one. */
void test_zip_rename(struct buffer *zip, size_t index, const char *name, size_t length);

/* The form of forms/procedures/child-allowance/certification-claim/examples/good.xml, say. */
void test_file_read(const char *path, struct buffer *ret_content);

#endif
