#include "intake/commands/console_look.h"

#include <string.h>

#include "intake/commands/look.h"

bool console_look_open(const struct config *config, struct console_look *ret_look,
                       struct failure *f)
{
    const char *city_code = settings_city_code(config, f);
    const char *accounts = config_text(config_group(config, "staff"), "accounts");
    if (!city_code ||
        !look_person(accounts, "[staff] accounts", ret_look->actor, sizeof ret_look->actor, f))
        return false;
    ret_look->who = (struct administrator){
        .city_code = city_code, .by = ret_look->actor, .chain = LOOK_ADMINISTRATOR};
    return look_open_administrator(config, &ret_look->db, f);
}

void console_look_close(struct console_look *look)
{
    if (look->db)
        db_close(look->db);
    *look = (struct console_look){0};
}

static const struct word_option *option_find(const struct word_option *options, size_t count,
                                             const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(options[i].name, name) == 0)
            return &options[i];
    return NULL;
}

bool words_read(const struct command *command, int argc, char **argv,
                const struct word_option *options, size_t option_count, const char **ret_words,
                size_t count)
{
    size_t words = 0;
    for (int i = 1; i < argc; i++) {
        const struct word_option *option = option_find(options, option_count, argv[i]);
        if (option && option->flag)
            *option->flag = true;
        else if (option && i + 1 < argc)
            *option->value = argv[++i];
        else if (option)
            return command_usage(command, "%s needs a value", argv[i]), false;
        else if (argv[i][0] == '-' || words == count)
            return command_usage(command, "does not take %s", argv[i]), false;
        else
            ret_words[words++] = argv[i];
    }
    return words == count || (command_usage(command, "something is missing"), false);
}

/* Standard output and error are in English, the console's sentences are not. */
static const char *outcome_en(enum change_outcome outcome)
{
    switch (outcome) {
    case CHANGE_SAME:
        return "it is so already: nothing is proposed";
    case CHANGE_MEANWHILE:
        return "there is one already, or it changed meanwhile";
    case CHANGE_BUSY:
        return "another person's change of it waits: confirm or reject that first";
    case CHANGE_STALE:
        return "it changed since this was proposed: the proposal is void, propose again";
    case CHANGE_GONE:
        return "it does not wait for approval";
    case CHANGE_SAME_PERSON:
        return "you proposed it yourself: another person approves";
    case CHANGE_OWN:
        return "it is about yourself: another person approves";
    case CHANGE_CONFIRMED:
        return "it is for a day to come, with others: confirm them at the console (人事異動)";
    case CHANGE_PROPOSER:
        return "who proposed it is no administrator any more: it can be rejected";
    case CHANGE_IN_USE:
        return "this certificate or address is registered already";
    default:
        return "nothing was changed";
    }
}

bool change_fault_fail(enum change_kind kind, const char *subject, const json_t *after,
                       struct failure *f)
{
    const char *fault = change_fault(kind, subject, after);
    return !fault || failure_set(f, FAILURE_USAGE, "it cannot be: %s", fault);
}

bool console_look_propose(struct db_tx *tx, const struct console_look *look,
                          const struct change_draft *draft, struct failure *f)
{
    int64_t id;
    enum change_outcome outcome;
    if (!change_fault_fail(draft->kind, draft->subject, draft->after, f) ||
        !change_propose(tx, &look->who, draft, &outcome, &id, f))
        return false;
    return outcome == CHANGE_WAITS ||
           failure_set(f, FAILURE_USAGE, "%s: %s", draft->subject, outcome_en(outcome));
}

bool console_look_confirm(struct db_tx *tx, const struct console_look *look, enum change_kind kind,
                          const char *subject, char ret_code[ENROLMENT_CODE], struct failure *f)
{
    struct change_waiting waiting;
    enum change_outcome outcome;
    if (!change_waiting(tx, look->who.city_code, kind, subject, &waiting, f))
        return false;
    int64_t id = waiting.id;
    change_waiting_free(&waiting);
    if (!change_settle(tx, &look->who, id, CHANGE_AGREE, NULL, &outcome, ret_code, f))
        return false;
    return outcome == CHANGE_EFFECTIVE ||
           failure_set(f, FAILURE_USAGE, "%s: %s", subject, outcome_en(outcome));
}

int console_look_run(const struct command *command, const struct config *config, db_work *work,
                     void *context, struct console_look *look)
{
    struct failure f = {0};
    if (!console_look_open(config, look, &f))
        return command_fail(command->name, f.kind == FAILURE_USAGE ? EXIT_NO : EXIT_FAILED, &f);
    if (!db_transaction(look->db, work, context, &f))
        return command_fail(command->name, f.kind == FAILURE_USAGE ? EXIT_NO : EXIT_FAILED, &f);
    return EXIT_DONE;
}
