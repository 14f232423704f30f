import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Event

import pytest
from sqlalchemy.exc import OperationalError

from cloudhands.burst import loop as loops
from cloudhands.burst.context import Context
from cloudhands.burst.loop import Loop
from cloudhands.burst.outcome import Done, Outcome
from cloudhands.burst.reconcilers import every
from cloudhands.burst.testing import World
from cloudhands.common import observing, work
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.clock import now
from cloudhands.common.errors import ClaimLost
from cloudhands.common.expiry.tables import Expiry
from cloudhands.common.mail.tables import Message
from cloudhands.common.placement.tables import Budget
from cloudhands.common.provider.tables import Provider, Subscription
from cloudhands.common.work import Claim


class Noting:
    """A reconciler that notes what it is given, and takes its time."""

    model = Appliance

    def __init__(self, context: Context, seconds: float = 0) -> None:
        self.context = context
        self.seconds = seconds
        self.given: list[int] = []
        self.at_once = 0
        self.most_at_once = 0
        self.stumbles = 0
        self._lock = threading.Lock()

    def reconcile(self, claim: Claim) -> Outcome:
        with self._lock:
            self.given.append(claim.id)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(self.seconds)
        with self.context.database.writing() as session:
            work.release(work.held(session, claim), claim, None, now())
        with self._lock:
            self.at_once -= 1
        return Done()

    def stumbled(self, claim: Claim) -> Outcome:
        self.stumbles += 1
        return Done()


@contextmanager
def going(world: World, reconciler: Noting) -> Iterator[Loop]:
    """A loop in a thread of its own, under the real clock."""
    stopping = Event()
    loop = Loop(reconciler.context, [reconciler], stopping)
    thread = threading.Thread(target=loop.run)
    thread.start()
    try:
        yield loop
    finally:
        stopping.set()
        thread.join(10)
        assert not thread.is_alive()
        assert loop.drain(10)


def until(holds: Callable[[], bool]) -> float:
    started = time.monotonic()
    while not holds():
        assert time.monotonic() - started < 10
        time.sleep(0.001)
    return time.monotonic() - started


@pytest.fixture
def noting(world: World) -> Noting:
    return Noting(replace(world.context, clock=now))


def test_a_wish_is_heard_soon(world: World, noting: Noting) -> None:
    with going(world, noting):
        time.sleep(0.2)
        world.launch()
        assert until(lambda: len(noting.given) == 1) < 1
        time.sleep(0.2)
        world.launch()
        assert until(lambda: len(noting.given) == 2) < 1


def test_after_a_restore_nothing_is_claimed_until_an_operator_says_so(
    world: World, noting: Noting
) -> None:
    with world.database.writing() as session:
        observing.begin(session)
    world.launch()
    with going(world, noting):
        time.sleep(0.3)
        assert noting.given == []
        with world.database.reading() as session:
            assert session.query(Appliance).filter(Appliance.claim_token.is_not(None)).count() == 0
        with world.database.writing() as session:
            assert observing.end(session)
        until(lambda: len(noting.given) == 1 and not noting.at_once)
        with world.database.writing() as session:
            observing.begin(session)
        world.launch()
        time.sleep(0.3)
        assert len(noting.given) == 1


def test_observing_begins_between_a_look_and_a_claim(world: World, noting: Noting) -> None:
    world.launch()
    loop = Loop(noting.context, [noting], Event())
    kinds = loop._due()
    assert kinds
    with world.database.writing() as session:
        observing.begin(session)
    assert loop._take(kinds, 1, now()) == 0
    assert noting.given == []


def test_no_more_are_claimed_than_threads_are_free(world: World, noting: Noting) -> None:
    settings = world.settings.model_copy(
        update={"burst": world.settings.burst.model_copy(update={"concurrency": 3})}
    )
    noting.context = replace(noting.context, settings=settings)
    noting.seconds = 0.05
    for _ in range(10):
        world.launch()
    with going(world, noting):
        until(lambda: len(noting.given) > 3)
        with world.database.reading() as session:
            claimed = session.query(Appliance).filter(Appliance.claim_token.is_not(None)).count()
        assert claimed <= 3
        until(lambda: len(noting.given) == 10)
    assert noting.most_at_once == 3


