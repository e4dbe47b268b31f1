#include "routing/portal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/http_client.h"
#include "base/log.h"
#include "base/text.h"
#include "routing/portal_answer.h"

enum {
    LIST_ENTRY_MOST = 2048,      /* bytes of JSON for one entry, generously */
    LIST_FRAME_MOST = 64 * 1024, /* and for what stands around them */
    GET_ATTEMPTS = 5,            /* broken downloads resumed in one portal_get */
    STATUS_ENTRY_MOST = 1024,
    ERROR_SHOWN_MOST = 256 * 1024, /* bytes of an error answer in place of a package */
};

static const struct config_key channel_keys[] = {
    {"url", CONFIG_TEXT, NULL, 0, 0, NULL, "The portal, https://host:port, without a path."},
    {"ca", CONFIG_PATH, "", 0, 0, NULL,
     "PEM file of the CA that the portal's certificate is under; the only one trusted."},
    {"certificate", CONFIG_PATH, "", 0, 0, NULL, "PEM file of our client certificate."},
    {"key", CONFIG_PATH, "", 0, 0, NULL, "PEM file of its private key."},
    {"client-id", CONFIG_TEXT, NULL, 0, 0, NULL, "The name by which the portal knows us."},
    {"interval", CONFIG_DURATION, "1min", INSTANT_SECOND / 10, INSTANT_DAY, NULL,
     "Between two looks at the portal's list."},
    {"withdrawals", CONFIG_BOOLEAN, "yes", 0, 0, NULL,
     "Whether the portal tells what residents take back (取下げ一覧)."},
    {"list-limit", CONFIG_NUMBER, "100", 1, 1000, NULL, "Entries on one page of the list."},
    {"patience", CONFIG_DURATION, "30s", INSTANT_SECOND / 10, 3600 * INSTANT_SECOND, NULL,
     "For one call; a download that breaks is resumed."},
    {"status-collected", CONFIG_TEXT, "取得済", 0, 0, NULL,
     "What the portal is told once an application is stored; empty, here and below: nothing."},
    {"status-received", CONFIG_TEXT, "処理中", 0, 0, NULL, "… once the business system has it."},
    {"status-refused", CONFIG_TEXT, "受付エラー", 0, 0, NULL, "… when it is refused."},
    {"status-completed", CONFIG_TEXT, "完了", 0, 0, NULL, "… when it is completed."},
    {"status-rejected", CONFIG_TEXT, "完了", 0, 0, NULL,
     "… when the business system decided against it."},
    {"status-correction", CONFIG_TEXT, "要訂正", 0, 0, NULL,
     "… when the resident is asked to correct it; the message says what."},
    {"status-withdrawn", CONFIG_TEXT, "取下げ", 0, 0, NULL, "… when it was taken back."},
};

const struct config_section channel_config_section = {
    .name = "channel",
    .named = true,
    .help = "A portal from which applications are collected.",
    .keys = channel_keys,
    .key_count = sizeof channel_keys / sizeof *channel_keys,
};

struct portal {
    struct http_client *client;
    const char *client_id; /* the configuration's, as is city_code */
    const char *city_code;
    size_t list_limit;
    char *token;
    int64_t token_until; /* clock_monotonic */
};

/* --- open ------------------------------------------------------------------------------------- */

static const char *path_or_null(const struct config_group *group, const char *key)
{
    const char *path = config_text(group, key);
    return path[0] ? path : NULL;
}

bool portal_open(const struct config *config, const char *channel, struct portal **ret_portal,
                 struct failure *f)
{
    const struct config_group *group = config_find(config, "channel", channel);
    if (!group)
        return failure_set(f, FAILURE_USAGE, "there is no [channel %s] in the configuration",
                           channel);
    struct http_client_options options = {
        .base_url = config_text(group, "url"),
        .ca_file = path_or_null(group, "ca"),
        .certificate = path_or_null(group, "certificate"),
        .key = path_or_null(group, "key"),
        .patience = config_duration(group, "patience"),
    };
    struct http_client *client;
    if (!http_client_open(&options, &client, f))
        return failure_prefix(f, "[channel %s]", channel);
    struct portal *portal = memory_allocate(sizeof *portal);
    portal->client = client;
    portal->client_id = config_text(group, "client-id");
    portal->city_code = config_text(config_group(config, "city"), "code");
    portal->list_limit = (size_t)config_number(group, "list-limit");
    *ret_portal = portal;
    return true;
}

