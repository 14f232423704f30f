"""The pages in a real browser: a picture of each, nothing sticks out, live parts renew."""

import re
from ctypes.util import find_library
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from cloudhands.common.appliance.states import APPLIANCE
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.machine import move
from cloudhands.common.testing.factories import Factory
from cloudhands.common.testing.programs import require, unavailable
from cloudhands.web.security.policy import SESSION_COOKIE
from cloudhands.web.testing import NOW, PASSWORD

PICTURES = Path(__file__).parents[2] / ".check" / "screenshots"
WIDTHS = {"desktop": (1280, 900), "phone": (390, 844), "narrow": (320, 640)}
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def chromium():
    path = require("chromium")
    if find_library("atomic") is None:
        unavailable("libatomic.so.1, which drives the browser: install the package libatomic1")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(path), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def address(portal):
    with portal.served() as address:
        yield address


def open_page(chromium, portal, address, uid, width="desktop", scheme="light"):
    """A page of somebody who is signed in; what the browser complains of fails the test."""
    wide, high = WIDTHS[width]
    context = chromium.new_context(
        viewport={"width": wide, "height": high}, color_scheme=scheme, base_url=address
    )
    if uid:
        cookie = {"name": SESSION_COOKIE, "value": portal.cookie(uid), "url": address}
        context.add_cookies([cookie])
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda message: note(page, message))
    return page


def note(page, message):
    if message.type in ("error", "warning"):
        page.complaints.append(message.text)


def pages(world):
    """Name, viewer and path of every page."""
    organisation = f"/organisations/{world.organisation}"
    return [
        ("front-visitor", "", "/"),
        ("front-invited", "invitee", "/"),
        ("front-member", "member", "/"),
        ("organisation", "admin", organisation),
        ("catalogue", "member", f"{organisation}/catalogue"),
        ("launch", "member", f"{organisation}/catalogue/{world.item}"),
        ("appliance", "member", f"/appliances/{world.appliance}"),
        ("people", "member", "/people?q=grase+hoper"),
        ("people-invite", "admin", f"{organisation}/people?q=grace"),
        ("account", "member", "/account"),
        ("invitation", "invitee", f"/invitations/{world.invitation}"),
        ("not-found", "member", "/nowhere"),
    ]


@pytest.mark.parametrize("width", WIDTHS)
def test_a_picture_of_each_page(chromium, portal, address, width):
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, uid, path in pages(portal.world):
        page = open_page(chromium, portal, address, uid, width)
        page.goto(path)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= WIDTHS[width][0], f"{name} is {wide} px wide"
        assert page.locator("h1").count() == 1, name
        picture = page.screenshot(path=PICTURES / f"{name}-{width}.png", full_page=True)
        assert len(picture) > 5_000, f"{name}: an empty picture"
        expected = [one for one in page.complaints if "404" not in one or name != "not-found"]
        assert expected == [], name
        page.context.close()


def background_of(page, selector):
    style = f"getComputedStyle(document.querySelector('{selector}')).backgroundColor"
    return tuple(map(int, re.findall(r"\d+", page.evaluate(style))[:3]))


@pytest.mark.parametrize(
    ("scheme", "accent"), [("light", (0x0B, 0x5C, 0x8A)), ("dark", (0x6C, 0xB8, 0xE6))]
)
def test_light_and_dark_in_the_sites_colours(chromium, portal, address, scheme, accent):
    page = open_page(chromium, portal, address, "admin", scheme=scheme)
    page.goto(f"/organisations/{portal.world.organisation}")
    page.screenshot(path=PICTURES / f"organisation-{scheme}.png", full_page=True)
    assert background_of(page, "a.button") == accent
    assert (max(background_of(page, "html")) < 80) == (scheme == "dark")
    page.context.close()


def test_signing_in_and_out_by_keyboard(chromium, portal, address):
    page = open_page(chromium, portal, address, "")
    page.goto("/")
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    page.get_by_text("User name or password is wrong.").wait_for()
    assert page.get_by_label("User name").input_value() == "admin"
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Hello, Admin").wait_for()
    page.get_by_role("button", name="Sign out").press("Enter")
    page.get_by_role("button", name="Sign in").wait_for()
    page.context.close()


def test_launching_by_clicking(chromium, portal, address):
    page = open_page(chromium, portal, address, "member", "phone")
    page.goto("/")
    page.get_by_role("link", name="Physics").click()
    page.get_by_role("link", name="Launch an appliance").click()
    page.get_by_role("link", name="Launch Analysis desktop").click()
    page.get_by_label("Name").fill("<b>mine</b> & yours")
    page.get_by_role("button", name="Launch").click()
    page.get_by_role("heading", name="<b>mine</b> & yours").wait_for()
    assert page.get_by_role("status").inner_text().startswith("requested")
    page.context.close()


@pytest.mark.parametrize("where", ["appliance", "organisation"])
def test_states_update_by_themselves(chromium, portal, address, where):
    page = open_page(chromium, portal, address, "member")
    world = portal.world
    page.goto(
        f"/appliances/{world.appliance}"
        if where == "appliance"
        else f"/organisations/{world.organisation}"
    )
    page.locator(".state.requested").first.wait_for()
    page.evaluate("window.kept = true")
    with portal.services.database.writing() as session:
        appliance = session.query(Appliance).filter_by(uuid=world.appliance).one()
        burst = Factory(session).burst
        move(session, APPLIANCE, appliance, "provisioning", burst, "private is first", NOW)
    page.locator(".state.provisioning").first.wait_for()
    assert page.evaluate("window.kept"), "the page was loaded anew"
    assert page.complaints == []
    page.context.close()


def test_a_deletion_asks_first_and_the_question_survives_a_renewal(chromium, portal, address):
    page = open_page(chromium, portal, address, "member")
    page.goto(f"/appliances/{portal.world.appliance}")
    page.get_by_text("Delete…").click()
    with page.expect_response(lambda answer: "/appliances/" in answer.url):
        pass  # a poll
    page.wait_for_timeout(200)
    page.get_by_text("There is no way back.").wait_for()
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("wanted: deleted").wait_for()
    assert page.complaints == []
    page.context.close()


def test_without_javascript(chromium, portal, address):
    context = chromium.new_context(java_script_enabled=False, base_url=address)
    context.add_cookies(
        [{"name": SESSION_COOKIE, "value": portal.cookie("invitee"), "url": address}]
    )
    page = context.new_page()
    page.goto("/")
    page.get_by_role("button", name="Accept the invitation to Physics").click()
    page.get_by_role("heading", name="Physics").wait_for()
    context.close()
