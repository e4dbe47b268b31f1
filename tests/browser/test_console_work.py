"""A morning at the console in real browsers: one clerk decides who the applicant is, with the
keyboard alone; another confirms on a screen of their own."""

from selenium.webdriver.common.keys import Keys

from city import PROCEDURE, acts, state_of, take_back
from mishaps import move_on

KEYS_MOST = 6


def test_queue_as_it_looks(people):
    hanako = people["hanako"]
    hanako.to_queue()
    hanako.look("queue-filled")


def test_who_it_is_with_four_keys_and_a_second_person(house, people):
    hanako, taro = people["hanako"], people["taro"]
    receipt = hanako.open_with_candidates()
    hanako.look("unmatched")
    hanako.keys_of_page("1")                           # the first candidate; the reason has the focus
    hanako.shot("chosen")
    hanako.keys("1")                                   # the first reason
    hanako.keys(Keys.ENTER)
    hanako.heading("職員の対応を待つ申請")
    assert state_of(house, receipt) == "unmatched"     # one person decides nothing
    assert house.psql("SELECT proposed_by FROM identification_proposal JOIN application USING"
                      f" (application_id) WHERE receipt_number = '{receipt}'") == "staff:hanako\n"
    # her own screen offers her no confirmation
    hanako.open_one(receipt)
    hanako.says("ほかの職員が確認します")
    assert not hanako.find("#confirm-reason")
    hanako.to_queue()
    taro.open_one(receipt)
    taro.says("二人目の確認")
    taro.says("桜野花子 さんが")  # as she is called, not by her account's name
    assert "hanako" not in taro.text("main")
    taro.look("confirm")
    taro.type(**{"confirm-reason": "氏名と生年月日を見比べた"})
    taro.keys(Keys.ENTER)
    taro.heading("職員の対応を待つ申請")
    assert state_of(house, receipt) == "identified"


def test_why_in_ones_own_words(house, people):
    """With the keyboard alone; a reason that says nothing is not sent without words."""
    hanako, taro = people["hanako"], people["taro"]
    receipt = hanako.open_with_candidates()
    before = acts(house, receipt, "staff.identify-propose")
    hanako.keys_of_page("1")
    active = lambda: hanako.browser.switch_to.active_element  # noqa: E731
    hanako.until(lambda: active().tag_name == "select", "the reasons")
    hanako.keys("5", Keys.ENTER)
    hanako.until(lambda: active().get_attribute("id") == "words", "words are asked for")
    assert acts(house, receipt, "staff.identify-propose") == before
    hanako.keys("窓口で、\u202e旧姓の通帳を見た", Keys.ENTER)
    hanako.heading("職員の対応を待つ申請")
    taro.open_one(receipt)
    said = "その他の事情がある人「窓口で、見えない文字 U+202E旧姓の通帳を見た」"
    taro.says(f"理由：{said}")
    taro.look("said")
    taro.unfold("経過")
    taro.until(lambda: said in taro.text("table.list"), "in the history")
    taro.says("システム（本人特定）")
    taro.to_queue()
    take_back(house, receipt)


