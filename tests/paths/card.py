"""Signing certificates that depart from what the profile `jpki` asks for, in one place each."""
from suite import GOOD, bad
from x509 import (Key, authority_key, basic, certificate, constraints, general,
                  inhibit_any, integer, issuing, name, oid, policies, seq, subject_alt, subject_key,
                  tagged, tlv, usage)

POLICY = "1.2.392.200149.8.5.1.0.20"  # of the test environment
ARC = "1.2.392.200149.8.5.5."
FACTS = {1: "桜野　花子", 4: "419920401", 3: "2", 5: "試験県桜野市", 2: "00000", 6: "000000"}
ISSUER = name("C=JP/O=JPKI-TEST/OU=for signatures")
ONE, TWO = Key("generation 1"), Key("generation 2")
FORM, FACT, CA, KEY = bad("malformed"), bad("facts"), bad("is-ca"), bad("algorithm")
OTHER, PURPOSE, RULE, FORGED = bad("extension"), bad("purpose"), bad("policy"), bad("untrusted")
EC, P256 = "1.2.840.10045.2.1", "1.2.840.10045.3.1.7"


def anchors():
    """Two generations of one authority, by one name."""
    return [certificate(ISSUER, key.public(), ISSUER, key, serial, [
        basic(), usage(5, 6), subject_key(key)]) for serial, key in ((1, ONE), (2, TWO))]


def fact(place, text, tag=0x0c):
    text = text if isinstance(text, bytes) else text.encode()
    return tagged(0, oid(f"{ARC}{place}"), tagged(0, tlv(tag, text)))


def facts(*more, **changed):
    return "2.5.29.17", False, seq(*(changed.get(f"n{place}", fact(place, text))
                                     for place, text in FACTS.items()), *more)


def card(*extra, signer=ONE, public=None, serial=77, subject="C=JP/CN=2026010112000000001992011A",
         use=usage(0, 1), policy=policies(POLICY, critical=True), names=facts(),
         aki=authority_key(ONE), **how):
    extensions = [item for item in (use, policy, names, aki, *extra) if item]
    return certificate(name(subject), public or Key("card").public(), ISSUER, signer, serial,
                       [] if how.get("version") == 1 else extensions, **how)


def ec(point, curve=P256, unused=0):
    return seq(seq(oid(EC), oid(curve)), tlv(0x03, bytes([unused]), point))


