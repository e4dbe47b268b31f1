#include <pthread.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/text.h"
#include "tests/unit/capture.h"
#include "tests/unit/check.h"

#define NINE_O_CLOCK (1795219201 * INSTANT_SECOND) /* 2026-11-21T09:00:01+09:00 */

static void test_text(void **state)
{
    _cleanup_(cleanup_buffer) struct buffer text = {0};

    (void)state;
    clock_fix(NINE_O_CLOCK);
    log_open("collect", LOG_LEVEL_INFO, false);
    struct capture capture = capture_begin();
    log_info("package.stored", log_text("receipt", "R-1"), log_number("bytes", 123));
    log_debug("not.written");
    log_warning("portal.down");
    log_error("disk.full", log_text("why", "no \"space\"\nleft"), log_text("empty", NULL));
    capture_end(&capture, &text);
    assert_string_equal(buffer_text(&text),
                        "09:00:01 collect    package.stored  receipt=R-1 bytes=123\n"
                        "09:00:01 collect    warning portal.down\n"
                        "09:00:01 collect    ERROR disk.full  why=\"no \\\"space\\\"\\u000aleft\" "
                        "empty=\"\"\n");
    clock_fix(0);
}

static void test_json(void **state)
{
    _cleanup_(cleanup_buffer) struct buffer text = {0};

    (void)state;
    clock_fix(NINE_O_CLOCK);
    log_open("routing", LOG_LEVEL_DEBUG, true);
    struct capture capture = capture_begin();
    log_debug("item.delivered", log_text("note", "申\x01\"\\ \xff\xe3\x81"),
              log_number("bytes", INT64_MIN));
    capture_end(&capture, &text);
    clock_fix(0);
    _cleanup_(cleanup_json) json_t *json = json_loads(buffer_text(&text), 0, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "at")),
                        "2026-11-21T09:00:01.000000+09:00");
    assert_string_equal(json_string_value(json_object_get(json, "level")), "debug");
    assert_string_equal(json_string_value(json_object_get(json, "role")), "routing");
    assert_string_equal(json_string_value(json_object_get(json, "event")), "item.delivered");
    assert_string_equal(json_string_value(json_object_get(json, "note")),
                        "申\x01\"\\ \uFFFD\uFFFD\uFFFD");
    assert_int_equal(json_integer_value(json_object_get(json, "bytes")), INT64_MIN);
}

static void test_failure(void **state)
{
    _cleanup_(cleanup_buffer) struct buffer text = {0};
    struct failure f = {0};

    (void)state;
    failure_set(&f, FAILURE_NETWORK, "no answer");
    log_open("report", LOG_LEVEL_WARNING, false);
    struct capture capture = capture_begin();
    log_info("not.written");
    log_failure("portal.unreachable", &f);
    capture_end(&capture, &text);
    assert_non_null(strstr(buffer_text(&text),
                           "warning portal.unreachable  kind=network text=\"no answer\"\n"));
    assert_null(strstr(buffer_text(&text), "not.written"));
}

/* A value is cut at 4096 bytes, between characters. */
static void test_long_value(void **state)
{
    (void)state;
    log_open("x", LOG_LEVEL_INFO, false);
    for (size_t length = 4094; length <= 4098; length++) {
        _cleanup_(cleanup_buffer) struct buffer text = {0};
        char *value = memory_allocate(length + 4);
        memset(value, 'a', length);
        memcpy(value + length, "申", 3);
        struct capture capture = capture_begin();
        log_info("e", log_text("v", value));
        capture_end(&capture, &text);
        free(value);
        assert_true(utf8_valid(buffer_bytes(&text)));
        size_t written = strlen(strstr(buffer_text(&text), "v=") + 2) - 1;
        assert_int_equal(written, length > 4096 ? 4096 : length);
    }
}

/* Standard error that is gone must not take the service with it. */
static void test_lost_lines_are_counted(void **state)
{
    _cleanup_(cleanup_buffer) struct buffer text = {0};
    int before = dup(STDERR_FILENO);

    (void)state;
    close(STDERR_FILENO);
    log_open("x", LOG_LEVEL_INFO, false);
    log_info("lost");
    dup2(before, STDERR_FILENO);
    close(before);
    metrics_write(&text);
    assert_non_null(strstr(buffer_text(&text), "uketsuke_log_lines_lost_total 1\n"));
}

static void *write_many(void *unused)
{
    for (int i = 0; i < 500; i++)
        log_info("e", log_text("v", "0123456789012345678901234567890123456789"));
    return unused;
}

static void test_threads_do_not_mix_lines(void **state)
{
    _cleanup_(cleanup_buffer) struct buffer text = {0};
    pthread_t threads[4];
    size_t lines = 0;

    (void)state;
    log_open("x", LOG_LEVEL_INFO, false);
    struct capture capture = capture_begin();
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, write_many, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    capture_end(&capture, &text);
    for (char *line = strtok((char *)buffer_text(&text), "\n"); line; line = strtok(NULL, "\n")) {
        assert_non_null(strstr(line, "x          e  v=01234567890123456789012345678901234567"));
        assert_int_equal(strlen(line), 65);
        lines++;
    }
    assert_int_equal(lines, 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_failure),
        cmocka_unit_test(test_long_value),
        cmocka_unit_test(test_lost_lines_are_counted),
        cmocka_unit_test(test_threads_do_not_mix_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
