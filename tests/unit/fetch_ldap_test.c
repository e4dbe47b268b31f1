/* base/fetch_ldap: the one value out of LDIF, however its text comes cut into pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fetch_ldap.h"
#include "base/text.h"

#define DN    "DN: CN=Sakurano-shi CRLDP,OU=CRL\n"
#define NAME  "\tcertificateRevocationList;binary:: "
#define WRONG "(not taken)"

/* What comes of `ldif` when it comes by `piece` octets; WRONG when it is refused, NULL when there
 * is no whole value in it. Borrowed until the next call. */
static const char *value_of(const char *ldif, size_t piece)
{
    static struct buffer data;
    struct ldif_value value = {0};
    buffer_clear(&data);
    for (size_t at = 0, length = strlen(ldif); at < length; at += piece) {
        size_t size = length - at < piece ? length - at : piece;
        if (!ldif_value_feed(&value, bytes_of(ldif + at, size), &data))
            return WRONG;
    }
    return ldif_value_end(&value) ? buffer_text(&data) : NULL;
}

static void expect(const char *ldif, const char *wanted)
{
    for (size_t piece = 1; piece <= strlen(ldif); piece++) {
        const char *got = value_of(ldif, piece);
        if (wanted ? !got || strcmp(got, wanted) != 0 : got != NULL)
            fail_msg("by %zu: %s", piece, got ? got : "(none)");
    }
}

static void one_value(void **state)
{
    (void)state;
    expect(DN NAME "Zg==\n\n", "f");
    expect(DN NAME "Zm8=\n\n", "fo");
    expect(DN NAME "Zm9v\n\n", "foo");
    expect(DN NAME "Zm9vYg==\n\n", "foob");
    expect(DN NAME "Zm9vYmFy\n", "foobar");
    expect(DN "\tcn: Zm9v\n" NAME "YmFy\n\n", "bar"); /* text is not what we ask for */
    expect(DN "\ta:: Zg==\n\n", "f");                 /* the shortest name */
}

static void no_value(void **state)
{
    (void)state;
    expect("\n", NULL);
    expect(DN, NULL);
    expect(DN "\tcn: text\n\n", NULL);
    expect("DN:: Zm9v\n\n", NULL);  /* a name in Base64 is no attribute */
    expect(DN NAME "Zm9v", NULL);   /* broken off behind a group … */
    expect(DN NAME "Zm9vYm", NULL); /* … and inside of one */
    expect("xDN\nx" NAME "Zm9v\n", NULL);
}

static void refused(void **state)
{
    (void)state;
    expect(DN NAME "Zm9v\n" NAME "YmFy\n\n", WRONG); /* two values: which one? */
    expect(DN NAME "Zm9vYg\n\n", WRONG);             /* a group that is not whole */
    expect(DN NAME "Zm9*\n\n", WRONG);
    expect(DN NAME "Zm 9v\n\n", WRONG);
    expect(DN NAME "Z\rm9\n\n", WRONG);
}

/* A name as long as may be, and one octet longer. */
static void name_at_its_limit(void **state)
{
    (void)state;
    for (size_t length = LDIF_NAME_MOST - 1; length <= LDIF_NAME_MOST + 1; length++) {
        char ldif[LDIF_NAME_MOST + 16];
        memset(ldif, 'a', length);
        ldif[0] = '\t';
        memcpy(ldif + length - 3, ":: ", 3);
        memcpy(ldif + length, "Zm9v\n", sizeof "Zm9v\n");
        expect(ldif, length <= LDIF_NAME_MOST ? "foo" : NULL);
    }
}

/* Longer than any piece, with its padding at each place. */
static void large(void **state)
{
    (void)state;
    for (size_t length = 3000; length < 3003; length++) {
        _cleanup_(cleanup_buffer) struct buffer ldif = {0}, data = {0};
        uint8_t octets[3003];
        struct ldif_value value = {0};
        for (size_t i = 0; i < length; i++)
            octets[i] = (uint8_t)(i * 7);
        buffer_append_text(&ldif, DN NAME);
        base64_encode(bytes_of(octets, length), &ldif);
        buffer_append_text(&ldif, "\n\n");
        assert_true(ldif_value_feed(&value, buffer_bytes(&ldif), &data));
        assert_true(ldif_value_end(&value));
        assert_true(bytes_equal(buffer_bytes(&data), bytes_of(octets, length)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_value),         cmocka_unit_test(no_value), cmocka_unit_test(refused),
        cmocka_unit_test(name_at_its_limit), cmocka_unit_test(large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
