#include "base/fetch.h"

#include <curl/curl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fetch_ldap.h"
#include "base/process.h"

#define CONNECT_PATIENCE (10 * INSTANT_SECOND)

DEFINE_CLEANUP(cleanup_curl, CURL *, curl_easy_cleanup)

struct transfer { /* as the callbacks see it */
    const struct fetch *fetch;
    fetch_sink *sink;
    void *context;
    struct failure *f;
    uint64_t got;
    bool ldap;
    struct ldif_value value;
    struct buffer decoded;
    bool told; /* *f says why it ended */
};

static const char *const schemes[] = {"http://", "https://", "ldap://", "ldaps://"};

static bool begins_with(const char *text, const char *begin)
{
    return strncmp(text, begin, strlen(begin)) == 0;
}

bool fetch_knows(const char *source)
{
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (begins_with(source, schemes[i]))
            return true;
    return false;
}

static bool is_tls(const char *url)
{
    return begins_with(url, "https://") || begins_with(url, "ldaps://");
}

static bool is_ldap(const char *url)
{
    return begins_with(url, "ldap");
}

static bool check(const struct fetch *fetch, struct failure *f)
{
    const char *host = strstr(fetch->url, "://");
    if (!fetch_knows(fetch->url))
        return failure_set(f, FAILURE_USAGE, "it is no URL of http, https, ldap or ldaps");
    if (memchr(host + 3, '@', strcspn(host + 3, "/?#")))
        return failure_set(f, FAILURE_USAGE, "its URL must not hold a user name");
    if (is_tls(fetch->url) && !fetch->ca_file)
        return failure_set(f, FAILURE_USAGE, "its URL needs the CA certificate to trust");
    if (is_tls(fetch->url) && access(fetch->ca_file, R_OK) != 0)
        return failure_errno(f, "can't read %s", fetch->ca_file);
    return true;
}

static bool give_on(struct transfer *transfer, struct bytes piece)
{
    transfer->got += piece.length;
    if (transfer->got > transfer->fetch->most)
        failure_set(transfer->f, FAILURE_LIMIT, "it is larger than the %llu bytes that are allowed",
                    (unsigned long long)transfer->fetch->most);
    else if (transfer->sink(transfer->context, piece, transfer->f))
        return true;
    transfer->told = true;
    return false;
}

static size_t on_body(char *data, size_t one, size_t length, void *context)
{
    struct transfer *transfer = context;
    struct bytes piece = bytes_of(data, one * length);
    if (transfer->ldap) {
        buffer_clear(&transfer->decoded);
        if (!ldif_value_feed(&transfer->value, piece, &transfer->decoded))
            return CURL_WRITEFUNC_ERROR;
        piece = buffer_bytes(&transfer->decoded);
    }
    return piece.length == 0 || give_on(transfer, piece) ? one * length : CURL_WRITEFUNC_ERROR;
}

static int on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)context, (void)a, (void)b, (void)c, (void)d;
    return process_stopping(); /* a stop must not wait for a peer */
}

static void initialise(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void set_options(CURL *curl, const struct fetch *fetch, struct transfer *transfer,
                        char *detail)
{
    curl_easy_setopt(curl, CURLOPT_URL, fetch->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https,ldap,ldaps");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L); /* what is not 2xx is no list */
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "uketsuke/" UKETSUKE_VERSION);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)(CONNECT_PATIENCE / 1000));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(fetch->patience / 1000));
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(curl, CURLOPT_CAINFO, fetch->ca_file);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
}

static bool tell(CURLcode code, const struct transfer *transfer, const char *detail,
                 struct failure *f)
{
    if (transfer->told)
        return false;
    switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:
        return failure_set(f, FAILURE_NETWORK, "the download was given up: we are stopping");
    case CURLE_HTTP_RETURNED_ERROR:
        return failure_set(f, FAILURE_PEER, "the source answers: %s", detail);
    case CURLE_WRITE_ERROR:
        return failure_set(f, FAILURE_PEER, "the directory gave more than one value");
    default:
        return failure_set(f, FAILURE_NETWORK, "%s", detail);
    }
}

bool fetch_url(const struct fetch *fetch, fetch_sink *sink, void *context, struct failure *f)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, initialise);
    if (!check(fetch, f))
        return false;
    _cleanup_(cleanup_curl) CURL *curl = curl_easy_init();
    if (!curl)
        return failure_set(f, FAILURE_SYSTEM, "no memory for a download");
    char detail[CURL_ERROR_SIZE] = "";
    struct transfer transfer = {
        .fetch = fetch, .sink = sink, .context = context, .f = f, .ldap = is_ldap(fetch->url)};
    set_options(curl, fetch, &transfer, detail);
    CURLcode code = curl_easy_perform(curl);
    buffer_free(&transfer.decoded);
    if (code != CURLE_OK)
        return tell(code, &transfer, *detail ? detail : curl_easy_strerror(code), f);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (!transfer.ldap && status != 200)
        return failure_set(f, FAILURE_PEER, "the source answers with HTTP status %ld", status);
    if (transfer.ldap && !ldif_value_end(&transfer.value))
        return failure_set(f, FAILURE_PEER, "the directory has no such entry with that attribute");
    return true;
}
