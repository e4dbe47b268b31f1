"""The staff console in a real browser: signing in with a (virtual) authenticator, and the locked
screen."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from staff import PASSWORD


@pytest.fixture(scope="module")
def keiko(people):
    """An administrator, whose first page is 管理: enrolled with the terminal's authenticator."""
    return people["keiko"]


def test_enrolled_with_the_authenticator(house, keiko):
    assert house.psql("SELECT count(*) FROM account_credential JOIN account USING (account_id)"
                      " WHERE name = 'keiko'") == "1\n"
    assert "管野恵子" in keiko.text(".who")
    keiko.look("first-page")


def test_sign_out_and_in_again(keiko):
    keiko.press("サインアウト")
    keiko.heading("サインイン")
    keiko.look("signin")
    assert "すべて記録" in keiko.text(".notice")
    keiko.sign_in("keiko", PASSWORD)
    keiko.heading("確認待ちの変更案")
    assert "前回の利用" in keiko.text(".last")
    keiko.look("signed-in-again")


def test_wrong_password_says_what_to_do(keiko):
    keiko.press("サインアウト")
    keiko.heading("サインイン")
    keiko.type(name="keiko", password="wrong")
    keiko.keys(Keys.ENTER)
    keiko.says("もう一度入れてください")
    keiko.type(name="keiko", password=PASSWORD)
    keiko.keys(Keys.ENTER)
    keiko.heading("本人の確認")
    keiko.look("second-factor")
    keiko.press("認証器で確認する")
    keiko.heading("確認待ちの変更案")


def test_locked_screen_shows_nothing_and_comes_back(house, keiko):
    house.psql("UPDATE session SET seen_at = now() - interval '11 min' FROM account a"
               " WHERE a.account_id = session.account_id AND a.name = 'keiko' AND ended_at IS NULL")
    keiko.browser.refresh()
    keiko.heading("画面をロックしました")
    assert not keiko.browser.find_elements(By.TAG_NAME, "table")
    keiko.look("locked")
    keiko.type(password=PASSWORD)
    keiko.keys(Keys.ENTER)
    keiko.heading("確認待ちの変更案")
