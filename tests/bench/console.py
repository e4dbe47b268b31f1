#!/usr/bin/env python3
"""The console with many applications stored and many people at work: how long its API takes.

A made-up town's applications go through the house; by set-based SQL the tables are filled up to
--applications (examinations and keys as long as real ones, but not to be opened; --waiting of them
wait in the queues). Then --people, signed in, work for --seconds: each opens the queue, an
application (one of the town's), claims it, gives it back, and thinks --think ms on average between two requests;
then the same for a while without thinking at all. All on one machine, durable commits.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import shutil
import sys
import tempfile
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy" / "sandbox"))
sys.path.insert(0, str(ROOT / "tests" / "integration"))
from console_staff import enrolment_code  # noqa: E402
from stack import Stack  # noqa: E402
from test_console_sign_in import Browser  # noqa: E402

BUSINESS, DEPARTMENT = "child-allowance", "子育て支援課"
PROCEDURE = "child-allowance.certification-claim"
RIGHTS = ("see", "identify", "confirm", "examine", "approve")
ENDPOINTS = ("queue", "application", "claim", "release", "overview")

# All but --waiting of them are completed; the year's applications, evenly.
FILL = """
SET session_replication_role = replica;
CREATE TEMP TABLE many AS
    SELECT gen_random_uuid() AS id, g, now() - g * (interval '365 d' / {count}) AS at,
        CASE WHEN g % ({count} / {waiting}) = 0 THEN (ARRAY['review', 'unmatched', 'held', 'correction'])
                                      [1 + g / ({count} / {waiting}) % 4] ELSE 'completed' END AS state
    FROM generate_series({first}, {last}) g;
INSERT INTO application (city_code, application_id, channel, receipt_number, state, reason,
        changed_by, changed_at, announced_at, applied_at, procedure_id, form_version, promised_size,
        promised_sha256, version)
    SELECT '992011', id, 'bench', 'B-' || lpad(g::text, 9, '0'), state,
        CASE WHEN state <> 'completed' THEN 'facts-differ' END, 'role:routing', at, at, at,
        (ARRAY['child-allowance.certification-claim', 'child-allowance.current-status-report',
               'registry.moving-out', 'health.vaccination-subsidy'])[1 + g % 4],
        '1', 7500, decode(repeat('00', 32), 'hex'), 5 FROM many;
INSERT INTO application_event (city_code, application_id, version, at, to_state, actor)
    SELECT '992011', id, v, at, 'completed', 'role:routing' FROM many, generate_series(1, 5) v;
INSERT INTO application_key (city_code, application_id, wrapped)
    SELECT '992011', id, decode(repeat(md5(g::text), {key} / 16 + 1), 'hex') FROM many;
INSERT INTO examination (city_code, application_id, verdict, report, facts, record)
    SELECT '992011', id, 'accepted', b.report, b.facts, b.record FROM many,
    (SELECT report, facts, record FROM examination WHERE record IS NOT NULL AND report IS NOT NULL
     AND city_code = '992011' ORDER BY application_id LIMIT 1) b;
INSERT INTO identification (city_code, application_id, atenabango, how)
    SELECT '992011', id, g::text, 'serial' FROM many WHERE state = 'completed';
DROP TABLE many;
"""
PIECE = 50_000
# While it is filled, nothing has to be there after a crash, and no checkpoint stops it.
LOADING = {"full_page_writes": "off", "synchronous_commit": "off", "max_wal_size": "'20GB'",
           "checkpoint_timeout": "'1h'", "autovacuum": "off"}


def loading(stack, on):
    for name, value in LOADING.items():
        stack.psql(f"ALTER SYSTEM SET {name} = {value}" if on else f"ALTER SYSTEM RESET {name}")
    stack.psql("SELECT pg_reload_conf()")


def fill(stack, given, say):
    loading(stack, True)
    key = int(stack.psql("SELECT max(length(wrapped)) FROM application_key"))
    begun = time.monotonic()

    def piece(first):
        stack.psql(FILL.format(first=first, last=min(first + PIECE - 1, given.applications),
                               count=given.applications, key=key, waiting=given.waiting))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(piece, range(1, given.applications + 1, PIECE)))
    loading(stack, False)
    stack.psql("VACUUM ANALYZE")
    stack.psql("CHECKPOINT")
    say("filled within", time.monotonic() - begun, "s")
    say("applications stored", int(stack.psql("SELECT count(*) FROM application")), "")
    size = stack.psql("SELECT pg_database_size('uketsuke') / 1000000").strip()
    say("database", int(size), "MB")


def person(stack, name):
    """Signed in; the session's cookie."""
    stack.psql("INSERT INTO account (city_code, name, display_name, department, kind, valid_from,"
               f" valid_to, created_by, approved_by) VALUES ('992011', '{name}', '職員{name}',"
               f" '{DEPARTMENT}', 'staff', now() - interval '1 d', now() + interval '1 y', 'a', 'b')")
    stack.psql("INSERT INTO account_right SELECT city_code, account_id, "
               f"'{BUSINESS}', '{DEPARTMENT}', r, 'a', 'b' FROM account,"
               f" unnest('{{{','.join(RIGHTS)}}}'::text[]) r WHERE name = '{name}'")
    browser = Browser(stack)
    browser.enrol(name, enrolment_code(stack, name))
    return browser.http.cookies["__Host-uketsuke"]


