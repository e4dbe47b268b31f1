"""`uketsuke signature check` on the signatures of a town, container by container: every exit code."""

import base64
import json
import os
import pathlib
import re
import subprocess
import zipfile
from datetime import datetime, timedelta

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("UKETSUKE_BUILD", ROOT / "build"))
GOOD, BAD, CANNOT_TELL, FAILED, USAGE = 0, 1, 2, 3, 64
KINDS = {"good-attachments": "xmldsig", "good-cms": "cms", "good-cms-bare": "cms",
         "good-ecdsa-cms": "cms", "good-raw": "raw", "good-ecdsa-raw": "raw"}


def run(*command, code=0):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=60)
    assert done.returncode == code, (command, done.stdout + done.stderr)
    return done.stdout


def certificate_of(folder):
    """The signer's, in DER, wherever the container has it."""
    if (folder / "signature/1.xml").exists():
        text = (folder / "signature/1.xml").read_text()
        return base64.b64decode(re.search("X509Certificate>([^<]+)", text)[1])
    if (folder / "signature/raw.json").exists():
        return base64.b64decode(json.loads((folder / "signature/raw.json").read_text())["certificate"])
    run("openssl", "cms", "-verify", "-noverify", "-binary", "-inform", "DER", "-in",
        folder / "signature/application.xml.p7s", "-content", folder / "application.xml",
        "-signer", folder / "signer.pem", "-out", folder / "out")
    run("openssl", "x509", "-in", folder / "signer.pem", "-outform", "DER", "-out",
        folder / "signer.der")
    return (folder / "signer.der").read_bytes()


class Town:
    """Three applications of each kind: the certificate of the first is revoked after it was sent,
    that of the second before, that of the third never."""

    def __init__(self, folder):
        self.folder, self.jpki = folder, folder / "jpki"
        self.sandbox("jpki", "init", self.jpki)
        self.sandbox("town", "make", folder / "town", "--jpki", self.jpki, "--seed", "9", "--count",
                     3 * len(KINDS), "--keys", "2", "--kinds", ",".join(KINDS))
        self.expected = json.loads((folder / "town/expected.json").read_text())
        self.arrivals = json.loads((folder / "town/arrivals.json").read_text())
        self.folders = {receipt: self.unpack(receipt) for receipt in self.expected}
        for kind in KINDS:
            after, before, _ = self.of(kind)
            self.revoke(after, timedelta(seconds=60))
            self.revoke(before, timedelta(seconds=-60))
        self.sandbox("jpki", "crl", self.jpki)

    def sandbox(self, *arguments):
        return run(BUILD / "uketsuke-sandbox", *arguments)

    def unpack(self, receipt):
        into = self.folder / receipt
        with zipfile.ZipFile(self.folder / "town/applications" / f"{receipt}.zip") as z:
            z.extractall(into)
        return into

    def of(self, kind):
        return sorted(r for r, want in self.expected.items() if want["kind"] == kind)

    def at(self, receipt, later=timedelta()):
        at = datetime.fromisoformat(self.arrivals[receipt]["applied_at"]) + later
        return at.isoformat(timespec="milliseconds")

    def revoke(self, receipt, later):
        der = self.folders[receipt] / "revoked.der"
        der.write_bytes(certificate_of(self.folders[receipt]))
        serial = run("openssl", "x509", "-inform", "DER", "-in", der, "-noout", "-serial")
        self.sandbox("jpki", "revoke", self.jpki, serial.strip().split("=")[1], "--at",
                     self.at(receipt, later))

    @property
    def trust(self):
        return ["--trust", self.jpki / "sign-anchors.pem"]

    @property
    def crls(self):
        return [w for c in sorted(self.jpki.glob("crl/*.crl")) for w in ("--crl", c)]

    def signatures(self, receipt):
        """Of each signature file, the options that name it and what it is over."""
        folder = self.folders[receipt]
        members = [m for m in ("application.xml", "attachments/1.pdf", "attachments/2.jpg",
                               "attachments/3.png", "attachments/1.png") if (folder / m).exists()]
        for file in sorted(folder.glob("signature/**/*.*")):
            over = members
            if file.suffix == ".xml":
                over = re.findall(r'URI="([^"]+)"', file.read_text())
            elif file.suffix == ".p7s":
                over = [str(file.relative_to(folder / "signature"))[:-4]]
            yield ["--container", KINDS[self.expected[receipt]["kind"]], "--signature", file,
                   *(w for m in over for w in ("--content", f"{m}={folder / m}"))]


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    return Town(tmp_path_factory.mktemp("check"))


def check(*options, code):
    said = run(BUILD / "uketsuke", "signature", "check", "--json", *options, code=code)
    return json.loads(said) if code < FAILED else said


@pytest.mark.parametrize("kind", KINDS)
def test_exit_codes_of_the_verdicts(town, kind):
    after, before, never = town.of(kind)
    for receipt, code, reason in ((after, GOOD, None), (never, GOOD, None),
                                  (before, BAD, "certificate-revoked")):
        at = ["--at", town.at(receipt)]
        for options in town.signatures(receipt):
            got = check(*options, *town.trust, *town.crls, *at, code=code)
            assert got["reason"] == reason
            got = check(*options, *town.trust, *at, code=CANNOT_TELL)
            assert (got["indication"], got["reason"]) == ("INDETERMINATE", "revocation-unavailable")
            got = check(*options, code=GOOD)  # the signature alone
            assert got["judged"] == "signature"


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_content_is_bad(town, kind, tmp_path):
    receipt = town.of(kind)[2]
    for options in town.signatures(receipt):
        place = options.index("--content") + 1
        name, path = options[place].split("=", 1)
        changed = tmp_path / "changed"
        changed.write_bytes(pathlib.Path(path).read_bytes().replace(b"2", b"3"))
        options[place] = f"{name}={changed}"
        got = check(*options, *town.trust, *town.crls, "--at", town.at(receipt), code=BAD)
        assert got["reason"] in ("signature-digest", "signature-value")


