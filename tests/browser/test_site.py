"""What residents do on the site besides filling in: looking, logging in, going wrong, correcting,
withdrawing; with the keyboard alone, and with what assistive technology needs."""

import time

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from procedure import current
from test_procedures import card_for

CLAIM = "child-allowance.certification-claim"
WIDTH = "return document.documentElement.scrollWidth - window.innerWidth"


@pytest.fixture(scope="module")
def claim():
    return next(procedure for procedure in current() if procedure.id == CLAIM)


def logged_in(resident, claim):
    form, beside = claim.example()
    card = card_for(resident.cards(), form)
    resident.log_in(card)
    resident.applied_at(beside["applied_at"])
    return card, form, beside


def submit_claim(resident, claim, tmp_path):
    card, form, beside = logged_in(resident, claim)
    service = resident.begin(CLAIM)
    resident.fill_all(service, form, beside.get("attachments", {}), tmp_path)
    return resident.submit(card["sign_pin"])


def test_search_by_word_and_life_event(resident):
    resident.open("/")
    resident.type(resident.browser.find_element(By.ID, "search"), "児童手当　認定")
    resident.browser.find_element(By.ID, "search").send_keys(Keys.ENTER)
    resident.wait_text("件の手続が見つかりました")
    assert resident.named("児童手当等の受給資格及び児童手当の額についての認定請求")
    resident.open("/services?q=" + "ありえないことば")
    resident.wait_text("0件の手続が見つかりました")
    resident.click("子育て\n児童手当、お子さまの健康")
    resident.wait_heading("「子育て」の手続")


def test_nobody_sees_what_is_another_residents(resident, claim, tmp_path):
    receipt = submit_claim(resident, claim, tmp_path)
    resident.click("ログアウト")
    resident.wait_heading("市の手続")
    resident.open(f"/applications/{receipt}")
    resident.wait_heading("ログイン")
    other = resident.cards()[5]
    resident.choose_card(other, other["login_pin"])
    resident.wait_text("お探しのものが見つかりませんでした")


def test_errors_say_what_is_wrong_and_where(resident, claim):
    logged_in(resident, claim)
    resident.begin(CLAIM)
    resident.wait_heading("請求者")
    number = resident.browser.find_element(By.ID, "f-claimant_individual-number")
    resident.type(number, "１２３４ー５６７８ー９０１９")
    resident.type(resident.browser.find_element(By.ID, "f-claimant_name-kana"), "ｻｸﾗﾉ")
    year = resident.browser.find_element(By.ID, "f-claimant_birth-date")
    resident.type(year, "1991")
    for place, text in ((1, "2"), (2, "29")):
        resident.type(resident.browser.find_element(By.ID, f"f-claimant_birth-date-{place}"), text)
    resident.click("次へ")
    resident.wait_text("入力内容をご確認ください")
    assert number.get_attribute("value") == "123456789019"  # digits were put right
    words = "\n".join(resident.errors())
    assert "個人番号に誤りがあります" in words
    assert "全角カタカナで入力してください" in words
    assert "実在する日付" in words
    assert "住所を入力してください" in words
    summary = resident.browser.find_element(By.CSS_SELECTOR, ".notice-error")
    assert resident.script("return document.activeElement === arguments[0]", summary)
    link = [a for a in summary.find_elements(By.TAG_NAME, "a") if "個人番号" in a.text][0]
    link.click()
    assert resident.script("return document.activeElement.id") == "f-claimant_individual-number"
    assert number.get_attribute("aria-invalid") == "true"
    assert number.get_attribute("aria-describedby").endswith("-error")


def test_the_card_fills_in_the_four_facts(resident, claim):
    card, _, _ = logged_in(resident, claim)
    resident.begin(CLAIM)
    resident.wait_heading("請求者")
    resident.click("カードから入力する")
    resident.wait_text("カードの内容を入力しました")
    value = lambda name: resident.browser.find_element(  # noqa: E731
        By.ID, f"f-claimant_{name}").get_attribute("value")
    assert value("name") == card["name"] and value("address") == card["address"]
    assert value("birth-date") == card["birth_date"][:4]


