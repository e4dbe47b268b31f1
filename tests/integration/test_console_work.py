"""Work at the console, on the real program, PostgreSQL and TLS: who sees what, claims, decides."""

import json
import re

import pytest

from test_console_sign_in import Browser, code_in

CHILD, OTHER = "child-allowance", "health"
PROCEDURE = "child-allowance.certification-claim"
DEPARTMENT = "子育て支援課"
PEOPLE = {  # rights, business, department
    "hanako": (["see", "identify", "confirm", "examine", "approve"], CHILD, DEPARTMENT),
    "taro": (["see", "identify", "confirm", "examine", "approve", "number"], CHILD, DEPARTMENT),
    "looker": (["see"], CHILD, DEPARTMENT),
    "other": (["see", "identify", "confirm", "examine", "approve", "number"], OTHER, "健康課"),
    "chief": (["see", "protected", "approve", "number"], "*", "*"),
    "admin": (["admin", "audit"], "*", "*"),
}


def person(stack, name):
    """An account with its rights, signed in. That two people are needed for it is tested with
    signing in; here the second one is the database."""
    rights, business, department = PEOPLE[name]
    stack.psql("INSERT INTO account (city_code, name, display_name, department, kind, valid_from,"
               f" valid_to, created_by, approved_by) VALUES ('992011', '{name}', '職員{name}',"
               " '課', 'staff', now() - interval '1 d', now() + interval '1 y', 'a', 'b')")
    out = stack.uketsuke("user", "code", name).stdout
    for right in rights:
        stack.psql("INSERT INTO account_right SELECT city_code, account_id,"
                   f" '{business}', '{department}', '{right}', 'a', 'b' FROM account"
                   f" WHERE name = '{name}'")
    browser = Browser(stack)
    browser.enrol(name, code_in(out))
    return browser


@pytest.fixture(scope="module")
def house(make_module_stack, tmp_path_factory):
    site = tmp_path_factory.mktemp("site")
    (site / "index.html").write_text("<!doctype html><title>受付</title>")
    stack = make_module_stack({
        "console": {"site": site, "idle": "1h"},
        "channel pittari": {"status-correction": "要訂正", "status-withdrawn": "取下げ"},
        f"route {PROCEDURE}": {"approval": "staff", "business": CHILD, "department": DEPARTMENT}})
    stack.up(server=False, business=False)
    town = stack.make_town("town", "--seed", "5", "--count", "16")
    stack.submit_town(town)
    for role in ("collect", "examine", "identify", "routing"):
        assert stack.uketsuke(role, "--once").returncode == 0
    stack.start_console()
    stack.uketsuke("terminal", "add", "--label", "窓口1", "--department", "市民課",
                   "--address", "127.0.0.1", "--first")
    stack.people = {name: person(stack, name) for name in PEOPLE}
    return stack


def waiting(house, state, reason=None):
    """Receipt numbers, first applied first."""
    why = f" AND reason = '{reason}'" if reason else " AND reason NOT LIKE '%protected%'"
    return house.psql("SELECT receipt_number FROM application a WHERE"
                      f" state = '{state}'{why} ORDER BY applied_at, application_id").split()


def audit(house, receipt, action):
    return int(house.psql(
        "SELECT count(*) FROM audit_entry e JOIN application a ON"
        f" a.application_id::text = e.application_id WHERE a.receipt_number = '{receipt}'"
        f" AND e.action = '{action}' AND e.chain = 'console'"))


def path(receipt, rest=""):
    return f"/api/applications/{receipt}{rest}"


def view(house, name, receipt):
    answer = house.people[name].get(path(receipt))
    assert answer.status_code == 200, answer.text
    return answer.json()


def errors(answer, status):
    assert answer.status_code == status, answer.text
    return answer.json()["errors"][0]


# --- the queue --------------------------------------------------------------------------------

def test_queue_shows_what_waits_for_whom(house):
    queue = house.people["hanako"].get("/api/queue?limit=200").json()
    states = "'review', 'unmatched', 'held', 'correction'"
    rows = house.psql(f"SELECT state, count(*) FROM application WHERE state IN ({states})"
                      f" AND procedure_id = '{PROCEDURE}' GROUP BY 1").splitlines()
    expected = dict.fromkeys(("review", "unmatched", "held", "correction"), 0)
    expected.update({s: int(n) for s, n in (row.split("\t") for row in rows)})
    assert queue["counts"] == expected
    assert len(queue["items"]) == sum(expected.values()) and queue["next"] is None
    times = [item["applied_at"] for item in queue["items"]]
    assert times == sorted(times)
    assert {(i["business"], i["department"]) for i in queue["items"]} == {(CHILD, DEPARTMENT)}
    assert expected["unmatched"] > 1 and expected["review"] > 1 and expected["held"] > 0
    one = queue["items"][0]
    assert one["procedure_name"] and one["state_name"] and not one["mine"]


