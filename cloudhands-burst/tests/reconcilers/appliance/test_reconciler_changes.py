"""Reboots, at most once each, and other sizes, whose limits are neither passed nor leaked."""

from contextlib import suppress
from decimal import Decimal

import pytest

from cloudhands.burst.testing_capable import SERVICE, CapableCloud, CapableWorld
from cloudhands.burst.testing_faults import Killed, at_the_cloud, faulty, look_again
from cloudhands.common.appliance import metering
from cloudhands.common.catalogue.queries import amounts
from cloudhands.common.cloud import Full, Temporary
from cloudhands.common.errors import Conflict
from cloudhands.common.testing.factories import NOON

DEFINITION = SERVICE.model_dump(mode="json")
SMALL, LARGE = amounts(DEFINITION, "small"), amounts(DEFINITION, "large")


def test_a_reboot_is_done_once(capable: CapableWorld) -> None:
    uuid = capable.serve()
    capable.reboot(uuid)
    capable.reboot(uuid)
    capable.go_on()
    look_again(capable)
    capable.go_on()
    assert len(capable.memories["private"].reboots) == 1
    assert capable.whys(uuid)[-2:] == ["asked to reboot", "the cloud is asked to reboot it"]
    assert (capable.state(uuid), capable.row(uuid).due_at) == ("running", None)
    capable.reboot(uuid)
    capable.go_on()
    assert len(capable.memories["private"].reboots) == 2


@pytest.mark.parametrize(
    ("moment", "done", "error"),
    [("before", 0, Killed()), ("after", 1, Temporary("it did not answer in time"))],
)
def test_a_reboot_that_nobody_answered_is_not_repeated(
    capable: CapableWorld, moment: str, done: int, error: BaseException
) -> None:
    uuid = capable.serve()
    capable.reboot(uuid)
    faulty(capable, **{moment: {"reboot": error}})
    with suppress(Killed):
        capable.look()
    capable.clock.advance(16)
    capable.go_on()
    assert len(capable.memories["private"].reboots) == done
    row = capable.row(uuid)
    assert (row.state, row.due_at, row.problem) == ("running", None, "")
    if isinstance(error, Temporary):
        words = "it may not have been rebooted: Private cloud: it did not answer in time"
        assert capable.whys(uuid)[-1] == words


def test_what_stops_is_not_rebooted_later(capable: CapableWorld) -> None:
    uuid = capable.serve()
    capable.reboot(uuid)
    capable.want(uuid, "stopped")
    capable.go_on()
    capable.want(uuid, "running")
    capable.go_on()
    assert capable.state(uuid) == "running"
    assert capable.memories["private"].reboots == []


def test_a_running_one_is_stopped_resized_and_started(capable: CapableWorld) -> None:
    uuid = capable.serve()
    capable.resize(uuid, "large")
    assert capable.shares("private") == (LARGE, LARGE)
    capable.go_on(20)
    row = capable.row(uuid)
    assert (row.state, row.goal) == ("running", "running")
    assert (row.size, row.seen_size) == ("large", "large")
    assert list(capable.memories["private"].sizes.values()) == ["m1.large"]
    assert capable.whys(uuid)[-6:] == [
        "asked to be large instead of small",
        "stopped to be resized",
        "the cloud says that it is stopped",
        "it is large now, and was small",
        "asked to start",
        "the cloud runs it",
    ]
    capable.resize(uuid, "small")
    assert capable.shares("private") == (LARGE, LARGE), "until the cloud has done it"
    capable.go_on(20)
    assert capable.shares("private") == (SMALL, SMALL)


def test_a_stopped_one_stays_stopped_and_is_metered_by_its_size(capable: CapableWorld) -> None:
    uuid = capable.serve()
    capable.want(uuid, "stopped")
    capable.go_on()
    capable.resize(uuid, "large")
    capable.go_on()
    row = capable.row(uuid)
    assert (row.state, row.size, row.seen_size) == ("stopped", "large", "large")
    capable.clock.advance(3600)
    with capable.database.reading() as session:
        used = metering.use(session, capable.organisation_id, NOON, capable.clock())
    sizes = {one.size: metering.hours(one.stopped) for one in used}
    assert sizes["large"] >= 1 > sizes["small"] > Decimal(0)


def test_where_there_is_no_room_for_it_it_keeps_its_size(capable: CapableWorld) -> None:
    uuid = capable.serve()
    capable.resize(uuid, "large")
    faulty(capable, before={"resize": Full("no room for that size")})
    capable.go_on(20)
    row = capable.row(uuid)
    assert (row.state, row.size, row.seen_size) == ("running", "small", "small")
    assert capable.shares("private") == (SMALL, SMALL)
    why = "it stays small and cannot be large: Private cloud: no room for that size"
    assert why in capable.whys(uuid)


@pytest.mark.parametrize(
    ("moment", "error"),
    [("after", Killed()), ("before", Temporary("it did not answer in time"))],
)
def test_a_resize_that_nobody_answered_is_gone_on_with(
    capable: CapableWorld, moment: str, error: BaseException
) -> None:
    uuid = capable.serve()
    capable.resize(uuid, "large")
    faulty(capable, **{moment: {"resize": error}})
    for _ in range(2):
        with suppress(Killed):
            capable.go_on(20)
        capable.clock.advance(16)
    assert capable.state(uuid) == "running"
    assert capable.row(uuid).seen_size == "large"
    assert capable.shares("private") == (LARGE, LARGE)


def test_a_wish_during_a_resize(capable: CapableWorld) -> None:
    uuid = capable.serve()
    capable.resize(uuid, "large")
    with pytest.raises(Conflict, match="being resized and cannot be rebooted"):
        capable.reboot(uuid)
    capable.look()
    with pytest.raises(Conflict, match="being resized already"):
        capable.resize(uuid, "small")
    capable.want(uuid, "deleted")
    capable.go_on(20)
    assert capable.state(uuid) == "deleted"
    assert not any(sum(capable.shares("private"), ()))


def test_one_that_is_lost_while_it_is_resized(capable: CapableWorld) -> None:
    uuid = capable.serve()
    capable.resize(uuid, "large")
    capable.go_on(20)
    capable.resize(uuid, "small")
    at_the_cloud(capable, "delete")
    capable.look()
    assert capable.state(uuid) == "failed"
    assert capable.shares("private")[0] == SMALL
    assert not any(capable.shares("private")[1])
    capable.retry(uuid)
    capable.go_on(20)
    assert capable.state(uuid) == "running"
    assert capable.shares("private") == (SMALL, SMALL)


def test_a_cloud_that_does_it_in_one_step(capable: CapableWorld) -> None:
    uuid = capable.serve()
    memory = capable.memories["private"]
    capable.clouds["private"] = CapableCloud(capable.simulated("private"), memory, two_steps=False)
    capable.resize(uuid, "large")
    capable.go_on(20)
    assert (capable.state(uuid), capable.row(uuid).seen_size) == ("running", "large")
