#!/usr/bin/env python3
"""The registry's feeds: a full load of residents and three links each, against a bare COPY of the
same rows into the same tables with the same indexes, in one run, with durable commits; then a
differential feed of 1,000 rows, and the same full load again. --residents 1000000 is a large city
(some 10 minutes and 12 GB of disk); without it, 100,000.
"""

import argparse
import hashlib
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy" / "sandbox"))
from stack import CITY, Stack  # noqa: E402

RESIDENTS = (
    "atenabango,setaibango,tsuzukigara,shimei,shimei_kana,tsusho,tsusho_kana,kyuuji,"
    "shimei_gaikokujin_romaji,shimei_gaikokujin_kanji,seinengappi,seinengappi_fushoflag,"
    "seinengappi_fushohyoki,seibetsu,jusho_shikuchoson_code,jusho_machiaza_code,jusho_todofuken,"
    "jusho_shikugunchoson,jusho_machiaza,jusho_banchigohyoki,jusho_katagaki,jusho_yubinbango,"
    "juminjotai,idonengappi,shiensochi_flag,shiensochi_kaishi,shiensochi_shuryo,fukaiji_flag,"
    "fukaiji_kaishi,fukaiji_shuryo,kojinbango")
LINKS = "ca,serial,kind,atenabango,valid_from,valid_to"
KANJI = "佐藤鈴木高橋田中伊渡辺山本村小林加吉山口松井上清水崎森池阿部石川島前岡長谷藤近後"
KANA = "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワ"


def my_number(n):
    body = f"{n:011d}"
    rest = sum(int(body[10 - i]) * (i + 2 if i < 6 else i - 4) for i in range(11)) % 11
    return f"{body}{0 if rest <= 1 else 11 - rest}"


def resident(n, dice, moved=False):
    def word(letters, count):
        return "".join(dice.choice(letters) for _ in range(count))
    return (f"{n:015d},{n // 3:013d},,{word(KANJI, 2)}　{word(KANJI, 2)},{word(KANA, 4)}　"
            f"{word(KANA, 3)},,,,,,{dice.randint(1930, 2025)}-{dice.randint(1, 12):02d}-"
            f"{dice.randint(1, 28):02d},,,{dice.randint(1, 2)},{CITY},0001000,試験県,桜野市,"
            f"{'南' if moved else ''}{word(KANJI, 2)}町{dice.randint(1, 9)}丁目,"
            f"{dice.randint(1, 40)}番{dice.randint(1, 20)}号,,1000001,1,,,,,,,,{my_number(n)}")


def links(n, dice):
    start = f"20{dice.randint(22, 25)}-0{dice.randint(1, 9)}-01T00:00:00+09:00"
    for ca, kind in (("sign", "card"), ("auth", "card"), ("sign", "phone")):
        yield f"{ca},{dice.getrandbits(40) << 24 | n:016x},{kind},{n:015d},{start},"


class Feeds:
    """Deliveries in a drop folder; each speaks for a moment behind the one before."""

    def __init__(self, folder):
        self.folder, self.sequence = folder, {"residents": 0, "links": 0}
        self.as_of = datetime.now(timezone(timedelta(hours=9))) - timedelta(hours=1)
        folder.mkdir()

    def write(self, kind, load, header, rows):
        self.sequence[kind] += 1
        self.as_of += timedelta(minutes=1)
        name = f"{kind}-{self.sequence[kind]}"
        digest, count = hashlib.sha256(), 0
        with (self.folder / f"{name}.csv").open("wb") as out:
            for line in (header, *()):
                data = f"{line}\n".encode()
                digest.update(data)
                out.write(data)
            for line in rows:
                data = f"{line}\n".encode()
                digest.update(data)
                out.write(data)
                count += 1
        (self.folder / f"{name}.json").write_text(json.dumps({
            "format": "uketsuke-registry-1", "city_code": CITY, "kind": kind, "load": load,
            "sequence": self.sequence[kind], "as_of": self.as_of.isoformat(timespec="seconds"),
            "encoding": "utf-8", "file": f"{name}.csv", "rows": count,
            "sha256": digest.hexdigest()}))
        (self.folder / f"{name}.done").touch()
        return self.folder / f"{name}.json"


