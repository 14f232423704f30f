"""Derived, single-purpose tokens: HMAC(server secret, purpose, subject).

Nothing that the database holds can be used as a token, because the secret is a file of its own;
a token made for one purpose or subject is worthless for another.
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cloudhands.common.errors import ConfigurationError

SECRET_BYTES = 32


def read_secret(file: Path, *, make: bool = True) -> bytes:
    """The server's secret, made at the first call.

    Two processes that start at once agree: the file appears whole or not at all.

    :param make: whether it may be made: not where it has been in use already.
    :raises FileNotFoundError: if it is not there and may not be made.
    :raises ConfigurationError: if it cannot be read or made, or is too short to be one.
    """
    try:
        if make and not file.exists():
            _make(file)
        secret = bytes.fromhex(file.read_text(encoding="ascii").strip())
    except FileNotFoundError:
        if not make:
            raise
        raise ConfigurationError(f"key_file {file} went away while it was made") from None
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"key_file {file} cannot be used: {error}. Restore it from the backup"
        ) from error
    if len(secret) < SECRET_BYTES:
        raise ConfigurationError(f"key_file {file} is too short. Restore it from the backup")
    return secret


def _make(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as out:
            out.write(secrets.token_hex(SECRET_BYTES) + "\n")
            out.flush()
            os.fsync(out.fileno())
        # Not a rename: that would replace the secret of whoever came first.
        os.link(fresh, file)
        _settle(file.parent)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def _settle(folder: Path) -> None:
    """Wait until the folder's list of files is on the disk: what is sealed needs the key."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def derive(secret: bytes, purpose: str, subject: str) -> str:
    """The token for one purpose and one subject, 64 hexadecimal digits (RFC 2104, SHA-256)."""
    return hmac.new(secret, f"{purpose}\0{subject}".encode(), hashlib.sha256).hexdigest()


def matches(token: str, secret: bytes, purpose: str, subject: str) -> bool:
    """Whether a token is the one for this purpose and subject, in constant time."""
    return hmac.compare_digest(token.encode(), derive(secret, purpose, subject).encode())


def fresh() -> str:
    """An unguessable opaque value, 256 bits, safe in a cookie or a URL."""
    return secrets.token_urlsafe(32)


def digest(value: str) -> str:
    """How an opaque value is kept in the database: SHA-256, since it needs no salt."""
    return hashlib.sha256(value.encode()).hexdigest()
