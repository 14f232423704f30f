"""The clock, passed in wherever time matters so that a test can hold it.

What several hosts compare (due times, claims, expiries) is told by `DatabaseClock`: their own
clocks differ, and one that is ahead would take what another still holds.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from cloudhands.common.db import Database

Clock = Callable[[], datetime]

ASK_EVERY_SECONDS = 10.0
# What measuring alone explains. More than that is a server's clock that was set back: to stand
# still until it is there again would stop all work.
HELD = timedelta(seconds=1)


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class _Reading:
    """What the database's clock showed when the monotonic one showed `at`, in seconds."""

    moment: datetime
    at: float


class DatabaseClock:
    """The time that all processes on a database agree on; safe to share among threads.

    SQLite's processes are on one host: there it is that host's clock. PostgreSQL is asked every
    10 s at most, and in between monotonic time is added, so that setting this host's clock
    changes nothing. It is never ahead of the server's by more than a second, and behind it by the
    time that an answer takes. It steps back only when the server's clock was set back by a
    second or more; for less it stands still. While the database does not answer, it goes on from
    the last reading.

    :param process: this host's clock.
    :param monotonic: seconds that only rise.
    """

    def __init__(
        self,
        database: Database,
        process: Clock = now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._process = process
        self._monotonic = monotonic
        self._asking = threading.Lock()
        self._telling = threading.Lock()
        self._reading: _Reading | None = None
        self._ask_at = 0.0
        self._told = datetime.min.replace(tzinfo=UTC)

    def __call__(self) -> datetime:
        """This moment, in UTC.

        :raises SQLAlchemyError: if the database does not answer and never has.
        """
        if self._database.is_sqlite:
            return self._process()
        return self._tell(self._read())

    def _read(self) -> _Reading:
        reading = self._reading
        if reading is None:
            return self._first()
        if self._monotonic() >= self._ask_at and self._asking.acquire(blocking=False):
            # One thread asks; the others go on from the last reading meanwhile.
            try:
                return self._ask()
            except SQLAlchemyError:
                self._wait_to_ask()  # whoever uses the database next tells that it is away
            finally:
                self._asking.release()
        return reading

    def _first(self) -> _Reading:
        with self._asking:
            return self._reading or self._ask()

    def _ask(self) -> _Reading:
        with self._database.looking() as connection:
            moment = connection.execute(select(func.clock_timestamp())).scalar_one()
        # It was read before the answer arrived: rather behind than ahead of the others.
        self._reading = _Reading(moment.astimezone(UTC), self._monotonic())
        self._wait_to_ask()
        return self._reading

    def _wait_to_ask(self) -> None:
        self._ask_at = self._monotonic() + ASK_EVERY_SECONDS

    def _tell(self, reading: _Reading) -> datetime:
        with self._telling:
            passed = timedelta(seconds=self._monotonic() - reading.at)
            moment = reading.moment + passed
            if moment < self._told < moment + HELD:
                return self._told
            self._told = moment
            return moment
