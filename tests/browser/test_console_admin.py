"""Administration and audit in real browsers: two administrators change a user's rights and keep a
template, an auditor searches the trail and signs a report off; with the keyboard alone."""

import pathlib
import subprocess

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from console_staff import enrolment_code
from staff import Staff
from stack import Stack

ROOT = pathlib.Path(__file__).resolve().parents[2]
PASSWORD = "Yamazakura-7-hon"
PEOPLE = {  # display name, department, rights
    "keiko": ("管野恵子", "情報政策課", ("admin",)),
    "sachiko": ("統括幸子", "情報政策課", ("admin",)),
    "kansa": ("監物査一", "監査委員事務局", ("audit",)),
    "hanako": ("桜野花子", "子育て支援課", ("see",)),
}


def make_account(stack, name):
    display_name, department, rights = PEOPLE[name]
    stack.psql("INSERT INTO account (city_code, name, display_name, department, kind, valid_from,"
               f" valid_to, created_by, approved_by) VALUES ('992011', '{name}', '{display_name}',"
               f" '{department}', 'staff', now() - interval '1 d', '2099-04-01 00:00+09', 'a', 'b')")
    for right in rights:
        stack.psql("INSERT INTO account_right SELECT city_code, account_id, '*', '*',"
                   f" '{right}', 'a', 'b' FROM account WHERE name = '{name}'")


def code_of(stack, name):
    return enrolment_code(stack, name)


@pytest.fixture(scope="module")
def console(tmp_path_factory):
    subprocess.run([ROOT / "intake" / "console" / "site" / "build"], check=True)
    folder = tmp_path_factory.mktemp("a")
    for parent in [folder, *folder.parents][:4]:
        try:
            parent.chmod(parent.stat().st_mode | 0o055)
        except PermissionError:
            break
    stack = Stack(folder, durable=False)
    try:
        stack.make_postgres()
        stack.start_postgres()
        stack.make_world()
        stack.make_database()
        stack.start_console()
        stack.uketsuke("terminal", "add", "--label", "窓口1", "--department", "市民課",
                       "--address", "127.0.0.1", "--first")
        for name in PEOPLE:
            make_account(stack, name)
        yield stack
    finally:
        stack.stop_all()


@pytest.fixture(scope="module")
def people(console, request):
    shots = request.config.getoption("--shots")
    if shots:
        shots.mkdir(parents=True, exist_ok=True)
    made = {}
    try:
        for name, heading in (("keiko", "確認待ちの変更案"), ("sachiko", "確認待ちの変更案"),
                              ("kansa", "監査記録")):
            made[name] = Staff(f"https://localhost:{console.ports['console']}/",
                               console.folder / "pki" / "routing.pem", shots)
            made[name].enrol(name, code_of(console, name), PASSWORD)
            made[name].heading(heading)  # their own first page: none of them sees applications
        yield made
    finally:
        for staff in made.values():
            staff.close()


def picture(staff, name):
    """At both sizes, and what axe-core says."""
    staff.shot(name)
    staff.size(1920, 1080)
    staff.shot(f"{name}-wide")
    staff.size(1366, 768)
    assert staff.serious() == []


def focus(staff, condition):
    """Tab until the focus is where `condition` (of the element) says: the keyboard suffices."""
    for _ in range(120):
        element = staff.browser.switch_to.active_element
        if condition(element):
            return element
        element.send_keys(Keys.TAB)
    raise AssertionError("the keyboard does not lead there")


def press_by_key(staff, words):
    focus(staff, lambda e: e.tag_name in ("button", "a") and
          words in (e.text, e.get_attribute("aria-label"))).send_keys(Keys.ENTER)


def type_by_key(staff, name, text):
    focus(staff, lambda e: e.get_attribute("id") == name).send_keys(text)


# --- two people change a user's rights ----------------------------------------------------------

