"""Addresses, sizes, reboots, consoles and the standing of a simulated cloud, by a held clock."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from cloudhands.burst.providers.simulated.adapter import SimulatedCloud
from cloudhands.burst.providers.simulated.options import Options, Size
from cloudhands.burst.testing import HeldClock
from cloudhands.common.cloud import (
    Address,
    Full,
    Held,
    Identity,
    Invalid,
    Room,
    ServerSpec,
    ServerState,
    Temporary,
)

OPTIONS = Options(
    file=Path("private.db"),
    capacity=5,
    capacity_vcpus=8,
    capacity_memory_mb=16_384,
    images=("debian-12",),
    sizes=("m1.small", "m1.large"),
    amounts={
        "m1.small": Size(vcpus=1, memory_mb=1024),
        "m1.large": Size(vcpus=4, memory_mb=8192),
    },
    boot_seconds=10,
    stop_seconds=4,
    reboot_seconds=6,
    resize_seconds=5,
    delete_seconds=2,
    external_network=IPv4Network("203.0.113.0/29"),
)
IDENTITY = Identity("here", "appliance", 1)
SPEC = ServerSpec(IDENTITY, "ch-1", "debian-12", "m1.small", external_address=True)
FIRST = Address("external", "203.0.113.2", external=True)
SECOND = Address("external", "203.0.113.3", external=True)


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
def cloud(tmp_path: Path, clock: HeldClock) -> SimulatedCloud:
    return SimulatedCloud(OPTIONS, tmp_path, clock)


@pytest.fixture
def running(cloud: SimulatedCloud, clock: HeldClock) -> Callable[..., str]:
    def make(**others: Any) -> str:
        server_id = cloud.create(replace(SPEC, **others)).id
        clock.advance(10)
        return server_id

    return make


# --- external addresses ---


def test_an_external_address_is_taken_in_a_step_of_its_own(
    cloud: SimulatedCloud, running: Callable[..., str]
) -> None:
    server_id = running()
    assert not cloud.observe(server_id).external
    cloud.give_address(server_id)
    assert cloud.observe(server_id).addresses[1] == FIRST
    assert cloud.listed("here").held == [Held(IDENTITY, FIRST)]


def test_it_outlives_its_server_and_is_used_again_by_its_identity(
    cloud: SimulatedCloud, clock: HeldClock, running: Callable[..., str]
) -> None:
    gone = running()
    cloud.give_address(gone)
    cloud.delete(gone)
    clock.advance(2)
    stranger, heir = running(identity=Identity("here", "other", 1)), running()
    assert cloud.listed("here").held == [Held(IDENTITY, FIRST)]
    cloud.give_address(stranger)
    cloud.give_address(heir)
    assert cloud.observe(stranger).addresses[1] == SECOND
    assert cloud.observe(heir).addresses[1] == FIRST


def test_twins_do_not_share_one(cloud: SimulatedCloud, running: Callable[..., str]) -> None:
    for server_id, address in ((running(), FIRST), (running(), SECOND)):
        cloud.give_address(server_id)
        assert cloud.observe(server_id).addresses[1] == address


def test_what_a_server_has_is_not_released(
    cloud: SimulatedCloud, clock: HeldClock, running: Callable[..., str]
) -> None:
    server_id = running()
    cloud.give_address(server_id)
    with pytest.raises(Temporary, match="has its external address still"):
        cloud.release(IDENTITY)
    cloud.delete(server_id)
    clock.advance(2)
    cloud.release(IDENTITY)
    assert cloud.listed("here").held == []


@pytest.mark.parametrize("ending", ["released", "taken"])
def test_the_external_network_can_be_full(
    cloud: SimulatedCloud, clock: HeldClock, running: Callable[..., str], ending: str
) -> None:
    for number in range(5):
        server_id = running(identity=replace(IDENTITY, generation=number))
        cloud.give_address(server_id)
        cloud.delete(server_id)
        clock.advance(2)
    last = running(identity=replace(IDENTITY, generation=9))
    with pytest.raises(Full, match=r"every address of the network 203\.0\.113\.0/29 is in use"):
        cloud.give_address(last)
    if ending == "released":
        cloud.release(replace(IDENTITY, generation=3))
        cloud.give_address(last)
        assert cloud.observe(last).addresses[1].address == "203.0.113.5"


def test_it_is_given_to_what_runs_and_asked_for_it(
    cloud: SimulatedCloud, running: Callable[..., str]
) -> None:
    with pytest.raises(Invalid, match="created to have no address"):
        cloud.give_address(running(external_address=False))
    with pytest.raises(Temporary, match="is building"):
        cloud.give_address(cloud.create(SPEC).id)


# --- reboot and resize ---


def test_a_reboot_takes_its_time(
    cloud: SimulatedCloud, clock: HeldClock, running: Callable[..., str]
) -> None:
    server_id = running()
    cloud.reboot(server_id)
    clock.advance(5.9)
    cloud.reboot(server_id)
    assert cloud.observe(server_id).state is ServerState.REBOOTING
    with pytest.raises(Temporary, match="still rebooting"):
        cloud.stop(server_id)
    clock.advance(0.1)
    assert cloud.observe(server_id).state is ServerState.RUNNING


def test_a_resize_takes_its_time(
    cloud: SimulatedCloud, clock: HeldClock, running: Callable[..., str]
) -> None:
    server_id = running()
    with pytest.raises(Temporary, match="is running"):
        cloud.resize(server_id, "m1.large")
    cloud.stop(server_id)
    clock.advance(4)
    with pytest.raises(Temporary, match="still stopped"):
        cloud.reboot(server_id)
    cloud.resize(server_id, "m1.large")
    clock.advance(4.9)
    cloud.resize(server_id, "m1.large")
    assert cloud.observe(server_id).state is ServerState.RESIZING
    with pytest.raises(Temporary, match="still resizing"):
        cloud.start(server_id)
    clock.advance(0.1)
    found = cloud.observe(server_id)
    assert (found.state, found.size) == (ServerState.STOPPED, "m1.large")
    assert cloud.standing([], []).quota["vcpus"] == Room(4, 8)


def test_a_resize_needs_room(
    cloud: SimulatedCloud, clock: HeldClock, running: Callable[..., str]
) -> None:
    running(size="m1.large")
    server_id, _ = running(), running()
    cloud.stop(server_id)
    clock.advance(4)
    with pytest.raises(Full, match="of its 8 vCPUs 2 are left"):
        cloud.resize(server_id, "m1.large")
    assert cloud.observe(server_id).size == "m1.small"


# --- capacity and standing ---


def test_a_size_takes_its_vcpus_and_its_memory(
    cloud: SimulatedCloud, clock: HeldClock, running: Callable[..., str]
) -> None:
    first, _ = running(size="m1.large"), running(size="m1.large")
    with pytest.raises(Full, match="of its 8 vCPUs 0 are left"):
        cloud.create(SPEC)
    assert cloud.standing([], []).quota == {
        "appliances": Room(2, 5),
        "vcpus": Room(8, 8),
        "memory_mb": Room(16_384, 16_384),
        "addresses": Room(0, 5),
    }
    cloud.delete(first)
    clock.advance(2)
    assert cloud.standing([], []).quota["vcpus"] == Room(4, 8)
    cloud.create(SPEC)


def test_what_is_not_limited_is_not_told(tmp_path: Path) -> None:
    plain = OPTIONS.model_copy(update={"capacity_vcpus": None, "capacity_memory_mb": None})
    cloud = SimulatedCloud(plain, tmp_path)
    assert set(cloud.standing([], []).quota) == {"appliances", "addresses"}


def test_a_limit_needs_to_know_what_each_size_takes() -> None:
    told = OPTIONS.model_dump() | {"amounts": {"m1.small": {"vcpus": 1, "memory_mb": 1}}}
    with pytest.raises(ValidationError, match=r"vcpus and memory_mb of m1\.large are missing"):
        Options.model_validate(told)


# --- console ---


def test_the_console_tells_what_a_server_did(
    cloud: SimulatedCloud, clock: HeldClock, running: Callable[..., str]
) -> None:
    server_id = running(authorized_keys=("one", "two"), user_data="#cloud-config")
    cloud.give_address(server_id)
    cloud.reboot(server_id)
    clock.advance(6)
    cloud.stop(server_id)
    lines = cloud.console(server_id).splitlines()
    assert [line.partition(": ")[2] for line in lines] == [
        "building from debian-12 as m1.small, 2 authorized keys, 13 bytes of user data",
        "was given an external address",
        "rebooting",
        "stopping",
    ]
    assert lines[-1].startswith(clock().isoformat(timespec="seconds"))


def test_the_console_keeps_the_last_lines(
    cloud: SimulatedCloud, clock: HeldClock, running: Callable[..., str]
) -> None:
    server_id = running()
    for _ in range(120):
        cloud.reboot(server_id)
        clock.advance(6)
    written = cloud.console(server_id)
    assert len(written) == 4096
    assert written.endswith("rebooting\n")


# --- cost ---


def test_a_call_reads_no_more_rows_where_there_are_many(cloud: SimulatedCloud) -> None:
    # Each statement of a create looks rows up by an index: none goes through a whole table.
    with cloud._store.changing() as servers:
        plans: list[str] = []
        connection = servers._connection
        asked: list[str] = []
        connection.set_trace_callback(asked.append)
        servers.forget_deleted(5, stuck=True)
        servers.uses()
        servers.held.lowest_free("servers", 1, 9)
        servers.get("x")
        servers.of(IDENTITY)
        connection.set_trace_callback(None)
        for statement in asked:
            rows = connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
            plans += [row[3] for row in rows]
    assert len(asked) == 7
    assert [plan for plan in plans if "SCAN" in plan and plan != "SCAN uses"] == []
