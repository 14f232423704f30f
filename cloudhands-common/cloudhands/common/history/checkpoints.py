"""Digests of all history up to a row, to be kept where the database's users cannot reach.

They show what no chain can: an artifact that was taken back to an earlier state as a whole.
"""

import hashlib
from typing import NamedTuple

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from cloudhands.common.db import Database
from cloudhands.common.errors import InvalidInput
from cloudhands.common.history.tables import Touch

BATCH = 2000
_DIGEST_LENGTH = 64
_MOST_DIGITS = 18  # of a row's id in both databases


class Checkpoint(NamedTuple):
    """All rows up to one, in a digest; `str` of it is what is kept elsewhere."""

    last: int
    digest: str

    def __str__(self) -> str:
        return f"{self.last}:{self.digest}"

    @classmethod
    def parse(cls, words: str) -> "Checkpoint":
        """Read what `str` wrote.

        :raises InvalidInput: if it is none.
        """
        last, _, digest = words.strip().partition(":")
        whole = len(digest) == _DIGEST_LENGTH and set(digest) <= set("0123456789abcdef")
        if not (last.isascii() and last.isdecimal() and len(last) <= _MOST_DIGITS and whole):
            raise InvalidInput({"checkpoint": "not what 'history checkpoint' printed: NUMBER:HEX"})
        return cls(int(last), digest)


def take(database: Database) -> Checkpoint:
    """A digest of all history up to now, to be kept where the database's users cannot reach."""
    with database.writing() as session:
        if not database.is_sqlite:
            # Rows of lower numbers that others are about to commit belong to it.
            session.execute(text("LOCK TABLE touches IN SHARE MODE"))
        last = session.scalar(select(func.coalesce(func.max(Touch.id), 0))) or 0
    with database.snapshot() as session:
        return Checkpoint(last, _digest(session, last))


def holds(session: Session, told: Checkpoint) -> bool:
    """Whether history up to the checkpoint's row is what it was.

    :param session: one that sees one moment (`Database.snapshot`).
    """
    return _digest(session, told.last) == told.digest


def _digest(session: Session, last: int) -> str:
    digest = hashlib.sha256()
    query = select(Touch.id, Touch.link).where(Touch.id <= last).order_by(Touch.id)
    for id_, link in session.execute(query, execution_options={"yield_per": BATCH}):
        digest.update(f"{id_}:{link}\n".encode())
    return digest.hexdigest()
