/* The process: stopping cleanly, and the loop that every worker runs. */
#ifndef UKETSUKE_BASE_PROCESS_H
#define UKETSUKE_BASE_PROCESS_H

#include <stdbool.h>

#include "base/clock.h"
#include "base/failure.h"

/* SIGTERM and SIGINT ask for a stop; SIGPIPE is ignored. Call before any thread is made. */
void process_catch_signals(void);
bool process_stopping(void);
void process_stop(void);   /* the same as a SIGTERM to ourselves; safe from any thread */
int process_stop_fd(void); /* becomes readable when a stop was asked for; for poll() */
/* Sleeps; false at once when a stop was asked for. */
bool process_sleep(instant duration);
/* Ready and stopping, to systemd (sd_notify protocol) where NOTIFY_SOCKET is set. */
void process_notify(const char *state);

/* Exponential back-off with full jitter: between 0 and min(most, base·2^attempt). */
instant backoff(unsigned attempt, instant base, instant most);

enum work_result {
    WORK_DONE,   /* there may be more: call again at once */
    WORK_IDLE,   /* nothing to do: wait for a wake-up or the interval */
    WORK_FAILED, /* *f says why: logged, counted, back off and try again */
};

struct work_loop {
    const char *name; /* in the log and metrics */
    enum work_result (*step)(void *context, struct failure *f);
    /* Waits at most `patience` for a sign that there is work; NULL: process_sleep. */
    void (*wait)(void *context, instant patience);
    void *context;
    instant interval; /* between two looks when idle */
    bool once;        /* stop at the first WORK_IDLE (or WORK_FAILED) */
};

/* Runs until a stop is asked for. False when `once` ended in a failure. */
bool work_loop_run(const struct work_loop *loop, struct failure *f);

#endif
