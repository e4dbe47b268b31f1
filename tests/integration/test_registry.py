"""The registry's feeds on the whole stack: delivered, killed on the way, of another city."""

import hashlib
import json
import os
import random
import signal
import subprocess
import time
from datetime import datetime, timedelta, timezone

import pytest

from stack import CITY

LINKS = "ca,serial,kind,atenabango,valid_from,valid_to"
JST = timezone(timedelta(hours=9))


@pytest.fixture
def stack(make_stack):
    made = make_stack()
    made.make_postgres()
    made.start_postgres()
    made.make_world()
    made.make_database()
    return made


class Drop:
    """A drop folder; deliveries speak for one minute after another."""

    def __init__(self, folder):
        self.folder, self.count = folder, 0
        folder.mkdir()

    def deliver(self, lines, /, done=True, **changes):
        self.count += 1
        name = f"links-{self.count}"
        data = "".join(f"{row}\n" for row in (LINKS, *lines)).encode()
        as_of = datetime.now(JST) - timedelta(minutes=1000 - self.count)
        manifest = {
            "format": "uketsuke-registry-1", "city_code": CITY, "kind": "links", "load": "full",
            "sequence": self.count, "as_of": as_of.isoformat(timespec="seconds"),
            "encoding": "utf-8", "file": f"{name}.csv", "rows": len(lines),
            "sha256": hashlib.sha256(data).hexdigest(), **changes}
        (self.folder / f"{name}.csv").write_bytes(data)
        (self.folder / f"{name}.json").write_text(json.dumps(manifest))
        if done:
            (self.folder / f"{name}.done").touch()
        return self.folder / f"{name}.json"


def links(count, kind):
    return [f"sign,{n:08x},{kind},{n:015d},," for n in range(1, count + 1)]


def kinds(stack):
    return stack.psql("SELECT kind, count(*) FROM registry_link GROUP BY kind").split()


def test_a_folder_is_imported_in_order_and_once(stack):
    drop = Drop(stack.folder / "drop")
    drop.deliver(links(3, "card"))
    drop.deliver(links(4, "phone"), load="differential")
    late = drop.deliver(links(5, "card"), done=False)
    said = stack.uketsuke("registry", "import", drop.folder).stdout
    assert "2 of 2 deliveries imported" in said
    assert kinds(stack) == ["phone", "4"]
    late.with_suffix(".done").touch()
    assert "1 of 3 deliveries imported" in stack.uketsuke("registry", "import", drop.folder).stdout
    assert kinds(stack) == ["card", "5"]
    assert "0 of 3 deliveries imported" in stack.uketsuke("registry", "import", drop.folder).stdout
    status = json.loads(stack.uketsuke("registry", "status", "--json").stdout)
    assert [feed["sequence"] for feed in status["feeds"]] == [3] and not status["waiting"]
    report = json.loads(stack.uketsuke("registry", "reconcile", "--json").stdout)
    assert report["links_in_force"] == 5 and report["links_without_resident"] == 5


def test_bad_deliveries_change_nothing_and_say_why(stack):
    drop = Drop(stack.folder / "drop")
    good = drop.deliver(links(3, "card"))
    stack.uketsuke("registry", "import", good)
    rows = links(3, "phone")
    cases = [
        (drop.deliver(rows, city_code="131016"), "of another city"),
        (drop.deliver(rows, done=False), "the done-marker beside the manifest is not there"),
        (drop.deliver(rows, sha256="00" * 32), "its SHA-256 differs"),
        (drop.deliver(rows, rows=4), "has 3 rows, and the manifest says 4"),
        (drop.deliver(rows, sequence=1), "sequence 1 was taken in already"),
        (drop.deliver(rows, load="differential", sequence=99), "does not follow 1"),
        (drop.deliver(rows, as_of="2020-01-01T00:00:00+09:00"), "time runs backwards"),
        (drop.deliver([*rows, "sign,01,card," + "9" * 10_000_000 + ",,"]),
         "line 5: the record is longer than 65536 bytes"),
        (drop.deliver([*rows, "sign,01,card,A\0,,"]), "line 5: a NUL byte"),
        (drop.deliver(rows, file="../links-1.csv"), "manifest, file:"),
    ]
    for path, text in cases:
        done = stack.uketsuke("registry", "import", path, check=False)
        assert done.returncode == 1 and text in done.stderr, done.stderr
        assert kinds(stack) == ["card", "3"]
    errors = stack.folder / "errors.json"
    bad = drop.deliver([*rows, "sign,xyz,card,A1,,", "sign,,card,A1,,"])
    stack.uketsuke("registry", "import", bad, "--errors", errors, check=False)
    assert [(e["line"], e["item"], e["code"]) for e in map(json.loads, errors.open())] == [
        (5, "serial", "E0002"), (6, "serial", "E0001")]


