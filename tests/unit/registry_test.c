#include "intake/registry/import.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "base/text.h"
#include "intake/registry/keys.h"
#include "intake/registry/links.h"
#include "intake/schema.h"
#include "tests/support/applications.h"

#define HEADER     "ca,serial,kind,atenabango,valid_from,valid_to\n"
#define OLD_HEADER "ca,serial,kind,atenabango,valid_from,valid_to,old_serial\n"

static struct test_database database;
static struct db *registry, *identify, *operator, * owner;
static struct city_key *city_key;

static int set_up(void **state)
{
    (void)state;
    test_database_make(&database, NULL, NULL, 0);
    test_database_upgrade(&database, schema_migrations, schema_migration_count);
    registry = test_database_open(&database, "registry", 2);
    identify = test_database_open(&database, "identify", 2);
    operator= test_database_open(&database, "operator", 1);
    owner = test_database_open(&database, "owner", 1);
    city_key = test_city_key(&database);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    db_close(registry);
    db_close(identify);
    db_close(operator);
    db_close(owner);
    city_key_free(city_key);
    test_database_drop(&database);
    return 0;
}

static int reset(void **state)
{
    (void)state;
    test_sql(&database,
             "DELETE FROM registry_link; DELETE FROM registry_import;"
             " DELETE FROM registry_link_past; DELETE FROM resident; DELETE FROM resident_past;"
             " DELETE FROM registry_change");
    return 0;
}

/* --- helpers ---------------------------------------------------------------------------------- */

struct call {
    enum feed_kind kind;
    bool full;
    const char *source;    /* NULL: juki */
    const char *actor;     /* NULL: operator:one */
    int64_t removals_most; /* percent */
    int64_t protections_most;
    bool compare_only;
    struct feed feed; /* what is special: sequence, as_of, promised … */
};

static bool import_call(const char *text, const struct call *call,
                        struct registry_import_result *ret_result, struct failure *f)
{
    struct feed feed = call->feed;
    _cleanup_(feed_faults_free) struct feed_faults faults = {0};
    _cleanup_(cleanup_file) FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    const struct registry_options options = {
        .city_code = TEST_CITY,
        .city_key = city_key,
        .actor = call->actor ? call->actor : "operator:one",
        .removals_most = call->removals_most,
        .protections_most = call->protections_most,
        .approval_lasts = INSTANT_DAY,
        .compare_only = call->compare_only,
    };
    assert_non_null(in);
    feed.kind = call->kind;
    feed.full = call->full;
    snprintf(feed.source, sizeof feed.source, "%s", call->source ? call->source : "juki");
    if (!feed.as_of)
        feed.as_of = clock_now();
    return registry_import(registry, &feed, in, &options, ret_result, &faults, f);
}

static bool import_text(const char *text, bool full, struct registry_import_result *ret_result,
                        struct failure *f)
{
    return import_call(text, &(struct call){.full = full, .removals_most = 100}, ret_result, f);
}

static struct registry_import_result import_as(const char *text, const struct call *call)
{
    struct registry_import_result result = {0};
    struct failure f = {0};
    if (!import_call(text, call, &result, &f))
        fail_msg("%s", f.text);
    return result;
}

static struct registry_import_result import_good(const char *text, bool full)
{
    return import_as(text, &(struct call){.full = full, .removals_most = 100});
}

static void import_bad(const char *text, const struct call *call, enum failure_kind kind,
                       const char *expected)
{
    struct registry_import_result result = {.rows = -1};
    struct failure f = {0};
    assert_false(import_call(text, call, &result, &f));
    if (!strstr(f.text, expected))
        fail_msg("\"%s\" instead of \"%s\"", f.text, expected);
    assert_int_equal(f.kind, kind);
    assert_int_equal(result.rows, -1);
}

static long long links(void)
{
    return test_sql_number(&database, "SELECT count(*) FROM registry_link");
}

struct look {
    const char *at;
    struct registry_lookup lookup;
};

static bool look_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct look *look = context;
    assert_true(instant_parse(look->at, &look->lookup.at));
    /* behind one that finds nothing, so that answers must go where they belong */
    struct registry_lookup lookups[2] = {{"sign", "ffffffff", 0, .count = 7}, look->lookup};
    bool done = registry_links(tx, TEST_CITY, lookups, 2, f);
    assert_int_equal(lookups[0].count, 0);
    look->lookup = lookups[1];
    return done;
}

/* The 宛名番号 found, or "none", or "many". */
static const char *found(const char *ca, const char *serial, const char *at)
{
    static struct look look;
    struct failure f = {0};
    look = (struct look){.at = at, .lookup = {.ca = ca, .serial = serial}};
    if (!db_transaction(identify, look_work, &look, &f))
        fail_msg("%s", f.text);
    return look.lookup.count == 0   ? "none"
           : look.lookup.count == 1 ? look.lookup.atenabango[0]
                                    : "many";
}

/* --- good feeds ------------------------------------------------------------------------------- */

static void links_are_found_as_they_were_in_force(void **state)
{
    (void)state;
    struct registry_import_result result = import_good(
        HEADER "sign,067C6A21,card,A1,2024-01-01T00:00:00+09:00,2025-01-01T00:00:00+09:00\n"
               "sign,67c6a22,phone,A1,2025-01-01T00:00:00+09:00,\n"
               "auth,067c6a21,card,B2,,\n",
        false);
    assert_int_equal(result.rows, 3);
    assert_int_equal(result.added, 3);
    assert_int_equal(result.changed + result.removed, 0);
    assert_string_equal(found("sign", "067c6a21", "2024-01-01T00:00:00+09:00"), "A1");
    assert_string_equal(found("sign", "067c6a21", "2024-12-31T23:59:59.999999+09:00"), "A1");
    assert_string_equal(found("sign", "067c6a21", "2025-01-01T00:00:00+09:00"), "none");
    assert_string_equal(found("sign", "067c6a21", "2023-12-31T23:59:59+09:00"), "none");
    assert_string_equal(found("sign", "067c6a22", "2026-01-01T00:00:00+09:00"), "A1");
    /* the two counters give out the same numbers */
    assert_string_equal(found("auth", "067c6a21", "1990-01-01T00:00:00+09:00"), "B2");
}

