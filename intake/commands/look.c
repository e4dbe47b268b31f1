#include "intake/commands/look.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
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

/* proc(5); false for what no login started. */
static bool login_uid(uid_t *ret_uid)
{
    unsigned uid;
    _cleanup_(cleanup_file) FILE *in = fopen("/proc/self/loginuid", "re");
    if (!in || fscanf(in, "%u", &uid) != 1 || uid == (unsigned)-1)
        return false;
    *ret_uid = uid;
    return true;
}

const char *look_actor(char *text, size_t size)
{
    uid_t login;
    const char *sudo = getenv("SUDO_USER");
    bool logged_in = login_uid(&login);
    /* commands have one thread */
    const struct passwd *account = getpwuid(logged_in ? login : getuid());
    if (!logged_in && sudo)
        snprintf(text, size, "operator:%s", sudo);
    else if (account)
        snprintf(text, size, "operator:%s", account->pw_name);
    else
        snprintf(text, size, "operator:uid %u", (unsigned)(logged_in ? login : getuid()));
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