def test_what_lies_in_the_folder_leads_nowhere_else(stack):
    drop = Drop(stack.folder / "drop")
    stack.uketsuke("registry", "import", drop.deliver(links(3, "card")))
    outside = stack.folder / "outside.csv"
    manifests = [drop.deliver(links(3, "phone")) for _ in range(5)]
    csvs = [path.with_suffix(".csv") for path in manifests]
    csvs[0].rename(outside)
    csvs[0].symlink_to(outside)
    csvs[1].unlink()
    os.mkfifo(csvs[1])
    csvs[2].unlink()
    text = manifests[3].read_text()
    manifests[3].unlink()
    os.mkfifo(manifests[3])
    csvs[4].write_text(csvs[4].read_text().replace("phone", "card "))  # swapped behind our back
    cases = [(0, "is a symbolic link"), (1, "is no file"), (2, "is not there"),
             (3, "the manifest: is no file"), (4, "its SHA-256 differs")]
    for index, said in cases:
        done = stack.uketsuke("registry", "import", manifests[index], check=False)
        assert done.returncode == 1 and said in done.stderr, done.stderr
        assert kinds(stack) == ["card", "3"]
    manifests[3].unlink()
    for wrong, said in [(text.replace('"rows": 3', '"rows": 3, "rows": 3'), "stands there twice"),
                        (text.replace('"rows": 3', '"rows": 99999999999999999999'), "out of range"),
                        (text.replace('"sequence": 5', '"sequence": 9223372036854775807'),
                         "manifest, sequence: is out of range"),
                        (text.replace('"rows": 3', '"rows": -1'), "manifest, rows: is out of range"),
                        (text[:-1], "is not one JSON object")]:
        manifests[3].write_text(wrong)
        done = stack.uketsuke("registry", "import", manifests[3], check=False)
        assert done.returncode == 1 and said in done.stderr, done.stderr


def test_a_second_person_is_no_name_in_the_environment(stack):
    drop = Drop(stack.folder / "drop")
    stack.uketsuke("registry", "import", drop.deliver(links(300, "card")))
    less = drop.deliver(links(3, "card"))
    assert "registry approve" in stack.uketsuke("registry", "import", less, check=False).stdout
    status = json.loads(stack.uketsuke("registry", "status", "--json", check=False).stdout)
    waiting = status["waiting"][0]
    assert (waiting["removed"], waiting["before"], waiting["sequence"]) == (297, 300, 2)
    done = stack.uketsuke("registry", "approve", str(waiting["import"]), check=False,
                          env={**os.environ, "SUDO_USER": "somebody-else"})
    assert done.returncode == 1 and "somebody-else" not in done.stdout + done.stderr
    assert kinds(stack) == ["card", "300"]


def test_two_imports_at_once_and_identification_beside(stack):
    """Whoever looks while feeds come in sees all of one feed, and a second import is told to wait."""
    drop, count = Drop(stack.folder / "drop"), 20000
    stack.uketsuke("registry", "import", drop.deliver(links(count, "card")))
    told = False
    for number in range(3):
        kind = "phone" if number % 2 == 0 else "card"
        paths = [drop.deliver(links(count, kind)), drop.deliver(links(count, kind))]
        both = [subprocess.Popen(
            [stack.build / "uketsuke", "registry", "import", path, "--config", stack.config],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for path in paths]
        seen = set()
        while any(process.poll() is None for process in both):
            seen.add(tuple(kinds(stack)))
        assert seen <= {("card", str(count)), ("phone", str(count))}
        said = [process.stderr.read() for process in both]
        told |= any("another import is under way" in text for text in said)
    assert told
    assert stack.uketsuke("audit", "verify").returncode == 0


def test_killed_at_any_moment_it_is_old_or_new(stack):
    count, drop, dice = 20000, Drop(stack.folder / "drop"), random.Random(4)
    begun = time.monotonic()
    stack.uketsuke("registry", "import", drop.deliver(links(count, "card")))
    took = time.monotonic() - begun
    old, changed = "card", 0
    for _ in range(20):
        new = "phone" if old == "card" else "card"
        manifest = drop.deliver(links(count, new))
        process = subprocess.Popen(
            [stack.build / "uketsuke", "registry", "import", manifest, "--config", stack.config],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(dice.uniform(0, 1.6 * took))
        process.send_signal(signal.SIGKILL)
        process.wait()
        # the backend of a killed client may still be at it: it ends, one way or the other
        stack.psql("SELECT pg_advisory_xact_lock(hashtextextended('registry_import:"
                   f"{CITY}', 0)) IS NULL")
        now = kinds(stack)
        assert now in ([old, str(count)], [new, str(count)])
        assert stack.psql("SELECT count(*) FROM registry_import").strip() == str(
            changed + 1 + (now[0] == new))
        changed += now[0] == new
        old = now[0]
    stack.uketsuke("registry", "import", drop.deliver(links(count, "phone")))
    assert kinds(stack) == ["phone", str(count)]
    assert stack.uketsuke("audit", "verify").returncode == 0
