#!/usr/bin/env python3
"""Verification of XML signatures: ours against xmlsec1 as a C library with its defaults, Apache
Santuario (DOM, secure validation, JIT warmed up) and python3-xmlsec with lxml, in one run over the
same documents: enveloped, RSA-2048 with SHA-256, exclusive C14N, of 5 KB, 100 KB and 1 MB. Every
verification begins with bytes: the document's, and those of the certificate whose key must have
signed it. Nobody checks the certificate's own path. The peers take turns; processor time counts
(of Santuario only the verifying thread), the ratios are medians over the rounds.

And by callgrind's count of instructions: ours against the sum of what no verifier can leave out
(libxml2's parse and free, its C14N of what is covered and of SignedInfo, SHA-256 of both, the
public-key operation with a key that is ready), in one binary; also without SignedInfo's share, and
with our own C14N in place of libxml2's, so that nobody is fooled by a slow part. Valgrind knows no
SHA instructions: hashes weigh more there, on both sides.

Peers are installed from Debian: libxml-security-java, openjdk-17-jdk-headless, python3-xmlsec.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from examine import instructions

HERE = pathlib.Path(__file__).resolve().parent
SIZES = {5000: "5 KB", 100000: "100 KB", 1000000: "1 MB"}
JARS = ["xmlsec", "slf4j-api", "slf4j-nop", "commons-codec"]
PACKAGES = ["libxml-security-java", "openjdk-17-jdk-headless", "python3-xmlsec"]
LIBRARIES = ["libxml2", "libssl3", "libxmlsec1-openssl"]
PYTHON = "/usr/bin/python3"  # Debian's, which has Debian's modules
SECONDS = 0.15  # that one peer works on one size in one round
WARM_UP = {"Santuario": 12, "xmlsec1": 1, "python3-xmlsec": 1, "ours": 1}  # rounds that do not count

GOALS = {  # (of, against, size): at least so many times faster
    ("fastest non-C peer", size): 3 for size in SIZES
} | {("xmlsec1", 5000): 2, ("xmlsec1", 1000000): 10}
PARTS_GOAL = 1.3


def install():
    missing = [name for name in PACKAGES if "install ok installed" not in subprocess.run(
        ["dpkg-query", "-W", "-f", "${Status}", name], capture_output=True, text=True).stdout]
    if missing:
        print(f"installing {' '.join(missing)}", flush=True)
        subprocess.run(["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing],
                       check=True, stdout=subprocess.DEVNULL)


def versions():
    text = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}  ", *LIBRARIES,
                           *PACKAGES], capture_output=True, text=True).stdout
    return text.strip()


class Peer:
    """A program that verifies what it is told to, and says how long that took."""

    def __init__(self, name, command, signer):
        self.name = name
        self.process = subprocess.Popen([*command, signer], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.counts = {}

    def seconds(self, path, count):
        self.process.stdin.write(f"{path} {count}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} ended without an answer")
        return float(line)

    def warm_up(self, path):
        for _ in range(WARM_UP[self.name]):
            took = self.seconds(path, self.counts.get(path, 10)) / self.counts.get(path, 10)
            self.counts[path] = max(3, int(SECONDS / max(took, 1e-6)))

    def measure(self, path):
        return self.seconds(path, self.counts[path]) / self.counts[path]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def peers(build, folder):
    bench, signer = build / "tests" / "bench" / "signature_bench", folder / "signer.der"
    path = ":".join(f"/usr/share/java/{jar}.jar" for jar in JARS)
    subprocess.run(["javac", "-cp", path, "-d", folder,
                    HERE / "peers" / "santuario" / "SignatureBench.java"], check=True)
    return [Peer("ours", [bench, "ours"], signer), Peer("xmlsec1", [bench, "xmlsec1"], signer),
            Peer("Santuario", ["java", "-cp", f"{path}:{folder}", "SignatureBench"], signer),
            Peer("python3-xmlsec", [PYTHON, HERE / "peers" / "python_xmlsec.py"], signer)]


def race(build, folder, rounds):
    """{size: {peer: [seconds of each round]}}"""
    runners, rows = peers(build, folder), {}
    for size in SIZES:
        path = folder / f"{size}.xml"
        for runner in runners:
            runner.warm_up(path)
        rows[size] = {runner.name: [] for runner in runners}
        for _ in range(rounds):
            for runner in runners:
                rows[size][runner.name].append(runner.measure(path))
    for runner in runners:
        runner.close()
    return rows


def speed(row, name):
    """How many times faster ours is: the median of the rounds' ratios."""
    return statistics.median(theirs / ours for theirs, ours in zip(row[name], row["ours"]))


def count(build, folder, size):
    """{what: instructions}: ours, and the sums of parts"""
    command = [build / "tests" / "bench" / "signature_bench", "profile", folder / "signer.der",
               folder / f"{size}.xml", "3"]
    found = {function: cost for cost, function, file in
             reversed(instructions(command, folder)) if file == "signature_bench.c"}

    def parts(*names):
        return sum(found[f"part_{name}"] for name in names)

    shared = parts("parse", "free", "sha256", "public_key")
    info = parts("signed_info_sha256")
    return {"ours": found["measured_ours"],
            "parts": shared + info + parts("c14n_libxml2", "signed_info_libxml2"),
            "parts without SignedInfo": shared + parts("c14n_libxml2"),
            "parts with our C14N": shared + info + parts("c14n_ours", "signed_info_ours")}


def results(rows, counts):
    def entry(what, value, goal=None, at_most=False):
        holds = goal is None or (value <= goal if at_most else value >= goal)
        return {"what": what, "value": round(value, 2), "unit": "ratio", "goal": goal,
                "holds": holds}

    for size, name in SIZES.items():
        row = rows[size]
        ratios = {peer: speed(row, peer) for peer in row if peer != "ours"}
        ratios["fastest non-C peer"] = min(ratios["Santuario"], ratios["python3-xmlsec"])
        for peer, ratio in ratios.items():
            yield entry(f"{peer} : ours, {name}", ratio, GOALS.get((peer, size)))
    for size, costs in counts.items():
        for what, cost in costs.items():
            if what != "ours":
                yield entry(f"instructions, ours : {what}, {SIZES[size]}", costs["ours"] / cost,
                            PARTS_GOAL if what == "parts" else None, True)


def table(rows, found):
    names = list(next(iter(rows.values())))
    print(f"  {'µs of the processor, median':32}" + "".join(f"{name:>16}" for name in names))
    for size, row in rows.items():
        print(f"  {SIZES[size]:32}" + "".join(
            f"{statistics.median(row[name]) * 1e6:16,.0f}" for name in names))
    print()
    for result in found:
        goal = "" if result["goal"] is None else (
            f"  goal {result['goal']}: {'holds' if result['holds'] else 'DOES NOT HOLD'}")
        print(f"  {result['what']:50}{result['value']:8.2f}{goal}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parents[1] / "build")
    options = parser.parse_args()
    build = options.build.resolve()
    documents = build / "tests" / "bench" / "signature_documents"
    if not documents.exists():
        print(f"not built: ninja -C {build}", file=sys.stderr)
        return 3
    install()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run([documents, folder, *map(str, SIZES)], check=True)
        print(f"  against {versions()}\n  load {os.getloadavg()[0]:.1f}", flush=True)
        rows = race(build, folder, options.rounds)
        counts = {size: count(build, folder, size) for size in SIZES}
    found = list(results(rows, counts))
    table(rows, found)
    if options.json:
        print(json.dumps({"bench": "signature", "results": found}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
