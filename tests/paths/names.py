"""Section 4.13: name constraints of directory names, mail, hosts, URIs and addresses."""
from suite import GOOD, bad, dn
from x509 import Key, name_constraints, subject_alt, subject_key

WHOLE = "--no-revocation"
NEVER = bad("name-constraints")
TREE = "C=JP/O=Paths/OU="
LONG = ("uri", "http://host.example.jp/")


def permitted(*items):
    return [name_constraints(permitted=items)]


def excluded(*items):
    return [name_constraints(excluded=items)]


def trees(*names):
    return [("dn", TREE + name) for name in names]


def row(s, title, constraints, expected, *names, subject=None, below=None):
    """`constraints` of the first authority; `below`: (name, constraints) of a second."""
    s.serial += 1
    ca = s.ca(f"names {s.serial}", extra=constraints, crl=False)
    if below:
        ca = s.ca(f"names {s.serial} below", ca, below[1], subject=below[0], crl=False)
    leaf = s.ee(ca, *([subject_alt(*names)] if names else []), subject=subject)
    s.case(f"4.13.{title}", leaf, expected, WHOLE)


def directory_names(s):
    s.section = "4.13"
    one, two, both = (permitted(*trees(*t)) for t in (("p1",), ("p2",), ("p1", "p2")))
    inside, outside = TREE + "p1/CN=ee", TREE + "x1/CN=ee"
    row(s, "1 Valid DN", one, GOOD, subject=inside)
    row(s, "2 Invalid DN", one, NEVER, subject=outside)
    row(s, "3 Invalid DN", one, NEVER, ("dn", outside), subject=inside)
    row(s, "4 Valid DN", one, GOOD, ("dn", TREE + "p1/CN=other"), subject=inside)
    row(s, "5 Valid DN", both, GOOD, subject=TREE + "p2/CN=ee")
    row(s, "6 Valid DN", excluded(*trees("x1")), GOOD, subject=inside)
    row(s, "7 Invalid DN", excluded(*trees("x1")), NEVER, subject=outside)
    row(s, "8 Invalid DN", excluded(*trees("x1", "x2")), NEVER, subject=outside)
    row(s, "9 Invalid DN", excluded(*trees("x1", "x2")), NEVER, subject=TREE + "x2/CN=ee")
    mixed = [name_constraints(trees("p1"), trees("p1/OU=x1"))]
    row(s, "10 Invalid DN", mixed, NEVER, subject=TREE + "p1/OU=x1/CN=ee")
    row(s, "11 Valid DN", mixed, GOOD, subject=inside)
    own = TREE + "p1/CN=Sub"
    narrow = (own, permitted(*trees("p1/OU=p2")))
    row(s, "12 Invalid DN", one, NEVER, subject=inside, below=narrow)
    row(s, "13 Invalid DN", one, NEVER, subject=TREE + "p2/CN=ee", below=(own + "13", two))
    row(s, "14 Valid DN", one, GOOD, subject=TREE + "p1/OU=p2/CN=ee",
        below=(own + "14", narrow[1]))
    row(s, "15 Invalid DN", excluded(*trees("x1")), NEVER, subject=outside,
        below=(TREE + "p1/CN=15", excluded(*trees("x2"))))
    row(s, "16 Invalid DN", excluded(*trees("x1")), NEVER, subject=TREE + "x2/CN=ee",
        below=(TREE + "p1/CN=16", excluded(*trees("x2"))))
    row(s, "17 Invalid DN", excluded(*trees("x1")), NEVER, subject=outside,
        below=(TREE + "p1/CN=17", one))
    row(s, "18 Valid DN", excluded(*trees("x1")), GOOD, subject=inside,
        below=(TREE + "p1/CN=18", one))
    ca = s.ca("self-issued", extra=one, crl=False)
    again = s.again(ca, "again")  # outside of its own subtrees, as they do not bind it
    s.case("4.13.19 Valid Self-Issued DN", s.ee(again, subject=inside), GOOD, WHOLE)
    s.case("4.13.20 Invalid Self-Issued DN", s.ee(ca, subject_key(Key("End Entity")),
                                                    subject=dn("4.13 self-issued")), NEVER, WHOLE)
    row(s, "a capital letter, a second blank", excluded(*trees("x 1")), NEVER,
        subject=TREE + "X  1/CN=ee")
    row(s, "a subordinate outside", one, NEVER, subject=inside,
        below=(TREE + "x1/CN=outside", []))


