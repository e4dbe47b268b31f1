/* Frames between an examiner and its parent: there and back, and everything that is not one. */
#include "intake/examiner_wire.h"

#include <string.h>

#include "base/cleanup.h"
#include "tests/unit/check.h"

static const struct failure failure = {FAILURE_INPUT, "anchors.pem: no certificate"};

static struct buffer buffer_of(const char *text)
{
    struct buffer buffer = {0};
    buffer_append_text(&buffer, text);
    return buffer;
}

static struct examination examination_of(enum verdict verdict, const char *reason)
{
    struct examination x = {.verdict = verdict,
                            .sub_indication = "TRY_LATER",
                            .procedure_id = "child-allowance.certification-claim",
                            .form_version = "1.0",
                            .applied_at = -5,
                            .ca = "sign",
                            .serial = "0a1b",
                            .ocsp_certid = buffer_of("certid"),
                            .ocsp_used = {3, INT64_MAX},
                            .report = buffer_of("{\"format\":1}"),
                            .facts = buffer_of("{}"),
                            .evidence = buffer_of("{\"e\":1}")};
    snprintf(x.reason, sizeof x.reason, "%s", reason);
    if (verdict == VERDICT_ACCEPTED)
        x.record = buffer_of("{\"name\":\"桜野\"}");
    return x;
}

static struct bytes fields_of(const struct buffer *out, enum examiner_frame_kind kind)
{
    struct examiner_frame frame;
    size_t wanted;
    assert_int_equal(examiner_wire_next(buffer_bytes(out), EXAMINER_RESULT_MOST, &frame, &wanted),
                     EXAMINER_WIRE_FRAME);
    assert_int_equal(frame.kind, kind);
    assert_int_equal(frame.length, out->length);
    return frame.fields;
}

static void a_request_there(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer out = {0};
    const struct examination_input said = {.package = bytes_of("PK\0", 3),
                                           .receipt_number = "20261121-00000001",
                                           .applied_at = INT64_MIN,
                                           .now = INT64_MAX,
                                           .suspended = 7,
                                           .ocsp = {.asked = true,
                                                    .response = bytes_of("\0\1", 2),
                                                    .nonce = bytes_of("n", 1),
                                                    .trouble = "ocsp-timeout"}};
    struct examination_input heard;
    examiner_wire_put_request(&out, &said);
    assert_true(examiner_wire_get_request(fields_of(&out, EXAMINER_EXAMINE), &heard));
    assert_string_equal(heard.receipt_number, said.receipt_number);
    assert_null(heard.city_code);
    assert_true(heard.applied_at == said.applied_at && heard.now == said.now && heard.ocsp.asked &&
                heard.suspended == 7);
    assert_string_equal(heard.ocsp.trouble, "ocsp-timeout");
    assert_true(bytes_equal(heard.package, said.package));
    assert_true(bytes_equal(heard.ocsp.response, said.ocsp.response));
    assert_true(bytes_equal(heard.ocsp.nonce, said.ocsp.nonce));
}

static void a_result_back(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer out = {0};
    struct examination said = examination_of(VERDICT_HELD, "revocation-ask"), heard;
    examiner_wire_put_result(&out, &said);
    assert_true(examiner_wire_get_result(fields_of(&out, EXAMINER_RESULT), &heard));
    assert_int_equal(heard.verdict, VERDICT_HELD);
    assert_string_equal(heard.reason, said.reason);
    assert_string_equal(heard.sub_indication, said.sub_indication);
    assert_string_equal(heard.procedure_id, said.procedure_id);
    assert_string_equal(heard.form_version, said.form_version);
    assert_int_equal(heard.applied_at, said.applied_at);
    assert_string_equal(heard.ca, said.ca);
    assert_string_equal(heard.serial, said.serial);
    assert_true(bytes_equal(buffer_bytes(&heard.ocsp_certid), buffer_bytes(&said.ocsp_certid)));
    assert_true(heard.ocsp_used.this_update == 3 && heard.ocsp_used.next_update == INT64_MAX);
    assert_true(bytes_equal(buffer_bytes(&heard.report), buffer_bytes(&said.report)));
    assert_true(bytes_equal(buffer_bytes(&heard.facts), buffer_bytes(&said.facts)));
    assert_int_equal(heard.record.length, 0);
    assert_true(bytes_equal(buffer_bytes(&heard.evidence), buffer_bytes(&said.evidence)));
    examination_free(&said);
    examination_free(&heard);
}

static void ready_and_failed(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer out = {0};
    examiner_wire_put_ready(&out);
    assert_true(examiner_wire_get_ready(fields_of(&out, EXAMINER_READY)));
    out.data[out.length - 2] ^= 1; /* another version */
    assert_false(examiner_wire_get_ready(fields_of(&out, EXAMINER_READY)));
    struct failure heard = {0};
    buffer_clear(&out);
    examiner_wire_put_failure(&out, &failure);
    assert_true(examiner_wire_get_failure(fields_of(&out, EXAMINER_FAILED), &heard));
    assert_int_equal(heard.kind, failure.kind);
    assert_string_equal(heard.text, failure.text);
}