def test_who_is_searched_for_is_found_chosen_and_seen_by_the_second(house, people):
    """Searching sends nothing else, whatever was chosen before; who is shown no more is chosen no
    more; and the second person sees who was found."""
    hanako, taro = people["hanako"], people["taro"]
    receipt = hanako.open_with_candidates()
    shown = {card.text.split()[2] for card in hanako.candidates()}
    number, name, birth = house.psql(
        "SELECT atenabango, name, to_char(to_date(birth_date::text, 'YYYYMMDD'), 'YYYY-MM-DD')"
        " FROM resident WHERE support_from IS NULL AND undisclosed_from IS NULL AND status = 0"
        " AND birth_date % 100 > 0 AND atenabango <> ALL('{" + ",".join(shown) + "}')"
        " ORDER BY atenabango LIMIT 1").strip().split("\t")
    before = acts(house, receipt, "staff.identify-propose")
    hanako.choose()
    hanako.unfold("ほかの人を探す")
    hanako.type(**{"search-name": name, "search-reason": "改姓の確認"})
    hanako.set_date("search-birth", birth)
    hanako.press("探す", ".search")
    hanako.says("探した結果")
    assert acts(house, receipt, "staff.identify-propose") == before  # only searched
    assert acts(house, receipt, "registry.search") == 1
    assert not hanako.button("この人として").is_enabled()             # nobody is chosen
    hanako.look("found")
    hanako.press("はじめの候補者に戻る")
    hanako.says(sorted(shown)[0])
    hanako.press("探す", ".search")
    hanako.says("探した結果")
    cards = [i for i, card in enumerate(hanako.candidates()) if number in card.text]
    hanako.keys_of_page(str(cards[0] + 1))
    hanako.until(lambda: hanako.browser.switch_to.active_element.tag_name == "select", "reasons")
    hanako.keys("2", Keys.ENTER)
    hanako.heading("職員の対応を待つ申請")
    taro.open_one(receipt)
    taro.until(lambda: taro.find(".proposed"), "who it is")
    assert "申請書に書かれた申請者" in taro.text(".compare")
    assert "× 違う" in taro.text(".proposed")
    assert number in taro.text(".proposed") and name in taro.text(".proposed").replace("\n", "")
    taro.look("proposed")
    taro.to_queue()
    take_back(house, receipt)


def test_second_writer_is_told_what_changed(house, people):
    hanako, taro = people["hanako"], people["taro"]
    taro.to_queue("審査待ち")
    receipt = taro.text("tr.current a")
    hanako.open_one(receipt)
    hanako.press("保留する", ".tabs")
    hanako.until(lambda: hanako.find("#until"), "the day")
    hanako.set_date("until", "2027-01-05")
    hanako.type(**{"act-reason": "資料を待つ"})
    move_on(house, receipt)
    hanako.press("この日まで保留する")
    hanako.until(lambda: hanako.find(".notice-error"), "told")
    hanako.shot("stale")
    assert acts(house, receipt, "staff.hold") == 0


def test_a_trained_sequence_takes_few_keys(house, people):
    """Open, compare, choose, reason, next: on the next application, with no mouse."""
    hanako = people["hanako"]
    receipt = hanako.open_with_candidates()
    before = acts(house, receipt, "staff.identify-propose")
    hanako.to_queue()
    place = [row.text for row in hanako.find("tbody tr a")].index(receipt)
    hanako.keys_of_page("j" * place)  # where she is already
    pressed = []

    def press(key):
        pressed.append(key)
        hanako.browser.switch_to.active_element.send_keys(key)
    press(Keys.ENTER)                                                  # open
    hanako.until(hanako.candidates, "the candidates")                  # compare
    press("1")                                                         # choose
    hanako.until(lambda: hanako.browser.switch_to.active_element.tag_name == "select", "reasons")
    press("1")                                                         # reason
    press(Keys.ENTER)
    hanako.heading("職員の対応を待つ申請")
    hanako.until(lambda: hanako.find("tr.current"), "a row")
    press(Keys.ENTER)                                                  # next
    hanako.until(lambda: hanako.find(".receipt"), "the next one")
    print(f"keys: {len(pressed)}")
    assert len(pressed) <= KEYS_MOST
    assert acts(house, receipt, "staff.identify-propose") == before + 1
    take_back(house, receipt)
    hanako.to_queue()


def test_overview(house, people):
    hanako = people["hanako"]
    hanako.open("#/overview")
    hanako.heading("今日の状況")
    count = house.psql("SELECT count(*) FROM application"
                       f" WHERE procedure_id = '{PROCEDURE}'").strip()
    hanako.says(f"今日届いた申請 {count} 件")
    unmatched, asked = house.psql(
        "SELECT count(*) FILTER (WHERE state = 'unmatched'), count(*) FROM application WHERE state NOT IN"
        " ('announced', 'collected', 'verified', 'refused', 'held', 'withdrawn', 'superseded')"
        f" AND procedure_id = '{PROCEDURE}'").split()
    hanako.says(f"（{asked}件のうち{unmatched}件）")
    hanako.says("今日動いた申請の、いまの状態")
    hanako.look("overview")
