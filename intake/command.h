/* The subcommands of `uketsuke`: one file each under intake/commands/, listed in
 * intake/commands/table.c (where the sections of the configuration are listed, too).
 *
 * Exit codes, for all: 0 done (or accepted), 1 the answer is no (refused, chain broken), 2 can't be
 * told yet (held), 3 failure (we, or our surroundings, are broken), 64 wrong usage. */
#ifndef UKETSUKE_INTAKE_COMMAND_H
#define UKETSUKE_INTAKE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/config.h"
#include "base/failure.h"

enum exit_code { EXIT_DONE = 0, EXIT_NO = 1, EXIT_LATER = 2, EXIT_FAILED = 3, EXIT_USAGE = 64 };

struct command {
    const char *name;    /* "collect", "registry import" */
    const char *summary; /* one line for `uketsuke --help` */
    const char *usage;   /* the whole help text, worth reading, with an example */
    /* main loads it (--config FILE, UKETSUKE_CONFIG, /etc/uketsuke/uketsuke.conf); config is NULL
     * for a command that does not need it. */
    bool needs_config;
    /* Says of a call that it needs no configuration after all; may be NULL. */
    bool (*stands_alone)(int argc, char *const *argv);
    int (*run)(const struct config *config, int argc, char **argv); /* argv[0] is the name */
};

/* As `uketsuke --help` shows them, which is the order in which a newcomer meets them. */
struct command_group {
    const char *title;
    const struct command *const *commands;
    size_t count;
};
extern const struct command_group command_groups[];
extern const size_t command_group_count;

/* The command that the words name: three words before two, two before one; *ret_words says how many
 * it took. */
const struct command *command_find(int argc, char *const *argv, int *ret_words);

/* Every section of the configuration, for config_load and the reference. */
extern const struct config_section *const config_sections[];
extern const size_t config_section_count;
extern const struct config_section city_config_section;    /* [city] code, name, key */
extern const struct config_section log_config_section;     /* [log] level, format */
extern const struct config_section process_config_section; /* [process] run-directory, … */

/* Opens the log as [log] says; `name` stands in its lines. */
void settings_open_log(const struct config *config, const char *name);
/* [city] code, checked; NULL with a failure that names the file. */
const char *settings_city_code(const struct config *config, struct failure *f);
/* <run-directory>/<name>.sock, into `text`. */
bool settings_socket_path(const struct config *config, const char *name, char *text, size_t size,
                          struct failure *f);

/* For commands: "uketsuke collect: …" on standard error; returns `code`. */
int command_fail(const char *command, int code, const struct failure *f);
/* Wrong usage: says what, prints the command's usage; returns EXIT_USAGE. */
int command_usage(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Every role (collect, examine, identify, routing, report, revocation) is brought up the same way:
 * signals, log, city key, database as that role, schema check, admin socket <run>/<role>.sock.
 * A database that is not there yet is waited for, up to [process] start-patience.
 * `pool` 0 is for a role that lives without a database: no city key is read either. */
struct role {
    const char *name;
    const struct config *config;
    struct db *db;
    struct city_key *city_key;
    const char *city_code;
    struct http_server *admin;
    bool once;                     /* --once: work until nothing is due, then stop */
    struct procedures *procedures; /* NULL until a worker of the role needs and loads them */
};
bool role_start(const char *name, const struct config *config, unsigned pool, struct role *ret_role,
                struct failure *f);
void role_stop(struct role *role);
/* What the command of a role does: takes nothing but --once, brings the role of the command's name
 * up with `pool` connections, works, stops; an exit code. */
int role_run(const struct command *command, const struct config *config, unsigned pool,
             bool (*work)(struct role *role, struct failure *f), int argc, char **argv);

#endif
