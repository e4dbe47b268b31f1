"""The audit trail is signed on schedule, and says so when it was cut, even by the database's owner."""

import re

from stack import wait_until

HASH = re.compile(r"audit\.checkpoint .*sha256=([0-9a-f]{64})")


def checkpoint_hashes(stack):
    return HASH.findall(stack.log_text("serve"))


def test_serve_signs_and_a_cut_end_shows(make_stack):
    stack = make_stack()
    stack.up(business=False)
    folder = stack.make_town("town", "--seed", "3", "--count", "4", "--kinds", "good")
    stack.submit_town(folder)
    wait_until(lambda: "routed" in {a["state"] for a in stack.applications().values()}, 60,
               "an application routed")
    stack.stop("serve")
    stack.start_server()  # signs when it starts
    wait_until(lambda: len(checkpoint_hashes(stack)) >= 2, 30, "a second checkpoint")
    stack.stop("serve")
    last = checkpoint_hashes(stack)[-1]
    assert stack.uketsuke("audit", "verify", "--expect", last).returncode == 0
    assert stack.uketsuke("audit", "verify", "--expect", "0" * 64, check=False).returncode == 1
    assert stack.uketsuke("audit", "verify", "--expect", "0", check=False).returncode == 64

    # Who owns the tables takes away the last entry of a chain, its trace in the head, and every
    # checkpoint: what is left is whole in itself, and only the copy of a hash shows it.
    stack.psql("""
        ALTER TABLE audit_entry DISABLE TRIGGER USER;
        ALTER TABLE audit_checkpoint DISABLE TRIGGER USER;
        DELETE FROM audit_checkpoint;
        DELETE FROM audit_entry e USING audit_chain c WHERE c.chain = 'routing'
            AND e.chain = c.chain AND e.position = c.position;
        UPDATE audit_chain c SET position = e.position, hash = e.hash FROM audit_entry e
            WHERE c.chain = 'routing' AND e.chain = c.chain AND e.position = c.position - 1;
        ALTER TABLE audit_entry ENABLE TRIGGER USER;
        ALTER TABLE audit_checkpoint ENABLE TRIGGER USER""")
    whole = stack.uketsuke("audit", "verify", check=False)
    assert whole.returncode == 0 and "There is no checkpoint" in whole.stdout
    cut = stack.uketsuke("audit", "verify", "--expect", last, check=False)
    assert cut.returncode == 1 and last in cut.stdout
