"""What an organisation may take of a provider: taken with the placement, given back at the end."""

from typing import Any

from cloudhands.burst.testing import World
from cloudhands.common.limits import Amounts, Limits
from cloudhands.common.provider import commands
from cloudhands.common.provider.queries import subscription_to
from cloudhands.common.testing.factories import Factory

ONE = Amounts(appliances=1, vcpus=1, memory_mb=2048, storage_gb=10, addresses=0)


def limit(world: World, provider: str, **wanted: Any) -> None:
    with world.database.writing() as session:
        found = subscription_to(session, world.organisation_id, provider, lock=True)
        assert found is not None
        actor = Factory(session).operator
        commands.set_limits(session, actor, found, Limits(**wanted), world.clock())


def used(world: World, provider: str) -> Amounts:
    with world.database.reading() as session:
        found = subscription_to(session, world.organisation_id, provider)
        assert found is not None
        return Amounts(**{use.name: use.used for use in found.uses})


def test_a_share_is_taken_with_the_placement_and_given_back_when_it_is_gone(world: World) -> None:
    uuid = world.launch()
    assert used(world, "private") == Amounts()
    world.look()
    assert used(world, "private") == ONE
    world.go_on()
    world.want(uuid, "stopped")
    world.go_on()
    assert used(world, "private") == ONE  # a stopped server still counts
    world.want(uuid, "deleted")
    world.look()
    assert used(world, "private") == ONE  # it is not gone yet
    world.go_on()
    assert world.state(uuid) == "deleted"
    assert used(world, "private") == Amounts()


def test_what_passes_a_limit_goes_to_the_next_cloud_and_says_why(world: World) -> None:
    limit(world, "private", vcpus=1)
    first, second = world.launch(), world.launch()
    world.go_on()
    assert [world.row(uuid).provider_id for uuid in (first, second)] == [1, 2]
    (verdict, _) = world.row(second).placement
    assert verdict["reason"] == (
        "is not open to more: the organisation has used up its limit of 1 vCPUs there"
    )
    assert used(world, "private") == used(world, "public") == ONE


def test_what_passes_every_limit_waits_until_something_is_gone(world: World) -> None:
    limit(world, "private", appliances=1)
    limit(world, "public", appliances=0)
    first, second = world.launch(), world.launch()
    world.go_on()
    assert [world.state(uuid) for uuid in (first, second)] == ["running", "requested"]
    assert "limit of 1 appliances" in world.row(second).problem
    world.want(first, "deleted")
    world.go_on(70)
    assert [world.state(uuid) for uuid in (first, second)] == ["deleted", "running"]
    assert world.row(second).problem == ""
    assert used(world, "private") == ONE


def test_a_lowered_limit_leaves_what_runs(world: World) -> None:
    uuid = world.launch()
    world.go_on()
    limit(world, "private", vcpus=0, memory_mb=1)
    world.want(uuid, "stopped")
    world.go_on()
    world.want(uuid, "running")
    world.go_on()
    assert world.state(uuid) == "running"


def test_a_full_cloud_gives_the_share_back(world: World) -> None:
    uuids = [world.launch() for _ in range(5)]
    world.go_on()
    assert {world.state(uuid) for uuid in uuids} == {"running"}
    assert used(world, "private").appliances == 4
    assert used(world, "public").appliances == 1


def test_of_many_that_are_placed_at_once_none_passes_the_limit(world: World) -> None:
    limit(world, "private", appliances=2)
    uuids = [world.launch() for _ in range(6)]
    loop = world.loop()
    loop.once()
    loop.drain(5)
    placed = [world.row(uuid).provider_id for uuid in uuids]
    assert (placed.count(1), placed.count(2)) == (2, 4)
    assert used(world, "private").appliances == 2
    assert used(world, "public").appliances == 4
