#!/usr/bin/env python3
"""command_test.py PROGRAM ROOT: the frame of the `uketsuke` command, from outside."""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import pwd
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM, ROOT = sys.argv[1], pathlib.Path(sys.argv[2])
DONE, FAILED, USAGE = 0, 3, 64


def run(*arguments, config=None, **options):
    environment = {key: value for key, value in os.environ.items() if key != "UKETSUKE_CONFIG"}
    if config:
        environment["UKETSUKE_CONFIG"] = str(config)
    return subprocess.run([PROGRAM, *arguments], env=environment, capture_output=True, text=True,
                          timeout=60, **options)


def commands():
    names = re.findall(r"^  ([a-z]+(?: [a-z-]+)*)  ", run("--help").stdout, re.MULTILINE)
    return names


class Frame(unittest.TestCase):
    def test_help_lists_commands_in_groups(self):
        got = run("--help")
        self.assertEqual(got.returncode, DONE)
        self.assertIn("Usage: uketsuke [--config FILE] COMMAND", got.stdout)
        for words in ("Run the server", "serve ", "config check ", "Exit codes: 0 done"):
            self.assertIn(words, got.stdout)
        self.assertEqual(run("help").stdout, got.stdout)

    def test_nothing_is_wrong_usage(self):
        got = run()
        self.assertEqual((got.returncode, got.stdout), (USAGE, ""))
        self.assertIn("Usage:", got.stderr)

    def test_version(self):
        self.assertRegex(run("--version").stdout, r"^uketsuke \d+\.\d+\.\d+\n$")

    def test_every_command_has_help_worth_reading(self):
        self.assertGreater(len(commands()), 3)
        for name in commands():
            with self.subTest(name):
                got = run(*name.split(), "--help")
                self.assertEqual(got.returncode, DONE)
                self.assertTrue(got.stdout.startswith(f"Usage: uketsuke {name}"), got.stdout)
                self.assertGreater(len(got.stdout), 150)
                self.assertLessEqual(max(map(len, got.stdout.splitlines())), 100)

    def test_unknown_command_names_its_neighbours(self):
        got = run("config")
        self.assertEqual(got.returncode, USAGE)
        self.assertIn('no command "config"', got.stderr)
        self.assertIn("uketsuke config check", got.stderr)
        self.assertEqual(run("nonsense").returncode, USAGE)
        self.assertEqual(run("--config").returncode, USAGE)
        self.assertEqual(run("config", "check", "--frobnicate", config="/dev/null").returncode,
                         FAILED)  # the configuration is read first

    def test_full_disk_is_not_success(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            got = subprocess.run([PROGRAM, "config", "reference"], stdout=full,
                                 stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(got.returncode, FAILED)
        self.assertIn("cannot write the output", got.stderr)


class Configuration(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.config = pathlib.Path(self.folder.name) / "uketsuke.conf"

    def check(self, text):
        self.config.write_text(text, encoding="utf-8")
        return run("config", "check", config=self.config)

    def test_production_example(self):
        example = ROOT / "deploy/examples/production.conf"
        text = example.read_text(encoding="utf-8").replace(
            "/usr/share/uketsuke/procedures", str(ROOT / "forms/procedures"))
        said = self.check(text)
        self.assertEqual(said.stderr, "")  # every line is understood
        self.assertIn("city: good", said.stdout)
        self.assertIn("routes and destinations: good", said.stdout)
        # What is the city's own is not there: certificates and roots.
        self.assertRegex(said.stdout, "TLS: NOT GOOD: .*tls/portal-ca.pem")
        self.assertRegex(said.stdout, "lists: NOT GOOD: .*trust/jpki-sign-1.pem")
        self.assertEqual(said.returncode, FAILED)

    def test_check(self):
        good = self.check("[city]\ncode = 992011\n")
        self.assertEqual((good.returncode, good.stderr), (DONE, ""))
        self.assertEqual(good.stdout, f"{self.config}: every line is understood\n"
                         "  city: good\n"
                         "  certificates of TLS: not configured, [channel] is missing\n"
                         "  trust, procedures, revocation lists: not configured, [trust] is missing\n"
                         "  routes and destinations: not configured, [route] is missing\n"
                         "  hand-over by files: not configured, [files] is missing\n")
        bad = self.check("[city]\ncode = 992012\n")
        self.assertEqual(bad.returncode, FAILED)
        self.assertIn("city: NOT GOOD", bad.stdout)
        self.assertIn("[city] code is not a 団体コード", bad.stdout)
        bad = self.check("[city]\ncode = 992011\n[trust]\nanchors = nowhere.pem\n")
        self.assertEqual(bad.returncode, FAILED)
        self.assertRegex(bad.stdout, "revocation lists: NOT GOOD: .*nowhere.pem")
        bad = self.check("[city]\ncode = 992011\n[route x]\ndestination = nobody\n"
                         "legal-basis = none\n")
        self.assertEqual(bad.returncode, FAILED)
        self.assertRegex(bad.stdout, "destinations: NOT GOOD: .*nobody")
        bad = self.check("[city]\ncode = 992011\nclimate = mild\n")
        self.assertEqual(bad.returncode, FAILED)
        self.assertIn(f'{self.config}:3: section [city] has no key "climate"', bad.stderr)

    def test_routing_check_explains_and_refuses(self):
        text = (f"[city]\ncode = 992011\n[forms]\nprocedures = {ROOT}/forms/procedures\n"
                f"[destination child-allowance]\nauth = mtls\npeers = {'a' * 64}\n"
                f"[destination health]\nauth = mtls\npeers = {'b' * 64}\n"
                "[route child-allowance.certification-claim]\ndestination = child-allowance\n"
                "legal-basis = 番号法第9条第1項\n")
        self.config.write_text(text, encoding="utf-8")
        bad = run("routing", "check", "--json", config=self.config)
        self.assertEqual(bad.returncode, 1)
        told = json.loads(bad.stdout)
        self.assertTrue(any("individual-number = yes" in e for e in told["errors"]))
        self.assertTrue(any("health" in n for n in told["notes"]))
        route = next(r for r in told["routes"]
                     if r["procedure"] == "child-allowance.certification-claim")
        self.assertIn("claimant.name", route["fields"])
        self.assertIn("claimant.individual_number", route["individual_numbers"])
        self.config.write_text(text + "individual-number = yes\n", encoding="utf-8")
        good = run("routing", "check", config=self.config)
        self.assertEqual(good.returncode, DONE, good.stdout)
        self.config.write_text(text + "individual-number = yes\n[route no.such]\n"
                               "destination = health\nlegal-basis = x\n", encoding="utf-8")
        warned = run("routing", "check", config=self.config)
        self.assertEqual(warned.returncode, DONE)
        self.assertIn("there is no such procedure", warned.stdout)

    def test_routing_check_looks_at_where_staff_may_send_one_instead(self):
        """What one person chooses by hand must be allowed as what goes by itself."""
        self.config.write_text(
            f"[city]\ncode = 992011\n[forms]\nprocedures = {ROOT}/forms/procedures\n"
            f"[destination child-allowance]\nauth = mtls\npeers = {'a' * 64}\n"
            f"[destination health]\nauth = mtls\npeers = {'b' * 64}\n"
            "[route child-allowance.certification-claim]\ndestination = health\n"
            "legal-basis = 児童手当法\nalternatives = child-allowance\n", encoding="utf-8")
        bad = run("routing", "check", config=self.config)
        self.assertEqual(bad.returncode, 1)
        self.assertIn("leads to child-allowance, which record.xml lets have a 個人番号", bad.stdout)
        self.assertIn("職員が選べる連携先 -> child-allowance", bad.stdout)

    def test_where_two_must_agree_who_it_is_must_be_known(self):
        """Without a login that the kernel keeps, `sudo -u` would make two people of one."""
        me = pwd.getpwuid(os.getuid()).pw_name
        acts = (["approve"], ["identify", "--resident", "1"], ["confirm", "--resident", "1"],
                ["reroute", "--to", "health"])

        def said(act, accounts):
            config = self.config.with_name(f"{act[0]}-{accounts}.conf")
            config.write_text(f"[city]\ncode = 992011\n[database]\nconnection = host=/nowhere\n"
                              f"[staff]\naccounts = {accounts}\n", encoding="utf-8")
            done = run("application", act[0], "R-1", *act[1:], "--reason", "x", config=config)
            self.assertEqual(done.returncode, FAILED)
            return done.stderr
        nobody = pathlib.Path("/proc/self/loginuid").read_text() == "4294967295"

        def check(act):
            self.assertIn(f"{me} is not among [staff] accounts", said(act, f"x{me} other"))
            self.assertEqual("nobody logged in" in said(act, ""), nobody)
            self.assertNotIn("accounts", said(act, f"other {me}"))  # but the database is away
        with concurrent.futures.ThreadPoolExecutor() as several:  # each waits for the database
            alone = several.submit(said, ["refuse"], "other")  # takes one person
            list(several.map(check, acts))
            self.assertNotIn("accounts", alone.result())

    def test_routing_check_tells_what_a_destination_lacks(self):
        """A certificate, an OAuth client and its secret; and files that nobody is told of."""
        secret = self.config.with_name("secret")

        def check(destination, more=""):
            self.config.write_text(
                f"[city]\ncode = 992011\n[forms]\nprocedures = {ROOT}/forms/procedures\n"
                f"[route health.screening-ticket-reissue]\ndestination = health\n"
                f"legal-basis = 健康増進法\n{more}[destination health]\n{destination}",
                encoding="utf-8")
            done = run("routing", "check", config=self.config)
            return done.returncode, done.stdout + done.stderr

        peers, client = f"peers = {'b' * 64}\n", f"client-id = {'c' * 32}\n"
        place = f"[files health]\nto = {self.config.parent}\n"
        with_secret = f"{peers}{client}client-secret = {secret}\n"
        for destination, more, says in (
                (peers, "", "needs client-id"), (peers + client, "", "needs client-secret"),
                (with_secret, "", f"there is no {secret}"), (client, "", "can't pull"),
                (client, "hand-over = files\n", "there is no [files health]"),
                (client + place, "hand-over = both\n", "can't pull"),
                (with_secret + place, "", "hand-over = both"),
                (with_secret + place, "hand-over = files\n", "may pull"),
                (place + "receipts-from = /a /b\n", "hand-over = files\n", "is one place"),
                (f"{place}[destination x]\n[files x]\nto = {self.config.parent}/\n",
                 "hand-over = files\n", "needs a place of its own"),
                (f"{place}[destination x]\n[files x]\nto = /tmp\n"
                 f"receipts-from = {self.config.parent}/receipts\n",
                 "hand-over = files\n", "needs a place of its own"),
                (with_secret + "[files helth]\nto = /tmp\n", "", "[files helth]")):
            code, told = check(destination, more)
            self.assertEqual(code, 1, (destination, more, told))
            self.assertIn(says, told)
        secret.write_text("s" * 32)
        for destination, way in ((with_secret, "pull"), (place, "files"),
                                 (with_secret + place, "both")):
            code, told = check(destination, f"hand-over = {way}\n")
            self.assertEqual(code, DONE, told)
            self.assertIn(f"health ({way})", told)

    def test_reconciliation_says_what_is_wrong_before_it_asks_the_database(self):
        self.config.write_text(f"[city]\ncode = 992011\n[destination health]\npeers = {'b' * 64}\n",
                               encoding="utf-8")
        theirs = self.config.with_name("theirs.csv")
        period = ["--destination", "health", "--from", "2026-11-01", "--to", "2026-11-30"]
        for words in (["export"], ["export", *period[:4]], ["export", *period, "more"],
                      ["export", *period[:4], "--to", "2026-11-31"],
                      ["export", *period[:2], "--from", "2026-12-01", *period[4:]],
                      ["reconcile", *period], ["reconcile", str(theirs), "two", *period],
                      ["reconcile", str(theirs), "--out", "x", *period]):
            self.assertEqual(run("routing", *words, config=self.config).returncode, USAGE, words)
        bad = run("routing", "reconcile", str(theirs), *period, config=self.config)
        self.assertEqual(bad.returncode, FAILED)
        self.assertIn("cannot read", bad.stderr)
        theirs.write_text("id,receipt_number,kind,sha256,handed_over_at,way,batch,accepted,receipts\n"
                          "1,R-1,application,,2026-11-01T09:00:00+09:00,pull,,maybe,1\n",
                          encoding="utf-8")
        bad = run("routing", "reconcile", str(theirs), *period, config=self.config)
        self.assertEqual((bad.returncode, bad.stdout), (FAILED, ""))
        self.assertIn(f"{theirs}: line 2: not a possible accepted", bad.stderr)
        bad = run("routing", "export", "--destination", "helth", *period[2:], config=self.config)
        self.assertEqual(bad.returncode, FAILED)
        self.assertIn("no [destination helth]", bad.stderr)

    def test_routes_of_the_examples_fit_the_procedures(self):
        text = "\n".join((ROOT / "deploy/examples" / name).read_text(encoding="utf-8")
                         for name in ("production.conf", "routes.conf"))
        self.config.write_text(text.replace("/usr/share/uketsuke/procedures",
                                            str(ROOT / "forms/procedures")), encoding="utf-8")
        keys = self.config.with_name("keys")
        keys.mkdir()
        for name in ("child-allowance", "health", "registry"):
            (keys / f"{name}.secret").write_text("s" * 32)
        told = run("routing", "check", "--json", config=self.config)
        self.assertEqual(told.returncode, DONE, told.stdout + told.stderr)
        self.assertFalse([w for w in json.loads(told.stdout)["warnings"] if "no route" in w])

    def test_option_goes_before_environment_and_stands_anywhere(self):
        self.config.write_text("[city]\ncode = 992011\n", encoding="utf-8")
        for arguments in (["--config", str(self.config), "config", "check"],
                          ["config", f"--config={self.config}", "check"],
                          ["config", "check", "--config", str(self.config)]):
            self.assertEqual(run(*arguments, config="/nowhere").returncode, DONE)
        self.assertEqual(run("config", "check", config="/nowhere").returncode, FAILED)

    def test_reference_is_the_document(self):
        made = run("config", "reference").stdout
        kept = (ROOT / "docs/configuration.md").read_text("utf-8")
        self.assertEqual(kept, made, "run: build/uketsuke config reference >docs/configuration.md")

    def test_key_create(self):
        key = pathlib.Path(self.folder.name) / "city.key"
        self.assertEqual(run("key", "create", str(key)).returncode, DONE)
        self.assertRegex(key.read_text("ascii"), r"^[0-9a-f]{64}\n$")
        self.assertEqual(key.stat().st_mode & 0o777, 0o400)
        before = key.read_text("ascii")
        self.assertEqual(run("key", "create", str(key)).returncode, FAILED)
        self.assertEqual(key.read_text("ascii"), before)
        self.assertEqual(run("key", "create").returncode, USAGE)


class Serve(unittest.TestCase):
    """Of the roles, only revocation lives without a database."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)
        (self.path / "crl").mkdir()
        (self.path / "c.conf").write_text(
            "[city]\ncode = 992011\n[process]\nrun-directory = run\n"
            f"[trust]\nmode = sandbox\nanchors = root.pem\npins = {self.make_root()}\n"
            "[revocation]\ndirectory = crl\n", encoding="utf-8")

    def make_root(self):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
             "-subj", "/C=JP/O=UKETSUKE-SANDBOX/OU=JPKI for digital signature",
             "-addext", "basicConstraints=critical,CA:TRUE",
             "-addext", "keyUsage=critical,keyCertSign,cRLSign",
             "-keyout", self.path / "root.key", "-out", self.path / "root.pem"],
            check=True, capture_output=True)
        der = ssl.PEM_cert_to_DER_cert((self.path / "root.pem").read_text("ascii"))
        return hashlib.sha256(der).hexdigest()

    def serve(self, *arguments, **options):
        process = subprocess.Popen(
            [PROGRAM, "serve", "--config", str(self.path / "c.conf"), *arguments],
            stderr=subprocess.PIPE, text=True, **options)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        return process

    def wait_for(self, process, words):
        deadline = time.monotonic() + 90
        for line in process.stderr:
            if words in line:
                return line
            self.assertLess(time.monotonic(), deadline)
        self.fail(f"ended without saying {words}")

    def test_wrong_roles(self):
        config = str(self.path / "c.conf")
        for roles in ("collect,nobody", "collect,collect", ","):
            self.assertEqual(run("serve", "--config", config, "--roles", roles).returncode, USAGE)
        self.assertEqual(run("serve", "--config", config, "collect").returncode, USAGE)

    def test_ready_restart_and_stop(self):
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(notify.close)
        notify.bind(str(self.path / "notify"))
        notify.settimeout(30)
        process = self.serve("--roles", "revocation", env={
            **os.environ, "NOTIFY_SOCKET": str(self.path / "notify")})
        started = self.wait_for(process, "child.started")
        self.wait_for(process, "serve.ready")
        self.assertEqual(notify.recv(64), b"READY=1")
        self.assertEqual(self.health(), "HTTP/1.1 200 OK")

        second = self.serve("--roles", "revocation")
        self.wait_for(second, "another `uketsuke serve` runs in")
        self.assertEqual(second.wait(30), FAILED)

        os.kill(int(re.search(r"pid=(\d+)", started)[1]), signal.SIGKILL)
        self.wait_for(process, "warning child.killed")
        self.wait_for(process, "child.started")
        process.send_signal(signal.SIGTERM)
        self.wait_for(process, "serve.stopped")
        self.assertEqual(process.wait(30), DONE)

    def health(self):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.path / "run/revocation.sock"))
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return client.recv(4096).split(b"\r\n")[0].decode()


unittest.main(argv=sys.argv[:1], verbosity=2)
