/* What tests/bench/console.py needs done fast: people who work at the console.
 *
 *   console_bench URL CA PEOPLE RECEIPTS SECONDS THINK-MS
 *
 * PEOPLE holds a cookie a line, RECEIPTS a receipt number a line. Each person has a connection,
 * asks who they are (not counted: a browser is connected all day), and does in turns what the pages
 * ask: the queue, one application and its claim, the claim given back, now and then the overview;
 * between two requests they think THINK-MS on average (exponentially; 0: not at all). Prints
 * {"seconds", "requests", "<endpoint>": [milliseconds…]}. */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/http_client.h"
#include "base/text.h"

#define OVERVIEW_EVERY 10
#define LINE_MOST      256

enum endpoint { QUEUE, APPLICATION, CLAIM, RELEASE, OVERVIEW, ENDPOINTS, SESSION };
static const char *const names[ENDPOINTS] = {"queue", "application", "claim", "release",
                                             "overview"};

struct lines {
    char (*at)[LINE_MOST];
    size_t count;
};

struct person {
    pthread_t thread;
    struct http_client *client;
    char cookie[LINE_MOST], origin[LINE_MOST];
    unsigned seed;
    json_t *times[ENDPOINTS];
};

static struct lines receipts;
static int64_t end;
static double think;
static const char *origin;

static void die(const struct failure *f)
{
    fprintf(stderr, "console_bench: %s\n", f->text);
    exit(3);
}

static struct lines lines_read(const char *path)
{
    struct lines lines = {0};
    char line[LINE_MOST - 64];
    struct failure f = {0};
    _cleanup_(cleanup_file) FILE *in = fopen(path, "re");
    if (!in && !failure_errno(&f, "cannot open %s", path))
        die(&f);
    while (fgets(line, sizeof line, in)) {
        line[strcspn(line, "\n")] = '\0';
        lines.at = memory_resize(lines.at, (lines.count + 1) * sizeof *lines.at);
        snprintf(lines.at[lines.count++], LINE_MOST, "%s", line);
    }
    return lines;
}

static void pause_for(struct person *p)
{
    if (think <= 0)
        return;
    double share = (rand_r(&p->seed) + 1.0) / ((double)RAND_MAX + 2), ms = -log(share) * think;
    struct timespec time = {.tv_sec = (time_t)(ms / 1000),
                            .tv_nsec = (long)(fmod(ms, 1000) * 1000000)};
    nanosleep(&time, NULL);
}

static void ask(struct person *p, enum endpoint which, const char *method, const char *path,
                bool conflict_too)
{
    const char *const headers[] = {p->cookie, p->origin, NULL};
    struct http_answer answer = {0};
    struct failure f = {0};
    bool post = strcmp(method, "POST") == 0;
    struct http_call call = {.method = method,
                             .path = path,
                             .headers = headers,
                             .content_type = post ? "application/json" : NULL,
                             .body = post ? bytes_of_text("{}") : (struct bytes){0},
                             .answer_most = 16 << 20};
    int64_t begun = clock_monotonic();
    if (!http_client_call(p->client, &call, &answer, &f))
        die(&f);
    double took = (double)(clock_monotonic() - begun) / 1000;
    if (answer.status != 200 && !(conflict_too && answer.status == 409)) {
        failure_set(&f, FAILURE_PEER, "%s %s: %u %.300s", method, path, answer.status,
                    buffer_text(&answer.body));
        die(&f);
    }
    if (which != SESSION)
        json_array_append_new(p->times[which], json_real(took));
    http_answer_free(&answer);
    pause_for(p);
}

/* Somebody else may be on the same application: that is an answer, too. */
static void *work(void *context)
{
    struct person *p = context;
    ask(p, SESSION, "GET", "/api/session", false); /* connected, as a browser is all day */
    sleep(1);                                      /* all are */
    pause_for(p);
    for (unsigned turn = 0; clock_monotonic() < end; turn++) {
        const char *receipt = receipts.at[(unsigned)rand_r(&p->seed) % receipts.count];
        _cleanup_(cleanup_text) char *path = text_format("/api/applications/%s", receipt);
        _cleanup_(cleanup_text) char *claim = text_format("%s/claim", path);
        ask(p, QUEUE, "GET", "/api/queue?limit=100&state=unmatched", false);
        ask(p, APPLICATION, "GET", path, false);
        ask(p, CLAIM, "POST", claim, true);
        ask(p, RELEASE, "DELETE", claim, false);
        if (turn % OVERVIEW_EVERY == 0)
            ask(p, OVERVIEW, "GET", "/api/overview", false);
    }
    return NULL;
}

static void person_open(struct person *p, const char *url, const char *ca, const char *cookie,
                        unsigned number)
{
    struct failure f = {0};
    const struct http_client_options options = {.base_url = url, .ca_file = ca};
    snprintf(p->cookie, sizeof p->cookie, "Cookie: __Host-uketsuke=%s", cookie);
    snprintf(p->origin, sizeof p->origin, "Origin: %s", origin);
    p->seed = number + 1;
    for (int i = 0; i < ENDPOINTS; i++)
        p->times[i] = json_array();
    if (!http_client_open(&options, &p->client, &f))
        die(&f);
}

int main(int argc, char **argv)
{
    if (argc != 7)
        return 64;
    struct lines people = lines_read(argv[3]);
    receipts = lines_read(argv[4]);
    think = atof(argv[6]);
    origin = argv[1];
    struct person *all = memory_allocate(people.count * sizeof *all);
    int64_t begun = clock_monotonic(), requests = 0;
    end = begun + atoll(argv[5]) * INSTANT_SECOND;
    for (size_t i = 0; i < people.count; i++) {
        person_open(&all[i], argv[1], argv[2], people.at[i], (unsigned)i);
        pthread_create(&all[i].thread, NULL, work, &all[i]);
    }
    json_t *out = json_object();
    for (int e = 0; e < ENDPOINTS; e++)
        json_object_set_new(out, names[e], json_array());
    for (size_t i = 0; i < people.count; i++) {
        pthread_join(all[i].thread, NULL);
        for (int e = 0; e < ENDPOINTS; e++) {
            requests += (int64_t)json_array_size(all[i].times[e]);
            json_array_extend(json_object_get(out, names[e]), all[i].times[e]);
        }
    }
    json_object_set_new(out, "seconds",
                        json_real((double)(clock_monotonic() - begun) / INSTANT_SECOND));
    json_object_set_new(out, "requests", json_integer(requests));
    json_dumpf(out, stdout, JSON_COMPACT);
    return 0;
}
