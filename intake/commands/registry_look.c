#include "intake/commands/registry_look.h"

#include "intake/command.h"
#include "intake/commands/look.h"
#include "intake/schema.h"

static bool key_load(const struct config *config, struct city_key **ret_key, struct failure *f)
{
    const char *path = config_text(config_group(config, "city"), "key");
    if (*path)
        return city_key_load(path, ret_key, f);
    return failure_set(f, FAILURE_USAGE,
                       "%s: [city] key is not given; make one with `uketsuke key create`",
                       config_path(config));
}

bool registry_look_open(const struct config *config, bool with_key, struct registry_look *ret_look,
                        struct failure *f)
{
    struct registry_look look = {.city_code = settings_city_code(config, f)};
    look_actor(look.actor, sizeof look.actor);
    if (look.city_code && (!with_key || key_load(config, &look.city_key, f)) &&
        db_open(config, "registry", 1, &look.db, f) &&
        db_schema_check(look.db, (int)schema_migration_count, f)) {
        *ret_look = look;
        return true;
    }
    registry_look_close(&look);
    return false;
}

void registry_look_close(struct registry_look *look)
{
    if (look->db)
        db_close(look->db);
    city_key_free(look->city_key);
    *look = (struct registry_look){0};
}
