"""Work at the console, on the real program, PostgreSQL and TLS: who sees what, and claims."""

import concurrent.futures
import datetime
import re

# house is the fixture
from console_work import (CHILD, DEPARTMENT, OTHER, PROCEDURE, act, audit,  # noqa: F401
                          candidate_of, errors, house, path, view, waiting)
from stack import wait_until


# --- the queue --------------------------------------------------------------------------------

def test_queue_shows_what_waits_for_whom(house):
    queue = house.people["hanako"].get("/api/queue?limit=200").json()
    states = "'review', 'unmatched', 'held', 'correction'"
    rows = house.psql(f"SELECT state, count(*) FROM application WHERE state IN ({states})"
                      f" AND procedure_id = '{PROCEDURE}' GROUP BY 1").splitlines()
    expected = dict.fromkeys(("review", "unmatched", "held", "correction"), 0)
    expected.update({s: int(n) for s, n in (row.split("\t") for row in rows)})
    assert {state: queue["counts"][state] for state in expected} == expected
    assert len(queue["items"]) == sum(expected.values()) and queue["next"] is None
    order = [(item["due_on"] or "~", item["applied_at"]) for item in queue["items"]]
    assert order == sorted(order)
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
    asked = f"/api/queue?procedure={PROCEDURE}&business={CHILD}&limit=200"
    of_one = hanako.get(asked).json()["items"]
    assert of_one and {i["procedure_id"] for i in of_one} == {PROCEDURE}
    assert hanako.get("/api/queue?procedure=nothing.of-the-kind").json()["items"] == []
    for bad in ("limit=0", "limit=201", "after=x", "after=1.x", "after=infinity.1.x", "due=soon",
                "after=2026-02-30.1.00000000-0000-0000-0000-000000000000", "claimed=all",
                "put_off=perhaps"):
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
    masked = [row for row in rows if row.get("masked")]
    assert masked and {row["value"] for row in masked} == {"*" * 12}
    assert found["facts"]["name"] and found["verification"]["indication"] == "TOTAL-PASSED"
    assert all(line["text"] for line in found["verification"]["lines"])
    assert found["review"]["demands"] == ["route"] and found["review"]["persons"] == 1
    assert found["history"][-1]["version"] == found["version"]
    assert set(found["may"]) == {"approve", "contact", "correct", "refuse", "hold", "undo",
                                 "withdraw"}
    assert found["history"][-1]["to_name"] == found["state_name"]
    assert audit(house, receipt, "application.view") == seen + 1


def test_only_what_would_be_done_is_offered(house):
    """In review, what a business system rejected is sent again or corrected, and never approved;
    the rest is approved first. A refusal says why in Japanese."""
    receipt = waiting(house, "review")[0]
    before = house.psql("SELECT reason FROM application"
                        f" WHERE receipt_number = '{receipt}'").strip()

    def becomes(reason):
        house.psql("SET session_replication_role = replica; UPDATE application SET reason ="
                   f" nullif('{reason}', '') WHERE receipt_number = '{receipt}'")
        return set(view(house, "hanako", receipt)["may"]) & {"approve", "resend"}

    def told(name):
        words = errors(act(house, "hanako", receipt, name), 409)["message"]
        assert "（審査待ち）" in words and not re.search("[A-Za-z]{2}", words), words
        return words
    assert becomes("rejected-by-destination") == {"resend"}
    assert "受け取りませんでした" in told("approve")
    assert becomes(before) == {"approve"}
    assert "先に承認" in told("resend")
    held = waiting(house, "held")
    for receipt in held:  # what waits for a time, or for nothing
        answer = house.people["hanako"].get(path(receipt))
        if answer.status_code == 200:
            works = house.psql("SELECT count(*) FROM work JOIN application USING (application_id)"
                               f" WHERE receipt_number = '{receipt}'") == "1\n"
            assert ("resend" in answer.json()["may"]) == works


def remarks(found, path):
    return [one for group in found["form"]["groups"] for row in group["rows"]
            if row["path"] == path for one in row["remarks"]]


