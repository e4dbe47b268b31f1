/* Check digits of Japan's numbers. Arguments are ASCII digits; anything else is "not valid".
 * Each rule names its source. */
#ifndef UKETSUKE_BASE_CHECK_DIGIT_H
#define UKETSUKE_BASE_CHECK_DIGIT_H

#include <stdbool.h>

/* 個人番号, 12 digits. 平成26年総務省令第85号 第5条. */
bool kojinbango_valid(const char *text);
int kojinbango_check_digit(const char eleven_digits[11]);
/* 団体コード, 6 digits (全国地方公共団体コード). */
bool dantai_code_valid(const char *text);
int dantai_code_check_digit(const char five_digits[5]);
/* 住民票コード, 11 digits. 平成14年総務省告示第436号. */
bool juminhyo_code_valid(const char *text);
/* 法人番号, 13 digits; the check digit is the first. */
bool hojin_bango_valid(const char *text);

#endif
