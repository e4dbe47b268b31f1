/* The parent's side of a sandboxed examination: one worker process (intake/examiner_worker.h), what
 * it has to do, and how much it may take. A pool (intake/examiner_pool.h) of them is what others
 * use.
 *
 * The worker is this program again, started by exec, with one end of a socket pair and nothing else
 * of ours. Behind its walls it is handed the revocation indexes, one descriptor after the other,
 * and is ready. Whatever comes from it is bounded and checked; whatever it does wrong ends it. */
#ifndef UKETSUKE_INTAKE_EXAMINER_PROCESS_H
#define UKETSUKE_INTAKE_EXAMINER_PROCESS_H

#include <sys/types.h>
#include <time.h>

#include "intake/examine.h"
#include "intake/index_folder.h"

extern const struct config_section examine_config_section; /* [examine] workers, memory-most, … */

struct examiner_limits {
    size_t workers;
    size_t packages; /* that one worker examines: then another takes its place */
    size_t memory;   /* bytes that examinations in one worker may allocate */
    instant cpu;     /* of the processor, for one application */
    instant wall;    /* for one application */
};
struct examiner_limits examiner_limits_read(const struct config *config);

enum examiner_outcome {
    EXAMINER_DONE,
    EXAMINER_CRASHED, /* the worker died, or answered what is no answer */
    EXAMINER_LIMIT,   /* it would have had more memory or time than [examine] allows */
};

struct examiner_job {
    /* What is of the one application: package, promise, now, OCSP; the rest is the worker's. What
     * it points to stays until the job is done. */
    struct examination_input input;
    enum examiner_outcome outcome;
    struct examination examination; /* with DONE; the receiver's */
    char trouble[64];               /* else what happened, for the log */
    int64_t took;                   /* microseconds, without waiting for a worker */
    bool again;                     /* given to a second worker: see examiner_pool.c */
    void *owner;                    /* whatever the giver wants to find again */
};

/* A worker has the next job before it is done with the one: it never waits for us. */
#define EXAMINER_QUEUE_MOST 2

struct examiner_process {
    pid_t pid;     /* 0: there is none */
    clockid_t cpu; /* the clock of what it uses of the processor */
    int socket;
    bool locked; /* it said so */
    bool ready;  /* and has the lists: it examines */
    struct buffer in, out;
    size_t sent; /* of out */
    const struct index_folder *lists;
    size_t listed; /* of lists; the next is under way */
    int handle;    /* that goes with out[handle_at]; -1 */
    size_t handle_at;
    struct examiner_job *queue[EXAMINER_QUEUE_MOST]; /* when ready, the first is examined */
    size_t queued;
    size_t answered;
    int64_t cpu_begun, wall_begun; /* of what it is at; microseconds */
    unsigned failed;               /* starts since it was ready; examiner_pool.c */
    int64_t start_at;              /* without pid: when it is tried again; monotonic */
};

/* argv[0] is the program; `lists` are borrowed. What is in the queue and what failed before stays
 * as it is. */
bool examiner_process_start(const char *const *argv, const struct index_folder *lists,
                            struct examiner_process *process, struct failure *f);
/* It is ready, and has nothing to do: from the next job on these lists are in force. */
void examiner_process_use(struct examiner_process *process, const struct index_folder *lists);
/* There is room in the queue. */
void examiner_process_give(struct examiner_process *process, struct examiner_job *job);

enum examiner_event {
    EXAMINER_NOTHING,
    EXAMINER_ANSWERED,        /* *ret_job is done; there may be more: call again */
    EXAMINER_FAILED_TO_BEGIN, /* *f says why */
    EXAMINER_GONE,            /* end it, and look at what it leaves in its queue */
};
/* Writes and reads what can be without waiting. */
enum examiner_event examiner_process_turn(struct examiner_process *process,
                                          struct examiner_job **ret_job, struct failure *f);
/* How long it may go on with its first job, as far as is known now; <= 0: it has had its share. A
 * day when it has nothing to do. Without a process: until it is to be started. */
int64_t examiner_process_left(const struct examiner_process *process,
                              const struct examiner_limits *limits);
/* Kills it; its queue stays. `trouble` gets how it had ended ("SIGSYS", "exit 1"). True: by its
 * limit of memory. */
bool examiner_process_end(struct examiner_process *process, char trouble[64]);

#endif
