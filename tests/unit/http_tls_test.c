/* TLS both ways, with certificates made on the spot. */
#include "tests/unit/http_support.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>

#include "base/cleanup.h"
#include "base/http_client.h"
#include "base/http_server.h"
#include "base/metrics.h"
#include "base/text.h"

static char folder[] = "/tmp/http-tls-XXXXXX";

static char *path_of(const char *name, const char *suffix)
{
    static char paths[8][64];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s.%s", folder, name, suffix);
    return path;
}

/* --- certificates ----------------------------------------------------------------------------- */

struct identity {
    X509 *certificate;
    EVP_PKEY *key;
};

static void extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

static void write_files(const char *name, const struct identity *identity)
{
    _cleanup_(cleanup_file) FILE *pem = fopen(path_of(name, "pem"), "w");
    _cleanup_(cleanup_file) FILE *key = fopen(path_of(name, "key"), "w");
    assert_true(pem && key && PEM_write_X509(pem, identity->certificate) &&
                PEM_write_PrivateKey(key, identity->key, NULL, NULL, 0, NULL, NULL));
}

/* usage: NULL makes a CA. Valid from `from` to `to` seconds from now. */
static struct identity make(const char *name, const struct identity *ca, const char *usage,
                            long from, long to)
{
    struct identity made = {X509_new(), EVP_EC_gen("P-256")};
    X509_set_version(made.certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), rand());
    X509_gmtime_adj(X509_getm_notBefore(made.certificate), from);
    X509_gmtime_adj(X509_getm_notAfter(made.certificate), to);
    X509_set_pubkey(made.certificate, made.key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    const struct identity *issuer = ca ? ca : &made;
    X509_set_issuer_name(made.certificate, X509_get_subject_name(issuer->certificate));
    extend(made.certificate, issuer->certificate, NID_basic_constraints,
           usage ? "critical,CA:FALSE" : "critical,CA:TRUE");
    if (usage) {
        extend(made.certificate, issuer->certificate, NID_subject_alt_name, "DNS:localhost");
        extend(made.certificate, issuer->certificate, NID_ext_key_usage, usage);
    }
    assert_true(X509_sign(made.certificate, issuer->key, EVP_sha256()) > 0);
    write_files(name, &made);
    return made;
}

static void forget(struct identity *identity)
{
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
}

static void fingerprint(const struct identity *identity, char ret_text[65])
{
    unsigned char *der = NULL;
    int length = i2d_X509(identity->certificate, &der);
    assert_true(length > 0);
    sha256_hex(bytes_of(der, (size_t)length), ret_text);
    OPENSSL_free(der);
}

/* --- the server ------------------------------------------------------------------------------- */

static struct {
    struct http_server *server;
    char url[64];
    char client_fingerprint[65];
    _Atomic int calls;
} world;

static enum http_flow get_peer(struct http_request *request, void *context)
{
    (void)context;
    world.calls++;
    return http_reply_json(request, 200, json_pack("{s:s}", "peer", http_request_peer(request)));
}

static enum http_flow put_thing(struct http_request *request, void *context)
{
    (void)context;
    http_reply_header(request, "ETag", "\"abc\"");
    return http_reply_bytes(request, 201, "text/plain", http_request_body(request));
}

static enum http_flow get_wait(struct http_request *request, void *context)
{
    (void)context;
    if (http_request_expired(request))
        return http_reply_json(request, 200, json_object());
    return http_request_wait(request, 2 * INSTANT_SECOND);
}

static const struct http_route routes[] = {
    {"GET", "/peer", get_peer, 0},
    {"PUT", "/thing/{name}", put_thing, 1000000},
    {"GET", "/wait", get_wait, 0},
};

