#include "intake/commands/look.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "intake/schema.h"

bool look_open(const struct config *config, struct db **ret_db, struct failure *f)
{
    struct db *db = NULL;
    if (!db_open(config, "operator", 1, &db, f))
        return false;
    if (!db_schema_check(db, (int)schema_migration_count, f)) {
        db_close(db);
        return false;
    }
    *ret_db = db;
    return true;
}

const char *look_actor(char *text, size_t size)
{
    const struct passwd *account = getpwuid(getuid()); /* commands have one thread */
    if (account)
        snprintf(text, size, "operator:%s", account->pw_name);
    else
        snprintf(text, size, "operator:uid %u", (unsigned)getuid());
    return text;
}

const char *look_time(instant at, char text[LOOK_TIME])
{
    char jst[INSTANT_TEXT];
    instant_text_jst(at, jst);
    snprintf(text, LOOK_TIME, "%.10s %.8s", jst, jst + 11);
    return text;
}

const char *look_age(instant at, instant now, char text[LOOK_AGE])
{
    char span[DURATION_TEXT];
    duration_text(at < now ? now - at : at - now, span);
    snprintf(text, LOOK_AGE, "%s%s", at > now ? "in " : "", span);
    return text;
}
