#!/usr/bin/env python3
"""holidays.py OUT IN: writes holidays.tsv as a table of C (forms/holidays.h). A line out of shape
stops the build."""
import pathlib
import re
import sys

EQUINOXES = {"vernal": "HOLIDAY_VERNAL, 3, 0", "autumnal": "HOLIDAY_AUTUMNAL, 9, 0"}


def when_of(text, number):
    if text in EQUINOXES:
        return EQUINOXES[text]
    found = re.fullmatch(r"(\d\d)-(?:(\d\d)|Monday-([1-5]))", text)
    if not found:
        sys.exit(f"holidays.tsv:{number}: MM-DD, MM-Monday-N, vernal or autumnal, not {text}")
    month, day, monday = found.groups()
    rule = "HOLIDAY_DAY" if day else "HOLIDAY_MONDAY"
    return f"{rule}, {int(month)}, {int(day or monday)}"


def main():
    out, source = map(pathlib.Path, sys.argv[1:])
    rows = []
    for number, line in enumerate(source.read_text(encoding="utf-8").splitlines(), start=1):
        if not line or line.startswith("#"):
            continue
        fields = line.split("\t")
        if len(fields) != 5 or not fields[4]:
            sys.exit(f"holidays.tsv:{number}: five fields are needed, separated by tabs")
        name, first, last, when, _ = fields
        rows.append(f'    {{"{name}", {int(first)}, {int(last)}, {when_of(when, number)}}},\n')
    with out.open("w", encoding="utf-8") as c:
        c.write('#include "forms/holidays.h"\n\nconst struct holiday holidays[] = {\n')
        c.writelines(rows)
        c.write(f"}};\nconst size_t holidays_count = {len(rows)};\n")


main()
