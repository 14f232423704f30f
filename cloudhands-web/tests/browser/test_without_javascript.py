"""The browser without JavaScript."""

import pytest


@pytest.fixture
def plain(visit):
    return lambda uid, path="/": visit(uid, path, java_script_enabled=False)


def test_accepting_an_invitation(plain):
    page = plain("invitee")
    page.get_by_role("button", name="Accept the invitation to Physics").click()
    page.get_by_role("heading", name="Physics").wait_for()
    assert page.get_by_role("link", name="Launch an appliance").is_visible()


def test_a_deletion_asks_first(plain, portal):
    page = plain("member", f"/appliances/{portal.world.appliance}")
    page.get_by_text("Delete…").click()
    page.get_by_text("There is no way back.").wait_for()
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("wanted: deleted").wait_for()
    assert page.get_by_text("Delete…").count() == 0, "it is not offered again"


def test_a_page_that_would_renew_itself_says_how_to_look_again(plain, portal):
    page = plain("member", f"/appliances/{portal.world.appliance}")
    said = page.locator("noscript")
    assert said.is_visible()
    assert said.inner_text().startswith("Load the page again")


def test_every_page_is_whole(tour):
    for name, page in tour(java_script_enabled=False):
        assert page.locator("h1").is_visible(), name
