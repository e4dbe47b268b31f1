#include "tests/support/applications.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";

const char *test_application_id(int n, char text[37])
{
    snprintf(text, 37, "00000000-0000-4000-8000-%012x", (unsigned)n);
    return text;
}

struct city_key *test_city_key(const struct test_database *t)
{
    struct failure f = {0};
    struct city_key *key = NULL;
    char *path = text_format("%s/city.key", t->folder);
    if (!city_key_create(path, &f) || !city_key_load(path, &key, &f))
        fail_msg("%s", f.text);
    free(path);
    return key;
}

void test_application_make(const struct test_database *t, const struct city_key *city_key, int n,
                           const char *channel)
{
    char id[37], binding[64], hex[2 * SEAL_WRAPPED_LENGTH + 1];
    uint8_t wrapped[SEAL_WRAPPED_LENGTH];
    struct application_key key;
    struct failure f = {0};
    test_application_id(n, id);
    snprintf(binding, sizeof binding, "%s/%s", TEST_CITY, id);
    if (!application_key_make(city_key, binding, &key, wrapped, &f))
        fail_msg("%s", f.text);
    char *sql = text_format(
        "INSERT INTO application (city_code, application_id, channel, receipt_number, changed_by,"
        " applied_at, procedure_id, form_version, promised_size, promised_sha256) "
        "VALUES ('" TEST_CITY "', '%s', '%s', 'R-%08d', 'test', '2026-11-20T00:00:00Z',"
        " 'child-allowance.certification-claim', '1', 1, '\\x%s');"
        "INSERT INTO application_key VALUES ('" TEST_CITY "', '%s', '\\x%s')",
        id, channel ? channel : "pittari", n, zeros, id, hex_encode(wrapped, sizeof wrapped, hex));
    test_sql(t, sql);
    free(sql);
}

void test_application_move(const struct test_database *t, int n, const char *const *states)
{
    char id[37];
    for (; *states; states++) {
        char *sql = text_format("UPDATE application SET version = version + 1, state = '%s' WHERE "
                                "application_id = '%s'",
                                *states, test_application_id(n, id));
        test_sql(t, sql);
        free(sql);
    }
}

void test_application_seal(const struct test_database *t, const struct city_key *city_key, int n,
                           const char *purpose, struct bytes plain, struct buffer *ret_sealed)
{
    char id[37], binding[64];
    uint8_t wrapped[SEAL_WRAPPED_LENGTH];
    struct application_key key;
    struct failure f = {0};
    test_application_id(n, id);
    snprintf(binding, sizeof binding, "%s/%s", TEST_CITY, id);
    char *sql = text_format("SELECT encode(wrapped, 'hex') FROM application_key "
                            "WHERE application_id = '%s'",
                            id);
    char *hex = test_sql_text(t, sql);
    assert_true(hex_decode(hex, wrapped, sizeof wrapped));
    if (!application_key_unwrap(city_key, binding, bytes_of(wrapped, sizeof wrapped), &key, &f) ||
        !seal(&key, purpose, binding, plain, ret_sealed, &f))
        fail_msg("%s", f.text);
    free(hex);
    free(sql);
}