static void a_differential_feed_adds_and_changes(void **state)
{
    (void)state;
    import_good(HEADER "sign,01,card,A1,,\nsign,02,card,A2,,\n", false);
    struct registry_import_result result =
        import_good(HEADER "sign,01,card,A1,,2025-01-01T00:00:00Z\n" /* ends */
                           "sign,02,card,A2,,\n"                     /* as it was */
                           "sign,03,card,A1,2025-01-01T00:00:00Z,\n" /* new */,
                    false);
    assert_int_equal(result.rows, 3);
    assert_int_equal(result.added, 1);
    assert_int_equal(result.changed, 1);
    assert_int_equal(links(), 3);
    assert_string_equal(found("sign", "01", "2025-06-01T00:00:00Z"), "none");
    assert_string_equal(found("sign", "03", "2025-06-01T00:00:00Z"), "A1");
    assert_string_equal(found("sign", "02", "2025-06-01T00:00:00Z"), "A2");
}

static void a_full_feed_replaces_the_citys_links_only(void **state)
{
    (void)state;
    import_good(HEADER "sign,01,card,A1,,\nsign,02,card,A2,,\n", false);
    test_sql(&database, "INSERT INTO registry_link (city_code, ca, serial, atenabango, kind,"
                        " import_id, source)"
                        " VALUES ('992020', 'sign', '01', 'Z9', 'card', 1, 'juki')");
    struct registry_import_result result = import_good(HEADER "sign,02,card,A2,,\n", true);
    assert_int_equal(result.removed, 1);
    assert_int_equal(result.added + result.changed, 0);
    assert_int_equal(links(), 3);
    /* what is gone was in force until the feed that has it no more */
    assert_string_equal(found("sign", "01", "2025-06-01T00:00:00Z"), "A1");
    assert_string_equal(found("sign", "01", "2100-01-01T00:00:00Z"), "none");
    assert_string_equal(found("sign", "02", "2100-01-01T00:00:00Z"), "A2");
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM registry_link_past"
                                                " WHERE serial = '01' AND valid_to = 'infinity'"),
                     1);
}

static void two_people_on_one_serial_are_both_found(void **state)
{
    (void)state;
    import_good(HEADER "sign,01,card,A1,,\nsign,01,card,A2,,\n", false);
    assert_string_equal(found("sign", "01", "2025-06-01T00:00:00Z"), "many");
}

static void the_import_is_remembered(void **state)
{
    (void)state;
    import_good(HEADER "sign,01,card,A1,,\n", false);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM registry_import WHERE"
                                                " rows = 1 AND NOT full_load AND sha256 ="
                                                " sha256(convert_to(" /* the file's own bytes */
                                                "'ca,serial,kind,atenabango,valid_from,valid_to'"
                                                " || chr(10) || 'sign,01,card,A1,,' || chr(10),"
                                                " 'UTF8'))"),
                     1);
    assert_true(test_sql_number(&database,
                                "SELECT count(*) FROM audit_entry WHERE"
                                " action = 'registry.import' AND chain = 'registry'") > 0);
}

/* --- bad feeds: each has its own words, and nothing changes ----------------------------------- */

static void bad_feeds_change_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *feed, *text;
        bool full;
    } faults[] = {
        {"", "line 1: the feed is empty, not even a header line", false},
        {"serial,ca,kind,atenabango,valid_from\n",
         "line 1, item valid_to: is missing in the header", false},
        {"ca,serial,kind,atenabango,valid_from,valid_to,shimei\n",
         "line 1: column 7 of the header is no item of this feed", false},
        {"ca,serial,kind,ca,atenabango,valid_from,valid_to\n",
         "line 1, item ca: stands in the header twice", false},
        {"\xEF\xBB\xBF" HEADER "sign,01,card,A1,,\n", "line 1: begins with a byte order mark",
         false},
        {HEADER "sign,01,card,A1,\n", "line 2: has 5 items instead of 6", false},
        {HEADER "sign,01,card,A1,,\nsign,02,card,A1,,\r\n",
         "line 3: ends otherwise than the lines before", false},
        {HEADER "sign,02,card,A1,,\nsign,0g,card,A1,,\n", "line 3, item serial: E0002", false},
        {HEADER "sign,,card,A1,,\n", "line 2, item serial: E0001", false},
        {HEADER "mine,01,card,A1,,\n", "line 2, item ca: E0002", false},
        {HEADER "sign,01,card,1234567890123456,,\n", "line 2, item atenabango: E0003", false},
        {HEADER "sign,01,card,A1,,\nsign,02,card,A1,,\nsign,0001,card,A1,,\n",
         "line 4, item serial: E0004 the same ca, serial and atenabango stand in line 2 already",
         false},
        {HEADER "sign,01,card,A1,2025-01-01T00:00:00Z,2024-01-01T00:00:00Z\n",
         "line 2, item valid_to: E0004", false},
        {HEADER "sign,02,card,A1,,\nsign,\"01,card,A1,,\n", "line 3: a quoted field", false},
        {HEADER "sign,0\"2,card,A1,,\n", "line 2: a quote in the middle", false},
        {HEADER "sign,02,card,\xff,,\n", "line 2: the text is not UTF-8", false},
        {HEADER "x,02,card,A1,,\nsign,02,x,A1,,\n",
         "line 2, item ca: E0002 is none of the words that may stand here (and 1 more fault)",
         false},
        {OLD_HEADER "sign,02,card,A1,,,03\n", "line 2, item old_serial: E0004 is no serial of this",
         false},
        {"ca,serial,kind,atenabango,valid_from,valid_to,sakujoflag\nsign,02,card,A1,,,1\n",
         "line 2, item sakujoflag: E0004 removes what is not there", false},
        {HEADER, "line 2: the feed has no rows, and a full load would remove everything", true},
    };
    import_good(HEADER "sign,01,card,A1,,\n", false);
    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
        struct registry_import_result result = {.rows = -1};
        struct failure f = {0};
        assert_false(import_text(faults[i].feed, faults[i].full, &result, &f));
        assert_int_equal(f.kind, FAILURE_INPUT);
        if (strncmp(f.text, faults[i].text, strlen(faults[i].text)) != 0)
            fail_msg("\"%s\" instead of \"%s\"", f.text, faults[i].text);
        assert_int_equal(result.rows, -1);
        assert_int_equal(links(), 1);
        assert_string_equal(found("sign", "01", "2025-06-01T00:00:00Z"), "A1");
    }
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM registry_import"), 1);
}

