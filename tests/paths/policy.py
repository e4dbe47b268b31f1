"""Sections 4.8 to 4.12: certificate policies, as RFC 5280 §6.1 processes them. Each row is a chain
below the anchor ("self" first: a certificate that the authority issues to itself)."""
from suite import GOOD, bad
from x509 import constraints, cps, inhibit_any, mappings, notice, policies

P1, P2, P3, P4, P5, P6 = (f"1.2.392.200999.2.{n}" for n in range(1, 7))
ANY = "2.5.29.32.0"
NEVER = bad("policy")
EXPLICIT = "--explicit-policy"


def of(*oids, also=()):
    return [policies(*oids), *also]


def user(*oids):
    return " ".join(f"--policy {oid}" for oid in oids)


def rows(s, title, chain, *results):
    """`results`: (options, expected)…; the first word of every title is its number of PKITS."""
    leaf = s.chain(*chain)
    for options, expected in results:
        s.case(f"{title} [{options}]", leaf, expected, f"--no-revocation {options}".strip())


def explicit(skip=0):
    return [constraints(explicit=skip)]


def certificate_policies(s):
    s.section = "4.8"
    rows(s, "4.8.1 All Certificates Same Policy", (of(P1), of(P1), of(P1)),
         (EXPLICIT, GOOD), (f"{EXPLICIT} {user(P1)}", GOOD), (f"{EXPLICIT} {user(P2)}", NEVER),
         (f"{EXPLICIT} {user(P1, P2)}", GOOD), (f"{EXPLICIT} {user(ANY)}", GOOD),
         (user(P2), GOOD))
    rows(s, "4.8.2 All Certificates No Policies", ([], [], []), ("", GOOD), (EXPLICIT, NEVER))
    rows(s, "4.8.3 Different Policies", (of(P1), of(P2), of(P2)),
         ("", GOOD), (EXPLICIT, NEVER), (f"{EXPLICIT} {user(P1, P2)}", NEVER))
    rows(s, "4.8.4 Different Policies", (of(P1, also=explicit()), of(P1), of(P2)), ("", NEVER))
    rows(s, "4.8.5 Different Policies", (of(P1, also=explicit()), of(P2), of(P1)), ("", NEVER))
    rows(s, "4.8.6 Overlapping Policies",
         (of(P1, P2, P3, also=explicit()), of(P1, P2), of(P1)),
         ("", GOOD), (user(P1), GOOD), (user(P2), NEVER))
    rows(s, "4.8.7 Different Policies",
         (of(P1, P2, P3, also=explicit()), of(P1, P2), of(P1), of(P3)), ("", NEVER))
    rows(s, "4.8.8 Different Policies",
         (of(P1, P2, P3, also=explicit()), of(P1, P2), of(P2), of(P3)), ("", NEVER))
    rows(s, "4.8.9 Different Policies",
         (of(P1, P2, P3, also=explicit()), of(P1, P2), of(P1, P2), of(P2), of(P1)), ("", NEVER))
    rows(s, "4.8.10 All Certificates Same Policies", (of(P1, P2), of(P1, P2)),
         (f"{EXPLICIT} {user(P1)}", GOOD), (f"{EXPLICIT} {user(P2)}", GOOD), (EXPLICIT, GOOD),
         (f"{EXPLICIT} {user(P3)}", NEVER))
    rows(s, "4.8.11 All Certificates AnyPolicy", (of(ANY), of(ANY)),
         (EXPLICIT, GOOD), (f"{EXPLICIT} {user(P1)}", GOOD))
    rows(s, "4.8.12 Different Policies", (of(P3), of(P4)), (EXPLICIT, NEVER))
    rows(s, "4.8.13 All Certificates Same Policies", (of(P1, P2, P3), of(P1, P2, P3)),
         *((f"{EXPLICIT} {user(p)}", GOOD) for p in (P1, P2, P3)))
    rows(s, "4.8.14 AnyPolicy", (of(ANY), of(P1)),
         (f"{EXPLICIT} {user(P1)}", GOOD), (f"{EXPLICIT} {user(P2)}", NEVER))
    rows(s, "4.8.15 User Notice Qualifier", (of((P1, notice("q1"))),), (EXPLICIT, GOOD))
    rows(s, "4.8.16 User Notice Qualifier", (of(P1), of((P1, notice("q1")), (P2, notice("q2")))),
         (EXPLICIT, GOOD), (f"{EXPLICIT} {user(P2)}", NEVER))
    rows(s, "4.8.17 User Notice Qualifier", (of(P1), of((P1, notice("q3")))), (EXPLICIT, GOOD))
    rows(s, "4.8.18 User Notice Qualifier",
         (of((P1, notice("a")), (P2, notice("b"))), of((P1, notice("q4")), (P2, notice("q5")))),
         (f"{EXPLICIT} {user(P1)}", GOOD), (f"{EXPLICIT} {user(P2)}", GOOD))
    rows(s, "4.8.19 User Notice Qualifier", (of((P1, notice(400 * "q"))),), (EXPLICIT, GOOD))
    rows(s, "4.8.20 CPS Pointer Qualifier", (of((P1, cps("http://cps.example/"))),),
         (EXPLICIT, GOOD))
    both = of(P1, P2, also=[mappings(*((a, b) for a in (P1, P2) for b in (P1, P2)))])
    rows(s, "A tree of 2^16 policies", ([*both, *explicit()], *(14 * [both]), of(P1, P2)),
         ("", bad("malformed")))
    rows(s, "A policy twice (RFC 5280 §4.2.1.4)", (of(P1), of(P1, P1)), ("", NEVER))