static void forget_token(struct portal *portal)
{
    if (portal->token)
        explicit_bzero(portal->token, strlen(portal->token));
    free(portal->token);
    portal->token = NULL;
}

void portal_close(struct portal *portal)
{
    if (!portal)
        return;
    forget_token(portal);
    http_client_close(portal->client);
    free(portal);
}

/* --- one call --------------------------------------------------------------------------------- */

static bool refuse_status(const struct http_answer *answer, const char *what, struct failure *f)
{
    char code[6];
    portal_answer_error_code(buffer_bytes(&answer->body), code);
    return failure_set(f, FAILURE_PEER, "the portal answered %u%s%s to the %s", answer->status,
                       code[0] ? " " : "", code, what);
}

static bool log_in(struct portal *portal, struct failure *f)
{
    _cleanup_(http_answer_free) struct http_answer answer = {0};
    _cleanup_(cleanup_json) json_t *body = json_pack("{s:s}", "client_id", portal->client_id);
    _cleanup_(cleanup_text) char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    if (!text)
        return failure_set(f, FAILURE_USAGE, "the client-id is not valid UTF-8");
    struct http_call call = {.method = "POST",
                             .path = "/api/v1/login",
                             .content_type = "application/json",
                             .body = bytes_of_text(text),
                             .answer_most = LIST_FRAME_MOST};
    if (!http_client_call(portal->client, &call, &answer, f))
        return failure_prefix(f, "log in to the portal");
    if (answer.status != 200)
        return refuse_status(&answer, "login", f);
    _cleanup_(cleanup_json) json_t *json = http_answer_json(&answer, f);
    char *token;
    instant lasts;
    if (!json || !portal_answer_login(json, &token, &lasts, f))
        return failure_prefix(f, "log in to the portal");
    forget_token(portal);
    portal->token = token;
    portal->token_until = clock_monotonic() + lasts - lasts / 10; /* in good time */
    return true;
}

static bool call_with_token(struct portal *portal, const struct http_call *call, const char *header,
                            struct http_answer *answer, struct failure *f)
{
    struct http_call full = *call;
    _cleanup_(cleanup_text) char *authorization =
        text_format("Authorization: Bearer %s", portal->token);
    full.headers = (const char *const[]){authorization, header, NULL};
    bool good = http_client_call(portal->client, &full, answer, f);
    explicit_bzero(authorization, strlen(authorization));
    return good;
}

/* Logs in when there is no token, and once more when the portal no longer knows it. */
static bool call_portal(struct portal *portal, const struct http_call *call, const char *header,
                        struct http_answer *answer, struct failure *f)
{
    bool fresh = !portal->token || portal->token_until <= clock_monotonic();
    if (fresh && !log_in(portal, f))
        return false;
    bool good = call_with_token(portal, call, header, answer, f);
    if (!good || answer->status != 401)
        return good;
    forget_token(portal);
    if (fresh)
        return true; /* it refuses a token just given: its answer says why */
    http_answer_free(answer);
    return log_in(portal, f) && call_with_token(portal, call, header, answer, f);
}

/* A call that is answered with JSON; NULL on failure. */
static json_t *call_for_json(struct portal *portal, const struct http_call *call, const char *what,
                             struct failure *f)
{
    _cleanup_(http_answer_free) struct http_answer answer = {0};
    json_t *json = NULL;
    if (!call_portal(portal, call, NULL, &answer, f))
        failure_prefix(f, "portal, %s", what);
    else if (answer.status != 200)
        refuse_status(&answer, what, f);
    else if (!(json = http_answer_json(&answer, f)))
        failure_prefix(f, "portal, %s", what);
    return json;
}

/* --- the list --------------------------------------------------------------------------------- */

static void tell_left_out(const struct portal_page *page)
{
    if (page->left_out)
        log_error("portal.entries-left-out", log_number("count", (int64_t)page->left_out),
                  log_text("first", page->fault));
}

