"""Rights that end, and who had which, on the real program, PostgreSQL and TLS."""

import csv
import datetime

import pytest

# house is the fixture
from administration import (NEW, actions, current, done, house, person, propose,  # noqa: F401
                            report, settle)


def day(after):
    japan = datetime.timezone(datetime.timedelta(hours=9))
    return str((datetime.datetime.now(japan) + datetime.timedelta(days=after)).date())


def test_a_right_ends_by_itself_and_is_told_before(house):
    kansa, before = house.people["kansa"], current(house, "users", "kansa")
    right = {"business": "*", "department": "*", "right": "see", "until": day(31)}

    def grant(until, before):
        after = {**before, "rights": [*before["rights"][:1], {**right, "until": until}]}
        change = done(propose(house, "keiko", "account", "kansa", before, after))["id"]
        done(settle(house, "sachiko", change))
        assert current(house, "users", "kansa") == after
        return after

    def due():
        lines = done(report(house, "accounts"))["items"]
        return [line["rights"] for line in lines if "rights-end" in line["why"]]

    now = grant(day(31), before)
    assert kansa.get("/api/queue").status_code == 200 and due() == []
    now = grant(day(29), now)  # the same right, with another end
    assert due() == [[{**right, "until": day(29)}]]
    house.psql("UPDATE account_right SET until = now() - interval '1 s' WHERE until IS NOT NULL")
    assert kansa.get("/api/queue").status_code == 403
    assert [r["right"] for r in kansa.get("/api/session").json()["rights"]] == ["audit"]
    assert house.psql("SELECT staff_at_work('992011', 'staff:kansa', 'see'),"
                      " staff_at_work('992011', 'staff:kansa', 'audit')") == "f\tt\n"
    assert len(due()) == 1  # until somebody takes it away, or gives it anew
    now = current(house, "users", "kansa")
    change = done(propose(house, "keiko", "account", "kansa", now, before))["id"]
    done(settle(house, "sachiko", change))
    assert due() == []


def rights_of(house, who, start, end):
    """(before, after, reasons) of a person in the comparison of two days."""
    answer = house.people["kansa"].get(f"/api/audit/rights?from={start}&to={end}")
    item = next((i for i in done(answer)["items"] if i["person"] == f"staff:{who}"), None)
    return item and (item["before"], item["after"], [c["reason"] for c in item["changes"]])


def test_rights_are_compared_between_two_days(house):
    see, number, approve = ({"business": "*", "department": "*", "right": right}
                            for right in ("see", "number", "approve"))
    approve["until"] = "2026-06-12"
    first = {**NEW, "rights": [approve, see]}
    second = {**first, "department": "税務課", "rights": [number, see]}
    for when, before, after in (("2026-06-01", None, first), ("2026-06-15", first, second)):
        change = done(propose(house, "keiko", "account", "ido", before, after, f"{when}の異動"))["id"]
        done(settle(house, "sachiko", change))
        house.psql("SET session_replication_role = replica; UPDATE change SET decided_at ="
                   f" '{when} 12:00+09' WHERE change_id = {change}")
    assert rights_of(house, "ido", "2026-05-30", "2026-05-31") is None
    before, after, why = rights_of(house, "ido", "2026-05-31", "2026-06-01")
    assert before is None and after["rights"] == [approve, see] and why == ["2026-06-01の異動"]
    assert rights_of(house, "ido", "2026-06-01", "2026-06-12") is None
    assert rights_of(house, "ido", "2026-06-12", "2026-06-13")[1]["rights"] == [see]  # it ended
    before, after, why = rights_of(house, "ido", "2026-06-14", "2026-06-15")
    assert (before["rights"], after["rights"], why) == ([see], [number, see], ["2026-06-15の異動"])
    assert (before["department"], after["department"]) == ("子育て支援課", "税務課")
    done(house.people["keiko"].post("/api/admin/users/ido/stop", reason="退職"))
    before, after, why = rights_of(house, "ido", "2026-06-15", day(0))
    assert before["in_force"] and not after["in_force"] and after["rights"] == why == []
    assert rights_of(house, "ido", "2026-06-15", day(-1)) is None  # not stopped then
    # who is there from before there were changes was as the first of them found it
    assert rights_of(house, "kyuyo", "2026-06-01", "2026-06-02") is None


