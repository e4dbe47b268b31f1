"""The clerk's desk in a real browser: terms, several at once, notes, 個人番号 for a moment, attachments as
pictures, undoing, rerouting, counts, and what leaves the house."""

import csv
import subprocess

import pytest
from selenium.webdriver.common.keys import Keys

from city import WELFARE, acts, state_of, waiting
from staff import PASSWORD

MONTHS = "SELECT to_char(min(applied_at), 'YYYY-MM'), to_char(max(applied_at), 'YYYY-MM')"


def test_what_is_due_stands_first_and_is_said_in_words(house, people):
    hanako = people["hanako"]
    first = waiting(house, "review")[0]
    house.psql("UPDATE application SET version = version + 1, due_on = current_date - 3,"
               f" changed_by = 'role:upgrade' WHERE receipt_number = '{first}'")
    hanako.to_queue("審査待ち")
    hanako.says("期限を過ぎた申請が")
    hanako.until(lambda: first in hanako.text("tbody tr"), "what is late at the top")
    assert "日過ぎています" in hanako.text("tbody tr")
    hanako.look("queue-due")


def test_several_are_put_off_at_once_by_the_keyboard(house, people):
    hanako = people["hanako"]
    hanako.to_queue("審査待ち")
    hanako.keys_of_page("xjx")
    hanako.says("2件を選んでいます")
    hanako.look("bulk")
    hanako.press("日付まで保留する（2）")
    hanako.until(lambda: hanako.find("#bulk-until"), "the day")
    day = house.psql("SELECT current_date + 5").strip()
    hanako.set_date("bulk-until", day)
    hanako.type(**{"bulk-reason": "添付書類を待つ"})
    hanako.press("2件：日付まで保留する")
    hanako.says("2件を処理しました")
    held = f"SELECT count(*) FROM staff_hold WHERE (until AT TIME ZONE 'Asia/Tokyo')::date = '{day}'"
    assert house.psql(held) == "2\n"
    hanako.press("一覧に戻る")
    hanako.to_queue("日付まで保留")
    hanako.until(lambda: len(hanako.find("tbody tr")) >= 2, "both")


def test_notes_are_kept(house, people):
    hanako = people["hanako"]
    hanako.open_one(waiting(house, "unmatched")[0])
    hanako.unfold("連絡記録を加える")
    hanako.type(**{"contact-text": "電話で住所を確かめた"})
    hanako.press("連絡記録に加える")
    hanako.until(lambda: hanako.find(".contact .text"), "the note")
    assert "電話で住所を確かめた" in hanako.text(".contact")
    hanako.shot("contact")


def clear_numbers(staff):
    return [e.text for e in staff.find("dd .text") if len(e.text) == 12 and e.text.isdigit()]


def test_numbers_are_shown_for_a_reason_and_hide_when_one_looks_away(house, people):
    taro = people["taro"]
    taro.open_one(waiting(house, "review")[0])
    taro.press("個人番号を表示する")
    taro.type(**{"number-reason": "記載の確認"})
    taro.press("表示する", "form")
    taro.says("秒で隠します")
    assert clear_numbers(taro)
    taro.look("numbers")
    taro.script("dispatchEvent(new Event('blur'))")
    taro.until(lambda: "秒で隠します" not in taro.text(), "hidden again")
    assert not clear_numbers(taro)


def test_the_password_is_asked_for_and_the_act_is_done_once(house, people):
    taro = people["taro"]
    receipt = waiting(house, "review")[0]
    before = acts(house, receipt, "application.numbers")
    taro.open_one(receipt)
    taro.press("個人番号を表示する")
    taro.type(**{"number-reason": "記載の確認"})
    house.psql("UPDATE session SET proven_at = NULL")
    taro.keys(Keys.ENTER)
    taro.says("この操作の前に")
    taro.look("proof")
    assert taro.browser.switch_to.active_element.get_attribute("id") == "proof-password"
    taro.keys(Keys.ESCAPE)
    taro.says("何も行っていません")
    assert acts(house, receipt, "application.numbers") == before and not clear_numbers(taro)
    taro.press("表示する", "form")
    taro.says("この操作の前に")
    taro.type(**{"proof-password": "wrong"})
    taro.keys(Keys.ENTER)
    taro.says("確かめて、もう一度")
    taro.type(**{"proof-password": PASSWORD})
    taro.keys(Keys.ENTER)
    taro.until(lambda: clear_numbers(taro), "the number")
    assert not taro.find("dialog") and acts(house, receipt, "application.numbers") == before + 1
    house.psql("UPDATE session SET proven_at = now()")


# Of the application with this receipt number: has it attachments?
ATTACHED = """
const done = arguments[1];
fetch(`/api/applications/${arguments[0]}`).then(a => a.json()).then(a => done(a.attachments.length > 0));
"""


def test_attachments_are_pictures(house, people):
    hanako = people["hanako"]
    receipt = next(one for one in waiting(house, "review") + waiting(house, "unmatched")
                   if hanako.browser.execute_async_script(ATTACHED, one))
    hanako.open_one(receipt)
    hanako.until(lambda: hanako.find(".files button"), "attachments")[0].click()
    hanako.until(lambda: hanako.script(
        "const i = document.querySelector('.paper img'); return i && i.naturalWidth > 0"), "a picture")
    hanako.look("attachment")


# --- who it is, taken back; elsewhere -------------------------------------------------------------

