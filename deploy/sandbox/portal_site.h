/* The residents' side of the sandbox portal as a web site: static pages (built from
 * deploy/sandbox/site) and the JSON API that they speak. What a service needs is told by
 * `uketsuke forms describe --all`, so that the portal knows no procedure and no rule of a city: it
 * checks the form only (形式チェック). Test My Number cards come from `town cards`.
 *
 * Handlers run under one lock. What is kept lies in STATE/site: drafts/ID.json, files/, cards.json
 * (failed PINs). */
#ifndef UKETSUKE_SANDBOX_PORTAL_SITE_H
#define UKETSUKE_SANDBOX_PORTAL_SITE_H

#include <jansson.h>
#include <pthread.h>

#include "base/http_server.h"
#include "deploy/sandbox/portal_store.h"

#define SITE_CITY "992011" /* 桜野市: the site is hers */
enum {
    SITE_SESSIONS = 256,
    SITE_SESSION_SECONDS = 3600,
    SITE_PAGES_MOST = 32,
    SITE_VALUES_MOST = 1 << 20, /* bytes of a form's JSON */
    SITE_FILE_MOST = 10 << 20,  /* bytes of an attachment, unless its document says less */
    SITE_LOGIN_TRIES = 3,       /* 利用者証明用: four digits */
    SITE_SIGN_TRIES = 5,        /* 署名用: 6 to 16 characters */
};

struct site_page {
    char *name; /* "index.html" */
    const char *type;
    struct buffer bytes;
};

struct site_session {
    char token[33];
    const json_t *card;
    int64_t until; /* clock_monotonic */
};

struct portal_site {
    pthread_mutex_t mutex; /* of all that follows */
    struct portal_store *store;
    char *folder, *card_folder;
    json_t *services; /* descriptions */
    json_t *cards;    /* of cards.json */
    json_t *tries;    /* card id → {"login": failed, "sign": failed} */
    json_t *drafts;   /* id → draft */
    struct site_page pages[SITE_PAGES_MOST];
    size_t page_count;
    struct site_session sessions[SITE_SESSIONS];
    size_t next_session;
};

struct site_options {
    const char *state, *pages, *services, *cards;
};
bool portal_site_open(const struct site_options *options, struct portal_store *store,
                      struct portal_site **ret_site, struct failure *f);
void portal_site_close(struct portal_site *site);

extern const struct http_route portal_site_routes[];
extern const size_t portal_site_route_count;

/* Every endpoint of the API: under the lock; `card` is who is logged in, NULL for nobody. */
typedef enum http_flow site_handler(struct portal_site *site, struct http_request *request,
                                    const json_t *card);

/* --- portal_site.c --- */
json_t *site_json_load(const char *path, struct failure *f);
bool site_json_save(const char *path, const json_t *json, struct failure *f); /* atomically */
void site_random(char ret_hex[33]);

/* --- portal_cards.c --- */
site_handler site_session_get, site_session_post, site_session_delete, site_card_reset;
const json_t *site_card_of(struct portal_site *site, struct http_request *request);
enum site_pin { PIN_RIGHT, PIN_WRONG, PIN_LOCKED };
/* `which` is "login" or "sign"; counts, and keeps the count. */
enum site_pin site_pin_try(struct portal_site *site, const json_t *card, const char *which,
                           const char *pin, int *ret_left);
enum http_flow site_pin_refuse(struct http_request *request, enum site_pin pin, int left);

/* --- portal_services.c --- */
site_handler site_services_get, site_service_get;
const json_t *site_service_find(const struct portal_site *site, const char *id,
                                const char *version); /* version NULL: the last current one */

/* --- portal_drafts.c --- */
site_handler site_drafts_get, site_drafts_post, site_draft_get, site_draft_put, site_draft_delete,
    site_draft_check;
/* The draft of the path's {id} that is the card's and not submitted; NULL after replying. */
json_t *site_draft_take(struct portal_site *site, struct http_request *request, const json_t *card);
bool site_draft_save(struct portal_site *site, json_t *draft, struct failure *f);
enum http_flow site_broken(struct http_request *request, const struct failure *f);

/* --- portal_files.c --- */
site_handler site_file_post, site_file_delete;
char *site_file_path(const struct portal_site *site, const char *draft, const char *file);

/* --- portal_check.c --- */
/* 形式チェック of the values: required items, lengths, characters, choices, days, check digits,
 * documents. [{"path", "code", "message"}], in the order of the screen; empty: none. */
json_t *site_form_check(const json_t *service, const json_t *draft);

/* --- portal_form.c --- */
/* application.xml of the values: the elements in the order of form.xsd, those that are empty left
 * out. */
void site_form_write(const json_t *service, const json_t *values, struct buffer *ret_xml);
/* Of the item at `path` ("children/child[2]/name"): what the condition looks at is taken from the
 * same entry of a list, as far as both paths go together. */
bool site_condition_holds(const json_t *condition, const json_t *values, const char *path);
const json_t *site_value_at(const json_t *values, const char *path); /* NULL: none */

/* --- portal_submit.c --- */
site_handler site_draft_submit;

/* --- portal_mine.c --- */
site_handler site_applications_get, site_application_get, site_application_withdraw;

#endif
