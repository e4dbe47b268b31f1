"""Sections 4.1 to 4.7 and 4.16: signatures, dates, names, revocation, keys, basic constraints."""
from suite import GOOD, bad, dn, untold
from x509 import (CERT_SIGN, CRL_SIGN, Key, basic, distribution, entry_issuer, issuing, name,
                  reason, tlv, usage)

OTHER = "1.2.392.200999.1"  # an extension that nobody knows
WHOLE = "--no-revocation"
SHA1 = "its command lets SHA-1 pass by default"
UNAVAILABLE, REVOKED = untold("unavailable"), bad("revoked")
KEY_COMPROMISE, HOLD, REMOVE = reason(1), reason(6), reason(8)


def unknown(critical):
    return OTHER, critical, b"\x05\x00"


def signatures(s):
    s.section = "4.1"
    good = s.ca("Good")
    s.case("4.1.1 Valid Signatures", s.ee(good), GOOD)
    s.case("4.1.2 Invalid CA Signature", s.ee(s.ca("Bad Signed", broken=True)), bad("untrusted"))
    s.case("4.1.3 Invalid EE Signature", s.ee(good, broken=True), bad("untrusted"))
    s.case("SHA-1 under the EE", s.ee(good, digest="sha1"), bad("algorithm"), "", SHA1)
    s.case("SHA-1 under the CA", s.ee(s.ca("SHA-1", digest="sha1")), bad("algorithm"), "", SHA1)
    s.case("The algorithm outside is another", s.ee(good, outer="sha1"), bad("malformed"))
    s.case("The key of another CA of that name",
           s.ee(good, signer=Key("nobody"), aki=False), bad("untrusted"))


def dates(s):
    s.section = "4.2"
    good = s.ca("Good")
    late, past = "20470101120100", "20260201000000"
    for title, ca, ee, expected in (
            ("4.2.1 Invalid CA notBefore", {"start": late, "end": "g20500101120100"}, {},
             bad("not-yet-valid")),
            ("4.2.2 Invalid EE notBefore", None, {"start": late, "end": "g20500101120100"},
             bad("not-yet-valid")),
            ("4.2.3 Valid pre2000 UTC notBefore", None, {"start": "19500101120000"}, GOOD),
            ("4.2.4 Valid GeneralizedTime notBefore", None, {"start": "g20260101000000"}, GOOD),
            ("4.2.5 Invalid CA notAfter", {"end": past}, {}, bad("expired")),
            ("4.2.6 Invalid EE notAfter", None, {"end": past}, bad("expired")),
            ("4.2.7 Invalid pre2000 UTC EE notAfter", None,
             {"start": "19970101120000", "end": "19990101120000"}, bad("expired")),
            ("4.2.8 Valid GeneralizedTime notAfter", None, {"end": "20500101120100"}, GOOD),
            ("No end (RFC 5280 §4.1.2.5)", None, {"end": "99991231235959"}, GOOD)):
        issuer = s.ca(title, **ca) if ca else good
        s.case(title, s.ee(issuer, **ee), expected)
    # RFC 5280 §4.1.2.5: from notBefore through notAfter, inclusive.
    edge = s.ee(good, start="20260301000000", end="20260302000000")
    for at, expected in (("2026-02-28T23:59:59Z", bad("not-yet-valid")),
                         ("2026-03-01T00:00:00Z", GOOD), ("2026-03-02T00:00:01Z", bad("expired"))):
        s.case(f"At {at}", edge, expected, f"{WHOLE} --at {at}")
    s.case("The last second", edge, GOOD, f"{WHOLE} --at 2026-03-02T00:00:00Z",
           "its notAfter is exclusive; RFC 5280 §4.1.2.5 includes it")


