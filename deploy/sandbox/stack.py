"""The whole house on one machine: a private PostgreSQL, the sandbox's world (jpki, portal, business
system, a town) and the server. The quickstart shows it, the integration tests drive it.

Everything lies in one folder; every piece can be started, stopped and killed by name. Standard
library only.
"""

import configparser
import hashlib
import json
import os
import pathlib
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

from ports import free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
SITE = ROOT / "deploy" / "sandbox" / "site"
CONSOLE_SITE = ROOT / "intake" / "console" / "site"
POSTGRES_BIN = pathlib.Path("/usr/lib/postgresql/15/bin")
CITY = "992011"
EXAMPLES = ROOT / "deploy" / "examples"
BUSINESSES = {"child-allowance": "児童手当システム", "health": "健康情報システム",
              "registry": "既存住民基本台帳システム"}  # by destination
# Of what each accepts: percent 却下, 不備; the rest is 完了.
DECISIONS = {"child-allowance": (10, 10), "health": (4, 12), "registry": (2, 20)}
DECIDED = {"completed": ("completed", ""), "rejected": ("rejected", "outcome-of-destination"),
           "incomplete": ("correction", "outcome-of-destination")}  # state and reason
DB_ROLES = ("collect", "examine", "identify", "routing", "report", "registry", "operator",
            "administrator", "console")
ROLES = ("collect", "examine", "identify", "routing", "report", "revocation")


class StackError(Exception):
    """Says what could not be done and where to look."""


