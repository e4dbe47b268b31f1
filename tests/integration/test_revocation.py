"""Revocation lists from where they come in truth: a web server, a directory (slapd), a file."""

import base64
import http.server
import json
import pathlib
import re
import shutil
import socket
import subprocess
import threading
import time

import pytest

from ports import free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"


class Place:
    """A made-up CA with its lists, and a configuration that asks for them."""

    def __init__(self, folder):
        self.folder, self.jpki = folder, folder / "jpki"
        self.run("uketsuke-sandbox", "jpki", "init", self.jpki)
        self.issue()

    def issue(self):
        """Every list anew: with higher numbers."""
        self.run("uketsuke-sandbox", "jpki", "crl", self.jpki)

    def list(self, name):
        return (self.jpki / "crl" / f"{name}.crl").read_bytes()

    def run(self, program, *arguments, code=0):
        done = subprocess.run([BUILD / program, *map(str, arguments)], capture_output=True,
                              text=True, timeout=60)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def configure(self, **sources):
        pins = " ".join((self.jpki / "sign-anchors.pins").read_text().split())
        text = (f"[city]\ncode = 992011\n[trust]\nmode = sandbox\nanchors = {self.jpki}/sign-anchors.pem\n"
                f"pins = {pins}\n"
                f"[revocation]\ndirectory = {self.folder}/crl\npatience = 10s\n")
        for name, source in sources.items():
            text += f"[revocation-list {name}]\nsources = {source}\n"
        (self.folder / "uketsuke.conf").write_text(text)

    def update(self, code=0):
        return self.run("uketsuke", "revocation", "update", "--config",
                        self.folder / "uketsuke.conf", code=code)

    def status(self, code=0):
        done = self.run("uketsuke", "revocation", "status", "--json", "--config",
                        self.folder / "uketsuke.conf", code=code)
        return {entry["name"]: entry for entry in json.loads(done.stdout)}


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.fixture
def directory(tmp_path):
    """directory(der): a running slapd whose entry cn=sakurano,o=crl holds the list; its URL."""
    assert shutil.which("slapd"), "apt-get install slapd"
    running = []

    def start(*ders):
        port, home = free_port(), tmp_path / f"slapd-{len(running)}"
        (home / "db").mkdir(parents=True)
        (home / "slapd.conf").write_text(
            "include /etc/ldap/schema/core.schema\nmodulepath /usr/lib/ldap\n"
            f"moduleload back_mdb\npidfile {home}/slapd.pid\ndatabase mdb\nsuffix \"o=crl\"\n"
            f"directory {home}/db\naccess to * by * read\n")
        values = "".join(f"certificateRevocationList;binary:: {base64.b64encode(der).decode()}\n"
                         for der in ders)
        (home / "entries.ldif").write_text(
            "dn: o=crl\nobjectClass: organization\no: crl\n\n"
            f"dn: cn=sakurano,o=crl\nobjectClass: cRLDistributionPoint\ncn: sakurano\n{values}\n")
        subprocess.run(["slapadd", "-f", home / "slapd.conf", "-l", home / "entries.ldif"],
                       check=True, capture_output=True)
        running.append(subprocess.Popen(["slapd", "-f", home / "slapd.conf", "-d", "0", "-h",
                                         f"ldap://127.0.0.1:{port}"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        return (f"ldap://127.0.0.1:{port}/cn=sakurano,o=crl"
                "?certificateRevocationList;binary")

    yield start
    for process in running:
        process.terminate()
        process.wait()


@pytest.fixture
def web(tmp_path):
    """{path: (status, body)} to fill, and the server's URL."""
    pages = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            status, body = pages.get(self.path, (404, b"no"))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body) + (self.path == "/cut")))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield pages, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_of_every_kind_of_source(place, directory, web):
    pages, url = web
    pages["/sakurano.crl"] = (200, place.list("sakurano"))
    place.configure(web=f"{url}/sakurano.crl", ldap=directory(place.list("sakurano-2")),
                    file=place.jpki / "crl" / "wakaba.crl")
    assert "3 of 3 lists are new" in place.update().stdout
    status = place.status()
    assert {entry["state"] for entry in status.values()} == {"fresh"}
    for name in ("web", "ldap"):
        assert "CN=Sakurano-shi CRLDP" in status[name]["partition"]
    assert status["web"]["issuer_sha256"] != status["ldap"]["issuer_sha256"]
    for entry in status.values():
        index = place.folder / "crl" / "archive" / f"{entry['index_sha256']}.idx"
        told = subprocess.run(["sha256sum", index], capture_output=True, text=True).stdout
        assert told.startswith(entry["index_sha256"])
    assert "0 of 3 lists are new" in place.update().stdout


def test_directory_that_has_none_or_two(place, directory):
    place.configure(none=directory(), two=directory(place.list("sakurano"), place.list("wakaba")))
    done = place.update(code=3)
    assert "has no such entry with that attribute" in done.stderr
    assert "gave more than one value" in done.stderr
    assert {entry["state"] for entry in place.status(code=1).values()} == {"missing"}


def test_web_server_in_trouble(place, web):
    pages, url = web
    pages["/good"] = (200, place.list("sakurano"))
    place.configure(a=f"{url}/good")
    place.update()
    before = place.status()["a"]
    place.issue()
    troubles = {"/busy": (503, b"", 3, "503"), "/moved": (302, b"", 3, "HTTP status 302"),
                "/page": (200, b"<html>log in</html>", 1, "not one in DER or PEM"),
                "/half": (200, place.list("sakurano")[:-1], 1, "not whole"),
                "/cut": (200, place.list("sakurano"), 3, ""),
                "/other": (200, place.list("wakaba"), 1, "of another partition"),
                "/generation": (200, place.list("sakurano-2"), 1, "another generation")}
    for path, (code, body, exit_code, said) in troubles.items():
        pages[path] = (code, body)
        place.configure(a=url + path)
        assert said in place.update(code=exit_code).stderr, path
        now = place.status()["a"]
        assert now == before | {"age_seconds": now["age_seconds"]}
    place.configure(a=f"http://127.0.0.1:{free_port()}/nobody")
    place.update(code=3)
    pages["/good"] = (200, place.list("sakurano"))
    place.configure(a=f"{url}/busy {url}/good")  # the next source helps
    place.update()
    after = place.status()["a"]
    assert int(after["number"], 16) > int(before["number"], 16)
    assert len(list((place.folder / "crl" / "archive").iterdir())) == 2


def test_damaged_index_is_told_and_mended(place):
    place.configure(a=place.jpki / "crl" / "sakurano.crl")
    place.update()
    index = place.folder / "crl" / "a.idx"
    damaged = bytearray(index.read_bytes())
    damaged[600] ^= 1
    index.unlink()  # as the disk would: not through the archive's link
    index.write_bytes(damaged)
    assert place.status(code=1)["a"]["state"] == "bad"
    assert re.search("index_damaged", place.update().stderr)
    assert place.status()["a"]["state"] == "fresh"
