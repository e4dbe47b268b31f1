#include "forms/item_check.h"

#include <stddef.h>
#include <string.h>

#include "base/check_digit.h"
#include "base/clock.h"
#include "base/contact.h"

static bool date_good(const char *text)
{
    struct day day;
    return day_parse(text, &day);
}

static const struct item_check item_checks[] = {
    {"kojinbango", "form-kojinbango",
     "is no individual number: twelve digits, the last their check digit", kojinbango_valid},
    {"date", "form-date", "there is no such day", date_good},
    {"juminhyokodo", "form-juminhyokodo",
     "is no resident record code: eleven digits, the last their check digit", juminhyo_code_valid},
    {"hojinbango", "form-hojinbango",
     "is no corporate number: thirteen digits, the first their check digit", hojin_bango_valid},
    {"dantaikodo", "form-dantaikodo", "is no city code: six digits, the last their check digit",
     dantai_code_valid},
    {"postal-code", "form-postal-code", "is no postal code: seven digits", postal_code_valid},
    {"phone", "form-phone", "is no telephone number: 0 and nine or ten more digits", phone_valid},
    {"bank-account", "form-bank-account", "is no account number: seven digits, not all 0",
     account_number_valid},
};

const struct item_check *item_check_find(const char *name)
{
    for (size_t i = 0; i < sizeof item_checks / sizeof *item_checks; i++)
        if (strcmp(item_checks[i].name, name) == 0)
            return &item_checks[i];
    return NULL;
}
