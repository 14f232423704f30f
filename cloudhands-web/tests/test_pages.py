"""What each page tells and offers, on both kinds of database, following links alone."""

import pytest

from cloudhands.common.account.public_keys import PublicKey
from cloudhands.common.testing.factories import KEY
from cloudhands.web.http.negotiation import HAL_FORMS
from cloudhands.web.testing import PEOPLE


@pytest.fixture
def portal(any_portal):
    return any_portal


def organisation(client):
    (link,) = client.document("/")["_links"]["ch:organisation"]
    return client.document(link["href"])


def test_a_visitor_sees_the_site_and_can_sign_in(portal):
    front = portal.client().document("/")
    assert front["title"] == "Test cloud"
    assert set(front["_templates"]) == {"sign-in"}
    fields = {one["name"]: one for one in front["_templates"]["sign-in"]["properties"]}
    assert set(fields) == {"uid", "password", "next"}
    assert fields["password"]["type"] == "password"
    assert set(front["_links"]) == {"self", "curies"}


def test_an_invited_person_accepts(portal):
    client = portal.client("invitee")
    front = client.document("/")
    (invitation,) = front["_embedded"]["ch:invitations"]
    assert (invitation["organisation"], invitation["role"]) == ("Physics", "member")
    assert front["_links"].get("ch:organisation") is None
    answer = client.use(invitation["_templates"]["accept"])
    assert answer.status_code == 303
    joined = client.document(answer.headers["location"])
    assert joined["title"] == "Physics"
    assert client.document("/")["_embedded"]["ch:invitations"] == []
    assert organisation(client)["title"] == "Physics"
    closed = client.document(invitation["_links"]["self"]["href"])
    assert closed["state"] == "active"
    assert "_templates" not in closed


def test_an_administrator_finds_and_invites(portal):
    client = portal.client("admin")
    search = organisation(client)["_links"]["ch:people"]["href"].replace("{?q}", "?q=grase+hoper")
    (found,) = client.document(search)["_embedded"]["item"]
    assert (found["uid"], found["id"]) == ("ghopper", PEOPLE[0].id)
    answer = client.use(found["_templates"]["invite"], role="admin")
    assert answer.status_code == 201
    assert client.document(answer.headers["location"])["state"] == "invited"
    (found,) = client.document(search)["_embedded"]["item"]
    assert found["membership"] == "invited"
    assert "_templates" not in found
    members = {one["uid"]: one["state"] for one in organisation(client)["_embedded"]["ch:members"]}
    assert members["ghopper"] == "invited"


def test_a_member_does_not_see_who_is_invited_and_cannot_invite(portal):
    seen = organisation(portal.client("member"))
    assert {one["uid"] for one in seen["_embedded"]["ch:members"]} == {"admin", "member"}
    assert "ch:people" not in seen["_links"]


def test_anybody_who_is_signed_in_finds_people(portal):
    client = portal.client("stranger")
    assert client.document("/")["_links"]["ch:people"] == {
        "href": "/people{?q}",
        "title": "People",
        "templated": True,
    }
    (found,) = client.document("/people?q=turing")["_embedded"]["item"]
    assert found["name"] == "Alan Turing"
    assert client.document("/people?q=nobody-like-this")["_embedded"]["item"] == []


def test_keys(portal):
    client = portal.client("invitee")
    account = client.document("/account")
    assert account["uid"] == "invitee"
    answer = client.use(account["_templates"]["add-key"], label="laptop", key=f"{KEY} me@laptop")
    assert answer.status_code == 201
    (key,) = client.document("/account")["_embedded"]["ch:authorized-keys"]
    assert key["fingerprint"] == PublicKey.parse(KEY).fingerprint
    assert client.use(key["_templates"]["remove-key"]).status_code == 303
    assert client.document("/account")["_embedded"]["ch:authorized-keys"] == []


def test_launching_and_asking_for_its_deletion(portal):
    client = portal.client("member")
    catalogue = client.document(organisation(client)["_links"]["ch:catalogue"]["href"])
    (item,) = catalogue["_embedded"]["item"]
    page = client.document(item["_links"]["self"]["href"])
    template = page["_templates"]["launch"]
    sizes = next(one for one in template["properties"] if one["name"] == "size")
    assert sizes["options"]["inline"][0]["value"] == "small"
    assert sizes["value"] == "small"
    answer = client.use(template, label="new one")
    assert answer.status_code == 201
    appliance = client.document(answer.headers["location"])
    assert (appliance["label"], appliance["state"]) == ("new one", "requested")
    assert (appliance["goal"], appliance["owner"]) == ("running", "Member")
    (event,) = appliance["_embedded"]["ch:history"]
    assert (event["who"], event["to"]) == ("Member", "requested")
    assert event["at"] == "2026-03-01T12:00:00Z"
    assert set(appliance["_templates"]) == {"delete"}
    assert client.use(appliance["_templates"]["delete"]).status_code == 303
    asked = client.document(answer.headers["location"])
    assert asked["goal"] == "deleted"
    assert "_templates" not in asked
    assert client.use(appliance["_templates"]["delete"]).status_code == 303
    assert len(client.document(answer.headers["location"])["_embedded"]["ch:history"]) == 2


def test_a_member_may_look_at_a_colleagues_appliance_and_no_more(portal):
    client = portal.client("invitee")
    (invitation,) = client.document("/")["_embedded"]["ch:invitations"]
    client.use(invitation["_templates"]["accept"])
    seen = client.document(f"/appliances/{portal.world.appliance}")
    assert seen["owner"] == "Member"
    assert "_templates" not in seen
    assert (
        "delete"
        in portal.client("admin").document(f"/appliances/{portal.world.appliance}")["_templates"]
    )


def test_the_limit(portal):
    client, launched = portal.client("member"), 1
    path = f"/organisations/{portal.world.organisation}/catalogue/{portal.world.item}"
    template = client.document(path)["_templates"]["launch"]
    while (answer := client.use(template, label="one more")).status_code == 201:
        launched += 1
    assert launched == organisation(client)["limit"] == organisation(client)["used"]
    assert answer.status_code == 409
    assert answer.json()["type"] == "/problems/limit-reached"
    assert "has used up its limit of 20 appliances" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/html", "text/html"),
        ("*/*", "text/html"),
        ("", "text/html"),
        ("application/json", "application/json"),
        ("application/hal+json", "application/hal+json"),
        (HAL_FORMS, HAL_FORMS),
        (f"text/html;q=0.5, {HAL_FORMS}", HAL_FORMS),
        ("application/problem+json", HAL_FORMS),
        ("text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", "text/html"),
    ],
)
def test_negotiation(portal, accept, kind):
    answer = portal.client("member").get("/", headers={"Accept": accept})
    assert answer.headers["content-type"].partition(";")[0] == kind
    assert {"Accept", "Cookie"} <= {one.strip() for one in answer.headers["vary"].split(",")}
    assert "private" in answer.headers["cache-control"]


def test_a_head_is_a_get_without_a_body(portal):
    answer = portal.client("member").head("/account")
    assert (answer.status_code, answer.content) == (200, b"")
