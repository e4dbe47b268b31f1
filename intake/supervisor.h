/* Child processes, kept running: what `uketsuke serve` is made of. One thread; children are
 * watched by pidfd. A child that ends is started again with back-off; the back-off forgets when a
 * child has run for a minute. Children get SIGTERM when the supervisor dies, however it dies. */
#ifndef UKETSUKE_INTAKE_SUPERVISOR_H
#define UKETSUKE_INTAKE_SUPERVISOR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/failure.h"

struct supervisor_child {
    const char *name;
    const char *const *argv; /* NULL-terminated; borrowed */
};

struct supervisor_options {
    const char *program; /* to execute; "/proc/self/exe" */
    const struct supervisor_child *children;
    size_t child_count;
    instant restart_most;  /* longest wait before a restart */
    instant stop_patience; /* after SIGTERM, before SIGKILL */
    /* Is this child serving? Asked now and then until all are; then `ready` is called once. */
    bool (*serving)(const char *name, void *context);
    void (*ready)(void *context);
    void *context;
};

/* Runs until process_stopping(), then stops all children. False when a child could not even be
 * started the first time (with everything stopped again) or had to be killed at the end. */
bool supervisor_run(const struct supervisor_options *options, struct failure *f);

#endif
