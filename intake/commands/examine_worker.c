#include "intake/command.h"
#include "intake/examiner_worker.h"

extern const struct command examine_worker_command;

static int run(const struct config *config, int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return command_usage(&examine_worker_command, "takes nothing");
    settings_open_log(config, "examine");
    examiner_worker_run(config, examine);
}

const struct command examine_worker_command = {
    .name = "examine-worker",
    .summary = "Internal: what the examine role starts for each of [examine] workers",
    .usage = "Usage: uketsuke examine-worker --config FILE\n"
             "\n"
             "The examine role starts it, with a socket as descriptor 3. It loads anchors and\n"
             "procedures, gives up all that a process may do but computing, maps the revocation\n"
             "indexes that it is handed over the socket, and examines what comes over it.\n"
             "\n"
             "Example: none; to examine by hand, see uketsuke verify --help\n",
    .needs_config = true,
    .run = run,
};
