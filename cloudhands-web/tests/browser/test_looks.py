"""How pages look: a picture of each, nothing sticks out, the site's colours in light and dark."""

import re

import pytest

WIDTHS = {"desktop": 1280, "phone": 390, "narrow": 320}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_a_picture_of_each_page(visit, every_page, pictures, width, scheme):
    for name, uid, path in every_page:
        page = visit(uid, path, width, color_scheme=scheme)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= WIDTHS[width], f"{name} is {wide} px wide"
        assert page.locator("h1").count() == 1, name
        file = pictures / f"{name}-{width}-{scheme}.png"
        assert len(page.screenshot(path=file, full_page=True)) > 5_000, f"{name}: an empty picture"
        if name == "not-found":
            assert page.complaints.pop().endswith("404 (Not Found)")
        page.context.close()


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
