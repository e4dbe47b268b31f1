#include "intake/console/common_base.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/http_service.h"
#include "base/jws.h"
#include "base/log.h"
#include "base/text.h"
#include "intake/console/account.h"
#include "intake/console/id_token.h"

#define CLASSES_MOST 8

static const struct config_key keys[] = {
    {"title", CONFIG_TEXT, "共通基盤", .help = "What staff call it."},
    {"issuer", CONFIG_TEXT, NULL,
     .help = "`issuer`, as its /.well-known/openid-configuration has it, to the letter; the three "
             "addresses that follow stand there, too."},
    {"authorization-url", CONFIG_TEXT, NULL, .help = "`authorization_endpoint`."},
    {"token-url", CONFIG_TEXT, NULL, .help = "`token_endpoint`."},
    {"keys-url", CONFIG_TEXT, NULL, .help = "`jwks_uri`."},
    {"ca", CONFIG_PATH, NULL,
     .help = "Certificates (PEM) that token-url and keys-url are trusted by."},
    {"client-id", CONFIG_TEXT, NULL,
     .help = "Who we are there: a confidential client (client_secret_basic), its redirect URI "
             "[console] origin with a slash behind it."},
    {"client-secret", CONFIG_PATH, NULL, .help = "File with its secret, which only we may read."},
    {"claim", CONFIG_TEXT, "preferred_username",
     .help = "Claim of the ID token that names an account of the console: both are the same name."},
    {"acr", CONFIG_LIST, "",
     .help = "How somebody must have shown there who they are (values of `acr`, up to 8); none: as "
             "the base sees fit."},
    {"age", CONFIG_DURATION, "5min", INSTANT_SECOND, INSTANT_DAY,
     .help = "So long ago they may have shown it; else the base asks them anew."},
};
const struct config_section common_base_config_section = {
    .name = "common-base",
    .help =
        "The city's common base (共通基盤): an OpenID Connect provider whose word counts as the "
        "second factor at the console. Without the section there is none.",
    .keys = keys,
    .key_count = sizeof keys / sizeof *keys,
};

struct common_base {
    const struct config_group *group;
    char *redirect;
    const char *classes[CLASSES_MOST];
    size_t class_count;
    struct http_service *token, *keys;
    pthread_mutex_t mutex; /* of what follows */
    json_t *key_set;       /* as last fetched; NULL: not yet */
};

/* --- opening ------------------------------------------------------------------------------------
 */

static bool classes_read(struct common_base *base, struct failure *f)
{
    base->class_count = config_list_length(base->group, "acr");
    if (base->class_count > CLASSES_MOST)
        return failure_set(f, FAILURE_USAGE, "[common-base] acr holds more than %d values",
                           CLASSES_MOST);
    for (size_t i = 0; i < base->class_count; i++)
        base->classes[i] = config_list_item(base->group, "acr", i);
    return true;
}

static bool services_open(struct common_base *base, struct failure *f)
{
    struct http_service_options options = {
        .what = "common base",
        .setting = "[common-base] keys-url",
        .url = config_text(base->group, "keys-url"),
        .ca_file = config_text(base->group, "ca"),
    };
    if (!http_service_open(&options, &base->keys, f))
        return false;
    options.setting = "[common-base] token-url";
    options.url = config_text(base->group, "token-url");
    options.client_id = config_text(base->group, "client-id");
    options.secret_file = config_text(base->group, "client-secret");
    return http_service_open(&options, &base->token, f);
}

bool common_base_open(const struct config *config, const char *origin, struct common_base **ret,
                      struct failure *f)
{
    if (!config_has(config, "common-base"))
        return true;
    struct common_base *base = memory_allocate(sizeof *base);
    base->group = config_group(config, "common-base");
    base->redirect = text_format("%s/", origin);
    pthread_mutex_init(&base->mutex, NULL);
    if (!classes_read(base, f) || !services_open(base, f)) {
        common_base_close(base);
        return false;
    }
    *ret = base;
    return true;
}

