/* What every unit test includes: cmocka in the order it wants, and a short way to a test list. */
#ifndef UKETSUKE_TESTS_UNIT_CHECK_H
#define UKETSUKE_TESTS_UNIT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A failure happened, of this kind, and its text says so. */
#define assert_failure(f, wanted, words)                                                           \
    do {                                                                                           \
        assert_int_equal((f).kind, (wanted));                                                      \
        if (!strstr((f).text, (words)))                                                            \
            fail_msg("\"%s\" is not in \"%s\"", (words), (f).text);                                \
    } while (0)

#endif
