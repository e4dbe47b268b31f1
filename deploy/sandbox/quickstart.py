"""The main job before your eyes: what deploy/quickstart runs once everything is built."""

import argparse
import collections
import fcntl
import pathlib
import shutil
import signal
import sys
import time
import unicodedata

sys.dont_write_bytecode = True
from console_staff import make_staff  # noqa: E402
from stack import BUSINESSES, CONSOLE_SITE, ROOT, SITE, Stack, StackError  # noqa: E402

STATE_JA = {"announced": "到着通知", "collected": "取得済", "verified": "検証済",
            "identified": "申請者特定済", "routed": "連携待ち", "received": "連携済",
            "completed": "完了", "held": "保留", "unmatched": "申請者未特定",
            "review": "審査待ち", "correction": "要訂正", "superseded": "訂正済",
            "withdrawn": "取下げ", "rejected": "却下", "refused": "受付不可"}
ORDER = ("received", "completed", "rejected", "review", "unmatched", "correction", "held",
         "refused", "superseded", "withdrawn", "announced", "collected", "verified", "identified",
         "routed")
MEANING = {"received": "the business system has it and sent its receipt",
           "completed": "the business system is done with it",
           "rejected": "the business system decided against it",
           "correction": "the resident is asked to send a corrected one",
           "unmatched": "verified, but whose it is nobody can tell yet",
           "review": "waits for staff before it goes to the business system",
           "held": "can't be told now; tried again by itself",
           "refused": "bad, and will stay bad; the reason says why"}
MARKS = {True: "✓", False: "✗"}


class Stopped(Exception):
    """Ctrl-C, or a polite request to end."""


def width(text):
    """Columns on a terminal."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def terminal_columns():
    """A file is as wide as it likes."""
    return shutil.get_terminal_size((80, 24)).columns if sys.stdout.isatty() else 1000


def pad(text, columns):
    return text + " " * max(0, columns - width(text))


def table(rows, header):
    widths = [max(width(row[i]) for row in [header, *rows]) for i in range(len(header))]
    print("  ".join(pad(c, w) for c, w in zip(header, widths)).rstrip())
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
        while width(line) > terminal_columns() - 1:
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


SEEN = {"completed": "完了", "rejected": "完了", "correction": "要訂正"}  # by the resident


def wait_for_portal(stack, expected, patience=20):
    """The residents' view follows a moment later."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if all(stack.portal_status(r).get("status") == SEEN[want["state"]]
               for r, want in expected.items() if want["state"] in SEEN):
            return
        time.sleep(0.3)


def report(stack, expected):
    """The table; returns the receipt numbers of those that did not end where they should."""
    wait_for_portal(stack, expected)
    found = stack.applications()
    reports = {name: stack.business_report(name) for name in stack.businesses}
    at_business = {r: name for name in reports for r in reports[name]["receipt_numbers"]}
    rows, wrong = [], []
    for receipt, want in sorted(expected.items(),
                                key=lambda e: (ORDER.index(e[1]["state"]), e[1]["kind"], e[0])):
        have = found.get(receipt, {"state": "?", "reason": ""})
        status = stack.portal_status(receipt).get("status", "?")
        right = (have["state"] == want["state"] and have["reason"] == (want.get("reason") or "")
                 and (receipt in at_business) == (want["state"] in SEEN)
                 and status == SEEN.get(want["state"], status))
        if not right:
            wrong.append(receipt)
        rows.append([receipt, want["kind"], have["state"], STATE_JA.get(have["state"], "?"),
                     have["reason"], at_business.get(receipt, ""), status,
                     MARKS[right]])
    print()
    header = ["受付番号", "what was sent", "state", "", "reason", "at business", "resident sees",
              "ok"]
    if terminal_columns() < 110:  # the essence of it
        rows = [[row[i] for i in (0, 1, 2, 4, 7)] for row in rows]
        header = [header[i] for i in (0, 1, 2, 4, 7)]
    table(rows, header)
    print("ok: it ended where the town that made it says it must\n")
    ended = collections.Counter(found.get(r, {}).get("state") for r in expected)
    wanted = collections.Counter(want["state"] for want in expected.values())
    table([[state, STATE_JA[state], str(ended[state]), str(wanted[state]),
            MEANING.get(state, "")]
           for state in ORDER if wanted[state] or ended[state]],
          ["state", "", "ended here", "expected", ""])
    print()
    table([[f"{name} {BUSINESSES[name]}", str(one["count"]),
            str(len(one["rejected_receipt_numbers"])),
            *(str(sum(o["outcome"] == kind for o in one["outcomes"].values()))
              for kind in ("completed", "rejected", "incomplete"))]
           for name, one in reports.items()],
          ["business system", "took", "sent back", "完了", "却下", "不備"])
    return wrong


