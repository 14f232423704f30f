"""The made-up people whom `index.py` looks for, and the index that they are in."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from cloudhands.common import settings
from cloudhands.common.person import Person
from cloudhands.common.testing import people as made
from cloudhands.web.index import engine
from cloudhands.web.index.decode import Entry, decode
from cloudhands.web.index.people import People

READ = engine.Position("full", b"", "", datetime(2030, 1, 1, tzinfo=UTC))


def entries(count: int) -> Iterator[Entry]:
    """So many people as cloud-index decodes them; fewer of them are the first ones of these."""
    names = settings.Attributes()
    for one in made.stream(count):
        entry = decode(raw(one.attributes), names)
        if entry is not None:
            yield entry


def raw(attributes: Mapping[str, Sequence[made.Value]]) -> Mapping[str, Sequence[bytes]]:
    """Attributes as a directory sends them."""
    return {
        name: [value if isinstance(value, bytes) else value.encode() for value in values]
        for name, values in attributes.items()
    }


def indexed(folder: Path, count: int) -> People:
    """The index of so many people."""
    with engine.writer(folder) as writer:
        writer.replace(entries(count), READ)
    return People(folder)


def people(count: int) -> Sequence[Person]:
    """So many people."""
    return [entry.person for entry in entries(count)]
