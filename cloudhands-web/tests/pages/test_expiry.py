"""An appliance that expires says so, and can be extended."""

from datetime import timedelta
from uuid import UUID

import pytest

from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.expiry import commands as expiry
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.testing.factories import Factory
from cloudhands.web.testing import NOW, user

END = NOW + timedelta(days=30)


@pytest.fixture
def path(portal):
    """Of a running appliance of `member`, which lasts 30 days."""
    with portal.services.database.writing() as session:
        organisation = session.query(Organisation).filter_by(name="physics").one()
        owner = user(session, "member")
        made = Factory(session, NOW).appliance(organisation, owner, lifetime_days=30)
        made.definition = {**made.definition, "lifetime_days": 30}
        made.state, made.due_at = "running", None
        return f"/appliances/{made.uuid}"


def test_it_says_when_it_expires_and_can_be_extended(portal, path):
    client, browser = portal.client("member"), portal.browser("member")
    document = client.document(path)
    assert (document["expires_at"], document["expired_at"]) == ("2026-03-31T12:00:00Z", None)
    page = browser.get(path).text
    assert "<dt>Expires</dt>" in page
    assert "2026-03-31 12:00:00 UTC" in page
    portal.time[0] = NOW + timedelta(days=5)
    client = portal.client("member")
    document = client.document(path)
    assert client.use(document["_templates"]["extend"]).status_code == 303
    assert client.document(path)["expires_at"] == "2026-04-05T12:00:00Z"


def test_what_has_expired_offers_extend_and_then_start(portal, path):
    with portal.services.database.writing() as session:
        row = session.query(Appliance).filter_by(uuid=UUID(path[12:])).one()
        expiry.expire(session, Factory(session, NOW).burst, row, END, NOW)
        row.state = "stopped"
    client = portal.client("member")
    assert "it will be deleted unless it is extended" in portal.browser("member").get(path).text
    document = client.document(path)
    assert document["expired_at"] == "2026-03-01T12:00:00Z"
    assert set(document["_templates"]) == {"extend", "delete"}
    refused = client.use({**document["_templates"]["extend"], "target": f"{path}/start"})
    assert refused.status_code == 409
    assert "Extend it first" in refused.json()["detail"]
    client.use(document["_templates"]["extend"])
    assert set(client.document(path)["_templates"]) == {"start", "extend", "delete"}


def test_what_never_expires_says_nothing_of_it(portal):
    path = f"/appliances/{portal.world.appliance}"
    document = portal.client("member").document(path)
    assert document["expires_at"] is None
    assert "extend" not in document["_templates"]
    assert "Expires" not in portal.browser("member").get(path).text