def rsa(length, e=65537, sign=1):
    n = (1 << length - 1) | (1 << length // 2) | 1
    return seq(seq(oid("1.2.840.113549.1.1.1"), b"\x05\x00"),
               tlv(0x03, b"\x00", seq(integer(sign * n), integer(e))))


def use(value):
    return "2.5.29.15", True, value


def aki(*parts):
    return "2.5.29.35", False, seq(*parts)


def made_of_parts(der):
    """The signature outside, which nobody signs, as a BIT STRING of BIT STRINGs (BER)."""
    start = der.rindex(b"\x03", 0, len(der) - 68)
    while der[start + 1] != len(der) - start - 2:
        start = der.rindex(b"\x03", 0, start)
    body = der[4:start] + tlv(0x23, der[start:])
    return tlv(0x30, body)


def rows():
    point = Key("card").point
    yield "good", card(), GOOD
    yield "RSA of 2048 bits", card(public=rsa(2048)), GOOD
    # Which generation signed it.
    yield "names generation 2, signed by 1", card(aki=authority_key(TWO)), FORGED
    yield "names generation 1, signed by 2", card(signer=TWO), FORGED
    yield "names none, signed by 2", card(signer=TWO, aki=None), GOOD
    yield "signed by a third", card(signer=Key("generation 3"), aki=None), FORGED
    alone = tlv(0xa1, general("dn", "C=JP"))
    yield "names an issuer without a number", card(aki=aki(alone)), FORGED
    yield "names an empty key id", card(aki=aki(b"\x80\x00")), FORGED
    yield "the signature in BER", made_of_parts(card()), FORM
    yield "bytes behind", card() + b"\x00", FORM
    yield "SHA-1", card(digest="sha1"), KEY
    yield "another algorithm outside", card(outer="sha1"), FORM
    # Extensions.
    yield "subjectAltName twice", card(facts()), FORM
    yield "keyUsage twice", card(usage(0, 1)), FORM
    yield "certificatePolicies twice", card(policies(POLICY)), RULE
    yield "a policy twice", card(policy=policies(POLICY, POLICY, critical=True)), RULE
    yield "any policy", card(policy=policies("2.5.29.32.0", critical=True)), RULE
    yield "any policy beside", card(policy=policies(POLICY, "2.5.29.32.0", critical=True)), RULE
    yield "below the policy", card(policy=policies(POLICY + ".1", critical=True)), RULE
    yield "no policy at all", card(policy=("2.5.29.32", True, seq())), RULE
    yield "no bit of usage", card(use=use(b"\x03\x01\x00")), FORM
    yield "usage without content", card(use=use(b"\x03\x00")), FORM
    yield "a bit of usage behind the last", card(use=use(b"\x03\x02\x07\xc0")), PURPOSE
    yield "usage as OCTET STRING", card(use=use(b"\x04\x01\x40")), FORM
    yield "usage to sign certificates", card(use=usage(1, 5)), CA
    yield "usage to sign lists", card(use=usage(1, 6)), CA
    yield "for logging in", card(use=usage(0)), PURPOSE
    yield "a CA", card(basic()), CA
    yield "a CA, not critical", card(basic(critical=False)), CA
    yield "cA as 1", card(("2.5.29.19", True, seq(b"\x01\x01\x01"))), CA
    yield "cA FALSE", card(basic(False)), GOOD
    for title, item in (("an extension that nobody knows", ("1.2.3.4", True, b"\x05\x00")),
                        ("policyConstraints", constraints(explicit=0)),
                        ("inhibitAnyPolicy", inhibit_any(0)),
                        ("issuingDistributionPoint", issuing(users=True))):
        yield f"{title}, critical", card(item), OTHER
    yield "a proxy", card(("1.3.6.1.5.5.7.1.14", False,
                           seq(seq(oid("1.3.6.1.5.5.7.21.1"))))), FORM
    # Version, number, names, times.
    for version in (1, 2, 4):
        yield f"version {version}", card(version=version), FORM
    for title, serial, expected in (("20 bytes", int(20 * "7f", 16), GOOD),
                                    ("20 bytes and a sign", int(20 * "ff", 16), GOOD),
                                    ("21 bytes", 1 << 160, FORM), ("zero", 0, FORM),
                                    ("negative", -1, FORM)):
        yield f"serial number: {title}", card(serial=serial), expected
    yield "unique identifier", card(unique=tlv(0x81, b"\x00\x07")), FORM
    yield "the issuer's name", card(subject="C=JP/O=JPKI-TEST/OU=for signatures"), CA
    other = "C=jp/O=jpki-test/OU=FOR  signatures"
    yield "the issuer's name in other letters", card(subject=other), CA
    for title, how, expected in (
            ("GeneralizedTime", {"end": "g20300101000000"}, GOOD),
            ("no end", {"end": "99991231235959"}, GOOD), ("since 1950", {"start": "19500101000000"},
                                                          GOOD),
            ("second 60", {"end": "20301231235960"}, FORM),
            ("hour 24", {"end": "20301231240000"}, FORM),
            ("29 February 2025", {"start": "20250229000000"}, FORM),
            ("one second", {"start": "20260601000000", "end": "20260601000000"}, GOOD),
            ("ends before it begins", {"start": "20300601000000", "end": "20250601000000"}, FORM)):
        yield f"times: {title}", card(**how), expected
    # Keys.
    for title, public in (("a point off the curve", ec(b"\x04" + 64 * b"\x01")),
                          ("the point at infinity", ec(b"\x00")),
                          ("a compressed point", ec(bytes([2 + (point[-1] & 1)]) + point[1:33])),
                          ("P-256K", ec(point, "1.3.132.0.10")), ("RSA 2047", rsa(2047)),
                          ("RSA 8193", rsa(8193)), ("e = 1", rsa(2048, 1)), ("e = 3", rsa(2048, 3)),
                          ("e even", rsa(2048, 65536)), ("e large", rsa(2048, (1 << 64) + 1)),
                          ("n negative", rsa(2048, sign=-1))):
        yield f"key: {title}", card(public=public), KEY
    yield "key: unused bits that are set", card(public=ec(point[:-1] + b"\xff", unused=4)), FORM
    # The four basic facts.
    yield "a seventh fact", card(names=facts(fact(7, "x"))), GOOD
    yield "a fact twice", card(names=facts(fact(1, "桜野　花子"))), FACT
    yield "a fact below its place", card(names=facts(n1=fact("1.1", "桜野　花子"))), FACT
    wide = fact(1, "桜野".encode("utf-16-be"), 0x1e)
    yield "a fact as BMPString", card(names=facts(n1=wide)), FACT
    yield "a fact of two values", card(names=facts(n1=tagged(0, oid(ARC + "1"), tagged(
        0, tlv(0x0c, b"abcde"), tlv(0x0c, b"x"))))), FORM
    for title, sign in (("a control", "\x85"), ("from right to left", "\u202e"),
                        ("no character", "\uffff")):
        yield f"a name with {title}", card(names=facts(n1=fact(1, f"桜野{sign}花子"))), FACT
    yield "no facts", card(names=subject_alt(("dns", "a.example.jp"))), FACT
