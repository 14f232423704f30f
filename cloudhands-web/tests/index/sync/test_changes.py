"""Reading by change numbers, as Active Directory counts them, and by times; servers in memory."""

import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cloudhands.common import settings
from cloudhands.web.index import wire
from cloudhands.web.index.sync import changes
from cloudhands.web.index.sync.guard import Guard
from cloudhands.web.index.sync.server import Server
from cloudhands.web.index.sync.session import Session

SOURCE = settings.Directory.model_validate(
    {
        "kind": "active-directory",
        "url": "ldaps://dc1.example.org",
        "base": "dc=example,dc=org",
        "hidden": "(department=secret)",
    }
)


class Controller:
    """A domain controller: numbers every change, forgets who was deleted."""

    def __init__(self) -> None:
        self.held: dict[int, tuple[int, dict[str, list[bytes]]]] = {}
        self.usn = 1000
        self.filters: list[str] = []

    def put(self, number: int, name: str, control: bytes = b"512") -> None:
        self.usn += 1
        identifier = uuid.UUID(int=number).bytes_le
        self.held[number] = (
            self.usn,
            {
                "objectGUID": [identifier],
                "sAMAccountName": [f"u{number}".encode()],
                "cn": [name.encode()],
                "userAccountControl": [control],
            },
        )

    def search(
        self, connection: Any, base: str, filter: str, attributes: list[str], **named: Any
    ) -> Iterator[wire.Entry | wire.Done | None]:
        self.filters.append(filter)
        since = int(filter.split("uSNChanged>=")[1].split(")")[0]) if "uSNChanged" in filter else 0
        assert "(!(department=secret))" in filter
        yield None
        for number, (usn, held) in list(self.held.items()):
            if usn >= since:
                shown = {name: values for name, values in held.items() if name in attributes}
                yield wire.Entry(f"cn={number}", shown, {})
        yield wire.Done(0, "", {})


@pytest.fixture
def controller(monkeypatch: pytest.MonkeyPatch) -> Controller:
    made = Controller()
    monkeypatch.setattr(wire, "search", made.search)
    for number in range(1, 31):
        made.put(number, f"Name {number}")
    return made


@pytest.fixture
def session(controller: Controller, memory: Any) -> Session:
    server = Server("ldaps://dc1", usn=controller.usn, origin="cn=dc1 01")
    stopping = threading.Event()
    return Session(None, server, SOURCE, memory, Guard(), stopping)  # type: ignore[arg-type]


def again(session: Session, controller: Controller, **server: Any) -> Session:
    """The next connection."""
    seen = {"usn": controller.usn, **server}
    return replace(session, server=replace(session.server, **seen))


def name_of(memory: Any, number: int) -> str:
    return str(memory.held[str(uuid.UUID(int=number))].person.name)


def test_changes_by_number(session: Session, controller: Controller, memory: Any) -> None:
    position = changes.sync(session, None)
    assert position.protocol == "changes"
    assert len(memory.held) == 30
    controller.put(3, "Changed")
    controller.put(31, "Added")
    controller.put(5, "Disabled", b"514")
    session = again(session, controller)
    changes.sync(session, position)
    assert f"(uSNChanged>={1000 + 31})" in controller.filters[-1]
    assert (name_of(memory, 3), name_of(memory, 31)) == ("Changed", "Added")
    assert str(uuid.UUID(int=5)) not in memory.held
    assert memory.commits[1:] == [(0, 0), (2, 1)]
    # Nothing new: only people who changed since are asked for.
    changes.sync(again(session, controller), memory.position())
    assert f"(uSNChanged>={controller.usn + 1})" in controller.filters[-1]
    assert memory.reads() == 1


