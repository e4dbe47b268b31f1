"""Work at the console, on the real program, PostgreSQL and TLS: who sees what, claims, decides."""

import concurrent.futures
import datetime
import json
import re
import uuid

import pytest

from console_staff import enrolment_code
from stack import wait_until
from test_console_sign_in import Browser

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


def person(stack, name, rights, business, department):
    """An account with its rights, signed in. That two people are needed for it is tested with
    signing in; here the second one is the database."""
    stack.psql("INSERT INTO account (city_code, name, display_name, department, kind, valid_from,"
               f" valid_to, created_by, approved_by) VALUES ('992011', '{name}', '職員{name}',"
               " '課', 'staff', now() - interval '1 d', now() + interval '1 y', 'a', 'b')")
    for right in rights:
        stack.psql("INSERT INTO account_right SELECT city_code, account_id,"
                   f" '{business}', '{department}', '{right}', 'a', 'b' FROM account"
                   f" WHERE name = '{name}'")
    browser = Browser(stack)
    browser.enrol(name, enrolment_code(stack, name))
    return browser


@pytest.fixture(scope="module")
def house(make_module_stack, tmp_path_factory):
    site = tmp_path_factory.mktemp("site")
    (site / "index.html").write_text("<!doctype html><title>受付</title>")
    stack = make_module_stack({
        "console": {"site": site, "idle": "1h", "proof": "10h"},
        "channel pittari": {"status-correction": "要訂正", "status-withdrawn": "取下げ"},
        f"route {PROCEDURE}": {"approval": "staff", "business": CHILD, "department": DEPARTMENT}})
    stack.up(server=False, business=False)
    town = stack.make_town("town", "--seed", "5", "--count", "16")
    stack.submit_town(town)
    for role in ("collect", "examine", "identify", "routing"):
        assert stack.uketsuke(role, "--once").returncode == 0
    stack.start_console()
    stack.uketsuke("terminal", "add", "--label", "窓口1", "--department", "市民課",
                   "--also", "*", "--address", "127.0.0.1", "--first")
    stack.people = {name: person(stack, name, *have) for name, have in PEOPLE.items()}
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
    before = house.psql(f"SELECT reason FROM application WHERE receipt_number = '{receipt}'").strip()

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
    house.psql("SET session_replication_role = replica; INSERT INTO application (city_code, channel,"
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
    """What a resident sent is looked at, page by page; the file leaves by the hand-over book only."""
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
        assert hanako.get(path(receipt, f"/attachments/{one['index']}/pages/499")).status_code == 404


def candidate_of(house, name, receipts):
    for receipt in receipts:
        for found in view(house, name, receipt)["decision"]["candidates"]:
            if not found["resident"]["protected"]:
                return receipt, found["resident"]
    raise AssertionError("nobody has a candidate")


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


# --- decisions --------------------------------------------------------------------------------

def act(house, name, receipt, what, **more):
    body = {"reason": "確かめた", "version": view(house, name, receipt)["version"], **more}
    return house.people[name].post(path(receipt, f"/{what}"), **body)


def test_four_eyes_for_the_applicant(house):
    receipt, resident = candidate_of(house, "hanako", reversed(waiting(house, "unmatched")))
    house.people["hanako"].post(path(receipt, "/claim"))
    done = act(house, "hanako", receipt, "identify", atenabango=resident["atenabango"])
    assert done.status_code == 200, done.text
    found = view(house, "taro", receipt)
    assert found["claim"] is None  # whoever has decided is done
    assert found["proposal"]["atenabango"] == resident["atenabango"]
    assert found["proposal"]["by"] == "staff:hanako" and found["reason"] == "confirmation-waits"
    same = errors(act(house, "hanako", receipt, "confirm"), 409)
    assert same["code"] == "E0105" and "別の職員" in same["message"]
    done = act(house, "taro", receipt, "confirm")
    assert done.json()["state"] == "identified", done.text
    assert audit(house, receipt, "staff.identify-propose") == 1
    assert audit(house, receipt, "staff.identify-confirm") == 1


def test_why_in_ones_own_words_for_the_second_person_and_the_history(house):
    """Sealed, and nowhere else: the trail outlives the application, and knows the reason alone."""
    receipt, resident = candidate_of(house, "hanako", reversed(waiting(house, "unmatched")))
    number, words = resident["atenabango"], "電話で旧姓を本人に確かめた"

    def identify(**more):
        return act(house, "hanako", receipt, "identify", atenabango=number, **more)
    other = "その他の事情がある人"
    assert "補足" in errors(identify(reason=other, words=""), 400)["message"]
    assert errors(identify(reason=other), 400)["code"] == "E0001"
    assert errors(identify(words="字" * 501), 400)["code"] == "E0003"
    assert identify(words="字" * 500).status_code == 200
    done = identify(reason=other, words=words)
    assert done.status_code == 200, done.text
    proposal = view(house, "taro", receipt)["proposal"]
    assert (proposal["said"], proposal["words"]) == (other, words)
    assert act(house, "taro", receipt, "deny").status_code == 200
    told = [(e["said"], e["words"]) for e in view(house, "taro", receipt)["history"] if e["said"]]
    assert told[-2:] == [("確かめた", "字" * 500), (other, words)]
    assert identify().status_code == 200
    assert view(house, "taro", receipt)["proposal"]["words"] is None  # of this one, not of the last
    assert act(house, "taro", receipt, "deny").status_code == 200
    assert house.psql(f"SELECT count(*) FROM audit_entry WHERE concat(reason, detail) LIKE '%{words}%'"
                      ) == "0\n"
    assert house.psql("SELECT count(*) FROM proposal_reason WHERE position(convert_to("
                      f"'{words}', 'UTF8') IN sealed) > 0 OR reason LIKE '%{words}%'") == "0\n"
    assert words not in house.log_text("console")


def test_only_who_was_shown_is_proposed_and_the_second_person_sees_who(house):
    """A 宛名番号 out of nowhere would look a person up by one fact."""
    hanako, taro = house.people["hanako"], house.people["taro"]
    receipt = waiting(house, "unmatched")[-1]
    shown = view(house, "hanako", receipt)["decision"]
    known = [c["resident"]["atenabango"] for c in shown["candidates"] + shown["people"] if c["resident"]]
    number, name, birth = house.psql(
        "SELECT r.atenabango, r.name, to_char(to_date(r.birth_date::text, 'YYYYMMDD'), 'YYYY-MM-DD')"
        " FROM resident r WHERE support_from IS NULL AND undisclosed_from IS NULL AND status = 0"
        " AND birth_date % 100 > 0 AND r.atenabango <> ALL('{"
        + ",".join(n for n in known if n) + "}') LIMIT 1").strip().split("\t")
    for who in (number, "999999999999999"):
        assert errors(act(house, "hanako", receipt, "identify", atenabango=who), 400)["code"] == "E0004"
    assert number not in str(view(house, "hanako", receipt))
    found = hanako.post(path(receipt, "/search"), name=name, birth_date=birth, reason="改姓の確認")
    mark = next(c["mark"] for c in found.json()["candidates"] if c["resident"]["atenabango"] == number)
    for other in (act(house, "taro", receipt, "identify", atenabango=number, mark=mark),
                  act(house, "hanako", receipt, "identify", atenabango=number, mark="0" * 64)):
        assert other.status_code == 400
    assert act(house, "hanako", receipt, "identify", atenabango=number, mark=mark).status_code == 200
    candidate = view(house, "taro", receipt)["proposal"]["candidate"]
    assert candidate["resident"]["name"] == name and "how" in candidate["facts"]["address"]
    assert view(house, "taro", receipt)["claimed"]["name"]
    signed = view(house, "taro", receipt)["facts"]
    assert (candidate["facts"]["name"]["certificate"] in ("same", "notation")) == (signed["name"] == name)
    assert act(house, "taro", receipt, "deny").status_code == 200


def test_stale_versions_are_told_what_changed(house):
    receipt = waiting(house, "review")[-1]
    version = view(house, "hanako", receipt)["version"]
    day = house.psql("SELECT (now() + interval '3 d')::date").strip()
    assert act(house, "taro", receipt, "hold", until=day).status_code == 200
    late = house.people["hanako"].post(path(receipt, "/approve"), reason="確かめた",
                                       version=version)
    assert errors(late, 409)["code"] == "E0105" and "もう一度判断" in late.text
    assert late.json()["version"] == version + 1
    assert [c["actor"] for c in late.json()["changes"]] == ["staff:taro"]
    assert view(house, "hanako", receipt)["state"] == "review"  # nothing happened
    bad = house.people["hanako"].post(path(receipt, "/approve"), reason="x")
    assert errors(bad, 400)["code"] == "E0001"
    assert act(house, "hanako", receipt, "hold", until="昨日").status_code == 400
    assert act(house, "hanako", receipt, "hold", until="2020-01-01").status_code == 400


def test_asked_again_with_its_key_it_is_done_once(house):
    """The answer was lost on the way: the page asks again, and gets the answer of the first time."""
    receipt, resident = candidate_of(house, "hanako", waiting(house, "unmatched"))
    hanako = house.people["hanako"]
    version = view(house, "hanako", receipt)["version"]
    proposed = audit(house, receipt, "staff.identify-propose")

    def ask_with(key, where="/identify", person=hanako, **more):
        body = {"reason": "確かめた", "version": version, "atenabango": resident["atenabango"], **more}
        return person.http.post(person.base + path(receipt, where), json=body, timeout=20,
                                headers={"Idempotency-Key": key})
    one, two = str(uuid.uuid4()), str(uuid.uuid4())
    with concurrent.futures.ThreadPoolExecutor(8) as pool:  # all at once, too
        answers = [a.result() for a in [pool.submit(ask_with, one) for _ in range(8)]]
    assert {a.status_code for a in answers} == {200} and len({a.text for a in answers}) == 1
    assert ask_with(one, version=version + 1).json() == answers[0].json()
    assert audit(house, receipt, "staff.identify-propose") == proposed + 1
    assert view(house, "hanako", receipt)["version"] == version + 1
    assert ask_with(two).status_code == 409  # another act on what was seen before
    assert ask_with(two, version=version + 1).status_code == 200  # nothing done: the key is free
    assert errors(ask_with(one, "/refuse"), 409)["code"] == "E0105"  # a key is for one act …
    assert "something else" in ask_with(one, reason="別の理由").text  # … and for one body
    past = ask_with(one, version=version + 2)  # people went on since: not as if it were so still
    assert "済んでいます" in errors(past, 409)["message"]
    assert past.json()["version"] == version + 2
    assert errors(ask_with("x"), 400)["code"] == "E0002"
    other = ask_with(one, "/confirm", house.people["taro"], version=version + 2)
    assert other.status_code == 200, other.text  # keys are each account's own
    house.psql("UPDATE once SET at = now() - interval '25 h'")
    ask_with(str(uuid.uuid4()))
    assert house.psql("SELECT count(*) FROM once JOIN account USING (account_id)"
                      " WHERE name = 'hanako'") == "0\n"


def test_approve_correct_refuse_withdraw_resend(house):
    one, two, three, four = waiting(house, "review")[:4]
    assert act(house, "hanako", one, "approve").json()["state"] == "identified"
    assert act(house, "hanako", one, "approve").status_code == 409
    assert act(house, "hanako", two, "correct").status_code == 400  # the resident needs words
    words = "口座名義を直してください"
    assert act(house, "hanako", two, "correct", message=words).json()["state"] == "correction"
    assert [m["text"] for m in view(house, "taro", two)["messages"]] == [words]
    assert act(house, "hanako", three, "refuse", message="対象外です").json()["state"] == "refused"
    assert act(house, "hanako", four, "withdraw").json()["state"] == "withdrawn"
    held = next(r for r in waiting(house, "held")
                if house.people["hanako"].get(path(r)).status_code == 200)
    again = act(house, "hanako", held, "resend")
    assert again.status_code == 200 or "状態" in again.text
    actions = house.psql("SELECT DISTINCT action FROM audit_entry WHERE chain = 'console'").split()
    assert {"staff.approve", "staff.correction", "staff.refuse", "staff.withdraw"} <= set(actions)


def test_protected_residents_are_for_named_people(house):
    protected = house.psql("SELECT receipt_number FROM application WHERE reason LIKE '%protected%'"
                           " AND state IN ('review', 'unmatched')").split()
    assert protected
    for receipt in protected:
        item = [i for i in house.people["hanako"].get("/api/queue?limit=200").json()["items"]
                if i["receipt_number"] == receipt]
        assert not item or "name" not in item[0]
        for name in ("hanako", "taro", "looker"):
            assert house.people[name].get(path(receipt)).status_code == 403
        assert house.people["chief"].get(path(receipt)).status_code == 200
        assert audit(house, receipt, "application.hidden") == 3


def test_the_day_tells_how_old_the_links_are(house):
    as_of = house.psql("SELECT moment_in_japan(max(as_of)) FROM registry_import WHERE kind = 'links'")
    links = house.people["hanako"].get("/api/overview").json()["links"]
    assert links["as_of"][:19] == as_of[:19] and links["old"] is False


def test_overview(house):
    found = house.people["hanako"].get("/api/overview").json()
    assert found["today"]["intake"] > 0
    assert {"審査待ち", "申請者未特定"} <= {one["state_name"] for one in found["today"]["results"]}
    assert {w["state"] for w in found["waiting"]} <= {"review", "unmatched", "held", "correction"}
    counts = house.people["hanako"].get("/api/queue").json()["counts"]
    assert sum(w["count"] for w in found["waiting"]) == sum(
        counts[which] for which in ("review", "unmatched", "held", "correction", "put_off"))
    assert {d["destination"] for d in found["destinations"]} == {"portal", CHILD}
    assert {"id": PROCEDURE, "business": CHILD, "name":
            "児童手当等の受給資格及び児童手当の額についての認定請求"} in found["procedures"]
    others = house.people["other"].get("/api/overview").json()["procedures"]
    assert PROCEDURE not in {one["id"] for one in others}  # what one may not see is no choice
    lists = found["revocation"]
    assert found["ocsp"] is None and found["small_cells"] == 10
    assert lists["lists"] == 4 and lists["unusable"] == 0 and lists["newest"]
    assert house.people["admin"].get("/api/overview").status_code == 403
    assert house.people["other"].get("/api/overview").json()["waiting"] == []


# --- every endpoint, every role -----------------------------------------------------------------

NEEDS = {  # rights besides "see"; None: that alone
    ("GET", ""): None, ("POST", "/claim"): None, ("DELETE", "/claim"): None,
    ("GET", "/attachments/0/pages/1"): None, ("POST", "/numbers"): "number",
    ("POST", "/search"): "identify", ("POST", "/identify"): "identify",
    ("POST", "/confirm"): "confirm", ("POST", "/approve"): "approve",
    ("POST", "/correct"): "examine", ("POST", "/refuse"): "examine",
    ("POST", "/hold"): "examine", ("POST", "/withdraw"): "examine",
    ("POST", "/resend"): "examine", ("POST", "/contact"): "examine",
    ("POST", "/drop"): "identify", ("POST", "/deny"): "confirm", ("POST", "/undo"): "identify",
    ("POST", "/reroute"): "reroute", ("POST", "/print"): "print", ("POST", "/export"): "export number",
    ("POST", "/outputs/1/approve"): "approve number",
    ("POST", "/outputs/1/password"): "export number", ("GET", "/outputs/1/file"): "export number",
    ("POST", "/outputs/1/dispose"): None,
}
# A version that is never right: what is allowed is told to be stale, and changes nothing.
BODY = {"reason": "確かめた", "version": 9999, "atenabango": "1", "message": "m",
        "until": "2099-01-01", "way": "phone", "text": "t", "how": "裁断",
        "recipient": "情報システム課", "medium": "M-1", "destination": CHILD, "name": "桜野花子",
        "birth_date": "1990-01-01"}


def ask(browser, method, where):
    send = {"GET": {}, "DELETE": {}, "POST": {"json": BODY}}[method]
    return browser.http.request(method, browser.base + where, timeout=20, **send)


@pytest.mark.parametrize("name", [*PEOPLE, None])
def test_matrix(house, name):
    """No application is visible, and none can be touched, outside one's rights."""
    with_route = waiting(house, "unmatched")[0]
    without = next(r for r in waiting(house, "held")
                   if view(house, "chief", r)["business"] == "")
    browser = house.people[name] if name else Browser(house)
    rights, business, _ = PEOPLE[name] if name else ([], "", "")
    before = house.psql("SELECT receipt_number, version FROM application ORDER BY 1")
    for receipt, reach in ((with_route, business in (CHILD, "*")), (without, business == "*"),
                           ("R-none", False)):
        for (method, rest), right in NEEDS.items():
            answer = ask(browser, method, path(receipt, rest))
            sees = reach and "see" in rights
            if not name:
                wanted = {401}
            elif not sees:
                wanted = {404}
            elif right and not set(right.split()) <= set(rights):
                wanted = {403}
            else:
                wanted = {200, 400, 404 if rest[:4] in ("/att", "/out") else 200, 409}
            assert answer.status_code in wanted, (method, rest, receipt, answer.text)
            if wanted == {404}:  # like one that does not exist, to the letter
                nobody = ask(browser, method, path("R-none", rest)).json()
                assert answer.json()["errors"] == nobody["errors"]
    assert house.psql("SELECT receipt_number, version FROM application ORDER BY 1") == before


def test_matrix_knows_every_endpoint(house):
    """A new endpoint about an application has to be added above."""
    source = (house.build.parent / "intake" / "console" / "server.c").read_text()
    found = set(re.findall(r'\{"(\w+)",\s+APPLICATION(?: "([^"]*)")?', source))
    assert {(m, r.replace("{index}", "0").replace("{page}", "1").replace("{number}", "1"))
            for m, r in found} == set(NEEDS)


def test_without_a_page_of_ours_nothing_changes(house):
    receipt = waiting(house, "unmatched")[0]
    evil = Browser(house, origin="https://evil.example")
    evil.http.cookies.update(house.people["hanako"].http.cookies)
    for (method, rest) in NEEDS:
        if method != "GET":
            assert ask(evil, method, path(receipt, rest)).status_code == 403


# --- fast with many (last: it fills the table) --------------------------------------------------

MANY = """
SET session_replication_role = replica;
INSERT INTO application (city_code, channel, receipt_number, state, reason, changed_by, changed_at,
    announced_at, applied_at, procedure_id, form_version, promised_size, promised_sha256, version)
SELECT '992011', 'bulk', 'B-' || g, CASE WHEN g % 20 = 0 THEN
    (ARRAY['review', 'unmatched', 'held', 'correction'])[1 + (g / 20) % 4] ELSE 'completed' END,
    CASE WHEN g % 20 = 0 THEN 'facts-differ' END, 'role:collect', t, t, t,
    'child-allowance.certification-claim', '1', 1, decode(repeat('00', 32), 'hex'), 1
FROM (SELECT g, now() - g * interval '30 s' AS t FROM generate_series(1, 100000) g) many;
ANALYZE application;
"""


def statement(house, part):
    """As it is in the program."""
    program = (house.build / "uketsuke").read_bytes()
    found = [text.decode() for text in program.split(b"\0") if part in text]
    assert len(found) == 1, found
    return found[0]


def test_queue_reads_its_index_and_sorts_only_what_it_shows(house):
    """As the console's connections plan it (db_plan_by_key, db_plan_once, db_plan_in_order)."""
    house.psql(MANY)
    prepared = ("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;"
                " SET enable_bitmapscan = off; PREPARE queue AS "
                + statement(house, b"AS wanted (state) CROSS JOIN LATERAL"))

    def walk(node, scans, sorts):
        if node.get("Index Name") == "application_waiting":
            scans.append(node)
        if node["Node Type"] == "Sort":
            sorts.append(node)
        for part in node.get("Plans", []):
            walk(part, scans, sorts)
    for states in ("review,unmatched,held,correction", "unmatched"):
        values = ("'992011', false, '{%s}', '{%s}', NULL, NULL, '-infinity', '-infinity',"
                  " '00000000-0000-0000-0000-000000000000', 'infinity', 'infinity', '{}', 51,"
                  " now(), true" % (PROCEDURE, states))
        plan = house.psql(f"{prepared}; EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE queue ({values})")
        scans, sorts = [], []
        walk(json.loads(plan)[0]["Plan"], scans, sorts)
        each = states.count(",") + 1
        assert [scan["Actual Loops"] for scan in scans] == [each], plan  # once for each state
        assert max(scan["Actual Rows"] for scan in scans) <= 51
        assert max(sort["Plans"][0]["Actual Rows"] for sort in sorts) <= each * 51, plan
    queue = house.people["hanako"].get("/api/queue").json()
    assert sum(queue["counts"][s] for s in ("review", "unmatched")) >= 2500
    assert len(queue["items"]) == 50
