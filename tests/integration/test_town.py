"""The made-up town, judged by others: the openssl and xmlsec1 programs and Python's zipfile say that
what is good is good and that what is bad is bad in the way its name says. Then `uketsuke verify`."""

import base64
import copy
import csv
import datetime
import glob
import hashlib
import json
import os
import pathlib
import re
import subprocess
import time
import xml.etree.ElementTree as ET
import zipfile

import jsonschema
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("UKETSUKE_BUILD", ROOT / "build"))
POLICY = "1.2.392.200149.8.5.1.0.20"
DS = "{http://www.w3.org/2000/09/xmldsig#}"
MANIFEST = "{urn:uketsuke:pittari-1:manifest}"
FORM = "{urn:uketsuke:form:child-allowance.certification-claim:1}"


def run(*command, check=True, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=300,
                          **options)
    assert not check or done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    return done


def sandbox(*arguments, **options):
    return run(BUILD / "uketsuke-sandbox", *arguments, **options)


class Town:
    def __init__(self, folder, *arguments):
        self.jpki = folder / "jpki"
        self.folder = folder / "town"
        sandbox("jpki", "init", self.jpki)
        sandbox("town", "make", self.folder, "--jpki", self.jpki, "--seed", "11", "--count", "30",
                "--prefix", "T-", "--keys", "3", *arguments)
        sandbox("jpki", "crl", self.jpki)
        self.expected = json.loads((self.folder / "expected.json").read_text())
        self.arrivals = json.loads((self.folder / "arrivals.json").read_text())

    def of(self, *kinds):
        found = sorted(r for r, e in self.expected.items() if e["kind"] in kinds)
        assert found, kinds
        return found

    def path(self, receipt):
        return self.folder / "applications" / f"{receipt}.zip"

    def zip(self, receipt):
        return zipfile.ZipFile(self.path(receipt))

    def unpack(self, receipt, folder):
        folder.mkdir()
        self.zip(receipt).extractall(folder)
        return folder

    def signature(self, receipt):
        """The element, wherever it is."""
        with self.zip(receipt) as z:
            name = "signature/1.xml" if "signature/1.xml" in z.namelist() else "application.xml"
            root = ET.fromstring(z.read(name))
        return root if root.tag == DS + "Signature" else root.find(DS + "Signature")

    def certificate(self, receipt, folder):
        text = self.signature(receipt).find(f".//{DS}X509Certificate").text
        pem = folder / f"{receipt}.pem"
        pem.write_text(f"-----BEGIN CERTIFICATE-----\n" + "\n".join(
            re.findall(".{1,64}", text)) + "\n-----END CERTIFICATE-----\n")
        return pem

    def verify(self, pem, anchors="sign-anchors.pem", **at):
        """openssl's verdict, with policy and revocation lists of all partitions."""
        crls = [w for c in sorted(glob.glob(f"{self.jpki}/crl/*.crl")) for w in ("-CRLfile", c)]
        when = ["-attime", str(at["at"])] if at else []
        done = run("openssl", "verify", "-CAfile", self.jpki / anchors, "-crl_check",
                   "-extended_crl", "-explicit_policy", "-policy", POLICY, *crls, *when, pem,
                   check=False)
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    return Town(tmp_path_factory.mktemp("town"))


def xmlsec(folder, name, pem):
    """To xmlsec1 a bare member name is "remote"; it opens it where it runs, which is what we want."""
    done = run("xmlsec1", "--verify", "--enabled-reference-uris", "empty,remote",
               "--pubkey-cert-pem", pem, name, check=False, cwd=folder)
    return done.returncode == 0


GOOD = ("good", "good-enveloped", "good-attachments", "revoked-after", "unlinked", "facts-differ",
        "agent", "wrong-bytes", "unknown-procedure", "no-crl", "wrong-city", "missing-field",
        "bad-kojinbango", "member-hash", "revoked-before", "expired", "not-yet-valid", "login-usage",
        "login-certificate", "unknown-issuer", "attachment-uncovered")


