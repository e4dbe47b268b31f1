"""The desk of a clerk: terms, what is put off, notes, undoing, rerouting, and what leaves the
house, on the real program, PostgreSQL and TLS."""

import concurrent.futures
import csv
import datetime
import hashlib
import json
import subprocess
import uuid

import pytest

import console_work as work
from stack import StackError, wait_until
from console_work import CHILD, DEPARTMENT, PROCEDURE, act, audit, errors, path, view, waiting

WELFARE = "welfare"
OTHER_PROCEDURE = "child-allowance.amount-revision"
ALL = ["see", "identify", "confirm", "examine", "approve", "reroute"]
PEOPLE = {  # rights, business, department
    "hanako": (ALL + ["print", "export"], CHILD, DEPARTMENT),
    "taro": (ALL + ["print", "export", "number"], CHILD, DEPARTMENT),
    "jiro": (ALL + ["print", "export", "number"], CHILD, DEPARTMENT),
    "looker": (["see"], CHILD, DEPARTMENT),
    "boss": (["see", "approve"], CHILD, DEPARTMENT),
    "chief": (["see", "protected"], "*", "*"),
    "kacho": (["see", "approve", "export", "number", "superior"], CHILD, DEPARTMENT),
    "both": (["see", "reroute"], "*", "*"), "auditor": (["audit"], "*", "*")}


@pytest.fixture(scope="module")
def house(make_module_stack, tmp_path_factory):
    site = tmp_path_factory.mktemp("site")
    (site / "index.html").write_text("<!doctype html><title>受付</title>")
    stack = make_module_stack({
        "console": {"site": site, "idle": "1h", "proof": "10h", "print": "yes",
                    "print-terminals": "窓口1",
                    "export": "yes", "export-terminals": "窓口1", "small-cells": "3",
                    "export-many": "4"},
        "channel pittari": {"status-correction": "要訂正", "status-withdrawn": "取下げ"},
        f"destination {WELFARE}": {"name": "福祉保健総合システム", "auth": "mtls"},
        f"route {PROCEDURE}": {"approval": "staff", "business": CHILD, "department": DEPARTMENT,
                               "alternatives": WELFARE},
        f"route {OTHER_PROCEDURE}": {"destination": WELFARE, "legal-basis": "番号法第9条第1項",
                                     "business": WELFARE, "department": "福祉課"}})
    stack.up(server=False, business=False)
    stack.submit_town(stack.make_town("town", "--seed", "5", "--count", "16"))
    for role in ("collect", "examine", "identify", "routing"):
        assert stack.uketsuke(role, "--once").returncode == 0
    stack.start_console()
    stack.uketsuke("terminal", "add", "--label", "窓口1", "--department", "市民課",
                   "--also", "*", "--address", "127.0.0.1", "--first")
    stack.psql("INSERT INTO medium VALUES ('992011', 'USB-12', '*', 'USBメモリ'),"
               " ('992011', 'b', '課', 'USBメモリ'), ('992011', 'USB-7', '税務課', 'USBメモリ')")
    stack.people = {name: work.person(stack, name, *have) for name, have in PEOPLE.items()}
    return stack


