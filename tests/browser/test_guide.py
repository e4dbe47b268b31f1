"""The pictures of docs/staff.ja.md, of made-up people: `pytest tests/browser/test_guide.py --guide
docs/staff` makes them anew. Without --guide: every page that the guide tells of can be reached as it
says, and every picture that it shows is there."""

import pathlib
import re

import pytest
from selenium.webdriver.common.keys import Keys

from city import ALL, DEPARTMENT, take_back, waiting
from console_staff import make_account
from staff import PASSWORD

GUIDE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "staff.ja.md"
SHOWN = set(re.findall(r"!\[[^\]]+\]\(staff/([a-z-]+)\.png\)", GUIDE.read_text("utf-8")))


@pytest.fixture(scope="module")
def picture(request):
    """Keeps what a person's screen shows, from `at` (CSS) on, under a name of the guide's."""
    folder = request.config.getoption("--guide")
    if folder:
        folder.mkdir(parents=True, exist_ok=True)

    def keep(staff, name, at=None):
        assert name in SHOWN, f"docs/staff.ja.md does not show {name}"
        if folder:
            staff.picture(folder / f"{name}.png", at)
    return keep


def test_every_picture_is_there(request):
    if not request.config.getoption("--guide"):
        assert SHOWN == {path.stem for path in GUIDE.with_name("staff").glob("*.png")}


def test_signing_in(people, picture):
    taro = people["taro"]
    taro.press("サインアウト")
    taro.heading("サインイン")
    taro.type(name="taro", password=PASSWORD)
    picture(taro, "sign-in")
    taro.keys(Keys.ENTER)
    taro.heading("本人の確認")
    picture(taro, "second-factor")
    taro.press("認証器で確認する")
    taro.heading("職員の対応を待つ申請")


def test_the_queue(people, picture):
    hanako = people["hanako"]
    hanako.to_queue("審査待ち")
    picture(hanako, "queue")


def test_who_it_is(house, people, picture):
    hanako, taro = people["hanako"], people["taro"]
    receipt = hanako.open_with_candidates()
    hanako.choose()
    picture(hanako, "who")
    hanako.keys(Keys.ENTER)
    hanako.heading("職員の対応を待つ申請")
    taro.open_one(receipt)
    taro.says("二人目の確認")
    taro.until(taro.candidates, "the candidates")
    picture(taro, "second-person")
    taro.to_queue()
    take_back(house, receipt)


def test_deciding(people, picture):
    hanako = people["hanako"]
    hanako.to_queue("審査待ち")
    hanako.keys_of_page(Keys.ENTER)
    hanako.press("訂正を求める", ".tabs")
    hanako.until(lambda: hanako.find("#act-reason"), "the reason")
    picture(hanako, "decide", "section[aria-label=対応]")
    hanako.to_queue("審査待ち")


def test_the_password_again(house, people, picture):
    taro = people["taro"]
    taro.open_one(waiting(house, "review")[0])
    taro.press("個人番号を表示する")
    house.psql("UPDATE session SET proven_at = NULL")
    taro.type(**{"number-reason": "記載の確認"})
    taro.keys(Keys.ENTER)
    taro.says("この操作の前に")
    picture(taro, "proof")
    taro.keys(Keys.ESCAPE)
    taro.says("何も行っていません")
    house.psql("UPDATE session SET proven_at = now()")


def test_printing_and_the_book(house, people, picture):
    hanako = people["hanako"]
    hanako.open_one(waiting(house, "review")[0])
    hanako.unfold("印刷する")
    hanako.type(**{"print-reason": "窓口で説明する"})
    picture(hanako, "print", "section[aria-label=印刷と出力]")
    hanako.press("印刷用のPDFを作る")
    hanako.says("PDFを作りました")
    hanako.downloaded()
    hanako.open("#/outputs")
    hanako.heading("授受簿")
    hanako.unfold("廃棄・返却を記録する")
    picture(hanako, "book")


def test_the_day(people, picture):
    hanako = people["hanako"]
    hanako.open("#/overview")
    hanako.heading("今日の状況")
    hanako.until(lambda: hanako.find("table"), "the figures")
    picture(hanako, "day")


def test_administration(house, people, picture):
    keiko, sachiko = people["keiko"], people["sachiko"]
    make_account(house, "umeko", "梅原梅子", DEPARTMENT, ("see",), ALL)
    keiko.open("#/admin/users")
    keiko.browser.refresh()
    keiko.says("梅原梅子")
    picture(keiko, "admin-users")
    keiko.press_by_key("梅原梅子を変更する")
    keiko.says("梅原梅子（umeko）の変更")
    keiko.focus_field("right").send_keys("形式審査")
    keiko.press("権限を加える")
    keiko.type(reason="4月1日付け人事異動")
    picture(keiko, "admin-change", "form.card")
    keiko.press("変更案を出す")
    keiko.says("ほかの管理者の確認を待っています")
    sachiko.open("#/admin")
    sachiko.browser.refresh()
    sachiko.says("梅原梅子")
    picture(sachiko, "admin-confirm")
    sachiko.press("確認して反映する")
    sachiko.says("変更しました。")


def test_audit(people, picture):
    kansa = people["kansa"]
    kansa.open("#/audit")
    kansa.heading("監査記録")
    kansa.press("検索する")
    kansa.until(lambda: kansa.find("tbody tr"), "entries")
    kansa.look("audit-all")
    picture(kansa, "audit-trail")
    kansa.press_by_key("利用者点検")
    kansa.heading("利用者点検")
    kansa.until(lambda: kansa.find("tbody tr"), "lines")
    picture(kansa, "audit-report")
    kansa.press_by_key("検証")
    kansa.heading("監査記録の検証")
    kansa.until(lambda: kansa.find("tbody tr"), "the chains")
    kansa.press("いま検証する")
    kansa.says("改ざん・欠落はありません")
    kansa.until(lambda: "検証しています" not in kansa.text("main"), "it to end")
    picture(kansa, "audit-chain")


def test_the_locked_screen(house, people, picture):
    hanako = people["hanako"]
    house.psql("UPDATE session SET seen_at = now() - interval '11 min' FROM account a"
               " WHERE a.account_id = session.account_id AND a.name = 'hanako' AND ended_at IS NULL")
    hanako.browser.refresh()
    hanako.heading("画面をロックしました")
    picture(hanako, "locked")
    hanako.type(password=PASSWORD)
    hanako.keys(Keys.ENTER)
    hanako.until(lambda: hanako.find("table"), "the page of before")
