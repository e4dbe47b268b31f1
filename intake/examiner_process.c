#include "intake/examiner_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "intake/examiner_lock.h"
#include "intake/examiner_wire.h"
#include "intake/examiner_worker.h"

#define READ_LEAST (64 << 10)
#define START_MOST (60 * INSTANT_SECOND) /* until a worker is locked in, and for each list */

static const struct config_key keys[] = {
    {"workers", CONFIG_NUMBER, "0", 0, 256, NULL,
     "Processes that examine at the same time; 0: one for each processor"},
    {"packages-most", CONFIG_NUMBER, "1000", 1, 1000000000, NULL,
     "A worker is replaced by a new one after so many packages: what one of them might have done "
     "to "
     "it does not last"},
    {"memory-most", CONFIG_SIZE, "512M", 16 << 20, 1LL << 36, NULL,
     "What examinations in one worker may allocate; a package that needs more is held"},
    {"cpu-most", CONFIG_DURATION, "20s", INSTANT_SECOND / 10, 3600 * INSTANT_SECOND, NULL,
     "Time of the processor for one package; one that needs more is held"},
    {"time-most", CONFIG_DURATION, "30s", INSTANT_SECOND / 10, 3600 * INSTANT_SECOND, NULL,
     "Time for one package, waiting included; one that needs more is held"},
};
const struct config_section examine_config_section = {
    "examine", .help = "The examiners: processes that can do nothing but examine.", .keys = keys,
    .key_count = sizeof keys / sizeof *keys};

struct examiner_limits examiner_limits_read(const struct config *config)
{
    const struct config_group *group = config_group(config, examine_config_section.name);
    int64_t workers = config_number(group, "workers");
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return (struct examiner_limits){
        .workers = (size_t)(workers          ? workers
                            : processors > 0 ? processors
                                             : 1),
        .packages = (size_t)config_number(group, "packages-most"),
        .memory = (size_t)config_number(group, "memory-most"),
        .cpu = config_duration(group, "cpu-most"),
        .wall = config_duration(group, "time-most"),
    };
}

/* --- beginning and ending --------------------------------------------------------------------- */

/* Descriptors: nothing to read, nowhere to write, our standard error while it loads, the socket. */
static int spawn(const char *const *argv, int socket, pid_t *ret_pid)
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
        posix_spawn_file_actions_adddup2(&files, socket, EXAMINER_WORKER_SOCKET) ?:
        posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0) ?:
        posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) ?:
        posix_spawn_file_actions_addclosefrom_np(&files, EXAMINER_WORKER_SOCKET + 1) ?:
        posix_spawnattr_setsigmask(&attributes, &none) ?:
        posix_spawnattr_setsigdefault(&attributes, &all) ?:
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) ?:
        posix_spawn(ret_pid, argv[0], &files, &attributes, (char *const *)argv, no_environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

static int64_t cpu_used(const struct examiner_process *p)
{
    struct timespec used;
    if (clock_gettime(p->cpu, &used) != 0)
        return 0; /* it is dead: its socket says so */
    return used.tv_sec * INSTANT_SECOND + used.tv_nsec / 1000;
}

static void clock_restart(struct examiner_process *p)
{
    p->wall_begun = clock_monotonic();
    p->cpu_begun = cpu_used(p);
}

bool examiner_process_start(const char *const *argv, const struct index_folder *lists,
                            struct examiner_process *process, struct failure *f)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return failure_errno(f, "cannot make a socket for an examiner");
    _cleanup_(cleanup_fd) int ours = pair[0], theirs = pair[1];
    pid_t pid = 0;
    int error = fcntl(ours, F_SETFL, O_NONBLOCK) == 0 ? spawn(argv, theirs, &pid) : errno;
    if (error) {
        errno = error;
        return failure_errno(f, "cannot start an examiner");
    }
    process->pid = pid;
    process->socket = ours;
    process->lists = lists;
    process->handle = -1;
    process->answered = 0;
    clock_getcpuclockid(pid, &process->cpu); /* it is our child, so there is one */
    ours = -1;
    clock_restart(process);
    return true;
}

