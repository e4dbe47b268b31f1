"""The sandbox's portal can be trusted: what it took in and was told survives a kill."""

import json
import urllib.error
import urllib.request

import pytest
import requests

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


@pytest.fixture
def city(portal):
    """city(method, path, body=None): the city's API, logged in."""
    pki = portal.folder / "pki"
    session = requests.Session()
    session.trust_env = False  # whatever proxies and bundles the environment names
    session.verify, session.cert = str(pki / "ca.pem"), (str(pki / "city.pem"), str(pki / "city.key"))
    base = f"https://localhost:{portal.ports['portal']}/api/v1"
    token = session.post(f"{base}/login", json={"client_id": "sakurano"}).json()["result"]["token"]
    session.headers["Authorization"] = f"Bearer {token}"

    def call(method, path, body=None):
        answer = session.request(method, base + path, json=body, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]
    return call


def withdraw(stack, receipt):
    return requests.post(f"http://127.0.0.1:{stack.ports['arrivals']}/arrivals/{receipt}/withdrawal",
                         timeout=10).status_code


def register(city, receipt, status, **more):
    return city("POST", "/statuses", {"statuses": [
        {"receipt_number": receipt, "status": status, **more}]})["statuses"][0]["registered"]


def withdrawals(city):
    return [w["receipt_number"] for w in
            city("GET", f"/withdrawals?city_code={CITY}")["withdrawals"]]


def uncollected(city):
    page = city("GET", f"/applications?city_code={CITY}&status=未取得")
    return {a["receipt_number"]: a["status"] for a in page["applications"]}


def test_a_withdrawal_is_listed_until_the_city_answers(portal, city):
    for receipt in ("R-1", "R-2", "R-3"):
        assert put(portal, receipt, receipt.encode()) == 201
    assert withdraw(portal, "R-4") == 404
    assert register(city, "R-2", "完了")
    assert withdraw(portal, "R-2") == 409
    assert withdraw(portal, "R-3") == withdraw(portal, "R-1") == withdraw(portal, "R-1") == 200
    assert uncollected(city) == {"R-1": "取下げ", "R-3": "取下げ"}  # the city never heard of them
    page = city("GET", f"/withdrawals?city_code={CITY}&limit=1")
    assert [w["receipt_number"] for w in page["withdrawals"]] == ["R-3"]
    rest = city("GET", f"/withdrawals?city_code={CITY}&cursor={page['next_cursor']}")
    assert [w["receipt_number"] for w in rest["withdrawals"]] == ["R-1"] and not rest["next_cursor"]
    assert register(city, "R-3", "取得済")  # collected before it knew: changes nothing
    assert portal.portal_status("R-3")["status"] == "取下げ"
    assert withdrawals(city) == ["R-3", "R-1"]
    assert set(uncollected(city)) == {"R-1", "R-3"}
    assert register(city, "R-3", "取下げ") and register(city, "R-1", "完了")
    assert withdrawals(city) == [] and uncollected(city) == {}
    assert portal.portal_status("R-1")["status"] == "完了"  # it came too late
    before = [portal.portal_status(r) for r in ("R-1", "R-2", "R-3")]
    portal.kill("portal")
    portal.start_portal()
    assert [portal.portal_status(r) for r in ("R-1", "R-2", "R-3")] == before


def test_a_correction_names_what_it_takes_the_place_of(portal, city):
    assert put(portal, "R-1", b"one") == 201
    text = "口座番号をご確認ください。\nもう一度お送りください。"
    assert register(city, "R-1", "要訂正", message=text)
    assert portal.portal_status("R-1")["history"][-1]["message"] == text
    assert not register(city, "R-1", "完了", message="長" * 2001)
    assert put(portal, "R-2", b"two", **{"X-Corrects": "R-9"}) == 400
    assert put(portal, "R-2", b"two", **{"X-Corrects": "R-2"}) == 400
    assert put(portal, "R-2", b"two", **{"X-Corrects": "R-1"}) == 201
    assert put(portal, "R-2", b"two") == 409
    portal.kill("portal")
    portal.start_portal()
    first, second = portal.portal_status("R-1"), portal.portal_status("R-2")
    assert (first["corrected_by"], second["corrects"]) == ("R-2", "R-1")
    assert first["history"][-1]["message"] == text
    assert withdraw(portal, "R-1") == 409
