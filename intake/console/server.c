#include "intake/console/console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "intake/console/closed.h"
#include "intake/console/due.h"
#include "intake/console/endpoints.h"
#include "intake/console/freshness.h"
#include "intake/console/names.h"
#include "intake/console/proving.h"
#include "intake/console/slow.h"
#include "intake/examine.h"

#define MINUTE (60 * INSTANT_SECOND)

static const struct config_key keys[] = {
    {"address", CONFIG_TEXT, "127.0.0.1:8445", .help = "Where the console listens."},
    {"origin", CONFIG_TEXT, NULL,
     .help = "How browsers name it: https://HOST or https://HOST:PORT. WebAuthn binds to HOST."},
    {"certificate", CONFIG_PATH, NULL, .help = "TLS certificate chain, PEM."},
    {"key", CONFIG_PATH, NULL, .help = "Its private key, PEM."},
    {"client-ca", CONFIG_PATH, "",
     .help = "Terminals show a client certificate of this CA. Empty: terminals are told by their "
             "address alone."},
    {"site", CONFIG_PATH, "/usr/share/uketsuke/console", .help = "Folder of the pages."},
    {"threads", CONFIG_NUMBER, "4", 1, 64, .help = "How many requests are worked on at once."},
    {"connections-most", CONFIG_NUMBER, "512", 8, 65536, .help = "Open connections."},
    {"idle", CONFIG_DURATION, "10min", MINUTE, INSTANT_DAY,
     .help = "Without a request for so long, the screen is locked."},
    {"session-most", CONFIG_DURATION, "10h", 10 * MINUTE, INSTANT_DAY,
     .help = "A session ends after so long, whatever happens."},
    {"proof", CONFIG_DURATION, "5min", INSTANT_SECOND, INSTANT_DAY,
     .help = "What shows 個人番号, leaves the house, says by hand who an applicant is, or ends "
             "something for good, takes the password of the last so long."},
    {"password-length", CONFIG_NUMBER, "12", 8, 128, .help = "Characters of a password, at least."},
    {"password-age", CONFIG_DURATION, "180d", 0, 3650 * INSTANT_DAY,
     .help = "After so long a password must be changed; 0s: never."},
    {"password-past", CONFIG_NUMBER, "5", 0, ACCOUNT_PASTS,
     .help = "How many old passwords may not come again, nor one like them."},
    {"failures-most", CONFIG_NUMBER, "5", 1, 100,
     .help = "Failures in a row, after which an account is locked."},
    {"lock", CONFIG_DURATION, "5min", INSTANT_SECOND, INSTANT_DAY,
     .help = "For how long; twice as long with each further failure, at most a day."},
    {"guesses-most", CONFIG_NUMBER, "20", 1, 1000,
     .help = "Wrong names, passwords and enrolment codes of one terminal, whosever they are, in a "
             "quarter of an hour; then it has to wait (429)."},
    {"hours", CONFIG_TEXT, "08:30-17:15",
     .help = "Office hours. What staff do outside of them is in the report 業務時間外の操作."},
    {"mass-view", CONFIG_NUMBER, "100", 1, 1000000,
     .help = "Who works on more applications than so many in a day is in the report 大量閲覧."},
    {"unused", CONFIG_DURATION, "90d", INSTANT_DAY, 3650 * INSTANT_DAY,
     .help = "Accounts that were not used for so long are in the report 利用者点検."},
    {"rights-due", CONFIG_DURATION, "30d", 0, 3650 * INSTANT_DAY,
     .help =
         "Rights with a last day of their own that have ended, or will within so long, are in the "
         "report 利用者点検."},
    {"print", CONFIG_BOOLEAN, "no", .help = "Whether forms may be printed, by who has the right."},
    {"print-terminals", CONFIG_LIST, "",
     .help = "Labels of the terminals where they may; none: nowhere."},
    {"export", CONFIG_BOOLEAN, "no",
     .help = "Whether applications may be handed out as encrypted files, by who has the right and "
             "with a second person."},
    {"export-terminals", CONFIG_LIST, "",
     .help = "Labels of the terminals where they may; none: nowhere."},
    {"export-many", CONFIG_NUMBER, "20", 0, 1000000,
     .help = "Of the files that one person asks for within 24 hours, so many are approved by any "
             "second "
             "person with the rights, more by one who has the right `superior` (管理責任者), too."},
    {"small-cells", CONFIG_NUMBER, "10", 1, 1000,
     .help = "Counts below this are hidden in the CSV of counts."},
};

