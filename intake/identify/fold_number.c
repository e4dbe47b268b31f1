/* Numbers of addresses, in digits and in numerals. */
#include <uchar.h>

#include "intake/identify/fold_internal.h"

int fold_number_of(uint32_t c)
{
    static const char16_t numerals[] = u"〇一二三四五六七八九";
    if (c >= '0' && c <= '9')
        return (int)(c - '0');
    for (int i = 0; i < 10; i++)
        if (c == numerals[i])
            return i;
    return c == u'十' ? 10 : c == u'百' ? 100 : c == u'千' ? 1000 : -1;
}

bool fold_value_of(const struct folded_character *at, size_t length, int *ret_value)
{
    int value = 0, digit = -1, unit = 10000;
    for (size_t i = 0; i < length; i++) {
        int n = fold_number_of(at[i].c);
        if (n < 10 ? digit >= 0 : n >= unit)
            return false;
        if (n >= 10) {
            value += (digit < 0 ? 1 : digit) * n;
            unit = n;
        }
        digit = n < 10 ? n : -1;
    }
    *ret_value = value + (digit < 0 ? 0 : digit);
    return unit < 10000;
}
