"""Administration and audit in real browsers: two administrators change a user's rights and keep a
template, an auditor searches the trail and signs a report off; with the keyboard alone."""

import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys

from city import ALL, DEPARTMENT
from console_staff import make_account
from mishaps import lose_answer
from staff import SMALL


@pytest.fixture(scope="module")
def akiko(house):
    """Whom it is all about; she never signs in."""
    make_account(house, "akiko", "秋野明子", DEPARTMENT, ("see",), ALL)


@pytest.fixture(autouse=True)
def somebody(akiko):
    pass


def proposed(staff):
    staff.says("ほかの管理者の確認を待っています")


def to_changes(staff):
    """What waits now: the page itself may have been there already."""
    staff.open("#/admin")
    staff.browser.refresh()
    staff.heading("確認待ちの変更案")


# --- users --------------------------------------------------------------------------------------

def test_rights_are_changed_by_two_with_the_keyboard_alone(house, people):
    keiko, sachiko = people["keiko"], people["sachiko"]
    to_changes(keiko)
    keiko.look("admin-empty")
    keiko.press_by_key("利用者")
    keiko.heading("利用者管理")
    keiko.look("admin-users")
    keiko.press_by_key("秋野明子を変更する")
    keiko.says("秋野明子（akiko）の変更")
    keiko.focus_field("right").send_keys("形式審査")
    keiko.type_by_key("right-business", "児童手当")
    keiko.type_by_key("right-department", "こども家庭課")
    keiko.press_by_key("権限を加える")
    keiko.says("形式審査（事務：児童手当、部署：こども家庭課）")
    keiko.type_by_key("reason", "4月1日付け人事異動")
    keiko.look("admin-change")
    keiko.keys(Keys.ENTER)
    proposed(keiko)
    given = ("SELECT r.proposed_by, r.approved_by FROM account_right r JOIN account"
             " USING (account_id) WHERE name = 'akiko' AND \"right\" = 'examine'")
    assert house.psql(given) == ""
    # her own page offers her no confirmation
    to_changes(keiko)
    keiko.says("自分が出した変更案です")
    assert "確認して反映する" not in keiko.text("main")
    to_changes(sachiko)
    sachiko.says("権限（追加）")
    sachiko.says("4月1日付け人事異動")
    sachiko.look("admin-confirm")
    sachiko.press_by_key("確認して反映する")
    sachiko.says("変更しました。")
    assert house.psql(given) == "staff:keiko\tstaff:sachiko\n"


def test_new_user_gets_a_code_once(people):
    keiko, sachiko = people["keiko"], people["sachiko"]
    keiko.open("#/admin/users")
    keiko.press("利用者を追加する")
    keiko.type(**{"account-name": "shinjin", "display-name": "新人太郎", "department": "市民課",
                  "reason": "採用"})
    keiko.look("admin-new-user")
    keiko.press("変更案を出す")
    proposed(keiko)
    to_changes(sachiko)
    sachiko.press("確認して反映する")
    code = sachiko.until(lambda: sachiko.find(".secret"), "the code")[0].text
    assert len(code) == 26
    sachiko.look("admin-code")


def test_stopped_at_once_by_one_with_the_keyboard_alone(house, people):
    """A double click, and the answer is lost: it is told, and once more does no harm."""
    keiko = people["keiko"]
    keiko.open("#/admin/users")
    keiko.browser.refresh()
    keiko.says("新人太郎")
    keiko.press_by_key("新人太郎の利用停止")
    keiko.says("新人太郎の利用停止")
    keiko.type_by_key("reason", "採用の取消し")
    keiko.look("admin-stop")
    lose_answer(keiko, "/stop")
    ActionChains(keiko.browser).double_click(keiko.button("すぐに利用を停止する")).perform()
    keiko.says("サーバーにつながりません")
    keiko.press("すぐに利用を停止する")
    keiko.says("使えるそのような利用者はいません")
    assert house.psql("SELECT count(*) FROM audit_entry WHERE action = 'account.disable'") == "1\n"
    assert house.psql("SELECT disabled_at IS NOT NULL FROM account WHERE name = 'shinjin'") == "t\n"