const struct config_section console_config_section = {
    .name = "console",
    .help = "The staff console.",
    .keys = keys,
    .key_count = sizeof keys / sizeof *keys,
};

#define PERSONNEL_BODY_MOST (2 << 20)
#define APPLICATION         "/api/applications/{receipt}"

/* clang-format off */
static const struct http_route routes[] = {
    {"GET",    "/",                          endpoint_site_index,           0},
    {"GET",    "/app/{file}",                endpoint_site_file,            0},
    {"GET",    "/api/session",               endpoint_session_get,          0},
    {"POST",   "/api/session",               endpoint_session_post,         CONSOLE_BODY_MOST},
    {"DELETE", "/api/session",               endpoint_session_delete,       0},
    {"POST",   "/api/session/lock",          endpoint_session_lock,         CONSOLE_BODY_MOST},
    {"POST",   "/api/session/unlock",        endpoint_session_unlock,       CONSOLE_BODY_MOST},
    {"POST",   "/api/session/password",      endpoint_session_password,     CONSOLE_BODY_MOST},
    {"POST",   "/api/session/totp",          endpoint_session_totp,         CONSOLE_BODY_MOST},
    {"POST",   "/api/session/challenge",     endpoint_session_challenge,    CONSOLE_BODY_MOST},
    {"POST",   "/api/session/webauthn",      endpoint_session_webauthn,     CONSOLE_BODY_MOST},
    {"POST",   "/api/session/common-base",   endpoint_common_base,          CONSOLE_BODY_MOST},
    {"POST",   "/api/session/common-base/back", endpoint_common_base_back,  CONSOLE_BODY_MOST},
    {"POST",   "/api/enrolment",             endpoint_enrolment,            CONSOLE_BODY_MOST},
    {"GET",    "/api/enrolment/totp",        endpoint_enrolment_totp_get,   0},
    {"POST",   "/api/enrolment/totp",        endpoint_enrolment_totp,       CONSOLE_BODY_MOST},
    {"POST",   "/api/enrolment/webauthn",    endpoint_enrolment_webauthn,   CONSOLE_BODY_MOST},
    {"GET",    "/api/queue",                 endpoint_queue,                0},
    {"GET",    APPLICATION,                  endpoint_application,          0},
    {"POST",   APPLICATION "/claim",         endpoint_claim_post,           CONSOLE_BODY_MOST},
    {"DELETE", APPLICATION "/claim",         endpoint_claim_delete,         0},
    {"GET",    APPLICATION "/attachments/{index}/pages/{page}", endpoint_page, 0},
    {"POST",   APPLICATION "/print",         endpoint_print, CONSOLE_BODY_MOST},
    {"POST",   APPLICATION "/export",        endpoint_export, CONSOLE_BODY_MOST},
    {"POST",   APPLICATION "/outputs/{number}/approve", endpoint_output_approve, CONSOLE_BODY_MOST},
    {"POST",   APPLICATION "/outputs/{number}/password", endpoint_output_password,
     CONSOLE_BODY_MOST},
    {"GET",    APPLICATION "/outputs/{number}/file", endpoint_output_file,  0},
    {"POST",   APPLICATION "/outputs/{number}/dispose", endpoint_output_dispose, CONSOLE_BODY_MOST},
    {"GET",    "/api/media",                 endpoint_media,                0},
    {"GET",    "/api/outputs",               endpoint_outputs,              0},
    {"GET",    "/api/counts",                endpoint_counts,               0},
    {"GET",    "/api/overview",              endpoint_overview,             0},
    {"POST",   APPLICATION "/numbers",       endpoint_numbers, CONSOLE_BODY_MOST},
    {"POST",   APPLICATION "/search",        endpoint_search, CONSOLE_BODY_MOST},
    {"POST",   APPLICATION "/identify",      endpoint_identify, CONSOLE_BODY_MOST},
    {"POST",   APPLICATION "/confirm",       endpoint_confirm, CONSOLE_BODY_MOST},
    {"POST",   APPLICATION "/drop",          endpoint_drop, CONSOLE_BODY_MOST},
    {"POST",   APPLICATION "/deny",          endpoint_deny, CONSOLE_BODY_MOST},
    {"POST",   APPLICATION "/undo",          endpoint_undo, CONSOLE_BODY_MOST},
    {"POST",   APPLICATION "/reroute",       endpoint_reroute, CONSOLE_BODY_MOST},
    {"POST",   APPLICATION "/contact",       endpoint_contact, CONSOLE_BODY_MOST},
    {"POST",   APPLICATION "/approve",       endpoint_approve, CONSOLE_BODY_MOST},
    {"POST",   APPLICATION "/correct",       endpoint_correct, CONSOLE_BODY_MOST},
    {"POST",   APPLICATION "/refuse",        endpoint_refuse, CONSOLE_BODY_MOST},
    {"POST",   APPLICATION "/hold",          endpoint_hold, CONSOLE_BODY_MOST},
    {"POST",   APPLICATION "/withdraw",      endpoint_withdraw, CONSOLE_BODY_MOST},
    {"POST",   APPLICATION "/resend",        endpoint_resend, CONSOLE_BODY_MOST},
    {"GET",    "/api/templates",             endpoint_templates,            0},
    {"GET",    "/api/admin/changes",         endpoint_changes,              0},
    {"POST",   "/api/admin/changes",         endpoint_changes_post,         CONSOLE_BODY_MOST},
    {"POST",   "/api/admin/changes/{id}/confirm", endpoint_changes_confirm, CONSOLE_BODY_MOST},
    {"POST",   "/api/admin/changes/{id}/reject", endpoint_changes_reject,   CONSOLE_BODY_MOST},
    {"POST",   "/api/admin/changes/{id}/cancel", endpoint_changes_cancel,   CONSOLE_BODY_MOST},
    {"POST",   "/api/admin/batches/{batch}/confirm", endpoint_batches_confirm, CONSOLE_BODY_MOST},
    {"POST",   "/api/admin/batches/{batch}/reject", endpoint_batches_reject,   CONSOLE_BODY_MOST},
    {"POST",   "/api/admin/batches/{batch}/cancel", endpoint_batches_cancel,   CONSOLE_BODY_MOST},
    {"POST",   "/api/admin/personnel",       endpoint_personnel,            PERSONNEL_BODY_MOST},
    {"GET",    "/api/admin/users",           endpoint_users,                0},
    {"POST",   "/api/admin/users/{name}/stop", endpoint_users_stop,         CONSOLE_BODY_MOST},
    {"GET",    "/api/admin/terminals",       endpoint_terminals,            0},
    {"GET",    "/api/admin/media",           endpoint_admin_media,          0},
    {"GET",    "/api/admin/holidays",        endpoint_holidays,             0},
    {"GET",    "/api/admin/templates",       endpoint_admin_templates,      0},
    {"GET",    "/api/admin/procedures",      endpoint_procedures,           0},
    {"GET",    "/api/admin/procedures/{id}/{version}", endpoint_procedure,  0},
    {"GET",    "/api/admin/feeds",           endpoint_feeds,                0},
    {"POST",   "/api/admin/feeds/{id}/approve", endpoint_feeds_approve,     CONSOLE_BODY_MOST},
    {"GET",    "/api/audit/entries",         endpoint_trail,                0},
    {"GET",    "/api/audit/reports/{report}", endpoint_report,              0},
    {"POST",   "/api/audit/reports/{report}", endpoint_report_post,         CONSOLE_BODY_MOST},
    {"GET",    "/api/audit/rights",          endpoint_rights,               0},
    {"GET",    "/api/audit/rights.csv",      endpoint_rights_csv,           0},
    {"GET",    "/api/audit/chain",           endpoint_chain,                0},
    {"POST",   "/api/audit/chain",           endpoint_chain_post,           CONSOLE_BODY_MOST},
};
/* clang-format on */

