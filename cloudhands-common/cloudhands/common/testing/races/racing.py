"""Runs a race: eight contenders, each with a database connection of its own, attempt the same at
once, round after round; after each round it is looked at whether what must hold still holds.

A race is lost by a refusal: an error that the race names, or `Lost`. Any other error, a deadlock
for instance, is a surprise, and a surprise is as bad as a broken invariant.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import text
from sqlalchemy.orm import Session

from cloudhands.common.db import Database
from cloudhands.common.history.verification import verify
from cloudhands.common.testing.databases import SECRET, short_lived

CONTENDERS = 8
PATIENCE = 60.0
"""Seconds after which a contender that waits for the others gives up."""

PreparedT = TypeVar("PreparedT")


class Lost(NamedTuple):
    """What an attempt returns that was refused without an error; its transaction is committed."""

    why: str


@dataclass(frozen=True)
class Outcome:
    """What came of one contender's attempt.

    :param value: what the attempt returned.
    :param error: what it raised.
    """

    contender: int
    value: Any = None
    error: BaseException | None = None

    @property
    def refusal(self) -> str:
        """Why it lost, in a word; empty if it won."""
        if self.error is not None:
            return type(self.error).__name__
        return self.value.why if isinstance(self.value, Lost) else ""

    @property
    def won(self) -> bool:
        """Whether it got what it attempted."""
        return not self.refusal


Outcomes = Sequence[Outcome]
Attempt = Callable[[Session, PreparedT, int], Any]


@dataclass(frozen=True)
class Control(Generic[PreparedT]):
    """How a race is run without its guard, to see that the race would break what is unguarded.

    :param drops: what takes the guard away, in PostgreSQL's SQL.
    :param attempt: in place of the race's own, where the guard is not a constraint.
    """

    drops: Sequence[str] = ()
    attempt: Attempt[PreparedT] | None = None


@dataclass(frozen=True)
class Race(Generic[PreparedT]):
    """An invariant, and an attempt to break it.

    :param prepare: makes a round's rows, under names that no other round has; its result goes to
        the others.
    :param attempt: what each contender does, in a writing session of its own.
    :param check: a sentence for everything that is not as it must be after a round.
    :param refusals: the errors by which an attempt may be refused.
    """

    name: str
    prepare: Callable[[Session, int], PreparedT]
    attempt: Attempt[PreparedT]
    check: Callable[[Session, PreparedT, Outcomes], Iterator[str]]
    control: Control[PreparedT]
    refusals: tuple[type[Exception], ...] = ()

    @property
    def unguarded(self) -> "Race[PreparedT]":
        """The same race as its control says; its drops have to be carried out before."""
        return replace(self, attempt=self.control.attempt or self.attempt)


@dataclass
class Result:
    """What came of a race.

    :param refused: how many attempts lost, by the refusal.
    :param broken: a sentence for everything that was found not to hold.
    :param surprises: a sentence for every error that is no refusal of the race.
    """

    rounds: int = 0
    attempts: int = 0
    won: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)

    @property
    def findings(self) -> Sequence[str]:
        """What must not be: empty if the race went as it should."""
        return [*self.broken, *self.surprises]

    def as_json(self) -> Mapping[str, Any]:
        """The result for programs."""
        return {**vars(self), "refused": dict(self.refused)}

    def _count(self, race: Race[Any], outcome: Outcome) -> None:
        self.attempts += 1
        if outcome.won:
            self.won += 1
        elif outcome.error is None or isinstance(outcome.error, race.refusals):
            self.refused[outcome.refusal] += 1
        else:
            self.surprises.append(
                f"round {self.rounds}: contender {outcome.contender}: {outcome.refusal}: "
                f"{outcome.error}"
            )


class Track:
    """Where races are run: a database with its contenders."""

    def __init__(self, databases: Sequence[Database], threads: ThreadPoolExecutor) -> None:
        self._own, *self._databases = databases
        self._threads = threads
        self._start = threading.Barrier(CONTENDERS)

    def run(self, race: Race[Any], rounds: int) -> Result:
        """Run a race."""
        result = Result()
        for number in range(rounds):
            self._round(race, number, result)
        return result

    def run_unguarded(self, race: Race[Any], rounds: int) -> Result:
        """Run a race without its guard until it is broken, at most so many rounds.

        The database's constraints are not whole afterwards. PostgreSQL only.
        """
        with self._own.writing() as session:
            for statement in race.control.drops:
                session.execute(text(statement))
        result = Result()
        while result.rounds < rounds and not result.broken:
            self._round(race.unguarded, result.rounds, result)
        return result

    def findings_in_history(self) -> Sequence[str]:
        """What is not whole in all that the races have recorded.

        Some attempts write their rows by themselves, and no history with them.
        """
        found = verify(self._own, SECRET).findings
        return [one.sentence for one in found if one.what != "all rows were removed"]

    def _round(self, race: Race[Any], number: int, result: Result) -> None:
        with self._own.writing() as session:
            prepared = race.prepare(session, number)
        attempts = [
            self._threads.submit(self._attempt, race, prepared, contender)
            for contender in range(CONTENDERS)
        ]
        outcomes = []
        for contender, attempt in enumerate(attempts):
            error = attempt.exception()
            value = None if error else attempt.result()
            outcomes.append(Outcome(contender, value, error))
        result.rounds += 1
        for outcome in outcomes:
            result._count(race, outcome)
        with self._own.reading() as session:
            found = race.check(session, prepared, outcomes)
            result.broken += [f"round {result.rounds}: {sentence}" for sentence in found]

    def _attempt(self, race: Race[Any], prepared: Any, contender: int) -> Any:
        database = self._databases[contender]
        if database.is_sqlite:
            # Whoever writes there is alone from its first word on: the race is for that.
            self._start.wait(PATIENCE)
        with database.writing() as session:
            if not database.is_sqlite:
                session.execute(text("SELECT 1"))  # connected, and in a transaction
                self._start.wait(PATIENCE)
            return race.attempt(session, prepared, contender)


@contextmanager
def track(url: str) -> Iterator[Track]:
    """A track on a database that has every table.

    Each contender opens the database for itself, as if it were a process of its own: on SQLite the
    writers of one process would queue on a lock.
    """
    with ExitStack() as stack:
        databases = [stack.enter_context(short_lived(url)) for _ in range(CONTENDERS + 1)]
        threads = stack.enter_context(ThreadPoolExecutor(CONTENDERS))
        yield Track(databases, threads)
