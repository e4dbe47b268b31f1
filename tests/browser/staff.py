"""Somebody of the city's staff at the console: a browser with an authenticator of its own."""

import base64
import hashlib
import pathlib
import subprocess

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from console_staff import one_time_code

AXE = (pathlib.Path(__file__).resolve().parents[2] / "intake" / "console" / "site" /
       "node_modules" / "axe-core" / "axe.min.js")


def key_hash(certificate):
    """SHA-256 of the public key, as Chromium names a certificate that it shall believe."""
    key = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-pubkey"],
                         check=True, capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, check=True,
                         capture_output=True).stdout
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


class Staff:
    def __init__(self, url, certificate, shots=None):
        options = webdriver.ChromeOptions()
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--lang=ja",
                         "--no-first-run", "--no-proxy-server", "--disable-background-networking",
                         f"--ignore-certificate-errors-spki-list={key_hash(certificate)}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.url = url
        self.shots = shots
        self.browser = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.size(1366, 768)
        self.cdp("WebAuthn.enable")
        self.cdp("WebAuthn.addVirtualAuthenticator", options={
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
            "hasUserVerification": True, "isUserVerified": True,
            "automaticPresenceSimulation": True})

    def close(self):
        self.browser.quit()

    def cdp(self, command, **arguments):
        return self.browser.execute_cdp_cmd(command, arguments)

    def size(self, width, height):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height,
                 deviceScaleFactor=1, mobile=False)

    def shot(self, name, whole=True):
        """Of the whole page, or of what the screen shows of it."""
        if self.shots:
            data = self.cdp("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
            (self.shots / f"console-{name}.png").write_bytes(base64.b64decode(data))

    def picture(self, path):
        """For a guide: the screen, at three quarters of its size."""
        self.browser.execute_script("scrollTo(0, 0)")
        clip = {"x": 0, "y": 0, "width": 1366, "height": 768, "scale": 0.75}
        path.write_bytes(base64.b64decode(self.cdp("Page.captureScreenshot", clip=clip)["data"]))

    def open(self, path=""):
        self.browser.get(self.url + path)

    def until(self, condition, what, patience=15):
        wait = WebDriverWait(self.browser, patience, 0.05,
                             ignored_exceptions=[StaleElementReferenceException])
        return wait.until(lambda _: condition(), what)

    def heading(self, text):
        self.until(lambda: any(text in h.text for h in
                               self.browser.find_elements(By.TAG_NAME, "h1")), f"heading {text}")

    def type(self, **values):
        for name, value in values.items():
            field = self.browser.find_element(By.ID, name)
            field.clear()
            field.send_keys(value)

    def press(self, words):
        """The button that says this."""
        def pressed():
            for button in self.browser.find_elements(By.TAG_NAME, "button"):
                if words in button.text:
                    button.click()
                    return True
            return False
        self.until(pressed, f"button {words}")

    def keys(self, *keys):
        for key in keys:
            self.browser.switch_to.active_element.send_keys(key)

    def says(self, words):
        self.until(lambda: words in self.browser.find_element(By.TAG_NAME, "body").text, words)

    def enrol(self, name, code, password, app=False):
        """The first time: code, password, and the terminal's authenticator (or an app)."""
        self.open()
        self.press("はじめて使う")
        self.heading("はじめて使う")
        self.type(name=name, code=code, password=password, again=password)
        self.shot("enrolment")
        self.keys(Keys.ENTER)
        self.heading("本人の確認方法")
        self.shot("factor")
        if not app:
            self.press("この端末の指紋")
            return None
        self.press("認証アプリ")
        self.heading("認証アプリ")
        text = self.browser.find_element(By.CLASS_NAME, "secret").text
        self.type(code=one_time_code(text.replace(" ", "")))
        self.keys(Keys.ENTER)
        return text

    def sign_in(self, name, password):
        self.heading("サインイン")
        self.type(name=name, password=password)
        self.keys(Keys.ENTER)
        self.press("認証器で確認する")

    def serious(self):
        """What axe-core finds serious or critical on the page."""
        self.browser.execute_script(AXE.read_text())
        found = self.browser.execute_async_script(
            "const done = arguments[arguments.length - 1]; axe.run().then(r => done(r.violations))")
        return [(v["id"], [n["html"][:120] for n in v["nodes"]][:3]) for v in found
                if v["impact"] in ("serious", "critical")]

    def faults(self):
        """What the browser complained of: a script or style that the policy refused, a file that is
        not there. (That the API says no is no fault of the page.)"""
        return [entry for entry in self.browser.get_log("browser")
                if entry["level"] == "SEVERE" and "/api/" not in entry["message"]]
