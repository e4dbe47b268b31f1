#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "intake/command.h"
#include "intake/examine.h"
#include "intake/ocsp.h"
#include "routing/files.h"
#include "routing/route.h"

extern const struct command config_check_command;

static bool check_city(const struct config *config, struct failure *f)
{
    return settings_city_code(config, f) != NULL;
}

static bool check_examiner(const struct config *config, struct failure *f)
{
    struct examiner examiner = {0};
    struct ocsp_client *responders;

    if (!examiner_load(config, &examiner, f))
        return false;
    examiner_free(&examiner);
    if (!ocsp_client_open(config, &responders, f))
        return false;
    ocsp_client_close(responders);
    return true;
}

static bool readable(const struct config_group *group, const char *what, const char *key,
                     struct failure *f)
{
    const char *path = config_text(group, key);
    return !*path || access(path, R_OK) == 0 ||
           failure_errno(f, "%s %s: cannot read %s", what, key, path);
}

/* Keys are not looked at: each role's account may read only its own. */
static bool check_files(const struct config *config, struct failure *f)
{
    const struct config_group *routing = config_group(config, "routing");
    const struct config_group *channel = NULL;

    while ((channel = config_next(config, "channel", channel)))
        if (!readable(channel, "[channel]", "ca", f) ||
            !readable(channel, "[channel]", "certificate", f))
            return false;
    return readable(config_group(config, "revocation"), "[revocation]", "ca", f) &&
           (!config_has(config, "routing") || (readable(routing, "[routing]", "certificate", f) &&
                                               readable(routing, "[routing]", "client-ca", f)));
}

/* What can be judged without database, network or secrets. */
static const struct {
    const char *name;
    const char *section; /* not looked at when the file does not have it */
    bool (*check)(const struct config *config, struct failure *f);
} parts[] = {
    {"city", "city", check_city},
    {"certificates of TLS", "channel", check_files},
    {"trust, procedures, revocation lists", "trust", check_examiner},
    {"routes and destinations", "route", routes_check},
    {"hand-over by files", "files", files_check},
};

static int run(const struct config *config, int argc, char **argv)
{
    bool good = true;

    (void)argv;
    if (argc > 1)
        return command_usage(&config_check_command, "takes no arguments");
    log_open(config_check_command.name, LOG_LEVEL_WARNING, false);
    printf("%s: every line is understood\n", config_path(config));
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct failure f = {0};
        if (!config_has(config, parts[i].section)) {
            printf("  %s: not configured, [%s] is missing\n", parts[i].name, parts[i].section);
        } else if (parts[i].check(config, &f)) {
            printf("  %s: good\n", parts[i].name);
        } else {
            printf("  %s: NOT GOOD: %s\n", parts[i].name, f.text);
            good = false;
        }
    }
    return good ? EXIT_DONE : EXIT_FAILED;
}

const struct command config_check_command = {
    .name = "config check",
    .summary = "Read the configuration and say what is wrong with it",
    .usage =
        "Usage: uketsuke config check [--config FILE]\n"
        "\n"
        "Reads the configuration as every role does. The first fault is named with file and\n"
        "line: an unknown section or key, a value out of range, a required key left out. Then\n"
        "looks at what it names: certificates, roots and their pins, procedures, revocation\n"
        "lists, routes.\n"
        "Needs neither database nor network, and reads no keys.\n"
        "\n"
        "Exit code 0 when all is good, 3 when not.\n"
        "\n"
        "Example: uketsuke config check --config /etc/uketsuke/uketsuke.conf\n",
    .needs_config = true,
    .run = run,
};
