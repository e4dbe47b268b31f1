"""What leaves the house, over the real stack: corrections, protection that comes late, other
destinations, what is sent again, what a restore lost. One stack; the tests follow each other."""

import csv
import json
import time
import xml.etree.ElementTree as ET

import pytest
import requests

from consumer import Consumer
from stack import ROOT, wait_until
from test_portal_site import Visitor

TOWN = "child-allowance.certification-claim"
PROCEDURE = "child-allowance.donation"
OTHER = "postgres"  # another account of this machine that the database knows


def state(stack, receipt):
    found = stack.applications()[receipt]
    return f"{found['state']} {found['reason']}".strip()


def roles(stack, *names):
    for name in names:
        assert stack.uketsuke(name, "--once").returncode == 0


def wait_state(stack, receipt, wanted):
    wait_until(lambda: state(stack, receipt) == wanted, 30,
               f"{receipt} {wanted}, not {state(stack, receipt)}", 0.2)


class House:
    def __init__(self, stack):
        self.stack = stack
        stack.build_site = lambda: None  # nobody looks at its pages
        stack.pages = stack.folder / "pages"
        stack.pages.mkdir()
        (stack.pages / "index.html").write_text("<!doctype html>")
        stack.up(server=False)
        self.town = stack.make_town("town", "--seed", "3", "--count", "8", "--kinds", "good")
        stack.submit_town(self.town)
        roles(stack, "collect", "examine", "identify")
        stack.start_role("routing")
        stack.wait_port("routing")
        self.business = Consumer(stack, "child-allowance").open()
        self.receipts = sorted(stack.expected(self.town))
        for receipt in self.receipts:
            wait_state(stack, receipt, "routed")

    def ask(self, method, path, body=None, status=200):
        got, data = self.business.call(method, path, body)
        assert got == status, (path, got, data)
        return data

    def waiting(self, receipt):
        """The id under which it waits for the business system; None."""
        entries = json.loads(self.ask("GET", "/items?limit=500"))["items"]
        return {e["receipt_number"]: e for e in entries}.get(receipt)

    def receive(self, receipt, result="accepted"):
        entry = self.waiting(receipt)
        answer = {"id": entry["id"], "sha256": entry["sha256"], "result": result}
        if result == "rejected":
            answer["problems"] = [{"code": "E0004", "item": "atenabango", "message": "no"}]
        told = json.loads(self.ask("POST", "/receipts", [answer]))
        assert told["results"][0]["result"] == "taken"
        return entry["id"]

    def act(self, *words, user=None, code=0):
        options = {"user": user, "group": user, "extra_groups": []} if user else {}
        done = self.stack.uketsuke("application", *words, "--reason", "確認済", check=False, **options)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def house(make_module_stack):
    return House(make_module_stack(
        {f"route {TOWN}": {"alternatives": "health"}, "destination child-allowance": {
            "package": "yes"}, "work": {"retry-least": "100ms", "retry-held": "1s"}}, businesses=(),
        site=True))


def values_of(form):
    """A good form as the site keeps it: {"claimant": {"name": …}}."""
    def walk(element):
        return {child.tag.rsplit("}", 1)[-1]: walk(child) if len(child) else child.text
                for child in element}
    values = walk(ET.parse(form).getroot())
    month = time.localtime().tm_year * 12 + time.localtime().tm_mon + 1  # of the next payment
    month += month % 2
    for item, later in (("from-payment", 0), ("until-payment", 12)):
        values[item] = f"{(month + later - 1) // 12:04}-{(month + later - 1) % 12 + 1:02}"
    return values


def submit(visitor, card, values, **draft):
    draft = visitor.call("POST", "/drafts", 201, json=draft or {"procedure": PROCEDURE})["id"]
    visitor.call("PUT", f"/drafts/{draft}", json={"values": values})
    assert visitor.call("POST", f"/drafts/{draft}/check", json={})["errors"] == []
    return visitor.call("POST", f"/drafts/{draft}/submit",
                        json={"pin": card["sign_pin"]})["receipt_number"]