/* More of them: each with its own words, by line, item and code. */
static void hostile_feeds_change_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *feed, *text;
    } faults[] = {
        {HEADER "sign,02,card,\xC0\x80,,\n", "line 2: the text is not UTF-8"}, /* overlong NUL */
        {HEADER "sign,02,card,\xE0\x80\xAF,,\n", "line 2: the text is not UTF-8"},
        {HEADER "sign,02,card,\xED\xA0\x80\xED\xB0\x80,,\n", "line 2: the text is not UTF-8"},
        {HEADER "sign,02,card,\xF4\x90\x80\x80,,\n", "line 2: the text is not UTF-8"},
        {HEADER "sign,02,card,\xE3\x81,,\n", "line 2: the text is not UTF-8"},
        {HEADER "sign,02,card,Ａ１,,\n", "line 2, item atenabango: E0002"}, /* full-width */
        {HEADER "sign,０１,card,A1,,\n", "line 2, item serial: E0002"},
        {HEADER "sign,-1,card,A1,,\n", "line 2, item serial: E0002"},
        {HEADER "sign,0x01,card,A1,,\n", "line 2, item serial: E0002"},
        {HEADER "sign,00000000000000000000000000000000000000001,card,A1,,\n",
         "line 2, item serial: E0003"},
        {HEADER "sign auth,01,card,A1,,\n", "line 2, item ca: E0002"},
        {HEADER " sign,01,card,A1,,\n", "line 2, item ca: E0002"},
        {HEADER "sign,01,card,A1,2026-02-30T00:00:00+09:00,\n", "line 2, item valid_from: E0002"},
        {HEADER "sign,01,card,A1,2026-02-28T24:00:00+09:00,\n", "line 2, item valid_from: E0002"},
        {HEADER "sign,01,card,A1,2026-02-28T00:00:00,\n", "line 2, item valid_from: E0002"},
        {HEADER "sign,01,card,A1,infinity,\n", "line 2, item valid_from: E0002"},
        {HEADER "sign,01,card,A1,2026-01-01T00:00:00Z,2026-01-01T09:00:00+09:00\n",
         "line 2, item valid_to: E0004 must lie after valid_from"}, /* the same moment */
        {HEADER "sign,01,card,\"A1\"x,,\n", "line 2: "},
        {HEADER "sign,01,card,\"A1,,\nsign,02,card,A2,,\n", "line 2: "}, /* never closed */
        {HEADER "sign,01,card,A1,,\"\"\"\n", "line 2: "},
        {HEADER "sign,01,card,\"A\n1\",,\n", "line 2, item atenabango: E0002"},
        {HEADER "sign,01,card,A1,,,\n", "line 2: has 7 items instead of 6"},
        {HEADER "\n", "line 2: has 1 items instead of 6"},
        {HEADER "sign,01,card,A1,,\r\n", "line 2: ends otherwise"},
        {HEADER "sign,01,card,A1,,\rsign,02,card,A1,,\n", "line 2: "},
        {"\"ca\",serial,kind,atenabango,valid_from,valid_to ,x\n",
         "line 1: column 6 of the header is no item of this feed"},
        {"sign,01,card,A1,,\n", "line 1: column 1 of the header is no item"}, /* no header */
        {"\xFF\xFE"
         "c\n",
         "line 1: the text is not UTF-8"}, /* UTF-16 */
        {OLD_HEADER "sign,02,card,A1,,,02\n",
         "line 2, item old_serial: E0004 is the serial itself"},
    };
    import_good(HEADER "sign,01,card,A1,,\n", false);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        import_bad(faults[i].feed, &(struct call){0}, FAILURE_INPUT, faults[i].text);
        assert_int_equal(links(), 1);
    }
    _cleanup_(cleanup_buffer) struct buffer wide = {0};
    buffer_append_text(&wide, HEADER "sign");
    for (int i = 0; i < 300; i++)
        buffer_append_text(&wide, ",");
    import_bad(buffer_text(&wide), &(struct call){0}, FAILURE_INPUT,
               "line 2: the record has more than 256 fields");
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM registry_import"), 1);
}

static void a_differential_feed_may_be_empty(void **state)
{
    (void)state;
    struct registry_import_result result = import_good(HEADER, false);
    assert_int_equal(result.rows, 0);
}

static void a_long_feed_goes_in_whole(void **state)
{
    (void)state;
    _cleanup_(cleanup_buffer) struct buffer feed = {0};
    buffer_append_text(&feed, HEADER);
    for (int i = 1; i <= 20000; i++)
        buffer_format(&feed, "sign,%x,card,%015d,2024-04-01T00:00:00+09:00,\n", i, i);
    struct registry_import_result result = import_good(buffer_text(&feed), true);
    assert_int_equal(result.added, 20000);
    assert_string_equal(found("sign", "4e20", "2025-06-01T00:00:00Z"), "000000000020000");
    /* a fault in the last line takes everything back */
    buffer_append_text(&feed, "sign,1,card,000000000000001,,\n");
    struct failure f = {0};
    assert_false(import_text(buffer_text(&feed), true, &result, &f));
    assert_non_null(strstr(f.text, "line 20002, item serial: E0004 the same ca, serial and "
                                   "atenabango stand in line 2 already"));
    assert_int_equal(links(), 20000);
}

/* --- waking ----------------------------------------------------------------------------------- */

/* Who is tried again is identification's business: it learns what changed, at once. */
static void identification_learns_what_changed(void **state)
{
    (void)state;
    static const char *const channels[] = {"work_identify"};
    struct db_listener *listener;
    struct failure f = {0};
    assert_true(db_listen(identify, channels, 1, &listener, &f));
    db_listener_wait(listener, INSTANT_SECOND / 10);
    import_good(HEADER "sign,01,card,A1,,\n", false);
    assert_true(db_listener_wait(listener, 10 * INSTANT_SECOND));
    db_listener_close(listener);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM registry_change"
                                                " WHERE atenabango = 'A1' AND serial = '01'"),
                     1);
}

