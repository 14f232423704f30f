"""The tables of passwords, sessions, SSH keys and API tokens."""

from datetime import date, datetime
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cloudhands.common.actor.tables import User
from cloudhands.common.db import Base


class Password(Base):
    """A local password, as an argon2id hash. Who has none signs in through the directory."""

    __tablename__ = "passwords"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    hash: Mapped[str]
    set_at: Mapped[datetime]


class PortalSession(Base):
    """A signed-in browser or client: only the digest of its cookie is kept."""

    __tablename__ = "portal_sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[UUID] = mapped_column(default=uuid4)
    cookie_digest: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    opened_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)

    user: Mapped[User] = relationship()


class SshKey(Base):
    """A public key that a user's appliances let in."""

    __tablename__ = "ssh_keys"
    __table_args__ = (UniqueConstraint("user_id", "fingerprint"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[UUID] = mapped_column(unique=True, default=uuid4)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    label: Mapped[str]
    key: Mapped[str]
    fingerprint: Mapped[str]
    added_at: Mapped[datetime]


class ApiToken(Base):
    """What a user's program signs in with: only the digest is kept.

    `prefix` is the beginning of the secret, too short to be one, for people to recognise it by.
    `last_used_day` is a day and no moment, so that it is written once a day.
    """

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[UUID] = mapped_column(unique=True, default=uuid4)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    label: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    prefix: Mapped[str]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_day: Mapped[date | None]