bool examiner_process_end(struct examiner_process *process, char trouble[64])
{
    int status = 0;
    kill(process->pid, SIGKILL); /* changes nothing when it has ended by itself */
    while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
        ;
    close(process->socket);
    cleanup_fd(&process->handle);
    buffer_erase_free(&process->in);
    buffer_erase_free(&process->out);
    process->pid = 0;
    process->locked = process->ready = false;
    process->sent = process->listed = 0;
    if (WIFSIGNALED(status))
        snprintf(trouble, 64, "SIG%s", sigabbrev_np(WTERMSIG(status)) ?: "?");
    else
        snprintf(trouble, 64, "exit %d", WEXITSTATUS(status));
    return WIFEXITED(status) && WEXITSTATUS(status) == EXAMINER_EXIT_MEMORY;
}

/* --- talking ---------------------------------------------------------------------------------- */

void examiner_process_give(struct examiner_process *process, struct examiner_job *job)
{
    if (process->ready && process->queued == 0)
        clock_restart(process);
    process->queue[process->queued++] = job;
    if (process->ready)
        examiner_wire_put_request(&process->out, &job->input);
}

static void index_refused(const struct examiner_process *p, const char *why)
{
    log_warning("revocation.index_refused", log_text("file", p->lists->names[p->listed]),
                log_text("text", why));
}

/* The next list that can be opened, or what comes after the last: what waits. */
static void lists_go_on(struct examiner_process *p)
{
    struct failure why = {0};
    for (; p->listed < p->lists->count; p->listed++) {
        if (index_folder_open(p->lists, p->listed, &p->handle, &why)) {
            p->handle_at = p->out.length;
            examiner_wire_put_list(&p->out);
            return;
        }
        index_refused(p, why.text);
    }
    examiner_wire_put_lists(&p->out);
    for (size_t i = 0; i < p->queued; i++)
        examiner_wire_put_request(&p->out, &p->queue[i]->input);
    p->ready = true;
    p->failed = 0;
}

void examiner_process_use(struct examiner_process *process, const struct index_folder *lists)
{
    process->lists = lists;
    process->listed = 0;
    process->ready = false;
    clock_restart(process);
    lists_go_on(process);
}

static ssize_t send_with(int socket, const uint8_t *bytes, size_t length, int handle)
{
    union {
        char bytes[CMSG_SPACE(sizeof handle)];
        struct cmsghdr aligned;
    } control = {0};
    struct iovec all = {(void *)bytes, length};
    struct msghdr message = {.msg_iov = &all,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    *head = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof handle), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(head), &handle, sizeof handle);
    return sendmsg(socket, &message, MSG_NOSIGNAL);
}

/* As much as may go at once: a handle goes with the bytes of its frame, which are the last. */
static ssize_t send_part(struct examiner_process *p)
{
    const uint8_t *from = p->out.data + p->sent;
    if (p->handle < 0 || p->sent < p->handle_at)
        return send(p->socket, from, (p->handle < 0 ? p->out.length : p->handle_at) - p->sent,
                    MSG_NOSIGNAL);
    ssize_t n = send_with(p->socket, from, p->out.length - p->sent, p->handle);
    if (n > 0) {
        close(p->handle);
        p->handle = -1;
    }
    return n;
}

/* False when the worker is gone. */
static bool write_some(struct examiner_process *p)
{
    while (p->sent < p->out.length) {
        ssize_t n = send_part(p);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        p->sent += (size_t)n;
    }
    buffer_clear(&p->out);
    p->sent = 0;
    return true;
}

/* 0: nothing is there yet; < 0: there will be nothing more. */
static ssize_t read_some(struct examiner_process *p, size_t wanted)
{
    size_t room = wanted - p->in.length > READ_LEAST ? wanted - p->in.length : READ_LEAST;
    ssize_t n = read(p->socket, buffer_reserve(&p->in, room), room);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    buffer_commit(&p->in, (size_t)n);
    return n > 0 ? n : -1;
}

