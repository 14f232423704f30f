"""Whether the rows were moved to another database, so that nobody works on the old ones.

`cloud-admin db move` marks the database that it leaves behind; `schema.check` then refuses it.
"""

from sqlalchemy import Connection, inspect, select
from sqlalchemy.orm import Session

from cloudhands.common.actor.commands import installation
from cloudhands.common.actor.tables import Installation


def where(connection: Connection) -> str:
    """The address that the rows were moved to, without a password; empty if they were not."""
    table = Installation.__tablename__
    tables = inspect(connection)
    if not tables.has_table(table):
        return ""
    if all(column["name"] != "moved_to" for column in tables.get_columns(table)):
        return ""  # of an older release
    return connection.scalar(select(Installation.moved_to)) or ""


def mark(session: Session, address: str) -> None:
    """From now on the rows are elsewhere.

    :param address: where, without a password.
    """
    installation(session).moved_to = address


def unmark(session: Session) -> str:
    """Let the rows be used here again; returns where they had been moved to, empty if nowhere."""
    row = installation(session)
    address, row.moved_to = row.moved_to, ""
    return address
