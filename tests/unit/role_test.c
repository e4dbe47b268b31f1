/* How a role is brought up, and every way in which that fails. */
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/seal.h"
#include "intake/command.h"
#include "intake/schema.h"
#include "tests/support/database.h"
#include "tests/unit/check.h"

static const struct config_section *const sections[] = {&city_config_section, &log_config_section,
                                                        &process_config_section};

#define SETTINGS                                                                                   \
    "[log]\nlevel = error\n"                                                                       \
    "[process]\nrun-directory = ${folder}/run\nstart-patience = 0s\n"                              \
    "[city]\ncode = 992011\nkey = ${folder}/city.key\n"

static char *in_folder(const struct test_database *t, const char *name)
{
    return text_format("%s/%s", t->folder, name);
}

/* A database with the schema, and a key; `settings` may be wrong. */
static struct test_database make_home(const char *settings, bool with_schema)
{
    struct test_database t;
    struct failure f = {0};

    test_database_make(&t, settings, sections, sizeof sections / sizeof sections[0]);
    if (with_schema)
        test_database_upgrade(&t, schema_migrations, schema_migration_count);
    _cleanup_(cleanup_text) char *key = in_folder(&t, "city.key");
    assert_true(city_key_create(key, &f));
    return t;
}

static void drop_home(struct test_database *t)
{
    static const char *const names[] = {"city.key", "run/identify.sock", "run/revocation.sock"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        _cleanup_(cleanup_text) char *path = in_folder(t, names[i]);
        unlink(path);
    }
    _cleanup_(cleanup_text) char *run = in_folder(t, "run");
    rmdir(run);
    test_database_drop(t);
}

/* The status of GET /healthz on the role's admin socket; 0 when nobody answers. */
static int health_of(const struct config *config, const char *role)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char answer[256] = "";
    int status = 0;

    assert_true(
        settings_socket_path(config, role, address.sun_path, sizeof address.sun_path, NULL));
    _cleanup_(cleanup_fd) int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        return 0;
    assert_int_equal(write(fd, request, sizeof request - 1), sizeof request - 1);
    assert_true(read(fd, answer, sizeof answer - 1) > 0);
    sscanf(answer, "HTTP/1.1 %d", &status);
    return status;
}

static void test_starts_and_stops(void **state)
{
    struct test_database t = make_home(SETTINGS, true);
    struct role role = {0};
    struct failure f = {0};

    (void)state;
    if (!role_start("identify", t.config, 1, &role, &f))
        fail_msg("%s", f.text);
    assert_string_equal(role.city_code, "992011");
    assert_string_equal(role.name, "identify");
    assert_non_null(role.db);
    assert_non_null(role.city_key);
    assert_int_equal(health_of(t.config, "identify"), 200);
    struct stat run;
    _cleanup_(cleanup_text) char *folder = in_folder(&t, "run");
    assert_int_equal(stat(folder, &run), 0);
    assert_int_equal(run.st_mode & 07, 0); /* the sockets are nobody else's business */
    role_stop(&role);
    assert_null(role.db);
    assert_int_equal(health_of(t.config, "identify"), 0);

    if (!role_start("identify", t.config, 1, &role, &f)) /* over the folder of the first time */
        fail_msg("%s", f.text);
    role_stop(&role);
    role_stop(&role); /* what was stopped may be stopped again */
    drop_home(&t);
}

static void test_without_database(void **state)
{
    struct test_database t = make_home(SETTINGS, false);
    struct role role = {0};
    struct failure f = {0};

    (void)state;
    assert_true(role_start("revocation", t.config, 0, &role, &f));
    assert_null(role.db);
    assert_null(role.city_key);
    assert_int_equal(health_of(t.config, "revocation"), 200);
    role_stop(&role);
    drop_home(&t);
}

static void assert_does_not_start(const struct test_database *t, enum failure_kind kind,
                                  const char *words)
{
    struct role role = {0};
    struct failure f = {0};

    assert_false(role_start("identify", t->config, 1, &role, &f));
    assert_failure(f, kind, words);
    assert_null(role.db);
    assert_null(role.admin);
    assert_null(role.city_key);
}

static void test_wrong_settings(void **state)
{
    static const struct {
        const char *settings, *words;
    } cases[] = {
        {"[log]\nlevel = error\n[city]\ncode = 992012\n", "[city] code is not a 団体コード"},
        {"[log]\nlevel = error\n[city]\ncode = 992011\n", "[city] key is not given"},
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct test_database t = make_home(cases[i].settings, false);
        assert_does_not_start(&t, FAILURE_USAGE, cases[i].words);
        drop_home(&t);
    }
}

static void test_key_that_others_can_read(void **state)
{
    struct test_database t = make_home(SETTINGS, true);
    struct role role = {0};
    struct failure f = {0};

    (void)state;
    _cleanup_(cleanup_text) char *key = in_folder(&t, "city.key");
    assert_int_equal(chmod(key, 0440), 0);
    assert_false(role_start("identify", t.config, 1, &role, &f));
    assert_non_null(strstr(f.text, key));
    drop_home(&t);
}

static void test_schema_that_is_not_there(void **state)
{
    struct test_database t = make_home(SETTINGS, false);
    struct role role = {0};
    struct failure f = {0};

    (void)state;
    assert_false(role_start("identify", t.config, 1, &role, &f));
    assert_non_null(strstr(f.text, "uketsuke db upgrade"));
    drop_home(&t);
}

static void test_database_that_is_not_there(void **state)
{
    struct test_database t = make_home(SETTINGS, false);
    struct config *config = NULL;
    struct failure f = {0};
    const struct config_section *all[] = {&db_config_section, sections[0], sections[1],
                                          sections[2]};

    (void)state;
    _cleanup_(cleanup_text) char *text =
        text_format("[database]\nconnection = host=%s dbname=nobody\n[log]\nlevel = error\n"
                    "[process]\nstart-patience = 1s\n[city]\ncode = 992011\nkey = %s/city.key\n",
                    t.folder, t.folder);
    assert_true(config_parse("x", bytes_of_text(text), all, 4, &config, &f));
    struct role role = {0};
    int64_t start = clock_monotonic();
    assert_false(role_start("identify", config, 1, &role, &f));
    assert_true(clock_monotonic() - start >= INSTANT_SECOND); /* it was waited for */
    assert_true(f.kind == FAILURE_DATABASE || f.kind == FAILURE_NETWORK);
    config_free(config);
    drop_home(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_starts_and_stops),
        cmocka_unit_test(test_without_database),
        cmocka_unit_test(test_wrong_settings),
        cmocka_unit_test(test_key_that_others_can_read),
        cmocka_unit_test(test_schema_that_is_not_there),
        cmocka_unit_test(test_database_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
