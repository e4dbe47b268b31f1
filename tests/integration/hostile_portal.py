"""A portal that misbehaves on demand, in front of the sandbox's honest one. Standard library only.

    with HostilePortal(pki_folder, honest_port) as portal:
        ... "url": portal.url ...
        portal.behave("list", "garbage", times=2)   # then honest again
        portal.behave("get", "half")                # until told otherwise
        portal.honest()

Operations: login, list, get, statuses. Behaviours: see BEHAVIOURS below. From the command line,
behaviours are switched by a call to the control port:

    hostile_portal.py --pki DIR --honest PORT --port PORT --control PORT
    curl -X POST 'http://127.0.0.1:CONTROL/behave?operation=list&behaviour=garbage&times=2'
"""

import argparse
import http.server
import json
import pathlib
import socket
import ssl
import sys
import threading
import time
import urllib.parse

CITY = "992011"
REQUEST_MOST = 4 * 1024 * 1024
OPERATIONS = ("login", "list", "get", "statuses")


def operation_of(method, path):
    path = path.split("?")[0]
    if path == "/api/v1/login":
        return "login"
    if path == "/api/v1/applications":
        return "list"
    return "statuses" if path == "/api/v1/statuses" else "get"


def answer(status, body, content_type="application/json", length=None, extra=""):
    """The bytes of an answer; `length` may lie."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = (f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\n{extra}"
            f"Content-Length: {len(body) if length is None else length}\r\n"
            "Connection: close\r\n\r\n")
    return head.encode() + body


def entry(number, **changes):
    good = {"receipt_number": f"HOSTILE-{number}", "city_code": CITY,
            "procedure_id": "child-allowance.certification-claim", "form_version": "1",
            "applied_at": "2026-11-21T09:00:00+09:00", "size": 1000, "sha256": "0" * 64,
            "status": "未取得"}
    return {**good, **changes}


def listed(entries, cursor=""):
    return answer(200, {"metadata": {}, "result": {"applications": entries, "next_cursor": cursor}})


def wrong_entries():
    """Lists that are JSON, and nonsense, one after the other."""
    changes = [{"receipt_number": 5}, {"receipt_number": "../../etc/passwd"},
               {"receipt_number": ""}, {"receipt_number": "x" * 65}, {"receipt_number": "a\u0001"},
               {"city_code": "999999"}, {"city_code": None}, {"procedure_id": []},
               {"procedure_id": "x" * 200}, {"form_version": {}}, {"applied_at": 5},
               {"applied_at": "yesterday"}, {"size": -1}, {"size": "1000"}, {"size": 1e300},
               {"size": 2**62}, {"sha256": "xyz"}, {"sha256": None}]
    return [listed([entry(1, **change)]) for change in changes] + [
        listed([1, 2, 3]), listed("none"), listed({}), listed(None),
        listed([entry(1)], cursor=5), listed([entry(1)], cursor="x" * 200),
        answer(200, []), answer(200, {}), answer(200, {"result": None}), answer(200, b"null"),
        answer(200, b'{"result":{"applications":[],"applications":[]}}'),
        answer(200, b"[" * 100000)]


class Behaviours:
    """One method each: (request, proxied) → bytes to send, or None when it has done all itself."""

    def __init__(self):
        self.turn = 0

    def honest(self, conn, ask):
        conn.sendall(ask())

    def garbage(self, conn, ask):
        conn.sendall(answer(200, bytes(range(256)) * 8))

    def not_http(self, conn, ask):
        conn.sendall(b"\x00\x01\x02 garbage " * 50)

    def status_500(self, conn, ask):
        conn.sendall(answer(500, {"title": "x", "errors": [{"code": "E0199", "message": "x"}]}))

    def status_503_html(self, conn, ask):
        conn.sendall(answer(503, b"<html>" + b"x" * 100000, "text/html"))

    def redirect(self, conn, ask):
        conn.sendall(answer(302, b"", extra="Location: https://localhost:1/api/v1/login\r\n"))

    def half(self, conn, ask):
        """The honest answer, cut in the middle of its body."""
        whole = ask()
        head = whole.index(b"\r\n\r\n") + 4
        conn.sendall(whole[:head + (len(whole) - head) // 2])

    def nothing(self, conn, ask):
        pass

    def empty(self, conn, ask):
        conn.sendall(answer(200, b"", "application/zip"))

    def hang(self, conn, ask):
        conn.settimeout(120)
        try:
            while conn.recv(4096):
                pass
        except OSError:
            pass

    def drip(self, conn, ask):
        """The head, then a byte now and then."""
        whole = ask()
        head = whole.index(b"\r\n\r\n") + 4
        conn.sendall(whole[:head])
        for i in range(head, len(whole)):
            time.sleep(0.5)
            conn.sendall(whole[i:i + 1])

    def types(self, conn, ask):
        wrong = wrong_entries()
        self.turn += 1
        conn.sendall(wrong[self.turn % len(wrong)])

    def huge(self, conn, ask):
        conn.sendall(listed([entry(i) for i in range(50000)]))

    def endless(self, conn, ask):
        conn.sendall(b"HTTP/1.1 200 X\r\nContent-Type: application/zip\r\n\r\n")
        while True:
            conn.sendall(b"x" * 65536)

    def header_flood(self, conn, ask):
        conn.sendall(b"HTTP/1.1 200 X\r\n")
        for i in range(20000):
            conn.sendall(b"X-Flood-%d: %s\r\n" % (i, b"x" * 100))

    def same_cursor(self, conn, ask):
        """A list that never ends."""
        conn.sendall(listed([], cursor="1"))

    def wrong_range(self, conn, ask):
        body = b"PK" + b"x" * 98
        conn.sendall(answer(206, body, "application/zip",
                            extra="Content-Range: bytes 700-799/800\r\n"))

    def token_types(self, conn, ask):
        tokens = [5, None, "", "x" * 100000, "a b", "a\r\nX-Injected: 1", ["x"]]
        self.turn += 1
        conn.sendall(answer(200, {"result": {"token": tokens[self.turn % len(tokens)],
                                             "expires_in": 3600}}))

    def token_short(self, conn, ask):
        whole = ask()
        head = whole.index(b"\r\n\r\n") + 4
        body = json.loads(whole[head:])
        body["result"]["expires_in"] = -1
        conn.sendall(answer(200, body))

    def status_401(self, conn, ask):
        conn.sendall(answer(401, {"errors": [{"code": "E0103", "message": "x"}]}))


BEHAVIOURS = tuple(n.replace("_", "-") for n in vars(Behaviours) if not n.startswith("_"))


def read_message(conn):
    """Head and body of a request or an answer (which has a Content-Length); b"" when it ended."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = conn.recv(65536)
        if not more or len(data) > REQUEST_MOST:
            return b""
        data += more
    head, body = data.split(b"\r\n\r\n", 1)
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
        if name.strip().lower() == b"expect":
            conn.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    while len(body) < length:
        more = conn.recv(65536)
        if not more:
            break
        body += more
    return head + b"\r\n\r\n" + body