def require_explicit(s):
    s.section = "4.9"

    def four(skip):
        return explicit(skip), [], [], [], []
    rows(s, "4.9.1 Valid RequireExplicitPolicy", four(10), ("", GOOD))
    rows(s, "4.9.2 Valid RequireExplicitPolicy", four(5), ("", GOOD))
    rows(s, "4.9.3 Invalid RequireExplicitPolicy", four(4), ("", NEVER))
    rows(s, "4.9.4 Valid RequireExplicitPolicy",
         (of(P1, also=explicit()), of(P1), of(P1), of(P1), of(P1)), ("", GOOD))
    rows(s, "4.9.5 Invalid RequireExplicitPolicy",
         (of(P1, also=explicit(7)), of(P1, also=explicit(2)), of(P1, also=explicit(4)), of(P1), []),
         ("", NEVER))
    rows(s, "4.9.6 Valid Self-Issued requireExplicitPolicy", (explicit(2), ["self"], []),
         ("", GOOD))
    rows(s, "4.9.7 Invalid Self-Issued requireExplicitPolicy", (explicit(2), ["self"], [], []),
         ("", NEVER))
    rows(s, "4.9.8 Invalid Self-Issued requireExplicitPolicy",
         (explicit(2), ["self"], [], ["self"], []), ("", NEVER))
    rows(s, "In the leaf itself (RFC 5280 §6.1.5 b)", ([], explicit(0)), ("", NEVER))


def policy_mappings(s):
    s.section = "4.10"
    mapped = of(P1, also=[mappings((P1, P2))])
    rows(s, "4.10.1 Valid Policy Mapping", (mapped, of(P2)), (f"{EXPLICIT} {user(P1)}", GOOD),
         (f"{EXPLICIT} {user(P2)}", NEVER), (f"{EXPLICIT} --inhibit-mapping", NEVER))
    rows(s, "4.10.2 Invalid Policy Mapping", (mapped, of(P1)), (EXPLICIT, NEVER),
         (f"{EXPLICIT} --inhibit-mapping", NEVER))
    rows(s, "4.10.3 Valid Policy Mapping",
         (of(P1, P2), of(P2, also=[mappings((P2, P3))]), of(P3)),
         (f"{EXPLICIT} {user(P1)}", NEVER), (f"{EXPLICIT} {user(P2)}", GOOD))
    rows(s, "4.10.4 Invalid Policy Mapping",
         (of(P1, P2), of(P2, also=[mappings((P2, P3))]), of(P4)), (EXPLICIT, NEVER))
    two = of(P1, also=[mappings((P1, P2), (P1, P3))])
    rows(s, "4.10.5 Valid Policy Mapping", (two, of(P2)), (f"{EXPLICIT} {user(P1)}", GOOD),
         (f"{EXPLICIT} {user(P6)}", NEVER))
    rows(s, "4.10.6 Valid Policy Mapping", (two, of(P3)), (f"{EXPLICIT} {user(P1)}", GOOD),
         (f"{EXPLICIT} {user(P6)}", NEVER))
    rows(s, "4.10.7 Invalid Mapping From anyPolicy",
         (of(ANY, also=[mappings((ANY, P1))]), of(P1)), ("", NEVER))
    rows(s, "4.10.8 Invalid Mapping To anyPolicy",
         (of(P1, also=[mappings((P1, ANY))]), of(P1)), ("", NEVER))
    any_mapped = of(ANY, also=[mappings((P1, P2))])
    rows(s, "4.10.9 Valid Policy Mapping", (any_mapped, of(P2)), (EXPLICIT, GOOD),
         (f"{EXPLICIT} {user(P1)}", GOOD), (f"{EXPLICIT} {user(P2)}", NEVER))
    rows(s, "4.10.10 Invalid Policy Mapping", (of(P1), any_mapped, of(P1)), (EXPLICIT, NEVER))
    rows(s, "4.10.11 Valid Policy Mapping", (of(P1), any_mapped, of(P2)), (EXPLICIT, GOOD))
    rows(s, "4.10.12 Valid Policy Mapping",
         (of(P1, P2, also=[mappings((P1, P3))]), of((P3, notice("q7")), P2)),
         (f"{EXPLICIT} {user(P1)}", GOOD), (f"{EXPLICIT} {user(P2)}", GOOD),
         (f"{EXPLICIT} {user(P3)}", NEVER))
    both = of((P1, notice("q")), ANY, also=[mappings((P1, P2))])
    rows(s, "4.10.13 Valid Policy Mapping", (both, of(P2)), (EXPLICIT, GOOD))
    rows(s, "4.10.14 Valid Policy Mapping", (both, of(P1)), (EXPLICIT, GOOD))


