/* Who may do what at the pull API: each destination's certificates, OAuth client, scopes; tokens
 * that were seen lately; how often anything may be asked. */
#ifndef UKETSUKE_ROUTING_ACCESS_H
#define UKETSUKE_ROUTING_ACCESS_H

#include "base/http_server.h"
#include "base/rate.h"
#include "routing/claim.h"
#include "routing/floor.h"
#include "routing/scope.h"
#include "routing/server.h"
#include "routing/token.h"

#define ACCESS_SECRETS 2 /* two stand there while one is being replaced */

struct access_client { /* one [destination NAME] */
    const char *destination;
    bool needs_token;      /* auth = mtls+token */
    bool package;          /* may have the whole 申請ZIP */
    const char *client_id; /* "" without */
    struct buffer secrets[ACCESS_SECRETS];
    uint8_t marks[ACCESS_SECRETS][TOKEN_SECRET]; /* of them, as a token has it */
    routing_scopes scopes;                       /* that it may ask for */
    struct floor *floor;                         /* nothing of it waits up to here */
    struct claim_end *claim_end;
};

struct access;

/* Whether a [destination NAME] has what its `auth` needs: an OAuth client's id, and a secret unless
 * an external server gives the tokens (`introspected`). Reads no secret. */
bool access_client_check(const struct config_group *group, bool introspected, struct failure *f);

/* Reads [routing], every [destination] and their secrets. `options` is borrowed until
 * access_close. */
bool access_open(const struct routing_options *options, struct access **ret_access,
                 struct failure *f);
void access_close(struct access *access);

/* NULL when there is none of that name. */
const struct access_client *access_client_named(const struct access *access, const char *name);
const struct access_client *access_client_of_peer(const struct access *access, const char *peer);
const struct access_client *access_client_by_id(const struct access *access, const char *client_id);
bool access_issues_tokens(const struct access *access); /* false: an external server does */
const char *access_business_id(const struct access *access);

/* The audience of assertions: [routing] audience, or https://ADDRESS/routing/v1/token with the
 * port that the server got. */
void access_set_port(struct access *access, unsigned port);
const char *access_audience(const struct access *access);

/* --- rates: false after the time to wait was told ----------------------------------------------
 */

bool access_request_allowed(struct access *access, const char *destination, instant *ret_wait);
bool access_address_allowed(struct access *access, const char *address, instant *ret_wait);
void access_note_refusal(struct access *access, const char *address);

/* --- tokens ------------------------------------------------------------------------------------
 */

/* A token as we, or the external authorization server, know it; *ret_found false: neither does.
 * Remembers what is good for a while. */
bool access_token(struct access *access, const char *text, bool *ret_found, struct token *ret_token,
                  struct failure *f);
/* Whether it is the client's, and (a token of ours) the secret that it was asked for by still is:
 * one that was replaced takes its tokens with it. */
bool access_token_stands(const struct access *access, const struct access_client *client,
                         const struct token *token);

#endif
