#include "intake/examiner_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "intake/examiner_lock.h"
#include "intake/examiner_process.h"
#include "intake/examiner_wire.h"

#define READ_LEAST (64 << 10)

static bool send_all(struct buffer *out)
{
    for (size_t sent = 0; sent < out->length;) {
        ssize_t n = write(EXAMINER_WORKER_SOCKET, out->data + sent, out->length - sent);
        if (n < 0 && errno != EINTR)
            return false;
        sent += n > 0 ? (size_t)n : 0;
    }
    buffer_clear(out);
    return true;
}

/* What it has been given, and what it holds of it. */
struct worker {
    struct examiner examiner; /* its lists are those in force */
    struct crl_set *coming;   /* the lists since the last LISTS */
    examiner_work *work;
    struct buffer in, out;
    int handle; /* that came with what was read last; -1 */
};

static void handle_close(struct worker *worker)
{
    if (worker->handle >= 0)
        close(worker->handle);
    worker->handle = -1;
}

/* A descriptor that comes with bytes of the socket ends what is read at once; so there is never a
 * second one. */
static ssize_t receive(struct worker *worker, size_t room)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } control;
    struct iovec bytes = {buffer_reserve(&worker->in, room), room};
    struct msghdr message = {.msg_iov = &bytes,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t n = recvmsg(EXAMINER_WORKER_SOCKET, &message, 0);
    const struct cmsghdr *head = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS) {
        handle_close(worker);
        memcpy(&worker->handle, CMSG_DATA(head), sizeof worker->handle);
    }
    return n;
}

/* Reads until `in` begins with a whole frame; false when there will be none. */
static bool frame_read(struct worker *worker, struct examiner_frame *ret_frame)
{
    struct buffer *in = &worker->in;
    for (;;) {
        size_t wanted;
        switch (examiner_wire_next(buffer_bytes(in), EXAMINER_REQUEST_MOST, ret_frame, &wanted)) {
        case EXAMINER_WIRE_FRAME:
            return true;
        case EXAMINER_WIRE_BROKEN:
            return false;
        default:
            break;
        }
        size_t room = wanted - in->length > READ_LEAST ? wanted - in->length : READ_LEAST;
        ssize_t n = receive(worker, room);
        if (n == 0 || (n < 0 && errno != EINTR))
            return false;
        buffer_commit(in, n > 0 ? (size_t)n : 0);
    }
}

static bool examine_one(struct worker *worker, struct bytes fields)
{
    const struct examiner *examiner = &worker->examiner;
    struct examination_input input;
    struct examination examination = {0};
    if (!examiner_wire_get_request(fields, &input))
        return false;
    input.limits = &examiner->limits;
    input.trust = examiner->trust;
    input.crls = examiner->crls;
    input.revocation = examiner->revocation;
    input.procedures = examiner->procedures;
    worker->work(&input, &examination);
    examiner_wire_put_result(&worker->out, &examination);
    examination_free(&examination);
    return send_all(&worker->out);
}

/* Why an index is not taken is for the parent to find out: no text of ours goes into its log. */
static bool list_take(struct worker *worker)
{
    struct crl_index *index;
    struct failure why;
    bool taken = worker->handle >= 0 && crl_index_map(worker->handle, &index, &why);
    handle_close(worker);
    if (taken)
        crl_set_take(worker->coming, index);
    examiner_wire_put_taken(&worker->out, taken);
    return send_all(&worker->out);
}

static bool lists_use(struct worker *worker)
{
    crl_set_free(worker->examiner.crls);
    worker->examiner.crls = worker->coming;
    worker->coming = crl_set_new();
    return true;
}

static bool obey(struct worker *worker, const struct examiner_frame *frame)
{
    switch (frame->kind) {
    case EXAMINER_EXAMINE:
        return examine_one(worker, frame->fields);
    case EXAMINER_LIST:
        return frame->fields.length == 0 && list_take(worker);
    case EXAMINER_LISTS:
        return frame->fields.length == 0 && lists_use(worker);
    default:
        return false;
    }
}

static void obey_all(struct worker *worker)
{
    struct examiner_frame frame;
    worker->coming = crl_set_new();
    while (frame_read(worker, &frame) && obey(worker, &frame))
        buffer_drop(&worker->in, frame.length);
}

/* What libraries open at first use they open now: examining anything makes a report, and jansson
 * reads /dev/urandom for its first object. */
static void warm_up(const struct examiner *examiner)
{
    const struct examination_input input = {
        .package = bytes_of_text("PK"),
        .limits = &examiner->limits,
        .trust = examiner->trust,
        .crls = examiner->crls,
        .procedures = examiner->procedures,
    };
    struct examination examination;
    examine(&input, &examination);
    examination_free(&examination);
}

/* Standard error was for the log while loading. */
static bool output_close(struct failure *f)
{
    _cleanup_(cleanup_fd) int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    return (nowhere >= 0 && dup2(nowhere, STDERR_FILENO) >= 0) ||
           failure_errno(f, "an examiner cannot open /dev/null");
}

/* The parent says when it ends: a stop of the whole group must not look like a crash. */
static void signals_leave(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* if it is dead already, there is nothing to read */
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
}

static bool begin(const struct config *config, struct examiner *ret_examiner, struct failure *f)
{
    if (!examiner_load_bare(config, ret_examiner, f))
        return false;
    warm_up(ret_examiner);
    return output_close(f) &&
           examiner_lock(EXAMINER_WORKER_SOCKET, examiner_limits_read(config).memory, f);
}

_Noreturn void examiner_worker_run(const struct config *config, examiner_work *work)
{
    struct worker worker = {.work = work, .handle = -1};
    struct failure f = {0};
    signals_leave();
    bool ready = begin(config, &worker.examiner, &f);
    if (ready)
        examiner_wire_put_ready(&worker.out);
    else
        examiner_wire_put_failure(&worker.out, &f);
    if (send_all(&worker.out) && ready)
        obey_all(&worker);
    _exit(0); /* nothing is written out at the end, and nothing may be */
}
