#!/usr/bin/env python3
"""forms_render_test.py PROGRAM ROOT: `uketsuke forms render` over every procedure's good forms; what
is in the PDF is read with pdftotext."""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ET

PROGRAM = pathlib.Path(sys.argv[1]).resolve()
PROCEDURES = pathlib.Path(sys.argv[2]).resolve() / "forms/procedures"
CLAIM = PROCEDURES / "child-allowance/certification-claim/examples"
AT = ["--applied-at", "2026-11-21T09:00:00+09:00", "--receipt-number", "R-2026-000123"]
PRINT = ["--pdf", "--watermark", "子育て支援課　試験太郎", "--printed-at", "2026-11-28T12:34:56+09:00"]
NUMBER = "123456789018"
LABELS = "{urn:uketsuke:labels:1}"


def render(form, *arguments):
    return subprocess.run([PROGRAM, "forms", "render", form, "--procedures", PROCEDURES, *arguments],
                          capture_output=True, check=False)


def squeezed(text):
    """Without white space: lines are broken anywhere."""
    return re.sub(r"\s", "", text)


def pages(pdf):
    """Of each page the text, in the order in which it was drawn."""
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        file.write(pdf)
        file.flush()
        text = subprocess.run(["pdftotext", "-raw", "-enc", "UTF-8", file.name, "-"],
                              capture_output=True, check=True).stdout.decode()
    return [squeezed(page) for page in text.split("\f")[:-1]]


class Definition:
    """What labels.xml says."""

    def __init__(self, folder):
        root = ET.parse(folder / "labels.xml").getroot()
        self.labels = {e.get("item"): e.text for e in root.findall(LABELS + "label")}
        self.values = {(e.get("item"), e.get("is")): e.text for e in root.findall(LABELS + "value")}
        self.purpose = root.findtext(LABELS + "purpose")
        name = "{urn:uketsuke:procedure:1}name"
        self.name = ET.parse(folder / "procedure.xml").getroot().findtext(name)


def leaves(element, path=""):
    """(path, text) of each element with text."""
    for part in element:
        own = f"{path}/{part.tag.split('}')[1]}".lstrip("/")
        if len(part):
            yield from leaves(part, own)
        elif part.text:
            yield own, part.text


def good_forms():
    return sorted(PROCEDURES.glob("*/*/examples/good*.xml"))


class EveryProcedure(unittest.TestCase):
    def holds(self, form):
        definition = Definition(form.parent.parent)
        done = render(form, *AT, *PRINT)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        all_pages = pages(done.stdout)
        text = "".join(all_pages)
        for path, value in leaves(ET.parse(form).getroot()):
            self.assertIn(squeezed(definition.labels[path]), text, path)
            shown = definition.values.get((path, value), value)
            if path.endswith("/individual-number"):
                shown = "*" * 12
            self.assertIn(squeezed(shown), text, path)
        for i, page in enumerate(all_pages):
            self.assertIn(squeezed("利用目的：" + definition.purpose), page)
            self.assertIn("印刷：子育て支援課試験太郎2026-11-2812:34", page)
            self.assertIn(squeezed(definition.name), page)
            self.assertIn("R-2026-000123", page)
            self.assertIn(f"{i + 1}/{len(all_pages)}", page)
        return all_pages

    def test_every_form(self):
        seen = set()
        for form in good_forms():
            with self.subTest(form=form.relative_to(PROCEDURES)):
                self.holds(form)
                seen.add(form.parent.parent)
        self.assertEqual(seen, {p.parent for p in PROCEDURES.glob("*/*/procedure.xml")})

    def test_twenty_children_span_pages(self):
        all_pages = self.holds(CLAIM / "good-20-children.xml")
        self.assertGreater(len(all_pages), 2)
        self.assertIn("児童20", all_pages[-1] + all_pages[-2])


class Numbers(unittest.TestCase):
    def test_masked_unless_asked_for(self):
        html = render(CLAIM / "good.xml", "--html")
        self.assertNotIn(NUMBER.encode(), html.stdout)
        self.assertNotIn(NUMBER, "".join(pages(render(CLAIM / "good.xml", *PRINT).stdout)))
        html = render(CLAIM / "good.xml", "--html", "--show-numbers")
        self.assertIn(NUMBER.encode(), html.stdout)
        shown = render(CLAIM / "good.xml", "--show-numbers", *PRINT)
        self.assertIn(NUMBER, "".join(pages(shown.stdout)))


