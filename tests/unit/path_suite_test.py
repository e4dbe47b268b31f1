#!/usr/bin/env python3
"""path_suite_test.py PROGRAM: `uketsuke certificate check --profile rfc5280` on the paths of
tests/paths, and OpenSSL's own command on the same; profile jpki on its certificates."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "paths"))
import basic  # noqa: E402
import card  # noqa: E402
import names  # noqa: E402
import points  # noqa: E402
import policy  # noqa: E402
from suite import Suite  # noqa: E402

PROGRAM = pathlib.Path(sys.argv[1]).resolve()
TIME = "2026-06-01T00:00:00Z"
ORACLE_OPTIONS = {"--explicit-policy": "-explicit_policy", "--inhibit-mapping": "-inhibit_map",
                  "--inhibit-any": "-inhibit_any", "--policy": "-policy"}
LISTS = ["-crl_check_all", "-extended_crl", "-use_deltas", "-CRLfile", "lists.pem"]


def make():
    suite = Suite()
    for module in (basic, policy, names, points):
        for section in module.SECTIONS:
            section(suite)
    suite.finish()
    return suite


def pem(label, ders):
    import base64
    return "".join(f"-----BEGIN {label}-----\n{base64.encodebytes(der).decode()}-----END {label}"
                   "-----\n" for der in ders)


def write(suite):
    for folder, ders, ending in (("untrusted", suite.untrusted, "cer"),
                                 ("lists", suite.lists, "crl")):
        (FOLDER / folder).mkdir()
        for number, der in enumerate(ders):
            (FOLDER / folder / f"{number:04}.{ending}").write_bytes(der)
    (FOLDER / "anchor.pem").write_text(pem("CERTIFICATE", [suite.anchor]), "ascii")
    (FOLDER / "untrusted.pem").write_text(pem("CERTIFICATE", suite.untrusted), "ascii")
    (FOLDER / "lists.pem").write_text(pem("X509 CRL", suite.lists), "ascii")


def check(cases, options):
    """One run: a line for each certificate of the file."""
    (FOLDER / "leaves.der").write_bytes(b"".join(case[1] for case in cases))
    at = [] if "--at" in options else ["--at", TIME]
    got = subprocess.run(
        [PROGRAM, "certificate", "check", "--profile", "rfc5280", "--json", "--trust", "anchor.pem",
         "--untrusted", "untrusted", "--crl", "lists", "--now", TIME, *at, *options.split(),
         "leaves.der"], cwd=FOLDER, capture_output=True, text=True, timeout=120)
    return got.returncode, [json.loads(line) for line in got.stdout.splitlines()], got.stderr


def oracle_options(options):
    """The same for `openssl verify`."""
    at, out, lists = TIME, ["-policy_check", "-partial_chain"], LISTS
    words = iter(options.split())
    for word in words:
        if word == "--no-revocation":
            lists = []
        elif word == "--at":
            at = next(words)
        elif word == "--policy":
            out += ["-policy", next(words)]
        else:
            out.append(ORACLE_OPTIONS[word])
    if "--policy" not in options:
        out += ["-policy", "anyPolicy"]
    seconds = subprocess.run(["date", "-d", at, "+%s"], capture_output=True, text=True, check=True)
    return [*out, "-attime", seconds.stdout.strip(), *lists]


def oracle(cases, options):
    """For each certificate whether OpenSSL takes it, and its first complaint."""
    files = []
    for number, case in enumerate(cases):
        files.append(f"leaf{number}.pem")
        (FOLDER / files[-1]).write_text(pem("CERTIFICATE", [case[1]]), "ascii")
    got = subprocess.run(["openssl", "verify", "-CAfile", "anchor.pem", "-untrusted",
                          "untrusted.pem", *oracle_options(options), *files], cwd=FOLDER,
                         capture_output=True, text=True, timeout=120)
    taken = {line[:-4] for line in got.stdout.splitlines() if line.endswith(": OK")}
    complaints, words = {}, []
    for line in got.stderr.splitlines():
        if line.startswith("error leaf"):
            complaints[line.split()[1].rstrip(":")] = "; ".join(words)
            words = []
        elif line.startswith("error ") and " at " in line:
            words.append(line)
    return [(name in taken, complaints.get(name)) for name in files]


class Paths(unittest.TestCase):
    def groups(self):
        for options in sorted({case[3] for case in SUITE.cases}):
            yield options, [case for case in SUITE.cases if case[3] == options]

    def test_each_verdict(self):
        for options, cases in self.groups():
            code, reports, errors = check(cases, options)
            self.assertEqual(len(reports), len(cases), errors)
            codes = {"TOTAL-PASSED": 0, "INDETERMINATE": 2, "TOTAL-FAILED": 1}
            worst = max((case[2][0] for case in cases), key=(0, 2, 1).index)
            with self.subTest(options=options):
                self.assertEqual(code, worst)
            for case, report in zip(cases, reports):
                with self.subTest(case[0]):
                    got = codes[report["indication"]], report["reason"]
                    self.assertEqual(got, case[2], [c for c in report["checks"]
                                                    if c["result"] != "passed"])

    def test_openssl_agrees_or_it_is_listed(self):
        for options, cases in self.groups():
            for case, (taken, complaint) in zip(cases, oracle(cases, options)):
                with self.subTest(case[0]):
                    self.assertEqual(taken != (case[2][0] == 0), bool(case[4]),
                                     complaint or "taken")

    def test_each_signing_certificate(self):
        rows = list(card.rows())
        (FOLDER / "generations").mkdir()
        for number, der in enumerate(card.anchors()):
            (FOLDER / "generations" / f"{number}.der").write_bytes(der)
        (FOLDER / "cards.pem").write_text(pem("CERTIFICATE", [row[1] for row in rows]), "ascii")
        got = subprocess.run(
            [PROGRAM, "certificate", "check", "--json", "--no-revocation", "--trust", "generations",
             "--policy", card.POLICY, "--at", TIME, "cards.pem"], cwd=FOLDER, capture_output=True,
            text=True, timeout=120)
        reports = [json.loads(line) for line in got.stdout.splitlines()]
        self.assertEqual((got.returncode, len(reports)), (1, len(rows)), got.stderr)
        for (title, _, expected), report in zip(rows, reports):
            with self.subTest(title):
                self.assertEqual((int(report["indication"] != "TOTAL-PASSED"), report["reason"]),
                                 expected)

    def test_enough_of_them(self):
        self.assertEqual(len({case[0] for case in SUITE.cases}), len(SUITE.cases))
        self.assertGreaterEqual(len(SUITE.cases), 250)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        FOLDER = pathlib.Path(folder)
        SUITE = make()
        write(SUITE)
        unittest.main(argv=sys.argv[:1])
