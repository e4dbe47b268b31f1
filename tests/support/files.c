#include "tests/support/files.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "intake/file_hand_over.h"
#include "intake/package.h"
#include "intake/schema.h"
#include "routing/outbox.h"
#include "routing/route.h"
#include "tests/support/package.h"
#include "tests/unit/check.h"

struct files_desk desk;

void files_run(const char *format, ...)
{
    char command[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    if (system(command) != 0)
        fail_msg("failed: %s", command);
}

static bool on_receipts(struct db_tx *tx, const char *destination,
                        struct outbox_receipt *const *receipts, size_t count, const char *terminal,
                        void *context, struct failure *f)
{
    (void)tx, (void)terminal, (void)context, (void)f;
    assert_string_equal(destination, FILES_OURS);
    if (desk.during)
        desk.during();
    desk.taken += count;
    for (size_t i = 0; i < count; i++)
        desk.accepted += receipts[i]->accepted;
    return true;
}

void files_make_options(struct db *to)
{
    struct failure f = {0};
    desk.db = to;
    desk.options.routing = (struct routing_options){.config = desk.database.config,
                                                    .db = desk.db,
                                                    .city_key = desk.city_key,
                                                    .city_code = TEST_CITY,
                                                    .on_receipts = on_receipts};
    assert_true(file_hand_over_ready(desk.database.config, &desk.procedures, &desk.options, &f));
}

static const struct config_section forms_section = {
    .name = "forms",
    .keys = (const struct config_key[]){{.name = "procedures", .type = CONFIG_PATH, .initial = ""}},
    .key_count = 1};

void files_set_up_with(const char *more)
{
    static const struct config_section *const sections[] = {&destination_config_section,
                                                            &files_config_section, &forms_section,
                                                            &package_config_section};
    struct failure f = {0};
    _cleanup_(cleanup_text) char *text =
        text_format("[forms]\nprocedures = " SOURCE_ROOT "/forms/procedures\n"
                    "[destination child-allowance]\nauth = mtls\npackage = yes\n"
                    "[files child-allowance]\nencoding = cp932\ninterval = 100ms\nbatch = 5\n"
                    "receipts-interval = 100ms\nretry-most = 100ms\n%s",
                    more);
    test_database_make(&desk.database, text, sections, 4);
    test_database_upgrade(&desk.database, schema_migrations, schema_migration_count);
    desk.city_key = test_city_key(&desk.database);
    if (!procedures_load(SOURCE_ROOT "/forms/procedures", &desk.procedures, &f))
        fail_msg("%s", f.text);
    files_make_options(test_database_open(&desk.database, "routing", 4));
    snprintf(desk.place, sizeof desk.place, "%s/place", desk.database.folder);
    for (int n = 1; n <= 40; n++)
        test_application_make(&desk.database, desk.city_key, n, NULL);
}

int files_set_up(void **state)
{
    (void)state;
    files_set_up_with("to = ${folder}/place\n");
    return 0;
}

int files_tear_down(void **state)
{
    (void)state;
    db_close(desk.db);
    city_key_free(desk.city_key);
    procedures_free(desk.procedures);
    test_database_drop(&desk.database);
    return 0;
}

int files_reset(void **state)
{
    (void)state;
    test_sql(&desk.database, "DELETE FROM file_batch_item; DELETE FROM file_batch; "
                             "DELETE FROM file_place; DELETE FROM outbox; DELETE FROM outbox_item; "
                             "DELETE FROM delivery; DELETE FROM package; DELETE FROM examination");
    files_run("rm -rf %s && mkdir -p %s/receipts", desk.place, desk.place);
    desk.taken = desk.accepted = 0;
    desk.during = NULL;
    return 0;
}

/* --- things to hand over ---------------------------------------------------------------------- */

struct putting {
    struct outbox_entry entry;
};

static bool put_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct putting *putting = context;
    return outbox_put(tx, &putting->entry, 1, f);
}

static void put_sealed(int n, const char *purpose, struct bytes plain, const char *sql)
{
    _cleanup_(cleanup_buffer) struct buffer sealed = {0};
    char id[37];
    test_application_seal(&desk.database, desk.city_key, n, purpose, plain, &sealed);
    char *hex = memory_allocate(2 * sealed.length + 1);
    hex_encode(sealed.data, sealed.length, hex);
    char hash[65];
    sha256_hex(plain, hash);
    char *text = text_format(sql, test_application_id(n, id), hex, hash, (long long)plain.length);
    test_sql(&desk.database, text);
    free(text);
    free(hex);
}

