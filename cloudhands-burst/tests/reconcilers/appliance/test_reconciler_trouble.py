"""Trouble with a cloud is told, and backed off from."""

from cloudhands.burst.outcome import Again, Done, Failed
from cloudhands.burst.testing import World
from cloudhands.burst.testing_faults import faulty
from cloudhands.common.cloud import Denied, Full, Invalid, Temporary
from cloudhands.common.testing.factories import NOON


def test_temporary_trouble_is_told_and_backed_off_from(world: World) -> None:
    uuid = world.launch()
    waits = []
    for attempt in range(1, 12):
        faulty(world, before={"find": Temporary("it is busy")})
        (outcome,) = world.look()
        assert isinstance(outcome, Again)
        waits.append(outcome.after)
        assert world.row(uuid).attempt == attempt
        world.clock.advance(outcome.after)
    assert world.row(uuid).problem == "Private cloud: it is busy."
    assert all(2**k / 2 <= wait <= 2**k for k, wait in enumerate(waits[:6]))
    assert all(30 <= wait <= 60 for wait in waits[6:])
    assert world.row(uuid).version == 3, "asked for, placed, and the problem once"


def test_the_clouds_own_word_on_when_to_come_back(world: World) -> None:
    world.launch()
    faulty(world, before={"find": Temporary("slow down", retry_after=90)})
    assert world.look() == [Again(90, "Private cloud: slow down.")]


def test_a_wish_cuts_a_backoff_short(world: World) -> None:
    uuid = world.launch()
    faulty(world, before={"find": Temporary("slow down", retry_after=900)})
    world.look()
    world.want(uuid, "deleted")
    world.look()
    assert world.state(uuid) == "deleted"


def test_refused_credentials_wait_for_long(world: World) -> None:
    uuid = world.launch()
    faulty(world, before={"create": Denied("the credentials are refused")})
    (outcome,) = world.look()
    assert isinstance(outcome, Again)
    assert outcome.after >= 30
    assert world.row(uuid).problem == "Private cloud: the credentials are refused."
    assert world.state(uuid) == "requested", "no cloud has taken it yet"


def test_a_provider_that_left_the_settings(world: World) -> None:
    uuid = world.launch()
    world.go_on()
    world.settings = world.settings.model_copy(update={"providers": {}})
    del world.clouds["private"]
    world.want(uuid, "stopped")
    world.look()
    assert world.row(uuid).problem == "private: it is no longer set up here."


def test_what_can_never_be_made_fails_with_the_reason(world: World) -> None:
    uuid = world.launch()
    faulty(world, before={"create": Invalid("the cloud has no image 'debian-12'")})
    reason = "Private cloud cannot make it: the cloud has no image 'debian-12'"
    assert world.look() == [Failed(reason)]
    assert world.history(uuid)[-1] == ("failed", reason)
    assert [node.ended_at for node in world.nodes(uuid)] == [NOON]
    world.want(uuid, "deleted")
    assert world.look() == [Done()]
    assert world.used() == 0


def test_a_full_cloud_that_cannot_start_it_again(world: World) -> None:
    uuid = world.launch()
    world.go_on()
    world.want(uuid, "stopped")
    world.go_on()
    faulty(world, before={"start": Full("no room to start it")})
    world.want(uuid, "running")
    world.look()
    assert world.row(uuid).problem == "Private cloud: no room to start it."
    world.go_on(20)
    assert world.state(uuid) == "running"


def test_something_unexpected_is_told_too(world: World) -> None:
    uuid = world.launch()
    faulty(world, before={"create": RuntimeError("a bug")})
    loop = world.loop()
    loop.once()
    loop.drain(5)
    row = world.row(uuid)
    assert row.problem.startswith("Something unexpected went wrong here.")
    assert row.due_at is not None
    world.go_on(20)
    assert world.state(uuid) == "running"
