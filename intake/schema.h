/* The numbered SQL files of intake/schema/, built into the program (schema.c is made from them). */
#ifndef UKETSUKE_INTAKE_SCHEMA_H
#define UKETSUKE_INTAKE_SCHEMA_H

#include <stddef.h>

#include "base/db.h"

extern const struct db_migration schema_migrations[];
extern const size_t schema_migration_count;

#endif
