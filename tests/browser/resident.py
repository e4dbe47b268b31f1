"""A resident at the browser: looks for a service, fills in a form item by item, signs, submits."""

import base64
import json
import pathlib
import urllib.request

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from chromium import chromium
from procedure import local

SIZES = {"phone": (375, 812), "desktop": (1366, 768)}
AXE = (pathlib.Path(__file__).resolve().parents[2] / "deploy" / "sandbox" / "site" /
       "node_modules" / "axe-core" / "axe.min.js")
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==")
PDF = (b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
       b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
       b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\n"
       b"xref\n0 4\n0000000000 65535 f \n0000000009 00000 n \n0000000052 00000 n \n"
       b"0000000101 00000 n \ntrailer<</Size 4/Root 1 0 R>>\nstartxref\n164\n%%EOF\n")


def field_id(path):
    return "f-" + "".join("_" if c in "/[]" else c for c in path)


class Resident:
    def __init__(self, url, shots=None):
        self.url = url
        self.shots = shots
        self.browser = chromium()
        self.browser.set_page_load_timeout(30)
        self.size("desktop")

    def close(self):
        self.browser.quit()

    # --- the window -----------------------------------------------------------------------------

    def cdp(self, command, **arguments):
        return self.browser.execute_cdp_cmd(command, arguments)

    def size(self, name):
        width, height = SIZES[name]
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height,
                 deviceScaleFactor=1, mobile=name == "phone")

    def shot(self, name):
        """A picture of the whole page, when somebody wants to look (--shots FOLDER)."""
        if self.shots:
            data = self.cdp("Page.captureScreenshot", captureBeyondViewport=True)["data"]
            (self.shots / f"{name}.png").write_bytes(base64.b64decode(data))

    def script(self, text, *arguments):
        return self.browser.execute_script(text, *arguments)

    def until(self, condition, what, patience=15):
        wait = WebDriverWait(self.browser, patience, 0.02,
                             ignored_exceptions=[StaleElementReferenceException])
        return wait.until(lambda _: condition(), what)

    # --- pages ----------------------------------------------------------------------------------

    def open(self, path):
        self.browser.get(self.url.rstrip("/") + path)
        self.until(self.heading, f"a page at {path}")

    def heading(self):
        return self.script("const h = document.querySelector('h1'); return h ? h.innerText : ''")

    def path(self):
        return self.script("return location.pathname")

    def wait_heading(self, text):
        self.until(lambda: text in self.heading(), f"the heading {text}")

    def text(self):
        return self.script("return document.querySelector('main').innerText")

    def wait_text(self, text):
        self.until(lambda: text in self.text(), f"the text {text}")

    def named(self, name):
        """The last link or button of that name that can be seen."""
        return self.script("""
            return [...document.querySelectorAll('a, button, summary')].filter(
              (e) => e.innerText.trim() === arguments[0] && e.offsetParent !== null).pop()""", name)

    def click(self, name):
        element = self.until(lambda: self.named(name), f"the button {name}")
        self.script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def errors(self):
        return [e.text for e in self.browser.find_elements(By.CSS_SELECTOR, ".error")]

    def axe(self):
        """What axe-core finds serious, as "rule: where"."""
        self.script(AXE.read_text())
        found = self.browser.execute_async_script("""
            const done = arguments[arguments.length - 1];
            axe.run(document, {resultTypes: ['violations']}).then((r) => done(r.violations))""")
        return [f"{v['id']}: {v['nodes'][0]['target'][0]}" for v in found
                if v["impact"] in ("serious", "critical")]

    # --- the card -------------------------------------------------------------------------------

    def cards(self):
        with urllib.request.urlopen(self.url + "api/session", timeout=10) as answer:
            return json.load(answer)["cards"]

    def log_in(self, card, pin=None):
        self.open("/login")
        self.wait_heading("ログイン")
        self.choose_card(card, pin or card["login_pin"])

    def choose_card(self, card, pin):
        self.browser.find_element(By.CSS_SELECTOR, f"input[value='{card['id']}']").click()
        self.browser.find_element(By.ID, "pin").send_keys(pin)
        self.click("ログインする")
        self.until(lambda: self.named("ログアウト"), "to be logged in")

    # --- typing ---------------------------------------------------------------------------------

    def type(self, element, text):
        """As an input method does: at once, with characters beyond the BMP."""
        self.script("arguments[0].focus(); arguments[0].select && arguments[0].select()", element)
        self.cdp("Input.insertText", text=text)

    def fill(self, items, form, around=""):
        for item in items:
            found = [child for child in form if local(child) == item["name"]] if form is not None else []
            self.fill_item(item, found, around + item["name"])

    def fill_item(self, item, found, path):
        kind = item["kind"]
        if kind == "list":
            self.fill_list(item, found, path)
        elif kind == "group":
            boxes = self.browser.find_elements(By.ID, field_id(path))
            if boxes and boxes[0].is_selected() != bool(found):
                boxes[0].click()
            if found:
                self.fill(item["parts"], found[0], path + "/")
        elif found and found[0].text:
            self.fill_leaf(item, found[0].text, path)

    def fill_list(self, item, found, path):
        count = lambda: self.script(  # noqa: E731
            "return document.querySelectorAll(`[id='${arguments[0]}'] > .entry`).length",
            field_id(path))
        while count() < len(found):
            before = count()
            self.click(f"{item['label']}を追加する")
            self.until(lambda: count() > before, "one more entry")
        for i, entry in enumerate(found):
            self.fill(item["parts"], entry, f"{path}[{i + 1}]/")

    def field(self, path):
        return self.until(lambda: (self.browser.find_elements(By.ID, field_id(path)) or [None])[0],
                          f"the field {path}")

    def fill_leaf(self, item, text, path):
        field = self.field(path)
        if item["kind"] == "date":
            parts = [part.lstrip("0") for part in text.split("-")]
            for place, part in enumerate(parts):
                name = field_id(path) + (f"-{place}" if place else "")
                self.type(self.browser.find_element(By.ID, name), part)
        elif item.get("choices"):
            self.choose(field, text, path)
        else:
            self.type(field, text)

    def choose(self, field, value, path):
        if field.tag_name == "select":
            option = field.find_element(By.CSS_SELECTOR, f"option[value='{value}']")
            option.click()
            return
        wanted = [e for e in self.browser.find_elements(By.NAME, field_id(path))
                  if e.get_attribute("value") == value][0]
        if not wanted.is_selected():
            self.script("arguments[0].scrollIntoView({block: 'center'})", wanted)
            wanted.click()

    # --- applying -------------------------------------------------------------------------------

    def begin(self, procedure):
        """Logged in, from the service's page to the first step; its description is returned."""
        self.open(f"/services/{procedure}")
        self.click("申請をはじめる")
        self.until(lambda: self.path().startswith("/apply/") and self.items_here(),
                   "the first step")
        with urllib.request.urlopen(f"{self.url}api/services/{procedure}", timeout=10) as answer:
            return json.load(answer)

    def next(self):
        """The next step; what is wrong when the page says so."""
        before = self.heading()
        self.click("次へ")
        self.until(lambda: self.heading() != before or self.errors(), "the next step")
        assert self.heading() != before, self.errors()

    def attach(self, documents, wanted, folder):
        for document in documents:
            count = wanted.get(document["id"],
                               1 if document["required"] and not document["conditional"] else 0)
            for n in range(count):
                form = "png" if "png" in document["formats"] else "pdf"
                file = folder / f"{document['id']}-{n}.{form}"
                file.write_bytes(PNG if form == "png" else PDF)
                self.field(f"documents/{document['id']}").send_keys(str(file))
                self.wait_text(file.name)

    def items_here(self):
        """Names of the items that this step asks for."""
        return self.script("""
            const f = document.querySelector('main form'); return f ? f.dataset.items || '' : ''""").split()

    def fill_step(self, service, form):
        here = self.items_here()
        self.fill([item for group in service["groups"] for item in group["items"]
                   if item["name"] in here], form)

    def fill_all(self, service, form, attachments, folder, look=lambda name: None):
        """Every step until the last look; `look` sees each, filled in."""
        steps = 0
        while self.items_here():
            steps += 1
            self.fill_step(service, form)
            look(f"step-{steps}")
            self.next()
        if service.get("documents"):
            self.wait_heading("書類の添付")
            look("files")
            self.attach(service["documents"], attachments, folder)
            look("files-attached")
            self.next()
        self.wait_heading("内容の確認")

    def sign(self, pin):
        self.wait_heading("署名と送信")
        self.type(self.browser.find_element(By.ID, "sign-pin"), pin)
        self.browser.find_element(By.ID, "sign-pin").send_keys(Keys.ENTER)

    def submit(self, pin):
        """From the last look to the receipt number."""
        self.click("署名に進む")
        self.sign(pin)
        self.until(lambda: self.path().startswith("/applications/") or self.errors(), "the receipt")
        assert self.path().startswith("/applications/"), self.errors()
        self.wait_heading("申請を送信しました")
        return self.path().rsplit("/", 1)[1]

    def applied_at(self, time=None):
        """From now on the site takes applications in as of that time; None: as of now."""
        self.cdp("Network.enable")
        self.cdp("Network.setExtraHTTPHeaders",
                 headers={"X-Sandbox-Applied-At": time} if time else {})
