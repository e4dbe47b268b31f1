#!/usr/bin/env python3
"""s3_server.py FOLDER [CERTIFICATE KEY]: S3-compatible storage on loopback; prints its port.

Objects are files under FOLDER/BUCKET. A request is served only when its AWS Signature Version 4 is
the one that we come to from the request as it arrived, by the published algorithm ("Authenticating
Requests: Using the Authorization Header", Amazon S3 API Reference). What we compute is held against
Amazon's four published examples before the port opens. A listing's pages are of two keys; of the
bucket "stuck" it is always the first, and those of "round" are empty and follow each other in a
circle."""
import base64
import datetime
import hashlib
import hmac
import http.server
import pathlib
import re
import shutil
import ssl
import sys
import typing
import urllib.parse
import xml.sax.saxutils

SKEW = datetime.timedelta(minutes=15)
AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/,]+)/(\d{8})/([^/,]+)/s3/aws4_request,"
                           r" ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})")


class Account(typing.NamedTuple):
    key: str
    secret: str
    region: str


ACCOUNT = Account("test:KEY", "test+secret/key", "ap-northeast-1")  # as OpenStack Swift has them


class Request(typing.NamedTuple):
    method: str
    target: str  # as on the wire
    headers: dict  # names in lower case
    body: bytes


def encoded(text, safe=""):
    return urllib.parse.quote(text, safe=safe + "-_.~")


def canonical(request, signed):
    path, _, query = request.target.partition("?")
    pairs = [part.partition("=")[::2] for part in query.split("&") if part]
    pairs = sorted((encoded(urllib.parse.unquote(name)), encoded(urllib.parse.unquote(value)))
                   for name, value in pairs)
    return "\n".join([request.method, encoded(urllib.parse.unquote(path), "/"),
                      "&".join(f"{name}={value}" for name, value in pairs),
                      *(f"{name}:{' '.join(request.headers[name].split())}" for name in signed), "",
                      ";".join(signed), request.headers["x-amz-content-sha256"]])


