"""Signing in at the console, on the real program, PostgreSQL and TLS: who may, and who may not."""

import base64
import concurrent.futures
import hashlib
import hmac
import struct
import time

import pytest
import requests

from console_staff import enrolment_code

PASSWORD = "Yamazakura-7-hon"


def code_of(secret, step=0):
    """RFC 6238 by hand: what an authenticator app shows."""
    counter = struct.pack(">Q", int(time.time()) // 30 + step)
    digest = hmac.new(secret, counter, hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7FFFFFFF) % 1000000:06d}"


class Browser:
    """A session with cookies that behaves as browsers do: it sends its origin."""

    def __init__(self, console, origin=None):
        self.base = f"https://localhost:{console.ports['console']}"
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.verify = str(console.folder / "pki" / "ca.pem")
        self.http.headers["Origin"] = origin or self.base

    def post(self, path, **body):
        return self.http.post(self.base + path, json=body, timeout=20)

    def get(self, path):
        return self.http.get(self.base + path, timeout=20)

    def enrol(self, name, code, password=PASSWORD):
        """Sets password and one-time codes; returns the secret."""
        answer = self.post("/api/enrolment", name=name, code=code, password=password)
        assert answer.status_code == 200, answer.text
        secret = self.get("/api/enrolment/totp").json()
        raw = base64.urlsafe_b64decode(secret["secret"] + "=")
        assert base64.b32encode(raw).decode() == secret["text"]
        answer = self.post("/api/enrolment/totp", secret=secret["secret"], code=code_of(raw, -1))
        assert answer.status_code == 200, answer.text
        return raw


def code_in(text):
    return next(line.strip() for line in text.splitlines() if line.startswith("    "))


@pytest.fixture(scope="module")
def house(make_module_stack, tmp_path_factory):
    site = tmp_path_factory.mktemp("site")
    (site / "index.html").write_text("<!doctype html><title>受付</title>")
    stack = make_module_stack({"console": {"idle": "1min", "site": site}})
    stack.make_postgres()
    stack.start_postgres()
    stack.make_world()
    stack.make_database()
    stack.start_console()
    return stack


@pytest.fixture
def console(house):
    house.psql("TRUNCATE account, terminal, change CASCADE")
    return house


@pytest.fixture
def registered(console):
    console.uketsuke("terminal", "add", "--label", "窓口1", "--department", "市民課",
                     "--also", "情報課", "--address", "127.0.0.1", "--first")
    return console


@pytest.fixture
def first(registered):
    """(stack, browser of the first administrator, her secret), signed in."""
    out = registered.uketsuke("user", "add", "hanako", "--display-name", "桜野花子",
                              "--department", "情報課", "--first").stdout
    browser = Browser(registered)
    secret = browser.enrol("hanako", code_in(out))
    return registered, browser, secret


def audit(stack):
    return stack.psql("SELECT action FROM audit_entry WHERE chain = 'console' ORDER BY position"
                      ).split()


def test_nobody_from_a_terminal_that_is_not_registered(console):
    answer = Browser(console).post("/api/session", name="hanako", password=PASSWORD)
    assert answer.status_code == 403
    assert "登録されていません" in answer.json()["errors"][0]["message"]


def test_first_administrator_enrols_and_signs_in(first):
    stack, browser, secret = first
    me = browser.get("/api/session").json()
    assert (me["name"], me["display_name"], me["terminal"]) == ("hanako", "桜野花子", "窓口1")
    assert {r["right"] for r in me["rights"]} == {"admin", "audit"} and me["last"] is None
    assert browser.http.delete(browser.base + "/api/session", timeout=20).status_code == 200
    assert browser.get("/api/session").status_code == 401
    again = Browser(stack)
    assert again.post("/api/session", name="hanako", password=PASSWORD).json() == {"next": True}
    assert again.get("/api/session").status_code == 401  # the second factor is awaited
    assert again.post("/api/session/totp", code=code_of(secret)).status_code == 200
    assert again.get("/api/session").json()["name"] == "hanako"
    assert "session.begun" in audit(stack)


def test_who_signs_in_is_told_of_the_last_time(first):
    stack, browser, secret = first
    begun = stack.psql("SELECT moment_in_japan(created_at) FROM session")[:19]
    browser.http.delete(browser.base + "/api/session", timeout=20)
    for _ in range(2):
        assert Browser(stack).post("/api/session", name="hanako", password="no").status_code == 401
    again = Browser(stack)
    again.post("/api/session", name="hanako", password=PASSWORD)  # half a session tells nothing
    assert again.get("/api/session").status_code == 401
    again.post("/api/session/totp", code=code_of(secret))
    last = again.get("/api/session").json()["last"]
    assert last["begun"].startswith(begun) and last["begun"] <= last["seen"]
    assert (last["terminal"], last["failures"]) == ("窓口1", 2)