@pytest.mark.parametrize("kind", ["good-raw", "good-ecdsa-raw"])
def test_a_bare_value_and_its_certificate(town, kind, tmp_path):
    receipt = town.of(kind)[2]
    folder = town.folders[receipt]
    raw = json.loads((folder / "signature/raw.json").read_text())
    entry = next(e for e in raw["signatures"] if e["member"] == "application.xml")
    value, der, pem = tmp_path / "value", tmp_path / "c.der", tmp_path / "c.pem"
    value.write_bytes(base64.b64decode(entry["value"]))
    der.write_bytes(base64.b64decode(raw["certificate"]))
    run("openssl", "x509", "-inform", "DER", "-in", der, "-out", pem)
    content = ["--container", "raw", "--signature", value, "--content",
               f"application.xml={folder / 'application.xml'}"]
    judged = [*town.trust, *town.crls, "--at", town.at(receipt)]
    for certificate in (der, pem):
        got = check(*content, "--certificate", certificate, *judged, code=GOOD)
        assert got["algorithm"] == entry["algorithm"]
        assert got["coverage"] == [{"content": "application.xml", "coverage": "bytes"}]
    check(*content, "--certificate", pem, *town.trust, "--at", town.at(receipt), code=CANNOT_TELL)
    value.write_bytes(value.read_bytes()[:-1] + b"\0")
    assert check(*content, "--certificate", pem, code=BAD)["reason"] == "signature-value"
    two = tmp_path / "two.pem"
    two.write_text(pem.read_text() * 2)
    run(BUILD / "uketsuke", "signature", "check", *content, "--certificate", two, code=FAILED)
    run(BUILD / "uketsuke", "signature", "check", *content, "--certificate", tmp_path / "no",
        code=FAILED)


@pytest.mark.parametrize("kind", KINDS)
def test_files_that_cannot_be_read(town, kind, tmp_path):
    """3 is ours, not the applicant's: nothing is said of the signature."""
    missing, garbage = tmp_path / "missing", tmp_path / "garbage"
    garbage.write_bytes(b"no certificate, no list\n")
    options = next(town.signatures(town.of(kind)[2]))
    signature = options.index("--signature") + 1
    content = options.index("--content") + 1
    for place, word in ((signature, missing), (content, f"application.xml={missing}")):
        broken = list(options)
        broken[place] = word
        assert check(*broken, code=FAILED) == ""
    for trust in (missing, garbage):
        assert check(*options, "--trust", trust, code=FAILED) == ""
    for crl in (missing, garbage):
        assert check(*options, *town.trust, "--crl", crl, code=FAILED) == ""


def test_wrong_usage(town):
    xml, cms, raw = (next(town.signatures(town.of(k)[2])) for k in ("good-attachments", "good-cms",
                                                                    "good-raw"))
    crl = town.crls[:2]
    for options in ([], xml[:2], cms[:4], raw[:4], [*cms, "--certificate", "x"],
                    [*xml, "--certificate", "x"], [*cms, "--content", "more=x"], [*xml, *crl],
                    [*xml, "--at", "yesterday"], ["--container", "pgp", *xml[2:]], [*xml, "more"],
                    [*xml, "--content", "=x"], [*xml, "--content", "nothing"], [*xml, "--pin", "00"],
                    [*xml, *["--content", "a=b"] * 64]):
        run(BUILD / "uketsuke", "signature", "check", *options, code=USAGE)


def test_a_moment_that_means_not_given(tmp_path):
    """1970-01-01T00:00:00Z stands for "not given" inside: it is refused, not passed over."""
    (tmp_path / "file").write_bytes(b"PK")
    file = tmp_path / "file"
    commands = [["verify", "--trust", file, file], ["certificate", "check", "--trust", file, file],
                ["signature", "check", "--container", "raw", "--signature", file, "--trust", file,
                 "--content", f"a={file}"]]
    for command in commands:
        for moment in ("1970-01-01T00:00:00Z", "1970-01-01T09:00:00+09:00", "1969-12-31T23:59:59Z"):
            done = subprocess.run([BUILD / "uketsuke", *command, "--at", moment],
                                  capture_output=True, text=True, timeout=60)
            assert done.returncode == USAGE and "cannot take" in done.stderr, (command, done.stderr)
        done = subprocess.run([BUILD / "uketsuke", *command, "--at", "1970-01-01T00:00:01Z"],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode != USAGE, (command, done.stderr)


def test_stored_takes_no_options(tmp_path):
    """What was given and would not be used is told: the evidence of the day decides."""
    file, config = tmp_path / "file", tmp_path / "uketsuke.conf"
    file.write_bytes(b"PK")
    config.write_text("[city]\ncode = 992011\nname = 桜野市\nkey = city.key\n[database]\n"
                      "connection = x\n")
    for option in (["--at", "2026-11-21T09:00:00+09:00"], ["--now", "2026-11-21T09:00:00+09:00"],
                   ["--city", "992011"], ["--procedures", tmp_path], ["--explain"],
                   ["--ocsp", file], ["--crl", file], ["--pin", "00" * 32], ["--trust", file],
                   ["--policy", "1.2.3"], ["--production"], [file]):
        done = subprocess.run([BUILD / "uketsuke", "verify", "--config", config, "--stored",
                               "20261121-00000001", *option], capture_output=True, text=True,
                              timeout=60)
        assert done.returncode == USAGE, (option, done.stderr)
        assert "--stored takes nothing besides but --json" in done.stderr, (option, done.stderr)
