"""What `schema.py` measures: the product's own operations, in a small world and in a large one.

Both worlds are asked by one process, in the same rounds, with the durability of production.
"""

import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.report import Figure, Figures
from harness.rounds import Plan, Rates, interleaved, ratio
from harness.warming import warm
from schema_world import Size, World, world
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from cloudhands.common import clock, history, machine, schema, work
from cloudhands.common.actor.commands import component
from cloudhands.common.actor.queries import BURST
from cloudhands.common.appliance import queries
from cloudhands.common.appliance.states import APPLIANCE
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.db import Database, opened
from cloudhands.common.errors import DatabaseError
from cloudhands.common.testing import postgresql
from cloudhands.common.testing.processes import ProcessError
from cloudhands.common.work import Claim

KINDS = ("sqlite", "postgresql")
KEYS = ("read_ratio", "list_ratio", "transition_ratio", "claim_ratio")
# `history.latest` gives a page as many.
PAGE = 50
DUE = 5
CLAIM_SECONDS = 60
# The same appliances and organisations in every run.
CHOICE = random.Random(1)
UNMEASURABLE = (DBAPIError, DatabaseError, ProcessError, OSError)

Undo = Callable[[], None]
Operation = Callable[[], Undo | None]
"""What is measured. What it returns takes it back, and is not measured."""


@dataclass(frozen=True)
class Extent:
    """How much is measured, and how long."""

    plan: Plan
    small: Size
    large: Size


class Timer:
    """Times operations in this process: a `harness.rounds.Rater`.

    :param files: the folder of the databases, which are held in memory.
    """

    def __init__(self, files: Path) -> None:
        self._files = files

    def rate(self, target: Operation, seconds: float) -> float:
        """How many times a second, by going on for so many seconds."""
        warm(self._files)
        count, spent = 0, 0.0
        while spent < seconds:
            started = time.perf_counter()
            undo = target()
            spent += time.perf_counter() - started
            count += 1
            if undo:
                undo()
        return count / spent


def measure(kind: str, folder: Path, extent: Extent) -> Figures:
    """Every figure of one kind of database, by its key.

    :param kind: one of `KINDS`.
    :param folder: for SQLite's files; PostgreSQL's lie in a temporary folder.
    """
    try:
        with ExitStack() as stack:
            empty = stack.enter_context(_empty(kind, folder))
            worlds = {
                "small": stack.enter_context(world(empty.small, extent.small)),
                "large": stack.enter_context(world(empty.large, extent.large)),
            }
            return _figures(worlds, extent, Timer(empty.files))
    except UNMEASURABLE as error:
        return {key: Figure(None, str(error)) for key in KEYS}


@dataclass(frozen=True)
class Empty:
    """The URLs of two databases that have every table and no rows, and where their files are."""

    small: str
    large: str
    files: Path


@contextmanager
def _empty(kind: str, folder: Path) -> Iterator[Empty]:
    if kind == "postgresql":
        if not postgresql.is_installed():
            raise DatabaseError("PostgreSQL is not installed: install the package postgresql")
        with (
            postgresql.postgresql(fast=False) as server,
            server.upgraded() as small,
            server.upgraded() as large,
        ):
            yield Empty(small, large, server.folder / "data" / "base")
        return
    small, large = (f"sqlite:///{folder}/{name}.db" for name in ("small", "large"))
    for url in (small, large):
        with opened(url) as database:
            schema.upgrade(database)
    yield Empty(small, large, folder)


def _figures(worlds: Mapping[str, World], extent: Extent, timer: Timer) -> Figures:
    # As many rows of history as every appliance has: both answers are of one size.
    rows = min(extent.small.touches, extent.large.touches)

    def growth(operation: Callable[[World], Operation]) -> Figure:
        targets = {name: operation(one) for name, one in worlds.items()}
        return _growth(interleaved(timer, targets, extent.plan))

    read, page = growth(lambda one: reading(one, rows)), growth(lambda one: reading(one, PAGE))
    note = f"{read.note}; with all rows that its page shows, {PAGE} at most: {page.value:.2f}"
    return {
        "read_ratio": Figure(read.value, note),
        "list_ratio": growth(listing),
        "transition_ratio": growth(moving),
        "claim_ratio": growth(claiming),
    }


def _growth(rates: Rates) -> Figure:
    """How many times longer it takes in the large world."""
    found = ratio(rates, "small", "large")
    small, large = (1000 / statistics.median(rates[name]) for name in ("small", "large"))
    spread = f"rounds {found.low:.3g} to {found.high:.3g}"
    return Figure(found.median, f"{spread}; {large:.2f} to {small:.2f} ms")


# --- the operations ------------------------------------------------------------------------------


def reading(world: World, rows: int) -> Operation:
    """Read an appliance with what its page shows.

    :param rows: of its history, the newest.
    """

    def read() -> None:
        with world.database.looking() as connection, Session(connection) as session:
            appliance = queries.by_uuid(session, CHOICE.choice(world.appliances))
            assert appliance is not None
            assert queries.addresses_of(connection, appliance.id)
            assert len(history.latest(session, appliance.uuid, rows)) <= rows

    return read


def listing(world: World) -> Operation:
    """List an organisation's appliances with their addresses."""

    def list_them() -> None:
        with world.database.looking() as connection:
            organisation = CHOICE.choice(world.organisations)
            shown = queries.listed(connection, organisation)
            assert len(queries.addresses_in(connection, organisation)) == len(shown) > 0

    return list_them


def moving(world: World) -> Operation:
    """Record a transition of an appliance, and the one back: a transaction each."""

    def move() -> None:
        uuid = CHOICE.choice(world.appliances)
        for state in ("stopping", "running"):
            with world.database.writing() as session:
                appliance = queries.by_uuid(session, uuid, lock=True)
                assert appliance is not None
                now, burst = clock.now(), component(session, BURST, clock.now())
                machine.move(session, APPLIANCE, appliance, state, burst, "it was asked to", now)

    return move


def claiming(world: World) -> Operation:
    """Claim the next due appliance, of a few."""
    with world.database.writing() as session:
        for uuid in CHOICE.sample(world.appliances, DUE):
            appliance = queries.by_uuid(session, uuid, lock=True)
            assert appliance is not None
            work.wake(session, appliance, clock.now())

    def claim() -> Undo:
        with world.database.writing() as session:
            (taken,) = work.claim(session, Appliance, clock.now(), CLAIM_SECONDS, limit=1)
        return lambda: _give_back(world.database, taken)

    return claim


def _give_back(database: Database, taken: Claim) -> None:
    """Make it due again: what can be claimed stays as much."""
    now = clock.now()
    with database.writing() as session:
        work.release(work.held(session, taken), taken, now, now)
