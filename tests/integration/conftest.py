"""Fixtures. The whole stack is deploy/sandbox/stack.py, the same that the quickstart shows; its
beginning is a copy (tests/support/stacks.py)."""

import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "deploy" / "sandbox"), str(ROOT / "tests" / "support")]

from stacks import new_stack  # noqa: E402

LONGEST = ("test_ocsp", "test_registry", "test_hostile_portal", "test_pull_clients", "test_stored",
           "test_soak", "test_release", "test_town", "test_workers", "test_s3_swift")
FAST = {"work": {"lease": "3s"}}


def pytest_collection_modifyitems(items):
    """The files that take longest begin first: else one worker has them while no other has any left."""
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST
               else len(LONGEST))


def stack_maker(tmp_path_factory):
    """make(settings={…}) gives a Stack in a fresh folder; all are stopped afterwards."""
    made = []

    def make(settings=None, **options):
        merged = {section: dict(values) for section, values in FAST.items()}
        for section, values in (settings or {}).items():
            merged.setdefault(section, {}).update(values)
        stack = new_stack(tmp_path_factory, settings=merged, **options)
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
