"""The API of the residents' web site, without a browser: what it lets through, to whom, and what it
keeps. The pages themselves are tested in tests/browser."""

import io
import json
import struct
import zipfile
import zlib

import pytest
import requests

CLAIM = "child-allowance.certification-claim"


def png(more=0):
    """An image of one pixel, with a comment of so many bytes."""
    parts = ((b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)), (b"tEXt", b"\0" * more),
             (b"IDAT", zlib.compress(b"\0\0")), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts)


PNG = png()
OURS = {"X-Requested-By": "portal"}
SERVICE = {
    "id": CLAIM, "version": "1", "status": "current", "name": "試験", "summary": "児童手当のこと",
    "search": "子 手当", "life_events": ["birth"], "signature_required": True,
    "namespace": f"urn:uketsuke:form:{CLAIM}:1", "root": "application", "conditions": [
        {"item": "reason", "when": "kind", "is": "other", "forbid": False},
        {"item": "reason", "when": "kind", "is": "birth", "forbid": True}],
    "groups": [{"label": "請求者", "items": [
        {"path": "name", "name": "name", "label": "氏名", "kind": "text", "required": True,
         "most": 1, "at": 2, "max_length": 5},
        {"path": "kind", "name": "kind", "label": "事由", "kind": "choice", "required": True,
         "most": 1, "at": 1, "choices": [{"value": v, "label": v} for v in ("birth", "other")]},
        {"path": "reason", "name": "reason", "label": "理由", "kind": "text", "required": False,
         "most": 1, "at": 3}]}],
    "documents": [{"id": "proof", "label": "証明", "required": True, "conditional": False,
                   "formats": "png", "most": 2, "size_most": 1000}],
}


class Visitor(requests.Session):
    def __init__(self, stack):
        super().__init__()
        self.trust_env = False
        self.url = stack.site_url + "api"
        self.headers.update(OURS)

    def call(self, method, path, status=200, **more):
        answer = self.request(method, self.url + path, timeout=10, **more)
        assert answer.status_code == status, answer.text
        return answer.json()

    def log_in(self, number):
        card = self.call("GET", "/session")["cards"][number]
        self.call("POST", "/session", json={"card": card["id"], "pin": card["login_pin"]})
        return card

    def draft(self, values, files=1):
        draft = self.call("POST", "/drafts", 201, json={"procedure": CLAIM})["id"]
        self.call("PUT", f"/drafts/{draft}", json={"values": values})
        for _ in range(files):
            self.call("POST", f"/drafts/{draft}/files/proof", 201, data=PNG)
        return draft

    def errors(self, values, files=1):
        found = self.call("POST", f"/drafts/{self.draft(values, files)}/check", json={})
        return [(error["path"], error["code"]) for error in found["errors"]]


@pytest.fixture
def stack(make_stack):
    stack = make_stack(site=True)
    stack.pages = stack.folder / "pages"
    stack.pages.mkdir()
    (stack.pages / "index.html").write_text("<!doctype html>")
    stack.run("uketsuke-sandbox", "pki", "--out", stack.folder / "pki")
    stack.run("uketsuke-sandbox", "jpki", "init", stack.folder / "jpki")
    stack.run("uketsuke-sandbox", "town", "cards", stack.folder / "cards", "--jpki",
              stack.folder / "jpki", "--count", "2")
    (stack.folder / "services.json").write_text(json.dumps([SERVICE]))
    stack.start_portal()
    return stack


@pytest.fixture
def visitor(stack):
    return Visitor(stack)


GOOD = {"name": "桜野", "kind": "birth"}


def test_pages_are_strict(stack):
    page = requests.get(stack.site_url, timeout=10)
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert requests.get(stack.site_url + "assets/..%2Fcards.json", timeout=10).status_code >= 400


def test_only_who_is_logged_in_and_only_the_site_itself(stack, visitor):
    visitor.call("POST", "/drafts", 401, json={"procedure": CLAIM})
    visitor.call("GET", "/applications", 401)
    visitor.log_in(0)
    cookie = next(iter(visitor.cookies))
    assert cookie.has_nonstandard_attr("HttpOnly") and \
        cookie.get_nonstandard_attr("SameSite") == "Strict"
    visitor.call("POST", "/drafts", 403, json={"procedure": CLAIM}, headers={"X-Requested-By": None})
    draft = visitor.draft(GOOD)
    other = Visitor(stack)
    other.log_in(1)
    for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/check"),
                         ("POST", "/submit"), ("POST", "/files/proof")):
        body = None if method == "GET" else {"values": {}, "pin": "x"}
        other.call(method, f"/drafts/{draft}{path}", 404, json=body)
    visitor.call("DELETE", "/session")
    visitor.call("GET", f"/drafts/{draft}", 401)


