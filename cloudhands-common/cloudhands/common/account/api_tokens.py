"""API tokens: how a person's program signs in. Opaque, kept as a digest, revocable, expiring."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, NamedTuple
from uuid import UUID

from pydantic import Field
from sqlalchemy import Connection, bindparam, delete, or_, select, update
from sqlalchemy.orm import Session

from cloudhands.common import history, permissions, tokens
from cloudhands.common.account.tables import ApiToken
from cloudhands.common.actor.queries import roles_of
from cloudhands.common.actor.tables import Actor, User
from cloudhands.common.errors import LimitReached
from cloudhands.common.forms import Form, Label
from cloudhands.common.permissions import Role

# Scanners for secrets find what somebody has published by mistake by these letters.
SECRET_BEGINS = "cloudhands_"
SHOWN_CHARACTERS = len(SECRET_BEGINS) + 4
MAX_TOKENS = 20
MAX_DAYS = 365


class NewToken(Form):
    """What the token is for, and for how many days it is good."""

    label: Annotated[Label, Field(title="Name", description="For example: nightly script")]
    days: Annotated[int, Field(title="Days", ge=1, le=MAX_DAYS)] = 90


def of_user(session: Session, user: User) -> Sequence[ApiToken]:
    """A user's tokens, the oldest first; also what has expired."""
    return session.scalars(
        select(ApiToken).where(ApiToken.user_id == user.id).order_by(ApiToken.id)
    ).all()


def make(session: Session, user: User, wanted: NewToken, now: datetime) -> tuple[ApiToken, str]:
    """Make a token; the user's expired ones are swept away.

    :param user: locked by the caller.
    :returns: the row, and the secret, which is never known again.
    :raises LimitReached: if the user has very many.
    """
    permissions.require("api-token.make", roles_of(user))
    session.execute(delete(ApiToken).where(ApiToken.user_id == user.id, ApiToken.expires_at <= now))
    if len(of_user(session, user)) >= MAX_TOKENS:
        raise LimitReached(f"At most {MAX_TOKENS} tokens. Revoke one first.")
    secret = f"{SECRET_BEGINS}{tokens.fresh()}"
    made = ApiToken(
        user_id=user.id,
        label=wanted.label,
        digest=tokens.digest(secret),
        prefix=secret[:SHOWN_CHARACTERS],
        made_at=now,
        expires_at=now + timedelta(days=wanted.days),
    )
    session.add(made)
    history.record(session, user, user, f"made the API token {made.prefix}", now)
    return made, secret


def revoke(session: Session, user: User, uuid: UUID, now: datetime) -> None:
    """End one of a user's own tokens at once.

    :param user: locked by the caller.
    :raises NotFound: if it is not theirs or is not there.
    """
    token = session.scalars(select(ApiToken).where(ApiToken.uuid == uuid)).one_or_none()
    mine = {Role.SELF} if token is not None and token.user_id == user.id else set()
    permissions.require("api-token.revoke", roles_of(user) | mine)
    assert token is not None, "nobody may revoke what is not there"
    session.delete(token)
    history.record(session, user, user, f"revoked the API token {token.prefix}", now)


class TokenHolder(NamedTuple):
    """Whose token it is; `version` and `name` are the user's."""

    token: UUID
    user_id: int
    version: int
    name: str
    last_used_day: date | None


# Made once: asked at every request.
_GOOD = (
    select(ApiToken.uuid, ApiToken.user_id, Actor.version, Actor.name, ApiToken.last_used_day)
    .join(Actor, Actor.id == ApiToken.user_id)
    .where(ApiToken.digest == bindparam("digest"), ApiToken.expires_at > bindparam("now"))
)


def find(connection: Connection | Session, secret: str, now: datetime) -> TokenHolder | None:
    """Whose token that secret is, in one small query; None if it is not, or no longer, good."""
    if not secret.startswith(SECRET_BEGINS):
        return None
    row = connection.execute(_GOOD, {"digest": tokens.digest(secret), "now": now}).one_or_none()
    return TokenHolder(*row) if row else None


def used(session: Session, holder: TokenHolder, now: datetime) -> None:
    """Write down that a token was used today; no effect, and no row written, if that is known.

    Only where `holder.last_used_day` is another day a writing session is worth its price.
    """
    today = now.date()
    another_day = or_(ApiToken.last_used_day.is_(None), ApiToken.last_used_day < today)
    session.execute(
        update(ApiToken)
        .where(ApiToken.uuid == holder.token, another_day)
        .values(last_used_day=today)
    )
