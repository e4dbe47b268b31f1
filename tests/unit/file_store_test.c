/* Places for files: a directory, and a real OpenSSH server with a host key and users' key of its
 * own, and S3-compatible storage that checks each signature itself (tests/support/s3_server.py),
 * both on loopback. */
#include "base/file_store.h"

#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "tests/support/sshd.h"
#include "tests/unit/check.h"

static char folder[64];
static struct test_sshd sshd = {.folder = folder};

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *format, ...)
{
    char command[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    assert_int_equal(system(command), 0);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/uketsuke-test-store.XXXXXX");
    assert_non_null(mkdtemp(folder));
    test_sshd_start(&sshd);
    test_sshd_read_host_key(&sshd);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_sshd_stop(&sshd, SIGTERM);
    run("rm -rf %s", folder);
    return 0;
}

static struct file_store *open_as(const char *to, const char *key, struct failure *f)
{
    static char key_file[128]; /* borrowed by the store */
    snprintf(key_file, sizeof key_file, "%s/%s", folder, key);
    struct file_store_options options = {
        .to = to, .patience = 20 * INSTANT_SECOND, .key_file = key_file, .host_key = sshd.host_key};
    struct file_store *store = NULL;
    if (!file_store_open(&options, &store, f))
        return NULL;
    return store;
}

static struct file_store_options s3_options(const char *to)
{
    static char secret_file[128], ca_file[128]; /* borrowed by the store */
    snprintf(secret_file, sizeof secret_file, "%s/secret", folder);
    snprintf(ca_file, sizeof ca_file, "%s/ca.pem", folder);
    return (struct file_store_options){.to = to,
                                       .patience = 20 * INSTANT_SECOND,
                                       .ca_file = ca_file,
                                       .region = "ap-northeast-1",
                                       .access_key = "test:KEY",
                                       .secret_file = secret_file};
}

static void write_secret(const char *secret)
{
    run("rm -f %s/secret && (umask 077 && printf '%%s\\n' '%s' >%s/secret)", folder, secret,
        folder);
}

static struct file_store *s3_open_with(struct file_store_options options)
{
    struct failure f = {0};
    struct file_store *store = NULL;
    if (!file_store_open(&options, &store, &f))
        fail_msg("%s", f.text);
    return store;
}

/* The storage keeps its objects under FOLDER/s3; there is one bucket. */
static void start_s3(bool tls, pid_t *ret_server, unsigned *ret_port)
{
    int out[2];
    char root[80], certificate[80], key[80];
    snprintf(root, sizeof root, "%s/s3", folder);
    snprintf(certificate, sizeof certificate, "%s/ca.pem", folder);
    snprintf(key, sizeof key, "%s/ca.key", folder);
    run("rm -rf %s && mkdir -p %s/bucket", root, root);
    run("cd %s && [ -f ca.pem ] || openssl req -x509 -newkey ec -pkeyopt "
        "ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=storage -addext "
        "subjectAltName=IP:127.0.0.1 -keyout %s -out %s 2>%s/openssl.err",
        folder, key, certificate, folder);
    write_secret("test+secret/key");
    assert_int_equal(pipe(out), 0);
    *ret_server = fork();
    if (*ret_server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves none behind */
        dup2(out[1], STDOUT_FILENO);
        close(out[0]);
        execlp("python3", "python3", SOURCE_ROOT "/tests/support/s3_server.py", root,
               tls ? certificate : NULL, key, NULL);
        _exit(127);
    }
    close(out[1]);
    FILE *said = fdopen(out[0], "r");
    assert_int_equal(fscanf(said, "%u", ret_port), 1); /* else it does not trust itself */
    fclose(said);
}

static void stop_s3(pid_t server)
{
    kill(server, SIGTERM);
    waitpid(server, NULL, 0);
}

static char *sftp_place(const char *below)
{
    return text_format("sftp://%s@127.0.0.1:%u%s/%s", getpwuid(getuid())->pw_name, sshd.port,
                       folder, below);
}

static void must_put(struct file_store *store, const char *name, const char *text)
{
    struct failure f = {0};
    if (!file_store_put(store, name, bytes_of_text(text), &f))
        fail_msg("%s", f.text);
}

static void must_hold(struct file_store *store, const char *name, const char *text)
{
    struct failure f = {0};
    bool found = false;
    _cleanup_(cleanup_buffer) struct buffer content = {0};
    if (!file_store_get(store, name, 1000, &found, &content, &f))
        fail_msg("%s", f.text);
    assert_int_equal(found, text != NULL);
    if (text)
        assert_string_equal(buffer_text(&content), text);
}

/* What every place does. */
static void keep_the_contract(struct file_store *store, const char *path)
{
    struct failure f = {0};
    struct file_names names = {0};
    bool found;
    _cleanup_(cleanup_buffer) struct buffer content = {0};
    must_hold(store, "a/missing", NULL);
    must_put(store, "a/two", "2");
    must_put(store, "a/one", "first");
    must_put(store, "a/one", "1"); /* replaced */
    must_put(store, "a/b/three", "");
    must_hold(store, "a/one", "1");
    must_hold(store, "a/b/three", "");
    run("echo half > %s/a/.one.0123.part", path);
    assert_true(file_store_list(store, "a", &names, &f));
    assert_int_equal(names.count, 2); /* no folder, nothing half */
    assert_string_equal(names.name[0], "one");
    assert_string_equal(names.name[1], "two");
    file_names_free(&names);
    assert_true(file_store_list(store, "nowhere", &names, &f));
    assert_int_equal(names.count, 0);
    assert_true(file_store_sweep(store, "a", &f));
    run("test ! -e %s/a/.one.0123.part", path);
    if (!file_store_move(store, "a/one", "done/one", &f))
        fail_msg("%s", f.text);
    must_hold(store, "a/one", NULL);
    must_put(store, "a/one", "newer");
    assert_true(file_store_move(store, "a/one", "done/one", &f)); /* replaces */
    must_hold(store, "done/one", "newer");
    assert_true(file_store_remove(store, "done/one", &f));
    assert_true(file_store_remove(store, "done/one", &f));
    must_hold(store, "done/one", NULL);
    must_put(store, "long", "0123456789");
    assert_true(file_store_get(store, "long", 10, &found, &content, &f));
    assert_false(file_store_get(store, "long", 9, &found, &content, &f));
    assert_failure(f, FAILURE_LIMIT, "longer than the 9 bytes");
    static const char *const strange[] = {"", "/x", "x/", "a//b", "../x", "a/.x", "a b", "名"};
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++)
        assert_false(file_store_put(store, strange[i], bytes_of_text(""), &f));
}

