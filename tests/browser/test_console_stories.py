"""What goes wrong on a morning at the console, in real browsers: the line drops in the middle of a
decision, a tab is stale, somebody clicks twice or goes back, two people meet on one application, a
session ends. No decision is lost, doubled, or made on what has changed. And how fast it is there,
how few keys it takes, and what hostile words do: nothing."""

import time

import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from staff import Staff, one_time_code
from test_console_work import (PASSWORD, candidates, house, make_account,  # noqa: F401
                               open_with_candidates, people, state_of, to_queue)

FIRST_VIEW = 150 << 10  # bytes over the wire
USABLE = 1000           # milliseconds
KEYS_MOST = 6


def proposals(house, receipt):  # noqa: F811
    return int(house.psql(
        "SELECT count(*) FROM audit_entry e JOIN application a ON a.application_id::text ="
        f" e.application_id WHERE a.receipt_number = '{receipt}'"
        " AND e.action = 'staff.identify-propose'"))


def choose(staff):
    """The first candidate, for the first reason; not yet sent."""
    staff.browser.find_element(By.TAG_NAME, "body").send_keys("1")
    staff.until(lambda: staff.browser.switch_to.active_element.tag_name == "select", "the reasons")
    staff.keys("1")


def offline(staff, on):
    staff.cdp("Network.enable")
    staff.cdp("Network.emulateNetworkConditions", offline=on, latency=0, downloadThroughput=-1,
              uploadThroughput=-1)


def take_back(house, receipt):  # noqa: F811
    """As if nobody had proposed anything: for the next test."""
    house.psql("DELETE FROM identification_proposal p USING application a WHERE a.application_id ="
               f" p.application_id AND a.receipt_number = '{receipt}'; DELETE FROM claim")


# --- the line -------------------------------------------------------------------------------------

def test_the_line_drops_before_it_is_sent(house, people):  # noqa: F811
    hanako = people["hanako"]
    receipt = open_with_candidates(hanako)
    before = proposals(house, receipt)
    choose(hanako)
    offline(hanako, True)
    hanako.keys(Keys.ENTER)
    hanako.says("サーバーにつながりません")
    assert proposals(house, receipt) == before
    offline(hanako, False)
    hanako.press("二人目の確認に回す")  # what was chosen is still there
    hanako.heading("職員の対応を待つ申請")
    assert proposals(house, receipt) == before + 1
    take_back(house, receipt)


# The request arrives and is done; its answer does not come back.
LOSE = """
const real = window.fetch;
let lost = false;
window.fetch = async (path, options) => {
  const answer = await real(path, options);
  if (lost || !String(path).includes(arguments[0])) return answer;
  lost = true;
  throw new TypeError("lost");
};
""".replace("arguments[0]", "WHAT")


def lose_answer(staff, of):
    staff.browser.execute_script(LOSE.replace("WHAT", f"'{of}'"))


def test_the_answer_is_lost_and_it_is_not_done_twice(house, people):  # noqa: F811
    hanako = people["hanako"]
    hanako.open()
    receipt = open_with_candidates(hanako)
    before = proposals(house, receipt)
    lose_answer(hanako, "/identify")
    choose(hanako)
    hanako.keys(Keys.ENTER)
    hanako.says("サーバーにつながりません")
    assert proposals(house, receipt) == before + 1
    version = house.psql(f"SELECT version FROM application WHERE receipt_number = '{receipt}'")
    hanako.press("二人目の確認に回す")
    hanako.heading("職員の対応を待つ申請")
    assert proposals(house, receipt) == before + 1
    assert house.psql(f"SELECT version FROM application WHERE receipt_number = '{receipt}'") == version
    hanako.browser.refresh()
    take_back(house, receipt)


# --- twice, back, stale ---------------------------------------------------------------------------

def test_a_double_click_decides_once(house, people):  # noqa: F811
    hanako = people["hanako"]
    receipt = open_with_candidates(hanako)
    before = proposals(house, receipt)
    choose(hanako)
    button = next(b for b in hanako.browser.find_elements(By.TAG_NAME, "button")
                  if "二人目の確認に回す" in b.text)
    ActionChains(hanako.browser).double_click(button).perform()
    hanako.heading("職員の対応を待つ申請")
    assert proposals(house, receipt) == before + 1


