"""Administration at the console, on the real program, PostgreSQL and TLS: one proposes, another
confirms; the database itself refuses what only one person wants."""

import concurrent.futures
import json
import time

import pytest

# house is the fixture
from administration import (NEW, actions, current, done, house, message,  # noqa: F401
                            person, propose, report, settle, waiting)
from console_staff import enrolment_code
from test_console_sign_in import Browser


# --- one proposes, another confirms -------------------------------------------------------------

def test_new_user_by_two_people_and_enrolment(house):
    change = done(propose(house, "keiko", "account", "shinjin", None, NEW))["id"]
    assert house.psql("SELECT count(*) FROM account WHERE name = 'shinjin'") == "0\n"
    shown = next(c for c in waiting(house) if c["id"] == change)
    assert shown["before"] is None and shown["after"] == NEW and not shown["stale"]
    assert (shown["proposed_by"], shown["reason"]) == ("staff:keiko", "人事異動のため")
    assert "窓口1" in shown["terminal"]
    assert "別の管理者" in message(settle(house, "keiko", change), 409)
    settled = done(settle(house, "sachiko", change))
    assert current(house, "users", "shinjin") == NEW
    browser = Browser(house)
    browser.enrol("shinjin", settled["code"])
    me = browser.get("/api/session").json()
    assert me["rights"] == NEW["rights"] and me["department"] == "子育て支援課"
    assert {"change.propose", "change.refused", "change.confirm", "account.issue-code"} <= set(
        actions(house))
    assert settle(house, "sachiko", change).status_code == 404  # once


def test_rights_change_and_a_new_department_ends_sessions(house):
    before = current(house, "users", "kyuyo")
    right = {"business": "*", "department": "*", "right": "number"}
    after = {**before, "rights": [*before["rights"], right]}
    change = done(propose(house, "keiko", "account", "kyuyo", before, after))["id"]
    assert [r["right"] for r in house.people["kyuyo"].get("/api/session").json()["rights"]] == [
        "see"]
    done(settle(house, "sachiko", change))
    rights = house.people["kyuyo"].get("/api/session").json()["rights"]
    assert sorted(r["right"] for r in rights) == ["number", "see"]
    kept = house.psql("SELECT r.proposed_by, r.approved_by FROM account_right r JOIN account a"
                      " USING (account_id) WHERE name = 'kyuyo' AND \"right\" = 'number'")
    assert kept == "staff:keiko\tstaff:sachiko\n"
    before = current(house, "users", "kyuyo")
    change = done(propose(house, "keiko", "account", "kyuyo", before,
                          {**before, "department": "税務課", "rights": []}))["id"]
    done(settle(house, "sachiko", change))
    assert house.people["kyuyo"].get("/api/session").status_code == 401  # begins anew
    assert current(house, "users", "kyuyo")["rights"] == []


def test_rejected_withdrawn_and_replaced(house):
    day = "2026-12-28"
    first = done(propose(house, "keiko", "holiday", day, None, {"name": "御用納め"}))["id"]
    busy = propose(house, "sachiko", "holiday", day, None, {"name": "別の名"})
    assert "確認を待っています" in message(busy, 409)
    second = done(propose(house, "keiko", "holiday", day, None, {"name": "仕事納め"}))["id"]
    assert settle(house, "sachiko", first).status_code == 404  # replaced by her own second one
    assert settle(house, "sachiko", second, "reject").status_code == 400  # a reason is needed
    done(settle(house, "sachiko", second, "reject", reason="開庁日です"))
    third = done(propose(house, "keiko", "holiday", day, None, {"name": "閉庁日"}))["id"]
    done(settle(house, "keiko", third, "reject", reason="誤り"))
    assert current(house, "holidays?year=2026", day) is None
    rows = house.psql("SELECT state, decided_by FROM change WHERE subject = '2026-12-28'"
                      " ORDER BY change_id").splitlines()
    assert rows == ["withdrawn\tstaff:keiko", "rejected\tstaff:sachiko", "withdrawn\tstaff:keiko"]


def test_stale_proposals_are_void(house):
    done(settle(house, "sachiko", done(propose(
        house, "keiko", "template", "口座名義", None, {"business": "*", "text": "直してください"}))["id"]))
    before = current(house, "templates", "口座名義")
    seen_old = propose(house, "sachiko", "template", "口座名義", None, {"business": "*", "text": "x"})
    assert "ほかの人が内容を変更しました" in message(seen_old, 409)
    assert seen_old.json()["current"] == before
    change = done(propose(house, "keiko", "template", "口座名義", before,
                          {"business": "*", "text": "正しく直してください"}))["id"]
    house.psql("UPDATE message_template SET text = '間に変わった'")
    assert next(c for c in waiting(house) if c["id"] == change)["stale"]
    assert "使えません" in message(settle(house, "sachiko", change), 409)
    assert current(house, "templates", "口座名義")["text"] == "間に変わった"
    assert house.psql(f"SELECT state FROM change WHERE change_id = {change}") == "stale\n"
    now = current(house, "templates", "口座名義")
    assert "変わるところがありません" in message(
        propose(house, "keiko", "template", "口座名義", now, now), 409)


