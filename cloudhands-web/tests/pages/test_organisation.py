import pytest
from sqlalchemy import Engine, event

from cloudhands.common.address import commands as addresses
from cloudhands.common.appliance.tables import Node
from cloudhands.common.cloud import Address
from cloudhands.common.provider.commands import provider
from cloudhands.common.testing.factories import Factory
from cloudhands.web.http.negotiation import HAL_FORMS, HTML
from cloudhands.web.testing import NOW

APPLIANCES = 50


@pytest.fixture
def path(any_portal):
    """A large organisation's: its appliances have three owners, and an address each."""
    with any_portal.services.database.writing() as session:
        make = Factory(session, NOW)
        organisation = make.organisation(limit=APPLIANCES)
        members = [make.member(organisation, uid) for uid in ("one", "two", "three")]
        cloud = provider(session, "private", NOW)
        for number in range(APPLIANCES):
            appliance = make.appliance(organisation, members[number % 3])
            appliance.provider = cloud
            node = Node(appliance=appliance, generation=1, provider=cloud, made_at=NOW)
            session.add(node)
            session.flush()
            addresses.hold(session, node, [Address("internal", f"10.0.0.{number}")], NOW)
        return f"/organisations/{organisation.uuid}"


def queries(client, path, **headers):
    """The answer, and what was asked of the database for it."""
    made = []

    def note(connection, cursor, statement, *rest):
        if statement.startswith("SELECT"):
            made.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        return client.get(path, headers=headers), made
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_the_appliances_of_a_large_organisation_take_four_queries(any_portal, path):
    for accept in (HTML, HAL_FORMS):
        client = any_portal.client("one", accept=accept)
        whole, made = queries(client, path)
        same, before = queries(client, path, **{"If-None-Match": whole.headers["etag"]})
        assert (whole.status_code, same.status_code) == (200, 304)
        assert made[: len(before)] == before, "who asks, and for which versions"
        assert len(made) - len(before) <= 4, made[len(before) :]
        assert all(f"10.0.0.{number}" in whole.text for number in range(APPLIANCES))
