/* Between the sources of base/http_client.h. */
#ifndef UKETSUKE_BASE_HTTP_CLIENT_INTERNAL_H
#define UKETSUKE_BASE_HTTP_CLIENT_INTERNAL_H

#include <curl/curl.h>

#include "base/http_client.h"

struct http_client {
    CURL *curl;
    CURLM *many; /* NULL until http_client_call_all is used: its connections */
    char *base_url;
    instant patience;
};

struct transfer { /* one call, as the callbacks see it; stays where it is until its end */
    struct http_answer *answer;
    size_t most, got, header_bytes;
    bool too_long;
    struct curl_slist *headers;
    char detail[CURL_ERROR_SIZE];
};

/* Makes `curl` ready for the call; it does not outlive `answer` and what the call borrows. */
void transfer_begin(const struct http_client *client, CURL *curl, const struct http_call *call,
                    instant patience, struct http_answer *answer, struct transfer *ret_transfer);
/* What came of it, as http_client_call says. */
bool transfer_end(const struct http_client *client, CURL *curl, struct transfer *transfer,
                  CURLcode code, struct failure *f);

#endif
