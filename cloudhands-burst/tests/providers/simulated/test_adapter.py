import sqlite3
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from cloudhands.burst.providers.simulated import store
from cloudhands.burst.providers.simulated.adapter import SimulatedCloud
from cloudhands.burst.providers.simulated.options import Options
from cloudhands.burst.testing import HeldClock
from cloudhands.common.cloud import (
    Address,
    Full,
    Gone,
    Identity,
    Invalid,
    ServerSpec,
    ServerState,
    Temporary,
)
from cloudhands.common.settings import Settings
from cloudhands.common.testing.processes import Process

OPTIONS = Options(
    file=Path("clouds/private.db"),
    capacity=3,
    images=("debian-12",),
    sizes=("m1.small",),
    boot_seconds=10,
    stop_seconds=4,
    delete_seconds=2,
)
SPEC = ServerSpec(Identity("here", "appliance", 1), "ch-appliance-1", "debian-12", "m1.small")


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
def cloud(tmp_path: Path, clock: HeldClock) -> SimulatedCloud:
    return SimulatedCloud(OPTIONS, tmp_path, clock)


def test_it_goes_on_by_the_clock(cloud: SimulatedCloud, clock: HeldClock) -> None:
    def after(seconds: float) -> ServerState:
        clock.advance(seconds)
        return cloud.observe(server_id).state

    server_id = cloud.create(SPEC).id
    assert after(9.9) is ServerState.BUILDING
    assert after(0.1) is ServerState.RUNNING
    cloud.stop(server_id)
    assert after(3.9) is ServerState.STOPPING
    assert after(0.1) is ServerState.STOPPED
    cloud.start(server_id)
    assert after(9.9) is ServerState.STARTING
    assert after(0.1) is ServerState.RUNNING
    cloud.delete(server_id)
    assert after(1.9) is ServerState.DELETING
    clock.advance(0.1)
    with pytest.raises(Gone):
        cloud.observe(server_id)


@pytest.mark.parametrize(
    ("asked_before", "then"),
    [([], "stop"), (["stop"], "start"), (["stop", "start"], "stop")],
)
def test_a_busy_server_refuses_for_now(
    cloud: SimulatedCloud, clock: HeldClock, asked_before: list[str], then: str
) -> None:
    server_id = cloud.create(SPEC).id
    for verb in asked_before:
        clock.advance(10)
        getattr(cloud, verb)(server_id)
    with pytest.raises(Temporary, match="the server is still"):
        getattr(cloud, then)(server_id)


def test_asking_again_changes_nothing(cloud: SimulatedCloud, clock: HeldClock) -> None:
    server_id = cloud.create(SPEC).id
    clock.advance(10)
    cloud.stop(server_id)
    clock.advance(3)
    cloud.stop(server_id)
    clock.advance(1)
    assert cloud.observe(server_id).state is ServerState.STOPPED
    cloud.delete(server_id)
    clock.advance(1)
    cloud.delete(server_id)
    clock.advance(1)
    with pytest.raises(Gone):
        cloud.delete(server_id)


def test_it_makes_duplicates_without_a_word(cloud: SimulatedCloud) -> None:
    made = [cloud.create(SPEC).id, cloud.create(SPEC).id]
    assert [server.id for server in cloud.find(SPEC.identity)] == made


def test_what_is_being_deleted_still_counts(cloud: SimulatedCloud, clock: HeldClock) -> None:
    first, *_ = [cloud.create(SPEC).id for _ in range(3)]
    cloud.delete(first)
    with pytest.raises(Full, match="all of its 3 servers are in use"):
        cloud.create(SPEC)
    clock.advance(2)
    cloud.create(SPEC)


def test_an_address_is_used_again_once_its_server_is_gone(
    cloud: SimulatedCloud, clock: HeldClock
) -> None:
    made = [cloud.create(SPEC) for _ in range(3)]
    assert [server.addresses[0].address for server in made] == [
        *("192.168.0.2", "192.168.0.3", "192.168.0.4")
    ]
    cloud.delete(made[1].id)
    clock.advance(2)
    assert cloud.create(SPEC).addresses == (Address("private", "192.168.0.3"),)


