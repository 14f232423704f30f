"""What a server may do with RFC 4533 that slapd does not."""

import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from cloudhands.common import settings
from cloudhands.web.index import wire
from cloudhands.web.index.sync import ber, controls, syncrepl
from cloudhands.web.index.sync.choose import REFRESH
from cloudhands.web.index.sync.controls import Kind
from cloudhands.web.index.sync.guard import Guard
from cloudhands.web.index.sync.server import Server
from cloudhands.web.index.sync.session import Session

SOURCE = settings.Directory.model_validate({"url": "ldaps://one", "base": "dc=example,dc=org"})
GRACE, ADA = uuid.UUID(int=1), uuid.UUID(int=2)


def shown(who: uuid.UUID, **more: bytes) -> wire.Entry:
    """Somebody, as added."""
    identifier = str(who).encode()
    values = {"entryUUID": identifier, "uid": identifier, "cn": b"Name", **more}
    kind = ber.element(ber.ENUMERATED, bytes((Kind.ADD,)))
    state = ber.element(ber.SEQUENCE, kind + ber.element(ber.OCTETS, who.bytes))
    attributes = {key: [value] for key, value in values.items()}
    return wire.Entry("", attributes, {controls.SYNC_STATE: state})


def done(cookie: bytes) -> wire.Done:
    told = ber.element(ber.SEQUENCE, ber.element(ber.OCTETS, cookie))
    return wire.Done(0, "", {controls.SYNC_DONE: told})


@pytest.fixture
def session(memory: Any) -> Session:
    server = Server("ldaps://one")
    return Session(None, server, SOURCE, memory, Guard(), threading.Event())  # type: ignore[arg-type]


def test_a_server_that_refuses_all_its_cookies_is_not_asked_for_ever(
    session: Session, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def search(*given: Any, controls: Any, **named: Any) -> Iterator[wire.Entry | wire.Done]:
        assert len(asked) < 10
        asked.append(has_cookie := b"cookie" in controls[0][2])
        if has_cookie:
            yield wire.Done(syncrepl.REFRESH_REQUIRED, "no", {})
        else:
            yield shown(GRACE)
            yield done(b"cookie")

    monkeypatch.setattr(wire, "search", search)
    position = syncrepl.sync(session, REFRESH, None)
    assert asked == [False, True, False]
    syncrepl.sync(session, REFRESH, position)
    assert asked[3:] == [True, False]
    assert memory.ids() == {str(GRACE)}


def test_who_is_disabled_while_everybody_is_read_is_not_shown(
    session: Session, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def search(*given: Any, controls: Any, **named: Any) -> Iterator[wire.Entry | wire.Done]:
        yield shown(GRACE)
        yield shown(ADA)
        yield shown(GRACE, pwdAccountLockedTime=b"000001010000Z")
        yield done(b"")

    monkeypatch.setattr(wire, "search", search)
    syncrepl.sync(session, REFRESH, None)
    assert memory.ids() == {str(ADA)}
