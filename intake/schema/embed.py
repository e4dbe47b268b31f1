#!/usr/bin/env python3
"""embed.py [--table NAME HEADER] OUT IN…: writes the SQL files as one C source with the table
NAME_migrations, which HEADER declares (schema, intake/schema.h)."""
import pathlib
import re
import sys

words = sys.argv[1:]
table, header = "schema", "intake/schema.h"
if words[0] == "--table":
    _, table, header, *words = words
out, *inputs = map(pathlib.Path, words)
rows = []
for number, path in enumerate(sorted(inputs), start=1):
    match = re.fullmatch(r"(\d{4})-([a-z0-9-]+)\.sql", path.name)
    if not match or int(match[1]) != number:
        sys.exit(f"embed.py: {path.name}: expected {number:04d}-name.sql")
    data = ",".join(str(byte) for byte in path.read_bytes()) + ",0"
    rows.append((number, match[2], data))

with out.open("w") as c:
    c.write(f'#include "{header}"\n\n')
    for number, _, data in rows:
        c.write(f"static const unsigned char sql_{number}[] = {{{data}}};\n")
    c.write(f"\nconst struct db_migration {table}_migrations[] = {{\n")
    for number, name, _ in rows:
        c.write(f'    {{{number}, "{name}", (const char *)sql_{number}}},\n')
    c.write(f"}};\nconst size_t {table}_migration_count = "
            f"sizeof {table}_migrations / sizeof {table}_migrations[0];\n")
