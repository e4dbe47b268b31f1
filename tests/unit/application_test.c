/* What is stored with an application: sealed, once, and forgotten with its key. */
#include "intake/application.h"

#include "base/json.h"
#include "intake/decide.h"
#include "tests/unit/work_support.h"

struct storing {
    struct work_item item;
    struct bytes package;
    bool evidence;
    const struct examination *examination;
    struct stored_application application;
    struct stored_examination stored;
};

static bool store_package(struct db_tx *tx, void *context, struct failure *f)
{
    const struct storing *s = context;
    struct wrapped_key key;
    return application_keys(tx, city_key, &s->item, 1, &key, f) &&
           application_store_package(tx, city_key, &s->item, &key, s->package, s->evidence, f);
}

static bool load_package(struct db_tx *tx, void *context, struct failure *f)
{
    struct storing *s = context;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    return application_fetch_packages(tx, &s->item, 1, 0, &rows, f) &&
           application_open_package(rows, 0, city_key, &s->item, &s->application, f);
}

static bool store_examination(struct db_tx *tx, void *context, struct failure *f)
{
    const struct storing *s = context;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    struct stored_application package = {0};
    if (!application_fetch_packages(tx, &s->item, 1, 0, &rows, f) ||
        !application_open_package(rows, 0, city_key, &s->item, &package, f))
        return false;
    bool done =
        application_store_examination(tx, city_key, &s->item, &package.key, s->examination, f);
    stored_application_free(&package);
    return done;
}

static bool load_examination(struct db_tx *tx, void *context, struct failure *f)
{
    struct storing *s = context;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    return application_fetch_examinations(tx, &s->item, 1, &rows, f) &&
           application_open_examination(rows, 0, city_key, &s->item, &s->stored, f);
}

static bool store_atenabango(struct db_tx *tx, void *context, struct failure *f)
{
    const struct storing *s = context;
    return application_store_atenabango(tx, &s->item, "000000000012345", "serial", f);
}

static struct storing one_to_store(void)
{
    struct storing s = {0};
    make_due(1, "collect");
    test_sql(&database, "DELETE FROM application_key");
    assert_int_equal(claim(collect_db, STAGE_COLLECT, 1, &s.item), 1);
    return s;
}

static void a_package_is_stored_sealed_and_once(void **state)
{
    (void)state;
    struct failure f = {0};
    struct storing s = one_to_store();
    s.package = bytes_of_text("first bytes, 桜野市");
    assert_false(db_transaction(examine_db, load_package, &s, &f));
    assert_true(db_transaction(collect_db, store_package, &s, &f));
    s.package = bytes_of_text("second bytes");
    assert_true(db_transaction(collect_db, store_package, &s, &f));
    assert_true(db_transaction(examine_db, load_package, &s, &f));
    assert_true(
        bytes_equal(buffer_bytes(&s.application.package), bytes_of_text("first bytes, 桜野市")));
    assert_string_equal(s.application.receipt_number, "R-00000001");
    assert_true(s.application.applied_at != 0);
    assert_int_equal(count("package WHERE position('first'::bytea IN sealed) > 0"), 0);
    assert_int_equal(count("package WHERE size = octet_length('first bytes, 桜野市')"
                           " AND sha256 = sha256(convert_to('first bytes, 桜野市', 'UTF8'))"),
                     1);
    assert_int_equal(count("application_key"), 1);
    stored_application_free(&s.application);
}

static void evidence_is_kept_aside_under_the_same_key(void **state)
{
    (void)state;
    struct failure f = {0};
    struct storing s = one_to_store();
    s.evidence = true;
    s.package = bytes_of_text("other bytes");
    assert_true(db_transaction(collect_db, store_package, &s, &f));
    assert_true(db_transaction(collect_db, store_package, &s, &f));
    assert_int_equal(count("package_evidence"), 1);
    assert_int_equal(count("package"), 0);
    assert_false(db_transaction(examine_db, load_package, &s, &f));
    s.evidence = false;
    s.package = bytes_of_text("the promised bytes");
    assert_true(db_transaction(collect_db, store_package, &s, &f));
    assert_true(db_transaction(examine_db, load_package, &s, &f));
    assert_int_equal(count("application_key"), 1);
    stored_application_free(&s.application);
    /* evidence in a package's place does not open as one */
    test_sql(&database, "UPDATE package SET sealed = e.sealed FROM package_evidence e");
    assert_false(db_transaction(examine_db, load_package, &s, &f));
    assert_int_equal(f.kind, FAILURE_INPUT);
}

static struct buffer buffer_of_text(const char *text)
{
    struct buffer buffer = {0};
    buffer_append_text(&buffer, text);
    return buffer;
}

static void assert_json(const json_t *found, const struct buffer *expected)
{
    _cleanup_(cleanup_buffer) struct buffer text = {0};
    json_write(found, &text);
    assert_true(bytes_equal(buffer_bytes(&text), buffer_bytes(expected)));
}

