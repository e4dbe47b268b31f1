#!/usr/bin/env python3
"""Examination: throughput per core of examine() over signed packages, against the sum of what
cannot be left out (inflate, SHA-256, two RSA verifications, libxml2 parse and C14N), in one run of
one C program (examine_bench.c). --profile: where the time goes, by callgrind.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def world(build, folder):
    """A made-up CA, a town's good applications, and lists that are newer than these."""
    sandbox = build / "uketsuke-sandbox"
    quiet = {"check": True, "stdout": subprocess.DEVNULL}
    subprocess.run([sandbox, "jpki", "init", folder / "jpki"], **quiet)
    subprocess.run([sandbox, "town", "make", folder / "town", "--jpki", folder / "jpki", "--seed",
                    "5", "--count", "20", "--kinds", "good,good-enveloped,good-attachments"],
                   **quiet)
    time.sleep(1.1)  # thisUpdate has whole seconds
    subprocess.run([sandbox, "jpki", "crl", folder / "jpki"], **quiet)
    pins = (folder / "jpki" / "sign-anchors.pins").read_text()
    return [build / "tests" / "bench" / "examine_bench", folder / "jpki" / "sign-anchors.pem", pins,
            folder / "jpki" / "crl", ROOT / "forms" / "procedures",
            *sorted((folder / "town" / "applications").glob("*.zip"))]


def profile(command, folder):
    out = folder / "callgrind.out"
    subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *command],
                   check=True, env={**os.environ, "EXAMINE_BENCH_ROUNDS": "0"},
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    text = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=99", out],
                          check=True, capture_output=True, text=True).stdout
    found = []
    for line in text.splitlines():
        match = re.match(r"\s*([\d,]+) \(\s*([\d.]+)%\)\s+(\S+):(\w+)", line)
        if match and str(ROOT) in match[3]:
            found.append((int(match[1].replace(",", "")), match[4], pathlib.Path(match[3]).name))
    whole = next(cost for cost, name, _ in found if name == "examine")
    print("\nwhere the time goes (instructions within examine(), our functions, inclusive):")
    for cost, name, file in found:
        if cost <= whole and cost >= whole * 0.02:
            print(f"  {100 * cost / whole:5.1f} %  {name} ({file})")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    options = parser.parse_args()
    build = options.build.resolve()
    if not (build / "tests" / "bench" / "examine_bench").exists():
        print(f"not built: ninja -C {build}", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory() as name:
        command = world(build, pathlib.Path(name))
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        rows = dict(line.split("\t") for line in text.splitlines())
        versions = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}  ", "libxml2",
                                   "libssl3", "zlib1g", "libzip4"], capture_output=True,
                                  text=True).stdout
        print(f"{rows.pop('packages')} packages of {rows.pop('bytes of a package')} bytes on average")
        for what in [row for row in rows if row not in ("ratio", "per second and core")]:
            print(f"  {what:28} {float(rows[what]):8.1f} µs")
        print(f"  examine() : parts            {float(rows['ratio']):8.2f}")
        print(f"  examinations a second, core  {float(rows['per second and core']):8.0f}")
        print(f"  against {versions.strip()}")
        if options.profile:
            profile(command, pathlib.Path(name))
    if options.json:
        print(json.dumps({"bench": "examine", "results": [
            {"what": "examine() : sum of its parts", "value": float(rows["ratio"]), "unit": "ratio",
             "goal": None, "holds": True},
            {"what": "examinations per second and core",
             "value": float(rows["per second and core"]), "unit": "1/s", "goal": None,
             "holds": True}]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
