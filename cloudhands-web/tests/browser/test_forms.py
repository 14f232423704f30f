"""Forms in the browser: what was typed is kept, what is wrong is found, nothing is sent twice."""

from cloudhands.common.appliance.tables import Appliance

KEYS = "/account"
REFUSED = "422 (Unprocessable Entity)"


def launch_page(portal):
    world = portal.world
    return f"/organisations/{world.organisation}/catalogue/{world.item}"


def launched(portal, label):
    with portal.services.database.reading() as session:
        return session.query(Appliance).filter_by(label=label).count()


def refuse_a_key(page):
    page.get_by_label("Name").fill("my laptop")
    page.get_by_label("Public key").fill("ssh-ed25519 nonsense")
    page.get_by_role("button", name="Add key").click()
    page.get_by_role("alert").wait_for()


def test_a_wrong_field_is_found_from_the_top_of_the_page(visit):
    page = visit("member", KEYS)
    refuse_a_key(page)
    assert page.title().startswith("Error: ")
    wrong = page.get_by_label("Public key")
    assert page.evaluate("document.activeElement.id") == wrong.get_attribute("id")
    page.get_by_label("Name").focus()
    page.get_by_role("alert").get_by_role("link", name="Public key").click()
    assert page.evaluate("document.activeElement.id") == wrong.get_attribute("id")
    assert page.complaints.pop().endswith(REFUSED)


def test_a_wrong_field_says_what_is_wrong_and_still_what_it_is(visit):
    page = visit("member", KEYS)
    refuse_a_key(page)
    wrong, right = page.get_by_label("Public key"), page.get_by_label("Name")
    assert wrong.get_attribute("aria-invalid") == "true"
    told = " ".join(
        page.locator(f"#{one}").inner_text()
        for one in wrong.get_attribute("aria-describedby").split()
    )
    assert "The one line of a .pub file" in told
    assert "The key is damaged" in told
    assert right.get_attribute("aria-invalid") is None
    assert (right.input_value(), wrong.input_value()) == ("my laptop", "ssh-ed25519 nonsense")
    assert page.complaints.pop().endswith(REFUSED)


def test_a_choice_shows_all_of_its_text_on_a_phone(visit, portal):
    page = visit("member", launch_page(portal), "narrow")
    choice = page.get_by_role("radio")
    assert choice.is_checked()
    label = page.locator("label", has=choice)
    assert "10 GB disk" in label.inner_text()
    box = label.bounding_box()
    assert box["x"] + box["width"] <= 320
    assert page.evaluate("document.querySelector('fieldset label').scrollWidth") <= box["width"] + 1


def test_launching_by_clicking(visit):
    page = visit("member", "/", "phone")
    page.get_by_role("link", name="Physics").click()
    page.get_by_role("link", name="Launch an appliance").click()
    page.get_by_role("link", name="Launch Analysis desktop").click()
    page.get_by_label("Name").fill("<b>mine</b> & yours")
    page.get_by_role("button", name="Launch").click()
    page.get_by_role("heading", name="<b>mine</b> & yours").wait_for()
    page.get_by_text("requested", exact=True).first.wait_for()
    assert page.locator("h1").inner_text() == "<b>mine</b> & yours"


def test_an_impatient_second_click_sends_nothing(visit, portal):
    page = visit("member", launch_page(portal))
    sent = []

    def hold(route):
        sent.append(route.request.method)
        route.continue_()

    page.route("**/catalogue/*", hold)
    page.get_by_label("Name").fill("only one")
    page.evaluate(
        """() => {
          const button = document.getElementById("launch-button");
          for (let click = 0; click < 5; click++) button.click();
        }"""
    )
    page.get_by_role("heading", name="only one").wait_for()
    assert sent == ["POST"]
    assert launched(portal, "only one") == 1


def test_who_comes_back_can_send_the_form_again(visit, portal):
    page = visit("member", launch_page(portal))
    page.get_by_label("Name").fill("the first")
    page.get_by_role("button", name="Launch").click()
    page.get_by_role("heading", name="the first").wait_for()
    page.go_back()
    page.get_by_role("heading", name="Launch it for Physics").wait_for()
    assert page.get_by_role("button", name="Launch").is_enabled()
    page.get_by_label("Name").fill("the second")
    page.get_by_role("button", name="Launch").click()
    page.get_by_role("heading", name="the second").wait_for()
    assert (launched(portal, "the first"), launched(portal, "the second")) == (1, 1)
