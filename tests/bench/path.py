#!/usr/bin/env python3
"""The whole path: applications a second from the portal to the receipt, with durable commits.

N applications wait on the portal; then the server starts; the clock stops when the business system
has stored and receipted the last. Where the time goes: processor seconds of each process.
"""

import argparse
import json
import os
import pathlib
import sys
import tempfile
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy" / "sandbox"))
from stack import Stack, wait_until  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")


def processes():
    """{pid: (parent, command line, processor seconds)}"""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        found[int(entry.name)] = (int(stat[1]), command, (int(stat[11]) + int(stat[12])) / TICK)
    return found


def cpu_by_part(stack, before):
    """Processor seconds since `before`, by the part of the stack that used them."""
    now = processes()
    roots = {process.pid: name for name, process in stack.processes.items()}
    used = {}
    for pid, (_, command, seconds) in now.items():
        owner, walk = None, pid
        while walk in now:
            if walk in roots:
                owner = roots[walk]
                break
            walk = now[walk][0]
        if not owner:
            continue
        if owner == "serve" and pid != stack.processes["serve"].pid:
            owner = "uketsuke " + command.split("exe ", 1)[-1].split("uketsuke ", 1)[-1].split(" ")[0]
        used[owner] = used.get(owner, 0) + seconds - before.get(pid, (0, "", 0))[2]
    return used


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        stack = Stack(folder, durable=True, settings={"log": {"level": "warning"}})
        try:
            stack.up(server=False, business=True)
            town = stack.make_town("town", "--seed", "3", "--count", str(options.count),
                                   "--kinds", "good")
            stack.submit_town(town)
            expected = stack.expected(town)
            time.sleep(4)  # a revocation list that is younger than the last application
            before, begun = processes(), time.monotonic()
            stack.start_server()
            wait_until(lambda: int(stack.psql(
                "SELECT count(*) FROM application WHERE state = 'received'")) == len(expected),
                600, "everything received", 0.25)
            took = time.monotonic() - begun
            used = cpu_by_part(stack, before)
            report = stack.business_report()
            assert len(report["receipt_numbers"]) == len(expected) and report["duplicates"] == 0
        finally:
            stack.stop_all()
    rate = len(expected) / took
    print(f"{len(expected)} applications from portal to receipt in {took:.1f} s: {rate:.0f} a second"
          f" (fsync on, {os.cpu_count()} cores, everything on one machine)")
    print("processor seconds, and milliseconds an application:")
    for name, seconds in sorted(used.items(), key=lambda item: -item[1]):
        print(f"  {name:28} {seconds:7.2f} s  {1000 * seconds / len(expected):7.3f} ms")
    if options.json:
        print(json.dumps({"bench": "path", "results": [
            {"what": "portal to receipt", "value": round(rate, 1), "unit": "applications/s",
             "goal": None, "holds": True}]}))


if __name__ == "__main__":
    main()
