#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/process.h"
#include "intake/command.h"
#include "intake/supervisor.h"

extern const struct command serve_command;

static const char *const known_roles[] = {
    "collect", "examine", "identify", "routing", "report", "revocation", "checkpoint", "console",
};
#define ROLES_MOST (sizeof known_roles / sizeof known_roles[0])

struct serve {
    const struct config *config;
    const char *names[ROLES_MOST];
    size_t count;
};

static bool add_role(struct serve *serve, const char *name, struct failure *f)
{
    for (size_t i = 0; i < serve->count; i++)
        if (strcmp(serve->names[i], name) == 0)
            return failure_set(f, FAILURE_USAGE, "the role \"%s\" is named twice", name);
    for (size_t i = 0; i < ROLES_MOST; i++) {
        if (strcmp(known_roles[i], name) == 0) {
            serve->names[serve->count++] = known_roles[i];
            return true;
        }
    }
    return failure_set(f, FAILURE_USAGE,
                       "there is no role \"%.64s\"; the roles are collect, examine, identify, "
                       "routing, report, revocation, checkpoint and console",
                       name);
}

static bool signing(const struct config *config)
{
    return *config_text(config_group(config, "audit"), "signing-key") != 0;
}

static bool roles_from_config(struct serve *serve, struct failure *f)
{
    const struct config_group *process = config_group(serve->config, "process");

    for (size_t i = 0; i < config_list_length(process, "roles"); i++) {
        const char *name = config_list_item(process, "roles", i);
        if (strcmp(name, "checkpoint") == 0 && !signing(serve->config))
            continue;
        if (strcmp(name, "console") == 0 && !config_has(serve->config, "console"))
            continue;
        if (!add_role(serve, name, f))
            return failure_prefix(f, "%s: [process] roles", config_path(serve->config));
    }
    return true;
}

static bool roles_from_text(struct serve *serve, char *text, struct failure *f)
{
    for (char *name; (name = strsep(&text, ", "));)
        if (*name && !add_role(serve, name, f))
            return false;
    return true;
}

/* Two supervisors over one run-directory would take each other's sockets. The lock goes with the
 * process; the descriptor is not handed to the children. */
static int take_lock(const struct config *config, struct failure *f)
{
    const char *folder = config_text(config_group(config, "process"), "run-directory");
    _cleanup_(cleanup_text) char *path = text_format("%s/serve.lock", folder);

    if (mkdir(folder, 0750) != 0 && errno != EEXIST) {
        failure_errno(f, "cannot make [process] run-directory %s", folder);
        return -1;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) {
        failure_errno(f, "cannot open %s", path);
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        failure_set(f, FAILURE_USAGE, "another `uketsuke serve` runs in %s; stop it first", folder);
        return -1;
    }
    return fd;
}

/* A role serves when something answers on its admin socket. */
static bool serving(const char *name, void *context)
{
    const struct serve *serve = context;
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (!settings_socket_path(serve->config, name, address.sun_path, sizeof address.sun_path, NULL))
        return false;
    _cleanup_(cleanup_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
}

static void ready(void *context)
{
    const struct serve *serve = context;

    log_info("serve.ready", log_number("roles", (int64_t)serve->count));
    process_notify("READY=1");
}

static int run_roles(struct serve *serve)
{
    const struct config_group *process = config_group(serve->config, "process");
    const char *argv[ROLES_MOST][5];
    struct supervisor_child children[ROLES_MOST];
    struct failure f = {0};

    for (size_t i = 0; i < serve->count; i++) {
        const char *words[] = {"uketsuke", "--config", config_path(serve->config), serve->names[i],
                               NULL};
        memcpy(argv[i], words, sizeof words);
        children[i] = (struct supervisor_child){serve->names[i], argv[i]};
    }
    /* The last of an old run must not look like the first of this one. */
    for (size_t i = 0; i < serve->count; i++) {
        char path[1024];
        if (settings_socket_path(serve->config, serve->names[i], path, sizeof path, NULL))
            unlink(path);
    }
    struct supervisor_options options = {
        .program = "/proc/self/exe",
        .children = children,
        .child_count = serve->count,
        .restart_most = config_duration(process, "restart-delay-most"),
        .stop_patience = config_duration(process, "stop-patience"),
        .serving = serving,
        .ready = ready,
        .context = serve,
    };
    bool good = supervisor_run(&options, &f);
    log_info("serve.stopped");
    return good ? EXIT_DONE : command_fail("serve", EXIT_FAILED, &f);
}

static int run(const struct config *config, int argc, char **argv)
{
    struct serve serve = {.config = config};
    struct failure f = {0};

    if (argc == 3 && strcmp(argv[1], "--roles") == 0) {
        if (!roles_from_text(&serve, argv[2], &f))
            return command_usage(&serve_command, "%s", f.text);
    } else if (argc != 1) {
        return command_usage(&serve_command, "takes only --roles LIST");
    } else if (!roles_from_config(&serve, &f)) {
        return command_fail("serve", EXIT_FAILED, &f);
    }
    if (serve.count == 0)
        return command_usage(&serve_command, "no role to run");

    process_catch_signals();
    settings_open_log(config, "serve");
    if (!settings_city_code(config, &f))
        return command_fail("serve", EXIT_FAILED, &f);
    _cleanup_(cleanup_fd) int lock = take_lock(config, &f);
    if (lock < 0)
        return command_fail("serve", EXIT_FAILED, &f);
    if (!signing(config))
        log_warning("audit.unsigned",
                    log_text("text", "no [audit] signing-key: nobody signs the audit trail; make "
                                     "one with `uketsuke audit key create`"));
    log_info("serve.started", log_text("version", UKETSUKE_VERSION),
             log_text("config", config_path(config)));
    return run_roles(&serve);
}

const struct command serve_command = {
    .name = "serve",
    .summary = "Run all the roles of a small city under one supervisor",
    .usage =
        "Usage: uketsuke serve [--config FILE] [--roles LIST]\n"
        "\n"
        "Starts each role as a process of its own, starts it again when it ends (at once, then "
        "with\n"
        "growing waits), and stops all of them on SIGTERM or SIGINT. If the supervisor dies, its\n"
        "roles stop too. Every role logs to the same standard error; the second word of a line is\n"
        "the role. When all roles serve, systemd is told (sd_notify) and \"serve.ready\" is "
        "logged.\n"
        "\n"
        "  --roles LIST   some of collect,examine,identify,routing,report,revocation,\n"
        "                 checkpoint,console; else [process] roles\n"
        "\n"
        "Each role's health and metrics are on <run-directory>/<role>.sock:\n"
        "  curl --unix-socket /run/uketsuke/examine.sock http://localhost/healthz\n"
        "\n"
        "Exit code 0 when stopped as asked, 3 when a role would not stop or nothing could start.\n"
        "In production, run each role as its own systemd unit instead.\n"
        "\n"
        "Example: uketsuke serve --config /etc/uketsuke/uketsuke.conf --roles collect,examine\n",
    .needs_config = true,
    .run = run,
};
