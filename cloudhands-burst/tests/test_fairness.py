"""One slow provider does not hold all the threads, nor much of one kind of work all the turns."""

import threading
import time
from dataclasses import replace
from threading import Event
from typing import Any

import pytest

from cloudhands.burst import pace
from cloudhands.burst.calls import connected, crowded
from cloudhands.burst.loop import Loop
from cloudhands.burst.metrics import Metrics
from cloudhands.burst.pauses import Pauses
from cloudhands.burst.reconcilers import every
from cloudhands.burst.reconcilers.appliance.reconciler import ApplianceReconciler
from cloudhands.burst.relay import Relay
from cloudhands.burst.testing import World
from cloudhands.common.cloud import Cloud
from cloudhands.common.provider.commands import check_soon


class Hanging(Relay):
    """A cloud whose calls do not end before they are let go."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud)
        self.hanging = 0
        self.most = 0
        self.let_go = Event()
        self._lock = threading.Lock()

    def _call(self, name: str, *about: object) -> Any:
        with self._lock:
            self.hanging += 1
            self.most = max(self.most, self.hanging)
        assert self.let_go.wait(30)
        with self._lock:
            self.hanging -= 1
        return super()._call(name, *about)


def until(holds: Any) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_slow_provider_leaves_threads_to_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "SLOT_SECONDS", 0.02)
    uuids = [world.launch() for _ in range(10)]
    world.go_on()
    public = [uuid for uuid in uuids if world.servers("public", uuid)]
    assert len(public) == 6, "the private cloud has room for four"
    burst = world.settings.burst.model_copy(update={"concurrency": 4})
    world.settings = world.settings.model_copy(update={"burst": burst})
    hanging = Hanging(world.clouds["public"])
    world.clouds["public"] = hanging
    pauses = Pauses(world.database, world.settings, world.clock)
    guarded = connected(world.clouds, world.settings, pauses, Metrics())
    for uuid in (*public, *(uuid for uuid in uuids if uuid not in public)):
        world.want(uuid, "stopped")
        world.clock.advance(0.001)  # the slow one's are the first in the queue
    stopping = Event()
    context = replace(world.context, clouds=guarded)
    loop = Loop(context, [ApplianceReconciler(context)], stopping)
    thread = threading.Thread(target=loop.run)
    thread.start()
    try:
        others = [uuid for uuid in uuids if uuid not in public]
        until(lambda: {world.state(uuid) for uuid in others} == {"stopping"})
        assert {world.state(uuid) for uuid in public} == {"running"}
        until(lambda: loop.in_hand == 3)
        assert (hanging.hanging, crowded(guarded)) == (3, ["public"])
        # What is not in hand waits without being taken over and over.
        assert world.claims() != []
    finally:
        hanging.let_go.set()
        stopping.set()
        thread.join(10)
        assert loop.drain(10)
    assert hanging.most == 3


def test_every_kind_has_its_turn(world: World) -> None:
    for _ in range(6):
        world.launch()
    with world.database.writing() as session:
        check_soon(session, world.clock())
    burst = world.settings.burst.model_copy(update={"concurrency": 1})
    context = replace(world.context, settings=world.settings.model_copy(update={"burst": burst}))
    loop = Loop(context, every(context), Event())
    taken: list[str] = []
    loop._start = lambda one: taken.append(one.claim.model.kind)  # type: ignore[method-assign]
    for _ in range(4):
        loop._take(loop._due(), 1, world.clock())
    assert {"appliance", "subscription"} <= set(taken)
