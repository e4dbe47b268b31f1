/* Residents in a test database, made by SQL: synthetic people of 試験県桜野市. */
#ifndef UKETSUKE_TESTS_SUPPORT_RESIDENTS_H
#define UKETSUKE_TESTS_SUPPORT_RESIDENTS_H

#include "tests/support/applications.h"

struct test_resident { /* NULL or 0: as most are */
    const char *atenabango;
    const char *name;       /* 桜野　花子 */
    const char *kana;       /* none */
    int birth_date;         /* 19920401 */
    char sex;               /* '2' */
    const char *town, *lot; /* 本町一丁目, ２番３号 */
    const char *building;
    const char *household; /* H1 */
    int status;            /* enum resident_status */
    bool is_protected;     /* since 1950 */
};
/* In place of the one with the same 宛名番号, if there is one; a row of registry_change tells of
 * it. */
void test_resident_make(const struct test_database *t, const struct test_resident *resident);
/* A link of the signing CA in force for ever. */
void test_link_make(const struct test_database *t, const char *serial, const char *atenabango);
void test_residents_clear(const struct test_database *t);

#endif
