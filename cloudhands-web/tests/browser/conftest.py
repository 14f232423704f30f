"""Chromium, and visits to the portal's pages with it."""

from pathlib import Path

import pytest

from cloudhands.common.appliance.states import APPLIANCE
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.machine import move
from cloudhands.common.testing.chromium import launched
from cloudhands.common.testing.factories import Factory
from cloudhands.web.http.cookies import SESSION_COOKIE
from cloudhands.web.testing import NOW

PICTURES = Path(__file__).parents[3] / ".check" / "screenshots"
WIDTHS = {"desktop": (1280, 900), "phone": (390, 844), "narrow": (320, 640)}


# A module's, not the session's: Playwright's event loop would be in the way of other tests' own.
@pytest.fixture(scope="module")
def chromium():
    with launched() as browser:
        yield browser


@pytest.fixture
def address(portal):
    with portal.served() as address:
        yield address


@pytest.fixture
def visit(chromium, portal, address):
    """Opens a page as somebody; at the end, whatever a browser complained of fails the test.

    A test that provokes complaints takes them out of `page.complaints` itself. Options are a
    browser context's.
    """
    opened = []

    def visit(uid, path="/", width="desktop", **options):
        wide, high = WIDTHS[width]
        context = chromium.new_context(
            viewport={"width": wide, "height": high}, base_url=address, **options
        )
        if uid:
            cookie = {"name": SESSION_COOKIE, "value": portal.cookie(uid), "url": address}
            context.add_cookies([cookie])
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda message: _note(page, message))
        opened.append(page)
        page.goto(path)
        return page

    yield visit
    complaints = [complaint for page in opened for complaint in page.complaints]
    for page in opened:
        page.context.close()
    assert complaints == []


def _note(page, message):
    if message.type in ("error", "warning"):
        page.complaints.append(message.text)


@pytest.fixture
def every_page(portal):
    """Name, viewer and path of every page."""
    world = portal.world
    organisation, appliance = (
        f"/organisations/{world.organisation}",
        f"/appliances/{world.appliance}",
    )
    return [
        ("front-visitor", "", "/"),
        ("sign-in", "", "/sign-in"),
        ("rels", "", "/rels"),
        ("rel", "", "/rels/appliance"),
        ("problems", "", "/problems"),
        ("problem", "", "/problems/conflict"),
        ("front-invited", "invitee", "/"),
        ("invitation", "invitee", f"/invitations/{world.invitation}"),
        ("front-member", "member", "/"),
        ("organisation-member", "member", organisation),
        ("catalogue", "member", f"{organisation}/catalogue"),
        ("launch", "member", f"{organisation}/catalogue/{world.item}"),
        ("appliance", "member", appliance),
        ("rename", "member", f"{appliance}/rename"),
        ("resize", "member", f"{appliance}/resize"),
        ("people", "member", "/people?q=grase+hoper"),
        ("nobody", "member", "/people?q=zzzzzz"),
        ("account", "member", "/account"),
        ("not-found", "member", "/nowhere"),
        ("organisation", "admin", organisation),
        ("membership", "admin", f"/memberships/{world.invitation}"),
        ("people-invite", "admin", f"{organisation}/people?q=grace"),
    ]


@pytest.fixture
def tour(visit, every_page):
    """Goes through every page, in one window for each viewer; options are those of `visit`."""

    def tour(**options):
        windows = {}
        for name, uid, path in every_page:
            page = windows[uid] = windows.get(uid) or visit(uid, **options)
            page.goto(path)
            yield name, page
            if name == "not-found":
                assert page.complaints.pop().endswith("404 (Not Found)")

    return tour


@pytest.fixture
def set_state(portal):
    """Moves the world's appliance to a state, as cloud-burst does; at rest if so said."""

    def set_state(state, *, at_rest=False):
        with portal.services.database.writing() as session:
            appliance = session.query(Appliance).filter_by(uuid=portal.world.appliance).one()
            move(session, APPLIANCE, appliance, state, Factory(session).burst, "so it is", NOW)
            if at_rest:
                appliance.due_at = None

    return set_state


@pytest.fixture(scope="session")
def pictures():
    """Where pictures of pages are kept, for people to look at."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    return PICTURES