def test_two_loops_share_the_work(world: World, noting: Noting) -> None:
    other = Noting(noting.context, 0.02)
    noting.seconds = 0.02
    for _ in range(20):
        world.launch()
    with going(world, noting), going(world, other):
        until(lambda: len(noting.given) + len(other.given) >= 20)
    assert sorted(noting.given + other.given) == list(range(1, 21))


def test_what_is_in_hand_is_finished_and_no_more_is_claimed(world: World, noting: Noting) -> None:
    noting.seconds = 0.3
    world.launch()
    with going(world, noting):
        until(lambda: len(noting.given) == 1)
        with_stop = time.monotonic()
    assert time.monotonic() - with_stop < 2
    assert noting.at_once == 0
    world.launch()
    assert len(noting.given) == 1


def test_a_call_that_does_not_end_is_not_waited_for(world: World, noting: Noting) -> None:
    noting.seconds = 1
    world.launch()
    loop = Loop(noting.context, [noting], Event())
    loop._take_due()
    assert not loop.drain(0.1)
    assert loop.drain(5)


@pytest.mark.parametrize(
    ("error", "stumbles"),
    [
        (RuntimeError("a bug"), 1),
        (ClaimLost("claimed by another"), 0),
        (OperationalError("SELECT", {}, Exception("gone away")), 0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_trouble_with_one_does_not_end_the_loop(
    world: World, noting: Noting, error: Exception, stumbles: int
) -> None:
    class Failing(Noting):
        def reconcile(self, claim: Claim) -> Outcome:
            if claim.id == 1:
                self.given.append(claim.id)
                raise error
            return super().reconcile(claim)

    failing = Failing(noting.context)
    world.launch()
    with going(world, failing):
        until(lambda: failing.given == [1])
        world.launch()
        until(lambda: 2 in failing.given)
    assert failing.stumbles == stumbles


def test_not_even_trouble_with_recording_trouble_does(world: World, noting: Noting) -> None:
    class Hopeless(Noting):
        def reconcile(self, claim: Claim) -> Outcome:
            self.given.append(claim.id)
            raise RuntimeError("a bug")

        def stumbled(self, claim: Claim) -> Outcome:
            raise RuntimeError("another")

    hopeless = Hopeless(noting.context)
    world.launch()
    with going(world, hopeless):
        until(lambda: hopeless.given == [1])
        world.launch()
        until(lambda: 2 in hopeless.given)
    assert set(hopeless.given) == {1, 2}


def test_a_database_that_is_away_for_a_while(
    world: World, noting: Noting, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = iter([OperationalError("SELECT", {}, Exception("gone away"))] * 2)
    look = work.next_of_each

    def sometimes(*arguments: object) -> object:
        for error in away:
            raise error
        return look(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(work, "next_of_each", sometimes)
    monkeypatch.setattr(loops, "DATABASE_AWAY", loops.Backoff(first=0.01, cap=0.02))
    world.launch()
    with going(world, noting):
        until(lambda: noting.given == [1])
    assert next(away, None) is None, "it was never away"


def test_a_claim_that_ran_out_is_taken_over(world: World, noting: Noting) -> None:
    world.launch()
    with world.database.writing() as session:
        work.claim(session, Appliance, now(), 0.4, 1)
    with going(world, noting):
        assert 0.2 < until(lambda: noting.given == [1]) < 2


def test_once_does_what_is_due_and_what_becomes_due_by_it(world: World) -> None:
    for _ in range(3):
        world.launch()
    loop = world.loop()
    loop.once()
    assert loop.drain(1)
    with world.database.reading() as session:
        assert {row.state for row in session.query(Appliance)} == {"provisioning"}
    world.clock.advance(5)
    loop = world.loop()
    loop.once()
    assert loop.drain(1)
    with world.database.reading() as session:
        assert {row.state for row in session.query(Appliance)} == {"running"}


def test_every_kind_of_artifact_has_its_reconciler(world: World) -> None:
    found = {each.model for each in every(world.context)}
    assert found >= {Appliance, Budget, Expiry, Provider, Subscription}
    assert Message not in found, "mail is off"
