/* base/http_server: where it listens, and the admin socket. */
#include "tests/unit/http_support.h"

#include <sys/stat.h>
#include <sys/un.h>

#include "base/http_server.h"

#define END " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static void refuse_address(const char *address)
{
    struct failure f = {0};
    struct http_server *server = NULL;
    struct http_server_options options = {.address = address};
    assert_false(http_server_start(&options, &server, &f));
    assert_null(server);
    assert_true(f.kind != FAILURE_NONE && f.text[0]);
}

static void test_addresses_to_listen_on(void **state)
{
    (void)state;
    struct failure f = {0};
    struct http_server *server = NULL;
    const struct http_server_options options = {.address = "127.0.0.1:0"};
    assert_true(http_server_start(&options, &server, &f));
    char taken[32];
    snprintf(taken, sizeof taken, "127.0.0.1:%u", http_server_port(server));
    refuse_address(taken);
    http_server_stop(server);
    refuse_address("0.0.0.0:0"); /* no plain HTTP to the world */
    refuse_address("[::]:0");
    refuse_address("localhost:0"); /* a name could come to mean anything */
    refuse_address("127.0.0.1");
    refuse_address("127.0.0.1:");
    refuse_address(":80");
    refuse_address("127.0.0.1:70000");
    refuse_address("unix:relative.sock");
    refuse_address("unix:/nonexistent/folder/x.sock");
}

static char *ask_unix(const char *path, const char *request)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    raw_say(fd, request);
    char *answer = raw_read(fd, 5 * INSTANT_SECOND);
    close(fd);
    return answer;
}

static bool healthy(void *context, struct failure *f)
{
    return *(int *)context ? true : failure_set(f, FAILURE_DATABASE, "it is gone");
}

static void test_admin_socket(void **state)
{
    (void)state;
    char folder[] = "/tmp/http-XXXXXX", path[64], address[80];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/x.sock", folder);
    snprintf(address, sizeof address, "unix:%s", path);
    struct http_server *admin;
    struct failure f = {0};
    int well = 1;
    /* a socket left by a process that died is no obstacle */
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
    int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(dead, (struct sockaddr *)&name, sizeof name), 0);
    close(dead);
    assert_true(http_admin_start(address, healthy, &well, &admin, &f));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0007, 0);
    refuse_address(address); /* somebody listens there */
    char *answer = ask_unix(path, "GET /healthz" END);
    assert_contains(answer, "200 OK");
    assert_contains(answer, "{\"status\":\"ok\"}");
    free(answer);
    well = 0;
    answer = ask_unix(path, "GET /healthz" END);
    assert_int_equal(raw_status(answer), 503);
    assert_contains(answer, "it is gone");
    free(answer);
    answer = ask_unix(path, "GET /metrics" END);
    assert_contains(answer, "uketsuke_http_requests_total{status=\"2xx\"}");
    free(answer);
    http_server_stop(admin);
    assert_int_not_equal(stat(path, &st), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_to_listen_on),
        cmocka_unit_test(test_admin_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
