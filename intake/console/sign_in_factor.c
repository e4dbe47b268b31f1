/* The second factor: a one-time code, a WebAuthn assertion, or the word of the common base. */
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

#include "base/cleanup.h"
#include "intake/console/sign_in_internal.h"

/* The account anew and locked: attempts come one after the other. *ret_open: it may go on. */
static bool account_again(struct db_tx *tx, const struct sign_in_at *at,
                          const struct session *session, bool *ret_open,
                          struct account *ret_account, struct failure *f)
{
    bool found;
    if (!account_find(tx, at->city_code, session->account.name, &found, ret_account, f))
        return false;
    *ret_open = found && sign_in_in_force(ret_account, clock_now()) &&
                !sign_in_locked(ret_account, clock_now());
    return true;
}

/* --- one-time codes --------------------------------------------------------------------------- */

struct totp_try {
    const struct sign_in_at *at;
    const struct session *session;
    const char *code;
    enum sign_in outcome;
};

static bool totp_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct totp_try *try = context;
    struct account account;
    uint8_t secret[TOTP_SECRET];
    bool open;
    try->outcome = SIGN_IN_WRONG;
    if (!account_again(tx, try->at, try->session, &open, &account, f))
        return false;
    if (!open || !account.has_totp)
        return sign_in_note(tx, try->at, "session.not-in-force", account.name, NULL, f);
    if (!account_open_totp(tx, try->at->city_key, &account, secret, f))
        return false;
    int64_t step = totp_verify(secret, try->code, clock_now(), account.totp_step);
    OPENSSL_cleanse(secret, sizeof secret);
    if (step == 0)
        return sign_in_failed(tx, try->at, &account, "session.wrong-code", f);
    return account_use_totp(tx, &account, step, f) &&
           sign_in_complete(tx, try->at, try->session, "totp", &try->outcome, f);
}

bool sign_in_totp(const struct sign_in_at *at, const struct session *session, const char *code,
                  enum sign_in *ret_outcome, struct failure *f)
{
    struct totp_try try = {.at = at, .session = session, .code = code};
    if (!db_transaction(at->db, totp_work, &try, f))
        return false;
    *ret_outcome = try.outcome;
    return true;
}

/* --- WebAuthn --------------------------------------------------------------------------------- */

struct challenge {
    const struct sign_in_at *at;
    const struct session *session;
    const uint8_t *challenge;
    struct webauthn_credential *credentials;
    size_t count;
};

static bool challenge_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct challenge *c = context;
    for (size_t i = 0; i < c->count; i++) /* of an earlier run of this transaction */
        webauthn_credential_free(&c->credentials[i]);
    c->count = 0;
    return (!c->credentials ||
            account_credentials(tx, &c->session->account, c->credentials, &c->count, f)) &&
           session_set_challenge(tx, c->session, c->challenge, f);
}

bool sign_in_challenge(const struct sign_in_at *at, const struct session *session,
                       uint8_t ret_challenge[WEBAUTHN_CHALLENGE],
                       struct webauthn_credential ret_credentials[WEBAUTHN_CREDENTIAL_MOST],
                       size_t *ret_count, struct failure *f)
{
    if (RAND_bytes(ret_challenge, WEBAUTHN_CHALLENGE) != 1)
        return failure_set(f, FAILURE_SYSTEM, "no random numbers for a challenge");
    struct challenge c = {
        .at = at, .session = session, .challenge = ret_challenge, .credentials = ret_credentials};
    bool done = db_transaction(at->db, challenge_work, &c, f);
    for (size_t i = 0; !done && i < c.count; i++)
        webauthn_credential_free(&ret_credentials[i]);
    if (ret_count)
        *ret_count = done ? c.count : 0;
    return done;
}

struct webauthn_try {
    const struct sign_in_at *at;
    const struct session *session;
    struct webauthn_party party;
    const struct assertion *assertion;
    enum sign_in outcome;
};

static bool assertion_good(struct db_tx *tx, const struct webauthn_try *try,
                           const struct account *account, bool *ret_good, struct failure *f)
{
    struct webauthn_credential all[WEBAUTHN_CREDENTIAL_MOST];
    size_t count;
    struct failure why = {0};
    bool done = true;
    *ret_good = false;
    if (!account_credentials(tx, account, all, &count, f))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal(buffer_bytes(&all[i].id), try->assertion->id)) {
            *ret_good = webauthn_assert(&try->party, &all[i], try->assertion->client_data,
                                        try->assertion->authenticator_data,
                                        try->assertion->signature, &why);
            done = !*ret_good || account_use_credential(tx, account, &all[i], clock_now(), f);
        }
        webauthn_credential_free(&all[i]);
    }
    return done;
}

static bool webauthn_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct webauthn_try *try = context;
    struct account account;
    bool open, good;
    try->outcome = SIGN_IN_WRONG;
    if (!account_again(tx, try->at, try->session, &open, &account, f))
        return false;
    if (!open || !try->session->has_challenge)
        return sign_in_note(tx, try->at, "session.not-in-force", account.name, NULL, f);
    if (!session_set_challenge(tx, try->session, NULL, f) || /* a challenge is good once */
        !assertion_good(tx, try, &account, &good, f))
        return false;
    if (!good)
        return sign_in_failed(tx, try->at, &account, "session.wrong-assertion", f);
    return sign_in_complete(tx, try->at, try->session, "webauthn", &try->outcome, f);
}

bool sign_in_webauthn(const struct sign_in_at *at, const struct session *session,
                      const char *origin, const char *party_id, const struct assertion *assertion,
                      enum sign_in *ret_outcome, struct failure *f)
{
    struct webauthn_try try = {.at = at,
                               .session = session,
                               .party = {origin, party_id, session->challenge},
                               .assertion = assertion};
    if (!db_transaction(at->db, webauthn_work, &try, f))
        return false;
    *ret_outcome = try.outcome;
    return true;
}

/* --- the common base -------------------------------------------------------------------------- */

struct word_try {
    const struct sign_in_at *at;
    const struct session *session;
    const struct common_base_word *word;
    enum sign_in outcome;
};

/* A code for the first time, which may be out, is used up: nobody sets up a factor with it now. */
static bool word_good(struct db_tx *tx, struct word_try *try, const struct account *account,
                      struct failure *f)
{
    return (account->enrolment_until == 0 || account_enrolled(tx, account, f)) &&
           sign_in_complete(tx, try->at, try->session, "common-base", &try->outcome, f);
}

static bool word_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct word_try *try = context;
    struct account account;
    bool open;
    try->outcome = SIGN_IN_WRONG;
    if (!account_again(tx, try->at, try->session, &open, &account, f))
        return false;
    if (!open || !try->session->has_challenge)
        return sign_in_note(tx, try->at, "session.not-in-force", account.name, NULL, f);
    if (!session_set_challenge(tx, try->session, NULL, f))
        return false;
    if (strcmp(try->word->name, account.name) != 0)
        return sign_in_failed(tx, try->at, &account, "session.wrong-common-base", f);
    return word_good(tx, try, &account, f);
}

bool sign_in_common_base(const struct sign_in_at *at, const struct session *session,
                         const struct common_base_word *word, enum sign_in *ret_outcome,
                         struct failure *f)
{
    struct word_try try = {.at = at, .session = session, .word = word};
    if (!db_transaction(at->db, word_work, &try, f))
        return false;
    *ret_outcome = try.outcome;
    return true;
}