@pytest.mark.parametrize("kind", GOOD)
def test_xmlsec1_accepts_every_true_signature(town, kind, tmp_path):
    for receipt in town.of(kind)[:6]:
        folder = town.unpack(receipt, tmp_path / receipt)
        pem = town.certificate(receipt, tmp_path)
        files = sorted(folder.glob("signature/*.xml")) or [folder / "application.xml"]
        for file in files:
            assert xmlsec(folder, file, pem), (kind, receipt, file.name)


@pytest.mark.parametrize("kind", ["altered-form", "altered-attachment", "other-document",
                                  "wrong-key"])
def test_xmlsec1_refuses_false_signatures(town, kind, tmp_path):
    for receipt in town.of(kind):
        folder = town.unpack(receipt, tmp_path / receipt)
        pem = town.certificate(receipt, tmp_path)
        files = sorted(folder.glob("signature/*.xml")) or [folder / "application.xml"]
        assert not xmlsec(folder, files[0], pem), (kind, receipt)


def cms(town, folder, member, *options):
    """OpenSSL's own verdict on one CMS file: the signature, and the path of its certificate."""
    return run("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in",
               folder / "signature" / f"{member}.p7s", "-content", folder / member, "-CAfile",
               town.jpki / "sign-anchors.pem", "-purpose", "any", "-out", folder / "out", *options,
               check=False)


def signed_members(folder):
    return ["application.xml"] + [f"attachments/{p.name}" for p in folder.glob("attachments/*")]


@pytest.mark.parametrize("kind, options", [("good-cms", ["-cades"]), ("good-ecdsa-cms", ["-cades"]),
                                           ("good-cms-bare", [])])
def test_openssl_accepts_every_true_cms(town, kind, options, tmp_path):
    for receipt in town.of(kind):
        folder = town.unpack(receipt, tmp_path / receipt)
        for member in signed_members(folder):
            done = cms(town, folder, member, *options)
            assert done.returncode == 0, (kind, receipt, member, done.stderr)
        text = run("openssl", "cms", "-cmsout", "-print", "-noout", "-inform", "DER", "-in",
                   folder / "signature/application.xml.p7s").stdout
        assert ("signingTime" in text) == (kind != "good-cms-bare")
        assert ("ecdsa-with-SHA384" in text) == (kind == "good-ecdsa-cms")


def test_openssl_on_false_cms(town, tmp_path):
    for kind, words in (("cms-altered", "content verify error|digest failure"),
                        ("cms-other-certificate", "signer certificate not found")):
        folder = town.unpack(town.of(kind)[0], tmp_path / kind)
        done = cms(town, folder, "application.xml")
        assert done.returncode != 0 and re.search(words, done.stderr), done.stderr
    # Attributes in place of the content deceive OpenSSL; a mix holds in each of its halves.
    folder = town.unpack(town.of("cms-attributes-replayed")[0], tmp_path / "replayed")
    assert cms(town, folder, "application.xml").returncode == 0
    assert (folder / "application.xml").read_bytes().startswith(b"\x31")
    receipt = town.of("mixed-containers")[0]
    folder = town.unpack(receipt, tmp_path / "mixed")
    assert cms(town, folder, "attachments/1.pdf").returncode == 0
    assert xmlsec(folder, folder / "signature/1.xml", town.certificate(receipt, tmp_path))


def raw_holds(folder, entry, certificate):
    (folder / "value").write_bytes(base64.b64decode(entry["value"]))
    (folder / "certificate").write_bytes(base64.b64decode(certificate))
    run("openssl", "x509", "-in", folder / "certificate", "-noout", "-pubkey", "-out",
        folder / "key")
    return run("openssl", "dgst", "-" + entry["algorithm"].split("-")[1], "-verify",
               folder / "key", "-signature", folder / "value", folder / entry["member"],
               check=False).returncode == 0