def other_names(s):
    s.section = "4.13 others"

    def mail(address):
        return "email", address
    domain, host = permitted(mail(".example.jp")), permitted(mail("example.jp"))
    row(s, "21 Valid RFC822", domain, GOOD, mail("a@mail.example.jp"))
    row(s, "22 Invalid RFC822", domain, NEVER, mail("a@example.jp"))
    row(s, "23 Valid RFC822", host, GOOD, mail("a@example.jp"))
    row(s, "24 Invalid RFC822", host, NEVER, mail("a@mail.example.jp"))
    row(s, "25 Valid RFC822", excluded(mail("example.jp")), GOOD, mail("a@mail.example.jp"))
    row(s, "26 Invalid RFC822", excluded(mail("example.jp")), NEVER, mail("a@example.jp"))
    row(s, "one mailbox, permitted", permitted(mail("a@example.jp")), GOOD, mail("a@EXAMPLE.jp"))
    row(s, "another mailbox", permitted(mail("a@example.jp")), NEVER, mail("b@example.jp"))
    tree = [("dn", TREE + "p1")]
    inside = TREE + "p1/CN=ee"
    row(s, "27 Valid DN and RFC822", permitted(*tree, mail("example.jp")), GOOD,
        mail("a@example.jp"), subject=inside)
    row(s, "28 Invalid DN and RFC822", permitted(*tree, mail("example.jp")), NEVER,
        mail("a@other.jp"), subject=inside)
    row(s, "29 Invalid DN and RFC822", permitted(*tree, mail("example.jp")), NEVER,
        subject=TREE + "p1/E=a@other.jp")
    row(s, "30 Valid DNS", permitted(("dns", "example.jp")), GOOD, ("dns", "a.example.jp"))
    row(s, "31 Invalid DNS", permitted(("dns", "example.jp")), NEVER, ("dns", "a.other.jp"))
    row(s, "32 Valid DNS", excluded(("dns", "example.jp")), GOOD, ("dns", "a.other.jp"))
    row(s, "33 Invalid DNS", excluded(("dns", "example.jp")), NEVER, ("dns", "a.EXAMPLE.jp"))
    row(s, "38 Invalid DNS", permitted(("dns", "example.jp")), NEVER, ("dns", "myexample.jp"))
    row(s, "34 Valid URI", permitted(("uri", ".example.jp")), GOOD, LONG)
    row(s, "35 Invalid URI", permitted(("uri", ".example.jp")), NEVER,
        ("uri", "http://example.jp/"))
    row(s, "36 Valid URI", excluded(("uri", "example.jp")), GOOD, LONG)
    row(s, "37 Invalid URI", excluded(("uri", "example.jp")), NEVER, ("uri", "ftp://example.jp/x"))
    row(s, "a URI without a host", permitted(("uri", ".example.jp")), NEVER, ("uri", "urn:x"))


def addresses(s):
    s.section = "4.13 addresses"
    ten = ("ip", bytes([10, 0, 0, 0, 255, 0, 0, 0]))
    six = ("ip", bytes.fromhex("20010db8" + 24 * "0" + "ffffffff" + 24 * "0"))
    row(s, "Valid IPv4", permitted(ten), GOOD, ("ip", bytes([10, 1, 2, 3])))
    row(s, "Invalid IPv4", permitted(ten), NEVER, ("ip", bytes([11, 1, 2, 3])))
    row(s, "Invalid IPv4, excluded", excluded(ten), NEVER, ("ip", bytes([10, 255, 255, 255])))
    row(s, "Valid IPv4, excluded", excluded(ten), GOOD, ("ip", bytes([11, 0, 0, 0])))
    row(s, "Valid IPv6", permitted(six), GOOD, ("ip", bytes.fromhex("20010db8" + 24 * "1")))
    row(s, "Invalid IPv6", permitted(six), NEVER, ("ip", bytes.fromhex("20010db9" + 24 * "1")))
    row(s, "IPv6 where IPv4 is permitted", permitted(ten), NEVER,
        ("ip", bytes.fromhex("20010db8" + 24 * "1")))
    row(s, "an address of five octets", permitted(ten), NEVER, ("ip", bytes(5)))
    row(s, "a constraint of five octets", permitted(("ip", bytes(5))), NEVER,
        ("ip", bytes([10, 1, 2, 3])))
    row(s, "names of a kind that nothing constrains", permitted(ten), GOOD, ("dns", "a.example.jp"))
    row(s, "minimum is not 0 (RFC 5280 §4.2.1.10)",
        [name_constraints([("dns", "example.jp")], minimum=1)], NEVER, ("dns", "a.example.jp"))
    hosts = [("dns", f"h{number}.example.jp") for number in range(1100)]
    row(s, "1,100 names against 1,100 constraints", permitted(*hosts), bad("malformed"),
        *(1100 * [("dns", "a.h1099.example.jp")]))
    row(s, "the last of two names", permitted(("dns", "example.jp")), NEVER,
        ("dns", "a.example.jp"), ("dns", "a.other.jp"))


SECTIONS = (directory_names, other_names, addresses)
