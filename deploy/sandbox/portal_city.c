/* The city's side of the sandbox portal: log in, list, get, statuses. */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/check_digit.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "deploy/sandbox/portal.h"

enum { STATUSES_MOST = 1000, STATUSES_BODY_MOST = 1024 * 1024 /* bytes */ };

static const int64_t cursor_most = 1 << 30;

/* --- the frame of every answer ---------------------------------------------------------------- */

static enum http_flow reply(struct http_request *request, const char *title, const char *self,
                            json_t *stolen_result)
{
    return http_reply_json(request, 200,
                           json_pack("{s:{s:s, s:s}, s:{s:{s:s}}, s:o}", "metadata", "title", title,
                                     "detail", "", "_links", "self", "href", self, "result",
                                     stolen_result));
}

enum http_flow portal_broken(struct http_request *request, const struct failure *f)
{
    fprintf(stderr, "uketsuke-sandbox portal: %s\n", f->text);
    return http_reply_error(request, 500, "E0199", "the portal is broken");
}

bool portal_page(struct http_request *request, size_t *ret_from, size_t *ret_limit)
{
    int64_t from, limit;
    if (!http_request_query_number(request, "cursor", 0, cursor_most, 0, &from) ||
        !http_request_query_number(request, "limit", 1, PORTAL_PAGE_MOST, 100, &limit))
        return false;
    *ret_from = (size_t)from;
    *ret_limit = (size_t)limit;
    return true;
}

json_t *portal_cursor_json(size_t next)
{
    char text[24] = "";
    if (next)
        snprintf(text, sizeof text, "%zu", next);
    return json_string(text);
}

json_t *portal_history_json(const struct portal_arrival *arrival)
{
    json_t *list = json_array();
    for (size_t i = 0; i < arrival->history_count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s*}", "status",
                                              portal_state_name(arrival->history[i].state), "at",
                                              arrival->history[i].at, "message",
                                              arrival->history[i].message));
    return list;
}

/* --- login ------------------------------------------------------------------------------------ */

static bool client_id_valid(const char *text)
{
    size_t length = text ? strlen(text) : 0;
    return length >= 1 && length <= 64 &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") ==
               length;
}

static void make_token(struct portal_world *world, const char *peer, char ret_text[33])
{
    uint8_t random[16];
    if (getrandom(random, sizeof random, 0) != sizeof random)
        abort();
    pthread_mutex_lock(&world->mutex);
    struct portal_token *token = &world->tokens[world->next_token++ % PORTAL_TOKENS];
    hex_encode(random, sizeof random, token->text);
    snprintf(token->peer, sizeof token->peer, "%s", peer);
    token->until = clock_monotonic() + PORTAL_TOKEN_SECONDS * INSTANT_SECOND;
    memcpy(ret_text, token->text, sizeof token->text);
    pthread_mutex_unlock(&world->mutex);
}

static enum http_flow post_login(struct http_request *request, void *context)
{
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    const char *peer = http_request_peer(request);
    char token[33];
    if (!body)
        return HTTP_DONE;
    if (!client_id_valid(json_string_value(json_object_get(body, "client_id"))))
        return http_reply_error(request, 400, "E0001", "client_id is needed");
    if (!peer)
        return http_reply_error(request, 401, "E0103", "a client certificate is needed");
    make_token(context, peer, token);
    return reply(request, "ログイン", "/api/v1/login",
                 json_pack("{s:s, s:s, s:i}", "token", token, "token_type", "Bearer", "expires_in",
                           PORTAL_TOKEN_SECONDS));
}

static bool token_good(struct portal_world *world, const char *text, const char *peer)
{
    bool good = false;
    int64_t now = clock_monotonic();
    pthread_mutex_lock(&world->mutex);
    for (size_t i = 0; i < PORTAL_TOKENS; i++) {
        const struct portal_token *token = &world->tokens[i];
        good |= token->text[0] && token->until > now && strcmp(token->text, text) == 0 &&
                strcmp(token->peer, peer) == 0;
    }
    pthread_mutex_unlock(&world->mutex);
    return good;
}

/* False after replying 401. */
static bool authenticated(struct http_request *request, struct portal_world *world)
{
    const char *header = http_request_header(request, "Authorization");
    const char *peer = http_request_peer(request);
    if (header && peer && strncmp(header, "Bearer ", 7) == 0 && token_good(world, header + 7, peer))
        return true;
    http_reply_header(request, "WWW-Authenticate", "Bearer");
    http_reply_error(request, 401, "E0103", "log in first");
    return false;
}