static void an_examination_is_stored_and_replaced(void **state)
{
    (void)state;
    struct failure f = {0};
    struct storing s = one_to_store();
    s.package = bytes_of_text("bytes");
    assert_true(db_transaction(collect_db, store_package, &s, &f));

    struct examination held = {.verdict = VERDICT_HELD,
                               .reason = "revocation-unavailable",
                               .sub_indication = "TRY_LATER",
                               .report = buffer_of_text("{\"verdict\":\"held\"}")};
    s.examination = &held;
    assert_true(db_transaction(examine_db, store_examination, &s, &f));
    struct db *identify_db = test_database_open(&database, "identify", 1);
    assert_true(db_transaction(identify_db, load_examination, &s, &f));
    assert_null(s.stored.record);
    assert_null(s.stored.facts);
    assert_string_equal(s.stored.serial, "");
    stored_examination_free(&s.stored);

    struct examination good = {.verdict = VERDICT_ACCEPTED,
                               .ca = "sign",
                               .serial = "0a1b",
                               .report = buffer_of_text("{\"verdict\":\"accepted\"}"),
                               .facts = buffer_of_text("{\"name\":\"桜野 花子\"}"),
                               .record = buffer_of_text("{\"children\":2}")};
    s.examination = &good;
    assert_true(db_transaction(examine_db, store_examination, &s, &f));
    assert_int_equal(count("examination WHERE verdict = 'accepted' AND reason IS NULL"), 1);
    assert_true(db_transaction(identify_db, store_atenabango, &s, &f));
    assert_true(db_transaction(identify_db, load_examination, &s, &f));
    db_close(identify_db);
    assert_json(s.stored.report, &good.report);
    assert_json(s.stored.facts, &good.facts);
    assert_json(s.stored.record, &good.record);
    assert_string_equal(s.stored.ca, "sign");
    assert_string_equal(s.stored.serial, "0a1b");
    assert_string_equal(s.stored.atenabango, "000000000012345");
    stored_examination_free(&s.stored);
    examination_free(&held);
    examination_free(&good);
}

struct fetching {
    struct work_item items[3];
    int64_t bytes_most;
    size_t rows;
    char texts[3][16]; /* "" of what could not be opened */
};

static bool store_each(struct db_tx *tx, void *context, struct failure *f)
{
    static const char *const texts[] = {"first", "second", "third"};
    const struct fetching *x = context;
    struct wrapped_key keys[3];
    if (!application_keys(tx, city_key, x->items, 3, keys, f))
        return false;
    for (size_t i = 0; i < 3; i++)
        if (!application_store_package(tx, city_key, &x->items[i], &keys[i],
                                       bytes_of_text(texts[i]), false, f))
            return false;
    return true;
}

static bool fetch_each(struct db_tx *tx, void *context, struct failure *f)
{
    struct fetching *x = context;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!application_fetch_packages(tx, x->items, 3, x->bytes_most, &rows, f))
        return false;
    x->rows = db_row_count(rows);
    for (size_t i = 0; i < x->rows; i++) {
        struct stored_application stored = {0};
        struct failure why = {0};
        bool opened = application_open_package(rows, i, city_key, &x->items[i], &stored, &why);
        assert_true(opened || why.kind == FAILURE_INPUT);
        snprintf(x->texts[i], sizeof x->texts[i], "%.*s", (int)stored.package.length,
                 opened ? (const char *)stored.package.data : "");
        stored_application_free(&stored);
    }
    return true;
}

static void packages_come_in_order_and_bounded(void **state)
{
    (void)state;
    struct failure f = {0};
    struct fetching x = {.bytes_most = 0};
    make_due(3, "collect");
    assert_int_equal(claim(collect_db, STAGE_COLLECT, 3, x.items), 3);
    assert_true(db_transaction(collect_db, store_each, &x, &f));
    assert_true(db_transaction(examine_db, fetch_each, &x, &f));
    assert_int_equal(x.rows, 1); /* one always comes */
    x.bytes_most = 11;           /* "first" and "second" fill it to the edge */
    assert_true(db_transaction(examine_db, fetch_each, &x, &f));
    assert_int_equal(x.rows, 2);
    x.bytes_most = 12;
    assert_true(db_transaction(examine_db, fetch_each, &x, &f));
    assert_int_equal(x.rows, 3);
    char sql[160];
    snprintf(sql, sizeof sql, "DELETE FROM application_key WHERE application_id = '%s'",
             x.items[1].application_id);
    test_sql(&database, sql);
    assert_true(db_transaction(examine_db, fetch_each, &x, &f));
    assert_int_equal(x.rows, 3);
    assert_string_equal(x.texts[0], "first");
    assert_string_equal(x.texts[1], "");
    assert_string_equal(x.texts[2], "third");
}

static void a_destroyed_key_forgets_the_application(void **state)
{
    (void)state;
    struct failure f = {0};
    struct storing s = one_to_store();
    s.package = bytes_of_text("bytes");
    assert_true(db_transaction(collect_db, store_package, &s, &f));
    test_sql(&database, "DELETE FROM application_key");
    assert_false(db_transaction(examine_db, load_package, &s, &f));
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup(test, empty)
    const struct CMUnitTest tests[] = {
        EACH(a_package_is_stored_sealed_and_once),
        EACH(evidence_is_kept_aside_under_the_same_key),
        EACH(an_examination_is_stored_and_replaced),
        EACH(packages_come_in_order_and_bounded),
        EACH(a_destroyed_key_forgets_the_application),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