bool portal_list(struct portal *portal, const char *status, char cursor[PORTAL_CURSOR_SIZE],
                 struct portal_entry *ret_entries, size_t most, size_t *ret_count,
                 size_t *ret_left_out, struct failure *f)
{
    struct portal_page page;
    size_t limit = most < portal->list_limit ? most : portal->list_limit;
    _cleanup_(cleanup_text) char *wanted = http_escape(status);
    _cleanup_(cleanup_text) char *at = http_escape(cursor);
    _cleanup_(cleanup_text) char *path =
        text_format("/api/v1/applications?status=%s&city_code=%s&limit=%zu%s%s", wanted,
                    portal->city_code, limit, at[0] ? "&cursor=" : "", at);
    struct http_call call = {
        .method = "GET", .path = path, .answer_most = limit * LIST_ENTRY_MOST + LIST_FRAME_MOST};
    _cleanup_(cleanup_json) json_t *json = call_for_json(portal, &call, "list", f);
    if (!json || !portal_answer_list(json, portal->city_code, cursor, ret_entries, limit, &page, f))
        return false;
    tell_left_out(&page);
    *ret_count = page.count;
    *ret_left_out = page.left_out;
    return true;
}

bool portal_list_withdrawals(struct portal *portal, char cursor[PORTAL_CURSOR_SIZE],
                             struct portal_withdrawal *ret_withdrawals, size_t most,
                             size_t *ret_count, struct failure *f)
{
    size_t limit = most < portal->list_limit ? most : portal->list_limit;
    _cleanup_(cleanup_text) char *at = http_escape(cursor);
    _cleanup_(cleanup_text) char *path =
        text_format("/api/v1/withdrawals?city_code=%s&limit=%zu%s%s", portal->city_code, limit,
                    at[0] ? "&cursor=" : "", at);
    struct http_call call = {
        .method = "GET", .path = path, .answer_most = limit * LIST_ENTRY_MOST + LIST_FRAME_MOST};
    _cleanup_(cleanup_json) json_t *json = call_for_json(portal, &call, "list of withdrawals", f);
    struct portal_page page;
    if (!json || !portal_answer_withdrawals(json, cursor, ret_withdrawals, limit, &page, f))
        return false;
    tell_left_out(&page);
    *ret_count = page.count;
    return true;
}

/* --- a package -------------------------------------------------------------------------------- */

enum got { GOT_ALL, GOT_SOME, GOT_NOTHING };

static enum got too_long(size_t most, struct failure *f)
{
    failure_set(f, FAILURE_LIMIT, "the package is longer than the %zu bytes allowed", most);
    return GOT_NOTHING;
}

/* In place of what was there; of too much, the beginning, which the caller may keep as evidence. */
static enum got take_whole(const struct http_answer *answer, bool whole, size_t most,
                           struct buffer *body, struct failure *f)
{
    bool fits = answer->body.length <= most;
    buffer_clear(body);
    buffer_append(body, answer->body.data, fits ? answer->body.length : most);
    return !fits ? too_long(most, f) : whole ? GOT_ALL : GOT_SOME;
}

/* What came, whether or not the transfer broke, goes behind what was there, or in its place. */
static enum got take_part(const struct http_answer *answer, bool whole, size_t most,
                          struct buffer *body, struct failure *f)
{
    int64_t first, last, total;
    if (answer->status == 200) /* the portal begins at the beginning */
        return take_whole(answer, whole, most, body, f);
    if (answer->status != 206 ||
        !portal_content_range(answer->content_range, &first, &last, &total) ||
        first != (int64_t)body->length) {
        failure_set(f, FAILURE_PEER, "the portal sent another part of the package than asked for");
        return GOT_NOTHING;
    }
    if (total > (int64_t)most || answer->body.length > most - body->length)
        return too_long(most, f);
    buffer_append(body, answer->body.data, answer->body.length);
    return whole && (int64_t)body->length == total ? GOT_ALL : GOT_SOME;
}

/* 416: nothing is left to send. Whether that is because all is there only the total tells. */
static bool all_was_there(const struct http_answer *answer, struct buffer *body, struct failure *f)
{
    int64_t first, last, total;
    if (portal_content_range(answer->content_range, &first, &last, &total) && first < 0 &&
        total == (int64_t)body->length)
        return true;
    buffer_clear(body); /* what was there belongs to something else: begin again */
    return failure_set(f, FAILURE_PEER, "the portal no longer has what the download began with");
}