static enum examiner_event ready_take(struct examiner_process *p, struct bytes fields)
{
    if (p->locked || !examiner_wire_get_ready(fields))
        return EXAMINER_GONE;
    p->locked = true;
    clock_restart(p);
    lists_go_on(p);
    return EXAMINER_NOTHING;
}

/* Each list has a time of its own. */
static enum examiner_event taken_take(struct examiner_process *p, struct bytes fields)
{
    bool taken;
    if (!p->locked || p->ready || p->handle >= 0 || !examiner_wire_get_taken(fields, &taken))
        return EXAMINER_GONE;
    if (!taken)
        index_refused(p, "it is not a good index: uketsuke revocation status says why");
    p->listed++;
    clock_restart(p);
    lists_go_on(p);
    return EXAMINER_NOTHING;
}

static enum examiner_event result_take(struct examiner_process *p, struct bytes fields,
                                       struct examiner_job **ret_job)
{
    if (!p->ready || p->queued == 0 || !examiner_wire_get_result(fields, &p->queue[0]->examination))
        return EXAMINER_GONE;
    *ret_job = p->queue[0];
    (*ret_job)->outcome = EXAMINER_DONE;
    (*ret_job)->took = clock_monotonic() - p->wall_begun;
    p->answered++;
    memmove(p->queue, p->queue + 1, --p->queued * sizeof *p->queue);
    clock_restart(p);
    return EXAMINER_ANSWERED;
}

static enum examiner_event frame_take(struct examiner_process *p,
                                      const struct examiner_frame *frame,
                                      struct examiner_job **ret_job, struct failure *f)
{
    switch (frame->kind) {
    case EXAMINER_READY:
        return ready_take(p, frame->fields);
    case EXAMINER_FAILED:
        return !p->locked && examiner_wire_get_failure(frame->fields, f) ? EXAMINER_FAILED_TO_BEGIN
                                                                         : EXAMINER_GONE;
    case EXAMINER_TAKEN:
        return taken_take(p, frame->fields);
    case EXAMINER_RESULT:
        return result_take(p, frame->fields, ret_job);
    default:
        return EXAMINER_GONE;
    }
}

enum examiner_event examiner_process_turn(struct examiner_process *process,
                                          struct examiner_job **ret_job, struct failure *f)
{
    for (;;) {
        bool alive = write_some(process); /* what it said last may have given it more */
        struct examiner_frame frame;
        enum examiner_event event;
        size_t wanted;
        ssize_t n;
        switch (
            examiner_wire_next(buffer_bytes(&process->in), EXAMINER_RESULT_MOST, &frame, &wanted)) {
        case EXAMINER_WIRE_FRAME:
            event = frame_take(process, &frame, ret_job, f);
            buffer_drop(&process->in, frame.length);
            if (event != EXAMINER_NOTHING)
                return event;
            break;
        case EXAMINER_WIRE_BROKEN:
            return EXAMINER_GONE;
        default:
            n = read_some(process, wanted);
            if (n <= 0) /* what it said before it died counts */
                return n == 0 && alive ? EXAMINER_NOTHING : EXAMINER_GONE;
        }
    }
}

int64_t examiner_process_left(const struct examiner_process *process,
                              const struct examiner_limits *limits)
{
    int64_t now = clock_monotonic(), wall = now - process->wall_begun;
    if (!process->pid)
        return process->start_at - now;
    if (!process->ready)
        return START_MOST - wall;
    if (process->queued == 0)
        return INSTANT_DAY;
    /* It has one thread, which uses no more of the processor than time goes by: until it could have
     * used its share, the kernel need not be asked. */
    int64_t cpu = limits->cpu - wall;
    if (cpu <= 0)
        cpu = limits->cpu - (cpu_used(process) - process->cpu_begun);
    return cpu < limits->wall - wall ? cpu : limits->wall - wall;
}