@pytest.mark.parametrize("kind", ["good-raw", "good-ecdsa-raw", "raw-other-member"])
def test_openssl_on_raw_values(town, kind, tmp_path):
    for receipt in town.of(kind):
        folder = town.unpack(receipt, tmp_path / receipt)
        raw = json.loads((folder / "signature/raw.json").read_text())
        assert sorted(e["member"] for e in raw["signatures"]) == sorted(signed_members(folder))
        for entry in raw["signatures"]:
            assert entry["algorithm"] == ("ecdsa-sha384" if "ecdsa" in kind else "rsa-sha256")
            true = kind != "raw-other-member" or entry["member"] == "application.xml"
            assert raw_holds(folder, entry, raw["certificate"]) == true, (kind, receipt)


def test_openssl_accepts_good_certificates(town, tmp_path):
    for receipt in town.of("good", "good-enveloped", "good-attachments", "unlinked", "agent",
                           "facts-differ"):
        said = town.verify(town.certificate(receipt, tmp_path))
        assert said.strip().endswith(": OK"), (receipt, said)


@pytest.mark.parametrize("kind, words", [
    ("expired", "certificate has expired"),
    ("not-yet-valid", "certificate is not yet valid"),
    ("revoked-before", "certificate revoked"),
    ("revoked-after", "certificate revoked"),  # now; not when it was sent
    ("unknown-issuer", "certificate signature failure"),
    ("login-certificate", "unable to get local issuer certificate"),
    ("login-usage", "no explicit policy"),
    ("no-crl", "unable to get certificate CRL|different CRL scope"),
])
def test_openssl_says_what_is_wrong(town, kind, words, tmp_path):
    for receipt in town.of(kind):
        said = town.verify(town.certificate(receipt, tmp_path))
        assert re.search(words, said), (receipt, said)


def test_revocation_lies_on_the_right_side_of_the_application(town, tmp_path):
    from datetime import datetime
    for kind, after in (("revoked-after", True), ("revoked-before", False)):
        for receipt in town.of(kind):
            pem = town.certificate(receipt, tmp_path)
            serial = run("openssl", "x509", "-in", pem, "-noout", "-serial").stdout.split("=")[1]
            texts = "".join(run("openssl", "crl", "-inform", "DER", "-in", c, "-noout",
                                "-text").stdout for c in glob.glob(f"{town.jpki}/crl/*.crl"))
            found = re.search(rf"Serial Number: {serial.strip()}\n\s+Revocation Date: (.*) GMT", texts)
            at = datetime.strptime(found[1] + " +0000", "%b %d %H:%M:%S %Y %z")
            applied = datetime.fromisoformat(town.arrivals[receipt]["applied_at"])
            assert (at > applied) == after


def test_certificate_profile(town, tmp_path):
    """Reference §1.2 and §1.3, as openssl prints it."""
    receipt = town.of("good")[0]
    pem = town.certificate(receipt, tmp_path)
    text = run("openssl", "x509", "-in", pem, "-noout", "-text").stdout
    for words in ("X509v3 Key Usage: critical\n                Digital Signature, Non Repudiation",
                  "X509v3 Certificate Policies: critical", f"Policy: {POLICY}",
                  "CPS: http://www.jpki.sandbox.invalid/cps.html",
                  "CN = Sakurano-shi CRLDP", "OCSP - URI:", "X509v3 Issuer Alternative Name",
                  "DirName:", "keyid:" if "keyid:" in text else "Authority Key Identifier"):
        assert words in text, words
    order = ["X509v3 Key Usage", "X509v3 Subject Alternative", "X509v3 Certificate Policies",
             "X509v3 Issuer Alternative", "X509v3 CRL Distribution", "Authority Information Access",
             "X509v3 Authority Key", "X509v3 Subject Key"]
    assert [text.index(o) for o in order] == sorted(text.index(o) for o in order)
    assert "Basic Constraints" not in text and "Extended Key Usage" not in text
    subject = run("openssl", "x509", "-in", pem, "-noout", "-subject").stdout
    assert re.search(r"C = JP, L = Shiken-ken, L = Sakurano-shi, CN = \d{19}99201001A$",
                     subject.strip())
    der = run("openssl", "asn1parse", "-in", pem).stdout
    san = der[der.index("X509v3 Subject Alternative"):].splitlines()[1].split(":")[0].strip()
    inner = run("openssl", "asn1parse", "-in", pem, "-strparse", san).stdout
    arcs = re.findall(r"OBJECT\s+:1\.2\.392\.200149\.8\.5\.5\.(\d)", inner)
    assert arcs == ["1", "4", "3", "5", "2", "6"]
    assert inner.count("UTF8STRING") == 6
    end = run("openssl", "x509", "-in", pem, "-noout", "-enddate").stdout
    assert "14:59:59" in end  # 23:59:59 JST