def go_through(stack, receipt):
    """Until a revocation list knows the moment of application."""
    def routed():
        stack.uketsuke("revocation", "update", "--once")
        roles(stack, "collect", "examine", "identify")
        return state(stack, receipt) == "routed"
    wait_until(routed, 90, f"{receipt} routed", 2)


def test_a_corrected_application_is_joined_to_the_first(house):
    stack, visitor = house.stack, Visitor(house.stack)
    card = visitor.log_in(0)
    values = values_of(ROOT / "forms/procedures/child-allowance/donation/examples/good.xml")
    first = submit(visitor, card, values)
    go_through(stack, first)
    house.receive(first)
    house.ask("POST", "/outcomes", [{"receipt_number": first, "outcome": "incomplete",
                                     "message": "金額を直してください。", "reasons": [
                                         {"code": "E1002", "item": "amount", "message": "x"}]}])
    assert state(stack, first) == "correction outcome-of-destination"
    roles(stack, "report")
    mine = visitor.call("GET", "/applications")["applications"][0]
    assert mine["status"] == "要訂正"

    second = submit(visitor, card, {**values, "amount": "7000"}, corrects=first)
    roles(stack, "collect")
    assert (f"  corrects       {first}, which is correction 要訂正; this one has not taken its place\n"
            in stack.uketsuke("show", second).stdout)
    go_through(stack, second)
    assert state(stack, first).startswith("superseded")
    item = json.loads(house.ask("GET", f"/items/{house.waiting(second)['id']}"))
    assert item["corrects"] == first and item["record"]["amount"] == 7000
    assert (f"  corrects       {first}, which is superseded 訂正済\n"
            in stack.uketsuke("show", second).stdout)
    assert (f"  corrected by   {second}, which is routed 連携待ち\n"
            in stack.uketsuke("show", first).stdout)
    roles(stack, "report")
    seen = {a["receipt_number"]: a for a in visitor.call("GET", "/applications")["applications"]}
    assert seen[second]["corrects"] == first and seen[first]["corrected_by"] == second


def protect(house, receipts):
    """The next feed brings 支援措置 for their applicants."""
    rows = list(csv.DictReader((house.town / "registry-residents.csv").open(encoding="utf-8")))
    listed = ", ".join(f"'{receipt}'" for receipt in receipts)
    numbers = set(house.stack.psql(
        "SELECT atenabango FROM identification JOIN application USING (city_code, application_id)"
        f" WHERE receipt_number IN ({listed})").split())
    feed = house.stack.folder / "protected.csv"
    with feed.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            if row["atenabango"] in numbers:
                writer.writerow({**row, "shiensochi_flag": "1", "shiensochi_kaishi": "2026-01-01"})
    assert len(numbers) == len(receipts)
    house.stack.uketsuke("registry", "import", feed, "--kind", "residents")


def test_who_comes_under_protection_is_given_by_no_way_and_leaves_by_two_people(house):
    """Item, package, bundle, batch, claim, redelivery: each asks again who is protected."""
    stack, (a, b, c, d, e) = house.stack, house.receipts[:5]
    ids = {r: house.waiting(r)["id"] for r in (a, b, c, d, e)}
    house.receive(e)
    protect(house, [a, b, c, d, e])
    house.ask("GET", f"/items/{ids[a]}", status=404)
    house.ask("GET", f"/items/{ids[b]}/package", status=404)
    house.ask("GET", f"/items/{ids[c]}/bundle", status=404)
    batch = json.loads(house.ask("GET", "/batch?limit=100"))["items"]
    claimed = json.loads(house.ask("POST", "/claims", {"most": 100, "seconds": 1}))["items"]
    assert not {a, b, c, d} & {i["receipt_number"] for i in batch + claimed} and batch
    house.ask("POST", f"/items/{ids[e]}/redeliver", status=409)
    for receipt in (a, b, c, d):
        wait_state(stack, receipt, "review review-protected")
        assert not house.waiting(receipt)

    assert "another person has to approve" in house.act("approve", a, code=2)
    assert "another person" in house.act("approve", a, code=1)
    time.sleep(1)
    assert state(stack, a) == "review review-protected" and not house.waiting(a)
    house.act("approve", a, user=OTHER)
    wait_state(stack, a, "routed")
    entry = house.waiting(a)
    assert int(entry["id"]) > int(ids[a])
    assert json.loads(house.ask("GET", f"/items/{entry['id']}"))["receipt_number"] == a


