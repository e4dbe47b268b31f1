"""What goes wrong on a morning at the console, in real browsers: a tab is stale, the line drops in the
middle of a decision, its answer is lost, somebody clicks twice or goes back, two people meet on one
application, a session ends. Whatever is decided: nothing is lost, doubled, or made on what has changed."""

import dataclasses
import datetime

import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from city import CLERK, DEPARTMENT, HERE, acts, take_back, waiting
from console_staff import one_time_code
from mishaps import lose_answer, move_on
from staff import PASSWORD

DROPPED = "サーバーにつながりません"
SOON = str(datetime.date.today() + datetime.timedelta(days=60))


# --- every decision -------------------------------------------------------------------------------

@dataclasses.dataclass
class Decision:
    name: str
    action: str  # in the audit trail
    label: str   # of what is chosen …
    button: str  # … and of what sends it
    state: str = "review"
    person: str = "hanako"
    message: str = ""
    until: str = ""
    destination: str = ""
    moves: bool = True  # the application; else nobody can tell from its history that it was done

    def fill(self, staff):
        staff.press(self.label, ".tabs")
        staff.until(lambda: staff.find("#act-reason"), "the form")
        if self.message:
            staff.type(message=self.message)
        if self.until:
            staff.set_date("until", self.until)
        if self.destination:
            staff.find("#destination")[0].send_keys(self.destination)
        staff.type(**{"act-reason": "確かめた"})


DECISIONS = [
    Decision("approve", "staff.approve", "承認する", "連携を承認する"),
    Decision("correct", "staff.correction", "訂正を求める", "訂正を求める", message="口座を直してください"),
    Decision("refuse", "staff.refuse", "受け付けない", "受け付けないことにする", message="対象外です"),
    Decision("hold", "staff.hold", "保留する", "この日まで保留する", until=SOON),
    Decision("withdraw", "staff.withdraw", "取下げにする", "取下げにする"),
    Decision("resend", "staff.resend", "もう一度処理する", "もう一度処理する", state="held",
             moves=False),
    Decision("undo", "staff.identify-undo", "申請者の特定を取り消す", "取り消して、特定をやり直す"),
    Decision("reroute", "staff.reroute", "振り替える", "この連携先に振り替える", person="ryoko",
             destination="福祉保健"),
]


def submit_button(staff, words):
    return staff.until(lambda: staff.that_says("form button[type=submit]", words), words)


def goes_wrong(house, staff, receipt, decision):
    """Filled in already: stale, no line, a double click whose answer is lost, and the back button."""
    done = lambda: acts(house, receipt, decision.action)  # noqa: E731
    before = done()
    press = lambda: submit_button(staff, decision.button).click()  # noqa: E731
    move_on(house, receipt)
    press()
    staff.says("もう一度判断してください")
    staff.until(lambda: submit_button(staff, decision.button).is_enabled(), "the form as it was")
    assert done() == before
    staff.offline(True)
    press()
    staff.says(DROPPED)
    staff.offline(False)
    staff.until(lambda: submit_button(staff, decision.button).is_enabled(), "the form as it was")
    assert done() == before
    lose_answer(staff, f"/{decision.name}")
    ActionChains(staff.browser).double_click(submit_button(staff, decision.button)).perform()
    staff.says("押した操作は済んでいます" if decision.moves else DROPPED)
    staff.until(lambda: done() == before + 1, "what was asked for, once")
    if decision.moves:
        staff.keys_of_page(Keys.ESCAPE)
    else:
        staff.until(lambda: submit_button(staff, decision.button).is_enabled(), "the form again")
        press()  # once more: the answer of the first time
    staff.heading("職員の対応を待つ申請")
    staff.browser.back()
    staff.until(lambda: receipt in staff.text("main"), "the application as it is now")
    staff.browser.forward()
    staff.heading("職員の対応を待つ申請")
    assert done() == before + 1


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda decision: decision.name)
def test_it_is_decided_once(house, people, decision):
    staff = people[decision.person]
    receipt = waiting(house, decision.state)[-1]
    staff.open_one(receipt)
    decision.fill(staff)
    goes_wrong(house, staff, receipt, decision)


def propose(staff, receipt):
    staff.open_one(receipt)
    staff.until(staff.candidates, "the candidates")
    staff.choose()


