"""The clerk's desk in a real browser: terms, several at once, notes, 個人番号 for a moment, attachments as
pictures, and what leaves the house."""

import time

import pytest
from selenium.webdriver.common.by import By

import test_console_work as work
from test_console_work import PASSWORD, PROCEDURE, make_account, to_queue
from staff import Staff
from stack import Stack

RIGHTS = (*work.RIGHTS, "number", "print", "export", "reroute")


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    work.subprocess.run([work.ROOT / "intake" / "console" / "site" / "build"], check=True)
    folder = tmp_path_factory.mktemp("w")
    for parent in [folder, *folder.parents][:4]:
        try:
            parent.chmod(parent.stat().st_mode | 0o055)
        except PermissionError:
            break
    stack = Stack(folder, durable=False, settings={
        "console": {"print": "yes", "print-terminals": "窓口1", "export": "yes",
                    "export-terminals": "窓口1"},
        f"route {PROCEDURE}": {"approval": "staff", "business": "child-allowance",
                               "department": work.DEPARTMENT}})
    try:
        stack.up(server=False, business=False)
        stack.submit_town(stack.make_town("town", "--seed", "5", "--count", "16"))
        for role in ("collect", "examine", "identify", "routing"):
            stack.uketsuke(role, "--once")
        stack.start_console()
        stack.uketsuke("terminal", "add", "--label", "窓口1", "--department", work.DEPARTMENT,
                       "--address", "127.0.0.1", "--first")
        yield stack
    finally:
        stack.stop_all()


@pytest.fixture(scope="module")
def people(house, request):
    shots = request.config.getoption("--shots")
    made, before = {}, work.RIGHTS
    work.RIGHTS = RIGHTS
    try:
        for name in ("hanako", "taro"):
            staff = Staff(f"https://localhost:{house.ports['console']}/",
                          house.folder / "pki" / "routing.pem", shots)
            made[name] = staff
            staff.enrol(name, make_account(house, name), PASSWORD)
            staff.heading("職員の対応を待つ申請")
        yield made
    finally:
        work.RIGHTS = before
        for staff in made.values():
            staff.close()


def waiting(house, state):
    return house.psql("SELECT receipt_number FROM application WHERE reason NOT LIKE '%protected%'"
                      f" AND state = '{state}' ORDER BY due_on, applied_at").split()


def open_one(staff, receipt):
    staff.open(f"#/applications/{receipt}")
    staff.says("申請の内容")


def body(staff):
    return staff.browser.find_element(By.TAG_NAME, "body").text


def test_what_is_due_stands_first_and_is_said_in_words(house, people):
    hanako = people["hanako"]
    first = waiting(house, "review")[0]
    house.psql("UPDATE application SET due_on = current_date - 3, changed_by = 'role:upgrade'"
               f" WHERE receipt_number = '{first}'")
    to_queue(hanako, "審査待ち")
    hanako.says("期限を過ぎた申請が")
    hanako.until(lambda: first in hanako.browser.find_element(By.CSS_SELECTOR, "tbody tr").text,
                 "what is late at the top")
    assert "日過ぎています" in hanako.browser.find_element(By.CSS_SELECTOR, "tbody tr").text
    hanako.shot("queue-due")
    assert hanako.serious() == []


def test_several_are_put_off_at_once_by_the_keyboard(house, people):
    hanako = people["hanako"]
    to_queue(hanako, "審査待ち")
    page = hanako.browser.find_element(By.TAG_NAME, "body")
    page.send_keys("x", "j", "x")
    hanako.says("2件を選んでいます")
    hanako.shot("bulk")
    assert hanako.serious() == []
    hanako.press("日付まで保留する（2）")
    hanako.browser.execute_script(
        "const i = document.getElementById('bulk-until'); const d = new Date(Date.now() + 5 * 864e5);"
        "Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(i,"
        " d.toISOString().slice(0, 10)); i.dispatchEvent(new Event('input', {bubbles: true}))")
    hanako.type(**{"bulk-reason": "添付書類を待つ"})
    hanako.press("2件：日付まで保留する")
    hanako.says("2件を処理しました")
    assert house.psql("SELECT count(*) FROM staff_hold WHERE held_by = 'staff:hanako'") == "2\n"
    hanako.press("一覧に戻る")
    to_queue(hanako, "日付まで保留")
    hanako.until(lambda: len(hanako.browser.find_elements(By.CSS_SELECTOR, "tbody tr")) == 2, "both")


