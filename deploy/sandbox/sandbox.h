/* The sandbox's subcommands: main.c has the table. Each reads its own options (argv[0] is the
 * subcommand's name) and returns the exit code. */
#ifndef UKETSUKE_SANDBOX_SANDBOX_H
#define UKETSUKE_SANDBOX_SANDBOX_H

int sandbox_jpki(int argc, char **argv);
int sandbox_pki(int argc, char **argv);
int sandbox_portal(int argc, char **argv);
int sandbox_business(int argc, char **argv);
int sandbox_town(int argc, char **argv);
int sandbox_city(int argc, char **argv);

#endif