def test_ocsp(town, tmp_path):
    """The responder, asked by openssl, which checks the delegated signer and the nonce."""
    process = subprocess.Popen(
        [BUILD / "uketsuke-sandbox", "jpki", "serve", town.jpki, "--address", "127.0.0.1:0",
         "--interval", "0.5s"], stdout=subprocess.PIPE, text=True)
    try:
        port = re.search(r"port (\d+)", process.stdout.readline())[1]

        def ask(receipt):
            pem = town.certificate(receipt, tmp_path)
            for generation in (3, 2):
                issuer = town.jpki / f"sign-{generation}.pem"
                done = run("openssl", "ocsp", "-issuer", issuer, "-cert", pem, "-url",
                           f"http://127.0.0.1:{port}/ocsp", "-CAfile", issuer, check=False)
                if "unauthorized" in done.stdout:  # none of the responder's own
                    return "unauthorized"
                assert "Response verify OK" in done.stderr, done.stderr
                assert "WARNING: no nonce" not in done.stderr
                word = re.search(r"\.pem: (\w+)", done.stdout)[1]
                if word != "unknown":
                    return word
            return "unknown"

        assert {ask(r) for r in town.of("good")[:4]} == {"good"}
        assert {ask(r) for r in town.of("revoked-before", "revoked-after")} == {"revoked"}
        assert {ask(r) for r in town.of("login-certificate")} == {"unauthorized"}
        # lists: anew each interval, with a higher number
        numbers = []
        for _ in range(2):
            crl = tmp_path / "list.crl"
            run("curl", "-sf", "-o", crl, f"http://127.0.0.1:{port}/crl/sakurano-2.crl")
            said = run("openssl", "crl", "-inform", "DER", "-in", crl, "-noout", "-crlnumber")
            numbers.append(int(said.stdout.split("=")[1], 16))
            time.sleep(1.2)
        assert numbers[0] < numbers[1]
    finally:
        process.terminate()
        process.wait(10)


# --- what is wrong with the packages, by Python's zipfile -----------------------------------------


def members(town, receipt):
    with town.zip(receipt) as z:
        root = ET.fromstring(z.read("manifest.xml"))
    return {m.get("name"): m for m in root.iter(MANIFEST + "member")}


def test_good_packages_are_what_the_manifest_says(town):
    for receipt in town.of("good", "good-enveloped", "good-attachments"):
        listed = members(town, receipt)
        with town.zip(receipt) as z:
            assert z.testzip() is None
            assert sorted(listed) + ["manifest.xml"] == sorted(
                n for n in z.namelist() if n != "manifest.xml") + ["manifest.xml"]
            for name, member in listed.items():
                content = z.read(name)
                assert len(content) == int(member.get("size"))
                assert hashlib.sha256(content).hexdigest() == member.get("sha256")