def test_cookie_and_headers(first):
    stack, browser, _ = first
    again = Browser(stack)
    answer = again.post("/api/session", name="hanako", password=PASSWORD)
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-uketsuke=")
    for attribute in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/"):
        assert attribute in cookie
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_one_time_code_is_good_once(first):
    stack, _, secret = first
    code = code_of(secret)
    one = Browser(stack)
    one.post("/api/session", name="hanako", password=PASSWORD)
    one.post("/api/session/totp", code=code)  # another session is in use: the code is gone anyway
    two = Browser(stack)
    two.post("/api/session", name="hanako", password=PASSWORD)
    assert two.post("/api/session/totp", code=code).status_code == 401


def test_second_session_is_refused_and_reported(first):
    stack, browser, secret = first
    other = Browser(stack)
    other.post("/api/session", name="hanako", password=PASSWORD)
    answer = other.post("/api/session/totp", code=code_of(secret))
    assert answer.status_code == 409
    assert "session.second-refused" in audit(stack)
    assert browser.get("/api/session").status_code == 200  # the first goes on


def test_wrong_passwords_lock_and_tell_nothing(first):
    stack, _, _ = first
    texts = set()
    for name, password in [("hanako", "wrong")] * 5 + [("nobody", "wrong"), ("hanako", PASSWORD)]:
        answer = Browser(stack).post("/api/session", name=name, password=password)
        assert answer.status_code == 401
        texts.add(answer.json()["errors"][0]["message"])
    assert len(texts) == 1  # locked, unknown and wrong look the same
    assert stack.psql("SELECT locked_until > now() FROM account WHERE name = 'hanako'") == "t\n"


def tries(stack, count):
    """So many wrong passwords at the same time."""
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: Browser(stack).post(
            "/api/session", name="hanako", password="wrong").status_code, range(count)))


def failures(stack):
    return int(stack.psql("SELECT failures FROM account WHERE name = 'hanako'"))


def test_guesses_at_the_same_time_count_one_by_one(first):
    stack, _, _ = first
    told = audit(stack).count("session.wrong-password")
    assert tries(stack, 4) == [401] * 4 and failures(stack) == 4
    assert Browser(stack).post("/api/session", name="hanako", password=PASSWORD).status_code == 200
    assert tries(stack, 8) == [401] * 8 and failures(stack) == 5  # no more after the lock
    assert Browser(stack).post("/api/session", name="hanako", password=PASSWORD).status_code == 401
    assert audit(stack).count("session.wrong-password") == told + 5


def test_a_password_that_is_changed_meanwhile_opens_nothing(first):
    """What was computed of an account counts only while it has that password."""
    stack, _, _ = first
    with concurrent.futures.ThreadPoolExecutor() as pool:
        changing = pool.submit(stack.psql, "UPDATE account SET password = '$argon2id$' WHERE name ="
                               " 'hanako'; SELECT pg_sleep(2)")
        time.sleep(0.5)  # the old one is still what can be read
        answer = Browser(stack).post("/api/session", name="hanako", password=PASSWORD)
        assert changing.done() or answer.status_code == 401
        changing.result()
    assert answer.status_code == 401 and failures(stack) == 1


def test_a_half_session_is_short_and_ends_with_its_password(first):
    """Who knows the password does not wait for hours for a second factor, nor past a new one."""
    stack, browser, secret = first
    half, again = Browser(stack), Browser(stack)
    assert half.post("/api/session", name="hanako", password=PASSWORD).status_code == 200
    lasts = stack.psql("SELECT until - created_at FROM session WHERE NOT complete")
    assert lasts == "00:05:00\n"
    changed = browser.post("/api/session/password", old=PASSWORD, new="Kawazu-no-haru-3")
    assert changed.status_code == 200
    assert half.post("/api/session/challenge").status_code == 401
    assert browser.http.delete(browser.base + "/api/session", timeout=20).status_code == 200
    assert half.post("/api/session/totp", code=code_of(secret)).status_code == 401
    assert again.post("/api/session", name="hanako", password="Kawazu-no-haru-3").status_code == 200
    assert again.post("/api/session/totp", code=code_of(secret)).status_code == 200
    assert stack.psql("SELECT until > now() + interval '9 h' FROM session"
                      " WHERE complete AND ended_at IS NULL") == "t\n"


def test_unknown_names_take_as_long(first):
    stack, _, _ = first

    def took(name):
        begun = time.monotonic()
        Browser(stack).post("/api/session", name=name, password="wrong")
        return time.monotonic() - begun
    known, unknown = [], []
    for i in range(6):
        unknown.append(took(f"nobody{i}"))
        if i < 4:
            known.append(took("hanako"))
    assert 0.4 < sorted(unknown)[3] / sorted(known)[2] < 2.5, (known, unknown)


