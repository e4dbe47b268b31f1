"""A consumer with a business system's own certificate and secret that does everything wrong."""

import collections
import hashlib
import http.client
import io
import json
import random
import secrets
import socket
import threading
import time
import zipfile

from consumer import Consumer


PER_CLAIM = 0.03  # seconds, of the time between two bursts: the rest of the house wants to live


class HostileConsumer(Consumer):
    known = collections.defaultdict(set)  # destination: ids that were seen there

    def __init__(self, stack, name, seed, package=False):
        """`package`: the city lets it have 申請ZIPs."""
        super().__init__(stack, name)
        self.seed, self.package = seed, package
        self.items, self.faults, self.calls = {}, [], collections.Counter()
        self.members = set()  # of entries of lists
        self.stopping, self.threads = threading.Event(), []

    def start(self, parallel):
        self.open()
        acts = [self.read_half, self.take_no_receipt, self.send_wrong_receipts, self.ask_for_others,
                self.read_batch, self.ask_for_packages]
        self.burst = max(0.15, parallel * PER_CLAIM)
        works = [self.go_on(acts)] + [self.go_on([self.claim]) for _ in range(max(1, parallel))]
        self.threads = [threading.Thread(target=work, daemon=True) for work in works]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(40)

    def go_on(self, acts):
        dice = random.Random(f"{self.seed} {self.name} {secrets.token_hex(4)}")

        def work():
            while not self.stopping.is_set():
                act = dice.choice(acts)
                try:
                    act(dice)
                    self.calls[act.__name__] += 1
                except (OSError, http.client.HTTPException, ValueError, KeyError):
                    self.calls["no answer"] += 1  # the server was killed, or refuses
                    self.stopping.wait(0.2)
                self.stopping.wait(dice.uniform(0, 0.3))
        return work

    # --- calls ----------------------------------------------------------------------------------

    def waiting(self, limit=20):
        status, text = self.call("GET", f"/items?limit={limit}")
        items = json.loads(text)["items"] if status == 200 else []
        self.known[self.name].update(item["id"] for item in items)
        for item in items:
            self.members.update(item)
        return items

    def keep(self, item_id, data):
        self.items[item_id] = json.loads(data)

    # --- what is wrong --------------------------------------------------------------------------

    def read_half(self, dice):
        """Breaks off in the middle of a body."""
        path = dice.choice(["/batch?limit=100", "/items?limit=500"])
        head = "".join(f"{k}: {v}\r\n" for k, v in self.authorization().items())
        with socket.create_connection(("127.0.0.1", self.stack.ports["routing"]), 10) as plain:
            with self.context.wrap_socket(plain, server_hostname="localhost") as tls:
                tls.sendall(f"GET /routing/v1{path} HTTP/1.1\r\nHost: localhost\r\n{head}\r\n"
                            .encode())
                tls.recv(dice.randint(1, 300))
                time.sleep(dice.uniform(0, 0.3))

    def take_no_receipt(self, _):
        for item in self.waiting(10):
            status, data = self.call("GET", f"/items/{item['id']}")
            if status == 200:
                self.keep(item["id"], data)

    def read_batch(self, dice):
        status, text = self.call("GET", f"/batch?limit={dice.randint(1, 30)}")
        for item in json.loads(text)["items"] if status == 200 else ():
            self.keep(item["id"], item["item"])

    def ask_for_packages(self, dice):
        """Most destinations may have items only; who may have more gets the very bytes."""
        waiting = self.waiting()
        item_id = dice.choice(waiting)["id"] if waiting else "1"
        status, package = self.call("GET", f"/items/{item_id}/package")
        if status == 200 and not self.package:
            self.faults.append(f"the package of {item_id} was given")
        status, bundle = self.call("GET", f"/items/{item_id}/bundle")
        if status == 200 and not self.package:
            self.faults.append(f"the bundle of {item_id} was given")
        elif status == 200:
            self.keep_bundle(item_id, bundle, package)

    def keep_bundle(self, item_id, bundle, package):
        with zipfile.ZipFile(io.BytesIO(bundle)) as parts:
            if parts.namelist() != ["item.json", "report.json", "package.zip"]:
                self.faults.append(f"bundle {item_id} has {parts.namelist()}")
            self.keep(item_id, parts.read("item.json"))
            digest = hashlib.sha256(parts.read("package.zip")).hexdigest()
        if digest != self.items[item_id]["package_sha256"]:
            self.faults.append(f"bundle {item_id} has another package")
        if package[:2] == b"PK" and hashlib.sha256(package).hexdigest() != digest:
            self.faults.append(f"package and bundle of {item_id} differ")

    def send_wrong_receipts(self, dice):
        """Of what waits with another hash, and of what is another destination's."""
        ids = [item["id"] for item in self.waiting()]
        others = [i for name in list(self.known) if name != self.name
                  for i in list(self.known[name])[:5]]
        receipts = [{"id": i, "sha256": secrets.token_hex(32), "result": "accepted"}
                    for i in ids + others]
        if not receipts:
            return
        status, text = self.call("POST", "/receipts", receipts)
        if status != 200:
            return
        for result in json.loads(text)["results"]:
            if result["result"] == "taken":
                self.faults.append(f"a wrong receipt was taken: {result['id']}")
            if result["id"] in others and result["result"] != "unknown":
                self.faults.append(f"another's item is told: {result}")

    def ask_for_others(self, _):
        for name in list(self.known):
            for item_id in list(self.known[name])[:5] if name != self.name else ():
                status, _ = self.call("GET", f"/items/{item_id}")
                if status == 200:
                    self.faults.append(f"{name}'s item {item_id} was given")

    def claim(self, dice):
        """All claim at once, hold items for a second, and let the claims run out."""
        self.stopping.wait(self.burst - time.time() % self.burst)
        status, text = self.call("POST", "/claims", {"most": dice.randint(1, 5), "seconds": 1})
        for item in json.loads(text)["items"] if status == 200 else ():
            data = item["item"].encode()
            if hashlib.sha256(data).hexdigest() != item["sha256"]:
                self.faults.append(f"item {item['id']} came damaged in a claim")
            self.keep(item["id"], data)