static bool hold_work(struct db_tx *tx, void *context, struct failure *f)
{
    (void)context;
    if (!registry_hold(tx, TEST_CITY, f))
        return false;
    /* the import's lock is not to be had while we hold: a look-up and what is decided by it are
     * one. (A try, not a wait: the import would wait for us.) */
    assert_int_equal(test_sql_number(&database,
                                     "SELECT pg_try_advisory_xact_lock("
                                     "hashtextextended('registry_link:" TEST_CITY "', 0))::int"),
                     0);
    assert_int_equal(test_sql_number(&database,
                                     "SELECT pg_try_advisory_xact_lock("
                                     "hashtextextended('registry_link:992020', 0))::int"),
                     1);
    return true;
}

static void an_identification_holds_the_links(void **state)
{
    (void)state;
    struct failure f = {0};
    if (!db_transaction(identify, hold_work, NULL, &f))
        fail_msg("%s", f.text);
}

/* --- residents -------------------------------------------------------------------------------- */

#define RESIDENTS                                                                                  \
    "atenabango,setaibango,tsuzukigara,shimei,shimei_kana,tsusho,tsusho_kana,kyuuji,"              \
    "shimei_gaikokujin_romaji,shimei_gaikokujin_kanji,seinengappi,seinengappi_fushoflag,"          \
    "seinengappi_fushohyoki,seibetsu,jusho_shikuchoson_code,jusho_machiaza_code,jusho_todofuken,"  \
    "jusho_shikugunchoson,jusho_machiaza,jusho_banchigohyoki,jusho_katagaki,jusho_yubinbango,"     \
    "juminjotai,idonengappi,shiensochi_flag,shiensochi_kaishi,shiensochi_shuryo,fukaiji_flag,"     \
    "fukaiji_kaishi,fukaiji_shuryo,kojinbango,juminhyokodo\n"
/* number, name, town, 個人番号, 住民票コード */
#define RESIDENT(number, name, town, kojinbango, code)                                             \
    number ",H1,妻," name                                                                          \
           ",サイトウ　ハナコ,,,渡邊,,,1990-01-02,,,2,992011,1234567,桜県,桜野市," town            \
           ",１丁目２番３号,桜荘１０１,1000001,1,,,,,,,," kojinbango "," code "\n"

static void residents_are_kept_with_their_past(void **state)
{
    (void)state;
    const struct call full = {.kind = FEED_RESIDENTS, .full = true, .removals_most = 100};
    struct registry_import_result result =
        import_as(RESIDENTS RESIDENT("A1", "齋藤　花子", "本町", "123456789018", "24727059608")
                      RESIDENT("A2", "外字\xF4\x8F\xBA\x92　太郎", "本町", "", ""),
                  &full);
    assert_int_equal(result.added, 2);
    char *moved_at = test_sql_text(&database, "SELECT clock_timestamp()::text");
    result = import_as(RESIDENTS RESIDENT("A1", "齋藤　花子", "南町", "123456789018", "")
                           RESIDENT("A3", "佐藤　次郎", "本町", "", ""),
                       &full);
    assert_int_equal(result.added, 1);
    assert_int_equal(result.changed, 1);
    assert_int_equal(result.removed, 1);
    assert_int_equal(test_sql_number(&database,
                                     "SELECT count(*) FROM resident WHERE atenabango = 'A1'"
                                     " AND town = '南町' AND birth_date = 19900102"
                                     " AND name_key <> '' AND former_key <> '' AND kana_key <> ''"
                                     " AND address_key LIKE '%1-2-3%' AND length(number_hash) = 32"
                                     " AND length(number_sealed) = 41"
                                     " AND juminhyo_code_sealed IS NULL"),
                     1);
    char *sql = text_format("SELECT string_agg(atenabango || name || town, ',' ORDER BY atenabango)"
                            " FROM resident_past WHERE valid_from <= '%s' AND '%s' < valid_to",
                            moved_at, moved_at);
    char *past = test_sql_text(&database, sql);
    assert_string_equal(past, "A1齋藤　花子本町,A2外字\xF4\x8F\xBA\x92　太郎本町");
    free(sql);
    free(past);
    free(moved_at);
    /* nothing new is no new version */
    result = import_as(RESIDENTS RESIDENT("A1", "齋藤　花子", "南町", "123456789018", ""),
                       &(struct call){.kind = FEED_RESIDENTS});
    assert_int_equal(result.added + result.changed + result.removed, 0);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM resident_past"), 2);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM registry_change"), 5);
}

static void faulty_residents_change_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *feed, *text;
    } faults[] = {
        {RESIDENT("A1", "名", "町", "123456789019", ""),
         "item kojinbango: E0004 has a wrong check"},
        {RESIDENT("A1", "名", "町", "12345678901", ""), "item kojinbango: E0003 must have 12"},
        {RESIDENT("A1", "名", "町", "", "24727059609"), "item juminhyokodo: E0004"},
        {RESIDENT("A1", "", "町", "", ""), "item shimei: E0001"},
        {RESIDENT("A1", "名\t", "町", "", ""), "item shimei: E0002 has a control character"},
        {RESIDENT("A1", "名\uFFFD", "町", "", ""), "item shimei: E0002 has a character that was"},
        {RESIDENT("A1", "名\uFEFF", "町", "", ""), "item shimei: E0002 has a byte order mark"},
        {RESIDENT("A1", "名", "町", "", "") RESIDENT("A1", "名", "町", "", ""),
         "line 3, item atenabango: E0004 stands in line 2 already"},
        {"A1,,,名,,,,,,,1990-02-30,,,2,,,,,,,,,1,,,,,,,,,\n", "item seinengappi: E0002"},
        {"A1,,,名,,,,,,,1990-00-00,,,2,,,,,,,,,1,,,,,,,,,\n",
         "item seinengappi_fushoflag: E0004 is 1 if"},
        {"A1,,,名,,,,,,,1990-02-03,,,2,,,,,,,,,1,,,2026-01-01,,,,,,\n",
         "item shiensochi_flag: E0004 is not set, but has days"},
        {"A1,,,名,,,,,,,1990-02-03,,,2,,,,,,,,,1,,1,2026-01-02,2026-01-01,,,,,\n",
         "item shiensochi_shuryo: E0004"},
        {"A1,,,名,,,,,,,1990-02-03,,,2,992012,,,,,,,,1,,,,,,,,,\n",
         "item jusho_shikuchoson_code: E0004"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char *feed = text_format("%s%s", RESIDENTS, faults[i].feed);
        import_bad(feed, &(struct call){.kind = FEED_RESIDENTS}, FAILURE_INPUT, faults[i].text);
        free(feed);
    }
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM resident"), 0);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM registry_import"), 0);
}

