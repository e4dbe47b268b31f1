"""Somebody of the city's staff at the console: a browser with an authenticator of its own."""

import base64
import hashlib
import pathlib
import subprocess
import tempfile
import time

from selenium.common.exceptions import (ElementClickInterceptedException,
                                        ElementNotInteractableException, JavascriptException,
                                        StaleElementReferenceException, TimeoutException)
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from chromium import chromium
from console_staff import STEP, one_time_code

AXE = (pathlib.Path(__file__).resolve().parents[2] / "intake" / "console" / "site" /
       "node_modules" / "axe-core" / "axe.min.js")
PASSWORD = "Yamazakura-7-hon"
# What is looked for may be drawn anew, move, or not be there yet: then it is looked for again.
ON_THE_MOVE = (ElementClickInterceptedException, ElementNotInteractableException,
               JavascriptException, StaleElementReferenceException)
SMALL, LARGE, MAGNIFIED = (1366, 768), (1920, 1080), (683, 384)  # the small one at 200 %


def key_hash(certificate):
    """SHA-256 of the public key, as Chromium names a certificate that it shall believe."""
    key = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-pubkey"],
                         check=True, capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, check=True,
                         capture_output=True).stdout
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


class Staff:
    def __init__(self, url, certificate, shots=None):
        self.url = url
        self.shots = shots
        self.browser = chromium(f"--ignore-certificate-errors-spki-list={key_hash(certificate)}")
        self.size(*SMALL)
        self.downloads = tempfile.TemporaryDirectory()
        self.cdp("Browser.setDownloadBehavior", behavior="allow", downloadPath=self.downloads.name)
        self.cdp("WebAuthn.enable")
        self.cdp("WebAuthn.addVirtualAuthenticator", options={
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
            "hasUserVerification": True, "isUserVerified": True,
            "automaticPresenceSimulation": True})

    def close(self):
        self.browser.quit()
        self.downloads.cleanup()

    # --- the browser ------------------------------------------------------------------------------

    def cdp(self, command, **arguments):
        return self.browser.execute_cdp_cmd(command, arguments)

    def script(self, text, *arguments):
        return self.browser.execute_script(text, *arguments)

    def size(self, width, height):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height,
                 deviceScaleFactor=1, mobile=False)

    def offline(self, on):
        self.cdp("Network.enable")
        self.cdp("Network.emulateNetworkConditions", offline=on, latency=0, downloadThroughput=-1,
                 uploadThroughput=-1)

    def downloaded(self):
        """The bytes of what the page has just saved; it is gone after that."""
        folder = pathlib.Path(self.downloads.name)
        whole = lambda: [f for f in folder.iterdir() if f.suffix != ".crdownload"]  # noqa: E731
        file, = self.until(whole, "a file")
        data = file.read_bytes()
        file.unlink()
        return file.name, data

    # --- looking ----------------------------------------------------------------------------------

    def shot(self, name, whole=True):
        """Of the whole page, or of what the screen shows of it."""
        if self.shots:
            data = self.cdp("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
            (self.shots / f"console-{name}.png").write_bytes(base64.b64decode(data))

    def picture(self, path, at=None):
        """For a guide: the screen, at three quarters of its size; from the element `at` (CSS) on."""
        y = self.script("scrollTo(0, 0); const e = arguments[0] && document.querySelector(arguments[0]);"
                        "return e ? Math.max(0, e.getBoundingClientRect().top - 16) : 0", at)
        clip = {"x": 0, "y": y, "width": SMALL[0], "height": SMALL[1], "scale": 0.75}
        path.write_bytes(base64.b64decode(self.cdp(
            "Page.captureScreenshot", clip=clip, captureBeyondViewport=True)["data"]))

    def look(self, name):
        """Of the page as it is: nothing serious for axe-core, and nothing beside the window on a small
        screen, on a large one and at 200 %."""
        assert self.serious() == [], name
        for size, suffix in ((LARGE, "-wide"), (MAGNIFIED, "-zoom"), (SMALL, "")):
            self.size(*size)
            self.shot(name + suffix)
            assert self.script("return document.documentElement.scrollWidth"
                               " - document.documentElement.clientWidth") <= 0, name + suffix

    def serious(self):
        """What axe-core finds serious or critical on the page."""
        if not self.script("return 'axe' in window"):
            self.script(AXE.read_text())
        found = self.browser.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run(document, {resultTypes: ['violations']}).then(r => done(r.violations))")
        return [(v["id"], [n["html"][:120] for n in v["nodes"]][:3]) for v in found
                if v["impact"] in ("serious", "critical")]

    def faults(self):
        """What the browser complained of: a script or style that the policy refused, a file that is
        not there. (That the API says no is no fault of the page.)"""
        return [entry for entry in self.browser.get_log("browser")
                if entry["level"] == "SEVERE" and "/api/" not in entry["message"]]

    def find(self, css):
        return self.browser.find_elements(By.CSS_SELECTOR, css)

    # WebDriver looks at every element whether it is shown, which takes a processor for a tenth of a
    # second on a page of ours; the browser itself knows at once.

    def text(self, css="body"):
        """Of the first one, as it is shown; none: the test fails."""
        return self.script("return document.querySelector(arguments[0]).innerText", css)

    def texts(self, css):
        """Of all of them, at one moment."""
        return self.script("return [...document.querySelectorAll(arguments[0])].map(e =>"
                           " e.innerText)", css)

    def that_says(self, css, words):
        """The first one that is shown and says this, or None."""
        return self.script("return [...document.querySelectorAll(arguments[0])].find(e =>"
                           " e.checkVisibility() && e.innerText.includes(arguments[1]))", css, words)

    def until(self, condition, what, patience=15):
        """The first true value of condition(); else what the page says instead."""
        wait = WebDriverWait(self.browser, patience, 0.05, ignored_exceptions=ON_THE_MOVE)
        try:
            return wait.until(lambda _: condition())
        except TimeoutException:
            raise AssertionError(f"{what}, not within {patience} s; there is: "
                                 f"{self.text()[:1000]}") from None

    def heading(self, text):
        self.until(lambda: self.that_says("h1", text), f"heading {text}")

    def says(self, words):
        self.until(lambda: words in self.text(), words)

    # --- doing ------------------------------------------------------------------------------------

    def open(self, path=""):
        self.browser.get(self.url + path)

    def type(self, **values):
        for name, value in values.items():
            field = self.browser.find_element(By.ID, name)
            field.clear()
            field.send_keys(value)

    def set_date(self, name, day):
        """How a date is typed is the browser's language, not ours."""
        self.script(
            "const field = document.getElementById(arguments[0]);"
            "Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(field,"
            " arguments[1]); field.dispatchEvent(new Event('input', {bubbles: true}))", name, day)

    def button(self, words, within=""):
        """The first button that says this."""
        return self.until(lambda: self.that_says(f"{within} button", words), f"button {words}")

    def press(self, words, within=""):
        """As soon as it can be pressed: a click on a button that is disabled is lost."""
        def pressed():
            button = self.that_says(f"{within} button", words)
            if not button or not button.is_enabled():
                return False
            button.click()
            return True
        self.until(pressed, f"button {words}")

    def unfold(self, words):
        """The part of the page that opens under this line."""
        self.until(lambda: self.that_says("summary", words), words).click()

    def keys(self, *keys):
        for key in keys:
            self.browser.switch_to.active_element.send_keys(key)

    # --- the keyboard alone -----------------------------------------------------------------------

    def focus(self, condition, *arguments):
        """Tab until the focus is where `condition` (a script's, of e) says: the keyboard suffices."""
        for _ in range(120):
            if self.script(f"const e = document.activeElement; return {condition}", *arguments):
                return self.browser.switch_to.active_element
            ActionChains(self.browser).send_keys(Keys.TAB).perform()
        raise AssertionError("the keyboard does not lead there")

    def focus_field(self, name):
        return self.focus("e.id === arguments[0]", name)

    def press_by_key(self, words):
        self.focus("e.matches('button, a, summary') &&"
                   " [e.innerText.trim(), e.ariaLabel].includes(arguments[0])",
                   words).send_keys(Keys.ENTER)

    def type_by_key(self, name, text):
        self.focus_field(name).send_keys(text)

    # --- signing in -------------------------------------------------------------------------------

    def enrol(self, name, code, password, by="この端末の指紋"):
        """The first time: code, password, and the button `by` of the second factor: the terminal's
        authenticator, or another (of an app the key is returned)."""
        self.open()
        self.press("はじめて使う")
        self.heading("はじめて使う")
        self.type(name=name, code=code, password=password, again=password)
        self.shot("enrolment")
        self.keys(Keys.ENTER)
        self.heading("本人の確認方法")
        self.shot("factor")
        self.press(by)
        if by != "認証アプリ":
            return None
        self.heading("認証アプリ")
        key = self.text(".secret").replace(" ", "")
        if time.time() % STEP > STEP - 3:
            time.sleep(3)
        self.type(code=one_time_code(key, -1))  # a code is good once: this step's is left to sign in
        self.keys(Keys.ENTER)
        return key

    def sign_in(self, name, password):
        self.heading("サインイン")
        self.type(name=name, password=password)
        self.keys(Keys.ENTER)
        self.press("認証器で確認する")

    # --- at the desk ------------------------------------------------------------------------------

    def to_queue(self, tab="申請者未特定"):
        self.script("location.hash = '#/'")
        self.heading("職員の対応を待つ申請")
        self.press(tab)
        self.until(lambda: self.find("tr.current"), "a row")

    def open_one(self, receipt):
        self.open(f"#/applications/{receipt}")
        self.until(lambda: receipt in self.text("main"), receipt)
        self.says("申請の内容")

    def candidates(self):
        return self.find(".candidate")

    def open_with_candidates(self):
        """Down the queue with j until an application has candidates; its receipt number."""
        for below in range(12):
            self.to_queue()
            self.keys_of_page("j" * below + Keys.ENTER)
            self.says("申請の内容")  # somebody may have decided since the list was made
            if self.candidates():
                return self.text(".receipt").split()[0]  # behind it, its channel
        raise AssertionError("no application with candidates")

    def choose_medium(self, medium):
        """Of those that are registered, for a file."""
        self.until(lambda: medium in self.text("#export-medium"), medium)
        self.find("#export-medium")[0].send_keys(medium)

    def keys_of_page(self, keys):
        self.browser.find_element(By.TAG_NAME, "body").send_keys(keys)

    def choose(self):
        """The first candidate, for the first reason; not yet sent."""
        self.keys_of_page("1")
        self.until(lambda: self.browser.switch_to.active_element.tag_name == "select", "the reasons")
        self.keys("1")