/* A package with one attachment that the procedure does not know, and the report beside. */
static void put_package(int n)
{
    static const char pdf[] = "%PDF-1.4 made for a test";
    const struct test_part parts[] = {
        {.name = "application.xml", .content = bytes_of_text("<a/>")},
        {.name = "attachments/yamada-taro.pdf", .content = bytes_of_text(pdf)}};
    const struct test_manifest manifest = {0};
    _cleanup_(cleanup_buffer) struct buffer zip = {0};
    test_package_write(&manifest, parts, 2, &zip);
    put_sealed(n, "package", buffer_bytes(&zip),
               "INSERT INTO package (city_code, application_id, sealed, sha256, size) VALUES "
               "('" TEST_CITY "', '%s', '\\x%s', '\\x%s', %lld)");
    put_sealed(n, "report", bytes_of_text("{\"indication\":\"TOTAL-PASSED\"}"),
               "INSERT INTO examination (city_code, application_id, verdict, report) SELECT "
               "'" TEST_CITY "', '%s', 'accepted', '\\x%s' WHERE '%s' <> '' AND %lld > 0");
}

void files_put_item_for(const char *destination, int n, const char *name)
{
    char id[37];
    _cleanup_(cleanup_json) json_t *item =
        json_pack("{s:s, s:s, s:{s:s, s:s}, s:s, s:s, s:s, s:{s:{s:s, s:s}, s:[{s:s, s:b}, {s:s}], "
                  "s:{s:{s:s, s:s}}}, s:{s:s}}",
                  "city_code", TEST_CITY, "receipt_number", "R-1", "procedure", "id",
                  "child-allowance.certification-claim", "form_version", "1", "applied_at",
                  "2026-11-21T09:00:00.000000+09:00", "atenabango", "17", "legal_basis", "番号法",
                  "record", "claimant", "name", name, "address", "a, \"b\"\nc", "children", "name",
                  "子一", "living_together", 1, "name", "子二", "computed", "start_month", "value",
                  "2026-12", "how", "翌月", "verification", "indication", "TOTAL-PASSED");
    _cleanup_(cleanup_buffer) struct buffer text = {0}, sealed = {0};
    uint8_t hash[32];
    struct failure f = {0};
    assert_non_null(item);
    json_write(item, &text);
    sha256(buffer_bytes(&text), hash);
    test_application_seal(&desk.database, desk.city_key, n, "item", buffer_bytes(&text), &sealed);
    struct putting putting = {{.city_code = TEST_CITY,
                               .destination = destination,
                               .application_id = test_application_id(n, id),
                               .sealed = buffer_bytes(&sealed),
                               .sha256 = hash}};
    if (!db_transaction(desk.db, put_work, &putting, &f))
        fail_msg("%s", f.text);
    put_package(n);
}

void files_put_item(int n, const char *name)
{
    files_put_item_for(FILES_OURS, n, name);
}

void files_step_all(void)
{
    struct failure f = {0};
    enum work_result result;
    usleep(150000); /* past the interval */
    while ((result = files_step(&desk.options, &f)) == WORK_DONE)
        ;
    if (result == WORK_FAILED)
        fail_msg("%s", f.text);
}

/* sha256sum over manifest and marker, and over each file that the manifest names; with nothing
 * half and nothing besides. */
void files_must_be_whole(const char *folder)
{
    files_run(
        "cd %s && sha256sum -c --quiet done && "
        "jq -r '.files[] | .sha256 + \"  \" + .name' manifest.json | sha256sum -c --quiet && "
        "test \"$(ls -A | wc -l)\" = \"$(jq '.file_count + 2' manifest.json)\" && "
        "test \"$(jq '.items | length' manifest.json)\" = \"$(jq .item_count manifest.json)\"",
        folder);
}

char *files_first_batch(void)
{
    char *id = test_sql_text(&desk.database, "SELECT min(batch_id)::text FROM file_batch");
    char *folder = text_format("%s/batch-%012lld", desk.place, atoll(id));
    free(id);
    return folder;
}
