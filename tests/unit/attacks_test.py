#!/usr/bin/env python3
"""attacks_test.py PROGRAM MAKER ROOT: every attack of the corpus is refused, and for its own reason;
the corpus as it is kept (tests/data/attacks), and one made anew with other keys."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM, MAKER, ROOT = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
KEPT = ROOT / "tests/data/attacks"


def table(corpus):
    for line in (corpus / "attacks.tsv").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            name, code, reason, arguments, what = line.split("\t")
            yield name, int(code), reason, arguments, what


def attempt(corpus, name, arguments):
    words = [word.replace("{0}", str(corpus)).replace("{}", str(corpus / name))
             for word in arguments.split()]
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=60)


class Attacks(unittest.TestCase):
    def try_all(self, corpus):
        for name, code, reason, arguments, what in table(corpus):
            with self.subTest(name, what=what):
                got = attempt(corpus, name, arguments)
                self.assertEqual(got.returncode, code, got.stdout + got.stderr)
                if code == 3:  # not usable at all: a failure that says why
                    self.assertRegex(got.stderr, r"^uketsuke [a-z ]+: .{20,}")
                    self.assertEqual(got.stdout, "")
                else:
                    self.assertEqual(json.loads(got.stdout)["reason"] or "", reason, got.stdout)

    def test_the_corpus_as_it_is_kept(self):
        self.try_all(KEPT)

    def test_a_corpus_made_anew(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([MAKER, folder], check=True)
            self.assertEqual((pathlib.Path(folder) / "attacks.tsv").read_text("utf-8"),
                             (KEPT / "attacks.tsv").read_text("utf-8"),
                             "make it again: tests/data/attacks/README.md")
            self.try_all(pathlib.Path(folder))

    def test_there_is_an_honest_one_of_each_kind(self):
        honest = [arguments.split()[:5] for _, code, _, arguments, _ in table(KEPT) if code == 0]
        self.assertGreaterEqual(len(honest), 3)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