void common_base_close(struct common_base *base)
{
    if (!base)
        return;
    http_service_close(base->token);
    http_service_close(base->keys);
    json_decref(base->key_set);
    pthread_mutex_destroy(&base->mutex);
    free(base->redirect);
    free(base);
}

const char *common_base_title(const struct common_base *base)
{
    return base ? config_text(base->group, "title") : NULL;
}

/* --- what goes out and must come back -----------------------------------------------------------
 */

#define PIECE 65 /* hexadecimal digits of SHA-256, NUL */

/* From the challenge of the half session, which is random, kept by us, and good once. */
static void piece(const char *what, const uint8_t challenge[WEBAUTHN_CHALLENGE], char ret[PIECE])
{
    _cleanup_(cleanup_secret_buffer) struct buffer of = {0};
    buffer_append_text(&of, what);
    buffer_append(&of, challenge, WEBAUTHN_CHALLENGE);
    sha256_hex(buffer_bytes(&of), ret);
}

static void append_parameter(struct buffer *to, const char *name, const char *value)
{
    _cleanup_(cleanup_text) char *escaped = http_escape(value);
    buffer_format(to, "&%s=%s", name, escaped);
}

/* RFC 7636 §4.2: S256. */
static void append_code_challenge(struct buffer *to, const char *verifier)
{
    uint8_t hash[32];
    _cleanup_(cleanup_buffer) struct buffer text = {0};
    sha256(bytes_of_text(verifier), hash);
    base64url_encode(bytes_of(hash, sizeof hash), &text);
    append_parameter(to, "code_challenge", buffer_text(&text));
    append_parameter(to, "code_challenge_method", "S256");
}

static void append_classes(struct buffer *to, const struct common_base *base)
{
    _cleanup_(cleanup_buffer) struct buffer list = {0};
    for (size_t i = 0; i < base->class_count; i++)
        buffer_format(&list, "%s%s", i ? " " : "", base->classes[i]);
    if (list.length)
        append_parameter(to, "acr_values", buffer_text(&list));
}

char *common_base_address(const struct common_base *base,
                          const uint8_t challenge[WEBAUTHN_CHALLENGE])
{
    char state[PIECE], nonce[PIECE], verifier[PIECE], age[24];
    const char *address = config_text(base->group, "authorization-url");
    _cleanup_(cleanup_buffer) struct buffer to = {0};
    piece("state", challenge, state);
    piece("nonce", challenge, nonce);
    piece("verifier", challenge, verifier);
    snprintf(age, sizeof age, "%lld",
             (long long)(config_duration(base->group, "age") / INSTANT_SECOND));
    buffer_format(&to, "%s%cresponse_type=code", address, strchr(address, '?') ? '&' : '?');
    append_parameter(&to, "scope", "openid");
    append_parameter(&to, "client_id", config_text(base->group, "client-id"));
    append_parameter(&to, "redirect_uri", base->redirect);
    append_parameter(&to, "state", state);
    append_parameter(&to, "nonce", nonce);
    append_parameter(&to, "max_age", age);
    append_code_challenge(&to, verifier);
    append_classes(&to, base);
    return text_copy(buffer_text(&to));
}

/* --- its keys -----------------------------------------------------------------------------------
 */

static bool keys_fetch(struct common_base *base, struct failure *f)
{
    struct http_answer answer = {0};
    bool done = http_service_call(base->keys, NULL, &answer, f) &&
                (answer.status == 200 ||
                 failure_set(f, FAILURE_PEER, "[common-base] keys-url answered %u", answer.status));
    json_t *set = done ? http_answer_json(&answer, f) : NULL;
    http_answer_free(&answer);
    if (!set)
        return false;
    json_decref(base->key_set);
    base->key_set = set;
    return true;
}

/* *ret_claims NULL when no key of the base signed it; one that we do not know is looked for there.
 */
