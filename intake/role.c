#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/db.h"
#include "base/http_server.h"
#include "base/log.h"
#include "base/process.h"
#include "base/seal.h"
#include "forms/procedure.h"
#include "intake/command.h"
#include "intake/schema.h"

static bool healthy(void *context, struct failure *f)
{
    struct role *role = context;

    return !role->db || db_ping(role->db, f);
}

static bool make_run_directory(const struct config *config, struct failure *f)
{
    const char *folder = config_text(config_group(config, "process"), "run-directory");

    if (mkdir(folder, 0750) == 0 || errno == EEXIST)
        return true;
    return failure_errno(f, "cannot make [process] run-directory %s", folder);
}

static bool open_admin_socket(struct role *role, struct failure *f)
{
    char address[1024] = "unix:";
    size_t prefix = strlen(address);

    return make_run_directory(role->config, f) &&
           settings_socket_path(role->config, role->name, address + prefix, sizeof address - prefix,
                                f) &&
           http_admin_start(address, healthy, role, &role->admin, f);
}

/* A database that is being started, or started again, is worth waiting for; one that has another
 * schema is not. */
static bool worth_waiting(const struct failure *f)
{
    return f->kind == FAILURE_DATABASE || f->kind == FAILURE_NETWORK || f->kind == FAILURE_CONFLICT;
}

static bool wait_for_schema(struct role *role, struct failure *f)
{
    instant patience = config_duration(config_group(role->config, "process"), "start-patience");
    int64_t deadline = clock_monotonic() + patience;
    struct failure why = {0};

    for (unsigned attempt = 0; !db_schema_check(role->db, (int)schema_migration_count, &why);
         attempt++) {
        if (!worth_waiting(&why) || clock_monotonic() >= deadline)
            return failure_set(f, why.kind, "%s", why.text);
        log_warning("database.waiting", log_text("text", why.text));
        if (!process_sleep(INSTANT_SECOND / 5 +
                           backoff(attempt, INSTANT_SECOND / 5, 3 * INSTANT_SECOND)))
            return failure_set(f, FAILURE_SYSTEM, "told to stop while waiting for the database");
    }
    return true;
}

static bool open_database(struct role *role, unsigned pool, struct failure *f)
{
    const char *key = config_text(config_group(role->config, "city"), "key");

    if (*key == 0)
        return failure_set(f, FAILURE_USAGE,
                           "%s: [city] key is not given; make one with "
                           "`uketsuke key create`",
                           config_path(role->config));
    if (!city_key_load(key, &role->city_key, f) ||
        !db_open(role->config, role->name, pool, &role->db, f))
        return false;
    db_plan_by_key(role->db);
    return wait_for_schema(role, f);
}

bool role_start(const char *name, const struct config *config, unsigned pool, struct role *ret_role,
                struct failure *f)
{
    process_catch_signals();
    settings_open_log(config, name);
    *ret_role = (struct role){.name = name, .config = config};
    ret_role->city_code = settings_city_code(config, f);
    if (ret_role->city_code && (pool == 0 || open_database(ret_role, pool, f)) &&
        open_admin_socket(ret_role, f)) {
        log_info("role.started", log_text("version", UKETSUKE_VERSION),
                 log_text("city", ret_role->city_code));
        process_notify("READY=1");
        return true;
    }
    role_stop(ret_role);
    return false;
}

void role_stop(struct role *role)
{
    if (role->admin) {
        process_notify("STOPPING=1");
        log_info("role.stopped");
        http_server_stop(role->admin);
    }
    if (role->db)
        db_close(role->db);
    city_key_free(role->city_key);
    procedures_free(role->procedures);
    *role = (struct role){0};
}

int role_run(const struct command *command, const struct config *config, unsigned pool,
             bool (*work)(struct role *role, struct failure *f), int argc, char **argv)
{
    struct failure f = {0};
    struct role role;
    bool once = argc == 2 && strcmp(argv[1], "--once") == 0;
    if (argc > 1 && !once)
        return command_usage(command, "takes nothing but --once");
    if (!role_start(command->name, config, pool, &role, &f))
        return command_fail(command->name, EXIT_FAILED, &f);
    role.once = once;
    bool done = work(&role, &f);
    role_stop(&role);
    return done ? EXIT_DONE : command_fail(command->name, EXIT_FAILED, &f);
}