struct console_server {
    struct console_context context;
    struct http_server *http;
    struct due *due;
};

static void rules_read(const struct config_group *group, struct sign_in_rules *ret)
{
    *ret = (struct sign_in_rules){
        .session = {.idle = config_duration(group, "idle"),
                    .most = config_duration(group, "session-most"),
                    .proof = config_duration(group, "proof")},
        .password_age = config_duration(group, "password-age"),
        .password_least = config_number(group, "password-length"),
        .password_past = config_number(group, "password-past"),
        .failures_most = config_number(group, "failures-most"),
        .lock = config_duration(group, "lock"),
    };
}

static struct rate *guesses_new(double most)
{
    return rate_new(most / (15 * 60), most);
}

/* "https://host:port" without a path, as browsers write it. */
static bool origin_read(const char *origin, char *ret_host, size_t size, struct failure *f)
{
    static const char scheme[] = "https://";
    const char *host = strncmp(origin, scheme, sizeof scheme - 1) == 0 ? origin + 8 : "";
    size_t length = strcspn(host, ":/");
    if (length == 0 || length >= size || strchr(host, '/'))
        return failure_set(f, FAILURE_USAGE,
                           "[console] origin must be https://HOST or https://HOST:PORT, without a "
                           "slash at its end");
    snprintf(ret_host, size, "%.*s", (int)length, host);
    return true;
}

