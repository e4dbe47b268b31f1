"""Hand-over to S3-compatible storage that we did not write: OpenStack Swift, over the real stack. What
lies there is looked at by Swift's own API, and held against what `uketsuke routing batch` writes into
a directory. One stack; the tests follow each other."""

import csv
import hashlib
import io
import json
import random
import signal
import struct
import time
import zlib

import pytest

import s3_swift
from ports import free_port
from stack import ROOT, Stack, wait_until
from test_portal_site import Visitor
from test_release import go_through, roles, values_of

pytestmark = pytest.mark.skipif(
    not s3_swift.INSTALLED, reason="OpenStack Swift is not installed: deploy/install swift")

LARGE = "child-allowance.account-change"
BUCKET, PREFIX = "hand-over", "city/992011/"


def large_picture(size):
    """PNG, of bytes that do not compress."""
    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data
                + struct.pack(">I", zlib.crc32(kind + data)))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", random.Random(5).randbytes(size)) + chunk(b"IEND", b""))


class House:
    def __init__(self, stack):
        self.stack = stack
        ports = {name: free_port() for name in ("front", "door", *s3_swift.KINDS)}
        stack.build_site = lambda: None  # nobody looks at its pages
        stack.pages = stack.folder / "pages"
        stack.pages.mkdir()
        (stack.pages / "index.html").write_text("<!doctype html>")
        self.secret = stack.folder / "keys" / "s3.secret"
        self.write_secret(s3_swift.SECRET)
        self.place = f"https://localhost:{ports['front']}/{BUCKET}/{PREFIX}"
        stack.settings["files child-allowance"] = self.good = {
            "to": self.place, "ca-file": stack.folder / "pki" / "ca.pem",
            "region": s3_swift.REGION, "access-key": f"{s3_swift.ACCOUNT}:{s3_swift.USER}",
            "secret-file": self.secret, "interval": "1s", "receipts-interval": "1s",
            "retry-most": "1s", "patience": "20s"}
        stack.up(server=False)
        self.swift = s3_swift.Swift(stack.folder / "swift", ports, stack.folder / "pki/routing.pem",
                                    stack.folder / "pki/routing.key")
        self.swift.start("back")
        self.swift.start("front")
        self.submitted = 0

    def write_secret(self, secret):
        self.secret.touch(mode=0o600)
        self.secret.write_text(secret + "\n")

    def submit(self, count):
        """More applications, until they wait for the business system, and are in no batch."""
        self.submitted += 1
        self.lease("now() + interval '1 hour'")
        town = self.stack.make_town(
            f"town{self.submitted}", "--seed", str(self.submitted), "--prefix",
            f"T{self.submitted}-", "--count", str(count), "--kinds", "good-attachments")
        self.stack.submit_town(town)
        roles(self.stack, "collect", "examine", "identify", "routing")
        self.lease("'-infinity'")
        assert not self.stack.unsettled(
            {r: {**want, "state": "routed"} for r, want in self.stack.expected(town).items()})

    def lease(self, until):
        self.stack.psql("INSERT INTO file_place (city_code, destination, lease_until) VALUES "
                        f"('992011', 'child-allowance', {until}) "
                        "ON CONFLICT (city_code, destination) DO UPDATE SET lease_until = "
                        "excluded.lease_until")

    def configure(self, **changes):
        self.stack.stop("routing")
        self.stack.settings["files child-allowance"] = {
            **self.good, **{key.replace("_", "-"): value for key, value in changes.items()}}
        self.stack.write_config()
        self.stack.start_role("routing")

    def number(self, sql):
        return int(self.stack.psql(sql).strip() or 0)

    def waiting_batches(self):
        return self.number("SELECT count(*) FROM file_batch WHERE written_at IS NULL")

    def all_written(self):
        return not self.number(
            "SELECT count(*) FROM outbox o WHERE destination = 'child-allowance' AND NOT EXISTS "
            "(SELECT FROM file_batch_item i JOIN file_batch b USING (batch_id) WHERE i.outbox_id = "
            "o.outbox_id AND b.written_at IS NOT NULL)")

    def wait_written(self):
        wait_until(self.all_written, 60, "all batches written", 0.1)

    def batches(self):
        return [int(n) for n in self.stack.psql(
            "SELECT batch_id FROM file_batch WHERE items > 0 ORDER BY batch_id").split()]

    def lies_there(self, batch):
        """{name: bytes} below the batch's folder, and {name: when}."""
        folder = f"{PREFIX}batch-{batch:012}/"
        times = {name.removeprefix(folder): at
                 for name, at in self.swift.names(BUCKET, folder).items()}
        return {name: self.swift.get(BUCKET, folder + name) for name in times}, times

    def must_be_the_same(self, batch):
        """As the same batch in a directory, byte for byte, with nothing besides, the done-marker last."""
        out = self.stack.folder / f"again-{batch}-{time.monotonic_ns()}"
        out.mkdir()
        self.stack.uketsuke("routing", "batch", str(batch), "--out", out)
        made = {path.name: path.read_bytes()
                for path in (out / f"batch-{batch:012}").iterdir()}
        found, times = self.lies_there(batch)
        assert found.keys() == made.keys()
        assert [name for name in made if found[name] != made[name]] == []
        assert max(times, key=times.get) == "done"
        manifest = json.loads(found["manifest.json"])
        assert found["done"].split()[0] == hashlib.sha256(found["manifest.json"]).hexdigest().encode()
        for file in manifest["files"]:
            assert hashlib.sha256(found[file["name"]]).hexdigest() == file["sha256"]
        return found, manifest

    def last_error(self):
        return self.stack.psql("SELECT coalesce(last_error, '') FROM file_batch"
                               " WHERE written_at IS NULL").strip()

    def log_lines(self, word):
        return [line for line in self.stack.log_text("routing").splitlines() if word in line]


