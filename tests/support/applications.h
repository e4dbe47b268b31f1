/* Applications in a test database, made by SQL: as far as the test needs them. */
#ifndef UKETSUKE_TESTS_SUPPORT_APPLICATIONS_H
#define UKETSUKE_TESTS_SUPPORT_APPLICATIONS_H

#include "base/seal.h"
#include "tests/support/database.h"

#define TEST_CITY "992011"

/* "00000000-0000-4000-8000-00000000002a" for 42; its receipt number is "R-00000042". */
const char *test_application_id(int n, char text[37]);
/* Row of `application` in state announced, by channel "pittari" (or as given), and its wrapped key.
 */
void test_application_make(const struct test_database *t, const struct city_key *city_key, int n,
                           const char *channel);
/* Moves it along the transitions by SQL; `states` are codes, NULL ends. */
void test_application_move(const struct test_database *t, int n, const char *const *states);
/* Seals `plain` under the application's key. */
void test_application_seal(const struct test_database *t, const struct city_key *city_key, int n,
                           const char *purpose, struct bytes plain, struct buffer *ret_sealed);
/* A new city key in the test's folder. */
struct city_key *test_city_key(const struct test_database *t);

#endif
