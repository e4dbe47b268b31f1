"""The residents' web site in a real browser, on the whole stack: one stack, one browser for all.

--shots FOLDER keeps a picture of every page, on a telephone and on a desktop."""

import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy" / "sandbox"))
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from business import Business  # noqa: E402
from procedure import current  # noqa: E402
from resident import Resident  # noqa: E402
from stack import Stack  # noqa: E402

CARDS_MADE = "2026-06-01T09:00:00+09:00"  # before the day of any example


def pytest_addoption(parser):
    parser.addoption("--shots", type=pathlib.Path, help="folder for pictures of the pages")
    parser.addoption("--guide", type=pathlib.Path, help="folder for the pictures of the guide")


def settings_for(businesses):
    """Business systems of the tests where the routes lead."""
    return {"work": {"lease": "3s"},
            **{f"destination {name}": {"peers": business.peer(), "auth": "mtls"}
               for name, business in businesses.items()}}


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """The stack and its business systems, by destination."""
    folder = tmp_path_factory.mktemp("s")
    for parent in [folder, *folder.parents][:4]:  # the cluster's user must get through
        try:
            parent.chmod(parent.stat().st_mode | 0o055)
        except PermissionError:
            break
    stack = Stack(folder, durable=False, site=True)
    try:
        stack.run("uketsuke-sandbox", "pki", "--out", folder / "pki")
        names = sorted({procedure.destination for procedure in current()})
        businesses = {name: Business(stack, name) for name in names}
        stack.settings = settings_for(businesses)
        stack.card_options = ["--now", CARDS_MADE]
        stack.up(business=False)
        for business in businesses.values():
            business.open()
        yield stack, businesses
    finally:
        stack.stop_all()


@pytest.fixture(scope="session")
def stack(world):
    return world[0]


@pytest.fixture(scope="session")
def businesses(world):
    return world[1]


@pytest.fixture(scope="session")
def resident(stack, request):
    shots = request.config.getoption("--shots")
    if shots:
        shots.mkdir(parents=True, exist_ok=True)
    resident = Resident(stack.site_url, shots)
    yield resident
    resident.close()


@pytest.fixture(autouse=True)
def usual_window(request):
    """Every test begins with a desktop's window, today, and no words of the browser about errors."""
    if "resident" not in request.fixturenames:
        yield
        return
    resident = request.getfixturevalue("resident")
    resident.size("desktop")
    resident.applied_at(None)
    resident.browser.get_log("browser")
    yield
    wrong = [line["message"] for line in resident.browser.get_log("browser")
             if "Content Security Policy" in line["message"] or "Uncaught" in line["message"]]
    assert not wrong
