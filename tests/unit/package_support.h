/* For the tests of packages: one that is good, and what another is refused for. */
#ifndef UKETSUKE_TESTS_PACKAGE_SUPPORT_H
#define UKETSUKE_TESTS_PACKAGE_SUPPORT_H

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/xml.h"
#include "intake/package.h"
#include "tests/support/package.h"
#include "tests/unit/check.h"

#define FORM         "<application/>"
#define PDF          "%PDF-1.7 …"
#define PNG          "\x89PNG\r\n\x1a\n…"
#define JPEG         "\xff\xd8\xff\xe0…"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static inline struct test_part part(const char *name, const char *content)
{
    return (struct test_part){name, bytes_of_text(content), false};
}

/* The reason for which the package is refused; "" when it opens. */
static inline const char *reason_of(struct bytes zip, const struct package_limits *limits)
{
    static char reason[64];
    struct checks *checks = checks_new();
    struct package_limits usual = package_limits_default();
    struct package *package = package_open(zip, limits ? limits : &usual, checks);
    const char *found = checks_reason(checks);
    assert_true((package != NULL) == (found == NULL));
    snprintf(reason, sizeof reason, "%s", found ? found : "");
    package_free(package);
    checks_free(checks);
    return reason;
}

static inline void is(const struct buffer *zip, const char *reason)
{
    assert_string_equal(reason_of(buffer_bytes(zip), NULL), reason);
}

static inline void is_within(const struct buffer *zip, struct package_limits limits,
                             const char *reason)
{
    assert_string_equal(reason_of(buffer_bytes(zip), &limits), reason);
}

static inline void good_package(struct buffer *ret_zip)
{
    const struct test_part parts[] = {
        part("application.xml", FORM),     part("application.pdf", PDF),
        part("attachments/1.pdf", PDF),    part("attachments/2.png", PNG),
        part("attachments/3/a.jpg", JPEG), part("signature/1.xml", "<s/>")};
    test_package_write(NULL, parts, COUNT(parts), ret_zip);
}

static inline void parts_are(const struct test_part *parts, size_t count, const char *reason)
{
    _cleanup_(cleanup_buffer) struct buffer zip = {0};
    test_package_write(NULL, parts, count, &zip);
    is(&zip, reason);
}

#endif
