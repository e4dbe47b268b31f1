/* The city's common base (共通基盤): where all its staff show who they are, by face, card or what
 * it has. An OpenID Connect provider (Core §3.1: authorization code, with PKCE, RFC 7636) whose
 * word counts as the second factor here: [common-base]. No database; the half session that asks is
 * told by its challenge, of which all is made that must come back. */
#ifndef UKETSUKE_INTAKE_CONSOLE_COMMON_BASE_H
#define UKETSUKE_INTAKE_CONSOLE_COMMON_BASE_H

#include "base/config.h"
#include "intake/console/account.h"

extern const struct config_section common_base_config_section;

struct common_base; /* thread-safe */

/* `origin`: of the console, to whose first page the browser comes back. *ret is NULL when the
 * configuration has no [common-base]. */
bool common_base_open(const struct config *config, const char *origin, struct common_base **ret,
                      struct failure *f);
void common_base_close(struct common_base *base); /* NULL: nothing */

const char *common_base_title(const struct common_base *base); /* what staff call it; NULL: none */
/* Where the browser goes. */
char *common_base_address(const struct common_base *base,
                          const uint8_t challenge[WEBAUTHN_CHALLENGE]);
struct common_base_word {
    char name[ACCOUNT_NAME]; /* whom it names; "": nobody, and `why` says why not */
    const char *why;         /* "state", "code", "id-token-…"; NULL */
};
/* What the base says to what the browser brought back. FAILURE_NETWORK: it does not answer. */
bool common_base_ask(struct common_base *base, const uint8_t challenge[WEBAUTHN_CHALLENGE],
                     const char *state, const char *code, struct common_base_word *ret_word,
                     struct failure *f);

#endif
