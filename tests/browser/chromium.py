"""Chromium as a Japanese city has it: its own words, and dates as year, month, day. Its words are the
package chromium-l10n."""

import os

from selenium import webdriver
from selenium.webdriver.chrome.service import Service


def chromium(*arguments):
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--lang=ja",
                     "--no-first-run", "--no-proxy-server", "--disable-background-networking",
                     *arguments):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"intl.accept_languages": "ja"})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = Service("/usr/bin/chromedriver", env={**os.environ, "LANGUAGE": "ja"})
    return webdriver.Chrome(service=service, options=options)
