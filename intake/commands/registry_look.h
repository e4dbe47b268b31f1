/* What the commands on the registry share: the database as role registry, and who acts. */
#ifndef UKETSUKE_INTAKE_COMMANDS_REGISTRY_LOOK_H
#define UKETSUKE_INTAKE_COMMANDS_REGISTRY_LOOK_H

#include "base/config.h"
#include "base/db.h"
#include "base/seal.h"

struct registry_look {
    const char *city_code;
    struct city_key *city_key; /* NULL unless asked for */
    struct db *db;
    char actor[96];
};
bool registry_look_open(const struct config *config, bool with_key, struct registry_look *ret_look,
                        struct failure *f);
void registry_look_close(struct registry_look *look); /* {0} is fine */

#endif
