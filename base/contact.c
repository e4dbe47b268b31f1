#include "base/contact.h"

#include <stddef.h>
#include <string.h>

#include "base/text.h"

#define DIGITS "0123456789"

bool postal_code_valid(const char *text)
{
    bool hyphen = strlen(text) == 8 && text[3] == '-';
    const char *rest = hyphen ? text + 4 : text + 3;
    return strspn(text, DIGITS) >= 3 && digits_only(rest, 4) && strncmp(text, "000", 3) != 0 &&
           strlen(text) == (hyphen ? 8u : 7u);
}

bool phone_valid(const char *text)
{
    char digits[12] = "";
    size_t count = 0;
    for (const char *p = text; *p; p++) {
        if (*p == '-' && p > text && p[-1] != '-' && p[1])
            continue;
        if (*p < '0' || *p > '9' || count == sizeof digits - 1)
            return false;
        digits[count++] = *p;
    }
    if (count < 10 || digits[0] != '0' || digits[1] == '0')
        return false;
    bool free_call = strncmp(digits, "0800", 4) == 0;
    bool eleven = free_call || (digits[2] == '0' && strchr("56789", digits[1]));
    return count == (eleven ? 11u : 10u);
}

bool account_number_valid(const char *text)
{
    return digits_only(text, 7) && strspn(text, "0") < 7;
}

static bool digits_between(const char *text, size_t least, size_t most)
{
    size_t length = strlen(text);
    return length >= least && length <= most && digits_only(text, length);
}

bool yucho_ordinary_valid(const char *symbol, const char *number)
{
    return digits_only(symbol, 5) && symbol[0] == '1' && symbol[4] == '0' &&
           digits_between(number, 2, 8) && number[strlen(number) - 1] == '1';
}

static bool yucho_transfer_valid(const char *symbol, const char *number)
{
    bool longer = strlen(symbol) == 7 && symbol[5] == '-' && digits_only(symbol + 6, 1);
    return strspn(symbol, DIGITS) == 5 && symbol[0] == '0' && (longer || strlen(symbol) == 5) &&
           digits_between(number, 1, 6);
}

bool yucho_valid(const char *symbol, const char *number)
{
    return yucho_ordinary_valid(symbol, number) || yucho_transfer_valid(symbol, number);
}
