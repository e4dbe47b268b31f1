"""Revocation by query: a real responder over HTTP that behaves well, and badly in each way."""

import json
import pathlib
import re
import subprocess

import pytest

from stack import wait_until
from test_town import BUILD, POLICY, ROOT, Town, run

# What the sandbox's responder does at /ocsp/NAME, and what we call it.
JUDGED = {"stale": "ocsp-stale", "future": "ocsp-future", "unknown": "ocsp-unknown",
          "unauthorized": "ocsp-unauthorized", "try-later": "ocsp-try-later",
          "other": "ocsp-other-certificate", "foreign": "ocsp-responder",
          "forged": "ocsp-signature", "nonce-wrong": "ocsp-nonce",
          "nonce-none": "ocsp-nonce-missing"}
BROKEN = {"error": "ocsp-http", "garbage": "ocsp-malformed", "slow": "ocsp-timeout"}


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    return Town(tmp_path_factory.mktemp("town"))


@pytest.fixture(scope="module")
def responder(town):
    process = subprocess.Popen(
        [BUILD / "uketsuke-sandbox", "jpki", "serve", town.jpki, "--address", "127.0.0.1:0",
         "--interval", "60s"], stdout=subprocess.PIPE, text=True)
    yield f"http://127.0.0.1:{re.search(r'port ([0-9]+)', process.stdout.readline())[1]}/ocsp"
    process.terminate()
    process.wait(10)


def response(town, responder, receipt, folder, manner=""):
    """As DER, asked for by openssl: of the generation that knows the certificate."""
    pem = town.certificate(receipt, folder)
    issuer = run("openssl", "x509", "-in", pem, "-noout", "-ext", "authorityKeyIdentifier").stdout
    for generation in (3, 2):
        own = run("openssl", "x509", "-in", town.jpki / f"sign-{generation}.pem", "-noout", "-ext",
                  "subjectKeyIdentifier").stdout
        if own.split()[-1] in issuer:
            break
    request, answer = folder / f"{receipt}.request", folder / f"{receipt}{manner}.response"
    run("openssl", "ocsp", "-sha256", "-issuer", town.jpki / f"sign-{generation}.pem", "-cert", pem,
        "-reqout", request)
    run("curl", "-sf", "-H", "Content-Type: application/ocsp-request", "--data-binary",
        f"@{request}", "-o", answer, f"{responder}/{manner}".rstrip("/"))
    return answer


def verify(town, receipt, *more):
    command = [BUILD / "uketsuke", "verify", "--trust", town.jpki / "sign-anchors.pem",
               "--policy", POLICY, "--procedures", ROOT / "forms" / "procedures"]
    for pin in (town.jpki / "sign-anchors.pins").read_text().split():
        command += ["--pin", pin]
    return run(*command, *more, town.path(receipt), check=False)


def test_verify_with_responses(town, responder, tmp_path):
    good, late, early = (town.of(k)[0] for k in ("good", "revoked-after", "revoked-before"))
    given = [w for r in (early, late, good) for w in ("--ocsp", response(town, responder, r,
                                                                         tmp_path))]
    for receipt, code, word in ((good, 0, "good on"), (late, 0, "after the application"),
                                (early, 1, "certificate-revoked")):
        done = verify(town, receipt, *given)
        assert done.returncode == code, done.stdout + done.stderr
        assert word in done.stdout
    other = verify(town, good, *given[:4])  # nothing about it among the files, and no list
    assert other.returncode == 2 and "ocsp-not-asked" in other.stdout
    lists = [w for c in sorted((town.jpki / "crl").glob("*.crl")) for w in ("--crl", c)]
    assert verify(town, good, *given[:4], *lists).returncode == 0
    pem = town.certificate(good, tmp_path)
    assert verify(town, good, "--ocsp", pem).returncode == 3  # no response at all


@pytest.mark.parametrize("manner", sorted(set(JUDGED) - {"nonce-wrong", "nonce-none", "try-later",
                                                         "unauthorized"}))
def test_verify_believes_no_bad_response(town, responder, manner, tmp_path):
    for kind in ("good", "revoked-before"):
        receipt = town.of(kind)[0]
        done = verify(town, receipt, "--ocsp", response(town, responder, receipt, tmp_path, manner))
        if (manner, kind) == ("stale", "revoked-before"):  # a revocation is final
            assert done.returncode == 1 and "certificate-revoked" in done.stdout
            continue
        assert done.returncode == 2, done.stdout
        # what is about another certificate is not even chosen
        assert ("ocsp-not-asked" if manner == "other" else JUDGED[manner]) in done.stdout


# --- the role -------------------------------------------------------------------------------------


class House:
    """Applications that are collected, and no role runs."""

    def __init__(self, make_stack, kinds):
        self.stack = make_stack({"work": {"lease": "3s", "retry-held": "1s"}})
        self.stack.up(server=False)
        folder = self.stack.make_town("town", "--seed", "5", "--count", "8", "--kinds", kinds)
        self.stack.submit_town(folder)
        assert self.stack.uketsuke("collect", "--once").returncode == 0
        self.expected = {r: (("refused", "certificate-revoked") if e["kind"] == "revoked-before"
                             else ("verified", ""))
                         for r, e in self.stack.expected(folder).items()}

    def states(self):
        return {r: (a["state"], a["reason"]) for r, a in self.stack.applications().items()}

    def configure(self, manner="", **keys):
        url = f"http://127.0.0.1:{self.stack.ports['jpki']}/ocsp/{manner}".rstrip("/")
        self.stack.settings["revocation"] = {
            "ocsp-url": url, "ocsp-timeout": "500ms", "ocsp-failures-most": "1000",
            "retry": "100ms", **{k.replace("_", "-"): v for k, v in keys.items()}}
        self.stack.write_config()

    def examine(self):
        self.stack.psql("UPDATE work SET due_at = now() WHERE stage = 'examine'")
        assert self.stack.uketsuke("examine", "--once").returncode == 0
        return set(self.states().values())