/* An error page with status 200 is no package: the portal is out of order, nothing is judged. */
static bool is_zip(const struct http_answer *answer)
{
    static const char type[] = "application/zip";
    size_t length = sizeof type - 1;
    return strncmp(answer->content_type, type, length) == 0 &&
           (!answer->content_type[length] || answer->content_type[length] == ';');
}

/* One call. GOT_SOME with *f set: broke off, what came is kept. */
static enum got get_part(struct portal *portal, const char *path, size_t most, struct buffer *body,
                         struct failure *f)
{
    _cleanup_(http_answer_free) struct http_answer answer = {0};
    char range[48];
    snprintf(range, sizeof range, "Range: bytes=%zu-", body->length);
    size_t room = most < ERROR_SHOWN_MOST ? ERROR_SHOWN_MOST : most + 1; /* one shows too much */
    struct http_call call = {.method = "GET", .path = path, .answer_most = room};
    bool whole = call_portal(portal, &call, body->length ? range : NULL, &answer, f);
    bool broken = !whole && answer.body.length > 0 &&
                  (f->kind == FAILURE_NETWORK || f->kind == FAILURE_LIMIT);
    if (!whole && !broken)
        return GOT_NOTHING;
    if (whole && answer.status == 416 && body->length > 0)
        return all_was_there(&answer, body, f) ? GOT_ALL : GOT_NOTHING;
    if (answer.status != 200 && answer.status != 206) {
        refuse_status(&answer, "download", f);
        return GOT_NOTHING;
    }
    if (!is_zip(&answer)) {
        failure_set(f, FAILURE_PEER, "the portal sent something that it does not call a ZIP");
        return GOT_NOTHING;
    }
    return take_part(&answer, whole, most, body, f);
}

bool portal_get(struct portal *portal, const char *receipt_number, size_t most, struct buffer *body,
                struct failure *f)
{
    struct failure why = {0};
    if (!receipt_number_valid(receipt_number))
        return failure_set(f, FAILURE_USAGE, "that is not a receipt number");
    _cleanup_(cleanup_text) char *path = text_format("/api/v1/applications/%s", receipt_number);
    for (int i = 0; i < GET_ATTEMPTS; i++) {
        size_t before = body->length;
        enum got got = get_part(portal, path, most, body, &why);
        if (got == GOT_ALL)
            return true;
        if (got == GOT_NOTHING || body->length <= before)
            break;
    }
    if (why.kind == FAILURE_NONE)
        failure_set(&why, FAILURE_PEER, "the portal sends the package only piece by piece");
    failure_set(f, why.kind, "%s", why.text);
    return failure_prefix(f, "download of %s", receipt_number);
}

/* --- statuses --------------------------------------------------------------------------------- */

static char *statuses_text(const struct portal_status *statuses, size_t count)
{
    _cleanup_(cleanup_json) json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        if (json_array_append_new(
                list, json_pack("{s:s, s:s, s:s*}", "receipt_number", statuses[i].receipt_number,
                                "status", statuses[i].status, "message", statuses[i].message)) != 0)
            return NULL;
    _cleanup_(cleanup_json) json_t *body = json_pack("{s:O}", "statuses", list);
    return body ? json_dumps(body, JSON_COMPACT) : NULL;
}

bool portal_register(struct portal *portal, const struct portal_status *statuses, size_t count,
                     bool *ret_done, struct failure *f)
{
    if (count == 0)
        return true;
    _cleanup_(cleanup_text) char *text = statuses_text(statuses, count);
    if (!text)
        return failure_set(f, FAILURE_USAGE, "a status is not valid UTF-8");
    struct http_call call = {.method = "POST",
                             .path = "/api/v1/statuses",
                             .content_type = "application/json",
                             .body = bytes_of_text(text),
                             .answer_most = count * STATUS_ENTRY_MOST + LIST_FRAME_MOST};
    _cleanup_(cleanup_json) json_t *json = call_for_json(portal, &call, "registration", f);
    return json && portal_answer_statuses(json, statuses, count, ret_done, f);
}
