"""The controls by which a directory is read: pages (RFC 2696), content synchronisation (RFC 4533).

Pure: bytes to values and back. A control to send is `(OID, critical, value)`, as ldap3 takes it.
"""

from enum import IntEnum
from typing import NamedTuple

from cloudhands.web.index.sync import ber

PAGED = "1.2.840.113556.1.4.319"
SYNC_REQUEST = "1.3.6.1.4.1.4203.1.9.1.1"
SYNC_STATE = "1.3.6.1.4.1.4203.1.9.1.2"
SYNC_DONE = "1.3.6.1.4.1.4203.1.9.1.3"
SYNC_INFO = "1.3.6.1.4.1.4203.1.9.1.4"

# How every state without a cookie begins, but for its kind; one comes with each entry.
USUAL, BETWEEN, USUAL_SIZE = b"\x30\x15\x0a\x01", b"\x04\x10", 23

NEW_COOKIE, REFRESH_DELETE, REFRESH_PRESENT, ID_SET = 0x80, 0xA1, 0xA2, 0xA3

Control = tuple[str, bool, bytes]


class Mode(IntEnum):
    """What a sync request asks for: what has changed, or that and then every change as it comes."""

    REFRESH_ONLY = 1
    REFRESH_AND_PERSIST = 3


class Kind(IntEnum):
    """What an entry's sync state says of it."""

    PRESENT, ADD, MODIFY, DELETE = range(4)


class State(NamedTuple):
    """Sync State: what has become of the entry that it comes with."""

    kind: Kind
    id: str
    cookie: bytes


class Phase(NamedTuple):
    """The end of a present or (`deletes`) a delete phase; `done` if refreshing ends with it."""

    deletes: bool
    done: bool
    cookie: bytes


class IdSet(NamedTuple):
    """Identifiers of entries that are gone (`deletes`) or that are there as they were."""

    deletes: bool
    ids: frozenset[str]
    cookie: bytes


class NewCookie(NamedTuple):
    """Where the directory stands, without anything that concerns us."""

    cookie: bytes


Info = NewCookie | Phase | IdSet


def pages(size: int, cookie: bytes) -> Control:
    """Asks for the next so many entries; the cookie is the last answer's. Not critical."""
    value = ber.element(ber.SEQUENCE, ber.integer(size) + ber.element(ber.OCTETS, cookie))
    return PAGED, False, value


def next_page(value: bytes) -> bytes:
    """The cookie of the page that follows, empty after the last one.

    :raises ValueError: if this is no answer to a request for pages.
    """
    match ber.only(value, ber.SEQUENCE):
        case [(ber.INTEGER, _), (ber.OCTETS, cookie)]:
            return cookie
    raise ValueError("no answer to a request for pages")


def request(mode: Mode, cookie: bytes) -> Control:
    """Asks for what has changed since a cookie, or for all without one. Critical."""
    value = ber.element(ber.ENUMERATED, bytes((mode,)))
    if cookie:
        value += ber.element(ber.OCTETS, cookie)
    return SYNC_REQUEST, True, ber.element(ber.SEQUENCE, value)


def state(value: bytes) -> State:
    """A Sync State control's value.

    :raises ValueError: if it is none.
    """
    if len(value) == USUAL_SIZE and value[:4] == USUAL and value[5:7] == BETWEEN:
        return State(Kind(value[4]), _id(value[7:]), b"")
    match ber.only(value, ber.SEQUENCE):
        case [(ber.ENUMERATED, kind), (ber.OCTETS, raw)]:
            return State(Kind(_number(kind)), _id(raw), b"")
        case [(ber.ENUMERATED, kind), (ber.OCTETS, raw), (ber.OCTETS, cookie)]:
            return State(Kind(_number(kind)), _id(raw), cookie)
    raise ValueError("no sync state")


def done(value: bytes) -> Phase:
    """A Sync Done control's value; it ends refreshing.

    :raises ValueError: if it is none.
    """
    cookie, deletes, rest = _head(ber.only(value, ber.SEQUENCE), default=False)
    if rest:
        raise ValueError("more than a sync done control holds")
    return Phase(deletes, True, cookie)


def info(value: bytes) -> Info:
    """A Sync Info message's value.

    :raises ValueError: if it is none.
    """
    match list(ber.elements(value)):
        case [(tag, cookie)] if tag == NEW_COOKIE:
            return NewCookie(cookie)
        case [(tag, content)] if tag in (REFRESH_DELETE, REFRESH_PRESENT):
            cookie, ended, rest = _head(list(ber.elements(content)), default=True)
            if not rest:
                return Phase(tag == REFRESH_DELETE, ended, cookie)
        case [(tag, content)] if tag == ID_SET:
            cookie, deletes, rest = _head(list(ber.elements(content)), default=False)
            return IdSet(deletes, _ids(rest), cookie)
    raise ValueError("no sync info")


def _head(parts: list[ber.Element], *, default: bool) -> tuple[bytes, bool, list[ber.Element]]:
    """The cookie and the flag that may stand first, and what follows them."""
    rest = list(parts)
    cookie = rest.pop(0)[1] if rest and rest[0][0] == ber.OCTETS else b""
    flag = bool(_number(rest.pop(0)[1])) if rest and rest[0][0] == ber.BOOLEAN else default
    return cookie, flag, rest


def _ids(parts: list[ber.Element]) -> frozenset[str]:
    match parts:
        case [(ber.SET, content)]:
            found = list(ber.elements(content))
            if all(tag == ber.OCTETS for tag, _ in found):
                return frozenset(_id(raw) for _, raw in found)
    raise ValueError("no set of identifiers")


def _number(content: bytes) -> int:
    if len(content) != 1:
        raise ValueError("not a small number")
    return content[0]


def _id(raw: bytes) -> str:
    """An entryUUID as the attribute of that name shows it."""
    if len(raw) != 16:
        raise ValueError("not a UUID")
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