class HostilePortal:
    def __init__(self, pki, honest_port, port=0):
        pki = pathlib.Path(pki)
        self.honest_port = honest_port
        self.server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server_tls.load_cert_chain(pki / "portal.pem", pki / "portal.key")
        self.server_tls.load_verify_locations(pki / "ca.pem")
        self.server_tls.verify_mode = ssl.CERT_REQUIRED
        self.client_tls = ssl.create_default_context(cafile=pki / "ca.pem")
        self.client_tls.load_cert_chain(pki / "city.pem", pki / "city.key")
        self.listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.url = f"https://localhost:{self.port}"
        self.lock = threading.Lock()
        self.plan = {}  # operation → [behaviour, times left or None]
        self.seen = []  # (operation, behaviour) of every request, in order
        self.behaviours = Behaviours()
        self.thread = threading.Thread(target=self._accept, daemon=True)

    # --- control --------------------------------------------------------------------------------

    def behave(self, operation, behaviour, times=None):
        assert operation in OPERATIONS and behaviour in BEHAVIOURS, (operation, behaviour)
        with self.lock:
            self.plan[operation] = [behaviour, times]

    def honest(self):
        with self.lock:
            self.plan.clear()

    def count(self, operation, behaviour=None):
        """Requests seen so far."""
        with self.lock:
            return sum(1 for o, b in self.seen if o == operation and behaviour in (None, b))

    def start(self):
        self.thread.start()
        return self

    def close(self):
        self.listener.close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    # --- serving --------------------------------------------------------------------------------

    def _accept(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    def _choose(self, operation):
        with self.lock:
            behaviour, times = self.plan.get(operation, ("honest", None))
            if times is not None:
                self.plan[operation][1] = times - 1
                if times <= 1:
                    del self.plan[operation]
            self.seen.append((operation, behaviour))
        return behaviour

    def _serve(self, conn):
        try:
            with self.server_tls.wrap_socket(conn, server_side=True) as tls:
                tls.settimeout(60)
                request = read_message(tls)
                if not request:
                    return
                method, path, _ = request.split(b"\r\n", 1)[0].decode("ascii").split(" ")
                behaviour = self._choose(operation_of(method, path))
                run = getattr(self.behaviours, behaviour.replace("-", "_"))
                run(tls, lambda: self._ask_honest(request))
        except (OSError, ValueError):
            pass  # the city hung up, as it should
        finally:
            conn.close()

    def _ask_honest(self, request):
        with socket.create_connection(("localhost", self.honest_port), timeout=60) as raw:
            with self.client_tls.wrap_socket(raw, server_hostname="localhost") as tls:
                tls.sendall(request)
                return read_message(tls)


def control(portal, port):
    class Control(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
            times = query.get("times")
            try:
                if query["behaviour"] == "honest" and "operation" not in query:
                    portal.honest()
                else:
                    portal.behave(query["operation"], query["behaviour"],
                                  int(times) if times else None)
                self.send_response(204)
            except (AssertionError, KeyError, ValueError):
                self.send_response(400)
            self.end_headers()

        def log_message(self, *_):
            pass

    return http.server.ThreadingHTTPServer(("127.0.0.1", port), Control)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pki", required=True, help="folder of `uketsuke-sandbox pki`")
    parser.add_argument("--honest", type=int, required=True, help="port of the sandbox portal")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--control", type=int, default=0)
    options = parser.parse_args()
    with HostilePortal(options.pki, options.honest, options.port) as portal:
        server = control(portal, options.control)
        print(f"hostile portal {portal.url}, control http://127.0.0.1:{server.server_port}",
              flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            sys.exit(0)


if __name__ == "__main__":
    main()