static void sources_do_not_touch_each_other(void **state)
{
    (void)state;
    const struct call juki = {.kind = FEED_RESIDENTS, .full = true, .removals_most = 100};
    const struct call jutogai = {
        .kind = FEED_RESIDENTS, .full = true, .source = "jutogai", .removals_most = 100};
    import_as(RESIDENTS RESIDENT("A1", "名", "町", "", ""), &juki);
    import_as(RESIDENTS RESIDENT("B1", "名", "町", "", ""), &jutogai);
    import_bad(RESIDENTS RESIDENT("A1", "名", "町", "", ""), &jutogai, FAILURE_INPUT,
               "item atenabango: E0004 is in force from another source");
    struct registry_import_result result =
        import_as(RESIDENTS RESIDENT("A2", "名", "町", "", ""), &juki);
    assert_int_equal(result.removed, 1);
    assert_int_equal(
        test_sql_number(&database, "SELECT count(*) FROM resident WHERE source = 'jutogai'"), 1);
}

/* --- renewal, removal ------------------------------------------------------------------------- */

static void renewed_serials_are_tied_to_the_old_ones(void **state)
{
    (void)state;
    import_good(HEADER "sign,01,card,A1,,2026-01-01T00:00:00Z\n", false);
    import_good(OLD_HEADER "sign,02,card,A1,2026-01-01T00:00:00Z,,01\n"
                           "sign,03,card,A1,2026-06-01T00:00:00Z,,02\n",
                false);
    assert_string_equal(found("sign", "01", "2025-12-31T00:00:00Z"), "A1");
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM registry_link AS new"
                                                " JOIN registry_link AS old"
                                                " ON old.serial = new.old_serial"),
                     2);
    import_bad(OLD_HEADER "sign,04,card,A2,,,02\n", &(struct call){0}, FAILURE_INPUT,
               "is no serial of this atenabango");
    import_good("ca,serial,kind,atenabango,valid_from,valid_to,sakujoflag\nsign,03,,A1,,,1\n",
                false);
    assert_string_equal(found("sign", "03", "2100-01-01T00:00:00Z"), "none");
}

static void decimal_serials_are_read_as_such(void **state)
{
    (void)state;
    import_as(HEADER "sign,255,card,A1,,\n"
                     "sign,1461501637330902918203684832716283019655932542975,card,A2,,\n",
              &(struct call){.feed = {.decimal_serials = true}});
    assert_string_equal(found("sign", "ff", "2025-01-01T00:00:00Z"), "A1");
    assert_string_equal(
        found("sign", "ffffffffffffffffffffffffffffffffffffffff", "2025-01-01T00:00:00Z"), "A2");
    import_bad(HEADER "sign,1461501637330902918203684832716283019655932542976,card,A2,,\n",
               &(struct call){.feed = {.decimal_serials = true}}, FAILURE_INPUT,
               "item serial: E0003 is a number of more than 20 bytes");
    import_bad(HEADER "sign,ff,card,A2,,\n", &(struct call){.feed = {.decimal_serials = true}},
               FAILURE_INPUT, "item serial: E0002");
}

/* --- the order of feeds, and what manifests promise ------------------------------------------- */

static void sequence_and_time_go_forward(void **state)
{
    (void)state;
    const char *row = HEADER "sign,01,card,A1,,\n";
    import_as(row, &(struct call){.feed = {.sequence = 5}, .full = true});
    import_bad(row, &(struct call){.feed = {.sequence = 5}}, FAILURE_INPUT,
               "sequence 5 was taken in already");
    import_bad(row, &(struct call){.feed = {.sequence = 7}}, FAILURE_INPUT,
               "sequence 7 does not follow 5");
    import_as(row, &(struct call){.feed = {.sequence = 6}});
    import_as(row, &(struct call){.feed = {.sequence = 9}, .full = true});
    import_bad(row, &(struct call){.feed = {.as_of = clock_now() - INSTANT_DAY}}, FAILURE_INPUT,
               "time runs backwards");
    import_bad(row, &(struct call){.feed = {.as_of = clock_now() + 2 * INSTANT_DAY}}, FAILURE_INPUT,
               "to come");
}

static void a_feed_is_what_its_manifest_promised(void **state)
{
    (void)state;
    const char *text = HEADER "sign,01,card,A1,,\n";
    struct call call = {.feed = {.promised = true, .rows = 1}};
    import_bad(text, &call, FAILURE_INPUT, "its SHA-256 differs");
    sha256(bytes_of_text(text), call.feed.sha256);
    call.feed.rows = 2;
    import_bad(text, &call, FAILURE_INPUT, "the file has 1 rows, and the manifest says 2");
    call.feed.rows = 1;
    import_as(text, &call);
}

static void cp932_is_read_when_the_manifest_says_so(void **state)
{
    (void)state;
    /* 髙 FBFC, 外字 F040, backslash as second byte: 表 955C */
    const char *text = RESIDENTS "A1,,,\xFB\xFC\x95\x5C\xF0\x40,,,,,,,1990-01-02,,,2,,,,,,,,,1"
                                 ",,,,,,,,,\n";
    const struct call cp932 = {.kind = FEED_RESIDENTS, .feed = {.encoding = FEED_CP932}};
    import_bad(text, &(struct call){.kind = FEED_RESIDENTS}, FAILURE_INPUT,
               "line 2: the text is not UTF-8");
    import_as(text, &cp932);
    char *name = test_sql_text(&database, "SELECT name FROM resident");
    assert_string_equal(name, "髙表\uE000");
    free(name);
    import_bad(RESIDENTS "A2,,,\x81\x20,,,,,,,1990-01-02,,,2,,,,,,,,,1,,,,,,,,,\n", &cp932,
               FAILURE_INPUT, "line 2, item shimei: E0002 has a character that was lost");
}

