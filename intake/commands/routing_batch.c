/* `uketsuke routing batch`: one batch of file hand-over, made again. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/audit.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "intake/command.h"
#include "intake/commands/look.h"
#include "intake/file_hand_over.h"
#include "intake/schema.h"

extern const struct command routing_batch_command;

#define ROLE "routing" /* whose rights it needs, and whose chain tells of it */

struct making {
    const char *city_code;
    int64_t batch_id;
};

/* What can't be remembered, is not made. */
static bool remember(struct db_tx *tx, void *context, struct failure *f)
{
    const struct making *m = context;
    char actor[128], detail[64];
    snprintf(detail, sizeof detail, "{\"batch\":%lld}", (long long)m->batch_id);
    const struct audit_entry entry = {.action = "batch.made_again",
                                      .actor = look_actor(actor, sizeof actor),
                                      .city_code = m->city_code,
                                      .detail = detail};
    return audit_append(tx, ROLE, &entry, 1, f);
}

static bool make(const struct config *config, int64_t batch_id, const char *directory,
                 struct files_options *options, struct procedures **procedures, struct db **db,
                 struct city_key **key, struct failure *f)
{
    struct making making = {settings_city_code(config, f), batch_id};
    if (!making.city_code || !file_hand_over_ready(config, procedures, options, f) ||
        !city_key_load(config_text(config_group(config, "city"), "key"), key, f) ||
        !db_open(config, ROLE, 1, db, f) || !db_schema_check(*db, (int)schema_migration_count, f) ||
        !db_transaction(*db, remember, &making, f))
        return false;
    options->routing = (struct routing_options){
        .config = config, .db = *db, .city_key = *key, .city_code = making.city_code};
    return files_batch_again(options, batch_id, directory, f);
}

static bool number_of(const char *text, int64_t *ret_id)
{
    if (strncmp(text, "batch-", 6) == 0)
        text += 6 + strspn(text + 6, "0");
    return number_parse(text, 1, INT64_MAX, ret_id);
}

static int run(const struct config *config, int argc, char **argv)
{
    struct failure f = {0};
    struct files_options options = {0};
    struct procedures *procedures = NULL;
    struct db *db = NULL;
    struct city_key *key = NULL;
    int64_t batch_id;
    char folder[PATH_MAX];
    if (argc != 4 || strcmp(argv[2], "--out") != 0 || !number_of(argv[1], &batch_id))
        return command_usage(&routing_batch_command, "takes a batch's number and --out DIRECTORY");
    if (!realpath(argv[3], folder)) {
        failure_errno(&f, "can't use the directory %s", argv[3]);
        return command_fail("routing batch", EXIT_FAILED, &f);
    }
    bool done = make(config, batch_id, folder, &options, &procedures, &db, &key, &f);
    city_key_free(key);
    db_close(db);
    procedures_free(procedures);
    if (!done)
        return command_fail("routing batch", EXIT_FAILED, &f);
    printf("batch-%012lld is in %s\n", (long long)batch_id, folder);
    return EXIT_DONE;
}

const struct command routing_batch_command = {
    .name = "routing batch",
    .summary = "Make a batch of file hand-over again, byte for byte, into a directory",
    .usage =
        "Usage: uketsuke routing batch BATCH --out DIRECTORY [--config FILE]\n"
        "\n"
        "Writes batch-NUMBER below the directory, as it was handed over: the same files, the\n"
        "same manifest, the done-marker last. It holds personal data: send it on, then remove\n"
        "it. Needs the rights of the role routing; the audit trail tells who made it.\n"
        "\n"
        "Exit code 0, or 3 when there is no such batch, when an item of it is kept no more, or\n"
        "when it would come out otherwise than before (then it gets no done-marker).\n"
        "\n"
        "Example: uketsuke routing batch 42 --out /var/tmp/again\n",
    .needs_config = true,
    .run = run,
};
