#!/usr/bin/python3
"""Two of the made-up city's staff at the console, so that it can be seen at once: their passwords
and the keys of their one-time codes are kept in the state folder, which no real city would do.

    console_staff.py FOLDER NAME    the one-time code that NAME's authentication app would show now
"""

import base64
import hashlib
import hmac
import http.cookiejar
import json
import pathlib
import secrets
import ssl
import struct
import sys
import time
import urllib.request

FILE = "staff.json"
STAFF = {"hanako": ("桜野花子", "子育て支援課"), "taro": ("若葉太郎", "情報政策課")}
RIGHTS = ("see", "identify", "confirm", "examine", "approve", "number")
MORE = {"taro": ("protected", "admin", "audit")}
STEP = 30  # seconds, RFC 6238


def one_time_code(key, step=0):
    """RFC 6238 with SHA-1 and six digits; `key` is in Base32."""
    counter = struct.pack(">Q", int(time.time()) // STEP + step)
    digest = hmac.new(base64.b32decode(key), counter, hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7FFFFFFF) % 1000000:06d}"


class Browser:
    """What a browser does for a session: it keeps cookies and tells its origin."""

    def __init__(self, stack):
        self.base = f"https://localhost:{stack.ports['console']}"
        trust = ssl.create_default_context(cafile=stack.folder / "pki" / "ca.pem")
        self.http = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust),
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def ask(self, method, path, body=None):
        request = urllib.request.Request(self.base + path, method=method, headers={
            "Origin": self.base, "Content-Type": "application/json"})
        data = json.dumps(body).encode() if body is not None else None
        with self.http.open(request, data, timeout=20) as answer:
            return json.loads(answer.read() or b"{}")


def make_account(stack, name, display_name, department, rights, scope=("*", "*")):
    """An account, and its rights within `scope` (事務, 部署). The second person that each needs is here
    the database."""
    stack.psql("INSERT INTO account (city_code, name, display_name, department, kind, valid_from,"
               f" valid_to, created_by, approved_by) SELECT '{stack.city}', '{name}',"
               f" '{display_name}', '{department}', 'staff', now() - interval '1 d',"
               " date_trunc('day', now() + interval '1 y', 'Asia/Tokyo'), 'quickstart', 'sandbox'"
               " ON CONFLICT DO NOTHING;"
               " INSERT INTO account_right SELECT city_code, account_id,"
               f" '{scope[0]}', '{scope[1]}', unnest('{{{','.join(rights)}}}'::text[]),"
               f" 'quickstart', 'sandbox' FROM account WHERE name = '{name}'"
               " ON CONFLICT DO NOTHING")


def enrolment_code(stack, name):
    """A one-time code. It takes two people: the first of them is here the database."""
    stack.psql("INSERT INTO change (city_code, kind, subject, before, after, reason, proposed_by)"
               f" VALUES ('{stack.city}', 'enrolment', '{name}',"
               f" change_current('{stack.city}', 'enrolment', '{name}'), '{{\"enrolled\": false}}',"
               " 'quickstart', 'operator:quickstart')")
    out = stack.uketsuke("user", "code", name, "--approve").stdout
    return next(line.strip() for line in out.splitlines() if line.startswith("    "))


def enrol(stack, name):
    """Sets a password and one-time codes, as the person would; what is needed to sign in."""
    code = enrolment_code(stack, name)
    password = "-".join(secrets.token_hex(3) for _ in range(3))
    browser = Browser(stack)
    browser.ask("POST", "/api/enrolment", {"name": name, "code": code, "password": password})
    key = browser.ask("GET", "/api/enrolment/totp")
    text = key["text"].replace(" ", "")
    browser.ask("POST", "/api/enrolment/totp",  # a code is good once: leave this step's to sign in
                {"secret": key["secret"], "code": one_time_code(text, -1)})
    browser.ask("DELETE", "/api/session")
    return {"password": password, "key": text}


def make_staff(stack):
    """{name: {"password", "key"}}: made once for a state folder."""
    file = stack.folder / FILE
    if file.exists():
        return json.loads(file.read_text())
    stack.uketsuke("terminal", "add", "--label", "窓口1", "--department", "子育て支援課",
                   "--also", "情報政策課", "--address", "127.0.0.1", "--first")
    for name, (display_name, department) in STAFF.items():
        make_account(stack, name, display_name, department, (*RIGHTS, *MORE.get(name, ())))
    made = {name: enrol(stack, name) for name in STAFF}
    file.touch(mode=0o600)
    file.write_text(json.dumps(made))
    return made


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 64
    try:
        people = json.loads((pathlib.Path(sys.argv[1]) / FILE).read_text())
        print(one_time_code(people[sys.argv[2]]["key"]))
    except OSError as error:
        print(f"console_staff.py: {error}; deploy/quickstart makes it", file=sys.stderr)
        return 3
    except KeyError:
        print(f"console_staff.py: nobody of that name; there are {', '.join(people)}",
              file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