def test_about_oneself_another_confirms(house):
    before = current(house, "users", "sachiko")
    after = {**before, "rights": [*before["rights"],
                                  {"business": "*", "department": "*", "right": "protected"}]}
    change = done(propose(house, "keiko", "account", "sachiko", before, after))["id"]
    assert "自分についての変更" in message(settle(house, "sachiko", change), 409)
    done(settle(house, "keiko", change, "reject", reason="取り下げ"))


def test_terminals(house):
    after = {"department": "市民課", "also": ["税務課"], "peer": None, "address": "127.0.0.9"}
    done(settle(house, "sachiko", done(propose(house, "keiko", "terminal", "窓口9", None,
                                                after))["id"]))
    assert current(house, "terminals", "窓口9") == after
    twice = done(propose(house, "keiko", "terminal", "窓口10", None, after))["id"]
    assert "別の端末で登録" in message(settle(house, "sachiko", twice), 409)
    done(settle(house, "keiko", twice, "reject", reason="取り下げ"))
    gone = done(propose(house, "keiko", "terminal", "窓口9", after, None, "廃棄"))["id"]
    done(settle(house, "sachiko", gone))
    assert current(house, "terminals", "窓口9") is None
    assert house.psql("SELECT count(*) FROM terminal WHERE label = '窓口9'"
                      " AND retired_at IS NOT NULL") == "1\n"


def test_holidays_of_the_law_and_of_the_city(house):
    done(settle(house, "sachiko", done(propose(house, "keiko", "holiday", "2026-10-05", None,
                                                {"name": "市民の日"}))["id"]))
    found = house.people["keiko"].get("/api/admin/holidays?year=2026").json()
    assert {"subject": "2026-10-05", "value": {"name": "市民の日"}} in found["items"]
    assert {"day": "2026-11-03", "name": "文化の日"} in found["legal"]
    assert house.people["keiko"].get("/api/admin/holidays?year=1900").status_code == 400


def test_lock_out_is_undone_by_two_and_a_new_code(house):
    for _ in range(5):
        Browser(house).post("/api/session", name="shinjin", password="wrong")
    user = next(i for i in house.people["keiko"].get("/api/admin/users").json()["items"]
                if i["subject"] == "shinjin")
    assert user["locked_until"] and user["failures"] == 5
    change = done(propose(house, "keiko", "unlock", "shinjin", {"locked": True},
                          {"locked": False}, "本人からの連絡"))["id"]
    done(settle(house, "sachiko", change))
    assert house.psql("SELECT failures FROM account WHERE name = 'shinjin'") == "0\n"
    change = done(propose(house, "keiko", "enrolment", "shinjin", {"enrolled": True},
                          {"enrolled": False}, "認証器の紛失"))["id"]
    code = done(settle(house, "sachiko", change))["code"]
    assert house.psql("SELECT password IS NULL FROM account WHERE name = 'shinjin'") == "t\n"
    Browser(house).enrol("shinjin", code, "Kawazu-no-haru-3")


def test_stopped_at_once_by_one_and_back_by_two(house):
    browser = house.people["hanako"]
    assert browser.get("/api/session").status_code == 200
    stop = house.people["keiko"].post("/api/admin/users/hanako/stop", reason="端末の紛失")
    done(stop)
    assert browser.get("/api/session").status_code == 401
    assert house.people["keiko"].post("/api/admin/users/hanako/stop", reason="x"
                                      ).status_code == 404
    before = current(house, "users", "hanako")
    assert before["disabled"]
    change = done(propose(house, "keiko", "account", "hanako", before,
                          {**before, "disabled": False}))["id"]
    done(settle(house, "sachiko", change))
    assert not current(house, "users", "hanako")["disabled"]
    assert house.psql("SELECT reason FROM audit_entry WHERE action = 'account.disable'"
                      " AND actor = 'staff:keiko'") == "端末の紛失\n"