# --- what is lost on the way, pressed twice, stale ------------------------------------------------

def test_a_proposal_and_its_confirmation_are_made_once(house, people):
    keiko, sachiko = people["keiko"], people["sachiko"]
    keiko.open("#/admin/terminals")
    keiko.heading("端末")
    keiko.press_by_key("端末を追加する")
    keiko.type_by_key("label", "窓口9")
    keiko.type_by_key("department", "市民課")
    keiko.type_by_key("mark", "192.0.2.9")
    keiko.type_by_key("reason", "窓口の増設")
    keiko.look("admin-terminal")
    keiko.offline(True)
    keiko.press("変更案を出す")
    keiko.says("サーバーにつながりません")
    keiko.offline(False)
    lose_answer(keiko, "/api/admin/changes")
    ActionChains(keiko.browser).double_click(keiko.button("変更案を出す")).perform()
    waits = "SELECT count(*) FROM change WHERE subject = '窓口9' AND state = 'waiting'"
    keiko.until(lambda: house.psql(waits) == "1\n", "the proposal")
    keiko.says("サーバーにつながりません")
    keiko.press("変更案を出す")  # what was typed is still there
    proposed(keiko)
    assert house.psql(waits) == "1\n"
    to_changes(sachiko)
    sachiko.says("窓口9")
    lose_answer(sachiko, "/confirm")
    ActionChains(sachiko.browser).double_click(sachiko.button("確認して反映する")).perform()
    sachiko.says("サーバーにつながりません")
    sachiko.press("確認して反映する")
    sachiko.until(lambda: "サーバーにつながりません" not in sachiko.text("main"), "an answer")
    assert house.psql("SELECT count(*) FROM terminal WHERE label = '窓口9'") == "1\n"
    assert house.psql("SELECT count(*) FROM audit_entry WHERE action = 'change.confirm' AND"
                      " detail::text LIKE '%窓口9%'") in ("0\n", "1\n")
    to_changes(sachiko)
    sachiko.browser.back()
    sachiko.browser.forward()
    assert house.psql("SELECT count(*) FROM terminal WHERE label = '窓口9'") == "1\n"


def test_rejected_with_a_reason_and_stale_is_told(house, people):
    keiko, sachiko = people["keiko"], people["sachiko"]
    for day, name in (("2026-12-25", "開庁記念日"), ("2026-12-28", "仕事納め"),
                      ("2027-01-04", "仕事始め")):
        keiko.open("#/admin/holidays")
        keiko.heading("休日")
        keiko.press("休日を追加する")
        keiko.until(lambda: keiko.find("#day"), "the form")
        keiko.set_date("day", day)
        keiko.type(**{"holiday-name": name, "reason": "条例改正"})
        keiko.press("変更案を出す")
        proposed(keiko)
    to_changes(sachiko)
    sachiko.says("2027-01-04")
    # what comes in the place of the first is not confirmed by the second click
    ActionChains(sachiko.browser).double_click(sachiko.button("確認して反映する")).perform()
    sachiko.says("変更しました。")
    sachiko.until(lambda: len(sachiko.find("input[id^=settle]")) == 2, "the others to be left")
    assert house.psql("SELECT name FROM holiday") == "開庁記念日\n"
    house.psql("INSERT INTO holiday VALUES ('992011', 20261228, '間に入った')")
    sachiko.press("確認して反映する")
    sachiko.says("元の内容が変わりました")
    assert house.psql("SELECT name FROM holiday WHERE day = 20261228") == "間に入った\n"
    to_changes(sachiko)
    sachiko.says("2027-01-04")
    sachiko.find("input[id^=settle]")[0].send_keys("条例がまだない")
    ActionChains(sachiko.browser).double_click(sachiko.button("差し戻す")).perform()
    sachiko.until(lambda: "2027-01-04" not in sachiko.text("main"), "it to be rejected")
    assert house.psql("SELECT state, decided_why FROM change WHERE subject = '2027-01-04'"
                      ) == "rejected\t条例がまだない\n"


