#include "intake/page/page.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

void page_free(struct page *page)
{
    buffer_erase_free(&page->png);
    *page = (struct page){0};
}

/* --- starting -----------------------------------------------------------------------------------
 */

/* Beside our own program, wherever that is. */
static bool program_find(char path[4096], struct failure *f)
{
    ssize_t length = readlink("/proc/self/exe", path, 4096 - sizeof PAGE_PROGRAM - 1);
    path[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(path, '/');
    if (!slash)
        return failure_errno(f, "cannot tell where this program stands");
    memcpy(slash + 1, PAGE_PROGRAM, sizeof PAGE_PROGRAM); /* readlink left room for it */
    return true;
}

static bool memory_file(struct bytes content, int *ret_fd, struct failure *f)
{
    _cleanup_(cleanup_fd) int fd = memfd_create("page", MFD_CLOEXEC);
    for (size_t sent = 0; fd >= 0 && sent < content.length;) {
        ssize_t n = write(fd, content.data + sent, content.length - sent);
        if (n < 0 && errno != EINTR)
            return failure_errno(f, "cannot hand a file to %s", PAGE_PROGRAM);
        sent += n > 0 ? (size_t)n : 0;
    }
    if (fd < 0 || lseek(fd, 0, SEEK_SET) != 0)
        return failure_errno(f, "cannot hand a file to %s", PAGE_PROGRAM);
    *ret_fd = fd;
    fd = -1;
    return true;
}

struct worker {
    pid_t pid;
    int answer;
};

static int spawn(const char *path, char *const *argv, int in, int out, pid_t *ret_pid)
{
    static char *const no_environment[] = {NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    int error =
        posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO) ?:
        posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO) ?:
        posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0) ?:
        posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1) ?:
        posix_spawnattr_setsigmask(&attributes, &none) ?:
        posix_spawnattr_setsigdefault(&attributes, &all) ?:
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) ?:
        posix_spawn(ret_pid, path, &files, &attributes, argv, no_environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

static bool worker_start(struct bytes file, uint32_t number, uint32_t width,
                         struct worker *ret_worker, struct failure *f)
{
    char path[4096], number_text[16], width_text[16];
    int ends[2];
    _cleanup_(cleanup_fd) int in = -1;
    snprintf(number_text, sizeof number_text, "%u", number);
    snprintf(width_text, sizeof width_text, "%u", width);
    if (!program_find(path, f) || !memory_file(file, &in, f))
        return false;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return failure_errno(f, "cannot make a pipe");
    _cleanup_(cleanup_fd) int ours = ends[0], theirs = ends[1];
    char *const argv[] = {(char *)PAGE_PROGRAM, number_text, width_text, NULL};
    errno = spawn(path, argv, in, theirs, &ret_worker->pid);
    if (errno)
        return failure_errno(f, "cannot start %s", path);
    ret_worker->answer = ours;
    ours = -1;
    return true;
}

/* --- the answer ---------------------------------------------------------------------------------
 */

/* Until its end, or the time is up. */
static bool answer_read(int fd, struct buffer *ret_answer)
{
    int64_t until = clock_monotonic() + PAGE_WALL_MOST;
    for (;;) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int64_t left = (until - clock_monotonic()) / 1000;
        int ready = left > 0 ? poll(&wait, 1, (int)left) : 0;
        if (ready == 0 || (ready < 0 && errno != EINTR))
            return false;
        ssize_t n = ready > 0 ? read(fd, buffer_reserve(ret_answer, 1 << 16), 1 << 16) : -1;
        if (n == 0)
            return true;
        if (ready > 0 && n < 0 && errno != EINTR)
            return false;
        buffer_commit(ret_answer, n > 0 ? (size_t)n : 0);
        if (ret_answer->length > PAGE_PICTURE_MOST + sizeof(struct page_head))
            return false;
    }
}

/* Whoever broke out of drawing may have written it: only what is sound is believed. */
static bool answer_take(const struct buffer *answer, struct page *page)
{
    static const uint8_t png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    struct page_head head;
    if (answer->length < sizeof head)
        return false;
    memcpy(&head, answer->data, sizeof head);
    if (head.magic != PAGE_MAGIC || head.outcome > PAGE_BROKEN ||
        head.length != answer->length - sizeof head || head.w > PAGE_WIDTH_MOST ||
        head.h > PAGE_WIDTH_MOST)
        return false;
    const uint8_t *picture = answer->data + sizeof head;
    if ((head.outcome == PAGE_DRAWN) !=
        (head.length > sizeof png && memcmp(picture, png, sizeof png) == 0))
        return false;
    page->outcome = (enum page_outcome)head.outcome;
    page->pages = head.pages;
    page->w = head.w;
    page->h = head.h;
    buffer_append(&page->png, picture, head.length);
    return true;
}

bool page_draw(struct bytes file, uint32_t number, uint32_t width, struct page *ret_page,
               struct failure *f)
{
    struct worker worker;
    struct buffer answer = {0};
    struct page page = {.outcome = PAGE_LIMIT};
    int status = 0;
    if (!worker_start(file, number, width, &worker, f))
        return false;
    bool whole = answer_read(worker.answer, &answer);
    close(worker.answer);
    kill(worker.pid, SIGKILL); /* changes nothing when it has ended by itself */
    while (waitpid(worker.pid, &status, 0) < 0 && errno == EINTR)
        ;
    whole = whole && answer_take(&answer, &page);
    buffer_erase_free(&answer);
    if (!whole && WIFEXITED(status) && WEXITSTATUS(status) == PAGE_EXIT_NO_WALLS) {
        page_free(&page);
        return failure_set(f, FAILURE_USAGE,
                           "%s cannot be locked in (seccomp), so nothing is drawn", PAGE_PROGRAM);
    }
    if (!whole)
        log_warning("page.ended", log_number("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0),
                    log_number("exit", WIFEXITED(status) ? WEXITSTATUS(status) : 0));
    *ret_page = page;
    return true;
}
