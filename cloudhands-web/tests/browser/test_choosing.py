"""Whom to invite is chosen from a list that opens while one types: WAI-ARIA's combobox."""

from dataclasses import replace

import pytest

from cloudhands.web.security.throttle import Throttle

LABEL = "Name, user name or mail address"


class Choosing:
    """The search of the invitation dialogue, as assistive technology sees it."""

    def __init__(self, page):
        self.page = page
        self.box = page.get_by_role("combobox", name=LABEL)
        self.list = page.get_by_role("listbox", name="People found")

    def option(self, name):
        return self.list.get_by_role("option", name=name)

    def state(self):
        """Whether the list is open, and whom of it the box says to be meant."""
        meant = self.box.get_attribute("aria-activedescendant")
        name = self.page.locator(f"#{meant} strong").inner_text() if meant else None
        assert self.box.evaluate("box => box === document.activeElement")
        return self.box.get_attribute("aria-expanded"), name


@pytest.fixture
def choosing(visit, portal):
    return Choosing(visit("admin", f"/organisations/{portal.world.organisation}/people"))


def test_inviting_with_the_keyboard(choosing):
    page, box = choosing.page, choosing.box
    assert choosing.state() == ("false", None)
    box.press_sequentially("gra")
    choosing.option("Grace Hopper").wait_for()
    assert box.get_attribute("aria-controls") == choosing.list.get_attribute("id")
    assert choosing.state() == ("true", None)
    assert page.locator("#news").inner_text() == "1 person found for gra."
    box.press("ArrowDown")
    assert choosing.state() == ("true", "Grace Hopper")
    assert choosing.option("Grace Hopper").get_attribute("aria-selected") == "true"
    box.press("Escape")
    assert choosing.state() == ("false", None)
    assert page.get_by_role("button", name="Invite Grace Hopper").is_visible(), "all are below"
    box.press("ArrowUp")
    assert choosing.state() == ("true", "Grace Hopper")
    box.press("Enter")
    assert not choosing.list.is_visible()
    assert box.input_value() == "Grace Hopper"
    assert page.evaluate("document.activeElement.name") == "role"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Invitation to Physics").wait_for()
    # The next one; who is invited already is there, and cannot be chosen.
    page.get_by_role("link", name="Invite another colleague").press("Enter")
    box.press_sequentially("hopper")
    choosing.option("Grace Hopper").get_by_text("invited already").wait_for()
    box.press("ArrowDown")
    box.press("Enter")
    assert choosing.state() == ("true", "Grace Hopper")
    assert choosing.option("Grace Hopper").get_attribute("aria-disabled") == "true"


def test_inviting_with_a_finger(choosing):
    choosing.box.fill("turing")
    choosing.option("Alan Turing").get_by_text("aturing", exact=True).click()
    choosing.page.get_by_role("button", name="Invite Alan Turing").click()
    choosing.page.get_by_role("heading", name="Invitation to Physics").wait_for()
    assert choosing.page.get_by_text("Alan Turing").count() > 0


def test_nobody_is_nothing_to_choose_from(choosing):
    choosing.box.fill("turing")
    choosing.option("Alan Turing").wait_for()
    choosing.box.fill("zzzzzz")
    choosing.page.get_by_text("Nobody of that name was found.").wait_for()
    choosing.box.press("ArrowDown")
    assert choosing.state() == ("false", None)


def test_why_there_is_no_answer_is_not_hidden_by_the_last_one(choosing, portal):
    portal.services = replace(portal.services, throttle=Throttle(2, searches=1))
    choosing.box.fill("grace")
    choosing.option("Grace Hopper").wait_for()
    choosing.box.fill("turing")
    choosing.page.get_by_role("alert").get_by_text("You have searched for people very").wait_for()
    assert choosing.state() == ("false", None)
    assert all("429" in complaint for complaint in choosing.page.complaints)
    choosing.page.complaints.clear()
