#!/usr/bin/env python3
"""The whole path: applications a second from the portal to the receipt, with durable commits.

N applications wait on the portal; then the server starts; the clock stops when the business system
has stored and receipted the last. The rate depends on what else the machine does; what an
application costs (processor time, commits, flushes, bytes of WAL) hardly does. --profile: which
statements take the time, by pg_stat_statements.
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
from stack import ROLES, Stack, wait_until  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")
STATES = ("collected", "verified", "identified", "routed", "received")


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


def part_of(name, command):
    """A role of ours, or the role that a backend of PostgreSQL works for."""
    words = command.split()
    role = next((r for r in ROLES if name == "serve" and r in words), None)
    if name == "postgres" and len(words) > 1 and words[0] == "postgres:":
        return f"postgres for {words[1][9:]}" if words[1].startswith("uketsuke_") \
            else f"postgres {' '.join(words[1:])}"
    return f"uketsuke {role}" if role else name


def cpu_by_part(stack, before):
    """Processor seconds since `before`, by the part of the stack that used them."""
    now = processes()
    roots = {process.pid: name for name, process in stack.processes.items()}
    used = {}
    for pid, (_, command, seconds) in now.items():
        walk = pid
        while walk in now and walk not in roots:
            walk = now[walk][0]
        if walk in roots:
            part = part_of(roots[walk], command)
            used[part] = used.get(part, 0) + seconds - before.get(pid, (0, "", 0))[2]
    return used


def database_work(stack):
    """Commits, flushes and WAL so far."""
    row = stack.psql("SELECT xact_commit, wal_sync, wal_bytes, wal_sync_time FROM pg_stat_database,"
                     " pg_stat_wal WHERE datname = 'uketsuke'").split()
    return dict(zip(("commits", "flushes", "bytes of WAL", "ms in flushes"), map(float, row)))


def received(stack):
    """How many, and when the last was."""
    count, at = stack.psql("SELECT count(*), coalesce(extract(epoch FROM max(changed_at)), 0)"
                           " FROM application WHERE state = 'received'").split()
    return int(count), float(at)


def prepare(stack, count, profile):
    """Everything up to the moment before the server starts; returns how many must arrive."""
    stack.make_postgres()
    with (stack.postgres_folder / "data" / "postgresql.conf").open("a") as f:
        f.write("track_wal_io_timing = on\n")
        if profile:
            f.write("shared_preload_libraries = 'pg_stat_statements'\n")
    stack.up(server=False, business=False)
    town = stack.make_town("town", "--seed", "3", "--count", str(count), "--kinds", "good")
    stack.submit_town(town)
    if profile:
        stack.psql("CREATE EXTENSION pg_stat_statements")
    time.sleep(4)  # a revocation list that is younger than the last application
    return len(stack.expected(town))


def print_stages(stack, count):
    """When each stage began and ended, from the events."""
    begun = stack.psql("SELECT min(announced_at) FROM application").strip()
    print("stage                   first       last   seconds    a second while it ran")
    for state in STATES:
        first, last = map(float, stack.psql(
            f"SELECT extract(epoch FROM min(at) - '{begun}'), extract(epoch FROM max(at) -"
            f" '{begun}') FROM application_event WHERE to_state = '{state}'").split())
        took = max(last - first, 0.001)
        print(f"  {state:18} {first:8.2f} s {last:8.2f} s {took:9.2f} {count / took:12.0f}")


def print_statements(stack, count):
    print("statement                                     role          calls   ms/call   µs an"
          " application")
    print(stack.psql(
        "SELECT format('%s  %s %s %s %s', rpad(left(regexp_replace(query, '\\s+', ' ', 'g'), 42),"
        " 44), rpad(substr(rolname, 10), 10), lpad(calls::text, 8),"
        " lpad(round((total_exec_time / calls)::numeric, 3)::text, 9),"
        f" lpad(round((total_exec_time * 1000 / {count})::numeric, 1)::text, 9))"
        " FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid WHERE rolname LIKE"
        " 'uketsuke_%' AND rolname <> 'uketsuke_admin' AND rolname <> 'uketsuke_owner'"
        " ORDER BY total_exec_time DESC LIMIT 60"))


def print_results(count, took, used, work):
    print(f"{count} applications from portal to receipt in {took:.1f} s: {count / took:.0f} a"
          f" second (fsync on, {os.cpu_count()} cores, everything on one machine)")
    print("for one application:")
    for name, value in work.items():
        print(f"  {value / count:12.3f} {name}")
    print(f"  {1000 * sum(used.values()) / count:12.3f} ms of a processor, of these")
    for name, seconds in sorted(used.items(), key=lambda item: -item[1]):
        if seconds >= 0.02:
            print(f"  {1000 * seconds / count:22.3f} {name}")


def run(folder, options):
    stack = Stack(folder, options.build, durable=True, settings={"log": {"level": "warning"}})
    try:
        count = prepare(stack, options.count, options.profile)
        before, work, begun = processes(), database_work(stack), time.time()
        stack.start_server()
        stack.start_business()  # now, or it would sit out its back-off from before
        wait_until(lambda: received(stack)[0] == count, 600, "everything received", 0.5)
        took = received(stack)[1] - begun
        used = cpu_by_part(stack, before)
        work = {name: value - work[name] for name, value in database_work(stack).items()}
        report = stack.business_report()
        assert len(report["receipt_numbers"]) == count and report["duplicates"] == 0
        print_results(count, took, used, work)
        print_stages(stack, count)
        if options.profile:
            print_statements(stack, count)
        return count / took, 1000 * sum(used.values()) / count
    finally:
        stack.stop_all()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    options = parser.parse_args()
    options.build = options.build.resolve()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        rate, processor = run(folder, options)
    if options.json:
        print(json.dumps({"bench": "path", "results": [
            {"what": "portal to receipt", "value": round(rate, 1), "unit": "applications/s",
             "goal": None, "holds": True},
            {"what": "processor time of an application", "value": round(processor, 3),
             "unit": "ms", "goal": None, "holds": True}]}))


if __name__ == "__main__":
    main()