static bool http_start(struct console_server *server, const struct config_group *group,
                       struct failure *f)
{
    const char *client_ca = config_text(group, "client-ca");
    const struct http_server_options options = {
        .address = config_text(group, "address"),
        .tls_certificate = config_text(group, "certificate"),
        .tls_key = config_text(group, "key"),
        .tls_client_ca = *client_ca ? client_ca : NULL,
        .threads = (unsigned)config_number(group, "threads"),
        .connections_most = (unsigned)config_number(group, "connections-most"),
        .routes = routes,
        .route_count = sizeof routes / sizeof *routes,
        .context = &server->context,
    };
    return http_server_start(&options, &server->http, f);
}

static bool procedures_ready(struct role *role, struct moving_terms *ret_moving, struct failure *f)
{
    if (!role->procedures && !examiner_load_procedures(role->config, &role->procedures, f))
        return false;
    moving_terms_read(role->procedures, ret_moving);
    return true;
}

bool console_server_start(struct role *role, struct console_server **ret_server, struct failure *f)
{
    if (!config_require(role->config, "console", f))
        return false;
    const struct config_group *group = config_group(role->config, "console");
    struct console_server *server = memory_allocate(sizeof *server);
    server->context =
        (struct console_context){.role = role, .origin = config_text(group, "origin")};
    db_plan_once(role->db);
    db_plan_in_order(role->db);
    rules_read(group, &server->context.rules);
    server->context.rules.common_base = config_has(role->config, "common-base");
    server->context.freshness = freshness_new();
    server->context.closed = closed_new(role->db, role->city_code);
    server->context.names = names_new(role->db, role->city_code);
    server->context.proving = proving_new(role->db, role->config);
    server->context.slow = slow_new();
    server->context.guesses = guesses_new((double)config_number(group, "guesses-most"));
    if (!common_base_open(role->config, server->context.origin, &server->context.common_base, f) ||
        !origin_read(server->context.origin, server->context.party_id,
                     sizeof server->context.party_id, f) ||
        !report_rules_read(group, &server->context.report_rules, f) ||
        !procedures_ready(role, &server->context.moving, f) ||
        !console_site_load(config_text(group, "site"), &server->context.site, f) ||
        !http_start(server, group, f) || !due_start(role->db, role->city_code, &server->due, f)) {
        console_server_stop(server);
        return false;
    }
    *ret_server = server;
    return true;
}

unsigned console_server_port(const struct console_server *server)
{
    return http_server_port(server->http);
}

void console_server_stop(struct console_server *server)
{
    if (server->http)
        http_server_stop(server->http);
    due_stop(server->due);
    proving_free(server->context.proving);
    closed_free(server->context.closed);
    names_free(server->context.names);
    common_base_close(server->context.common_base);
    moving_terms_free(&server->context.moving);
    rate_free(server->context.guesses);
    slow_free(server->context.slow);
    freshness_free(server->context.freshness);
    console_site_free(server->context.site);
    free(server);
}