# --- a template -----------------------------------------------------------------------------------

def test_template_is_kept_by_two(people):
    keiko, sachiko = people["keiko"], people["sachiko"]
    keiko.open("#/admin/templates")
    keiko.heading("定型文")
    keiko.press_by_key("定型文を追加する")
    keiko.type_by_key("template-title", "口座名義の不一致")
    keiko.type_by_key("template-text",
                      "振込先の口座名義を、請求者の氏名と同じものに直して、もう一度送信してください。")
    keiko.type_by_key("reason", "問い合わせが多いため")
    keiko.look("admin-template")
    keiko.keys(Keys.ENTER)
    proposed(keiko)
    to_changes(sachiko)
    sachiko.says("口座名義の不一致")
    sachiko.press_by_key("確認して反映する")
    sachiko.says("変更しました。")
    sachiko.press_by_key("定型文")
    sachiko.says("もう一度送信してください")
    sachiko.look("admin-templates")


def test_a_move_is_read_from_a_file_and_confirmed_together(house, people, tmp_path):
    keiko, sachiko = people["keiko"], people["sachiko"]
    make_account(house, "idosha", "異動花子", DEPARTMENT, ("see",), ALL)
    file = tmp_path / "ido.csv"
    file.write_text("利用者名,氏名,部署,異動,前任者\nidosha,異動花子,税務課,異動,\nnobody,新人,税務課,,\n")
    keiko.open("#/admin/personnel")
    keiko.heading("人事異動")
    keiko.find("#personnel-file")[0].send_keys(str(file))
    keiko.press("照合する")
    keiko.says("異動・退職（1人）")
    keiko.says("利用者登録がない職員")
    keiko.unfold("異動花子")
    keiko.look("admin-personnel")
    keiko.set_date("effective-on", house.psql("SELECT change_today()").strip())
    keiko.type(reason="年度途中の異動")
    keiko.press("1人の変更案を出す")
    keiko.says("変更案を登録しました")
    sachiko.open("#/admin")
    sachiko.browser.refresh()
    sachiko.says("年度途中の異動")
    sachiko.look("admin-batch")
    sachiko.press("1人をまとめて確認する")
    sachiko.says("変更しました。")
    assert house.psql("SELECT department FROM account WHERE name = 'idosha'") == "税務課\n"


def test_pages_to_read_with_the_keyboard_alone(people):
    keiko = people["keiko"]
    for tab, heading, name in (("端末", "端末", "terminals"), ("媒体", "媒体", "media"), ("休日", "休日", "holidays"),
                               ("手続と連携先", "手続と連携先", "procedures"),
                               ("連携データ", "住基・宛名連携データの取込", "feeds"),
                               ("変更案", "確認待ちの変更案", "changes")):
        keiko.press_by_key(tab)
        keiko.heading(heading)
        keiko.until(lambda: keiko.find("tbody tr, .empty"), name)
        for line in keiko.find("summary"):
            keiko.press_by_key(line.text)
        keiko.look(f"admin-{name}")


FEED = ("INSERT INTO registry_import (city_code, actor, full_load, rows, sha256, kind, source, as_of,"
        " at, removed, state, bound) VALUES ('992011', 'operator:root', true, 10,"
        " decode(repeat('00', 32), 'hex'), 'residents', 'juki', now(), now(), 9, 'waiting',"
        " decode(repeat('aa', 32), 'hex')) RETURNING import_id")


