/* The site's test My Number cards: who logs in, with which PIN, and how often it was wrong. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "deploy/sandbox/portal_site.h"

#define COOKIE "session="

static const char *card_id(const json_t *card)
{
    return json_string_value(json_object_get(card, "id"));
}

static const json_t *card_find(const struct portal_site *site, const char *id)
{
    size_t i;
    json_t *card;
    json_array_foreach (site->cards, i, card)
        if (id && strcmp(card_id(card), id) == 0)
            return card;
    return NULL;
}

/* --- sessions --------------------------------------------------------------------------------- */

static bool cookie_token(struct http_request *request, char ret_token[33])
{
    const char *header = http_request_header(request, "Cookie");
    const char *found = header ? strstr(header, COOKIE) : NULL;
    if (!found || strlen(found + strlen(COOKIE)) < 32)
        return false;
    snprintf(ret_token, 33, "%.32s", found + strlen(COOKIE));
    return true;
}

static struct site_session *session_of(struct portal_site *site, struct http_request *request)
{
    char token[33];
    if (!cookie_token(request, token))
        return NULL;
    for (size_t i = 0; i < SITE_SESSIONS; i++) {
        struct site_session *session = &site->sessions[i];
        if (session->card && session->until > clock_monotonic() &&
            strcmp(session->token, token) == 0)
            return session;
    }
    return NULL;
}

const json_t *site_card_of(struct portal_site *site, struct http_request *request)
{
    struct site_session *session = session_of(site, request);
    if (!session)
        return NULL;
    session->until = clock_monotonic() + SITE_SESSION_SECONDS * INSTANT_SECOND;
    return session->card;
}

static void session_begin(struct portal_site *site, struct http_request *request,
                          const json_t *card)
{
    struct site_session *session = &site->sessions[site->next_session++ % SITE_SESSIONS];
    char cookie[128];
    site_random(session->token);
    session->card = card;
    session->until = clock_monotonic() + SITE_SESSION_SECONDS * INSTANT_SECOND;
    snprintf(cookie, sizeof cookie, COOKIE "%s; Path=/; HttpOnly; SameSite=Strict", session->token);
    http_reply_header(request, "Set-Cookie", cookie);
}

/* --- PINs ------------------------------------------------------------------------------------- */

static int failed_of(const struct portal_site *site, const char *id, const char *which)
{
    return (int)json_integer_value(json_object_get(json_object_get(site->tries, id), which));
}

static void failed_set(struct portal_site *site, const char *id, const char *which, int failed)
{
    struct failure f = {0};
    _cleanup_(cleanup_text) char *path = text_format("%s/cards.json", site->folder);
    json_t *of_card = json_object_get(site->tries, id);
    if (!of_card)
        json_object_set_new(site->tries, id, of_card = json_object());
    json_object_set_new(of_card, which, json_integer(failed));
    if (!site_json_save(path, site->tries, &f))
        fprintf(stderr, "uketsuke-sandbox portal: %s\n", f.text);
}

enum site_pin site_pin_try(struct portal_site *site, const json_t *card, const char *which,
                           const char *pin, int *ret_left)
{
    const char *id = card_id(card);
    bool login = strcmp(which, "login") == 0;
    int most = login ? SITE_LOGIN_TRIES : SITE_SIGN_TRIES, failed = failed_of(site, id, which);
    *ret_left = 0;
    if (failed >= most)
        return PIN_LOCKED;
    const char *right = json_string_value(json_object_get(card, login ? "login_pin" : "sign_pin"));
    if (pin && strcmp(pin, right) == 0) {
        if (failed)
            failed_set(site, id, which, 0);
        return PIN_RIGHT;
    }
    failed_set(site, id, which, failed + 1);
    *ret_left = most - failed - 1;
    return *ret_left ? PIN_WRONG : PIN_LOCKED;
}

enum http_flow site_pin_refuse(struct http_request *request, enum site_pin pin, int left)
{
    if (pin == PIN_LOCKED)
        return http_reply_json(request, 423,
                               json_pack("{s:s, s:i}", "code", "pin-locked", "left", 0));
    return http_reply_json(request, 403,
                           json_pack("{s:s, s:i}", "code", "pin-wrong", "left", left));
}

/* --- endpoints -------------------------------------------------------------------------------- */

/* For choosing one: the PINs too, for they are test cards. */
static json_t *choice_json(const struct portal_site *site, const json_t *card)
{
    static const char *const shown[] = {"id",      "name",      "birth_date",
                                        "address", "login_pin", "sign_pin"};
    json_t *choice = json_object();
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        json_object_set(choice, shown[i], json_object_get(card, shown[i]));
    json_object_set_new(choice, "login_locked",
                        json_boolean(failed_of(site, card_id(card), "login") >= SITE_LOGIN_TRIES));
    json_object_set_new(choice, "sign_locked",
                        json_boolean(failed_of(site, card_id(card), "sign") >= SITE_SIGN_TRIES));
    return choice;
}

/* What the card tells of its holder. */
static json_t *resident_json(const json_t *card)
{
    static const char *const told[] = {"id",      "name",    "name_kana",   "birth_date",
                                       "sex",     "address", "postal_code", "individual_number",
                                       "sign_pin"};
    json_t *resident = json_object();
    for (size_t i = 0; card && i < sizeof told / sizeof *told; i++)
        json_object_set(resident, told[i], json_object_get(card, told[i]));
    return resident;
}

enum http_flow site_session_get(struct portal_site *site, struct http_request *request,
                                const json_t *card)
{
    json_t *choices = json_array(), *one;
    size_t i;
    json_array_foreach (site->cards, i, one)
        json_array_append_new(choices, choice_json(site, one));
    return http_reply_json(request, 200,
                           json_pack("{s:o, s:o}", "resident",
                                     card ? resident_json(card) : json_null(), "cards", choices));
}

enum http_flow site_session_post(struct portal_site *site, struct http_request *request,
                                 const json_t *card)
{
    int left;
    _cleanup_(cleanup_json) json_t *body = http_request_json(request);
    if (!body)
        return HTTP_DONE;
    card = card_find(site, json_string_value(json_object_get(body, "card")));
    if (!card)
        return http_reply_error(request, 400, "E0002", "there is no such card");
    enum site_pin pin =
        site_pin_try(site, card, "login", json_string_value(json_object_get(body, "pin")), &left);
    if (pin != PIN_RIGHT)
        return site_pin_refuse(request, pin, left);
    session_begin(site, request, card);
    return http_reply_json(request, 200, json_pack("{s:o}", "resident", resident_json(card)));
}

enum http_flow site_session_delete(struct portal_site *site, struct http_request *request,
                                   const json_t *card)
{
    (void)card;
    struct site_session *session = session_of(site, request);
    if (session)
        *session = (struct site_session){0};
    http_reply_header(request, "Set-Cookie",
                      COOKIE "; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    return http_reply_json(request, 200, json_object());
}

/* What the town hall's counter does for a locked card. */
enum http_flow site_card_reset(struct portal_site *site, struct http_request *request,
                               const json_t *card)
{
    card = card_find(site, http_request_parameter(request, "id"));
    if (!card)
        return http_reply_error(request, 404, "E0100", "there is no such card");
    failed_set(site, card_id(card), "login", 0);
    failed_set(site, card_id(card), "sign", 0);
    return http_reply_json(request, 200, choice_json(site, card));
}
