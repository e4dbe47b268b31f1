"""Examine, identify and hand over: what one application can't have never stops the others, and
what waits goes on when its time has come.
"""

import json
import os
import pathlib
import signal
import time

import pytest

from stack import ROLES, wait_until

FAST = {"work": {"lease": "3s", "retry-least": "100ms", "retry-most": "400ms",
                 "retry-held": "1s", "retry-unmatched": "1h"}}
PROCEDURE = "child-allowance.certification-claim"


def number(stack, sql):
    return int(stack.psql(sql).strip())


def states(stack):
    return {r: (a["state"], a["reason"]) for r, a in stack.applications().items()}


def wait_states(stack, wanted, patience=40):
    wait_until(lambda: states(stack) == wanted, patience, f"wanted {wanted}", 0.2)


def events(stack, receipt):
    return stack.psql("SELECT e.to_state FROM application_event e JOIN application a"
                      " USING (city_code, application_id)"
                      f" WHERE receipt_number = '{receipt}' ORDER BY e.version").split()


@pytest.fixture
def collected(make_stack):
    """collected(count, settings): good applications that are collected, and no other role runs."""
    def make(count, settings=None):
        merged = {name: {**FAST.get(name, {}), **(settings or {}).get(name, {})}
                  for name in {*FAST, *(settings or {})}}
        stack = make_stack(merged)
        stack.up(server=False)
        folder = stack.make_town("town", "--seed", "3", "--count", str(count),
                                 "--kinds", "good")
        stack.submit_town(folder)
        assert stack.uketsuke("collect", "--once").returncode == 0
        receipts = sorted(stack.expected(folder))
        assert states(stack) == {r: ("collected", "") for r in receipts}
        return stack, receipts
    return make


def waiting(process):
    """Behind its walls, and for a package, so it is ready: one that cannot even start stops the
    role, and shall."""
    try:
        status = pathlib.Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return "Seccomp:\t2" in status and "State:\tS" in status


def test_examiners_killed_again_and_again(collected):
    """Who was under examination is held and tried again; nobody else notices, none is refused."""
    stack, receipts = collected(100, {"work": {"batch": "10"}, "examine": {"workers": "2"}})
    stack.start_role("examine")
    role, killed, until = stack.processes["examine"].pid, 0, time.monotonic() + 60
    ready, gone = set(), set()  # who is ready may be at work when it is killed
    while time.monotonic() < until:
        alive = {child for task in pathlib.Path(f"/proc/{role}/task").iterdir()
                 for child in (task / "children").read_text().split()} - gone
        ready = {child for child in alive if child in ready or waiting(child)}
        if ready:
            victim = sorted(ready)[killed % len(ready)]
            os.kill(int(victim), signal.SIGKILL)
            gone.add(victim)
            killed += 1
        if killed >= 25 and number(stack, "SELECT count(*) FROM examination") >= 50:
            break
        time.sleep(0.01)
    assert killed >= 25
    wait_states(stack, {r: ("verified", "") for r in receipts}, 60)
    assert stack.alive("examine") and stack.processes["examine"].pid == role
    for receipt in receipts:
        assert set(events(stack, receipt)) <= {"announced", "collected", "held", "verified"}
    assert number(stack, "SELECT count(*) FROM examination WHERE verdict = 'accepted'") == 100
    assert stack.uketsuke("audit", "verify").returncode == 0


def test_an_unreadable_package_stops_no_other(collected):
    stack, receipts = collected(4)
    stack.psql("UPDATE package SET sealed = '\\x0102' FROM application a WHERE a.application_id ="
               f" package.application_id AND receipt_number = '{receipts[0]}'")
    assert stack.uketsuke("examine", "--once").returncode == 0
    assert states(stack) == {r: ("collected" if r == receipts[0] else "verified", "")
                             for r in receipts}
    assert stack.psql("SELECT note FROM work WHERE stage = 'examine'").strip() == "unreadable"