#define BORN(day, unknown) "A1,,,名,,,,,,," day "," unknown ",,2,,,,,,,,,1,,,,,,,,,\n"

static void days_exist_or_are_told_to_be_unknown(void **state)
{
    (void)state;
    static const struct {
        const char *row, *text;
    } faults[] = {
        {BORN("2026-02-30", ""), "item seinengappi: E0002"},
        {BORN("2025-02-29", ""), "item seinengappi: E0002"},
        {BORN("1990-13-01", ""), "item seinengappi: E0002"},
        {BORN("1990-00-05", "1"), "item seinengappi: E0002"}, /* a day of no month */
        {BORN("1990-1-05", ""), "item seinengappi: E000"},
        {BORN("1990/01/05", ""), "item seinengappi: E0002"},
        {BORN("H02-01-05", ""), "item seinengappi: E000"},
        {BORN("１９９０-01-05", ""), "item seinengappi: E0002"},
        {BORN("1990-01-00", ""), "item seinengappi_fushoflag: E0004"},
        {BORN("1990-01-05", "1"), "item seinengappi_fushoflag: E0004"},
        {BORN("0000-02-30", "1"), "item seinengappi: E0002"},
        {BORN("1990-01-05", "2"), "item seinengappi_fushoflag: E0002"},
    };
    static const char *const good[] = {BORN("1990-01-00", "1"), BORN("1990-00-00", "1"),
                                       BORN("0000-00-00", "1"), BORN("0000-02-29", "1"),
                                       BORN("2024-02-29", "")};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        _cleanup_(cleanup_text) char *feed = text_format("%s%s", RESIDENTS, faults[i].row);
        import_bad(feed, &(struct call){.kind = FEED_RESIDENTS}, FAILURE_INPUT, faults[i].text);
    }
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM resident"), 0);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        _cleanup_(cleanup_text) char *feed = text_format("%s%s", RESIDENTS, good[i]);
        import_as(feed, &(struct call){.kind = FEED_RESIDENTS});
    }
}

/* Lone bytes, a first byte whose second is the separator, what Windows has several codes for. */
static void traps_of_cp932(void **state)
{
    (void)state;
#define CP932_ROW(name) "A1,,," name ",,,,,,,1990-01-02,,,2,,,,,,,,,1,,,,,,,,,\n"
    static const char *const lost[] = {"\x80",     "\xA0",     "\xFD",        "\xFF",
                                       "\x85\x40", "\xFC\x4C", "\xE9\xAB\x98" /* 高 in UTF-8 */};
    const struct call cp932 = {.kind = FEED_RESIDENTS, .feed = {.encoding = FEED_CP932}};
    for (size_t i = 0; i < sizeof lost / sizeof *lost; i++) {
        _cleanup_(cleanup_text) char *row = text_format(CP932_ROW("%s"), lost[i]);
        _cleanup_(cleanup_text) char *feed = text_format("%s%s", RESIDENTS, row);
        import_bad(feed, &cp932, FAILURE_INPUT, "item shimei: E0002");
    }
    import_bad(RESIDENTS "A1,,,\x81,,,,,,,1990-01-02,,,2,,,,,,,,,1,,,,,,,,,\n", &cp932,
               FAILURE_INPUT, "line 2, item shimei: E0002"); /* the comma is not swallowed */
    import_bad(RESIDENTS CP932_ROW("\x81\n"), &cp932, FAILURE_INPUT, "line 2: has 4 items");
    import_bad(RESIDENTS CP932_ROW("\x1A"), &cp932, FAILURE_INPUT, "item shimei: E0002");
    /* NEC's and IBM's codes of one character; the second byte of 表 and of ソ is a backslash */
    import_as(RESIDENTS CP932_ROW("\xED\x40\xFA\x5C\x87\x54\xFA\x4A\x95\x5C\x83\x5C"), &cp932);
    char *name = test_sql_text(&database, "SELECT name FROM resident");
    assert_string_equal(name, "纊纊ⅠⅠ表ソ");
    free(name);
}

/* --- the second person ------------------------------------------------------------------------ */

static void a_load_that_removes_too_many_waits_for_a_second_person(void **state)
{
    (void)state;
    const char *less = HEADER "sign,01,card,A1,,\n";
    const struct call full = {.full = true, .removals_most = 49};
    struct failure f = {0};
    import_good(HEADER "sign,01,card,A1,,\nsign,02,card,A2,,\n", true);
    struct registry_import_result result = import_as(less, &full), again = import_as(less, &full);
    assert_true(result.waiting && again.waiting);
    assert_int_equal(result.removed, 1);
    assert_int_equal(result.import_id, again.import_id);
    assert_string_equal(found("sign", "02", "2100-01-01T00:00:00Z"), "A2");
    assert_false(registry_approve(operator, TEST_CITY, result.import_id, "operator:one", &f));
    assert_int_equal(f.kind, FAILURE_USAGE);
    assert_false(registry_approve(operator, TEST_CITY, result.import_id + 1, "operator:two", &f));
    assert_true(registry_approve(operator, TEST_CITY, result.import_id, "operator:two", &f));
    assert_false(registry_approve(operator, TEST_CITY, result.import_id, "operator:two", &f));
    /* another feed is not approved by that */
    assert_true(import_as(HEADER "sign,01,phone,A1,,\n", &full).waiting);
    result = import_as(less, &full);
    assert_false(result.waiting);
    assert_string_equal(found("sign", "02", "2100-01-01T00:00:00Z"), "none");
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM registry_import WHERE"
                                                " state = 'done' AND actor = 'operator:one'"
                                                " AND approved_by = 'operator:two'"),
                     1);
    /* half may go without */
    import_good(HEADER "sign,02,card,A2,,\n", false);
    assert_false(import_as(less, &(struct call){.full = true, .removals_most = 50}).waiting);
}

#define THREE HEADER "sign,01,card,A1,,\nsign,02,card,A2,,\nsign,03,card,A3,,\n"

static int64_t wait_and_approve(const char *text, const struct call *call)
{
    struct failure f = {0};
    struct registry_import_result result = import_as(text, call);
    assert_true(result.waiting);
    if (!registry_approve(operator, TEST_CITY, result.import_id, "operator:two", &f))
        fail_msg("%s", f.text);
    return result.import_id;
}

