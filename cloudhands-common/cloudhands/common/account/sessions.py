"""Server-side sessions of the portal: opaque, kept as a digest, revocable."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, joinedload

from cloudhands.common import tokens
from cloudhands.common.account.tables import PortalSession
from cloudhands.common.actor.tables import User


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


def find_session(session: Session, cookie: str, now: datetime) -> PortalSession | None:
    """The open session of a cookie, with its user, in one query."""
    return session.scalars(
        select(PortalSession)
        .where(PortalSession.cookie_digest == tokens.digest(cookie), PortalSession.expires_at > now)
        .options(joinedload(PortalSession.user))
    ).one_or_none()


def close_session(session: Session, cookie: str) -> None:
    """Close a session; no effect if it is closed."""
    session.execute(
        delete(PortalSession).where(PortalSession.cookie_digest == tokens.digest(cookie))
    )
