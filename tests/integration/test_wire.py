"""What crosses the wire, for every procedure and in every form that leaves the house: lists, items,
batches, claims, packages, bundles and files hold nothing that their destination may not have."""

import collections
import hashlib
import io
import json
import zipfile

import pytest
from consumer import Consumer
from record_fields import (CONTENT, ENTRY, allowed_fields, forbidden, forbidden_columns,
                           withheld_values, withhold)
from stack import BUSINESSES, ROOT, wait_until

PROCEDURES = ROOT / "forms" / "procedures"
WHOLE = ("health",)  # destinations that may have 申請ZIPs


class Wire:
    """A town whose applications all wait, and nobody who takes them."""

    def __init__(self, stack):
        self.stack, self.procedures = stack, stack.folder / "procedures"
        self.handed = stack.folder / "handed"
        withhold(PROCEDURES, self.procedures)
        stack.settings["forms"] = {"procedures": self.procedures}
        for name in BUSINESSES:
            (self.handed / name).mkdir(parents=True)
            stack.settings[f"files {name}"] = {"to": self.handed / name, "interval": "500ms"}
            stack.settings[f"destination {name}"] = {"package": "yes" if name in WHOLE else "no"}
        for route in stack.routes():
            stack.settings[route] = {"hand-over": "both"}
        stack.up()
        self.town = stack.make_town("town", "--seed", "7", "--count", "220", "--kinds",
                                    "good,good-raw", "--others", "100", "--procedures", PROCEDURES)
        stack.submit_town(self.town)
        self.arrivals = json.loads((self.town / "arrivals.json").read_text())
        wait_until(lambda: all(a["state"] == "routed" for a in stack.applications().values())
                   and len(stack.applications()) == 220, 120, "all of them waiting", 0.5)
        self.consumers = {name: Consumer(stack, name).open() for name in BUSINESSES}
        self.expected = collections.defaultdict(set)  # procedures of a destination
        for one in self.arrivals.values():
            name = stack.routes()[f"route {one['procedure_id']}"]["destination"]
            self.expected[name].add(one["procedure_id"])

    def get(self, name, path):
        status, data = self.consumers[name].call("GET", path)
        assert status == 200, (path, status, data)
        return data

    def pages(self, name, path):
        after, found = "0", []
        while True:
            page = json.loads(self.get(name, f"{path}?limit=100&after={after}"))
            if not page["items"]:
                return found
            found += page["items"]
            after = page["next"]

    def package(self, receipt):
        return (self.town / "applications" / f"{receipt}.zip").read_bytes()

    def check_item(self, name, data):
        item = json.loads(data)
        procedure = item["procedure"]["id"]
        assert procedure in self.expected[name]
        assert not forbidden(item, allowed_fields(self.procedures, procedure, name)), procedure
        self.check_values(name, procedure, item["receipt_number"], data)
        return item

    def check_values(self, name, procedure, receipt, data):
        with zipfile.ZipFile(io.BytesIO(self.package(receipt))) as package:
            form = package.read("application.xml")
        for value in withheld_values(self.procedures, procedure, name, form):
            assert value.encode() not in data, procedure


@pytest.fixture(scope="module")
def wire(make_module_stack):
    rates = {"requests-most": "0", "refusals-most": "0"}
    return Wire(make_module_stack({"routing": rates}, businesses=()))


def test_every_procedure_is_there(wire):
    known = {f"{p.parts[-3]}.{p.parts[-2]}" for p in PROCEDURES.glob("*/*/record.xml")}
    there = set.union(*wire.expected.values())
    in_season = "child-allowance.status-report"  # from June on
    assert len(known) == 23 and known - there <= {in_season}
    assert any(withheld_values(wire.procedures, p, "child-allowance",
                               (PROCEDURES / p.replace(".", "/", 1) / "examples/good.xml")
                               .read_bytes()) for p in wire.expected["child-allowance"])


@pytest.mark.parametrize("name", BUSINESSES)
def test_lists_items_batches_and_claims(wire, name):
    entries = wire.pages(name, "/items")
    assert {e["procedure_id"] for e in entries} == wire.expected[name]
    assert all(set(e) <= ENTRY for e in entries)
    items = {}
    for entry in entries:
        items[entry["id"]] = wire.get(name, f"/items/{entry['id']}")
        assert hashlib.sha256(items[entry["id"]]).hexdigest() == entry["sha256"]
        wire.check_item(name, items[entry["id"]])
    for content in wire.pages(name, "/batch"):
        assert set(content) == CONTENT
        assert content["item"].encode() == items[content["id"]]
    status, text = wire.consumers[name].call("POST", "/claims", {"most": 100, "seconds": 30})
    claim = json.loads(text)
    assert status == 200 and set(claim) <= {"claim", "until", "items", "oldest_waiting"}
    for content in claim["items"]:
        assert set(content) == CONTENT
        assert content["item"].encode() == items[content["id"]]
    wire.consumers[name].call("DELETE", f"/claims/{claim['claim']}")


@pytest.mark.parametrize("name", BUSINESSES)
def test_packages_and_bundles(wire, name):
    seen = set()
    for entry in wire.pages(name, "/items"):
        base = f"/items/{entry['id']}"
        if name not in WHOLE:
            for part in ("package", "bundle"):
                status, answer = wire.consumers[name].call("GET", f"{base}/{part}")
                assert status == 403 and b"E0104" in answer
            continue
        package = wire.get(name, f"{base}/package")
        assert package == wire.package(entry["receipt_number"])
        with zipfile.ZipFile(io.BytesIO(wire.get(name, f"{base}/bundle"))) as bundle:
            assert bundle.namelist() == ["item.json", "report.json", "package.zip"]
            item, report = bundle.read("item.json"), bundle.read("report.json")
            assert bundle.read("package.zip") == package
        assert item == wire.get(name, base)
        wire.check_values(name, entry["procedure_id"], entry["receipt_number"], report)
        assert wire.check_item(name, item)["package_sha256"] == hashlib.sha256(package).hexdigest()
        seen.add(entry["procedure_id"])
    assert seen == (wire.expected[name] if name in WHOLE else set())


@pytest.mark.parametrize("name", BUSINESSES)
def test_files(wire, name):
    folder = wire.handed / name
    entries = {e["id"]: e for e in wire.pages(name, "/items")}

    def batches():
        return [json.loads((done.parent / "manifest.json").read_text())
                for done in folder.glob("*/done")]
    wait_until(lambda: sum(b["item_count"] for b in batches()) == len(entries), 60,
               "all of them in files")
    assert {i["id"]: i["sha256"] for b in batches() for i in b["items"]} == {
        e["id"]: e["sha256"] for e in entries.values()}
    seen, texts = set(), b""
    for file in folder.glob("*/*"):
        if file.suffix == ".csv":
            text = file.read_bytes()
            assert not forbidden_columns(wire.procedures, name, file.name, text.decode()), file.name
            seen.add(file.name.rsplit("-", 1)[0])
            texts += text
    assert seen == wire.expected[name]
    for entry in entries.values():
        row = next(line for line in texts.split(b"\r\n") if line.startswith(
            f"{entry['id']},{entry['sha256']}".encode()))
        wire.check_values(name, entry["procedure_id"], entry["receipt_number"], row)
    whole = {f.name.split(".", 1)[1] for f in folder.glob("*/*") if f.suffix in (".zip", ".json")
             and f.name != "manifest.json"}
    assert whole == ({"package.zip", "report.json"} if name in WHOLE else set())
