"""The pictures of docs/staff.ja.md, of made-up people: `pytest tests/browser/test_guide.py --guide
docs/staff` makes them anew. Without --guide: every page that the guide tells of can be reached as it
says, and every picture that it shows is there."""

import pathlib
import re

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from test_console_work import (PASSWORD, candidates, house,  # noqa: F401
                               open_with_candidates, people, to_queue)

GUIDE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "staff.ja.md"
SHOWN = set(re.findall(r"!\[[^\]]+\]\(staff/([a-z-]+)\.png\)", GUIDE.read_text("utf-8")))


def picture(staff, request, name):
    """What the screen shows, not the whole of a long page."""
    folder = request.config.getoption("--guide")
    assert name in SHOWN, f"docs/staff.ja.md does not show {name}"
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        staff.picture(folder / f"{name}.png")


def test_every_picture_is_there(request):
    if not request.config.getoption("--guide"):
        assert SHOWN == {path.stem for path in GUIDE.with_name("staff").glob("*.png")}


def test_signing_in(people, request):  # noqa: F811
    taro = people["taro"]
    taro.press("サインアウト")
    taro.heading("サインイン")
    taro.type(name="taro", password=PASSWORD)
    picture(taro, request, "sign-in")
    taro.keys(Keys.ENTER)
    taro.heading("本人の確認")
    picture(taro, request, "second-factor")
    taro.press("認証器で確認する")
    taro.heading("職員の対応を待つ申請")


def test_the_queue(people, request):  # noqa: F811
    hanako = people["hanako"]
    to_queue(hanako, "審査待ち")
    picture(hanako, request, "queue")


def test_who_it_is(people, request):  # noqa: F811
    hanako, taro = people["hanako"], people["taro"]
    receipt = open_with_candidates(hanako)
    hanako.browser.find_element(By.TAG_NAME, "body").send_keys("1")
    hanako.until(lambda: hanako.browser.switch_to.active_element.tag_name == "select", "reasons")
    hanako.keys("1")
    picture(hanako, request, "who")
    hanako.keys(Keys.ENTER)
    hanako.heading("職員の対応を待つ申請")
    taro.open(f"#/applications/{receipt}")
    taro.says("二人目の確認")
    taro.until(lambda: candidates(taro), "the candidates")
    picture(taro, request, "second-person")


def test_deciding(people, request):  # noqa: F811
    hanako = people["hanako"]
    to_queue(hanako, "審査待ち")
    hanako.browser.find_element(By.TAG_NAME, "body").send_keys(Keys.ENTER)
    hanako.press("訂正を求める")
    hanako.until(lambda: hanako.browser.find_elements(By.ID, "act-reason"), "the reason")
    picture(hanako, request, "decide")
    to_queue(hanako, "審査待ち")


def test_the_day(people, request):  # noqa: F811
    hanako = people["hanako"]
    hanako.browser.execute_script("location.hash = '#/overview'")
    hanako.heading("今日の状況")
    hanako.until(lambda: hanako.browser.find_elements(By.TAG_NAME, "table"), "the figures")
    picture(hanako, request, "day")


def test_the_locked_screen(house, people, request):  # noqa: F811
    hanako = people["hanako"]
    house.psql("UPDATE session SET seen_at = now() - interval '11 min' WHERE ended_at IS NULL")
    hanako.browser.refresh()
    hanako.heading("画面をロックしました")
    picture(hanako, request, "locked")
