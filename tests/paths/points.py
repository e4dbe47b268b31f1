"""Sections 4.14 and 4.15: distribution points, indirect lists, lists of some reasons, deltas."""
from suite import GOOD, bad, dn, untold
from x509 import (CRL_SIGN, SIGNATURE, basic, delta_of, distribution, entry_issuer, issuing, reason,
                  usage)

UNAVAILABLE, REVOKED, ON_HOLD = untold("unavailable"), bad("revoked"), untold("on-hold")
KEY, CA, AFFILIATION, SUPERSEDED, CESSATION, HOLD = 1, 2, 3, 4, 5, 6
PRIVILEGE, ATTRIBUTE = 7, 8
REST = (AFFILIATION, SUPERSEDED, CESSATION, HOLD, PRIVILEGE, ATTRIBUTE)
END = "C=JP/O=Paths/OU=points"


def at(name):
    return f"{END}/CN={name}"


def points(s):
    s.section = "4.14"
    ca = s.ca("points 1", crl=False)
    point = distribution({"full": at("one")})
    revoked = s.ee(ca, point)
    ca.revoke(revoked)
    s.crl(ca, issuing(full=at("one")))
    s.case("4.14.1 Valid distributionPoint", s.ee(ca, point), GOOD)
    s.case("4.14.2 Invalid distributionPoint", revoked, REVOKED)
    s.case("4.14.3 Invalid distributionPoint", s.ee(ca, distribution({"full": at("other")})),
           UNAVAILABLE)
    s.case("No distribution point, but a list of one", s.ee(ca), UNAVAILABLE)
    near = s.ca("points 1a", crl=False, subject=END)
    s.crl(near, issuing(full=at("near")))
    s.case("4.14.4 Valid distributionPoint", s.ee(near, distribution({"relative": "CN=near"})),
           GOOD)
    ca = s.ca("points 2", crl=False, subject=f"{END}/OU=2")
    full = f"{END}/OU=2/CN=x"
    relative = distribution({"relative": "CN=x"})
    revoked = s.ee(ca, relative)
    ca.revoke(revoked)
    s.crl(ca, issuing(relative="CN=x"))
    s.case("4.14.5 Valid distributionPoint", s.ee(ca, relative), GOOD)
    s.case("4.14.6 Invalid distributionPoint", revoked, REVOKED)
    s.case("4.14.7 Valid distributionPoint", s.ee(ca, distribution({"full": full})), GOOD)
    s.case("4.14.8 Invalid distributionPoint", s.ee(ca, distribution({"full": full + "x"})),
           UNAVAILABLE)
    s.case("4.14.9 Invalid distributionPoint", s.ee(ca, distribution({"relative": "CN=y"})),
           UNAVAILABLE)
    s.case("4.14.10 Valid No issuingDistributionPoint", s.ee(s.ca("plain"), point), GOOD)
    s.case("The second of two points", s.ee(ca, distribution({"full": at("no")}, {"full": full})),
           GOOD)

    def only(title, expected, leaf_ca=False, **scope):
        ca = s.ca(title, crl=False, subject=at(title))
        s.crl(ca, issuing(**scope))
        s.case(title, s.ca_leaf(ca, title + " CA") if leaf_ca else s.ee(ca, basic(False)), expected)
    only("4.14.11 Invalid onlyContainsUserCerts CRL", UNAVAILABLE, True, users=True)
    only("4.14.12 Invalid onlyContainsCACerts CRL", UNAVAILABLE, cas=True)
    only("4.14.13 Valid onlyContainsCACerts CRL", GOOD, True, cas=True)
    only("4.14.14 Invalid onlyContainsAttributeCerts", UNAVAILABLE, attributes=True)
    only("onlyContainsUserCerts CRL, of a user", GOOD, users=True)
    only("Two scopes at once (RFC 5280 §5.2.5)", UNAVAILABLE, users=True, cas=True)


