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
from sqlalchemy.orm import Session

from cloudhands.common import schema, tokens
from cloudhands.common.actor.commands import installation
from cloudhands.common.actor.tables import Installation
from cloudhands.common.db import Database, explained, opened
from cloudhands.common.errors import ConfigurationError
from cloudhands.common.history import verification
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
    secret = tokens.read_secret(file)
    with explained(database), database.writing() as session:
        revision = schema.upgrade_within(session.connection(), secret)
        # With it, or another key file could be taken for the one that history was sealed with.
        _remember(session, _mark_of(secret))
    give_secret(database, file)
    return revision


def give_secret(database: Database, file: Path) -> None:
    """Read the key file for an upgraded database, and have the database remember which it was.

    :raises ConfigurationError: if it is not there, or not the one it was.
    """
    mark = _mark(database)
    if mark is not None:
        secret = _known_secret(database, file)
        fits = hmac.compare_digest(mark, _mark_of(secret))
    else:
        secret = tokens.read_secret(file)
        fits = _take(database, secret)
    if not fits:
        raise ConfigurationError(
            f"key_file {file} is not the one that the history in {database.address} is written "
            "with. Restore that one from the backup, or copy it from another of this "
            "installation's hosts"
        )
    database.secret = secret


def _take(database: Database, secret: bytes) -> bool:
    """Remember a key file where none is known, if it is the one that history is written with."""
    with database.writing() as session:
        if not verification.is_sealed_with(session, secret):
            return False
        return hmac.compare_digest(_remember(session, _mark_of(secret)), _mark_of(secret))


def _known_secret(database: Database, file: Path) -> bytes:
    try:
        return tokens.read_secret(file, make=False)
    except FileNotFoundError:
        raise ConfigurationError(
            f"key_file {file} is not there, but the history in {database.address} is written with "
            "it. Restore it from the backup: a new one could not verify what was written"
        ) from None


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


def _remember(session: Session, mark: str) -> str:
    """Keep a mark unless there is one; returns the one that is kept."""
    installation(session)
    session.execute(
        update(Installation).where(Installation.key_mark.is_(None)).values(key_mark=mark)
    )
    return session.scalars(select(Installation.key_mark)).one() or ""
