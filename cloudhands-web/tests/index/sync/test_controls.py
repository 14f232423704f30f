from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pyasn1.codec.ber import encoder
from pyasn1.type import univ

from cloudhands.web.index.sync import ber, controls
from cloudhands.web.index.sync.controls import IdSet, Kind, Mode, NewCookie, Phase, State

ID = "01234567-89ab-cdef-0123-456789abcdef"
RAW = bytes.fromhex(ID.replace("-", ""))
OCTETS = some.binary(max_size=300)


def octets(content: bytes) -> bytes:
    return ber.element(ber.OCTETS, content)


def sequence(*parts: bytes) -> bytes:
    return ber.element(ber.SEQUENCE, b"".join(parts))


def boolean(value: bool) -> bytes:
    return ber.element(ber.BOOLEAN, b"\xff" if value else b"\0")


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("cookie", [b"", b"rid=000", bytes(200), bytes(70_000)])
def test_requests_are_as_a_library_writes_them(mode: Mode, cookie: bytes) -> None:
    expected = univ.Sequence()
    expected[0] = univ.Enumerated(int(mode))
    if cookie:
        expected[1] = univ.OctetString(cookie)
    assert controls.request(mode, cookie) == (
        controls.SYNC_REQUEST,
        True,
        encoder.encode(expected),
    )


@pytest.mark.parametrize("size", [1, 127, 128, 500, 32_768, 1_000_000])
def test_pages_are_as_a_library_writes_them(size: int) -> None:
    expected = univ.Sequence()
    expected[0], expected[1] = univ.Integer(size), univ.OctetString(b"next")
    assert controls.pages(size, b"next") == (controls.PAGED, False, encoder.encode(expected))
    assert controls.next_page(controls.pages(size, b"next")[2]) == b"next"


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("cookie", [b"", b"here"])
def test_states(kind: Kind, cookie: bytes) -> None:
    value = sequence(
        ber.element(ber.ENUMERATED, bytes((kind,))), octets(RAW), octets(cookie) if cookie else b""
    )
    assert controls.state(value) == State(kind, ID, cookie)
    # The same, with lengths in another form that BER allows.
    longer = b"\x30\x81" + value[1:]
    assert controls.state(longer) == State(kind, ID, cookie)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([], Phase(False, True, b"")),
        ([octets(b"here")], Phase(False, True, b"here")),
        ([boolean(True)], Phase(True, True, b"")),
        ([octets(b"here"), boolean(False)], Phase(False, True, b"here")),
    ],
)
def test_ends(parts: list[bytes], expected: Phase) -> None:
    assert controls.done(sequence(*parts)) == expected


@pytest.mark.parametrize(
    ("tag", "parts", "expected"),
    [
        (controls.NEW_COOKIE, [b"here"], NewCookie(b"here")),
        (controls.REFRESH_DELETE, [], Phase(True, True, b"")),
        (controls.REFRESH_DELETE, [octets(b"here"), boolean(False)], Phase(True, False, b"here")),
        (controls.REFRESH_PRESENT, [boolean(True)], Phase(False, True, b"")),
        (controls.REFRESH_PRESENT, [octets(b"here")], Phase(False, True, b"here")),
        (controls.ID_SET, [ber.element(ber.SET, b"")], IdSet(False, frozenset(), b"")),
        (
            controls.ID_SET,
            [octets(b"here"), boolean(True), ber.element(ber.SET, octets(RAW) * 2)],
            IdSet(True, frozenset({ID}), b"here"),
        ),
    ],
)
def test_information(tag: int, parts: list[bytes], expected: controls.Info) -> None:
    assert controls.info(ber.element(tag, b"".join(parts))) == expected


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\x30",
        b"\x30\x80\0\0",
        b"\x30\x85\0\0\0\0\0",
        b"\x30\x02\x04\x05",
        b"\x1f\x01\0",
        sequence() * 2,
        sequence(octets(RAW)),
        sequence(ber.element(ber.ENUMERATED, b"\x09"), octets(RAW)),
        sequence(ber.element(ber.ENUMERATED, b"\0\0"), octets(RAW)),
        sequence(ber.element(ber.ENUMERATED, b"\0"), octets(RAW[1:])),
        sequence(boolean(True), boolean(True)),
        ber.element(controls.ID_SET, ber.element(ber.SET, octets(b"short"))),
        ber.element(controls.ID_SET, ber.element(ber.SET, boolean(True))),
        ber.element(controls.ID_SET, b""),
        ber.element(controls.REFRESH_PRESENT, boolean(True) + octets(b"late")),
        ber.element(0xA9, b""),
    ],
)
def test_what_is_no_control(value: bytes) -> None:
    for read in (controls.state, controls.info, controls.next_page):
        with pytest.raises(ValueError, match=r"."):
            read(value)


@given(some.binary(max_size=100))
def test_anything_is_read_or_refused(value: bytes) -> None:
    for read in (controls.state, controls.done, controls.info, controls.next_page):
        with suppress(ValueError):
            read(value)


@given(some.lists(some.tuples(some.sampled_from([0x04, 0x30, 0xA1]), OCTETS), max_size=5))
def test_elements_come_back(parts: list[tuple[int, bytes]]) -> None:
    whole = b"".join(ber.element(tag, content) for tag, content in parts)
    assert list(ber.elements(whole)) == parts
    if whole:
        with pytest.raises(ValueError, match=r"."):
            list(ber.elements(whole[:-1] if parts[-1][1] else whole + b"\x04"))
