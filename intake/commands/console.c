/* The role `console`: what staff work with. */
#include "intake/console/console.h"
#include "base/log.h"
#include "base/process.h"
#include "intake/command.h"

extern const struct command console_command;

static bool work(struct role *role, struct failure *f)
{
    struct console_server *server;
    if (role->once)
        return failure_set(f, FAILURE_USAGE,
                           "the console has nothing to do once: leave --once out");
    if (!console_server_start(role, &server, f))
        return false;
    log_info("console.listening", log_number("port", console_server_port(server)));
    while (process_sleep(60 * INSTANT_SECOND))
        continue;
    console_server_stop(server);
    return true;
}

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    if (!config_require(config, "console", &f))
        return command_fail("console", EXIT_FAILED, &f);
    unsigned threads = (unsigned)config_number(config_group(config, "console"), "threads");
    return role_run(&console_command, config, threads + 1, work, argc, argv);
}

const struct command console_command = {
    .name = "console",
    .summary = "Role: the staff console (申請内容確認)",
    .usage = "Usage: uketsuke console [--config FILE]\n"
             "\n"
             "Serves the staff's pages and their JSON API over TLS (docs/api/console.yaml), to\n"
             "registered terminals only. The first administrator and terminal are made here:\n"
             "\n"
             "  uketsuke terminal add --address 10.1.2.3 --label 市民課1番 --department 市民課\n"
             "  uketsuke user add hanako --first --display-name 桜野花子 --department 情報課\n"
             "\n"
             "Exit code 0 when stopped as asked, 3 when it could not start.\n"
             "\n"
             "Example: uketsuke console --config /etc/uketsuke/uketsuke.conf\n",
    .needs_config = true,
    .run = run,
};
