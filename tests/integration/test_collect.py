"""Collecting: nothing is taken twice, nothing is lost, and one bad application stops no other.

The packages here are mere bytes: whether they are good is not for collect to know.
"""

import hashlib
import os
import signal
import socket
import threading
import time
import urllib.error
import urllib.request

import pytest

from stack import CITY, StackError, wait_until

FAST = {"work": {"lease": "3s", "download-tries": "3", "retry-least": "100ms",
                 "retry-most": "400ms", "retry-held": "1h"}}


def submit(stack, receipt, body, fault=None, city=CITY):
    headers = {"X-City-Code": city, "X-Procedure-Id": "child-allowance.certification-claim",
               "X-Form-Version": "1", **({"X-Sandbox-Fault": fault} if fault else {})}
    request = urllib.request.Request(
        f"http://127.0.0.1:{stack.ports['arrivals']}/arrivals/{receipt}", body, headers,
        method="PUT")
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status in (200, 201)


def number(stack, sql):
    return int(stack.psql(sql).strip())


def events(stack, receipt):
    """The states that an application went through."""
    return stack.psql("SELECT e.to_state FROM application_event e JOIN application a"
                      " USING (city_code, application_id)"
                      f" WHERE receipt_number = '{receipt}' ORDER BY e.version").split()


def state_is(stack, receipt, state, reason=""):
    return stack.applications().get(receipt) == {"state": state, "reason": reason}


def wait_state(stack, receipt, state, reason="", patience=30):
    try:
        wait_until(lambda: state_is(stack, receipt, state, reason), patience, f"{receipt} {state}")
    except StackError as error:
        raise AssertionError(f"{error}; it is {stack.applications().get(receipt)}\n"
                             + stack.log_text("collect")[-3000:]) from error


@pytest.fixture
def house(make_stack):
    """PostgreSQL and the portal, no role: house(settings) → Stack."""
    def make(settings=None):
        merged = {name: dict(values) for name, values in FAST.items()}
        for name, values in (settings or {}).items():
            merged.setdefault(name, {}).update(values)
        stack = make_stack(merged)
        stack.up(server=False, business=False)
        return stack
    return make


def test_taken_once_and_told_after_the_commit(house):
    stack = house()
    bodies = {f"C-{n}": os.urandom(1000 * n) for n in range(1, 8)}
    for receipt, body in bodies.items():
        submit(stack, receipt, body)
    stack.start_role("collect")
    for receipt in bodies:
        wait_state(stack, receipt, "collected")
    # Nobody reports yet: the portal lists them again and again, and nothing comes of it.
    stack.kill("collect")
    stack.start_role("collect")
    submit(stack, "C-8", b"the last one")
    wait_state(stack, "C-8", "collected")
    assert number(stack, "SELECT count(*) FROM application") == 8
    assert number(stack, "SELECT count(*) FROM application_event") == 16
    for receipt, body in bodies.items():
        assert stack.psql("SELECT encode(p.sha256, 'hex'), p.size FROM package p JOIN application"
                          " USING (city_code, application_id)"
                          f" WHERE receipt_number = '{receipt}'").split() == [
            hashlib.sha256(body).hexdigest(), str(len(body))]
        assert body not in stack.psql(  # sealed
            "SELECT encode(sealed, 'escape') FROM package").encode()
    assert number(stack, "SELECT count(*) FROM outbox WHERE destination = 'portal'"
                         " AND status = '取得済'") == 8
    assert stack.portal_status("C-1")["status"] != "取得済"
    stack.start_role("report")
    wait_until(lambda: all(stack.portal_status(r)["status"] == "取得済" for r in bodies), 20,
               "the residents see 取得済")


def test_once_on_demand_and_by_signal(house):
    stack = house({"channel pittari": {"interval": "1h"}})
    submit(stack, "C-1", b"one")
    assert stack.uketsuke("collect", "--once").returncode == 0
    assert state_is(stack, "C-1", "collected")
    assert stack.uketsuke("collect", "--once").returncode == 0  # nothing to do is fine
    stack.start_role("collect")
    wait_until(lambda: "role.started" in stack.log_text("collect"), 20, "collect up")
    time.sleep(1.5)  # its first look is over
    submit(stack, "C-2", b"two")
    time.sleep(1.5)
    assert "C-2" not in stack.applications()
    stack.processes["collect"].send_signal(signal.SIGUSR1)
    wait_state(stack, "C-2", "collected")
    stack.stop("collect")
    stack.stop("portal")
    done = stack.uketsuke("collect", "--once", check=False)
    assert done.returncode == 3 and "uketsuke collect:" in done.stderr


def test_mismatch_is_kept_as_evidence_then_held(house):
    stack = house()
    submit(stack, "B-1", b"promised" * 100, fault="wrong-bytes")
    submit(stack, "B-2", b"promised" * 100, fault="empty")
    submit(stack, "G-1", b"good")
    stack.start_role("collect")
    wait_state(stack, "G-1", "collected")
    for receipt in ("B-1", "B-2"):
        wait_state(stack, receipt, "held", "download-mismatch")
        assert events(stack, receipt) == ["announced", "held"]
        assert number(stack, "SELECT count(*) FROM package_evidence e JOIN application a"
                             " USING (city_code, application_id)"
                             f" WHERE receipt_number = '{receipt}'"
                             " AND e.sha256 <> a.promised_sha256") >= 1
    assert number(stack, "SELECT count(*) FROM package") == 1
    assert number(stack, "SELECT count(*) FROM work JOIN application"
                         " USING (city_code, application_id) WHERE state = 'held'"
                         " AND stage = 'collect' AND due_at > now() + '30 min'") == 2


