"""How pages look, and whether everybody can use them: pictures, widths, axe-core, colours."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from pyramid.request import Request

from cloudhands.common.appliance.states import APPLIANCE
from cloudhands.common.machine import move
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.testing.factories import Factory
from cloudhands.web.testing import NOW, user

LONG = "analysis of sea-surface temperatures_1979-2026_without_a_single_space"
PLACEMENT = [
    {"label": "Private cloud", "reason": "it has no room for this size", "chosen": False},
    {"label": "Public cloud", "reason": "overflow is allowed", "chosen": True},
]


@pytest.fixture
def busy(portal):
    """The organisation with an appliance in each state, some with long names and problems."""
    paths = {
        "running": ("provisioning", "running"),
        "stopped": ("provisioning", "running", "stopped"),
        "deleting": ("provisioning", "deleting"),
        "failed": ("provisioning", "failed"),
    }
    with portal.services.database.writing() as session:
        make, member = Factory(session, NOW), user(session, "member")
        organisation = session.query(Organisation).filter_by(uuid=portal.world.organisation).one()
        for last, states in paths.items():
            made = make.appliance(organisation, member, f"{last}: {LONG}")
            made.placement = PLACEMENT
            for state in states:
                move(session, APPLIANCE, made, state, make.burst, LONG, NOW)
        made.problem = f"{LONG} " * 3
        uuid = made.uuid
        waiting = make.asking(organisation, member, f"waiting: {LONG}").uuid
    return (
        f"/organisations/{portal.world.organisation}",
        f"/appliances/{uuid}",
        f"/appliances/{waiting}",
    )


# Of what axe-core looks at, what the colour scheme can change.
COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}


def assert_usable(page, name, **options):
    """Nothing sticks out, and axe-core finds nothing that shuts somebody out."""
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= page.viewport_size["width"], f"{name} is {wide} px wide"
    assert page.locator("h1").count() == 1, name
    found = Axe().run(page, options=options)
    assert found.violations_count == 0, f"{name}: {found.generate_report()}"


def test_the_tour_misses_no_page(portal, every_page):
    routes = portal.config.get_routes_mapper()
    matched = [routes(Request.blank(path))["route"] for *_, path in every_page]
    visited = {route.name for route in matched if route}
    pages = {
        view["introspectable"]["route_name"]
        for view in portal.config.introspector.get_category("views")
        for related in view["related"]
        if related.category_name == "templates" and not related["name"].endswith("/live.jinja")
    }
    assert len(pages) >= 15
    assert pages - visited == set(), "add these to every_page"


def look(page, pictures, name):
    """In both colour schemes: what the colours cannot change is looked at in one."""
    for scheme, options in (("light", {}), ("dark", COLOURS)):
        page.emulate_media(color_scheme=scheme)
        assert_usable(page, f"{name} {scheme}", **options)
        file = pictures / f"{name}-{page.viewport_size['width']}-{scheme}.png"
        picture = page.screenshot(path=file, full_page=True)
        assert len(picture) > 5_000, f"{name}: an empty picture"


# Else a colour is looked at on its way from light to dark.
STILL = {"reduced_motion": "reduce"}


@pytest.mark.parametrize("width", ["desktop", "narrow"])
def test_every_page(tour, pictures, width):
    for name, page in tour(width=width, **STILL):
        look(page, pictures, name)


@pytest.mark.parametrize("width", ["desktop", "phone", "narrow"])
def test_pages_in_other_states(visit, busy, pictures, width):
    organisation, failed, waiting = busy
    page = visit("admin", waiting, width, **STILL)
    look(page, pictures, "busy-waiting")
    page.goto(organisation)
    look(page, pictures, "busy-organisation")
    page.goto(failed)
    page.get_by_text("Delete…").click()
    look(page, pictures, "busy-appliance")
    page.goto("/account")
    page.get_by_label("Name").fill(LONG)
    page.get_by_label("Public key").fill("nonsense")
    page.get_by_role("button", name="Add key").click()
    page.get_by_role("alert").wait_for()
    look(page, pictures, "busy-refused")
    assert page.complaints.pop().endswith("422 (Unprocessable Entity)")


def test_choosing_whom_to_invite(visit, portal, pictures):
    path = f"/organisations/{portal.world.organisation}/people"
    page = visit("admin", path, "narrow", **STILL)
    page.get_by_role("combobox").fill("gra")
    page.get_by_role("option").first.wait_for()
    page.get_by_role("combobox").press("ArrowDown")
    look(page, pictures, "people-choices")
    # Whoever needs letters of twice the size still has all of it.
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def background_of(page, selector):
    style = f"getComputedStyle(document.querySelector('{selector}')).backgroundColor"
    return tuple(map(int, re.findall(r"\d+", page.evaluate(style))[:3]))


@pytest.mark.parametrize(
    ("scheme", "accent"), [("light", (0x0B, 0x5C, 0x8A)), ("dark", (0x6C, 0xB8, 0xE6))]
)
def test_light_and_dark_in_the_sites_colours(visit, portal, scheme, accent):
    page = visit("admin", f"/organisations/{portal.world.organisation}", color_scheme=scheme)
    assert background_of(page, "a.button") == accent
    assert (max(background_of(page, "html")) < 80) == (scheme == "dark")


def test_nothing_moves_for_who_wants_no_motion(visit, portal):
    page = visit("admin", f"/organisations/{portal.world.organisation}", reduced_motion="reduce")
    moving = page.evaluate(
        """Array.from(document.querySelectorAll("*"), (one) => getComputedStyle(one))
             .filter((style) => parseFloat(style.transitionDuration) > 0.01
                             || parseFloat(style.animationDuration) > 0.01).length"""
    )
    assert moving == 0


def test_in_forced_colours_a_button_still_has_an_edge(visit, portal, pictures):
    page = visit("admin", f"/organisations/{portal.world.organisation}", forced_colors="active")
    page.screenshot(path=pictures / "organisation-forced-colours.png", full_page=True)
    edge = page.evaluate("getComputedStyle(document.querySelector('a.button')).borderTopWidth")
    assert edge != "0px"
