"""Moves the rows from SQLite to PostgreSQL, as a whole or not at all.

`readiness` says what is in the way, `copying` copies every table, `verification` compares. The
target is filled in one transaction while nobody can write the source; when it is committed, the
source is marked (`common.moved`), so that nobody works on it by mistake.
"""

from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from cloudhands.common import moved, opening, schema
from cloudhands.common.actor.commands import installation
from cloudhands.common.db import Database, explained
from cloudhands.common.errors import DatabaseError
from cloudhands.ops.moving import copying, readiness, verification
from cloudhands.ops.moving.copying import Tell


def move(
    source: Database,
    key_file: Path,
    target: Database,
    now: datetime,
    tell: Tell,
    *,
    force: bool = False,
) -> verification.Summary:
    """Move every row; the programs have to be stopped.

    :param source: an SQLite database at this release's revision.
    :param key_file: what its history is written with.
    :param target: a PostgreSQL database without any table of ours.
    :param now: claims that last longer are held.
    :param tell: is told of progress.
    :param force: also while programs seem to be at work.
    :returns: what both sides hold.
    :raises Conflict: if programs are at work, or the target has tables.
    :raises DatabaseError: if one of the two cannot be used; both are then as they were.
    :raises ConfigurationError: if the key file is not there, or not the one it was.
    """
    readiness.check_source(source)
    readiness.check_target(target, source.address)
    if not force:
        readiness.check_unused(source, now)
    with explained(source):
        opening.give_secret(source, key_file)
    with explained(source), source.writing() as old:
        installation(old)  # its identity goes along, whether or not anything asked for it yet
        old.flush()
        verification.check_history(old, source.secret, source.address)
        with explained(target), target.writing() as new:
            readiness.check_empty(new.connection(), target.address, source.address)
            schema.upgrade_within(new.connection(), source.secret)
            copying.copy(source, old.connection(), new.connection(), tell)
            # Whatever else holds of a whole database belongs into `verification.faults`.
            verification.check(new, target.address)
            verification.check_history(new, source.secret, target.address)
            summary = verification.compare(old, source, new)
        _mark(source, target, old)
    return summary


def _mark(source: Database, target: Database, old: Session) -> None:
    """Mark the source in the transaction that has kept others from writing it."""
    try:
        moved.mark(old, target.address)
        old.commit()
    except DBAPIError as error:
        raise DatabaseError(
            f"every row is in {target.address} now, but {source.address} could not be marked as "
            f"moved: {error.orig}. Set database.url to the new one, and put the old one away"
        ) from error


__all__ = ["Tell", "move"]
