/* Many calls at once. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/http_client_internal.h"

#define PARALLEL_MOST 64
#define LOOK_MS       100 /* between two looks whether a stop was asked for (on_progress) */

struct lane { /* one call at a time */
    CURL *curl;
    struct transfer transfer;
    struct http_exchange *exchange; /* NULL: free */
};

struct traffic {
    struct http_client *client;
    struct lane lanes[PARALLEL_MOST];
    size_t lane_count, busy;
    struct http_exchange *next, *end; /* of the exchanges not begun */
    int64_t until;                    /* monotonic */
};

static void not_begun(struct http_exchange *exchange, const struct http_client *client)
{
    exchange->timed_out = true;
    failure_set(&exchange->failure, FAILURE_NETWORK, "%s: there was no time left to ask",
                client->base_url);
}

static bool lane_begin(struct traffic *traffic, struct lane *lane)
{
    int64_t left = traffic->until - clock_monotonic();
    if (left < 1000) /* a time-out of 0 ms would be none */
        return false;
    lane->exchange = traffic->next++;
    transfer_begin(traffic->client, lane->curl, &lane->exchange->call, left,
                   &lane->exchange->answer, &lane->transfer);
    if (curl_multi_add_handle(traffic->client->many, lane->curl) != CURLM_OK)
        abort(); /* only for want of memory */
    traffic->busy++;
    return true;
}

static void lane_end(struct traffic *traffic, CURL *curl, CURLcode code)
{
    for (size_t i = 0; i < traffic->lane_count; i++) {
        struct lane *lane = &traffic->lanes[i];
        if (lane->curl != curl)
            continue;
        struct http_exchange *exchange = lane->exchange;
        curl_multi_remove_handle(traffic->client->many, curl);
        exchange->timed_out = code == CURLE_OPERATION_TIMEDOUT;
        exchange->answered =
            transfer_end(traffic->client, curl, &lane->transfer, code, &exchange->failure);
        lane->exchange = NULL;
        traffic->busy--;
        return;
    }
}

static void fill_lanes(struct traffic *traffic)
{
    for (size_t i = 0; i < traffic->lane_count && traffic->next < traffic->end; i++)
        if (!traffic->lanes[i].exchange && !lane_begin(traffic, &traffic->lanes[i]))
            not_begun(traffic->next++, traffic->client);
}

static void move(struct traffic *traffic)
{
    int running, waiting;
    if (curl_multi_perform(traffic->client->many, &running) != CURLM_OK)
        abort();
    for (CURLMsg *message; (message = curl_multi_info_read(traffic->client->many, &waiting));)
        if (message->msg == CURLMSG_DONE)
            lane_end(traffic, message->easy_handle, message->data.result);
    if (running > 0 && traffic->busy == (size_t)running)
        curl_multi_poll(traffic->client->many, NULL, 0, LOOK_MS, NULL);
}

void http_client_call_all(struct http_client *client, struct http_exchange *exchanges, size_t count,
                          size_t parallel, instant patience)
{
    struct traffic traffic = {
        .client = client,
        .lane_count = parallel < PARALLEL_MOST ? parallel : PARALLEL_MOST,
        .next = exchanges,
        .end = exchanges + count,
        .until = clock_monotonic() + patience,
    };
    if (traffic.lane_count > count)
        traffic.lane_count = count;
    if (!client->many && !(client->many = curl_multi_init()))
        abort();
    for (size_t i = 0; i < traffic.lane_count; i++)
        if (!(traffic.lanes[i].curl = curl_easy_duphandle(client->curl)))
            abort();
    while (traffic.busy > 0 || traffic.next < traffic.end) {
        fill_lanes(&traffic);
        if (traffic.busy > 0)
            move(&traffic);
    }
    for (size_t i = 0; i < traffic.lane_count; i++)
        curl_easy_cleanup(traffic.lanes[i].curl);
}