def test_who_is_gone_is_seen_by_the_sweep(
    session: Session, controller: Controller, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    position = changes.sync(session, None)
    del controller.held[4]
    session = again(session, controller)
    position = changes.sync(session, position)
    assert len(memory.held) == 30
    monkeypatch.setattr(changes, "SWEEP", timedelta())
    changes.sync(session, position)
    assert len(memory.held) == 29
    assert memory.reads() == 1


def test_who_is_hidden_is_no_surprise_to_the_sweep(
    session: Session, controller: Controller, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "SWEEP", timedelta())
    controller.put(4, "Disabled", b"514")
    session = again(session, controller)
    position = changes.sync(session, None)
    for _ in range(3):
        position = changes.sync(session, position)
    assert memory.reads() == 1
    # Somebody of whom no change tells, as after a restored backup: only a read of all finds them.
    usn = controller.usn
    controller.put(40, "Restored")
    controller.held[40] = (1, controller.held[40][1])
    controller.usn = usn
    changes.sync(session, position)
    assert memory.reads() == 2
    assert name_of(memory, 40) == "Restored"


@pytest.mark.parametrize(
    "server",
    [
        {"name": "ldaps://dc2"},
        {"origin": "cn=dc1 02"},
        {"usn": 900},
        {"usn": None},
    ],
)
def test_another_numbering_is_read_in_full(
    session: Session, controller: Controller, memory: Any, server: dict[str, Any]
) -> None:
    position = changes.sync(session, None)
    controller.put(3, "Changed")
    again_there = changes.sync(again(session, controller, **server), position)
    assert memory.reads() == 2
    assert name_of(memory, 3) == "Changed"
    assert again_there.protocol == ("full" if server.get("usn", 1) is None else "changes")


def test_a_directory_without_the_attribute_is_read_in_full(
    session: Session, controller: Controller, memory: Any
) -> None:
    names = session.source.attributes.model_copy(update={"changed": "modifyTimestamp"})
    other = session.source.model_copy(update={"attributes": names})
    session = replace(session, source=other)
    for reads in (1, 2):
        assert changes.sync(session, memory.position()).protocol == "full"
        assert memory.reads() == reads


# --- by time --------------------------------------------------------------------------------------


class Timed:
    """A server that says of each entry when it was changed; its clock is ours."""

    def __init__(self) -> None:
        self.held: dict[str, tuple[datetime, str]] = {}
        self.on_the_way: list[tuple[str, datetime, str]] = []
        self.looked = datetime.now(UTC)

    def put(self, uid: str, changed: datetime, name: str) -> None:
        self.held[uid] = (changed, name)

    def search(
        self, connection: Any, base: str, filter: str, attributes: list[str], **named: Any
    ) -> Iterator[wire.Entry | wire.Done]:
        since = filter.partition("modifyTimestamp>=")[2].partition(")")[0]
        for uid in list(self.held):
            changed, name = self.held[uid]
            stamp = f"{changed.year:04}{changed:%m%d%H%M%S}Z"
            if stamp >= since:
                values = {"entryUUID": uid, "uid": uid, "cn": name, "modifyTimestamp": stamp}
                raw = {key: [value.encode()] for key, value in values.items()}
                yield wire.Entry(uid, raw, {})
            if self.on_the_way:
                self.put(*self.on_the_way.pop(0))
        yield wire.Done(0, "", {})


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> Timed:
    made = Timed()
    monkeypatch.setattr(wire, "search", made.search)
    monkeypatch.setattr(changes, "now", lambda: made.looked)
    return made


@pytest.fixture
def by_time(timed: Timed, memory: Any) -> Session:
    source = settings.Directory.model_validate({"url": "ldaps://one", "base": "dc=example,dc=org"})
    server = Server("ldaps://one")
    return Session(None, server, source, memory, Guard(), threading.Event())  # type: ignore[arg-type]


def names(memory: Any) -> dict[str, str]:
    return {uid: entry.person.name for uid, entry in memory.held.items()}


def test_a_time_that_is_yet_to_come_hides_no_change(
    by_time: Session, timed: Timed, memory: Any
) -> None:
    timed.put("ada", timed.looked - timedelta(days=1), "Ada")
    timed.put("odd", datetime(2099, 1, 1, tzinfo=UTC), "Odd")
    position = changes.sync(by_time, None)
    assert position.protocol == "changes"
    for name in ("Ada King", "Ada Lovelace"):
        timed.looked += timedelta(minutes=20)
        timed.put("ada", timed.looked - timedelta(minutes=1), name)
        position = changes.sync(by_time, position)
        assert names(memory) == {"ada": name, "odd": "Odd"}
    assert memory.reads() == 1


def test_a_time_that_nobody_can_look_from_is_none(
    by_time: Session, timed: Timed, memory: Any
) -> None:
    timed.put("odd", datetime(1, 1, 1, 0, 1, tzinfo=UTC), "Odd")
    position = None
    for _ in range(2):
        position = changes.sync(by_time, position)
        assert position.protocol == "full"
    assert names(memory) == {"odd": "Odd"}


def test_what_changes_in_a_long_read_is_seen_by_the_next(
    by_time: Session, timed: Timed, memory: Any
) -> None:
    began = timed.looked
    for uid in ("first", "second", "third"):
        timed.put(uid, began - timedelta(days=1), "Before")
    # The first is changed when it has been read, and a later one a quarter of an hour afterwards.
    timed.on_the_way = [
        ("first", began + timedelta(seconds=10), "After"),
        ("third", began + timedelta(minutes=15), "After"),
    ]
    position = changes.sync(by_time, None)
    assert names(memory) == {"first": "Before", "second": "Before", "third": "After"}
    timed.looked += timedelta(minutes=20)
    changes.sync(by_time, position)
    assert names(memory) == {"first": "After", "second": "Before", "third": "After"}
