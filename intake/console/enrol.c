/* The first time at the console: a one-time code, a password, a second factor. */
#include <openssl/crypto.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/console/sign_in_internal.h"

struct beginning {
    const struct sign_in_at *at;
    const char *name, *code;
    struct password_look look;
    struct new_password new;
    enum sign_in outcome;
    char token[SESSION_TOKEN];
};

static bool code_right(const struct account *account, const char *code, instant now)
{
    uint8_t hash[32];
    sha256(bytes_of_text(code), hash);
    return account->enrolment_until > now &&
           CRYPTO_memcmp(hash, account->enrolment, sizeof hash) == 0;
}

static bool begin_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct beginning *b = context;
    struct account account;
    bool found;
    instant now = clock_now();
    b->outcome = SIGN_IN_WRONG;
    if (!account_find(tx, b->at->city_code, b->name, &found, &account, f))
        return false;
    if (!found)
        return sign_in_note(tx, b->at, "session.unknown-name", "-", NULL, f);
    if (!sign_in_in_force(&account, now) || sign_in_locked(&account, now))
        return sign_in_note(tx, b->at, "session.not-in-force", account.name, NULL, f);
    if (!code_right(&account, b->code, now) || !b->new.judged || !sign_in_still(&b->look, &account))
        return sign_in_failed(tx, b->at, &account, "account.wrong-enrolment", f);
    if (b->new.fault != PASSWORD_GOOD) {
        b->outcome = SIGN_IN_PASSWORD;
        return true;
    }
    return sign_in_here(tx, b->at, &account, &b->outcome, f) &&
           (b->outcome != SIGN_IN_NEXT ||
            (sign_in_set_password(tx, b->at, &account, &b->new, f) &&
             session_begin(tx, &account, b->at->terminal, now, now + ENROL_SESSION, b->token, f)));
}

/* Only who has the code has a password judged. */
static bool begin_prepare(struct beginning *b, const char *password, struct failure *f)
{
    const struct account *account = &b->look.account;
    if (!account_look(b->at->db, b->at->city_code, b->name, &b->look.found, &b->look.account, f))
        return false;
    return !b->look.found || sign_in_locked(account, clock_now()) ||
           !code_right(account, b->code, clock_now()) ||
           sign_in_new_password(b->at, account, password, &b->new, f);
}

bool enrol_begin(const struct sign_in_at *at, const char *name, const char *code,
                 const char *password, enum sign_in *ret_outcome, enum password_fault *ret_fault,
                 char ret_token[SESSION_TOKEN], struct failure *f)
{
    struct beginning b = {.at = at, .name = name, .code = code};
    if (!begin_prepare(&b, password, f) || !db_transaction(at->db, begin_work, &b, f))
        return false;
    *ret_outcome = b.outcome;
    *ret_fault = b.new.fault;
    if (b.outcome == SIGN_IN_NEXT)
        memcpy(ret_token, b.token, SESSION_TOKEN);
    return true;
}

/* --- the second factor ------------------------------------------------------------------------ */

struct setting_up {
    const struct sign_in_at *at;
    const struct session *session;
    const uint8_t *secret;
    int64_t step;
    const struct webauthn_credential *credential;
    const char *label;
    enum sign_in outcome;
};

/* The code is used up here, so nobody sets up another factor with it; and only while it is there.
 */
static bool set_up_work(struct db_tx *tx, void *context, struct failure *f)
{
    struct setting_up *s = context;
    struct account account;
    bool found;
    s->outcome = SIGN_IN_WRONG;
    if (!account_find(tx, s->at->city_code, s->session->account.name, &found, &account, f))
        return false;
    if (!found || account.enrolment_until <= clock_now())
        return sign_in_note(tx, s->at, "session.not-in-force", s->session->account.name, NULL, f);
    bool stored =
        s->secret ? account_set_totp(tx, s->at->city_key, &account, s->secret, s->step, f)
                  : account_add_credential(tx, &account, s->credential, s->label, clock_now(), f);
    return stored && account_enrolled(tx, &account, f) &&
           sign_in_note(tx, s->at, s->secret ? "account.totp-set" : "account.credential-added",
                        account.name, NULL, f) &&
           sign_in_complete(tx, s->at, s->session, s->secret ? "totp" : "webauthn", &s->outcome, f);
}

bool enrol_totp(const struct sign_in_at *at, const struct session *session,
                const uint8_t secret[TOTP_SECRET], const char *code, enum sign_in *ret_outcome,
                struct failure *f)
{
    struct setting_up s = {.at = at, .session = session, .secret = secret};
    s.step = totp_verify(secret, code, clock_now(), 0);
    *ret_outcome = SIGN_IN_WRONG;
    if (s.step == 0)
        return true;
    if (!db_transaction(at->db, set_up_work, &s, f))
        return false;
    *ret_outcome = s.outcome;
    return true;
}

bool enrol_webauthn(const struct sign_in_at *at, const struct session *session, const char *origin,
                    const char *party_id, const char *label, struct bytes client_data,
                    struct bytes authenticator_data, enum sign_in *ret_outcome, struct failure *f)
{
    struct webauthn_credential credential = {0};
    const struct webauthn_party party = {origin, party_id, session->challenge};
    struct failure why = {0};
    *ret_outcome = SIGN_IN_WRONG;
    if (!session->has_challenge ||
        !webauthn_register(&party, client_data, authenticator_data, &credential, &why))
        return true;
    struct setting_up s = {.at = at, .session = session, .credential = &credential, .label = label};
    bool done = db_transaction(at->db, set_up_work, &s, f);
    webauthn_credential_free(&credential);
    if (done)
        *ret_outcome = s.outcome;
    return done;
}