/* --- the list --------------------------------------------------------------------------------- */

static json_t *entry_json(const struct portal_arrival *a)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s*}", "receipt_number",
                     a->receipt_number, "city_code", a->city_code, "procedure_id", a->procedure_id,
                     "form_version", a->form_version, "applied_at", a->applied_at, "size",
                     (json_int_t)a->size, "sha256", a->sha256, "status",
                     portal_state_name(a->history[a->history_count - 1].state), "corrects",
                     a->corrects[0] ? a->corrects : NULL);
}

static json_t *withdrawal_json(const struct portal_arrival *a)
{
    return json_pack("{s:s, s:s}", "receipt_number", a->receipt_number, "withdrawn_at",
                     a->withdrawn_at);
}

static json_t *status_json(const struct portal_arrival *a)
{
    return json_pack("{s:s, s:s, s:o}", "receipt_number", a->receipt_number, "status",
                     portal_state_name(a->history[a->history_count - 1].state), "history",
                     portal_history_json(a));
}

/* The conditions that both lists know; false after replying. */
static bool conditions(struct http_request *request, const char **ret_city,
                       enum portal_state *ret_state)
{
    const char *status = http_request_query(request, "status");
    *ret_city = http_request_query(request, "city_code");
    *ret_state = STATE_COUNT;
    if (!*ret_city || !dantai_code_valid(*ret_city)) {
        http_reply_error(request, 400, *ret_city ? "E0002" : "E0001",
                         "city_code is needed: six digits with the right check digit");
        return false;
    }
    if (status && !portal_state_parse(status, ret_state)) {
        http_reply_error(request, 400, "E0002", "status is not one that there is");
        return false;
    }
    return true;
}

static json_t *list_json(struct portal_world *world, const char *city, enum portal_state state,
                         size_t from, size_t limit, const char *name,
                         json_t *(*one)(const struct portal_arrival *))
{
    struct portal_arrival *found = memory_allocate(limit * sizeof *found);
    size_t next;
    size_t count = portal_store_list(world->store, city, state, from, limit, found, &next);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, one(&found[i]));
    free(found);
    return json_pack("{s:o, s:o}", name, list, "next_cursor", portal_cursor_json(next));
}

static enum http_flow get_applications(struct http_request *request, void *context)
{
    const char *city;
    enum portal_state state;
    size_t from, limit;
    if (!authenticated(request, context) || !conditions(request, &city, &state) ||
        !portal_page(request, &from, &limit))
        return HTTP_DONE;
    return reply(request, "申請データ一覧取得", "/api/v1/applications",
                 list_json(context, city, state, from, limit, "applications", entry_json));
}

static enum http_flow get_statuses(struct http_request *request, void *context)
{
    const char *city;
    enum portal_state state;
    size_t from, limit;
    if (!authenticated(request, context) || !conditions(request, &city, &state) ||
        !portal_page(request, &from, &limit))
        return HTTP_DONE;
    return reply(request, "申請処理状況一覧取得", "/api/v1/statuses",
                 list_json(context, city, state, from, limit, "statuses", status_json));
}

static enum http_flow get_withdrawals(struct http_request *request, void *context)
{
    struct portal_world *world = context;
    const char *city;
    enum portal_state state;
    size_t from, limit, next;
    if (!authenticated(request, context) || !conditions(request, &city, &state) ||
        !portal_page(request, &from, &limit))
        return HTTP_DONE;
    struct portal_arrival *found = memory_allocate(limit * sizeof *found);
    size_t count = portal_store_withdrawals(world->store, city, from, limit, found, &next);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, withdrawal_json(&found[i]));
    free(found);
    return reply(
        request, "取下げ一覧取得", "/api/v1/withdrawals",
        json_pack("{s:o, s:o}", "withdrawals", list, "next_cursor", portal_cursor_json(next)));
}

/* --- a package -------------------------------------------------------------------------------- */

