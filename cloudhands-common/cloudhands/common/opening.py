"""Opens the installation's database with the secret that its history is written with.

The first start makes the key file; from then on the database knows which one it was, by a mark
that tells nothing of it, so that a lost or exchanged file is noticed before anything is written
with another one.
"""

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import inspect, select, update

from cloudhands.common import schema, tokens
from cloudhands.common.actor.commands import installation
from cloudhands.common.actor.tables import Installation
from cloudhands.common.db import Database, explained, opened
from cloudhands.common.errors import ConfigurationError
from cloudhands.common.settings import Settings


@contextmanager
def opened_for(settings: Settings) -> Iterator[Database]:
    """The settings' database, up to date and with its secret; closed at the end.

    :raises DatabaseError: if it cannot be used as it is.
    :raises ConfigurationError: if the key file is not there, or not the one it was.
    """
    with opened(settings.database_url) as database:
        with explained(database):
            schema.check(database)
            give_secret(database, settings.path(settings.key_file))
        yield database


def upgrade(database: Database, file: Path) -> str:
    """Bring a database to the newest revision; the history that is there is sealed on the way.

    :param file: the key file.
    :returns: the revision that it has now.
    :raises DatabaseError: if it cannot be upgraded.
    :raises ConfigurationError: if the key file is not there, or not the one it was.
    """
    with explained(database):
        remembers = _remembers(database)
    if remembers:
        give_secret(database, file)
        return schema.upgrade(database)
    database.secret = tokens.read_secret(file)
    revision = schema.upgrade(database)
    give_secret(database, file)
    return revision


def give_secret(database: Database, file: Path) -> None:
    """Read the key file for an upgraded database, and have the database remember which it was.

    :raises ConfigurationError: if it is not there, or not the one it was.
    """
    mark = _mark(database)
    if mark is None:
        secret = tokens.read_secret(file)
        mark = _remember(database, _mark_of(secret))
    else:
        secret = _known_secret(database, file)
    if not hmac.compare_digest(mark, _mark_of(secret)):
        raise ConfigurationError(
            f"key_file {file} is not the one that the history in {database.address} is written "
            "with. Restore that one from the backup, or copy it from another of this "
            "installation's hosts"
        )
    database.secret = secret


def _known_secret(database: Database, file: Path) -> bytes:
    if not file.exists():
        raise ConfigurationError(
            f"key_file {file} is not there, but the history in {database.address} is written with "
            "it. Restore it from the backup: a new one could not verify what was written"
        )
    return tokens.read_secret(file, make=False)


def _remembers(database: Database) -> bool:
    """Whether the database is of a release that keeps a mark."""
    with database.reading() as session:
        inspector = inspect(session.connection())
        table = Installation.__tablename__
        return inspector.has_table(table) and Installation.key_mark.key in {
            column["name"] for column in inspector.get_columns(table)
        }


def _mark_of(secret: bytes) -> str:
    return tokens.derive(secret, "mark", "")


def _mark(database: Database) -> str | None:
    with database.reading() as session:
        return session.scalar(select(Installation.key_mark))


def _remember(database: Database, mark: str) -> str:
    """Keep a mark unless there is one; returns the one that is kept."""
    with database.writing() as session:
        installation(session)
        session.execute(
            update(Installation).where(Installation.key_mark.is_(None)).values(key_mark=mark)
        )
        return session.scalars(select(Installation.key_mark)).one() or ""
