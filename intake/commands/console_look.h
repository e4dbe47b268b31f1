/* What the commands `user …` and `terminal …` share: the database as the console, who acts, and
 * their options. */
#ifndef UKETSUKE_INTAKE_COMMANDS_CONSOLE_LOOK_H
#define UKETSUKE_INTAKE_COMMANDS_CONSOLE_LOOK_H

#include "intake/command.h"
#include "intake/console/administer.h"

struct console_look { /* {0} to begin; close with console_look_close */
    struct db *db;
    struct administrator who;
    char actor[64];
};
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
/* "2027-03-31" as the end of that day, JST. */
bool day_end_read(const char *text, instant *ret_end);

/* Runs `work` in a transaction and ends the command: EXIT_NO on FAILURE_USAGE. */
int console_look_run(const struct command *command, const struct config *config, db_work *work,
                     void *context, struct console_look *look);

#endif
