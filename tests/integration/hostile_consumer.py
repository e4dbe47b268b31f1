"""A consumer with a business system's own certificate and secret that does everything wrong."""

import base64
import collections
import hashlib
import hmac
import http.client
import json
import pathlib
import random
import secrets
import socket
import ssl
import threading
import time
import urllib.parse


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class HostileConsumer:
    known = collections.defaultdict(set)  # destination: ids that were seen there

    def __init__(self, stack, name, seed):
        self.stack, self.name, self.seed = stack, name, seed
        self.items, self.faults, self.calls = {}, [], collections.Counter()
        self.stopping, self.threads, self.token = threading.Event(), [], None
        self.lock = threading.Lock()

    def start(self, parallel):
        pki = self.stack.folder / "pki" / f"business-{self.name}"
        self.context = ssl.create_default_context(cafile=self.stack.folder / "pki" / "ca.pem")
        self.context.load_cert_chain(f"{pki}.pem", f"{pki}.key")
        self.secret = (pathlib.Path(self.stack.folder) / "keys"
                       / f"business-{self.name}.secret").read_text().strip()
        acts = [self.read_half, self.take_no_receipt, self.send_wrong_receipts, self.ask_for_others]
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

    def connection(self):
        return http.client.HTTPSConnection("localhost", self.stack.ports["routing"],
                                           context=self.context, timeout=20)

    def ask(self, method, path, body=None, headers=None):
        connection = self.connection()
        try:
            connection.request(method, f"/routing/v1{path}", body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def authorization(self):
        with self.lock:
            if not self.token or self.token[1] < time.time():
                self.token = self.new_token()
            return {"Authorization": self.token[0]}

    def new_token(self):
        now = int(time.time())
        client = self.stack.client_id(self.name)
        audience = f"https://localhost:{self.stack.ports['routing']}/routing/v1/token"
        claims = {"iss": client, "sub": client, "aud": audience, "jti": secrets.token_hex(16),
                  "iat": now, "exp": now + 60}
        signed = ".".join(base64url(json.dumps(part).encode())
                          for part in ({"alg": "HS256", "typ": "JWT"}, claims))
        proof = base64url(hmac.digest(self.secret.encode(), signed.encode(), "sha256"))
        form = urllib.parse.urlencode({
            "grant_type": "client_credentials", "client_assertion": f"{signed}.{proof}",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"})
        status, text = self.ask("POST", "/token", form,
                                {"Content-Type": "application/x-www-form-urlencoded"})
        if status != 200:
            raise ValueError("no token")
        answer = json.loads(text)
        return f"Bearer {answer['access_token']}", now + answer["expires_in"] - 20

    def call(self, method, path, body=None):
        headers = {**self.authorization(), "Content-Type": "application/json"}
        status, text = self.ask(method, path, json.dumps(body) if body is not None else None,
                                headers)
        if status == 401:
            self.token = None
        return status, text

    def waiting(self, limit=20):
        status, text = self.call("GET", f"/items?limit={limit}")
        items = json.loads(text)["items"] if status == 200 else []
        self.known[self.name].update(item["id"] for item in items)
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
        """Holds items for seconds, and lets the claim run out."""
        status, text = self.call("POST", "/claims", {"most": dice.randint(1, 5), "seconds": 1})
        for item in json.loads(text)["items"] if status == 200 else ():
            data = item["item"].encode()
            if hashlib.sha256(data).hexdigest() != item["sha256"]:
                self.faults.append(f"item {item['id']} came damaged in a claim")
            self.keep(item["id"], data)