def test_who_it_is_is_proposed_dropped_denied_and_confirmed_once(house, people):
    hanako, taro = people["hanako"], people["taro"]
    receipt = hanako.open_with_candidates()
    identify = Decision("identify", "staff.identify-propose", "", "二人目の確認に回す")
    propose(hanako, receipt)
    goes_wrong(house, hanako, receipt, identify)
    hanako.open_one(receipt)
    hanako.unfold("判断を取り消す")
    hanako.type(**{"drop-reason": "見間違えた"})
    goes_wrong(house, hanako, receipt,
               Decision("drop", "staff.identify-drop", "", "判断を取り消す"))
    propose(hanako, receipt)
    hanako.keys(Keys.ENTER)
    hanako.heading("職員の対応を待つ申請")
    taro.open_one(receipt)
    taro.unfold("同じ人ではない")
    taro.type(**{"drop-reason": "生年月日が違う"})
    goes_wrong(house, taro, receipt,
               Decision("deny", "staff.identify-drop", "", "同じ人ではない"))
    propose(hanako, receipt)
    hanako.keys(Keys.ENTER)
    hanako.heading("職員の対応を待つ申請")
    taro.open_one(receipt)
    taro.type(**{"confirm-reason": "見比べた"})
    goes_wrong(house, taro, receipt,
               Decision("confirm", "staff.identify-confirm", "", "同じ人であることを確認した"))


def test_what_was_chosen_is_sent_when_the_line_is_back(house, people):
    """With the same keys as before: nothing has to be filled in again."""
    hanako = people["hanako"]
    receipt = hanako.open_with_candidates()
    hanako.choose()
    hanako.offline(True)
    hanako.keys(Keys.ENTER)
    hanako.says(DROPPED)
    hanako.offline(False)
    lose_answer(hanako, "/identify")
    hanako.keys(Keys.ENTER)
    hanako.says("押した操作は済んでいます")
    version = house.psql(f"SELECT version FROM application WHERE receipt_number = '{receipt}'")
    hanako.keys(Keys.ENTER)  # once more: the answer of the first time
    hanako.heading("職員の対応を待つ申請")
    assert house.psql(f"SELECT version FROM application WHERE receipt_number = '{receipt}'") == version
    take_back(house, receipt)


def test_a_stale_tab_of_the_same_person_decides_nothing(house, people):
    hanako = people["hanako"]
    receipt = hanako.open_with_candidates()
    before = acts(house, receipt, "staff.identify-propose")
    stale = hanako.browser.current_window_handle
    hanako.browser.switch_to.new_window("tab")
    hanako.open(f"#/applications/{receipt}")
    hanako.until(hanako.candidates, "the candidates")
    hanako.choose()
    hanako.keys(Keys.ENTER)
    hanako.heading("職員の対応を待つ申請")
    hanako.browser.close()
    hanako.browser.switch_to.window(stale)
    hanako.choose()
    hanako.keys(Keys.ENTER)
    hanako.says("もう一度判断してください")
    assert acts(house, receipt, "staff.identify-propose") == before + 1
    hanako.look("stale-tab")
    take_back(house, receipt)
    hanako.to_queue()


# --- what is written down -------------------------------------------------------------------------

def test_a_note_is_kept_once(house, people):
    hanako = people["hanako"]
    receipt = waiting(house, "unmatched")[-1]
    hanako.open_one(receipt)
    hanako.unfold("連絡記録を加える")
    hanako.type(**{"contact-text": "窓口で話した"})
    before = acts(house, receipt, "staff.contact")
    hanako.offline(True)
    submit_button(hanako, "連絡記録に加える").click()
    hanako.says(DROPPED)
    hanako.offline(False)
    lose_answer(hanako, "/contact")
    ActionChains(hanako.browser).double_click(submit_button(hanako, "連絡記録に加える")).perform()
    hanako.until(lambda: acts(house, receipt, "staff.contact") == before + 1, "the note")
    hanako.until(lambda: submit_button(hanako, "連絡記録に加える").is_enabled(), "the form again")
    submit_button(hanako, "連絡記録に加える").click()
    hanako.until(lambda: "窓口で話した" in hanako.text(".contact"), "the note on the page")
    assert acts(house, receipt, "staff.contact") == before + 1


def test_paper_and_files_are_asked_for_once_by_a_double_click(house, people):
    hanako, taro = people["hanako"], people["taro"]
    receipt = waiting(house, "unmatched")[-1]
    hanako.open_one(receipt)
    hanako.unfold("印刷する")
    hanako.type(**{"print-reason": "説明"})
    ActionChains(hanako.browser).double_click(submit_button(hanako, "PDFを作る")).perform()
    hanako.says("PDFを作りました")
    hanako.downloaded()
    assert acts(house, receipt, "output.print") == 1
    hanako.unfold("申請データをファイルに出力する")
    hanako.type(**{"export-reason": "調査", "export-recipient": "情報課"})
    hanako.choose_medium("USB-1")
    ActionChains(hanako.browser).double_click(submit_button(hanako, "出力を申請する")).perform()
    hanako.says("で申請しました")
    assert acts(house, receipt, "output.ask") == 1
    taro.open("#/outputs")
    taro.browser.refresh()
    taro.heading("授受簿")
    lose_answer(taro, "/approve")
    ActionChains(taro.browser).double_click(taro.button("出力を承認する")).perform()
    taro.says(DROPPED)
    taro.press("出力を承認する")
    taro.says("処理が終わっています")
    assert acts(house, receipt, "output.approve") == 1


# --- two people -----------------------------------------------------------------------------------

