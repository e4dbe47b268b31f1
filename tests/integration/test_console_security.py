"""What a stranger, a curious colleague or a hostile page tries at the console, on the real program.
What belongs to one application is in test_console_decide.py."""

import re
import statistics
import time
import uuid

import pytest
import requests

from administration import empty_hall, person
from test_console_sign_in import PASSWORD, Browser, code_of

PUBLIC, HALF, UNLOCK, SESSION = "terminal", "half", "unlock", "session"
# Every endpoint that belongs to no one application: who may ask. The last: a right.
NEEDS = {
    ("GET", "/"): PUBLIC, ("GET", "/app/{file}"): PUBLIC,
    ("GET", "/api/session"): SESSION, ("POST", "/api/session"): PUBLIC,
    ("DELETE", "/api/session"): UNLOCK, ("POST", "/api/session/unlock"): UNLOCK,
    ("POST", "/api/session/lock"): UNLOCK,
    ("POST", "/api/session/password"): UNLOCK, ("POST", "/api/session/totp"): HALF,
    ("POST", "/api/session/challenge"): HALF, ("POST", "/api/session/webauthn"): HALF,
    ("POST", "/api/session/common-base"): HALF, ("POST", "/api/session/common-base/back"): HALF,
    ("POST", "/api/enrolment"): PUBLIC, ("GET", "/api/enrolment/totp"): HALF,
    ("POST", "/api/enrolment/totp"): HALF, ("POST", "/api/enrolment/webauthn"): HALF,
    ("GET", "/api/queue"): "see", ("GET", "/api/overview"): "see",
    ("GET", "/api/templates"): "examine", ("GET", "/api/admin/changes"): "admin",
    ("POST", "/api/admin/changes"): "admin", ("POST", "/api/admin/changes/{id}/confirm"): "admin",
    ("POST", "/api/admin/personnel"): "admin",
    ("POST", "/api/admin/batches/{batch}/confirm"): "admin",
    ("POST", "/api/admin/batches/{batch}/reject"): "admin",
    ("POST", "/api/admin/batches/{batch}/cancel"): "admin",
    ("POST", "/api/admin/changes/{id}/cancel"): "admin",
    ("POST", "/api/admin/changes/{id}/reject"): "admin", ("GET", "/api/admin/users"): "admin",
    ("POST", "/api/admin/users/{name}/stop"): "admin", ("GET", "/api/admin/terminals"): "admin",
    ("GET", "/api/admin/holidays"): "admin", ("GET", "/api/admin/templates"): "admin",
    ("GET", "/api/admin/media"): "admin", ("GET", "/api/media"): "export",
    ("GET", "/api/admin/procedures"): "admin",
    ("GET", "/api/admin/procedures/{id}/{version}"): "admin", ("GET", "/api/admin/feeds"): "admin",
    ("POST", "/api/admin/feeds/{id}/approve"): "admin", ("GET", "/api/audit/entries"): "audit",
    ("GET", "/api/audit/reports/{report}"): "audit",
    ("POST", "/api/audit/reports/{report}"): "audit", ("GET", "/api/audit/chain"): "audit",
    ("POST", "/api/audit/chain"): "audit", ("GET", "/api/audit/rights"): "audit",
    ("GET", "/api/audit/rights.csv"): "audit",
    ("GET", "/api/outputs"): "see audit", ("GET", "/api/counts"): "see",
}
RIGHTS = ("see", "identify", "confirm", "examine", "approve", "reroute", "number", "protected",
          "print", "export", "superior", "audit", "admin")


class From(requests.adapters.HTTPAdapter):
    """Connections from another address of this machine."""

    def __init__(self, address):
        self.address = address
        super().__init__()

    def init_poolmanager(self, *arguments, **options):
        super().init_poolmanager(*arguments, source_address=(self.address, 0), **options)


def at_terminal(house, number):
    browser = Browser(house)
    browser.http.mount("https://", From(f"127.0.0.{number}"))
    return browser


def make_terminal(house, number):
    house.psql("INSERT INTO terminal (city_code, label, department, also, address, proposed_by,"
               f" approved_by) VALUES ('992011', '窓口{number}', '市民課', '{{*}}',"
               f" '127.0.0.{number}', 'a', 'b')")


@pytest.fixture(scope="module")
def house(make_module_stack, tmp_path_factory):
    stack = empty_hall(make_module_stack, tmp_path_factory)
    stack.people = {right: person(stack, f"only-{right}", [right]) for right in RIGHTS}
    stack.people["none"] = person(stack, "only-none")
    return stack


def ask(browser, method, where):
    """With values that no rule of an endpoint takes: what is asked is only who may."""
    path = re.sub(r"{\w+}", str(uuid.uuid4()), where)
    send = {"json": {}} if method in ("POST", "PUT") else {}
    return browser.http.request(method, browser.base + path, timeout=20, **send)