def prepare(stack, given):
    stack.up(server=False, business=False)
    stack.submit_town(stack.make_town("town", "--seed", "5", "--count", str(given.town)))
    for role in ("collect", "examine", "identify", "routing"):
        stack.uketsuke(role, "--once")
    stack.start_console()
    stack.uketsuke("terminal", "add", "--label", "窓口1", "--department", DEPARTMENT,
                   "--address", "127.0.0.1", "--first")
    cookies = [person(stack, f"staff{i}") for i in range(given.people)]
    (stack.folder / "people").write_text("\n".join(cookies) + "\n")
    receipts = stack.psql(
        "SELECT receipt_number FROM application WHERE state IN ('review', 'unmatched', 'held')"
        f" AND procedure_id = '{PROCEDURE}' AND reason NOT LIKE '%protected%'").split()
    (stack.folder / "receipts").write_text("\n".join(receipts) + "\n")


def measure(stack, given, think, seconds):
    out = json.loads(stack.run(
        "tests/bench/console_bench", f"https://localhost:{stack.ports['console']}",
        stack.folder / "pki" / "ca.pem", stack.folder / "people", stack.folder / "receipts",
        seconds, think).stdout)
    return {name: sorted(out[name]) for name in ENDPOINTS}, out["requests"] / out["seconds"]


TICK = os.sysconf("SC_CLK_TCK")


def processor(stack):
    """Seconds of a processor that the console and PostgreSQL have used so far."""
    def used(pid, children):
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except FileNotFoundError:
            return 0
        return sum(map(int, fields[11:15 if children else 13])) / TICK

    postmaster = stack.processes["postgres"].pid
    backends = pathlib.Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    return (used(stack.processes["console"].pid, False),
            used(postmaster, True) + sum(used(pid, False) for pid in backends))


def at(times, share):
    return times[min(len(times) - 1, int(len(times) * share))] if times else 0.0


def report(stack, given, say):
    measure(stack, given, 0, 5)  # every connection has prepared its statements, caches are warm
    for think, seconds, goal in ((given.think, given.seconds, given.goal),
                                 (0, given.seconds // 3, None)):
        before = processor(stack)
        times, rate = measure(stack, given, think, seconds)
        spent = [1000 * (b - a) / sum(map(len, times.values()))
                 for a, b in zip(before, processor(stack))]
        how = f"{think} ms of thinking" if think else "back to back"
        say(f"{given.people} people, {how}: requests", rate, "a second")
        say("  processor time of one, console", spent[0], "ms")
        say("  processor time of one, PostgreSQL", spent[1], "ms")
        for name in ENDPOINTS:
            median, p99 = at(times[name], 0.5), at(times[name], 0.99)
            say(f"  {name}, median of {len(times[name])}", median, "ms")
            say(f"  {name}, p99", p99, "ms", goal and f"<= {goal}", goal and p99 <= goal)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=ROOT / "build", type=pathlib.Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--applications", type=int, default=1_000_000)
    parser.add_argument("--waiting", type=int, default=5000)
    parser.add_argument("--town", type=int, default=60, help="applications that can be opened")
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--think", type=int, default=3000, help="milliseconds, on average")
    parser.add_argument("--goal", type=float, default=30)
    parser.add_argument("--hold", action="store_true", help="leave everything running at the end")
    given = parser.parse_args()
    results = []

    def say(what, value, unit, goal=None, holds=None):
        print(f"{what:58} {value:12,.1f} {unit:10} {goal or '':8}"
              f"{'' if holds is None else 'yes' if holds else 'NO'}", flush=True)
        results.append({"what": what, "value": round(value, 2), "unit": unit, "goal": goal,
                        "holds": holds})

    folder = pathlib.Path(tempfile.mkdtemp(prefix="uketsuke-bench."))
    site = folder / "site"
    site.mkdir()
    (site / "index.html").write_text("<!doctype html><title>受付</title>")
    stack = Stack(folder, build=given.build, settings={
        "console": {"site": site, "idle": "2h"}, "log": {"level": "warning"},
        f"route {PROCEDURE}": {"approval": "staff", "business": BUSINESS, "department": DEPARTMENT}})
    try:
        prepare(stack, given)
        fill(stack, given, say)
        report(stack, given, say)
        if given.hold:
            input(f"{folder} stays until Enter ")
    finally:
        stack.stop_all()
        shutil.rmtree(folder, ignore_errors=True)
    if given.json:
        print(json.dumps({"bench": "console", "results": results}))
    return 0 if all(r["holds"] is not False for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
