"""The file of a simulated cloud: one SQLite table, shared by every process that opens it.

SQLite locks the file, and a process that is killed in the middle of a change leaves none of it.
Each call opens and closes the file, so that threads and forked processes share nothing.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from cloudhands.burst.providers.simulated.lifecycle import Phase

TABLE = """
CREATE TABLE IF NOT EXISTS servers (
    id TEXT PRIMARY KEY,
    installation TEXT NOT NULL,
    appliance TEXT NOT NULL,
    generation INTEGER NOT NULL,
    name TEXT NOT NULL,
    image TEXT NOT NULL,
    size TEXT NOT NULL,
    address TEXT NOT NULL,
    external_address TEXT NOT NULL,
    phase TEXT NOT NULL,
    since REAL NOT NULL
)
"""
INDEX = "CREATE INDEX IF NOT EXISTS by_appliance ON servers (appliance, generation)"
# A call may wait for the file twice, and has to end within half a claim.
LOCK_SECONDS = 2


@dataclass(frozen=True)
class Row:
    """A server as the file keeps it; `since` is when its phase began, seconds since the epoch."""

    id: str
    installation: str
    appliance: str
    generation: int
    name: str
    image: str
    size: str
    address: str
    external_address: str
    phase: Phase
    since: float


NAMES = [field.name for field in fields(Row)]
COLUMNS = ", ".join(NAMES)
MARKS = ", ".join("?" for _ in NAMES)


class Store:
    """The file. It is made at the first change.

    :param file: where it is or shall be.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._made = False

    @contextmanager
    def changing(self) -> Iterator["Servers"]:
        """The servers, while nobody else changes them; kept unless something is raised.

        :raises sqlite3.OperationalError: if others hold the file for too long.
        """
        with self._opened() as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            yield Servers(connection)

    @contextmanager
    def reading(self) -> Iterator["Servers"]:
        """The servers as they were last kept.

        :raises sqlite3.OperationalError: if others hold the file for too long.
        """
        with self._opened() as connection:
            yield Servers(connection)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        # Looked at each time: a demonstration that is reset takes the file away.
        if not (self._made and self._file.exists()):
            self._make()
        with closing(self._connect()) as connection:
            yield connection

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._file, timeout=LOCK_SECONDS, isolation_level=None)

    def _make(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(TABLE)
            connection.execute(INDEX)
        self._made = True


class Servers:
    """The rows, within one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def all(self) -> Sequence[Row]:
        """Every row, also of servers that are gone by now."""
        return self._select("ORDER BY rowid")

    def of(self, installation: str, appliance: str, generation: int) -> Sequence[Row]:
        """The rows that bear an identity, the oldest first."""
        where = "WHERE installation = ? AND appliance = ? AND generation = ? ORDER BY rowid"
        return self._select(where, installation, appliance, generation)

    def get(self, id_: str) -> Row | None:
        """The row of that id."""
        return next(iter(self._select("WHERE id = ?", id_)), None)

    def add(self, row: Row) -> None:
        """Keep a new server."""
        self._connection.execute(
            f"INSERT INTO servers ({COLUMNS}) VALUES ({MARKS})",  # noqa: S608 - constants
            astuple(row),
        )

    def enter(self, id_: str, phase: Phase, since: float) -> None:
        """Begin a phase of a server."""
        self._connection.execute(
            "UPDATE servers SET phase = ?, since = ? WHERE id = ?", (phase, since, id_)
        )

    def forget(self, id_: str) -> None:
        """Drop a server that is gone."""
        self._connection.execute("DELETE FROM servers WHERE id = ?", (id_,))

    def _select(self, where: str, *values: str | int) -> Sequence[Row]:
        query = f"SELECT {COLUMNS} FROM servers {where}"  # noqa: S608 - constants
        found = self._connection.execute(query, values).fetchall()
        return [_row(dict(zip(NAMES, values, strict=True))) for values in found]


def _row(values: dict[str, Any]) -> Row:
    return Row(**{**values, "phase": Phase(values["phase"])})
