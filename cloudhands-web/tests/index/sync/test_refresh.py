"""The state machine, by a table and by made-up servers."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from cloudhands.common.errors import DirectoryError
from cloudhands.web.index import wire
from cloudhands.web.index.sync import ber, controls
from cloudhands.web.index.sync.controls import Kind
from cloudhands.web.index.sync.refresh import Ended, Put, Refresh, Remove


def id_of(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012x}"


def raw(number: int) -> bytes:
    return number.to_bytes(16, "big")


def octets(content: bytes) -> bytes:
    return ber.element(ber.OCTETS, content) if content else b""


def entry(kind: Kind, number: int, text: str = "", cookie: bytes = b"") -> wire.Entry:
    state = ber.element(ber.ENUMERATED, bytes((kind,))) + octets(raw(number)) + octets(cookie)
    value = ber.element(ber.SEQUENCE, state)
    return wire.Entry(f"cn={number}", {"cn": [text.encode()]}, {controls.SYNC_STATE: value})


def told(tag: int, content: bytes) -> wire.Info:
    return wire.Info(controls.SYNC_INFO, ber.element(tag, content))


def ids(numbers: Iterable[int], *, deletes: bool) -> wire.Info:
    flag = ber.element(ber.BOOLEAN, b"\xff") if deletes else b""
    found = ber.element(ber.SET, b"".join(octets(raw(number)) for number in numbers))
    return told(controls.ID_SET, flag + found)


def phase(*, deletes: bool, done: bool = True, cookie: bytes = b"") -> wire.Info:
    tag = controls.REFRESH_DELETE if deletes else controls.REFRESH_PRESENT
    return told(tag, octets(cookie) + ber.element(ber.BOOLEAN, b"\xff" if done else b"\0"))


def new_cookie(cookie: bytes) -> wire.Info:
    return told(controls.NEW_COOKIE, cookie)


def end(*, deletes: bool = False, cookie: bytes = b"", result: int = 0) -> wire.Done:
    flag = ber.element(ber.BOOLEAN, b"\xff") if deletes else b""
    value = ber.element(ber.SEQUENCE, octets(cookie) + flag)
    return wire.Done(result, "", {controls.SYNC_DONE: value})


class Index:
    """Somebody who does what the state machine says."""

    def __init__(self, held: dict[str, str], cookie: bytes) -> None:
        self.held = dict(held)
        self.machine = Refresh(lambda: frozenset(held), cookie)

    def take(self, *messages: Any) -> "Index":
        for message in messages:
            for change in self.machine.take(message):
                if isinstance(change, Put):
                    self.held[change.id] = change.attributes["cn"][0].decode()
                else:
                    assert isinstance(change, Remove)
                    for identifier in change.ids:
                        self.held.pop(identifier, None)
        return self


def known(*numbers: int) -> dict[str, str]:
    return {id_of(number): "old" for number in numbers}


ADD, PRESENT, MODIFY, DELETE = Kind.ADD, Kind.PRESENT, Kind.MODIFY, Kind.DELETE


@pytest.mark.parametrize(
    ("cookie", "messages", "expected", "stands"),
    [
        pytest.param(b"", [entry(ADD, 3), end(cookie=b"b")], [3], b"b", id="everybody"),
        pytest.param(
            b"", [entry(ADD, 3), end(deletes=True, cookie=b"b")], [3], b"b", id="as slapd ends it"
        ),
        pytest.param(b"", [entry(ADD, 3), end()], [3], b"", id="a server without cookies"),
        pytest.param(b"a", [end()], [], b"a", id="nobody is present"),
        pytest.param(b"a", [end(deletes=True)], [1, 2], b"a", id="nothing has changed"),
        pytest.param(
            b"a", [entry(PRESENT, 1), end(cookie=b"b")], [1], b"b", id="present by an entry"
        ),
        pytest.param(
            b"a",
            [entry(ADD, 3), ids([1], deletes=False), end(cookie=b"b")],
            [1, 3],
            b"b",
            id="present by a set",
        ),
        pytest.param(
            b"a",
            [entry(ADD, 3), ids([2, 9], deletes=True), end(deletes=True, cookie=b"b")],
            [1, 3],
            b"b",
            id="gone by a set",
        ),
        pytest.param(b"a", [entry(DELETE, 1), end(deletes=True)], [2], b"a", id="gone by an entry"),
        pytest.param(
            b"a",
            [
                entry(PRESENT, 1),
                entry(PRESENT, 2),
                phase(deletes=False, done=False, cookie=b"b"),
                entry(DELETE, 2),
                end(deletes=True, cookie=b"c"),
            ],
            [1],
            b"c",
            id="both phases",
        ),
        pytest.param(
            b"a",
            [entry(ADD, 3), phase(deletes=True, cookie=b"b"), entry(ADD, 4, cookie=b"c")],
            [1, 2, 3, 4],
            b"c",
            id="persisting",
        ),
        pytest.param(
            b"a",
            [
                phase(deletes=True),
                entry(MODIFY, 1),
                entry(DELETE, 2, cookie=b"b"),
                new_cookie(b"c"),
                entry(ADD, 2),
                ids([1], deletes=True),
            ],
            [2],
            b"c",
            id="persisting, of all kinds",
        ),
        pytest.param(
            b"a",
            [phase(deletes=True), phase(deletes=False), end()],
            [1, 2],
            b"a",
            id="refreshing ends once",
        ),
        pytest.param(
            b"a",
            [new_cookie(b"b"), entry(ADD, 3, cookie=b"c")],
            [1, 2, 3],
            b"a",
            id="a cookie counts when refreshing has ended",
        ),
        pytest.param(
            b"a",
            [new_cookie(b"b"), wire.Info("1.2.3", b"of something else"), end(deletes=True)],
            [1, 2],
            b"b",
            id="the last cookie",
        ),
    ],
)
def test_what_messages_mean(
    cookie: bytes, messages: list[Any], expected: list[int], stands: bytes
) -> None:
    index = Index(known(1, 2), cookie).take(*messages)
    assert set(index.held) == {id_of(number) for number in expected}
    assert index.machine.cookie == stands


@pytest.mark.parametrize(
    "message",
    [
        wire.Entry("cn=1", {}, {}),
        wire.Entry("cn=1", {}, {controls.SYNC_STATE: b""}),
        wire.Info(controls.SYNC_INFO, b"\xa9\0"),
        wire.Done(0, "", {}),
        wire.Done(0, "", {controls.SYNC_DONE: b"?"}),
        new_cookie(b"x" * 100_000),
    ],
)
def test_what_makes_no_sense(message: Any) -> None:
    with pytest.raises(DirectoryError, match="cannot be understood"):
        Refresh(frozenset, b"").take(message)


@pytest.mark.parametrize("result", [4, 53, 4096])
def test_how_a_server_gives_up(result: int) -> None:
    machine = Refresh(frozenset, b"a")
    with pytest.raises(Ended) as ended:
        machine.take(end(result=result))
    assert ended.value.result == result
    assert not machine.refreshed


# --- made-up servers ----------------------------------------------------------------------------

numbers = some.sets(some.integers(1, 12))
people = some.dictionaries(some.integers(1, 12), some.sampled_from("abc"))


@some.composite
def syncs(
    draw: some.DrawFn, *, may_persist: bool = True
) -> tuple[dict[int, str], dict[int, str], bytes, list[Any]]:
    """What an index holds, what the server has in the end, the cookie, and what it sends."""
    ours, theirs = draw(people), draw(people)
    cookie = draw(some.sampled_from([b"", b"a"]))
    if not cookie:
        sent = [entry(ADD, number, text) for number, text in theirs.items()]
        deletes = draw(some.booleans())
    else:
        changed = {number for number in theirs if theirs[number] != ours.get(number)}
        changed |= draw(numbers) & theirs.keys()
        sent = [entry(draw(some.sampled_from([ADD, MODIFY])), n, theirs[n]) for n in changed]
        deletes = draw(some.booleans())
        listed = ours.keys() - theirs.keys() if deletes else theirs.keys() - changed
        listed |= (draw(numbers) - theirs.keys()) if deletes else set()
        by_set = draw(some.booleans())
        alone = Kind.DELETE if deletes else Kind.PRESENT
        sent += [ids(listed, deletes=deletes)] if by_set else [entry(alone, n) for n in listed]
    sent = draw(some.permutations(sent))
    persists = may_persist and draw(some.booleans())
    sent.append(
        phase(deletes=deletes, cookie=b"b") if persists else end(deletes=deletes, cookie=b"b")
    )
    if persists:
        theirs = dict(theirs)
        sent += draw(some.lists(events(theirs), max_size=8))
    return ours, theirs, cookie, sent


@some.composite
def events(draw: some.DrawFn, there: dict[int, str]) -> Any:
    """A change while persisting, made to `there` too."""
    number, text = draw(some.integers(1, 12)), draw(some.sampled_from("abc"))
    if draw(some.booleans()):
        kind = MODIFY if number in there else ADD
        there[number] = text
        return entry(kind, number, text, b"c")
    there.pop(number, None)
    return entry(DELETE, number, cookie=b"c")


@given(syncs())
def test_an_index_becomes_what_the_server_has(
    sync: tuple[dict[int, str], dict[int, str], bytes, list[Any]],
) -> None:
    ours, theirs, cookie, sent = sync
    index = Index({id_of(number): text for number, text in ours.items()}, cookie).take(*sent)
    assert index.held == {id_of(number): text for number, text in theirs.items()}
    assert index.machine.refreshed


@given(syncs(may_persist=False), some.data())
def test_a_part_removes_nobody_who_is_there_and_moves_no_cookie(
    sync: tuple[dict[int, str], dict[int, str], bytes, list[Any]], data: some.DataObject
) -> None:
    ours, theirs, cookie, sent = sync
    cut = data.draw(some.integers(0, len(sent) - 1))
    index = Index({id_of(number): text for number, text in ours.items()}, cookie)
    index.take(*sent[:cut])
    assert not index.machine.refreshed
    assert index.machine.cookie == cookie
    assert {id_of(number) for number in ours.keys() & theirs.keys()} <= index.held.keys()
