#include "base/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"

static char folder[] = "/tmp/uketsuke-seal.XXXXXX";
static char path[64];
static struct city_key *city;
static struct application_key key;
static uint8_t wrapped[SEAL_WRAPPED_LENGTH];

static const char context[] = "992011/01234567-89ab-cdef-0123-456789abcdef";

static int set_up(void **state)
{
    (void)state;
    struct failure f = {0};
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/city.key", folder);
    assert_true(city_key_create(path, &f));
    assert_true(city_key_load(path, &city, &f));
    assert_true(application_key_make(city, context, &key, wrapped, &f));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    city_key_free(city);
    unlink(path);
    rmdir(folder);
    return 0;
}

/* --- the city's key file -----------------------------------------------------------------------
 */

static void a_new_key_file_is_for_its_owner_only(void **state)
{
    (void)state;
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0400);
    assert_int_equal(st.st_size, 65);
}

static void a_key_file_is_never_overwritten(void **state)
{
    (void)state;
    struct failure f = {0};
    assert_false(city_key_create(path, &f));
    struct city_key *again;
    assert_true(city_key_load(path, &again, &f));
    uint8_t a[32], b[32];
    city_key_hash(city, "x", bytes_of_text("y"), a);
    city_key_hash(again, "x", bytes_of_text("y"), b);
    assert_memory_equal(a, b, 32);
    city_key_free(again);
}

static void a_key_file_that_others_can_read_is_refused(void **state)
{
    (void)state;
    const mode_t open_to_others[] = {0440, 0404, 0420, 0402, 0410, 0401, 0644, 0777};
    for (size_t i = 0; i < sizeof open_to_others / sizeof open_to_others[0]; i++) {
        struct failure f = {0};
        struct city_key *loaded = NULL;
        assert_int_equal(chmod(path, open_to_others[i]), 0);
        assert_false(city_key_load(path, &loaded, &f));
        assert_null(loaded);
        assert_int_equal(f.kind, FAILURE_USAGE);
        assert_non_null(strstr(f.text, "chmod"));
    }
    assert_int_equal(chmod(path, 0600), 0);
    struct failure f = {0};
    struct city_key *loaded = NULL;
    assert_true(city_key_load(path, &loaded, &f));
    city_key_free(loaded);
    assert_int_equal(chmod(path, 0400), 0);
}

static bool loads(const char *content)
{
    char other[64];
    snprintf(other, sizeof other, "%s/other.key", folder);
    FILE *out = fopen(other, "w");
    assert_non_null(out);
    fputs(content, out);
    fclose(out);
    chmod(other, 0400);
    struct failure f = {0};
    struct city_key *loaded = NULL;
    bool good = city_key_load(other, &loaded, &f);
    assert_true(good == (loaded != NULL));
    if (!good) {
        assert_int_equal(f.kind, FAILURE_USAGE);
        assert_null(strstr(f.text, "0123456789"));
    }
    city_key_free(loaded);
    unlink(other);
    return good;
}

#define DIGITS63 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"

static void only_64_digits_and_a_line_feed_are_a_key(void **state)
{
    (void)state;
    assert_true(loads(DIGITS63 "f\n"));
    assert_true(loads(DIGITS63 "F\n"));
    assert_false(loads(DIGITS63 "f"));
    assert_false(loads(DIGITS63 "\n"));
    assert_false(loads(DIGITS63 "ff\n"));
    assert_false(loads(DIGITS63 "g\n"));
    assert_false(loads(DIGITS63 "f\n\n"));
    assert_false(loads(DIGITS63 "f\r\n"));
    assert_false(loads(""));
}

static void a_folder_or_nothing_is_no_key(void **state)
{
    (void)state;
    struct failure f = {0};
    struct city_key *loaded = NULL;
    assert_false(city_key_load(folder, &loaded, &f));
    assert_false(city_key_load("/nowhere/city.key", &loaded, &f));
    assert_int_equal(f.kind, FAILURE_SYSTEM);
}

/* --- an application's key ----------------------------------------------------------------------
 */

static void a_credential_of_the_same_name_goes_before_the_file(void **state)
{
    (void)state;
    struct city_key *loaded = NULL;
    struct failure f = {0};
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
    assert_true(city_key_load("/nowhere/city.key", &loaded, &f));
    city_key_free(loaded);
    assert_false(city_key_load("/nowhere/other.key", &loaded, &f));
    assert_non_null(strstr(f.text, "/nowhere/other.key"));
    unsetenv("CREDENTIALS_DIRECTORY");
}

static void an_application_key_opens_with_its_city_and_context_only(void **state)
{
    (void)state;
    struct failure f = {0};
    struct application_key opened = {{0}}, untouched = {{0}};
    struct bytes w = bytes_of(wrapped, sizeof wrapped);
    assert_true(application_key_unwrap(city, context, w, &opened, &f));
    assert_memory_equal(opened.data, key.data, 32);

    opened = untouched;
    assert_false(application_key_unwrap(city, "992011/other", w, &opened, &f));
    assert_int_equal(f.kind, FAILURE_INPUT);
    w.length--;
    assert_false(application_key_unwrap(city, context, w, &opened, &f));
    for (size_t i = 0; i < sizeof wrapped; i++) {
        uint8_t altered[SEAL_WRAPPED_LENGTH];
        memcpy(altered, wrapped, sizeof wrapped);
        altered[i] ^= (uint8_t)(1u << (i % 8));
        assert_false(
            application_key_unwrap(city, context, bytes_of(altered, sizeof altered), &opened, &f));
    }
    assert_memory_equal(opened.data, untouched.data, 32);
}

