#include "intake/console/totp.h"

#include <liboath/oath.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

enum { STEP_SECONDS = 30, DIGITS = 6, WINDOW = 1 };

bool totp_secret_make(uint8_t ret_secret[TOTP_SECRET], struct failure *f)
{
    return RAND_bytes(ret_secret, TOTP_SECRET) == 1 ||
           failure_set(f, FAILURE_SYSTEM, "no random numbers for a one-time code's secret");
}

void totp_secret_text(const uint8_t secret[TOTP_SECRET], char ret_text[TOTP_TEXT])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    size_t length = 0;
    for (size_t bit = 0; bit < TOTP_SECRET * 8; bit += 5) {
        unsigned two = secret[bit / 8] << 8 | (bit / 8 + 1 < TOTP_SECRET ? secret[bit / 8 + 1] : 0);
        ret_text[length++] = digits[two >> (11 - bit % 8) & 31];
    }
    ret_text[length] = '\0';
}

static bool is_code_of(const uint8_t secret[TOTP_SECRET], int64_t step, const char *code)
{
    char right[DIGITS + 1];
    return oath_totp_generate((const char *)secret, TOTP_SECRET, (time_t)(step * STEP_SECONDS),
                              STEP_SECONDS, 0, DIGITS, right) == OATH_OK &&
           CRYPTO_memcmp(right, code, DIGITS) == 0;
}

int64_t totp_verify(const uint8_t secret[TOTP_SECRET], const char *code, instant now, int64_t used)
{
    if (!digits_only(code, DIGITS))
        return 0;
    int64_t present = now / INSTANT_SECOND / STEP_SECONDS;
    for (int64_t step = present - WINDOW; step <= present + WINDOW; step++)
        if (step > used && is_code_of(secret, step, code))
            return step;
    return 0;
}
