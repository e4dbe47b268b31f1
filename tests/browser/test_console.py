"""The staff console in a real browser: signing in with a (virtual) authenticator, the locked screen,
and what waits."""

import pathlib
import subprocess

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from staff import Staff
from stack import Stack

ROOT = pathlib.Path(__file__).resolve().parents[2]
PASSWORD = "Yamazakura-7-hon"


@pytest.fixture(scope="module")
def console(tmp_path_factory):
    subprocess.run([ROOT / "intake" / "console" / "site" / "build"], check=True)
    folder = tmp_path_factory.mktemp("c")
    for parent in [folder, *folder.parents][:4]:
        try:
            parent.chmod(parent.stat().st_mode | 0o055)
        except PermissionError:
            break
    stack = Stack(folder, durable=False, settings={"work": {"lease": "3s"}})
    try:
        stack.make_postgres()
        stack.start_postgres()
        stack.make_world()
        stack.make_database()
        stack.start_console()
        stack.uketsuke("terminal", "add", "--label", "窓口1", "--department", "市民課",
                       "--address", "127.0.0.1", "--first")
        yield stack
    finally:
        stack.stop_all()


@pytest.fixture(scope="module")
def hanako(console, request):
    """The first administrator, whose first page is 管理: enrolled with the terminal's authenticator,
    and signed in."""
    shots = request.config.getoption("--shots")
    if shots:
        shots.mkdir(parents=True, exist_ok=True)
    out = console.uketsuke("user", "add", "hanako", "--display-name", "桜野花子", "--department",
                           "情報課", "--first").stdout
    code = next(line.strip() for line in out.splitlines() if line.startswith("    "))
    staff = Staff(f"https://localhost:{console.ports['console']}/",
                  console.folder / "pki" / "routing.pem", shots)
    try:
        staff.enrol("hanako", code, PASSWORD)
        staff.heading("確認待ちの変更案")
        yield staff
    finally:
        staff.close()


def test_enrolled_with_the_authenticator(console, hanako):
    assert console.psql("SELECT count(*) FROM account_credential") == "1\n"
    assert "桜野花子" in hanako.browser.find_element(By.CLASS_NAME, "who").text
    hanako.shot("queue")
    assert hanako.serious() == []


def test_sign_out_and_in_again(hanako):
    hanako.press("サインアウト")
    hanako.heading("サインイン")
    hanako.shot("signin")
    assert hanako.serious() == []
    assert "すべて記録" in hanako.browser.find_element(By.CLASS_NAME, "notice").text
    hanako.sign_in("hanako", PASSWORD)
    hanako.heading("確認待ちの変更案")
    assert "前回の利用" in hanako.browser.find_element(By.CLASS_NAME, "last").text
    assert hanako.serious() == []


def test_wrong_password_says_what_to_do(hanako):
    hanako.press("サインアウト")
    hanako.heading("サインイン")
    hanako.type(name="hanako", password="wrong")
    hanako.keys(Keys.ENTER)
    hanako.says("もう一度入れてください")
    hanako.sign_in("hanako", PASSWORD)
    hanako.heading("確認待ちの変更案")


def test_locked_screen_shows_nothing_and_comes_back(console, hanako):
    console.psql("UPDATE session SET seen_at = now() - interval '11 min' WHERE ended_at IS NULL")
    hanako.browser.refresh()
    hanako.heading("画面をロックしました")
    assert not hanako.browser.find_elements(By.TAG_NAME, "table")
    hanako.shot("locked")
    assert hanako.serious() == []
    hanako.type(password=PASSWORD)
    hanako.keys(Keys.ENTER)
    hanako.heading("確認待ちの変更案")


def test_the_page_keeps_its_own_policy(hanako):
    assert hanako.faults() == []
