#include <string.h>

#include "base/cleanup.h"
#include "base/config.h"
#include "base/config_internal.h"
#include "tests/unit/check.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct config_key main_keys[] = {
    {"text", CONFIG_TEXT, "", .help = "A text | with a bar."},
    {"must", CONFIG_TEXT, NULL, .help = "Must."},
    {"number", CONFIG_NUMBER, "5", -10, 10, .help = "Number."},
    {"free", CONFIG_NUMBER, "0", .help = "Unbounded."},
    {"size", CONFIG_SIZE, "64K", 1024, 1 << 20, .help = "Size."},
    {"duration", CONFIG_DURATION, "90s", 0, INSTANT_DAY, .help = "Duration."},
    {"yes", CONFIG_BOOLEAN, "yes", .help = "Boolean."},
    {"path", CONFIG_PATH, "default/path", .help = "Path."},
    {"list", CONFIG_LIST, "", .help = "List."},
    {"paths", CONFIG_PATHS, "", .help = "Paths."},
    {"choice", CONFIG_CHOICE, "text", .choices = "text json", .help = "Choice."},
};
static const struct config_section main_section = {"main", .required = true,
                                                   .help = "The main one.", .keys = main_keys,
                                                   .key_count = COUNT(main_keys)};
static const struct config_key peer_keys[] = {{"url", CONFIG_TEXT, NULL, .help = "URL."},
                                              {"n", CONFIG_NUMBER, "3", .help = "N."}};
static const struct config_section peer_section = {
    "peer", .named = true, .help = "A peer.", .keys = peer_keys, .key_count = COUNT(peer_keys)};
static const struct config_section quiet_section = {
    "quiet", .help = "May be left out.", .keys = peer_keys, .key_count = COUNT(peer_keys)};
static const struct config_section *const sections[] = {&main_section, &peer_section,
                                                        &quiet_section};

DEFINE_CLEANUP(cleanup_config, struct config *, config_free)

static struct config *parse(const char *text, struct failure *f)
{
    struct config *config = NULL;

    config_parse("etc/x.conf", bytes_of_text(text), sections, COUNT(sections), &config, f);
    return config;
}

static struct config *parse_good(const char *text)
{
    struct failure f = {0};
    struct config *config = parse(text, &f);

    if (!config)
        fail_msg("%s", f.text);
    return config;
}

static void assert_refused(const char *text, const char *words)
{
    struct failure f = {0};
    _cleanup_(cleanup_config) struct config *config = parse(text, &f);

    if (config)
        fail_msg("accepted: %s", text);
    assert_failure(f, FAILURE_USAGE, words);
}

static void test_defaults(void **state)
{
    _cleanup_(cleanup_config) struct config *config = parse_good("[main]\nmust = a\n");
    const struct config_group *g = config_group(config, "main");

    (void)state;
    assert_string_equal(config_text(g, "text"), "");
    assert_int_equal(config_number(g, "number"), 5);
    assert_int_equal(config_number(g, "size"), 65536);
    assert_int_equal(config_duration(g, "duration"), 90 * INSTANT_SECOND);
    assert_true(config_boolean(g, "yes"));
    assert_string_equal(config_text(g, "path"), "etc/default/path");
    assert_int_equal(config_list_length(g, "list"), 0);
    assert_string_equal(config_text(g, "choice"), "text");
    assert_null(config_name(g));
    assert_null(config_next(config, "peer", NULL));
    assert_int_equal(config_number(config_group(config, "quiet"), "n"), 3);
    assert_string_equal(config_path(config), "etc/x.conf");
}