# --- every endpoint -------------------------------------------------------------------------------

def endpoints(house):
    source = (house.build.parent / "intake" / "console" / "server.c").read_text()
    return set(re.findall(r'\{"([A-Z]+)",\s+"(/[^"]*)"', source))


def test_matrix_knows_every_endpoint(house):
    """A new endpoint has to be added above, or, about an application, to test_console_decide.py."""
    assert endpoints(house) == set(NEEDS)


def test_nobody_without_a_session(house):
    for (method, where), need in NEEDS.items():
        status = ask(Browser(house), method, where).status_code
        assert status == 401 if need != PUBLIC else status in (200, 400, 404), (method, where)


def test_every_endpoint_by_every_right(house):
    for (method, where), need in NEEDS.items():
        if need in (PUBLIC, HALF, UNLOCK):
            continue
        for name, browser in house.people.items():
            status = ask(browser, method, where).status_code
            allowed = need == SESSION or name in need.split()
            assert (status != 403) == allowed and status not in (401, 500), (method, where, name)


# What takes the password again when it was told too long ago; about an application without the path
# to it.
PROVEN = {("POST", path) for path in (
    "/numbers", "/print", "/export", "/outputs/{number}/approve", "/outputs/{number}/password",
    "/identify", "/confirm", "/undo", "/refuse", "/withdraw", "/api/admin/changes/{id}/confirm",
    "/api/admin/batches/{batch}/confirm", "/api/admin/feeds/{id}/approve")} | {
        ("GET", "/outputs/{number}/file")}


def test_what_takes_the_password_again(house):
    """Before anything else is looked at: of what a person may not do, and of what there is not."""
    source = (house.build.parent / "intake" / "console" / "server.c").read_text()
    about_one = set(re.findall(r'\{"([A-Z]+)",\s+APPLICATION "(/[^"]*)"', source))
    assert PROVEN <= about_one | set(NEEDS)
    browser = house.people["see"]
    house.psql("UPDATE session SET proven_at = now() - interval '601 min'")
    try:
        others = {one for one, need in NEEDS.items() if need not in (HALF, UNLOCK)}
        for method, where in about_one | others:
            path = where if (method, where) in NEEDS else f"/api/applications/R-1{where}"
            told = "E0108" in ask(browser, method, path).text
            assert told == ((method, where) in PROVEN), (method, where)
    finally:
        house.psql("UPDATE session SET proven_at = now()")


def test_from_no_terminal_of_ours_everything_is_refused(house):
    """Also with a session: it is the terminal's own."""
    stranger = at_terminal(house, 77)
    stranger.http.cookies.update(house.people["see"].http.cookies)
    for method, where in NEEDS:
        if where.startswith("/api/"):
            assert ask(stranger, method, where).status_code == 403, (method, where)
    make_terminal(house, 78)
    carried = at_terminal(house, 78)
    carried.http.cookies.update(house.people["see"].http.cookies)
    assert carried.get("/api/session").status_code == 401


def test_no_other_page_changes_anything(house):
    """CSRF: neither a foreign origin, nor none, nor what the browser calls cross-site."""
    before = house.psql("SELECT count(*), max(seen_at) FROM session WHERE ended_at IS NULL")
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": None},
                    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        evil = Browser(house)
        evil.http.headers.update(headers)
        evil.http.cookies.update(house.people["see"].http.cookies)
        for method, where in NEEDS:
            if method != "GET" or "Sec-Fetch-Site" in headers and where.startswith("/api/"):
                assert ask(evil, method, where).status_code == 403, (headers, method, where)
    assert house.psql("SELECT count(*), max(seen_at) FROM session WHERE ended_at IS NULL") == before


def test_nothing_personal_is_kept_by_the_browser(house):
    """And nobody may frame a page or take its content for something else; errors included."""
    for (method, where), _ in NEEDS.items():
        for browser in (house.people["see"], Browser(house)):
            if (method, where) in (("DELETE", "/api/session"), ("POST", "/api/session/lock")):
                continue  # they end what the others need
            headers = ask(browser, method, where).headers
            assert headers["Cache-Control"] == "no-store", (method, where)
            assert headers["X-Content-Type-Options"] == "nosniff"
            policy = headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy and headers["Referrer-Policy"] == "no-referrer"


def test_paths_lead_to_no_other_file(house):
    for name in ("..%2findex.html", "%2e%2e/%2e%2e/etc/passwd", "index.html%00.js", ".gitignore",
                 "..", "%2fetc%2fpasswd", "index.html/../../uketsuke.conf"):
        answer = requests.Request("GET", "https://x").prepare()
        answer.url = house.people["see"].base + "/app/" + name
        status = house.people["see"].http.send(answer, verify=str(house.folder / "pki" / "ca.pem"),
                                               timeout=20).status_code
        assert status in (400, 403, 404), name


# --- sessions -------------------------------------------------------------------------------------