def test_what_the_registry_says_otherwise_stands_beside_the_item(house):
    receipt = waiting(house, "review")[0]
    found = view(house, "hanako", receipt)
    assert remarks(found, "claimant/address") == []
    where = (f"WHERE atenabango = (SELECT atenabango FROM identification JOIN application USING"
             f" (city_code, application_id) WHERE receipt_number = '{receipt}')")
    lot, name = house.psql(f"SELECT lot, name FROM resident {where}").rstrip("\n").split("\t")
    house.psql(f"UPDATE resident SET lot = '９９９番地', name = '別　名子' {where}")
    try:
        found = view(house, "hanako", receipt)
        note, = remarks(found, "claimant/address")
        assert note["mark"] == "相違" and note["text"].startswith("住民記録では ")
        assert "９９９番地" in note["text"]
        assert remarks(found, "claimant/name") == [{"mark": "相違", "text": "住民記録では 別　名子"}]
        assert remarks(found, "claimant/birth-date") == []
    finally:
        house.psql(f"UPDATE resident SET lot = '{lot}', name = '{name}' {where}")


def test_a_day_that_the_city_is_closed_moves_terms(house):
    """At once, for whatever waits: what is stored knows the law's closed days alone."""
    hanako = house.people["hanako"]
    items = hanako.get("/api/queue?limit=200").json()["items"]
    receipt, due = next((i["receipt_number"], i["due_on"]) for i in items if i["due_on"])
    following = {d.isoformat() for n in range(1, 12)
                 for d in [datetime.date.fromisoformat(due) + datetime.timedelta(n)]}

    def shown():  # in the list and on its page: they may know it a moment one after the other
        listed = {i["receipt_number"]: i["due_on"]
                  for i in hanako.get("/api/queue?limit=200").json()["items"]}
        return {view(house, "hanako", receipt)["due_on"], listed[receipt]}

    house.psql(f"INSERT INTO holiday VALUES ('992011', {due.replace('-', '')}, '市の記念日')")
    try:
        wait_until(lambda: due not in shown(), 15, "the term is moved", 0.5)
        moved, = shown()
        assert moved in following
    finally:
        house.psql("DELETE FROM holiday")
    wait_until(lambda: shown() == {due}, 15, "the term is as before", 0.5)


def test_a_number_of_two_channels_names_one_of_them_by_its_channel(house):
    hanako, receipt = house.people["hanako"], waiting(house, "unmatched")[0]
    house.psql("SET session_replication_role = replica;"
               " INSERT INTO application (city_code, channel,"
               " receipt_number, state, changed_by, applied_at, procedure_id, form_version,"
               f" promised_size, promised_sha256, version) SELECT city_code, 'desk', '{receipt}',"
               " 'completed', 'x', now(), procedure_id, form_version, 1, promised_sha256, 1"
               f" FROM application WHERE receipt_number = '{receipt}'")
    try:
        both = hanako.get(path(receipt))
        assert "受付経路" in errors(both, 409)["message"]
        assert both.json()["channels"] == ["desk", "pittari"]
        for channel, state in (("desk", "completed"), ("pittari", "unmatched")):
            found = hanako.get(path(receipt, f"?channel={channel}")).json()
            assert (found["channel"], found["state"]) == (channel, state)
        assert hanako.get(path(receipt, "?channel=nowhere")).status_code == 404
        queue = hanako.get("/api/queue?limit=200").json()["items"]
        assert [i["channel"] for i in queue if i["receipt_number"] == receipt] == ["pittari"]
        assert hanako.post(path(receipt, "/claim?channel=pittari")).status_code == 200
        assert hanako.post(path(receipt, "/claim")).status_code == 409
        other = house.people["other"].get(path(receipt))
        assert other.status_code == 404 and "channels" not in other.json()  # not that there are two
        hanako.http.delete(hanako.base + path(receipt, "/claim?channel=pittari"), timeout=20)
    finally:
        house.psql("SET session_replication_role = replica; DELETE FROM application"
                   " WHERE channel = 'desk'")


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


# --- 個人番号, attachments, search --------------------------------------------------------------

def numbers_of(house):
    """Every 個人番号 that the waiting forms hold, as somebody with the right sees them."""
    found = set()
    for receipt in waiting(house, "review"):
        answer = house.people["taro"].post(path(receipt, "/numbers"), reason="確認のため")
        assert answer.status_code == 200, answer.text
        found |= {n["value"] for n in answer.json()["numbers"]}
    return found


