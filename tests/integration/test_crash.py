"""Nothing is lost and nothing is doubled when every part is killed at random moments."""

import os
import random
import threading
import time

from stack import ROLES, wait_until

GOOD = 500
KILLS = 24
SEED = int(os.environ.get("UKETSUKE_CRASH_SEED", "1"))
SETTINGS = {"work": {"lease": "2s"}}


def kill_at_random(stack, dice, victims):
    """Kills one of `victims`, leaves it dead for a moment, starts it again. What had given up by
    itself (a role does when it starts while the database is away) is started, and not counted."""
    name = dice.choice(victims)
    lived = stack.alive(name)
    stack.kill(name)
    time.sleep(dice.uniform(0, 0.8))
    if name == "postgres":
        stack.start_postgres()
    else:
        stack.start_role(name)
    return [name] if lived else []


def test_killed_at_random_moments(make_stack):
    dice = random.Random(SEED)
    print(f"UKETSUKE_CRASH_SEED={SEED}")
    stack = make_stack(SETTINGS)
    stack.up(server=False)
    folder = stack.make_town("town", "--seed", str(SEED), "--count", str(GOOD), "--kinds", "all")
    expected = stack.expected(folder)
    for role in ROLES:
        stack.start_role(role)
    submitting = threading.Thread(target=stack.submit_town, args=(folder, "--rate", "40"))
    submitting.start()

    victims = [*ROLES, "postgres"]
    killed = []
    while len(killed) < KILLS or set(killed) != set(victims) or submitting.is_alive():
        time.sleep(dice.uniform(0.1, 0.6))
        killed += kill_at_random(stack, dice, victims)
    submitting.join()

    for name in ROLES:  # a role may give up while the database is away; a supervisor starts it again
        if not stack.alive(name):
            stack.start_role(name)
    try:
        wait_until(lambda: not stack.unsettled(expected), 180, "everything where it should end", 0.5)
        wait_until(lambda: stack.psql("SELECT count(*) FROM outbox").strip() == "0", 60,
                   "an empty outbox", 0.5)
    finally:
        print("killed:", killed)
        found = stack.applications()
        for receipt in stack.unsettled(expected)[:20]:
            print(receipt, "wanted", expected[receipt], "is", found.get(receipt))

    good = sorted(r for r, want in expected.items() if want["state"] == "received")
    assert len(good) >= GOOD
    business = stack.business_report()
    assert sorted(business["receipt_numbers"]) == good, "each good one exactly once, no bad one"
    assert business["duplicates"] == 0
    assert len(killed) >= KILLS
    assert stack.uketsuke("audit", "verify").returncode == 0
    # Nothing in between: only what is held or unmatched still has work to do.
    assert stack.psql("SELECT count(*) FROM work JOIN application USING (city_code, application_id)"
                      " WHERE state NOT IN ('held', 'unmatched')").strip() == "0"
    # Every event of every application is there, in order.
    assert stack.psql(
        "SELECT count(*) FROM application a WHERE version <> (SELECT count(*) FROM application_event"
        " e WHERE (e.city_code, e.application_id) = (a.city_code, a.application_id))"
    ).strip() == "0"
    # What was collected is stored, once, as the portal promised it.
    assert stack.psql(
        "SELECT count(*) FROM application LEFT JOIN package USING (city_code, application_id)"
        " WHERE state IN ('received', 'refused', 'unmatched')"
        " AND sha256 IS DISTINCT FROM promised_sha256").strip() == "0"
    # Every resident of a good one sees 処理中.
    assert all(stack.portal_status(r)["status"] == "処理中" for r in good)
