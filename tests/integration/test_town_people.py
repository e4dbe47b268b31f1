"""Whose application it is: that each kind of applicant is what its name says, told by the openssl
program, the form's XML and the registry's CSV. Nothing of the server's matching is asked."""

import csv
import re
import xml.etree.ElementTree as ET
from datetime import datetime, timedelta

import pytest

from test_town import FORM, Town, run

KINDS = ("good", "former-surname", "common-name", "variant-kanji", "substituted", "renewed-card",
         "phone", "unlinked", "married", "moved", "protected", "not-resident", "number-mismatch",
         "resident-unknown", "many-links", "proposed", "no-candidate", "twins")
WAIT_FOR_SERIAL = timedelta(days=7)  # [identify] wait-for-serial when nobody sets it


class Applicant:
    """One application as the certificate, the form and the registry tell it."""

    def __init__(self, town, receipt, folder):
        pem = town.certificate(receipt, folder)
        self.facts = facts_of(pem)
        self.serial = int(run("openssl", "x509", "-in", pem, "-noout", "-serial")
                          .stdout.split("=")[1], 16)
        with town.zip(receipt) as z:
            root = ET.fromstring(z.read("application.xml"))
        claimant = root.find(FORM + "claimant")
        self.form = {e.tag.removeprefix(FORM): e.text for e in claimant}
        self.applied_at = datetime.fromisoformat(town.arrivals[receipt]["applied_at"])
        self.links = [r for r in rows(town, "registry-links.csv")
                      if r["ca"] == "sign" and int(r["serial"], 16) == self.serial]
        everybody = rows(town, "registry-residents.csv")
        number = self.form["individual-number"]
        mine = {r["atenabango"] for r in self.links} or {
            r["atenabango"] for r in everybody if r["kojinbango"] == number}
        self.residents = [r for r in everybody if r["atenabango"] in mine]
        homes = {r["setaibango"] for r in self.residents}
        self.household = [r for r in everybody if r["setaibango"] in homes]

    @property
    def resident(self):
        assert len(self.residents) == 1
        return self.residents[0]


def rows(town, name):
    return list(csv.DictReader((town.folder / name).open()))


def facts_of(pem):
    """The otherNames of the certificate, by the last arc of their object identifiers."""
    der = run("openssl", "asn1parse", "-in", pem).stdout
    at = der[der.index("X509v3 Subject Alternative"):].splitlines()[1].split(":")[0].strip()
    inner = run("openssl", "asn1parse", "-in", pem, "-strparse", at, "-dump").stdout
    pairs = re.findall(r"OBJECT\s+:1\.2\.392\.200149\.8\.5\.5\.(\d)"
                       r".*?UTF8STRING\s*(?::(.*?))?\n((?:\s+[0-9a-f]{4} - .*\n)*)", inner, re.S)
    arcs = {"1": "name", "2": "name-substituted", "3": "sex", "4": "birth", "5": "address"}
    return {arcs[arc]: text or bytes_of(dump) for arc, text, dump in pairs if arc in arcs}


def bytes_of(dump):
    """What openssl dumps in hexadecimal because it is no ASCII."""
    lines = (re.sub(r"^\s+[0-9a-f]{4} - (.{47}).*$", r"\1", line) for line in dump.splitlines())
    return bytes.fromhex("".join(lines).replace("-", " ").replace(" ", "")).decode()


@pytest.fixture(scope="module")
def applicants(tmp_path_factory):
    folder = tmp_path_factory.mktemp("people")
    town = Town(folder, "--kinds", ",".join(KINDS), "--bad-share", "85")
    return {kind: [Applicant(town, r, folder) for r in town.of(kind)] for kind in KINDS}


def surname(name):
    return name.split("\u3000")[0]


def fits(text, marks, other):
    """Equal but where a character is marked as a substitute."""
    return len(text) == len(marks) == len(other) and all(
        mark == "1" or a == b for a, mark, b in zip(text, marks, other))


