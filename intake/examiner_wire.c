#include "intake/examiner_wire.h"

#include <string.h>

#define VERSION "uketsuke-examiner-2 " UKETSUKE_VERSION

/* --- writing ---------------------------------------------------------------------------------- */

static void little_put(uint8_t *to, uint64_t value, size_t length)
{
    for (size_t i = 0; i < length; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

static void number_put(struct buffer *out, int64_t number)
{
    uint8_t bytes[8];
    little_put(bytes, (uint64_t)number, sizeof bytes);
    buffer_append(out, bytes, sizeof bytes);
}

static void bytes_put(struct buffer *out, struct bytes bytes)
{
    uint8_t length[4];
    little_put(length, bytes.length, sizeof length);
    buffer_append(out, length, sizeof length);
    buffer_append(out, bytes.data, bytes.length);
}

/* NULL goes as "". */
static void text_put(struct buffer *out, const char *text)
{
    bytes_put(out, bytes_of(text ? text : "", text ? strlen(text) + 1 : 1));
}

static size_t frame_begin(struct buffer *out, enum examiner_frame_kind kind)
{
    uint8_t head[EXAMINER_WIRE_HEAD] = {[4] = (uint8_t)kind};
    buffer_append(out, head, sizeof head);
    return out->length;
}

static void frame_end(struct buffer *out, size_t begun)
{
    little_put(out->data + begun - EXAMINER_WIRE_HEAD, out->length - begun, 4);
}

/* --- reading ---------------------------------------------------------------------------------- */

struct reading {
    struct bytes left;
    bool broken; /* from the first fault on; everything read is empty then */
};

static uint64_t little_get(const uint8_t *from, size_t length)
{
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++)
        value |= (uint64_t)from[i] << 8 * i;
    return value;
}

static struct bytes take(struct reading *r, size_t length)
{
    if (r->broken || r->left.length < length) {
        r->broken = true;
        return bytes_of(NULL, 0);
    }
    struct bytes taken = bytes_of(r->left.data, length);
    r->left = bytes_of(r->left.data + length, r->left.length - length);
    return taken;
}

static int64_t number_get(struct reading *r)
{
    struct bytes bytes = take(r, 8);
    return bytes.length ? (int64_t)little_get(bytes.data, 8) : 0;
}

static int64_t number_within(struct reading *r, int64_t least, int64_t most)
{
    int64_t number = number_get(r);
    r->broken = r->broken || number < least || number > most;
    return r->broken ? least : number;
}

static struct bytes bytes_get(struct reading *r)
{
    struct bytes length = take(r, 4);
    return take(r, length.length ? little_get(length.data, 4) : 0);
}

static const char *text_get(struct reading *r)
{
    struct bytes text = bytes_get(r);
    r->broken = r->broken || !text.length ||
                memchr(text.data, 0, text.length) != text.data + text.length - 1;
    return r->broken ? "" : (const char *)text.data;
}

/* Absent is what was not known. */
static const char *text_or_null(struct reading *r)
{
    const char *text = text_get(r);
    return *text ? text : NULL;
}

/* A word of ours: reasons, ids, versions, serial numbers. It goes into logs, rows and commands. */
static void word_get(struct reading *r, char *to, size_t size)
{
    const char *text = text_get(r);
    size_t length = strlen(text);
    r->broken =
        r->broken || length >= size ||
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != length;
    memcpy(to, r->broken ? "" : text, r->broken ? 1 : length + 1);
}

static void buffer_get(struct reading *r, struct buffer *to)
{
    struct bytes bytes = bytes_get(r);
    buffer_append(to, bytes.data, bytes.length);
}

static bool whole(const struct reading *r)
{
    return !r->broken && r->left.length == 0;
}

/* --- frames ----------------------------------------------------------------------------------- */

enum examiner_wire examiner_wire_next(struct bytes in, size_t fields_most,
                                      struct examiner_frame *ret_frame, size_t *ret_wanted)
{
    static const uint8_t zeros[3];
    *ret_wanted = EXAMINER_WIRE_HEAD;
    if (in.length < EXAMINER_WIRE_HEAD)
        return EXAMINER_WIRE_MORE;
    size_t length = little_get(in.data, 4);
    uint8_t kind = in.data[4];
    if (length > fields_most || kind < EXAMINER_READY || kind > EXAMINER_LISTS ||
        memcmp(in.data + 5, zeros, sizeof zeros) != 0)
        return EXAMINER_WIRE_BROKEN;
    *ret_wanted = EXAMINER_WIRE_HEAD + length;
    if (in.length < *ret_wanted)
        return EXAMINER_WIRE_MORE;
    *ret_frame = (struct examiner_frame){
        .kind = (enum examiner_frame_kind)kind,
        .fields = bytes_of(in.data + EXAMINER_WIRE_HEAD, length),
        .length = *ret_wanted,
    };
    return EXAMINER_WIRE_FRAME;
}

void examiner_wire_put_ready(struct buffer *out)
{
    size_t begun = frame_begin(out, EXAMINER_READY);
    text_put(out, VERSION);
    frame_end(out, begun);
}

bool examiner_wire_get_ready(struct bytes fields)
{
    struct reading r = {fields, false};
    const char *version = text_get(&r);
    return whole(&r) && strcmp(version, VERSION) == 0;
}

void examiner_wire_put_failure(struct buffer *out, const struct failure *failure)
{
    size_t begun = frame_begin(out, EXAMINER_FAILED);
    number_put(out, failure->kind);
    text_put(out, failure->text);
    frame_end(out, begun);
}

bool examiner_wire_get_failure(struct bytes fields, struct failure *ret_failure)
{
    struct reading r = {fields, false};
    enum failure_kind kind = (enum failure_kind)number_within(&r, FAILURE_USAGE, FAILURE_PEER);
    const char *text = text_get(&r);
    if (!whole(&r))
        return false;
    failure_set(ret_failure, kind, "%s", text);
    return true;
}

void examiner_wire_put_list(struct buffer *out)
{
    frame_begin(out, EXAMINER_LIST);
}

void examiner_wire_put_lists(struct buffer *out)
{
    frame_begin(out, EXAMINER_LISTS);
}

void examiner_wire_put_taken(struct buffer *out, bool taken)
{
    size_t begun = frame_begin(out, EXAMINER_TAKEN);
    number_put(out, taken);
    frame_end(out, begun);
}

bool examiner_wire_get_taken(struct bytes fields, bool *ret_taken)
{
    struct reading r = {fields, false};
    bool taken = number_within(&r, 0, 1);
    if (!whole(&r))
        return false;
    *ret_taken = taken;
    return true;
}

void examiner_wire_put_request(struct buffer *out, const struct examination_input *input)
{
    size_t begun = frame_begin(out, EXAMINER_EXAMINE);
    text_put(out, input->receipt_number);
    text_put(out, input->city_code);
    number_put(out, input->applied_at);
    number_put(out, input->now);
    number_put(out, input->suspended);
    number_put(out, input->ocsp.asked);
    text_put(out, input->ocsp.trouble);
    bytes_put(out, input->ocsp.nonce);
    bytes_put(out, input->ocsp.response);
    bytes_put(out, input->package);
    frame_end(out, begun);
}

bool examiner_wire_get_request(struct bytes fields, struct examination_input *ret_input)
{
    struct reading r = {fields, false};
    struct examination_input input = {0};
    input.receipt_number = text_or_null(&r);
    input.city_code = text_or_null(&r);
    input.applied_at = number_get(&r);
    input.now = number_get(&r);
    input.suspended = number_get(&r);
    input.ocsp.asked = number_within(&r, 0, 1);
    input.ocsp.trouble = text_or_null(&r);
    input.ocsp.nonce = bytes_get(&r);
    input.ocsp.response = bytes_get(&r);
    input.package = bytes_get(&r);
    if (!whole(&r))
        return false;
    *ret_input = input;
    return true;
}

void examiner_wire_put_result(struct buffer *out, const struct examination *x)
{
    size_t begun = frame_begin(out, EXAMINER_RESULT);
    number_put(out, x->verdict);
    text_put(out, x->reason);
    text_put(out, x->sub_indication);
    text_put(out, x->procedure_id);
    text_put(out, x->form_version);
    number_put(out, x->applied_at);
    text_put(out, x->ca);
    text_put(out, x->serial);
    bytes_put(out, buffer_bytes(&x->ocsp_certid));
    number_put(out, x->ocsp_used.this_update);
    number_put(out, x->ocsp_used.next_update);
    text_put(out, x->term.name);
    text_put(out, x->term.on);
    bytes_put(out, buffer_bytes(&x->report));
    bytes_put(out, buffer_bytes(&x->facts));
    bytes_put(out, buffer_bytes(&x->record));
    bytes_put(out, buffer_bytes(&x->evidence));
    frame_end(out, begun);
}

bool examiner_wire_get_result(struct bytes fields, struct examination *ret_examination)
{
    struct reading r = {fields, false};
    struct examination x = {0};
    x.verdict = (enum verdict)number_within(&r, VERDICT_ACCEPTED, VERDICT_HELD);
    word_get(&r, x.reason, sizeof x.reason);
    word_get(&r, x.sub_indication, sizeof x.sub_indication);
    word_get(&r, x.procedure_id, sizeof x.procedure_id);
    word_get(&r, x.form_version, sizeof x.form_version);
    x.applied_at = number_get(&r);
    word_get(&r, x.ca, sizeof x.ca);
    word_get(&r, x.serial, sizeof x.serial);
    buffer_get(&r, &x.ocsp_certid);
    x.ocsp_used.this_update = number_get(&r);
    x.ocsp_used.next_update = number_get(&r);
    word_get(&r, x.term.name, sizeof x.term.name);
    word_get(&r, x.term.on, sizeof x.term.on);
    buffer_get(&r, &x.report);
    buffer_get(&r, &x.facts);
    buffer_get(&r, &x.record);
    buffer_get(&r, &x.evidence);
    /* What is not accepted has a reason, and nothing is without a report and its evidence. */
    bool sound = whole(&r) && x.report.length > 0 && x.evidence.length > 0 &&
                 (x.verdict == VERDICT_ACCEPTED) == (x.reason[0] == 0) &&
                 (x.verdict == VERDICT_ACCEPTED) == (x.record.length > 0);
    if (!sound) {
        examination_free(&x);
        return false;
    }
    *ret_examination = x;
    return true;
}