def names(s):
    s.section = "4.3"
    ca = s.ca("Names", subject="C=JP/O=Paths/OU=a/CN=4.3 Good CA")

    def issued(title, text, expected):
        s.case(title, s.ee(ca, issuer_name=name(text)), expected)
    issued("4.3.1 Invalid Name Chaining EE", "C=JP/O=Paths/OU=a/CN=4.3 Good CA Root",
           bad("issuer-unknown"))
    issued("4.3.2 Invalid Name Chaining Order", "C=JP/O=Paths/CN=4.3 Good CA/OU=a",
           bad("issuer-unknown"))
    issued("4.3.3 Valid Name Chaining Whitespace", "C=JP/O=Paths/OU=a/CN=4.3  Good   CA", GOOD)
    issued("4.3.4 Valid Name Chaining Whitespace", "C=JP/O=Paths/OU=a/CN=  4.3 Good CA  ", GOOD)
    issued("4.3.5 Valid Name Chaining Capitalization", "C=JP/O=PATHS/OU=A/CN=4.3 GOOD ca", GOOD)
    unique = tlv(0x81, b"\x00\x07") + tlv(0x82, b"\x00\x08")
    s.case("4.3.6 Valid Name Chaining UIDs", s.ee(s.ca("UIDs", unique=unique), unique=unique), GOOD)
    for title, text in (
            ("4.3.7 Valid RFC3280 Mandatory Attribute Types", "C=JP/DC=paths/S=345/DNQ=q/ST=Tokyo"),
            ("4.3.8 Valid RFC3280 Optional Attribute Types", "C=JP/L=x/T=y/PSEUDONYM=z/GEN=III"),
            ("4.3.9 Valid UTF8String Encoded Names", "C=JP/O!=試験/CN!=4.3 認証局")):
        s.case(title, s.ee(s.ca(title, subject=text)), GOOD)
    issued("4.3.10 Valid Rollover from PrintableString to UTF8String",
           "C=JP/O!=Paths/OU!=a/CN!=4.3 Good CA", GOOD)
    issued("4.3.11 Valid UTF8String Case Insensitive Match",
           "C=JP/O!=paths/OU!=A/CN!=4.3 good ca", GOOD)


def lists(s):
    s.section = "4.4"
    good, revoked_ca = s.ca("Good"), s.ca("Revoked")
    s.root.revoke(revoked_ca.certificate, KEY_COMPROMISE)
    revoked = s.ee(good)
    good.revoke(revoked, KEY_COMPROMISE)
    s.case("4.4.1 Missing CRL", s.ee(s.ca("No CRL", crl=False)), UNAVAILABLE)
    s.case("4.4.2 Invalid Revoked CA", s.ee(revoked_ca), REVOKED)
    s.case("4.4.3 Invalid Revoked EE", revoked, REVOKED)

    def listed(title, expected, *extra, listed_as=None, oracle=None, **how):
        ca = s.ca(title, crl=False)
        leaf = s.ee(ca)
        if listed_as is not None:
            ca.revoke(leaf, *listed_as[1:], date=listed_as[0])
        s.crl(ca, *extra, **how)
        s.case(title, leaf, expected, "", oracle)
    listed("4.4.4 Invalid Bad CRL Signature", UNAVAILABLE, broken=True)
    listed("4.4.5 Invalid Bad CRL Issuer Name", UNAVAILABLE, name=name(dn("nobody")))
    listed("4.4.6 Invalid Wrong CRL", UNAVAILABLE, name=name(dn("other")),
           key=Key("other"))
    two = s.ca("4.4.7")
    leaf = s.ee(two)
    s.crl(s.root, entries=[(leaf.serial, "20260401000000")], broken=True, name=two.name)
    s.case("4.4.7 Valid Two CRLs", leaf, GOOD)
    # RFC 5280 §5.2, §5.3: a list with what is critical and unknown must not be used.
    listed("4.4.8 Invalid Unknown CRL Entry Extension", UNAVAILABLE,
           listed_as=("20260401000000", unknown(True)))
    listed("4.4.9 Invalid Unknown CRL Extension", UNAVAILABLE, unknown(True),
           listed_as=("20260401000000",))
    listed("4.4.10 Invalid Unknown CRL Extension", UNAVAILABLE, unknown(True))
    listed("CRL with an unknown extension that is not critical", GOOD, unknown(False))
    listed("4.4.11 Invalid Old CRL nextUpdate", untold("stale"), end="20260502000000")
    listed("4.4.12 Invalid pre2000 CRL nextUpdate", untold("stale"), start="19980101120000",
           end="19990101120100")
    listed("4.4.13 Valid GeneralizedTime CRL nextUpdate", GOOD, end="20500101120100")
    listed("CRL without nextUpdate", untold("stale"), end=None,
           oracle="to it that is a list for ever; RFC 5280 §5.1.2.5 wants nextUpdate")
    listed("CRL of tomorrow", UNAVAILABLE, start="20260602000000")
    listed("CRL signed with SHA-1", untold("algorithm"), digest="sha1", oracle=SHA1)
    listed("Revoked later", GOOD, listed_as=("20260701000000",),
           oracle="it does not look at the revocationDate; design: judged as of the moment")
    listed("On hold", untold("on-hold"), listed_as=("20260401000000", HOLD))
    listed("removeFromCRL in a complete list", GOOD, listed_as=("20260401000000", REMOVE))
    listed("The issuingDistributionPoint twice", UNAVAILABLE, issuing(users=True),
           issuing(users=True), oracle="it passes over what stands there twice")