static int setup(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    struct identity ca = make("ca", NULL, NULL, -60, 3600);
    struct identity foreign = make("foreign-ca", NULL, NULL, -60, 3600);
    struct identity made[] = {
        make("server", &ca, "serverAuth", -60, 3600),
        make("client", &ca, "clientAuth", -60, 3600),
        make("stranger", &ca, "clientAuth", -60, 3600),
        make("expired", &ca, "clientAuth", -7200, -3600),
        make("foreign", &foreign, "clientAuth", -60, 3600),
        make("foreign-server", &foreign, "serverAuth", -60, 3600),
    };
    fingerprint(&made[1], world.client_fingerprint);
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        forget(&made[i]);
    forget(&ca);
    forget(&foreign);
    struct http_server_options options = {.address = "127.0.0.1:0",
                                          .tls_certificate = path_of("server", "pem"),
                                          .tls_key = path_of("server", "key"),
                                          .tls_client_ca = path_of("ca", "pem"),
                                          .timeout = INSTANT_SECOND,
                                          .routes = routes,
                                          .route_count = sizeof routes / sizeof *routes};
    struct failure f = {0};
    if (!http_server_start(&options, &world.server, &f))
        fail_msg("%s", f.text);
    snprintf(world.url, sizeof world.url, "https://localhost:%u", http_server_port(world.server));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    static const char *const names[] = {"ca",      "foreign-ca", "server",         "client",
                                        "expired", "foreign",    "foreign-server", "stranger"};
    http_server_stop(world.server);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        unlink(path_of(names[i], "pem"));
        unlink(path_of(names[i], "key"));
    }
    return rmdir(folder);
}

/* --- who is let in ---------------------------------------------------------------------------- */

static struct http_client *client_of(const char *url, const char *name, const char *ca)
{
    struct http_client_options options = {
        .base_url = url,
        .ca_file = ca ? path_of(ca, "pem") : NULL,
        .certificate = name ? path_of(name, "pem") : NULL,
        .key = name ? path_of(name, "key") : NULL,
        .patience = 5 * INSTANT_SECOND,
    };
    struct http_client *client;
    struct failure f = {0};
    if (!http_client_open(&options, &client, &f))
        fail_msg("%s", f.text);
    return client;
}

static bool get(struct http_client *client, const char *path, size_t most,
                struct http_answer *answer, struct failure *f)
{
    struct http_call call = {.method = "GET", .path = path, .answer_most = most};
    return http_client_call(client, &call, answer, f);
}

static void test_the_right_certificate(void **state)
{
    (void)state;
    struct http_client *client = client_of(world.url, "client", "ca");
    _cleanup_(http_answer_free) struct http_answer answer = {0};
    struct failure f = {0};
    for (int i = 0; i < 3; i++) { /* on one connection */
        buffer_clear(&answer.body);
        if (!get(client, "/peer", 0, &answer, &f))
            fail_msg("%s", f.text);
        assert_int_equal(answer.status, 200);
        assert_contains(buffer_text(&answer.body), world.client_fingerprint);
    }
    http_client_close(client);
}

static void refuse(const char *name, const char *ca)
{
    int before = world.calls;
    struct http_client *client = client_of(world.url, name, ca);
    _cleanup_(http_answer_free) struct http_answer answer = {0};
    struct failure f = {0};
    assert_false(get(client, "/peer", 0, &answer, &f));
    assert_int_equal(f.kind, FAILURE_NETWORK);
    assert_true(f.text[0]);
    assert_int_equal(world.calls, before); /* no handler ever ran */
    http_client_close(client);
}

static void test_the_wrong_certificates(void **state)
{
    (void)state;
    refuse(NULL, "ca");
    refuse("foreign", "ca");
    refuse("expired", "ca");
    refuse("server", "ca");         /* not for clients */
    refuse("client", "foreign-ca"); /* this time the client refuses */
}

static void test_another_host_name(void **state)
{
    (void)state;
    char url[64];
    snprintf(url, sizeof url, "https://127.0.0.1:%u", http_server_port(world.server));
    struct http_client *client = client_of(url, "client", "ca"); /* issued for localhost */
    _cleanup_(http_answer_free) struct http_answer answer = {0};
    struct failure f = {0};
    assert_false(get(client, "/peer", 0, &answer, &f));
    http_client_close(client);
}

