/* A destination that gets files, with a place for them, on a real database: what the tests of
 * hand-over by files stand on. One a test program. */
#ifndef UKETSUKE_TESTS_SUPPORT_FILES_H
#define UKETSUKE_TESTS_SUPPORT_FILES_H

#include "routing/files.h"
#include "tests/support/applications.h"

#define FILES_OURS "child-allowance" /* the destination */

struct files_desk {
    struct test_database database;
    struct db *db; /* as the role routing */
    struct city_key *city_key;
    struct procedures *procedures;
    struct files_options options;
    char place[128];        /* a directory; receipts lie in its folder receipts */
    size_t taken, accepted; /* what on_receipts saw */
    void (*during)(void);   /* called by it, while a file of receipts is being taken; NULL */
};
extern struct files_desk desk;

int files_set_up(void **state);
void files_set_up_with(const char *more); /* of [files NAME]: `to`, which leads to desk.place */
int files_tear_down(void **state);
int files_reset(void **state); /* nothing waits, nothing lies there */
void files_make_options(struct db *db);

/* Application n (1 to 40) with its package waits; the claimant's name. */
void files_put_item(int n, const char *name);
void files_put_item_for(const char *destination, int n, const char *name);
/* Past the interval: until there is nothing to do. */
void files_step_all(void);
char *files_first_batch(void); /* its folder; the caller frees */
/* sha256sum over manifest and marker, and over each file that the manifest names; with nothing half
 * and nothing besides. */
void files_must_be_whole(const char *folder);
/* A command of the shell that must succeed. */
void files_run(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
