#include "forms/item_check.h"

#include <stddef.h>
#include <string.h>

#include "base/check_digit.h"
#include "base/clock.h"

static bool date_good(const char *text)
{
    struct day day;
    return day_parse(text, &day);
}

static const struct item_check item_checks[] = {
    {"kojinbango", "form-kojinbango",
     "is no individual number: twelve digits, the last their check digit", kojinbango_valid},
    {"date", "form-date", "there is no such day", date_good},
};

const struct item_check *item_check_find(const char *name)
{
    for (size_t i = 0; i < sizeof item_checks / sizeof *item_checks; i++)
        if (strcmp(item_checks[i].name, name) == 0)
            return &item_checks[i];
    return NULL;
}