def test_what_the_database_refuses_stops_no_other(collected):
    stack, receipts = collected(4)
    bad = stack.psql(f"SELECT application_id FROM application WHERE receipt_number ="
                     f" '{receipts[1]}'").strip()
    stack.psql("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
               f" IF NEW.application_id = '{bad}' THEN RAISE 'not this one'; END IF; RETURN NEW;"
               " END $$; "
               "CREATE TRIGGER refuse BEFORE INSERT ON examination FOR EACH ROW"
               " EXECUTE FUNCTION refuse();"
               "CREATE TRIGGER refuse BEFORE INSERT ON identification FOR EACH ROW"
               " EXECUTE FUNCTION refuse();"
               "CREATE TRIGGER refuse BEFORE INSERT ON outbox FOR EACH ROW"
               " EXECUTE FUNCTION refuse();")
    rest = [r for r in receipts if r != receipts[1]]

    def stays(state, stage, others):
        assert states(stack) == {receipts[1]: (state, ""), **{r: (others, "") for r in rest}}
        assert stack.psql(f"SELECT note FROM work WHERE stage = '{stage}'").split() == [
            "not-stored"]

    def next_try():
        wait_until(lambda: number(stack, "SELECT count(*) FROM work WHERE due_at > now()") == 0,
                   10, "the next try")

    stack.uketsuke("examine", "--once")
    stays("collected", "examine", others="verified")
    stack.psql("ALTER TABLE examination DISABLE TRIGGER refuse")
    next_try()
    stack.uketsuke("examine", "--once")
    stack.uketsuke("identify", "--once")
    stays("verified", "identify", others="identified")
    stack.psql("ALTER TABLE identification DISABLE TRIGGER refuse")
    next_try()
    stack.uketsuke("identify", "--once")
    stack.start_role("routing")
    wait_until(lambda: [states(stack)[r] for r in rest] == [("received", "")] * 3, 30,
               "the others received")
    stays("identified", "route", others="received")
    stack.psql("ALTER TABLE outbox DISABLE TRIGGER refuse")
    wait_states(stack, {r: ("received", "") for r in receipts})
    assert stack.business_report()["duplicates"] == 0


def test_a_route_that_is_configured_later(collected):
    stack, receipts = collected(3)
    text = stack.config.read_text()
    stack.config.write_text(text.replace(f"[route {PROCEDURE}]", "[route child-allowance.other]"))
    for role in ("examine", "identify", "routing"):
        stack.start_role(role)
    wait_states(stack, {r: ("held", "route-missing") for r in receipts})
    stack.stop("routing")
    stack.config.write_text(text)
    stack.start_role("routing")
    wait_states(stack, {r: ("received", "") for r in receipts})
    assert events(stack, receipts[0]) == ["announced", "collected", "verified", "identified",
                                          "held", "routed", "received"], "one hold, one event"


def test_a_notify_program_that_hangs_keeps_nothing_waiting(collected, tmp_path):
    """What is held is told by a program that never ends; it is handed over meanwhile, and a stop
    ends the program and what it started."""
    program, child = tmp_path / "notify", tmp_path / "child"
    program.write_text(f"#!/bin/sh\nsleep 300 &\necho $! >{child}\nwait\n")
    program.chmod(0o755)
    stack, receipts = collected(2, {"escalation": {"operator-after": "1s",
                                                   "notify": str(program)}})
    text = stack.config.read_text()
    stack.config.write_text(text.replace(f"[route {PROCEDURE}]", "[route child-allowance.other]"))
    for role in ("examine", "identify", "routing"):
        assert stack.uketsuke(role, "--once").returncode == 0
    assert states(stack) == {r: ("held", "route-missing") for r in receipts}
    stack.config.write_text(text)
    time.sleep(2)
    stack.start_role("routing")
    wait_until(child.exists, 10, "the program is started", 0.05)
    wait_until(lambda: {state for state, _ in states(stack).values()} <= {"routed", "received"},
               20, "both are handed over", 0.2)
    started = time.monotonic()
    stack.stop("routing")
    assert time.monotonic() - started < 10
    command = pathlib.Path(f"/proc/{child.read_text().strip()}/cmdline")
    wait_until(lambda: not command.exists() or not command.read_text(), 5, "it has ended")
    assert number(stack, "SELECT count(*) FROM escalation") == 0, "nobody was told"