def test_attachments_are_real(town, tmp_path):
    for receipt in town.of("good-attachments")[:3]:
        with town.zip(receipt) as z:
            pdf, jpeg, png = (z.read(f"attachments/{n}") for n in ("1.pdf", "2.jpg", "3.png"))
        assert pdf.startswith(b"%PDF-1.4") and pdf.endswith(b"%%EOF\n")
        table = int(re.search(rb"startxref\n(\d+)", pdf)[1])
        assert pdf[table:].startswith(b"xref\n0 6")
        for i, entry in enumerate(re.findall(rb"(\d{10}) 00000 n ", pdf[table:])):
            assert pdf[int(entry):].startswith(b"%d 0 obj" % (i + 1))
        assert jpeg.startswith(b"\xff\xd8\xff\xe0") and jpeg.endswith(b"\xff\xd9")
        assert png.startswith(b"\x89PNG\r\n\x1a\n") and png.endswith(b"IEND\xaeB`\x82")


def test_bad_packages(town):
    with pytest.raises(zipfile.BadZipFile):
        town.zip(town.of("truncated-zip")[0])
    with town.zip(town.of("zip-bomb")[0]) as z:
        size = town.path(town.of("zip-bomb")[0]).stat().st_size
        assert sum(i.file_size for i in z.infolist()) > 100 * size
        assert z.testzip() is None  # it does inflate to what it says
    with town.zip(town.of("path-traversal")[0]) as z:
        assert any(".." in n.split("/") for n in z.namelist())
    with town.zip(town.of("encrypted-member")[0]) as z:
        assert [i.filename for i in z.infolist() if i.flag_bits & 1] == ["attachments/1.pdf"]
    with town.zip(town.of("duplicate-member")[0]) as z:
        assert z.namelist().count("attachments/1.pdf") == 2
    with town.zip(town.of("too-many-members")[0]) as z:
        assert len(z.namelist()) > 1000
    with town.zip(town.of("nested-archive")[0]) as z:
        inner = [n for n in z.namelist() if n.startswith("attachments/")]
        assert zipfile.is_zipfile(z.open(inner[0]))
    receipt = town.of("member-missing")[0]
    assert set(members(town, receipt)) - set(town.zip(receipt).namelist()) == {"attachments/2.pdf"}
    receipt = town.of("member-extra")[0]
    assert set(town.zip(receipt).namelist()) - set(members(town, receipt)) == {
        "attachments/9.pdf", "manifest.xml"}
    receipt = town.of("member-hash")[0]
    wrong = [n for n, m in members(town, receipt).items()
             if hashlib.sha256(town.zip(receipt).read(n)).hexdigest() != m.get("sha256")]
    assert len(wrong) == 1


def test_bad_documents(town):
    def form(kind):
        with town.zip(town.of(kind)[0]) as z:
            return z.read("application.xml")

    assert b"<!DOCTYPE" in form("xml-dtd")
    assert b'SYSTEM "file:' in form("xml-external-entity") and b"&x;" in form("xml-external-entity")
    assert b"&lol9;" in form("billion-laughs")
    assert form("xml-deep").count(b"<x>") == 10000
    with pytest.raises(UnicodeDecodeError):
        form("xml-encoding").decode("utf-8")
    good = {e.tag for e in ET.fromstring(form("good")).find(FORM + "claimant")}
    found = {e.tag for e in ET.fromstring(form("missing-field")).find(FORM + "claimant")}
    assert len(good - found) == 1
    assert not number_valid(ET.fromstring(form("bad-kojinbango")).find(
        f"{FORM}claimant/{FORM}individual-number").text)


def number_valid(text):
    weights = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
    rest = sum(int(d) * w for d, w in zip(text, weights)) % 11
    return len(text) == 12 and int(text[11]) == (0 if rest <= 1 else 11 - rest)


def test_unsigned_sha1_and_uncovered(town):
    assert not any("signature" in n for n in town.zip(town.of("unsigned")[0]).namelist())
    sha1 = town.signature(town.of("sha1")[0])
    assert sha1.find(f".//{DS}SignatureMethod").get("Algorithm").endswith("rsa-sha1")
    uris = {r.get("URI") for r in town.signature(town.of("attachment-uncovered")[0]).iter(
        DS + "Reference")}
    assert uris <= {"", "application.xml"}