static void a_directory_keeps_the_contract(void **state)
{
    (void)state;
    struct failure f = {0};
    _cleanup_(cleanup_text) char *to = text_format("%s/place", folder);
    assert_null(open_as(to, "user", &f));
    assert_failure(f, FAILURE_SYSTEM, "can't use the directory");
    run("mkdir %s", to);
    struct file_store *store = open_as(to, "user", &f);
    keep_the_contract(store, to);
    run("ln -s /etc/passwd %s/a/link", to);
    bool found;
    struct buffer content = {0};
    assert_false(file_store_get(store, "a/link", 100000, &found, &content, &f));
    file_store_close(store);
}

/* Who may write into the place leads us nowhere else: a folder of ours that is a link is refused,
 * whatever is done there; a link in the place of a file is replaced, not followed. */
static void a_link_in_a_directory_leads_nowhere(void **state)
{
    (void)state;
    struct failure f[5] = {0};
    struct file_names names = {0};
    bool found;
    struct buffer content = {0};
    _cleanup_(cleanup_text) char *to = text_format("%s/linked", folder);
    run("mkdir %s %s/elsewhere && ln -s ../elsewhere %s/b && echo 1 >%s/elsewhere/there && "
        "ln -s ../elsewhere/there %s/file",
        to, folder, to, folder, to);
    struct file_store *store = open_as(to, "user", &f[0]);
    assert_false(file_store_put(store, "b/x", bytes_of_text("x"), &f[0]));
    assert_false(file_store_get(store, "b/there", 10, &found, &content, &f[1]));
    assert_false(file_store_list(store, "b", &names, &f[2]));
    assert_false(file_store_move(store, "b/there", "mine", &f[3]));
    assert_false(file_store_remove(store, "b/there", &f[4]));
    for (size_t i = 0; i < 5; i++)
        assert_failure(f[i], FAILURE_SYSTEM, "Not a directory");
    must_put(store, "file", "2");
    must_hold(store, "file", "2");
    run("test \"$(ls -A %s/elsewhere)\" = there && grep -q 1 %s/elsewhere/there", folder, folder);
    file_store_close(store);
}

static void names_that_we_do_not_use_are_counted(void **state)
{
    (void)state;
    struct failure f = {0};
    struct file_names names = {0};
    _cleanup_(cleanup_text) char *to = text_format("%s/strange", folder);
    run("mkdir %s && cd %s && touch 受領.csv 'a b.csv' a.csv .hidden", to, to);
    struct file_store *store = open_as(to, "user", &f);
    assert_true(file_store_list(store, "", &names, &f));
    assert_int_equal(names.count, 1);
    assert_int_equal(names.strange, 2);
    file_names_free(&names);
    file_store_close(store);
}