def test_back_shows_what_is_now_and_sends_nothing(house, people):  # noqa: F811
    """After the decision of the test before."""
    hanako = people["hanako"]
    receipt = house.psql("SELECT receipt_number FROM application JOIN identification_proposal"
                         " USING (city_code, application_id)").split()[0]
    before = proposals(house, receipt)
    hanako.browser.back()
    hanako.until(lambda: receipt in hanako.browser.find_element(By.TAG_NAME, "body").text,
                 "the application again")
    hanako.says("ほかの職員が確認します")
    hanako.browser.forward()
    hanako.heading("職員の対応を待つ申請")
    assert proposals(house, receipt) == before
    take_back(house, receipt)


def test_a_stale_tab_is_told_and_decides_nothing(house, people):  # noqa: F811
    """The same person in two tabs: what the second shows is gone by then."""
    hanako = people["hanako"]
    receipt = open_with_candidates(hanako)
    before = proposals(house, receipt)
    stale = hanako.browser.current_window_handle
    hanako.browser.switch_to.new_window("tab")
    hanako.open(f"#/applications/{receipt}")
    hanako.until(lambda: candidates(hanako), "the candidates")
    choose(hanako)
    hanako.keys(Keys.ENTER)
    hanako.heading("職員の対応を待つ申請")
    hanako.browser.close()
    hanako.browser.switch_to.window(stale)
    choose(hanako)
    hanako.keys(Keys.ENTER)
    hanako.says("もう一度判断してください")
    assert proposals(house, receipt) == before + 1
    hanako.shot("stale-tab")
    assert hanako.serious() == []
    take_back(house, receipt)
    to_queue(hanako)


# --- two people -----------------------------------------------------------------------------------

def test_two_people_on_one_application_know_of_each_other(house, people):  # noqa: F811
    hanako, taro = people["hanako"], people["taro"]
    receipt = open_with_candidates(hanako)
    taro.open(f"#/applications/{receipt}")
    taro.says("職員hanakoさんが作業中です")
    taro.shot("claimed")
    to_queue(taro)
    taro.says("職員hanako")  # in the list, too
    to_queue(hanako)  # she leaves it
    taro.open(f"#/applications/{receipt}")
    taro.until(lambda: candidates(taro), "the candidates")
    assert "作業中です" not in taro.browser.find_element(By.TAG_NAME, "body").text
    to_queue(taro)


# --- sessions -------------------------------------------------------------------------------------

def test_a_session_that_ended_hides_all_and_goes_on_after_signing_in(house, people):  # noqa: F811
    taro = people["taro"]
    receipt = open_with_candidates(taro)
    house.psql("UPDATE session SET ended_at = now(), ended_why = 'test' FROM account a WHERE"
               " a.account_id = session.account_id AND a.name = 'taro' AND ended_at IS NULL")
    choose(taro)
    taro.keys(Keys.ENTER)
    taro.heading("サインイン")
    assert not candidates(taro) and receipt not in taro.browser.page_source
    taro.sign_in("taro", PASSWORD)
    taro.until(lambda: candidates(taro), "the same application")
    assert receipt in taro.browser.find_element(By.TAG_NAME, "body").text
    to_queue(taro)


def test_an_untouched_screen_hides_itself(people):  # noqa: F811
    """Ten minutes later; the page looks every half a minute."""
    taro = people["taro"]
    to_queue(taro)
    taro.browser.execute_script("const now = Date.now; Date.now = () => now() + 600000;")
    taro.until(lambda: "画面をロックしました" in taro.browser.find_element(By.TAG_NAME, "body").text,
               "the locked screen", patience=40)
    assert not taro.browser.find_elements(By.TAG_NAME, "table")
    taro.type(password=PASSWORD)
    taro.keys(Keys.ENTER)
    taro.heading("職員の対応を待つ申請")
    taro.browser.refresh()


def test_a_second_session_is_refused_and_says_so(house, request):  # noqa: F811
    made = []
    try:
        for _ in range(2):
            made.append(Staff(f"https://localhost:{house.ports['console']}/",
                              house.folder / "pki" / "routing.pem",
                              request.config.getoption("--shots")))
        one, two = made
        secret = one.enrol("saburo", make_account(house, "saburo"), PASSWORD, app=True)
        one.heading("職員の対応を待つ申請")
        two.open()
        two.heading("サインイン")
        two.type(name="saburo", password=PASSWORD)
        two.keys(Keys.ENTER)
        two.heading("確認コード")
        time.sleep(30 - time.time() % 30 + 0.5)  # a code is good once
        two.type(code=one_time_code(secret.replace(" ", "")))
        two.keys(Keys.ENTER)
        two.says("別の端末でサインインしています")
        two.shot("second-session")
        to_queue(one)  # the first goes on
    finally:
        for staff in made:
            staff.close()


