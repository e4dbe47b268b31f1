#include "base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/process.h"

/* In memory, so that a program that reads nothing blocks nobody. -1 with the failure. */
static int input_file(struct bytes input, struct failure *f)
{
    int fd = memfd_create("input", MFD_CLOEXEC);
    if (fd < 0 || write(fd, input.data, input.length) != (ssize_t)input.length ||
        lseek(fd, 0, SEEK_SET) != 0) {
        failure_errno(f, "cannot keep the input of a program");
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

static int spawn(const char *path, int input, pid_t *ret_pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    char *arguments[] = {(char *)path, NULL};
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    int error =
        posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO)
            ?: posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
            ?: posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
            ?: posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1)
            ?: posix_spawnattr_setsigmask(&attributes, &none)
            ?: posix_spawnattr_setsigdefault(&attributes, &all)
            ?: posix_spawnattr_setpgroup(&attributes, 0)
            ?: posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK |
                                                         POSIX_SPAWN_SETSIGDEF |
                                                         POSIX_SPAWN_SETPGROUP)
            ?: posix_spawn(ret_pid, path, &files, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return error;
}

/* NULL, or why it was not waited for any longer. */
static const char *watch(pid_t pid, instant patience)
{
    _cleanup_(cleanup_fd) int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd ends[] = {{.fd = fd, .events = POLLIN},
                            {.fd = process_stop_fd(), .events = POLLIN}};
    poll(ends, 2, (int)(patience / (INSTANT_SECOND / 1000)));
    if (ends[0].revents)
        return NULL;
    return process_stopping() ? "was killed, because we stop" : "took too long and was killed";
}

static bool wait_for(const char *path, pid_t pid, instant patience, struct failure *f)
{
    int status;
    const char *why = watch(pid, patience);
    if (why)
        kill(-pid, SIGKILL); /* with all that it started */
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (why)
        return failure_set(f, FAILURE_SYSTEM, "%s %s", path, why);
    return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
           failure_set(f, FAILURE_SYSTEM, "%s ended with %s %d", path,
                       WIFEXITED(status) ? "status" : "signal",
                       WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

bool program_run(const char *path, struct bytes input, instant patience, struct failure *f)
{
    pid_t pid;
    int fd = input_file(input, f);
    if (fd < 0)
        return false;
    int error = spawn(path, fd, &pid);
    close(fd);
    if (error)
        return failure_set(f, FAILURE_SYSTEM, "cannot start %s: %s", path, strerror(error));
    return wait_for(path, pid, patience, f);
}