@pytest.fixture(scope="module")
def house(make_module_stack):
    both = {route: {"hand-over": "both"} for route, values in Stack.routes().items()
            if values["destination"] == "child-allowance"}
    house = House(make_module_stack(
        {**both, "destination child-allowance": {"package": "yes"},
         "work": {"retry-least": "100ms", "retry-held": "1s"}}, businesses=(), site=True))
    yield house
    house.swift.stop()


def test_what_the_operator_reads_until_all_is_right(house):
    """One batch, tried again and again: each fault is told as what it is, and nothing lies there until
    the last."""
    stack, swift = house.stack, house.swift
    house.submit(3)
    swift.wait()
    elsewhere = f"https://localhost:{free_port()}/{BUCKET}"

    def told(words, **changes):
        house.configure(**changes)
        wait_until(lambda: words in house.last_error(), 30,
                   f"{words}, not {house.last_error()}", 0.1)
        assert words in stack.uketsuke("routing", "list").stdout
    told("the storage has no such bucket")
    swift.make_bucket(BUCKET)
    house.write_secret("another")
    told("HTTP status 403, SignatureDoesNotMatch")
    house.write_secret(s3_swift.SECRET)
    told("HTTP status 403, SignatureDoesNotMatch", access_key="city:nobody")
    told("HTTP status 400, AuthorizationHeaderMalformed", region="us-east-1")
    told("Couldn't connect", to=elsewhere)
    told("certificate", ca_file=stack.folder / "jpki" / "sign-anchors.pem")
    told("an S3 place is https://", to=house.place + "手渡し/")
    assert swift.names(BUCKET) == {}
    house.configure()
    house.wait_written()
    assert len(house.batches()) == 1
    house.must_be_the_same(house.batches()[0])


def test_a_large_member_lies_there_whole(house):
    stack = house.stack
    visitor = Visitor(stack)
    card = visitor.log_in(0)
    picture = large_picture(6 << 20)
    draft = visitor.call("POST", "/drafts", 201, json={"procedure": LARGE})["id"]
    values = values_of(ROOT / "forms/procedures/child-allowance/account-change/examples/good.xml")
    visitor.call("PUT", f"/drafts/{draft}", json={"values": values})
    visitor.call("POST", f"/drafts/{draft}/files/account-proof", 201, data=picture)
    assert visitor.call("POST", f"/drafts/{draft}/check", json={})["errors"] == []
    receipt = visitor.call("POST", f"/drafts/{draft}/submit",
                           json={"pin": card["sign_pin"]})["receipt_number"]
    go_through(stack, receipt)
    house.wait_written()
    found, manifest = house.must_be_the_same(house.batches()[-1])
    attachment, package = (next(f for f in manifest["files"] if f["name"].endswith(end))
                           for end in (".attachment-1.png", ".package.zip"))
    assert found[attachment["name"]] == picture and attachment["document"] == "account-proof"
    assert package["size"] > 6 << 20