def test_what_was_received_is_sent_again(house):
    stack, receipt = house.stack, house.receipts[5]
    item_id = house.receive(receipt)
    wait_state(stack, receipt, "received")
    done = stack.uketsuke("routing", "resend", item_id, "--reason", "再送依頼")
    assert receipt in done.stdout or "received" in done.stdout
    wait_until(lambda: house.waiting(receipt), 20, "it waits again", 0.2)
    assert state(stack, receipt) == "received"
    assert house.waiting(receipt)["id"] != item_id
    house.receive(receipt)
    bad = stack.uketsuke("routing", "resend", "999999", "--reason", "x", check=False)
    assert bad.returncode == 1 and "no application" in bad.stderr


def test_elsewhere_goes_only_what_two_people_send_there(house):
    stack, receipt = house.stack, house.receipts[6]
    house.receive(receipt, "rejected")
    wait_state(stack, receipt, "review rejected-by-destination")
    assert "does not name" in house.act("reroute", receipt, "--to", "registry", code=1)
    house.act("reroute", receipt, "--to", "health")
    wait_state(stack, receipt, "review review-route")
    assert "another person" in house.act("approve", receipt, code=1)
    house.act("approve", receipt, user=OTHER)
    wait_state(stack, receipt, "routed")
    assert not house.waiting(receipt)
    entries = json.loads(Consumer(stack, "health").open().call("GET", "/items")[1])["items"]
    assert [e["receipt_number"] for e in entries] == [receipt]


def withdraw(stack, receipt):
    answer = requests.post(
        f"http://127.0.0.1:{stack.ports['arrivals']}/arrivals/{receipt}/withdrawal", timeout=10)
    assert answer.status_code == 200


def test_withdrawal_of_what_is_forgotten_stops_no_other(house):
    """Its key is destroyed: nothing can be said about it any more, but the next one can."""
    stack, (gone, other) = house.stack, (house.receipts[5], house.receipts[7])
    stack.psql("DELETE FROM application_key USING application a WHERE receipt_number ="
               f" '{gone}' AND a.application_id = application_key.application_id")
    house.ask("GET", f"/items/{house.waiting(other)['id']}")  # the business system may have it
    withdraw(stack, gone)
    withdraw(stack, other)
    roles(stack, "collect")
    wait_until(lambda: stack.psql("SELECT count(*) FROM withdrawal WHERE settled_at IS NULL")
               .strip() == "0", 20, "both settled", 0.2)
    assert dict(line.split("\t") for line in stack.psql(
        "SELECT receipt_number, outcome FROM withdrawal JOIN application"
        " USING (city_code, application_id)").splitlines()) == {
            gone: "too-late", other: "told-destination"}
    assert state(stack, gone) == "received"


def test_what_a_restore_lost_is_collected_again(house):
    """A database of before: everything that came since is asked for from the portal."""
    stack = house.stack
    before = set(stack.applications())
    roles(stack, "report")
    withdrawn = {house.receipts[5], house.receipts[7]}  # as the portal knows
    stack.stop("routing")
    stack.psql("DROP DATABASE uketsuke WITH (FORCE)", "postgres")
    stack.make_database()
    assert stack.uketsuke("collect", "--once").returncode == 0
    assert not before & set(stack.applications()), "the portal thinks that we have them"
    assert stack.uketsuke("collect", "--since", "2026-01-01T00:00:00+09:00").returncode == 0
    found = stack.applications()
    assert before - withdrawn <= set(found) <= before
    assert {a["state"] for a in found.values()} <= {"collected", "withdrawn"}