def test_all_rights_on_two_days_as_csv(house):
    answer = house.people["kansa"].get("/api/audit/rights.csv?from=2026-06-12&to=2026-06-15")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(answer.content.decode("utf-8-sig").splitlines()))
    ido = {row["権限"]: (row["権限（2026-06-12）"], row["権限（2026-06-15）"], row["変わったこと"])
           for row in rows if row["利用者名"] == "ido"}
    assert ido == {"承認": ("2026-06-12", "", "なくなった"), "閲覧": ("あり", "あり", ""),
                   "個人番号の表示": ("", "あり", "加わった")}
    assert {row["利用者名"] for row in rows} >= {"keiko", "sachiko", "kansa"}
    assert actions(house)[-1] == "audit.rights"
    for bad in ("", "from=2026-06-12", "from=2026-06-12&to=2026-06-12",
                "from=2026-06-13&to=2026-06-12",
                f"from=2026-06-12&to={day(1)}", "from=x&to=2026-06-12"):
        assert house.people["kansa"].get(f"/api/audit/rights?{bad}").status_code == 400, bad


# --- who moves, who leaves ------------------------------------------------------------------------

HEADER = "利用者名,氏名,部署,異動,前任者\n"


def personnel(house, lines, who="keiko", **more):
    return house.people[who].post("/api/admin/personnel", csv=HEADER + lines, **more)


def batch(house, number, who="sachiko", how="confirm", **more):
    return house.people[who].post(f"/api/admin/batches/{number}/{how}", **more)


def states(house, number):
    return house.psql(f"SELECT state FROM change WHERE batch = '{number}'"
                      " ORDER BY change_id").split()


def test_personnel_data_are_compared_and_change_nothing(house):
    plan = done(personnel(house, "hanako,職員花,情報政策課,,\nnobody,誰か,課,,\n", complete=True))
    found = {(d["subject"], d["what"]) for d in plan["differences"]}
    assert {("hanako", "name"), ("nobody", "no-account"), ("keiko", "absent")} <= found
    assert plan["changes"] == plan["faults"] == [] and plan["batch"] is None
    assert actions(house)[-1] == "personnel.compare"


def test_who_moves_and_leaves_is_proposed_together_and_confirmed_by_another(house):
    lines = "hanako,職員hanako,税務課,異動,kyuyo\nkyuyo,職員kyuyo,情報政策課,退職,\n"
    faulty = done(personnel(house, lines + "nobody,x,y,異動,\n", propose=True, effective_on=day(0),
                            reason="人事異動"))
    assert faulty["batch"] is None and [f["line"] for f in faulty["faults"]] == [4]
    assert house.psql("SELECT count(*) FROM change WHERE batch IS NOT NULL") == "0\n"
    number = done(personnel(house, lines, propose=True, effective_on=day(0),
                            reason="人事異動"))["batch"]
    own = batch(house, number, who="keiko")
    assert own.status_code == 409 and "何も反映していません" in own.text
    assert states(house, number) == ["waiting", "waiting"]
    done(batch(house, number))
    assert states(house, number) == ["effective", "effective"]
    hanako = current(house, "users", "hanako")
    assert (hanako["department"], [r["right"] for r in hanako["rights"]]) == ("税務課", ["see"])
    assert current(house, "users", "kyuyo")["disabled"]
    for name in ("hanako", "kyuyo"):  # sessions end
        assert house.people[name].get("/api/session").status_code == 401
    assert actions(house)[-2:] == ["change.confirm"] * 2
    assert batch(house, number).status_code == 404


def test_all_of_a_batch_or_none(house):
    lines = "kansa,職員kansa,税務課,異動,\nhanako,職員hanako,福祉課,異動,\n"
    number = done(personnel(house, lines, propose=True, effective_on=day(0), reason="異動"))["batch"]
    house.psql("UPDATE account SET display_name = '変わった' WHERE name = 'hanako'")
    refused = batch(house, number)
    assert refused.status_code == 409 and "hanako" in refused.text
    assert states(house, number) == ["waiting", "waiting"]
    assert current(house, "users", "kansa")["department"] == "情報政策課"
    done(batch(house, number, how="reject", reason="出し直し"))
    assert states(house, number) == ["rejected", "rejected"]


def due(house):
    """What the console's clock does once a minute."""
    house.psql("SELECT change_apply_due('992011')", user="uketsuke_console")


def test_a_change_of_a_day_to_come_waits_for_it(house):
    lines = "hanako,職員hanako,福祉課,異動,\nkansa,職員kansa,税務課,異動,\n"
    number = done(personnel(house, lines, propose=True, effective_on=day(1),
                            reason="4月の異動"))["batch"]
    assert "反映する日" in done(batch(house, number))["message"]
    due(house)
    assert states(house, number) == ["confirmed", "confirmed"]
    assert current(house, "users", "hanako")["department"] == "税務課"
    with pytest.raises(Exception, match="stays as it is"):
        house.psql(f"UPDATE change SET effective_on = effective_on - 1 WHERE batch = '{number}'")
    house.psql("SET session_replication_role = replica; UPDATE change SET effective_on ="
               f" effective_on - 1 WHERE batch = '{number}';"
               " UPDATE account SET display_name = '変わった' WHERE name = 'kansa'")
    due(house)
    assert states(house, number) == ["effective", "stale"]  # it is another account than was seen
    assert current(house, "users", "hanako")["department"] == "福祉課"
    assert current(house, "users", "kansa")["department"] == "情報政策課"


