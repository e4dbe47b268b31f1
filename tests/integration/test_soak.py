"""A small soak: as soak.py, which is run large by hand."""

from hostile_consumer import HostileConsumer
from record_fields import allowed_fields, forbidden
from soak import PROCEDURES, SETTINGS, Soak
from stack import BUSINESSES


def test_nothing_is_lost_or_leaked_in_a_small_soak(make_stack):
    HostileConsumer.known.clear()
    stack = make_stack(SETTINGS, businesses=tuple(BUSINESSES), decide=True)
    soak = Soak(stack, count=550, seed=7, minutes=0.4, parallel=9)
    assert soak.run()
    assert all(soak.procedures[p] for p in ("child-allowance.certification-claim",
                                            "health.screening-ticket-reissue",
                                            "registry.move-out-notice"))
    assert soak.sent_back, "some residents' copies were wrong"
    assert sum(soak.killed.values()) >= 8


def test_a_field_too_many_is_seen():
    allowed = allowed_fields(PROCEDURES, "health.screening-ticket-reissue", "health")
    item = {"city_code": "992011", "record": {"claimant": {"name": "x", "secret": "y"}}}
    assert forbidden(item, allowed) == ["record.claimant.secret"]
    assert forbidden(item, allowed_fields(PROCEDURES, "health.screening-ticket-reissue", "registry")) \
        == ["record.claimant.name", "record.claimant.secret"]