def signature(account, request, signed):
    stamp = request.headers["x-amz-date"]
    key = ("AWS4" + account.secret).encode()
    for part in (stamp[:8], account.region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    text = "\n".join(["AWS4-HMAC-SHA256", stamp,
                      f"{stamp[:8]}/{account.region}/s3/aws4_request",
                      hashlib.sha256(canonical(request, signed).encode()).hexdigest()])
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def must_be_signed(name):
    return name in ("host", "content-type") or name.startswith("x-amz-")


def refusal(account, request, now):
    """None, or the status and the error code that S3 has for it."""
    headers = request.headers
    said = AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if not said or not {"host", "x-amz-date", "x-amz-content-sha256"} <= headers.keys():
        return 403, "AccessDenied"
    key, day, region, signed, value = said.groups()
    signed = signed.split(";")
    if region != account.region:
        return 400, "AuthorizationHeaderMalformed"
    if key != account.key:
        return 403, "InvalidAccessKeyId"
    if (signed != sorted(set(signed)) or not set(signed) <= headers.keys()
            or not set(filter(must_be_signed, headers)) <= set(signed)):
        return 403, "AccessDenied"
    stamp = headers["x-amz-date"]
    if not re.fullmatch(r"\d{8}T\d{6}Z", stamp) or not stamp.startswith(day):
        return 403, "AccessDenied"
    at = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ")
    if abs(at.replace(tzinfo=datetime.timezone.utc) - now) > SKEW:
        return 403, "RequestTimeTooSkewed"
    if not hmac.compare_digest(value, signature(account, request, signed)):
        return 403, "SignatureDoesNotMatch"
    digest = hashlib.sha256(request.body)
    if headers["x-amz-content-sha256"] != digest.hexdigest():
        return 400, "XAmzContentSHA256Mismatch"
    checksum = base64.b64encode(digest.digest()).decode()
    if headers.get("x-amz-checksum-sha256", checksum) != checksum:
        return 400, "BadDigest"
    return None


# --- what must hold before it is believed ---------------------------------------------------------

EXAMPLE = Account("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")
PUBLISHED = [
    ("GET", "/test.txt", {"range": "bytes=0-9"}, b"",
     "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
    ("PUT", "/test$file.text", {"date": "Fri, 24 May 2013 00:00:00 GMT",
                                "x-amz-storage-class": "REDUCED_REDUNDANCY"},
     b"Welcome to Amazon S3.", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
    ("GET", "/?lifecycle", {}, b"",
     "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
    ("GET", "/?max-keys=2&prefix=J", {}, b"",
     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
]


def example(method, target, more, body, value):
    headers = {"host": "examplebucket.s3.amazonaws.com", "x-amz-date": "20130524T000000Z",
               "x-amz-content-sha256": hashlib.sha256(body).hexdigest(), **more}
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={EXAMPLE.key}/20130524/{EXAMPLE.region}/s3/aws4_request,"
        f"SignedHeaders={';'.join(sorted(headers))},Signature={value}")
    return Request(method, target, headers, body)


def check_ourselves():
    at = datetime.datetime(2013, 5, 24, tzinfo=datetime.timezone.utc)
    second = datetime.timedelta(seconds=1)
    for row in PUBLISHED:
        good = example(*row)
        changed = {
            None: [(EXAMPLE, good, at), (EXAMPLE, good, at + SKEW), (EXAMPLE, good, at - SKEW)],
            "RequestTimeTooSkewed": [(EXAMPLE, good, at + SKEW + second),
                                     (EXAMPLE, good, at - SKEW - second)],
            "InvalidAccessKeyId": [(EXAMPLE._replace(key="OTHER"), good, at)],
            "AuthorizationHeaderMalformed": [(EXAMPLE._replace(region="eu-west-1"), good, at)],
            "XAmzContentSHA256Mismatch": [(EXAMPLE, good._replace(body=good.body + b"x"), at)],
            "SignatureDoesNotMatch": [
                (EXAMPLE._replace(secret="other"), good, at),
                (EXAMPLE, good._replace(method="DELETE"), at),
                (EXAMPLE, good._replace(target="/other"), at),
                (EXAMPLE, good._replace(headers={**good.headers, "host": "other"}), at)],
            "AccessDenied": [
                (EXAMPLE, good._replace(headers={**good.headers, "x-amz-acl": "public-read"}), at),
                (EXAMPLE, good._replace(headers={"host": "other"}), at)],
        }
        for code, requests in changed.items():
            for case in requests:
                got = refusal(*case)
                assert (got and got[1]) == code, (row[:2], code, got)


TOKEN = "a b+/~&amp=%2F"  # begins each continuation token: all of it needs care in a query


def etag_of(file):
    return f'"{hashlib.md5(file.read_bytes()).hexdigest()}"'


# --- the storage ----------------------------------------------------------------------------------

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body=b"", etag=None):
        self.send_response(status)
        if etag:
            self.send_header("ETag", etag)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def error(self, status, code):
        self.reply(status, ('<?xml version="1.0" encoding="UTF-8"?>\n'
                            f"<Error><Code>{code}</Code><Message>no</Message></Error>").encode())

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path,
                          {name.lower(): value for name, value in self.headers.items()}, body)
        refused = refusal(ACCOUNT, request, datetime.datetime.now(datetime.timezone.utc))
        if refused:
            return self.error(*refused)
        path, _, query = self.path.partition("?")
        bucket, _, key = urllib.parse.unquote(path).lstrip("/").partition("/")
        root = self.server.folder / bucket
        if ".." in pathlib.PurePath(path).parts or not bucket or not root.is_dir():
            return self.error(404, "NoSuchBucket")
        return self.object(root / key, body) if key else self.listing(root, query)

    def copied(self, file, source):
        """A copy that fails late says so under status 200: one to a name that begins with "late"."""
        origin = self.server.folder / urllib.parse.unquote(source).lstrip("/")
        if not origin.is_file():
            return self.error(404, "NoSuchKey")
        if file.name.startswith("late"):
            return self.error(200, "InternalError")
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(origin, file)
        if origin.name.startswith("replaced-after-copy"):
            origin.write_bytes(b"newer")
        return self.reply(200, b'<?xml version="1.0" encoding="UTF-8"?>\n<CopyObjectResult xmlns='
                               b'"http://s3.amazonaws.com/doc/2006-03-01/"><ETag>"0"</ETag>'
                               b"</CopyObjectResult>")

    def object(self, file, body):
        if self.command == "PUT" and "x-amz-copy-source" in self.headers:
            return self.copied(file, self.headers["x-amz-copy-source"])
        if self.command == "PUT":
            if "x-amz-checksum-sha256" not in self.headers:
                return self.error(400, "InvalidRequest")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(body)
            return self.reply(200)
        if self.command == "DELETE":
            if "If-Match" in self.headers and file.is_file() and (
                    self.headers["If-Match"] != etag_of(file)):
                return self.error(412, "PreconditionFailed")
            file.unlink(missing_ok=True)
            return self.reply(204)
        if not file.is_file():
            return self.error(404, "NoSuchKey")
        etag = etag_of(file)
        self.reply(200, file.read_bytes(), etag)
        if self.command == "HEAD" and file.name.startswith("replaced-after-look"):
            file.write_bytes(b"newer")

    def listing(self, root, query):
        asked = dict(urllib.parse.parse_qsl(query))
        if root.name == "round":
            turn = "b" if asked.get("continuation-token") == "a" else "a"
            return self.reply(200, f"<ListBucketResult><NextContinuationToken>{turn}"
                                   "</NextContinuationToken></ListBucketResult>".encode())
        if asked.get("list-type") != "2" or asked.get("delimiter") != "/":
            return self.error(400, "InvalidArgument")
        prefix = asked.get("prefix", "")
        after = "" if root.name == "stuck" else base64.b64decode(
            asked.get("continuation-token", TOKEN)[len(TOKEN):]).decode()
        keys = sorted(str(file.relative_to(root)) for file in root.rglob("*") if file.is_file())
        keys = [key for key in keys if key.startswith(prefix) and "/" not in key[len(prefix):]
                and key > after]
        page, more = keys[:2], len(keys) > 2
        token = TOKEN + base64.b64encode(page[-1].encode()).decode() if more else ""
        next_token = (f"<NextContinuationToken>{xml.sax.saxutils.escape(token)}"
                      "</NextContinuationToken>") if more else ""
        url = asked.get("encoding-type") == "url"
        contents = "".join(
            f"<Contents><Key>{encoded(key) if url else xml.sax.saxutils.escape(key)}</Key>"
            "<Size>1</Size></Contents>" for key in page)
        said = "<EncodingType>url</EncodingType>" if url else ""
        self.reply(200, ('<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult '
                         'xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
                         f"<IsTruncated>{str(more).lower()}</IsTruncated>{said}{contents}{next_token}"
                         "</ListBucketResult>").encode())

    do_GET = do_HEAD = do_PUT = do_DELETE = serve


def main():
    check_ourselves()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.folder = pathlib.Path(sys.argv[1])
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*sys.argv[2:4])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_port, flush=True)
    server.serve_forever()


main()
