#!/usr/bin/env python3
"""Revocation lists: a list of ten million entries as our index (crl_bench.c) against OpenSSL's
X509_CRL (d2i_X509_CRL and X509_CRL_sort, without verifying the signature, which we do), each in a
process of its own. Time of the processor and resident memory, bytes of an entry on the disk, median time of one
lookup on the mapped file (less the time of reading the clock), and the builder's largest memory
from ten thousand to fifty million entries. The same for a list whose entries are in no order.
--quick: a hundredth of all sizes, to see that it runs; the goals are not for these.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENTRIES = 10_000_000
SIZES = (10_000, 1_000_000, 10_000_000, 50_000_000)
ROUNDS = 3


def say(build, word, folder, *arguments):
    """{name: value} of one run"""
    command = [build / "tests" / "bench" / "crl_bench", word, folder, *map(str, arguments)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {name: float(value) for name, value in (line.split() for line in text.splitlines())}


def best(build, word, folder, key):
    """The machine may be busy with others: of some rounds the best counts."""
    return min((say(build, word, folder) for _ in range(ROUNDS)), key=lambda row: row[key])


def measure(build, folder, scale):
    entries = ENTRIES // scale
    rows = {"most": {}}
    for order in ("scattered", "sorted"):
        say(build, "make", folder, entries, *(["scattered"] if order == "scattered" else []))
        rows[order] = {"index": best(build, "index", folder, "seconds"),
                       "x509": best(build, "x509", folder, "seconds")}
    rows["lookup"] = best(build, "lookup", folder, "hit_ns")
    for size in SIZES:
        for order in ("sorted", "scattered"):
            say(build, "make", folder, size // scale, *(["scattered"] * (order == "scattered")))
            rows["most"][size // scale, order] = say(build, "index", folder)["most_mib"]
    return rows


def results(rows, quick):
    def result(what, value, unit, goal=None, holds=True):
        return {"what": what, "value": round(value, 3), "unit": unit,
                "goal": None if quick else goal, "holds": quick or holds}
    for order in ("sorted", "scattered"):
        ours, theirs = rows[order]["index"], rows[order]["x509"]
        ratio = theirs["seconds"] / ours["seconds"]
        yield result(f"build, {order}", ours["seconds"], "s")
        yield result(f"X509_CRL, {order}", theirs["seconds"], "s")
        yield result(f"X509_CRL : build, {order}", ratio, "ratio", ">= 10", ratio >= 10)
        yield result(f"bytes an entry, {order}", ours["bytes_an_entry"], "B", "<= 8",
                     ours["bytes_an_entry"] <= 8)
    memory = rows["sorted"]["x509"]["resident_mib"] / rows["lookup"]["resident_mib"]
    yield result("X509_CRL, resident", rows["sorted"]["x509"]["resident_mib"], "MiB")
    yield result("index, resident", rows["lookup"]["resident_mib"], "MiB")
    yield result("X509_CRL : index, resident", memory, "ratio", ">= 20", memory >= 20)
    for name in ("hit", "miss"):
        value = rows["lookup"][f"{name}_ns"]
        yield result(f"lookup, {name}, median", value, "ns", "<= 300", value <= 300)
    yield result("open (all checksums)", rows["lookup"]["open_seconds"], "s")
    for (size, order), value in rows["most"].items():
        yield result(f"builder's most memory, {size:,}, {order}", value, "MiB", "<= 64", value <= 64)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    options = parser.parse_args()
    build, scale = options.build.resolve(), 100 if options.quick else 1
    if not (build / "tests" / "bench" / "crl_bench").exists():
        print(f"not built: ninja -C {build}", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory() as name:
        free = shutil.disk_usage(name).free
        if free < 5 * 2**30 // scale:
            print(f"{name} needs 5 GB: set TMPDIR", file=sys.stderr)
            return 3
        print(f"  {ENTRIES // scale:,} entries; some minutes", flush=True)
        found = list(results(measure(build, pathlib.Path(name), scale), options.quick))
    for row in found:
        print(f"  {row['what']:46}{row['value']:12,.2f} {row['unit']:6}"
              + (f"{row['goal']:>8}  {'holds' if row['holds'] else 'FAILS'}" if row["goal"] else ""))
    version = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "libssl3"],
                             capture_output=True, text=True).stdout
    print(f"  against libssl3 {version}")
    if options.json:
        print(json.dumps({"bench": "crl", "results": found}, ensure_ascii=False))
    return 0 if all(row["holds"] for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
