"""Approving a public cloud: who sees it where, and what it does."""

import pytest

from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.testing.factories import Factory
from cloudhands.web.testing import NOW, user

TERMS = "Public cloud (about 73.00 EUR a month)"


@pytest.fixture
def path(any_portal):
    """Of an appliance that waits for approval."""
    with any_portal.services.database.writing() as session:
        organisation = session.query(Organisation).filter_by(name="physics").one()
        appliance = Factory(session, NOW).asking(organisation, user(session, "member"), "waiting")
        return f"/appliances/{appliance.uuid}"


@pytest.fixture
def organisation(any_portal):
    return f"/organisations/{any_portal.world.organisation}"


def in_list(document):
    """The templates of each appliance of an organisation, by its label."""
    found = document["_embedded"]["ch:appliance"]
    return {one["label"]: set(one.get("_templates", ())) for one in found}


def test_an_administrator_approves_it_on_its_page(any_portal, path):
    client = any_portal.client("admin")
    document = client.document(path)
    template = document["_templates"]["approve"]
    assert template["title"] == f"Approve {TERMS}"
    answer = client.use(template)
    assert answer.status_code == 303 or answer.is_success
    after = client.document(path)
    assert "approve" not in after["_templates"]
    assert after["problem"] == ""
    assert after["_embedded"]["ch:history"][0]["why"] == f"approved the use of {TERMS}"
    again = client.use(template)
    assert again.status_code == 409
    assert again.json()["detail"] == "waiting does not wait for an approval."


def test_an_administrator_finds_it_on_the_organisations_page(any_portal, path, organisation):
    admin = any_portal.client("admin")
    first = admin.get(organisation)
    assert in_list(first.json()) == {"waiting": {"approve"}, "mine": set()}
    page = any_portal.browser("admin").get(organisation).text
    assert "Waiting for your approval" in page
    assert f'action="{path}/approve"' in page
    template = first.json()["_embedded"]["ch:appliance"][0]["_templates"]["approve"]
    admin.use(template)
    later = admin.get(organisation, headers={"If-None-Match": first.headers["etag"]})
    assert later.status_code == 200
    assert in_list(later.json()) == {"waiting": set(), "mine": set()}
    assert "Waiting for your approval" not in any_portal.browser("admin").get(organisation).text


def test_a_member_sees_why_it_waits_and_cannot_approve(any_portal, path, organisation):
    client = any_portal.client("member")
    document = client.document(path)
    assert document["problem"] == f"It waits for an administrator's approval to use {TERMS}."
    assert "approve" not in document["_templates"]
    assert in_list(client.document(organisation)) == {"waiting": set(), "mine": set()}
    answer = client.post(f"{path}/approve", json={"csrf_token": client.token()})
    assert answer.status_code == 403


def test_what_is_to_be_deleted_is_not_to_be_approved(any_portal, path, organisation):
    member = any_portal.client("member")
    member.use(member.document(path)["_templates"]["delete"])
    admin = any_portal.client("admin")
    assert "approve" not in admin.document(path).get("_templates", {})
    assert in_list(admin.document(organisation))["waiting"] == set()