def test_idle_screen_is_locked_and_the_password_opens_it(first):
    stack, browser, _ = first
    stack.psql("UPDATE session SET seen_at = now() - interval '61 s'")
    assert browser.get("/api/session").status_code == 423
    assert browser.post("/api/session/unlock", password="wrong").status_code == 401
    assert browser.get("/api/session").status_code == 423
    assert browser.post("/api/session/unlock", password=PASSWORD).status_code == 200
    assert browser.get("/api/session").status_code == 200


def test_the_page_locks_early_and_stays_locked_when_it_is_loaded_anew(first):
    stack, browser, _ = first
    assert browser.get("/api/session").json()["idle"] == 60  # as configured: the page goes by it
    assert browser.post("/api/session/lock").status_code == 200
    assert browser.get("/api/session").status_code == browser.get("/api/queue").status_code == 423
    assert browser.post("/api/session/lock").status_code == 200  # it is
    assert browser.post("/api/session/unlock", password=PASSWORD).status_code == 200
    assert browser.get("/api/session").status_code == 200


CONFIRM = "/api/admin/changes/1/confirm"  # takes a proof; there is no such change


def code(answer):
    return answer.json()["errors"][0]["code"]


def test_the_password_again_before_what_takes_it(first):
    stack, browser, _ = first
    assert browser.post(CONFIRM).status_code == 404  # who has just signed in has told it
    stack.psql("UPDATE session SET proven_at = now() - interval '301 s'")
    assert (browser.post(CONFIRM).status_code, code(browser.post(CONFIRM))) == (403, "E0108")
    assert browser.get("/api/session").status_code == 200  # all else goes on
    assert browser.post("/api/session/unlock", password="wrong").status_code == 401
    assert code(browser.post(CONFIRM)) == "E0108" and failures(stack) == 1
    assert browser.post("/api/session/unlock", password=PASSWORD).status_code == 200
    assert browser.post(CONFIRM).status_code == 404 and failures(stack) == 0
    assert audit(stack)[-2:] == ["session.wrong-password", "session.proven"]
    stack.psql("UPDATE session SET proven_at = now() - interval '299 s'")
    assert browser.post(CONFIRM).status_code == 404


def test_wrong_passwords_before_an_act_count_as_those_of_signing_in(first):
    stack, browser, _ = first
    stack.psql("UPDATE session SET proven_at = NULL")  # as of before the upgrade
    for _ in range(5):
        assert browser.post("/api/session/unlock", password="wrong").status_code == 401
    assert browser.post("/api/session/unlock", password=PASSWORD).status_code == 401  # locked
    assert code(browser.post(CONFIRM)) == "E0108"
    assert Browser(stack).post("/api/session", name="hanako", password=PASSWORD).status_code == 401


def test_old_password_must_be_changed_and_not_to_one_like_it(first):
    stack, browser, _ = first
    stack.psql("UPDATE account SET password_at = now() - interval '181 days'")
    assert browser.get("/api/session").json()["errors"][0]["code"] == "E0107"
    like = browser.post("/api/session/password", old=PASSWORD, new="Yamazakura-8-hon")
    assert like.status_code == 400 and "似ています" in like.json()["errors"][0]["message"]
    fresh = browser.post("/api/session/password", old=PASSWORD, new="Kawazu-no-haru-3")
    assert fresh.status_code == 200
    assert browser.get("/api/session").status_code == 200


def test_another_origin_and_another_terminal(first):
    stack, browser, _ = first
    evil = Browser(stack, origin="https://evil.example")
    evil.http.cookies.update(browser.http.cookies)
    assert evil.post("/api/session/unlock", password=PASSWORD).status_code == 403
    evil.http.headers.pop("Origin")
    assert evil.post("/api/session/unlock", password=PASSWORD).status_code == 403
    stack.psql("INSERT INTO terminal (city_code, label, department, address, proposed_by,"
               " approved_by) VALUES ('992011', '窓口2', '市民課', '127.0.0.2', 'a', 'b')")
    stack.psql("UPDATE terminal SET retired_at = now() WHERE label = '窓口1';"
               "UPDATE terminal SET address = '127.0.0.1' WHERE label = '窓口2'")
    assert browser.get("/api/session").status_code == 401  # a cookie that was carried elsewhere


def sign_in_as(stack, name, password=PASSWORD):
    return Browser(stack).post("/api/session", name=name, password=password)


