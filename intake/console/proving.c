#include "intake/console/proving.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "intake/audit_check.h"

struct proving {
    struct db *db;
    const struct config *config;
    pthread_mutex_t mutex; /* over all that follows */
    pthread_t thread;
    bool joinable, running, failed;
    struct administrator who; /* texts of our own */
    instant since;
    int64_t done, entries;
};

struct proving *proving_new(struct db *db, const struct config *config)
{
    struct proving *proving = memory_allocate(sizeof *proving);
    *proving = (struct proving){.db = db, .config = config};
    pthread_mutex_init(&proving->mutex, NULL);
    return proving;
}

static void who_free(struct administrator *who)
{
    free((char *)who->city_code);
    free((char *)who->by);
    free((char *)who->terminal);
    free((char *)who->chain);
    *who = (struct administrator){0};
}

void proving_free(struct proving *proving)
{
    if (!proving)
        return;
    if (proving->joinable)
        pthread_join(proving->thread, NULL);
    who_free(&proving->who);
    pthread_mutex_destroy(&proving->mutex);
    free(proving);
}

/* --- the walk ---------------------------------------------------------------------------------
 */

static void take_progress(int64_t entries, void *context)
{
    struct proving *proving = context;
    pthread_mutex_lock(&proving->mutex);
    proving->done = entries;
    pthread_mutex_unlock(&proving->mutex);
}

struct noting {
    const struct proving *proving;
    const struct audit_check *check;
};

static bool note_work(struct db_tx *tx, void *context, struct failure *f)
{
    const struct noting *n = context;
    return administer_note(tx, &n->proving->who, "audit.verify",
                           json_pack("{s:b, s:I}", "intact", n->check->intact, "entries",
                                     (json_int_t)n->check->summary.entries),
                           NULL, f);
}

static bool walk(struct proving *proving, struct failure *f)
{
    struct audit_check check;
    if (!audit_check(proving->db, proving->config, NULL, take_progress, proving, &check, f))
        return false;
    bool kept = audit_check_keep(proving->db, &check, proving->who.by, f) &&
                db_transaction(proving->db, note_work, &(struct noting){proving, &check}, f);
    audit_check_free(&check);
    return kept;
}

static void *run(void *context)
{
    struct proving *proving = context;
    struct failure f = {0};
    bool done = walk(proving, &f);
    if (!done)
        log_failure("console.proving", &f);
    pthread_mutex_lock(&proving->mutex);
    proving->running = false;
    proving->failed = !done;
    pthread_mutex_unlock(&proving->mutex);
    return NULL;
}

/* --- from the page ----------------------------------------------------------------------------
 */

static bool start(struct proving *proving, const struct administrator *who, int64_t entries,
                  struct failure *f)
{
    if (proving->joinable) /* it is over, or about to return */
        pthread_join(proving->thread, NULL);
    who_free(&proving->who);
    proving->who =
        (struct administrator){.city_code = text_copy(who->city_code),
                               .by = text_copy(who->by),
                               .terminal = who->terminal ? text_copy(who->terminal) : NULL,
                               .chain = text_copy(who->chain)};
    proving->since = clock_now();
    proving->done = 0;
    proving->entries = entries;
    int error = pthread_create(&proving->thread, NULL, run, proving);
    proving->joinable = proving->running = error == 0;
    proving->failed = false;
    return error == 0 || failure_set(f, FAILURE_SYSTEM, "no thread to prove the audit trail: %s",
                                     strerror(error));
}

bool proving_begin(struct proving *proving, const struct administrator *who, int64_t entries,
                   bool *ret_begun, struct failure *f)
{
    pthread_mutex_lock(&proving->mutex);
    *ret_begun = !proving->running;
    bool good = !*ret_begun || start(proving, who, entries, f);
    pthread_mutex_unlock(&proving->mutex);
    return good;
}

json_t *proving_now(struct proving *proving)
{
    char since[INSTANT_TEXT];
    pthread_mutex_lock(&proving->mutex);
    json_t *now = proving->running ? json_pack("{s:s, s:s, s:I, s:I}", "by", proving->who.by,
                                               "since", instant_text_jst(proving->since, since),
                                               "done", (json_int_t)proving->done, "entries",
                                               (json_int_t)proving->entries)
                                   : json_null();
    pthread_mutex_unlock(&proving->mutex);
    return now;
}

bool proving_failed(struct proving *proving)
{
    pthread_mutex_lock(&proving->mutex);
    bool failed = proving->failed;
    pthread_mutex_unlock(&proving->mutex);
    return failed;
}