/* The bytes, and whose, when, how, and what would be lost of what. */
static void an_approval_covers_one_feed_with_one_outcome(void **state)
{
    (void)state;
    const char *less = HEADER "sign,01,card,A1,,\n";
    const instant as_of = clock_now() - (INSTANT_DAY / 24);
    struct call approved = {.full = true,
                            .feed = {.sequence = 5, .as_of = as_of, .rows = 1, .promised = true}};
    sha256(bytes_of_text(less), approved.feed.sha256);
    import_as(THREE, &(struct call){.full = true, .feed = {.sequence = 1, .as_of = 1}});
    int64_t id = wait_and_approve(less, &approved);
    struct call others[] = {approved, approved, approved};
    others[0].feed.sequence = 6;
    others[1].feed.as_of = as_of + 1;
    others[2].feed.encoding = FEED_CP932;
    assert_true(import_as(less, &others[0]).waiting);
    assert_true(import_as(less, &others[1]).waiting);
    assert_true(import_as(less, &others[2]).waiting);
    /* what it would remove is not what it was */
    test_sql(&database, "UPDATE registry_link SET atenabango = 'A9' WHERE serial = '03'");
    assert_true(import_as(less, &approved).waiting);
    test_sql(&database, "UPDATE registry_link SET atenabango = 'A3' WHERE serial = '03'");
    struct registry_import_result result = import_as(less, &approved);
    assert_false(result.waiting);
    assert_int_equal(result.import_id, id);
    assert_int_equal(result.removed, 2);
}

static void an_approval_ends(void **state)
{
    (void)state;
    struct failure f = {0};
    const char *less = HEADER "sign,01,card,A1,,\n";
    const struct call full = {.full = true};
    const instant now = clock_now();
    import_good(THREE, true);
    clock_fix(now + (INSTANT_DAY / 24));
    int64_t id = wait_and_approve(less, &full);
    clock_fix(now + (INSTANT_DAY / 24) + INSTANT_DAY);
    struct registry_import_result result = import_as(less, &full);
    assert_true(result.waiting);
    assert_int_equal(result.import_id, id); /* it waits again, for another approval */
    assert_true(registry_approve(operator, TEST_CITY, id, "operator:two", &f));
    clock_fix(now + (INSTANT_DAY / 24) + 2 * INSTANT_DAY - 1);
    assert_false(import_as(less, &full).waiting);
    /* the import that went through is of its own time, not of the time when it waited */
    assert_int_equal(test_sql_number(&database,
                                     "SELECT (extract(epoch FROM as_of) * 1000000)::bigint"
                                     " FROM registry_import WHERE state = 'done'"
                                     " ORDER BY import_id DESC LIMIT 1"),
                     clock_now());
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM registry_import"
                                                " WHERE at = as_of AND approved_by IS NOT NULL"),
                     1);
    clock_fix(0);
}

/* A differential feed that removes, or ends, more than it may. */
static void differential_feeds_are_guarded_too(void **state)
{
    (void)state;
    static const char *const feeds[] = {
        "ca,serial,kind,atenabango,valid_from,valid_to,sakujoflag\nsign,02,,A2,,,1\n",
        HEADER "sign,02,card,A2,,2026-01-01T00:00:00Z\n",
    };
    const char *renewed = OLD_HEADER "sign,02,card,A2,,2026-01-01T00:00:00Z,\n"
                                     "sign,04,card,A2,2026-01-01T00:00:00Z,,02\n";
    import_good(THREE, true);
    for (size_t i = 0; i < 2; i++) {
        struct registry_import_result result =
            import_as(feeds[i], &(struct call){.removals_most = 33});
        assert_true(result.waiting);
        assert_int_equal(result.before, 3);
        assert_int_equal(result.removed, i == 0);
        assert_int_equal(result.ended, i == 1);
    }
    assert_int_equal(links(), 3);
    assert_false(import_as(renewed, &(struct call){0}).waiting); /* one goes, one comes */
    assert_false(import_as("ca,serial,kind,atenabango,valid_from,valid_to,sakujoflag\n"
                           "sign,03,,A3,,,1\n",
                           &(struct call){.removals_most = 34})
                     .waiting);
}

#define STATE(number, status, support)                                                             \
    number ",,,名,,,,,,,1990-02-03,,,2,,,,,,,,," status ",," support ",,,,,,,\n"

static void who_leaves_or_loses_protection_counts(void **state)
{
    (void)state;
    const struct call call = {.kind = FEED_RESIDENTS, .removals_most = 33, .protections_most = 50};
    import_as(RESIDENTS STATE("A1", "1", "1") STATE("A2", "1", "1") STATE("A3", "1", "1"),
              &(struct call){.kind = FEED_RESIDENTS, .full = true});
    struct registry_import_result result = import_as(RESIDENTS STATE("A1", "4", "1"), &call);
    assert_true(result.waiting);
    assert_int_equal(result.ended, 1);
    /* an export that forgot the column of 支援措置 */
    result = import_as(RESIDENTS STATE("A1", "1", "") STATE("A2", "1", ""), &call);
    assert_true(result.waiting);
    assert_int_equal(result.lifted, 2);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM resident"
                                                " WHERE support_to IS NOT NULL"),
                     3);
    assert_false(import_as(RESIDENTS STATE("A1", "1", ""), &call).waiting); /* one, by itself */
    const char *leavers = RESIDENTS STATE("A2", "3", "1") STATE("A3", "5", "1");
    int64_t id = wait_and_approve(leavers, &call);
    assert_int_equal(import_as(leavers, &call).import_id, id);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM resident WHERE status > 1"),
                     2);
}

static bool statement_work(struct db_tx *tx, void *context, struct failure *f)
{
    return db_execute(tx, context, DB_NO_VALUES, NULL, f);
}