@pytest.fixture
def house(make_stack):
    return lambda kinds="good,revoked-before,revoked-after": House(make_stack, kinds)


def test_each_manner_is_told_apart_and_held(house):
    house = house("good,revoked-after")  # a revocation is final, however stale
    for manner, reason in {**JUDGED, **BROKEN}.items():
        house.configure(manner, method="ocsp-only", ocsp_nonce="required")
        assert house.examine() == {("held", reason)}, manner
    house.configure(method="ocsp-only", ocsp_nonce="required")
    house.examine()
    assert house.states() == house.expected


@pytest.mark.parametrize("manner", ["", "unknown", "forged", "slow"])
def test_the_list_decides_where_the_responder_does_not(house, manner):
    house = house()
    house.configure(manner, method="ocsp-then-crl")
    house.examine()
    assert house.states() == house.expected
    assert set(house.expected.values()) == {("refused", "certificate-revoked"), ("verified", "")}


def test_a_suspension_is_not_forgotten(house):
    """The responder tells of it and is then not reached: the list that was there before does not
    lift it, one that comes later does."""
    house = house("good")
    stack = house.stack
    house.configure("suspended", method="ocsp-then-crl")
    assert house.examine() == {("held", "revocation-on-hold")}
    house.configure("slow", method="ocsp-then-crl")
    for _ in range(2):  # the examination between, which tells nothing, does not forget it either
        assert house.examine() == {("held", "ocsp-timeout")}
    receipt = sorted(house.expected)[0]
    stored = json.loads(stack.uketsuke("verify", "--stored", receipt, "--json", check=False).stdout)
    assert stored["same_report"] and stored["differences"] == []
    reasons = {check.get("reason") for check in stored["report"]["checks"]}
    assert {"ocsp-timeout", "revocation-on-hold"} <= reasons

    def newer():
        stack.uketsuke("revocation", "update")
        return house.examine() == {("verified", "")}

    wait_until(newer, 20, "verified by a newer list", 0.5)


def test_a_responder_that_dies_and_comes_back(house):
    """A part is examined with it, a part by the lists while it is away, and the rest, for whom
    there is no list, when it is back."""
    house = house()
    stack, receipts = house.stack, sorted(house.expected)
    house.configure(method="ocsp-then-crl", ocsp_failures_most="2", ocsp_rest="500ms")

    def due(some):
        stack.psql("UPDATE work SET due_at = CASE WHEN receipt_number IN ("
                   + ", ".join(f"'{r}'" for r in some) + ") THEN now() ELSE due_at + interval '1h'"
                   " END FROM application a WHERE stage = 'examine'"
                   " AND a.application_id = work.application_id")

    def settled(some, patience=30):
        wait_until(lambda: all(house.states()[r] == house.expected[r] for r in some), patience,
                   f"settled: {some}", 0.1)

    def health(answered, resting):
        """As the day at a glance tells it."""
        wait_until(lambda: stack.psql("SELECT answered_at > now() - interval '1min', resting"
                                      " FROM ocsp_health") == f"{answered}\t{resting}\n",
                   20, f"the responder has answered {answered}, is left alone {resting}", 0.1)

    due(receipts[:3])
    stack.start_role("examine")
    settled(receipts[:3])
    health("t", "f")
    assert "ocsp.breaker_opened" not in stack.log_text("examine")
    stack.kill("jpki")
    due(receipts[3:6])
    settled(receipts[3:6])
    assert "ocsp.breaker_opened" in stack.log_text("examine")
    health("t", "t")
    for index in (stack.folder / "crl").glob("*.idx"):
        index.unlink()
    due(receipts[6:])
    wait_until(lambda: all(house.states()[r][1].startswith("ocsp-") for r in receipts[6:]), 20,
               "held without a responder and without lists", 0.1)
    stack.start("jpki", [stack.build / "uketsuke-sandbox", "jpki", "serve", stack.folder / "jpki",
                         "--address", f"127.0.0.1:{stack.ports['jpki']}", "--interval", "3s"])
    settled(receipts)
    assert "ocsp.breaker_closed" in stack.log_text("examine")
    health("t", "f")


def test_a_response_is_kept_for_the_next_look(house):
    """Held for another reason: looked at again and again, asked for once."""
    house = house("unknown-procedure")
    stack = house.stack
    house.configure(method="ocsp-only")
    stack.start_role("examine")

    def questions(result):
        text = subprocess.run(["curl", "-s", "--unix-socket", stack.folder / "run" / "examine.sock",
                               "http://localhost/metrics"], capture_output=True, text=True).stdout
        found = re.search(rf'uketsuke_ocsp_questions_total{{result="{result}"}} (\d+)', text)
        return int(found[1]) if found else 0

    wait_until(lambda: questions("cached") >= 16, 30, "answers out of the cache", 0.2)
    assert questions("answered") == 8
    assert set(house.states().values()) == {("held", "procedure-unknown")}
    stack.stop("examine")  # what answers another's question is asked for each time
    house.configure("nonce-wrong", method="ocsp-only")
    stack.start_role("examine")
    wait_until(lambda: questions("answered") >= 16, 30, "answers with another nonce", 0.2)
    assert questions("cached") == 0
    stack.stop("examine")
    stored = json.loads(stack.uketsuke("verify", "--stored", sorted(house.expected)[0], "--json",
                                       check=False).stdout)
    assert "ocsp-nonce" in {check.get("reason") for check in stored["report"]["checks"]}