def test_notes_are_kept(house, people):
    hanako = people["hanako"]
    open_one(hanako, waiting(house, "unmatched")[0])
    hanako.until(lambda: "連絡記録を加える" in body(hanako), "notes")
    hanako.browser.find_element(
        By.XPATH, "//summary[contains(., '連絡記録を加える')]").click()
    hanako.type(**{"contact-text": "電話で住所を確かめた"})
    hanako.press("連絡記録に加える")
    hanako.until(lambda: hanako.browser.find_elements(By.CSS_SELECTOR, ".contact .text"), "the note")
    assert "電話で住所を確かめた" in hanako.browser.find_element(By.CSS_SELECTOR, ".contact").text
    hanako.shot("contact")


def test_numbers_are_shown_for_a_reason_and_hide_when_one_looks_away(house, people):
    taro = people["taro"]
    open_one(taro, waiting(house, "review")[0])
    taro.press("個人番号を表示する")
    taro.type(**{"number-reason": "記載の確認"})
    taro.press("表示する")
    taro.says("秒で隠します")
    shown = [e.text for e in taro.browser.find_elements(By.CSS_SELECTOR, "dd .text")]
    assert any(len(t) == 12 and t.isdigit() for t in shown)
    assert taro.serious() == []
    taro.browser.execute_script("dispatchEvent(new Event('blur'))")
    taro.until(lambda: "秒で隠します" not in body(taro), "hidden again")
    shown = [e.text for e in taro.browser.find_elements(By.CSS_SELECTOR, "dd .text")]
    assert not any(len(t) == 12 and t.isdigit() for t in shown)


def test_attachments_are_pictures(house, people):
    hanako = people["hanako"]
    for receipt in waiting(house, "review") + waiting(house, "unmatched"):
        open_one(hanako, receipt)
        time.sleep(0.5)
        if hanako.browser.find_elements(By.CLASS_NAME, "files"):
            break
    hanako.until(lambda: hanako.browser.find_elements(By.CLASS_NAME, "files"), "attachments")
    hanako.browser.find_element(By.CSS_SELECTOR, ".files button").click()
    hanako.until(lambda: hanako.browser.execute_script(
        "const i = document.querySelector('.paper img'); return i && i.naturalWidth > 0"), "a picture")
    hanako.shot("attachment")
    assert hanako.serious() == []


def test_a_print_and_a_file_are_in_the_book(house, people):
    hanako, taro = people["hanako"], people["taro"]
    receipt = waiting(house, "unmatched")[0]
    open_one(hanako, receipt)
    for summary, values, button, told in (
            ("印刷する", {"print-reason": "窓口で説明する"}, "印刷用のPDFを作る", "PDFを作りました"),
            ("申請データをファイルに出力する", {"export-reason": "調査", "export-recipient": "情報システム課",
                                              "export-medium": "USB-1"},
             "出力を申請する", "で申請しました")):
        hanako.until(lambda: hanako.browser.find_elements(
            By.XPATH, f"//summary[contains(., '{summary}')]"), summary)
        hanako.browser.find_element(By.XPATH, f"//summary[contains(., '{summary}')]").click()
        hanako.type(**values)
        hanako.press(button)
        hanako.says(told)
    hanako.shot("output")
    taro.open("#/outputs")
    taro.heading("授受簿")
    taro.says("承認待ち")
    taro.shot("book")
    assert taro.serious() == []
    taro.press("出力を承認する")
    taro.until(lambda: "承認待ち" not in body(taro), "approved")
    hanako.open("#/outputs")
    hanako.heading("授受簿")
    hanako.press("パスワードを見る")
    hanako.until(lambda: hanako.browser.find_elements(By.CLASS_NAME, "secret"), "the password")
    hanako.shot("book-open")


def test_pages_keep_their_policy(people):
    for staff in people.values():
        assert staff.faults() == []
