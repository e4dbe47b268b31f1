"""What the cases of tests/paths stand on: authorities, certificates, lists, and the rows."""
import x509

GOOD = (0, None)


def bad(reason):
    return 1, "certificate-" + reason


def untold(reason):
    return 2, "revocation-" + reason


class Certificate:
    def __init__(self, der, serial):
        self.der, self.serial = der, serial


class Authority:
    def __init__(self, name, key, certificate):
        self.name, self.key, self.certificate, self.entries = name, key, certificate, []

    def revoke(self, certificate, *entry, date="20260401000000"):
        self.entries.append((certificate.serial, date, *entry))


def dn(title):
    return f"C=JP/O=Paths/CN={title}"


class Suite:
    """Everything that is made goes into one pool, as cities keep it in one folder: the path to each
    leaf has to be found, and no other authority's list may get in the way."""

    def __init__(self):
        self.cases, self.untrusted, self.lists, self.pending = [], [], [], []
        self.serial, self.section = 1000, ""
        key = x509.Key("Trust Anchor")
        name = x509.name(dn("Trust Anchor"))
        der = x509.certificate(name, key.public(), name, key, 1, [
            x509.basic(), x509.usage(x509.CERT_SIGN, x509.CRL_SIGN), x509.subject_key(key)])
        self.root = Authority(name, key, Certificate(der, 1))
        self.anchor = der
        self.pending.append(self.root)

    def certificate(self, issuer, subject, key, extensions, serial=None, aki=True, signer=None,
                    issuer_name=None, **how):
        self.serial += 1
        serial = self.serial if serial is None else serial
        signer = signer or issuer.key
        extensions = [*([x509.authority_key(signer)] if aki else []), *extensions]
        if how.get("version") == 1:
            extensions = []
        der = x509.certificate(subject, key.public(), issuer_name or issuer.name, signer, serial,
                               extensions, **how)
        return Certificate(der, serial)

    def ca(self, title, issuer=None, extra=(), basic=x509.basic(), crl=True, key=None, subject=None,
           usage=x509.usage(x509.CERT_SIGN, x509.CRL_SIGN), **how):
        """An authority; with `crl` it issues one complete list, when all is said."""
        subject = x509.name(subject or dn(f"{self.section} {title}"))
        key = key or x509.Key(f"{self.section} {title}")
        certificate = self.certificate(issuer or self.root, subject, key, [
            x509.subject_key(key), *filter(None, (basic, usage)), *extra], **how)
        self.untrusted.append(certificate.der)
        authority = Authority(subject, key, certificate)
        if crl:
            self.pending.append(authority)
        return authority

    def again(self, ca, title, extra=(), basic=x509.basic(),
              usage=x509.usage(x509.CERT_SIGN, x509.CRL_SIGN), **how):
        """Another key of the same authority, in a certificate that it issues to itself."""
        key = x509.Key(f"{self.section} {title}")
        certificate = self.certificate(ca, ca.name, key, [
            x509.subject_key(key), *filter(None, (basic, usage)), *extra], **how)
        self.untrusted.append(certificate.der)
        again = Authority(ca.name, key, certificate)
        again.entries = ca.entries
        return again

    def ee(self, ca, *extra, subject=None, **how):
        key = x509.Key("End Entity")
        subject = x509.name(subject or dn(f"{self.section} End Entity"))
        return self.certificate(ca, subject, key, [
            x509.usage(x509.SIGNATURE, x509.NON_REPUDIATION), *extra], **how)

    def ca_leaf(self, ca, title, *extra, **how):
        """A leaf that is an authority itself."""
        key = x509.Key("End Entity")
        return self.certificate(ca, x509.name(dn(f"{self.section} {title}")), key, [
            x509.subject_key(key), x509.basic(), x509.usage(x509.CERT_SIGN, x509.CRL_SIGN), *extra],
            **how)

    def crl(self, ca, *extra, entries=None, number=1, name=None, key=None, **how):
        entries = ca.entries if entries is None else entries
        key = key or ca.key
        der = x509.crl(name or ca.name, key, entries,
                       [x509.authority_key(key), x509.crl_number(number), *extra], **how)
        self.lists.append(der)
        return der

    def case(self, title, leaf, expected, options="", oracle=None):
        """`oracle`: what OpenSSL's own command does otherwise, and why."""
        self.cases.append((title, leaf.der, expected, options, oracle))

    def chain(self, *steps):
        """Each but the last is the extensions of an authority below the one before it ("self": of
        a certificate that it issues to itself); the last is those of the leaf. Without lists."""
        ca = self.root
        for at, extra in enumerate(steps[:-1]):
            self.serial += 1
            if extra and extra[0] == "self":
                ca = self.again(ca, f"self {self.serial}", extra[1:])
            else:
                ca = self.ca(f"chain {self.serial}", ca, extra, crl=False)
        return self.ee(ca, *steps[-1])

    def finish(self):
        for ca in self.pending:
            self.crl(ca)
        self.pending = []