def queue(house, name="hanako", **query):
    answer = house.people[name].http.get(house.people[name].base + "/api/queue", timeout=20,
                                         params={"limit": 200, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()


def receipts(house, **query):
    return [item["receipt_number"] for item in queue(house, **query)["items"]]


def refusal(house, sql, user="uketsuke_admin"):
    with pytest.raises(StackError) as refused:
        house.psql(sql, user=user)
    return str(refused.value)


def day(after):
    japan = datetime.timezone(datetime.timedelta(hours=9))
    return str((datetime.datetime.now(japan) + datetime.timedelta(days=after)).date())


# --- terms --------------------------------------------------------------------------------------

def test_every_application_that_can_be_read_has_a_term(house):
    items = [i for i in queue(house)["items"] if i["state"] in ("review", "unmatched")]
    assert items and all(i["due_on"] and i["due_term"] for i in items)
    assert {i["due_term"] for i in items} <= {"15日特例", "標準処理期間"}
    order = [(i["due_on"], i["applied_at"]) for i in items]
    assert order == sorted(order)
    seen = view(house, "hanako", items[0]["receipt_number"])
    assert (seen["due_on"], seen["due_term"]) == (items[0]["due_on"], items[0]["due_term"])


def test_what_is_due_is_found_and_counted(house):
    late, soon = waiting(house, "review")[:2]
    for receipt, due in ((late, "2020-01-01"), (soon, day(2))):
        house.psql(f"UPDATE application SET version = version + 1, due_on = '{due}',"
                   f" changed_by = 'role:upgrade' WHERE receipt_number = '{receipt}'")
    assert receipts(house)[0] == late
    over = receipts(house, due="late")
    assert over[0] == late and soon not in over and queue(house)["counts"]["late"] == len(over)
    week = queue(house, due="week")["items"]
    assert soon in [i["receipt_number"] for i in week]
    assert max(i["due_on"] for i in week) <= day(7)
    assert set(receipts(house, due="today")) <= set(i["receipt_number"] for i in week)
    due = house.people["hanako"].get("/api/overview").json()["due"]
    assert due["late"] >= 1 and due["three_days"] >= 1


def test_a_term_is_found_where_it_is_shown_moved_or_not(house):
    """Closed days move terms of the law, and no others: in what is shown, found and counted."""
    kept, moved = waiting(house, "review")[3:5]
    before = house.psql("SELECT due_term FROM application"
                        f" WHERE receipt_number = '{kept}'").strip()
    house.psql("UPDATE application SET version = version + 1, due_term = 'own',"
               f" changed_by = 'role:upgrade' WHERE receipt_number = '{kept}';"
               f" UPDATE application SET version = version + 1, due_on = '{day(-1)}',"
               f" changed_by = 'role:upgrade' WHERE receipt_number IN ('{kept}', '{moved}')")

    def shown():
        return {i["receipt_number"]: i["due_on"] for i in queue(house)["items"]}
    house.psql("INSERT INTO holiday VALUES " + ", ".join(
        f"('992011', {day(n).replace('-', '')}, '市の休日')" for n in (-1, 0)))
    try:
        wait_until(lambda: shown()[moved] > day(0), 15, "the term is moved", 0.5)
        assert shown()[kept] == day(-1) == view(house, "hanako", kept)["due_on"]
        late, today = receipts(house, due="late"), receipts(house, due="today")
        assert kept in late and moved not in late + today
        assert queue(house)["counts"]["late"] == len(late)
        overview = house.people["hanako"].get("/api/overview").json()["due"]
        assert (overview["late"], overview["today"]) == (len(late), len(today) - len(late))
        assert act(house, "hanako", kept, "hold", until=day(3)).status_code == 200
        put_off = receipts(house, put_off="yes", due="late")
        assert kept in put_off and queue(house)["counts"]["late"] == len(late) - 1
    finally:
        house.psql("DELETE FROM holiday; DELETE FROM staff_hold; UPDATE application SET"
                   f" version = version + 1, due_term = '{before}', changed_by = 'role:upgrade'"
                   f" WHERE receipt_number = '{kept}'")


def test_nobody_but_the_examination_sets_a_term(house):
    assert "may not set by when" in refusal(
        house, "UPDATE application SET version = version + 1, due_on = '2099-01-01'"
               " WHERE state = 'review'",
        "uketsuke_console")


# --- what is put off ----------------------------------------------------------------------------

def test_what_is_put_off_is_away_until_its_day(house):
    receipt = waiting(house, "review")[2]
    before = queue(house)["counts"]
    assert act(house, "hanako", receipt, "hold", until=day(3)).status_code == 200
    after = queue(house)["counts"]
    assert receipt not in receipts(house)
    assert after["review"] == before["review"] - 1
    assert after["put_off"] == before["put_off"] + 1
    (item,) = [i for i in queue(house, put_off="yes")["items"] if i["receipt_number"] == receipt]
    assert item["put_off_until"].startswith(day(3))
    seen = view(house, "taro", receipt)
    assert (seen["hold"]["by"], seen["names"]) == ("staff:hanako", {"staff:hanako": "職員hanako"})
    house.psql("UPDATE staff_hold SET until = now() - interval '1 s'")  # its day has come
    assert receipt in receipts(house) and view(house, "taro", receipt)["hold"] is None
    assert receipt not in receipts(house, put_off="yes")


def test_claimed_by_whom(house):
    receipt = receipts(house)[0]
    house.people["hanako"].post(path(receipt, "/claim"))
    assert receipts(house, claimed="mine") == [receipt]
    assert receipts(house, claimed="none") == [r for r in receipts(house) if r != receipt]
    assert receipts(house, claimed="mine", name="taro") == []
    house.people["hanako"].http.delete(house.people["hanako"].base + path(receipt, "/claim"),
                                       timeout=20)


# --- notes --------------------------------------------------------------------------------------

def test_contact_notes_are_added_and_never_changed(house):
    receipt = waiting(house, "unmatched")[0]
    words = "電話で、前の住所を確かめた。\nつながったのは二度目。"
    hanako = house.people["hanako"]
    for way, text in (("phone", words), ("counter", "来庁された")):
        assert hanako.post(path(receipt, "/contact"), way=way, text=text).status_code == 200
    notes = view(house, "taro", receipt)["contacts"]
    assert [(n["way"], n["text"], n["by"]) for n in notes] == [
        ("phone", words, "staff:hanako"), ("counter", "来庁された", "staff:hanako")]
    assert audit(house, receipt, "staff.contact") == 2
    key = {"Idempotency-Key": str(uuid.uuid4())}
    for _ in range(2):  # the answer to the first was lost
        again = hanako.http.post(hanako.base + path(receipt, "/contact"), timeout=20, headers=key,
                                 json={"way": "letter", "text": "一度だけ"})
        assert again.status_code == 200
    assert [n["way"] for n in view(house, "taro", receipt)["contacts"]].count("letter") == 1
    for way, text in (("fax", "x"), ("phone", ""), ("phone", "a\tb"), ("phone", "あ" * 2001)):
        assert hanako.post(path(receipt, "/contact"), way=way, text=text).status_code == 400
    assert hanako.post(path(receipt, "/contact"), way="other", text="あ" * 2000).status_code == 200
    stored = house.psql("SELECT count(*) FROM contact_note WHERE"
                        " position(convert_to('前の住所', 'UTF8') IN sealed) > 0")
    assert stored == "0\n"
    for change in ("UPDATE contact_note SET way = 'mail'", "DELETE FROM contact_note"):
        assert "append-only" in refusal(house, change)


# --- who it is, taken back ----------------------------------------------------------------------

def test_a_proposal_is_dropped_or_denied_and_an_identification_undone(house):
    receipt, resident = work.candidate_of(house, "hanako", reversed(waiting(house, "unmatched")))
    number = resident["atenabango"]
    assert act(house, "hanako", receipt, "identify", atenabango=number).status_code == 200
    assert act(house, "hanako", receipt, "drop").status_code == 200
    assert view(house, "hanako", receipt)["reason"] == "proposal-dropped"
    assert act(house, "hanako", receipt, "identify", atenabango=number).status_code == 200
    assert act(house, "taro", receipt, "deny").status_code == 200
    assert act(house, "taro", receipt, "confirm").status_code == 409
    assert act(house, "hanako", receipt, "identify", atenabango=number).status_code == 200
    assert act(house, "taro", receipt, "confirm").json()["state"] == "identified"
    undone = act(house, "taro", receipt, "undo")
    assert undone.json()["state"] == "unmatched", undone.text
    assert view(house, "taro", receipt)["reason"] == "identification-undone"
    assert act(house, "taro", receipt, "undo").status_code == 409
    assert audit(house, receipt, "staff.identify-undo") == 1


# --- elsewhere ----------------------------------------------------------------------------------

def test_rerouting_needs_the_right_on_both_sides(house):
    receipt = waiting(house, "review")[3]
    assert {d["destination"] for d in view(house, "hanako", receipt)["destinations"]} == {CHILD}
    refused = act(house, "hanako", receipt, "reroute", destination=WELFARE)
    assert errors(refused, 400)["code"] == "E0004"
    offered = view(house, "both", receipt)["destinations"]
    assert {"destination": WELFARE, "name": "福祉保健総合システム"} in offered
    for nowhere in ("registry", "portal", "x"):
        assert act(house, "both", receipt, "reroute", destination=nowhere).status_code == 400
    assert act(house, "both", receipt, "reroute", destination=WELFARE).status_code == 200
    chosen = house.psql("SELECT destination, chosen_by FROM reroute")
    assert chosen == f"{WELFARE}\tstaff:both\n"


# --- several at once ----------------------------------------------------------------------------

def test_only_what_nobody_has_to_look_at_is_accepted_with_others(house):
    items = [i for i in queue(house, state="review")["items"]]
    plain = next(i for i in items if i["plain"])
    receipt = plain["receipt_number"]
    house.psql("UPDATE review SET demands = 'finding route' FROM application a WHERE"
               " review.application_id = a.application_id"
               f" AND a.receipt_number = '{receipt}'")
    assert not next(i for i in queue(house)["items"] if i["receipt_number"] == receipt)["plain"]
    refused = act(house, "hanako", receipt, "approve", plain=True)
    assert errors(refused, 400)["code"] == "E0004"
    house.psql("UPDATE review SET demands = 'route'")
    assert act(house, "hanako", receipt, "approve", plain=True).json()["state"] == "identified"
    assert house.people["hanako"].post(path(receipt, "/approve"), reason="x", plain=True,
                                       version=plain["version"]).status_code == 409


# --- on paper -----------------------------------------------------------------------------------

def words_of(pdf):
    return subprocess.run(["pdftotext", "-raw", "-", "-"], input=pdf, capture_output=True,
                          check=True).stdout.decode()


def book(house, name="hanako"):
    return house.people[name].get("/api/outputs").json()["items"]


def test_a_print_says_who_where_and_when_on_every_page(house):
    receipt = waiting(house, "unmatched")[0]
    hanako, taro = house.people["hanako"], house.people["taro"]
    assert "print" in view(house, "hanako", receipt)["may"]
    answer = hanako.post(path(receipt, "/print"), reason="窓口で説明するため")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Cache-Control"] == "no-store"
    entry = book(house)[0]
    text, pages = words_of(answer.content), answer.content.count(b"/Type /Page\n")
    name = view(house, "hanako", receipt)["facts"]["name"].split("　")[0]
    assert name in text and receipt in text and "利用目的" in text
    assert f"印刷番号{entry['number']}" in text.replace(" ", "")
    assert text.count("職員hanako") >= max(1, pages) and "窓口1" in text
    numbers = [n["value"] for n in taro.post(path(receipt, "/numbers"),
                                             reason="確認").json()["numbers"]]
    assert numbers and not [n for n in numbers if n in text]
    assert (entry["kind"], entry["receipt_number"], entry["asked_by"], entry["terminal"]) == (
        "print", receipt, "staff:hanako", "窓口1")
    assert entry["state"] == "open" and entry["until"] and not entry["with_numbers"]
    assert audit(house, receipt, "output.print") == 1
    # in the clear: a right of its own
    refused = hanako.post(path(receipt, "/print"), reason="x", numbers=True)
    assert "個人番号の表示" in errors(refused, 403)["message"]
    clear = taro.post(path(receipt, "/print"), reason="照合のため", numbers=True)
    assert numbers[0] in words_of(clear.content).replace(" ", "")
    assert book(house)[0]["with_numbers"]
    assert audit(house, receipt, "application.numbers") == 2  # on the screen, and on paper
    assert hanako.post(path(receipt, "/print")).status_code == 400  # no reason


def test_a_print_is_one_entry_of_the_book_by_its_key(house):
    """The answer was lost on the way, or it was pressed twice: the same number, fetched again."""
    receipt, other = waiting(house, "unmatched")[:2]
    taro, before = house.people["taro"], len(book(house))
    key = str(uuid.uuid4())

    def ask(receipt=receipt, key=key, **more):
        return taro.http.post(taro.base + path(receipt, "/print"), timeout=20, json={
            "reason": "説明", "numbers": True, **more}, headers={"Idempotency-Key": key})
    noted = audit(house, receipt, "output.print")
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        answers = [one.result() for one in [pool.submit(ask) for _ in range(3)]]
    assert {a.status_code for a in answers} == {200}
    assert len({a.headers["Content-Disposition"] for a in answers}) == 1
    assert len(book(house)) == before + 1 and book(house)[0]["fetches"] == 3
    assert audit(house, receipt, "output.print") == noted + 1
    assert audit(house, receipt, "output.fetch") == 2
    assert audit(house, receipt, "application.numbers") >= 3  # as often as it was on paper
    for changed in (ask(reason="別の理由"), ask(numbers=False), ask(other)):
        assert errors(changed, 409)["code"] == "E0105"
    assert errors(ask(key="x"), 400)["code"] == "E0002"
    assert ask(key=str(uuid.uuid4())).status_code == 200 and len(book(house)) == before + 2
    number = book(house)[1]["number"]
    assert taro.post(path(receipt, f"/outputs/{number}/dispose"), how="裁断").status_code == 200
    assert errors(ask(), 410)["code"] == "E0105"  # what is gone does not come back
    house.psql("SET session_replication_role = replica; DELETE FROM output"
               f" WHERE output_id >= {number}")


def test_paper_is_recorded_until_it_is_gone(house):
    entry = next(e for e in book(house) if e["kind"] == "print")
    where = path(entry["receipt_number"], f"/outputs/{entry['number']}")
    house.psql("UPDATE output SET until = now() - interval '1 s'"
               f" WHERE output_id = {entry['number']}")
    assert next(e for e in book(house) if e["number"] == entry["number"])["state"] == "over"
    hanako = house.people["hanako"]
    for other in ("looker", "boss"):  # neither who printed it, nor who may print and approve
        refused = errors(house.people[other].post(where + "/dispose", how="溶解"), 403)
        assert "廃棄の記録" in refused["message"]
    assert hanako.post(where + "/dispose", how="裁断").status_code == 200
    assert hanako.post(where + "/dispose", how="溶解").status_code == 410
    gone = next(e for e in book(house, "auditor") if e["number"] == entry["number"])
    assert (gone["state"], gone["disposal"], gone["disposed_by"]) == ("gone", "裁断", "staff:hanako")
    for change in ("UPDATE output SET disposed_by = 'staff:x' WHERE disposed_by IS NOT NULL",
                   "DELETE FROM output"):
        assert "not rewritten" in refusal(house, change)


def test_only_where_it_is_switched_on(house):
    receipt = waiting(house, "unmatched")[0]
    house.psql("UPDATE terminal SET label = '窓口2'")
    try:
        assert not {"print", "export"} & set(view(house, "taro", receipt)["may"])
        for what, more in (("/print", {}), ("/export", {"recipient": "a", "medium": "b"})):
            refused = house.people["taro"].post(path(receipt, what), reason="x", **more)
            assert "この端末では認められていません" in errors(refused, 403)["message"]
    finally:
        house.psql("UPDATE terminal SET label = '窓口1'")
    other = house.people["both"].post(path(receipt, "/print"), reason="x")
    assert "「印刷」の権限" in errors(other, 403)["message"]


# --- in a file ----------------------------------------------------------------------------------

def test_a_file_needs_a_second_person_and_its_password(house, tmp_path):
    receipt = waiting(house, "unmatched")[1]
    jiro, taro = house.people["jiro"], house.people["taro"]
    order = {"reason": "システム障害の調査", "recipient": "情報システム課", "medium": "USB-12"}
    for key in order:
        assert jiro.post(path(receipt, "/export"), **{**order, key: ""}).status_code == 400
    number = jiro.post(path(receipt, "/export"), **order).json()["number"]
    where = path(receipt, f"/outputs/{number}")
    assert book(house)[0]["state"] == "waiting"
    assert jiro.get(where + "/file").status_code == 409
    assert "別の職員" in errors(jiro.post(where + "/approve"), 409)["message"]
    assert taro.post(where + "/approve").status_code == 200
    assert taro.post(where + "/approve").status_code == 410  # once
    for call in (taro.get(where + "/file"), taro.post(where + "/password")):
        assert "本人だけ" in errors(call, 403)["message"]
    password = jiro.post(where + "/password").json()["password"]
    file = jiro.get(where + "/file")
    assert file.status_code == 200 and file.headers["Cache-Control"] == "no-store"
    (tmp_path / "a.p7m").write_bytes(file.content)
    command = ["openssl", "cms", "-decrypt", "-inform", "DER", "-in", tmp_path / "a.p7m", "-out",
               tmp_path / "a.zip", "-pwri_password"]
    assert subprocess.run([*command, "AAAAA-AAAAA-AAAAA-AAAAA"], capture_output=True).returncode
    subprocess.run([*command, password], check=True, capture_output=True)
    package = house.psql("SELECT encode(p.sha256, 'hex') FROM package p JOIN application a"
                         f" USING (city_code, application_id) WHERE receipt_number = '{receipt}'")
    assert hashlib.sha256((tmp_path / "a.zip").read_bytes()).hexdigest() == package.strip()
    entry = book(house)[0]
    assert entry["sha256"] == hashlib.sha256(file.content).hexdigest()  # which file it was
    assert (entry["fetches"], entry["approved_by"], entry["medium"]) == (1, "staff:taro", "USB-12")
    assert [audit(house, receipt, f"output.{what}") for what in
            ("ask", "approve", "password", "fetch")] == [1, 1, 1, 1]
    assert audit(house, receipt, "application.numbers") == 1
    assert password not in house.log_text("console")


def test_a_file_is_asked_for_once_by_its_key(house):
    """The answer was lost on the way, or it was pressed twice: one entry of the book."""
    receipt, other = waiting(house, "unmatched")[:2]
    jiro, before = house.people["jiro"], len(book(house))
    key = str(uuid.uuid4())

    def ask(receipt=receipt, person=jiro, key=key, **more):
        order = {"reason": "調査", "recipient": "情報システム課", "medium": "USB-12", **more}
        return person.http.post(person.base + path(receipt, "/export"), json=order, timeout=20,
                                headers={"Idempotency-Key": key})
    noted = audit(house, receipt, "output.ask")
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = [one.result() for one in [pool.submit(ask) for _ in range(6)]]
    assert {a.status_code for a in answers} == {200} and len({a.text for a in answers}) == 1
    entry, number = book(house)[0], answers[0].json()["number"]
    assert len(book(house)) == before + 1 and entry["number"] == number
    assert audit(house, receipt, "output.ask") == noted + 1
    for changed in (ask(medium="USB-2"), ask(other)):  # a key is for one thing
        assert errors(changed, 409)["code"] == "E0105"
    assert errors(ask(key="x"), 400)["code"] == "E0002"
    assert ask(person=house.people["taro"]).json()["number"] > number  # keys are each account's own
    assert ask(key=str(uuid.uuid4())).json()["number"] > number
    house.psql("SET session_replication_role = replica; DELETE FROM output"
               f" WHERE output_id >= {number}")


def test_a_file_leaves_on_registered_media_only(house):
    """Of one's own department, or of all; and as long as they are registered."""
    receipt = waiting(house, "unmatched")[1]
    jiro, order = house.people["jiro"], {"reason": "x", "recipient": "a"}
    assert [m["id"] for m in jiro.get("/api/media").json()["items"]] == ["USB-12", "b"]
    before = len(book(house))
    for medium in ("USB-99", "USB-7", "B"):
        refused = jiro.post(path(receipt, "/export"), **order, medium=medium)
        assert "登録されていないか" in errors(refused, 403)["message"], medium
    assert len(book(house)) == before
    insert = ("INSERT INTO output (city_code, kind, application_id, asked_by, asked_at, terminal,"
              " reason, with_numbers, recipient, medium)"
              " SELECT city_code, 'export', application_id,"
              " 'staff:jiro', now(), 't', 'x', true, 'a', '{}' FROM application LIMIT 1")
    assert "asked for by one person" in refusal(house, insert.format("USB-7"), "uketsuke_console")
    number = jiro.post(path(receipt, "/export"), **order, medium="b").json()["number"]
    other = jiro.post(path(receipt, "/export"), **order, medium="b").json()["number"]
    where = path(receipt, f"/outputs/{number}")
    assert house.people["taro"].post(where + "/approve").status_code == 200
    house.psql("DELETE FROM medium WHERE medium_id = 'b'")  # it is lost
    for call in (jiro.post(where + "/password"), jiro.get(where + "/file"),
                 house.people["taro"].post(path(receipt, f"/outputs/{other}/approve"))):
        assert "登録されていないか" in errors(call, 403)["message"]
    house.psql("INSERT INTO medium VALUES ('992011', 'b', '課', 'USBメモリ')")
    assert jiro.get(where + "/file").status_code == 200
    for one in (number, other):
        assert jiro.post(path(receipt, f"/outputs/{one}/dispose"), how="消去").status_code == 200


def test_a_file_with_numbers_is_for_who_may_see_them(house):
    """The package holds 個人番号: neither who asks nor who agrees may do without that right."""
    receipt = waiting(house, "unmatched")[1]
    order = {"reason": "x", "recipient": "a", "medium": "b"}
    assert "export" not in view(house, "hanako", receipt)["may"]  # not to the numbers
    refused = errors(house.people["hanako"].post(path(receipt, "/export"), **order), 403)
    assert "個人番号の表示" in refused["message"]
    number = house.people["jiro"].post(path(receipt, "/export"), **order).json()["number"]
    where = path(receipt, f"/outputs/{number}")
    for name in ("hanako", "boss"):  # who may approve
        refused = errors(house.people[name].post(where + "/approve"), 403)
        assert "個人番号の表示" in refused["message"]
    assert house.people["taro"].post(where + "/approve").status_code == 200
    house.psql("DELETE FROM account_right r USING account a WHERE a.account_id = r.account_id"
               " AND a.name = 'jiro' AND r.\"right\" = 'number'")  # taken away since
    for call in (house.people["jiro"].get(where + "/file"),
                 house.people["jiro"].post(where + "/password")):
        assert "個人番号の表示" in errors(call, 403)["message"]
    # nobody who only looks makes an end of it
    assert house.people["looker"].post(where + "/dispose", how="消去").status_code == 403
    house.psql("INSERT INTO account_right SELECT city_code, account_id, "
               f"'{CHILD}', '{DEPARTMENT}', 'number', 'a', 'b' FROM account WHERE name = 'jiro'")
    assert house.people["jiro"].get(where + "/file").status_code == 200
    assert house.people["taro"].post(where + "/dispose", how="消去").status_code == 200


def test_many_files_take_a_superior(house):
    """Files count whosever approved them, within 24 hours."""
    people, order = house.people, {"reason": "x", "recipient": "a", "medium": "b"}
    house.psql("SET session_replication_role = replica; UPDATE output SET asked_at = asked_at"
               " - interval '24 h' WHERE kind = 'export'")

    def ask(receipt):
        return receipt, people["jiro"].post(path(receipt, "/export"), **order).json()
    with concurrent.futures.ThreadPoolExecutor() as pool:  # at once: each is counted
        asked = sorted(pool.map(ask, waiting(house, "unmatched")[:5]),
                       key=lambda one: one[1]["many"])
    assert [answer["many"] for _, answer in asked] == [False] * 4 + [True]
    (few, _), (last, many) = asked[3], asked[4]
    assert not people["taro"].post(path(few, "/export"), **order).json()["many"]  # of each person
    where = path(last, f"/outputs/{many['number']}")
    assert book(house)[1]["many"] and book(house)[1]["state"] == "waiting"
    assert "管理責任者" in errors(people["taro"].post(where + "/approve"), 403)["message"]
    assert people["jiro"].get(where + "/file").status_code == 409  # and there is no file
    approved = ("UPDATE output SET approved_by = 'staff:taro', approved_at = now(), until = now()"
                f" WHERE output_id = {many['number']}")
    assert "approved by another" in refusal(house, approved, "uketsuke_console")
    assert people["taro"].post(path(few, f"/outputs/{asked[3][1]['number']}/approve")
                               ).status_code == 200
    assert people["kacho"].post(where + "/approve").status_code == 200
    assert people["jiro"].get(where + "/file").status_code == 200
    assert book(house)[1]["approved_by"] == "staff:kacho"
    for receipt, answer in asked[3:]:
        done = people["jiro"].post(path(receipt, f"/outputs/{answer['number']}/dispose"), how="消去")
        assert done.status_code == 200


def test_the_book_is_silent_about_the_protected(house):
    """Who may not see an application learns nothing of it from the book either."""
    receipt = waiting(house, "unmatched")[2]
    assert house.people["hanako"].post(path(receipt, "/print"), reason="説明").status_code == 200
    assert receipt in [entry["receipt_number"] for entry in book(house)]
    house.psql("SET session_replication_role = replica; UPDATE application SET reason = 'protected'"
               f" WHERE receipt_number = '{receipt}'")
    assert receipt not in [entry["receipt_number"] for entry in book(house)]
    assert receipt in [entry["receipt_number"] for entry in book(house, "auditor")]
    assert receipt in [entry["receipt_number"] for entry in book(house, "chief")]
    house.psql("SET session_replication_role = replica; UPDATE application SET reason = NULL"
               f" WHERE receipt_number = '{receipt}'")


def test_a_working_copy_ends_with_the_next_business_day(house):
    entry = next(e for e in book(house) if e["kind"] == "export" and e["state"] == "open")
    assert entry["until"][11:19] == "00:00:00" and entry["until"][:10] > day(1)
    where = path(entry["receipt_number"], f"/outputs/{entry['number']}")
    house.psql(f"UPDATE output SET until = now() WHERE output_id = {entry['number']}")
    assert house.people["jiro"].get(where + "/file").status_code == 410
    assert house.people["jiro"].post(where + "/password").status_code == 410
    assert house.psql("SELECT count(*) FROM output WHERE secret IS NOT NULL") == "0\n"


def test_counts_hide_small_cells(house):
    hanako = house.people["hanako"]
    first = datetime.date.fromisoformat(day(-300)).replace(day=1)
    last = (datetime.date.fromisoformat(day(0)).replace(day=28) + datetime.timedelta(days=4)
            ).replace(day=1) - datetime.timedelta(days=1)
    answer = hanako.get(f"/api/counts?from={first}&to={last}")
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.reader(answer.content.decode("utf-8-sig").splitlines()))
    assert rows[0] == ["手続ID", "手続", "状態", "件数"]
    assert {row[0] for row in rows[1:]} == {PROCEDURE}
    shown = [row[3] for row in rows[1:]]
    assert "3未満" in shown and not {"1", "2"} & set(shown)
    for bad in ("", "?from=x&to=y", f"?from={day(0)}&to={day(-1)}",
                f"?from={day(-400)}&to={day(0)}",
                # a day more or less would tell what is hidden
                f"?from={first}&to={last - datetime.timedelta(days=1)}",
                f"?from={first + datetime.timedelta(days=1)}&to={last}"):
        assert hanako.get("/api/counts" + bad).status_code == 400
    assert house.people["auditor"].get(f"/api/counts?from={first}&to={last}").status_code == 403
    period = house.psql("SELECT detail FROM audit_entry WHERE action = 'counts.export'")
    assert json.loads(period) == {"from": str(first), "to": str(last)}
    assert house.people["auditor"].get("/api/outputs").json()["items"]


def test_the_annual_report_tells_what_is_kept_done_and_gone(house):
    """The year that is not over yet; nothing of it is about residents."""
    japan = datetime.date.fromisoformat(day(0))
    year = japan.year - (japan.month < 4)
    text = house.uketsuke("audit", "annual", "--year", str(year)).stdout
    report = json.loads(house.uketsuke("audit", "annual", "--year", str(year), "--json").stdout)
    assert sum(one["applications"] for one in report["stored"]) == int(
        house.psql("SELECT count(*) FROM application"))
    persons = {one["person"]: one for one in report["persons"]}
    assert persons["staff:taro"]["sign_ins"] >= 1 and persons["staff:taro"]["kind"] == "staff"
    acts = {one["action"]: one["entries"] for one in report["acts"]}
    assert acts["output.approve"] >= 2 and acts["audit.annual"] == 1
    entries = house.psql("SELECT output_id FROM output WHERE kind = 'export' ORDER BY 1").split()
    assert [str(one["number"]) for one in report["files"]] == entries
    many = next(one for one in report["files"] if one["many"])
    assert many["approved_by"] == "staff:kacho" and many["disposed_at"]
    assert report["prints"]["count"] == int(house.psql(
        "SELECT count(*) FROM output WHERE kind = 'print'"))
    assert "approved by staff:kacho (as one of many)" in text and "Access records: who" in text
    for secret in house.psql("SELECT reason FROM output"
                             " UNION SELECT receipt_number FROM application"
                             " UNION SELECT atenabango FROM identification").split():
        assert len(secret) < 3 or secret not in text
    assert house.uketsuke("audit", "annual", "--year", "1999", check=False).returncode == 64


def test_what_contractors_did_is_reported_by_itself(house):
    house.psql("UPDATE account SET kind = 'contractor' WHERE name = 'jiro'")
    year = int(day(0)[:4]) - (int(day(0)[5:7]) < 4)

    def report(*kind):
        return json.loads(house.uketsuke("audit", "annual", "--year", str(year), "--json", *kind
                                         ).stdout)
    theirs, all_of_it = report("--kind", "contractor"), report()
    assert [one["person"] for one in theirs["persons"]] == ["staff:jiro"]
    assert {one["asked_by"] for one in theirs["files"]} == {"staff:jiro"}
    assert len(all_of_it["files"]) > len(theirs["files"]) > 0
    assert theirs["prints"]["count"] < all_of_it["prints"]["count"]
    assert house.uketsuke("audit", "annual", "--kind", "boss", check=False).returncode == 64
    house.psql("UPDATE account SET kind = 'staff' WHERE name = 'jiro'")


# --- versions -----------------------------------------------------------------------------------

def test_what_was_corrected_and_by_what(house):
    first, second, third = waiting(house, "unmatched")[:3]
    for one, by in ((first, second), (second, third)):
        house.psql("INSERT INTO supersession SELECT a.city_code, a.application_id, b.application_id"
                   f" FROM application a, application b WHERE a.receipt_number = '{one}'"
                   f" AND b.receipt_number = '{by}'")
    found = view(house, "hanako", second)["versions"]
    assert [(v["receipt_number"], v["which"]) for v in found] == [(first, "before"),
                                                                 (third, "after")]
    assert [v["which"] for v in view(house, "hanako", third)["versions"]] == ["before", "before"]
    assert view(house, "hanako", waiting(house, "unmatched")[3])["versions"] == []