static void not_there_to_its_end(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer out = {0};
    struct examiner_frame frame;
    struct examination heard;
    size_t wanted;
    struct examination said = examination_of(VERDICT_ACCEPTED, "");
    examiner_wire_put_result(&out, &said);
    examination_free(&said);
    for (size_t length = 0; length < out.length; length++) {
        assert_int_equal(
            examiner_wire_next(bytes_of(out.data, length), EXAMINER_RESULT_MOST, &frame, &wanted),
            EXAMINER_WIRE_MORE);
        assert_int_equal(wanted, length < EXAMINER_WIRE_HEAD ? EXAMINER_WIRE_HEAD : out.length);
        if (length >= EXAMINER_WIRE_HEAD)
            assert_false(examiner_wire_get_result(
                bytes_of(out.data + EXAMINER_WIRE_HEAD, length - EXAMINER_WIRE_HEAD), &heard));
    }
    /* one byte too many */
    buffer_append(&out, "x", 1);
    assert_false(examiner_wire_get_result(
        bytes_of(out.data + EXAMINER_WIRE_HEAD, out.length - EXAMINER_WIRE_HEAD), &heard));
}

static void no_frame(void **state)
{
    (void)state;
    static const struct {
        uint8_t head[EXAMINER_WIRE_HEAD];
        enum examiner_wire is;
    } heads[] = {
        {{0, 1, 0, 0, EXAMINER_READY}, EXAMINER_WIRE_MORE}, /* the most, below */
        {{1, 1, 0, 0, EXAMINER_READY}, EXAMINER_WIRE_BROKEN},
        {{0, 0, 0, 1, EXAMINER_READY}, EXAMINER_WIRE_BROKEN},
        {{0, 0, 0, 0, EXAMINER_RESULT}, EXAMINER_WIRE_FRAME},
        {{0, 0, 0, 0, EXAMINER_LISTS + 1}, EXAMINER_WIRE_BROKEN},
        {{0, 0, 0, 0, 0}, EXAMINER_WIRE_BROKEN},
        {{0, 0, 0, 0, EXAMINER_READY, 1}, EXAMINER_WIRE_BROKEN},
        {{0, 0, 0, 0, EXAMINER_READY, 0, 0, 1}, EXAMINER_WIRE_BROKEN},
    };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct examiner_frame frame;
        size_t wanted;
        assert_int_equal(
            examiner_wire_next(bytes_of(heads[i].head, EXAMINER_WIRE_HEAD), 256, &frame, &wanted),
            heads[i].is);
    }
}

static bool believed(struct examination x)
{
    _cleanup_(cleanup_buffer) struct buffer out = {0};
    struct examination heard = {0};
    examiner_wire_put_result(&out, &x);
    bool is = examiner_wire_get_result(fields_of(&out, EXAMINER_RESULT), &heard);
    examination_free(&heard);
    examination_free(&x);
    return is;
}

/* A result that examine() never gives. */
static void results_that_are_not_believed(void **state)
{
    (void)state;
    struct examination x;
    assert_true(believed(examination_of(VERDICT_ACCEPTED, "")));
    assert_true(believed(examination_of(VERDICT_REFUSED, "signature-digest")));
    assert_false(believed(examination_of(VERDICT_ACCEPTED, "signature-digest")));
    assert_false(believed(examination_of(VERDICT_REFUSED, "")));
    assert_false(believed(examination_of((enum verdict)3, "signature-digest")));
    assert_false(believed(examination_of((enum verdict) - 1, "signature-digest")));
    assert_false(believed(examination_of(VERDICT_HELD, "x\ny"))); /* it goes into the log */
    assert_false(believed(examination_of(VERDICT_HELD, "桜野")));
    x = examination_of(VERDICT_HELD, "procedure-unknown");
    buffer_clear(&x.report);
    assert_false(believed(x));
    x = examination_of(VERDICT_HELD, "procedure-unknown");
    buffer_clear(&x.evidence);
    assert_false(believed(x));
    x = examination_of(VERDICT_HELD, "procedure-unknown");
    x.record = buffer_of("{}");
    assert_false(believed(x));
    x = examination_of(VERDICT_ACCEPTED, "");
    buffer_clear(&x.record);
    assert_false(believed(x));
    x = examination_of(VERDICT_ACCEPTED, "");
    memcpy(x.serial, "' OR 1", 7);
    assert_false(believed(x));
}

/* The longest texts go through; one more byte does not. */
static void texts_at_their_edge(void **state)
{
    (void)state;
    struct examination x = examination_of(VERDICT_ACCEPTED, "");
    memset(x.serial, 'a', sizeof x.serial - 1);
    _cleanup_(cleanup_buffer) struct buffer out = {0};
    examiner_wire_put_result(&out, &x);
    struct bytes fields = fields_of(&out, EXAMINER_RESULT);
    struct examination heard;
    assert_true(examiner_wire_get_result(fields, &heard));
    examination_free(&heard);
    uint8_t *serial = memmem(fields.data, fields.length, x.serial, sizeof x.serial);
    assert_non_null(serial);
    struct buffer longer = {0};
    buffer_append(&longer, fields.data, (size_t)(serial - fields.data));
    buffer_append(&longer, "a", 1);
    buffer_append(&longer, serial, fields.length - (size_t)(serial - fields.data));
    longer.data[serial - fields.data - 4]++;
    assert_false(examiner_wire_get_result(buffer_bytes(&longer), &heard));
    buffer_free(&longer);
    examination_free(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_there),
        cmocka_unit_test(a_result_back),
        cmocka_unit_test(ready_and_failed),
        cmocka_unit_test(not_there_to_its_end),
        cmocka_unit_test(no_frame),
        cmocka_unit_test(results_that_are_not_believed),
        cmocka_unit_test(texts_at_their_edge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
