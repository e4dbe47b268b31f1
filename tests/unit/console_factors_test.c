/* Passwords, one-time codes, rights and Base64url of the console. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "intake/console/account.h"

/* ---- passwords ---- */

static void test_hash_and_verify(void **state)
{
    (void)state;
    char one[PASSWORD_HASH], two[PASSWORD_HASH];
    struct failure f = {0};
    assert_true(password_hash("correct horse", one, &f));
    assert_true(password_hash("correct horse", two, &f));
    assert_memory_equal(one, "$argon2id$v=19$m=19456,t=2,p=1$", 31);
    assert_string_not_equal(one, two); /* salted */
    assert_true(password_verify(one, "correct horse"));
    assert_false(password_verify(one, "correct horsf"));
    assert_false(password_verify(one, ""));
    assert_false(password_verify(NULL, "correct horse"));
    assert_false(password_verify("", "correct horse"));
    assert_false(password_verify("$argon2id$nonsense", "correct horse"));
}

static void test_core(void **state)
{
    (void)state;
    char core[PASSWORD_TEXT];
    password_core("Sakura-2026!", core);
    assert_string_equal(core, "sakura");
    password_core("12ab34", core);
    assert_string_equal(core, ""); /* too little is left to compare */
    password_core("桜の花見9", core);
    assert_string_equal(core, "桜の花見");
}

static void test_judge(void **state)
{
    (void)state;
    char password[PASSWORD_HASH], core[PASSWORD_HASH];
    struct failure f = {0};
    assert_true(password_hash("Sakura-no-ki-2026", password, &f));
    assert_true(password_hash("sakuranoki", core, &f));
    const struct password_past past[] = {{password, core}};
    assert_int_equal(password_judge("abcdefghijk", "hanako", 12, NULL, 0), PASSWORD_SHORT);
    assert_int_equal(password_judge("abcdefghijkl", "hanako", 12, NULL, 0), PASSWORD_GOOD);
    assert_int_equal(password_judge("abababababab", "hanako", 12, NULL, 0), PASSWORD_SIMPLE);
    assert_int_equal(password_judge("xxHanako-1234", "hanako", 12, NULL, 0), PASSWORD_NAME);
    assert_int_equal(password_judge("Sakura-no-ki-2026", "hanako", 12, past, 1), PASSWORD_USED);
    assert_int_equal(password_judge("sakura_NO_ki+2027", "hanako", 12, past, 1), PASSWORD_LIKE);
    assert_int_equal(password_judge("Ume-no-hana-2027", "hanako", 12, past, 1), PASSWORD_GOOD);
    char longest[PASSWORD_LENGTH_MOST + 2];
    for (size_t i = 0; i < sizeof longest; i++)
        longest[i] = (char)('a' + i % 26);
    longest[PASSWORD_LENGTH_MOST + 1] = '\0';
    assert_int_equal(password_judge(longest, "hanako", 12, NULL, 0), PASSWORD_LONG);
    longest[PASSWORD_LENGTH_MOST] = '\0';
    assert_int_equal(password_judge(longest, "hanako", 12, NULL, 0), PASSWORD_GOOD);
    assert_int_equal(password_judge("\xff\xfe broken utf-8", "hanako", 12, NULL, 0), PASSWORD_LONG);
}

/* ---- one-time codes: RFC 6238, appendix B, the last six of the eight digits ---- */

static const uint8_t secret[TOTP_SECRET] = "12345678901234567890";

static void test_totp_vectors(void **state)
{
    (void)state;
    assert_int_equal(totp_verify(secret, "287082", 59 * INSTANT_SECOND, 0), 1);
    assert_int_equal(totp_verify(secret, "081804", 1111111109 * INSTANT_SECOND, 0), 37037036);
    assert_int_equal(totp_verify(secret, "050471", 1111111111 * INSTANT_SECOND, 0), 37037037);
    assert_int_equal(totp_verify(secret, "005924", 1234567890 * INSTANT_SECOND, 0), 41152263);
}

