/* The role `routing`: hands over what is identified, and serves the pull API. */
#include <pthread.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/process.h"
#include "intake/command.h"
#include "intake/decide.h"
#include "intake/escalation.h"
#include "intake/file_hand_over.h"
#include "intake/hand_over.h"
#include "intake/withdrawal.h"
#include "intake/work.h"
#include "routing/files.h"
#include "routing/message.h"
#include "routing/server.h"

extern const struct command routing_command;

#define FILES_LOOK (5 * INSTANT_SECOND) /* whether a batch or receipts are due */

/* --- what a receipt means for an application ---------------------------------------------------
 */

/* Accepted: the business system has it. Rejected: staff look into it; the same bytes again would
 * be rejected again, so no worker takes it. */
static struct decision decision_of(const struct role *role, const struct outbox_receipt *receipt,
                                   const char *actor, const char *terminal)
{
    return (struct decision){
        .city_code = role->city_code,
        .application_id = receipt->application_id,
        .from = STATE_ROUTED,
        .to = receipt->accepted ? STATE_RECEIVED : STATE_REVIEW,
        .reason = receipt->accepted ? NULL : "rejected-by-destination",
        .next = STAGE_NONE,
        .actor = actor,
        .terminal = terminal,
    };
}

static void tell_moved(struct outbox_receipt *receipt, const struct decision *decision)
{
    if (decision->moved)
        receipt->moved_to = state_code(decision->to);
    else /* staff were quicker; the delivery is noted all the same */
        log_warning("receipt.unexpected", log_text("application", decision->application_id));
}

static bool on_receipts(struct db_tx *tx, const char *destination,
                        struct outbox_receipt *const *taken, size_t count, const char *terminal,
                        void *context, struct failure *f)
{
    const struct role *role = context;
    _cleanup_(cleanup_text) char *actor = text_format("business:%s", destination);
    struct decision *decisions = memory_allocate(count * sizeof *decisions);
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (!taken[i]->notice) /* who was told something moves nothing by saying so */
            decisions[n++] = decision_of(role, taken[i], actor, terminal);
    bool done = decide(tx, role->config, NULL, decisions, n, f) &&
                withdrawals_given_back(tx, decisions, n, f);
    for (size_t i = 0, d = 0; done && i < count; i++)
        if (!taken[i]->notice)
            tell_moved(taken[i], &decisions[d++]);
    free(decisions);
    return done;
}

/* What it decided is the end, unless the resident has to correct something. */
static struct decision decision_on(const struct role *role, const struct outcome *outcome,
                                   const char *actor, const char *terminal)
{
    static const enum state states[] = {[OUTCOME_COMPLETED] = STATE_COMPLETED,
                                        [OUTCOME_REJECTED] = STATE_REJECTED,
                                        [OUTCOME_INCOMPLETE] = STATE_CORRECTION};
    return (struct decision){
        .city_code = role->city_code,
        .application_id = outcome->application_id,
        .from = STATE_RECEIVED,
        .to = states[outcome->kind],
        .reason = outcome->kind == OUTCOME_COMPLETED ? NULL : "outcome-of-destination",
        .next = STAGE_NONE,
        .actor = actor,
        .terminal = terminal,
    };
}

static const struct db_statement outcome_channel = {
    "outcome_channel", "SELECT channel FROM application WHERE city_code = $1"
                       " AND application_id = $2::uuid AND (state = 'received'"
                       "  OR state = 'correction' AND $3 <> 'correction') FOR UPDATE"};

