/* TLS of the HTTP server: the files, and what is demanded of a client's certificate. */
#include <gnutls/x509.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/http_server_internal.h"
#include "base/text.h"

static bool read_text(const char *path, char **ret_text, struct failure *f)
{
    _cleanup_(cleanup_file) FILE *file = fopen(path, "re");
    if (!file)
        return failure_errno(f, "can't read %s", path);
    _cleanup_(cleanup_secret_buffer) struct buffer text = {0};
    for (;;) {
        size_t got = fread(buffer_reserve(&text, 4096), 1, 4096, file);
        buffer_commit(&text, got);
        if (got == 0)
            break;
        if (text.length > HTTP_TLS_FILE_MOST)
            return failure_set(f, FAILURE_INPUT, "%s is too long for a PEM file", path);
    }
    if (ferror(file))
        return failure_errno(f, "can't read %s", path);
    *ret_text = text_copy_n((const char *)text.data, text.length);
    return true;
}

static gnutls_datum_t datum(const char *text)
{
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)text, (unsigned)strlen(text)};
}

/* libmicrohttpd only says "failed"; this says which file and why. */
static bool check(const struct http_server_options *options, const struct http_tls *tls,
                  struct failure *f)
{
    gnutls_certificate_credentials_t credentials;
    if (gnutls_certificate_allocate_credentials(&credentials) < 0)
        return failure_set(f, FAILURE_SYSTEM, "no memory for TLS credentials");
    gnutls_datum_t certificate = datum(tls->certificate), key = datum(tls->key);
    int result = gnutls_certificate_set_x509_key_mem2(credentials, &certificate, &key,
                                                      GNUTLS_X509_FMT_PEM, NULL, 0);
    bool good = result >= 0;
    if (!good)
        failure_set(f, FAILURE_INPUT, "the TLS certificate %s and key %s do not go together: %s",
                    options->tls_certificate, options->tls_key, gnutls_strerror(result));
    if (good && tls->client_ca) {
        gnutls_datum_t ca = datum(tls->client_ca);
        result = gnutls_certificate_set_x509_trust_mem(credentials, &ca, GNUTLS_X509_FMT_PEM);
        good = result > 0;
        if (!good)
            failure_set(f, FAILURE_INPUT, "%s holds no CA certificate in PEM: %s",
                        options->tls_client_ca, gnutls_strerror(result));
    }
    gnutls_certificate_free_credentials(credentials);
    return good;
}

bool http_tls_load(const struct http_server_options *options, struct http_tls *ret_tls,
                   struct failure *f)
{
    if (!options->tls_key)
        return failure_set(f, FAILURE_USAGE, "the TLS certificate %s needs its key",
                           options->tls_certificate);
    struct http_tls tls = {0};
    bool good = read_text(options->tls_certificate, &tls.certificate, f) &&
                read_text(options->tls_key, &tls.key, f) &&
                (!options->tls_client_ca || read_text(options->tls_client_ca, &tls.client_ca, f)) &&
                check(options, &tls, f);
    if (good)
        *ret_tls = tls;
    else
        http_tls_free(&tls);
    return good;
}

void http_tls_free(struct http_tls *tls)
{
    if (tls->key)
        explicit_bzero(tls->key, strlen(tls->key));
    free(tls->certificate);
    free(tls->key);
    free(tls->client_ca);
    *tls = (struct http_tls){0};
}

/* Now it is known whose the connection is. */
static bool own(gnutls_session_t session, struct http_connection *connection)
{
    const struct http_server *server = connection->server;
    char fingerprint[65];
    return !server->owner_of || !http_tls_peer(session, fingerprint) ||
           http_connection_own(connection, server->owner_of(server->context, fingerprint));
}

static int verify(gnutls_session_t session)
{
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                     .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT};
    unsigned status = 0;
    struct http_connection *connection = gnutls_session_get_ptr(session);
    int result = gnutls_certificate_verify_peers(session, &purpose, 1, &status);
    if (result != 0 || status != 0)
        connection->refused = "certificate-untrusted";
    else if (own(session, connection))
        return 0;
    return GNUTLS_E_CERTIFICATE_ERROR;
}

void http_tls_demand(gnutls_session_t session, struct http_connection *connection)
{
    gnutls_session_set_ptr(session, connection);
    gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
    gnutls_session_set_verify_function(session, verify);
}

bool http_tls_peer(gnutls_session_t session, char ret_fingerprint[65])
{
    unsigned count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
    if (!chain || count == 0)
        return false;
    sha256_hex(bytes_of(chain[0].data, chain[0].size), ret_fingerprint);
    return true;
}