static void sftp_keeps_the_contract(void **state)
{
    (void)state;
    struct failure f = {0};
    _cleanup_(cleanup_text) char *to = sftp_place("remote"),
                                 *path = text_format("%s/remote", folder);
    struct file_store *store = open_as(to, "user", &f);
    assert_non_null(store);
    keep_the_contract(store, path);
    file_store_close(store);
}

static void fails_with(const char *to, const char *key, const char *words)
{
    struct failure f = {0};
    struct file_store *store = open_as(to, key, &f);
    assert_non_null(store);
    assert_false(file_store_put(store, "x", bytes_of_text("x"), &f));
    if (!strstr(f.text, words))
        fail_msg("\"%s\" is not in \"%s\"", words, f.text);
    file_store_close(store);
}

static void sftp_trusts_one_host_key_and_shows_one_key(void **state)
{
    (void)state;
    _cleanup_(cleanup_text) char *to = sftp_place("remote");
    fails_with(to, "other", "");
    run("cd %s && mv host host.old && mv host.pub host.old.pub", folder);
    test_sshd_stop(&sshd, SIGTERM);
    test_sshd_start(&sshd); /* with a new host key */
    fails_with(to, "user", "fingerprint");
    test_sshd_read_host_key(&sshd);
    struct failure f = {0};
    struct file_store *store = open_as(to, "user", &f);
    must_put(store, "x", "x");
    test_sshd_stop(&sshd, SIGTERM);
    file_store_close(store);
    fails_with(to, "user", "");
    test_sshd_start(&sshd);
}

static void s3_keeps_the_contract(void **state)
{
    (void)state;
    pid_t server;
    unsigned s3_port;
    start_s3(false, &server, &s3_port);
    _cleanup_(cleanup_text) char *bucket = text_format("http://127.0.0.1:%u/bucket", s3_port),
                                 *below = text_format("%s/city/131016/", bucket),
                                 *path = text_format("%s/s3/bucket", folder),
                                 *path_below = text_format("%s/city/131016", path);
    struct file_store *store = s3_open_with(s3_options(bucket));
    keep_the_contract(store, path);
    file_store_close(store);
    store = s3_open_with(s3_options(below));
    keep_the_contract(store, path_below);
    file_store_close(store);
    stop_s3(server);
}

static void s3_keeps_the_contract_over_tls_with_one_ca(void **state)
{
    (void)state;
    pid_t server;
    unsigned s3_port;
    struct failure f = {0};
    start_s3(true, &server, &s3_port);
    _cleanup_(cleanup_text) char *to = text_format("https://127.0.0.1:%u/bucket/city", s3_port),
                                 *path = text_format("%s/s3/bucket/city", folder),
                                 *other = text_format("%s/other.pem", folder);
    struct file_store_options options = s3_options(to);
    struct file_store *store = s3_open_with(options);
    keep_the_contract(store, path);
    file_store_close(store);
    run("cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days "
        "2 "
        "-subj /CN=storage -keyout other.key -out %s 2>openssl.err",
        folder, other);
    options.ca_file = other;
    store = s3_open_with(options);
    assert_false(file_store_put(store, "x", bytes_of_text("x"), &f));
    assert_failure(f, FAILURE_PEER, "certificate");
    file_store_close(store);
    stop_s3(server);
}

static void must_have(struct file_store *store, const char *name)
{
    struct failure f = {0};
    bool found = false;
    _cleanup_(cleanup_buffer) struct buffer content = {0};
    assert_true(file_store_get(store, name, (size_t)10 << 20, &found, &content, &f));
    assert_true(found);
}

/* The storage's pages are of two names, its continuation tokens full of what a query escapes; more
 * than a megabyte waits for "100 Continue". */