def test_every_individual_number_has_its_check_digit(town):
    rows = list(csv.DictReader((town.folder / "residents.csv").open()))
    assert all(number_valid(r["individual_number"]) for r in rows if r["individual_number"])
    assert len({r["atenabango"] for r in rows}) == len(rows)


def test_links(town, tmp_path):
    """Who is linked, and that the number alone would mislead."""
    rows = list(csv.DictReader((town.folder / "registry-links.csv").open()))
    sign = {int(r["serial"], 16): r["atenabango"] for r in rows if r["ca"] == "sign"}
    auth = {int(r["serial"], 16): r["atenabango"] for r in rows if r["ca"] == "auth"}
    both = set(sign) & set(auth)
    assert both and all(sign[s] != auth[s] for s in both)

    def serial(receipt):
        said = run("openssl", "x509", "-in", town.certificate(receipt, tmp_path), "-noout", "-serial")
        return int(said.stdout.split("=")[1], 16)

    assert all(serial(r) in sign for r in town.of("good", "facts-differ", "agent"))
    assert all(serial(r) not in sign for r in town.of("unlinked"))


def test_same_seed_same_people(town, tmp_path):
    def people(seed, name, count):
        sandbox("town", "make", tmp_path / name, "--jpki", town.jpki, "--seed", seed, "--count",
                count, "--kinds", "good", "--keys", "2", "--now", "2026-11-21T12:00:00+09:00")
        return (tmp_path / name / "residents.csv").read_text().splitlines()

    few = people("5", "a", "4")
    assert people("5", "b", "4") == few
    assert people("5", "c", "6")[:len(few)] == few
    assert people("6", "d", "4")[1:] != few[1:]


def test_the_neighbour_city_has_its_own_list(town, tmp_path):
    other = tmp_path / "wakaba"
    sandbox("town", "make", other, "--jpki", town.jpki, "--seed", "12", "--count", "1", "--keys",
            "2", "--city", "992020", "--kinds", "good,wrong-city,facts-differ")
    arrivals = json.loads((other / "arrivals.json").read_text())
    assert {a["city_code"] for a in arrivals.values()} == {"992020"}
    assert "試験県若葉市" in (other / "residents.csv").read_text()
    expected = json.loads((other / "expected.json").read_text())
    for receipt, want in expected.items():
        with zipfile.ZipFile(other / "applications" / f"{receipt}.zip") as z:
            root = ET.fromstring(z.read("manifest.xml"))
            text = z.read("signature/1.xml").decode()
        code = root.find(MANIFEST + "city-code").text
        assert code == ("992011" if want["kind"] == "wrong-city" else "992020")
        der = base64.b64decode(re.search("X509Certificate>([^<]+)", text)[1])
        if want["kind"] != "facts-differ":
            assert b"Wakaba-shi CRLDP" in der


def test_a_folder_is_not_overwritten(town):
    done = sandbox("town", "make", town.folder, "--jpki", town.jpki, check=False)
    assert done.returncode == 2 and "already" in done.stderr
    assert "nothing was changed" in sandbox("jpki", "init", town.jpki).stdout


# --- and our own verdict --------------------------------------------------------------------------


def judge(town, receipts, *more):
    """uketsuke verify's reports, in the order of the receipts."""
    command = [BUILD / "uketsuke", "verify", "--json", "--trust", town.jpki / "sign-anchors.pem",
               "--policy", POLICY, "--procedures", ROOT / "forms" / "procedures"]
    for pin in (town.jpki / "sign-anchors.pins").read_text().split():
        command += ["--pin", pin]
    for crl in glob.glob(f"{town.jpki}/crl/*.crl"):
        command += ["--crl", crl]
    done = run(*command, *more, *(town.path(r) for r in receipts), check=False)
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(reports) == len(receipts), done.stderr
    return reports


