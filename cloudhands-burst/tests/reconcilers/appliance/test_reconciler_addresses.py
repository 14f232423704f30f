"""An address that an appliance is reached at from outside: given, shown, released."""

import pytest

from cloudhands.burst.testing_capable import SERVICE, CapableWorld
from cloudhands.burst.testing_faults import Killed, faulty, present
from cloudhands.common.cloud import Temporary


def test_it_runs_once_it_has_its_address(capable: CapableWorld) -> None:
    uuid = capable.launch(SERVICE)
    cloud = faulty(capable, before={"give_address": Temporary("it is busy")})
    capable.go_on(3)
    assert capable.state(uuid) == "provisioning"
    assert capable.row(uuid).problem == "Private cloud: it is busy."
    capable.go_on(10)
    assert capable.state(uuid) == "running"
    assert sorted(capable.addresses(uuid)) == ["192.168.0.2", "203.0.113.1"]
    assert cloud.calls.count("give_address") == 2


def test_one_that_is_not_reached_from_outside_gets_none(capable: CapableWorld) -> None:
    uuid = capable.launch()
    capable.go_on()
    assert (capable.state(uuid), capable.addresses(uuid)) == ("running", ["192.168.0.2"])
    assert capable.memories["private"].held == {}


def test_it_keeps_its_address_until_it_is_gone(capable: CapableWorld) -> None:
    uuid = capable.serve()
    for goal in ("stopped", "running"):
        capable.want(uuid, goal)
        capable.go_on()
        assert "203.0.113.1" in capable.addresses(uuid)
    capable.want(uuid, "deleted")
    faulty(capable, before={"release": Temporary("it is busy", retry_after=5)})
    capable.go_on(3)
    row = capable.row(uuid)
    assert (row.state, row.problem) == ("deleting", "Private cloud: it is busy.")
    assert capable.used() == 1
    assert "203.0.113.1" in capable.addresses(uuid), "it is not given back yet"
    capable.go_on()
    assert (capable.state(uuid), capable.used()) == ("deleted", 0)
    assert capable.memories["private"].held == {}


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_around_it(capable: CapableWorld, moment: str) -> None:
    uuid = capable.launch(SERVICE)
    faulty(capable, **{moment: {"give_address": Killed(), "release": Killed()}})
    for goal in ("running", "deleted"):
        capable.want(uuid, goal)
        for _ in range(2):
            try:
                capable.go_on(20)
            except Killed:
                capable.clock.advance(16)
        assert capable.state(uuid) == goal
    assert capable.memories["private"].held == {}


def test_a_lost_one_leaves_no_address_behind(capable: CapableWorld) -> None:
    uuid = capable.serve()
    (server,) = present(capable)
    capable.clouds["private"].delete(server)
    capable.clock.advance(5)
    capable.want(uuid, "stopped")
    capable.look()
    assert capable.state(uuid) == "failed"
    assert capable.memories["private"].held == {}
    assert capable.addresses(uuid) == []


def test_where_no_address_is_left_another_cloud_is_asked(capable: CapableWorld) -> None:
    capable.memories["private"].addresses = 0
    uuid = capable.launch(SERVICE)
    capable.go_on(5)
    assert capable.row(uuid).problem == "Private cloud: no address is left."
    capable.go_on(60)
    assert capable.state(uuid) == "running"
    assert capable.servers("private") == []
    provider = capable.row(uuid).provider
    assert provider is not None
    assert provider.name == "public"
    reason = "Private cloud had no address for it: no address is left: another try follows"
    assert ("requested", reason) in capable.history(uuid)
    assert capable.shares("private")[1].appliances == 0


def test_a_cloud_without_addresses_takes_who_wants_none(capable: CapableWorld) -> None:
    capable.memories["private"].addresses = 0
    first = capable.launch(SERVICE)
    while capable.row(first).state != "requested" or not capable.nodes(first):
        capable.go_on(1)
    while len(capable.nodes(first)) == 1:
        capable.go_on(1)
    without, other = capable.launch(), capable.launch(SERVICE)
    capable.go_on(20)
    assert capable.servers("private", without)
    assert capable.servers("public", other)
    (private, _) = capable.row(other).placement
    assert private["reason"].startswith("had no address left at 12:0")
