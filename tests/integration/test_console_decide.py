"""Decisions at the console, on the real program, PostgreSQL and TLS; and who may ask for what."""

import concurrent.futures
import json
import re
import uuid

import pytest

# house is the fixture
from console_work import (CHILD, PEOPLE, PROCEDURE, act, audit, candidate_of,  # noqa: F401
                          errors, house, path, view, waiting)
from test_console_sign_in import Browser


# --- decisions --------------------------------------------------------------------------------

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
    assert house.psql("SELECT count(*) FROM audit_entry"
                      f" WHERE concat(reason, detail) LIKE '%{words}%'") == "0\n"
    assert house.psql("SELECT count(*) FROM proposal_reason WHERE position(convert_to("
                      f"'{words}', 'UTF8') IN sealed) > 0 OR reason LIKE '%{words}%'") == "0\n"
    assert words not in house.log_text("console")


def test_only_who_was_shown_is_proposed_and_the_second_person_sees_who(house):
    """A 宛名番号 out of nowhere would look a person up by one fact."""
    hanako, taro = house.people["hanako"], house.people["taro"]
    receipt = waiting(house, "unmatched")[-1]
    shown = view(house, "hanako", receipt)["decision"]
    known = [c["resident"]["atenabango"] for c in shown["candidates"] + shown["people"]
             if c["resident"]]
    number, name, birth = house.psql(
        "SELECT r.atenabango, r.name, to_char(to_date(r.birth_date::text, 'YYYYMMDD'),"
        " 'YYYY-MM-DD')"
        " FROM resident r WHERE support_from IS NULL AND undisclosed_from IS NULL AND status = 0"
        " AND birth_date % 100 > 0 AND r.atenabango <> ALL('{"
        + ",".join(n for n in known if n) + "}') LIMIT 1").strip().split("\t")
    for who in (number, "999999999999999"):
        refused = act(house, "hanako", receipt, "identify", atenabango=who)
        assert errors(refused, 400)["code"] == "E0004"
    assert number not in str(view(house, "hanako", receipt))
    found = hanako.post(path(receipt, "/search"), name=name, birth_date=birth, reason="改姓の確認")
    mark = next(c["mark"] for c in found.json()["candidates"]
                if c["resident"]["atenabango"] == number)
    for other in (act(house, "taro", receipt, "identify", atenabango=number, mark=mark),
                  act(house, "hanako", receipt, "identify", atenabango=number, mark="0" * 64)):
        assert other.status_code == 400
    proposed = act(house, "hanako", receipt, "identify", atenabango=number, mark=mark)
    assert proposed.status_code == 200
    candidate = view(house, "taro", receipt)["proposal"]["candidate"]
    assert candidate["resident"]["name"] == name and "how" in candidate["facts"]["address"]
    assert view(house, "taro", receipt)["claimed"]["name"]
    signed = view(house, "taro", receipt)["facts"]
    agrees = candidate["facts"]["name"]["certificate"] in ("same", "notation")
    assert agrees == (signed["name"] == name)
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
    """The answer was lost on the way: the page asks again, and gets that of the first time."""
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
    as_of = house.psql("SELECT moment_in_japan(max(as_of)) FROM registry_import"
                       " WHERE kind = 'links'")
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
    ("POST", "/reroute"): "reroute", ("POST", "/print"): "print",
    ("POST", "/export"): "export number",
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
