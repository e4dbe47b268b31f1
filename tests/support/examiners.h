/* Examiner pools for tests: a folder with a configuration, an anchor and a revocation list; a good
 * package; the program itself as the worker. */
#ifndef UKETSUKE_TESTS_SUPPORT_EXAMINERS_H
#define UKETSUKE_TESTS_SUPPORT_EXAMINERS_H

#include "intake/examiner_pool.h"
#include "intake/examiner_worker.h"

#define EXAMINERS_PROCEDURES SOURCE_ROOT "/forms/procedures"
#define EXAMINERS_CPU_MOST   (INSTANT_SECOND / 2)
#define EXAMINERS_WALL_MOST  (4 * INSTANT_SECOND)

/* True in the parent. In a worker ("worker CONFIG") this does not return. */
bool examiners_main(int argc, char **words, examiner_work *work);

int examiners_set_up(void **state);
int examiners_tear_down(void **state);

const char *examiners_folder(void);
const char *const *examiners_argv(void);
struct bytes examiners_good(void); /* a package that is accepted */

void examiners_config(const char *procedures);
/* A new file: who has mapped the one before keeps that. `revoked`: a serial number, or NULL. */
void examiners_list(const char *name, const char *revoked);

struct examiner_limits examiners_limits(size_t workers);
/* examiner_pool_open's `done`: each job is done once. */
void examiners_count(struct examiner_job *job);
size_t examiners_done(void); /* since the last pool was opened */

struct examiner_pool examiners_open(size_t workers);
struct examiner_job examiners_job(struct bytes package);
void examiners_give(struct examiner_pool *pool, struct examiner_job *job);
void examiners_finish(struct examiner_pool *pool);
/* The good package, accepted, as examine() says here with the first list; frees it. */
void examiners_assert_good(struct examiner_job *job);
/* Done, with this reason; frees it. */
void examiners_assert_reason(struct examiner_job *job, const char *reason);

#endif
