"""Every kind of bad application ends in its own named verdict; the good ones beside it are unharmed.

The kinds, and where each must end, come from the town (deploy/sandbox/town*.c): expected.json.
"""

import collections
import csv
import subprocess

import pytest

from stack import wait_until

# What the issue demands of the town: a kind that went missing there must not go unnoticed here.
KINDS = """good good-enveloped good-attachments good-cms good-cms-bare good-raw good-ecdsa-cms
good-ecdsa-raw revoked-after unlinked facts-differ agent
truncated-zip zip-bomb nested-archive path-traversal encrypted-member duplicate-member
too-many-members member-missing member-extra member-hash xml-dtd xml-external-entity billion-laughs
xml-deep xml-encoding unsigned other-document altered-form altered-attachment wrong-key sha1 expired
not-yet-valid revoked-before login-certificate login-usage unknown-issuer wrong-city
unknown-procedure missing-field bad-kojinbango no-crl wrong-bytes attachment-uncovered
former-surname common-name variant-kanji substituted renewed-card phone married moved protected
not-resident number-mismatch resident-unknown many-links proposed no-candidate twins
cms-altered cms-attributes-replayed cms-other-certificate mixed-containers raw-other-member""".split()


@pytest.fixture(scope="module")
def town(make_module_stack):
    stack = make_module_stack()
    stack.up()
    made = stack.make_town("town", "--seed", "7", "--count", "60", "--kinds", "all")
    stack.submit_town(made)
    expected = stack.expected(made)
    try:
        wait_until(lambda: not stack.unsettled(expected), 120, "all settled", 0.2)
    except Exception as error:  # each kind has its own test below, which says more
        print(error)
    return expected, stack.applications(), stack


@pytest.mark.parametrize("kind", KINDS)
def test_kind(town, kind):
    expected, found, _ = town
    mine = {r: want for r, want in expected.items() if want["kind"] == kind}
    assert mine, f"the town makes no {kind}"
    for receipt, want in mine.items():
        assert found.get(receipt) == {"state": want["state"], "reason": want.get("reason") or ""}


def test_every_verdict_has_its_own_name(town):
    """No two faults of different nature hide behind one reason."""
    expected, _, _ = town
    reasons = collections.defaultdict(set)
    for want in expected.values():
        if want["state"] == "refused":
            reasons[want["reason"]].add(want["kind"])
    shared = {reason: kinds for reason, kinds in reasons.items() if len(kinds) > 1}
    assert shared.keys() <= {"xml-dtd", "signature-digest", "signature-value",
                              "certificate-issuer-unknown"}, shared


def test_only_good_ones_reach_the_business_system(town):
    expected, _, stack = town
    report = stack.business_report()
    assert sorted(report["receipt_numbers"]) == sorted(
        r for r, want in expected.items() if want["state"] == "received")
    assert report["duplicates"] == 0


def personal(folder):
    """What the town knows of its people, and no log or metric may say."""
    for person in csv.DictReader((folder / "residents.csv").open()):
        yield from (person[k] for k in ("name", "name_kana", "address", "individual_number",
                                        "atenabango"))
        yield person["name"].replace("\u3000", "")
    for resident in csv.DictReader((folder / "registry-residents.csv").open()):
        yield from (resident[k] for k in ("tsusho", "shimei"))
    for link in csv.DictReader((folder / "registry-links.csv").open()):
        yield link["serial"]


SHOWN = {"good": ("identified by the serial number", "name same", "claimant by link"),
         "variant-kanji": ("name notation",), "substituted": ("name substituted",),
         "common-name": ("name other-name",), "former-surname": ("certificate and registry",),
         "married": ("name surname-differs", "name other-name"),
         "moved": ("birth_date same, sex same, address",), "number-mismatch": ("number differs",),
         "many-links": ("none, or several",), "protected": ("people of the form",),
         "proposed": ("candidates", "and all four facts"), "no-candidate": ("none, or several",),
         "twins": ("candidates", "and all four facts"), "not-resident": ("name same",),
         "resident-unknown": ("name unknown",), "unlinked": ("none, or several",)}


def test_show_tells_how_it_was_decided_and_never_who(town):
    expected, _, stack = town
    secrets = {s for s in personal(stack.folder / "town") if len(s) > 3}
    for kind, words in SHOWN.items():
        receipt, want = next((r, w) for r, w in expected.items() if w["kind"] == kind)
        said = stack.uketsuke("show", "--decision", receipt).stdout
        for word in (*words, want["reason"]):
            assert word in said, (kind, said)
        if want["reason"]:
            assert f"reason         {want['reason']}: " in said
        assert not any(secret in said for secret in secrets), kind
    views = stack.psql("SELECT chain FROM audit_entry WHERE action = 'application.view'").split()
    assert views.count("identify") == views.count("operator") == len(SHOWN)


def metrics(socket):
    return subprocess.run(["curl", "-sS", "--unix-socket", socket, "http://localhost/metrics"],
                          capture_output=True, text=True, check=True).stdout


def test_nothing_personal_in_logs_and_metrics(town):
    """Names, addresses, 個人番号, 宛名番号 and serial numbers, in every log (PostgreSQL's and the
    sandbox's too) and every role's metrics."""
    _, _, stack = town
    texts = {log.name: log.read_text(errors="replace")
             for log in (stack.folder / "logs").glob("*.log")}
    texts |= {s.name: metrics(s) for s in (stack.folder / "run").glob("*.sock")}
    assert len(texts["serve.log"]) > 1000
    assert "uketsuke_" in texts["collect.sock"] and "uketsuke_" in texts["examine.sock"]
    secrets = {s for s in personal(stack.folder / "town") if s}  # a new-born has no number yet
    assert len(secrets) > 300
    found = {name for name, text in texts.items()
             if "試験県" in text or any(secret in text for secret in secrets)}
    assert not found, "these speak of people"
