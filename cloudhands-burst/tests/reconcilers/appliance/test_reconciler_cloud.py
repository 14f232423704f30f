"""The cloud does as it likes; the reconciler finds out."""

import pytest
from sqlalchemy import update

from cloudhands.burst.outcome import Done, Failed
from cloudhands.burst.testing import World
from cloudhands.burst.testing_faults import Broken, Killed, at_the_cloud, faulty, look_again
from cloudhands.common.address.tables import HeldAddress
from cloudhands.common.cloud import Gone, Invalid, ServerState
from cloudhands.common.provider.tables import Subscription


def test_a_machine_shut_down_from_inside_stays_down(world: World) -> None:
    uuid = world.launch()
    world.go_on()
    at_the_cloud(world, "stop")
    look_again(world)
    assert world.look() == [Done()]
    row = world.row(uuid)
    assert (row.state, row.goal) == ("stopped", "stopped")
    assert world.history(uuid)[-1] == ("stopped", "it stopped, and nobody here asked for it")


def test_one_started_at_the_cloud_is_stopped_again(world: World) -> None:
    uuid = world.launch()
    world.go_on()
    world.want(uuid, "stopped")
    world.go_on()
    at_the_cloud(world, "start")
    world.clock.advance(10)
    look_again(world)
    world.go_on()
    assert world.states(uuid)[-3:] == ["running", "stopping", "stopped"]


def test_a_lost_server_fails_and_can_be_tried_again(world: World) -> None:
    uuid = world.launch()
    world.go_on()
    at_the_cloud(world, "delete")
    look_again(world)
    (outcome,) = world.look()
    assert isinstance(outcome, Failed)
    assert world.addresses(uuid) == []
    assert world.used() == 1, "it still counts until it is deleted"
    world.retry(uuid)
    world.go_on()
    assert world.state(uuid) == "running"
    assert [server.identity.generation for server in world.servers("private")] == [2]


def test_a_retry_is_begun_once(world: World) -> None:
    uuid = world.launch()
    reason = "it has no such image"
    faulty(world, before={"create": Invalid(reason)})
    world.look()
    world.retry(uuid)
    look_again(world)
    world.look()
    faulty(world, before={"observe": Killed()})
    world.clock.advance(1)
    with pytest.raises(Killed):
        world.look()
    world.clock.advance(16)
    world.go_on()
    assert world.states(uuid)[-4:] == ["failed", "requested", "provisioning", "running"]
    row = world.row(uuid)
    assert (row.generation, row.seen_generation) == (2, 2)


def test_what_failed_before_anything_was_made_can_be_tried_again(world: World) -> None:
    with world.database.writing() as session:
        session.execute(update(Subscription).values(state="inactive"))
    uuid = world.launch()
    world.look()
    assert world.nodes(uuid) == []
    world.retry(uuid)
    assert world.state(uuid) == "failed", "only cloud-burst moves it"
    world.look()
    assert world.states(uuid)[-3:] == ["failed", "requested", "failed"]
    assert world.row(uuid).due_at is None, "it is tried once for each time that it is asked for"
    with world.database.writing() as session:
        session.execute(update(Subscription).values(state="active"))
    world.retry(uuid)
    world.go_on()
    assert world.state(uuid) == "running"
    assert [node.generation for node in world.nodes(uuid)] == [3]


def breaks(world: World) -> Broken:
    """All servers of a cloud break, and it is found out at the next look."""
    cloud = Broken(world.clouds["private"])
    world.clouds["private"] = cloud
    look_again(world)
    return cloud


def test_a_broken_server_is_deleted_before_the_next_try(world: World) -> None:
    uuid = world.launch()
    world.go_on()
    cloud = breaks(world)
    reason = "the cloud could not run it: no valid host was found"
    assert world.look() == [Failed(reason)]
    assert len(world.servers("private")) == 1, "kept until a person has decided"
    assert world.row(uuid).due_at is None
    cloud.broken = False
    world.retry(uuid)
    world.look()
    assert [server.state for server in world.servers("private")] == [ServerState.DELETING]
    assert world.state(uuid) == "requested"
    world.go_on(20)
    assert [server.identity.generation for server in world.servers("private")] == [2]
    assert world.state(uuid) == "running"
    assert [node.generation for node in world.nodes(uuid)] == [1, 2]


def test_a_failed_one_is_deleted_with_its_server(world: World) -> None:
    uuid = world.launch()
    world.go_on()
    breaks(world)
    world.look()
    world.want(uuid, "deleted")
    world.go_on()
    assert world.states(uuid)[-3:] == ["failed", "deleting", "deleted"]
    assert world.servers("private") == []
    assert world.used() == 0


def test_deleted_while_its_last_try_is_cleared_away(world: World) -> None:
    uuid = world.launch()
    world.go_on()
    breaks(world)
    world.look()
    world.retry(uuid)
    world.look()
    world.want(uuid, "deleted")
    world.go_on()
    assert world.states(uuid)[-2:] == ["requested", "deleted"]
    assert world.servers("private") == []


def test_an_address_that_another_still_holds_waits(world: World) -> None:
    first = world.launch()
    world.go_on()
    # The cloud gives the address of a server that vanished to the next, before we know.
    at_the_cloud(world, "delete")
    second = world.launch()
    world.go_on()
    assert world.state(first) == "failed", "the dispute made us look"
    assert world.state(second) == "running"
    assert world.addresses(second) == ["192.168.0.2"]
    with world.database.reading() as session:
        assert session.query(HeldAddress).filter_by(released_at=None).count() == 1


def test_what_is_gone_while_it_is_called_is_looked_at_again(world: World) -> None:
    uuid = world.launch()
    world.go_on()
    faulty(world, before={"delete": Gone("there is no such server")})
    world.want(uuid, "deleted")
    world.go_on()
    assert world.state(uuid) == "deleted"


def test_an_address_that_a_failed_one_still_holds_is_given_up(world: World) -> None:
    first = world.launch()
    world.go_on()
    cloud = breaks(world)
    world.look()
    assert world.state(first) == "failed"
    cloud.broken = False
    at_the_cloud(world, "delete")
    second = world.launch()
    world.go_on()
    assert world.addresses(first) == []
    assert (world.state(first), world.row(first).due_at) == ("failed", None)
    assert (world.state(second), world.addresses(second)) == ("running", ["192.168.0.2"])
    assert [node.ended_at is None for node in world.nodes(first)] == [False]
    world.retry(first)
    world.go_on()
    assert world.state(first) == "running"
