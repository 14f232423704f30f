"""What a directory may send that would keep a follower busy, or end it."""

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from cloudhands.common import settings
from cloudhands.common.errors import DirectoryError
from cloudhands.web.index import wire
from cloudhands.web.index.sync import ber, controls, full, server
from cloudhands.web.index.sync.guard import Guard
from cloudhands.web.index.sync.server import Server
from cloudhands.web.index.sync.session import Session

SOURCE = settings.Directory.model_validate({"url": "ldaps://one", "base": "dc=example,dc=org"})


def test_empty_pages_without_an_end(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    page = ber.element(ber.SEQUENCE, ber.integer(0) + ber.element(ber.OCTETS, b"next"))
    sent = []

    def search(*given: Any, **named: Any) -> Iterator[wire.Entry | wire.Done]:
        assert len(sent) < 100
        sent.append(page)
        if len(sent) in (3, 6):
            yield wire.Entry("", {}, {})
        yield wire.Done(0, "", {controls.PAGED: page})

    monkeypatch.setattr(wire, "search", search)
    monkeypatch.setattr(full, "MOST_EMPTY_PAGES", 3)
    session = Session(
        *(None, Server("ldaps://one"), SOURCE, memory, Guard(), threading.Event()),  # type: ignore[arg-type]
    )
    with pytest.raises(DirectoryError, match="empty pages without an end"):
        full.sync(session)
    assert len(sent) == 10
    assert memory.commits == []


@pytest.mark.parametrize(("said", "expected"), [(b"12", 12), (b"9" * 5000, None), (b"-1", None)])
def test_a_number_of_changes(
    said: bytes, expected: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_object", lambda *_: {"highestCommittedUSN": [said]})
    connection: Any = SimpleNamespace(url="ldaps://one")
    assert server.ask(connection, "dc=example,dc=org").usn == expected
