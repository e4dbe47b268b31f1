"""docs/api/routing.yaml against what runs: each operation is called in each way that it documents;
every answer has a status, headers, a type and members that stand there, and no others."""

import hashlib
import json
import re

import jsonschema
import pytest
import yaml

from consumer import Consumer
from stack import ROOT

API = yaml.safe_load((ROOT / "docs" / "api" / "routing.yaml").read_text())
ELSEWHERE = {"429", "500", "503"}  # routing_pull, routing_server: what is broken or too much
FORM = "application/x-www-form-urlencoded"


def closed(schema):
    """The same, and an object has no member that is not named."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: closed(part) for key, part in schema.items()}
    if isinstance(made.get("properties"), dict) and made.get("type") == "object":
        made.setdefault("additionalProperties", False)
    return made


CLOSED = closed(API)


def resolved(part):
    if "$ref" not in part:
        return part
    found = CLOSED
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return found


class Caller(Consumer):
    """Holds each answer against the document, and remembers what it saw."""
    seen = set()

    def operation(self, method, path):
        for template, methods in CLOSED["paths"].items():
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
            if re.fullmatch(pattern, path.partition("?")[0]):
                return methods["get" if method == "HEAD" else method.lower()]
        raise AssertionError(f"{path} is not in the document")

    def expect(self, status, method, path, body=None, **headers):
        if isinstance(body, (list, dict)):
            body = json.dumps(body)
            headers.setdefault("Content_Type", "application/json")
        sent = {name.replace("_", "-"): value for name, value in headers.items() if value}
        if "Authorization" not in headers:
            sent |= self.authorization()
        connection = self.connection()
        connection.request(method, f"/routing/v1{path}", body, sent)
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == status, (method, path, text)
        operation = self.operation(method, f"/routing/v1{path}")
        responses = operation["responses"]
        assert str(status) in responses, (operation["operationId"], status)
        said = resolved(responses[str(status)])
        if method != "HEAD":
            self.seen.add((operation["operationId"], str(status)))
        for name in said.get("headers", {}):
            assert answer.headers[name], (method, path, status, name)
        assert re.fullmatch("[0-9a-f]{16}", answer.headers["X-Request-Id"])
        assert answer.headers["Cache-Control"] == "no-store"
        if "content" not in said:
            assert not text, (method, path, status)
            return answer, None
        kind = answer.headers["Content-Type"]
        assert kind in said["content"], (method, path, status, kind)
        if method == "HEAD" or kind != "application/json":
            return answer, text
        schema = {**said["content"][kind]["schema"], "components": CLOSED["components"]}
        jsonschema.Draft202012Validator(schema).validate(json.loads(text))
        return answer, json.loads(text)


@pytest.fixture
def house(make_stack):
    """Six applications wait for child-allowance, and no business system runs."""
    stack = make_stack({"destination child-allowance": {"package": "yes"}})
    stack.up(server=False)
    for name in [name for name in stack.processes if name.startswith("business")]:
        stack.stop(name)
    stack.submit_town(stack.make_town("town", "--seed", "3", "--count", "6", "--kinds", "good"))
    for role in ("collect", "examine", "identify", "routing"):
        assert stack.uketsuke(role, "--once").returncode == 0
    stack.start_role("routing")
    stack.wait_port("routing")
    return stack


def receipt(item, **more):
    return {"id": item["id"], "sha256": item["sha256"], "result": "accepted", **more}


def tokens(us, them):
    us.expect(200, "POST", "/token", us.token_form(), Content_Type=FORM, Authorization=None)
    us.expect(200, "POST", "/introspect", f"token={us.authorization()['Authorization'][7:]}",
              Content_Type=FORM)
    us.expect(200, "POST", "/introspect", "token=none", Content_Type=FORM)
    us.expect(400, "POST", "/introspect", "", Content_Type=FORM)
    us.expect(413, "POST", "/introspect", Content_Length=str((16 << 10) + 1))
    us.expect(400, "POST", "/token", "grant_type=password", Content_Type=FORM, Authorization="")
    us.expect(401, "POST", "/token", "grant_type=client_credentials", Content_Type=FORM,
              Authorization="")
    us.expect(413, "POST", "/token", Content_Length=str((16 << 10) + 1))


def items(us, them):
    _, page = us.expect(200, "GET", "/items?limit=3")
    first = page["items"][0]
    us.expect(200, "GET", f"/items?after={page['next']}")
    us.expect(400, "GET", "/items?limit=501")
    them.expect(400, "GET", f"/items?after={page['next']}")
    us.expect(200, "GET", "/batch?limit=2")
    us.expect(400, "GET", "/batch?limit=0")
    path = f"/items/{first['id']}"
    answer, item = us.expect(200, "GET", path)
    assert answer.headers["ETag"] == f'"{first["sha256"]}"'
    us.expect(304, "GET", path, If_None_Match=answer.headers["ETag"])
    head, _ = us.expect(200, "HEAD", path)
    assert head.headers["Content-Length"] == answer.headers["Content-Length"]
    them.expect(404, "GET", path)
    us.expect(404, "GET", f"/items/0{first['id']}")
    return first


def parts(us, them, first):
    """The package and the bundle."""
    for part in ("package", "bundle"):
        path = f"/items/{first['id']}/{part}"
        answer, whole = us.expect(200, "GET", path)
        _, rest = us.expect(206, "GET", path, Range="bytes=4-")
        assert rest == whole[4:]
        us.expect(304, "GET", path, If_None_Match=answer.headers["ETag"])
        us.expect(416, "GET", path, Range=f"bytes={len(whole)}-")
        us.expect(404, "GET", f"/items/9{first['id']}/{part}")
        assert answer.headers["ETag"] == f'"{hashlib.sha256(whole).hexdigest()}"'


def claims(us, them):
    wanted = {"most": 2, "seconds": 60}
    _, claim = us.expect(200, "POST", "/claims", wanted)
    path = f"/claims/{claim['claim']}"
    us.expect(400, "POST", "/claims", {"most": 0, "seconds": 60})
    us.expect(413, "POST", "/claims", Content_Length="1025")
    them.expect(200, "POST", "/claims", wanted)  # nothing waits for them
    us.expect(200, "POST", f"{path}/renew", {"seconds": 60})
    us.expect(400, "POST", f"{path}/renew", {"seconds": None})
    us.expect(413, "POST", f"{path}/renew", Content_Length="1025")
    us.expect(404, "POST", "/claims/mine/renew", {"seconds": 60})
    us.expect(404, "DELETE", "/claims/mine")
    us.expect(200, "DELETE", path)
    us.expect(409, "DELETE", path)
    us.expect(409, "POST", f"{path}/renew", {"seconds": 60})


def receipts(us, them, first):
    us.expect(400, "POST", "/receipts", [receipt(first, claim=None)])
    us.expect(413, "POST", "/receipts", Content_Length=str((4 << 20) + 1))
    _, page = us.expect(200, "GET", "/items")
    second = page["items"][1]
    problem = {"code": "E0004", "item": "atenabango", "message": "no such person"}
    results = [us.expect(200, "POST", "/receipts", body)[1]["results"][0]["result"] for body in (
        [receipt(first)], [receipt(first)], [receipt(first, result="rejected", problems=[problem])],
        [receipt(second, sha256=64 * "0")], [receipt(second, id="999999999")])]
    assert results == ["taken", "repeated", "conflict", "wrong-hash", "unknown"]
    us.expect(200, "POST", f"/items/{first['id']}/redeliver")
    us.expect(404, "POST", f"/items/{second['id']}/redeliver")
    us.expect(413, "POST", f"/items/{first['id']}/redeliver", Content_Length="1")
    us.expect(200, "POST", "/receipts", [receipt(first)])
    us.stack.psql("UPDATE delivery SET kept = false")
    us.expect(409, "POST", f"/items/{first['id']}/redeliver")


def outcomes(us, them, first):
    us.expect(400, "POST", "/outcomes", [{"outcome": "completed"}])
    us.expect(413, "POST", "/outcomes", Content_Length=str((4 << 20) + 1))
    done = {"id": first["id"], "outcome": "completed"}
    results = [us.expect(200, "POST", "/outcomes", body)[1]["results"][0]["result"] for body in (
        [done], [done], [{"receipt_number": "none", "outcome": "completed"}])]
    assert results == ["taken", "repeated", "unknown"]


def nobody(us, first):
    """Every operation without a token, and with one for another scope."""
    narrow = {}
    for scope in ("029:tokens/v1:Read", "029:items/v1:Read"):
        consumer = Caller(us.stack, us.name).open()
        consumer.scope = scope
        narrow[scope] = consumer.authorization()["Authorization"]
    for template, methods in API["paths"].items():
        path = template.removeprefix("/routing/v1").replace("{id}", first["id"]).replace(
            "{claim}", "00000000-0000-4000-8000-000000000000.1.2")
        for method in methods:
            if path == "/token":
                continue
            scope = "029:items/v1:Read" if path == "/introspect" else "029:tokens/v1:Read"
            for status, authorization in ((401, None), (403, narrow[scope])):
                answer, _ = us.expect(status, method.upper(), path, Authorization=authorization)
                assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_every_answer_is_as_the_document_says(house):
    us, them = (Caller(house, name).open() for name in ("child-allowance", "health"))
    tokens(us, them)
    first = items(us, them)
    parts(us, them, first)
    claims(us, them)
    receipts(us, them, first)
    outcomes(us, them, first)
    nobody(us, first)
    documented = {(operation["operationId"], status) for methods in API["paths"].values()
                  for operation in methods.values() for status in operation["responses"]
                  if status not in ELSEWHERE} - {("postToken", "403")}  # routing_server
    assert documented - Caller.seen == set()
