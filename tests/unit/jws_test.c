/* Signed claims: who signed them may, or they are none. What is read lies among the seeds of the
 * fuzz target; tests/data/jws/keys.json has two keys for signatures, one for encryption, and a
 * secret that should not be there. */
#include "base/jws.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"

#define SECRET "0123456789abcdef0123456789abcdef"

static json_t *keys;

static int set_up(void **state)
{
    (void)state;
    keys = json_load_file(SOURCE_ROOT "/tests/data/jws/keys.json", 0, NULL);
    return keys ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    json_decref(keys);
    return 0;
}

static char *stored(const char *name)
{
    _cleanup_(cleanup_text) char *path = text_format(SOURCE_ROOT "/tests/fuzz/seeds/jws/%s", name);
    char *text = memory_allocate(JWS_MOST);
    _cleanup_(cleanup_file) FILE *in = fopen(path, "re");
    assert_non_null(in);
    assert_int_not_equal(fread(text, 1, JWS_MOST - 1, in), 0);
    return text;
}

static void public_keys_sign(void **state)
{
    (void)state;
    static const char *const good[] = {"rs256", "ps256", "es256", "rs256-no-kid"};
    bool unknown;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        _cleanup_(cleanup_text) char *text = stored(good[i]);
        _cleanup_(cleanup_json) json_t *claims = jws_read_public(text, keys, &unknown);
        if (!claims || unknown)
            fail_msg("%s was refused", good[i]);
        assert_string_equal(json_string_value(json_object_get(claims, "sub")), "hanako");
    }
}

static void others_do_not(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool unknown; /* a new set of keys may help */
    } bad[] = {
        {"changed", false},   {"other-key", false},         {"unknown-kid", true},
        {"critical", false},  {"no-object", false},         {"rs512", false},
        {"none", false},      {"modulus-as-secret", false}, {"key-of-encryption", true},
        {"two-parts", false}, {"four-parts", false},        {"secret-among-public", false},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bool unknown;
        _cleanup_(cleanup_text) char *text = stored(bad[i].name);
        _cleanup_(cleanup_json) json_t *claims = jws_read_public(text, keys, &unknown);
        if (claims || unknown != bad[i].unknown)
            fail_msg("%s: %s", bad[i].name, claims ? "believed" : "a new set would help, or not");
    }
}

static void a_secret_signs_for_who_has_it(void **state)
{
    (void)state;
    struct failure f = {0};
    const struct bytes secret = bytes_of_text(SECRET),
                       other = bytes_of_text("fedcba9876543210fedcba9876543210");
    _cleanup_(cleanup_json) json_t *claims = json_pack("{s:s, s:i}", "iss", "we", "exp", 1);
    _cleanup_(cleanup_buffer) struct buffer text = {0};
    assert_true(jws_make(claims, secret, &text, &f));
    _cleanup_(cleanup_json) json_t *read = jws_read(buffer_text(&text), secret);
    assert_true(json_equal(read, claims));
    assert_null(jws_read(buffer_text(&text), other));
    assert_null(jws_read(buffer_text(&text), (struct bytes){0}));
    _cleanup_(cleanup_text) char *by_key = stored("rs256");
    assert_null(jws_read(by_key, secret));
    assert_false(jws_make(claims, bytes_of_text("31 bytes are one too few for it"), &text, &f));
}

static void it_has_so_many_characters_at_the_most(void **state)
{
    (void)state;
    struct failure f = {0};
    const struct bytes secret = bytes_of_text(SECRET);
    for (size_t more = 0; more < 2; more++) {
        _cleanup_(cleanup_buffer) struct buffer text = {0};
        /* 6104 bytes of JSON are 8139 of Base64url; with 36 of header, 43 of signature, 2 dots */
        size_t fill = 0;
        for (fill = 6000; fill < 6200; fill++) {
            _cleanup_(cleanup_text) char *long_text = memory_allocate(fill + 1);
            memset(long_text, 'x', fill);
            _cleanup_(cleanup_json) json_t *claims = json_pack("{s:s}", "a", long_text);
            text.length = 0;
            assert_true(jws_make(claims, secret, &text, &f));
            if (text.length >= JWS_MOST + more)
                break;
        }
        json_t *claims = jws_read(buffer_text(&text), secret);
        assert_int_equal(claims != NULL, text.length <= JWS_MOST);
        json_decref(claims);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(public_keys_sign),
        cmocka_unit_test(others_do_not),
        cmocka_unit_test(a_secret_signs_for_who_has_it),
        cmocka_unit_test(it_has_so_many_characters_at_the_most),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