def test_a_network_can_be_full_too(tmp_path: Path) -> None:
    small = OPTIONS.model_copy(update={"network": IPv4Network("192.168.0.0/30")})
    cloud = SimulatedCloud(small, tmp_path)
    cloud.create(SPEC)
    with pytest.raises(Full, match=r"every address of the network 192\.168\.0\.0/30"):
        cloud.create(SPEC)


@pytest.mark.parametrize(
    "wrong",
    [{"image": "x"}, {"size": "x"}, {"user_data": "ü" * 8193}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_what_it_does_not_know_is_invalid(cloud: SimulatedCloud, wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        cloud.create(replace(SPEC, **wrong))
    assert cloud.find(SPEC.identity) == []


def test_another_process_sees_the_same_servers(cloud: SimulatedCloud, tmp_path: Path) -> None:
    twin = SimulatedCloud(OPTIONS, tmp_path, HeldClock())
    assert twin.observe(cloud.create(SPEC).id).state is ServerState.BUILDING


def test_it_survives_that_its_file_is_taken_away(cloud: SimulatedCloud, tmp_path: Path) -> None:
    cloud.create(SPEC)
    (tmp_path / OPTIONS.file).unlink()
    assert cloud.find(SPEC.identity) == []


def test_a_file_that_is_held_is_temporary_trouble(cloud: SimulatedCloud, tmp_path: Path) -> None:
    cloud.find(SPEC.identity)
    cloud._store = store.Store(tmp_path / OPTIONS.file, 0.05)
    holder = sqlite3.connect(tmp_path / OPTIONS.file, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(Temporary, match="did not answer in time"):
        cloud.create(SPEC)
    holder.close()


def test_a_file_of_something_else_is_said_to_be(cloud: SimulatedCloud, tmp_path: Path) -> None:
    (tmp_path / "clouds").mkdir()
    (tmp_path / OPTIONS.file).write_text("servers = many\n" * 100)
    with pytest.raises(Temporary, match=r"clouds/private\.db cannot be used: file is not a data"):
        cloud.create(SPEC)


def test_no_call_waits_for_as_long_as_half_a_claim() -> None:
    assert Settings().burst.claim / 2 > store.WAITS * store.LOCK_SECONDS


# Creates servers as fast as it can, and writes down the id of each.
CREATOR = """
import sys
from pathlib import Path
from cloudhands.burst.providers.simulated.adapter import SimulatedCloud
from cloudhands.burst.providers.simulated.options import Options
from cloudhands.common.cloud import Full, Identity, ServerSpec
cloud = SimulatedCloud(Options.model_validate_json(sys.argv[1]), Path(sys.argv[2]))
spec = ServerSpec(Identity("here", sys.argv[3], 1), "name", "debian-12", "m1.small")
while True:
    try:
        print(cloud.create(spec).id, flush=True)
    except Full:
        break
"""


def creator(folder: Path, name: str, capacity: int) -> Process:
    options = OPTIONS.model_copy(update={"capacity": capacity}).model_dump_json()
    argv = [sys.executable, "-c", CREATOR, options, str(folder), name]
    return Process(argv, folder / f"{name}.log")


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_two_processes_never_share_an_address_nor_pass_the_capacity(tmp_path: Path) -> None:
    first, second = creator(tmp_path, "first", 40), creator(tmp_path, "second", 40)
    assert (first.wait(60), second.wait(60)) == (0, 0)
    told = [*first.output().split(), *second.output().split()]
    cloud = SimulatedCloud(OPTIONS, tmp_path)
    found = [*cloud.find(Identity("here", "first", 1)), *cloud.find(Identity("here", "second", 1))]
    assert sorted(server.id for server in found) == sorted(told)
    assert len({server.addresses for server in found}) == 40


def test_what_was_told_survives_kill_9(tmp_path: Path) -> None:
    process = creator(tmp_path, "killed", 200)
    eventually(lambda: process.output().count("\n") >= 5)
    process.kill()
    told = [line for line in process.output().splitlines() if len(line) == 36]
    cloud = SimulatedCloud(OPTIONS.model_copy(update={"capacity": 1000}), tmp_path)
    found = {server.id for server in cloud.find(Identity("here", "killed", 1))}
    assert set(told) <= found
    assert len(found) <= len(told) + 1, "at most the one whose reply was lost"
    cloud.create(SPEC)