def test_what_was_typed_is_there_again(resident, claim):
    """A draft is kept at every step; the back button leads back."""
    _, form, _ = logged_in(resident, claim)
    service = resident.begin(CLAIM)
    resident.fill_step(service, form)
    resident.next()
    resident.browser.back()
    resident.wait_heading("請求者")
    resident.browser.refresh()
    resident.wait_heading("請求者")
    assert resident.browser.find_element(By.ID, "f-claimant_phone").get_attribute("value")
    resident.open("/applications")
    resident.wait_text("入力中の申請")


def test_wrong_pins_lock_the_card(resident, stack, claim, tmp_path):
    card = resident.cards()[3]
    resident.log_in(card)
    _, beside = claim.example()
    form, _ = claim.example()
    from_example = next(iter(form))
    for item in from_example:  # the form of the card's holder
        name = item.tag.rsplit("}", 1)[-1]
        item.text = {"name": card["name"], "birth-date": card["birth_date"],
                     "address": card["address"]}.get(name, item.text)
    service = resident.begin(CLAIM)
    resident.fill_all(service, form, {}, tmp_path)
    resident.click("署名に進む")
    for left in (4, 3, 2, 1):
        resident.sign("WRONG1")
        resident.wait_text(f"あと{left}回")
    resident.sign("WRONG1")
    resident.wait_text("カードがロックされました")
    resident.sign(card["sign_pin"])  # too late
    resident.wait_text("カードがロックされました")
    stack.stop("portal")
    stack.start_portal()  # and it stays so
    assert resident.cards()[3]["sign_locked"]
    assert resident.path().endswith("/sign")


def wait_status(resident, receipt, text, patience=60):
    deadline = time.monotonic() + patience
    while True:
        resident.open(f"/applications/{receipt}")
        resident.wait_heading("申請の状況")
        if text in resident.text():
            return
        assert time.monotonic() < deadline, resident.text()
        time.sleep(0.5)


def pulled(business, receipt, patience=90):
    deadline = time.monotonic() + patience
    while receipt not in business.records:
        assert time.monotonic() < deadline, f"{receipt} did not come"
        business.pull()
        time.sleep(0.3)
    return business.records[receipt]


def test_correction_and_resubmission(resident, stack, businesses, claim, tmp_path):
    """The business system finds something: the resident reads it, and sends a corrected one."""
    business = businesses[claim.destination]
    first = submit_claim(resident, claim, tmp_path)
    pulled(business, first)
    message = "口座番号が通帳の写しと違います。\nご確認のうえ、訂正してください。"
    business.tell(first, "incomplete", message)
    wait_status(resident, first, "訂正が必要です")
    assert "ご確認のうえ、訂正してください。" in resident.text()
    resident.shot("desktop-correction")
    resident.click("内容を訂正する")
    resident.wait_text(f"受付番号 {first} の訂正です")
    while "内容の確認" not in resident.heading():
        if "支払先" in resident.heading():
            number = resident.browser.find_element(By.ID, "f-account_number")
            assert number.get_attribute("value") == "1234567"  # what was sent is there
            resident.type(number, "7654321")
        resident.next()
    card = card_for(resident.cards(), claim.example()[0])
    second = resident.submit(card["sign_pin"])
    assert stack.portal_status(second)["corrects"] == first
    wait_status(resident, first, "訂正済み")
    assert second in resident.text() and not resident.named("内容を訂正する")
    record = pulled(business, second)["record"]
    assert record["account"]["number"] == "7654321"
    assert stack.applications()[first]["state"] == "superseded"


def test_withdrawal(resident, stack, claim, tmp_path):
    receipt = submit_claim(resident, claim, tmp_path)
    # what is taken back before the city took it in, the portal does not list any more
    resident.until(lambda: receipt in stack.applications(), "the city to have it", 60)
    resident.click("この申請を取り下げる")
    resident.wait_text("もとに戻せません")
    resident.shot("desktop-withdraw")
    resident.click("やめる")
    resident.click("この申請を取り下げる")
    resident.click("取り下げる")
    resident.wait_text("この申請は取り下げられました")
    assert stack.portal_status(receipt)["status"] == "取下げ"
    assert not resident.named("この申請を取り下げる")
    resident.until(lambda: stack.applications().get(receipt, {}).get("state") == "withdrawn",
                   "the city to know", 60)