def test_rights_are_changed_by_two_with_the_keyboard_alone(console, people):
    keiko, sachiko = people["keiko"], people["sachiko"]
    picture(keiko, "admin-empty")
    press_by_key(keiko, "利用者")
    keiko.heading("利用者管理")
    picture(keiko, "admin-users")
    press_by_key(keiko, "桜野花子を変更する")
    keiko.says("桜野花子（hanako）の変更")
    focus(keiko, lambda e: e.get_attribute("id") == "right").send_keys("形式審査")
    type_by_key(keiko, "right-business", "児童手当")
    type_by_key(keiko, "right-department", "こども家庭課")
    press_by_key(keiko, "権限を加える")
    keiko.says("形式審査（事務：児童手当、部署：こども家庭課）")
    type_by_key(keiko, "reason", "4月1日付け人事異動")
    picture(keiko, "admin-change")
    keiko.keys(Keys.ENTER)
    keiko.says("ほかの管理者の確認を待っています")
    assert console.psql("SELECT count(*) FROM account_right WHERE \"right\" = 'examine'") == "0\n"
    # her own page offers her no confirmation
    keiko.open("#/admin")
    keiko.says("自分が出した変更案です")
    assert not [b for b in keiko.browser.find_elements(By.TAG_NAME, "button")
                if "確認して反映する" in b.text]
    sachiko.browser.refresh()
    sachiko.says("権限（追加）")
    sachiko.says("4月1日付け人事異動")
    picture(sachiko, "admin-confirm")
    press_by_key(sachiko, "確認して反映する")
    sachiko.says("変更しました。")
    assert console.psql("SELECT proposed_by, approved_by FROM account_right WHERE \"right\" ="
                        " 'examine'") == "staff:keiko\tstaff:sachiko\n"
    picture(sachiko, "admin-confirmed")


def test_new_user_gets_a_code_once(console, people):
    keiko, sachiko = people["keiko"], people["sachiko"]
    keiko.open("#/admin/users")
    keiko.press("利用者を追加する")
    keiko.type(**{"account-name": "shinjin", "display-name": "新人太郎", "department": "市民課",
                  "reason": "採用"})
    picture(keiko, "admin-new-user")
    keiko.press("変更案を出す")
    keiko.says("ほかの管理者の確認を待っています")
    sachiko.open("#/admin/users")
    sachiko.open("#/admin")
    sachiko.press("確認して反映する")
    code = sachiko.until(lambda: sachiko.browser.find_elements(By.CLASS_NAME, "secret"),
                         "the code")[0].text
    assert len(code) == 26
    picture(sachiko, "admin-code")


# --- a template, stale --------------------------------------------------------------------------

def test_template_is_kept_by_two(console, people):
    keiko, sachiko = people["keiko"], people["sachiko"]
    keiko.open("#/admin/templates")
    keiko.heading("定型文")
    press_by_key(keiko, "定型文を追加する")
    type_by_key(keiko, "template-title", "口座名義の不一致")
    type_by_key(keiko, "template-text", "振込先の口座名義を、請求者の氏名と同じものに直して、もう一度送信してください。")
    type_by_key(keiko, "reason", "問い合わせが多いため")
    picture(keiko, "admin-template")
    keiko.keys(Keys.ENTER)
    keiko.says("ほかの管理者の確認を待っています")
    sachiko.open("#/admin")
    sachiko.browser.refresh()
    sachiko.says("口座名義の不一致")
    press_by_key(sachiko, "確認して反映する")
    sachiko.says("変更しました。")
    sachiko.open("#/admin/templates")
    sachiko.says("もう一度送信してください")
    picture(sachiko, "admin-templates")


def test_rejected_with_a_reason_and_stale_is_told(console, people):
    keiko, sachiko = people["keiko"], people["sachiko"]
    keiko.open("#/admin/holidays")
    keiko.heading("休日")
    picture(keiko, "admin-holidays")
    keiko.press("休日を追加する")
    keiko.browser.execute_script(  # how a date is typed is the browser's language, not ours
        "const f = document.getElementById('day'); f.value = '2026-12-28';"
        "f.dispatchEvent(new Event('input', {bubbles: true}))")
    keiko.type(**{"holiday-name": "仕事納め", "reason": "条例改正"})
    keiko.press("変更案を出す")
    keiko.says("ほかの管理者の確認を待っています")
    sachiko.open("#/admin")
    sachiko.browser.refresh()
    sachiko.says("2026-12-28")
    console.psql("INSERT INTO holiday VALUES ('992011', 20261228, '間に入った')")
    sachiko.press("確認して反映する")
    sachiko.says("元の内容が変わりました")
    assert console.psql("SELECT name FROM holiday") == "間に入った\n"


