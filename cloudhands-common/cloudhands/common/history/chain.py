"""How a row of history seals what it says, and all the rows before it: pure.

Each link is HMAC-SHA256 (RFC 2104) under a key derived from the installation's key file, over the
previous link of the same artifact and this row's canonical form. Whoever can write the database
but cannot read the key file can make no link, so that a changed, removed or inserted row shows.
The artifact's own row holds the number and the link of its last touch, so that a cut tail shows.
"""

import functools
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from cloudhands.common import tokens

BEGINNING = ""
"""The link before an artifact's first row."""

_SALT_BYTES = 16
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True)
class Sealed:
    """What a link is made over: ids and canonical values, and text by its digest."""

    kind: str
    artifact: UUID
    number: int
    actor: UUID | None
    from_state: str | None
    to_state: str | None
    at: datetime
    facts: Mapping[str, Any]
    text_digest: str

    def canonical(self, previous: str) -> bytes:
        """One sequence of bytes for one meaning, whatever the database and its version."""
        values = [
            previous,
            self.kind,
            str(self.artifact),
            self.number,
            str(self.actor),
            self.from_state,
            self.to_state,
            self.at.astimezone(UTC).isoformat(timespec="microseconds"),
            self.facts,
            self.text_digest,
        ]
        return _ENCODER.encode(values).encode()


@functools.lru_cache(maxsize=8)
def key(secret: bytes) -> bytes:
    """The key of an installation's history, from its secret."""
    return bytes.fromhex(tokens.derive(secret, "history", ""))


def link(key: bytes, previous: str, row: Sealed) -> str:
    """The link of a row, 64 hexadecimal digits.

    :param previous: the link of the artifact's row before it, or `BEGINNING`.
    """
    return hmac.digest(key, row.canonical(previous), "sha256").hex()


def salt() -> str:
    """A new salt for a text's digest."""
    return secrets.token_hex(_SALT_BYTES)


def text_digest(salt: str, text: str) -> str:
    """The digest of a text, which tells nothing of it to those who have not the salt."""
    return hashlib.sha256(f"{salt}\0{text}".encode()).hexdigest()


def erasure(key: bytes, link: str) -> str:
    """What stands beside a row whose text was erased by those who hold the key."""
    return hmac.new(key, f"erased\0{link}".encode(), hashlib.sha256).hexdigest()