def test_a_session_is_new_at_each_sign_in(house):
    """Fixation: a cookie that was there before is never anybody's session."""
    planted = "a" * 64
    victim = person(house, "victim")
    secret = victim.secret
    first = victim.http.cookies["__Host-uketsuke"]
    victim.http.delete(victim.base + "/api/session", timeout=20)
    again = Browser(house)
    again.http.cookies.set("__Host-uketsuke", planted, domain="localhost.local", secure=True)
    answer = again.post("/api/session", name="victim", password=PASSWORD)
    given = re.match(r"__Host-uketsuke=([0-9a-f]{64});", answer.headers["Set-Cookie"]).group(1)
    assert given not in (planted, first)
    again.http.cookies.clear()
    again.http.headers["Cookie"] = f"__Host-uketsuke={given}"
    assert again.post("/api/session/totp", code=code_of(secret)).status_code == 200
    for dead in (planted, first, given[:-1] + ("0" if given[-1] != "0" else "1")):
        thief = Browser(house)
        thief.http.headers["Cookie"] = f"__Host-uketsuke={dead}"
        assert thief.get("/api/session").status_code == 401
    assert house.psql("SELECT count(*) FROM session WHERE encode(token, 'hex')"
                      f" = '{given}'") == "0\n"  # the database knows only its hash


def test_a_half_session_opens_nothing(house):
    """The password alone is no sign-in, whatever is asked."""
    half = person(house, "halfway")
    half.http.delete(half.base + "/api/session", timeout=20)
    assert half.post("/api/session", name="halfway", password=PASSWORD).json() == {"next": True}
    for (method, where), need in NEEDS.items():
        if need not in (PUBLIC, HALF):
            assert ask(half, method, where).status_code == 401, (method, where)


# --- guessing -------------------------------------------------------------------------------------

def test_a_terminal_that_guesses_waits(house):
    """Spraying: one password for many accounts, each below its own limit."""
    make_terminal(house, 2)
    sprayer = at_terminal(house, 2)
    answers = [sprayer.post("/api/session", name=f"name{i}", password="Sakura-no-hana-1").status_code
               for i in range(22)]
    assert answers == [401] * 20 + [429] * 2
    right = sprayer.post("/api/session", name="only-see", password=PASSWORD)
    assert right.status_code == 429 and int(right.headers["Retry-After"]) > 0  # right or wrong: waits
    code = sprayer.post("/api/enrolment", name="x", code="00000000", password=PASSWORD)
    assert code.status_code == 429
    assert Browser(house).post("/api/session", name="only-see", password="wrong").status_code == 401
    assert "console.guessing" in house.log_text("console")
    house.psql("UPDATE account SET failures = 0 WHERE name = 'only-see'")


def test_unknown_names_take_as_long_as_known_ones(house):
    """In turns, so that what else the machine does meets both alike. The median of the differences,
    as a share of what one takes; a name that were not hashed would be off by nearly all of it."""
    person(house, "timed")
    whole, differences = [], []

    def took(browser, name):
        begun = time.monotonic()
        assert browser.post("/api/session", name=name, password="wrong").status_code == 401
        return time.monotonic() - begun
    for number in range(10, 14):  # a few terminals: each may guess twenty times
        make_terminal(house, number)
        browser = at_terminal(house, number)
        browser.get("/")  # connected
        for i in range(9):
            house.psql("UPDATE account SET failures = 0, locked_until = NULL WHERE name = 'timed'")
            pair = {name: took(browser, name)
                    for name in (("timed", "nobody") if i % 2 else ("nobody", "timed"))}
            whole.append(pair["timed"])
            differences.append(pair["timed"] - pair["nobody"])
    share = abs(statistics.median(differences)) / statistics.median(whole)
    assert share < 0.3, (share, whole, differences)


# --- the trail ------------------------------------------------------------------------------------

def test_entries_tell_who_and_from_where(house):
    """One person, one moment, one terminal, what was done; of what failed, too; and no password."""
    rows = [row.split("\t") for row in house.psql(
        "SELECT action, actor, coalesce(terminal, ''), at IS NOT NULL FROM audit_entry"
        " WHERE chain = 'console' AND actor NOT LIKE 'operator:%'").splitlines()]
    seen = {action for action, *_ in rows}
    assert {"session.begun", "session.ended", "session.wrong-password", "session.unknown-name",
            "account.password-set"} <= seen
    for action, actor, terminal, at in rows:
        assert re.fullmatch(r"staff:([a-z0-9.-]+|-)", actor), (action, actor)
        assert re.fullmatch(r"127\.0\.0\.\d+ 窓口\d+", terminal), \
            (action, actor, terminal)
        assert at == "t"
    text = house.psql("SELECT * FROM audit_entry") + house.log_text("console")
    assert PASSWORD not in text and "Sakura-no-hana-1" not in text
