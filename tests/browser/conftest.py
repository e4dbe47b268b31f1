"""The residents' web site and the staff's console in real browsers. Of each stack there is one for all
files of a run (of a worker): whoever changes what others rely on puts it back.

--shots FOLDER keeps a picture of every page, on a telephone and on a desktop."""

import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(pathlib.Path(__file__).parent), str(ROOT / "deploy" / "sandbox"),
                str(ROOT / "tests" / "support")]

from business import Business  # noqa: E402
from city import PRINTING, People, add_terminal, hall  # noqa: E402
from procedure import current  # noqa: E402
from resident import Resident  # noqa: E402
from stack import CONSOLE_SITE, Stack  # noqa: E402
from stacks import new_stack  # noqa: E402

CARDS_MADE = "2026-06-01T09:00:00+09:00"  # before the day of any example


def pytest_addoption(parser):
    parser.addoption("--shots", type=pathlib.Path, help="folder for pictures of the pages")
    parser.addoption("--guide", type=pathlib.Path, help="folder for the pictures of the guide")


def pytest_collection_modifyitems(items):
    """What takes longest begins first: else one worker has it while the other has nothing left."""
    items.sort(key=lambda item: item.path.stem != "test_procedures")


@pytest.fixture(scope="session")
def shots(request):
    folder = request.config.getoption("--shots")
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    return folder


# --- the city hall ------------------------------------------------------------------------------

@pytest.fixture(scope="session")
def house(tmp_path_factory):
    """The city hall; no portal's web site, no business system."""
    yield from hall(tmp_path_factory)


@pytest.fixture(scope="session")
def people(house, shots):
    people = People(house, shots)
    yield people
    people.close()


@pytest.fixture(autouse=True)
def pages_keep_their_policy(request):
    """No page loads what the policy forbids, or what is not there; none fails."""
    yield
    if "people" in request.fixturenames:
        for name, staff in request.getfixturevalue("people").items():
            assert staff.faults() == [], name


# --- residents, the portal, business systems ----------------------------------------------------

def settings_for(businesses):
    """Business systems of the tests where the routes lead."""
    return {"work": {"lease": "3s"}, "console": PRINTING,
            **{f"destination {name}": {"peers": business.peer(), "auth": "mtls"}
               for name, business in businesses.items()}}


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """The whole stack and its business systems, by destination."""
    stack = new_stack(tmp_path_factory, site=True)
    Stack.build_site(CONSOLE_SITE)
    try:
        names = sorted({procedure.destination for procedure in current()})
        businesses = {name: Business(stack, name) for name in names}
        stack.settings = settings_for(businesses)
        stack.card_options = ["--now", CARDS_MADE]
        stack.up(business=False)
        add_terminal(stack)
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
def clerks(stack, shots):
    """Who works at the console of the whole stack."""
    people = People(stack, shots)
    yield people
    people.close()


@pytest.fixture(scope="session")
def resident(stack, shots):
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