def next_steps(stack, running, staff):
    print(f"""
Look at next:
  export UKETSUKE_CONFIG={stack.config}
  build/uketsuke verify {stack.folder}/town-*/applications/*.zip | less
      why each package is good or bad, check by check (no database needed)
  ls {stack.folder}/logs/
      what each part said""")
    if not running:
        print("""  deploy/quickstart
      without --once, it keeps running: look inside with uketsuke status, list, show""")
        return
    if stack.site:
        print(f"""  {stack.site_url}
      the residents' web site (Japanese): apply as one of the made-up residents""")
    if staff:
        print(f"""  {stack.console_url}
      the staff's console (Japanese); the browser does not know its certificate's issuer, which is
      {stack.folder}/pki/ca.pem. Sign in with a password and a code:""")
        for name, one in staff.items():
            code = f"deploy/sandbox/console_staff.py {stack.folder} {name}"
            print(f"      {name:7} {one['password']}   {code}")
    print(f"""  build/uketsuke status
      what waits where, and what is wrong
  build/uketsuke list --state unmatched
      whose applicant nobody could tell
  build/uketsuke show RECEIPT
      one application's life; RECEIPT is a 受付番号 of the table
  build/uketsuke audit verify
      proves that nobody touched the trail
  curl --unix-socket {stack.folder}/run/routing.sock http://localhost/metrics
      numbers for Prometheus; every role has such a socket""")


def build_sites(stack):
    """The residents' and the staff's; the rest is worth seeing without them: their packages come
    from npm's registry."""
    try:
        if stack.site:
            stack.build_site(CONSOLE_SITE)
            stack.build_site(SITE)
    except StackError as error:
        stack.site = False
        print(f"      without the web sites: {str(error).strip().splitlines()[-1]}")


def take_folder(folder, reset):
    """The lock of the state folder, which goes with us; --reset empties the folder under it."""
    if reset and folder.is_dir() and any(folder.iterdir()) and not (
            (folder / "uketsuke.conf").exists() or (folder / "postgres").exists()):
        raise StackError(f"{folder} is not a state folder of ours; not deleting what is in it")
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / "quickstart.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StackError(f"another quickstart runs in {folder}; stop that one (Ctrl-C), or give "
                         "this one a folder of its own: --state FOLDER") from None
    for entry in folder.iterdir() if reset else []:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != "quickstart.lock":
            entry.unlink()
    return lock


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--state", type=pathlib.Path, required=True)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--reset", action="store_true")
    options = parser.parse_args()

    def stop(*_):
        raise Stopped

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    try:
        lock = take_folder(options.state, options.reset)  # noqa: F841: held until we end
        stack = Stack(options.state, fixed_ports=True, site=not options.once,
                      businesses=tuple(BUSINESSES), decide=True)
    except (StackError, OSError) as error:
        print(f"quickstart: {error}", file=sys.stderr)
        return 3
    wrong, finished, broken = [], False, False
    try:
        print(f"[3/5] the world: PostgreSQL, made-up CA, portal, business systems  ({stack.folder})")
        build_sites(stack)
        stack.up()
        staff = make_staff(stack) if stack.site else {}
        run = 1 + len(list(stack.folder.glob("town-*")))
        print(f"[4/5] a town and its applications (one of each fault, {options.count} without)")
        folder = stack.make_town(f"town-{run}", "--seed", str(run), "--prefix", f"Q{run:03d}-",
                                 "--count", str(options.count), "--kinds", "all",
                                 "--others", "30", "--procedures", ROOT / "forms" / "procedures")
        print("[5/5] the main job")
        expected = run_job(stack, folder, patience=120)
        wrong = report(stack, expected)
        if wrong:
            print(f"\n✗ {len(wrong)} of {len(expected)} applications did not end where they should.")
            print(f"  See {stack.folder}/logs/ and: build/uketsuke show RECEIPT"
                  f" --config {stack.config}")
        else:
            print(f"\n✓ all {len(expected)} applications ended where they should.")
        finished = True
        next_steps(stack, not options.once, staff)
        if not options.once:
            print("\nEverything keeps running. Ctrl-C stops it.", flush=True)
            while stack.alive("serve"):
                time.sleep(0.5)
            raise StackError("the server stopped: " + stack.log_text("serve")[-1500:])
    except Stopped:
        print("\nstopping …")
    except (StackError, OSError) as error:
        print(f"\nquickstart: {error}", file=sys.stderr)
        broken = True
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        stack.stop_all()
    if broken:
        return 3
    if wrong:
        return 1
    return 0 if finished else 130  # Ctrl-C before there was anything to show


if __name__ == "__main__":
    sys.exit(main())
