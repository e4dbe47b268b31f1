#!/usr/bin/env python3
"""certificate_command_test.py PROGRAM: `uketsuke certificate check` on paths that OpenSSL made."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = pathlib.Path(sys.argv[1]).resolve()
EXTENSIONS = """
[ca]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign
[leaf-ca]
basicConstraints=critical,CA:TRUE,pathlen:0
keyUsage=critical,keyCertSign,cRLSign
[crl-only]
basicConstraints=critical,CA:TRUE
keyUsage=critical,cRLSign
[no-crl]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign
[names]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign
nameConstraints=critical,permitted;DNS:example.jp
[plain]
basicConstraints=CA:FALSE
[policy]
certificatePolicies=1.2.3.4
[dns]
subjectAltName=DNS:x.example.com
[critical]
1.2.3.4.5=critical,DER:0500
"""


def openssl(*arguments):
    return subprocess.run(["openssl", *map(str, arguments)], cwd=FOLDER, check=True,
                          capture_output=True, text=True).stdout


def issue(name, key, subject, extensions, issuer, issuer_key):
    openssl("req", "-new", "-key", f"{key}.key", "-subj", f"/C=JP/O=T/CN={subject}", "-out", "t.csr")
    openssl("x509", "-req", "-in", "t.csr", "-CA", f"{issuer}.pem", "-CAkey", f"{issuer_key}.key",
            "-CAcreateserial", "-days", "1000", "-extfile", "x.cnf", "-extensions", extensions,
            "-out", f"{name}.pem")


def crl(name, ca, key, *revoked, digest="sha256"):
    """`revoked`: (name of a certificate, date as YYMMDDHHMMSSZ, optionally with ",reason")."""
    lines = []
    for certificate, date in revoked:
        serial = openssl("x509", "-in", f"{certificate}.pem", "-noout", "-serial").split("=")[1]
        lines.append(f"R\t350101000000Z\t{date}\t{serial.strip()}\tunknown\t/CN=EE\n")
    (FOLDER / "index").write_text("".join(lines), "ascii")
    (FOLDER / "number").write_text("01\n", "ascii")
    (FOLDER / "c.cnf").write_text(f"[c]\ndatabase=index\ndefault_md={digest}\n"
                                  "default_crl_days=30\ncrlnumber=number\n", "ascii")
    openssl("ca", "-config", "c.cnf", "-name", "c", "-gencrl", "-keyfile", f"{key}.key", "-cert",
            f"{ca}.pem", "-out", f"{name}.crl")


def make():
    (FOLDER / "x.cnf").write_text(EXTENSIONS, "ascii")
    for key in ("root", "sub", "sub2", "ee"):
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{key}.key")
    openssl("req", "-x509", "-new", "-key", "root.key", "-subj", "/C=JP/O=T/CN=Root", "-days",
            "3650", "-out", "root.pem", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    for name, extensions in (("sub", "ca"), ("sub-leaf-ca", "leaf-ca"), ("sub-crl-only", "crl-only"),
                             ("sub-names", "names"), ("sub-no-crl", "no-crl")):
        issue(name, "sub", "Sub", extensions, "root", "root")
    for extensions in ("plain", "policy", "dns", "critical"):
        issue(extensions, "ee", "EE", extensions, "sub", "sub")
    issue("sub2", "sub2", "Sub2", "ca", "sub", "sub")
    issue("deep", "ee", "EE", "plain", "sub2", "sub2")
    issue("loop", "sub", "Sub", "ca", "sub2", "sub2")  # signs sub2, and is signed by it
    crl("root", "root", "root")
    crl("sub", "sub", "sub")
    crl("sub2", "sub2", "sub2")
    crl("revoked", "sub", "sub", ("plain", "200101000000Z"))
    crl("later", "sub", "sub", ("plain", "340101000000Z"))
    crl("hold", "sub", "sub", ("plain", "200101000000Z,certificateHold"))
    crl("old-digest", "sub", "sub", digest="sha1")


GOOD, BAD, UNTOLD = 0, 1, 2
LISTS = "--crl root.crl --crl sub.crl"
# certificate, options, exit code, reason, sub-indication, index of the certificate that is named
CASES = [
    ("plain", f"--untrusted sub.pem {LISTS}", GOOD, None, None, None),
    ("plain", "--untrusted sub.pem --no-revocation", GOOD, None, None, None),
    ("root", "", GOOD, None, None, None),
    ("plain", "--untrusted sub.pem", UNTOLD, "revocation-unavailable", "TRY_LATER", "0"),
    ("plain", "--untrusted sub.pem --crl root.crl", UNTOLD, "revocation-unavailable", "TRY_LATER",
     "0"),
    ("plain", "--untrusted sub.pem --crl sub.crl", UNTOLD, "revocation-unavailable", "TRY_LATER",
     "1"),
    ("plain", "--untrusted sub-no-crl.pem " + LISTS, UNTOLD, "revocation-unavailable", "TRY_LATER",
     "0"),
    ("plain", "--untrusted sub.pem --crl root.crl --crl old-digest.crl", UNTOLD,
     "revocation-algorithm", "CRYPTO_CONSTRAINTS_FAILURE", "0"),
    ("plain", "--untrusted sub.pem --crl root.crl --crl revoked.crl", BAD, "certificate-revoked",
     "REVOKED", "0"),
    ("plain", "--untrusted sub.pem --crl root.crl --crl later.crl", GOOD, None, None, None),
    ("plain", "--untrusted sub.pem --crl root.crl --crl hold.crl", UNTOLD, "revocation-on-hold",
     "TRY_LATER", "0"),
    ("plain", f"--untrusted sub.pem {LISTS} --at YEAR", UNTOLD, "revocation-stale", "TRY_LATER",
     "0"),
    ("plain", f"--untrusted sub.pem {LISTS} --at LATE", BAD, "certificate-expired", "EXPIRED", "2"),
    ("plain", f"--untrusted sub.pem {LISTS} --at EARLY", BAD, "certificate-not-yet-valid",
     "NOT_YET_VALID", "2"),
    ("plain", LISTS, BAD, "certificate-issuer-unknown", "NO_CERTIFICATE_CHAIN_FOUND", "0"),
    ("plain", "--untrusted sub-crl-only.pem " + LISTS, BAD, "certificate-chain-ca",
     "CHAIN_CONSTRAINTS_FAILURE", "1"),
    ("dns", "--untrusted sub-names.pem " + LISTS, BAD, "certificate-name-constraints",
     "CHAIN_CONSTRAINTS_FAILURE", "0"),
    ("critical", "--untrusted sub.pem " + LISTS, BAD, "certificate-extension",
     "CHAIN_CONSTRAINTS_FAILURE", "0"),
    ("plain", f"--untrusted sub.pem {LISTS} --explicit-policy", BAD, "certificate-policy",
     "POLICY_PROCESSING_ERROR", "0"),
    ("deep", f"--untrusted sub-leaf-ca.pem --untrusted sub2.pem {LISTS} --crl sub2.crl", BAD,
     "certificate-path-length", "CHAIN_CONSTRAINTS_FAILURE", "2"),
    # Cross-signing in a circle ends: without a way out, and with one that is found.
    ("deep", "--untrusted loop.pem --untrusted sub2.pem", BAD, "certificate-issuer-unknown",
     "NO_CERTIFICATE_CHAIN_FOUND", "0"),
    ("deep", f"--untrusted loop.pem --untrusted sub2.pem --untrusted sub.pem {LISTS}"
     " --crl sub2.crl", GOOD, None, None, None),
]


def year(offset):
    seconds = int(subprocess.run(["date", "+%s"], capture_output=True, text=True,
                                 check=True).stdout) + offset * 365 * 86400
    return subprocess.run(["date", "-u", "-d", f"@{seconds}", "+%Y-%m-%dT%H:%M:%SZ"],
                          capture_output=True, text=True, check=True).stdout.strip()


class Paths(unittest.TestCase):
    def check(self, certificate, options):
        for word, offset in (("YEAR", 1), ("LATE", 20), ("EARLY", -1)):
            options = options.replace(word, year(offset))
        return subprocess.run(
            [PROGRAM, "certificate", "check", "--profile", "rfc5280", "--json", "--trust",
             "root.pem", f"{certificate}.pem", *options.split()],
            cwd=FOLDER, capture_output=True, text=True, timeout=60)

    def test_each_verdict_by_its_name(self):
        for certificate, options, code, reason, sub_indication, index in CASES:
            with self.subTest(f"{certificate} {options}"):
                got = self.check(certificate, options)
                report = json.loads(got.stdout)
                self.assertEqual((got.returncode, report["reason"], report["sub_indication"]),
                                 (code, reason, sub_indication))
                for check in report["checks"]:
                    if check["result"] != "passed":
                        self.assertEqual(check["inputs"]["certificate_index"], index)
                        break

    def test_same_inputs_same_bytes(self):
        options = f"--untrusted sub.pem {LISTS} --at {year(0)}"
        self.assertEqual(self.check("plain", options).stdout, self.check("plain", options).stdout)

    def test_a_verdict_for_each_of_many(self):
        (FOLDER / "many.pem").write_text((FOLDER / "plain.pem").read_text("ascii") +
                                         (FOLDER / "critical.pem").read_text("ascii"), "ascii")
        got = self.check("many", f"--untrusted sub.pem {LISTS}")
        reports = [json.loads(line) for line in got.stdout.splitlines()]
        self.assertEqual([report["index"] for report in reports], [0, 1])
        self.assertEqual((got.returncode, reports[1]["reason"]), (BAD, "certificate-extension"))

    def test_der_is_read_too(self):
        openssl("x509", "-in", "plain.pem", "-outform", "DER", "-out", "plain.der.pem")
        openssl("crl", "-in", "sub.crl", "-outform", "DER", "-out", "sub.der")
        got = self.check("plain.der", "--untrusted sub.pem --crl root.crl --crl sub.der")
        self.assertEqual(got.returncode, GOOD)

    def test_folders_as_well_as_files(self):
        for folder, files in (("roots", ["root.pem"]), ("between", ["sub.pem", "sub2.pem"]),
                              ("lists", ["root.crl", "sub.crl", "sub2.crl"]), ("empty", [])):
            (FOLDER / folder).mkdir()
            (FOLDER / folder / "README").write_text("none of these", "ascii")
            for file in files:
                (FOLDER / folder / file).write_bytes((FOLDER / file).read_bytes())

        def check(trust, untrusted, lists):
            return subprocess.run(
                [PROGRAM, "certificate", "check", "--profile", "rfc5280", "--trust", trust,
                 "--untrusted", untrusted, "--crl", lists, "deep.pem"], cwd=FOLDER,
                capture_output=True, text=True, timeout=60).returncode
        self.assertEqual(check("roots", "between", "lists"), GOOD)
        for wrong in (("empty", "between", "lists"), ("roots", "empty", "lists"),
                      ("roots", "between", "empty")):
            self.assertEqual(check(*wrong), 64)

    def test_what_cannot_be_run(self):
        self.assertEqual(self.check("plain", "--untrusted ee.key").returncode, 3)
        self.assertEqual(self.check("plain", "--untrusted missing.pem").returncode, 3)
        self.assertEqual(self.check("plain", "--pin " + 64 * "0").returncode, 3)
        self.assertEqual(self.check("plain", "--at yesterday").returncode, 64)
        self.assertEqual(self.check("plain", "--ocsp x").returncode, 64)

    def test_profile_jpki_wants_no_ca(self):
        got = subprocess.run([PROGRAM, "certificate", "check", "--json", "--trust", "root.pem",
                              "root.pem"], cwd=FOLDER, capture_output=True, text=True, timeout=60)
        self.assertEqual((got.returncode, json.loads(got.stdout)["reason"]),
                         (BAD, "certificate-is-ca"))

    def test_show(self):
        got = subprocess.run([PROGRAM, "certificate", "show", "--json", "sub.pem"], cwd=FOLDER,
                             capture_output=True, text=True, timeout=60)
        shown = json.loads(got.stdout)
        self.assertEqual((shown["ca"], shown["key_usage"], shown["facts"]),
                         (True, ["keyCertSign", "cRLSign"], None))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        FOLDER = pathlib.Path(folder)
        make()
        unittest.main(argv=sys.argv[:1])
