"""The example clients of docs/examples against a real server: all that waits is taken, once."""

import datetime
import hashlib
import subprocess
import sys

import pytest
from stack import ROOT, Stack

COUNT = 250  # more than one claim holds


@pytest.fixture
def house(make_stack):
    stack = make_stack()
    stack.make_postgres()
    stack.start_postgres()
    stack.make_world()
    stack.make_database()
    stack.start_role("routing")
    stack.wait_port("routing")
    return stack


def fill(stack, first):
    admin = stack.folder / "admin.conf"
    admin.write_text(f"[database]\nconnection = {stack.connection}\nowner-user = uketsuke_admin\n")
    subprocess.run([stack.build / "tests" / "bench" / "routing_bench", "fill", admin,
                    stack.folder / "keys" / "city.key", str(first), str(COUNT), "600"], check=True)


def run(stack, command, folder):
    folder.mkdir(exist_ok=True)
    pki = stack.folder / "pki" / "business-child-allowance"
    return subprocess.run(
        [*command, f"https://localhost:{stack.ports['routing']}", stack.folder / "pki" / "ca.pem",
         f"{pki}.pem", f"{pki}.key", Stack.client_id("child-allowance"),
         stack.folder / "keys" / "business-child-allowance.secret", folder],
        capture_output=True, text=True, timeout=60)


def test_the_example_clients_take_all_that_waits(house):
    place = house.folder / "clients"
    place.mkdir()
    source = ROOT / "docs" / "examples"
    program = place / "pull_client"
    subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", "-o", program, source / "pull_client.c",
                    "-lcurl", "-ljansson", "-lcrypto"], check=True)
    clients = {"c": [program], "python": [sys.executable, source / "pull_client.py"]}
    for n, (name, command) in enumerate(clients.items()):
        fill(house, 1 + n * COUNT)
        folder = place / name
        done = run(house, command, folder)
        assert done.returncode == 0, done.stderr
        lines = [line.split() for line in done.stdout.splitlines()]
        assert [result for _, result in lines] == ["taken"] * COUNT
        assert len(list(folder.glob("*.json"))) == COUNT
        for item in folder.iterdir():
            wanted = house.psql(f"SELECT encode(sha256, 'hex') FROM delivery WHERE accepted "
                                f"AND outbox_id = {item.stem}").strip()
            assert hashlib.sha256(item.read_bytes()).hexdigest() == wanted
        assert run(house, command, folder).stdout == ""  # nothing waits any more
    assert house.psql("SELECT count(*) FROM outbox").strip() == "0"
    assert house.psql("SELECT count(*), count(DISTINCT application_id) FROM delivery"
                      ).split() == [str(2 * COUNT)] * 2
    states = house.psql("SELECT DISTINCT state FROM application").split()
    assert states == ["received"]
    reconciles(house, sorted((path for name in clients for path in (place / name).iterdir()),
                             key=lambda path: int(path.stem)))


def reconciles(house, items):
    """Our export, and what the clients have on their disks, come to the same, item by item."""
    today = house.psql("SELECT (now() AT TIME ZONE 'Asia/Tokyo')::date").strip()
    day = datetime.date.fromisoformat(today)
    period = ["--destination", "child-allowance", "--from", str(day - datetime.timedelta(1)),
              "--to", str(day)]
    ours, theirs = house.folder / "ours.csv", house.folder / "theirs.csv"
    printed = house.uketsuke("routing", "export", *period).stdout
    house.uketsuke("routing", "export", *period, "--out", ours)
    rows = ours.read_text().splitlines()
    assert rows == printed.splitlines() and len(rows) == 1 + len(items)

    has = [f"{path.stem},R-1,application,{hashlib.sha256(path.read_bytes()).hexdigest()},"
           f"{today}T00:00:00+09:00,pull,,yes,1" for path in items]

    def reconcile(lines):
        theirs.write_text("\n".join([rows[0], *lines]))
        return house.uketsuke("routing", "reconcile", theirs, *period, check=False)

    same = reconcile(has)
    assert (same.returncode, same.stdout) == (0, f"{len(has)} here, {len(has)} there, "
                                                 "0 differences\n")
    other = reconcile([has[0].replace("yes", "no"), *has[2:]])
    assert other.returncode == 1
    told = other.stdout.splitlines()
    assert "other answer: here accepted yes, there no" in told[0]
    assert "missing there: here accepted yes" in told[1]
    assert told[2].endswith(", 2 differences")
    assert [line.partition(":")[0] for line in told[3:] if line[0] != " "] == [
        "missing there", "other answer"], "what to do, once for each kind"
    bad = reconcile([has[1], has[0]])
    assert bad.returncode == 3 and "line 3: rows must be ordered by id" in bad.stderr


def test_the_example_clients_say_what_is_wrong(house):
    (house.folder / "keys" / "business-child-allowance.secret").write_text("x" * 40 + "\n")
    done = run(house, [sys.executable, ROOT / "docs" / "examples" / "pull_client.py"],
               house.folder / "clients")
    assert done.returncode == 1 and "401" in done.stderr and "request_id" in done.stderr
