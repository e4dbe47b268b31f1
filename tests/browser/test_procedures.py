"""Every procedure, filled in as a resident would from its good example: what the business system
gets is what was typed, item by item."""

import time
import traceback

import pytest

from procedure import current, local

HARD = "child-allowance.certification-claim"
PATIENCE = 90  # seconds, from the last submission to the last record


def card_for(cards, form):
    """The test card of the one who applies: the signer must be the claimant."""
    claimant = next(child for child in form if local(child) == "claimant")
    facts = {local(item): item.text for item in claimant}
    found = [card for card in cards
             if (card["name"], card["birth_date"], card["address"]) ==
             (facts["name"], facts["birth-date"], facts["address"])]
    assert found, "no test card for the claimant of the example: deploy/sandbox/town_cards.c"
    return found[0]


def make_hard(form):
    """Names that are hard to carry: private use (外字), beyond the BMP, 100 characters, long vowels,
    half-width kana."""
    spouse = next(child for child in form if local(child) == "spouse")
    name = next(item for item in spouse if local(item) == "name")
    name.text = "𠮷" * 40 + "　" + "長" * 59
    children = next(child for child in form if local(child) == "children")
    hard = ["\ue000\U000f0001　ルイーズー", "ｻｸﾗﾉ　ﾊﾅｺﾞー"]
    for child, text in zip(children, hard):
        next(item for item in child if local(item) == "name").text = text


class Submitted:
    """What became of each procedure: its receipt number and what was typed, or why not."""

    def __init__(self):
        self.receipts, self.typed, self.why = {}, {}, {}


def apply(resident, procedure, cards, submitted, folder):
    form, beside = procedure.example()
    if procedure.id == HARD:
        make_hard(form)
    card = card_for(cards, form)
    if submitted.card != card["id"]:
        resident.log_in(card)
        submitted.card = card["id"]
    resident.applied_at(beside["applied_at"])
    service = resident.begin(procedure.id)
    resident.fill_all(service, form, beside.get("attachments", {}), folder)
    submitted.receipts[procedure.id] = resident.submit(card["sign_pin"])
    submitted.typed[procedure.id] = procedure.expected(form)


@pytest.fixture(scope="module")
def submitted(resident, tmp_path_factory):
    """Applies for all of them, one after the other: the server works on them meanwhile."""
    submitted = Submitted()
    submitted.card = None
    cards = resident.cards()
    folder = tmp_path_factory.mktemp("files")
    for procedure in current():
        try:
            apply(resident, procedure, cards, submitted, folder)
        except Exception:  # told by the procedure's own test
            resident.shot(f"failed-{procedure.id}")
            submitted.why[procedure.id] = traceback.format_exc()
    submitted.deadline = time.monotonic() + PATIENCE
    return submitted


def record_of(stack, business, receipt, deadline):
    """Pulled as soon as it waits; what the server says of it when it does not come."""
    while receipt not in business.records:
        business.pull()
        if receipt in business.records:
            break
        if time.monotonic() > deadline:
            found = stack.applications().get(receipt)
            pytest.fail(f"{receipt} did not come: {found}\n"
                        + stack.uketsuke("show", receipt, check=False).stdout)
        time.sleep(0.3)
    return business.records[receipt]


@pytest.mark.parametrize("procedure", current(), ids=lambda procedure: procedure.id)
def test_what_was_typed_arrives(stack, businesses, submitted, procedure):
    if procedure.id in submitted.why:
        pytest.fail(submitted.why[procedure.id])
    item = record_of(stack, businesses[procedure.destination], submitted.receipts[procedure.id],
                     submitted.deadline)
    record = dict(item["record"])
    record.pop("computed", None)  # by the rules, not by the resident
    assert record == submitted.typed[procedure.id]