# --- speed ----------------------------------------------------------------------------------------

WATCH = """
new MutationObserver((_, observer) => {
  const heading = document.querySelector('h1');
  if (!heading) return;
  window.usable = performance.now();
  observer.disconnect();
}).observe(document, { childList: true, subtree: true });
"""
SIZES = """
const all = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
return all.map(e => [e.name, e.transferSize]);
"""


def first_view(house):  # noqa: F811
    """A browser that was never here: bytes over the wire, and when the first page can be used."""
    staff = Staff(f"https://localhost:{house.ports['console']}/",
                  house.folder / "pki" / "routing.pem")
    try:
        staff.cdp("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        staff.open()
        staff.heading("サインイン")
        time.sleep(0.5)
        return (staff.browser.execute_script(SIZES),
                staff.browser.execute_script("return window.usable"))
    finally:
        staff.close()


def test_first_view_is_small_and_soon_there(house):  # noqa: F811
    times = []
    while not times or min(times) > USABLE and len(times) < 8:
        sizes, usable = first_view(house)
        times.append(usable)
    total = sum(size for _, size in sizes)
    print(f"first view: {total} bytes, usable after {[round(t) for t in times]} ms")
    assert 0 < total <= FIRST_VIEW, sizes
    assert min(times) <= USABLE  # the best of eight: what else the machine does is not ours


def test_nothing_is_asked_of_anybody_else(house):  # noqa: F811
    sizes, _ = first_view(house)
    own = f"https://localhost:{house.ports['console']}/"
    assert sizes and all(name.startswith(own) for name, _ in sizes)


def test_a_trained_sequence_takes_few_keys(house, people):  # noqa: F811
    """Open, compare, choose, reason, next: on the next application, with no mouse."""
    hanako = people["hanako"]
    receipt = open_with_candidates(hanako)
    to_queue(hanako)
    rows = hanako.browser.find_elements(By.CSS_SELECTOR, "tbody tr a")
    place = [row.text for row in rows].index(receipt)
    hanako.browser.find_element(By.TAG_NAME, "body").send_keys("j" * place)  # where she is already
    pressed = []

    def press(key):
        pressed.append(key)
        hanako.browser.switch_to.active_element.send_keys(key)
    press(Keys.ENTER)                                                  # open
    hanako.until(lambda: candidates(hanako), "the candidates")         # compare
    press("1")                                                         # choose
    hanako.until(lambda: hanako.browser.switch_to.active_element.tag_name == "select", "reasons")
    press("1")                                                         # reason
    press(Keys.ENTER)
    hanako.heading("職員の対応を待つ申請")
    hanako.until(lambda: hanako.browser.find_elements(By.CSS_SELECTOR, "tr.current"), "a row")
    press(Keys.ENTER)                                                  # next
    hanako.until(lambda: hanako.browser.find_elements(By.CLASS_NAME, "receipt"), "the next one")
    print(f"keys: {len(pressed)}")
    assert len(pressed) <= KEYS_MOST
    assert state_of(house, receipt) == "unmatched" and proposals(house, receipt) >= 1
    take_back(house, receipt)
    to_queue(hanako)


# --- hostile and rare words -----------------------------------------------------------------------

HOSTILE = [
    "<script>window.hit = 1</script>", "<img src=x onerror=window.hit=1>", "\"'><svg onload=hit=1>",
    "javascript:window.hit=1", "</textarea><script>window.hit=1</script>", "{{constructor}}", "&lt;b&gt;",
    "<style>*{display:none}</style>", "<iframe srcdoc='<script>parent.hit=1</script>'>", "‮逆さま",
    "<a href='javascript:window.hit=1'>x</a>", "${window.hit=1}", "<meta http-equiv=refresh content=0>",
]
KEPT = ("receipt_number", "state", "may", "severity", "how", "result", "at", "applied_at", "since",
        "claim", "from", "to", "due_on", "version", "type", "sub_indication", "indication", "path", "item")
# Every text of an answer has the hostile words before it, but for what the page goes by.
POISON = """
const real = window.fetch, kept = new Set(%s), words = %s;
let n = 0;
const poison = (value, key) =>
  kept.has(key) ? value
  : typeof value === 'string' ? words[n++ %% words.length] + ' ' + value
  : Array.isArray(value) ? value.map(one => poison(one, key))
  : value && typeof value === 'object'
    ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, poison(v, k)]))
  : value;
window.fetch = async (path, options) => {
  const answer = await real(path, options);
  if (!/application|queue|overview/.test(path) || !answer.ok) return answer;
  return new Response(JSON.stringify(poison(await answer.json(), '')), { status: answer.status });
};
"""


def poison(staff, words):
    import json
    staff.browser.execute_script(POISON % (json.dumps(KEPT), json.dumps(words)))


def all_opened(staff):
    staff.browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    return staff.browser.find_element(By.TAG_NAME, "main").text


def test_hostile_words_are_words(people):  # noqa: F811
    """In every text that the API gives: names, addresses, labels, messages, names of files."""
    hanako = people["hanako"]
    hanako.faults()
    hanako.open()
    poison(hanako, HOSTILE)
    seen = ""
    to_queue(hanako, "審査待ち")
    seen += all_opened(hanako)
    hanako.browser.find_element(By.TAG_NAME, "body").send_keys(Keys.ENTER)
    hanako.until(lambda: hanako.browser.find_elements(By.CLASS_NAME, "receipt"), "an application")
    seen += all_opened(hanako)
    to_queue(hanako)
    hanako.browser.find_element(By.TAG_NAME, "body").send_keys(Keys.ENTER)
    hanako.until(lambda: hanako.browser.find_elements(By.CLASS_NAME, "compare"), "candidates")
    seen += all_opened(hanako)
    hanako.shot("hostile")
    hanako.browser.execute_script("location.hash = '#/overview'")
    hanako.heading("今日の状況")
    seen += all_opened(hanako)
    for words in HOSTILE:
        assert words in seen, words  # verbatim
    assert hanako.browser.execute_script("return window.hit") is None
    assert not hanako.browser.find_elements(By.CSS_SELECTOR, "main script, main iframe, main img")
    assert hanako.faults() == []
    hanako.browser.refresh()


def test_rare_characters_show_or_say_what_they_are(people):  # noqa: F811
    """A variant by selector (IVS), one of plane 2, and 外字 of planes 0 and 16, which no font has."""
    hanako = people["hanako"]
    hanako.open()
    poison(hanako, ["葛\U000e0100城", "\U00020bb7野家", "\U0010f0c3", "\ue000"])
    open_with_candidates(hanako)
    seen = all_opened(hanako)
    hanako.shot("rare")
    assert "葛\U000e0100城" in seen and "\U00020bb7野家" in seen
    assert "外字 U+10F0C3" in seen and "外字 U+E000" in seen
    hanako.browser.refresh()
    to_queue(hanako)


# --- few and many ---------------------------------------------------------------------------------

FILL = """
SET session_replication_role = replica;
INSERT INTO application (city_code, channel, receipt_number, state, reason, changed_by, changed_at,
    announced_at, applied_at, procedure_id, form_version, promised_size, promised_sha256, version)
SELECT '992011', 'bulk', 'B-' || g, 'unmatched', (ARRAY['facts-differ', 'no-candidate',
    'many-candidates', 'proposed-by-facts'])[1 + g % 4], 'role:identify', t, t, t,
    'child-allowance.certification-claim', '1', 1, decode(repeat('00', 32), 'hex'), 1
FROM (SELECT g, now() - g * interval '7 min' AS t FROM generate_series(1, {count}) g) many;
"""


@pytest.mark.parametrize("count", [0, 1, 90, 5000])
def test_queue_with(house, people, count):  # noqa: F811
    """0, 1, 90 and 5,000 that wait, on a small and a large screen."""
    hanako = people["hanako"]
    house.psql("SET session_replication_role = replica; DELETE FROM application WHERE channel = 'bulk';"
               "UPDATE application SET state = 'verified' WHERE state = 'unmatched'")
    house.psql(FILL.format(count=count))
    to_queue(hanako, "審査待ち")
    hanako.press("申請者未特定")
    if count:
        hanako.until(lambda: hanako.browser.find_elements(By.CSS_SELECTOR, "tr.current"), "a row")
    else:
        hanako.says("待っている申請はありません")
    tab = hanako.browser.find_element(By.CSS_SELECTOR, ".tab[aria-pressed=true]").text
    assert f"{count}" in tab.replace(",", ""), tab
    for width, height in ((1366, 768), (1920, 1080)):
        hanako.size(width, height)
        hanako.shot(f"queue-{count}-{width}", whole=False)
        wide = hanako.browser.execute_script(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0
    hanako.size(1366, 768)
    assert hanako.serious() == []
