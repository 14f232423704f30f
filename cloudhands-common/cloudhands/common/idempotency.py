"""What has been made already for an `Idempotency-Key`: a creation whose answer was lost is not
made twice.

draft-ietf-httpapi-idempotency-key-header. A key is one person's; it is kept with the creation, in
one transaction, and forgotten after `LASTS`.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection, ForeignKey, UniqueConstraint, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from cloudhands.common import tokens
from cloudhands.common.db import Base

LASTS = timedelta(hours=24)


class Creation(Base):
    """What one person made under one key; only digests of key and request are kept."""

    __tablename__ = "creations"
    # SQLite would give the id of a row that was swept away to a new one: see `latest`.
    __table_args__ = (
        UniqueConstraint("user_id", "key_digest"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    key_digest: Mapped[str]
    request_digest: Mapped[str]
    location: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(index=True)


def find(connection: Connection | Session, user_id: int, key: str) -> tuple[str, str] | None:
    """The digest of the request that a key came with, and the path of what was made."""
    row = connection.execute(
        select(Creation.request_digest, Creation.location).where(
            Creation.user_id == user_id, Creation.key_digest == tokens.digest(key)
        )
    ).one_or_none()
    return (row.request_digest, row.location) if row else None


def latest(connection: Connection | Session, user_id: int) -> int:
    """A number that a person's next creation changes."""
    query = select(func.coalesce(func.max(Creation.id), 0)).where(Creation.user_id == user_id)
    found: int = connection.scalar(query) or 0
    return found


def keep(
    session: Session, user_id: int, key: str, request_digest: str, location: str, now: datetime
) -> None:
    """Keep what was made under a key; the old ones are swept away.

    The unique constraint refuses the same key of a request that runs at the same moment.
    """
    session.execute(delete(Creation).where(Creation.made_at <= now - LASTS))
    session.add(
        Creation(
            user_id=user_id,
            key_digest=tokens.digest(key),
            request_digest=request_digest,
            location=location,
            made_at=now,
        )
    )
    session.flush()
