"""Stacks of deploy/sandbox/stack.py for tests. What takes long to make, and is no different for whoever
begins, is made once for all processes of a run, and copied."""

import fcntl
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy" / "sandbox"))

from stack import Stack  # noqa: E402

# An empty cluster with its database, the certificates of TLS, the made-up CA.
COPIED = ("postgres", "pki", "jpki")


def new_stack(tmp_path_factory, **options):
    """A stack in a fresh folder, of which nothing runs yet."""
    begun = _begun(tmp_path_factory)
    folder = _open_to_others(tmp_path_factory.mktemp("s"))
    subprocess.run(["cp", "-a", *(begun / name for name in COPIED), folder], check=True)
    return Stack(folder, durable=False, **options)


def _begun(tmp_path_factory):
    """The folder that is copied."""
    run = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        run = run.parent
    folder = run / "begun"
    with (run / "begun.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "whole").exists():
            _begin(folder)
    return folder


def _begin(folder):
    folder.mkdir(exist_ok=True)
    stack = Stack(_open_to_others(folder), durable=False)
    try:
        stack.make_postgres()
        stack.start_postgres()
        stack.make_world()
        stack.make_database()
    finally:
        stack.stop_all()
    (folder / "whole").touch()


def _open_to_others(folder):
    """The cluster's user must get through."""
    for parent in [folder, *folder.parents][:4]:
        try:
            parent.chmod(parent.stat().st_mode | 0o055)
        except PermissionError:
            break
    return folder