static void s3_goes_through_pages_and_sends_what_is_large(void **state)
{
    (void)state;
    pid_t server;
    unsigned s3_port;
    struct failure f = {0};
    struct file_names names = {0};
    bool found;
    static char large[3 << 20];
    _cleanup_(cleanup_buffer) struct buffer content = {0};
    start_s3(false, &server, &s3_port);
    _cleanup_(cleanup_text) char *to = text_format("http://127.0.0.1:%u/bucket/city", s3_port);
    struct file_store *store = s3_open_with(s3_options(to));
    for (char name[] = "pages/A_b-c.a"; name[12] < 'h'; name[12]++)
        must_put(store, name, "x");
    if (!file_store_list(store, "pages", &names, &f))
        fail_msg("%s", f.text);
    assert_int_equal(names.count, 7);
    assert_string_equal(names.name[0], "A_b-c.a");
    assert_string_equal(names.name[6], "A_b-c.g");
    file_names_free(&names);
    memset(large, 0xa5, sizeof large);
    if (!file_store_put(store, "large", bytes_of(large, sizeof large), &f) ||
        !file_store_move(store, "large", "moved", &f) ||
        !file_store_get(store, "moved", sizeof large, &found, &content, &f))
        fail_msg("%s", f.text);
    assert_int_equal(content.length, sizeof large);
    assert_memory_equal(buffer_bytes(&content).data, large, sizeof large);
    assert_false(file_store_move(store, "large", "again", &f));
    assert_failure(f, FAILURE_PEER, "it is not there");
    assert_false(file_store_move(store, "moved", "late", &f));
    assert_failure(f, FAILURE_PEER, "does not say that it copied it");
    must_have(store, "moved");
    /* no XML could say the first name, and the others only look like one of ours */
    run("cd %s/s3/bucket/city && mkdir odd && touch \"odd/$(printf '\\001')\" "
        "'odd/r%%31.csv' odd/受領.csv 'odd/a b' odd/ours",
        folder);
    assert_true(file_store_list(store, "odd", &names, &f));
    assert_int_equal(names.count, 1);
    assert_string_equal(names.name[0], "ours");
    file_names_free(&names);
    file_store_close(store);
    stop_s3(server);
}

/* By whoever puts files there, in the moment in which it is moved: before, and after it is copied.
 */
static void s3_loses_nothing_that_is_replaced_while_it_moves(void **state)
{
    (void)state;
    pid_t server;
    unsigned s3_port;
    struct failure f = {0};
    start_s3(false, &server, &s3_port);
    _cleanup_(cleanup_text) char *to = text_format("http://127.0.0.1:%u/bucket/city", s3_port);
    struct file_store *store = s3_open_with(s3_options(to));
    must_put(store, "replaced-after-copy", "older");
    if (!file_store_move(store, "replaced-after-copy", "moved", &f))
        fail_msg("%s", f.text);
    must_hold(store, "moved", "older");
    must_hold(store, "replaced-after-copy", "newer"); /* it comes next */
    must_put(store, "replaced-after-look", "older");
    if (!file_store_move(store, "replaced-after-look", "moved", &f))
        fail_msg("%s", f.text);
    must_hold(store, "moved", "newer");
    must_hold(store, "replaced-after-look", "newer"); /* once more */
    file_store_close(store);
    stop_s3(server);
}

static void s3_ends_a_listing_that_does_not(void **state)
{
    (void)state;
    pid_t server;
    unsigned s3_port;
    struct failure f = {0};
    struct file_names names = {0};
    start_s3(false, &server, &s3_port);
    run("cd %s/s3 && mkdir round stuck && cd stuck && touch a b c", folder);
    static const char *const buckets[] = {"stuck", "round"};
    for (size_t i = 0; i < sizeof buckets / sizeof *buckets; i++) {
        _cleanup_(cleanup_text) char *to =
            text_format("http://127.0.0.1:%u/%s", s3_port, buckets[i]);
        struct file_store *store = s3_open_with(s3_options(to));
        assert_false(file_store_list(store, "", &names, &f));
        assert_failure(f, FAILURE_PEER, "listing does not end");
        file_store_close(store);
    }
    stop_s3(server);
}

/* Put, get, list and remove all say it, and nothing lies there. */
static void s3_refuses(struct file_store_options options, enum failure_kind kind, const char *words)
{
    bool found;
    struct file_names names;
    struct buffer content = {0};
    struct failure f[4] = {0};
    struct file_store *store = s3_open_with(options);
    assert_false(file_store_put(store, "x", bytes_of_text("x"), &f[0]));
    assert_false(file_store_get(store, "x", 1, &found, &content, &f[1]));
    assert_false(file_store_list(store, "", &names, &f[2]));
    assert_false(file_store_remove(store, "x", &f[3]));
    for (size_t i = 0; i < 4; i++)
        assert_failure(f[i], kind, words);
    buffer_free(&content);
    file_store_close(store);
    run("test -z \"$(find %s/s3 -type f)\"", folder);
}

