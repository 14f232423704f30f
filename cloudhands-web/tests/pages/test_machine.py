"""What the machine of an appliance asks and reports."""

from datetime import timedelta

import pytest

from cloudhands.common.appliance import sign_in
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.membership import commands as memberships
from cloudhands.common.membership.tables import Membership
from cloudhands.common.testing.factories import KEY
from cloudhands.web.http.negotiation import HTML
from cloudhands.web.testing import NOW, user


class Machine:
    """The machine of one of the world's appliances."""

    def __init__(self, portal, uuid, token=None):
        self.portal, self.client = portal, portal.client(accept="text/plain")
        self.path = f"/appliances/{uuid}"
        token = token or sign_in.token(portal.services.secret, uuid, 1)
        self.client.headers["Authorization"] = f"Bearer {token}"

    def keys(self, **headers):
        return self.client.get(f"{self.path}/authorized-keys", headers=headers)

    def report(self, state="ready", log="all is set\n"):
        return self.client.post(f"{self.path}/report", data={"state": state, "log": log})


@pytest.fixture
def machine(any_portal):
    return Machine(any_portal, any_portal.world.appliance)


def lines(answer):
    assert answer.status_code == 200, answer.text
    mark, *keys = answer.text.splitlines()
    assert mark == f"# {answer.headers['ETag']}"
    return keys


def withdraw(portal, uid):
    with portal.services.database.writing() as session:
        person = user(session, uid)
        membership = session.query(Membership).filter_by(user_id=person.id).one()
        memberships.withdraw(session, user(session, "admin"), membership, NOW)


def test_the_owners_keys_until_the_membership_ends(machine, any_portal):
    answer = machine.keys()
    assert lines(answer) == [KEY]
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "Set-Cookie" not in answer.headers
    withdraw(any_portal, "member")
    assert lines(machine.keys()) == []


def test_unchanged_keys_cost_nothing_to_send(machine, any_portal):
    tag = machine.keys().headers["ETag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        answer = machine.keys(**{"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", tag)
    withdraw(any_portal, "member")
    assert lines(machine.keys(**{"If-None-Match": tag})) == []


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer ", "Bearer x", "Basic eDp4", "Bearer %FF"])
def test_without_its_token_nothing_is_told(portal, shown):
    machine = Machine(portal, portal.world.appliance)
    machine.client.headers["Authorization"] = shown
    for answer in (machine.keys(), machine.report()):
        assert answer.status_code == 401
        assert KEY not in answer.text
        assert answer.headers["WWW-Authenticate"].startswith("Bearer" if shown else "Cookie")
    row = portal.client("member").document(f"/appliances/{portal.world.appliance}")
    assert row["setup"] == ""


def test_another_machines_token_and_that_of_another_try_open_nothing(portal):
    world, secret = portal.world, portal.services.secret
    for token in (
        sign_in.token(secret, world.other_appliance, 1),
        sign_in.token(secret, world.appliance, 2),
        sign_in.token(bytes(32), world.appliance, 1),
    ):
        machine = Machine(portal, world.appliance, token)
        assert (machine.keys().status_code, machine.report().status_code) == (401, 401)
    # What is not there looks the same.
    nowhere = Machine(portal, world.organisation)
    assert nowhere.keys().json() == Machine(portal, world.appliance, "x").keys().json()


def test_the_token_is_good_for_nothing_else(portal):
    machine = Machine(portal, portal.world.appliance)
    for path in (machine.path, "/account", f"/organisations/{portal.world.organisation}"):
        assert machine.client.get(path, headers={"Accept": HTML}).status_code == 303
    assert machine.client.post(f"{machine.path}/delete").status_code in (401, 403)


def test_a_deleted_appliances_machine_is_told_nothing(machine, any_portal):
    with any_portal.services.database.writing() as session:
        session.query(Appliance).update({"state": "deleted"})
    assert (machine.keys().status_code, machine.report().status_code) == (401, 401)


def test_a_report_is_shown(machine, any_portal):
    page, browser = any_portal.client("member"), any_portal.browser("member")
    with any_portal.services.database.writing() as session:
        session.query(Appliance).update({"state": "running", "setup": "booting", "setup_at": NOW})
    assert page.document(machine.path)["setup"] == "booting"
    assert ">booting<" in browser.get(machine.path).text
    before = page.get(machine.path).headers["ETag"]
    answer = machine.report("failed", "E: no package\x1b[0m <b>\n")
    assert (answer.status_code, answer.content) == (204, b"")
    answer = page.get(machine.path)
    assert answer.headers["ETag"] != before
    found = answer.json()
    assert (found["setup"], found["setup_log"]) == ("failed", "E: no package <b>")
    assert found["_embedded"]["ch:history"][0]["why"] == "its machine says that its set-up failed"
    shown = browser.get(machine.path).text
    assert ">set-up failed<" in shown
    assert "<pre>E: no package &lt;b&gt;</pre>" in shown
    assert "set-up failed" in browser.get(f"/organisations/{any_portal.world.organisation}").text


def test_a_machine_that_never_reports_is_told_of(machine, any_portal):
    page, browser = any_portal.client("member"), any_portal.browser("member")
    with any_portal.services.database.writing() as session:
        session.query(Appliance).update({"state": "running", "setup": "booting", "setup_at": NOW})
    minutes = any_portal.services.settings.appliances.booting_minutes
    any_portal.time[0] = NOW + timedelta(minutes=minutes, seconds=-1)
    answer = page.get(machine.path)
    assert answer.json()["setup_problem"] == ""
    before = answer.headers["ETag"]
    assert page.get(machine.path, headers={"If-None-Match": before}).status_code == 304
    any_portal.time[0] = NOW + timedelta(minutes=minutes)
    answer = page.get(machine.path, headers={"If-None-Match": before})
    found = answer.json()
    told = f"has not reported since {NOW:%d %B %Y, %H:%M} UTC: look at the console log"
    assert told in found["setup_problem"]
    assert told in browser.get(machine.path).text
    assert (found["state"], found["setup"], found["problem"]) == ("running", "booting", "")
    assert machine.report().status_code == 204
    assert page.document(machine.path)["setup_problem"] == "", "better late than never"
    with any_portal.services.database.writing() as session:
        session.query(Appliance).update({"state": "stopped", "setup": "booting"})
    assert page.document(machine.path)["setup_problem"] == "", "it does not run"


def test_a_report_counts_once(machine, any_portal):
    assert [machine.report().status_code for _ in range(2)] == [204, 204]
    assert machine.report("failed").status_code == 409
    found = any_portal.client("member").document(machine.path)
    assert found["setup"] == "ready"
    reports = [one for one in found["_embedded"]["ch:history"] if "its machine" in one["why"]]
    assert len(reports) == 1


def test_what_is_no_report_is_refused(portal):
    machine = Machine(portal, portal.world.appliance)
    assert machine.report("booting").status_code == 422
    assert machine.report(log="x" * 65_537).status_code == 422
    assert machine.client.post(f"{machine.path}/report").status_code == 422
