"""The external addresses of a simulated cloud that are taken, within one transaction.

One is taken for an identity and stays so until it is released, also when its server goes.
"""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from cloudhands.common.cloud import Identity


class HeldRow(NamedTuple):
    """An external address, as a number; `server` is the id of the one that has it."""

    number: int
    installation: str
    appliance: str
    generation: int
    server: str | None

    @property
    def identity(self) -> Identity:
        """Whom it was taken for."""
        return Identity(self.installation, self.appliance, self.generation)


class HeldAddresses:
    """The rows."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def all(self) -> Sequence[HeldRow]:
        """Every row."""
        return self._select("ORDER BY number")

    def of_installation(self, installation: str) -> Sequence[HeldRow]:
        """The rows that bear an installation's id."""
        return self._select("WHERE installation = ?", installation)

    def of(self, identity: Identity) -> Sequence[HeldRow]:
        """The rows that bear an identity."""
        return self._select(
            "WHERE installation = ? AND appliance = ? AND generation = ? ORDER BY number",
            identity.installation,
            identity.appliance,
            identity.generation,
        )

    def count(self) -> int:
        """How many there are, whoever has them."""
        found: int = self._connection.execute("SELECT count(*) FROM held").fetchone()[0]
        return found

    def lowest_free(self, kind: str, first: int, last: int) -> int | None:
        """The lowest number of a range that nobody has; None if every one is used.

        :param kind: `servers` or `held`: whose numbers.
        """
        given_back = self._one(
            "SELECT min(number) FROM free WHERE kind = ? AND number BETWEEN ? AND ?",
            kind,
            first,
            last,
        )
        if given_back is not None:
            return given_back
        query = f"SELECT max(number) FROM {kind} WHERE number BETWEEN ? AND ?"  # noqa: S608
        highest = self._one(query, first, last)
        found = first if highest is None else highest + 1
        return found if found <= last else None

    def take(self, number: int, identity: Identity, server: str) -> None:
        """Take an address for an identity, and give it to a server."""
        row = HeldRow(
            number, identity.installation, identity.appliance, identity.generation, server
        )
        self._connection.execute("INSERT INTO held VALUES (?, ?, ?, ?, ?)", row)

    def give(self, number: int, server: str) -> None:
        """Give an address that is taken to a server."""
        self._connection.execute("UPDATE held SET server = ? WHERE number = ?", (server, number))

    def release(self, number: int) -> None:
        """Give an address back."""
        self._connection.execute("DELETE FROM held WHERE number = ?", (number,))

    def _one(self, query: str, *values: str | int) -> int | None:
        found: int | None = self._connection.execute(query, values).fetchone()[0]
        return found

    def _select(self, where: str, *values: str | int) -> Sequence[HeldRow]:
        query = f"SELECT number, installation, appliance, generation, server FROM held {where}"  # noqa: S608
        return [HeldRow._make(values) for values in self._connection.execute(query, values)]