def test_receipts_come_back(house):
    stack, swift = house.stack, house.swift
    _, manifest = house.must_be_the_same(house.batches()[0])
    first, second, third = manifest["items"]
    text = ("id,sha256,result,code,item,message\r\n"
            f"{first['id']},{first['sha256']},accepted,,,\r\n"
            f"{second['id']},{second['sha256']},rejected,E0004,atenabango,違います\r\n"
            f"{third['id']},{'0' * 64},accepted,,,\r\n").encode()
    receipts = PREFIX + "receipts/"
    swift.put(BUCKET, receipts + "受領 1.csv", text)
    swift.put(BUCKET, receipts + "odd\x01&<.csv", text)
    swift.put(BUCKET, receipts + "huge.csv", b"x" * (16 << 20) + b"x")
    swift.put(BUCKET, receipts + "r1.csv", text)
    wait_until(lambda: receipts + "done/r1.csv" in swift.names(BUCKET, receipts), 30, "receipts", 0.1)
    results = json.loads(swift.get(BUCKET, receipts + "done/r1.csv.results.json"))
    assert [one["result"] for one in results] == ["taken", "taken", "wrong-hash"]
    wait_until(lambda: receipts + "bad/huge.csv" in swift.names(BUCKET, receipts), 30, "bad", 0.1)
    assert len(swift.get(BUCKET, receipts + "bad/huge.csv")) == (16 << 20) + 1
    assert set(swift.names(BUCKET, receipts)) == {receipts + name for name in (
        "受領 1.csv", "odd\x01&<.csv", "bad/huge.csv", "bad/huge.csv.why.txt", "done/r1.csv",
        "done/r1.csv.results.json")}
    assert "files=2" in house.log_lines("files.receipts_ignored")[0]
    waiting = stack.psql("SELECT outbox_id FROM outbox WHERE destination = 'child-allowance'")
    assert third["id"] in waiting.split() and first["id"] not in waiting.split()


@pytest.mark.parametrize("part", ["front", "back", "routing"])
def test_what_goes_away_in_the_middle_and_comes_back(house, part):
    """The proxy, the servers behind it, or we are killed while a batch is being written."""
    stack, swift = house.stack, house.swift
    stack.stop("routing")
    house.submit(12)
    before = len(swift.names(BUCKET, PREFIX + "batch"))
    known = set(house.batches())
    stack.start_role("routing")
    wait_until(lambda: len(swift.names(BUCKET, PREFIX + "batch")) >= before + 5, 30,
               "some of it lies there", 0.01)
    if part == "routing":
        stack.stop("routing", signal.SIGKILL)
        house.lease("'-infinity'")  # it ran out
        assert house.waiting_batches() == 1
        stack.start_role("routing")
    else:
        told = len(house.log_lines("files.batch_failed"))
        swift.kill(part)
        wait_until(lambda: len(house.log_lines("files.batch_failed")) > told, 60, "told", 0.1)
        assert house.waiting_batches() == 1
        swift.start(part)
        swift.wait()
    house.wait_written()
    new = set(house.batches()) - known
    assert len(new) == 1
    found, manifest = house.must_be_the_same(new.pop())
    assert manifest["item_count"] == 12 and len(found) == 2 + manifest["file_count"]


def test_the_export_tells_the_same(house):
    """What the city says that it handed over, and what lies in the storage: the same ids and hashes."""
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 9 * 3600))
    out = house.stack.uketsuke("routing", "export", "--destination", "child-allowance", "--from",
                               day, "--to", day).stdout
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(out)) if row["way"] == "files"}
    there = {}
    for batch in house.batches():
        manifest = json.loads(house.lies_there(batch)[0]["manifest.json"])
        there |= {item["id"]: (item["sha256"], str(batch)) for item in manifest["items"]}
    assert {id: (row["sha256"], row["batch"]) for id, row in rows.items()} == there
