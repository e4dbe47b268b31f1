/* One-time codes (RFC 6238, by liboath): the alternative second factor. SHA-1, 30 s, 6 digits, as
 * every authenticator app has it. */
#ifndef UKETSUKE_INTAKE_CONSOLE_TOTP_H
#define UKETSUKE_INTAKE_CONSOLE_TOTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/failure.h"

#define TOTP_SECRET 20 /* bytes, RFC 4226 §4 R6 */

bool totp_secret_make(uint8_t ret_secret[TOTP_SECRET], struct failure *f);
/* Base32 without padding, to be typed into an app. */
#define TOTP_TEXT 33
void totp_secret_text(const uint8_t secret[TOTP_SECRET], char ret_text[TOTP_TEXT]);

/* The step (number of 30 s since 1970) that `code` is right for, one step back or forth allowed;
 * 0 when it is wrong, or not after `used`: no code is good twice. */
int64_t totp_verify(const uint8_t secret[TOTP_SECRET], const char *code, instant now, int64_t used);

#endif
