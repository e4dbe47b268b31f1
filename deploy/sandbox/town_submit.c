/* `town submit`: the applications arrive at the portal, oldest first. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/http_client.h"
#include "base/process.h"
#include "deploy/sandbox/town.h"

#define PACKAGE_MOST (64 << 20)
#define TRIES        6 /* the portal may be starting, or be down on purpose */

struct arrival {
    const char *receipt_number, *city_code, *procedure_id, *form_version, *applied_at, *fault;
};

static json_t *json_load(const char *folder, const char *name, struct failure *f)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/%s", folder, name);
    json_error_t error;
    json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        failure_set(f, FAILURE_INPUT, "%s: line %d: %s (town make writes it)", path, error.line,
                    error.text);
    return json;
}

static bool file_load(const char *path, struct buffer *ret_content, struct failure *f)
{
    _cleanup_(cleanup_file) FILE *in = fopen(path, "rbe");
    if (!in)
        return failure_errno(f, "%s cannot be read", path);
    for (size_t n = 1; n > 0 && ret_content->length <= PACKAGE_MOST;) {
        n = fread(buffer_reserve(ret_content, 65536), 1, 65536, in);
        buffer_commit(ret_content, n);
    }
    return !ferror(in) || failure_errno(f, "%s cannot be read", path);
}

static int arrival_compare(const void *a, const void *b)
{
    const struct arrival *first = a, *second = b;
    int order = strcmp(first->applied_at, second->applied_at);
    return order ? order : strcmp(first->receipt_number, second->receipt_number);
}

/* Borrows from `arrivals`. */
static bool arrivals_list(const json_t *arrivals, const json_t *expected, const char *only,
                          struct arrival **ret_list, size_t *ret_count, struct failure *f)
{
    struct arrival *list = memory_allocate((json_object_size(arrivals) + 1) * sizeof *list);
    size_t count = 0;
    const char *receipt_number;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)arrivals, receipt_number, value) {
        const char *kind =
            json_string_value(json_object_get(json_object_get(expected, receipt_number), "kind"));
        struct arrival *arrival = &list[count];
        arrival->receipt_number = receipt_number;
        if (json_unpack(value, "{s:s,s:s,s:s,s:s,s:s}", "city_code", &arrival->city_code,
                        "procedure_id", &arrival->procedure_id, "form_version",
                        &arrival->form_version, "applied_at", &arrival->applied_at, "fault",
                        &arrival->fault) != 0) {
            free(list);
            return failure_set(f, FAILURE_INPUT, "arrivals.json is not what town make writes");
        }
        count += !only || (kind && strcmp(kind, only) == 0);
    }
    qsort(list, count, sizeof *list, arrival_compare);
    *ret_list = list;
    *ret_count = count;
    return true;
}

static bool arrival_put(struct http_client *client, const struct arrival *arrival,
                        struct bytes package, struct failure *f)
{
    _cleanup_(cleanup_text) char *path = text_format("/arrivals/%s", arrival->receipt_number);
    _cleanup_(cleanup_text) char *city = text_format("X-City-Code: %s", arrival->city_code);
    _cleanup_(cleanup_text) char *procedure =
        text_format("X-Procedure-Id: %s", arrival->procedure_id);
    _cleanup_(cleanup_text) char *version =
        text_format("X-Form-Version: %s", arrival->form_version);
    _cleanup_(cleanup_text) char *applied = text_format("X-Applied-At: %s", arrival->applied_at);
    _cleanup_(cleanup_text) char *fault = text_format("X-Sandbox-Fault: %s", arrival->fault);
    const char *headers[] = {city, procedure, version, applied, arrival->fault[0] ? fault : NULL,
                             NULL};
    struct http_call call = {.method = "PUT",
                             .path = path,
                             .headers = headers,
                             .content_type = "application/zip",
                             .body = package};
    struct http_answer answer = {0};
    bool done = http_client_call(client, &call, &answer, f);
    unsigned status = answer.status;
    http_answer_free(&answer);
    if (done && (status < 200 || status > 299))
        return failure_set(f, status >= 500 ? FAILURE_NETWORK : FAILURE_PEER,
                           "the portal answered %u for %s", status, arrival->receipt_number);
    return done;
}

static bool arrival_submit(struct http_client *client, const struct submit_options *options,
                           const struct arrival *arrival, struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer package = {0};
    _cleanup_(cleanup_text) char *path =
        text_format("%s/applications/%s.zip", options->folder, arrival->receipt_number);
    if (!file_load(path, &package, f))
        return false;
    for (unsigned attempt = 0; !arrival_put(client, arrival, buffer_bytes(&package), f);
         attempt++) {
        if (f->kind != FAILURE_NETWORK || attempt + 1 == TRIES ||
            !process_sleep(backoff(attempt, INSTANT_SECOND / 4, 5 * INSTANT_SECOND)))
            return false;
    }
    return true;
}

static bool arrivals_submit(struct http_client *client, const struct submit_options *options,
                            const struct arrival *list, size_t count, struct failure *f)
{
    int64_t begun = clock_monotonic(), told = begun;
    for (size_t i = 0; i < count; i++) {
        if (options->rate > 0) {
            int64_t due = begun + (int64_t)((double)i / options->rate * INSTANT_SECOND);
            int64_t wait = due - clock_monotonic();
            if (wait > 0 && !process_sleep(wait))
                return failure_set(f, FAILURE_SYSTEM, "stopped after %zu of %zu", i, count);
        }
        if (process_stopping())
            return failure_set(f, FAILURE_SYSTEM, "stopped after %zu of %zu", i, count);
        if (!arrival_submit(client, options, &list[i], f))
            return failure_prefix(f, "after %zu of %zu", i, count);
        if (clock_monotonic() - told >= 2 * INSTANT_SECOND) {
            told = clock_monotonic();
            fprintf(stderr, "%zu of %zu applications submitted\n", i + 1, count);
        }
    }
    printf("%zu applications wait at the portal; next: uketsuke collect\n", count);
    return true;
}

bool town_submit(const struct submit_options *options, struct failure *f)
{
    _cleanup_(cleanup_json) json_t *arrivals = json_load(options->folder, "arrivals.json", f);
    _cleanup_(cleanup_json) json_t *expected =
        arrivals ? json_load(options->folder, "expected.json", f) : NULL;
    struct http_client_options client_options = {.base_url = options->portal};
    struct http_client *client = NULL;
    struct arrival *list = NULL;
    size_t count = 0;
    if (!expected || !arrivals_list(arrivals, expected, options->only, &list, &count, f))
        return false;
    bool done = http_client_open(&client_options, &client, f) &&
                arrivals_submit(client, options, list, count, f);
    if (client)
        http_client_close(client);
    free(list);
    return done;
}
