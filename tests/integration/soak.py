#!/usr/bin/env python3
"""soak.py [--count N] [--seed N] [--minutes M] [--parallel N]: nothing lost, nothing leaked.

Applications to three destinations while every process is killed at random moments, portal and
business systems are away for seconds, and hostile consumers with the business systems' own
certificates break off bodies, send no receipts or wrong ones, ask for what is another's, and claim
many times in parallel. Every procedure is applied for, one destination gets files, too, and another
one whole packages; some items of each procedure are kept from its destination. Then everything is
let settle, and what lies where is compared, item by item and byte by byte.
Exit code: 0 all of it holds, 1 something does not, 3 it could not be run.

Beside a build in build/: tests/integration/soak.py --count 50000 --minutes 20"""

import argparse
import collections
import csv
import hashlib
import json
import os
import pathlib
import random
import signal
import sys
import tempfile
import threading
import time
import zipfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "deploy" / "sandbox"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from hostile_consumer import HostileConsumer  # noqa: E402
from record_fields import (ENTRY, allowed_fields, forbidden, forbidden_columns,  # noqa: E402
                           withheld_values, withhold)
from stack import BUSINESSES, ROLES, ROOT, Stack, StackError, wait_until  # noqa: E402

PROCEDURES = ROOT / "forms" / "procedures"
SETTINGS = {"work": {"lease": "2s"},
            "routing": {"requests-most": "0", "refusals-most": "0", "connections-most": "2000",
                        "connections-of-destination-most": "2000",
                        "connections-of-address-most": "2000"},
            "log": {"level": "warning"}, "destination health": {"package": "yes"}}
SEEN = {"completed": "完了", "rejected": "完了", "correction": "要訂正", "review": "取得済"}
SENT_BACK = {"state": "review", "reason": "rejected-by-destination"}


def is_altered(number):
    """Whose copy at the business system is wrong: about one in fifty, by 宛名番号."""
    return hashlib.sha256(number.encode()).digest()[0] < 5