def test_names_of_the_same_person(applicants):
    for a in applicants["good"]:
        assert a.facts["name"] == a.form["name"] == a.resident["shimei"]
    for a in applicants["former-surname"]:
        own, given = a.form["name"].split("\u3000")
        assert a.facts["name"] == f"{own}［{a.resident['kyuuji']}］\u3000{given}"
        assert a.resident["shimei"] == a.form["name"] and a.resident["kyuuji"] not in ("", own)
    for a in applicants["common-name"]:
        assert a.facts["name"] == a.form["name"] == a.resident["tsusho"] != a.resident["shimei"]
    for a in applicants["variant-kanji"]:
        pairs = {(x, y) for x, y in zip(a.form["name"], a.facts["name"]) if x != y}
        assert len(pairs) == 1 and pairs < {("髙", "高"), ("邉", "辺"), ("﨑", "崎"), ("濵", "浜"),
                                            ("桒", "桑")}
        assert a.resident["shimei"] == a.form["name"]
    for a in applicants["substituted"]:
        assert a.facts["name"] != a.form["name"] == a.resident["shimei"]
        assert "1" in a.facts["name-substituted"]
        assert fits(a.facts["name"], a.facts["name-substituted"], a.form["name"])


def test_links(applicants):
    for a in applicants["renewed-card"]:
        [link] = a.links
        assert datetime.fromisoformat(link["valid_from"]) < a.applied_at
        assert datetime.fromisoformat(link["valid_to"]) > a.applied_at
    for a in applicants["phone"]:
        assert [link["kind"] for link in a.links] == ["phone"]
    for a in applicants["many-links"]:
        assert len({link["atenabango"] for link in a.links}) == 2
    for kind in ("unlinked", "proposed", "no-candidate"):
        for a in applicants[kind]:
            assert not a.links
            late = datetime.now(a.applied_at.tzinfo) - a.applied_at > WAIT_FOR_SERIAL
            assert late == (kind != "unlinked")


def test_what_the_registry_knows_otherwise(applicants):
    for a in applicants["married"]:
        assert surname(a.facts["name"]) == a.resident["kyuuji"] != surname(a.form["name"])
        assert a.resident["shimei"] == a.form["name"]
    for a in applicants["moved"]:
        now = "".join(a.resident[k] for k in ("jusho_todofuken", "jusho_shikugunchoson",
                                              "jusho_machiaza", "jusho_banchigohyoki"))
        assert now == a.form["address"] != a.facts["address"]
    for a in applicants["not-resident"]:
        assert a.resident["juminjotai"] in "345"
        assert datetime.fromisoformat(a.resident["idonengappi"]).date() < a.applied_at.date()
    for a in applicants["protected"]:
        assert "1" in {r[f] for r in a.household for f in ("shiensochi_flag", "fukaiji_flag")}
    for a in applicants["number-mismatch"]:
        others = {r["kojinbango"] for r in a.household if r != a.resident}
        assert a.form["individual-number"] in others
    for a in applicants["proposed"]:
        assert a.facts["name"] == a.resident["shimei"]
    for kind in ("resident-unknown", "no-candidate"):
        assert all(not a.residents for a in applicants[kind])


def test_twins(applicants):
    """Both fit all that the certificate tells."""
    for a in applicants["twins"]:
        fit = [r for r in a.household
               if fits(a.facts["name"], a.facts["name-substituted"], r["shimei"])
               and (r["seinengappi"], r["seibetsu"]) == (a.resident["seinengappi"],
                                                         a.resident["seibetsu"])]
        assert len(fit) == 2
        assert len({r["shimei"] for r in fit}) == len({r["kojinbango"] for r in fit}) == 2


def test_only_they_are_protected_or_gone(applicants):
    for kind in set(KINDS) - {"protected", "not-resident"}:
        for a in applicants[kind]:
            assert all(r["juminjotai"] == "1" and not r["shiensochi_flag"]
                       and not r["fukaiji_flag"] for r in a.household)
