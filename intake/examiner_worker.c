#include "intake/examiner_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
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

/* Reads until `in` begins with a whole frame; false when there will be none. */
static bool frame_read(struct buffer *in, struct examiner_frame *ret_frame)
{
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
        ssize_t n = read(EXAMINER_WORKER_SOCKET, buffer_reserve(in, room), room);
        if (n == 0 || (n < 0 && errno != EINTR))
            return false;
        buffer_commit(in, n > 0 ? (size_t)n : 0);
    }
}

static bool answer(const struct examiner *examiner, examiner_work *work, struct bytes fields,
                   struct buffer *out)
{
    struct examination_input input;
    struct examination examination = {0};
    if (!examiner_wire_get_request(fields, &input))
        return false;
    input.limits = &examiner->limits;
    input.trust = examiner->trust;
    input.crls = examiner->crls;
    input.revocation = examiner->revocation;
    input.procedures = examiner->procedures;
    work(&input, &examination);
    examiner_wire_put_result(out, &examination);
    examination_free(&examination);
    return send_all(out);
}

static void answer_all(const struct examiner *examiner, examiner_work *work)
{
    struct buffer in = {0}, out = {0};
    struct examiner_frame frame;
    while (frame_read(&in, &frame) && frame.kind == EXAMINER_EXAMINE &&
           answer(examiner, work, frame.fields, &out))
        buffer_drop(&in, frame.length);
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
    if (!examiner_load(config, ret_examiner, f))
        return false;
    warm_up(ret_examiner);
    return output_close(f) &&
           examiner_lock(EXAMINER_WORKER_SOCKET, examiner_limits_read(config).memory, f);
}

_Noreturn void examiner_worker_run(const struct config *config, examiner_work *work)
{
    struct examiner examiner = {0};
    struct failure f = {0};
    struct buffer out = {0};
    signals_leave();
    bool ready = begin(config, &examiner, &f);
    if (ready)
        examiner_wire_put_ready(&out);
    else
        examiner_wire_put_failure(&out, &f);
    if (send_all(&out) && ready)
        answer_all(&examiner, work);
    _exit(0); /* nothing is written out at the end, and nothing may be */
}
