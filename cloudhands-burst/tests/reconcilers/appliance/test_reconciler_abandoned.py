"""An appliance goes on without a server that an operator abandoned."""

from uuid import UUID

import pytest

from cloudhands.burst.testing import World
from cloudhands.burst.testing_faults import faulty, present
from cloudhands.burst.testing_invariants import broken, seen
from cloudhands.common.actor.commands import component
from cloudhands.common.actor.queries import OPERATOR
from cloudhands.common.appliance import abandoning
from cloudhands.common.appliance.queries import by_uuid
from cloudhands.common.cloud import Temporary


def give_up(world: World, uuid: UUID, verb: str = "abandon") -> None:
    with world.database.writing() as session:
        appliance = by_uuid(session, uuid, lock=True)
        assert appliance is not None
        operator = component(session, OPERATOR, world.clock())
        if verb == "abandon":
            abandoning.abandon(session, operator, appliance, "it is stuck", world.clock())
        else:
            abandoning.write_off(session, operator, appliance, world.clock())


def whole(world: World) -> None:
    assert not list(broken(seen(world)))


def test_a_stuck_deletion_is_abandoned_and_written_off(world: World) -> None:
    uuid = world.launch()
    world.go_on()
    world.want(uuid, "deleted")
    cloud = faulty(world)
    for _ in range(3):
        cloud.before["delete"] = Temporary("it does not answer")
        world.look()
        world.clock.advance(60)
    assert world.state(uuid) == "running"
    give_up(world, uuid)
    whole(world)
    world.go_on()
    assert world.state(uuid) == "deleted"
    ours, there = world.shares("private")
    assert (ours.appliances, there.appliances) == (1, 1), "kept for the server"
    assert len(present(world)) == 1
    whole(world)
    give_up(world, uuid, "write off")
    ours, there = world.shares("private")
    assert (ours.appliances, there.appliances) == (0, 0)


@pytest.mark.parametrize("again", [True, False])
def test_one_that_was_abandoned_fails_and_can_be_tried_again(world: World, again: bool) -> None:
    uuid = world.launch()
    world.go_on()
    (lost,) = present(world)
    give_up(world, uuid)
    world.go_on()
    assert world.history(uuid)[-1] == ("failed", "its server was abandoned by an operator")
    whole(world)
    if again:
        world.retry(uuid)
        world.go_on()
        assert world.state(uuid) == "running"
        assert world.nodes(uuid)[-1].server_id != lost
    else:
        world.want(uuid, "deleted")
        world.go_on()
        assert world.state(uuid) == "deleted"
    whole(world)


def test_one_that_nobody_told_of_is_not_taken_for_the_next(world: World) -> None:
    uuid = world.launch()
    cloud = faulty(world, after={"create": Temporary("the reply was lost")})
    world.look()
    (lost,) = present(world)
    give_up(world, uuid)
    world.go_on()
    node = world.nodes(uuid)[-1]
    assert (world.state(uuid), node.generation) == ("running", 2)
    assert node.server_id != lost
    assert cloud.calls.count("create") == 2
    whole(world)
