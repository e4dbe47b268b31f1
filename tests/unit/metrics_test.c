#include <pthread.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/metrics.h"
#include "tests/unit/check.h"

static struct metric plain = {.kind = METRIC_COUNTER, .name = "plain_total", .help = "Plain."};
static struct metric labelled = {
    .kind = METRIC_GAUGE, .name = "labelled", .help = "With labels.", .label_name = "state"};
static struct metric many = {
    .kind = METRIC_COUNTER, .name = "many_total", .help = "Many.", .label_name = "n"};
static struct metric shared = {.kind = METRIC_COUNTER, .name = "shared_total", .help = "Shared."};

static bool written(const char *lines)
{
    _cleanup_(cleanup_buffer) struct buffer text = {0};

    metrics_write(&text);
    return strstr(buffer_text(&text), lines) != NULL;
}

static void test_format(void **state)
{
    (void)state;
    assert_false(written("plain_total"));
    metric_add(&plain, NULL, 2);
    metric_add(&plain, NULL, 3);
    assert_true(written("# HELP plain_total Plain.\n# TYPE plain_total counter\nplain_total 5\n"));
    metric_set(&labelled, "held", 7);
    metric_set(&labelled, "a\"b\\c\nd", 1);
    metric_set(&labelled, "held", -8);
    assert_true(written("# TYPE labelled gauge\n"
                        "labelled{state=\"held\"} -8\n"
                        "labelled{state=\"a\\\"b\\\\c\\nd\"} 1\n"));
}

static void test_too_many_labels(void **state)
{
    char label[16];

    (void)state;
    for (int i = 0; i < 64; i++) {
        snprintf(label, sizeof label, "l%d", i);
        metric_add(&many, label, 1); /* the label is copied */
    }
    assert_true(written("many_total{n=\"l63\"} 1\n"));
    assert_false(written("other"));
    metric_add(&many, "l64", 1);
    metric_add(&many, "l65", 1);
    metric_add(&many, "l63", 1);
    assert_true(written("many_total{n=\"other\"} 2\n"));
    assert_true(written("many_total{n=\"l63\"} 2\n"));
    assert_false(written("l64"));
}

static void *add_many(void *unused)
{
    for (int i = 0; i < 10000; i++)
        metric_add(&shared, NULL, 1);
    return unused;
}

static void test_threads(void **state)
{
    pthread_t threads[4];

    (void)state;
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, add_many, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_true(written("shared_total 40000\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_too_many_labels),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
