/* The role `checkpoint`: signs the audit trail on schedule, so that nobody has to think of it. */
#include "base/audit.h"
#include "base/process.h"
#include "intake/command.h"
#include "intake/commands/look.h"

extern const struct command checkpoint_command;

struct signer {
    const struct config *config;
    struct db *db;
    instant interval;
    int64_t due_at; /* clock_monotonic */
};

static enum work_result step(void *context, struct failure *f)
{
    struct signer *signer = context;
    if (clock_monotonic() < signer->due_at)
        return WORK_IDLE;
    if (!audit_checkpoint(signer->db, signer->config, f))
        return WORK_FAILED;
    signer->due_at = clock_monotonic() + signer->interval;
    return WORK_DONE;
}

static bool work(struct role *role, struct failure *f)
{
    struct signer signer = {
        .config = role->config,
        .interval = config_duration(config_group(role->config, "audit"), "checkpoint-interval")};
    if (!look_open(role->config, &signer.db, f))
        return false;
    struct work_loop loop = {.name = "checkpoint",
                             .step = step,
                             .context = &signer,
                             .interval = 10 * INSTANT_SECOND, /* the shortest is a minute */
                             .once = role->once};
    bool done = work_loop_run(&loop, f);
    db_close(signer.db);
    return done;
}

static int run(const struct config *config, int argc, char **argv)
{
    return role_run(&checkpoint_command, config, 0, work, argc, argv);
}

const struct command checkpoint_command = {
    .name = "checkpoint",
    .summary = "Role: sign the audit trail on schedule",
    .usage =
        "Usage: uketsuke checkpoint [--once] [--config FILE]\n"
        "\n"
        "Does what `uketsuke audit checkpoint` does, when it starts and then every [audit]\n"
        "checkpoint-interval; after a failure again, soon. Each checkpoint is logged with its\n"
        "hash: a log that is kept on another machine shows when checkpoints were cut off\n"
        "(`uketsuke audit verify --expect HASH`). Connects as the database role of the operator.\n"
        "\n"
        "  --once   sign once and end\n"
        "\n"
        "Exit code 0 when stopped as asked, 3 when it could not start or (--once) failed.\n"
        "\n"
        "Example: uketsuke checkpoint --config /etc/uketsuke.conf\n",
    .needs_config = true,
    .run = run,
};
