/* Hand-over by files over SFTP, whose server is killed again and again. */
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "tests/support/files.h"
#include "tests/support/sshd.h"
#include "tests/unit/check.h"

static char folder[64];
static struct test_sshd sshd = {.folder = folder};

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/uketsuke-test-sftp.XXXXXX");
    assert_non_null(mkdtemp(folder));
    test_sshd_start(&sshd);
    test_sshd_read_host_key(&sshd);
    _cleanup_(cleanup_text) char *more = text_format(
        "to = sftp://%s@127.0.0.1:%u${folder}/place\nkey-file = %s/user\nhost-key = %s\n",
        getpwuid(getuid())->pw_name, sshd.port, folder, sshd.host_key);
    files_set_up_with(more);
    return 0;
}

static int tear_down(void **state)
{
    test_sshd_stop(&sshd, SIGTERM);
    files_run("rm -rf %s", folder);
    return files_tear_down(state);
}

/* While the server is killed after `wait` microseconds. */
static void step_and_kill(useconds_t wait)
{
    struct failure f = {0};
    pid_t killer = fork();
    if (killer == 0) {
        usleep(wait);
        test_sshd_stop(&sshd, SIGKILL);
        _exit(0);
    }
    for (int step = 0; step < 2; step++)
        assert_int_not_equal(files_step(&desk.options, &f), WORK_FAILED);
    waitpid(killer, NULL, 0);
    waitpid(sshd.pid, NULL, 0);
    test_sshd_start(&sshd);
}

static void a_server_that_is_killed_makes_nothing_half(void **state)
{
    (void)state;
    srandom(20261128);
    for (int n = 1; n <= 20; n++)
        files_put_item(n, "山田");
    for (int round = 0; round < 8; round++)
        step_and_kill((useconds_t)(random() % 300000));
    files_step_all();
    files_run("cd %s && for b in batch-*; do (cd $b && sha256sum -c --quiet done && "
              "jq -r '.files[] | .sha256 + \"  \" + .name' manifest.json | sha256sum -c --quiet && "
              "test \"$(ls -A | wc -l)\" = \"$(jq '.file_count + 2' manifest.json)\") || exit 1; "
              "done",
              desk.place);
    assert_int_equal(test_sql_number(&desk.database,
                                     "SELECT count(DISTINCT outbox_id) FROM file_batch_item b "
                                     "JOIN file_batch USING (batch_id) WHERE written_at IS NOT "
                                     "NULL AND items = 5"),
                     20);
    assert_int_equal(test_sql_number(&desk.database, "SELECT count(*) FROM file_batch_item"), 20);
}

static void receipts_are_taken_once_whenever_it_is_killed(void **state)
{
    (void)state;
    for (int n = 1; n <= 5; n++)
        files_put_item(n, "山田");
    files_step_all();
    for (int n = 0; n < 5; n++) {
        _cleanup_(cleanup_text) char *sql = text_format(
            "SELECT 'id,sha256,result\n' || outbox_id || ',' || encode(sha256, 'hex') ||"
            " ',accepted\n' FROM outbox ORDER BY outbox_id LIMIT 1 OFFSET %d",
            n);
        _cleanup_(cleanup_text) char *text = test_sql_text(&desk.database, sql);
        files_run("printf '%s' >%s/receipts/r%d.csv", text, desk.place, n);
    }
    for (int round = 0; round < 4; round++)
        step_and_kill((useconds_t)(random() % 200000));
    files_step_all();
    assert_int_equal(desk.accepted, 5);
    files_run("cd %s/receipts && test \"$(ls done | wc -l)\" = 10 && test -z \"$(ls *.csv taking "
              "bad 2>&1 | grep csv$)\"",
              desk.place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_server_that_is_killed_makes_nothing_half, files_reset),
        cmocka_unit_test_setup(receipts_are_taken_once_whenever_it_is_killed, files_reset),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