def serials(s):
    """RFC 5280 §4.1.2.2: users handle 20 octets, and gracefully what is negative or zero."""
    s.section = "4.4 serials"
    ca = s.ca("Serials")
    long, longer = int("7f" + 19 * "a5", 16), int("ff" + 19 * "a5", 16)
    for title, serial, revoked in (
            ("4.4.14 Valid Negative Serial Number", -1, False),
            ("4.4.15 Invalid Negative Serial Number", -2, True),
            ("Its positive counterpart is not meant", 2, False),
            ("As many bits, positive", 254, False), ("Zero", 0, False),
            ("4.4.16 Valid Long Serial Number", long, False),
            ("4.4.17 Valid Long Serial Number", long + 1, False),
            ("4.4.18 Invalid Long Serial Number", long + 2, True),
            ("20 octets and a sign octet", longer, False)):
        leaf = s.ee(ca, serial=serial)
        if revoked:
            ca.revoke(leaf)
        s.case(title, leaf, REVOKED if revoked else GOOD)
    s.case("21 octets", s.ee(ca, serial=1 << 160), bad("malformed"), "",
           "it takes any length; §4.1.2.2 knows no more than 20 octets")


def separate_keys(s):
    s.section = "4.4 separate keys"
    for title, crl_key_revoked, expected in (("4.4.19", False, GOOD), ("4.4.20", False, REVOKED),
                                             ("4.4.21", True, UNAVAILABLE)):
        ca = s.ca(title, usage=usage(CERT_SIGN), crl=False)
        other = s.ca(title, usage=usage(CRL_SIGN), crl=False, key=Key(title + " CRL"))
        if crl_key_revoked:
            s.root.revoke(other.certificate)
        leaf = s.ee(ca)
        if expected is REVOKED:
            other.revoke(leaf)
        s.crl(other)
        s.case(f"{title} Separate Certificate and CRL Keys", leaf, expected)


def self_issued(s):
    s.section = "4.5"
    for aki in (True, False):
        words = "" if aki else ", the EE without key id"
        oracle = None if aki else "it tries one of the two keys only"
        new = s.ca("New Key" + words)
        old = s.again(new, "Old With New" + words)
        revoked = s.ee(old, aki=aki)
        new.revoke(revoked)
        s.case("4.5.1 Valid Basic Self-Issued Old With New" + words, s.ee(old, aki=aki), GOOD, "",
               oracle)
        s.case("4.5.2 Invalid Basic Self-Issued Old With New" + words, revoked, REVOKED)
        old = s.ca("Old Key" + words)
        new = s.again(old, "New With Old" + words)
        revoked = s.ee(new, aki=aki)
        old.revoke(revoked)
        s.case("4.5.3 Valid Basic Self-Issued New With Old" + words, s.ee(new, aki=aki), GOOD, "",
               oracle)
        s.case("4.5.4 Valid Basic Self-Issued New With Old" + words, s.ee(old, aki=aki), GOOD)
        s.case("4.5.5 Invalid Basic Self-Issued New With Old" + words, revoked, REVOKED)
    ca = s.ca("CRL Signing Key", crl=False)
    point = dn("4.5 for the CRL key")
    crl_key = s.again(ca, "CRL key", [distribution({"full": point})], usage=usage(CRL_SIGN),
                      basic=None)
    s.crl(ca, issuing(full=point), entries=[])
    revoked = s.ee(ca)
    crl_key.revoke(revoked)
    s.crl(crl_key)
    s.case("4.5.6 Valid Basic Self-Issued CRL Signing Key", s.ee(ca), GOOD)
    s.case("4.5.7 Invalid Basic Self-Issued CRL Signing Key", revoked, REVOKED)
    s.case("4.5.8 Invalid Basic Self-Issued CRL Signing Key", s.ee(crl_key), bad("chain-ca"))


