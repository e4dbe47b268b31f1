#!/usr/bin/env python3
"""embed.py OUT REASONS CHECKS: the two tables as one C source (intake/explain/words.h). The lists
are sorted, so that of two rows that fit the later is the longer."""
import pathlib
import sys

out, reasons, checks = map(pathlib.Path, sys.argv[1:])


def rows(path, columns):
    found = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if line.startswith("#"):
            continue
        cells = line.split("\t")
        if len(cells) != columns or not all(cell.strip() == cell and cell for cell in cells):
            sys.exit(f"{path.name}:{number}: expected {columns} cells, none empty")
        if found and cells[0] <= found[-1][0]:
            sys.exit(f"{path.name}:{number}: {cells[0]} is not in order")
        found.append(cells)
    return found


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def table(c, kind, name, found):
    c.write(f"\nconst struct {kind} {name}_rows[] = {{\n")
    for cells in found:
        c.write("    {" + ", ".join(map(quoted, cells)) + "},\n")
    c.write(f"}};\nconst size_t {name}_count = sizeof {name}_rows / sizeof *{name}_rows;\n")


with out.open("w", encoding="utf-8") as c:
    c.write('#include "intake/explain/words.h"\n')
    table(c, "reason_words", "reason_word", rows(reasons, 5))
    table(c, "check_words", "check_word", rows(checks, 2))