class Soak:
    def __init__(self, stack, count, seed, minutes, parallel):
        self.stack, self.count, self.seed, self.parallel = stack, count, seed, parallel
        self.dice = random.Random(seed)
        self.minutes = minutes
        self.killed, self.results = collections.Counter(), []
        self.hostile = [HostileConsumer(stack, name, seed, package=name == "health")
                        for name in BUSINESSES]
        self.procedures_folder = stack.folder / "procedures"  # some of whose items go to nobody
        self.handed = stack.folder / "handed"

    # --- what runs ------------------------------------------------------------------------------

    def prepare(self):
        stack = self.stack
        stack.load_residents = self.load_altered
        withhold(PROCEDURES, self.procedures_folder)
        self.handed.mkdir()
        stack.settings = {**stack.settings, "forms": {"procedures": self.procedures_folder},
                          "files registry": {"to": self.handed, "interval": "2s"},
                          **{route: {"hand-over": "both"} for route, values in stack.routes().items()
                             if values["destination"] == "registry"}}
        stack.up(server=False)
        self.town = stack.make_town(
            "town", "--seed", str(self.seed), "--count", str(self.count), "--kinds", "all",
            "--bad-share", "3", "--others", "70", "--procedures", PROCEDURES)
        self.expected = stack.expected(self.town)
        for role in ROLES:
            stack.start_role(role)

    def load_altered(self, file):
        """The business systems' copy of the residents, some with another birth date."""
        altered = pathlib.Path(file).with_name("altered.csv")
        with open(file, encoding="utf-8", newline="") as source, \
                altered.open("w", encoding="utf-8", newline="") as out:
            rows = csv.DictReader(source)
            writer = csv.DictWriter(out, rows.fieldnames, lineterminator="\n")
            writer.writeheader()
            for row in rows:
                if is_altered(row["atenabango"]):
                    row["seinengappi"] = "1900-01-01"
                writer.writerow(row)
        Stack.load_residents(self.stack, altered)

    def start_one(self, name):
        if name == "postgres":
            self.stack.start_postgres()
        elif name == "portal":
            self.stack.start_portal()
        elif name.startswith("business-"):
            self.stack.start_business_system(name.removeprefix("business-"))
        else:
            self.stack.start_role(name)

    def kill_one(self, name):
        """Now and then it is away for seconds: an outage."""
        lived = self.stack.alive(name)
        self.stack.kill(name)
        outage = name in ("portal", *self.systems()) and self.dice.random() < 0.2
        time.sleep(self.dice.uniform(2, 5) if outage else self.dice.uniform(0, 0.6))
        self.start_one(name)
        self.killed[name] += lived or not self.killed[name]

    @staticmethod
    def systems():
        return [f"business-{name}" for name in BUSINESSES]

    def start_dead(self):
        """A supervisor would: a role may give up while the database is away."""
        for name in (*ROLES, "portal", *self.systems()):
            if not self.stack.alive(name):
                self.start_one(name)

    def left(self):
        """Not yet where they should end; what is sent back counts as ended until it is compared."""
        found = self.stack.applications()
        return [r for r, want in self.expected.items() if found.get(r) != {
            "state": want["state"], "reason": want["reason"] or ""}
            and not (found.get(r) == SENT_BACK and "outcome" in want)]

    def next_victim(self, victims):
        """Each once at first; then at random, PostgreSQL now and then."""
        spared = [name for name in (*victims, "postgres") if not self.killed[name]]
        if spared:
            return self.dice.choice(spared)
        return "postgres" if self.dice.random() < 0.08 else self.dice.choice(victims)

    def chaos(self):
        victims = [*ROLES, "portal", *self.systems()]
        submitting = threading.Thread(target=self.submit)
        submitting.start()
        begun, told, left = time.monotonic(), 0, self.count
        for consumer in self.hostile:
            consumer.start(self.parallel // len(self.hostile))
        while submitting.is_alive() or left:
            self.kill_one(self.next_victim(victims))
            self.start_dead()
            time.sleep(self.dice.uniform(0.2, 1.5))
            now = time.monotonic()
            if now - told > 5:
                told, left = now, len(self.left())
                print(f"{now - begun:6.0f} s  {left} of {len(self.expected)} not there yet,"
                      f" {sum(self.killed.values())} killed", flush=True)
            if now - begun > self.minutes * 60 and not submitting.is_alive():
                break
        submitting.join()
        for consumer in self.hostile:
            consumer.stop()

    def submit(self):
        """Again where it broke off: the portal is killed, too."""
        only_once = ("town", "submit", self.town, "--portal",
                     f"http://127.0.0.1:{self.stack.ports['arrivals']}")
        while self.stack.run("uketsuke-sandbox", *only_once, check=False).returncode != 0:
            time.sleep(0.3)

    def settle(self):
        self.start_dead()
        patience, seen = 120 + self.count / 50, {}

        def settled():
            """Or nothing moves any more: what is wrong is for the comparison to tell."""
            self.start_dead()
            left, waiting = self.left(), self.stack.psql("SELECT count(*) FROM outbox").strip()
            if seen.get("left") != (left, waiting):
                seen.update(left=(left, waiting), since=time.monotonic())
            return (not left and waiting == "0") or time.monotonic() - seen["since"] > 150
        try:
            wait_until(settled, patience, "everything where it should end", 1)
        except StackError as error:
            print(error)

    # --- what is compared -----------------------------------------------------------------------

    def check(self, what, wrong, of):
        """`wrong`: what does not hold; names of some are shown."""
        self.results.append((what, of, len(wrong)))
        for one in sorted(map(str, wrong))[:10]:
            print(f"  ✗ {what}: {one}")

    def items(self, name):
        """[(id, accepted, sha256, receipt number, content)] as the business system keeps them."""
        text = self.stack.psql(
            "SELECT id, problems IS NULL, sha256, receipt_number, encode(content, 'hex')"
            " FROM item ORDER BY id", f"business_{name.replace('-', '_')}")
        for line in text.splitlines():
            item_id, accepted, digest, receipt, content = line.split("\t")
            yield item_id, accepted == "t", digest, receipt, bytes.fromhex(content)

    def compare_system(self, name, routes):
        fields = {p: allowed_fields(self.procedures_folder, p, name) for p in routes}
        stray, leaked, kept, misjudged, unsound = [], [], set(), [], []
        receipts = []
        for item_id, accepted, digest, receipt, content in self.items(name):
            item = json.loads(content)
            procedure = item["procedure"]["id"]
            kept.add((item_id, accepted, digest))
            receipts.append(receipt)
            if routes.get(procedure) != name:
                stray.append(receipt)
            leaked += [f"{receipt} {path}" for path in forbidden(item, fields.get(procedure, {}))]
            leaked += [f"{receipt} a value" for value in self.withheld(receipt, procedure, name)
                       if value.encode() in content]
            if accepted == is_altered(item["atenabango"]):
                misjudged.append(receipt)
            if not accepted:
                self.sent_back.add(receipt)
            if hashlib.sha256(content).hexdigest() != digest:
                unsound.append(item_id)
            self.procedures[procedure] += 1
        rows = self.stack.psql("SELECT outbox_id, accepted, encode(sha256, 'hex') FROM delivery"
                               f" WHERE destination = '{name}'").splitlines()
        told = {(i, a == "t", h) for i, a, h in (row.split("\t") for row in rows)}
        self.check(f"{name}: items of other destinations", stray, len(kept))
        self.check(f"{name}: fields beyond the list", leaked, len(kept))
        self.check(f"{name}: receipts that differ between the two sides", kept ^ told, len(told))
        self.check(f"{name}: rejected without need, or not rejected", misjudged, len(kept))
        self.check(f"{name}: bytes that are not what was promised", unsound, len(kept))
        self.check(f"{name}: applications there twice",
                   [r for r, n in collections.Counter(receipts).items() if n > 1], len(kept))
        late = self.stack.psql(
            "SELECT id FROM (SELECT id, id < max(id) OVER (ORDER BY arrived) AS late FROM item) x"
            " WHERE late", f"business_{name.replace('-', '_')}").split()
        self.check(f"{name}: items out of order", late, len(kept))
        self.compare_outcomes(name)

    def withheld(self, receipt, procedure, name):
        with zipfile.ZipFile(self.town / "applications" / f"{receipt}.zip") as package:
            form = package.read("application.xml")
        return withheld_values(self.procedures_folder, procedure, name, form)

    def compare_files(self, name):
        """Batches that are done: nothing beyond the list, nothing twice, the hashes that we know."""
        leaked, seen, promised = [], collections.Counter(), set()
        for done in self.handed.glob("*/done"):
            manifest = json.loads((done.parent / "manifest.json").read_text())
            seen.update(item["id"] for item in manifest["items"])
            promised |= {(item["id"], item["sha256"]) for item in manifest["items"]}
            for file in done.parent.glob("*.csv"):
                text = file.read_bytes().decode()
                leaked += [f"{file.name} {column}" for column in forbidden_columns(
                    self.procedures_folder, name, file.name, text)]
                self.procedures_in_files.add(file.name.rsplit("-", 1)[0])
        rows = self.stack.psql("SELECT outbox_id, encode(sha256, 'hex') FROM delivery"
                               f" WHERE destination = '{name}'").splitlines()
        told = {tuple(row.split("\t")) for row in rows}
        self.check(f"{name}: columns of files beyond the list", leaked, len(seen))
        self.check(f"{name}: items in two batches", [i for i, n in seen.items() if n > 1], len(seen))
        self.check(f"{name}: items of files that are not its own", promised - told, len(promised))

    def compare_outcomes(self, name):
        ours = set(tuple(line.split("\t")) for line in self.stack.psql(
            f"SELECT outbox_id, outcome FROM outcome WHERE destination = '{name}'").splitlines())
        theirs = set(tuple(line.split("\t")) for line in self.stack.psql(
            "SELECT id, outcome FROM outcome", f"business_{name.replace('-', '_')}").splitlines())
        self.check(f"{name}: outcomes that differ between the two sides", ours ^ theirs, len(theirs))

    def compare_hostile(self, consumer, routes):
        fields = {p: allowed_fields(self.procedures_folder, p, consumer.name) for p in routes}
        wrong = list(consumer.faults) + sorted(consumer.members - ENTRY)
        for item in consumer.items.values():
            procedure = item["procedure"]["id"]
            if routes.get(procedure) != consumer.name:
                wrong.append(f"got {procedure}")
            wrong += forbidden(item, fields.get(procedure, {}))
        calls = sum(consumer.calls.values())
        self.check(f"{consumer.name}: what a hostile consumer got beyond its own", wrong, calls)

    def compare_states(self):
        found = self.stack.applications()
        wrong = []
        for receipt, want in self.expected.items():
            state, reason = want["state"], want["reason"] or ""
            if receipt in self.sent_back:
                state, reason = SENT_BACK["state"], SENT_BACK["reason"]
            want["state"] = state
            if found.get(receipt) != {"state": state, "reason": reason}:
                wrong.append(f"{receipt} {want['kind']}: {found.get(receipt)}, not {state} {reason}")
        self.check("applications that did not end where they should", wrong, len(self.expected))
        self.check("applications that nobody sent", set(found) - set(self.expected), len(found))

    def portal_status(self, receipt):
        """One of so many connections may be cut off; a portal that is away is not asked on."""
        for tries_left in (2, 1, 0):
            try:
                return self.stack.portal_status(receipt).get("status")
            except OSError:
                if not tries_left:
                    raise
                time.sleep(1)

    def compare_portal(self):
        def wrong():
            return [r for r, want in self.expected.items() if want["state"] in SEEN
                    and self.portal_status(r) != SEEN[want["state"]]]
        left = wrong()
        if left:
            time.sleep(5)
            left = [r for r in left if r in wrong()]
        self.check("statuses of the portal that do not fit", left, len(self.expected))

    def compare(self):
        routes = {name.removeprefix("route "): values["destination"]
                  for name, values in self.stack.routes().items()}
        self.sent_back, self.procedures = set(), collections.Counter()
        self.procedures_in_files = set()
        for name in BUSINESSES:
            self.compare_system(name, routes)
        for consumer in self.hostile:
            self.compare_hostile(consumer, routes)
        self.compare_files("registry")
        applied_for = {one["procedure_id"] for one in json.loads(
            (self.town / "arrivals.json").read_text()).values()}
        self.check("procedures that were not on the wire",
                   {p for p in applied_for if p in routes} - set(self.procedures), len(applied_for))
        self.compare_states()
        self.compare_portal()
        left = self.stack.psql("SELECT outbox_id, destination FROM outbox").splitlines()
        self.check("items that still wait", left, len(self.expected))
        audit = self.stack.uketsuke("audit", "verify", check=False)
        self.check("audit trail", [audit.stdout] if audit.returncode else [], 1)

    # --- the report -----------------------------------------------------------------------------

    def print_results(self, took):
        print(f"\n{len(self.expected)} applications, seed {self.seed}, {took:.0f} s")
        print("killed: " + ", ".join(f"{n} {c}" for n, c in sorted(self.killed.items())))
        calls = sum((consumer.calls for consumer in self.hostile), collections.Counter())
        print("hostile calls: " + ", ".join(f"{n} {c}" for n, c in sorted(calls.items())))
        print("procedures: " + ", ".join(f"{n} {c}" for n, c in sorted(self.procedures.items())))
        print("procedures in files: " + ", ".join(sorted(self.procedures_in_files)))
        print(f"sent back by business systems: {len(self.sent_back)}\n")
        width = max(len(what) for what, _, _ in self.results)
        for what, of, wrong in self.results:
            print(f"{'✗' if wrong else '✓'} {what:{width}}  {wrong} of {of}")

    def run(self):
        begun = time.monotonic()
        self.prepare()
        for want in self.expected.values():
            if want["state"] in ("completed", "rejected", "correction"):
                want["outcome"] = True
        print(f"{len(self.expected)} applications made in {time.monotonic() - begun:.0f} s",
              flush=True)
        self.chaos()
        print("settling", flush=True)
        self.settle()
        self.compare()
        self.print_results(time.monotonic() - begun)
        return not any(wrong for _, _, wrong in self.results)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=30, help="kills end then at the latest")
    parser.add_argument("--parallel", type=int, default=30, help="claims at a time, 1 to 1000")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--keep", type=pathlib.Path, help="a folder that stays")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        stack = Stack(options.keep or folder, options.build.resolve(), settings=SETTINGS,
                      durable=False, businesses=tuple(BUSINESSES), decide=True)
        try:
            good = Soak(stack, options.count, options.seed, options.minutes,
                        options.parallel).run()
        except (StackError, OSError) as error:
            print(f"soak: {error}", file=sys.stderr)
            return 3
        finally:
            stack.stop_all()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