def constraints(s):
    s.section = "4.6"
    for title, value, expected in (("4.6.1 Invalid Missing basicConstraints", None, "chain-ca"),
                                   ("4.6.2 Invalid cA False", basic(False), "chain-ca"),
                                   ("4.6.3 Invalid cA False, not critical",
                                    basic(False, critical=False), "chain-ca"),
                                   ("4.6.4 Valid basicConstraints Not Critical",
                                    basic(critical=False), None)):
        s.case(title, s.ee(s.ca(title, basic=value)), bad(expected) if expected else GOOD)
    s.case("An issuer of version 1", s.ee(s.ca("v1", version=1)), bad("chain-ca"))
    length = bad("path-length")

    def path(title, lengths, expected, leaf_ca=False, oracle=None):
        """`lengths`: of each authority; "self" is one more certificate of the one before."""
        ca, leaf = s.root, None
        for at, most in enumerate(lengths):
            ca = (s.again(ca, f"{title} {at}") if most == "self" else
                  s.ca(f"{title} {at}", ca, basic=basic(length=most), crl=False))
        leaf = s.ca_leaf(ca, title) if leaf_ca else s.ee(ca)
        s.case(title, leaf, expected, WHOLE, oracle)
    path("4.6.5 Invalid pathLenConstraint", (0, None), length)
    path("4.6.6 Invalid pathLenConstraint", (0, None), length, True)
    path("4.6.7 Valid pathLenConstraint", (0,), GOOD)
    path("4.6.8 Valid pathLenConstraint", (0,), GOOD, True)
    path("4.6.9 Invalid pathLenConstraint", (6, 0, None), length)
    path("4.6.10 Invalid pathLenConstraint", (6, 0, None), length, True)
    path("4.6.11 Invalid pathLenConstraint", (6, 1, 1, None), length)
    path("4.6.12 Invalid pathLenConstraint", (6, 1, 1, None), length, True)
    path("4.6.13 Valid pathLenConstraint", (6, 4, 1, None), GOOD)
    path("4.6.14 Valid pathLenConstraint", (6, 4, 1, None), GOOD, True)
    path("4.6.15 Valid Self-Issued pathLenConstraint", (0, "self"), GOOD)
    path("4.6.16 Invalid Self-Issued pathLenConstraint", (0, "self", None), length)
    path("4.6.17 Valid Self-Issued pathLenConstraint", (1, "self", None, "self"), GOOD)
    path("18 authorities below the anchor", 18 * (None,), GOOD)
    path("19 authorities below the anchor", 19 * (None,), bad("issuer-unknown"),
         oracle="it has no limit here; ours is PATH_LENGTH_MAX")


def usages(s):
    s.section = "4.7"
    for title, value, expected in (
            ("4.7.1 Invalid keyUsage Critical keyCertSign False", usage(CRL_SIGN), bad("chain-ca")),
            ("4.7.2 Invalid keyUsage Not Critical keyCertSign False",
             usage(CRL_SIGN, critical=False), bad("chain-ca")),
            ("4.7.3 Valid keyUsage Not Critical", usage(CERT_SIGN, CRL_SIGN, critical=False), GOOD),
            ("4.7.4 Invalid keyUsage Critical cRLSign False", usage(CERT_SIGN), UNAVAILABLE),
            ("4.7.5 Invalid keyUsage Not Critical cRLSign False", usage(CERT_SIGN, critical=False),
             UNAVAILABLE),
            ("No keyUsage (RFC 5280 §6.1.4 n)", None, GOOD)):
        s.case(title, s.ee(s.ca(title, usage=value)), expected)


def private(s):
    s.section = "4.16"
    ca = s.ca("Private")
    s.case("4.16.1 Valid Unknown Not Critical Certificate Extension", s.ee(ca, unknown(False)),
           GOOD)
    s.case("4.16.2 Invalid Unknown Critical Certificate Extension", s.ee(ca, unknown(True)),
           bad("extension"))
    s.case("Unknown critical in the CA", s.ee(s.ca("Unknown", extra=[unknown(True)])),
           bad("extension"))
    s.case("An extension twice", s.ee(ca, unknown(False), unknown(False)), bad("extension"),
           "", "it does not look; RFC 5280 §4.2 forbids it")
    s.case("An extension that is no DER", s.ee(ca, (OTHER, False, b"\x05\x01")), bad("extension"),
           "", "it does not read what it does not know")
    s.case("An extension of a CRL's entry", s.ee(ca, entry_issuer(dn("x"))), bad("extension"))


SECTIONS = (signatures, dates, names, lists, serials, separate_keys, self_issued, constraints,
            usages, private)