static void test_totp_edges(void **state)
{
    (void)state;
    const instant at = 1111111111 * INSTANT_SECOND;
    assert_int_equal(totp_verify(secret, "081804", at, 0), 37037036); /* one step back */
    assert_int_equal(totp_verify(secret, "081804", at + 30 * INSTANT_SECOND, 0), 0);
    assert_int_equal(totp_verify(secret, "050471", at - 30 * INSTANT_SECOND, 0), 37037037);
    assert_int_equal(totp_verify(secret, "050471", at, 37037037), 0); /* used already */
    assert_int_equal(totp_verify(secret, "050472", at, 0), 0);
    assert_int_equal(totp_verify(secret, "50471", at, 0), 0);
    assert_int_equal(totp_verify(secret, "0504711", at, 0), 0);
    assert_int_equal(totp_verify(secret, "０50471", at, 0), 0);
    char text[TOTP_TEXT];
    totp_secret_text(secret, text);
    assert_string_equal(text, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
}

/* ---- rights ---- */

static void test_permissions(void **state)
{
    (void)state;
    struct permission all[] = {{RIGHT_SEE, "child-allowance", "こども課"},
                               {RIGHT_IDENTIFY, "*", "市民課"},
                               {RIGHT_ADMIN, "*", "*"}};
    const struct permissions p = {all, 3};
    assert_true(permission_allows(&p, RIGHT_SEE, "child-allowance", "こども課"));
    assert_false(permission_allows(&p, RIGHT_SEE, "child-allowance", "市民課"));
    assert_false(permission_allows(&p, RIGHT_SEE, "health", "こども課"));
    assert_false(permission_allows(&p, RIGHT_SEE, "", "")); /* no route: for who may see all */
    assert_true(permission_allows(&p, RIGHT_IDENTIFY, "health", "市民課"));
    assert_false(permission_allows(&p, RIGHT_CONFIRM, "child-allowance", "こども課"));
    assert_true(permission_allows(&p, RIGHT_ADMIN, NULL, NULL));
    assert_false(permission_allows(&p, RIGHT_AUDIT, NULL, NULL));
    assert_false(permission_allows(&(struct permissions){0}, RIGHT_SEE, NULL, NULL));
    enum right right;
    for (enum right i = 0; i < RIGHT_COUNT; i++) {
        assert_true(right_from_code(right_code(i), &right));
        assert_int_equal(right, i);
        assert_non_null(right_name_ja(i));
    }
    assert_false(right_from_code("root", &right));
}

static void test_names(void **state)
{
    (void)state;
    assert_true(account_name_valid("abc"));
    assert_true(account_name_valid("hanako.sakurano-2"));
    assert_true(account_name_valid("abcdefghijklmnopqrstuvwxyz012345"));
    assert_false(account_name_valid("abcdefghijklmnopqrstuvwxyz0123456"));
    assert_false(account_name_valid("ab"));
    assert_false(account_name_valid("Hanako"));
    assert_false(account_name_valid(".ab"));
    assert_false(account_name_valid("a b"));
}

/* ---- Base64url ---- */

static void test_base64url(void **state)
{
    (void)state;
    struct buffer data = {0}, text = {0};
    assert_true(base64url_decode("-_8", 2, &data));
    assert_int_equal(data.length, 2);
    assert_memory_equal(data.data, "\xfb\xff", 2);
    base64url_encode(buffer_bytes(&data), &text);
    assert_string_equal(buffer_text(&text), "-_8");
    assert_false(base64url_decode("-_8", 1, &data));   /* over the limit */
    assert_false(base64url_decode("-_8=", 9, &data));  /* padding */
    assert_false(base64url_decode("+/8", 9, &data));   /* the other alphabet */
    assert_false(base64url_decode("AAAAA", 9, &data)); /* no such length */
    assert_true(base64url_decode("", 0, &data));
    buffer_free(&data);
    buffer_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash_and_verify), cmocka_unit_test(test_core),
        cmocka_unit_test(test_judge),           cmocka_unit_test(test_totp_vectors),
        cmocka_unit_test(test_totp_edges),      cmocka_unit_test(test_permissions),
        cmocka_unit_test(test_names),           cmocka_unit_test(test_base64url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
