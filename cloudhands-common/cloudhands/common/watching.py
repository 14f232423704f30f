"""Waiting until another process may have made something due: without asking again and again.

`work` notifies on PostgreSQL; on SQLite each commit is noticed.
"""

import select as ready
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, cast

from sqlalchemy.exc import OperationalError

from cloudhands.common.db import Database
from cloudhands.common.work import CHANNEL

if TYPE_CHECKING:
    # Who is on SQLite starts without it.
    import psycopg

POLL_SECONDS = 0.02


class Watcher(Protocol):
    """Waits until another connection has committed something."""

    def wait(self, seconds: float) -> None:
        """Return when something may have changed, after `seconds` at the latest."""


Sleep = Callable[[float], object]
"""Sleeps for seconds; a true answer says that the waiting shall end (an event's `wait`)."""


@contextmanager
def watching(database: Database, sleep: Sleep) -> Iterator[Watcher]:
    """A `Watcher` with a connection of its own."""
    with database.engine.connect() as connection:
        driver = connection.connection.driver_connection
        if isinstance(driver, sqlite3.Connection):
            yield _SqliteWatcher(driver, sleep)
            return
        try:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.exec_driver_sql(f"LISTEN {CHANNEL}")
            yield _PostgresWatcher(cast("psycopg.Connection[Any]", driver), sleep)
        finally:
            connection.invalidate()  # it listens: not for the pool


class _SqliteWatcher:
    """Watches `PRAGMA data_version`, which costs a microsecond or two on the bare connection."""

    def __init__(self, connection: sqlite3.Connection, sleep: Sleep) -> None:
        # One for all: each look of another would make its own.
        self._cursor = connection.cursor()
        self._sleep = sleep
        self._seen = self._version()

    def wait(self, seconds: float) -> None:
        """See `Watcher`."""
        for _ in range(max(1, int(seconds / POLL_SECONDS))):
            version = self._version()
            if version != self._seen:
                self._seen = version
                return
            if self._sleep(POLL_SECONDS):
                return

    def _version(self) -> int:
        (version,) = self._cursor.execute("PRAGMA data_version").fetchone()
        return int(version)


class _PostgresWatcher:
    """Listens for the NOTIFY of `wake`."""

    def __init__(self, listener: "psycopg.Connection[Any]", sleep: Sleep) -> None:
        self._listener = listener
        self._sleep = sleep

    def wait(self, seconds: float) -> None:
        """See `Watcher`.

        :raises OperationalError: if the connection is lost.
        """
        heard = self._told()  # what was read from the socket already does not make it readable
        for _ in range(max(1, int(seconds / POLL_SECONDS))):
            if heard or self._sleep(0):
                return
            readable, _, _ = ready.select([self._listener.fileno()], [], [], POLL_SECONDS)
            heard = bool(readable) and self._told()

    def _told(self) -> bool:
        try:
            return bool(list(self._listener.notifies(timeout=0)))
        except Exception as error:
            # As SQLAlchemy tells it of a connection that it uses itself.
            if self._listener.closed or self._listener.broken:
                raise OperationalError("LISTEN", None, error) from error
            raise