def some_reasons(s):
    s.section = "4.14 reasons"

    def split(title, one, two, entries=((), ()), point=None, names=(None, None)):
        """Two lists of some reasons; `entries`: reasons for which they hold the leaf."""
        ca = s.ca(title, crl=False)
        leaf = s.ee(ca, *([point] if point else []))
        for reasons, codes, full in ((one, entries[0], names[0]), (two, entries[1], names[1])):
            listed = [(leaf.serial, "20260401000000", reason(code)) for code in codes]
            s.crl(ca, issuing(reasons=reasons, full=full), entries=listed)
        return leaf
    both = (KEY, CA), REST
    s.case("4.14.15 Invalid onlySomeReasons", split("15", *both, ((1,), ())), REVOKED)
    s.case("4.14.16 Invalid onlySomeReasons", split("16", *both, ((), (6,))), ON_HOLD)
    s.case("4.14.17 Invalid onlySomeReasons", split("17", (KEY, CA), (AFFILIATION,)), UNAVAILABLE)
    s.case("4.14.18 Valid onlySomeReasons", split("18", *both), GOOD)
    names = at("reasons 1"), at("reasons 2")
    point = distribution({"full": names[0], "reasons": both[0]},
                         {"full": names[1], "reasons": both[1]})
    for number, entries, expected in (("19 Valid", ((), ()), GOOD),
                                      ("20 Invalid", ((1,), ()), REVOKED),
                                      ("21 Invalid", ((), (3,)), REVOKED)):
        s.case(f"4.14.{number} onlySomeReasons", split(number, *both, entries, point, names),
               expected)
    s.case("Points of some reasons only",
           split("some", *both, point=distribution({"full": names[0], "reasons": both[0]}),
                 names=names), UNAVAILABLE)


def indirect(s):
    s.section = "4.14 indirect"
    one = s.ca("one", crl=False)
    own = s.ee(one)
    one.revoke(own)
    two = s.ca("two", crl=False)
    name = dn("4.14 indirect one")
    other = distribution({"full": name, "issuer": name})
    theirs = s.ee(two, other)
    one.entries.append((theirs.serial, "20260401000000", entry_issuer(dn("4.14 indirect two"))))
    same = one.entries[0][0]  # a number that the list holds for another authority
    s.crl(one, issuing(full=name, indirect=True))
    s.crl(one, issuing(indirect=True), number=2)
    s.case("4.14.22 Valid IDP with indirectCRL", s.ee(one), GOOD)
    s.case("4.14.23 Invalid IDP with indirectCRL", own, REVOKED)
    s.case("4.14.24 Valid IDP with indirectCRL", s.ee(two, other), GOOD)
    s.case("4.14.25 Valid IDP with indirectCRL", s.ee(two, other, serial=same), GOOD)
    s.case("An entry names its issuer", theirs, REVOKED)
    s.case("4.14.26 Invalid IDP with indirectCRL",
           s.ee(two, distribution({"full": at("none"), "issuer": dn("nobody")})), UNAVAILABLE)
    plain = s.ca("plain")
    s.case("4.14.27 Invalid cRLIssuer",
           s.ee(two, distribution({"full": dn("4.14 indirect plain"),
                                   "issuer": dn("4.14 indirect plain")})), UNAVAILABLE)
    del plain
    three = s.ca("three", crl=False)
    s.crl(three, issuing(full=at("three")))
    issuer = s.ca("three CRL", three, [distribution({"full": at("three")})], crl=False,
                  usage=usage(CRL_SIGN), basic=None)
    issuer_name = dn("4.14 indirect three CRL")
    revoked = s.ee(three, distribution({"full": issuer_name, "issuer": issuer_name}))
    other = s.ee(three, distribution({"full": issuer_name, "issuer": issuer_name}))
    s.crl(issuer, issuing(full=issuer_name, indirect=True),
          entries=[(revoked.serial, "20260401000000", entry_issuer(dn("4.14 indirect three")))])
    s.case("4.14.28 Valid cRLIssuer", other, GOOD)
    s.case("4.14.31 Invalid cRLIssuer", revoked, REVOKED)
    s.case("4.14.29 Valid cRLIssuer, by its name alone",
           s.ee(three, distribution({"full": issuer_name, "issuer": issuer_name})), GOOD)
    s.case("The issuer of lists has no say without cRLIssuer",
           s.ee(s.ca("four", crl=False)), UNAVAILABLE)
    # One list of several authorities: an entry without a name is of the one before it.
    five = s.ca("five", crl=False)
    six, seven = s.ca("six", crl=False), s.ca("seven", crl=False)
    name = dn("4.14 indirect five")
    other = distribution({"full": name, "issuer": name})
    a, b, c = s.ee(six, other), s.ee(six, other), s.ee(seven, other)
    date = "20260401000000"
    s.crl(five, issuing(full=name, indirect=True), entries=[
        (1, date), (a.serial, date, entry_issuer(dn("4.14 indirect six"))), (b.serial, date),
        (2, date, entry_issuer(dn("4.14 indirect seven")))])
    s.case("4.14.32 Invalid cRLIssuer", a, REVOKED)
    s.case("4.14.34 Invalid cRLIssuer", b, REVOKED)
    s.case("4.14.33 Valid cRLIssuer", c, GOOD)
    s.case("4.14.35 Invalid cRLIssuer", s.ee(seven, distribution({"issuer": dn("nobody else")})),
           UNAVAILABLE)


