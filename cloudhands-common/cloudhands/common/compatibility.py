"""Which releases may run on the database: so that one can be rolled back after a migration.

A migration that only adds leaves older code running; one that older code would stumble over
raises `oldest_code` to its own revision, in the table and, for whoever has to know before it runs,
as a name of its module. Revisions are numbers of four digits that rise by one.
"""

from sqlalchemy import Connection, inspect, select
from sqlalchemy.orm import Mapped, mapped_column

from cloudhands.common.db import Base


class Compatibility(Base):
    """One row. `oldest_code` is the newest revision that the oldest usable release knows."""

    __tablename__ = "compatibility"

    id: Mapped[int] = mapped_column(primary_key=True)
    oldest_code: Mapped[str]


def oldest_code(connection: Connection) -> str | None:
    """The revision that code has to know at least; None if the database is too old to say."""
    if not inspect(connection).has_table(Compatibility.__tablename__):
        return None
    return connection.scalar(select(Compatibility.oldest_code))
