"""The sandbox's portal can be trusted: what it took in and was told survives a kill."""

import json
import urllib.error
import urllib.request

import pytest

from stack import CITY


@pytest.fixture
def portal(make_stack):
    stack = make_stack()
    stack.run("uketsuke-sandbox", "pki", "--out", stack.folder / "pki")
    stack.start_portal()
    return stack


def put(stack, receipt, body, **headers):
    request = urllib.request.Request(
        f"http://127.0.0.1:{stack.ports['arrivals']}/arrivals/{receipt}", body, method="PUT",
        headers={"X-City-Code": CITY, "X-Form-Version": "1",
                 "X-Procedure-Id": "child-allowance.certification-claim", **headers})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        assert json.load(error)["errors"][0]["code"].startswith("E0")
        return error.code


def test_arrivals_survive_a_kill(portal):
    for n in range(20):
        assert put(portal, f"R-{n}", b"package %d" % n) == 201
    before = [portal.portal_status(f"R-{n}") for n in range(20)]
    portal.kill("portal")
    with (portal.folder / "portal" / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"event":"arrival","receipt_nu')  # it was being written
    (portal.folder / "portal" / "packages" / "R-99.zip").write_bytes(b"not yet in the journal")
    portal.start_portal()
    assert [portal.portal_status(f"R-{n}") for n in range(20)] == before
    assert put(portal, "R-99", b"package 99") == 201
    portal.kill("portal")
    portal.start_portal()
    assert portal.portal_status("R-99")["size"] == len(b"package 99")


def test_an_arrival_is_taken_once(portal):
    assert put(portal, "R-1", b"one") == 201
    assert put(portal, "R-1", b"one") == 200
    assert put(portal, "R-1", b"other") == 409
    assert portal.portal_status("R-1")["size"] == 3


@pytest.mark.parametrize("receipt, body, headers", [
    ("R%2F1", b"x", {}), ("R-%00", b"x", {}), ("R" * 65, b"x", {}), ("R-1", b"", {}),
    ("R-1", b"x", {"X-City-Code": "992012"}), ("R-1", b"x", {"X-Applied-At": "yesterday"}),
    ("R-1", b"x", {"X-Sandbox-Fault": "unheard-of"}),
    ("R-1", b"x", {"X-Sandbox-Fault": "empty;times=0"}),
    ("R-1", b"x", {"X-Procedure-Id": "p" * 129}),
])
def test_arrivals_that_are_refused(portal, receipt, body, headers):
    assert put(portal, receipt, body, **headers) == 400


def test_a_damaged_journal_is_not_passed_over(portal):
    assert put(portal, "R-1", b"one") == 201
    portal.kill("portal")
    journal = portal.folder / "portal" / "journal.jsonl"
    journal.write_text("damaged\n" + journal.read_text())
    done = portal.run(
        "uketsuke-sandbox", "portal", "--state", portal.folder / "portal", "--address",
        "127.0.0.1:0", "--certificate", portal.folder / "pki" / "portal.pem", "--key",
        portal.folder / "pki" / "portal.key", "--client-ca", portal.folder / "pki" / "ca.pem",
        check=False, timeout=10)
    assert done.returncode == 1 and "line 1 is damaged" in done.stderr