class Print(unittest.TestCase):
    def test_the_same_call_gives_the_same_bytes(self):
        one, two = (render(CLAIM / "good.xml", *AT, *PRINT) for _ in range(2))
        self.assertEqual(one.stdout, two.stdout)
        self.assertTrue(one.stdout.startswith(b"%PDF-"))

    def test_pages_are_a4_with_embedded_fonts(self):
        with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
            file.write(render(CLAIM / "good.xml", *AT, *PRINT).stdout)
            file.flush()
            info = subprocess.run(["pdfinfo", file.name], capture_output=True, check=True).stdout
            fonts = subprocess.run(["pdffonts", file.name], capture_output=True, check=True).stdout
        self.assertIn(b"A4", info)
        for line in fonts.decode().splitlines()[2:]:
            self.assertRegex(line, r" yes yes yes +\d+ +\d+$")

    def test_a_text_longer_than_a_page_goes_on(self):
        name = "桜野　花子"
        form = (CLAIM / "good.xml").read_text("utf-8").replace(name, "".join(
            f"甲{i:04}" for i in range(2000)))
        all_pages = self.of(form)
        self.assertGreater(len(all_pages), 3)
        text = "".join(all_pages)
        self.assertEqual(text.count("甲"), 2000)
        broken = [i for i in range(2000) if f"甲{i:04}" not in text]
        self.assertLess(len(broken), len(all_pages))  # by the end of a page, none else

    def test_hostile_texts_are_harmless(self):
        name = "桜野　花子"
        text = (CLAIM / "good.xml").read_text("utf-8")
        for hostile in ("&lt;b&gt;&amp;&quot;(\\)%s", "甲\u202e乙", "辻\U000e0101", "𠮟",
                        "\U00100000", "字" * 100):
            self.of(text.replace(name, hostile))
        self.assertIn("[U+202E]", "".join(self.of(text.replace(name, "甲\u202e乙"))))
        self.assertIn("U+100000を含みます", "".join(self.of(text.replace(name, "\U00100000"))))
        self.assertIn("辻", "".join(self.of(text.replace(name, "辻\U000e0101"))))

    def of(self, text):
        with tempfile.NamedTemporaryFile(suffix=".xml") as file:
            file.write(text.encode())
            file.flush()
            done = render(file.name, *PRINT)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return pages(done.stdout)


class Command(unittest.TestCase):
    def test_findings_differences_attachments(self):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "x.html"
            document = pathlib.Path(folder) / "d.pdf"
            document.write_bytes(render(CLAIM / "good.xml", *PRINT).stdout)
            done = render(CLAIM / "good.xml", *AT, "--difference", "claimant/address=登録は乙",
                          "--attachment", f"attachments/separate-living-1.pdf={document}",
                          "--out", out)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(out.stat().st_mode & 0o777, 0o600)
            page = out.read_text("utf-8")
        self.assertIn("登録は乙", page)
        self.assertIn("相違", page)
        self.assertIn("separate-living-1.pdf", page)
        self.assertIn("令和8年11月21日 9時0分", page)
        self.assertNotRegex(page, r"<script|<style|style=|\son[a-z]+=")

    def test_fragment(self):
        done = render(CLAIM / "good.xml", "--fragment")
        self.assertTrue(done.stdout.startswith(b'<article class="form-view"'))

    def test_a_form_that_is_not_accepted_is_shown(self):
        done = render(CLAIM / "bad-unknown-item.xml", *AT)
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"not accepted (form-schema", done.stderr)
        self.assertIn("定義外", done.stdout.decode())

    def test_exit_codes(self):
        self.assertEqual(render(CLAIM / "good.json").returncode, 1)
        self.assertEqual(render(CLAIM / "good.xml", "--procedure", "a.b").returncode, 1)
        self.assertEqual(render(CLAIM / "none.xml").returncode, 3)
        for wrong in (["--html", "--pdf"], ["--html", "--watermark", "x"], ["--pdf", "--fragment"],
                      ["--applied-at", "x"], ["--difference", "x"], ["--attachment", "x"],
                      ["--receipt-number", "../x"], ["--version", "1"], ["--nothing"]):
            self.assertEqual(render(CLAIM / "good.xml", *wrong).returncode, 64, wrong)


unittest.main(argv=sys.argv[:1])
