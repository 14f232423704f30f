"""Hides secrets in what is shown of the settings."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

MASK = "********"
_SECRET = re.compile(
    r"password|passphrase|passwd|pwd|(^|[-_])pass$|secret|token|credential|(private|api|access)[-_]?key",
    re.IGNORECASE,
)
# It names the file that holds the secret.
_FILE = re.compile(r"[-_](file|path)$", re.IGNORECASE)
# The password of an address, up to the last @, whatever stands in it; and those of its query.
_BEFORE_HOST = re.compile(r"(://[^:/?#@]*:).+(@)", re.DOTALL)
_IN_QUERY = re.compile(r"([?&](?:ssl)?password=)[^&]*", re.IGNORECASE)


def masked(key: Sequence[str], value: Any) -> Any:
    """A value as it may be shown.

    :param key: the names of its tables and its own.
    """
    if isinstance(value, Mapping):
        return {name: masked((*key, name), inner) for name, inner in value.items()}
    if value and any(map(_SECRET.search, key)) and not _FILE.search(key[-1]):
        return MASK
    if isinstance(value, list | tuple):
        return [masked(key, inner) for inner in value]
    return _without_password(value) if isinstance(value, str) else value


def _without_password(text: str) -> str:
    return _IN_QUERY.sub(rf"\1{MASK}", _BEFORE_HOST.sub(rf"\1{MASK}\2", text))
