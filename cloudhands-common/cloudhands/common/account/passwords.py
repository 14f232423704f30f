"""Local passwords: argon2id (RFC 9106), hashed and checked in one place."""

import functools
from datetime import datetime

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete
from sqlalchemy.orm import Session

from cloudhands.common.account.tables import Password, PortalSession
from cloudhands.common.actor.queries import user_by_uid
from cloudhands.common.actor.tables import User
from cloudhands.common.errors import InvalidInput

MIN_LENGTH = 10
MAX_LENGTH = 1024
_HASHER = PasswordHasher()


def set_password(session: Session, user: User, password: str, now: datetime) -> None:
    """Give a user a local password; whoever is signed in as them has to sign in again.

    :raises InvalidInput: if it is too short or too long.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise InvalidInput({"password": f"Between {MIN_LENGTH} and {MAX_LENGTH} characters."})
    session.flush()
    session.merge(Password(user_id=user.id, hash=_HASHER.hash(password), set_at=now))
    session.execute(delete(PortalSession).where(PortalSession.user_id == user.id))


def has_password(session: Session, uid: str) -> bool:
    """Whether a uid signs in with a local password."""
    return _hash_of(session, uid) is not None


def check_password(session: Session, uid: str, password: str) -> User | None:
    """The user, if the password is theirs. Takes as long whether or not there is one."""
    known = _hash_of(session, uid)
    if known is None:
        waste_time(password)
        return None
    return user_by_uid(session, uid) if _verify(known.hash, password) else None


def waste_time(password: str) -> None:
    """Take as long as a check, so that the time does not tell which accounts are local."""
    _verify(_nobodys_hash(), password)


def _hash_of(session: Session, uid: str) -> Password | None:
    user = user_by_uid(session, uid)
    return session.get(Password, user.id) if user else None


@functools.cache
def _nobodys_hash() -> str:
    # Checked against when there is no such account, so that the answer takes as long.
    return _HASHER.hash("nobody has this password")


def _verify(known: str, password: str) -> bool:
    if len(password) > MAX_LENGTH:
        return False
    try:
        return _HASHER.verify(known, password)
    except (VerificationError, InvalidHashError):
        return False
