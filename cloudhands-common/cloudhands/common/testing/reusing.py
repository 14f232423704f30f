"""A PostgreSQL database that test after test uses: emptied in a tenth of the time of a new copy.

After each test it has again the rows, and the next numbers, that it had before the first one. A
test that changed its structure, or dropped it, costs a new copy.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

import psycopg
from psycopg import sql

from cloudhands.common.testing.postgresql import PostgreSQL

# Whatever makes, changes or removes a table, column, constraint, trigger or function, or sets
# something for the database, leaves a newer row in one of these.
CATALOGUES = (
    "pg_class",
    "pg_attribute",
    "pg_constraint",
    "pg_trigger",
    "pg_proc",
    "pg_namespace",
    "pg_db_role_setting",
)
STRUCTURE = " UNION ALL ".join(
    f"SELECT count(*), max(xmin::text::bigint) FROM {name}"  # noqa: S608 - constants
    for name in CATALOGUES
)
OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend'"
)
LONGEST, PAUSE = 10, 0.01

Connection: TypeAlias = "psycopg.Connection[tuple[Any, ...]]"


@dataclass(frozen=True)
class _Contents:
    """What a database holds: the rows of each table as COPY writes them, each sequence's state."""

    structure: list[tuple[Any, ...]]
    rows: Mapping[str, bytes]
    sequences: Mapping[str, tuple[int, bool]]


class Reused:
    """A database that is used again and again.

    :param server: where it is.
    :param template: the URL of the database that it is a copy of; nobody is connected to that.
    """

    def __init__(self, server: PostgreSQL, template: str) -> None:
        self._server = server
        self._template = template
        self._name = ""
        self._before: _Contents | None = None

    @contextmanager
    def url(self) -> Iterator[str]:
        """Its URL, for as long as one test uses it."""
        if self._before is None:
            self._make()
        try:
            yield self._server.url(self._name)
        finally:
            self._tidy()

    def _make(self) -> None:
        self._name = self._server.create_from(self._template)
        with self._connected() as connection:
            self._before = _read(connection)

    def _tidy(self) -> None:
        assert self._before is not None
        with suppress(psycopg.OperationalError), self._connected() as connection:
            _end_others(connection)
            if connection.execute(STRUCTURE).fetchall() == self._before.structure:
                with connection.transaction():
                    _write(connection, self._before)
                return
        self._server.drop(self._name)
        self._before = None

    def _connected(self) -> Connection:
        # Within a transaction it would see the same connections for ever.
        return psycopg.connect(self._server.conninfo(self._name), autocommit=True)


def _read(connection: Connection) -> _Contents:
    tables = _names(connection, "tables")
    sequences = _names(connection, "sequences")
    return _Contents(
        connection.execute(STRUCTURE).fetchall(),
        {name: _rows(connection, name) for name in tables},
        {name: _state(connection, name) for name in sequences},
    )


def _names(connection: Connection, kind: str) -> list[str]:
    column = f"{kind[:-1]}name"
    query = sql.SQL("SELECT {} FROM {} WHERE schemaname = 'public'")
    found = connection.execute(query.format(sql.Identifier(column), sql.Identifier(f"pg_{kind}")))
    return [str(name) for (name,) in found]


def _rows(connection: Connection, table: str) -> bytes:
    statement = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))
    with connection.cursor() as cursor, cursor.copy(statement) as copied:
        return b"".join(bytes(block) for block in copied)


def _state(connection: Connection, sequence: str) -> tuple[int, bool]:
    statement = sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(sequence))
    ((last, called),) = connection.execute(statement)
    return int(last), bool(called)


def _end_others(connection: Connection) -> None:
    """End whoever is still connected, so that nobody holds a lock or writes later."""
    waited = 0.0
    while connection.execute(OTHERS).fetchall():
        assert waited < LONGEST, "connections of a test do not end"
        time.sleep(PAUSE)
        waited += PAUSE


def _write(connection: Connection, before: _Contents) -> None:
    # Neither append-only history nor references are to hinder it.
    connection.execute("SET session_replication_role = replica")
    empty = sql.SQL("; ").join(
        sql.SQL("DELETE FROM {}").format(sql.Identifier(table)) for table in before.rows
    )
    connection.execute(empty)
    for table, rows in before.rows.items():
        if rows:
            statement = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))
            with connection.cursor() as cursor, cursor.copy(statement) as copied:
                copied.write(rows)
    for sequence, (last, called) in before.sequences.items():
        connection.execute("SELECT setval(%s, %s, %s)", (f'"{sequence}"', last, called))
