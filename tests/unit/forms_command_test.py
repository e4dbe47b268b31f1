#!/usr/bin/env python3
"""forms_command_test.py PROGRAM: a procedure is dropped in as a folder, and goes all the way through
`uketsuke forms check` and `uketsuke verify`; each slip in it is told with file and line."""
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import zipfile

PROGRAM = pathlib.Path(sys.argv[1]).resolve()
ID = "test.dog-registration"
NS = f"urn:uketsuke:form:{ID}:1"

PROCEDURE = f"""<procedure xmlns="urn:uketsuke:procedure:1" id="{ID}" form-version="1">
<name>犬の登録</name>
<summary>犬を飼い始めたら登録します。</summary>
<search>犬 登録</search>
<life-event>other</life-event>
<signature required="false"/>
</procedure>
"""
XSD = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="{NS}"
 targetNamespace="{NS}" elementFormDefault="qualified">
<xs:element name="application"><xs:complexType><xs:sequence>
<xs:element name="owner"><xs:complexType><xs:sequence>
<xs:element name="name" type="xs:string"/>
<xs:element name="birth-date" type="xs:string"/>
<xs:element name="sex"><xs:simpleType><xs:restriction base="xs:string">
<xs:enumeration value="1"/><xs:enumeration value="2"/></xs:restriction></xs:simpleType></xs:element>
<xs:element name="address" type="xs:string"/>
</xs:sequence></xs:complexType></xs:element>
<xs:element name="dog" maxOccurs="200"><xs:complexType><xs:sequence>
<xs:element name="born" type="xs:string"/>
</xs:sequence></xs:complexType></xs:element>
</xs:sequence></xs:complexType></xs:element>
</xs:schema>
"""
LABELS = """<labels xmlns="urn:uketsuke:labels:1">
<purpose>狂犬病の予防</purpose>
<basis>狂犬病予防法第4条</basis>
<label item="owner/name">氏名</label>
<label item="owner/birth-date">生年月日</label>
<label item="owner/sex">性別</label>
<value item="owner/sex" is="1">男</value>
<value item="owner/sex" is="2">女</value>
<label item="owner/address">住所</label>
<label item="dog/born">犬の生年月日</label>
</labels>
"""
RECORD = """<record xmlns="urn:uketsuke:record:1" to="health">
<object name="claimant" from="owner">
<item name="name" from="name"/>
<item name="birth_date" from="birth-date" check="date"/>
<item name="sex" from="sex"/>
<item name="address" from="address"/>
</object>
<list name="dogs" from="dog">
<item name="born" from="born" check="date" not-after="applied-at"/>
</list>
</record>
"""
RULES = """<rules xmlns="urn:uketsuke:rules:1">
<setting name="days" default="90">生後何日から登録できるか</setting>
<rule id="too-young" severity="refuse" for="dog" item="born">
<test>u:days-between(born, $applied-on) >= $setting-days</test>
<message>犬の生年月日：生後90日から登録できます。90日を過ぎてから申請してください。</message>
</rule>
<rule id="many" severity="review" item="dog">
<test>count(dog) &lt; 3</test>
<message>犬：3頭以上です。職員が確かめます。</message>
</rule>
<value name="until" label="期限"><select>u:term-end(u:max(dog/born), 120)</select>
<how>concat(u:era(u:max(dog/born)), 'から120日')</how></value>
</rules>
"""
ATTACHMENTS = """<attachments xmlns="urn:uketsuke:attachments:1" most="2">
<document id="photo" label="犬の写真" required="true" when="count(dog) > 3" formats="png" most="1" size-most="1000"/>
</attachments>
"""
FORM = f"""<application xmlns="{NS}"><owner><name>桜野　花子</name><birth-date>1992-04-01</birth-date>
<sex>2</sex><address>試験県桜野市本町一丁目２番３号</address></owner>
<dog><born>2026-08-23</born></dog></application>
"""
RESULT = {"applied_at": "2026-11-21T09:00:00+09:00", "record": {
    "procedure": ID, "version": "1",
    "claimant": {"name": "桜野　花子", "birth_date": "1992-04-01", "sex": "2",
                 "address": "試験県桜野市本町一丁目２番３号"},
    "dogs": [{"born": "2026-08-23"}],
    "computed": {"until": {"value": "2026-12-21", "how": "令和8年8月23日から120日"}}}}
CASES = [
    {"name": "young", "of": "good.xml", "set": {"dog/born": "2026-08-24"},
     "expect": {"rule": "too-young", "severity": "refuse", "item": "dog[1]/born"}},
    {"name": "just-old", "of": "good.xml", "edge": "too-young", "expect": {"good": True}},
    {"name": "earlier", "of": "good.xml", "set": {"dog/born": "2026-08-24"},
     "settings": {"days": "89"}, "expect": {"good": True}},
    {"name": "three", "of": "good.xml", "copy": {"dog": 2},
     "expect": {"rule": "many", "severity": "review", "item": "dog[1]"}},
    {"name": "two", "of": "good.xml", "copy": {"dog": 1}, "edge": "many", "expect": {"good": True}},
    {"name": "photo-missing", "of": "good.xml", "copy": {"dog": 3},
     "expect": {"reason": "attachment-missing", "item": "attachments/photo"}},
    {"name": "photo", "of": "good.xml", "copy": {"dog": 3}, "attachments": {"photo": 1},
     "expect": {"good": True, "findings": ["many"]}},
    {"name": "ten-thousand", "of": "good.xml", "copy": {"dog": 10000},
     "expect": {"reason": "form-too-large", "item": "dog"}},
    {"name": "huge-text", "of": "good.xml", "set": {"dog/born": "9" * 1000000},
     "expect": {"reason": "form-date", "item": "dog[1]/born"}},
    {"name": "wide-digits", "of": "good.xml", "set": {"dog/born": "２０２６-08-01"},
     "expect": {"reason": "form-date", "item": "dog[1]/born"}},
]
FILES = {"procedure.xml": PROCEDURE, "form.xsd": XSD, "labels.xml": LABELS, "record.xml": RECORD,
         "rules.xml": RULES, "attachments.xml": ATTACHMENTS, "examples/good.xml": FORM,
         "examples/good.json": json.dumps(RESULT), "examples/cases.json": json.dumps(CASES)}


def run(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True)


class Forms(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.scratch.name)
        self.procedures = self.root / "procedures"
        self.put()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
                        self.root / "key.pem", "-out", self.root / "root.pem", "-subj", "/CN=test",
                        "-days", "3650", "-addext", "keyUsage=critical,keyCertSign,cRLSign"], check=True,
                       capture_output=True)

    def tearDown(self):
        self.scratch.cleanup()

    def put(self, **changed):
        for name, text in FILES.items():
            path = self.procedures / "test/dog-registration" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            for before, after in changed.get(name.replace(".", "_").replace("/", "_"), ()):
                self.assertIn(before, text)
                text = text.replace(before, after)
            path.write_text(text, "utf-8")

    def package(self, form=FORM, **members):
        content = {"application.xml": form.encode(), **members}
        rows = "".join(f'<member name="{n}" size="{len(c)}" sha256="{hashlib.sha256(c).hexdigest()}"/>'
                       for n, c in content.items())
        manifest = ('<manifest xmlns="urn:uketsuke:pittari-1:manifest" version="1">'
                    "<receipt-number>20261121-00000001</receipt-number><city-code>992011</city-code>"
                    f'<procedure id="{ID}" form-version="1"/>'
                    "<applied-at>2026-11-21T09:00:00.000+09:00</applied-at>"
                    f"<applicant-role>self</applicant-role><members>{rows}</members></manifest>")
        path = self.root / "application.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
            z.writestr("manifest.xml", manifest)
            for name, data in content.items():
                z.writestr(name, data)
        return path

    def verify(self, *arguments, **package):
        done = run("verify", "--trust", self.root / "root.pem", "--procedures", self.procedures,
                   "--now", "2026-11-22T09:00:00+09:00", "--json", self.package(**package))
        self.assertTrue(done.stdout, done.stderr)
        return done.returncode, json.loads(done.stdout)

    def problem(self, where, what, **changed):
        self.put(**changed)
        done = run("forms", "check", self.procedures)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(f"dog-registration/{where}", done.stdout)
        self.assertIn(what, done.stdout)

    def test_dropped_in(self):
        done = run("forms", "check", self.procedures)
        self.assertEqual((done.returncode, done.stdout), (0, "1 procedure, 0 problems\n"))
        self.assertEqual(json.loads(run("forms", "check", self.procedures, "--json").stdout),
                         [{"folder": str(self.procedures / "test/dog-registration"),
                           "procedure": ID, "version": "1", "problems": []}])
        code, report = self.verify()
        self.assertEqual((code, report["verdict"], report["findings"]), (0, "accepted", []))

    def test_verdicts(self):
        code, report = self.verify(form=FORM.replace("2026-08-23", "2026-08-24"))
        failed = report["checks"][-1] if report["checks"][-1]["result"] == "failed" else \
            next(c for c in report["checks"] if c["result"] == "failed")
        self.assertEqual((code, report["reason"]), (1, "form-rule"))
        self.assertEqual(failed["inputs"]["rule"], "too-young")
        self.assertEqual(failed["inputs"]["item"], "dog[1]/born")
        page = run("verify", "--trust", self.root / "root.pem", "--procedures", self.procedures,
                   "--explain", self.root / "application.zip").stdout
        self.assertIn("生後90日から登録できます", page)
        dog = "<dog><born>2026-08-23</born></dog>"
        code, report = self.verify(form=FORM.replace(dog, dog * 3))
        self.assertEqual((code, [f["rule"] for f in report["findings"]]), (0, ["many"]))
        self.assertEqual(self.verify(form=FORM.replace(dog, dog * 4))[1]["reason"],
                         "attachment-missing")
        self.assertEqual(self.verify(form=FORM.replace(NS, NS[:-1] + "2"))[1]["reason"],
                         "form-schema")

    def test_retired(self):
        self.put(procedure_xml=[('form-version="1"', 'form-version="1" status="retired"')])
        code, report = self.verify()
        self.assertEqual((code, report["reason"]), (2, "procedure-retired"))

    def test_rule_that_cannot_be_evaluated(self):
        endless = "//*[//*[//*[//*[//*[//*[//*[//*[//*[//*[count(//*) = 0]]]]]]]]]]"
        change = [("count(dog) &lt; 3", endless)]
        self.put(rules_xml=change)
        dog = "<dog><born>2026-08-23</born></dog>"
        code, report = self.verify(form=FORM.replace(dog, dog * 3))
        self.assertEqual((code, report["verdict"], report["reason"]),
                         (2, "held", "form-rule-broken"))
        self.problem("rules.xml", "on the largest form", rules_xml=change)

    def test_problems(self):
        self.problem("rules.xml:4", "form.xsd has no item bron in dog",
                     rules_xml=[("between(born", "between(bron")])
        self.problem("rules.xml:4", "there is no function u:days-betwixt()",
                     rules_xml=[("days-between", "days-betwixt")])
        self.problem("rules.xml:8", "attachments.xml has no document licence",
                     rules_xml=[("count(dog) &lt; 3", "u:document('licence') = 0")])
        self.problem("rules.xml:4", "XPath", rules_xml=[("$applied-on)", "$applied-on")])
        self.problem("rules.xml:4", "no variable $setting-day:",
                     rules_xml=[("$setting-days", "$setting-day")])
        self.problem("rules.xml:7", "one message",
                     rules_xml=[("<message>犬：3頭以上です。職員が確かめます。</message>", "")])
        self.problem("rules.xml:7", "no case of examples/cases.json trips the rule more",
                     rules_xml=[('id="many"', 'id="more"')])
        self.problem("rules.xml:7", "at the edge of the rule many",
                     examples_cases_json=[('"edge": "many", ', "")])
        self.problem("form.xsd:7", 'no label for the value "2" of owner/sex',
                     labels_xml=[('<value item="owner/sex" is="2">女</value>\n', "")])
        self.problem("labels.xml:8", 'does not allow the value "3"',
                     labels_xml=[('is="2">女</value>', 'is="2">女</value><value item="owner/sex" '
                                  'is="3">不明</value>')])
        self.problem("labels.xml:1", "no label for the item dog/born",
                     labels_xml=[('<label item="dog/born">犬の生年月日</label>\n', "")])
        self.problem("record.xml", "goes to no destination", record_xml=[(' to="health"', "")])
        self.problem("form.xsd", "record.xml has no item from dog/born",
                     record_xml=[('<list name="dogs" from="dog">\n<item name="born" from="born" '
                                  'check="date" not-after="applied-at"/>\n</list>\n', "")])
        self.problem("form.xsd:", "numbers up to 1000", form_xsd=[('"200"', '"unbounded"')])
        self.problem("examples/cases.json:1", "two: came out otherwise",
                     examples_cases_json=[('"copy": {"dog": 1}', '"copy": {"dog": 2}')])
        self.problem("attachments.xml:2", "form.xsd has no item cat",
                     attachments_xml=[("count(dog)", "count(cat)")])
        self.problem("procedure.xml:1", "status is current or retired",
                     procedure_xml=[('form-version="1"', 'form-version="1" status="old"')])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