def wait_until(condition, patience, what, interval=0.05):
    """The first true value of condition(); StackError after `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise StackError(f"{what}: not within {patience} s")
        time.sleep(interval)


class Stack:
    """`settings` go into uketsuke.conf over the defaults: {"work": {"lease": "5s"}}. `site`: with the
    portal's web site for residents, which needs node to build (deploy/install site). `businesses`:
    the business systems that run; `decide`: they return outcomes."""

    def __init__(self, folder, build=None, settings=None, fixed_ports=False, durable=True,
                 site=False, businesses=("child-allowance",), decide=False):
        self.folder = pathlib.Path(folder).resolve()
        self.build = pathlib.Path(build or ROOT / "build")
        self.settings = settings or {}
        self.durable = durable
        self.site = site
        self.businesses, self.decide = businesses, decide
        self.pages = SITE / "dist"
        self.card_options = []  # of `town cards`
        self.processes = {}
        room = 107 - len("/postgres/.s.PGSQL.5432")  # as long as a Unix socket's path may be
        if len(os.fsencode(self.folder)) > room:
            raise StackError(f"{self.folder}: the path is too long for the Unix sockets in it; "
                             f"choose a state folder of at most {room} bytes")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)  # as root, the cluster runs as another user
        for name in ("logs", "run", "crl", "keys"):
            (self.folder / name).mkdir(exist_ok=True)
        self.config = self.folder / "uketsuke.conf"
        base = 18440 if fixed_ports else 0
        names = ("portal", "routing", "arrivals", "jpki", "site", "console")
        self.ports = {n: free_port(base + i if base else 0) for i, n in enumerate(names)}

    # --- running things -------------------------------------------------------------------------

    def run(self, program, *arguments, check=True, **options):
        """Runs a program of ours to its end; its output is returned."""
        command = [str(self.build / program), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, **options)
        if check and done.returncode != 0:
            raise StackError(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
        return done

    def uketsuke(self, *arguments, check=True, **options):
        words = [a for a in arguments]
        return self.run("uketsuke", *words, "--config", self.config, check=check, **options)

    def start(self, name, command, user=None):
        """Starts a long-running piece; its output goes to logs/<name>.log. It dies with us."""
        log = (self.folder / "logs" / f"{name}.log").open("ab")
        prefix = [] if user else ["setpriv", "--pdeathsig", "TERM", "--"]
        extra = {"user": user, "group": user, "extra_groups": []} if user else {}
        self.processes[name] = subprocess.Popen(
            [*prefix, *map(str, command)], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            start_new_session=True, cwd=self.folder, **extra)
        log.close()
        return self.processes[name]

    def alive(self, name):
        return name in self.processes and self.processes[name].poll() is None

    def stop(self, name, how=signal.SIGTERM, patience=20):
        process = self.processes.pop(name, None)
        if not process:
            return
        if process.poll() is None:
            process.send_signal(how)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self, name):
        self.stop(name, signal.SIGKILL)

    def stop_all(self):
        for name in [n for n in reversed(list(self.processes)) if n != "postgres"]:
            self.stop(name)
        self.stop("postgres", signal.SIGINT)

    def log_text(self, name):
        path = self.folder / "logs" / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    # --- PostgreSQL -----------------------------------------------------------------------------

    @property
    def postgres_folder(self):
        return self.folder / "postgres"

    @property
    def connection(self):
        return f"host={self.postgres_folder} dbname=uketsuke"

    def _postgres_user(self):
        return "postgres" if os.geteuid() == 0 else None

    def _as_postgres(self, *command, **options):
        user = self._postgres_user()
        if user:
            options.update(user=user, group=user, extra_groups=[])
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True,
                              cwd="/", **options)
        if done.returncode != 0:
            raise StackError(f"{command[0]}: {done.stderr.strip() or done.stdout.strip()}")
        return done

    def make_postgres(self):
        """A cluster on a Unix socket, reached by peer authentication only."""
        data = self.postgres_folder / "data"
        if (data / "PG_VERSION").exists():
            return
        self.postgres_folder.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(self.postgres_folder, "postgres", "postgres")
            try:
                self._as_postgres("test", "-x", self.postgres_folder)
            except StackError:
                raise StackError(
                    f"the account postgres, which must run PostgreSQL for root, cannot reach "
                    f"{self.postgres_folder}: choose a state folder that others may enter") from None
        self._as_postgres(POSTGRES_BIN / "initdb", "-D", data, "-U", "uketsuke_admin",
                          "--encoding=UTF8", "--locale=C.UTF-8", "--auth=peer",
                          *(() if self.durable else ("--no-sync",)))
        (data / "pg_hba.conf").write_text("local all all peer map=quickstart\n")
        with (data / "postgresql.conf").open("a") as f:
            f.write("listen_addresses = ''\n"
                    "max_connections = 60\nshared_buffers = 128MB\nlog_min_messages = warning\n"
                    # its log quotes no values: no rows in errors, no parameters of slow queries
                    "log_error_verbosity = terse\nlog_parameter_max_length = 0\n"
                    "log_parameter_max_length_on_error = 0\n"
                    f"fsync = {'on' if self.durable else 'off'}\n")

    def write_ident(self):
        """Who may be which database role: anew at every start, since there may be more of them."""
        me = pwd.getpwuid(os.geteuid()).pw_name
        users = sorted({me, self._postgres_user() or me})
        roles = [f"uketsuke_{r}" for r in ("admin", "owner", "business", *DB_ROLES)]
        (self.postgres_folder / "data" / "pg_ident.conf").write_text(
            "".join(f"quickstart {u} {r}\n" for u in users for r in roles))

    def start_postgres(self):
        data = self.postgres_folder / "data"
        self.write_ident()
        pid_file = data / "postmaster.pid"
        if pid_file.exists():  # of a run that was killed
            subprocess.run([POSTGRES_BIN / "pg_ctl", "-D", data, "-m", "immediate", "stop"],
                           capture_output=True, cwd="/", **(
                               {"user": "postgres", "group": "postgres", "extra_groups": []}
                               if os.geteuid() == 0 else {}))
        command = [POSTGRES_BIN / "postgres", "-D", data, "-k", self.postgres_folder]
        self.start("postgres", command, self._postgres_user())

        def ready():
            if not self.alive("postgres"):  # backends of a killed one still hold its memory
                self.start("postgres", command, self._postgres_user())
            return self.postgres_ready()
        try:
            wait_until(ready, 60, "PostgreSQL does not start", interval=0.2)
        except StackError as error:
            last = self.log_text("postgres").strip().splitlines()[-1:]
            raise StackError(f"{error}; {self.folder}/logs/postgres.log ends with: "
                             f"{''.join(last)}") from None

    def postgres_ready(self):
        return subprocess.run([POSTGRES_BIN / "pg_isready", "-q", "-h", self.postgres_folder],
                              capture_output=True).returncode == 0

    def psql(self, sql, database="uketsuke", user="uketsuke_admin"):
        """One value a line, columns separated by tabs."""
        return self._as_postgres(POSTGRES_BIN / "psql", "-h", self.postgres_folder, "-U", user,
                                 "-d", database, "-XAtq", "-F", "\t", "-v", "ON_ERROR_STOP=1",
                                 "-c", sql).stdout

    def make_database(self):
        if not self.psql("SELECT 1 FROM pg_roles WHERE rolname = 'uketsuke_owner'", "postgres"):
            self.psql("CREATE ROLE uketsuke_owner LOGIN CREATEROLE", "postgres")
        if not self.psql("SELECT 1 FROM pg_database WHERE datname = 'uketsuke'", "postgres"):
            self.psql("CREATE DATABASE uketsuke OWNER uketsuke_owner", "postgres")
        self.uketsuke("db", "upgrade")

    # --- the world ------------------------------------------------------------------------------

    def make_world(self):
        """TLS certificates, the made-up CA with its revocation lists, the city's keys."""
        if not (self.folder / "pki").exists():
            self.run("uketsuke-sandbox", "pki", "--out", self.folder / "pki")
        if not (self.folder / "jpki").exists():
            self.run("uketsuke-sandbox", "jpki", "init", self.folder / "jpki")
        for name in BUSINESSES:
            self.write_secret(f"business-{name}")
        self.write_config()
        if not (self.folder / "keys" / "city.key").exists():
            self.uketsuke("key", "create", self.folder / "keys" / "city.key")
            self.uketsuke("audit", "key", "create", self.folder / "keys" / "audit.key")

    @staticmethod
    def client_id(name):
        """The OAuth client of a business system."""
        return f"{name.replace('-', ''):0<31}1"

    @staticmethod
    def routes():
        """For every procedure that comes with us, as the examples have them."""
        found = {}
        for name in ("production.conf", "routes.conf"):
            examples = configparser.ConfigParser(interpolation=None)
            examples.read(EXAMPLES / name, encoding="utf-8")
            found |= {route: dict(examples[route]) for route in examples.sections()
                      if route.startswith("route ")}
        return found

    def write_secret(self, name):
        """Of an OAuth client: what it signs its assertions by."""
        path = self.folder / "keys" / f"{name}.secret"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(32) + "\n")

    def write_config(self):
        pki, ports = self.folder / "pki", self.ports
        pins = " ".join((self.folder / "jpki" / "sign-anchors.pins").read_text().split())
        sections = {
            "city": {"code": CITY, "name": "桜野市", "key": "keys/city.key"},
            "database": {"connection": self.connection, "owner-user": "uketsuke_owner"},
            "log": {"format": "text"},
            "process": {"run-directory": "run"},
            "work": {"lease": "30s"},
            "staff": {"accounts": " ".join(sorted({pwd.getpwuid(os.geteuid()).pw_name,
                                                   self._postgres_user() or ""})).strip()},
            "audit": {"signing-key": "keys/audit.key", "public-key": "keys/audit.key.pub"},
            "channel pittari": {
                "url": f"https://localhost:{ports['portal']}", "ca": pki / "ca.pem",
                "certificate": pki / "city.pem", "key": pki / "city.key", "client-id": "sakurano",
                "interval": "1s"},
            "trust": {"mode": "sandbox", "anchors": "jpki/sign-anchors.pem", "pins": pins,
                      "policies": "1.2.392.200149.8.5.1.0.20"},
            "revocation": {"directory": "crl", "interval": "3s", "retry": "2s"},
            **{f"revocation-list {name}": {
                "sources": f"http://127.0.0.1:{ports['jpki']}/crl/{name}.crl"}
               for name in ("sakurano", "sakurano-2", "wakaba", "wakaba-2")},
            "forms": {"procedures": ROOT / "forms" / "procedures"},
            "routing": {"address": f"127.0.0.1:{ports['routing']}",
                        "certificate": pki / "routing.pem", "key": pki / "routing.key",
                        "client-ca": pki / "ca.pem",
                        "audience": f"https://localhost:{ports['routing']}/routing/v1/token"},
            "console": {"address": f"127.0.0.1:{ports['console']}",
                        "origin": f"https://localhost:{ports['console']}",
                        "certificate": pki / "routing.pem", "key": pki / "routing.key",
                        "site": CONSOLE_SITE / "dist"},
            **{f"destination {name}": {
                "name": title, "client-id": self.client_id(name),
                "peers": (pki / f"business-{name}.sha256").read_text().strip(),
                "client-secret": f"keys/business-{name}.secret"}
               for name, title in BUSINESSES.items()},
            **self.routes(),
        }
        for name, values in self.settings.items():
            sections.setdefault(name, {}).update(values)
        if not (pathlib.Path(sections["console"]["site"]) / "index.html").exists():
            del sections["console"]  # its pages are not built: `serve` runs without it
        text = "# Made by deploy/sandbox/stack.py; `uketsuke config reference` explains each key.\n"
        for name, values in sections.items():
            text += f"\n[{name}]\n" + "".join(f"{k} = {v}\n" for k, v in values.items())
        self.config.write_text(text)

    def start_world(self, business=True):
        pki, ports = self.folder / "pki", self.ports
        sandbox = self.build / "uketsuke-sandbox"
        self.start("jpki", [sandbox, "jpki", "serve", self.folder / "jpki",
                            "--address", f"127.0.0.1:{ports['jpki']}", "--interval", "1s"])
        self.start_portal()
        if business:
            self.start_business()
            if self.site:
                self.load_residents(self.folder / "cards" / "registry-residents.csv")

    def start_portal(self):
        pki, ports = self.folder / "pki", self.ports
        self.start("portal", [
            self.build / "uketsuke-sandbox", "portal", "--state", self.folder / "portal",
            "--address", f"127.0.0.1:{ports['portal']}", "--certificate", pki / "portal.pem",
            "--key", pki / "portal.key", "--client-ca", pki / "ca.pem",
            "--arrivals-address", f"127.0.0.1:{ports['arrivals']}", *self._site_options()])
        self.wait_port("portal")
        self.wait_port("arrivals")
        if self.site:
            self.wait_port("site")

    # --- the residents' web site ----------------------------------------------------------------

    @property
    def site_url(self):
        return f"http://127.0.0.1:{self.ports['site']}/"

    def _site_options(self):
        if not self.site:
            return []
        return ["--site-address", f"127.0.0.1:{self.ports['site']}", "--pages", self.pages,
                "--services", self.folder / "services.json", "--cards", self.folder / "cards"]

    @staticmethod
    def build_site(site=SITE):
        """The pages; node and npm come with `deploy/install site`."""
        done = subprocess.run([site / "build"], capture_output=True, text=True)
        if done.returncode != 0:
            raise StackError(f"{site}/build: {done.stdout}{done.stderr}")

    def make_site(self):
        """The pages, what can be applied for, and residents with test cards: before the portal."""
        self.build_site()
        services = self.uketsuke("forms", "describe", "--all").stdout
        (self.folder / "services.json").write_text(services)
        if not (self.folder / "cards").exists():
            self.run("uketsuke-sandbox", "town", "cards", self.folder / "cards", "--jpki",
                     self.folder / "jpki", "--count", "8", *self.card_options)

    def import_cards(self):
        self.uketsuke("registry", "import", self.folder / "cards" / "registry-residents.csv",
                      "--kind", "residents")
        self.uketsuke("registry", "import", self.folder / "cards" / "registry-links.csv")

    def business_connection(self, name):
        return f"host={self.postgres_folder} dbname=business_{name.replace('-', '_')}"

    def make_business_database(self, name):
        database = f"business_{name.replace('-', '_')}"
        if not self.psql("SELECT 1 FROM pg_roles WHERE rolname = 'uketsuke_business'", "postgres"):
            self.psql("CREATE ROLE uketsuke_business LOGIN", "postgres")
        if not self.psql(f"SELECT 1 FROM pg_database WHERE datname = '{database}'", "postgres"):
            self.psql(f"CREATE DATABASE {database} OWNER uketsuke_business", "postgres")

    def start_business(self):
        for name in self.businesses:
            self.make_business_database(name)
            self.start_business_system(name)

    def start_business_system(self, name):
        pki = self.folder / "pki"
        decide = ["--decide", "{},{}".format(*DECISIONS[name])] if self.decide else []
        self.start(f"business-{name}", [
            self.build / "uketsuke-sandbox", "business", "--name", name,
            "--routing", f"https://localhost:{self.ports['routing']}", "--ca", pki / "ca.pem",
            "--certificate", pki / f"business-{name}.pem", "--key", pki / f"business-{name}.key",
            "--client-id", self.client_id(name),
            "--client-secret", self.folder / "keys" / f"business-{name}.secret",
            "--database", self.business_connection(name), *decide])

    def load_residents(self, file):
        """Into the copies of the business systems that run."""
        for name in self.businesses:
            if f"business-{name}" in self.processes:
                self.run("uketsuke-sandbox", "business", "load", "--database",
                         self.business_connection(name), "--residents", file)

    def wait_port(self, name):
        def listening():
            if name in self.processes and not self.alive(name):
                raise StackError(f"{name} stopped: {self.log_text(name)[-2000:]}")
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", self.ports[name])) == 0
        wait_until(listening, 20, f"{name} on port {self.ports[name]}")

    def start_server(self):
        self.start("serve", [self.build / "uketsuke", "serve", "--config", self.config])
        self.wait_port("routing")

    @property
    def city(self):
        return CITY

    @property
    def console_url(self):
        return f"https://localhost:{self.ports['console']}/"

    def start_console(self):
        if not self.alive("serve"):  # which runs it, too
            self.start_role("console")
        self.wait_port("console")

    def start_role(self, role):
        self.start(role, [self.build / "uketsuke", role, "--config", self.config])

    def up(self, server=True, business=True):
        """Everything from nothing; a second time on the same folder finds what is there."""
        self.make_postgres()
        self.start_postgres()
        self.make_world()
        self.make_database()
        if self.site:
            self.make_site()
            self.import_cards()
        self.start_world(business)
        if server:
            self.start_server()

    # --- the town -------------------------------------------------------------------------------

    def make_town(self, name="town", *arguments):
        folder = self.folder / name
        self.run("uketsuke-sandbox", "town", "make", folder, "--jpki", self.folder / "jpki",
                 "--keys", "3", *arguments)
        self.uketsuke("registry", "import", folder / "registry-residents.csv", "--kind",
                      "residents")
        self.uketsuke("registry", "import", folder / "registry-links.csv")
        self.load_residents(folder / "registry-residents.csv")
        self.wait_for_lists()
        return folder

    def wait_for_lists(self):
        """Until lists that know the town's revocations are in the server's folder: the town dates
        some of them back, which a list that was issued before it could not know."""
        def fetch():
            url = f"http://127.0.0.1:{self.ports['jpki']}/crl/sakurano.crl"
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.read()
        old = fetch()
        wait_until(lambda: fetch() != old, 30, "new revocation lists", 0.2)
        self.uketsuke("revocation", "update", "--once")

    def submit_town(self, folder, *arguments):
        self.run("uketsuke-sandbox", "town", "submit", folder, "--portal",
                 f"http://127.0.0.1:{self.ports['arrivals']}", *arguments)

    def expected(self, folder):
        """{receipt number: {"kind", "state", "reason"}}: where each ends."""
        expected, arrivals = (json.loads((pathlib.Path(folder) / name).read_text())
                              for name in ("expected.json", "arrivals.json"))
        routes = self.routes()
        for receipt, want in expected.items() if self.decide else ():
            if want["state"] == "received":
                route = routes[f"route {arrivals[receipt]['procedure_id']}"]
                decision = self.decision(receipt, route["destination"])
                want["state"], want["reason"] = DECIDED[decision]
        return expected

    @staticmethod
    def decision(receipt, name):
        """What the sandbox's business systems decide (deploy/sandbox/business_decide.c)."""
        percent = hashlib.sha256(receipt.encode()).digest()[0] * 100 // 256
        rejected, incomplete = DECISIONS[name]
        return ("rejected" if percent < rejected
                else "incomplete" if percent < rejected + incomplete else "completed")

    # --- what became of it ----------------------------------------------------------------------

    def applications(self):
        """{receipt number: {"state", "reason"}} straight from the database."""
        rows = self.psql("SELECT receipt_number, state, coalesce(reason, '') FROM application")
        return {r: {"state": s, "reason": why}
                for r, s, why in (line.split("\t") for line in rows.splitlines())}

    def business_report(self, name="child-allowance"):
        out = self.run("uketsuke-sandbox", "business", "report", "--database",
                       self.business_connection(name), "--json").stdout
        return json.loads(out)

    def portal_status(self, receipt):
        """What the resident sees."""
        url = f"http://127.0.0.1:{self.ports['arrivals']}/arrivals/{receipt}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)

    def unsettled(self, expected):
        """Receipt numbers that are not yet where they should end."""
        found = self.applications()
        return [r for r, want in expected.items()
                if found.get(r, {}).get("state") != want["state"]
                or (want.get("reason") or "") != found[r]["reason"]]