static bool claims_read(struct common_base *base, const char *token, json_t **ret_claims,
                        struct failure *f)
{
    bool unknown = true, done = true;
    pthread_mutex_lock(&base->mutex);
    if (base->key_set)
        *ret_claims = jws_read_public(token, base->key_set, &unknown);
    if (unknown)
        done = keys_fetch(base, f);
    if (unknown && done)
        *ret_claims = jws_read_public(token, base->key_set, &unknown);
    pthread_mutex_unlock(&base->mutex);
    return done;
}

/* --- its word -----------------------------------------------------------------------------------
 */

/* RFC 6749 §5.2 (a code of another, used up or out of time); Glewlwyd has a name of its own. */
static bool code_refused(const json_t *answer)
{
    const char *error = json_string_value(json_object_get(answer, "error"));
    return error && (strcmp(error, "invalid_grant") == 0 || strcmp(error, "invalid_code") == 0);
}

/* *ret_token NULL: it knows no such code. */
static bool token_read(const struct http_answer *answer, char **ret_token, struct failure *f)
{
    _cleanup_(cleanup_json) json_t *json = http_answer_json(answer, f);
    const char *token = json_string_value(json_object_get(json, "id_token"));
    if (answer->status == 200 && token)
        *ret_token = text_copy(token);
    return *ret_token || code_refused(json) ||
           failure_set(f, FAILURE_PEER,
                       "[common-base] token-url answered %u without an ID token: "
                       "does it know client-id, client-secret and our address?",
                       answer->status);
}

static bool token_fetch(struct common_base *base, const char *code, const char *verifier,
                        char **ret_token, struct failure *f)
{
    _cleanup_(cleanup_secret_buffer) struct buffer form = {0};
    struct http_answer answer = {0};
    buffer_append_text(&form, "grant_type=authorization_code");
    append_parameter(&form, "code", code);
    append_parameter(&form, "redirect_uri", base->redirect);
    append_parameter(&form, "code_verifier", verifier);
    bool done = http_service_call(base->token, buffer_text(&form), &answer, f) &&
                token_read(&answer, ret_token, f);
    http_answer_free(&answer);
    return done;
}

static void judge(const struct common_base *base, const json_t *claims, const char *nonce,
                  struct common_base_word *word)
{
    const char *name;
    const struct id_token_rule rule = {.issuer = config_text(base->group, "issuer"),
                                       .client_id = config_text(base->group, "client-id"),
                                       .nonce = nonce,
                                       .claim = config_text(base->group, "claim"),
                                       .age = config_duration(base->group, "age"),
                                       .classes = base->classes,
                                       .class_count = base->class_count,
                                       .now = clock_now()};
    if (!claims)
        word->why = "id-token-signature";
    else if (id_token_check(claims, &rule, &name, &word->why) && account_name_valid(name)) {
        snprintf(word->name, sizeof word->name, "%s", name);
        word->why = NULL;
    }
}

bool common_base_ask(struct common_base *base, const uint8_t challenge[WEBAUTHN_CHALLENGE],
                     const char *state, const char *code, struct common_base_word *ret_word,
                     struct failure *f)
{
    char expected[PIECE], nonce[PIECE], verifier[PIECE];
    _cleanup_(cleanup_text) char *token = NULL;
    _cleanup_(cleanup_json) json_t *claims = NULL;
    piece("state", challenge, expected);
    piece("nonce", challenge, nonce);
    piece("verifier", challenge, verifier);
    *ret_word = (struct common_base_word){.why = "state"};
    if (strlen(state) != PIECE - 1 || CRYPTO_memcmp(state, expected, PIECE - 1) != 0)
        return true;
    ret_word->why = "code";
    if (!token_fetch(base, code, verifier, &token, f))
        return false;
    if (!token)
        return true;
    ret_word->why = "id-token-nobody";
    if (!claims_read(base, token, &claims, f))
        return false;
    judge(base, claims, nonce, ret_word);
    return true;
}
