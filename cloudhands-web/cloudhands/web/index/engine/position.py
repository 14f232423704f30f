"""How far the directory has been read: what the next sync goes on from."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Position:
    """Where the index stands; in the same commit as the people who were read up to there.

    :param protocol: how they were read: `persist`, `refresh`, `changes` or `full`.
    :param cookie: what the protocol goes on from; empty if there is nothing such.
    :param server: the directory's server that gave it.
    :param synced: when the people were those of the directory, UTC.
    """

    protocol: str
    cookie: bytes
    server: str
    synced: datetime


def to_json(position: Position) -> Mapping[str, str]:
    """A position as JSON can hold it."""
    return {
        "protocol": position.protocol,
        "cookie": base64.b64encode(position.cookie).decode("ascii"),
        "server": position.server,
        "synced": position.synced.isoformat(),
    }


def from_json(found: Mapping[str, Any]) -> Position:
    """The position that `to_json` was given.

    :raises ValueError: if it is none; a `KeyError` or `TypeError` too.
    """
    return Position(
        protocol=found["protocol"],
        cookie=base64.b64decode(found["cookie"], validate=True),
        server=found["server"],
        synced=datetime.fromisoformat(found["synced"]),
    )
