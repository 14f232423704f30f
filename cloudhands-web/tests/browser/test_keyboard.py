"""Everything can be done without a mouse, and one always sees where one is."""

from cloudhands.web.testing import PASSWORD

# Where the focus can be; of a group of radio buttons, on the chosen one.
PLACES = """
window.places = Array.from(document.querySelectorAll(
  "a[href], button, input:not([type=hidden]), select, textarea, summary"
)).filter((one) => one.checkVisibility() && (one.type !== "radio" || one.checked));
places.length
"""
# Which of them has it, and whether one sees that.
HERE = """
(() => {
  const style = getComputedStyle(document.activeElement);
  const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  return [places.indexOf(document.activeElement), outlined || style.boxShadow !== "none"];
})()
"""


def test_every_action_is_reached_and_seen(tour):
    for name, page in tour():
        count, reached = page.evaluate(PLACES), set()
        page.evaluate("document.activeElement.blur()")
        for _ in range(count):
            page.keyboard.press("Tab")
            place, seen = page.evaluate(HERE)
            assert seen, f"{name}: the focus is not seen at place {place}"
            reached.add(place)
        assert reached == set(range(count)), name


def test_the_first_stop_leads_to_the_content(visit, portal):
    page = visit("member", f"/appliances/{portal.world.appliance}")
    page.keyboard.press("Tab")
    link = page.get_by_role("link", name="Skip to the content")
    box = link.bounding_box()
    assert box["x"] >= 0
    assert box["y"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.rel") == "up"


def test_signing_in_and_out(visit):
    page = visit("")
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    page.get_by_text("User name or password is wrong.").first.wait_for()
    assert page.get_by_label("User name").input_value() == "admin"
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Hello, Admin").wait_for()
    page.get_by_role("button", name="Sign out").press("Enter")
    page.get_by_role("button", name="Sign in").wait_for()
    assert page.complaints.pop().endswith("422 (Unprocessable Entity)")


def test_a_deletion(visit, portal):
    page = visit("member", f"/appliances/{portal.world.appliance}")
    page.locator("summary").press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("wanted: deleted").wait_for()
    assert page.locator("summary").count() == 0, "it is not offered again"
