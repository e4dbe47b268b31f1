"""Certificates and CRLs byte by byte, good and bad ones, signed with ECDSA P-256.

Keys follow from their names, and the signature's nonce from the key and what is signed: the same
call gives the same bytes. They are worth nothing outside of tests."""
import hashlib
import hmac

# --- DER ----------------------------------------------------------------------------------------


def tlv(tag, *parts):
    body = b"".join(parts)
    length = len(body)
    if length < 0x80:
        return bytes([tag, length]) + body
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + body


def integer(number):
    return tlv(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True)
               if number >= 0 else
               number.to_bytes((number + 1).bit_length() // 8 + 1, "big", signed=True))


def oid(text):
    first, second, *rest = map(int, text.split("."))
    out = b""
    for number in (40 * first + second, *rest):
        seven = [number & 0x7f]
        while number := number >> 7:
            seven.insert(0, 0x80 | number & 0x7f)
        out += bytes(seven)
    return tlv(0x06, out)


def seq(*parts):
    return tlv(0x30, *parts)


def octets(data):
    return tlv(0x04, data)


def boolean(value):
    return tlv(0x01, b"\xff" if value else b"\x00")


def bits(*numbers):
    """A named bit list: these bits are set, and none stands behind the last (X.690 §11.2.2)."""
    value = sum(0x8000 >> n for n in numbers)
    data = value.to_bytes(2, "big").rstrip(b"\x00")
    unused = 7 - max(numbers, default=7) % 8
    return tlv(0x03, bytes([unused if data else 0]), data)


def tagged(number, *parts):
    return tlv(0xa0 | number, *parts)


def implicit(number, value):
    """`value` under a context tag instead of its own."""
    return bytes([0x80 | number | value[0] & 0x20]) + value[1:]


def time(text):
    """"YYYYMMDDHHMMSS", as UTCTime through 2049 (RFC 5280 §4.1.2.5); "g…" is GeneralizedTime."""
    if text[0] == "g":
        return tlv(0x18, text[1:].encode(), b"Z")
    return tlv(0x17, text[2:].encode(), b"Z") if text[:4] < "2050" else tlv(0x18, text.encode(),
                                                                          b"Z")


ATTRIBUTES = {"C": "2.5.4.6", "O": "2.5.4.10", "OU": "2.5.4.11", "CN": "2.5.4.3", "S": "2.5.4.5",
              "ST": "2.5.4.8", "L": "2.5.4.7", "DNQ": "2.5.4.46", "T": "2.5.4.12",
              "DC": "0.9.2342.19200300.100.1.25", "E": "1.2.840.113549.1.9.1",
              "PSEUDONYM": "2.5.4.65", "GEN": "2.5.4.44"}


def attribute(name, value):
    tag = 0x16 if name in ("DC", "E") else 0x0c if name.endswith("!") else 0x13
    return seq(oid(ATTRIBUTES[name.rstrip("!")]), tlv(tag, value.encode()))


def name(text):
    """"C=JP/O=Test/CN=x"; "CN!=x" is a UTF8String, else PrintableString."""
    return seq(*(tlv(0x31, attribute(*part.split("=", 1))) for part in text.split("/") if part))


# --- keys ---------------------------------------------------------------------------------------

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
G = (0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296,
     0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5, 1)


def double(point):
    x, y, z = point
    s, m = 4 * x * y * y % P, 3 * (x - z * z) * (x + z * z) % P
    x3 = (m * m - 2 * s) % P
    return x3, (m * (s - x3) - 8 * y**4) % P, 2 * y * z % P


def add(p, q):
    """Of points that differ, in Jacobian coordinates."""
    x1, y1, z1 = p
    x2, y2, z2 = q
    u1, u2 = x1 * z2 * z2 % P, x2 * z1 * z1 % P
    s1, s2 = y1 * z2**3 % P, y2 * z1**3 % P
    h, r = u2 - u1, s2 - s1
    x3 = (r * r - h**3 - 2 * u1 * h * h) % P
    return x3, (r * (u1 * h * h - x3) - s1 * h**3) % P, h * z1 * z2 % P


POWERS = [G]
for _ in range(255):
    POWERS.append(double(POWERS[-1]))


def multiply(k):
    """k·G as (x, y)."""
    out = None
    for i in range(256):
        if k >> i & 1:
            out = add(out, POWERS[i]) if out else POWERS[i]
    inverse = pow(out[2], -1, P)
    return out[0] * inverse**2 % P, out[1] * inverse**3 % P


ECDSA = {"sha256": "1.2.840.10045.4.3.2", "sha1": "1.2.840.10045.4.1"}


class Key:
    def __init__(self, name):
        self.d = int.from_bytes(hashlib.sha512(name.encode()).digest(), "big") % (N - 1) + 1
        x, y = multiply(self.d)
        self.point = b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")
        self.id = hashlib.sha1(self.point).digest()

    def public(self):
        return seq(seq(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")),
                   tlv(0x03, b"\x00", self.point))

    def sign(self, data, digest):
        secret = self.d.to_bytes(32, "big")
        k = int.from_bytes(hmac.new(secret, data, "sha512").digest(), "big") % (N - 1) + 1
        z = int.from_bytes(hashlib.new(digest, data).digest()[:32], "big")
        r = multiply(k)[0] % N
        return seq(integer(r), integer(pow(k, -1, N) * (z + r * self.d) % N))

    def signed(self, body, digest="sha256", broken=False, outer=None):
        """SIGNED{body}; `broken`: of other bytes than these."""
        value = self.sign(body + b"." if broken else body, digest)
        algorithm = seq(oid(ECDSA[outer or digest]))
        return seq(body, algorithm, tlv(0x03, b"\x00", value))


# --- extensions: (OID, critical, value) ---------------------------------------------------------


def extension(item):
    number, critical, value = item
    return seq(oid(number), boolean(True) if critical else b"", octets(value))


def basic(ca=True, length=None, critical=True):
    return "2.5.29.19", critical, seq(boolean(True) if ca else b"",
                                      b"" if length is None else integer(length))


SIGNATURE, NON_REPUDIATION, CERT_SIGN, CRL_SIGN = 0, 1, 5, 6


def usage(*numbers, critical=True):
    return "2.5.29.15", critical, bits(*numbers)


def subject_key(key):
    return "2.5.29.14", False, octets(key.id)


def authority_key(key):
    return "2.5.29.35", False, seq(implicit(0, octets(key.id)))


def policies(*oids, critical=False):
    """Each an OID, or (OID, qualifiers in DER)."""
    return "2.5.29.32", critical, seq(*(
        seq(oid(item)) if isinstance(item, str) else seq(oid(item[0]), seq(item[1]))
        for item in oids))


def cps(uri):
    return seq(oid("1.3.6.1.5.5.7.2.1"), tlv(0x16, uri.encode()))


def notice(text):
    return seq(oid("1.3.6.1.5.5.7.2.2"), seq(tlv(0x0c, text.encode())))


def mappings(*pairs):
    return "2.5.29.33", True, seq(*(seq(oid(a), oid(b)) for a, b in pairs))


def constraints(explicit=None, inhibit=None):
    return "2.5.29.36", True, seq(
        b"" if explicit is None else implicit(0, integer(explicit)),
        b"" if inhibit is None else implicit(1, integer(inhibit)))


def inhibit_any(skip):
    return "2.5.29.54", True, integer(skip)


def general(kind, value):
    """A GeneralName: ("dn"|"email"|"dns"|"uri"|"ip"|"rid", text or bytes)."""
    if kind == "dn":
        return tagged(4, name(value))
    tag = {"email": 0x81, "dns": 0x82, "uri": 0x86, "ip": 0x87}[kind]
    return tlv(tag, value if isinstance(value, bytes) else value.encode())


def subject_alt(*names, critical=False):
    return "2.5.29.17", critical, seq(*(general(*item) for item in names))


def name_constraints(permitted=(), excluded=(), minimum=None):
    def trees(number, items):
        least = b"" if minimum is None else implicit(0, integer(minimum))
        return tagged(number, *(seq(general(*item), least) for item in items)) if items else b""
    return "2.5.29.30", True, seq(trees(0, permitted), trees(1, excluded))


def point_name(full=None, relative=None):
    """DistributionPointName: a directory name or a list of them, or the end of one."""
    if relative:
        return implicit(1, tlv(0x31, attribute(*relative.split("=", 1))))
    return tagged(0, *(general("dn", text) for text in ([full] if isinstance(full, str) else full)))


def distribution(*points, freshest=False):
    """Each {"full": name, "relative": RDN, "reasons": (bits), "issuer": name}."""
    def one(full=None, relative=None, reasons=None, issuer=None):
        return seq(tagged(0, point_name(full, relative)) if full or relative else b"",
                   implicit(1, bits(*reasons)) if reasons else b"",
                   tagged(2, general("dn", issuer)) if issuer else b"")
    return "2.5.29.46" if freshest else "2.5.29.31", False, seq(*(one(**p) for p in points))


def issuing(full=None, relative=None, users=False, cas=False, reasons=None, indirect=False,
            attributes=False):
    def flag(number, value):
        return implicit(number, boolean(True)) if value else b""
    return "2.5.29.28", True, seq(
        tagged(0, point_name(full, relative)) if full or relative else b"", flag(1, users),
        flag(2, cas), implicit(3, bits(*reasons)) if reasons else b"", flag(4, indirect),
        flag(5, attributes))


def crl_number(number):
    return "2.5.29.20", False, integer(number)


def delta_of(number):
    return "2.5.29.27", True, integer(number)


def reason(code):
    return "2.5.29.21", False, tlv(0x0a, bytes([code]))


def entry_issuer(text):
    return "2.5.29.29", True, seq(general("dn", text))


# --- certificates and lists ---------------------------------------------------------------------


def certificate(subject, public, issuer, key, serial, extensions, start="20260101000000",
                end="20360101000000", version=3, unique=b"", digest="sha256", **how):
    """`subject` and `issuer` in DER."""
    body = seq(tagged(0, integer(version - 1)) if version > 1 else b"", integer(serial),
               seq(oid(ECDSA[digest])), issuer, seq(time(start), time(end)), subject, public,
               unique, tagged(3, seq(*map(extension, extensions))) if extensions else b"")
    return key.signed(body, digest, **how)


def crl(issuer, key, entries, extensions, start="20260501000000", end="20270101000000",
        digest="sha256", **how):
    """`entries`: (serial, date, extension…)."""
    def one(serial, date, *items):
        return seq(integer(serial), time(date), seq(*map(extension, items)) if items else b"")
    body = seq(integer(1), seq(oid(ECDSA[digest])), issuer, time(start), time(end) if end else b"",
               seq(*(one(*entry) for entry in entries)) if entries else b"",
               tagged(0, seq(*map(extension, extensions))) if extensions else b"")
    return key.signed(body, digest, **how)
