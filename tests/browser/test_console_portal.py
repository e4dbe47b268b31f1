"""What residents send, as staff see it: hostile words in every item that can hold them, in a really
signed and collected package, are words; a correction is asked for, comes, and is compared."""

import io
import json
import subprocess
import urllib.parse
import zipfile

import pytest
import requests

from city import acts, state_of
from procedure import current, local
from resident import PNG
from stack import StackError, wait_until
from test_procedures import card_for

CLAIM = "child-allowance.certification-claim"
# No item may have controls or what turns the text around; names may have no blanks, either.
HOSTILE = [
    "<script>window.hit=1</script>", "<img/src=x/onerror=window.hit=1>", "\"'><svg/onload=window.hit=1>",
    "javascript:window.hit=1", "</textarea><script>window.hit=1</script>", "{{constructor}}", "&lt;b&gt;",
    "<style>*{display:none}</style>", "<iframe/srcdoc='<script>parent.hit=1</script>'>",
    "<a/href='javascript:window.hit=1'>x</a>", "${window.hit=1}",
    "<meta/http-equiv=refresh/content=0;url=https://example.jp/>", "]]><!--<x>", "<base/href=//example.jp>",
    "<link/rel=stylesheet/href=//example.jp/x.css>", "<form/action=//example.jp><button>", "%3Cscript%3E",
]
ACTIVE = [  # objects of a document that wants to act when it is opened, and to fetch something
    b"<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert(1))>>"
    b"/AA<</WC<</S/URI/URI(https://example.jp/)>>>>>>",
    b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
    b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Annots[<</Type/Annot/Subtype/Link"
    b"/Rect[0 0 200 200]/A<</S/URI/URI(https://example.jp/)>>>>]>>",
]
WATCH = """
window.broken = [];
addEventListener('securitypolicyviolation', e => window.broken.push(`${e.violatedDirective} ${e.blockedURI}`));
for (const name of ['alert', 'confirm', 'prompt', 'open']) window[name] = () => { window.hit = name; };
"""


def pdf_of(objects):
    data, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj%sendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return data + (b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n"
                   b"%%%%EOF\n" % (len(places) + 1, table, len(places) + 1, len(data)))


class Applicant(requests.Session):
    """A resident who speaks to the portal's site without a browser."""

    def __init__(self, stack, form, applied_at):
        super().__init__()
        self.trust_env = False
        self.url = stack.site_url + "api"
        self.headers.update({"X-Requested-By": "portal", "X-Sandbox-Applied-At": applied_at})
        self.card = card_for(self.call("GET", "/session")["cards"], form)
        self.call("POST", "/session", json={"card": self.card["id"], "pin": self.card["login_pin"]})
        self.service = self.call("GET", f"/services/{CLAIM}")

    def call(self, method, path, **more):
        answer = self.request(method, self.url + path, timeout=20, **more)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def attach(self, draft, document, name, data):
        return self.post(f"{self.url}/drafts/{draft}/files/{document}", data=data, timeout=20,
                         headers={"X-File-Name": urllib.parse.quote(name)})

    def status(self, receipt):
        return self.call("GET", f"/applications/{receipt}")["application"]["status"]

    def apply(self, values, files=(), corrects=None):
        """The receipt number. `files`: document, the resident's name for it, bytes."""
        begin = {"corrects": corrects} if corrects else {"procedure": CLAIM}
        draft = self.call("POST", "/drafts", json=begin)["id"]
        self.call("PUT", f"/drafts/{draft}", json={"values": values})
        for document, name, data in files:
            cut = self.attach(draft, document, name, data[:-20])  # as the city would say, but at once
            assert cut.status_code == 422 and "こわれていない" in cut.text
            assert self.attach(draft, document, name, data).status_code == 201
        assert self.call("POST", f"/drafts/{draft}/check", json={})["errors"] == []
        return self.call("POST", f"/drafts/{draft}/submit",
                         json={"pin": self.card["sign_pin"]})["receipt_number"]


def values_of(items, form):
    """As the site's pages send them: {name: text, {…} or [{…}]}."""
    made = {}
    for item in items:
        found = [child for child in form if local(child) == item["name"]]
        if found and item["kind"] == "list":
            made[item["name"]] = [values_of(item["parts"], one) for one in found]
        elif found:
            made[item["name"]] = (values_of(item["parts"], found[0]) if item["kind"] == "group"
                                  else found[0].text)
    return made


def spoil(items, values, words, but=()):
    """Puts hostile words into every text that is free; the texts."""
    put = []
    for item in items:
        value = values.get(item["name"])
        if isinstance(value, dict):
            put += spoil(item["parts"], value, words, but)
        elif isinstance(value, list):
            put += [text for one in value for text in spoil(item["parts"], one, words, but)]
        elif value and item["kind"] == "text" and item.get("max_length", 0) >= 100 and \
                item["path"] not in but and "kana" not in item["name"]:
            values[item["name"]] = "".join(words)[:item["max_length"]]
            words.append(words.pop(0))
            put.append(values[item["name"]])
    return put


@pytest.fixture(scope="module")
def claim():
    return next(procedure for procedure in current() if procedure.id == CLAIM)


@pytest.fixture(scope="module")
def applicant(stack, claim):
    form, beside = claim.example()
    applicant = Applicant(stack, form, beside["applied_at"])
    applicant.items = [item for group in applicant.service["groups"] for item in group["items"]]
    applicant.values = values_of(applicant.items, form)
    return applicant


@pytest.fixture(scope="module")
def clerk(clerks):
    """Somebody who sees all; every page of theirs watches itself."""
    clerk = clerks["ryoko"]
    clerk.cdp("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
    clerk.browser.refresh()
    clerk.heading("職員の対応を待つ申請")
    clerk.faults()
    return clerk


def settled(stack, receipt, states):
    try:
        wait_until(lambda: state_of(stack, receipt) in states, 60, f"{receipt} to be one of {states}")
    except StackError:
        raise AssertionError(stack.uketsuke("show", receipt, check=False).stdout)


def nothing_happened(clerk, url):
    """No script of theirs ran, nothing was refused by the policy, nobody else was asked."""
    assert clerk.script("return window.hit") is None
    assert clerk.script("return window.broken") == []
    assert not clerk.find("main script, main iframe, main style, main link, main base, main a[href^=java]")
    asked = clerk.script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert all(name.startswith((url, f"blob:{url}")) for name in asked), asked
    assert clerk.faults() == []


def opened(clerk, receipt):
    clerk.open_one(receipt)
    clerk.until(lambda: clerk.find("details"), "all of it")
    clerk.script("document.querySelectorAll('details').forEach(d => d.open = true)")
    return clerk.text("main")


def test_hostile_words_are_words(stack, applicant, clerk):
    """The claimant's own name among them, which the certificate has otherwise: somebody has to look."""
    values, words = json.loads(json.dumps(applicant.values)), list(HOSTILE)
    put = spoil(applicant.items, values, words)
    assert len(put) >= 6
    document = applicant.service["documents"][0]
    receipt = applicant.apply(values, [(document["id"], "<img src=x onerror=hit=1>.pdf", pdf_of(ACTIVE))])
    settled(stack, receipt, ("unmatched", "review"))
    clerk.to_queue()
    seen = opened(clerk, receipt)
    clerk.look("hostile")
    for text in put:
        assert text in seen, text  # verbatim
    clerk.find(".files button")[0].click()
    clerk.until(lambda: clerk.script("const i = document.querySelector('.paper img');"
                                     "return i && i.naturalWidth > 0"), "the page as a picture")
    nothing_happened(clerk, stack.console_url)
    clerk.type(**{"print-reason": HOSTILE[0]})
    clerk.press("印刷用のPDFを作る")
    clerk.says("PDFを作りました")
    _, pdf = clerk.downloaded()
    printed = subprocess.run(["pdftotext", "-raw", "-", "-"], input=pdf, capture_output=True,
                             check=True).stdout.decode()
    assert "<script>window.hit=1" in printed.replace("\n", "")
    assert not any(word in pdf for word in (b"/JavaScript", b"/URI", b"/Launch", b"/OpenAction"))
    clerk.open("#/outputs")
    clerk.says(HOSTILE[0])
    nothing_happened(clerk, stack.console_url)


def test_hostile_names_of_files_get_no_further_than_the_examiner(stack, applicant, clerk):
    """A member of the signed package by such a name: refused, and nothing of it is shown."""
    first = applicant.apply(applicant.values)
    package = io.BytesIO((stack.folder / "portal" / "packages" / f"{first}.zip").read_bytes())
    with zipfile.ZipFile(package, "a") as members:
        members.writestr("attachments/<img src=x onerror=window.hit=1>.png", PNG)
    receipt = f"{first.split('-')[0]}-99999999"  # nobody else's
    answer = requests.put(
        f"http://127.0.0.1:{stack.ports['arrivals']}/arrivals/{receipt}", data=package.getvalue(),
        timeout=20, headers={
            "X-City-Code": stack.city, "X-Procedure-Id": CLAIM, "X-Form-Version": "1",
            "X-Applied-At": applicant.headers["X-Sandbox-Applied-At"]})
    assert answer.ok, answer.text
    settled(stack, receipt, ("refused",))
    seen = opened(clerk, receipt)
    assert "受付不可" in seen and "onerror" not in seen
    nothing_happened(clerk, stack.console_url)


TEMPLATE = ("口座番号が通帳の写しと違います。<b>もう一度</b>", "直して、送り直してください。")


def test_a_correction_is_asked_for_with_a_template_and_compared(stack, applicant, clerk):
    stack.psql("INSERT INTO message_template (city_code, title, business, text) VALUES"
               f" ('{stack.city}', '口座番号の不一致', '*', '{TEMPLATE[0]}')")
    values, words = json.loads(json.dumps(applicant.values)), list(HOSTILE)
    values["claimant"]["name"] = "桜野　華子"  # not so in the certificate: waits for somebody
    spoil(applicant.items, values, words, but=("claimant/name", "claimant/address"))
    first = applicant.apply(values)
    settled(stack, first, ("unmatched", "review"))
    clerk.open_one(first)
    clerk.press("訂正を求める", ".tabs")
    clerk.until(lambda: len(clerk.find("#template option")) > 1, "the templates")
    clerk.find("#template")[0].send_keys("口座番号")
    message = clerk.find("#message")[0]
    assert message.get_attribute("value") == TEMPLATE[0]
    message.send_keys(TEMPLATE[1])  # made to fit
    clerk.type(**{"act-reason": "通帳の写しと違う"})
    clerk.look("template")
    clerk.press("訂正を求める", "form")
    clerk.heading("職員の対応を待つ申請")
    assert acts(stack, first, "staff.correction") == 1
    wait_until(lambda: applicant.status(first) == "要訂正", 30,
               "the resident to be asked")
    told = json.dumps(applicant.call("GET", f"/applications/{first}"), ensure_ascii=False)
    assert "".join(TEMPLATE) in told
    values["claimant"]["name"] = applicant.values["claimant"]["name"]
    values["account"]["number"] = "7654321"
    second = applicant.apply(values, corrects=first)
    settled(stack, first, ("superseded",))  # the second is known to be hers
    opened(clerk, second)
    clerk.says("訂正の前と後")
    assert first in clerk.text("main")
    rows = clerk.until(lambda: clerk.find("section[aria-label=訂正の前と後] tbody tr"), "what differs")
    assert len(rows) == 2 and "氏名" in rows[0].text and "口座番号" in rows[1].text
    assert "1234567" in rows[1].text and "7654321" in rows[1].text
    clerk.look("versions")
    opened(clerk, first)
    clerk.says("訂正の前と後")
    seen = clerk.text("main")
    assert second in seen and "".join(TEMPLATE) in seen
    nothing_happened(clerk, stack.console_url)