@pytest.mark.parametrize("kind, subject, after", [
    ("account", "UPPER", NEW), ("account", "ok-name", {**NEW, "valid_to": "2020-01-01"}),
    ("account", "ok-name", {**NEW, "extra": 1}), ("account", "ok-name", None),
    ("account", "ok-name", {**NEW, "display_name": "あ" * 61}),
    ("account", "ok-name", {**NEW, "department": "改\n行"}),
    ("account", "ok-name", {**NEW, "rights": [{"business": "*", "department": "*",
                                              "right": "god"}]}),
    ("account", "ok-name", {**NEW, "rights": [{"business": "child-allowance", "department": "*",
                                              "right": "admin"}]}),
    ("account", "ok-name", {**NEW, "rights": [
        {"business": f"b{i}", "department": "*", "right": "see"} for i in range(201)]}),
    ("account", "ok-name", {**NEW, "rights": [
        {"business": "*", "department": "*", "right": "see", "until": end}
        for end in ("2027-03-31", "2027-04-30")]}),
    ("account", "ok-name", {**NEW, "rights": [
        {"business": "*", "department": "*", "right": "see", "until": "2027-02-30"}]}),
    ("account", "ok-name", {**NEW, "rights": [
        {"business": "*", "department": "*", "right": "see", "until": None}]}),
    ("terminal", "x", {"department": "課", "also": [], "peer": None, "address": "10.0.0.999"}),
    ("terminal", "x", {"department": "課", "also": [], "peer": "ab", "address": None}),
    ("terminal", "x", {"department": "課", "also": [], "peer": "a" * 64,
                       "address": "10.0.0.1"}),
    ("terminal", "x", {"department": "課", "peer": None, "address": "10.0.0.1"}),
    ("terminal", "x", {"department": "課", "also": [""], "peer": None, "address": "10.0.0.1"}),
    ("terminal", "x", {"department": "課", "also": ["課"] * 51, "peer": None, "address": "10.0.0.1"}),
    ("medium", "x", {"department": "課", "description": ""}), ("medium", "x", {"description": "x"}),
    ("holiday", "2026-02-30", {"name": "x"}), ("holiday", "2026-01-05", {"name": ""}),
    ("template", "x", {"business": "事" * 41, "text": "t"}),
    ("template", "x", {"business": "*", "text": "字" * 2001}),
    ("template", "題" * 61, {"business": "*", "text": "t"}),
    ("enrolment", "keiko", {"enrolled": True}), ("no-such-kind", "x", {}),
])
def test_what_cannot_be_is_said(house, kind, subject, after):
    assert propose(house, "keiko", kind, subject, None, after).status_code == 400


# --- in the database, too -----------------------------------------------------------------------

def as_console(house, sql):
    house.psql(f"SET ROLE uketsuke_console; {sql}")


@pytest.mark.parametrize("sql", [
    "INSERT INTO account_right SELECT city_code, account_id, '*', '*', 'admin', 'a', 'b'"
    " FROM account",
    "UPDATE account SET approved_by = 'x'", "UPDATE account SET valid_to = now() + interval '9 y'",
    "UPDATE account SET disabled_at = NULL",
    "INSERT INTO holiday VALUES ('992011', 20260101, 'x')",
    "UPDATE message_template SET text = 'x'", "UPDATE change SET state = 'effective'",
    "INSERT INTO change (city_code, kind, subject, after, reason, proposed_by, state, decided_by)"
    " VALUES ('992011', 'holiday', '2026-05-07', '{\"name\": \"x\"}', 'x', 'staff:keiko',"
    " 'effective', 'staff:sachiko')",
    "INSERT INTO change (city_code, kind, subject, after, reason, proposed_by)"
    " VALUES ('992011', 'holiday', '2026-05-07', '{\"name\": \"x\"}', 'x', 'staff:kansa')",
    "SELECT change_settle('992011', 1, 'staff:nobody', NULL, NULL, true)",
    "SELECT change_apply(c, 'x') FROM change c LIMIT 1",
])
def test_the_console_itself_cannot_go_around_two_people(house, sql):
    with pytest.raises(Exception, match="permission denied|no administrator|begins as a proposal"):
        as_console(house, sql)


# --- one person by two ways ---------------------------------------------------------------------

HOLIDAY = ("INSERT INTO change (city_code, kind, subject, after, reason, proposed_by) VALUES"
           " ('992011', 'holiday', '{day}', '{{\"name\": \"x\"}}', 'x', '{by}')"
           " RETURNING change_id")
SETTLE = "SELECT change_settle('992011', {change}, '{who}', NULL, NULL, true)"


@pytest.mark.parametrize("one, same", [
    ("staff:keiko", "operator:keiko"), ("operator:Keiko", "staff:keiko"),
    ("operator:keiko", "operator:KEIKO")])
