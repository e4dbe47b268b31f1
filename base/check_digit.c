#include "base/check_digit.h"

#include <stddef.h>
#include <string.h>

#include "base/text.h"

static int digit(char c)
{
    return c - '0';
}

/* Sum of Pn·Qn over `count` digits, P1 being the last of them; Qn = n+1 up to 6, n-5 from 7. */
static int weighted_sum(const char *digits, int count)
{
    int sum = 0;

    for (int n = 1; n <= count; n++)
        sum += digit(digits[count - n]) * (n <= 6 ? n + 1 : n - 5);
    return sum;
}

static int modulus_11_check_digit(const char *digits, int count)
{
    int rest = weighted_sum(digits, count) % 11;

    return rest <= 1 ? 0 : 11 - rest;
}

int kojinbango_check_digit(const char eleven_digits[11])
{
    return modulus_11_check_digit(eleven_digits, 11);
}

/* Twelve zeros fit the formula too; nobody has that number, but it is what gets typed for "none".
 */
bool kojinbango_valid(const char *text)
{
    return digits_only(text, 12) && kojinbango_check_digit(text) == digit(text[11]) &&
           strspn(text, "0") < 12;
}

/* Weights 6 5 4 3 2; the last digit of 11 - (sum mod 11). */
int dantai_code_check_digit(const char five_digits[5])
{
    int sum = 0;

    for (int i = 0; i < 5; i++)
        sum += digit(five_digits[i]) * (6 - i);
    return (11 - sum % 11) % 10;
}

bool dantai_code_valid(const char *text)
{
    return digits_only(text, 6) && dantai_code_check_digit(text) == digit(text[5]);
}

bool juminhyo_code_valid(const char *text)
{
    return digits_only(text, 11) && modulus_11_check_digit(text, 10) == digit(text[10]);
}

/* 法人番号の指定等に関する省令第2条: 9 - (sum of Pn·Qn mod 9), Qn 1 for odd n and 2 for even n,
 * P1 being the last digit. */
bool hojin_bango_valid(const char *text)
{
    int sum = 0;

    if (!digits_only(text, 13))
        return false;
    for (int n = 1; n <= 12; n++)
        sum += digit(text[13 - n]) * (n % 2 == 1 ? 1 : 2);
    return 9 - sum % 9 == digit(text[0]);
}
