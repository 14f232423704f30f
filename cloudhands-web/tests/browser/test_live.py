"""Parts of pages that renew themselves: what changes arrives, and nothing else is touched.

The browser's clock is driven by the tests: seconds between polls pass at once.
"""

from dataclasses import replace

import pytest

from cloudhands.web.security.throttle import Throttle

# Counts what changes below the body. Classes are htmx's own, for the time of a request.
WATCH = """
window.changes = [];
new MutationObserver((seen) => window.changes.push(
  ...seen.filter((one) => one.attributeName !== "class").map((one) => one.type)
)).observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true});
"""
LIVE = "**/live"


@pytest.fixture(params=["appliance", "organisation"])
def place(request, portal):
    world = portal.world
    return {
        "appliance": f"/appliances/{world.appliance}",
        "organisation": f"/organisations/{world.organisation}",
    }[request.param]


@pytest.fixture
def look(visit):
    """Opens a page whose clock stands, and counts what is asked for and changed in it."""

    def look(uid, path):
        page = visit(uid)
        page.clock.install()
        page.clock.pause_at(page.evaluate("Date.now()") + 1000)
        page.answers = []
        page.on("response", lambda answer: note(page, answer))
        page.goto(path)
        page.evaluate(WATCH)
        return page

    def note(page, answer):
        if answer.url.endswith("/live"):
            page.answers.append(answer.status)

    return look


def after(page, seconds):
    """Let time pass until the next poll is answered and dealt with.

    The page's clock goes on while its answer is awaited, for a fifth of a second at most: what the
    last answer brought may have been put in place a little late.
    """
    before = len(page.answers)
    page.clock.run_for(seconds * 1000)
    for _ in range(100):
        if len(page.answers) > before:
            break
        page.wait_for_timeout(100)
        page.clock.run_for(2)
    assert len(page.answers) > before, "no poll"
    page.wait_for_timeout(50)
    page.clock.run_for(100)


def changes(page):
    return page.evaluate("window.changes")


def test_at_rest_nothing_is_touched(look, place, set_state):
    set_state("provisioning", at_rest=True)
    page = look("member", place)
    for _ in range(3):
        after(page, 15)
    assert page.answers == [304, 304, 304]
    assert changes(page) == []


def test_nothing_shifts_while_a_page_loads(visit, place):
    page = visit("member", place)
    shifts = page.evaluate(
        """() => new Promise((done) => new PerformanceObserver((list) => done(list.getEntries()))
             .observe({type: "layout-shift", buffered: true}) || setTimeout(() => done([]), 300))"""
    )
    assert shifts == []


def test_a_change_arrives_and_is_told(look, place, set_state):
    page = look("member", place)
    after(page, 2)
    assert page.answers == [304]
    assert page.locator("#news").inner_text() == ""
    set_state("provisioning")
    after(page, 2)
    page.locator("#news", has_text="mine is provisioning.").wait_for(state="attached")
    page.locator(".state.provisioning").first.wait_for()
    assert page.answers == [304, 200]
    assert page.locator("#news").inner_text() == "mine is provisioning."
    after(page, 2)
    assert page.answers == [304, 200, 304]


def test_it_asks_often_while_something_moves_and_seldom_at_rest(look, place, set_state):
    page = look("member", place)
    after(page, 2)
    set_state("provisioning", at_rest=True)
    after(page, 2)
    page.clock.run_for(14_000)
    assert len(page.answers) == 2
    after(page, 1)
    assert len(page.answers) == 3
    set_state("running")
    after(page, 15)
    page.locator(".state.running").first.wait_for()


def test_focus_selection_and_what_is_open_survive_a_change(look, portal, set_state):
    page = look("member", f"/appliances/{portal.world.appliance}")
    page.get_by_text("Delete…").click()
    page.get_by_role("button", name="Delete").focus()
    page.evaluate("getSelection().selectAllChildren(document.querySelector('dl.facts'))")
    chosen = page.evaluate("getSelection().toString()")
    set_state("provisioning")
    after(page, 2)
    page.locator(".state.provisioning").first.wait_for()
    page.get_by_text("There is no way back.").wait_for()
    assert page.evaluate("document.activeElement.id") == "delete-button"
    assert page.evaluate("getSelection().toString()") == chosen
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("wanted: deleted").wait_for()


HIDE = """
Object.defineProperty(document, "hidden", {configurable: true, get: () => %s});
document.dispatchEvent(new Event("visibilitychange"));
"""


def test_a_hidden_tab_does_not_ask(look, place, set_state):
    page = look("member", place)
    page.evaluate(HIDE % "true")
    page.clock.run_for(60_000)
    assert page.answers == []
    set_state("provisioning")
    with page.expect_response(LIVE):
        page.evaluate(HIDE % "false")
    page.locator(".state.provisioning").first.wait_for()
    assert page.answers == [200]


def test_who_is_signed_out_is_led_to_sign_in(look, place):
    page = look("member", place)
    page.context.clear_cookies()
    page.clock.run_for(2000)
    page.get_by_role("button", name="Sign in").wait_for()
    assert page.complaints.pop().endswith("401 (Unauthorized)")


def test_what_may_no_longer_be_seen_leaves_the_screen(look, portal, address):
    page = look("member", f"/appliances/{portal.world.appliance}")
    cookie = {**page.context.cookies()[0], "value": portal.cookie("stranger")}
    page.context.add_cookies([cookie])
    page.clock.run_for(2000)
    page.get_by_role("heading", name="Not found").wait_for()
    assert any("404" in complaint for complaint in page.complaints)
    page.complaints.clear()


def test_a_portal_that_does_not_answer_for_a_while_harms_nothing(look, place, set_state):
    page = look("member", place)
    page.route(LIVE, lambda route: route.fulfill(status=503, body="not now"))
    after(page, 2)
    assert changes(page) == []
    page.unroute(LIVE)
    set_state("provisioning")
    after(page, 2)
    page.locator(".state.provisioning").first.wait_for()
    assert all("503" in complaint for complaint in page.complaints)
    page.complaints.clear()


def test_people_are_found_as_one_types(visit):
    page = visit("member", "/people")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    box = page.get_by_role("searchbox", name="Name, user name or mail address")
    box.press_sequentially("grase hoper")
    page.get_by_role("listitem").get_by_text("Grace Hopper").wait_for()
    assert len(asked) < len("grase hoper"), "not each letter asks"
    assert box.evaluate("box => box === document.activeElement")
    assert page.locator("#news").inner_text() == "1 person found for grase hoper."
    box.fill("zzzzzz")
    page.get_by_text("Nobody of that name was found.").wait_for()
    assert page.locator("#news").inner_text() == "Nobody found for zzzzzz."


def test_who_types_too_much_is_told_so(visit, portal):
    portal.services = replace(portal.services, throttle=Throttle(2, searches=1))
    page = visit("member", "/people?q=grace")
    page.get_by_role("searchbox").fill("hopper")
    page.get_by_role("alert").get_by_text("You have searched for people very often.").wait_for()
    assert page.get_by_text("Grace Hopper").count() == 0
    assert page.complaints
    page.complaints.clear()


def test_a_role_that_was_chosen_stays_while_another_tab_is_looked_at(visit, portal):
    page = visit("admin", f"/organisations/{portal.world.organisation}/people?q=grace")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("combobox", name="Role (Invite Grace Hopper)").select_option("Administrator")
    page.evaluate(HIDE % "false")
    page.wait_for_timeout(50)
    assert asked == []
