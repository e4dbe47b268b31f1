"""A consumer of the pull API with a business system's own certificate and secret."""

import base64
import hashlib
import hmac
import http.client
import json
import pathlib
import secrets
import ssl
import threading
import time
import urllib.parse


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Consumer:
    scope = None  # all

    def __init__(self, stack, name):
        self.stack, self.name, self.token = stack, name, None
        self.lock, self.mine = threading.Lock(), threading.local()

    def open(self):
        pki = self.stack.folder / "pki" / f"business-{self.name}"
        self.context = ssl.create_default_context(cafile=self.stack.folder / "pki" / "ca.pem")
        self.context.load_cert_chain(f"{pki}.pem", f"{pki}.key")
        self.secret = (pathlib.Path(self.stack.folder) / "keys"
                       / f"business-{self.name}.secret").read_text().strip()
        return self

    def connection(self):
        """One for each thread, for as long as it lasts."""
        if not hasattr(self.mine, "connection"):
            self.mine.connection = http.client.HTTPSConnection(
                "localhost", self.stack.ports["routing"], context=self.context, timeout=20)
        return self.mine.connection

    def ask(self, method, path, body=None, headers=None):
        connection = self.connection()
        try:
            connection.request(method, f"/routing/v1{path}", body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()  # opens itself again with the next request
            raise

    def authorization(self):
        with self.lock:
            if not self.token or self.token[1] < time.time():
                self.token = self.new_token()
            return {"Authorization": self.token[0]}

    def token_form(self):
        now = int(time.time())
        client = self.stack.client_id(self.name)
        audience = f"https://localhost:{self.stack.ports['routing']}/routing/v1/token"
        claims = {"iss": client, "sub": client, "aud": audience, "jti": secrets.token_hex(16),
                  "iat": now, "exp": now + 60}
        signed = ".".join(base64url(json.dumps(part).encode())
                          for part in ({"alg": "HS256", "typ": "JWT"}, claims))
        proof = base64url(hmac.digest(self.secret.encode(), signed.encode(), "sha256"))
        return urllib.parse.urlencode({
            **({"scope": self.scope} if self.scope else {}),
            "grant_type": "client_credentials", "client_assertion": f"{signed}.{proof}",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"})

    def new_token(self):
        now = int(time.time())
        status, text = self.ask("POST", "/token", self.token_form(),
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

