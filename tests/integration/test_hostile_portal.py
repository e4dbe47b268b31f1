"""The portal returns garbage, errors, half a body, nothing, or far too much: collect says so, stays
alive, takes nothing wrong in, and goes on as soon as the portal is itself again."""

import hashlib
import os
import urllib.request

import pytest

from hostile_portal import CITY, HostilePortal
from ports import free_port
from stack import wait_until

FAST = {"work": {"lease": "3s", "download-tries": "3", "retry-least": "100ms",
                 "retry-most": "400ms", "retry-held": "500ms"}}

ON_LOGIN = ["garbage", "not-http", "status-500", "status-503-html", "redirect", "half", "nothing",
            "empty", "hang", "endless", "header-flood", "token-types", "token-short", "status-401"]
ON_LIST = ["garbage", "not-http", "status-500", "status-503-html", "redirect", "half", "nothing",
           "empty", "hang", "drip", "types", "huge", "endless", "header-flood", "same-cursor",
           "status-401"]
ON_GET = ["garbage", "not-http", "status-500", "redirect", "half", "nothing", "empty", "hang",
          "endless", "header-flood", "wrong-range", "status-401"]


class House:
    """One stack for all tests of this file; each submits an application of its own."""

    def __init__(self, stack, portal):
        self.stack, self.portal, self.bodies = stack, portal, {}

    def submit(self, receipt):
        self.bodies[receipt] = os.urandom(2000)
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.stack.ports['arrivals']}/arrivals/{receipt}",
            self.bodies[receipt], method="PUT", headers={
                "X-City-Code": CITY, "X-Form-Version": "1",
                "X-Procedure-Id": "child-allowance.certification-claim"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.status == 201

    def state(self, receipt):
        return self.stack.applications().get(receipt, {}).get("state")

    def suffers(self, operation, behaviour, times):
        """So often does the city meet it, and is alive."""
        before = self.portal.count(operation, behaviour)
        wait_until(lambda: self.portal.count(operation, behaviour) >= before + times, 30,
                   f"{operation} {behaviour}, {times} times")
        assert self.stack.alive("collect"), self.stack.log_text("collect")[-2000:]

    def recovers(self, receipt):
        wait_until(lambda: self.state(receipt) == "collected", 30,
                   f"{receipt} collected; it is {self.state(receipt)}")


@pytest.fixture(scope="module")
def house(make_module_stack):
    port = free_port()
    stack = make_module_stack({
        **FAST, "channel pittari": {"url": f"https://localhost:{port}", "interval": "200ms",
                                    "patience": "1s"}})
    stack.up(server=False, business=False)
    with HostilePortal(stack.folder / "pki", stack.ports["portal"], port) as portal:
        stack.start_role("collect")
        yield House(stack, portal)


@pytest.mark.parametrize("behaviour", ON_LOGIN)
def test_login(house, behaviour):
    house.stack.stop("collect")
    house.portal.behave("login", behaviour)
    house.stack.start_role("collect")
    receipt = f"LOGIN-{behaviour}"
    house.submit(receipt)
    house.suffers("login", behaviour, 1)
    assert house.state(receipt) is None
    house.portal.honest()
    house.recovers(receipt)


@pytest.mark.parametrize("behaviour", ON_LIST)
def test_list(house, behaviour):
    house.portal.behave("list", behaviour)
    house.suffers("list", behaviour, 1)  # a look that had begun honestly is over
    receipt = f"LIST-{behaviour}"
    house.submit(receipt)
    house.suffers("list", behaviour, 2)
    assert house.state(receipt) is None
    assert not [r for r in house.stack.applications() if r.startswith("HOSTILE")]
    house.portal.honest()
    house.recovers(receipt)


@pytest.mark.parametrize("behaviour", ON_GET)
def test_get(house, behaviour):
    house.portal.behave("get", behaviour)
    receipt = f"GET-{behaviour}"
    house.submit(receipt)
    house.suffers("get", behaviour, 2)
    assert house.state(receipt) in ("announced", "held")
    house.portal.honest()
    house.recovers(receipt)


def test_nothing_wrong_was_taken_in(house):
    """What is stored is what was submitted, all of it, once."""
    stored = dict(line.split("\t") for line in house.stack.psql(
        "SELECT a.receipt_number, encode(p.sha256, 'hex') FROM package p JOIN application a"
        " USING (city_code, application_id)").splitlines())
    assert stored == {r: hashlib.sha256(b).hexdigest() for r, b in house.bodies.items()}
    log = house.stack.log_text("collect")
    assert "Sanitizer" not in log and "garbage" not in log and "X-Injected" not in log
