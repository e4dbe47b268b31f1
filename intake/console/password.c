#include "intake/console/password.h"

#include <argon2.h>
#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"

/* OWASP's least for argon2id: 19 MiB, two passes, one lane; some 30 ms. */
enum { PASSES = 2, MEMORY_KIB = 19456, LANES = 1, SALT_BYTES = 16, HASH_BYTES = 32 };

/* Of a password that nobody has: what an unknown name is compared with. */
static const char nobody[] = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
                             "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

bool password_hash(const char *password, char ret_hash[PASSWORD_HASH], struct failure *f)
{
    uint8_t salt[SALT_BYTES];
    if (RAND_bytes(salt, sizeof salt) != 1)
        return failure_set(f, FAILURE_SYSTEM, "no random numbers for a password's salt");
    int code = argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, password, strlen(password), salt,
                                     sizeof salt, HASH_BYTES, ret_hash, PASSWORD_HASH);
    return code == ARGON2_OK ||
           failure_set(f, FAILURE_SYSTEM, "argon2id failed: %s", argon2_error_message(code));
}

bool password_verify(const char *hash, const char *password)
{
    bool good = argon2id_verify(hash ? hash : nobody, password, strlen(password)) == ARGON2_OK;
    return hash && good;
}

void password_core(const char *password, char ret_core[PASSWORD_TEXT])
{
    size_t length = 0;
    for (const char *p = password; *p && length + 1 < PASSWORD_TEXT; p++) {
        unsigned char c = (unsigned char)*p;
        if (c >= 0x80 || isalpha(c))
            ret_core[length++] = (char)(c < 0x80 ? tolower(c) : c);
    }
    ret_core[length] = '\0';
    if (utf8_length(ret_core) < PASSWORD_CORE_LEAST)
        ret_core[0] = '\0';
}

static size_t different_bytes(const char *text)
{
    bool seen[256] = {false};
    size_t count = 0;
    for (; *text; text++)
        if (!seen[(unsigned char)*text]) {
            seen[(unsigned char)*text] = true;
            count++;
        }
    return count;
}

static enum password_fault compare_with_past(const char *password, const struct password_past *past,
                                             size_t count)
{
    char core[PASSWORD_TEXT];
    enum password_fault fault = PASSWORD_GOOD;
    password_core(password, core);
    for (size_t i = 0; fault == PASSWORD_GOOD && i < count; i++)
        if (password_verify(past[i].password, password))
            fault = PASSWORD_USED;
        else if (*core && *past[i].core && password_verify(past[i].core, core))
            fault = PASSWORD_LIKE;
    OPENSSL_cleanse(core, sizeof core);
    return fault;
}

enum password_fault password_judge(const char *password, const char *name, size_t least,
                                   const struct password_past *past, size_t count)
{
    size_t bytes = strlen(password);
    if (bytes >= PASSWORD_TEXT || !utf8_valid(bytes_of_text(password)) ||
        utf8_length(password) > PASSWORD_LENGTH_MOST)
        return PASSWORD_LONG;
    if (utf8_length(password) < least)
        return PASSWORD_SHORT;
    if (different_bytes(password) < 5)
        return PASSWORD_SIMPLE;
    if (strcasestr(password, name))
        return PASSWORD_NAME;
    return compare_with_past(password, past, count);
}

const char *password_fault_ja(enum password_fault fault)
{
    static const char *const texts[] = {
        [PASSWORD_GOOD] = "",
        [PASSWORD_SHORT] = "パスワードが短すぎます。もっと長くしてください。",
        [PASSWORD_LONG] = "パスワードが長すぎるか、使えない文字が入っています。",
        [PASSWORD_NAME] = "パスワードに利用者名を入れないでください。",
        [PASSWORD_SIMPLE] = "同じ文字の繰り返しが多すぎます。ちがう文字をまぜてください。",
        [PASSWORD_USED] = "前に使ったパスワードです。別のパスワードにしてください。",
        [PASSWORD_LIKE] = "前のパスワードとよく似ています。数字や記号だけの変更はできません。",
    };
    return texts[fault];
}
