"""Lost replies, crashes and twins: one server for one appliance, whatever happens."""

from contextlib import suppress
from dataclasses import replace

import pytest

from cloudhands.burst.outcome import Again
from cloudhands.burst.testing import World
from cloudhands.burst.testing_faults import Killed, faulty, present
from cloudhands.common.cloud import (
    Identity,
    Server,
    ServerSpec,
    Temporary,
)


def test_a_lost_reply_makes_no_second_server(world: World) -> None:
    uuid = world.launch()
    cloud = faulty(world, after={"create": Temporary("it did not answer in time")})
    (outcome,) = world.look()
    assert isinstance(outcome, Again)
    assert outcome.problem == "Private cloud: it did not answer in time."
    row = world.row(uuid)
    assert (row.problem, row.attempt, row.state) == (outcome.problem, 1, "requested")
    world.go_on()
    assert cloud.calls.count("create") == 1
    assert len(world.servers("private")) == 1
    row = world.row(uuid)
    assert (row.problem, row.attempt, row.state) == ("", 0, "running")


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", ["find", "create", "observe"])
def test_killed_around_any_call_of_a_launch(world: World, moment: str, call: str) -> None:
    uuid = world.launch()
    faulty(world, **{moment: {call: Killed()}})
    with pytest.raises(Killed):
        world.look()
    world.clock.advance(16)
    world.go_on()
    assert world.state(uuid) == "running"
    assert len(world.servers("private")) == 1
    assert len(world.nodes(uuid)) == 1


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", ["stop", "start", "delete", "observe", "find"])
def test_killed_around_any_later_call(world: World, moment: str, call: str) -> None:
    uuid = world.launch()
    world.go_on()
    faulty(world, **{moment: {call: Killed()}})
    for goal in ("stopped", "running", "deleted"):
        world.want(uuid, goal)
        for _ in range(3):
            with suppress(Killed):
                world.go_on()
            world.clock.advance(16)
    assert world.states(uuid) == [
        *("requested", "provisioning", "running", "stopping", "stopped"),
        *("starting", "running", "deleting", "deleted"),
    ]
    assert world.used() == 0
    assert world.servers("private") == []


def test_twins_are_reaped(world: World) -> None:
    uuid = world.launch()
    cloud = faulty(world, after={"create": Temporary("it did not answer in time")})
    world.look()
    (server,) = world.servers("private")
    cloud.create(ServerSpec(server.identity, "twin", "debian-12", "m1.small"))
    world.go_on()
    (kept,) = world.servers("private")
    assert world.nodes(uuid)[0].server_id == kept.id
    assert world.state(uuid) == "running"


def make_twin(world: World, server: Server) -> Server:
    """A server more of the same identity, as a create that came late would make."""
    spec = ServerSpec(server.identity, "twin", "debian-12", "m1.small")
    return world.simulated("private").create(spec)


def test_a_twin_is_reaped_before_it_runs(world: World) -> None:
    uuid = world.launch()
    world.look()
    (server,) = world.servers("private")
    make_twin(world, server)
    world.clock.advance(3)
    world.look()
    assert world.state(uuid) == "provisioning", "first the twin has to go"
    assert present(world) == [server.id]
    world.go_on()
    assert world.state(uuid) == "running"
    assert [left.id for left in world.servers("private")] == [server.id]


def test_a_twin_takes_the_place_of_a_server_that_vanished(world: World) -> None:
    uuid = world.launch()
    world.look()
    (server,) = world.servers("private")
    twin = make_twin(world, server)
    world.clouds["private"].delete(server.id)
    world.go_on()
    assert world.state(uuid) == "running"
    assert world.nodes(uuid)[0].server_id == twin.id
    assert [left.id for left in world.servers("private")] == [twin.id]


def test_a_twin_that_came_late_goes_with_the_appliance(world: World) -> None:
    uuid = world.launch()
    world.go_on()
    (server,) = world.servers("private")
    twin = replace(world.clouds["private"].observe(server.id)).identity
    world.clouds["private"].create(ServerSpec(twin, "twin", "debian-12", "m1.small"))
    world.want(uuid, "deleted")
    world.go_on(20)
    assert world.state(uuid) == "deleted"
    assert world.servers("private") == []


def test_somebody_elses_server_is_never_touched(world: World) -> None:
    uuid = world.launch()
    other = Identity("another installation", str(uuid), 1)
    world.clouds["private"].create(ServerSpec(other, "theirs", "debian-12", "m1.small"))
    world.go_on()
    world.want(uuid, "deleted")
    world.go_on()
    assert [server.identity for server in world.servers("private")] == [other]