static void every_application_gets_another_key(void **state)
{
    (void)state;
    struct application_key other;
    uint8_t other_wrapped[SEAL_WRAPPED_LENGTH];
    assert_true(application_key_make(city, context, &other, other_wrapped, NULL));
    assert_memory_not_equal(other.data, key.data, 32);
    assert_memory_not_equal(other_wrapped, wrapped, SEAL_WRAPPED_LENGTH);
}

/* --- sealing ------------------------------------------------------------------------------------
 */

static void what_is_sealed_opens_again(void **state)
{
    (void)state;
    struct failure f = {0};
    const size_t lengths[] = {0, 1, 15, 16, 17, 100000};
    uint8_t *plain = memory_allocate(100000);
    for (size_t i = 0; i < 100000; i++)
        plain[i] = (uint8_t)(i * 7);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct buffer sealed = {0}, opened = {0};
        buffer_append_text(&sealed, "xy"); /* it is appended */
        assert_true(seal(&key, "package", context, bytes_of(plain, lengths[i]), &sealed, &f));
        assert_int_equal(sealed.length, 2 + lengths[i] + SEAL_OVERHEAD);
        assert_int_equal(sealed.data[2], 1);
        struct bytes s = bytes_of(sealed.data + 2, sealed.length - 2);
        assert_true(unseal(&key, "package", context, s, &opened, &f));
        assert_true(bytes_equal(buffer_bytes(&opened), bytes_of(plain, lengths[i])));
        buffer_free(&sealed);
        buffer_free(&opened);
    }
    free(plain);
}

static void a_flipped_bit_anywhere_is_refused(void **state)
{
    (void)state;
    struct buffer sealed = {0}, opened = {0};
    assert_true(seal(&key, "record", context, bytes_of_text("宛名番号 123"), &sealed, NULL));
    for (size_t bit = 0; bit < sealed.length * 8; bit++) {
        struct failure f = {0};
        sealed.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_false(unseal(&key, "record", context, buffer_bytes(&sealed), &opened, &f));
        assert_int_equal(f.kind, FAILURE_INPUT);
        assert_int_equal(opened.length, 0);
        sealed.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    for (size_t length = 0; length < sealed.length; length++)
        assert_false(unseal(&key, "record", context, bytes_of(sealed.data, length), &opened, NULL));
    assert_true(unseal(&key, "record", context, buffer_bytes(&sealed), &opened, NULL));
    buffer_free(&sealed);
    buffer_free(&opened);
}

static void another_purpose_context_or_key_is_refused(void **state)
{
    (void)state;
    struct failure f = {0};
    struct buffer sealed = {0}, opened = {0};
    struct application_key other = key;
    other.data[31] ^= 1;
    assert_true(seal(&key, "record", "a/b", bytes_of_text("x"), &sealed, &f));
    struct bytes s = buffer_bytes(&sealed);
    assert_false(unseal(&key, "report", "a/b", s, &opened, &f));
    assert_non_null(strstr(f.text, "report"));
    assert_false(unseal(&key, "record", "a/c", s, &opened, &f));
    assert_false(unseal(&key, "recorda", "/b", s, &opened, &f)); /* the border is sealed too */
    assert_false(unseal(&other, "record", "a/b", s, &opened, &f));
    assert_int_equal(opened.length, 0);
    assert_true(unseal(&key, "record", "a/b", s, &opened, &f));
    buffer_free(&sealed);
    buffer_free(&opened);
}

static void the_same_text_never_looks_the_same_twice(void **state)
{
    (void)state;
    struct buffer a = {0}, b = {0};
    assert_true(seal(&key, "record", context, bytes_of_text("same"), &a, NULL));
    assert_true(seal(&key, "record", context, bytes_of_text("same"), &b, NULL));
    assert_memory_not_equal(a.data, b.data, a.length);
    buffer_free(&a);
    buffer_free(&b);
}

/* --- lookups ------------------------------------------------------------------------------------
 */

static void a_lookup_hash_depends_on_key_label_and_value(void **state)
{
    (void)state;
    uint8_t a[32], b[32];
    city_key_hash(city, "kojinbango", bytes_of_text("123456789018"), a);
    city_key_hash(city, "kojinbango", bytes_of_text("123456789018"), b);
    assert_memory_equal(a, b, 32);
    city_key_hash(city, "kojinbango", bytes_of_text("123456789019"), b);
    assert_memory_not_equal(a, b, 32);
    city_key_hash(city, "serial", bytes_of_text("123456789018"), b);
    assert_memory_not_equal(a, b, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_key_file_is_for_its_owner_only),
        cmocka_unit_test(a_key_file_is_never_overwritten),
        cmocka_unit_test(a_key_file_that_others_can_read_is_refused),
        cmocka_unit_test(only_64_digits_and_a_line_feed_are_a_key),
        cmocka_unit_test(a_folder_or_nothing_is_no_key),
        cmocka_unit_test(a_credential_of_the_same_name_goes_before_the_file),
        cmocka_unit_test(an_application_key_opens_with_its_city_and_context_only),
        cmocka_unit_test(every_application_gets_another_key),
        cmocka_unit_test(what_is_sealed_opens_again),
        cmocka_unit_test(a_flipped_bit_anywhere_is_refused),
        cmocka_unit_test(another_purpose_context_or_key_is_refused),
        cmocka_unit_test(the_same_text_never_looks_the_same_twice),
        cmocka_unit_test(a_lookup_hash_depends_on_key_label_and_value),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