def test_an_account_signs_in_at_terminals_of_its_department(first):
    stack, browser, _ = first  # she is of 情報課, the terminal of 市民課
    browser.http.delete(browser.base + "/api/session", timeout=20)
    for also, status in (("", 403), ("税務課,課", 403), ("税務課,情報課", 200), ("*", 200)):
        stack.psql(f"UPDATE terminal SET also = '{{{also}}}'")
        assert sign_in_as(stack, "hanako").status_code == status, also
    stack.psql("UPDATE terminal SET also = '{}'")
    seen = len(audit(stack))
    answer = sign_in_as(stack, "hanako")
    assert answer.status_code == 403 and "ほかの部署の端末" in answer.json()["errors"][0]["message"]
    assert "Set-Cookie" not in answer.headers and failures(stack) == 0
    assert audit(stack)[seen:] == ["session.other-department"]
    # who does not know the password learns nothing of whose terminal it is
    assert sign_in_as(stack, "hanako", "wrong").json() | {"request_id": ""} == sign_in_as(
        stack, "nobody", "wrong").json() | {"request_id": ""}
    stack.psql("UPDATE terminal SET department = '情報課'")
    assert sign_in_as(stack, "hanako").status_code == 200


def test_nobody_enrols_at_a_terminal_of_another_department(registered):
    stack = registered
    stack.psql("INSERT INTO account (city_code, name, display_name, department, kind, valid_from,"
               " valid_to, created_by, approved_by) VALUES ('992011', 'umeko', '梅子', '税務課', 'staff',"
               " now(), now() + interval '1 d', 'a', 'b')")
    begin = {"name": "umeko", "code": enrolment_code(stack, "umeko"), "password": PASSWORD}
    assert Browser(stack).post("/api/enrolment", **begin).status_code == 403
    assert audit(stack)[-1] == "session.other-department"
    stack.psql("UPDATE terminal SET also = '{税務課}'")
    assert Browser(stack).post("/api/enrolment", **begin).status_code == 200  # it was not used up


def test_an_account_ends(first):
    stack, browser, _ = first
    stack.psql("UPDATE account SET valid_from = now() - interval '2 d',"
               " valid_to = now() - interval '1 s'")
    assert browser.get("/api/session").status_code == 401
    stack.psql("UPDATE account SET valid_to = now() + interval '1 d'")
    assert browser.get("/api/session").status_code == 200
    last = stack.uketsuke("user", "disable", "hanako", check=False)
    assert last.returncode == 1 and "last two administrators" in last.stderr
    for name in ("admin-b", "admin-c"):
        stack.psql("INSERT INTO account (city_code, name, display_name, department, kind,"
                   f" valid_from, valid_to, created_by, approved_by) VALUES ('992011', '{name}',"
                   " '職員', '課', 'staff', now(), now() + interval '1 d', 'a', 'b');"
                   " INSERT INTO account_right SELECT city_code, account_id, '*', '*', 'admin',"
                   f" 'a', 'b' FROM account WHERE name = '{name}'")
    stack.uketsuke("user", "disable", "hanako")
    assert browser.get("/api/session").status_code == 401


def test_four_eyes_for_accounts_rights_and_terminals(first):
    stack, _, _ = first
    stack.uketsuke("user", "add", "taro", "--display-name", "太郎", "--department", "市民課")
    own = stack.uketsuke("user", "approve", "taro", check=False)
    assert own.returncode == 1 and "another person" in own.stderr
    assert stack.uketsuke("user", "right", "hanako", "see").returncode == 0
    assert stack.uketsuke("user", "right", "hanako", "identify").returncode == 0
    waits = stack.psql("SELECT jsonb_array_length(after->'rights') FROM change WHERE state ="
                       " 'waiting' AND subject = 'hanako'")
    assert waits == "4\n"  # her two, and both that are proposed
    assert stack.uketsuke("user", "approve", "hanako", check=False).returncode == 1
    assert stack.uketsuke("terminal", "add", "--label", "窓口3", "--department", "市民課",
                          "--address", "127.0.0.3").returncode == 0
    assert stack.uketsuke("terminal", "approve", "窓口3", check=False).returncode == 1
    second = stack.uketsuke("user", "add", "jiro", "--display-name", "次郎", "--department", "課",
                            "--first", check=False)
    assert second.returncode == 1 and "an administrator already" in second.stderr
    # nor when the only one has ended, or another name is taken
    stack.psql("UPDATE account SET disabled_at = now()")
    again = stack.uketsuke("user", "add", "mallory", "--display-name", "次郎", "--department", "課",
                           "--first", check=False)
    assert again.returncode == 1 and "an administrator already" in again.stderr
    # the database itself refuses one person for two
    with pytest.raises(Exception, match="check constraint"):
        stack.psql("UPDATE change SET state = 'effective', decided_by = proposed_by,"
                   " decided_at = now() WHERE subject = 'taro'")