static void test_values(void **state)
{
    _cleanup_(cleanup_config) struct config *config = parse_good("# a comment\r\n"
                                                                 "\r\n"
                                                                 "[main]\r\n"
                                                                 "must=a = b\t\r\n"
                                                                 "text = 桜野市 \"quoted\"\n"
                                                                 "number = -10\n"
                                                                 "size = 1M\n"
                                                                 "duration = 24h\n"
                                                                 "yes = no\n"
                                                                 "path = /abs\n"
                                                                 "list = one  two\n"
                                                                 "  # between\n"
                                                                 "  three\n"
                                                                 "\n"
                                                                 "\tfour\n"
                                                                 "paths = a /b https://c/d\n"
                                                                 "choice = json\n"
                                                                 "[peer b.1]\nurl = u\n"
                                                                 "[peer a]\nurl = v\nn = 4");
    const struct config_group *g = config_group(config, "main");

    (void)state;
    assert_string_equal(config_text(g, "must"), "a = b");
    assert_string_equal(config_text(g, "text"), "桜野市 \"quoted\"");
    assert_int_equal(config_number(g, "number"), -10);
    assert_int_equal(config_number(g, "size"), 1 << 20);
    assert_int_equal(config_duration(g, "duration"), INSTANT_DAY);
    assert_false(config_boolean(g, "yes"));
    assert_string_equal(config_text(g, "path"), "/abs");
    assert_int_equal(config_list_length(g, "list"), 4);
    assert_string_equal(config_list_item(g, "list", 3), "four");
    assert_string_equal(config_list_item(g, "paths", 0), "etc/a");
    assert_string_equal(config_list_item(g, "paths", 1), "/b");
    assert_string_equal(config_list_item(g, "paths", 2), "https://c/d");

    const struct config_group *first = config_next(config, "peer", NULL);
    const struct config_group *second = config_next(config, "peer", first);
    assert_string_equal(config_name(first), "b.1");
    assert_string_equal(config_name(second), "a");
    assert_null(config_next(config, "peer", second));
    assert_ptr_equal(config_find(config, "peer", "a"), second);
    assert_null(config_find(config, "peer", "c"));
    assert_int_equal(config_number(second, "n"), 4);
}

