#!/usr/bin/env python3
"""The pull API against job queues on the same PostgreSQL, in one run, with durable commits:

  rate      items taken by claims of 500 and received, over TLS with tokens, by four consumers;
            the same jobs through pg-boss and graphile-worker (npm; tests/bench/peers/queues); and
            through a pg-boss that moves the application of each as ours does, for comparison only
  depth     the same with --deep items behind those that are taken
  held      the same after a transaction elsewhere has been open for --hold-seconds, while items went
  idle      the server's processor time while --pollers long polls wait, of a destination of their own
  latency   from the commit that puts an item to the answer of a long poll, beside those pollers
"""

import argparse
import json
import math
import os
import pathlib
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import psycopg2

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
PEERS = ROOT / "tests" / "bench" / "peers" / "queues"
sys.path.insert(0, str(ROOT / "deploy" / "sandbox"))
from stack import CITY, Stack  # noqa: E402

DESTINATION = "child-allowance"


def processor(stack):
    """Seconds that the server and its connections to PostgreSQL took so far: unlike a rate, this hardly
    depends on what else the machine does."""
    routing, postgres = (stack.processes[p].pid for p in ("routing", "postgres"))
    taken = 0
    for task in pathlib.Path("/proc").glob("[0-9]*/task/[0-9]*"):
        try:
            parent = int((task / "stat").read_text().rsplit(")", 1)[1].split()[1])
            ours = task.parts[2] == str(routing) or (
                parent == postgres and "uketsuke_routing" in (task / "cmdline").read_text())
            taken += int((task / "schedstat").read_text().split()[0]) if ours else 0
        except OSError:
            continue  # it has ended
    return taken / 1e9


class Bench:
    def __init__(self, stack, size):
        self.stack, self.size, self.next = stack, size, 1
        self.costs = []  # µs of a processor for an item, of each pull, ours and the consumers'
        self.bench = stack.build / "tests" / "bench" / "routing_bench"
        self.url = f"https://localhost:{stack.ports['routing']}"
        self.pki = stack.folder / "pki"
        self.admin = stack.folder / "admin.conf"
        self.admin.write_text(f"[database]\nconnection = {stack.connection}\n"
                              "owner-user = uketsuke_admin\n")

    def run(self, *words):
        done = subprocess.run([self.bench, *map(str, words)], capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"routing_bench {words[0]}: {done.stderr}")
        return done.stdout

    def fill(self, count):
        """In pieces: the items of one wait in memory for their table's turn."""
        while count > 0:
            piece = min(count, 100_000)
            self.run("fill", self.admin, self.stack.folder / "keys" / "city.key", self.next, piece,
                     self.size)
            self.next += piece
            count -= piece
        self.stack.psql(f"SELECT setval(pg_get_serial_sequence('outbox', 'outbox_id'), {self.next})")
        self.stack.psql("VACUUM ANALYZE")
        self.stack.psql("CHECKPOINT")

    def pull(self, items, consumers=4):
        before = processor(self.stack)
        out = json.loads(self.run(
            "pull", self.url, self.pki / "ca.pem", self.pki / f"business-{DESTINATION}.pem",
            self.pki / f"business-{DESTINATION}.key", Stack.client_id(DESTINATION),
            self.stack.folder / "keys" / f"business-{DESTINATION}.secret", consumers, items))
        self.costs.append(((processor(self.stack) - before) * 1e6 + out["micros"]) / out["items"])
        return out["items"] / out["seconds"]

    def cost(self, pulls):
        return statistics.median(self.costs[-pulls:])

    def waiting(self):
        return int(self.stack.psql("SELECT count(*) FROM outbox"))


def peer(stack, which, items, size):
    """On the same cluster, in a database of its own; vacuumed and checkpointed as ours is."""
    stack.psql(f"CREATE DATABASE \"peer_{which}\"", "postgres")
    done = subprocess.run(["node", PEERS / "queue.mjs", which, stack.postgres_folder,
                           f"peer_{which}", str(items), str(size)], capture_output=True, text=True)
    stack.psql(f"DROP DATABASE \"peer_{which}\" (FORCE)", "postgres")
    if done.returncode != 0:
        raise SystemExit(f"{which}: {done.stderr[-2000:]}")
    out = json.loads([x for x in done.stdout.splitlines() if x.startswith("{")][-1])
    return out["items"] / out["seconds"], out["micros"] / out["items"], out["version"]