def run_import(stack, manifest):
    """(seconds, greatest resident memory in MiB)"""
    begun = time.monotonic()
    process = subprocess.Popen([stack.build / "uketsuke", "registry", "import", manifest, "--config",
                                stack.config], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(process.stderr.read().decode() + process.stdout.read().decode())
    return time.monotonic() - begun, usage.ru_maxrss / 1024


def bare_copy(stack, table, file):
    """Seconds that COPY takes into a table like this one, from a file that it wrote itself."""
    stack.psql(f"COPY (SELECT * FROM {table}) TO '{file}'")
    stack.psql(f"CREATE TABLE bare_{table} (LIKE {table} INCLUDING ALL); CHECKPOINT")
    begun = time.monotonic()
    stack.psql(f"COPY bare_{table} FROM '{file}'")
    took = time.monotonic() - begun
    stack.psql(f"DROP TABLE bare_{table}; CHECKPOINT")
    return took


def measure(stack, count):
    feeds = Feeds(stack.folder / "drop")
    everybody = range(1, count + 1)

    def person(n, moved=False):
        return resident(n, random.Random(n), moved)
    people = feeds.write("residents", "full", RESIDENTS, (person(n) for n in everybody))
    serials = feeds.write("links", "full", LINKS,
                          (line for n in everybody for line in links(n, random.Random(-n))))
    stack.psql("CHECKPOINT")
    people_s, people_m = run_import(stack, people)
    links_s, links_m = run_import(stack, serials)
    exchange = stack.postgres_folder / "bench.copy"
    bare = bare_copy(stack, "resident", exchange) + bare_copy(stack, "registry_link", exchange)
    print(f"{count:,} residents: {people_s:.1f} s; {3 * count:,} links: {links_s:.1f} s; "
          f"bare COPY of both: {bare:.1f} s", flush=True)
    some = random.Random(7).sample(everybody, min(1000, count))
    stack.psql("CHECKPOINT")
    moved_s, _ = run_import(stack, feeds.write("residents", "differential", RESIDENTS,
                                               (person(n, True) for n in sorted(some))))
    new_s, _ = run_import(stack, feeds.write("links", "differential", LINKS, (
        f"sign,{0xF0 << 64 | n:018x},card,{n:015d},2026-01-01T00:00:00+09:00," for n in some)))
    again_s, _ = run_import(stack, feeds.write("residents", "full", RESIDENTS,
                                               (person(n, n in set(some)) for n in everybody))
                            ) if count <= 100000 else (0, 0)
    return [
        ("full load against bare COPY", (people_s + links_s) / bare, "×", 3),
        ("differential of 1,000 residents", moved_s, "s", 1),
        ("differential of 1,000 links", new_s, "s", 1),
        ("memory of the importer", max(people_m, links_m), "MiB", 64),
        ("full load", people_s + links_s, "s", None),
        ("bare COPY", bare, "s", None),
    ] + ([("the same residents again", again_s, "s", None)] if again_s else [])


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--residents", type=int, default=100000)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="uketsuke-registry-") as folder:
        pathlib.Path(folder).chmod(0o755)
        stack = Stack(pathlib.Path(folder), build=given.build, durable=True)
        try:
            stack.make_postgres()
            stack.start_postgres()
            stack.make_world()
            stack.make_database()
            rows = measure(stack, given.residents)
        finally:
            stack.stop_all()
    for what, value, unit, goal in rows:
        print(f"{what:35} {value:10.2f} {unit:4}" + (f" goal ≤ {goal}" if goal else ""))
    results = [{"what": what, "value": round(value, 3), "unit": unit, "goal": goal,
                "holds": value <= goal if goal else None} for what, value, unit, goal in rows]
    if given.json:
        print(json.dumps({"bench": "registry", "results": results}, ensure_ascii=False))
    return 0 if all(row["holds"] is not False for row in results) else 1


if __name__ == "__main__":
    sys.exit(main())
