"""What a position's cookie holds: where the next sync goes on, and whether it may.

A server's own cookie does not say when everything was last read, nor, where it is a number, whose.
That the settings found other people then is not looked at here: the index's stamp tells.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

# What no protocol shows heals by then: a directory that was restored and then changed on, or a
# change that a server forgot.
AFRESH = timedelta(days=1)


@dataclass(frozen=True)
class Standing:
    """Where a sync goes on from.

    :param read: when everything was last read.
    :param mark: the server's sync cookie, or the last change seen: a time stamp or a number.
    :param origin: of what `mark` is a number; another origin has other numbers.
    :param swept: when deletions were last looked for.
    """

    read: datetime
    mark: str = ""
    origin: str = ""
    swept: datetime | None = None

    def bytes(self) -> bytes:
        """As a position holds it."""
        return json.dumps(asdict(self), default=datetime.isoformat).encode()

    def is_due(self, now: datetime) -> bool:
        """Whether everything has to be read afresh; also if the clock was wrong then."""
        return not timedelta() <= now - self.read < AFRESH


def parse(cookie: bytes) -> Standing | None:
    """What a position holds, or None if it cannot be read."""
    try:
        held = json.loads(cookie)
        return _standing(held) if isinstance(held, dict) else None
    except (ValueError, TypeError, KeyError):
        return None


def _standing(held: Mapping[str, object]) -> Standing | None:
    texts = {name: held[name] for name in ("mark", "origin")}
    if not all(isinstance(text, str) for text in texts.values()):
        return None
    swept = _time(held["swept"]) if held["swept"] else None
    return Standing(read=_time(held["read"]), swept=swept, **texts)  # type: ignore[arg-type]


def _time(held: object) -> datetime:
    found = datetime.fromisoformat(str(held))
    if found.tzinfo is None:
        raise ValueError("a time without a zone")
    return found.astimezone(UTC)
