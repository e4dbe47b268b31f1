#!/usr/bin/env python3
"""embed.py OUT IN…: writes the SQL files as one C source with the table schema_migrations."""
import pathlib
import re
import sys

out, *inputs = map(pathlib.Path, sys.argv[1:])
rows = []
for number, path in enumerate(sorted(inputs), start=1):
    match = re.fullmatch(r"(\d{4})-([a-z0-9-]+)\.sql", path.name)
    if not match or int(match[1]) != number:
        sys.exit(f"embed.py: {path.name}: expected {number:04d}-name.sql")
    data = ",".join(str(byte) for byte in path.read_bytes()) + ",0"
    rows.append((number, match[2], data))

with out.open("w") as c:
    c.write('#include "intake/schema.h"\n\n')
    for number, _, data in rows:
        c.write(f"static const unsigned char sql_{number}[] = {{{data}}};\n")
    c.write("\nconst struct db_migration schema_migrations[] = {\n")
    for number, name, _ in rows:
        c.write(f'    {{{number}, "{name}", (const char *)sql_{number}}},\n')
    c.write("};\nconst size_t schema_migration_count = "
            "sizeof schema_migrations / sizeof schema_migrations[0];\n")
