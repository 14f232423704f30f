"""The loop claims for several threads at once, and looks no more often than it has to."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Event
from typing import Any

import pytest
from sqlalchemy import event, update

from cloudhands.burst import loop as loops
from cloudhands.burst.context import Context
from cloudhands.burst.loop import Loop
from cloudhands.burst.outcome import Done, Outcome
from cloudhands.burst.reconcilers import every
from cloudhands.burst.testing import World
from cloudhands.common import observing, set_back, work
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.clock import now
from cloudhands.common.provider.commands import check_soon
from cloudhands.common.provider.tables import Provider, Subscription
from cloudhands.common.work import Claim


@dataclass
class Held:
    """A reconciler whose artifacts stay in hand until they are let go."""

    context: Context
    model = Appliance
    given: list[int] = field(default_factory=list)
    let_go: Event = field(default_factory=Event)

    def reconcile(self, claim: Claim) -> Outcome:
        self.given.append(claim.id)
        assert self.let_go.wait(30)
        time.sleep(0.03 * (claim.id % 3))  # one after the other
        with self.context.database.writing() as session:
            work.release(work.held(session, claim), claim, None, self.context.clock())
        return Done()

    def stumbled(self, claim: Claim) -> Outcome:
        raise AssertionError("it stumbled")


def with_threads(context: Context, number: int) -> Context:
    burst = context.settings.burst.model_copy(update={"concurrency": number})
    return replace(context, settings=context.settings.model_copy(update={"burst": burst}))


@contextmanager
def going(held: Held) -> Iterator[threading.Thread]:
    """A loop in a thread of its own."""
    stopping = Event()
    loop = Loop(held.context, [held], stopping)
    thread = threading.Thread(target=loop.run)
    thread.start()
    try:
        yield thread
    finally:
        held.let_go.set()
        stopping.set()
        thread.join(10)
        assert not thread.is_alive()
        assert loop.drain(10)


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.001)


@dataclass
class Hands:
    """A loop that is led by hand: nothing that it takes ends before `end`.

    :param looks: how often it looked for what is due.
    """

    loop: Loop
    seconds: float = 0
    looks: int = 0
    taken: list[str] = field(default_factory=list)

    def take(self) -> bool:
        """Take what is due; returns whether it looked before."""
        before = self.looks
        self.loop._take_due()
        return self.looks > before


def hands(context: Context, monkeypatch: pytest.MonkeyPatch, *reconcilers: Any) -> Hands:
    made: Hands
    loop = Loop(context, reconcilers or [Held(context)], Event(), lambda: made.seconds)
    made = Hands(loop)
    look = work.next_of_each

    def looking(*arguments: Any) -> Any:
        made.looks += 1
        return look(*arguments)

    monkeypatch.setattr(work, "next_of_each", looking)
    loop._start = lambda one: made.taken.append(one.claim.model.kind)  # type: ignore[method-assign]
    return made


def test_what_ends_together_is_claimed_for_in_one_transaction(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loops, "GATHER_SECONDS", 0.3)
    held = Held(with_threads(replace(world.context, clock=now), 3))
    for _ in range(6):
        world.launch()
    commits: list[threading.Thread] = []
    event.listen(
        world.database.engine, "commit", lambda _: commits.append(threading.current_thread())
    )
    with going(held) as loop:
        until(lambda: len(held.given) == 3)
        held.let_go.set()
        until(lambda: len(held.given) == 6)
        assert commits.count(loop) == 2


def test_what_is_claimed_together_is_read_in_one_query(world: World) -> None:
    context = with_threads(replace(world.context, clock=now), 16)
    asked: list[int] = []

    def count(connection: Any, cursor: Any, sql: str, parameters: Any, *_: Any) -> None:
        if "authorized_keys" in sql and "LEFT OUTER JOIN" in sql:
            asked.append(len(parameters))

    event.listen(world.database.engine, "before_cursor_execute", count)
    launched = [world.launch() for _ in range(3)]
    Loop(context, every(context), Event()).once()
    assert asked == [3]
    assert [world.state(appliance) for appliance in launched] == ["provisioning"] * 3


def test_who_is_idle_takes_a_launch_at_once_and_hears_a_stop_while_it_gathers(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loops, "GATHER_SECONDS", 60)
    held = Held(with_threads(replace(world.context, clock=now), 3))
    with going(held) as loop:
        world.launch()
        until(lambda: len(held.given) == 1)
    assert not loop.is_alive()


def test_more_is_claimed_without_a_look(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        world.launch()
    led = hands(with_threads(world.context, 2), monkeypatch)
    assert [led.take() for _ in range(4)] == [True, False, False, True]
    assert len(led.taken) == 5, "the third claim found but one"


def test_what_else_is_due_has_its_turn_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(9):
        world.launch()
    with world.database.writing() as session:
        for model in (Subscription, Provider):
            session.execute(update(model).values(due_at=None))
    context = with_threads(world.context, 1)
    led = hands(context, monkeypatch, *every(context))
    led.take()
    with world.database.writing() as session:
        check_soon(session, world.clock())
    for _ in range(3):
        assert not led.take()
    assert set(led.taken) == {"appliance"}
    led.seconds += loops.MORE_SECONDS
    assert led.take()
    for _ in range(len(every(context))):
        led.take()
    assert {"appliance", "subscription"} <= set(led.taken)


def test_observing_begins_while_more_is_claimed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        world.launch()
    led = hands(with_threads(world.context, 1), monkeypatch)
    led.take()
    with world.database.writing() as session:
        observing.begin(session)
    assert not led.take()
    assert len(led.taken) == 1


def test_the_clock_is_set_back_while_more_is_claimed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        world.launch()
    led = hands(with_threads(world.context, 1), monkeypatch)
    led.take()
    seen: list[datetime] = []
    monkeypatch.setattr(set_back, "look_again", lambda _, model, at, seconds: seen.append(at))
    world.clock.advance(-3600)
    assert not led.take()
    assert (seen, len(led.taken)) == ([world.clock()], 1)
