#include "intake/commands/look.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "intake/schema.h"

static bool open_as(const struct config *config, const char *role, struct db **ret_db,
                    struct failure *f)
{
    struct db *db = NULL;
    if (!db_open(config, role, 1, &db, f))
        return false;
    if (!db_schema_check(db, (int)schema_migration_count, f)) {
        db_close(db);
        return false;
    }
    *ret_db = db;
    return true;
}

bool look_open(const struct config *config, struct db **ret_db, struct failure *f)
{
    return open_as(config, "operator", ret_db, f);
}

bool look_open_administrator(const struct config *config, struct db **ret_db, struct failure *f)
{
    return open_as(config, LOOK_ADMINISTRATOR, ret_db, f);
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

static const char *actor_of(uid_t uid, char *text, size_t size)
{
    const struct passwd *account = getpwuid(uid); /* commands have one thread */
    if (account)
        snprintf(text, size, "operator:%s", account->pw_name);
    else
        snprintf(text, size, "operator:uid %u", (unsigned)uid);
    return text;
}

const char *look_actor(char *text, size_t size)
{
    uid_t login;
    return actor_of(login_uid(&login) ? login : getuid(), text, size);
}

static bool is_among(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = words; (at = strstr(at, word)); at++)
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
            return true;
    return false;
}

bool look_person(const char *names, const char *key, char *text, size_t size, struct failure *f)
{
    uid_t login;
    bool logged_in = login_uid(&login);
    actor_of(logged_in ? login : getuid(), text, size);
    if (is_among(names, strchr(text, ':') + 1) || (logged_in && !*names))
        return true;
    if (*names)
        return failure_set(f, FAILURE_USAGE, "%s is not among %s", strchr(text, ':') + 1, key);
    return failure_set(
        f, FAILURE_USAGE,
        "nobody logged in here, as far as the kernel knows (/proc/self/loginuid): "
        "log in by ssh or at the console with pam_loginuid, or name who it may be in "
        "%s",
        key);
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
