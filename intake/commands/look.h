/* What the commands that people run on the server share: the database as role operator, who looks,
 * or as role administrator, who proposes and confirms; and who it is that acts. */
#ifndef UKETSUKE_INTAKE_COMMANDS_LOOK_H
#define UKETSUKE_INTAKE_COMMANDS_LOOK_H

#include "base/clock.h"
#include "base/db.h"

#define LOOK_TIME 20
#define LOOK_AGE  36

/* Opens the database as operator and checks its schema. */
bool look_open(const struct config *config, struct db **ret_db, struct failure *f);
/* The same as administrator, whom alone the database lets change users, terminals and feeds; its
 * audit chain. */
#define LOOK_ADMINISTRATOR "administrator"
bool look_open_administrator(const struct config *config, struct db **ret_db, struct failure *f);
/* "operator:<account>": who sits at the terminal. The account that logged in, which the kernel
 * keeps across sudo and su (loginuid); else the account that runs us (a timer's). The environment
 * (SUDO_USER) is not asked: whoever runs us sets it as he likes. */
const char *look_actor(char *text, size_t size);
/* The same, but only of whom we know to be a person: who logged in, and is among `names` (separated
 * by blanks; what `key` of the configuration says) if there are any. Without a login an account
 * must be among them: `sudo -u` would make two people of one. FAILURE_USAGE. */
bool look_person(const char *names, const char *key, char *text, size_t size, struct failure *f);
/* "2026-11-21 09:00:00" in JST. */
const char *look_time(instant at, char text[LOOK_TIME]);
/* "3 min", "25 h", "5 d": how long ago; "in 3 min" for what lies ahead. */
const char *look_age(instant at, instant now, char text[LOOK_AGE]);

#endif
