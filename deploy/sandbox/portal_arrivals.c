/* The residents' side of the sandbox portal: applications arrive, and residents look what became of
 * them. Plain HTTP on this machine only. */
#include <string.h>

#include "base/check_digit.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "deploy/sandbox/portal.h"

enum { PACKAGE_MOST = 256 * 1024 * 1024 /* bytes; the city's own limit is lower */ };

static bool take_header(struct http_request *request, const char *name, char *ret_text, size_t room)
{
    const char *text = http_request_header(request, name);
    if (text && *text && strlen(text) < room && utf8_valid(bytes_of_text(text))) {
        memcpy(ret_text, text, strlen(text) + 1);
        return true;
    }
    http_reply_error(request, 400, text ? "E0003" : "E0001", "the header %s is needed, %zu bytes",
                     name, room - 1);
    return false;
}

static bool take_applied_at(struct http_request *request, char ret_text[INSTANT_TEXT])
{
    const char *text = http_request_header(request, "X-Applied-At");
    instant at = clock_now();
    if (text && !instant_parse(text, &at)) {
        http_reply_error(request, 400, "E0002", "X-Applied-At is not a time of RFC 3339");
        return false;
    }
    instant_text_jst(at, ret_text);
    return true;
}

/* 訂正: what it takes the place of must be an application for the same procedure and city. */
static bool take_corrects(struct http_request *request, struct portal_world *world,
                          struct portal_arrival *arrival)
{
    struct portal_arrival first;
    const char *text = http_request_header(request, "X-Corrects");
    if (!text)
        return true;
    if (!receipt_number_valid(text) || strcmp(text, arrival->receipt_number) == 0 ||
        !portal_store_find(world->store, text, &first) ||
        strcmp(first.procedure_id, arrival->procedure_id) != 0 ||
        strcmp(first.city_code, arrival->city_code) != 0) {
        http_reply_error(request, 400, "E0004",
                         "X-Corrects names no application for this procedure and city");
        return false;
    }
    memcpy(arrival->corrects, first.receipt_number, sizeof arrival->corrects);
    return true;
}

static bool take_fault(struct http_request *request, struct portal_arrival *arrival)
{
    const char *text = http_request_header(request, "X-Sandbox-Fault");
    if (!text)
        return true;
    if (strlen(text) < sizeof arrival->fault_text &&
        portal_fault_parse(text, &arrival->fault, &arrival->fault_times)) {
        memcpy(arrival->fault_text, text, strlen(text) + 1);
        return true;
    }
    http_reply_error(request, 400, "E0002",
                     "X-Sandbox-Fault is wrong-bytes, status-500, empty or garbage-json, "
                     "with ;times=N or without");
    return false;
}

/* False after replying. */
static bool take_arrival(struct http_request *request, struct portal_world *world,
                         struct portal_arrival *arrival)
{
    const char *receipt = http_request_parameter(request, "receipt_number");
    if (!receipt_number_valid(receipt)) {
        http_reply_error(request, 400, "E0002", "that is not a receipt number");
        return false;
    }
    memcpy(arrival->receipt_number, receipt, strlen(receipt) + 1);
    if (!take_header(request, "X-City-Code", arrival->city_code, sizeof arrival->city_code) ||
        !take_header(request, "X-Procedure-Id", arrival->procedure_id,
                     sizeof arrival->procedure_id) ||
        !take_header(request, "X-Form-Version", arrival->form_version,
                     sizeof arrival->form_version) ||
        !take_applied_at(request, arrival->applied_at) || !take_fault(request, arrival) ||
        !take_corrects(request, world, arrival))
        return false;
    if (dantai_code_valid(arrival->city_code) && http_request_body(request).length > 0)
        return true;
    http_reply_error(request, 400, "E0002", "the city code is not valid, or the body is empty");
    return false;
}

static const char *text_or_null(const char *text)
{
    return text[0] ? text : NULL;
}

static json_t *arrival_json(const struct portal_arrival *a)
{
    return json_pack(
        "{s:s, s:s, s:s, s:I, s:s, s:o, s:s*, s:s*}", "receipt_number", a->receipt_number, "status",
        portal_state_name(a->history[a->history_count - 1].state), "applied_at", a->applied_at,
        "size", (json_int_t)a->size, "sha256", a->sha256, "history", portal_history_json(a),
        "corrects", text_or_null(a->corrects), "corrected_by", text_or_null(a->corrected_by));
}

static enum http_flow put_arrival(struct http_request *request, void *context)
{
    struct portal_world *world = context;
    struct portal_arrival arrival = {0};
    struct failure f = {0};
    if (!take_arrival(request, world, &arrival))
        return HTTP_DONE;
    switch (portal_store_put(world->store, &arrival, http_request_body(request), &f)) {
    case PUT_NEW:
        return http_reply_json(request, 201, arrival_json(&arrival));
    case PUT_SAME:
        portal_store_find(world->store, arrival.receipt_number, &arrival);
        return http_reply_json(request, 200, arrival_json(&arrival));
    case PUT_OTHER:
        return http_reply_error(request, 409, "E0105",
                                "another application has this receipt number");
    case PUT_FAILED:
        break;
    }
    return portal_broken(request, &f);
}

static enum http_flow get_arrival(struct http_request *request, void *context)
{
    struct portal_world *world = context;
    struct portal_arrival arrival;
    if (!portal_store_find(world->store, http_request_parameter(request, "receipt_number"),
                           &arrival))
        return http_reply_error(request, 404, "E0100", "there is no such application");
    return http_reply_json(request, 200, arrival_json(&arrival));
}

static enum http_flow post_withdrawal(struct http_request *request, void *context)
{
    struct portal_world *world = context;
    const char *receipt = http_request_parameter(request, "receipt_number");
    struct failure f = {0};
    switch (portal_store_withdraw(world->store, receipt, &f)) {
    case WITHDRAW_DONE:
        return get_arrival(request, context);
    case WITHDRAW_UNKNOWN:
        return http_reply_error(request, 404, "E0100", "there is no such application");
    case WITHDRAW_LATE:
        return http_reply_error(request, 409, "E0105", "the application has ended already");
    case WITHDRAW_FAILED:
        break;
    }
    return portal_broken(request, &f);
}

static enum http_flow get_arrivals(struct http_request *request, void *context)
{
    struct portal_world *world = context;
    size_t from, limit, next;
    if (!portal_page(request, &from, &limit))
        return HTTP_DONE;
    struct portal_arrival *found = memory_allocate(limit * sizeof *found);
    size_t count = portal_store_list(world->store, NULL, STATE_COUNT, from, limit, found, &next);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, arrival_json(&found[i]));
    free(found);
    return http_reply_json(
        request, 200,
        json_pack("{s:o, s:o}", "arrivals", list, "next_cursor", portal_cursor_json(next)));
}

const struct http_route portal_arrival_routes[] = {
    {"PUT", "/arrivals/{receipt_number}", put_arrival, PACKAGE_MOST},
    {"GET", "/arrivals/{receipt_number}", get_arrival, 0},
    {"POST", "/arrivals/{receipt_number}/withdrawal", post_withdrawal, 0},
    {"GET", "/arrivals", get_arrivals, 0},
};
const size_t portal_arrival_route_count =
    sizeof portal_arrival_routes / sizeof *portal_arrival_routes;
