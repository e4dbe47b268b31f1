#!/usr/bin/env python3
"""Examination: throughput per core of examine() over signed packages, against the sum of what
cannot be left out (inflate, SHA-256, two RSA verifications, libxml2 parse and C14N), in one run of
one C program (examine_bench.c). Small packages of a town, one with an attachment of 1 MB, one with
a form of 100 KB. --profile: the same ratios by callgrind's count of instructions, which repeats
(valgrind knows no SHA instructions: hashes weigh more there), and where these go.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


SETS = {"small": "a town's packages", "attachment": "an attachment of 1 MB",
        "form": "a form of 100 KB"}

REMARK = """        <xs:element name="remark" minOccurs="0" maxOccurs="1000">
          <xs:complexType>
            <xs:sequence>
              <xs:element name="number" type="xs:integer"/>
              <xs:element name="date" type="day"/>
              <xs:element name="text" type="xs:string"/>
            </xs:sequence>
          </xs:complexType>
        </xs:element>
"""


def edit(path, before, text):
    """Puts the text in front of the last `before`."""
    head, found, tail = path.read_text().rpartition(before)
    if not found:
        sys.exit(f"{path}: {before.strip()} is not there any more")
    path.write_text(head + text + before + tail)


def procedures(folder):
    """Ours, and in the form as many remarks as it takes to make it large."""
    shutil.copytree(ROOT / "forms" / "procedures", folder)
    claim = folder / "child-allowance" / "certification-claim"
    edit(claim / "form.xsd", "      </xs:sequence>\n", REMARK)
    edit(claim / "labels.xml", "</labels>", "".join(
        f'  <label item="remark/{item}">{item}</label>\n' for item in ("number", "date", "text")))
    return folder


def world(build, folder):
    """A made-up CA, a town's good applications, two large ones, and lists that are newer than
    these. Gives the bench's command for each set."""
    sandbox, bench = build / "uketsuke-sandbox", build / "tests" / "bench"
    quiet = {"check": True, "stdout": subprocess.DEVNULL}
    subprocess.run([sandbox, "jpki", "init", folder / "jpki"], **quiet)
    subprocess.run([sandbox, "town", "make", folder / "town", "--jpki", folder / "jpki", "--seed",
                    "5", "--count", "20", "--kinds", "good,good-enveloped,good-attachments"],
                   **quiet)
    subprocess.run([bench / "examine_packages", folder / "jpki", folder], **quiet)
    time.sleep(1.1)  # thisUpdate has whole seconds
    subprocess.run([sandbox, "jpki", "crl", folder / "jpki"], **quiet)
    pins = (folder / "jpki" / "sign-anchors.pins").read_text()
    command = [bench / "examine_bench", folder / "jpki" / "sign-anchors.pem", pins,
               folder / "jpki" / "crl", procedures(folder / "procedures")]
    packages = {"small": sorted((folder / "town" / "applications").glob("*.zip")),
                "attachment": [folder / "attachment.zip"], "form": [folder / "form.zip"]}
    return {name: command + packages[name] for name in SETS}


def instructions(command, folder):
    """[(instructions, function, file)], ours, inclusive, dearest first"""
    out = folder / "callgrind.out"
    subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *command],
                   check=True, env={**os.environ, "EXAMINE_BENCH_ROUNDS": "0"},
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    text = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", out],
                          check=True, capture_output=True, text=True, cwd=folder).stdout
    found = []
    for line in text.splitlines():
        match = re.match(r"\s*([\d,]+) \(\s*([\d.]+)%\)\s+(\S+):(\w+)", line)
        if match and str(ROOT) in match[3]:
            found.append((int(match[1].replace(",", "")), match[4], pathlib.Path(match[3]).name))
    return found


def profile(name, command, folder):
    found = instructions(command, folder)
    whole = next(cost for cost, function, _ in found if function == "examine")
    parts = sum(cost for cost, function, file in found
                if re.fullmatch("part_(inflate|sha256|rsa|parse|c14n)", function)
                and file == "examine_bench.c")
    print(f"\n{SETS[name]}, by instructions: examine() : parts {whole / parts:.2f}; within examine(),"
          " our functions, inclusive:")
    for cost, function, file in found:
        if whole * 0.02 <= cost <= whole and not file.startswith("examine_bench"):
            print(f"  {100 * cost / whole:5.1f} %  {function} ({file})")


def table(rows):
    """rows: what examine_bench says, by set"""
    print(f"  {'µs of the processor':28}" + "".join(f"{name:>12}" for name in rows))
    for what in next(iter(rows.values())):
        if what != "packages":
            print(f"  {what:28}" + "".join(f"{float(row[what]):12,.{2 if what == 'ratio' else 0}f}"
                                           for row in rows.values()))


def results(rows):
    for name, row in rows.items():
        yield {"what": f"examine() : sum of its parts, {SETS[name]}", "value": float(row["ratio"]),
               "unit": "ratio", "goal": None, "holds": True}
        yield {"what": f"examinations per second and core, {SETS[name]}",
               "value": float(row["per second and core"]), "unit": "1/s", "goal": None,
               "holds": True}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    options = parser.parse_args()
    build = options.build.resolve()
    if not (build / "tests" / "bench" / "examine_packages").exists():
        print(f"not built: ninja -C {build}", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        rows = {}
        commands = world(build, folder)
        for size, command in commands.items():
            text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            rows[size] = dict(line.split("\t") for line in text.splitlines())
        table(rows)
        versions = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}  ", "libxml2",
                                   "libssl3", "zlib1g", "libzip4"], capture_output=True,
                                  text=True).stdout
        print(f"  against {versions.strip()}")
        for size, command in commands.items() if options.profile else ():
            profile(size, command, folder)
    if options.json:
        print(json.dumps({"bench": "examine", "results": list(results(rows))}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
