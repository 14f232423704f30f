"""The main job by clicking, through the whole system, with JavaScript and without."""

import pytest

from cloudhands.common.testing import chromium, people
from cloudhands.ops.demo import configuration, directory, keys, setup
from cloudhands.ops.demo.testing import demonstration

COLLEAGUES = {"with JavaScript": people.COLLEAGUE, "without JavaScript": people.BYSTANDER}
LIMIT_MS = 40_000
LOOKS = 80


@pytest.fixture(scope="module")
def demo():
    with demonstration() as made:
        assert made.run("up", "--port", str(made.port)).returncode == 0
        yield made


@pytest.fixture(scope="module")
def browser():
    with chromium.launched() as browser:
        yield browser


class Somebody:
    """A person at a browser of their own."""

    def __init__(self, browser, address, scripts):
        self.scripts = scripts
        self.context = browser.new_context(base_url=address, java_script_enabled=scripts)
        self.page = self.context.new_page()
        self.page.set_default_timeout(LIMIT_MS)
        self.complaints = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto("/")

    def _note(self, message):
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def sign_in(self, uid, password):
        self.page.get_by_label("User name").fill(uid)
        self.page.get_by_label("Password").fill(password)
        self.click("button", "Sign in")

    def click(self, role, name, exact=True):
        self.page.get_by_role(role, name=name, exact=exact).click()

    def sees(self, name, role="heading"):
        self.page.get_by_role(role, name=name).first.wait_for()

    def wait_for(self, state):
        """The page renews itself; without scripts a person does it."""
        shown = self.page.locator(f".state.{state}").first
        for _ in range(LOOKS):
            if self.scripts or shown.count():
                break
            self.page.wait_for_timeout(500)
            self.page.reload()
        shown.wait_for()


@pytest.mark.parametrize("kind", COLLEAGUES)
def test_the_story(demo, browser, kind):
    uid, given, family = COLLEAGUES[kind]
    address, scripts = configuration.address(demo.port), kind == "with JavaScript"
    pi, researcher = (Somebody(browser, address, scripts) for _ in range(2))
    administrator = setup.administrator(demo.place)
    pi.sign_in(administrator.uid, administrator.password)
    invite(pi, f"{given} {family}")
    researcher.sign_in(uid, directory.PASSWORD)
    join(researcher)
    add_key(researcher, uid)
    launch(researcher, f"Seen {kind}")
    change(researcher, f"Seen {kind}")
    researcher.click("button", "Sign out")
    researcher.sees("Sign in")
    assert pi.complaints == researcher.complaints == []
    for one in (pi, researcher):
        one.context.close()


def invite(pi, name):
    pi.click("link", setup.ORGANISATION_TITLE)
    pi.click("link", "Invite a colleague")
    pi.page.get_by_label("Name, user name or mail address").fill(name)
    pi.click("button", "Search")
    pi.click("button", f"Invite {name}")
    pi.page.get_by_text("finds this invitation on the front page").wait_for()


def join(researcher):
    researcher.click("button", f"Accept the invitation to {setup.ORGANISATION_TITLE}")
    researcher.sees(setup.ORGANISATION_TITLE)


def add_key(researcher, uid):
    researcher.page.locator('header a[href="/account"]').click()
    researcher.page.get_by_label("Name").fill("laptop")
    researcher.page.get_by_label("Public key").fill("nonsense")
    researcher.click("button", "Add key")
    researcher.page.get_by_text("A public key starts with").first.wait_for()
    assert researcher.page.get_by_label("Name").input_value() == "laptop", "what was typed stays"
    # The browser tells of the answer's status, 422, as an error; it is what was asked for.
    researcher.complaints = [one for one in researcher.complaints if "422" not in one]
    researcher.page.get_by_label("Public key").fill(keys.new_line(uid))
    researcher.click("button", "Add key")
    researcher.page.get_by_text("SHA256:").wait_for()


def launch(researcher, label):
    researcher.page.goto("/")
    researcher.click("link", setup.ORGANISATION_TITLE)
    researcher.click("link", "Launch an appliance")
    researcher.click("link", "Launch Analysis desktop")
    researcher.page.get_by_label("Name").fill(label)
    researcher.click("button", "Launch")
    researcher.sees(label)
    researcher.wait_for("running")


def change(researcher, label):
    for button, state in (("Stop", "stopped"), ("Start", "running")):
        researcher.click("button", button)
        researcher.wait_for(state)
    researcher.click("link", "Change")
    researcher.page.get_by_label("Name").fill(f"{label}, renamed")
    researcher.click("button", "Rename")
    researcher.sees(f"{label}, renamed")
    researcher.page.get_by_text("Delete…").click()
    researcher.click("button", "Delete")
    researcher.wait_for("deleted")
