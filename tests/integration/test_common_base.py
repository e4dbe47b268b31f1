"""The city's common base as the second factor at the console: Glewlwyd, an OpenID Connect provider
of Debian, and who comes back from it with what is not theirs."""

import urllib.parse

import pytest

from administration import empty_hall
from common_base import base_of
from console_staff import enrolment_code, make_account
from test_console_sign_in import PASSWORD, Browser, audit

PEOPLE = {"hanako": "face of hanako", "taro": "face of taro"}


@pytest.fixture(scope="module")
def house(make_module_stack, tmp_path_factory):
    def make(settings):
        stack = make_module_stack(settings)
        stack.base = base_of(stack, tmp_path_factory.mktemp("base"), PEOPLE)
        return stack
    stack = empty_hall(make, tmp_path_factory)
    for name in PEOPLE:
        make_account(stack, name, f"職員{name}", "市民課", ["see"])
        begin(stack, name)
        browser = Browser(stack)
        answer = browser.post("/api/enrolment", name=name, code=enrolment_code(stack, name),
                              password=PASSWORD)
        assert answer.status_code == 200, answer.text
        assert back(browser, stack.base, name).status_code == 200
        browser.http.delete(browser.base + "/api/session", timeout=20)
    yield stack
    stack.base.stop()


def begin(stack, name):
    """Half a session: the password was right."""
    browser = Browser(stack)
    browser.post("/api/session", name=name, password=PASSWORD)
    return browser


def brought(browser, base, name):
    """What the browser brings back from the base, where `name` signed in."""
    address = browser.post("/api/session/common-base").json()["address"]
    query = urllib.parse.urlsplit(base.sign_in(address, name, PEOPLE[name])).query
    return {key: values[0] for key, values in urllib.parse.parse_qs(query).items()}


def give(browser, found):
    return browser.post("/api/session/common-base/back", state=found["state"], code=found["code"])


def back(browser, base, name):
    return give(browser, brought(browser, base, name))


def test_the_word_of_the_base_is_the_second_factor(house):
    browser = begin(house, "hanako")
    assert browser.post("/api/session/challenge").json()["common_base"] == "共通基盤"
    assert browser.get("/api/session").status_code == 401
    answer = back(browser, house.base, "hanako")
    assert answer.status_code == 200, answer.text
    assert browser.get("/api/session").json()["name"] == "hanako"
    assert house.psql("SELECT reason FROM audit_entry WHERE action = 'session.begun'"
                      " ORDER BY position DESC LIMIT 1").strip() == "common-base"
    # the first time used the one-time code up
    assert house.psql("SELECT count(*) FROM account WHERE enrolment_until IS NOT NULL").strip() == "0"
    browser.http.delete(browser.base + "/api/session", timeout=20)


def test_the_word_is_about_whose_password_it_was(house):
    browser = begin(house, "hanako")
    answer = back(browser, house.base, "taro")
    assert answer.status_code == 401 and "共通基盤" in answer.json()["errors"][0]["message"]
    assert browser.get("/api/session").status_code == 401
    assert audit(house)[-1] == "session.wrong-common-base"
    assert house.psql("SELECT failures FROM account WHERE name = 'hanako'").strip() == "1"
    house.psql("UPDATE account SET failures = 0")


def test_what_is_brought_back_is_of_this_session_and_good_once(house):
    one, other = begin(house, "hanako"), begin(house, "hanako")
    found = brought(one, house.base, "hanako")
    other.post("/api/session/common-base")
    assert give(other, found).status_code == 401  # the state is not of what it asked
    strange = dict(found, code=brought(other, house.base, "hanako")["code"])
    assert give(one, strange).status_code == 401  # nor the code: PKCE
    assert give(one, found).status_code == 401    # and the question was good once
    assert give(begin(house, "hanako"), found).status_code == 401  # nothing was asked
    again = begin(house, "hanako")
    found = brought(again, house.base, "hanako")
    house.psql("UPDATE account SET failures = 0, locked_until = NULL")
    assert give(again, found).status_code == 200
    assert give(again, found).status_code == 401  # it is whole, and no half any longer
    again.http.delete(again.base + "/api/session", timeout=20)


def test_a_wrong_word_counts_and_locks(house):
    for _ in range(5):
        browser = begin(house, "taro")
        browser.post("/api/session/common-base")
        assert browser.post("/api/session/common-base/back", state="0" * 64,
                            code="x").status_code == 401
    assert house.psql("SELECT locked_until > now() FROM account WHERE name = 'taro'").strip() == "t"
    assert begin(house, "taro").post("/api/session/common-base").status_code == 401
    house.psql("UPDATE account SET failures = 0, locked_until = NULL")


def test_who_signed_in_there_long_ago_did_not_sign_in_now(house):
    browser = begin(house, "hanako")
    house.base.front.sign_in_time = False  # its tokens tell 1970
    assert back(browser, house.base, "hanako").status_code == 401
    house.base.front.sign_in_time = True
    house.psql("UPDATE account SET failures = 0")


@pytest.mark.parametrize("body", [{}, {"state": "a"}, {"code": "a"}, {"state": 1, "code": "a"},
                                  {"state": "a", "code": "b" * 2049}])
def test_what_is_no_answer_of_a_base_is_refused(house, body):
    browser = begin(house, "hanako")
    assert browser.post("/api/session/common-base/back", **body).status_code == 400


def test_new_keys_of_the_base_are_fetched(house):
    browser = begin(house, "hanako")
    house.base.replace_signing_key()
    assert back(browser, house.base, "hanako").status_code == 200
    browser.http.delete(browser.base + "/api/session", timeout=20)


def test_a_base_that_is_down_is_said_and_counts_for_nothing(house):
    browser = begin(house, "hanako")
    found = brought(browser, house.base, "hanako")
    house.base.stop()
    answer = give(browser, found)
    assert answer.status_code == 503 and "つながりません" in answer.json()["errors"][0]["message"]
    assert house.psql("SELECT failures FROM account WHERE name = 'hanako'").strip() == "0"
    assert browser.get("/api/session").status_code == 401
    house.base.start()
