"""A business system of the tests: has its own certificate, pulls what the city hands over, keeps it
and sends receipts. docs/integrators.md is how."""

import hashlib
import json
import subprocess

import requests


class Business:
    def __init__(self, stack, destination):
        self.stack, self.destination = stack, destination
        self.records = {}  # receipt number → the item
        pki = stack.folder / "pki"
        self.key, self.certificate = pki / f"test-{destination}.key", pki / f"test-{destination}.pem"
        self._make_certificate(pki)

    def _make_certificate(self, pki):
        request = self.stack.folder / f"{self.destination}.csr"
        openssl = lambda *words: subprocess.run(  # noqa: E731
            ["openssl", *map(str, words)], check=True, capture_output=True)
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", self.key, "-out", request, "-subj", f"/CN=test-{self.destination}")
        openssl("x509", "-req", "-in", request, "-CA", pki / "ca.pem", "-CAkey", pki / "ca.key",
                "-days", "30", "-out", self.certificate)

    def peer(self):
        der = subprocess.run(["openssl", "x509", "-in", self.certificate, "-outform", "DER"],
                             check=True, capture_output=True).stdout
        return hashlib.sha256(der).hexdigest()

    def open(self):
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(self.stack.folder / "pki" / "ca.pem")
        self.session.cert = (str(self.certificate), str(self.key))
        self.base = f"https://localhost:{self.stack.ports['routing']}/routing/v1"

    def call(self, method, path, **more):
        answer = self.session.request(method, self.base + path, timeout=20, **more)
        assert answer.status_code == 200, answer.text
        return answer

    def tell(self, receipt, outcome, message):
        """What became of it."""
        self.call("POST", "/outcomes", json=[
            {"receipt_number": receipt, "outcome": outcome, "message": message,
             "reasons": [{"code": "E0004", "item": "account/number", "message": "another number"}]}])

    def pull(self):
        """Everything that waits, with receipts."""
        while True:
            page = self.call("GET", "/items?limit=100").json()["items"]
            if not page:
                return
            receipts = []
            for entry in page:
                content = self.call("GET", f"/items/{entry['id']}").content
                digest = hashlib.sha256(content).hexdigest()
                assert digest == entry["sha256"]
                self.records[entry["receipt_number"]] = json.loads(content)
                receipts.append({"id": entry["id"], "sha256": digest, "result": "accepted"})
            self.call("POST", "/receipts", json=receipts)
