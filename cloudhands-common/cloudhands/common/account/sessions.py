"""Server-side sessions of the portal: opaque, kept as a digest, revocable."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.orm import Session

from cloudhands.common import tokens
from cloudhands.common.account.tables import PortalSession
from cloudhands.common.actor.tables import Actor, User


def open_session(session: Session, user: User, now: datetime, lasts: timedelta) -> str:
    """Open a session and return its cookie's value; the ended ones are swept away."""
    session.execute(delete(PortalSession).where(PortalSession.expires_at <= now))
    cookie = tokens.fresh()
    session.add(
        PortalSession(
            cookie_digest=tokens.digest(cookie),
            user_id=user.id,
            opened_at=now,
            expires_at=now + lasts,
        )
    )
    return cookie


class SignedIn(NamedTuple):
    """Who is signed in, and by which session; `version` and `name` are the user's."""

    session: UUID
    user_id: int
    version: int
    name: str


# Made once: asked at every request.
_OPEN = (
    select(PortalSession.uuid, PortalSession.user_id, Actor.version, Actor.name)
    .join(Actor, Actor.id == PortalSession.user_id)
    .where(
        PortalSession.cookie_digest == bindparam("digest"),
        PortalSession.expires_at > bindparam("now"),
    )
)


def find_session(connection: Connection | Session, cookie: str, now: datetime) -> SignedIn | None:
    """The open session of a cookie, in one small query."""
    row = connection.execute(_OPEN, {"digest": tokens.digest(cookie), "now": now}).one_or_none()
    return SignedIn(*row) if row else None


def close_session(session: Session, cookie: str) -> None:
    """Close a session; no effect if it is closed."""
    session.execute(
        delete(PortalSession).where(PortalSession.cookie_digest == tokens.digest(cookie))
    )
