"""Workers say that they are at it; the numbers for Prometheus."""

import os
import threading
from datetime import timedelta

from prometheus_client import generate_latest

from cloudhands.burst.metrics import Metrics
from cloudhands.burst.presence import Presence, present
from cloudhands.burst.testing import World
from cloudhands.common import observing
from cloudhands.common.provider import commands, pausing
from cloudhands.common.testing.factories import Factory
from cloudhands.common.worker import commands as worker_commands
from cloudhands.common.worker.queries import is_stale, workers
from cloudhands.common.worker.tables import Worker


def rows(world: World) -> list[Worker]:
    with world.database.reading() as session:
        found = list(workers(session))
        session.expunge_all()
        return found


def test_a_worker_is_seen_while_it_is_at_it(world: World) -> None:
    told = threading.Event()

    def in_hand() -> int:
        told.set()
        return 3

    with present(Presence(world.database, world.clock, in_hand), every=0.01):
        assert told.wait(10)
        world.clock.advance(25)
        told.clear()
        assert told.wait(10)
        (row,) = rows(world)
        assert row.pid == os.getpid()
    assert rows(world) == []


def test_one_that_was_killed_looks_stale_and_is_forgotten_in_the_end(world: World) -> None:
    killed = Presence(world.database, world.clock, lambda: 2)
    killed.tell()
    killed.tell()
    (row,) = rows(world)
    assert row.in_hand == 2
    world.clock.advance(30)
    assert not is_stale(row, world.clock())
    world.clock.advance(1)
    assert is_stale(row, world.clock())
    Presence(world.database, world.clock, lambda: 0).tell()
    assert len(rows(world)) == 2
    world.clock.advance(timedelta(days=2).total_seconds())
    Presence(world.database, world.clock, lambda: 0).tell()
    assert len(rows(world)) == 1


def test_a_row_that_somebody_removed_is_made_again(world: World) -> None:
    presence = Presence(world.database, world.clock, lambda: 0)
    presence.tell()
    with world.database.writing() as session:
        worker_commands.leave(session, rows(world)[0].id)
    presence.tell()
    assert len(rows(world)) == 1
    presence.leave()
    assert rows(world) == []


def test_numbers_are_read_when_somebody_asks(world: World) -> None:
    metrics = Metrics()
    metrics.tell_in_hand(lambda: 5)
    metrics.tell_rows(world.database, world.clock)
    metrics.called("private", "create", "ok", 0.2)
    metrics.called("private", "create", "full", 0.1)
    for _ in range(2):
        world.launch()
    Presence(world.database, world.clock, lambda: 0).tell()
    world.clock.advance(40)
    with world.database.writing() as session:
        observing.begin(session)
        provider = commands.provider(session, "private", world.clock())
        operator = Factory(session).operator
        pausing.pause(session, operator, provider, "a new rack", world.clock())
    told = generate_latest(metrics.registry).decode().splitlines()
    for line in (
        "cloudhands_in_hand 5.0",
        'cloudhands_cloud_calls_total{call="create",outcome="full",provider="private"} 1.0',
        'cloudhands_cloud_call_seconds_count{call="create",provider="private"} 2.0',
        'cloudhands_due{kind="appliance"} 2.0',
        'cloudhands_oldest_due_seconds{kind="appliance"} 40.0',
        'cloudhands_oldest_due_seconds{kind="message"} 0.0',
        'cloudhands_provider_paused{provider="private"} 1.0',
        'cloudhands_provider_paused{provider="public"} 0.0',
        'cloudhands_workers{state="stale"} 1.0',
        "cloudhands_observing 1.0",
    ):
        assert line in told
    assert any(line.startswith("process_cpu_seconds_total") for line in told)