def test_numbers_need_right_and_reason_and_are_in_no_other_byte(house):
    receipt = waiting(house, "review")[0]
    hanako, taro = house.people["hanako"], house.people["taro"]
    assert "個人番号の表示" in errors(hanako.post(path(receipt, "/numbers"), reason="x"),
                                      403)["message"]
    assert taro.post(path(receipt, "/numbers")).status_code == 400
    before = audit(house, receipt, "application.numbers")
    numbers = numbers_of(house)
    assert numbers and all(re.fullmatch(r"\d{12}", n) for n in numbers)
    assert audit(house, receipt, "application.numbers") == before + 1
    reason = house.psql("SELECT DISTINCT reason FROM audit_entry WHERE"
                        " action = 'application.numbers'")
    assert reason == "確認のため\n"
    for name in ("hanako", "taro", "looker", "chief"):
        bytes_seen = house.people[name].get("/api/queue?limit=200").content
        for state in ("review", "unmatched", "held"):
            for one in waiting(house, state):
                bytes_seen += house.people[name].get(path(one)).content
        assert not [n for n in numbers if n.encode() in bytes_seen]
    log = house.log_text("console")
    assert not [n for n in numbers if n in log]


def test_attachments_are_pictures_and_never_files(house):
    """What a resident sent is looked at, page by page; files leave by the hand-over book only."""
    receipts = [r for s in ("review", "unmatched") for r in waiting(house, s)
                if view(house, "hanako", r)["attachments"]]
    assert receipts
    receipt = receipts[0]
    for one in view(house, "hanako", receipt)["attachments"]:
        for name in ("hanako", "taro", "looker", "chief"):
            file = house.people[name].get(path(receipt, f"/attachments/{one['index']}"))
            assert file.status_code == 404
            assert file.headers["Content-Type"].startswith("application/json")
        page = house.people["hanako"].get(path(receipt, f"/attachments/{one['index']}/pages/1"))
        assert page.status_code == 200, page.text
        assert page.headers["Content-Type"] == "image/png" and page.content[1:4] == b"PNG"
        assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert audit(house, receipt, "application.attachment") > 0
    for index in ("0", "99", "-1", "x", "99999999999999999999"):
        assert house.people["hanako"].get(path(receipt, f"/attachments/{index}/pages/1")
                                          ).status_code == 404


def test_few_pages_are_drawn_at_once(house):
    """One for each session; what finds no place is told so at once, and leaves no trace."""
    receipt, one = next((r, view(house, "hanako", r)["attachments"][0])
                        for s in ("review", "unmatched") for r in waiting(house, s)
                        if view(house, "hanako", r)["attachments"])
    hanako, taro = house.people["hanako"], house.people["taro"]
    where = path(receipt, f"/attachments/{one['index']}/pages/1?width=2400")
    before = audit(house, receipt, "application.attachment")
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        pages = [pool.submit(hanako.get, where) for _ in range(8)]
        others = [pool.submit(taro.get, "/api/overview") for _ in range(8)]
        answers = [page.result() for page in pages]
        assert {other.result().status_code for other in others} == {200}
    assert {a.status_code for a in answers} == {200, 429}
    busy = next(a for a in answers if a.status_code == 429)
    assert busy.headers["Retry-After"] == "1" and errors(busy, 429)["code"] == "E0106"
    drawn = [a for a in answers if a.status_code == 200]
    assert audit(house, receipt, "application.attachment") == before + len(drawn)
    assert hanako.get(where).status_code == 200  # the place is free again
    for i in range(3):  # … also after what draws nothing
        behind = hanako.get(path(receipt, f"/attachments/{one['index']}/pages/499"))
        assert behind.status_code == 404


def test_search_needs_two_facts_and_an_application(house):
    hanako = house.people["hanako"]
    receipt, resident = candidate_of(house, "hanako", waiting(house, "unmatched"))
    found = hanako.post(path(receipt, "/search"), name=resident["name"],
                        birth_date=resident["birth_date"], reason="似た氏名の確認")
    assert found.status_code == 200, found.text
    assert resident["atenabango"] in [c["resident"]["atenabango"]
                                      for c in found.json()["candidates"]]
    assert audit(house, receipt, "registry.search") == 1
    assert hanako.post(path(receipt, "/search"), name=resident["name"],
                       reason="x").status_code == 400
    assert hanako.post(path(waiting(house, "review")[0], "/search"), name=resident["name"],
                       birth_date=resident["birth_date"], reason="x").status_code == 400
