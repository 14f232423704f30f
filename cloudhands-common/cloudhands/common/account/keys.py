"""SSH public keys: what is one (RFC 4253, section 6.6), adding and removing."""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints, field_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudhands.common import history, permissions
from cloudhands.common.account.tables import SshKey
from cloudhands.common.actor.queries import roles_of
from cloudhands.common.actor.tables import User
from cloudhands.common.errors import Conflict, LimitReached
from cloudhands.common.forms import Form, Label
from cloudhands.common.permissions import Role

TYPES = (
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-rsa",
)
MAX_KEYS = 50
ED25519_BYTES = 32


@dataclass(frozen=True)
class PublicKey:
    """A key as OpenSSH writes it in one line, without the comment."""

    type: str
    blob: bytes

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read a line of an `id_*.pub` file.

        :raises ValueError: with a sentence for the person who pasted it.
        """
        if "PRIVATE KEY" in line:
            raise ValueError("This is a private key. Keep it secret; paste the .pub file instead.")
        words = line.split()
        if len(words) < 2 or words[0] not in TYPES:
            raise ValueError(f"A public key starts with one of {', '.join(TYPES)}.")
        try:
            blob = base64.b64decode(words[1], validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("The key is damaged: its second word is not base64.") from None
        parts = _parts(blob)
        if parts[:1] != [words[0].encode()]:
            raise ValueError("The key is damaged: it does not hold the type that it names.")
        if len(parts) < 2 or (words[0] == "ssh-ed25519" and len(parts[1]) != ED25519_BYTES):
            raise ValueError("The key is damaged: a part of it is missing.")
        return cls(words[0], blob)

    @property
    def line(self) -> str:
        """The key as it goes into `authorized_keys`."""
        return f"{self.type} {base64.b64encode(self.blob).decode()}"

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` prints it."""
        digest = base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")
        return f"SHA256:{digest}"


class NewKey(Form):
    """A public key and what its owner calls it."""

    label: Annotated[Label, Field(title="Name", description="For example: laptop")]
    key: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=16_384),
        Field(
            title="Public key",
            description="The one line of a .pub file, for example ~/.ssh/id_ed25519.pub",
            json_schema_extra={"format": "textarea"},
        ),
    ]

    @field_validator("key")
    @classmethod
    def _is_a_key(cls, value: str) -> str:
        return PublicKey.parse(value).line


def _parts(blob: bytes) -> list[bytes]:
    """The length-prefixed parts of a key (RFC 4251, section 5); the first alone if one is cut."""
    parts: list[bytes] = []
    rest = blob
    while rest:
        length = int.from_bytes(rest[:4], "big")
        if len(rest) < 4 + length or not length:
            return parts[:1]
        parts.append(rest[4 : 4 + length])
        rest = rest[4 + length :]
    return parts


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
    """Forget one of a user's own keys; machines that run keep what they were given.

    :param user: locked by the caller.
    :raises NotFound: if it is not theirs or is not there.
    """
    key = session.scalars(select(SshKey).where(SshKey.uuid == uuid)).one_or_none()
    mine = {Role.SELF} if key is not None and key.user_id == user.id else set()
    permissions.require("key.remove", roles_of(user) | mine)
    assert key is not None, "nobody may remove what is not there"
    session.delete(key)
    history.record(session, user, user, f"removed the SSH key {key.fingerprint}", now)