def test_console_and_command_line_are_one_person(house, one, same):
    change = int(house.psql(HOLIDAY.format(day="2027-05-06", by=one)))
    assert house.psql(SETTLE.format(change=change, who=same)) == "same-person\n"
    with pytest.raises(Exception, match="change_two_people"):
        house.psql(f"UPDATE change SET state = 'effective', decided_by = '{same}',"
                   f" decided_at = now() WHERE change_id = {change}")
    house.psql(SETTLE.format(change=change, who=one).replace("true", "false"))


def test_nobody_confirms_what_is_about_oneself_on_the_server(house):
    change = done(propose(house, "keiko", "enrolment", "sachiko", {"enrolled": True},
                          {"enrolled": False}))["id"]
    assert house.psql(SETTLE.format(change=change, who="operator:Sachiko")) == "own\n"
    done(settle(house, "keiko", change, "reject", reason="やめる"))


def test_commands_take_whom_the_configuration_names(house):
    """No login is known here, as with `sudo -u`: only who is named acts."""
    text = house.config.read_text()
    house.config.write_text("\n".join(
        "accounts = somebody-else" if line.startswith("accounts") else line
        for line in text.splitlines()))
    try:
        for words in (("user", "code", "keiko"), ("user", "approve", "keiko"),
                      ("terminal", "retire", "窓口1"), ("user", "disable", "hanako")):
            told = house.uketsuke(*words, check=False)
            assert told.returncode == 1 and "[staff] accounts" in told.stderr
    finally:
        house.config.write_text(text)


def test_a_new_code_takes_two_people(house):
    assert "proposed" in house.uketsuke("user", "code", "kyuyo").stdout
    own = house.uketsuke("user", "code", "kyuyo", "--approve", check=False)
    assert own.returncode == 1 and "another person" in own.stderr and not own.stdout
    assert house.psql("SELECT password IS NOT NULL FROM account WHERE name = 'kyuyo'") == "t\n"
    change = next(c for c in waiting(house) if c["subject"] == "kyuyo")
    code = done(settle(house, "keiko", change["id"]))["code"]
    Browser(house).enrol("kyuyo", code, "Kawazu-no-haru-3")
    assert house.uketsuke("user", "code", "nobody", check=False).returncode == 1
    assert house.uketsuke("user", "code", "kyuyo", "--approve", check=False).returncode == 1


def test_what_somebody_left_behind_who_was_stopped_is_only_rejected(house):
    house.people["left"] = person(house, "left", ["admin"])
    before = current(house, "users", "kyuyo")
    change = done(propose(house, "left", "account", "kyuyo", before,
                          {**before, "display_name": "別の名"}))["id"]
    done(house.people["keiko"].post("/api/admin/users/left/stop", reason="端末の紛失"))
    refused = settle(house, "sachiko", change)
    assert refused.status_code == 409 and "いまは管理者ではありません" in refused.text
    assert current(house, "users", "kyuyo") == before
    done(settle(house, "sachiko", change, "reject", reason="出した人が停止された"))


def test_not_one_of_the_last_two_administrators_is_stopped_by_one(house):
    stop = house.people["keiko"].post("/api/admin/users/sachiko/stop", reason="x")
    assert "2人以下" in message(stop, 409)
    assert house.people["sachiko"].get("/api/session").status_code == 200


def test_who_is_stopped_meanwhile_does_not_come_back(house):
    before = current(house, "users", "hanako")
    change = done(propose(house, "keiko", "account", "hanako", before,
                          {**before, "display_name": "花子"}))["id"]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        stop = pool.submit(house.psql, "BEGIN; SELECT account_stop('992011', 'hanako');"
                           " SELECT pg_sleep(3); COMMIT")
        while not house.psql("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"):
            assert not stop.done()
        assert house.psql(SETTLE.format(change=change, who="operator:b")) == "stale\n"
        stop.result()
    assert current(house, "users", "hanako")["disabled"]
    house.psql("UPDATE account SET disabled_at = NULL WHERE name = 'hanako'")


def test_administration_of_a_business_alone_is_none(house):
    house.psql("INSERT INTO account_right SELECT city_code, account_id, 'child-allowance', '*',"
               " unnest(ARRAY['admin', 'audit']), 'a', 'b' FROM account WHERE name = 'kyuyo'")
    browser = Browser(house)
    browser.enrol("kyuyo", enrolment_code(house, "kyuyo"), "Momiji-no-kure-77")
    for where in ("/api/admin/changes", "/api/audit/entries"):
        assert browser.get(where).status_code == 403
    with pytest.raises(Exception, match="no administrator"):
        house.psql(HOLIDAY.format(day="2027-05-07", by="staff:kyuyo"), user="uketsuke_console")
    house.psql("DELETE FROM account_right WHERE business = 'child-allowance' AND \"right\" IN"
               " ('admin', 'audit')")


