/* Any bytes as a configuration: either a failure that names the file, or a configuration whose
 * every value can be asked for. */
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "tests/fuzz/fuzz.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct config_key plain_keys[] = {
    {"text", CONFIG_TEXT, "", .help = "t"},
    {"number", CONFIG_NUMBER, "5", -10, 10, .help = "n"},
    {"size", CONFIG_SIZE, "1K", 1, 1 << 30, .help = "s"},
    {"duration", CONFIG_DURATION, "1s", .help = "d"},
    {"yes", CONFIG_BOOLEAN, "no", .help = "b"},
    {"path", CONFIG_PATH, "p", .help = "p"},
    {"list", CONFIG_LIST, "", .help = "l"},
    {"paths", CONFIG_PATHS, "", .help = "l"},
    {"choice", CONFIG_CHOICE, "a", .choices = "a b", .help = "c"},
};
static const struct config_section plain = {"plain", .help = "h", .keys = plain_keys,
                                            .key_count = COUNT(plain_keys)};

static const struct config_key named_keys[] = {{"must", CONFIG_LIST, NULL, .help = "m"}};
static const struct config_section named = {"named", .named = true, .help = "h", .keys = named_keys,
                                            .key_count = COUNT(named_keys)};

static const struct config_section *const sections[] = {&plain, &named};

static void ask_list(const struct config_group *group, const char *key)
{
    for (size_t i = 0; i < config_list_length(group, key); i++)
        if (config_list_item(group, key, i)[0] == 0)
            abort();
}

static void ask_all(const struct config *config)
{
    const struct config_group *g = config_group(config, "plain");

    if (!config_text(g, "text") || !config_text(g, "path"))
        abort();
    int64_t number = config_number(g, "number"), size = config_number(g, "size");
    if (number < -10 || number > 10 || size < 1 || size > 1 << 30)
        abort();
    if (config_duration(g, "duration") < 0 || (config_boolean(g, "yes") & ~1))
        abort();
    if (strlen(config_text(g, "choice")) != 1)
        abort();
    ask_list(g, "list");
    ask_list(g, "paths");
    for (g = NULL; (g = config_next(config, "named", g));) {
        if (!config_name(g)[0] || config_find(config, "named", config_name(g)) != g)
            abort();
        if (config_list_length(g, "must") > 0)
            ask_list(g, "must");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *config = NULL;
    struct failure f = {0};

    if (config_parse("f", bytes_of(data, size), sections, COUNT(sections), &config, &f)) {
        ask_all(config);
        config_free(config);
    } else if (f.kind != FAILURE_USAGE || strncmp(f.text, "f:", 2) != 0 || config) {
        abort();
    }
    return 0;
}
