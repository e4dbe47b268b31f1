/* Files under a password: what is sealed opens with its password, and with no other. */
#include "signature/envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/cms.h>
#include <openssl/err.h>

#include "base/cleanup.h"

DEFINE_CLEANUP(cleanup_cms, CMS_ContentInfo *, CMS_ContentInfo_free)

static bool opens(struct bytes file, const char *password, struct buffer *ret_content)
{
    const unsigned char *at = file.data;
    char *text = NULL;
    _cleanup_(cleanup_cms) CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)file.length);
    _cleanup_(cleanup_bio) BIO *out = BIO_new(BIO_s_mem());
    assert_non_null(cms);
    bool done = CMS_decrypt_set1_password(cms, (unsigned char *)password, -1) == 1 &&
                CMS_decrypt(cms, NULL, NULL, NULL, out, CMS_BINARY) == 1;
    ERR_clear_error();
    long length = BIO_get_mem_data(out, &text);
    if (done)
        buffer_append(ret_content, text, (size_t)length);
    return done;
}

static void sealed_opens_with_its_password_only(void **state)
{
    (void)state;
    char password[ENVELOPE_PASSWORD], other[ENVELOPE_PASSWORD];
    struct failure f = {0};
    _cleanup_(cleanup_buffer) struct buffer content = {0}, first = {0}, second = {0}, found = {0};
    for (int i = 0; i < 100000; i++)
        buffer_append_text(&content, "桜野花子");
    envelope_password_make(password);
    envelope_password_make(other);
    assert_int_equal(strlen(password), ENVELOPE_PASSWORD - 1);
    assert_string_not_equal(password, other);
    assert_true(envelope_seal(buffer_bytes(&content), password, &first, &f));
    assert_true(envelope_seal(buffer_bytes(&content), password, &second, &f));
    assert_int_equal(first.length, second.length);
    assert_memory_not_equal(first.data, second.data, first.length);
    assert_null(memmem(first.data, first.length, "桜野", strlen("桜野")));
    assert_true(opens(buffer_bytes(&first), password, &found));
    assert_int_equal(found.length, content.length);
    assert_memory_equal(found.data, content.data, content.length);
    assert_false(opens(buffer_bytes(&first), other, &found));
}

static void what_was_changed_does_not_open(void **state)
{
    (void)state;
    struct failure f = {0};
    _cleanup_(cleanup_buffer) struct buffer file = {0}, found = {0};
    assert_true(envelope_seal(bytes_of_text("桜野花子"), "ABCDE", &file, &f));
    file.data[file.length - 1] ^= 1; /* of the tag */
    assert_false(opens(buffer_bytes(&file), "ABCDE", &found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sealed_opens_with_its_password_only),
                                       cmocka_unit_test(what_was_changed_does_not_open)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