/* What the business system writes to the resident goes with the status that its outcome makes. */
static bool outcome_message(const struct role *role, struct db_tx *tx,
                            const struct outcome *outcome, struct decision *decision,
                            struct failure *f)
{
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!outcome->message || !message_valid(outcome->message))
        return true;
    if (!db_query(tx, &outcome_channel,
                  DB_VALUES(db_text(role->city_code), db_text(outcome->application_id),
                            db_text(state_code(decision->to))),
                  &rows, f))
        return false;
    const char *status = db_row_count(rows)
                             ? decide_status(role->config, db_get_text(rows, 0, 0), decision->to)
                             : "";
    return !*status ||
           message_write(tx, role->city_key, role->city_code, outcome->application_id,
                         decision->actor, status, outcome->message, &decision->message_id, f);
}

/* What it had asked the resident to correct, it may decide without: the rest came by another way,
 * or never. */
static bool decide_without_correction(const struct role *role, struct db_tx *tx,
                                      struct decision *decisions, size_t count, struct failure *f)
{
    struct decision *late = memory_allocate(count * sizeof *late);
    size_t *of = memory_allocate(count * sizeof *of), n = 0;
    for (size_t i = 0; i < count; i++)
        if (!decisions[i].moved && decisions[i].to != STATE_CORRECTION) {
            late[n] = decisions[i];
            late[n].from = STATE_CORRECTION;
            of[n++] = i;
        }
    bool done = decide(tx, role->config, role->name, late, n, f);
    for (size_t i = 0; done && i < n; i++)
        decisions[of[i]].moved = late[i].moved;
    free(of);
    free(late);
    return done;
}

static bool on_outcomes(struct db_tx *tx, const char *destination, struct outcome *outcomes,
                        size_t count, const char *terminal, void *context, struct failure *f)
{
    const struct role *role = context;
    _cleanup_(cleanup_text) char *actor = text_format("business:%s", destination);
    struct decision *decisions = memory_allocate(count * sizeof *decisions);
    bool done = true;
    for (size_t i = 0; done && i < count; i++) {
        decisions[i] = decision_on(role, &outcomes[i], actor, terminal);
        done = outcome_message(role, tx, &outcomes[i], &decisions[i], f);
    }
    done = done && decide(tx, role->config, role->name, decisions, count, f) &&
           decide_without_correction(role, tx, decisions, count, f) &&
           withdrawals_given_back(tx, decisions, count, f);
    for (size_t i = 0; done && i < count; i++)
        outcomes[i].moved = decisions[i].moved;
    free(decisions);
    return done;
}

/* --- the hand-over worker ----------------------------------------------------------------------
 */

struct hand_over {
    struct role *role;
    struct db_listener *listener;
};

static enum work_result step(void *context, struct failure *f)
{
    struct hand_over *hand_over = context;
    enum work_result settled = withdrawal_step(hand_over->role, f);
    if (settled == WORK_FAILED)
        return WORK_FAILED;
    enum work_result handed = hand_over_step(hand_over->role, f);
    return handed == WORK_IDLE ? settled : handed;
}

static void wait_for_work(void *context, instant patience)
{
    struct hand_over *hand_over = context;
    db_listener_wait(hand_over->listener, patience);
}

static bool run_worker(struct role *role, struct failure *f)
{
    struct hand_over hand_over = {.role = role};
    const char *channel = work_channel(STAGE_ROUTE);
    if (!db_listen(role->db, &channel, 1, &hand_over.listener, f))
        return false;
    struct work_loop loop = {
        .name = "hand-over",
        .step = step,
        .wait = wait_for_work,
        .context = &hand_over,
        .interval = config_duration(config_group(role->config, "routing"), "interval"),
        .once = role->once,
    };
    bool done = work_loop_run(&loop, f);
    db_listener_close(hand_over.listener);
    return done;
}

static struct routing_options options_of(struct role *role)
{
    return (struct routing_options){.config = role->config,
                                    .db = role->db,
                                    .city_key = role->city_key,
                                    .city_code = role->city_code,
                                    .on_receipts = on_receipts,
                                    .on_outcomes = on_outcomes,
                                    .on_recheck = hand_over_recheck,
                                    .context = role};
}

/* --- what runs beside the rest, for it may take long --------------------------------------------
 */