def test_queue_filters_and_pages(house):
    hanako = house.people["hanako"]
    whole = [i["receipt_number"] for i in hanako.get("/api/queue?limit=200").json()["items"]]
    paged, after = [], ""
    while after is not None:
        answer = hanako.get(f"/api/queue?limit=3&after={after}").json()
        paged += [i["receipt_number"] for i in answer["items"]]
        after = answer["next"]
    assert paged == whole
    only = hanako.get("/api/queue?state=review&limit=200").json()["items"]
    assert only and {i["state"] for i in only} == {"review"}
    reason = hanako.get("/api/queue?state=unmatched").json()["items"][0]["reason"]
    found = hanako.get(f"/api/queue?reason={reason}").json()["items"]
    assert found and {i["reason"] for i in found} == {reason}
    assert hanako.get(f"/api/queue?business={OTHER}").json()["items"] == []
    for bad in ("limit=0", "limit=201", "after=x", "after=1.x"):
        assert hanako.get(f"/api/queue?{bad}").status_code == 400


def test_nobody_else_sees_any_of_it(house):
    other = house.people["other"].get("/api/queue").json()
    assert other["items"] == [] and set(other["counts"].values()) == {0}
    assert house.people["admin"].get("/api/queue").status_code == 403


# --- claims -----------------------------------------------------------------------------------

def test_two_people_on_one_application_know_of_each_other(house):
    receipt = waiting(house, "review")[0]
    hanako, taro = house.people["hanako"], house.people["taro"]
    assert hanako.post(path(receipt, "/claim")).json()["claim"]["mine"]
    assert hanako.post(path(receipt, "/claim")).status_code == 200  # once more: goes on
    refused = taro.post(path(receipt, "/claim"))
    assert "職員hanakoさん" in errors(refused, 409)["message"]
    assert refused.json()["claim"]["by"] == "職員hanako"
    item = next(i for i in taro.get("/api/queue?limit=200").json()["items"]
                if i["receipt_number"] == receipt)
    assert item["claimed_by"] == "職員hanako" and not item["mine"]
    assert view(house, "taro", receipt)["claim"]["by"] == "職員hanako"
    taro.http.delete(taro.base + path(receipt, "/claim"), timeout=20)  # not his: nothing happens
    assert taro.post(path(receipt, "/claim")).status_code == 409
    house.psql("UPDATE claim SET until = now()")  # an hour later
    assert taro.post(path(receipt, "/claim")).status_code == 200
    house.psql("UPDATE session SET until = now() FROM account a WHERE a.name = 'taro'"
               " AND a.account_id = session.account_id")  # … and with the session
    assert view(house, "hanako", receipt)["claim"] is None
    house.psql("UPDATE session SET until = now() + interval '1 h' FROM account a"
               " WHERE a.name = 'taro' AND a.account_id = session.account_id")
    taro.http.delete(taro.base + path(receipt, "/claim"), timeout=20)
    assert hanako.post(path(receipt, "/claim")).status_code == 200
    hanako.http.delete(hanako.base + path(receipt, "/claim"), timeout=20)
    assert view(house, "taro", receipt)["claim"] is None


# --- one application --------------------------------------------------------------------------

def test_application_in_review(house):
    receipt = waiting(house, "review")[0]
    seen = audit(house, receipt, "application.view")
    found = view(house, "hanako", receipt)
    assert (found["state"], found["receipt_number"]) == ("review", receipt)
    assert found["procedure"]["id"] == PROCEDURE and found["business"] == CHILD
    rows = [row for group in found["form"]["groups"] for row in group["rows"]]
    assert any(row["path"] == "claimant/name" for row in rows)
    masked = [row for row in rows if row["masked"]]
    assert masked and {row["value"] for row in masked} == {"*" * 12}
    assert found["facts"]["name"] and found["verification"]["indication"] == "TOTAL-PASSED"
    assert all(line["text"] for line in found["verification"]["lines"])
    assert found["review"]["demands"] == ["route"] and found["review"]["persons"] == 1
    assert found["history"][-1]["version"] == found["version"]
    assert set(found["may"]) == {"approve", "correct", "refuse", "hold", "withdraw", "resend"}
    assert audit(house, receipt, "application.view") == seen + 1


def test_unmatched_application_shows_candidates_by_name(house):
    receipt = next(r for r in waiting(house, "unmatched")
                   if view(house, "hanako", r)["decision"]["candidates"])
    decision = view(house, "hanako", receipt)["decision"]
    best = decision["candidates"][0]["resident"]
    assert best["name"] and best["birth_date"] and best["atenabango"]
    assert {"identify", "confirm"} <= set(view(house, "hanako", receipt)["may"])


def test_held_and_unknown_applications(house):
    seen = []
    for receipt in waiting(house, "held"):
        found = view(house, "chief", receipt)
        assert found["state"] == "held"
        status = house.people["hanako"].get(path(receipt)).status_code
        assert status == (200 if found["business"] == CHILD else 404)
        seen.append(status)
    assert set(seen) == {200, 404}  # a procedure without a route is for who may see all
    for receipt in ("R-none", "..%2f", "x" * 65):
        answer = house.people["hanako"].get(path(receipt))
        assert answer.status_code == 404
