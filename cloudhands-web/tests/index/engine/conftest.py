from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from cloudhands.common.person import Person
from cloudhands.web.index.decode import Entry
from cloudhands.web.index.engine import Position

NOW = datetime(2030, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


@pytest.fixture
def entry() -> Callable[..., Entry]:
    """Somebody of a number."""

    def made(number: int, name: str = "Name") -> Entry:
        person = Person(f"id-{number}", f"u{number}", name, "")
        return Entry(person, (f"u{number}", name.lower()))

    return made


@pytest.fixture
def at() -> Callable[..., Position]:
    """A position, so many minutes later than another one."""

    def made(minute: int = 0, cookie: bytes = b"\0\xff", server: str = "one:389") -> Position:
        return Position("persist", cookie, server, NOW + timedelta(minutes=minute))

    return made