def test_search(visitor):
    def found(query):
        return len(visitor.call("GET", "/services?" + query)["services"])
    assert found("") == found("q=手当　子") == found("q=児童手当&event=birth") == 1
    assert found("q=手当 引越し") == found("event=moving") == 0


def test_the_form_is_checked(visitor):
    visitor.log_in(0)
    assert visitor.errors(GOOD) == []
    assert visitor.errors({}, 0) == [("name", "required"), ("kind", "required"),
                                     ("documents/proof", "required")]
    assert visitor.errors({"name": "𠮷" * 5, "kind": "birth"}) == []  # characters, not bytes
    assert visitor.errors({"name": "𠮷" * 6, "kind": "birth"}) == [("name", "length")]
    assert visitor.errors({"name": "桜野", "kind": "moon"}) == [("kind", "choice")]
    assert visitor.errors({"name": "桜野", "kind": "other"}) == [("reason", "required")]
    assert visitor.errors({"name": "桜野", "kind": "other", "reason": "x"}) == []


def test_attachments(visitor):
    visitor.log_in(0)
    draft = visitor.draft(GOOD)
    at = f"/drafts/{draft}/files/"
    visitor.call("POST", at + "proof", 422, data=b"%PDF-1.7\nxref\nstartxref\n9\n%%EOF")  # not asked for
    visitor.call("POST", at + "proof", 422, data=PNG[:-4])  # cut off
    visitor.call("POST", at + "proof", 422, data=b"<svg onload=alert(1)>")
    visitor.call("POST", at + "proof", 422, data=png(1000))
    visitor.call("POST", at + "unheard-of", 404, data=PNG)
    second = visitor.call("POST", at + "proof", 201, data=PNG)["id"]
    visitor.call("POST", at + "proof", 422, data=PNG)  # one too many
    visitor.call("DELETE", at + second)
    visitor.call("DELETE", at + second, 404)
    visitor.call("POST", at + "proof", 201, data=PNG)


def test_submission(stack, visitor):
    card = visitor.log_in(0)
    draft = visitor.draft({"name": "桜<野&", "kind": "birth", "reason": "forbidden here"})
    submit = f"/drafts/{draft}/submit"
    wrong = visitor.call("POST", submit, 403, json={"pin": "WRONG1"})
    assert wrong == {"code": "pin-wrong", "left": 4}
    receipt = visitor.call("POST", submit, json={"pin": card["sign_pin"]})["receipt_number"]
    # a lost answer, asked for again
    assert visitor.call("POST", submit, json={"pin": ""})["receipt_number"] == receipt
    visitor.call("PUT", f"/drafts/{draft}", 409, json={"values": {}})
    package = (stack.folder / "portal" / "packages" / f"{receipt}.zip").read_bytes()
    members = zipfile.ZipFile(io.BytesIO(package))
    assert members.namelist() == ["manifest.xml", "application.xml", "attachments/proof-1.png",
                                  "signature/1.xml"]
    assert members.read("application.xml").decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<application xmlns="urn:uketsuke:form:{CLAIM}:1">\n'
        "<kind>birth</kind>\n<name>桜&lt;野&amp;</name>\n</application>\n")
    stack.kill("portal")
    stack.start_portal()
    visitor.log_in(0)
    mine = visitor.call("GET", "/applications")["applications"]
    assert [(a["receipt_number"], a["status"], a["may_withdraw"]) for a in mine] == \
        [(receipt, "未取得", True)]
    visitor.call("POST", "/drafts", 409, json={"corrects": receipt})  # nobody asked for it
    visitor.call("POST", f"/applications/{receipt}/withdrawal", json={})
    assert stack.portal_status(receipt)["status"] == "取下げ"


def test_wrong_pins_lock_until_the_counter_resets(stack, visitor):
    card = visitor.call("GET", "/session")["cards"][1]
    for left in (2, 1, 0):
        wrong = visitor.call("POST", "/session", 403 if left else 423,
                             json={"card": card["id"], "pin": "0000"})
        assert wrong["left"] == left
    stack.kill("portal")
    stack.start_portal()
    visitor.call("POST", "/session", 423, json={"card": card["id"], "pin": card["login_pin"]})
    visitor.call("POST", f"/cards/{card['id']}/reset", json={})
    visitor.log_in(1)
