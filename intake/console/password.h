/* Passwords: argon2id (RFC 9106), kept in PHC form; and the rule for a new one. */
#ifndef UKETSUKE_INTAKE_CONSOLE_PASSWORD_H
#define UKETSUKE_INTAKE_CONSOLE_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/failure.h"

#define PASSWORD_LENGTH_MOST 128 /* characters */
#define PASSWORD_HASH        160 /* room for a hash, NUL included */

bool password_hash(const char *password, char ret_hash[PASSWORD_HASH], struct failure *f);
/* `hash` NULL (nobody of that name, or not enrolled): takes as long, and is false. */
bool password_verify(const char *hash, const char *password);

/* What is left of a password without capitals, digits and signs, so that "Sakura2026!" is found to
 * be like "sakura2027?". At most PASSWORD_LENGTH_MOST characters, "" when under
 * PASSWORD_CORE_LEAST are left: then it is compared as a whole only. */
#define PASSWORD_CORE_LEAST 4
#define PASSWORD_TEXT       (4 * PASSWORD_LENGTH_MOST + 1) /* bytes, UTF-8 with NUL */
void password_core(const char *password, char ret_core[PASSWORD_TEXT]);

struct password_past { /* one that was used before: hashes of it and of its core */
    const char *password, *core;
};
enum password_fault {
    PASSWORD_GOOD,
    PASSWORD_SHORT,
    PASSWORD_LONG,
    PASSWORD_NAME,   /* holds the account's name */
    PASSWORD_SIMPLE, /* fewer than 5 different characters */
    PASSWORD_USED,   /* was used before */
    PASSWORD_LIKE,   /* is like one that was used before */
};
/* `least`: characters, from [console] password-length. */
enum password_fault password_judge(const char *password, const char *name, size_t least,
                                   const struct password_past *past, size_t count);
const char *password_fault_ja(enum password_fault fault); /* what to do, for the person */

#endif
