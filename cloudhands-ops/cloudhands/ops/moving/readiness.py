"""What has to be so before rows are moved; each check says what is in the way, and the remedy."""

import sqlite3
from collections.abc import Collection
from contextlib import closing
from datetime import datetime

from sqlalchemy import Connection, inspect, select

from cloudhands.common import schema
from cloudhands.common.db import Database, explained
from cloudhands.common.errors import Conflict, DatabaseError
from cloudhands.ops.moving import verification

STOP = "Stop cloud-serve and cloud-burst first, or add --force"
REVISION_TABLE = "alembic_version"


def check_source(source: Database) -> None:
    """Refuse a database that is not SQLite's, not whole, or not at this release's revision.

    :raises Conflict: if it is not SQLite's.
    :raises DatabaseError: otherwise.
    """
    if not source.is_sqlite:
        raise Conflict(
            f"{source.address} is on PostgreSQL already: to bring it to another server use "
            "cloud-admin db backup and restore"
        )
    schema.check(source)
    found = schema.state(source)
    if found.revision != found.newest:
        raise DatabaseError(
            f"{source.address} is at revision {found.revision}, this release knows {found.newest}: "
            "move it with the release that upgraded it"
        )
    with explained(source), source.reading() as session:
        verification.check(session, source.address)
    if others := schema.differences(source):
        raise DatabaseError(
            f"{source.address} is not as the migrations make it, and what is not ours would stay "
            f"behind: {others[0]}. 'cloud-admin db check' tells all of it"
        )


def check_target(target: Database, source: str) -> None:
    """Refuse a database that is not PostgreSQL's, does not answer, or has tables of ours.

    :param source: the other one's address.
    :raises Conflict: if it is not the right kind, or not empty.
    :raises DatabaseError: if it cannot be reached.
    """
    if target.is_sqlite:
        raise Conflict(f"{target.address} is not PostgreSQL: name postgresql://USER@HOST/NAME")
    with explained(target), target.reading() as session:
        check_empty(session.connection(), target.address, source)


def check_empty(connection: Connection, target: str, source: str) -> None:
    """Refuse a database that has tables of ours.

    :raises Conflict: naming some of them.
    """
    ours = {REVISION_TABLE, *schema.METADATA.tables}
    if found := sorted(ours.intersection(inspect(connection).get_table_names())):
        raise Conflict(
            f"{target} is not empty (it has {_some(found)}), and nothing is overwritten: make an "
            "empty database and name that. If an earlier move ended just before it could mark "
            f"{source} as moved, every row is there already: set database.url to {target}"
        )


def check_unused(source: Database, now: datetime) -> None:
    """Refuse while programs are at work.

    :raises Conflict: if cloud-burst holds claims, or another process has the file open.
    """
    if until := _claimed_until(source, now):
        raise Conflict(
            f"cloud-burst holds claims in {source.address} until {until:%H:%M:%S} UTC. {STOP}"
        )
    if _is_open_elsewhere(source):
        raise Conflict(f"another program has {source.address} open. {STOP}")


def _claimed_until(source: Database, now: datetime) -> datetime | None:
    ends = (
        table.c.claim_until
        for table in schema.METADATA.sorted_tables
        if "claim_until" in table.columns
    )
    with explained(source), source.reading() as session:
        held = [
            moment for end in ends for moment in session.scalars(select(end).where(end > now)).all()
        ]
    return max(held, default=None)


def _is_open_elsewhere(source: Database) -> bool:
    """Whether another process has the file open: then SQLite gives it to nobody alone."""
    source.close()  # ours would be one of them
    file = str(source.engine.url.database)
    with closing(sqlite3.connect(file, timeout=0.5, isolation_level=None)) as connection:
        try:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                return True
            raise DatabaseError(f"{source.address} cannot be locked: {error}") from error
    return False


def _some(names: Collection[str]) -> str:
    first = ", ".join(list(names)[:3])
    return first if len(names) <= 3 else f"{first} and {len(names) - 3} more tables"
