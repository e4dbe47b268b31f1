"""取下げ at every state that an application can be in, over the real stack."""

import json

import requests

from consumer import Consumer
from stack import wait_until

ENDED = {"completed", "rejected", "refused", "superseded"}  # too late: what is decided stays
EARLY = {"collected", "verified", "identified"}


def roles(stack, *names):
    for name in names:
        assert stack.uketsuke(name, "--once").returncode == 0


def town(stack, name, seed, kinds, *through):
    folder = stack.make_town(name, "--seed", str(seed), "--prefix", f"{name}-", "--count", "8",
                             "--kinds", kinds)
    stack.submit_town(folder)
    roles(stack, *through)
    return set(stack.expected(folder))


def receive(stack):
    """Some are received, decided, sent back; three are fetched, each in another way, the rest
    waits."""
    stack.start_role("routing")
    stack.wait_port("routing")
    business = Consumer(stack, "child-allowance").open()

    def entries():
        return json.loads(business.call("GET", "/items")[1])["items"]
    wait_until(lambda: len(entries()) >= 10, 30, "what waits", 0.2)
    first = entries()
    for entry, what in zip(first[6:9], ("", "/package", "/bundle")):
        assert business.call("GET", f"/items/{entry['id']}{what}")[0] == 200
    problems = [{"code": "E0004", "item": "atenabango", "message": "no"}]
    told = business.call("POST", "/receipts", [
        {"id": e["id"], "sha256": e["sha256"], "result": "rejected" if i == 0 else "accepted",
         **({"problems": problems} if i == 0 else {})} for i, e in enumerate(first[:6])])
    assert told[0] == 200
    reasons = [{"code": "E1002", "item": "application", "message": "no proof"}]
    outcomes = [{"id": first[i]["id"], "outcome": outcome, "message": "お知らせです。",
                 **({"reasons": reasons} if i > 1 else {})}
                for i, outcome in ((1, "completed"), (2, "rejected"), (3, "incomplete"),
                                   (5, "incomplete"))]
    assert business.call("POST", "/outcomes", outcomes)[0] == 200
    late = {"receipt_number": first[5]["receipt_number"], "outcome": "completed"}
    answer = json.loads(business.call("POST", "/outcomes", [late])[1])
    assert answer["results"][0]["result"] == "taken", "it got what was missing by another way"
    assert stack.applications()[first[5]["receipt_number"]]["state"] == "completed"
    stack.stop("routing")
    return {e["receipt_number"] for e in first[6:9]}


def given_back(stack, fetched, received):
    """The business system heard that it was taken back, and rejects it, or wants it corrected."""
    stack.start_role("routing")
    stack.wait_port("routing")
    business = Consumer(stack, "child-allowance").open()
    waiting = {e["receipt_number"]: e for e in json.loads(business.call("GET", "/items")[1])["items"]}
    problem = [{"code": "E1002", "item": "application", "message": "withdrawn"}]
    receipt = {"id": waiting[fetched]["id"], "sha256": waiting[fetched]["sha256"],
               "result": "rejected", "problems": problem}
    outcome = {"receipt_number": received, "outcome": "incomplete", "message": "お知らせです。",
               "reasons": problem}
    for path, one in (("/receipts", receipt), ("/outcomes", outcome)):
        assert json.loads(business.call("POST", path, [one])[1])["results"][0]["result"] == "taken"
    wait_until(lambda: {stack.applications()[r]["state"] for r in (fetched, received)}
               == {"withdrawn"}, 20, "both withdrawn", 0.2)


def withdraw(stack, receipt):
    return requests.post(f"http://127.0.0.1:{stack.ports['arrivals']}/arrivals/{receipt}/withdrawal",
                         timeout=10).status_code


def test_at_every_state(make_stack):
    stack = make_stack(businesses=())
    stack.settings["destination child-allowance"] = {"package": "yes"}
    stack.up(server=False)
    town(stack, "A", 3, "all", "collect", "examine", "identify", "routing")
    fetched = receive(stack)
    roles(stack, "report")
    town(stack, "B", 4, "good", "collect", "examine", "identify")
    town(stack, "C", 5, "good", "collect", "examine")
    town(stack, "D", 6, "good", "collect")
    unheard = town(stack, "E", 7, "good")  # the city never listed them
    assert all(withdraw(stack, r) == 200 for r in unheard)
    before = {r: a["state"] for r, a in stack.applications().items()}
    assert not unheard & set(before)
    assert set(before.values()) >= EARLY | {"held", "unmatched", "review", "routed", "received",
                                            "correction", "completed", "rejected", "refused"}
    asked = {r for r in before if withdraw(stack, r) == 200}
    assert {before[r] for r in asked} >= set(before.values()) - ENDED, "the portal lets them ask"
    roles(stack, "collect", "routing", "report")
    assert stack.psql("SELECT count(*) FROM withdrawal WHERE settled_at IS NULL").strip() == "0"
    after = {r: a["state"] for r, a in stack.applications().items()}
    for receipt in unheard:
        assert after[receipt] == "withdrawn" and stack.portal_status(receipt)["status"] == "取下げ"
    assert stack.psql("SELECT count(*) FROM package JOIN application USING (city_code,"
                      " application_id) WHERE receipt_number LIKE 'E-%'").strip() == "0"
    for receipt in asked:
        if before[receipt] in ENDED:
            assert after[receipt] == before[receipt]
        elif before[receipt] == "received" or receipt in fetched:
            assert after[receipt] in ("received", "routed"), "the business system decides"
        else:
            assert after[receipt] == "withdrawn", before[receipt]
            assert stack.portal_status(receipt)["status"] == "取下げ"
    told = stack.psql("SELECT DISTINCT receipt_number FROM outbox JOIN application"
                      " USING (city_code, application_id) WHERE destination = 'child-allowance'"
                      " AND status = 'withdrawn'").split()
    out = {r for r in asked if before[r] in ("received", "correction") or r in fetched}
    assert out <= set(told) and fetched <= set(told)
    given_back(stack, min(fetched), min(r for r in asked if before[r] == "received"))
    assert stack.uketsuke("audit", "verify").returncode == 0