def test_an_account_from_before_gets_its_second_person(house):
    house.psql("INSERT INTO account (city_code, name, display_name, department, kind, valid_from,"
               " valid_to, created_by) VALUES ('992011', 'furui', '古井', '課', 'staff', now(),"
               " now() + interval '1 y', 'staff:sachiko')")
    change = done(propose(house, "keiko", "account", "furui", None, NEW))["id"]
    code = done(settle(house, "sachiko", change))["code"]
    Browser(house).enrol("furui", code)
    assert house.psql("SELECT created_by, approved_by FROM account WHERE name = 'furui'"
                      ) == "staff:keiko\tstaff:sachiko\n"


# --- the console's role, taken over -------------------------------------------------------------

OUTPUT = ("INSERT INTO output (city_code, kind, application_id, asked_by, asked_at, terminal,"
          " reason,"
          " with_numbers, recipient, medium, {more}) SELECT '992011', 'export', gen_random_uuid(),"
          " 'staff:keiko', now(), 'x', 'x', true, 'x', 'x', {values}")
IMPORT = "UPDATE registry_import SET state = 'approved', approved_by = '{by}', approved_at = {at}"


@pytest.mark.parametrize("sql", [
    HOLIDAY.format(day="2027-05-07", by="a"), HOLIDAY.format(day="2027-05-07", by="operator:a"),
    SETTLE.format(change=1, who="b"), SETTLE.format(change=1, who="operator:b"),
    "SELECT change_first('992011', 'terminal', 'x', '{}', 'operator:x')",
    OUTPUT.format(more="approved_by, approved_at", values="'staff:sachiko', now()"),
    OUTPUT.format(more="until", values="now()"),
    IMPORT.format(by="anybody", at="now()"), IMPORT.format(by="staff:kansa", at="now()"),
    IMPORT.format(by="staff:sachiko", at="now() + interval '1 y'"),
    IMPORT.format(by="staff:keiko", at="now()"),
])
def test_the_consoles_role_has_no_second_person(house, sql):
    house.psql("DELETE FROM registry_import; INSERT INTO medium VALUES ('992011', 'x', '*', 'x')"
               " ON CONFLICT DO NOTHING")
    house.psql(FEED.format(actor="operator:KEIKO", bound="cc"))
    with pytest.raises(Exception, match="no administrator|permission denied|may not approve|"
                       "asked for by one person"):
        house.psql(sql, user="uketsuke_console")
    house.psql("DELETE FROM registry_import")


NEW_CODE = "SELECT account_new_code('992011', 'keiko', decode(repeat('00', 32), 'hex'), now())"


def test_the_administrators_role_has_no_staff(house):
    with pytest.raises(Exception, match="no administrator"):
        house.psql(HOLIDAY.format(day="2027-05-07", by="staff:keiko"),
                   user="uketsuke_administrator")
    assert house.psql(NEW_CODE, user="uketsuke_administrator") == "f\n"


@pytest.mark.parametrize("sql", [
    HOLIDAY.format(day="2027-05-07", by="operator:a"), SETTLE.format(change=1, who="operator:b"),
    NEW_CODE, "SELECT account_stop('992011', 'hanako')",
    IMPORT.format(by="operator:b", at="now()")])
def test_who_may_look_on_the_server_does_not_administer(house, sql):
    with pytest.raises(Exception, match="permission denied"):
        house.psql(sql, user="uketsuke_operator")


# --- for whoever asks for corrections ------------------------------------------------------------

def test_templates_for_whoever_examines(house):
    browser = person_again(house, "hanako")
    items = browser.get("/api/templates?business=child-allowance").json()["items"]
    assert [i["title"] for i in items] == ["口座名義"]
    assert json.dumps(items, ensure_ascii=False).count("間に変わった") == 1


def person_again(house, name):
    browser = Browser(house)
    browser.enrol(name, enrolment_code(house, name), "Kawazu-no-haru-3")
    return browser


# --- what is set up elsewhere -------------------------------------------------------------------

def test_procedures_and_routes_are_read_only(house):
    items = house.people["keiko"].get("/api/admin/procedures").json()["items"]
    one = next(i for i in items if i["id"] == "child-allowance.certification-claim")
    assert one["route"]["legal_basis"] and one["name"]
    told = house.people["keiko"].get(f"/api/admin/procedures/{one['id']}/{one['version']}").json()
    assert told["id"] == one["id"]
    assert house.people["keiko"].get("/api/admin/procedures/no.such/1").status_code == 404