struct beside {
    struct work_loop loop;
    bool done;
    pthread_t thread;
    struct failure failure;
};

static void *beside_run(void *context)
{
    struct beside *beside = context;
    beside->done = work_loop_run(&beside->loop, &beside->failure);
    return NULL;
}

static bool serve(struct role *role, struct failure *f)
{
    struct routing_options options = options_of(role);
    struct routing_server *server = NULL;
    if (!routing_server_start(&options, &server, f))
        return false;
    log_info("routing.listening", log_number("port", routing_server_port(server)));
    bool done = run_worker(role, f);
    routing_server_stop(server);
    return done;
}

/* All once, one after the other: what was just put into the outbox goes out by files too. */
static bool work_once(struct role *role, struct beside *besides, size_t count, struct failure *f)
{
    bool done = run_worker(role, f);
    for (size_t i = 0; i < count; i++) {
        beside_run(&besides[i]);
        if (done && !besides[i].done)
            *f = besides[i].failure;
        done = done && besides[i].done;
    }
    return done;
}

static bool work_beside(struct role *role, struct beside *besides, size_t count, struct failure *f)
{
    size_t started = 0;
    while (started < count &&
           pthread_create(&besides[started].thread, NULL, beside_run, &besides[started]) == 0)
        started++;
    bool done = started == count ? serve(role, f)
                                 : failure_set(f, FAILURE_SYSTEM, "can't start a thread for %s",
                                               besides[started].loop.name);
    process_stop(); /* when it was not a stop that ended it */
    while (started > 0)
        pthread_join(besides[--started].thread, NULL);
    return done;
}

static bool work(struct role *role, struct failure *f)
{
    const struct config_group *clock = config_group(role->config, "escalation");
    struct files_options files = {.routing = options_of(role)};
    struct beside besides[2] = {0};
    size_t count = 0;
    if (config_has(role->config, "files")) {
        if (!files_check(role->config, f) ||
            !file_hand_over_ready(role->config, &role->procedures, &files, f))
            return false;
        besides[count++].loop = (struct work_loop){.name = "file-hand-over",
                                                   .step = files_step,
                                                   .context = &files,
                                                   .interval = FILES_LOOK,
                                                   .once = role->once};
    }
    besides[count++].loop = (struct work_loop){.name = "escalation-clock",
                                               .step = escalation_step,
                                               .context = role,
                                               .interval = config_duration(clock, "interval"),
                                               .once = role->once};
    return (role->once ? work_once : work_beside)(role, besides, count, f);
}

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    if (!config_require(config, "routing", &f))
        return command_fail("routing", EXIT_FAILED, &f);
    unsigned threads = (unsigned)config_number(config_group(config, "routing"), "threads");
    return role_run(&routing_command, config, threads + 3, work, argc, argv);
}

const struct command routing_command = {
    .name = "routing",
    .summary = "Role: hand over what is identified; business systems pull it (申請データ連携)",
    .usage =
        "Usage: uketsuke routing [--config FILE] [--once]\n"
        "\n"
        "Puts identified applications into the outbox of their procedure's destination, and\n"
        "serves the pull API over TLS with client certificates: business systems list what waits\n"
        "for them, fetch it and send receipts (docs/api/routing.yaml, docs/integrators.md). What "
        "goes\n"
        "by files is written beside that (docs/formats/hand-over-files.md).\n"
        "\n"
        "  --once   hand over what is due, without serving, and end\n"
        "\n"
        "Configuration: [routing] address and TLS files, [route PROCEDURE-ID] where each "
        "procedure\n"
        "goes, [destination NAME] whose client certificates may pull it.\n"
        "Exit code 0 when stopped as asked, 3 when it could not start or (--once) failed.\n"
        "\n"
        "Example: uketsuke routing --config /etc/uketsuke/uketsuke.conf\n",
    .needs_config = true,
    .run = run,
};