def test_who_it_is_is_taken_back_before_it_goes_out(house, people):
    hanako = people["hanako"]
    receipt = waiting(house, "review")[-1]
    hanako.open_one(receipt)
    hanako.press("申請者の特定を取り消す", ".tabs")
    hanako.type(**{"act-reason": "別の世帯の人だった"})
    hanako.look("undo")
    hanako.press("取り消して、特定をやり直す")
    hanako.heading("職員の対応を待つ申請")
    assert state_of(house, receipt) == "unmatched"
    hanako.open_one(receipt)
    hanako.says("申請した人は誰ですか")
    assert not [b for b in hanako.find(".tabs button") if "申請者の特定を取り消す" in b.text]


def test_elsewhere_only_with_the_right_on_both_sides(house, people):
    hanako, ryoko = people["hanako"], people["ryoko"]
    receipt = waiting(house, "review")[-1]
    hanako.open_one(receipt)
    hanako.until(lambda: hanako.find(".tabs button"), "what may be done")
    assert "振り替える" not in hanako.text("main")
    hanako.to_queue()
    ryoko.open_one(receipt)
    ryoko.press("振り替える", ".tabs")
    offered = [option.text for option in ryoko.find("#destination option")]
    assert "福祉保健総合システム" in offered
    ryoko.find("#destination")[0].send_keys("福祉保健")
    ryoko.type(**{"act-reason": "福祉課の事務だった"})
    ryoko.look("reroute")
    ryoko.press("この連携先に振り替える")
    ryoko.heading("職員の対応を待つ申請")
    assert house.psql("SELECT destination, chosen_by FROM reroute JOIN application USING"
                      f" (application_id) WHERE receipt_number = '{receipt}'"
                      ) == f"{WELFARE}\tstaff:ryoko\n"


# --- counts ---------------------------------------------------------------------------------------

def test_counts_as_a_file_hide_small_cells(house, people):
    hanako = people["hanako"]
    first, last = house.psql(MONTHS + " FROM application").split()
    hanako.open("#/overview")
    hanako.says("件数の集計")
    for field, month in zip(hanako.find("input[type=month]"), (first, last)):
        hanako.script("arguments[0].id = arguments[1]", field, f"month-{month}")
        hanako.set_date(f"month-{month}", month)
    hanako.find("a[download]")[0].click()
    name, data = hanako.downloaded()
    assert name == "counts.csv"
    rows = list(csv.reader(data.decode("utf-8-sig").splitlines()))
    assert rows[0] == ["手続ID", "手続", "状態", "件数"] and len(rows) > 2
    shown = {row[3] for row in rows[1:]}
    assert "10未満" in shown and not shown & {str(n) for n in range(10)}


# --- on paper, in a file --------------------------------------------------------------------------

def pages_of(pdf):
    text = subprocess.run(["pdftotext", "-raw", "-", "-"], input=pdf, capture_output=True, check=True)
    return [page for page in text.stdout.decode().split("\f") if page.strip()]


@pytest.fixture(scope="module")
def printed(house):
    return waiting(house, "unmatched")[0]


def test_a_print_says_on_every_page_who_and_where(house, people, printed):
    hanako = people["hanako"]
    hanako.open_one(printed)
    hanako.unfold("印刷する")
    hanako.type(**{"print-reason": "窓口で説明する"})
    hanako.look("print")
    hanako.press("印刷用のPDFを作る")
    hanako.says("PDFを作りました")
    name, pdf = hanako.downloaded()
    number = house.psql("SELECT max(output_id) FROM output").strip()
    assert name == f"{printed}-print-{number}.pdf"
    for page in pages_of(pdf):
        assert "桜野花子" in page and "窓口1" in page and f"印刷番号{number}" in page.replace(" ", "")
    assert acts(house, printed, "output.print") == 1
    assert b"/JavaScript" not in pdf and b"/URI" not in pdf


def test_a_file_takes_a_second_person_and_the_book_says_when_it_is_gone(house, people, printed):
    hanako, taro = people["hanako"], people["taro"]
    hanako.open_one(printed)
    hanako.unfold("申請データをファイルに出力する")
    hanako.type(**{"export-reason": "調査", "export-recipient": "情報システム課"})
    hanako.choose_medium("USB-1")
    hanako.look("export")
    hanako.press("出力を申請する")
    hanako.says("で申請しました")
    hanako.shot("output")
    taro.open("#/outputs")
    taro.heading("授受簿")
    taro.says("承認待ち")
    taro.look("book")
    taro.press("出力を承認する")
    taro.until(lambda: "承認待ち" not in taro.text(), "approved")
    hanako.open("#/outputs")
    hanako.heading("授受簿")
    hanako.press("パスワードを見る")
    password = hanako.until(lambda: hanako.find(".secret"), "the password")[0].text
    hanako.look("book-open")
    hanako.press("ファイルを取り出す")
    name, sealed = hanako.downloaded()
    assert name.startswith(printed) and name.endswith(".zip.p7m") and password
    package = subprocess.run(
        ["openssl", "cms", "-decrypt", "-inform", "DER", "-pwri_password", password],
        input=sealed, capture_output=True, check=True).stdout
    assert package.startswith(b"PK")
    row = f"//tr[td[2][.='{printed}']][td[contains(., 'USB-1')]]"
    hanako.browser.find_element("xpath", row + "//summary").click()
    hanako.browser.find_element("xpath", row + "//input").send_keys("返却を受けて消去")
    hanako.browser.find_element("xpath", row + "//form//button").click()
    hanako.says("返却を受けて消去（桜野花子）")
    assert house.psql("SELECT disposal, disposed_by FROM output WHERE medium = 'USB-1'"
                      ) == "返却を受けて消去\tstaff:hanako\n"