FEED = ("INSERT INTO registry_import (city_code, actor, full_load, rows, sha256, kind, source,"
        " as_of,"
        " at, removed, state, bound) VALUES ('992011', '{actor}', true, 10,"
        " decode(repeat('00', 32), 'hex'), 'residents', 'juki', now(), now(), 9, 'waiting',"
        " decode(repeat('{bound}', 32), 'hex')) RETURNING import_id")


def test_feeds_that_wait_are_approved_by_a_second_person(house):
    one = int(house.psql(FEED.format(actor="operator:root", bound="aa")).split()[0])
    own = int(house.psql(FEED.format(actor="operator:keiko", bound="bb")).split()[0])
    items = house.people["keiko"].get("/api/admin/feeds").json()["items"]
    assert {i["id"]: (i["state"], i["removed"]) for i in items} == {
        one: ("waiting", 9), own: ("waiting", 9)}
    keiko = house.people["keiko"]
    assert keiko.post(f"/api/admin/feeds/{one}/approve").status_code == 400  # a reason is needed
    assert "別の管理者" in message(keiko.post(f"/api/admin/feeds/{own}/approve", reason="x"), 409)
    done(keiko.post(f"/api/admin/feeds/{one}/approve", reason="住民課に電話で確認"))
    assert keiko.post(f"/api/admin/feeds/{one}/approve", reason="x").status_code == 404
    assert house.psql(f"SELECT state, approved_by FROM registry_import WHERE import_id = {one}"
                      ) == "approved\tstaff:keiko\n"
    assert "registry.approve" in actions(house)


# --- the audit ----------------------------------------------------------------------------------

def entries(house, **question):
    query = "&".join(f"{k}={v}" for k, v in question.items())
    return done(house.people["kansa"].get(f"/api/audit/entries?{query}"))


def insert_entry(house, at, actor, action, application="NULL", count=1):
    """Of another day than today; nothing else can set the clock of a running console. `application`
    may use n, which counts."""
    house.psql(f"DO $$ BEGIN FOR n IN 1..{count} LOOP"
               " INSERT INTO audit_entry (chain, position, at, action, actor, terminal, city_code,"
               " application_id, previous, hash) SELECT chain, position + 1,"
               f" '{at}+09', '{action}', '{actor}', '127.0.0.1 窓口1', '992011', {application},"
               " hash, decode(repeat('11', 32), 'hex') FROM audit_chain WHERE chain = 'console';"
               " END LOOP; END $$")


def test_trail_by_person_act_and_terminal_and_its_pages(house):
    whole, after = [], ""
    while after is not None:
        answer = entries(house, person="keiko", limit=7, after=after)
        assert len(answer["items"]) <= 7
        whole += answer["items"]
        after = answer["next"]
    assert {e["actor"] for e in whole} == {"staff:keiko"} and whole[0]["name"] == "職員keiko"
    assert len(whole) == int(house.psql("SELECT count(*) FROM audit_entry WHERE actor ="
                                        " 'staff:keiko'"))
    positions = [e["position"] for e in whole]
    assert positions == sorted(set(positions), reverse=True)
    only = entries(house, person="keiko", action="change.propose", limit=200)["items"]
    assert only and {e["action"] for e in only} == {"change.propose"}
    assert {e["actor"] for e in entries(house, action="change.confirm")["items"]} >= {
        "staff:sachiko"}
    here = entries(house, terminal="窓口1", limit=200)["items"]
    assert here and all(e["terminal"].endswith(" 窓口1") for e in here)
    assert entries(house, terminal="窓口0")["items"] == []
    assert entries(house, receipt="R-none")["items"] == []
    assert entries(house, to="2020-01-01", person="keiko")["items"] == []
    for bad in ("limit=0", "limit=201", "after=x", "from=x", "to=2026-02-30"):
        assert house.people["kansa"].get(f"/api/audit/entries?{bad}").status_code == 400
    looked = house.psql("SELECT detail FROM audit_entry WHERE action = 'audit.search'"
                        " AND detail LIKE '%staff:keiko%' ORDER BY position LIMIT 1")
    assert json.loads(looked)["person"] == "staff:keiko"


