"""Identification on a small made-up city: never wrong, and what can be solved is. The same bench on a
million residents is in docs/performance.md."""

import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def measured():
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "bench" / "identify.py", "--residents", "6000", "--cases",
         "1100", "--missed", "20", "--json"], capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr  # 1: a goal is missed, perhaps that of speed
    print(done.stdout)
    return {row["what"]: row for row in json.loads(done.stdout.splitlines()[-1])["results"]}


@pytest.mark.parametrize("what", [
    "wrong automatic identifications", "the solvable, by machine",
    "the unmatched: right one first", "the unmatched: among five"])
def test_accuracy(measured, what):
    assert measured[what]["holds"], measured[what]


def test_staff_are_proposed_nobody_else(measured):
    assert measured["proposals of another resident"]["value"] == 0
