"""The audit trail is signed on schedule, and says so when it was cut, even by the database's owner."""

import json
import re
import subprocess

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


# Entries of 2021, as the trail has them (base/audit.h), in a chain of their own.
OLD_ENTRIES = """
    CREATE FUNCTION field(b bytea) RETURNS bytea LANGUAGE sql AS $$
        SELECT coalesce(int4send(length(b)) || b, '\\xffffffff') $$;
    DO $$
    DECLARE
        before bytea := decode(repeat('00', 32), 'hex');
        own bytea;
        at timestamptz;
    BEGIN
        INSERT INTO audit_chain VALUES ('old', 0, before);
        FOR n IN 1..1200 LOOP
            at := timestamptz '2021-01-01 12:00+09' + n / 10 * interval '1 day' * 3;
            own := sha256(field('old'::bytea) || field(n::text::bytea) || field(before)
                || field(convert_to(to_char(at AT TIME ZONE 'Asia/Tokyo', 'YYYY-MM-DD"T"HH24:MI:SS.US"+09:00"'),
                                    'UTF8'))
                || field('application.view') || field('staff:hanako') || field(NULL) || field('992011')
                || field(NULL) || field('because') || field(NULL));
            INSERT INTO audit_entry (chain, position, at, action, actor, city_code, reason, previous, hash)
                VALUES ('old', n, at, 'application.view', 'staff:hanako', '992011', 'because', before, own);
            before := own;
        END LOOP;
    END $$"""


def killed_until_done(stack, folder):
    """Runs the archive, killed a little later each time, until it comes to its end; how often it was killed."""
    for kills in range(200):
        command = subprocess.Popen([stack.build / "uketsuke", "audit", "archive", folder, "--remove",
                                    "--config", stack.config], stdout=subprocess.DEVNULL)
        try:
            assert command.wait(0.03 + kills * 0.03) == 0
            return kills
        except subprocess.TimeoutExpired:
            command.kill()
            command.wait()
    raise AssertionError("it never came to its end")


def test_the_archive_loses_nothing_however_often_it_is_killed(make_stack, tmp_path):
    stack = make_stack()
    stack.up(business=False)
    stack.stop("serve")
    stack.psql(OLD_ENTRIES)
    folder = tmp_path / "archive"
    folder.mkdir()
    assert stack.uketsuke("audit", "verify").returncode == 0
    assert killed_until_done(stack, folder) > 3
    proven = stack.uketsuke("audit", "verify", "--archive", str(folder))
    assert "with 1200 entries of the archive" in proven.stdout, proven.stdout
    assert stack.uketsuke("audit", "verify").returncode == 0
    assert stack.psql("SELECT count(*) FROM audit_entry WHERE chain = 'old'").strip() == "0"
    assert not list(folder.glob(".*"))
    removed = stack.psql("SELECT sum((detail::jsonb->>'entries')::int), count(*) = count(DISTINCT detail)"
                         " FROM audit_entry WHERE action = 'audit.archive'")
    assert removed.split() == ["1200", "t"]
    read = stack.uketsuke("audit", "list", "--archive", str(folder), "--month", "2021-02", "--person",
                          "staff:hanako")
    entries = [json.loads(line) for line in read.stdout.splitlines()]
    assert entries and all(e["at"].startswith("2021-02") and e["reason"] == "because" for e in entries)
    assert stack.psql("SELECT count(*) FROM audit_entry WHERE action = 'audit.look'").strip() == "1"
    (folder / "2021-02-old.trail").write_bytes(b"other")
    damaged = stack.uketsuke("audit", "verify", "--archive", str(folder), check=False)
    assert damaged.returncode == 1 and "2021-02-old.trail" in damaged.stdout
