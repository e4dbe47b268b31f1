/* [city], [log], [process]: what every command shares. */
#include <stdio.h>

#include "base/check_digit.h"
#include "base/log.h"
#include "intake/command.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct config_key city_keys[] = {
    {"code", CONFIG_TEXT, NULL, .help = "団体コード of the city, 6 digits with the check digit."},
    {"name", CONFIG_TEXT, "", .help = "Name of the city, as staff and residents read it."},
    {"key", CONFIG_PATH, "",
     .help = "File of the city's key, under which every application's own key is sealed "
             "(`uketsuke key create`). Readable by its owner only."},
};
const struct config_section city_config_section = {
    "city", .required = true, .help = "The city whose applications are taken in.",
    .keys = city_keys, .key_count = COUNT(city_keys)};

static const struct config_key log_keys[] = {
    {"level", CONFIG_CHOICE, "info", .choices = "debug info warning error",
     .help = "The least that is written."},
    {"format", CONFIG_CHOICE, "text", .choices = "text json",
     .help = "Lines for people, or one JSON object a line for machines."},
};
const struct config_section log_config_section = {
    "log", .help = "The log, on standard error. It never holds personal data.", .keys = log_keys,
    .key_count = COUNT(log_keys)};

static const struct config_key process_keys[] = {
    {"run-directory", CONFIG_PATH, "/run/uketsuke",
     .help = "Folder of the admin sockets, one for each role: `<role>.sock`."},
    {"roles", CONFIG_LIST, "collect examine identify routing report revocation checkpoint console",
     .help = "The roles that `uketsuke serve` runs; without an [audit] signing-key, no checkpoint; "
             "without a [console], no console."},
    {"start-patience", CONFIG_DURATION, "60s", 0, INSTANT_DAY,
     .help = "How long a role waits for the database when it starts."},
    {"stop-patience", CONFIG_DURATION, "30s", INSTANT_SECOND, 3600 * INSTANT_SECOND,
     .help = "How long `uketsuke serve` waits for a role to end before it kills it."},
    {"restart-delay-most", CONFIG_DURATION, "30s", INSTANT_SECOND / 10, 3600 * INSTANT_SECOND,
     .help = "The longest wait before `uketsuke serve` starts a dead role again."},
};
const struct config_section process_config_section = {"process", .help = "How the processes run.",
                                                      .keys = process_keys,
                                                      .key_count = COUNT(process_keys)};

static enum log_level level_of(const char *name)
{
    switch (name[0]) {
    case 'd':
        return LOG_LEVEL_DEBUG;
    case 'w':
        return LOG_LEVEL_WARNING;
    case 'e':
        return LOG_LEVEL_ERROR;
    default:
        return LOG_LEVEL_INFO;
    }
}

void settings_open_log(const struct config *config, const char *name)
{
    const struct config_group *group = config_group(config, "log");

    log_open(name, level_of(config_text(group, "level")), config_text(group, "format")[0] == 'j');
}

const char *settings_city_code(const struct config *config, struct failure *f)
{
    const char *code = config_text(config_group(config, "city"), "code");

    if (dantai_code_valid(code))
        return code;
    failure_set(f, FAILURE_USAGE,
                "%s: [city] code is not a 団体コード (6 digits, the last one the check digit)",
                config_path(config));
    return NULL;
}

bool settings_socket_path(const struct config *config, const char *name, char *text, size_t size,
                          struct failure *f)
{
    const char *folder = config_text(config_group(config, "process"), "run-directory");
    int length = snprintf(text, size, "%s/%s.sock", folder, name);

    if (length >= 0 && (size_t)length < size)
        return true;
    return failure_set(f, FAILURE_USAGE, "%s: [process] run-directory is too long for a socket",
                       config_path(config));
}