def test_held_goes_on_when_the_promised_bytes_come(house):
    stack = house({"work": {"retry-held": "1s"}})
    submit(stack, "B-1", b"promised" * 100, fault="wrong-bytes;times=5")
    stack.start_role("collect")
    wait_state(stack, "B-1", "collected")
    assert events(stack, "B-1") == ["announced", "held", "collected"]


def test_an_error_is_a_failure_not_a_verdict(house):
    stack = house()
    submit(stack, "B-1", b"one" * 100, fault="status-500")
    submit(stack, "B-2", b"two" * 100, fault="status-500;times=4")
    submit(stack, "B-3", b"three" * 100, fault="garbage-json")
    submit(stack, "G-1", b"good")
    stack.start_role("collect")
    wait_state(stack, "G-1", "collected")
    wait_state(stack, "B-2", "collected")
    wait_until(lambda: number(stack, "SELECT coalesce(min(attempts), 0) FROM work"
                                     " WHERE stage = 'collect'") > 5, 60, "many tries")
    assert state_is(stack, "B-1", "announced") and state_is(stack, "B-3", "announced")
    assert stack.psql("SELECT DISTINCT note FROM work WHERE stage = 'collect'").split() == [
        "portal-error"]
    assert number(stack, "SELECT count(*) FROM package_evidence") == 0


def test_too_large_is_held_and_not_downloaded(house):
    stack = house({"package": {"size": "64K"}})
    submit(stack, "B-1", os.urandom(64 * 1024 + 1))
    submit(stack, "G-1", os.urandom(64 * 1024))
    stack.start_role("collect")
    wait_state(stack, "G-1", "collected")
    wait_state(stack, "B-1", "held", "download-too-large")
    assert number(stack, "SELECT count(*) FROM package_evidence") == 0


def test_a_promise_that_changed_is_told(house):
    """The portal lists another package under a number that we know: nobody takes it, but it shows."""
    stack = house()
    submit(stack, "C-1", b"one")
    stack.start_role("collect")
    wait_state(stack, "C-1", "collected")  # nobody reports it: it stays in the portal's list
    assert "promise-changed" not in stack.log_text("collect")
    stack.psql("ALTER TABLE application DISABLE TRIGGER USER;"
               " UPDATE application SET promised_sha256 = sha256('another');"
               " ALTER TABLE application ENABLE TRIGGER USER")
    wait_until(lambda: "portal.promise-changed  channel=pittari count=1"
               " first_receipt_number=C-1" in stack.log_text("collect"), 20, "the change is told")
    assert state_is(stack, "C-1", "collected")


def test_portal_down_and_back(house):
    stack = house()
    stack.stop("portal")
    stack.start_role("collect")
    wait_until(lambda: "portal.list" in stack.log_text("collect"), 20, "the portal is missed")
    assert stack.alive("collect")
    stack.start_portal()
    submit(stack, "C-1", b"one")
    wait_state(stack, "C-1", "collected")
    stack.kill("portal")
    time.sleep(1)
    stack.start_portal()
    submit(stack, "C-2", b"two")
    wait_state(stack, "C-2", "collected")


class CuttingProxy:
    """Passes TCP on, and cuts every connection after so many bytes from the far end."""

    def __init__(self, port):
        self.port_behind, self.cut_after, self.passed, self.cuts = port, None, 0, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.port_behind))
            except OSError:
                return
            threading.Thread(target=self.up, args=(near, far), daemon=True).start()
            threading.Thread(target=self.down, args=(near, far), daemon=True).start()

    @staticmethod
    def close(*ends):
        for end in ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def up(self, near, far):
        try:
            while data := near.recv(65536):
                far.sendall(data)
        except OSError:
            pass
        self.close(near, far)

    def down(self, near, far):
        passed = 0
        try:
            while data := far.recv(65536):
                if self.cut_after and passed + len(data) > self.cut_after:
                    near.sendall(data[:self.cut_after - passed])
                    self.passed += self.cut_after - passed
                    self.cuts += 1
                    break
                near.sendall(data)
                passed += len(data)
                self.passed += len(data)
        except OSError:
            pass
        self.close(near, far)


def test_a_broken_download_is_resumed(make_stack):
    size = 3_000_000
    stack = make_stack(FAST)
    proxy = CuttingProxy(stack.ports["portal"])
    stack.settings.setdefault("channel pittari", {})["url"] = f"https://localhost:{proxy.port}"
    stack.up(server=False, business=False)
    submit(stack, "C-1", os.urandom(size))
    proxy.cut_after = 400_000  # of each connection: never enough for the whole
    stack.start_role("collect")
    wait_state(stack, "C-1", "collected", patience=60)
    assert proxy.cuts >= size // proxy.cut_after
    assert proxy.passed < 2 * size, "what was there already was not asked for again"
    assert number(stack, "SELECT count(*) FROM package_evidence") == 0


def test_another_citys_applications_are_left_alone(house):
    stack = house()
    try:
        submit(stack, "O-1", b"theirs", city="131016")
    except urllib.error.HTTPError:
        pytest.skip("the portal takes applications of this city only")
    submit(stack, "C-1", b"ours")
    stack.start_role("collect")
    wait_state(stack, "C-1", "collected")
    assert "O-1" not in stack.applications()
