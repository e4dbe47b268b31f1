
#include "base/process.h"
#include "intake/command.h"
#include "intake/identify/role.h"
#include "intake/work.h"

extern const struct command identify_command;

/* Between two looks at what is due again; what is new wakes us at once. */
#define LOOK_INTERVAL INSTANT_SECOND

struct identifying {
    struct role *role;
    struct db_listener *listener;
};

static enum work_result step(void *context, struct failure *f)
{
    struct identifying *identifying = context;
    return identify_step(identifying->role, f);
}

static void wait_for_sign(void *context, instant patience)
{
    struct identifying *identifying = context;
    db_listener_wait(identifying->listener, patience);
}

static bool work(struct role *role, struct failure *f)
{
    const char *const channels[] = {work_channel(STAGE_IDENTIFY)};
    struct identifying identifying = {.role = role};
    db_plan_once(role->db); /* every batch asks the same questions */
    if (!db_listen(role->db, channels, 1, &identifying.listener, f))
        return false;
    const struct work_loop loop = {
        .name = "identify",
        .step = step,
        .wait = wait_for_sign,
        .context = &identifying,
        .interval = LOOK_INTERVAL,
        .once = role->once,
    };
    bool done = work_loop_run(&loop, f);
    db_listener_close(identifying.listener);
    return done;
}

static int run(const struct config *config, int argc, char **argv)
{
    return role_run(&identify_command, config, 2, work, argc, argv);
}

const struct command identify_command = {
    .name = "identify",
    .summary = "Role: find whose application it is, by certificate serial number (申請者特定)",
    .usage = "Usage: uketsuke identify [--once] [--config FILE]\n"
             "\n"
             "Looks up the serial number of the signing certificate in the registry's links as\n"
             "they were in force at the time of application. One link, and name, birth date, sex\n"
             "and address of certificate and form agree: identified. Everything else is unmatched\n"
             "with its reason and waits for staff or the next `uketsuke registry import`, which\n"
             "wakes it.\n"
             "\n"
             "  --once    identify what is due now, then stop\n"
             "\n"
             "Example: uketsuke identify --config /etc/uketsuke/uketsuke.conf\n"
             "Who waits: uketsuke list --state unmatched\n",
    .needs_config = true,
    .run = run,
};
