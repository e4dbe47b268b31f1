#!/usr/bin/env python3
"""tests/bench/run sandbox [--json] [--build FOLDER]: examination in one sandboxed worker against
examine() in the same process, on the same packages, by processor time: what the sandbox costs."""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import examine

GOAL = 1.10

CONFIG = """
[city]
code = 992011
[trust]
mode = sandbox
anchors = {folder}/jpki/sign-anchors.pem
pins = {pins}
policies = 1.2.392.200149.8.5.1.0.20
[revocation]
directory = {folder}/lists
[forms]
procedures = {folder}/procedures
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--build", type=pathlib.Path, default=examine.ROOT / "build")
    options = parser.parse_args()
    build = options.build.resolve()
    if not (build / "tests" / "bench" / "sandbox_bench").exists():
        print(f"not built: ninja -C {build}", file=sys.stderr)
        return 3
    results = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        commands = examine.world(build, folder)
        config = folder / "uketsuke.conf"
        pins = (folder / "jpki" / "sign-anchors.pins").read_text().split()
        lists = "".join(f"[revocation-list {n}]\nsources = {path}\n"
                        for n, path in enumerate(sorted((folder / "jpki" / "crl").iterdir())))
        config.write_text(CONFIG.format(folder=folder, pins=" ".join(pins)) + lists)
        subprocess.run([build / "uketsuke", "--config", config, "revocation", "update"],
                       check=True, capture_output=True)
        print(f"  {'µs for one package, processor time':34}{'here':>10}{'worker':>10}{'ratio':>8}")
        for size, command in commands.items():
            text = subprocess.run([build / "tests" / "bench" / "sandbox_bench", build / "uketsuke",
                                   config, *command[5:]], check=True,
                                  stdout=subprocess.PIPE, text=True).stdout
            row = [float(line.split("\t")[1]) for line in text.splitlines()]
            print(f"  {examine.SETS[size]:34}{row[0]:10,.0f}{row[1]:10,.0f}{row[2]:8.2f}")
            results.append({"what": f"one sandboxed worker : in process, {examine.SETS[size]}",
                            "value": row[2], "unit": "ratio", "goal": GOAL,
                            "holds": row[2] <= GOAL})
    if options.json:
        print(json.dumps({"bench": "sandbox", "results": results}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
