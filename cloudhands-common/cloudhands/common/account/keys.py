"""A user's SSH public keys: adding and removing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints
from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudhands.common import history, permissions
from cloudhands.common.account.public_keys import PublicKey
from cloudhands.common.account.tables import SshKey
from cloudhands.common.actor.queries import roles_of
from cloudhands.common.actor.tables import User
from cloudhands.common.errors import Conflict, LimitReached
from cloudhands.common.forms import Form, Label
from cloudhands.common.permissions import Role

MAX_KEYS = 50

_MAX_CHARACTERS = 16_384
_FIELD = Field(
    title="Public key",
    description="The one line of a .pub file, for example ~/.ssh/id_ed25519.pub",
    json_schema_extra={"format": "textarea"},
)


def _without_comment(line: str) -> str:
    return PublicKey.parse(line).line if line else ""


# The line of a .pub file; kept without its comment.
KeyLine = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=_MAX_CHARACTERS),
    AfterValidator(_without_comment),
    _FIELD,
]
# The same, or empty.
KeyLineOrNone = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=_MAX_CHARACTERS),
    AfterValidator(_without_comment),
    _FIELD,
]


class NewKey(Form):
    """A public key and what its owner calls it."""

    label: Annotated[Label, Field(title="Name", description="For example: laptop")]
    key: KeyLine


def of_user(session: Session, user: User) -> Sequence[SshKey]:
    """A user's keys, the oldest first."""
    return session.scalars(
        select(SshKey).where(SshKey.user_id == user.id).order_by(SshKey.id)
    ).all()


def add_key(session: Session, user: User, wanted: NewKey, now: datetime) -> SshKey:
    """Keep one more key for a user.

    :param user: locked by the caller.
    :raises Conflict: if the user has it already.
    :raises LimitReached: if the user has very many.
    """
    permissions.require("key.add", roles_of(user))
    key = PublicKey.parse(wanted.key)
    kept = of_user(session, user)
    if any(other.fingerprint == key.fingerprint for other in kept):
        raise Conflict("You have this key already.")
    if len(kept) >= MAX_KEYS:
        raise LimitReached(f"At most {MAX_KEYS} keys. Remove one first.")
    added = SshKey(
        user_id=user.id,
        label=wanted.label,
        key=key.line,
        fingerprint=key.fingerprint,
        added_at=now,
    )
    session.add(added)
    history.record(session, user, user, f"added the SSH key {key.fingerprint}", now)
    return added


def remove_key(session: Session, user: User, uuid: UUID, now: datetime) -> None:
    """Forget one of a user's own keys; machines that ask the portal let it in no more.

    :param user: locked by the caller.
    :raises NotFound: if it is not theirs or is not there.
    """
    key = session.scalars(select(SshKey).where(SshKey.uuid == uuid)).one_or_none()
    mine = {Role.SELF} if key is not None and key.user_id == user.id else set()
    permissions.require("key.remove", roles_of(user) | mine)
    assert key is not None, "nobody may remove what is not there"
    session.delete(key)
    history.record(session, user, user, f"removed the SSH key {key.fingerprint}", now)
