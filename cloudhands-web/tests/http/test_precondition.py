"""Edits name the state that they change: 428 without, 412 when it is not so any more."""

import re

import pytest
from sqlalchemy import select

from cloudhands.common.appliance.states import APPLIANCE
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.machine import move
from cloudhands.common.testing.factories import Factory
from cloudhands.web.testing import NOW


@pytest.fixture
def portal(any_portal):
    return any_portal


def form(portal, client):
    """The address of the form that renames, its document and its tag."""
    path = f"/appliances/{portal.world.appliance}"
    edit = client.document(path)["_links"]["edit-form"]["href"]
    answer = client.get(edit)
    return edit, answer.json()["_templates"]["rename"], answer.headers["etag"]


def label(portal):
    with portal.services.database.reading() as session:
        return session.scalar(
            select(Appliance.label).where(Appliance.uuid == portal.world.appliance)
        )


def send(client, template, name, **headers):
    """The template's values but for its own `if_match`."""
    own = {one["name"]: one["value"] for one in template["properties"] if "value" in one}
    body = {**own, "label": name}
    body.pop("if_match")
    return client.post(template["target"], json=body, headers=headers)


def test_without_a_condition_it_is_428(portal):
    client = portal.client("member")
    _, template, _ = form(portal, client)
    answer = send(client, template, "new")
    assert answer.status_code == 428
    assert answer.json()["type"] == "/problems/precondition-required"
    assert "If-Match" in answer.json()["detail"]
    assert label(portal) == "mine"


@pytest.mark.parametrize("shape", ["{}", "W/{}", '"other", {}', "*"])
def test_the_tag_of_the_form_lets_it_pass(portal, shape):
    client = portal.client("member")
    _, template, tag = form(portal, client)
    answer = send(client, template, "new", **{"If-Match": shape.format(tag)})
    assert answer.status_code == 303, answer.text
    assert label(portal) == "new"


def test_a_template_that_is_used_as_it_is_has_the_condition(portal):
    client = portal.client("member")
    _, template, _ = form(portal, client)
    assert client.use(template, label="new").status_code == 303
    assert label(portal) == "new"


def test_somebody_else_was_first(portal):
    mine, theirs = portal.client("member"), portal.client("admin")
    _, template, tag = form(portal, mine)
    _, other, _ = form(portal, theirs)
    assert theirs.use(other, label="theirs").status_code == 303
    refused = send(mine, template, "mine again", **{"If-Match": tag})
    assert refused.status_code == 412
    problem = refused.json()
    assert problem["type"] == "/problems/outdated"
    assert problem["current"]["label"] == "theirs"
    assert label(portal) == "theirs"
    again = problem["current"]["_templates"]["rename"]
    assert mine.use(again, label="mine again").status_code == 303
    assert label(portal) == "mine again"


def test_a_person_keeps_what_they_typed_and_sees_what_it_is_now(portal):
    mine, theirs = portal.browser("member"), portal.client("admin")
    edit, template, _ = form(portal, portal.client("member"))
    page = mine.get(edit).text
    values = {"csrf_token": mine.token(), "label": "typed"}
    stale = next(one["value"] for one in template["properties"] if one["name"] == "if_match")
    assert f'name="if_match" value="{stale}"' in page
    _, other, _ = form(portal, theirs)
    theirs.use(other, label="theirs")
    refused = mine.post(edit, data={**values, "if_match": stale})
    assert refused.status_code == 412
    assert "Somebody changed this meanwhile" in refused.text
    assert 'value="typed"' in refused.text
    assert "Rename theirs" in refused.text
    assert refused.headers["cache-control"] == "no-store"
    (fresh,) = re.findall(r'name="if_match" value="([^"]+)"', refused.text)
    assert fresh != stale, "what is sent again counts"
    assert mine.post(edit, data={**values, "if_match": fresh}).status_code == 303
    assert label(portal) == "typed"


def test_what_cloud_burst_does_meanwhile_is_no_edit(portal):
    client = portal.client("member")
    edit, template, tag = form(portal, client)
    with portal.services.database.writing() as session:
        appliance = session.query(Appliance).filter_by(uuid=portal.world.appliance).one()
        burst = Factory(session).burst
        move(session, APPLIANCE, appliance, "provisioning", burst, "private is first", NOW)
    assert client.get(edit, headers={"If-None-Match": tag}).status_code == 200, "a new version"
    assert send(client, template, "new", **{"If-Match": tag}).status_code == 303


@pytest.mark.parametrize("header", ['"999.x"', "nonsense", '""', '"', "999"])
def test_a_tag_of_something_else(portal, header):
    client = portal.client("member")
    _, template, _ = form(portal, client)
    assert send(client, template, "new", **{"If-Match": header}).status_code == 412
    assert label(portal) == "mine"


def test_a_wish_takes_no_condition(portal):
    client = portal.client("member")
    page = client.get(f"/appliances/{portal.world.appliance}")
    template = page.json()["_templates"]["delete"]
    body = {one["name"]: one["value"] for one in template["properties"]}
    headers = {"If-Match": page.headers["etag"]}
    refused = client.post(template["target"], json=body, headers=headers)
    assert refused.status_code == 412
    assert "Leave If-Match out" in refused.json()["detail"]
    assert client.post(template["target"], json=body, headers={"If-Match": "*"}).is_redirect


def test_a_role_is_edited_like_that_too(portal):
    client, path = portal.client("admin"), f"/memberships/{portal.world.invitation}"
    page = client.document(path)
    template = page["_templates"]["set-role"]
    assert client.use(template, role="admin").status_code == 303
    assert client.document(path)["role"] == "admin"
    refused = client.use(template, role="member")
    assert (refused.status_code, refused.json()["current"]["role"]) == (412, "admin")


def test_the_form_of_a_rename_refuses_what_is_no_name(portal):
    client = portal.client("member")
    _, template, tag = form(portal, client)
    answer = send(client, template, " ", **{"If-Match": tag})
    assert (answer.status_code, answer.json()["errors"].keys()) == (422, {"label"})


def test_a_tag_of_another_form_of_the_same_age(portal):
    client = portal.client("member")
    path = f"/organisations/{portal.world.organisation}/catalogue/{portal.world.item}"
    made = client.use(client.document(path)["_templates"]["launch"], label="other")
    edit = client.document(made.headers["location"])["_links"]["edit-form"]["href"]
    _, template, _ = form(portal, client)
    foreign = client.get(edit).headers["etag"]
    assert send(client, template, "new", **{"If-Match": foreign}).status_code == 412


def test_what_is_deleted_has_no_form(portal, admin_deletes):
    client = portal.client("member")
    document = client.document(f"/appliances/{portal.world.appliance}/rename")
    assert "_templates" not in document
    browser = portal.browser("member")
    assert "keeps its name" in browser.get(f"/appliances/{portal.world.appliance}/rename").text


@pytest.fixture
def admin_deletes(portal):
    with portal.services.database.writing() as session:
        appliance = session.query(Appliance).filter_by(uuid=portal.world.appliance).one()
        appliance.state = appliance.goal = "deleted"