def confirmed(house, lines, who="sachiko"):
    """A batch of tomorrow, which keiko proposed."""
    number = done(personnel(house, lines, propose=True, effective_on=day(1), reason="異動"))["batch"]
    done(batch(house, number, who=who))
    return number


def its_day_comes(house, number):
    """Everything of before is a day older."""
    house.psql("SET session_replication_role = replica; UPDATE change SET effective_on ="
               f" effective_on - 1 WHERE batch = '{number}'; UPDATE change SET"
               " decided_at = decided_at - interval '1 d',"
               " effective_at = effective_at - interval '1 d'")
    due(house)


def test_what_waits_for_its_day_is_cancelled_by_one(house):
    number = confirmed(house, "keiko,職員keiko,収納課,異動,\nhanako,職員hanako,収納課,異動,\n")
    assert batch(house, number, how="cancel").status_code == 400  # a reason is needed
    own = batch(house, number, who="keiko", how="cancel", reason="残りたい")  # it is about her
    assert own.status_code == 409 and "keiko" in own.text
    assert states(house, number) == ["confirmed", "confirmed"]
    one = house.psql(f"SELECT min(change_id) FROM change WHERE batch = '{number}'").strip()
    done(settle(house, "sachiko", one, "cancel", reason="発令の訂正"))  # one of them …
    assert states(house, number) == ["cancelled", "confirmed"]
    told = done(batch(house, number, who="keiko", how="cancel", reason="発令の取消し"))  # … and the rest
    assert "取り消しました" in told["message"]
    assert batch(house, number, who="keiko", how="cancel", reason="x").status_code == 404
    listed = [c for c in house.people["keiko"].get("/api/admin/changes").json()["items"]
              if c["batch"] == number]
    assert {(c["state"], c["ended_by"], c["ended_why"]) for c in listed} == {
        ("cancelled", "staff:sachiko", "発令の訂正"), ("cancelled", "staff:keiko", "発令の取消し")}
    assert all(c["ended_at"] and c["decided_by"] == "staff:sachiko" for c in listed)
    assert actions(house).count("change.cancel") == 2
    its_day_comes(house, number)
    assert states(house, number) == ["cancelled"] * 2
    assert current(house, "users", "hanako")["department"] == "福祉課"


def test_what_was_confirmed_lapses_with_who_was_stopped(house):
    house.people["taiki"] = person(house, "taiki", ["admin"])
    number = confirmed(house, "hanako,職員hanako,収納課,異動,\n", who="taiki")
    done(house.people["keiko"].post("/api/admin/users/taiki/stop", reason="不正の疑い"))
    its_day_comes(house, number)
    assert states(house, number) == ["lapsed"]
    assert current(house, "users", "hanako")["department"] == "福祉課"
    listed = house.people["keiko"].get("/api/admin/changes").json()["items"]
    lapsed, = (c for c in listed if c["batch"] == number)
    assert lapsed["state"] == "lapsed" and lapsed["ended_at"] and lapsed["ended_by"] is None


def test_media_are_registered_by_two(house):
    usb = {"department": "税務課", "description": "USBメモリ 8GB"}
    change = done(propose(house, "keiko", "medium", "USB-1", None, usb, "購入"))["id"]
    assert current(house, "media", "USB-1") is None
    assert settle(house, "keiko", change).status_code == 409
    done(settle(house, "sachiko", change))
    assert current(house, "media", "USB-1") == usb
    shared = {**usb, "department": "*"}
    wider = done(propose(house, "keiko", "medium", "USB-1", usb, shared, "共用"))["id"]
    done(settle(house, "sachiko", wider))
    gone = done(propose(house, "keiko", "medium", "USB-1", shared, None, "紛失"))["id"]
    done(settle(house, "sachiko", gone))
    assert current(house, "media", "USB-1") is None


def test_administrators_who_move_stand_behind_what_is_applied_on_that_day_but_not_later(house):
    later = confirmed(house, "kansa,職員kansa,収納課,異動,\n")
    number = done(personnel(house, "sachiko,職員sachiko,収納課,異動,\nhanako,職員hanako,収納課,異動,\n",
                            who="sachiko", propose=True, effective_on=day(1), reason="異動"))["batch"]
    done(batch(house, number, who="keiko"))
    its_day_comes(house, number)
    assert states(house, number) == ["effective", "effective"]  # the order in it says nothing
    assert current(house, "users", "hanako")["department"] == "収納課"
    its_day_comes(house, later)
    assert states(house, later) == ["lapsed"]
    assert current(house, "users", "kansa")["department"] == "情報政策課"
