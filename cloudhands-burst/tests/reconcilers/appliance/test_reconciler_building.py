"""Servers that cannot be built: deleted, tried once more, then on the next cloud, then no more."""

from datetime import timedelta

from sqlalchemy import update

from cloudhands.burst.reconcilers.appliance.given_up import MOST, given_up
from cloudhands.burst.testing import World
from cloudhands.burst.testing_faults import Broken, Killed, Stuck, faulty
from cloudhands.common.appliance.queries import by_uuid
from cloudhands.common.provider.tables import Subscription
from cloudhands.common.testing.plans import counted

WORDS = "Private cloud could not run it: no valid host was found: another try follows"


MINUTES = 5


def broken(world: World, name: str = "private", *, full: bool = False) -> Broken:
    cloud = Broken(world.clouds[name])
    cloud.full = full
    world.clouds[name] = cloud
    return cloud


def test_the_first_is_deleted_and_the_second_runs(world: World) -> None:
    uuid = world.launch()
    cloud = broken(world)
    world.look()
    assert world.history(uuid)[-1] == ("requested", WORDS)
    cloud.broken = False
    world.go_on(20)
    assert world.state(uuid) == "running"
    assert [node.failure for node in world.nodes(uuid)] == [
        "could not run it: no valid host was found",
        "",
    ]
    assert world.shares("private")[1].appliances == len(world.servers("private")) == 1


def test_after_two_the_next_cloud_is_asked(world: World) -> None:
    uuid = world.launch()
    cloud = broken(world)
    world.go_on(60)
    assert world.state(uuid) == "running"
    assert cloud.calls.count("create") == 2
    (private, public) = world.row(uuid).placement
    assert private["reason"] == "could not run it: no valid host was found"
    assert public["chosen"]
    assert world.servers("private") == []
    assert world.shares("private")[1].appliances == 0


def test_where_no_cloud_is_left_it_fails_with_their_words(world: World) -> None:
    uuid = world.launch()
    broken(world)
    broken(world, "public")
    world.go_on(60)
    assert world.history(uuid)[-1] == (
        "failed",
        "No cloud can take it. Private cloud: could not run it: no valid host was found; "
        "Public cloud: could not run it: no valid host was found.",
    )
    assert world.servers("private") == world.servers("public") == []
    assert len(world.nodes(uuid)) == 4
    world.retry(uuid)
    world.look()
    assert world.nodes(uuid)[-1].generation == 2, "a person's word begins anew"


def test_one_without_room_is_like_a_full_cloud(world: World) -> None:
    uuid = world.launch()
    cloud = broken(world, full=True)
    world.go_on(30)
    assert world.state(uuid) == "running"
    assert cloud.calls.count("create") == 1
    (private, _) = world.row(uuid).placement
    assert private["reason"] == "was full at 12:00 UTC"


def test_it_is_not_built_again_and_again(world: World) -> None:
    with world.database.writing() as session:
        session.execute(update(Subscription).values(overflow="never"))
    uuid = world.launch()
    cloud = broken(world, full=True)
    world.go_on(30)
    assert world.state(uuid) == "requested", "it waits for room"
    world.go_on(1_000)
    assert cloud.calls.count("create") == MOST
    assert world.history(uuid)[-1] == (
        "failed",
        f"It was tried {MOST} times; at last private could not run it: no valid host was found.",
    )


def test_nothing_is_looked_for_of_what_was_only_asked_for(world: World) -> None:
    uuid = world.launch()
    with world.database.reading() as session:
        appliance = by_uuid(session, uuid)
        assert appliance is not None
        with counted(session) as made:
            assert given_up(session, appliance) == []
    assert made == []


def test_deleted_while_it_is_given_up(world: World) -> None:
    uuid = world.launch()
    broken(world)
    world.look()
    world.want(uuid, "deleted")
    world.go_on(20)
    assert world.states(uuid)[-2:] == ["requested", "deleted"]
    assert world.servers("private") == []
    assert world.used() == 0


def test_killed_while_it_is_given_up(world: World) -> None:
    uuid = world.launch()
    cloud = broken(world)
    cloud.after["delete"] = Killed()
    try:
        world.look()
    except Killed:
        world.clock.advance(16)
    cloud.broken = False
    faulty(world)
    world.go_on(30)
    assert world.state(uuid) == "running"
    assert len(world.servers("private")) == 1


def stuck(world: World) -> Stuck:
    defined = world.settings.providers["private"]
    shorter = defined.model_copy(update={"build_seconds": MINUTES * 60})
    providers = {**world.settings.providers, "private": shorter}
    world.settings = world.settings.model_copy(update={"providers": providers})
    cloud = world.clouds["private"] = Stuck(world.clouds["private"])
    return cloud


def test_one_that_is_built_for_ever_is_given_up_and_the_next_cloud_asked(world: World) -> None:
    uuid = world.launch()
    cloud = stuck(world)
    world.look()
    for _ in range(2):
        asked_at = world.nodes(uuid)[-1].asked_at
        assert asked_at is not None
        world.clock.moment = asked_at + timedelta(minutes=MINUTES, seconds=-1)
        world.look()
        assert world.state(uuid) == "provisioning", "it may take that long"
        world.clock.advance(1)
        world.look()
        assert world.history(uuid)[-1] == (
            "requested",
            "Private cloud did not build it within 5 minutes: another try follows",
        )
        world.go_on(6)
    world.go_on(10)
    assert world.state(uuid) == "running"
    assert world.servers("private") == []
    assert world.shares("private")[1].appliances == 0
    assert len(world.servers("public")) == 1
    assert cloud.calls.count("create") == 2
    (private, _) = world.row(uuid).placement
    assert private["reason"] == "did not build it within 5 minutes"


def test_how_long_it_may_be_stopped_counts_for_nothing(world: World) -> None:
    uuid = world.launch()
    world.go_on()
    stuck(world)
    world.clock.advance(MINUTES * 60)
    world.want(uuid, "stopped")
    world.look()
    assert world.state(uuid) == "running", "its server was built long ago"
