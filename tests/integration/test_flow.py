"""What people decide, over the real stack: the resident takes back, staff ask and approve."""

import json

import pytest
import requests

PROCEDURE = "child-allowance.certification-claim"


def state(stack, receipt):
    found = stack.applications()[receipt]
    return f"{found['state']} {found['reason']}".strip()


def roles(stack, *names):
    for name in names:
        assert stack.uketsuke(name, "--once").returncode == 0


def withdraw(stack, receipt):
    answer = requests.post(
        f"http://127.0.0.1:{stack.ports['arrivals']}/arrivals/{receipt}/withdrawal", timeout=10)
    assert answer.status_code == 200


def history(stack, receipt):
    return [(step["status"], step.get("message"))
            for step in stack.portal_status(receipt)["history"]]


@pytest.fixture
def identified(make_stack):
    """Good applications that are identified, where the route demands approval; no role runs."""
    stack = make_stack({f"route {PROCEDURE}": {"approval": "staff"}})
    stack.up(server=False, business=False)
    folder = stack.make_town("town", "--seed", "3", "--count", "9", "--kinds", "good")
    stack.submit_town(folder)
    roles(stack, "collect", "examine", "identify")
    return stack, [r for r in sorted(stack.expected(folder)) if state(stack, r) == "identified"][:3]


def tell_of_all_that_waits(stack):
    """A destination that was mistyped, and more than is shown, are said."""
    done = stack.uketsuke("routing", "list", "--destination", "helth", check=False)
    assert done.returncode == 3 and "no [destination helth]" in done.stderr
    stack.psql("INSERT INTO outbox (city_code, destination, application_id, status)"
               " SELECT city_code, 'portal', application_id, n::text FROM application,"
               " generate_series(1, 10001) n LIMIT 10001")
    done = stack.uketsuke("routing", "list", "--destination", "portal")
    assert "are 10000 of 100" in done.stderr and len(done.stdout.splitlines()) == 10001
    stack.psql("DELETE FROM outbox WHERE destination = 'portal' AND status ~ '^[0-9]+$'")


def test_staff_approve_ask_for_a_correction_and_the_resident_takes_back(identified):
    stack, (first, second, third) = identified
    roles(stack, "routing")
    assert state(stack, first) == "review review-route"

    # approved: goes out
    version = stack.psql(f"SELECT version FROM application WHERE receipt_number = '{first}'").strip()
    done = stack.uketsuke("application", "approve", first, "--reason", "内容を確認した", "--seen",
                          version)
    assert "identified" in done.stdout
    roles(stack, "routing")
    assert state(stack, first) == "routed"
    stale = stack.uketsuke("application", "approve", first, "--reason", "もう一度", "--seen", version,
                           check=False)
    assert stale.returncode == 1 and "-> routed" in stale.stderr
    waiting = [json.loads(line) for line in
               stack.uketsuke("routing", "list", "--json").stdout.splitlines()]
    assert [w["receipt_number"] for w in waiting if w["destination"] != "portal"] == [first]
    tell_of_all_that_waits(stack)

    # 要訂正, with words that the resident reads
    stack.uketsuke("application", "correct", second, "--message", "口座名義を直してください",
                   "--reason", "口座名義が違う")
    assert state(stack, second) == "correction correction-asked"
    roles(stack, "report")
    assert ("要訂正", "口座名義を直してください") in history(stack, second)

    # 取下げ: of what waits for staff, and of what waits for the business system
    for receipt in (third, first):
        withdraw(stack, receipt)
    roles(stack, "collect", "routing")
    assert state(stack, third) == "withdrawn withdrawn-by-resident"
    assert state(stack, first) == "withdrawn withdrawn-by-resident"
    assert stack.psql("SELECT count(*) FROM outbox WHERE destination <> 'portal'").strip() == "0"
    roles(stack, "report")
    assert [history(stack, r)[-1][0] for r in (third, first)] == ["取下げ", "取下げ"]
    assert stack.psql("SELECT count(*) FROM outbox").strip() == "0"
    assert stack.uketsuke("routing", "report").returncode == 0
