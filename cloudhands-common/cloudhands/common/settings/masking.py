"""Hides secrets in what is shown of the settings."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

MASK = "********"
# A key that ends in _file or _path names the file that holds the secret.
_SECRET = re.compile(
    r"(password|passphrase|passwd|secret|token|private_key|api_key|access_key|credential)s?"
    r"(?!.*_(file|path)$)",
    re.IGNORECASE,
)


def masked(key: Sequence[str], value: Any) -> Any:
    """A value as it may be shown.

    :param key: the names of its tables and its own.
    """
    if isinstance(value, Mapping):
        return {name: masked((*key, name), inner) for name, inner in value.items()}
    if value and key and _SECRET.search(key[-1]):
        return MASK
    if isinstance(value, list | tuple):
        return [masked(key, inner) for inner in value]
    return _without_password(value) if isinstance(value, str) else value


def _without_password(text: str) -> str:
    """An address without the password that may stand in it."""
    if "://" not in text or "@" not in text:
        return text
    try:
        password = urlsplit(text).password
    except ValueError:
        return MASK  # it looks like an address, and nobody can tell what is in it
    if not password:
        return text
    before, _, after = text.rpartition("@")
    return f"{before[: len(before) - len(password)]}{MASK}@{after}"