def test_trail_by_application(house):
    house.psql("SET session_replication_role = replica; INSERT INTO application (city_code,"
               " application_id, channel, receipt_number, state, changed_by, applied_at,"
               " procedure_id, form_version, promised_size, promised_sha256, version) VALUES"
               " ('992011', '00000000-0000-0000-0000-0000000000aa', 'bulk', 'R-77', 'completed',"
               " 'x', now(), 'p', '1', 1, decode(repeat('00', 32), 'hex'), 1)")
    insert_entry(house, "2026-06-15 10:00", "staff:hanako", "application.view",
                 "'00000000-0000-0000-0000-0000000000aa'")
    found = entries(house, receipt="R-77")["items"]
    assert [(e["receipt_number"], e["channel"], e["actor"]) for e in found] == [
        ("R-77", "bulk", "staff:hanako")]
    # the same number by another channel: neither is shown for the other
    house.psql("SET session_replication_role = replica; INSERT INTO application (city_code,"
               " application_id, channel, receipt_number, state, changed_by, applied_at,"
               " procedure_id, form_version, promised_size, promised_sha256, version) VALUES"
               " ('992011', '00000000-0000-0000-0000-0000000000ab', 'desk', 'R-77', 'completed',"
               " 'x', now(), 'p', '1', 1, decode(repeat('00', 32), 'hex'), 1)")
    both = house.people["kansa"].get("/api/audit/entries?receipt=R-77")
    assert both.status_code == 409 and "受付経路" in both.text
    assert entries(house, receipt="R-77", channel="bulk")["items"] == found
    assert entries(house, receipt="R-77", channel="desk")["items"] == []


def test_after_hours_and_holidays(house):
    insert_entry(house, "2026-06-01 08:29", "staff:hanako", "application.view")
    insert_entry(house, "2026-06-01 08:30", "staff:hanako", "application.view")
    insert_entry(house, "2026-06-01 17:14", "staff:hanako", "application.view")
    insert_entry(house, "2026-06-01 17:15", "staff:hanako", "application.numbers")
    insert_entry(house, "2026-06-06 12:00", "staff:hanako", "application.view")   # a Saturday
    insert_entry(house, "2026-10-05 12:00", "staff:hanako", "application.view")   # 市民の日
    late = done(report(house, "after-hours", to="2026-06-07"))
    assert [(i["day"], i["count"]) for i in late["items"]] == [("2026-06-01", 2)]
    assert late["items"][0]["actions"] == ["application.numbers", "application.view"]
    assert "8時30分" in late["rule"]
    closed = done(report(house, "holiday", to="2026-06-07"))
    assert [(i["day"], i["person"]) for i in closed["items"]] == [("2026-06-06", "staff:hanako")]
    assert [i["day"] for i in done(report(house, "holiday", "2026-10-05"))["items"]] == [
        "2026-10-05"]
    assert done(report(house, "after-hours", "2026-10-05"))["items"] == []


def test_failed_sign_ins_and_mass_views(house):
    today = house.psql("SELECT day_in_japan(now())").strip()
    failed = done(report(house, "failed-sign-in", today))["items"]
    assert {"staff:shinjin"} <= {i["person"] for i in failed}
    assert any("session.wrong-password" in i["actions"] for i in failed)
    for day, count in (("01", 101), ("02", 100)):
        insert_entry(house, f"2026-07-{day} 10:00", "staff:hanako", "application.view",
                     "'a' || n", count)
    many = done(report(house, "mass-view", "2026-07-01", "2026-07-31"))["items"]
    assert [(i["day"], i["applications"]) for i in many] == [("2026-07-01", 101)]


def test_accounts_that_need_a_look(house):
    house.psql("UPDATE account SET valid_from = now() - interval '200 d' WHERE name = 'kyuyo'")
    house.psql("UPDATE session SET created_at = now() - interval '91 d' WHERE account_id ="
               " (SELECT account_id FROM account WHERE name = 'kyuyo')")
    items = {i["person"]: i["why"] for i in done(report(house, "accounts"))["items"]}
    assert set(items["staff:kyuyo"]) == {"no-rights", "unused"}
    assert items["staff:keiko"] == ["admin"] and "staff:kansa" not in items


