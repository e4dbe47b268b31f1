"""For the tests of work at the console: a town whose applications wait for staff, who signed in,
and what they ask."""

import pytest

from console_staff import enrolment_code
from test_console_sign_in import Browser

CHILD, OTHER = "child-allowance", "health"
PROCEDURE = "child-allowance.certification-claim"
DEPARTMENT = "子育て支援課"
PEOPLE = {  # rights, business, department
    "hanako": (["see", "identify", "confirm", "examine", "approve"], CHILD, DEPARTMENT),
    "taro": (["see", "identify", "confirm", "examine", "approve", "number"], CHILD, DEPARTMENT),
    "looker": (["see"], CHILD, DEPARTMENT),
    "other": (["see", "identify", "confirm", "examine", "approve", "number"], OTHER, "健康課"),
    "chief": (["see", "protected", "approve", "number"], "*", "*"),
    "admin": (["admin", "audit"], "*", "*"),
}


def person(stack, name, rights, business, department):
    """An account with its rights, signed in. That two people are needed for it is tested with
    signing in; here the second one is the database."""
    stack.psql("INSERT INTO account (city_code, name, display_name, department, kind, valid_from,"
               f" valid_to, created_by, approved_by) VALUES ('992011', '{name}', '職員{name}',"
               " '課', 'staff', now() - interval '1 d', now() + interval '1 y', 'a', 'b')")
    for right in rights:
        stack.psql("INSERT INTO account_right SELECT city_code, account_id,"
                   f" '{business}', '{department}', '{right}', 'a', 'b' FROM account"
                   f" WHERE name = '{name}'")
    browser = Browser(stack)
    browser.enrol(name, enrolment_code(stack, name))
    return browser


@pytest.fixture(scope="module")
def house(make_module_stack, tmp_path_factory):
    site = tmp_path_factory.mktemp("site")
    (site / "index.html").write_text("<!doctype html><title>受付</title>")
    stack = make_module_stack({
        "console": {"site": site, "idle": "1h", "proof": "10h"},
        "channel pittari": {"status-correction": "要訂正", "status-withdrawn": "取下げ"},
        f"route {PROCEDURE}": {"approval": "staff", "business": CHILD, "department": DEPARTMENT}})
    stack.up(server=False, business=False)
    town = stack.make_town("town", "--seed", "5", "--count", "16")
    stack.submit_town(town)
    for role in ("collect", "examine", "identify", "routing"):
        assert stack.uketsuke(role, "--once").returncode == 0
    stack.start_console()
    stack.uketsuke("terminal", "add", "--label", "窓口1", "--department", "市民課",
                   "--also", "*", "--address", "127.0.0.1", "--first")
    stack.people = {name: person(stack, name, *have) for name, have in PEOPLE.items()}
    return stack


def waiting(house, state, reason=None):
    """Receipt numbers, first applied first."""
    why = f" AND reason = '{reason}'" if reason else " AND reason NOT LIKE '%protected%'"
    return house.psql("SELECT receipt_number FROM application a WHERE"
                      f" state = '{state}'{why} ORDER BY applied_at, application_id").split()


def audit(house, receipt, action):
    return int(house.psql(
        "SELECT count(*) FROM audit_entry e JOIN application a ON"
        f" a.application_id::text = e.application_id WHERE a.receipt_number = '{receipt}'"
        f" AND e.action = '{action}' AND e.chain = 'console'"))


def path(receipt, rest=""):
    return f"/api/applications/{receipt}{rest}"


def view(house, name, receipt):
    answer = house.people[name].get(path(receipt))
    assert answer.status_code == 200, answer.text
    return answer.json()


def errors(answer, status):
    assert answer.status_code == status, answer.text
    return answer.json()["errors"][0]


def candidate_of(house, name, receipts):
    for receipt in receipts:
        for found in view(house, name, receipt)["decision"]["candidates"]:
            if not found["resident"]["protected"]:
                return receipt, found["resident"]
    raise AssertionError("nobody has a candidate")


def act(house, name, receipt, what, **more):
    body = {"reason": "確かめた", "version": view(house, name, receipt)["version"], **more}
    return house.people[name].post(path(receipt, f"/{what}"), **body)
