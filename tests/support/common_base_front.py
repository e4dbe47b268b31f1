"""What stands before Glewlwyd: TLS, and a request handed on. One thing it mends: for the time of
sign-in, Glewlwyd looks into a cookie that only the browser has, and says `auth_time` 0 in a token
that a server fetches. The front has seen both, so it brings the browser's cookie."""

import contextlib
import http.client
import http.server
import socket
import ssl
import threading
import urllib.parse

PATIENCE = 20  # seconds
OF_THE_WAY = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


def parameter(text, name):
    return urllib.parse.parse_qs(text).get(name, [""])[0]


class Front(http.server.ThreadingHTTPServer):
    """Listens on 127.0.0.1:`port` and hands on to 127.0.0.1:`inner`, until close(), which ends its
    connections. Without `sign_in_time`, what it hands on is as Glewlwyd has it."""
    daemon_threads = True
    block_on_close = False

    def __init__(self, port, inner, certificate, key):
        self.inner, self.sign_in_time, self.cookies = inner, True, {}
        self.connections = set()
        super().__init__(("127.0.0.1", port), Handler)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
        self.socket = context.wrap_socket(self.socket, server_side=True,
                                          do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def process_request(self, request, client_address):
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address):
        """Of a caller that hung up, or of Glewlwyd gone: the connection closes, which says it."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = PATIENCE

    def log_message(self, *_):
        pass

    def hand_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = dict(self.headers.items())
        if self.path.endswith("/token") and self.server.sign_in_time:
            cookie = self.server.cookies.get(parameter(body.decode(), "code"))
            headers.update({"Cookie": cookie} if cookie else {})
        inner = http.client.HTTPConnection("127.0.0.1", self.server.inner, timeout=PATIENCE)
        with contextlib.closing(inner):
            inner.request(self.command, self.path, body, headers)
            answer = inner.getresponse()
            self.answer(answer, answer.read())

    def answer(self, answer, body):
        where = urllib.parse.urlsplit(answer.headers.get("Location", ""))
        if parameter(where.query, "code"):
            self.server.cookies[parameter(where.query, "code")] = self.headers.get("Cookie", "")
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in OF_THE_WAY:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = do_OPTIONS = hand_on