def test_pages_to_read(people):
    keiko = people["keiko"]
    for path, heading, name in (("terminals", "端末", "terminals"),
                                ("procedures", "手続と連携先", "procedures"),
                                ("feeds", "住基・宛名連携データの取込", "feeds")):
        keiko.open(f"#/admin/{path}")
        keiko.heading(heading)
        keiko.until(lambda: keiko.browser.find_elements(By.CSS_SELECTOR, "tbody tr, .empty"), path)
        picture(keiko, f"admin-{name}")


# --- the audit ----------------------------------------------------------------------------------

def test_the_trail_is_searched(console, people):
    kansa = people["kansa"]
    kansa.open("#/audit")
    kansa.heading("監査記録")
    type_by_key(kansa, "trail-person", "sachiko")
    focus(kansa, lambda e: e.get_attribute("id") == "trail-action").send_keys("変更案の確認")
    press_by_key(kansa, "検索する")
    kansa.until(lambda: kansa.browser.find_elements(By.CSS_SELECTOR, "tbody tr"), "entries")
    rows = [row.text for row in kansa.browser.find_elements(By.CSS_SELECTOR, "tbody tr")]
    assert rows and all("統括幸子" in row and "変更案の確認" in row for row in rows)
    picture(kansa, "audit-trail")
    assert console.psql("SELECT count(*) FROM audit_entry WHERE action = 'audit.search'"
                        " AND actor = 'staff:kansa'") == "1\n"


def test_a_report_is_signed_off(console, people):
    stranger = Staff(people["kansa"].url, console.folder / "pki" / "routing.pem")
    try:
        stranger.open()
        stranger.heading("サインイン")
        stranger.type(name="hanako", password="wrong")
        stranger.keys(Keys.ENTER)
        stranger.says("もう一度入れてください")
    finally:
        stranger.close()
    kansa = people["kansa"]
    press_by_key(kansa, "サインインの失敗")
    kansa.heading("サインインの失敗")
    kansa.says("桜野花子")
    picture(kansa, "audit-report")
    type_by_key(kansa, "remark", "本人に確認、打ち間違い")
    kansa.keys(Keys.ENTER)
    kansa.says("点検済：")
    assert console.psql("SELECT report, reviewed_by, remark, found FROM audit_review"
                        ) == "failed-sign-in\tstaff:kansa\t本人に確認、打ち間違い\t1\n"
    picture(kansa, "audit-signed")
    for words in ("業務時間外の操作", "休業日の操作", "大量閲覧", "利用者点検"):
        press_by_key(kansa, words)
        kansa.heading(words)
        kansa.until(lambda: kansa.browser.find_elements(By.ID, "remark"), words)
    picture(kansa, "audit-accounts")


def test_the_chain_is_verified(people):
    kansa = people["kansa"]
    press_by_key(kansa, "検証")
    kansa.heading("監査記録の検証")
    kansa.says("まだ検証していません")
    press_by_key(kansa, "いま検証する")
    kansa.says("改ざん・欠落はありません")
    picture(kansa, "audit-chain")


def test_zoom_of_200_percent_loses_nothing(people):
    for name, path in (("keiko", "#/admin/users"), ("kansa", "#/audit/reports/accounts")):
        staff = people[name]
        staff.open(path)
        staff.until(lambda: staff.browser.find_elements(By.CSS_SELECTOR, "tbody tr"), "rows")
        staff.size(683, 384)  # 1366×768 at 200 %
        wide = staff.browser.execute_script(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth")
        staff.shot(f"zoom-{name}")
        staff.size(1366, 768)
        assert wide <= 0, path


def test_pages_keep_their_policy(people):
    for staff in people.values():
        assert staff.faults() == []