static void test_plain_http_gets_nothing(void **state)
{
    (void)state;
    int before = world.calls;
    char *answer = raw_ask(http_server_port(world.server), "GET /peer HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_not_equal(raw_status(answer), 200);
    assert_int_equal(world.calls, before);
    free(answer);
}

/* A peer that never finishes the handshake is cut off. */
static void test_silent_handshake(void **state)
{
    (void)state;
    int fd = raw_connect(http_server_port(world.server));
    int64_t begun = clock_monotonic();
    char *answer = raw_read(fd, 8 * INSTANT_SECOND);
    assert_true(clock_monotonic() - begun < 5 * INSTANT_SECOND);
    free(answer);
    close(fd);
}

/* --- who holds how many connections ----------------------------------------------------------- */

static const char *owner_of(void *context, const char *fingerprint)
{
    (void)context;
    return strcmp(fingerprint, world.client_fingerprint) == 0 ? "owner" : NULL;
}

static struct http_server *server_with(unsigned of_owner, unsigned of_address, char url[64])
{
    struct http_server_options options = {.address = "127.0.0.1:0",
                                          .tls_certificate = path_of("server", "pem"),
                                          .tls_key = path_of("server", "key"),
                                          .tls_client_ca = path_of("ca", "pem"),
                                          .connections_of_owner_most = of_owner,
                                          .connections_of_address_most = of_address,
                                          .owner_of = owner_of,
                                          .routes = routes,
                                          .route_count = sizeof routes / sizeof *routes};
    struct http_server *server;
    struct failure f = {0};
    if (!http_server_start(&options, &server, &f))
        fail_msg("%s", f.text);
    snprintf(url, 64, "https://localhost:%u", http_server_port(server));
    return server;
}

static bool lets_in(struct http_client *client)
{
    _cleanup_(http_answer_free) struct http_answer answer = {0};
    struct failure f = {0};
    return get(client, "/peer", 0, &answer, &f) && answer.status == 200;
}

static bool counted(const char *reason)
{
    _cleanup_(cleanup_buffer) struct buffer text = {0};
    _cleanup_(cleanup_text) char *line =
        text_format("uketsuke_http_handshakes_refused_total{reason=\"%s\"}", reason);
    metrics_write(&text);
    return strstr(buffer_text(&text), line) != NULL;
}

/* The server sees a moment later that a connection is gone. */
static bool soon(bool (*what)(const void *context), const void *context)
{
    int64_t until = clock_monotonic() + 5 * INSTANT_SECOND;
    while (!what(context))
        if (clock_monotonic() > until || usleep(10000) != 0)
            return false;
    return true;
}

static bool client_gets_in(const void *context)
{
    return lets_in(*(struct http_client *const *)context);
}

static bool reason_counted(const void *context)
{
    return counted(context);
}

static void test_an_owner_has_so_many_connections(void **state)
{
    (void)state;
    char url[64];
    struct http_server *server = server_with(2, 0, url);
    struct http_client *ours[] = {client_of(url, "client", "ca"), client_of(url, "client", "ca"),
                                  client_of(url, "client", "ca")};
    struct http_client *stranger = client_of(url, "stranger", "ca");
    assert_true(lets_in(ours[0]) && lets_in(ours[1]));
    assert_false(lets_in(ours[2]));
    assert_true(soon(reason_counted, "connections-of-owner"));
    assert_true(lets_in(stranger)); /* others have room */
    assert_true(lets_in(ours[0]) && lets_in(ours[1]));
    http_client_close(ours[0]);
    assert_true(soon(client_gets_in, &ours[2]));
    http_client_close(ours[1]);
    http_client_close(ours[2]);
    http_client_close(stranger);
    http_server_stop(server);
}

#define SILENT 4

struct silent { /* connections that never begin a handshake */
    int fds[SILENT];
};

static bool all_but_one_cut(const void *context)
{
    const struct silent *silent = context;
    int cut = 0;
    char byte;
    for (int i = 0; i < SILENT; i++)
        cut += recv(silent->fds[i], &byte, 1, MSG_DONTWAIT) == 0;
    return cut == SILENT - 1;
}

static void test_an_address_has_so_many_unknown_connections(void **state)
{
    (void)state;
    char url[64];
    struct http_server *server = server_with(0, 2, url);
    struct http_client *ours[] = {client_of(url, "client", "ca"), client_of(url, "client", "ca"),
                                  client_of(url, "client", "ca")};
    struct http_client *stranger = client_of(url, "stranger", "ca");
    for (int i = 0; i < 3; i++)
        assert_true(lets_in(ours[i])); /* whose are known do not count */
    assert_true(lets_in(stranger));
    struct silent silent;
    for (int i = 0; i < SILENT; i++)
        silent.fds[i] = raw_connect(http_server_port(server));
    assert_true(soon(all_but_one_cut, &silent)); /* the stranger is the other one */
    assert_true(soon(reason_counted, "connections-of-address"));
    assert_true(lets_in(ours[0]));
    struct http_client *late = client_of(url, "client", "ca");
    assert_false(lets_in(late)); /* nor is room for who is not known yet */
    for (int i = 0; i < SILENT; i++)
        close(silent.fds[i]);
    assert_true(soon(client_gets_in, &late));
    http_client_close(late);
    for (int i = 0; i < 3; i++)
        http_client_close(ours[i]);
    http_client_close(stranger);
    http_server_stop(server);
}

static void test_long_poll_over_tls(void **state)
{
    (void)state;
    struct http_client *client = client_of(world.url, "client", "ca");
    _cleanup_(http_answer_free) struct http_answer answer = {0};
    struct failure f = {0};
    if (!get(client, "/wait", 0, &answer, &f)) /* twice the server's time-out */
        fail_msg("%s", f.text);
    assert_string_equal(buffer_text(&answer.body), "{}");
    http_client_close(client);
}

static void test_body_and_headers_travel(void **state)
{
    (void)state;
    struct http_client *client = client_of(world.url, "client", "ca");
    _cleanup_(http_answer_free) struct http_answer answer = {0};
    _cleanup_(cleanup_text) char *name = http_escape("a/b 桜&?");
    _cleanup_(cleanup_text) char *path = text_format("/thing/%s", name);
    _cleanup_(cleanup_text) char *body = memory_allocate(500000);
    memset(body, 'x', 500000);
    struct failure f = {0};
    struct http_call call = {.method = "PUT",
                             .path = path,
                             .content_type = "text/plain",
                             .body = bytes_of(body, 500000)};
    assert_string_equal(name, "a%2Fb%20%E6%A1%9C%26%3F");
    if (!http_client_call(client, &call, &answer, &f))
        fail_msg("%s", f.text);
    assert_int_equal(answer.status, 201);
    assert_string_equal(answer.etag, "\"abc\"");
    assert_string_equal(answer.content_type, "text/plain");
    assert_true(bytes_equal(buffer_bytes(&answer.body), call.body));
    http_client_close(client);
}

static void test_server_files_that_do_not_fit(void **state)
{
    (void)state;
    struct http_server_options good = {.address = "127.0.0.1:0",
                                       .tls_certificate = path_of("server", "pem"),
                                       .tls_key = path_of("server", "key"),
                                       .tls_client_ca = path_of("ca", "pem")};
    struct http_server_options options[] = {good, good, good, good};
    options[0].tls_key = path_of("client", "key");
    options[1].tls_client_ca = path_of("ca", "key");
    options[2].tls_certificate = "/nonexistent";
    options[3].tls_key = NULL;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        struct http_server *server = NULL;
        struct failure f = {0};
        assert_false(http_server_start(&options[i], &server, &f));
        assert_true(f.kind != FAILURE_NONE && !server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_right_certificate),
        cmocka_unit_test(test_the_wrong_certificates),
        cmocka_unit_test(test_another_host_name),
        cmocka_unit_test(test_plain_http_gets_nothing),
        cmocka_unit_test(test_silent_handshake),
        cmocka_unit_test(test_an_owner_has_so_many_connections),
        cmocka_unit_test(test_an_address_has_so_many_unknown_connections),
        cmocka_unit_test(test_long_poll_over_tls),
        cmocka_unit_test(test_body_and_headers_travel),
        cmocka_unit_test(test_server_files_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