static enum http_flow get_package(struct http_request *request, void *context)
{
    struct portal_world *world = context;
    _cleanup_(cleanup_buffer) struct buffer package = {0};
    struct portal_arrival arrival;
    struct failure f = {0};
    if (!authenticated(request, world))
        return HTTP_DONE;
    if (!portal_store_find(world->store, http_request_parameter(request, "receipt_number"),
                           &arrival))
        return http_reply_error(request, 404, "E0100", "there is no such application");
    if (!portal_store_read(world->store, &arrival, &package, &f))
        return portal_broken(request, &f);
    switch (portal_store_fault(world->store, arrival.receipt_number)) {
    case FAULT_STATUS_500:
        return http_reply_error(request, 500, "E0199", "as the sandbox was told");
    case FAULT_EMPTY:
        return http_reply_bytes(request, 200, "application/zip", bytes_of(NULL, 0));
    case FAULT_GARBAGE:
        return http_reply_bytes(request, 200, "application/json",
                                bytes_of_text("{\"result\": [\"garbage"));
    case FAULT_WRONG_BYTES:
        package.data[package.length / 2] ^= 0x5a;
        break;
    case FAULT_NONE:
        break;
    }
    return http_reply_range(request, "application/zip", arrival.sha256, buffer_bytes(&package));
}

/* --- registering statuses --------------------------------------------------------------------- */

/* NULL, or why this one can't be registered. */
static const char *take_change(const json_t *item, struct portal_change *change)
{
    const char *status = json_string_value(json_object_get(item, "status"));
    change->receipt_number = json_string_value(json_object_get(item, "receipt_number"));
    if (!change->receipt_number || !receipt_number_valid(change->receipt_number))
        return "receipt_number is not valid";
    if (!status || !portal_state_parse(status, &change->state) || change->state == STATE_WAITING)
        return "status is not one that can be registered";
    const json_t *message = json_object_get(item, "message");
    change->message = json_string_value(message);
    if (message && (!change->message || utf8_length(change->message) > PORTAL_MESSAGE_MOST))
        return "message is a text of at most 2000 characters";
    return NULL;
}

static json_t *outcome(const json_t *item, const struct portal_change *change, const char *wrong)
{
    json_t *receipt = json_object_get(item, "receipt_number");
    json_t *status = json_object_get(item, "status");
    bool registered = !wrong && change->known;
    json_t *json = json_pack("{s:O?, s:O?, s:b}", "receipt_number", receipt, "status", status,
                             "registered", registered);
    if (!registered)
        json_object_set_new(json, "error",
                            json_pack("{s:s, s:s}", "code", wrong ? "E0002" : "E0100", "message",
                                      wrong ? wrong : "there is no such application"));
    return json;
}

/* Those that are well-formed are registered together; the others only get their outcome. */
static json_t *register_all(struct portal_world *world, const json_t *list, struct failure *f)
{
    size_t count = json_array_size(list), good = 0;
    struct portal_change *changes = memory_allocate(count * sizeof *changes);
    const char **wrong = memory_allocate(count * sizeof *wrong);
    for (size_t i = 0; i < count; i++)
        if (!(wrong[i] = take_change(json_array_get(list, i), &changes[good])))
            good++;
    json_t *outcomes = NULL;
    if (portal_store_change(world->store, changes, good, f)) {
        outcomes = json_array();
        for (size_t i = 0, next = 0; i < count; i++)
            json_array_append_new(outcomes, outcome(json_array_get(list, i),
                                                    wrong[i] ? NULL : &changes[next++], wrong[i]));
    }
    free(changes);
    free(wrong);
    return outcomes;
}

static enum http_flow post_statuses(struct http_request *request, void *context)
{
    struct failure f = {0};
    if (!authenticated(request, context))
        return HTTP_DONE;
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    if (!body)
        return HTTP_DONE;
    const json_t *list = json_object_get(body, "statuses");
    if (json_array_size(list) == 0 || json_array_size(list) > STATUSES_MOST)
        return http_reply_error(request, 400, json_is_array(list) ? "E0003" : "E0001",
                                "statuses is a list of 1 to %d", STATUSES_MOST);
    json_t *outcomes = register_all(context, list, &f);
    if (!outcomes)
        return portal_broken(request, &f);
    return reply(request, "申請処理状況登録", "/api/v1/statuses",
                 json_pack("{s:o}", "statuses", outcomes));
}

const struct http_route portal_city_routes[] = {
    {"POST", "/api/v1/login", post_login, 4096},
    {"GET", "/api/v1/applications", get_applications, 0},
    {"GET", "/api/v1/applications/{receipt_number}", get_package, 0},
    {"GET", "/api/v1/withdrawals", get_withdrawals, 0},
    {"GET", "/api/v1/statuses", get_statuses, 0},
    {"POST", "/api/v1/statuses", post_statuses, STATUSES_BODY_MOST},
};
const size_t portal_city_route_count = sizeof portal_city_routes / sizeof *portal_city_routes;