def press(resident, *keys):
    actions = ActionChains(resident.browser)
    for key in keys:
        actions.send_keys(key)
    actions.perform()


def tab_to(resident, want, most=80):
    """Tabs until the element that has the focus is the one; as a person without a mouse."""
    for _ in range(most):
        focus = resident.script("""
            const e = document.activeElement;
            return [e.id, (e.innerText || '').trim(), getComputedStyle(e).outlineStyle]""")
        if want in focus[:2]:
            assert focus[2] != "none", f"{want} shows no focus"
            return
        press(resident, Keys.TAB)
    raise AssertionError(f"no way to {want} by the keyboard")


def test_keyboard_alone(resident, claim):
    """From the top page to the second step without a mouse."""
    card, form, _ = logged_in(resident, claim)
    facts = {item.tag.rsplit("}", 1)[-1]: item.text for item in next(iter(form))}
    resident.open(f"/services/{CLAIM}")
    resident.wait_heading("児童手当")
    tab_to(resident, "申請をはじめる")
    press(resident, Keys.ENTER)
    resident.wait_heading("請求者")
    assert resident.script("return document.activeElement.tagName") == "H1"
    tab_to(resident, "カードから入力する")
    press(resident, Keys.SPACE)
    for name in ("name-kana", "postal-code", "phone", "individual-number"):
        tab_to(resident, f"f-claimant_{name}")
        resident.cdp("Input.insertText", text=facts[name])
    for name in ("occupation", "pension"):
        tab_to(resident, f"f-claimant_{name}")
        press(resident, Keys.SPACE)
    tab_to(resident, "次へ")
    press(resident, Keys.ENTER)
    resident.until(lambda: resident.path().endswith("/2") or resident.errors(), "the second step")
    assert resident.path().endswith("/2"), resident.errors()
    assert resident.script("return document.activeElement.tagName") == "H1"


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_every_page_is_accessible_and_fits(resident, claim, tmp_path, size):
    """axe-core finds nothing serious, and nothing is wider than the window."""
    resident.size(size)
    wrong = []

    def look(name):
        time.sleep(0.1)
        resident.shot(f"{size}-{name}")
        if resident.script(WIDTH) > 0:
            wrong.append(f"{name} is wider than the window")
        wrong.extend(f"{name}: {fault}" for fault in resident.axe())

    for name, path, heading in (("home", "/", "市の手続"), ("search", "/services", "手続をさがす"),
                                ("missing", "/services/nothing", "見つかりません")):
        resident.open(path)
        resident.until(lambda: heading in resident.heading(), name)
        look(name)
    resident.open("/services")
    resident.wait_text("見つかりました")
    look("services")
    card, form, beside = logged_in(resident, claim)
    resident.open(f"/services/{CLAIM}")
    resident.wait_heading("児童手当")
    look("service")
    service = resident.begin(CLAIM)
    resident.wait_heading("請求者")
    resident.click("次へ")
    resident.wait_text("入力内容をご確認ください")
    look("errors")
    wanted = {document["id"]: 1 for document in service.get("documents", [])[:1]}
    resident.fill_all(service, form, wanted, tmp_path, look)
    resident.wait_heading("内容の確認")
    look("confirm")
    resident.click("署名に進む")
    resident.sign("WRONG1")
    resident.wait_text("暗証番号が違います")
    look("sign")
    resident.sign(card["sign_pin"])
    resident.wait_heading("申請を送信しました")
    look("receipt")
    resident.click("送信した内容を見る")
    look("application")
    resident.open("/applications")
    resident.wait_text("送信した申請")
    look("applications")
    resident.click("ログアウト")
    resident.wait_heading("市の手続")
    resident.open("/login")
    resident.wait_heading("ログイン")
    look("login")
    assert not wrong
