#!/usr/bin/env python3
"""variants.py OUT IN: writes variants.tsv as two sorted tables of C (intake/identify/variants.h).

A class that contradicts another, a character that NFKC changes anyway, a line out of shape: each
stops the build."""
import pathlib
import sys
import unicodedata

KINDS = ("same", "like")


def stop(number, what):
    sys.exit(f"variants.tsv:{number}: {what}")


def check_character(number, character, seen):
    if not unicodedata.name(character, "").startswith(("CJK UNIFIED", "CJK COMPATIBILITY")):
        stop(number, f"{character!r} is not a kanji")  # U+FA11 﨑 is unified, but for its name
    if unicodedata.normalize("NFKC", character) != character:
        stop(number, f"{character} is folded by NFKC already")
    if character in seen:
        stop(number, f"{character} stands in line {seen[character]} too")
    seen[character] = number


def read(path):
    tables = {kind: {} for kind in KINDS}
    seen = {kind: {} for kind in KINDS}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line or line.startswith("#"):
            continue
        fields = line.split("\t")
        if len(fields) != 4 or fields[2] not in KINDS or not fields[3]:
            stop(number, "representative, variants, same or like, sources: separated by tabs")
        head, variants, kind, _ = fields
        for character in head + variants:
            check_character(number, character, seen[kind])
        for variant in variants:
            tables[kind][variant] = head
    return tables


def join(tables):
    """"like" holds between classes of "same": its characters are their representatives, and its
    table leads straight to the end from any character."""
    same, like = tables["same"], tables["like"]
    for variant, head in like.items():
        for character in (variant, head):
            if character in same:
                sys.exit(f"variants.tsv: {character} is like another: name {same[character]}")
    return same, like


def main():
    out, source = map(pathlib.Path, sys.argv[1:])
    same, like = join(read(source))
    with out.open("w", encoding="utf-8") as c:
        c.write('#include "intake/identify/variants.h"\n\n')
        for name, table in (("same", same), ("like", like)):
            rows = sorted((ord(a), ord(b)) for a, b in table.items())
            c.write(f"const struct variant variants_{name}[] = {{\n")
            for a, b in rows:
                c.write(f"    {{0x{a:04X}, 0x{b:04X}}},\n")
            c.write(f"}};\nconst size_t variants_{name}_count = {len(rows)};\n")


main()
