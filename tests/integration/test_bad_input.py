"""Every kind of bad application ends in its own named verdict; the good ones beside it are unharmed.

The kinds, and where each must end, come from the town (deploy/sandbox/town*.c): expected.json.
"""

import collections

import pytest

from stack import Stack, wait_until

# What the issue demands of the town: a kind that went missing there must not go unnoticed here.
KINDS = """good good-enveloped good-attachments revoked-after unlinked facts-differ agent
truncated-zip zip-bomb nested-archive path-traversal encrypted-member duplicate-member
too-many-members member-missing member-extra member-hash xml-dtd xml-external-entity billion-laughs
xml-deep xml-encoding unsigned other-document altered-form altered-attachment wrong-key sha1 expired
not-yet-valid revoked-before login-certificate login-usage unknown-issuer wrong-city
unknown-procedure missing-field bad-kojinbango no-crl wrong-bytes attachment-uncovered""".split()


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("s")
    for parent in [folder, *folder.parents][:4]:
        try:
            parent.chmod(parent.stat().st_mode | 0o055)
        except PermissionError:
            break
    stack = Stack(folder, settings={"work": {"lease": "3s"}}, durable=False)
    try:
        stack.up()
        made = stack.make_town("town", "--seed", "7", "--count", "60", "--kinds", "all")
        stack.submit_town(made)
        expected = stack.expected(made)
        try:
            wait_until(lambda: not stack.unsettled(expected), 120, "all settled", 0.2)
        except Exception as error:  # each kind has its own test below, which says more
            print(error)
        yield expected, stack.applications(), stack
    finally:
        stack.stop_all()


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
    assert shared.keys() <= {"xml-dtd", "signature-digest", "certificate-issuer-unknown"}, shared


def test_only_good_ones_reach_the_business_system(town):
    expected, _, stack = town
    report = stack.business_report()
    assert sorted(report["receipt_numbers"]) == sorted(
        r for r, want in expected.items() if want["state"] == "received")
    assert report["duplicates"] == 0


def test_nothing_personal_in_the_logs(town):
    """Names, addresses, 個人番号 and serial numbers of the town's people."""
    _, _, stack = town
    serials = {line.split(",")[1] for line in
               (stack.folder / "town" / "registry-links.csv").read_text().splitlines()[1:]}
    text = stack.log_text("serve")
    assert len(text) > 1000
    assert "試験県" not in text
    assert not [s for s in serials if len(s) >= 8 and s in text]
