#!/usr/bin/env python3
"""One node of OpenStack Swift with its S3 API and tempauth, on loopback and in one folder: storage
that we did not write. Of Debian it takes python3-swift alone (deploy/install swift): no service, no
memcached, whoever runs the test.

`front` is the proxy with the S3 API over TLS; `back` is the account, container and object servers,
and a second proxy without S3 and without authentication: by that one, which asks nobody who he is,
tests read and write what lies there. Run as a program this is one of the two."""

import http.client
import importlib.util
import json
import os
import pathlib
import pwd
import subprocess
import sys
import time
import urllib.parse

INSTALLED = importlib.util.find_spec("swift") is not None
KINDS = ("account", "container", "object")
ACCOUNT, USER, SECRET, REGION = "city", "hand-over", "test+secret/key", "ap-northeast-1"

DEFAULT = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
disable_fallocate = true
user = {me}
log_level = WARNING
"""
STORAGE = DEFAULT + """
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
container_update_timeout = 30
"""
PROXY = DEFAULT + """{tls}
[pipeline:main]
pipeline = {pipeline}
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
node_timeout = 30
conn_timeout = 5
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:copy]
use = egg:swift#copy
[filter:s3api]
use = egg:swift#s3api
location = {region}
[filter:tempauth]
use = egg:swift#tempauth
user_{account}_{user} = {secret} .admin
"""
FRONT = "catch_errors gatekeeper cache listing_formats s3api tempauth copy proxy-server"
DOOR = "catch_errors cache listing_formats proxy-server"


class Swift:
    def __init__(self, folder, ports, certificate, key):
        """`ports`: by "front", "door" and the three KINDS."""
        self.folder, self.ports = pathlib.Path(folder), ports
        self.processes = {}
        (self.folder / "devices" / "d").mkdir(parents=True)
        (self.folder / "swift.conf").write_text(
            "[swift-hash]\nswift_hash_path_suffix = test\n")
        common = {"folder": self.folder, "me": pwd.getpwuid(os.geteuid()).pw_name,
                  "account": ACCOUNT, "user": USER, "secret": SECRET, "region": REGION}
        tls = f"cert_file = {certificate}\nkey_file = {key}\n"
        for name, text, more in (
                *((kind, STORAGE, {"kind": kind}) for kind in KINDS),
                ("front", PROXY, {"tls": tls, "pipeline": FRONT}),
                ("door", PROXY, {"tls": "", "pipeline": DOOR})):
            (self.folder / f"{name}.conf").write_text(
                text.format(port=ports[name], **common, **more))
        self.run("rings")

    def command(self, *words):
        return ["setpriv", "--pdeathsig", "TERM", "--", "/usr/bin/python3", __file__, self.folder, *words]

    def run(self, *words):
        done = subprocess.run(self.command(*words), capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self, part):
        log = (self.folder / f"{part}.log").open("ab")
        names = ["front"] if part == "front" else [*KINDS, "door"]
        self.processes[part] = subprocess.Popen(
            self.command(*names), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        log.close()

    def wait(self, patience=60):
        """Until both answer."""
        deadline = time.monotonic() + patience
        for name in ("front", "door"):
            while True:
                try:
                    connection = http.client.HTTPConnection("127.0.0.1", self.ports[name],
                                                            timeout=5)
                    connection.connect()
                    connection.close()
                    break
                except OSError:
                    assert time.monotonic() < deadline, self.log_text()
                    time.sleep(0.05)

    def kill(self, part):
        process = self.processes.pop(part, None)
        if process:
            process.kill()
            process.wait()

    def stop(self):
        for part in list(self.processes):
            self.kill(part)

    def log_text(self):
        return "".join(path.read_text(errors="replace") for path in self.folder.glob("*.log"))

    # --- by the door ----------------------------------------------------------------------------

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["door"], timeout=60)
        connection.request(method, f"/v1/AUTH_{ACCOUNT}/{urllib.parse.quote(path, safe='/?=&%')}",
                           body=body)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, data

    def make_bucket(self, bucket):
        assert self.ask("PUT", bucket)[0] in (201, 202)

    def put(self, bucket, name, content):
        status, data = self.ask("PUT", f"{bucket}/{name}", content)
        assert status == 201, (status, data)

    def get(self, bucket, name):
        status, data = self.ask("GET", f"{bucket}/{name}")
        assert status == 200, (name, status, data)
        return data

    def names(self, bucket, prefix=""):
        """{name: when it was put} of all that lies there, by name."""
        status, data = self.ask("GET", f"{bucket}?format=json&prefix={prefix}")
        assert status == 200, (status, data)
        return {entry["name"]: entry["last_modified"] for entry in json.loads(data)}


# --- the servers ----------------------------------------------------------------------------------

def make_rings(folder):
    """As swift-ring-builder does: one device, one replica."""
    from swift.common.ring import RingBuilder
    for kind in KINDS:
        builder = RingBuilder(2, 1, 0)
        address = {"ip": "127.0.0.1", "port": int(port_of(folder, kind))}
        builder.add_dev({"region": 1, "zone": 1, "device": "d", "weight": 1, "meta": "",
                         "replication_ip": address["ip"], "replication_port": address["port"],
                         **address})
        builder.rebalance()
        builder.get_ring().save(os.path.join(folder, f"{kind}.ring.gz"))


def port_of(folder, name):
    lines = pathlib.Path(folder, f"{name}.conf").read_text().splitlines()
    return next(line.split(" = ")[1] for line in lines if line.startswith("bind_port"))


def serve(folder, names):
    """As swift-proxy-server and the others do, but in one process."""
    import eventlet
    import eventlet.wsgi
    from swift.common import http_protocol, utils, wsgi
    eventlet.hubs.use_hub(utils.get_hub())
    utils.eventlet_monkey_patch()
    utils.set_swift_dir(folder)
    pool = eventlet.GreenPool()
    for name in names:
        path = os.path.join(folder, f"{name}.conf")
        conf = wsgi.appconfig(path)
        utils.get_logger(conf, name, log_to_console=True, log_route=name)
        app = wsgi.loadapp(path, global_conf={"log_name": name})
        pool.spawn(eventlet.wsgi.server, wsgi.get_socket(conf), app, utils.NullLogger(),
                   protocol=http_protocol.SwiftHttpProtocol, capitalize_response_headers=False)
    pool.waitall()


if __name__ == "__main__":
    if sys.argv[2:] == ["rings"]:
        make_rings(sys.argv[1])
    else:
        serve(sys.argv[1], sys.argv[2:])
