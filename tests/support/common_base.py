"""The city's common base (共通基盤) where staff sign in: Glewlwyd, an OpenID provider of Debian, with
one client, the console, and the people a test gives it."""

import pathlib
import secrets
import shutil
import signal
import sqlite3
import subprocess
import urllib.parse

import requests
from common_base_front import Front
from ports import free_port
from stack import StackError, wait_until

PLUGIN = "oidc"
CLIENT_ID = "uketsuke-console"
SCHEME = pathlib.Path("/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3")
WEB_PAGES = pathlib.Path("/usr/share/glewlwyd/webapp")
ADMINISTRATOR = {"username": "admin", "password": "password"}  # as the scheme brings it
MODULES = {"user": "user", "client": "client", "user_auth_scheme": "scheme", "plugin": "plugin"}
FLOWS = ("code", "id-token", "token", "none", "password", "client", "device", "refresh")
MIME_TYPES = {".html": "text/html", ".css": "text/css", ".js": "application/javascript",
              ".json": "application/json", ".woff2": "font/woff2", ".ico": "image/x-icon"}


def openssl(*arguments, **options):
    return subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=True,
                          **options).stdout


class CommonBase:
    """A provider on https://localhost:`port`, with all it has in `folder`. `certificate` and `key`
    are its server's, `ca` is who issued them (PEM files); `people` are {login name: password}, the
    name is the claim `preferred_username`. It runs after start(); after stop() and start() again it
    has the same people and keys. With front.sign_in_time = False, its tokens say `auth_time` 0.

    issuer, authorization_url, token_url and keys_url are those of its discovery document; client_id
    and secret are the console's, which may have people sent back to `redirect_uri`."""

    def __init__(self, folder, port, redirect_uri, certificate, key, ca, people):
        self.folder, self.port = pathlib.Path(folder).resolve(), port
        self.redirect_uri, self.people, self.ca = redirect_uri, people, str(ca)
        self.certificate, self.key = certificate, key
        self.client_id, self.secret = CLIENT_ID, secrets.token_urlsafe(32)
        self.address = f"https://localhost:{port}"
        self.inner, self.process, self.front = free_port(), None, None

    # --- running it -----------------------------------------------------------------------------

    def start(self):
        """Until it answers; the first time it is made. It dies with us."""
        new = not (self.folder / "glewlwyd.db").exists()
        if new:
            self._make()
        with (self.folder / "glewlwyd.log").open("ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--", "glewlwyd",
                 f"--config-file={self.folder / 'glewlwyd.conf'}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                cwd=self.folder)
        try:
            self.front = Front(self.port, self.inner, self.certificate, self.key)
            wait_until(self._answers, 20, f"glewlwyd on port {self.port}")
            if new:
                self._set_up()
            self._discover()
        except Exception:
            self.stop()
            raise
        return self

    def stop(self):
        process, self.process = self.process, None
        if self.front:
            self.front.close()
            self.front = None
        if not process:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _answers(self):
        if self.process.poll() is not None:
            raise StackError(f"glewlwyd stopped: {self.log_text()[-2000:]}")
        try:
            return self._session().get(f"{self.address}/config", timeout=5).ok
        except requests.ConnectionError:
            return False

    def log_text(self):
        return (self.folder / "glewlwyd.log").read_text(errors="replace")

    # --- making it ------------------------------------------------------------------------------

    def _make(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self._make_pages()
        self._make_database()
        paths = "".join(f'{name}_module_path="/usr/lib/glewlwyd/{where}"\n'
                        for name, where in MODULES.items())
        types = ",".join(f'{{extension="{end}" mime_type="{kind}"}}'
                         for end, kind in MIME_TYPES.items())
        (self.folder / "glewlwyd.conf").write_text(f"""\
port={self.inner}
bind_address="127.0.0.1"
external_url="{self.address}"
login_url="login.html"
api_prefix="api"
static_files_path="{self.folder / 'pages'}/"
static_files_mime_types=({types})
log_mode="console"
log_level="INFO"
cookie_secure=1
session_key="GLEWLWYD2_SESSION_ID"
admin_scope="g_admin"
profile_scope="g_profile"
{paths}\
hash_algorithm="SHA512"
database={{ type="sqlite3" path="{self.folder / 'glewlwyd.db'}" }}
""")

    def _make_pages(self):
        """A copy: of Debian's, config.json leads to a folder and is not served, and a browser in
        Japanese asks in vain for its words."""
        pages = self.folder / "pages"
        shutil.copytree(WEB_PAGES, pages, ignore=shutil.ignore_patterns("config.json"),
                        dirs_exist_ok=True)
        shutil.copy(WEB_PAGES / "config.json" / "config.json", pages / "config.json")
        shutil.copytree(pages / "locales" / "en", pages / "locales" / "ja")

    def _make_database(self):
        with sqlite3.connect(self.folder / "glewlwyd.db") as database:
            database.executescript(f"BEGIN;{SCHEME.read_text()}COMMIT;")
            database.execute("UPDATE g_scope SET gs_password_required = 1 WHERE gs_name = 'openid'")
            database.executemany(  # so that it does not ask them for their consent
                "INSERT INTO g_client_user_scope (gs_id, gcus_username, gcus_client_id)"
                " SELECT gs_id, ?, ? FROM g_scope WHERE gs_name = 'openid'",
                [(name, CLIENT_ID) for name in self.people])
        database.close()

    def _set_up(self):
        with self._session(ADMINISTRATOR) as session:
            self._call(session, "POST", "mod/plugin/", self._plugin())
            self._call(session, "POST", "client/", {
                "client_id": self.client_id, "name": "uketsuke", "confidential": True,
                "enabled": True, "client_secret": self.secret, "scope": [],
                "redirect_uri": [self.redirect_uri], "authorization_type": ["code"],
                "token_endpoint_auth_method": ["client_secret_basic"]})
            for name, password in self.people.items():
                self._call(session, "POST", "user/", {
                    "username": name, "password": password, "enabled": True,
                    "scope": ["openid"]})

    def _plugin(self):
        """The provider's settings, with a signing key made for them."""
        private = openssl("genrsa", "2048")
        return {"module": "oidc", "name": PLUGIN, "display_name": PLUGIN, "parameters": {
            "iss": f"{self.address}/api/{PLUGIN}", "jwt-type": "rsa", "jwt-key-size": "256",
            "key": private, "cert": openssl("pkey", "-pubout", input=private),
            "jwks-show": True, "subject-type": "public",
            "access-token-duration": 600, "refresh-token-duration": 600, "code-duration": 60,
            "refresh-token-rolling": False, "allow-non-oidc": False,
            **{f"auth-type-{kind}-enabled": kind in ("code", "id-token") for kind in FLOWS},
            "auth-type-code-revoke-replayed": True, "pkce-allowed": True, "pkce-required": True,
            "pkce-method-plain-allowed": False,
            "claims": [{"name": "preferred_username", "user-property": "username",
                        "type": "string", "mandatory": True, "on-demand": False, "scope": []}]}}

    def replace_signing_key(self):
        """From now on it signs with a new key of another `kid`, and no longer shows the old one."""
        with self._session(ADMINISTRATOR) as session:
            for path, settings in ((PLUGIN, self._plugin()), (f"{PLUGIN}/reset", {})):
                self._call(session, "PUT", f"mod/plugin/{path}", settings)

    def _discover(self):
        found = self._session().get(
            f"{self.address}/api/{PLUGIN}/.well-known/openid-configuration", timeout=10).json()
        self.issuer, self.keys_url = found["issuer"], found["jwks_uri"]
        self.authorization_url = found["authorization_endpoint"]
        self.token_url = found["token_endpoint"]

    # --- its API --------------------------------------------------------------------------------

    def _session(self, somebody=None):
        session = requests.Session()
        session.verify, session.trust_env = self.ca, False
        if somebody:
            self._call(session, "POST", "auth", somebody)
        return session

    def _call(self, session, method, path, body):
        answer = session.request(method, f"{self.address}/api/{path}", json=body, timeout=20)
        if not answer.ok:
            raise StackError(f"{method} {path}: {answer.status_code} {answer.text}")

    # --- the person's browser -------------------------------------------------------------------

    def sign_in(self, address, name, password):
        """Follows the console's authorization `address` as a browser without a session, signs in as
        the login page does, and returns where the browser is then sent: `redirect_uri` with a code
        (or, before anybody signs in, an error). StackError for a wrong name or password."""
        with self._session() as session:
            page = self._sent_to(session, address)
            if page.startswith(self.redirect_uri):
                return page
            self._call(session, "POST", "auth", {"username": name, "password": password})
            query = urllib.parse.parse_qs(urllib.parse.urlsplit(page).query)
            return self._sent_to(session, query["callback_url"][0] + "&g_continue")

    def refuse(self, address):
        """Where it sends a browser that it may not ask anything: `redirect_uri` with the error
        `interaction_required`. (Its login page has no way to say no.)"""
        with self._session() as session:
            return self._sent_to(session, address + "&prompt=none")

    @staticmethod
    def _sent_to(session, address):
        answer = session.get(address, allow_redirects=False, timeout=20)
        if answer.status_code != 302:
            raise StackError(f"{urllib.parse.urlsplit(address).path}: {answer.status_code}")
        return answer.headers["Location"]

    @staticmethod
    def type_in(browser, name, password):
        """Signs in at the login page that `browser` (of selenium) was sent to, and sends it on. Who
        has a session there is asked only when the address says prompt=login."""
        from selenium.common.exceptions import StaleElementReferenceException as Redrawn
        from selenium.webdriver.common.keys import Keys

        def use(css, act):
            def used():  # the page draws itself anew when it knows who has a session
                try:
                    return [act(found) for found in browser.find_elements("css selector", css)]
                except Redrawn:
                    return False
            wait_until(lambda: any(used() or ()), 20, css)

        def typed(text):
            return lambda field: (field.get_attribute("value") == text
                                  or field.send_keys(Keys.CONTROL, "a") or field.send_keys(text))
        for field, text in (("#username", name), ("#password", password), ("#username", name)):
            use(field, typed(text))
        for button in ("#loginbut", "button.btn-success"):  # "OK", "Continue"
            use(button, lambda found: found.click() or True)


def base_of(stack, folder, people):
    """A common base that runs, and of which the console of the stack is told before it starts."""
    stack.make_world()
    pki = stack.folder / "pki"
    base = CommonBase(folder, free_port(), stack.console_url, pki / "routing.pem",
                      pki / "routing.key", pki / "ca.pem", people).start()
    secret = stack.folder / "keys" / "common-base.secret"
    secret.touch(0o600)
    secret.write_text(base.secret)
    stack.settings["common-base"] = {
        "issuer": base.issuer, "authorization-url": base.authorization_url,
        "token-url": base.token_url, "keys-url": base.keys_url, "ca": pki / "ca.pem",
        "client-id": base.client_id, "client-secret": secret}
    stack.write_config()
    return base
