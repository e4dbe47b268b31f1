/* The child's side of a sandboxed examination: a process that was given one end of a socket pair,
 * loads what examiners hold ready, locks itself in (intake/examiner_lock.h), maps the revocation
 * indexes that it is handed, and examines what its parent sends until the parent is gone.
 * intake/examiner_process.h is the parent's side. */
#ifndef UKETSUKE_INTAKE_EXAMINER_WORKER_H
#define UKETSUKE_INTAKE_EXAMINER_WORKER_H

#include "intake/examine.h"

#define EXAMINER_WORKER_SOCKET 3 /* the only descriptor besides 0, 1, 2, which lead nowhere */

/* `work`: examine(); tests put what misbehaves in its place. Says READY, or FAILED with what kept
 * it from beginning. Ends the process when the parent has closed its end, or talks nonsense. */
typedef void examiner_work(const struct examination_input *input,
                           struct examination *ret_examination);
_Noreturn void examiner_worker_run(const struct config *config, examiner_work *work);

#endif