def test_who_comes_late_does_not_say_whose_it_is(collected):
    """Between claim and decision another worker identifies the application: its word stands."""
    stack, (receipt,) = collected(1)
    assert stack.uketsuke("examine", "--once").returncode == 0
    stack.psql("""
        CREATE FUNCTION other_worker() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN
            UPDATE application SET version = version + 1, state = 'identified',
                changed_by = 'role:identify' WHERE state = 'verified';
            INSERT INTO identification VALUES (NEW.city_code, NEW.application_id, now(),
                'THEOTHER', 'serial') ON CONFLICT DO NOTHING;
            RETURN NULL;
        END $$;
        CREATE TRIGGER other_worker AFTER UPDATE ON work FOR EACH ROW
            WHEN (NEW.stage = 'identify') EXECUTE FUNCTION other_worker()""")
    assert stack.uketsuke("identify", "--once").returncode == 0
    assert states(stack) == {receipt: ("identified", "")}
    assert events(stack, receipt).count("identified") == 1
    assert stack.psql("SELECT atenabango FROM identification").strip() == "THEOTHER"


def resident_searched(stack, receipt, *facts):
    return stack.uketsuke("registry", "search", "--application", receipt, "--reason", "氏名の確認",
                          *facts, check=False)


def look_residents_up(stack, receipt):
    """At least two facts, for an application that waits, and never without an audit entry."""
    name, day = ("--name", "桜野　花子"), ("--birth-date", "1992-04-01")
    done = resident_searched(stack, receipt, *name)
    assert done.returncode == 1 and "at least two" in done.stderr
    done = resident_searched(stack, "R-NOBODY", *name, *day)
    assert done.returncode == 1 and "no application" in done.stderr
    assert "registry.search" not in stack.psql("SELECT action FROM audit_entry")
    done = resident_searched(stack, receipt, *name, *day)
    assert done.returncode == 1 and "Nobody fits" in done.stdout
    stack.psql("""INSERT INTO resident SELECT DISTINCT city_code, '17', 1, now(), 'juki',
        decode(repeat('00', 16), 'hex'), 'H1', '', '櫻野　花子', '', '', '', '', '', '', 19920401,
        '', '2', '992011', '', '試験県', '桜野市', '本町', '１', '', '', 0, 0, 19500101, 99991231,
        NULL::integer, NULL::integer, NULL::bytea, NULL::bytea, NULL::bytea, '桜野花子', '', '', '',
        '', '', '桜野市本町1' FROM application""")
    done = resident_searched(stack, receipt, *name, *day, "--json")
    assert done.returncode == 0
    [found] = json.loads(done.stdout)["residents"]
    assert found["name"] == "櫻野　花子" and found["facts"]["name"]["how"] == "notation"
    assert found["resident"]["protected"] and found["address"] == ""
    assert number(stack, "SELECT count(*) FROM audit_entry WHERE action = 'registry.search'"
                         " AND application_id IS NOT NULL AND reason = '氏名の確認'") == 2
    stack.psql("DELETE FROM resident WHERE atenabango = '17'")


def test_the_next_feed_wakes_who_was_unknown(make_stack):
    stack = make_stack(FAST)
    stack.up(server=False)
    folder = stack.make_town("town", "--seed", "3", "--count", "4", "--kinds", "good")
    feed = folder / "registry-links.csv"
    stack.psql("DELETE FROM registry_link")
    for role in ROLES:
        stack.start_role(role)
    stack.submit_town(folder)
    receipts = list(stack.expected(folder))
    wait_states(stack, {r: ("unmatched", "serial-unknown") for r in receipts})
    look_residents_up(stack, receipts[0])

    header, *rows = feed.read_text().splitlines()
    broken = stack.folder / "broken.csv"
    broken.write_text("\n".join([header, *rows, rows[0]]) + "\n")
    done = stack.uketsuke("registry", "import", broken, check=False)
    assert done.returncode == 1
    assert f"line {len(rows) + 2}, item serial: E0004" in done.stderr
    assert number(stack, "SELECT count(*) FROM registry_link") == 0

    done = stack.uketsuke("registry", "import", feed, "--full")
    assert f"{len(rows)} links read: {len(rows)} added, 0 changed, 0 removed." in done.stdout
    assert "are tried again" in done.stdout
    wait_states(stack, {r: ("received", "") for r in receipts})
    done = stack.uketsuke("registry", "import", "-", input=feed.read_text())  # a pipe will do
    assert "0 added, 0 changed" in done.stdout
    assert stack.uketsuke("audit", "verify").returncode == 0
