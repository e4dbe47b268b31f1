"""A morning at the console in real browsers: one clerk decides who the applicant is, with the
keyboard alone; another confirms on a screen of their own."""

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
PROCEDURE = "child-allowance.certification-claim"
DEPARTMENT = "子育て支援課"
RIGHTS = ("see", "identify", "confirm", "examine", "approve")


def make_account(stack, name):
    stack.psql("INSERT INTO account (city_code, name, display_name, department, kind, valid_from,"
               f" valid_to, created_by, approved_by) VALUES ('992011', '{name}', '職員{name}',"
               f" '{DEPARTMENT}', 'staff', now() - interval '1 d', now() + interval '1 y', 'a', 'b')")
    for right in RIGHTS:
        stack.psql("INSERT INTO account_right SELECT city_code, account_id, 'child-allowance',"
                   f" '{DEPARTMENT}', '{right}', 'a', 'b' FROM account WHERE name = '{name}'")
    return enrolment_code(stack, name)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    subprocess.run([ROOT / "intake" / "console" / "site" / "build"], check=True)
    folder = tmp_path_factory.mktemp("w")
    for parent in [folder, *folder.parents][:4]:
        try:
            parent.chmod(parent.stat().st_mode | 0o055)
        except PermissionError:
            break
    stack = Stack(folder, durable=False, settings={
        "work": {"lease": "3s"},
        f"route {PROCEDURE}": {"approval": "staff", "business": "child-allowance",
                               "department": DEPARTMENT}})
    try:
        stack.up(server=False, business=False)
        stack.submit_town(stack.make_town("town", "--seed", "5", "--count", "16"))
        for role in ("collect", "examine", "identify", "routing"):
            stack.uketsuke(role, "--once")
        stack.start_console()
        stack.uketsuke("terminal", "add", "--label", "窓口1", "--department", DEPARTMENT,
                       "--address", "127.0.0.1", "--first")
        yield stack
    finally:
        stack.stop_all()


@pytest.fixture(scope="module")
def people(house, request):
    shots = request.config.getoption("--shots")
    if shots:
        shots.mkdir(parents=True, exist_ok=True)
    made = {}
    try:
        for name in ("hanako", "taro"):
            staff = Staff(f"https://localhost:{house.ports['console']}/",
                          house.folder / "pki" / "routing.pem", shots)
            made[name] = staff
            staff.enrol(name, make_account(house, name), PASSWORD)
            staff.heading("職員の対応を待つ申請")
        yield made
    finally:
        for staff in made.values():
            staff.close()


def state_of(house, receipt):
    return house.psql(f"SELECT state FROM application WHERE receipt_number = '{receipt}'").strip()


def candidates(staff):
    return staff.browser.find_elements(By.CLASS_NAME, "candidate")


def to_queue(staff, tab="申請者未特定"):
    staff.browser.execute_script("location.hash = '#/'")
    staff.heading("職員の対応を待つ申請")
    staff.press(tab)
    staff.until(lambda: staff.browser.find_elements(By.CSS_SELECTOR, "tr.current"), "a row")


def open_with_candidates(staff):
    """Down the queue with j until an application has candidates; its receipt number."""
    for below in range(12):
        to_queue(staff)
        body = staff.browser.find_element(By.TAG_NAME, "body")
        body.send_keys("j" * below)
        body.send_keys(Keys.ENTER)
        staff.until(lambda: staff.browser.find_elements(By.CLASS_NAME, "receipt"), "an application")
        staff.until(lambda: staff.browser.find_elements(By.CLASS_NAME, "compare"), "the candidates")
        if candidates(staff):
            return staff.browser.find_element(By.CLASS_NAME, "receipt").text
    raise AssertionError("no application with candidates")


def test_queue_as_it_looks(people):
    hanako = people["hanako"]
    to_queue(hanako)
    hanako.shot("queue-filled")
    assert hanako.serious() == []
    hanako.size(1920, 1080)
    hanako.shot("queue-wide")
    hanako.size(1366, 768)


def test_who_it_is_with_four_keys_and_a_second_person(house, people):
    hanako, taro = people["hanako"], people["taro"]
    receipt = open_with_candidates(hanako)
    hanako.shot("unmatched")
    assert hanako.serious() == []
    body = hanako.browser.find_element(By.TAG_NAME, "body")
    body.send_keys("1")                                # the first candidate; the reason has the focus
    hanako.shot("chosen")
    hanako.keys("1")                                   # the first reason
    hanako.keys(Keys.ENTER)
    hanako.heading("職員の対応を待つ申請")
    assert state_of(house, receipt) == "unmatched"     # one person decides nothing
    assert house.psql("SELECT proposed_by FROM identification_proposal") == "staff:hanako\n"
    # her own screen offers her no confirmation
    hanako.open(f"#/applications/{receipt}")
    hanako.says("ほかの職員が確認します")
    assert not hanako.browser.find_elements(By.ID, "confirm-reason")
    to_queue(hanako)
    taro.open(f"#/applications/{receipt}")
    taro.says("二人目の確認")
    taro.shot("confirm")
    assert taro.serious() == []
    taro.type(**{"confirm-reason": "氏名と生年月日を見比べた"})
    taro.keys(Keys.ENTER)
    taro.heading("職員の対応を待つ申請")
    assert state_of(house, receipt) == "identified"


def test_second_writer_is_told_what_changed(house, people):
    hanako, taro = people["hanako"], people["taro"]
    to_queue(taro, "審査待ち")
    receipt = taro.browser.find_element(By.CSS_SELECTOR, "tr.current a").text
    to_queue(hanako, "審査待ち")
    hanako.open(f"#/applications/{receipt}")
    hanako.says("申請の内容")
    hanako.press("保留する")
    hanako.browser.execute_script(
        "const f = document.getElementById('until'); f.focus();")
    hanako.browser.find_element(By.ID, "until").send_keys("2027", Keys.TAB, "01", "05")
    hanako.type(**{"act-reason": "資料を待つ"})
    # meanwhile somebody else moves it
    house.psql("UPDATE application SET state = 'review', changed_by = 'role:routing',"
               f" changed_at = now() WHERE receipt_number = '{receipt}'")
    hanako.press("この日まで保留する")
    hanako.until(lambda: hanako.browser.find_elements(By.CLASS_NAME, "notice-error"), "told")
    hanako.shot("stale")
    assert house.psql("SELECT count(*) FROM staff_hold") == "0\n"


def test_overview(house, people):
    hanako = people["hanako"]
    hanako.open("#/overview")
    hanako.heading("今日の状況")
    count = house.psql("SELECT count(*) FROM application"
                       f" WHERE procedure_id = '{PROCEDURE}'").strip()
    hanako.says(f"今日届いた申請 {count} 件")
    hanako.shot("overview")
    assert hanako.serious() == []


def test_zoom_of_200_percent_loses_nothing(people):
    hanako = people["hanako"]
    to_queue(hanako)
    hanako.size(683, 384)  # 1366×768 at 200 %
    hanako.shot("zoom")
    wide = hanako.browser.execute_script(
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    hanako.size(1366, 768)
    assert wide <= 0


def test_pages_keep_their_policy(people):
    for staff in people.values():
        assert staff.faults() == []