static void test_refused_lines(void **state)
{
    static const char *const cases[][2] = {
        {"", "etc/x.conf: section [main] is missing"},
        {"[main]\n", "etc/x.conf:1: section [main] needs the key \"must\""},
        {"[main]\nmust =\n", "etc/x.conf:2: must must be given a value"},
        {"[main]\nmust = a\nmist = b\n", "etc/x.conf:3: section [main] has no key \"mist\""},
        {"[main]\nmust = a\n\nmust = b\n", "etc/x.conf:4: must is given in line 2 already"},
        {"[main]\nmust = a\n[main]\n", "etc/x.conf:3: the section stands in line 1 already"},
        {"[mian]\n", "etc/x.conf:1: there is no section [mian]"},
        {"[]\n", "etc/x.conf:1: there is no section []"},
        {"[main x]\n", "etc/x.conf:1: section [main] has no name"},
        {"[main ]\n", "etc/x.conf:1: section [main] has no name"},
        {"[peer]\n", "etc/x.conf:1: section [peer] needs a name"},
        {"[peer ]\n", "etc/x.conf:1: section [peer] needs a name"},
        {"[peer a b]\n", "etc/x.conf:1: the name of a section is one word"},
        {"[peer a]\nurl = x\n[peer a]\n", "etc/x.conf:3: the section stands in line 1 already"},
        {"[peer a]\n[main]\nmust = a\n", "etc/x.conf:1: section [peer a] needs the key \"url\""},
        {"[quiet]\n[main]\nmust = a\n", "etc/x.conf:1: section [quiet] needs the key \"url\""},
        {"[main\n", "etc/x.conf:1: a section is written [name]"},
        {"[\n", "etc/x.conf:1: a section is written [name]"},
        {"must = a\n", "etc/x.conf:1: the key stands before any [section]"},
        {"[main]\nmust\n", "etc/x.conf:2: expected \"key = value\""},
        {"[main]\nmust = a # b\n", "etc/x.conf:2: a comment needs a line of its own"},
        {"[main]\nmust = #b\n", "etc/x.conf:2: a comment needs a line of its own"},
        {"[main]\n  must = a\n", "etc/x.conf:2: an indented line goes on with a list"},
        {"[main]\nmust = a\n b\n", "etc/x.conf:3: an indented line goes on with a list"},
        {"[main]\nlist = a\n must = b\n", "etc/x.conf:3: a key must not be indented"},
        {"[main]\nmust = \xff\n", "etc/x.conf:2: the line is not UTF-8"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_refused(cases[i][0], cases[i][1]);
    struct failure f = {0};
    struct config *config = NULL;
    assert_false(config_parse("x", bytes_of("[main]\nmust = a\0b\n", 18), sections, COUNT(sections),
                              &config, &f));
    assert_failure(f, FAILURE_USAGE, "x:2: the line is not UTF-8");
}

static void assert_value(const char *key, const char *value, const char *refused_with)
{
    _cleanup_(cleanup_text) char *text = text_format("[main]\nmust = a\n%s = %s\n", key, value);
    struct failure f = {0};
    _cleanup_(cleanup_config) struct config *config = parse(text, &f);

    if (!refused_with && !config)
        fail_msg("%s = %s: %s", key, value, f.text);
    if (refused_with && config)
        fail_msg("%s = %s was accepted", key, value);
    if (refused_with) {
        assert_failure(f, FAILURE_USAGE, "etc/x.conf:3: ");
        assert_failure(f, FAILURE_USAGE, refused_with);
    }
}

static void test_bounds(void **state)
{
    (void)state;
    assert_value("number", "-10", NULL);
    assert_value("number", "10", NULL);
    assert_value("number", "-11", "number must be between -10 and 10");
    assert_value("number", "11", "number must be between -10 and 10");
    assert_value("number", "9223372036854775808", "number must be a number");
    assert_value("number", "", "number must be a number");
    assert_value("number", "5K", "number must be a number");
    assert_value("number", "five", "number must be a number");
    assert_value("free", "9223372036854775807", NULL);
    assert_value("free", "-9223372036854775808", NULL);
    assert_value("size", "1024", NULL);
    assert_value("size", "1K", NULL);
    assert_value("size", "1023", "size must be between 1K and 1M");
    assert_value("size", "1025K", "size must be between 1K and 1M");
    assert_value("size", "9223372036854775807G", "size must be between 1K and 1M");
    assert_value("size", "-1K", "size must be a size");
    assert_value("size", "1k", "size must be a size");
    assert_value("size", "1 K", "size must be a size");
    assert_value("duration", "0s", NULL);
    assert_value("duration", "1d", NULL);
    assert_value("duration", "1440min", NULL);
    assert_value("duration", "86400001ms", "duration must be between 0ms and 1d");
    assert_value("duration", "30", "duration must be a duration with its unit");
    assert_value("duration", "-1s", "duration must be a duration with its unit");
    assert_value("duration", "1m", "duration must be a duration with its unit");
    assert_value("yes", "true", "yes must be yes or no");
    assert_value("choice", "tex", "choice must be one of: text json");
    assert_value("choice", "text json", "choice must be one of: text json");
    assert_value("choice", "", "choice must be one of: text json");
}

static void test_line_limit(void **state)
{
    (void)state;
    for (int over = 0; over <= 1; over++) {
        _cleanup_(cleanup_buffer) struct buffer text = {0};
        buffer_append_text(&text, "[main]\nmust = ");
        for (int i = 0; i < CONFIG_LINE_MOST - 7 + over; i++)
            buffer_append_text(&text, "a");
        buffer_append_text(&text, "\r\n");
        if (over)
            assert_refused(buffer_text(&text), "etc/x.conf:2: the line is longer than 8192 bytes");
        else
            config_free(parse_good(buffer_text(&text)));
    }
}

static void test_file_limit(void **state)
{
    _cleanup_(cleanup_buffer) struct buffer text = {0};

    (void)state;
    buffer_append_text(&text, "[main]\nmust = a\n");
    while (text.length < CONFIG_FILE_MOST)
        buffer_append_text(&text, "\n");
    config_free(parse_good(buffer_text(&text)));
    buffer_append_text(&text, "\n");
    assert_refused(buffer_text(&text), "etc/x.conf: longer than 1048576 bytes");
}

static void test_group_limit(void **state)
{
    _cleanup_(cleanup_buffer) struct buffer text = {0};

    (void)state;
    buffer_append_text(&text, "[main]\nmust = a\n");
    for (int i = 1; i < CONFIG_GROUPS_MOST; i++)
        buffer_format(&text, "[peer %d]\nurl = x\n", i);
    config_free(parse_good(buffer_text(&text)));
    buffer_append_text(&text, "[peer z]\nurl = x\n");
    assert_refused(buffer_text(&text), "more than 1024 sections");
}

static void test_item_and_name_limits(void **state)
{
    _cleanup_(cleanup_buffer) struct buffer text = {0}, name = {0};

    (void)state;
    buffer_append_text(&text, "[main]\nmust = a\nlist =\n");
    for (int i = 0; i < CONFIG_ITEMS_MOST; i++)
        buffer_append_text(&text, " x\n");
    config_free(parse_good(buffer_text(&text)));
    buffer_append_text(&text, " y\n");
    assert_refused(buffer_text(&text), "etc/x.conf:3: list has more than 1024 items");

    buffer_append_text(&name, "[main]\nmust = a\n[peer ");
    for (int i = 0; i < CONFIG_NAME_MOST; i++)
        buffer_append_text(&name, "n");
    size_t length = name.length;
    buffer_append_text(&name, "]\nurl = x\n");
    config_free(parse_good(buffer_text(&name)));
    name.length = length;
    buffer_append_text(&name, "n]\nurl = x\n");
    assert_refused(buffer_text(&name),
                   "etc/x.conf:3: the name of a section is one word of at most");
}

static void test_require(void **state)
{
    _cleanup_(cleanup_config) struct config *config =
        parse_good("[main]\nmust = a\n[peer x]\nurl = u\n");
    struct failure f = {0};

    (void)state;
    assert_true(config_require(config, "main", &f));
    assert_true(config_require(config, "peer", &f));
    assert_false(config_require(config, "quiet", &f));
    assert_failure(f, FAILURE_USAGE, "etc/x.conf: section [quiet] is missing");
}

static void test_load(void **state)
{
    char folder[] = "/tmp/uketsuke-config-XXXXXX";
    struct config *config = NULL;
    struct failure f = {0};

    (void)state;
    assert_non_null(mkdtemp(folder));
    _cleanup_(cleanup_text) char *path = text_format("%s/x.conf", folder);
    assert_false(config_load(path, sections, COUNT(sections), &config, &f));
    assert_failure(f, FAILURE_SYSTEM, "x.conf: No such file");
    FILE *file = fopen(path, "we");
    fputs("[main]\nmust = a\npath = p\n", file);
    fclose(file);
    assert_true(config_load(path, sections, COUNT(sections), &config, &f));
    _cleanup_(cleanup_text) char *wanted = text_format("%s/p", folder);
    assert_string_equal(config_text(config_group(config, "main"), "path"), wanted);
    config_free(config);
    assert_false(config_load(folder, sections, COUNT(sections), &config, &f)); /* a folder */
    assert_int_equal(f.kind, FAILURE_SYSTEM);
    unlink(path);
    rmdir(folder);
}

static void test_reference(void **state)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    (void)state;
    config_write_reference(out, sections, COUNT(sections));
    fclose(out);
    assert_non_null(strstr(text, "## `[main]`\n\nThe main one. Must be given.\n"));
    assert_non_null(strstr(text, "\n## `[peer NAME]`\n\nA peer.\n"));
    assert_non_null(strstr(text, "| `text` | text | (none) | A text \\| with a bar. |\n"));
    assert_non_null(strstr(text, "| `must` | text | **must be given** | Must. |\n"));
    assert_non_null(strstr(text, "| `size` | size, 1K to 1M | `64K` | Size. |\n"));
    assert_non_null(strstr(text, "| `duration` | duration, 0ms to 1d | `90s` | Duration. |\n"));
    assert_non_null(strstr(text, "| `choice` | one of: text json | `text` | Choice. |\n"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),      cmocka_unit_test(test_values),
        cmocka_unit_test(test_refused_lines), cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_line_limit),    cmocka_unit_test(test_file_limit),
        cmocka_unit_test(test_group_limit),   cmocka_unit_test(test_item_and_name_limits),
        cmocka_unit_test(test_require),       cmocka_unit_test(test_load),
        cmocka_unit_test(test_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
