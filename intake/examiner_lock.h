/* The walls around an examiner: from here on the process can receive and write on one socket,
 * compute, and end. No files, no sockets, no programs, no processes, no threads, no new memory.
 * What it may be handed over the socket is one descriptor at a time, EXAMINER_HANDLE; all that it
 * can do with that is to ask for its length, map it for reading, shared, and close it.
 *
 * A forbidden system call ends the process with SIGSYS, and the kernel logs its number (audit type
 * SECCOMP). Memory is different: all that there will ever be is set aside here (and costs nothing
 * until it is used), because a library that is refused memory may take the document for a bad one,
 * and a limit must never refuse an application. Asking the kernel for more ends the process with
 * EXAMINER_EXIT_MEMORY.
 *
 * Built with AddressSanitizer, which needs memory of its own at any time, there is no limit of
 * memory; all else holds. */
#ifndef UKETSUKE_INTAKE_EXAMINER_LOCK_H
#define UKETSUKE_INTAKE_EXAMINER_LOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/failure.h"

#define EXAMINER_EXIT_MEMORY 97
#define EXAMINER_HANDLE      4 /* the lowest that is free, and the only one there may be */

#if defined(__SANITIZE_ADDRESS__)
#define EXAMINER_MEMORY_LIMITED 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EXAMINER_MEMORY_LIMITED 0
#endif
#endif
#ifndef EXAMINER_MEMORY_LIMITED
#define EXAMINER_MEMORY_LIMITED 1
#endif

/* `memory_most`: bytes that may be allocated from now on. `socket` is the descriptor before
 * EXAMINER_HANDLE; whatever is open from there on is closed. Cannot be undone; call with one
 * thread, after everything is loaded that libraries open on first use. */
bool examiner_lock(int socket, size_t memory_most, struct failure *f);

#endif