static void s3_says_why_it_is_refused(void **state)
{
    (void)state;
    pid_t server;
    unsigned s3_port;
    start_s3(false, &server, &s3_port);
    _cleanup_(cleanup_text) char *to = text_format("http://127.0.0.1:%u/bucket/city", s3_port),
                                 *none = text_format("http://127.0.0.1:%u/none/city", s3_port);
    struct file_store_options options = s3_options(to);
    options.access_key = "OTHERKEY";
    s3_refuses(options, FAILURE_PEER, "HTTP status 403, InvalidAccessKeyId");
    options = s3_options(to);
    options.region = "us-east-1";
    s3_refuses(options, FAILURE_PEER, "HTTP status 400, AuthorizationHeaderMalformed");
    s3_refuses(s3_options(none), FAILURE_PEER, "no such bucket");
    write_secret("test secret/key");
    s3_refuses(s3_options(to), FAILURE_PEER, "HTTP status 403, SignatureDoesNotMatch");
    write_secret("test+secret/key");
    stop_s3(server);
    s3_refuses(s3_options(to), FAILURE_NETWORK, "Couldn't connect");
}

static void a_place_without_what_it_needs_is_refused(void **state)
{
    (void)state;
    struct failure f = {0};
    assert_null(open_as("ftp://host/x", "user", &f));
    assert_null(open_as("sftp://host/x", "user", &f));
    assert_null(open_as("sftp://me:secret@host/x", "user", &f));
    assert_failure(f, FAILURE_USAGE, "without a password");
    assert_null(open_as("sftp://me@host/x", "absent", &f));
    assert_null(open_as("http://storage.example/bucket", "user", &f));
    assert_failure(f, FAILURE_USAGE, "needs https");
    assert_null(open_as("https://storage.example/bucket", "user", &f));
    static const char *const strange[] = {"",           "/",           "/bucket//x", "/bucket/../x",
                                          "/bucket/.x", "/bucket/a b", "/bucket?x",  "/bucket/%41"};
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        _cleanup_(cleanup_text) char *to = text_format("http://127.0.0.1:1%s", strange[i]);
        assert_null(open_as(to, "user", &f));
        assert_failure(f, FAILURE_USAGE, "https://host[:port]/bucket[/prefix]");
    }
    static const char *const hosts[] = {"http://localhost:x@storage.example/bucket",
                                        "http://127.0.0.1?x/bucket", "http://127.0.0.1#x/bucket"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        assert_null(open_as(hosts[i], "user", &f));
        assert_failure(f, FAILURE_USAGE, "https://host[:port]/bucket[/prefix]");
    }
    struct file_store *store;
    struct file_store_options options = s3_options("http://127.0.0.1:1/bucket");
    static const char *const keys[] = {"a/b", "a b", "a,b", "鍵"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        options.access_key = keys[i];
        assert_false(file_store_open(&options, &store, &f));
        assert_failure(f, FAILURE_USAGE, "no blank, comma or slash");
    }
}

static void a_full_disk_leaves_nothing_half(void **state)
{
    (void)state;
    struct failure f = {0};
    _cleanup_(cleanup_text) char *to = text_format("%s/small", folder);
    static char large[256 * 1024];
    run("mkdir %s", to);
    if (mount("none", to, "tmpfs", 0, "size=64k") != 0)
        skip(); /* needs root */
    struct file_store *store = open_as(to, "user", &f);
    must_put(store, "before", "1");
    assert_false(file_store_put(store, "large", bytes_of(large, sizeof large), &f));
    assert_failure(f, FAILURE_SYSTEM, "No space left");
    must_hold(store, "large", NULL);
    must_put(store, "after", "2"); /* what was begun is gone */
    file_store_close(store);
    umount(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_directory_keeps_the_contract),
        cmocka_unit_test(a_link_in_a_directory_leads_nowhere),
        cmocka_unit_test(names_that_we_do_not_use_are_counted),
        cmocka_unit_test(sftp_keeps_the_contract),
        cmocka_unit_test(sftp_trusts_one_host_key_and_shows_one_key),
        cmocka_unit_test(s3_keeps_the_contract),
        cmocka_unit_test(s3_keeps_the_contract_over_tls_with_one_ca),
        cmocka_unit_test(s3_goes_through_pages_and_sends_what_is_large),
        cmocka_unit_test(s3_loses_nothing_that_is_replaced_while_it_moves),
        cmocka_unit_test(s3_ends_a_listing_that_does_not),
        cmocka_unit_test(s3_says_why_it_is_refused),
        cmocka_unit_test(a_place_without_what_it_needs_is_refused),
        cmocka_unit_test(a_full_disk_leaves_nothing_half),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