def deltas(s):
    s.section = "4.15"
    freshest = distribution({"full": at("delta")}, freshest=True)
    when = "20260401000000"

    def row(title, expected, base=(), delta=(), base_number=3, delta_number=5, based_on=1,
            base_how=None, delta_how=None, complete=True, oracle=None):
        """`base` and `delta`: codes of reasons (and dates) for which they hold the leaf."""
        ca = s.ca(title, crl=False)
        leaf = s.ee(ca, freshest)

        def entries(codes):
            return [(leaf.serial, *(code if isinstance(code, tuple) else (when, reason(code))))
                    for code in codes]
        if complete:
            s.crl(ca, freshest, entries=entries(base), number=base_number, **(base_how or {}))
        s.crl(ca, delta_of(based_on), entries=entries(delta), number=delta_number,
              **(delta_how or {"start": "20260515000000"}))
        s.case(title, leaf, expected, "", oracle)
    row("4.15.1 Invalid deltaCRLIndicator No Base", UNAVAILABLE, complete=False)
    row("4.15.2 Valid delta-CRL", GOOD)
    row("4.15.3 Invalid delta-CRL", REVOKED, delta=(1,))
    row("4.15.4 Invalid delta-CRL", REVOKED, base=(1,))
    row("4.15.5 Valid delta-CRL", GOOD, base=(6,), delta=(8,))
    row("4.15.6 Invalid delta-CRL", REVOKED, base=(6,), delta=((when, reason(1)),))
    row("4.15.6 Invalid delta-CRL, revoked after it was on hold", REVOKED, base=(6,),
        delta=(("20260520000000", reason(1)),))
    row("On hold in both", ON_HOLD, base=(6,), delta=(6,))
    row("4.15.7 Valid delta-CRL", GOOD, based_on=3)
    row("4.15.8 Valid delta-CRL", GOOD, base_number=5, delta_number=6, based_on=5)
    row("4.15.9 Invalid delta-CRL", REVOKED, delta=(1,), based_on=3)
    # RFC 5280 §5.2.4: the delta is of no use to a base that is older than what it stands on.
    row("4.15.10 Invalid delta-CRL", untold("stale"), based_on=4,
        base_how={"end": "20260502000000"})
    row("A delta for a later base adds nothing", GOOD, delta=(1,), based_on=4)
    row("A delta that is older than the base adds nothing", GOOD, delta=(1,), delta_number=2)
    forged = {"broken": True}
    stands = "to it the base is of no use then"
    row("A delta that another key signed adds nothing", GOOD, delta=(1,), delta_how=forged,
        oracle=stands)
    row("A delta that another key signed takes nothing away", REVOKED, base=(1,), delta=(8,),
        delta_how=forged)
    row("A delta that another key signed changes no date", GOOD,
        base=(("20260701000000", reason(1)),), delta=(1,), delta_how=forged, oracle=stands)
    row("A delta that another key signed makes no hold", REVOKED, base=(1,),
        delta=(("20260101000000", reason(6)),), delta_how=forged)
    row("A delta of tomorrow adds nothing", GOOD, delta=(1,),
        delta_how={"start": "20260602000000"}, oracle="it takes the delta before its time")


def list_issuers(s):
    """RFC 5280 §6.3.3 (f): the issuer of a list has a path of its own, good at that moment."""
    s.section = "4.14 issuers"

    def row(title, expected, use=usage(CRL_SIGN), oracle=None, **how):
        ca = s.ca(title, crl=False)
        point = at(title)
        s.crl(ca, issuing(full=point))
        issuer = s.ca(f"{title} CRL", ca, [distribution({"full": point})], crl=False, usage=use,
                      basic=None, **how)
        name = dn(f"{s.section} {title} CRL")
        s.crl(issuer, issuing(full=name, indirect=True))
        s.case(f"The issuer of the list: {title}",
               s.ee(ca, distribution({"full": name, "issuer": name})), expected, "", oracle)
    row("good", GOOD)
    passes = "its command goes on after that error on the path of a list's issuer"
    row("expired", UNAVAILABLE, end="20260201000000", oracle=passes)
    row("not yet valid", UNAVAILABLE, start="20270101000000")
    row("may not sign lists", UNAVAILABLE, usage(SIGNATURE), oracle=passes)
    row("signed by another", UNAVAILABLE, broken=True)
    row("signed with SHA-1", UNAVAILABLE, digest="sha1",
        oracle="its command lets SHA-1 pass by default")


SECTIONS = (points, some_reasons, indirect, list_issuers, deltas)
