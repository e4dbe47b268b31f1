/* How postal codes, telephone numbers and bank accounts are written. ASCII digits only. */
#ifndef UKETSUKE_BASE_CONTACT_H
#define UKETSUKE_BASE_CONTACT_H

#include <stdbool.h>

/* Seven digits, a hyphen after the third or none; the first three are 001 or more. */
bool postal_code_valid(const char *text);
/* Digits and hyphens; begins with 0 and another digit. Eleven digits for 0A0 (mobile, IP, 0800),
 * else ten (電気通信番号計画). */
bool phone_valid(const char *text);
/* 口座番号 of a bank: seven digits, not all 0. */
bool account_number_valid(const char *text);
/* ゆうちょ銀行: 通常貯金, symbol 1…0 of five digits and a number of two to eight that ends with 1;
 * or 振替口座, symbol 0… of five digits (and "-" and one more, or none), number of one to six. */
bool yucho_valid(const char *symbol, const char *number);
bool yucho_ordinary_valid(const char *symbol, const char *number);

#endif