# --- long polls -----------------------------------------------------------------------------------

class Poller:
    """One connection with a client certificate; plain sockets, so that 500 cost us little."""

    def __init__(self, stack, name):
        import socket
        pki = stack.folder / "pki"
        context = ssl.create_default_context(cafile=pki / "ca.pem")
        context.load_cert_chain(pki / f"business-{name}.pem", pki / f"business-{name}.key")
        raw = socket.create_connection(("localhost", stack.ports["routing"]))
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = context.wrap_socket(raw, server_hostname="localhost")

    def ask(self, path):
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())

    def answer(self):
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.socket.recv(65536)
        head, body = data.split(b"\r\n\r\n", 1)
        length = int([x for x in head.split(b"\r\n") if x.lower().startswith(b"content-length")][0]
                     .split(b":")[1])
        while len(body) < length:
            body += self.socket.recv(65536)
        return json.loads(body)


def ticks(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle(stack, pollers, seconds):
    pid = stack.processes["routing"].pid
    for p in pollers:
        p.ask("/routing/v1/items?wait=300")
    time.sleep(2)
    before = ticks(pid)
    time.sleep(seconds)
    return (ticks(pid) - before) / seconds * 100


def latencies(stack, rounds):
    """An item of health, whose one consumer waits, put by a transaction as the hand-over does it."""
    connection = psycopg2.connect(host=str(stack.postgres_folder), dbname="uketsuke",
                                  user="uketsuke_admin")
    cursor = connection.cursor()
    consumer, times = Poller(stack, "health"), []
    ids = stack.psql(f"SELECT application_id FROM application ORDER BY 1 LIMIT {rounds}").split()
    at = "0"
    for application in ids:
        answered = {}
        consumer.ask(f"/routing/v1/items?wait=20&after={at}")
        thread = threading.Thread(target=lambda: answered.update(
            answer=consumer.answer(), at=time.monotonic()))
        thread.start()
        time.sleep(0.02)
        cursor.execute("INSERT INTO outbox (city_code, destination, application_id, sha256) "
                       "VALUES (%s, 'health', %s, sha256('x')); SELECT pg_notify('outbox_health', '')",
                       (CITY, application))
        begun = time.monotonic()
        connection.commit()
        thread.join()
        assert len(answered["answer"]["items"]) == 1, answered
        at = urllib.parse.quote(answered["answer"]["next"])
        times.append((answered["at"] - begun) * 1000)
    connection.close()
    return times


# --- the run --------------------------------------------------------------------------------------

def measure(stack, given, say):
    bench = Bench(stack, given.size)
    stack.start_role("routing")
    stack.wait_port("routing")

    def rate_of(items):
        return bench.pull(items)

    peers = {"boss": "", "graphile": "", "boss-moves": ", application moved too"}
    rounds, others = [], {which: [] for which in peers}
    for _ in range(given.rounds):  # in turns: what else the machine does meets all of them
        bench.fill(given.items)
        rounds.append(rate_of(given.items))
        for which in peers:
            others[which].append(peer(stack, which, given.items, given.size))
    ours = statistics.median(rounds)
    say("hand-over rate", ours, "items/s")
    say("… processor time, all processes", bench.cost(given.rounds), "µs an item")
    best, cheapest = 0, math.inf
    for which, note in peers.items():
        rates, costs, versions = zip(*others[which])
        say(versions[0] + note, statistics.median(rates), "items/s")
        say("… processor time, all processes", statistics.median(costs), "µs an item")
        if not note:
            best = max(best, statistics.median(rates))
            cheapest = min(cheapest, statistics.median(costs))
    say("hand-over rate against the faster", ours / best, "×", "≥ 3", ours / best >= 3)
    say("processor time of the cheaper peer against ours", cheapest / bench.cost(given.rounds), "×")

    bench.fill(given.deep)
    deep = statistics.median(rate_of(given.items) for _ in range(given.rounds))
    cost = bench.cost(given.rounds)
    slower = (ours / deep - 1) * 100
    say(f"slower with {given.deep} behind", slower, "%", "≤ 20", slower <= 20)

    holder = psycopg2.connect(host=str(stack.postgres_folder), dbname="uketsuke",
                              user="uketsuke_admin")
    holder.set_session(isolation_level="REPEATABLE READ")
    holder.cursor().execute("SELECT count(*) FROM state")
    begun = time.monotonic()
    went = 0
    while time.monotonic() - begun < given.hold_seconds:
        if bench.waiting() < 3 * given.items:
            bench.fill(given.items)
        rate_of(given.items // 2)
        went += given.items // 2
    held = statistics.median(rate_of(given.items // 2) for _ in range(given.rounds))
    say("processor time beside an open transaction, more by",
        (bench.cost(given.rounds) / cost - 1) * 100, "%")
    holder.rollback()
    holder.close()
    slower = (deep / held - 1) * 100
    say(f"slower after {given.hold_seconds} s and {went} items beside an open transaction", slower,
        "%", "≤ 20", slower <= 20)

    pollers = [Poller(stack, "registry") for _ in range(given.pollers)]
    share = idle(stack, pollers, given.idle_seconds)
    say(f"{given.pollers} idle long polls", share, "% of a core", "< 1", share < 1)
    times = sorted(latencies(stack, given.latencies))
    say("latency, median", times[len(times) // 2], "ms")
    p99 = times[int(len(times) * 0.99)]
    say("latency, 99 %", p99, "ms", "≤ 50", p99 <= 50)


def main():
    options = argparse.ArgumentParser(description=__doc__,
                                      formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--build", default=ROOT / "build", type=pathlib.Path)
    options.add_argument("--json", action="store_true")
    options.add_argument("--items", type=int, default=20_000, help="of one measurement")
    options.add_argument("--size", type=int, default=1200, help="bytes of an item")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--deep", type=int, default=1_000_000)
    options.add_argument("--hold-seconds", type=int, default=180)
    options.add_argument("--pollers", type=int, default=500)
    options.add_argument("--idle-seconds", type=int, default=20)
    options.add_argument("--latencies", type=int, default=300)
    given = options.parse_args()
    if not (PEERS / "node_modules").is_dir():
        print("installing the peers (npm ci)", flush=True)
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=PEERS,
                       check=True, stdout=subprocess.DEVNULL)
    results = []

    def say(what, value, unit, goal=None, holds=None):
        print(f"{what:60} {value:12.2f} {unit:12} {goal or '':8}"
              f"{'' if holds is None else 'yes' if holds else 'NO'}", flush=True)
        results.append({"what": what, "value": value, "unit": unit, "goal": goal, "holds": holds})

    folder = tempfile.mkdtemp(prefix="uketsuke-bench.")
    polls = {name: {"auth": "mtls", "peers": ""} for name in ("health", "registry")}
    stack = Stack(pathlib.Path(folder), build=given.build, durable=True,
                  settings={"routing": {"connections-most": 2000, "requests-most": 0,
                                        "connections-of-destination-most": 2000,
                                        "wait-most": "300s"},
                            **{f"destination {name}": keys for name, keys in polls.items()},
                            "log": {"level": "warning"}})
    try:
        stack.make_postgres()
        stack.start_postgres()
        if not (stack.folder / "pki").exists():
            stack.run("uketsuke-sandbox", "pki", "--out", stack.folder / "pki")
        for name, keys in polls.items():
            keys["peers"] = (stack.folder / "pki" / f"business-{name}.sha256").read_text().strip()
        stack.make_world()
        stack.make_database()
        measure(stack, given, say)
    finally:
        stack.stop_all()
        shutil.rmtree(folder, ignore_errors=True)
    if given.json:
        print(json.dumps({"bench": "routing", "results": results}))
    return 0 if all(r["holds"] is not False for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
