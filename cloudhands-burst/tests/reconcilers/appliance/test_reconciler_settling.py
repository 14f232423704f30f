"""What a cloud was asked for and does not show: neither asked for twice nor given up too soon."""

from contextlib import suppress
from datetime import timedelta

import pytest

from cloudhands.burst.outcome import Again
from cloudhands.burst.pace import Busy
from cloudhands.burst.testing import SETTLE, World
from cloudhands.burst.testing_faults import Killed, Late, faulty
from cloudhands.common.cloud import Denied, Temporary
from cloudhands.common.testing.factories import NOON

NO_ANSWER = Temporary("it did not answer in time")


@pytest.mark.parametrize("error", [NO_ANSWER, Killed()], ids=["unanswered", "killed"])
def test_a_create_that_never_took_effect_is_repeated_once_that_is_sure(
    world: World, error: BaseException
) -> None:
    uuid = world.launch()
    cloud = faulty(world, before={"create": error})
    with suppress(Killed):
        world.look()
    asked_at = world.clock()
    while world.clock() < asked_at + timedelta(seconds=SETTLE):
        assert cloud.calls.count("create") == 1
        assert world.nodes(uuid)[0].asked_at == asked_at
        world.go_on(1)
    world.go_on(20)
    assert cloud.calls.count("create") == 2
    assert (world.state(uuid), world.row(uuid).problem) == ("running", "")


def test_it_says_what_it_waits_for_and_changes_nothing_meanwhile(world: World) -> None:
    uuid = world.launch()
    faulty(world, before={"create": NO_ANSWER})
    world.look()
    world.go_on(2)
    row = world.row(uuid)
    assert row.problem == (
        "Private cloud did not tell whether it has made the server: it is asked again after "
        "12:00:10 UTC."
    )
    world.go_on(5)
    assert world.row(uuid).version == row.version


@pytest.mark.parametrize("lost", [True, False])
def test_a_server_that_is_shown_late_is_the_only_one(world: World, lost: bool) -> None:
    uuid = world.launch()
    cloud = Late(world, SETTLE - 2)
    if lost:
        cloud.after["create"] = NO_ANSWER
    world.go_on(SETTLE - 3)
    assert world.state(uuid) == ("requested" if lost else "provisioning")
    world.go_on(20)
    assert cloud.calls.count("create") == 1
    assert world.state(uuid) == "running"
    assert len(world.servers("private")) == 1


def test_one_that_was_told_of_and_never_shows_is_lost_after_all(world: World) -> None:
    uuid = world.launch()
    Late(world, 1_000)
    world.go_on(SETTLE - 1)
    assert (world.state(uuid), world.row(uuid).problem) == ("provisioning", "")
    world.go_on(10)
    assert world.history(uuid)[-1][0] == "failed"


@pytest.mark.parametrize("lost", [True, False])
def test_nothing_is_given_back_before_it_is_sure(world: World, lost: bool) -> None:
    uuid = world.launch()
    cloud = Late(world, SETTLE - 2)
    if lost:
        cloud.after["create"] = NO_ANSWER
    world.look()
    world.want(uuid, "deleted")
    world.go_on(SETTLE - 3)
    assert (world.state(uuid) == "deleted", world.used()) == (False, 1)
    world.go_on(20)
    assert (world.state(uuid), world.used()) == ("deleted", 0)
    assert world.servers("private") == []


def test_what_came_to_nothing_is_deleted_once_that_is_sure(world: World) -> None:
    uuid = world.launch()
    faulty(world, before={"create": NO_ANSWER})
    world.look()
    world.want(uuid, "deleted")
    (outcome,) = world.look()
    assert isinstance(outcome, Again)
    assert "nothing of it is given back before 12:00:10 UTC" in outcome.problem
    world.go_on(SETTLE - 1)
    assert world.used() == 1
    world.go_on(2)
    assert (world.state(uuid), world.used()) == ("deleted", 0)


def test_a_refusal_is_sure_at_once(world: World) -> None:
    uuid = world.launch()
    faulty(world, before={"create": Denied("the credentials are refused")})
    world.look()
    assert world.nodes(uuid)[0].asked_at is None
    world.want(uuid, "deleted")
    world.look()
    assert (world.state(uuid), world.used(), world.clock()) == ("deleted", 0, NOON)


def test_a_call_that_we_did_not_make_leaves_no_doubt(world: World) -> None:
    uuid = world.launch()
    cloud = faulty(world, before={"create": Busy("as many calls are under way as may be", 1)})
    assert world.look() == [Again(1)]
    assert world.nodes(uuid)[0].asked_at is None
    world.go_on(SETTLE - 1)
    assert cloud.calls.count("create") == 2
    assert world.state(uuid) == "running"


def test_a_clock_that_was_set_back_makes_nothing_wait_for_longer(world: World) -> None:
    uuid = world.launch()
    faulty(world, before={"create": NO_ANSWER})
    world.look()
    world.clock.advance(-3600)
    world.want(uuid, "deleted")
    (outcome,) = world.look()
    assert isinstance(outcome, Again)
    assert outcome.after <= SETTLE
