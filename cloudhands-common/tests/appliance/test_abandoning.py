"""What an operator gives up: put aside with all that is kept for it, then written off."""

import pytest

from cloudhands.common import history
from cloudhands.common.address import commands as addresses
from cloudhands.common.appliance import abandoning
from cloudhands.common.appliance.queries import addresses_of, living_node
from cloudhands.common.appliance.tables import Appliance, Node
from cloudhands.common.cloud import Address
from cloudhands.common.errors import Conflict, NotFound
from cloudhands.common.limits import reserve
from cloudhands.common.provider.queries import subscription_to
from cloudhands.common.provider.tables import Subscription
from cloudhands.common.testing.factories import NOON, Factory

HERE = Address("lan", "192.168.0.9")


@pytest.fixture
def make(rolled_back):
    return Factory(rolled_back)


@pytest.fixture
def running(rolled_back, make):
    """An appliance with a server, as cloud-burst writes it down."""
    organisation = make.organisation()
    appliance = make.appliance(organisation, make.member(organisation))
    used = subscription_to(rolled_back, organisation.id, "private")
    reserve(rolled_back, Subscription, used.id, appliance.share, "it")
    appliance.state, appliance.provider_id = "running", used.provider_id
    appliance.seen_size, appliance.due_at = appliance.size, None
    node = placed(rolled_back, appliance, used.provider_id, "s-1")
    assert addresses.hold(rolled_back, node, [HERE], NOON) == []
    return appliance


def placed(session, appliance, provider_id, server_id):
    node = Node(
        appliance_id=appliance.id,
        generation=appliance.generation,
        provider_id=provider_id,
        server_id=server_id,
        made_at=NOON,
        asked_at=NOON,
    )
    session.add(node)
    session.flush()
    return node


def shares(session, appliance):
    session.expire_all()
    used = subscription_to(session, appliance.organisation_id, "private")
    return (
        appliance.organisation.appliances_used,
        appliance.organisation.vcpus_used,
        used.vcpus_used,
    )


def test_what_is_kept_and_what_goes_on(rolled_back, make, running):
    session = rolled_back
    assert shares(session, running) == (1, 1, 1)
    node = abandoning.abandon(session, make.operator, running, "the rack burnt", NOON)
    assert living_node(session, running) is None
    assert (node.abandoned_at, node.ended_at, node.generation) == (NOON, None, 1)
    assert (running.generation, running.seen_generation, running.due_at) == (2, 2, NOON)
    assert (running.provider_id, running.seen_size) == (None, None)
    assert shares(session, running) == (2, 2, 1), "the server's, and the appliance's own"
    assert addresses_of(session, running.id) == []
    other = placed(session, running, node.provider_id, "s-2")
    assert living_node(session, running) is other
    assert addresses.hold(session, other, [HERE], NOON) == [HERE.address], "it is held"
    told = history.latest(session, running.uuid)[0]
    assert (told.who, told.why) == (
        make.operator.name,
        "its server at private is abandoned: the rack burnt",
    )


def test_written_off_all_is_given_back(rolled_back, make, running):
    session = rolled_back
    node = abandoning.abandon(session, make.operator, running, "the rack burnt", NOON)
    assert abandoning.write_off(session, make.operator, running, NOON) == [node]
    assert node.ended_at == NOON
    assert shares(session, running) == (1, 1, 0)
    other = placed(session, running, node.provider_id, "s-2")
    assert addresses.hold(session, other, [HERE], NOON) == [], "it is free"
    why = history.latest(session, running.uuid)[0].why
    assert why == "its abandoned server at private is written off"
    with pytest.raises(Conflict, match=r"Nothing of \w+ is abandoned"):
        abandoning.write_off(session, make.operator, running, NOON)


def test_the_share_is_kept_as_it_was(rolled_back, make, running):
    """A size that is chosen later, or a change of it that was under way, changes nothing in it."""
    session = rolled_back
    running.definition = {
        **running.definition,
        "sizes": {
            "small": running.definition["sizes"]["small"],
            "large": {**running.definition["sizes"]["small"], "vcpus": 5},
        },
    }
    abandoning.abandon(session, make.operator, running, "the rack burnt", NOON)
    running.size = "large"
    abandoning.write_off(session, make.operator, running, NOON)
    assert shares(session, running) == (1, 1, 0)


def test_a_retry_that_was_asked_for_is_not_forgotten(rolled_back, make, running):
    running.state, running.generation = "failed", 2
    abandoning.abandon(rolled_back, make.operator, running, "the rack burnt", NOON)
    assert (running.generation, running.seen_generation) == (3, 1)


def test_where_there_is_nothing_to_abandon(rolled_back, make):
    organisation = make.organisation()
    appliance = make.appliance(organisation, make.member(organisation))
    with pytest.raises(Conflict, match="there is nothing to abandon"):
        abandoning.abandon(rolled_back, make.operator, appliance, "because", NOON)
    assert isinstance(appliance, Appliance)


@pytest.mark.parametrize("role", ["member", "admin"])
def test_it_is_the_operators(rolled_back, make, running, role):
    somebody = make.member(running.organisation, role=role)
    with pytest.raises(NotFound):
        abandoning.abandon(rolled_back, somebody, running, "because", NOON)
    with pytest.raises(NotFound):
        abandoning.write_off(rolled_back, somebody, running, NOON)
