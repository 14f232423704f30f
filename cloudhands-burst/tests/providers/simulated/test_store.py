"""The file of a simulated cloud: of older releases, among threads, forks, and when it goes."""

import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from cloudhands.burst.providers.simulated.adapter import SimulatedCloud
from cloudhands.burst.providers.simulated.options import Options
from cloudhands.common.cloud import (
    Gone,
    Held,
    Identity,
    Room,
    ServerSpec,
    ServerState,
    Temporary,
)

OPTIONS = Options(
    file=Path("private.db"),
    capacity=500,
    images=("debian-12",),
    sizes=("m1.small",),
    boot_seconds=0,
    delete_seconds=0,
)
SPEC = ServerSpec(Identity("here", "appliance", 1), "ch-1", "debian-12", "m1.small")

# As the first release made it.
OLDER = """
    CREATE TABLE servers (
        id TEXT PRIMARY KEY, installation TEXT NOT NULL, appliance TEXT NOT NULL,
        generation INTEGER NOT NULL, name TEXT NOT NULL, image TEXT NOT NULL, size TEXT NOT NULL,
        address TEXT NOT NULL, external_address TEXT NOT NULL, phase TEXT NOT NULL,
        since REAL NOT NULL
    );
    CREATE INDEX by_appliance ON servers (appliance, generation);
    INSERT INTO servers VALUES
        ('a', 'here', 'one', 1, 'ch-one-1', 'debian-12', 'm1.small', '192.168.0.2', '203.0.113.4',
         'building', 1),
        ('b', 'here', 'two', 3, 'ch-two-3', 'debian-12', 'm1.small', '192.168.0.4', '',
         'stopping', 1),
        ('c', 'here', 'two', 2, 'ch-two-2', 'debian-12', 'm1.small', '192.168.0.6', '203.0.113.2',
         'deleting', 1);
"""


CREATE = """
import sys
from pathlib import Path
from cloudhands.burst.providers.simulated.adapter import SimulatedCloud
from cloudhands.burst.providers.simulated.options import Options
from cloudhands.common.cloud import Identity, ServerSpec
cloud = SimulatedCloud(Options.model_validate_json(sys.argv[1]), Path(sys.argv[2]))
identity = Identity("here", "appliance", 1)
print(cloud.create(ServerSpec(identity, "ch-1", "debian-12", "m1.small")).id)
"""


@pytest.fixture
def cloud(tmp_path: Path) -> SimulatedCloud:
    return SimulatedCloud(OPTIONS, tmp_path)


def test_the_file_of_an_older_release_is_brought_up(cloud: SimulatedCloud, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / OPTIONS.file)) as older:
        older.executescript(OLDER)
    listing = cloud.listed("here")
    told = [(one.id, one.identity.appliance, one.state) for one in listing.servers]
    assert told == [("a", "one", ServerState.RUNNING), ("b", "two", ServerState.STOPPED)]
    first = listing.servers[0]
    assert [address.address for address in first.addresses] == ["192.168.0.2", "203.0.113.4"]
    assert {held.address.address for held in listing.held} == {"203.0.113.2", "203.0.113.4"}
    assert Held(first.identity, first.addresses[1]) in listing.held
    cloud.give_address("a")
    assert cloud.observe("a") == first
    given = [cloud.create(SPEC).addresses[0].address for _ in range(4)]
    assert given == [f"192.168.0.{number}" for number in (3, 5, 6, 7)]
    assert cloud.standing([], []).quota["appliances"] == Room(6, 500)
    external = cloud.create(replace(SPEC, external_address=True)).id
    cloud.give_address(external)
    assert cloud.observe(external).addresses[1].address == "203.0.113.3"
    cloud.release(Identity("here", "two", 2))
    with pytest.raises(Gone):
        cloud.observe("c")


def test_the_file_of_a_newer_release_is_left_alone(cloud: SimulatedCloud, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / OPTIONS.file)) as newer:
        newer.execute("PRAGMA user_version = 3")
    with pytest.raises(Temporary, match=r"private\.db cannot be used: a newer release"):
        cloud.find(SPEC.identity)


def test_threads_get_servers_and_addresses_of_their_own(cloud: SimulatedCloud) -> None:
    cloud._store._timeout = 60  # a disk may stand still for longer than a call would wait
    with ThreadPoolExecutor(16) as threads:
        made = list(threads.map(lambda _: cloud.create(SPEC), range(100)))
        assert len({server.addresses for server in made}) == 100
        list(threads.map(lambda server: cloud.delete(server.id), made[::2]))
    assert len(cloud.find(SPEC.identity)) == 50
    assert cloud.standing([], []).quota["appliances"] == Room(50, 500)


def test_a_fork_uses_no_connection_of_its_parent(cloud: SimulatedCloud) -> None:
    cloud.create(SPEC)
    child = os.fork()
    if child == 0:
        try:
            cloud.create(SPEC)
            mine = len(cloud._store._connections._idle[os.getpid()]) == 1
            os._exit(0 if mine and len(cloud.find(SPEC.identity)) == 2 else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(cloud.find(SPEC.identity)) == 2


def test_a_file_that_another_process_began_anew_is_used(
    cloud: SimulatedCloud, tmp_path: Path
) -> None:
    # What SQLite keeps beside the file must not be taken for the new one's.
    old = [cloud.create(SPEC).id for _ in range(5)]
    (tmp_path / OPTIONS.file).unlink()
    argv = [sys.executable, "-c", CREATE, OPTIONS.model_dump_json(), str(tmp_path)]
    kept = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
    assert kept not in old
    assert [server.id for server in cloud.find(SPEC.identity)] == [kept]
    made = cloud.create(SPEC).id
    again = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
    assert [server.id for server in cloud.find(SPEC.identity)] == [kept, made, again]


def test_a_change_that_fails_leaves_nothing(cloud: SimulatedCloud) -> None:
    made = cloud.create(SPEC).id
    with suppress(ZeroDivisionError), cloud._store.changing() as servers:
        servers.forget(made)
        raise ZeroDivisionError
    assert [server.id for server in cloud.find(SPEC.identity)] == [made]
    cloud.delete(made)


def test_connections_are_closed_with_their_cloud(tmp_path: Path) -> None:
    cloud = SimulatedCloud(OPTIONS, tmp_path)
    cloud.create(SPEC)
    assert len(list(tmp_path.iterdir())) == 3
    del cloud
    assert [file.name for file in tmp_path.iterdir()] == ["private.db"]
