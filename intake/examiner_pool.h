/* Sandboxed examination: some worker processes, to which applications are given and from which
 * their examinations come, in any order. A worker that crashes or exceeds a limit takes one
 * application with it and is replaced at once; what it had not begun goes to its successor. One
 * that ends before it is ready is replaced after a moment, EXAMINER_STARTS_MOST times in a row. */
#ifndef UKETSUKE_INTAKE_EXAMINER_POOL_H
#define UKETSUKE_INTAKE_EXAMINER_POOL_H

#include "intake/examiner_process.h"

/* Called in give and finish, once for each job, when it is done. Gives no job itself. */
typedef void examiner_done(struct examiner_job *job);

#define EXAMINER_STARTS_MOST 5

struct examiner_pool {       /* {0} is closed */
    const char *const *argv; /* borrowed: how a worker is started */
    struct examiner_limits limits;
    examiner_done *done;
    struct index_folder *lists; /* in force */
    struct examiner_process *processes;
};

/* Starts the workers, hands them the indexes of the folder `lists`, and waits until all are ready.
 * A failure is what kept one from beginning: the configuration, anchors, procedures. */
bool examiner_pool_open(const char *const *argv, const struct examiner_limits *limits,
                        const char *lists, examiner_done *done, struct examiner_pool *ret_pool,
                        struct failure *f);
/* When other indexes stand in the folder, they are in force for all jobs given from now on. Waits
 * until all jobs are done. A folder that cannot be read is logged, and changes nothing. */
bool examiner_pool_refresh(struct examiner_pool *pool, struct failure *f);
/* Kills them; jobs that are not done stay so. */
void examiner_pool_close(struct examiner_pool *pool);

/* Waits until there is room. A failure is never about the job, and closes the pool; jobs that are
 * not done stay so. */
bool examiner_pool_give(struct examiner_pool *pool, struct examiner_job *job, struct failure *f);
/* Waits until all jobs are done. */
bool examiner_pool_finish(struct examiner_pool *pool, struct failure *f);

#endif
