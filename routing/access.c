#include "routing/access.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/secret_file.h"
#include "base/text.h"
#include "routing/introspection.h"
#include "routing/route.h"

#define SECRET_LEAST 32 /* characters, as the national API rules have it */
#define SECRET_MOST  1024
#define CACHE_SLOTS  512 /* tokens that were seen lately */
#define CACHE_LIFE   (10 * INSTANT_SECOND)

struct cached {
    uint8_t hash[32]; /* of the text */
    int64_t until;    /* clock_monotonic; 0: nothing here */
    struct token token;
};

struct access {
    const struct routing_options *options;
    const struct config_group *group; /* [routing] */
    struct access_client *clients;
    size_t count;
    char audience[256];
    struct rate *requests, *refusals;
    struct http_service *introspection; /* NULL: tokens are ours */
    pthread_mutex_t mutex;              /* of the cache */
    struct cached cache[CACHE_SLOTS];
};

/* --- reading the configuration -----------------------------------------------------------------
 */

static bool read_secret(const char *path, const char *destination, struct buffer *ret_secret,
                        struct failure *f)
{
    if (!secret_file_read("client secret", path, SECRET_MOST, ret_secret, f))
        return false;
    while (ret_secret->length && ret_secret->data[ret_secret->length - 1] == '\n')
        ret_secret->length--;
    return ret_secret->length >= SECRET_LEAST ||
           failure_set(f, FAILURE_USAGE,
                       "[destination %s] client-secret: %s must hold at least %d characters",
                       destination, path, SECRET_LEAST);
}

static bool client_id_sound(const char *client_id)
{
    size_t length = strspn(client_id, "0123456789"
                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
    return length == 32 && client_id[length] == '\0';
}

static bool read_scopes(const struct config_group *group, const char *business_id,
                        routing_scopes *ret_scopes, struct failure *f)
{
    size_t count = config_list_length(group, "scopes");
    routing_scopes scopes = 0;
    for (size_t i = 0; i < count; i++) {
        routing_scopes one = 0;
        if (!scopes_parse(config_list_item(group, "scopes", i), business_id, &one))
            return failure_set(f, FAILURE_USAGE,
                               "[destination %s] scopes: %s is no scope of the pull API "
                               "(docs/api/routing.yaml lists them)",
                               config_name(group), config_list_item(group, "scopes", i));
        scopes |= one;
    }
    *ret_scopes = count ? scopes : SCOPES_ALL;
    return true;
}

/* Who has no certificate can't come here at all, and needs no token. */
static bool needs_token(const struct config_group *group)
{
    return config_list_length(group, "peers") && !strcmp(config_text(group, "auth"), "mtls+token");
}

bool access_client_check(const struct config_group *group, bool introspected, struct failure *f)
{
    size_t count = config_list_length(group, "client-secret");
    if (!needs_token(group))
        return true;
    if (!client_id_sound(config_text(group, "client-id")))
        return failure_set(f, FAILURE_USAGE,
                           "[destination %s] needs client-id, 32 of 0-9 A-Z a-z, or auth = mtls",
                           config_name(group));
    if (count > ACCESS_SECRETS || (count == 0 && !introspected))
        return failure_set(f, FAILURE_USAGE,
                           "[destination %s] needs client-secret (one file, or two while one is "
                           "being replaced), or auth = mtls",
                           config_name(group));
    return true;
}

static bool read_secrets(const struct access *access, const struct config_group *group,
                         struct access_client *client, struct failure *f)
{
    for (size_t i = 0; i < config_list_length(group, "client-secret"); i++) {
        if (!read_secret(config_list_item(group, "client-secret", i), client->destination,
                         &client->secrets[i], f))
            return false;
        city_key_hash(access->options->city_key, "client-secret", buffer_bytes(&client->secrets[i]),
                      client->marks[i]);
    }
    return true;
}

static bool read_client(struct access *access, const struct config_group *group,
                        struct access_client *client, struct failure *f)
{
    client->destination = config_name(group);
    client->floor = memory_allocate(sizeof *client->floor);
    client->claim_end = memory_allocate(sizeof *client->claim_end);
    client->client_id = config_text(group, "client-id");
    client->needs_token = needs_token(group);
    client->package = config_boolean(group, "package");
    if (!read_scopes(group, access_business_id(access), &client->scopes, f) ||
        !access_client_check(group, access->introspection != NULL, f) ||
        (client->needs_token && !read_secrets(access, group, client, f)))
        return false;
    for (const struct access_client *c = access->clients; client->needs_token && c < client; c++)
        if (c->needs_token && strcmp(c->client_id, client->client_id) == 0)
            return failure_set(f, FAILURE_USAGE,
                               "[destination %s] and [destination %s] share a client-id: each "
                               "needs its own",
                               c->destination, client->destination);
    return true;
}

static bool read_clients(struct access *access, struct failure *f)
{
    const struct config *config = access->options->config;
    const struct config_group *group = NULL;
    size_t count = 0;
    while ((group = config_next(config, "destination", group)))
        count++;
    access->clients = memory_allocate((count + 1) * sizeof *access->clients);
    while ((group = config_next(config, "destination", group)))
        if (!read_client(access, group, &access->clients[access->count++], f))
            return false;
    return true;
}

bool access_open(const struct routing_options *options, struct access **ret_access,
                 struct failure *f)
{
    struct access *access = memory_allocate(sizeof *access);
    pthread_mutex_init(&access->mutex, NULL);
    access->options = options;
    access->group = config_group(options->config, "routing");
    double requests = (double)config_number(access->group, "requests-most");
    double refusals = (double)config_number(access->group, "refusals-most");
    access->requests = rate_new(requests, 2 * requests);
    access->refusals = rate_new(refusals / 60, refusals);
    if (!introspection_open(access->group, &access->introspection, f) || !read_clients(access, f)) {
        access_close(access);
        return false;
    }
    *ret_access = access;
    return true;
}

void access_close(struct access *access)
{
    if (!access)
        return;
    for (size_t i = 0; i < access->count; i++) {
        free(access->clients[i].floor);
        free(access->clients[i].claim_end);
        for (size_t j = 0; j < ACCESS_SECRETS; j++)
            buffer_erase_free(&access->clients[i].secrets[j]);
    }
    free(access->clients);
    rate_free(access->requests);
    rate_free(access->refusals);
    http_service_close(access->introspection);
    pthread_mutex_destroy(&access->mutex);
    free(access);
}

/* --- clients ------------------------------------------------------------------------------------
 */

const struct access_client *access_client_named(const struct access *access, const char *name)
{
    for (size_t i = 0; name && i < access->count; i++)
        if (strcmp(access->clients[i].destination, name) == 0)
            return &access->clients[i];
    return NULL;
}

const struct access_client *access_client_of_peer(const struct access *access, const char *peer)
{
    return access_client_named(access, destination_of_peer(access->options->config, peer));
}

const struct access_client *access_client_by_id(const struct access *access, const char *client_id)
{
    for (size_t i = 0; i < access->count; i++)
        if (access->clients[i].needs_token && strcmp(access->clients[i].client_id, client_id) == 0)
            return &access->clients[i];
    return NULL;
}

bool access_issues_tokens(const struct access *access)
{
    return !access->introspection;
}

const char *access_business_id(const struct access *access)
{
    return config_text(access->group, "business-id");
}

void access_set_port(struct access *access, unsigned port)
{
    const char *configured = config_text(access->group, "audience");
    const char *address = config_text(access->group, "address");
    const char *colon = strrchr(address, ':');
    if (*configured)
        snprintf(access->audience, sizeof access->audience, "%s", configured);
    else
        snprintf(access->audience, sizeof access->audience, "https://%.*s:%u/routing/v1/token",
                 (int)(colon ? colon - address : 0), address, port);
}

const char *access_audience(const struct access *access)
{
    return access->audience;
}

/* --- rates --------------------------------------------------------------------------------------
 */

bool access_request_allowed(struct access *access, const char *destination, instant *ret_wait)
{
    return rate_take(access->requests, destination, clock_monotonic(), ret_wait);
}

bool access_address_allowed(struct access *access, const char *address, instant *ret_wait)
{
    return rate_left(access->refusals, address, clock_monotonic(), ret_wait);
}

void access_note_refusal(struct access *access, const char *address)
{
    instant wait;
    rate_take(access->refusals, address, clock_monotonic(), &wait);
}

/* --- tokens -------------------------------------------------------------------------------------
 */

static struct cached *cached_at(struct access *access, const uint8_t hash[32])
{
    return &access->cache[(hash[0] << 8 | hash[1]) % CACHE_SLOTS];
}

static bool cache_find(struct access *access, const uint8_t hash[32], struct token *ret_token)
{
    pthread_mutex_lock(&access->mutex);
    struct cached *cached = cached_at(access, hash);
    bool found = cached->until > clock_monotonic() && memcmp(cached->hash, hash, 32) == 0;
    if (found)
        *ret_token = cached->token;
    pthread_mutex_unlock(&access->mutex);
    return found;
}

static void cache_keep(struct access *access, const uint8_t hash[32], const struct token *token)
{
    pthread_mutex_lock(&access->mutex);
    struct cached *cached = cached_at(access, hash);
    memcpy(cached->hash, hash, 32);
    cached->token = *token;
    cached->until = clock_monotonic() + CACHE_LIFE;
    pthread_mutex_unlock(&access->mutex);
}

struct finding {
    const struct access *access;
    const char *text;
    bool found;
    struct token token;
};

static bool find_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct finding *x = context;
    return token_find(tx, x->access->options->city_code, access_business_id(x->access), x->text,
                      &x->found, &x->token, f);
}

