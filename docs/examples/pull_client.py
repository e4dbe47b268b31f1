#!/usr/bin/env python3
"""A consumer of the pull API in a page, to copy from (docs/integrators.md). Standard library only.

  pull_client.py URL CA CERTIFICATE KEY CLIENT-ID SECRET-FILE FOLDER

Takes what waits until nothing does: claims items, stores each durably in FOLDER, then sends receipts.
Run it again after any trouble: what is stored already is recognised by its id.
"""
import base64
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import secrets
import ssl
import sys
import time
import urllib.parse

url, ca, certificate, key, client_id, secret_file, folder = sys.argv[1:]
secret = pathlib.Path(secret_file).read_text().strip()
folder = pathlib.Path(folder)
context = ssl.create_default_context(cafile=ca)
context.load_cert_chain(certificate, key)
server = http.client.HTTPSConnection(urllib.parse.urlsplit(url).netloc, context=context, timeout=90)
token = None  # (Authorization header, when to get another)


def call(method, path, body=None, headers={}):
    """The answer as JSON; anything but 200 is an error with its request_id."""
    server.request(method, path, body, headers)
    answer = server.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{method} {path}: {answer.status} {text.decode()}")
    return json.loads(text)


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def assertion():
    """A JWT that says who we are, signed by our secret (client_secret_jwt, HS256)."""
    now = int(time.time())
    claims = {"iss": client_id, "sub": client_id, "aud": f"{url}/routing/v1/token",
              "jti": secrets.token_hex(16), "iat": now, "exp": now + 60}
    signed = ".".join(base64url(json.dumps(part).encode())
                      for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return f"{signed}.{base64url(hmac.digest(secret.encode(), signed.encode(), 'sha256'))}"


def api(method, path, body=None):
    """A call with a token that is good for another half minute at least."""
    global token
    if not token or token[1] < time.time():
        form = urllib.parse.urlencode({
            "grant_type": "client_credentials", "client_assertion": assertion(),
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"})
        answer = call("POST", "/routing/v1/token", form,
                      {"Content-Type": "application/x-www-form-urlencoded"})
        token = f"Bearer {answer['access_token']}", time.time() + answer["expires_in"] - 30
    headers = {"Authorization": token[0], "Content-Type": "application/json"}
    return call(method, path, json.dumps(body) if body is not None else None, headers)


def store(item_id, data):
    """On the disk, or not there at all: only then may the receipt go."""
    new, final = folder / f"{item_id}.new", folder / f"{item_id}.json"
    with new.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    new.rename(final)


def take(item, claim):
    data = item["item"].encode()  # the exact bytes
    if hashlib.sha256(data).hexdigest() != item["sha256"]:
        raise SystemExit(f"item {item['id']} arrived damaged")
    receipt = {"id": item["id"], "sha256": item["sha256"], "claim": claim, "result": "accepted"}
    if not (folder / f"{item['id']}.json").exists():  # else: our last receipt did not arrive
        store(item["id"], data)
    # Here your checks go; what can't be taken is
    # receipt | {"result": "rejected", "problems": [{"code": "E0004", "item": …, "message": …}]}
    return receipt


while True:
    claimed = api("POST", "/routing/v1/claims", {"most": 100, "seconds": 300})
    if not claimed["items"]:
        break
    receipts = [take(item, claimed["claim"]) for item in claimed["items"]]
    directory = os.open(folder, os.O_RDONLY)
    os.fsync(directory)  # the names, too
    os.close(directory)
    for result in api("POST", "/routing/v1/receipts", receipts)["results"]:
        print(result["id"], result["result"])