def test_a_feed_that_waits_is_approved_with_the_keyboard_alone(house, people):
    """Once, by a double click and with a lost answer."""
    keiko = people["keiko"]
    feed = house.psql(FEED).split()[0]
    keiko.press_by_key("連携データ")
    keiko.browser.refresh()
    keiko.heading("住基・宛名連携データの取込")
    keiko.press_by_key(f"取込 {feed} を確認する")
    keiko.says(f"取込 {feed} の承認")
    keiko.says("削除 9件")
    keiko.look("admin-feed")
    keiko.type_by_key("reason", "住民課に電話で確認")
    lose_answer(keiko, "/approve")
    keiko.keys(Keys.ENTER + Keys.ENTER)
    keiko.says("サーバーにつながりません")
    keiko.keys(Keys.ENTER)
    keiko.says("確認を待っていません")
    keiko.browser.refresh()
    keiko.says("承認済（再取込待ち）")
    keiko.says("管野恵子")
    assert house.psql(f"SELECT state, approved_by FROM registry_import WHERE import_id = {feed}"
                      ) == "approved\tstaff:keiko\n"
    assert house.psql("SELECT count(*) FROM audit_entry WHERE action = 'registry.approve'"
                      ) == "1\n"


# --- the audit ------------------------------------------------------------------------------------

def test_pages_to_read_of_rights_on_two_days(people):
    kansa = people["kansa"]
    kansa.open("#/audit/rights")
    kansa.heading("権限の比較")
    kansa.until(lambda: kansa.find("tbody tr"), "who came since")
    assert kansa.find("a[download]")[0].get_attribute("href").endswith(
        f"to={kansa.find('#to')[0].get_attribute('value')}")
    kansa.look("audit-rights")


def test_the_trail_is_searched(house, people):
    kansa = people["kansa"]
    kansa.open("#/audit")
    kansa.heading("監査記録")
    kansa.type_by_key("trail-person", "sachiko")
    kansa.focus_field("trail-action").send_keys("変更案の確認")
    kansa.press_by_key("検索する")
    kansa.until(lambda: kansa.find("tbody tr"), "entries")
    rows = [row.text for row in kansa.find("tbody tr")]
    assert rows and all("統括幸子" in row and "変更案の確認" in row for row in rows)
    kansa.look("audit-trail")
    kansa.size(1024, 768)  # who and where are read at a glance there, too
    kansa.shot("audit-trail-1024")
    for column, words in ((2, "統括幸子"), (6, "127.0.0.1 窓口1")):
        cell = kansa.find(f"tbody td:nth-child({column})")[0]
        assert words in cell.text and cell.rect["width"] >= 140, (words, cell.rect)
    kansa.size(*SMALL)
    assert int(house.psql("SELECT count(*) FROM audit_entry WHERE action = 'audit.search'"
                          " AND actor = 'staff:kansa'")) >= 1


def test_a_report_is_signed_off(house, people):
    stranger = people.visitor()
    try:
        stranger.open()
        stranger.heading("サインイン")
        stranger.type(name="akiko", password="wrong")
        stranger.keys(Keys.ENTER)
        stranger.says("もう一度入れてください")
    finally:
        stranger.close()
    kansa = people["kansa"]
    kansa.press_by_key("サインインの失敗")
    kansa.heading("サインインの失敗")
    kansa.says("秋野明子")
    kansa.look("audit-report")
    kansa.type_by_key("remark", "本人に確認、打ち間違い")
    lose_answer(kansa, "/reports/")
    kansa.keys(Keys.ENTER + Keys.ENTER)
    kansa.says("点検済：")
    assert any("監物査一" in notice.text for notice in kansa.find(".notice"))
    assert house.psql("SELECT report, reviewed_by, remark FROM audit_review"
                      ) == "failed-sign-in\tstaff:kansa\t本人に確認、打ち間違い\n"
    kansa.look("audit-signed")
    for words in ("業務時間外の操作", "休業日の操作", "大量閲覧", "利用者点検"):
        kansa.press_by_key(words)
        kansa.heading(words)
        kansa.until(lambda: kansa.find("#remark"), words)
        kansa.look(f"audit-{words}")


def test_the_chain_is_verified(people):
    kansa = people["kansa"]
    kansa.press_by_key("検証")
    kansa.heading("監査記録の検証")
    kansa.until(lambda: kansa.find("tbody tr"), "the chains")
    kansa.press_by_key("いま検証する")
    kansa.says("改ざん・欠落はありません")
    kansa.look("audit-chain")