/* The database itself: who imports does not approve, and who approves does nothing else. */
static void roles_keep_to_their_part(void **state)
{
    (void)state;
    static const struct {
        bool imports;
        struct db_statement statement;
    } tries[] = {
        {true,
         {"test_approve", "UPDATE registry_import SET state = 'approved', approved_by = 'x',"
                          " approved_at = now() WHERE state = 'waiting'"}},
        {true, {"test_approved_by", "UPDATE registry_import SET approved_by = 'x'"}},
        {false, {"test_done", "UPDATE registry_import SET state = 'done'"}},
        {false, {"test_bound", "UPDATE registry_import SET bound = NULL"}},
        {false, {"test_resident", "DELETE FROM resident"}},
    };
    import_good(THREE, true);
    assert_true(import_as(HEADER "sign,01,card,A1,,\n", &(struct call){.full = true}).waiting);
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        struct failure f = {0};
        if (db_transaction(tries[i].imports ? registry : operator, statement_work,
                           (void *)(uintptr_t)&tries[i].statement, &f))
            fail_msg("%s", tries[i].statement.sql);
    }
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM registry_import"
                                                " WHERE state = 'waiting'"),
                     1);
}

static void keys_of_another_folding_stop_everything(void **state)
{
    (void)state;
    struct failure f = {0};
    int64_t residents, changed;
    const char *row = RESIDENTS RESIDENT("A1", "齋藤　花子", "本町", "", "");
    import_as(row, &(struct call){.kind = FEED_RESIDENTS});
    char *keys = test_sql_text(&database, "SELECT name_key || former_key || address_key"
                                          " FROM resident");
    test_sql(&database, "UPDATE registry_folding SET folding = '1-14.0-old';"
                        "UPDATE resident SET name_key = 'x', former_key = 'y', address_key = 'z'");
    import_bad(row, &(struct call){.kind = FEED_RESIDENTS}, FAILURE_USAGE,
               "run `uketsuke registry refold`");
    assert_false(db_transaction(identify, hold_work, NULL, &f));
    assert_non_null(strstr(f.text, "run `uketsuke registry refold`"));
    import_good(HEADER "sign,01,card,A1,,\n", false); /* links have no keys */
    f = (struct failure){0};
    if (!registry_refold(registry, TEST_CITY, &residents, &changed, &f))
        fail_msg("%s", f.text);
    assert_int_equal(residents, 1);
    assert_int_equal(changed, 1);
    char *again = test_sql_text(&database, "SELECT name_key || former_key || address_key"
                                           " FROM resident");
    assert_string_equal(again, keys);
    import_as(row, &(struct call){.kind = FEED_RESIDENTS});
    assert_true(db_transaction(identify, hold_work, NULL, &f));
    assert_true(registry_refold(registry, TEST_CITY, &residents, &changed, &f));
    assert_int_equal(changed, 0);
    free(keys);
    free(again);
}

static void comparing_changes_nothing(void **state)
{
    (void)state;
    import_good(HEADER "sign,01,card,A1,,\nsign,02,card,A2,,\n", true);
    struct registry_import_result result =
        import_as(HEADER "sign,01,phone,A1,,\nsign,03,card,A3,,\n",
                  &(struct call){.full = true, .compare_only = true});
    assert_int_equal(result.added, 1);
    assert_int_equal(result.changed, 1);
    assert_int_equal(result.removed, 1);
    assert_int_equal(result.import_id, 0);
    assert_int_equal(links(), 2);
    assert_int_equal(test_sql_number(&database, "SELECT count(*) FROM registry_import"), 1);
}

static bool import_beside(struct db_tx *tx, void *context, struct failure *f)
{
    (void)context;
    static const struct db_statement lock = {
        "test_import_lock", "SELECT pg_advisory_xact_lock("
                            "hashtextextended('registry_import:" TEST_CITY "', 0)) IS NULL"};
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    if (!db_query(tx, &lock, DB_NO_VALUES, &rows, f))
        return false;
    import_bad(HEADER "sign,01,card,A1,,\n", &(struct call){0}, FAILURE_USAGE,
               "another import is under way");
    return true;
}

static void two_imports_at_once_are_refused(void **state)
{
    (void)state;
    struct failure f = {0};
    if (!db_transaction(identify, import_beside, NULL, &f))
        fail_msg("%s", f.text);
    import_good(HEADER "sign,01,card,A1,,\n", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(links_are_found_as_they_were_in_force, reset),
        cmocka_unit_test_setup(a_differential_feed_adds_and_changes, reset),
        cmocka_unit_test_setup(a_full_feed_replaces_the_citys_links_only, reset),
        cmocka_unit_test_setup(two_people_on_one_serial_are_both_found, reset),
        cmocka_unit_test_setup(the_import_is_remembered, reset),
        cmocka_unit_test_setup(bad_feeds_change_nothing, reset),
        cmocka_unit_test_setup(hostile_feeds_change_nothing, reset),
        cmocka_unit_test_setup(days_exist_or_are_told_to_be_unknown, reset),
        cmocka_unit_test_setup(traps_of_cp932, reset),
        cmocka_unit_test_setup(a_differential_feed_may_be_empty, reset),
        cmocka_unit_test_setup(a_long_feed_goes_in_whole, reset),
        cmocka_unit_test_setup(identification_learns_what_changed, reset),
        cmocka_unit_test(an_identification_holds_the_links),
        cmocka_unit_test_setup(residents_are_kept_with_their_past, reset),
        cmocka_unit_test_setup(faulty_residents_change_nothing, reset),
        cmocka_unit_test_setup(sources_do_not_touch_each_other, reset),
        cmocka_unit_test_setup(renewed_serials_are_tied_to_the_old_ones, reset),
        cmocka_unit_test_setup(decimal_serials_are_read_as_such, reset),
        cmocka_unit_test_setup(sequence_and_time_go_forward, reset),
        cmocka_unit_test_setup(a_feed_is_what_its_manifest_promised, reset),
        cmocka_unit_test_setup(cp932_is_read_when_the_manifest_says_so, reset),
        cmocka_unit_test_setup(a_load_that_removes_too_many_waits_for_a_second_person, reset),
        cmocka_unit_test_setup(an_approval_covers_one_feed_with_one_outcome, reset),
        cmocka_unit_test_setup(an_approval_ends, reset),
        cmocka_unit_test_setup(differential_feeds_are_guarded_too, reset),
        cmocka_unit_test_setup(who_leaves_or_loses_protection_counts, reset),
        cmocka_unit_test_setup(roles_keep_to_their_part, reset),
        cmocka_unit_test_setup(keys_of_another_folding_stop_everything, reset),
        cmocka_unit_test_setup(comparing_changes_nothing, reset),
        cmocka_unit_test_setup(two_imports_at_once_are_refused, reset),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
