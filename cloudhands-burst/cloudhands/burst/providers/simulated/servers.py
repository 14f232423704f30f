"""The servers of a simulated cloud as its file keeps them, within one transaction."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cloudhands.burst.providers.simulated.held import HeldAddresses
from cloudhands.burst.providers.simulated.lifecycle import NEVER, Phase
from cloudhands.common.cloud import Identity

CONSOLE_CHARACTERS = 4096
_PHASES = {phase.value: phase for phase in Phase}


class Row(NamedTuple):
    """A server as the file keeps it.

    :ivar number: its address, as a number.
    :ivar external: whether it shall have an address that it is reached at from outside.
    :ivar since: when its phase began or, where it is late, will begin; seconds since the epoch.
    :ivar seen_from: from when on it can be found, likewise.
    :ivar problem: why it will not run once it is built; empty if it will.
    :ivar lacked_room: whether that is for want of room.
    :ivar external_number: the address that it is reached at from outside, once it has one.
    """

    id: str
    installation: str
    appliance: str
    generation: int
    name: str
    image: str
    size: str
    number: int
    external: bool
    phase: Phase
    since: float
    seen_from: float = 0
    problem: str = ""
    lacked_room: bool = False
    external_number: int | None = None

    @property
    def identity(self) -> Identity:
        """Whose it is."""
        return Identity(self.installation, self.appliance, self.generation)


NAMES = Row._fields[:-1]
_PHASE = NAMES.index("phase")
COLUMNS = ", ".join(NAMES)
SELECT = (
    f"SELECT {', '.join(f'servers.{name}' for name in NAMES)}, held.number "  # noqa: S608
    "FROM servers LEFT JOIN held ON held.server = servers.id"
)
INSERT = (
    f"INSERT INTO servers ({COLUMNS}) "  # noqa: S608 - constants
    f"VALUES ({', '.join('?' for _ in NAMES)})"
)


class Servers:
    """The rows.

    :ivar held: the external addresses beside them.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.held = HeldAddresses(connection)

    def all(self) -> Sequence[Row]:
        """Every row, also of servers that are gone by now."""
        return self._select("ORDER BY servers.rowid")

    def of_installation(self, installation: str) -> Sequence[Row]:
        """The rows that bear an installation's id."""
        return self._select("WHERE servers.installation = ?", installation)

    def of(self, identity: Identity) -> Sequence[Row]:
        """The rows that bear an identity, the oldest first."""
        return self._select(
            "WHERE servers.installation = ? AND servers.appliance = ? AND servers.generation = ? "
            "ORDER BY servers.rowid",
            identity.installation,
            identity.appliance,
            identity.generation,
        )

    def get(self, id_: str) -> Row | None:
        """The row of that id."""
        return next(iter(self._select("WHERE servers.id = ?", id_)), None)

    def uses(self) -> Mapping[str, int]:
        """How many servers there are, by size."""
        return dict(self._connection.execute("SELECT size, servers FROM uses").fetchall())

    def add(self, row: Row) -> None:
        """Keep a new server."""
        self._connection.execute(INSERT, row[:-1])

    def enter(self, id_: str, phase: Phase, since: float) -> None:
        """Begin a phase of a server."""
        self._connection.execute(
            "UPDATE servers SET phase = ?, since = ? WHERE id = ?", (phase, since, id_)
        )

    def resize(self, id_: str, size: str) -> None:
        """Give a server another size."""
        self._connection.execute("UPDATE servers SET size = ? WHERE id = ?", (size, id_))

    def write(self, id_: str, line: str) -> None:
        """Let a server write a line to its console, which keeps the last ones."""
        self._connection.execute(
            "UPDATE servers SET console = substr(console || ?, ?) WHERE id = ?",
            (f"{line}\n", -CONSOLE_CHARACTERS, id_),
        )

    def console(self, id_: str) -> str:
        """What a server wrote to its console."""
        query = "SELECT console FROM servers WHERE id = ?"
        written: str = self._connection.execute(query, (id_,)).fetchone()[0]
        return written

    def forget(self, id_: str) -> None:
        """Drop a server that is gone."""
        self._connection.execute("DELETE FROM servers WHERE id = ?", (id_,))

    def forget_deleted(self, until: float, *, stuck: bool) -> None:
        """Drop the servers whose deletion began by a moment.

        :param until: in seconds since the epoch.
        :param stuck: whether those go too whose deletion would never end.
        """
        query = "DELETE FROM servers WHERE phase = 'deleting' AND since <= ?"
        self._connection.execute(query, (until,))
        if stuck:
            self._connection.execute(query.replace("<=", "="), (NEVER,))

    def _select(self, where: str, *values: str | int) -> Sequence[Row]:
        found = self._connection.execute(f"{SELECT} {where}", values).fetchall()
        return [_row(values) for values in found]


def _row(values: tuple[Any, ...]) -> Row:
    return Row._make((*values[:_PHASE], _PHASES[values[_PHASE]], *values[_PHASE + 1 :]))