def inhibit_mapping(s):
    s.section = "4.11"

    def never(skip, *oids):
        return of(*oids, also=[constraints(inhibit=skip)])

    def mapped(old, new, *also):
        return of(old, also=[mappings((old, new), *also)])
    one_two, two_three = mapped(P1, P2), mapped(P2, P3)
    rows(s, "4.11.1 Invalid inhibitPolicyMapping", (never(0, P1), one_two, of(P2)),
         (EXPLICIT, NEVER))
    rows(s, "4.11.2 Valid inhibitPolicyMapping", (never(1, P1), one_two, of(P2)),
         (EXPLICIT, GOOD))
    rows(s, "4.11.3 Invalid inhibitPolicyMapping", (never(1, P1), one_two, two_three, of(P3)),
         (EXPLICIT, NEVER))
    rows(s, "4.11.4 Valid inhibitPolicyMapping",
         (never(1, P1, P2), of(P1, P2, also=[mappings((P1, P3), (P2, P4))]),
          of(P3, P4, also=[mappings((P3, P5))]), of(P4)),
         (EXPLICIT, GOOD), (f"{EXPLICIT} {user(P2)}", GOOD), (f"{EXPLICIT} {user(P1)}", NEVER))
    rows(s, "4.11.5 Invalid inhibitPolicyMapping", (never(5, P1), never(1, P1), one_two,
                                                    two_three, of(P3)), (EXPLICIT, NEVER))
    rows(s, "4.11.6 Invalid inhibitPolicyMapping", (never(1, P1), never(5, P1), one_two, of(P2)),
         (EXPLICIT, NEVER))
    self_p1 = ["self", policies(P1)]
    rows(s, "4.11.7 Valid Self-Issued inhibitPolicyMapping",
         (never(1, P1), self_p1, one_two, of(P2)), (EXPLICIT, GOOD))
    rows(s, "4.11.8 Invalid Self-Issued inhibitPolicyMapping",
         (never(1, P1), self_p1, one_two, two_three, of(P3)), (EXPLICIT, NEVER))
    rows(s, "4.11.9 Invalid Self-Issued inhibitPolicyMapping",
         (never(1, P1), self_p1, one_two, two_three, of(P2)), (EXPLICIT, NEVER))
    own = ["self", *two_three]
    rows(s, "4.11.10 Invalid Self-Issued inhibitPolicyMapping",
         (never(1, P1), self_p1, one_two, own, of(P3)), (EXPLICIT, NEVER))
    rows(s, "4.11.11 Invalid Self-Issued inhibitPolicyMapping",
         (never(1, P1), self_p1, one_two, own, of(P2)), (EXPLICIT, NEVER))


def no_any(s):
    s.section = "4.12"

    def never(skip, *oids):
        return of(*oids, also=[inhibit_any(skip)])
    rows(s, "4.12.1 Invalid inhibitAnyPolicy", (never(0, P1), of(ANY)), (EXPLICIT, NEVER))
    rows(s, "4.12.2 Valid inhibitAnyPolicy", (never(0, P1), of(P1, ANY)), (EXPLICIT, GOOD))
    rows(s, "4.12.3 inhibitAnyPolicy", (never(1, P1), of(ANY), of(P1)), (EXPLICIT, GOOD),
         (f"{EXPLICIT} --inhibit-any", NEVER))
    rows(s, "4.12.4 Invalid inhibitAnyPolicy", (never(1, P1), of(ANY), of(ANY)),
         (EXPLICIT, NEVER))
    rows(s, "4.12.5 Invalid inhibitAnyPolicy", (never(5, P1), never(1, P1), of(ANY), of(ANY)),
         (EXPLICIT, NEVER))
    rows(s, "4.12.6 Invalid inhibitAnyPolicy", (never(1, P1), never(5, ANY), of(ANY)),
         (EXPLICIT, NEVER))
    own = ["self", policies(ANY)]
    rows(s, "4.12.7 Valid Self-Issued inhibitAnyPolicy", (never(1, P1), own, of(ANY), of(P1)),
         (EXPLICIT, GOOD))
    rows(s, "4.12.8 Invalid Self-Issued inhibitAnyPolicy",
         (never(1, P1), own, of(ANY), of(ANY), of(P1)), (EXPLICIT, NEVER))
    rows(s, "4.12.9 Valid Self-Issued inhibitAnyPolicy",
         (never(1, P1), own, of(ANY), own, of(P1)), (EXPLICIT, GOOD))
    rows(s, "4.12.10 Invalid Self-Issued inhibitAnyPolicy", (never(1, P1), own, of(ANY), of(ANY)),
         (EXPLICIT, NEVER))
    rows(s, "anyPolicy of the first CA, inhibited from the start", (of(ANY), of(P1)),
         (EXPLICIT, GOOD), (f"{EXPLICIT} --inhibit-any", NEVER))


SECTIONS = (certificate_policies, require_explicit, policy_mappings, inhibit_mapping, no_any)