/* The authorization server knows clients, not destinations. */
static bool ask_outside(struct access *access, struct finding *x, struct failure *f)
{
    if (!introspection_ask(access->introspection, x->text, access_business_id(access), &x->found,
                           &x->token, f))
        return false;
    const struct access_client *client =
        x->found ? access_client_by_id(access, x->token.client_id) : NULL;
    snprintf(x->token.destination, sizeof x->token.destination, "%s",
             client ? client->destination : "");
    return true;
}

bool access_token(struct access *access, const char *text, bool *ret_found, struct token *ret_token,
                  struct failure *f)
{
    uint8_t hash[32];
    struct finding x = {.access = access, .text = text};
    sha256(bytes_of_text(text), hash);
    x.found = cache_find(access, hash, &x.token);
    if (!x.found) {
        if (access->introspection ? !ask_outside(access, &x, f)
                                  : !db_transaction(access->options->db, find_work, &x, f))
            return false;
        if (x.found)
            cache_keep(access, hash, &x.token);
    }
    *ret_found = x.found;
    *ret_token = x.token;
    return true;
}

static bool secret_stands(const struct access_client *client, const struct token *token)
{
    for (size_t i = 0; i < ACCESS_SECRETS; i++)
        if (client->secrets[i].length && memcmp(client->marks[i], token->secret, TOKEN_SECRET) == 0)
            return true;
    return false;
}

bool access_token_stands(const struct access *access, const struct access_client *client,
                         const struct token *token)
{
    return strcmp(token->destination, client->destination) == 0 &&
           strcmp(token->client_id, client->client_id) == 0 &&
           (access->introspection || secret_stands(client, token));
}
