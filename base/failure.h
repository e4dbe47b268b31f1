/* Failure as a value: we are broken, or were asked for something impossible.
 *
 * A verdict about an application (refused, held) is never a failure: see base/checks.h.
 * Every function that can fail takes a `struct failure *` last, returns false (or NULL) and leaves
 * its out-parameters untouched. The text is one sentence that tells an operator what went wrong and
 * what to do next; it never holds personal data. */
#ifndef UKETSUKE_BASE_FAILURE_H
#define UKETSUKE_BASE_FAILURE_H

#include <stdbool.h>

enum failure_kind {
    FAILURE_NONE,
    FAILURE_USAGE,    /* the caller, operator or configuration asks for what cannot be */
    FAILURE_INPUT,    /* bytes from outside are not what they should be */
    FAILURE_LIMIT,    /* a configured limit was met */
    FAILURE_SYSTEM,   /* the operating system: disk, files, memory */
    FAILURE_DATABASE, /* PostgreSQL said no */
    FAILURE_CONFLICT, /* the transaction lost a race (serialization, deadlock): try it again */
    FAILURE_NETWORK,  /* the peer could not be reached, or the connection broke */
    FAILURE_PEER,     /* the peer answered, with an error or with nonsense */
};

struct failure {
    enum failure_kind kind;
    char text[512];
};

/* Sets *f (f may be NULL) and returns false, so that `return failure_set(f, ...)` reads well. */
bool failure_set(struct failure *f, enum failure_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As failure_set, with ": " and the text of errno at the end. */
bool failure_errno(struct failure *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts words in front of the text of a failure that came from below. Returns false. */
bool failure_prefix(struct failure *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "database", "network", … for the log. */
const char *failure_kind_name(enum failure_kind kind);

#endif
