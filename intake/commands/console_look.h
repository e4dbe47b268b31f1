/* What the commands `user …` and `terminal …` share: the database as administrator, who acts, and
 * their options. */
#ifndef UKETSUKE_INTAKE_COMMANDS_CONSOLE_LOOK_H
#define UKETSUKE_INTAKE_COMMANDS_CONSOLE_LOOK_H

#include "intake/command.h"
#include "intake/console/change.h"

struct console_look { /* {0} to begin; close with console_look_close */
    struct db *db;
    struct administrator who;
    char actor[64];
};
/* FAILURE_USAGE when it is not known who acts (look_person with [staff] accounts). */
bool console_look_open(const struct config *config, struct console_look *ret_look,
                       struct failure *f);
void console_look_close(struct console_look *look);

struct word_option {
    const char *name;   /* "--label" */
    const char **value; /* takes the word that follows; or */
    bool *flag;         /* is set */
};
/* Reads options and exactly `count` other words; false after command_usage. */
bool words_read(const struct command *command, int argc, char **argv,
                const struct word_option *options, size_t option_count, const char **ret_words,
                size_t count);
/* Proposes as who logged in; FAILURE_USAGE when it does not wait then, or cannot be (change_fault).
 */
bool change_fault_fail(enum change_kind kind, const char *subject, const json_t *after,
                       struct failure *f);
bool console_look_propose(struct db_tx *tx, const struct console_look *look,
                          const struct change_draft *draft, struct failure *f);
/* Confirms what waits of `subject`. `ret_code` as from change_settle. FAILURE_USAGE when nothing
 * does, or not by this person. */
bool console_look_confirm(struct db_tx *tx, const struct console_look *look, enum change_kind kind,
                          const char *subject, char ret_code[ENROLMENT_CODE], struct failure *f);

/* Runs `work` in a transaction and ends the command: EXIT_NO on FAILURE_USAGE. */
int console_look_run(const struct command *command, const struct config *config, db_work *work,
                     void *context, struct console_look *look);

#endif