def test_two_people_on_one_application_know_of_each_other(people):
    hanako, taro = people["hanako"], people["taro"]
    receipt = hanako.open_with_candidates()
    taro.open(f"#/applications/{receipt}")
    taro.says("桜野花子さんが作業中です")
    taro.look("claimed")
    taro.to_queue()
    taro.says("桜野花子")  # in the list, too
    hanako.to_queue()  # she leaves it
    taro.open(f"#/applications/{receipt}")
    taro.until(taro.candidates, "the candidates")
    assert "作業中です" not in taro.text()
    taro.to_queue()


# --- sessions -------------------------------------------------------------------------------------

def test_a_session_that_ended_hides_all_and_goes_on_after_signing_in(house, people):
    taro = people["taro"]
    receipt = taro.open_with_candidates()
    house.psql("UPDATE session SET ended_at = now(), ended_why = 'test' FROM account a WHERE"
               " a.account_id = session.account_id AND a.name = 'taro' AND ended_at IS NULL")
    taro.choose()
    taro.keys(Keys.ENTER)
    taro.heading("サインイン")
    assert not taro.candidates() and receipt not in taro.browser.page_source
    taro.sign_in("taro", PASSWORD)
    taro.until(taro.candidates, "the same application")
    assert receipt in taro.text()
    taro.to_queue()


OFTEN = "const real = setInterval; setInterval = (run, time) => real(run, time / 100);"


def test_an_untouched_screen_hides_itself(people):
    """Ten minutes later; the page looks every half a minute, here a hundred times as often."""
    taro = people["taro"]
    often = taro.cdp("Page.addScriptToEvaluateOnNewDocument", source=OFTEN)["identifier"]
    taro.browser.refresh()
    taro.to_queue()
    taro.script("const now = Date.now; Date.now = () => now() + 600000;")
    taro.heading("画面をロックしました")
    assert not taro.browser.find_elements(By.TAG_NAME, "table")
    taro.cdp("Page.removeScriptToEvaluateOnNewDocument", identifier=often)
    taro.browser.refresh()  # F5: the server knows that it is locked
    taro.heading("画面をロックしました")
    taro.type(password=PASSWORD)
    taro.keys(Keys.ENTER)
    taro.heading("職員の対応を待つ申請")
    taro.browser.refresh()
    taro.heading("職員の対応を待つ申請")


def test_who_writes_for_long_is_there(house, people):
    """A long text is written without any request; then it is not lost behind a locked screen."""
    hanako = people["hanako"]
    hanako.to_queue("審査待ち")
    receipt = hanako.text("tr.current a")
    hanako.open_one(receipt)
    hanako.press("訂正を求める", ".tabs")
    hanako.until(lambda: hanako.find("#message"), "the message")
    house.psql("UPDATE session SET seen_at = now() - interval '9 min' FROM account a"
               " WHERE a.account_id = session.account_id AND a.name = 'hanako' AND ended_at IS NULL")
    hanako.script("const now = Date.now; Date.now = () => now() + 90000")
    hanako.type(message="住所")
    hanako.until(lambda: house.psql(
        "SELECT count(*) FROM session JOIN account USING (account_id) WHERE name = 'hanako'"
        " AND ended_at IS NULL AND seen_at > now() - interval '1 min'") == "1\n", "a sign of life")
    hanako.open("#/applications/%")  # an address by hand is no end of the page
    hanako.says("この受付番号の申請はありません")
    hanako.browser.refresh()


def test_a_password_is_changed_when_somebody_wants_to(people):
    clerk = people.visitor()
    try:
        clerk.enrol("sumire", people.code("sumire", "春野すみれ", "子育て支援課", ("see",), ("*", "*")),
                    PASSWORD)
        clerk.heading("職員の対応を待つ申請")
        clerk.press_by_key("パスワードの変更")
        clerk.heading("パスワードの変更")
        clerk.look("password")
        clerk.type(old=PASSWORD, new="Kawazu-no-haru-3", again="Kawazu-no-haru-3")
        clerk.keys(Keys.ENTER)
        clerk.heading("職員の対応を待つ申請")
        clerk.press("サインアウト")
        clerk.sign_in("sumire", "Kawazu-no-haru-3")
        clerk.heading("職員の対応を待つ申請")
    finally:
        clerk.close()


def test_a_second_session_is_refused_and_says_so(people):
    one, two = people.visitor(), people.visitor()
    try:
        key = one.enrol("saburo", people.code("saburo", "桜木三郎", DEPARTMENT, CLERK, HERE),
                        PASSWORD, by="認証アプリ")
        one.heading("職員の対応を待つ申請")
        two.open()
        two.heading("サインイン")
        two.type(name="saburo", password=PASSWORD)
        two.keys(Keys.ENTER)
        two.heading("確認コード")
        two.type(code=one_time_code(key))
        two.keys(Keys.ENTER)
        two.says("別の端末でサインインしています")
        two.look("second-session")
        one.to_queue()  # the first goes on
    finally:
        one.close()
        two.close()
