"""The main job before your eyes: what deploy/quickstart runs once everything is built."""

import argparse
import collections
import pathlib
import shutil
import signal
import sys
import time
import unicodedata

sys.dont_write_bytecode = True
from stack import ROOT, Stack, StackError  # noqa: E402

STATE_JA = {"announced": "到着通知", "collected": "取得済", "verified": "検証済",
            "identified": "申請者特定済", "routed": "連携待ち", "received": "連携済",
            "completed": "完了", "held": "保留", "unmatched": "申請者未特定",
            "refused": "受付不可"}
MARKS = {True: "✓", False: "✗"}


class Stopped(Exception):
    """Ctrl-C, or a polite request to end."""


def width(text):
    """Columns on a terminal."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def pad(text, columns):
    return text + " " * max(0, columns - width(text))


def table(rows, header):
    widths = [max(width(row[i]) for row in [header, *rows]) for i in range(len(header))]
    print("  ".join(pad(c, w) for c, w in zip(header, widths)))
    print("  ".join("─" * w for w in widths))
    for row in rows:
        print("  ".join(pad(c, w) for c, w in zip(row, widths)).rstrip())


def show_progress(stack, receipts, begun):
    found = stack.applications()
    counts = collections.Counter(found[r]["state"] for r in receipts if r in found)
    waiting = len(receipts) - sum(counts.values())
    parts = [f"on the portal {waiting}"] + [
        f"{STATE_JA[s]} {counts[s]}" for s in STATE_JA if counts[s]]
    line = f"      {time.monotonic() - begun:4.0f} s  " + " · ".join(parts)
    if sys.stdout.isatty():
        columns = shutil.get_terminal_size().columns
        while width(line) > columns - 1:
            line = line[:-1]
        print("\r\033[K" + line, end="", flush=True)
    else:
        print(line, flush=True)


def run_job(stack, folder, patience):
    """Submits, watches until every application is where it should end or patience is over."""
    expected = stack.expected(folder)
    begun = time.monotonic()
    stack.submit_town(folder)
    shown = 0
    while True:
        left = stack.unsettled(expected)
        now = time.monotonic()
        if now - shown > (0.5 if sys.stdout.isatty() else 2) or not left:
            show_progress(stack, expected, begun)
            shown = now
        if not left or now - begun > patience:
            break
        if not stack.alive("serve"):
            raise StackError("the server stopped: " + stack.log_text("serve")[-1500:])
        time.sleep(0.2)
    if sys.stdout.isatty():
        print()
    return expected


def wait_for_portal(stack, receipts, patience=20):
    """The residents' view follows a moment later."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if all(stack.portal_status(r).get("status") == "処理中" for r in receipts):
            return
        time.sleep(0.3)


def report(stack, expected):
    """The table; returns the receipt numbers of those that did not end where they should."""
    good = [r for r, want in expected.items() if want["state"] == "received"]
    wait_for_portal(stack, good)
    found = stack.applications()
    at_business = set(stack.business_report()["receipt_numbers"])
    rows, wrong = [], []
    for receipt, want in sorted(expected.items(), key=lambda e: (e[1]["state"], e[1]["kind"], e[0])):
        have = found.get(receipt, {"state": "?", "reason": ""})
        status = stack.portal_status(receipt).get("status", "?")
        right = (have["state"] == want["state"] and have["reason"] == (want.get("reason") or "")
                 and (receipt in at_business) == (want["state"] == "received")
                 and (want["state"] != "received" or status == "処理中"))
        if not right:
            wrong.append(receipt)
        rows.append([receipt, want["kind"], STATE_JA.get(have["state"], "?"), have["reason"],
                     MARKS[True] if receipt in at_business else "", status, MARKS[right]])
    print()
    table(rows, ["受付番号", "what was sent", "state", "reason", "business system", "resident sees",
                 "as expected"])
    print()
    counts = collections.Counter((want["state"], STATE_JA[want["state"]])
                                 for want in expected.values())
    ended = collections.Counter(found.get(r, {}).get("state") for r in expected)
    table([[ja, state, str(ended[state]), str(n)] for (state, ja), n in sorted(counts.items())],
          ["state", "", "ended here", "expected"])
    return wrong


def next_steps(stack):
    print(f"""
Look at next:
  build/uketsuke status --config {stack.config}
      what waits where, and what is wrong
  build/uketsuke list --state unmatched --config {stack.config}
      whose applicant nobody could tell
  build/uketsuke show RECEIPT --config {stack.config}
      one application's life
  build/uketsuke audit verify --config {stack.config}
      proves that nobody touched the trail
  build/uketsuke verify {stack.folder}/town-*/applications/*.zip --config {stack.config}
      why a package is good or bad, check by check, without a database
  {stack.folder}/logs/
      what each part said
  curl --unix-socket {stack.folder}/run/routing.sock http://localhost/metrics""")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--state", type=pathlib.Path, required=True)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--once", action="store_true")
    options = parser.parse_args()

    def stop(*_):
        raise Stopped

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    stack = Stack(options.state, fixed_ports=True)
    wrong = []
    try:
        print(f"[3/5] the world: PostgreSQL, made-up CA, portal, business system   ({stack.folder})")
        stack.up()
        run = 1 + len(list(stack.folder.glob("town-*")))
        print(f"[4/5] a town and its applications (one of each fault, {options.count} without)")
        folder = stack.make_town(f"town-{run}", "--seed", str(run), "--prefix", f"Q{run:03d}-",
                                 "--count", str(options.count), "--kinds", "all")
        print("[5/5] the main job")
        expected = run_job(stack, folder, patience=120)
        wrong = report(stack, expected)
        if wrong:
            print(f"\n✗ {len(wrong)} of {len(expected)} applications did not end where they should.")
            print(f"  See {stack.folder}/logs/ and: build/uketsuke show RECEIPT --config {stack.config}")
        else:
            print(f"\n✓ all {len(expected)} applications ended where they should.")
        next_steps(stack)
        if not options.once:
            print("\nEverything keeps running. Ctrl-C stops it.", flush=True)
            while stack.alive("serve"):
                time.sleep(0.5)
            raise StackError("the server stopped: " + stack.log_text("serve")[-1500:])
    except Stopped:
        print("\nstopping …")
    except StackError as error:
        print(f"\nquickstart: {error}", file=sys.stderr)
        wrong = ["?"]
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        stack.stop_all()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