def test_uketsuke_verify_agrees(town):
    """Every kind ends as expected.json says, but for what only the portal's promise tells."""
    receipts = sorted(town.expected)
    reports = judge(town, receipts)
    wrong = {}
    for receipt, report in zip(receipts, reports):
        want = town.expected[receipt]
        accepted = want["state"] in ("received", "unmatched") or want["kind"] in (
            "wrong-bytes", "wrong-city")
        expected = ("accepted", "") if accepted else (want["state"], want["reason"])
        if (report["verdict"], report.get("reason") or "") != expected:
            wrong[receipt] = (want["kind"], report["verdict"], report.get("reason"))
    assert not wrong


@pytest.mark.parametrize("day", ["2026-12-31", "2027-03-31", "2028-02-29"])
def test_every_procedure_can_be_applied_for_on_any_day(town, day, tmp_path):
    """The examples of the procedures, made into applications of that day: their forms hold."""
    now = f"{day}T12:00:00+09:00"
    sandbox("town", "make", tmp_path / "town", "--jpki", town.jpki, "--seed", "11", "--count", "200",
            "--kinds", "good", "--others", "100", "--procedures", ROOT / "forms" / "procedures",
            "--now", now)
    arrivals = json.loads((tmp_path / "town" / "arrivals.json").read_text())
    there = {one["procedure_id"] for one in arrivals.values()}
    known = {f"{p.parts[-3]}.{p.parts[-2]}"
             for p in (ROOT / "forms" / "procedures").glob("*/*/record.xml")}
    late = {"child-allowance.status-report"} if day[5:7] < "06" else set()  # from June on
    assert there == known - late
    other = copy.copy(town)
    other.folder = tmp_path / "town"
    for receipt, report in zip(sorted(arrivals), judge(other, sorted(arrivals), "--now", now)):
        wrong = [c for c in report["checks"] if c["result"] != "passed"
                 and not c["check"].startswith("revocation.")]  # no list of that day is there
        wrong += [x for x in report["findings"] if x["severity"] == "review"]
        assert not wrong, (receipt, arrivals[receipt]["procedure_id"], wrong)


def test_reports_follow_their_schema_and_repeat(town):
    """Whatever is wrong with a package; and the same inputs give the same report."""
    schema = json.loads((ROOT / "docs" / "formats" / "report.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    receipts = sorted(town.expected)
    now = (datetime.datetime.now(datetime.timezone.utc)).isoformat(timespec="seconds")
    reports = judge(town, receipts, "--now", now)
    for receipt, report in zip(receipts, reports):
        faults = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(report)]
        assert not faults, (receipt, town.expected[receipt]["kind"], faults)
    assert judge(town, receipts, "--now", now) == reports


# --- the TLS certificates -------------------------------------------------------------------------


def test_pki(tmp_path):
    sandbox("pki", "--out", tmp_path / "pki")
    ca = tmp_path / "pki" / "ca.pem"
    for name, purpose in (("portal", "sslserver"), ("routing", "sslserver"), ("city", "sslclient"),
                          ("business-child-allowance", "sslclient")):
        pem = tmp_path / "pki" / f"{name}.pem"
        run("openssl", "verify", "-CAfile", ca, "-purpose", purpose, pem)
        other = "sslclient" if purpose == "sslserver" else "sslserver"
        assert run("openssl", "verify", "-CAfile", ca, "-purpose", other, pem,
                   check=False).returncode != 0
        der = run("openssl", "x509", "-in", pem, "-noout", "-fingerprint", "-sha256").stdout
        pin = (tmp_path / "pki" / f"{name}.sha256").read_text().strip()
        assert der.strip().split("=")[1].replace(":", "").lower() == pin
    for host in ("-verify_hostname localhost", "-verify_ip 127.0.0.1", "-verify_ip ::1"):
        run("openssl", "verify", "-CAfile", ca, *host.split(), tmp_path / "pki" / "portal.pem")
    for key in (tmp_path / "pki").glob("*.key"):
        assert key.stat().st_mode & 0o777 == 0o600
