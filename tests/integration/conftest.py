"""Fixtures. The whole stack is deploy/sandbox/stack.py, the same that the quickstart shows."""

import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy" / "sandbox"))

from stack import Stack  # noqa: E402

FAST = {"work": {"lease": "3s"}}


def stack_maker(tmp_path_factory):
    """make(settings={…}) gives a Stack in a fresh folder; all are stopped afterwards."""
    made = []

    def make(settings=None, **options):
        merged = {section: dict(values) for section, values in FAST.items()}
        for section, values in (settings or {}).items():
            merged.setdefault(section, {}).update(values)
        folder = tmp_path_factory.mktemp("s")
        for parent in [folder, *folder.parents][:4]:  # the cluster's user must get through
            try:
                parent.chmod(parent.stat().st_mode | 0o055)
            except PermissionError:
                break
        stack = Stack(folder, settings=merged, durable=False, **options)
        made.append(stack)
        return stack

    yield make
    for stack in made:
        stack.stop_all()


@pytest.fixture
def make_stack(tmp_path_factory):
    yield from stack_maker(tmp_path_factory)


@pytest.fixture(scope="module")
def make_module_stack(tmp_path_factory):
    """For tests that can share one stack, and clean up behind each other."""
    yield from stack_maker(tmp_path_factory)