def test_sign_off_of_exactly_what_was_seen(house):
    kansa = house.people["kansa"]
    seen = done(report(house, "after-hours"))
    where = "/api/audit/reports/after-hours?from=2026-06-01&to=2026-06-01"
    assert kansa.post(where, seen=seen["seen"]).status_code == 400  # a remark is needed
    insert_entry(house, "2026-06-01 20:00", "staff:kyuyo", "application.view")
    late = kansa.post(where, seen=seen["seen"], remark="異常なし")
    assert "記録が増えました" in message(late, 409)
    seen = done(report(house, "after-hours"))
    words = "時間外勤務命令と照合、異常なし"
    with concurrent.futures.ThreadPoolExecutor(4) as pool:  # pressed twice, and more: one review
        answers = list(pool.map(lambda _: done(kansa.post(where, seen=seen["seen"], remark=words)),
                                range(4)))
    signed = answers[-1]
    assert house.psql(f"SELECT count(*) FROM audit_review WHERE remark = '{words}'") == "1\n"
    assert actions(house).count("audit.review") == 1
    assert signed["names"]["staff:kansa"] == "職員kansa"
    review = signed["reviews"][0]
    assert (review["by"], review["remark"], review["found"]) == (
        "staff:kansa", words, 2)
    assert done(report(house, "after-hours", who="sachiko"))["reviews"][0] == review
    with pytest.raises(Exception, match="append-only"):
        house.psql("UPDATE audit_review SET remark = 'x'")
    with pytest.raises(Exception, match="no auditor"):
        as_console(house, "INSERT INTO audit_review (city_code, report, from_day, to_day, found,"
                   " sha256, reviewed_by, remark) VALUES ('992011', 'holiday', 20260101, 20260102,"
                   " 0, decode(repeat('00', 32), 'hex'), 'staff:keiko', 'x')")
    assert report(house, "no-such").status_code == 404
    assert report(house, "holiday", "2026-01-01", "2026-04-03").status_code == 400  # 93 days
    assert report(house, "holiday", "2026-01-01", "2026-04-02").status_code == 200


def verified(person, patience=30):
    """A verification has a thread of its own; the page asks how far it is."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        state = done(person.get("/api/audit/chain"))
        if state["running"] is None:
            assert state["failed"] is False
            return state
        assert state["running"]["by"] == "staff:kansa"
        assert 0 <= state["running"]["done"] and 0 < state["running"]["entries"]
        time.sleep(0.05)
    raise AssertionError("still verifying")


def test_chain_is_shown_and_where_it_breaks(house):
    """The entries of other days above were altered, as far as the chain can tell."""
    shown = done(house.people["kansa"].get("/api/audit/chain"))
    assert shown["last"] is None and shown["entries"] > 100
    first = int(house.psql("SELECT min(position) FROM audit_entry WHERE chain = 'console'"
                           " AND hash = decode(repeat('11', 32), 'hex')"))
    begun = house.people["kansa"].post("/api/audit/chain")
    assert begun.status_code == 202, begun.text
    last = verified(house.people["kansa"])["last"]
    assert not last["intact"] and last["verified_by"] == "staff:kansa"
    assert last["faults"][0]["chain"] == "console" and last["faults"][0]["position"] == first
    assert len(last["faults"]) <= 100
    assert house.uketsuke("audit", "verify", check=False).returncode == 1
    by = done(house.people["kansa"].get("/api/audit/chain"))["last"]["verified_by"]
    assert by.startswith("operator:")


PLANS = {
    "audit_by_person": "actor = 'staff:seldom'",
    "audit_by_terminal": "audit_terminal(terminal) = '窓口0'",
    "audit_by_action": "action = 'staff.reroute'",
    "audit_by_time": "at >= now() - interval '30 d'",
}


@pytest.mark.parametrize("index", PLANS)
def test_search_reads_an_index_and_not_the_trail(house, index):
    plan = house.psql("ANALYZE audit_entry; SET enable_seqscan = off; SET enable_bitmapscan = off;"
                      " EXPLAIN SELECT"
                      " position FROM audit_entry e WHERE (city_code IS NULL OR city_code ="
                      " '992011') AND at <= now() AND chain IN ('administrator', 'console',"
                      " 'operator', 'registry')"
                      f" AND {PLANS[index]} ORDER BY at DESC, position DESC LIMIT 51")
    assert f"using {index}" in plan, plan


def test_what_holds_today_is_signed_off_but_not_by_who_stands_in_it(house):
    """That one looks is an entry of today, too."""
    today = house.psql("SELECT day_in_japan(now())").strip()
    house.psql(f"INSERT INTO holiday VALUES ('992011', {today.replace('-', '')}, '市の休日')"
               " ON CONFLICT DO NOTHING")
    house.psql("SET session_replication_role = replica; UPDATE audit_entry SET at = at - interval"
               " '40 d' WHERE actor = 'staff:kansa'")  # as if signed in since long
    where = f"/api/audit/reports/holiday?from={today}&to={today}"
    own = done(house.people["sachiko"].get(where))
    refused = house.people["sachiko"].post(where, seen=own["seen"], remark="x")
    assert "自身" in message(refused, 409)
    seen = done(house.people["kansa"].get(where))
    assert "staff:sachiko" in {i["person"] for i in seen["items"]}
    signed = done(house.people["kansa"].post(where, seen=seen["seen"], remark="確認"))
    assert signed["reviews"][0]["by"] == "staff:kansa"
