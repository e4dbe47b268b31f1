"""For the tests of administration: a console with administrators, an auditor and others who signed
in, and what they ask of it."""

import pytest

from console_staff import enrolment_code, make_account
from test_console_sign_in import Browser

PEOPLE = {  # rights
    "keiko": ["admin"], "sachiko": ["admin", "audit"], "kansa": ["audit"],
    "hanako": ["see", "examine"], "kyuyo": ["see"],
}
NEW = {"display_name": "新人太郎", "department": "子育て支援課", "kind": "staff",
       "valid_from": "2026-04-01", "valid_to": "2099-03-31", "disabled": False,
       "rights": [{"business": "児童手当", "department": "子育て支援課", "right": "see"}]}


def person(stack, name, rights=()):
    """Signed in; with the key of their one-time codes."""
    make_account(stack, name, f"職員{name}", "情報政策課", rights)
    browser = Browser(stack)
    browser.secret = browser.enrol(name, enrolment_code(stack, name))
    return browser


def empty_hall(make_stack, tmp_path_factory):
    """A console with one terminal, without applications and people."""
    site = tmp_path_factory.mktemp("site")
    (site / "index.html").write_text("<!doctype html><title>受付</title>")
    stack = make_stack({"console": {"site": site, "idle": "1h", "proof": "10h"}})
    stack.make_postgres()
    stack.start_postgres()
    stack.make_world()
    stack.make_database()
    stack.start_console()
    stack.uketsuke("terminal", "add", "--label", "窓口1", "--department", "市民課",
                   "--also", "*", "--address", "127.0.0.1", "--first")
    return stack


@pytest.fixture(scope="module")
def house(make_module_stack, tmp_path_factory):
    stack = empty_hall(make_module_stack, tmp_path_factory)
    stack.people = {name: person(stack, name, rights) for name, rights in PEOPLE.items()}
    return stack


def current(house, what, subject):
    items = house.people["keiko"].get(f"/api/admin/{what}").json()["items"]
    return next((i["value"] for i in items if i["subject"] == subject), None)


def propose(house, who, kind, subject, before, after, reason="人事異動のため"):
    return house.people[who].post("/api/admin/changes", kind=kind, subject=subject, before=before,
                                  after=after, reason=reason)


def settle(house, who, change, how="confirm", **body):
    return house.people[who].post(f"/api/admin/changes/{change}/{how}", **body)


def waiting(house):
    items = house.people["keiko"].get("/api/admin/changes").json()["items"]
    return [i for i in items if i["state"] == "waiting"]


def done(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()


def message(answer, status):
    assert answer.status_code == status, answer.text
    return answer.json()["errors"][0]["message"]


def actions(house):
    return house.psql("SELECT action FROM audit_entry WHERE chain = 'console'"
                      " ORDER BY position").split()


def report(house, code, day="2026-06-01", to=None, who="kansa"):
    return house.people[who].get(f"/api/audit/reports/{code}?from={day}&to={to or day}")
