"""Signing in by the city's common base: its pages, and back."""

import pytest

from city import People, add_terminal
from common_base import CommonBase, base_of
from stack import CONSOLE_SITE, Stack
from stacks import new_stack
from staff import PASSWORD

FACES = {"hanako": "face of hanako", "taro": "face of taro"}
HANAKO = ("桜野花子", "子育て支援課", ("admin",), ("*", "*"))


@pytest.fixture(scope="module")
def base_people(tmp_path_factory, shots):
    """(who may sign in at a console that has a common base, that base)"""
    Stack.build_site(CONSOLE_SITE)
    stack = new_stack(tmp_path_factory)
    base = None
    try:
        stack.make_postgres()
        stack.start_postgres()
        base = base_of(stack, tmp_path_factory.mktemp("base"), FACES)
        stack.make_database()
        stack.start_console()
        add_terminal(stack)
        yield People(stack, shots), base
    finally:
        if base:
            base.stop()
        stack.stop_all()


def test_there_and_back(base_people):
    """The first time and the next, as oneself; not as somebody else; and when one gives up."""
    people, base = base_people
    hanako = people.visitor()
    try:
        hanako.enrol("hanako", people.code("hanako", *HANAKO), PASSWORD, by="共通基盤で確認する")
        base.type_in(hanako.browser, "hanako", FACES["hanako"])
        hanako.heading("確認待ちの変更案")
        assert "code=" not in hanako.browser.current_url
        hanako.press("サインアウト")

        password(hanako)
        hanako.look("common-base")
        hanako.press("共通基盤で確認する")
        CommonBase.type_in(hanako.browser, "taro", FACES["taro"])  # of one who sits beside her
        hanako.says("この利用者であることを確かめられませんでした")
        hanako.look("common-base-refused")
        hanako.press("サインインに戻る")
        hanako.heading("サインイン")

        password(hanako)
        hanako.press("共通基盤で確認する")
        hanako.until(lambda: hanako.find("#username, #loginbut, .btn"), "the pages of the base")
        hanako.open("?error=access_denied&state=x")
        hanako.says("確認が取りやめになりました")
        assert hanako.faults() == []
    finally:
        hanako.close()


def password(staff):
    """At a terminal where nobody is signed in, here or there."""
    staff.cdp("Network.clearBrowserCookies")
    staff.open()
    staff.heading("サインイン")
    staff.type(name="hanako", password=PASSWORD)
    staff.press("次へ")
    staff.heading("共通基盤")
