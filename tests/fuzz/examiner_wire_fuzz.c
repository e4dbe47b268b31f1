/* What an examiner and its parent read from each other: any bytes. The first byte says whose ears
 * they reach. What is understood comes out the same when it is said again. */
#include "base/xml.h"
#include "intake/examiner_wire.h"
#include "tests/fuzz/fuzz.h"

static void same(const struct buffer *said, struct bytes heard)
{
    if (!bytes_equal(buffer_bytes(said), heard))
        __builtin_trap();
}

static void hear_result(struct bytes frame, struct bytes fields)
{
    struct examination examination;
    struct buffer again = {0};
    if (!examiner_wire_get_result(fields, &examination))
        return;
    examiner_wire_put_result(&again, &examination);
    same(&again, frame);
    buffer_free(&again);
    examination_free(&examination);
}

static void hear_request(struct bytes frame, struct bytes fields)
{
    struct examination_input input;
    struct buffer again = {0};
    if (!examiner_wire_get_request(fields, &input))
        return;
    examiner_wire_put_request(&again, &input);
    same(&again, frame);
    buffer_free(&again);
}

static void hear_taken(struct bytes frame, struct bytes fields)
{
    bool taken;
    struct buffer again = {0};
    if (!examiner_wire_get_taken(fields, &taken))
        return;
    examiner_wire_put_taken(&again, taken);
    same(&again, frame);
    buffer_free(&again);
}

static void hear(struct bytes frame, const struct examiner_frame *heard)
{
    struct failure f;
    switch (heard->kind) {
    case EXAMINER_READY:
        examiner_wire_get_ready(heard->fields);
        break;
    case EXAMINER_FAILED:
        examiner_wire_get_failure(heard->fields, &f);
        break;
    case EXAMINER_TAKEN:
        hear_taken(frame, heard->fields);
        break;
    case EXAMINER_LIST:
    case EXAMINER_LISTS: /* have no fields */
        break;
    case EXAMINER_EXAMINE:
        hear_request(frame, heard->fields);
        break;
    case EXAMINER_RESULT:
        hear_result(frame, heard->fields);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t most = size > 0 && data[0] & 1 ? EXAMINER_REQUEST_MOST : EXAMINER_RESULT_MOST, wanted;
    struct bytes left = size > 0 ? bytes_of(data + 1, size - 1) : bytes_of(data, 0);
    struct examiner_frame frame;
    while (examiner_wire_next(left, most, &frame, &wanted) == EXAMINER_WIRE_FRAME) {
        if (frame.length != wanted || frame.length > left.length)
            __builtin_trap();
        hear(bytes_of(left.data, frame.length), &frame);
        left = bytes_of(left.data + frame.length, left.length - frame.length);
    }
    if (wanted > EXAMINER_WIRE_HEAD + most)
        __builtin_trap();
    return 0;
}
