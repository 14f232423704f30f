"""Decodes what a server answers to a search: LDAP messages (RFC 4511) in BER.

Only what the RFC allows is taken: sizes are definite, strings are in one piece, and what is inside
something ends where it ends. So every byte is looked at once, whatever a server sends, and nothing
nests deeper than the messages themselves do. What a message holds is bounded by its own size, which
whoever receives it limits, and by `MOST_VALUES`.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cloudhands.common.directory.framing import LONG, SEQUENCE, Malformed

# Of one entry, all attributes together. Each value costs more memory than it has bytes.
MOST_VALUES = 100_000

INTEGER, OCTETS, ENUMERATED, SET = 0x02, 0x04, 0x0A, 0x31
ENTRY, DONE, REFERENCE, EXTENDED, INTERMEDIATE = 0x64, 0x65, 0x73, 0x78, 0x79
CONTROLS, REFERRAL, OID, VALUE = 0xA0, 0xA3, 0x80, 0x81
BOOLEAN, RESPONSE_NAME, RESPONSE_VALUE = 0x01, 0x8A, 0x8B
LONGEST_NUMBER = 4


class Entry(NamedTuple):
    """An entry that was found (SearchResultEntry).

    :param dn: its distinguished name, with replacement characters where it is not UTF-8.
    :param attributes: the values by the attribute's name as the server writes it.
    :param controls: values by OID; empty for a control without one.
    """

    dn: str
    attributes: Mapping[str, Sequence[bytes]]
    controls: Mapping[str, bytes]


class Info(NamedTuple):
    """An IntermediateResponse, for example RFC 4533's Sync Info.

    :param oid: empty if the server sends none.
    """

    oid: str
    value: bytes


class Done(NamedTuple):
    """How a search ended (SearchResultDone).

    :param result: the result code; 0 is success.
    :param message: the server's words to it.
    :param controls: values by OID; empty for a control without one.
    :param references: how many references to other servers came; none of them is followed.
    """

    result: int
    message: str
    controls: Mapping[str, bytes]
    references: int = 0


class Reference(NamedTuple):
    """Other servers hold more of what was asked for (SearchResultReference)."""


class Notice(NamedTuple):
    """An extended response, which nobody asked for: the server takes its leave.

    :param result: the result code.
    :param message: the server's words to it.
    """

    result: int
    message: str


Message = Entry | Info | Done | Reference | Notice


def decode(data: bytes, at: int, end: int) -> tuple[int, Message]:
    """The number of the request that a message answers, and what it says.

    :param at: where what is in the message's sequence begins.
    :param end: where the message ends.
    :raises Malformed: if it is not an answer to a search.
    """
    try:
        number, at = _integer(data, at, end, INTEGER)
        if number < 0:
            raise Malformed(f"{number} is the number of no request")
        kind = data[at]
        at, stop = _inside(data, at, end, kind)
        controls = _controls(data, stop, end) if stop != end else {}
        if kind == ENTRY:
            return number, _entry(data, at, stop, controls)
        return number, _other(kind, data, at, stop, controls)
    except (IndexError, UnicodeDecodeError) as error:
        raise Malformed(f"it ends too early or is not text: {error}") from error


def _other(kind: int, data: bytes, at: int, end: int, controls: Mapping[str, bytes]) -> Message:
    if kind == INTERMEDIATE:
        return _intermediate(data, at, end)
    if kind == DONE:
        return _done(data, at, end, controls)
    if kind == REFERENCE:
        return _reference(data, at, end)
    if kind == EXTENDED:
        return _notice(data, at, end)
    raise Malformed(f"operation {kind:#04x} does not answer a search")


def _inside(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """Where the content of the value at `at` begins and ends; it has to end before `end`."""
    if data[at] != tag:
        raise Malformed(f"{data[at]:#04x} is where {tag:#04x} belongs")
    size = data[at + 1]
    at += 2
    if size >= LONG:
        octets = size - LONG
        if not octets:
            raise Malformed("a size is not told")
        size = int.from_bytes(data[at : at + octets], "big")
        at += octets
    if at + size > end:
        raise Malformed("a value is longer than what it is in")
    return at, at + size


def _require_end(at: int, end: int) -> None:
    if at != end:
        raise _mismatch(at, end)


def _mismatch(at: int, end: int) -> Malformed:
    return Malformed(f"{abs(end - at)} bytes {'more' if at < end else 'less'} than belong there")


def _too_many() -> Malformed:
    return Malformed(f"an entry with more than {MOST_VALUES:,} values")


def _octets(data: bytes, at: int, end: int, tag: int = OCTETS) -> tuple[bytes, int]:
    at, stop = _inside(data, at, end, tag)
    return data[at:stop], stop


def _integer(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    size = data[at + 1]
    begin = at + 2
    stop = begin + size
    if data[at] != tag or not 0 < size <= LONGEST_NUMBER or stop > end:
        raise Malformed("there is no number where one belongs")
    return int.from_bytes(data[begin:stop], "big", signed=True), stop


# Every value of every person passes through here: the usual, the right tag and a size of one byte,
# is taken without a call. Whether it ends where it should shows at the end of what it is in; until
# then nothing worse can happen than that more is read, of what is there.
def _entry(data: bytes, at: int, end: int, controls: Mapping[str, bytes]) -> Entry:
    begin, at = _inside(data, at, end, OCTETS)
    dn = data[begin:at].decode("utf-8", "replace")
    at, stop = _inside(data, at, end, SEQUENCE)
    _require_end(stop, end)
    attributes: dict[str, list[bytes]] = {}
    room = MOST_VALUES
    is_large = end - at > room
    while at < end:
        size = data[at + 1]
        at += 2
        stop = at + size
        if size >= LONG or data[at - 2] != SEQUENCE:
            at, stop = _inside(data, at - 2, end, SEQUENCE)
        size = data[at + 1]
        begin = at + 2
        at = begin + size
        if size >= LONG or data[begin - 2] != OCTETS:
            begin, at = _inside(data, begin - 2, stop, OCTETS)
        name = data[begin:at].decode("ascii")
        size = data[at + 1]
        at += 2
        if at + size != stop or size >= LONG or data[at - 2] != SET:
            at, last = _inside(data, at - 2, stop, SET)
            if last != stop:
                raise _mismatch(last, stop)
        attributes[name] = values = []
        while at < stop:
            size = data[at + 1]
            begin = at + 2
            at = begin + size
            if size >= LONG or data[begin - 2] != OCTETS:
                begin, at = _inside(data, begin - 2, stop, OCTETS)
            values.append(data[begin:at])
            if is_large and len(values) > room:
                raise _too_many()
        if at != stop:
            raise _mismatch(at, stop)
        room -= 1 + len(values)
        if room < 0:
            raise _too_many()
    _require_end(at, end)
    return Entry(dn, attributes, controls)


def _controls(data: bytes, at: int, end: int) -> Mapping[str, bytes]:
    at, stop = _inside(data, at, end, CONTROLS)
    _require_end(stop, end)
    found: dict[str, bytes] = {}
    while at < end:
        at, stop = _inside(data, at, end, SEQUENCE)
        oid, at = _octets(data, at, stop)
        if at < stop and data[at] == BOOLEAN:
            at = _inside(data, at, stop, BOOLEAN)[1]
        value, at = _octets(data, at, stop) if at < stop else (b"", at)
        _require_end(at, stop)
        found[oid.decode("ascii")] = value
    return found


def _intermediate(data: bytes, at: int, end: int) -> Info:
    oid, value = b"", b""
    if at < end and data[at] == OID:
        oid, at = _octets(data, at, end, OID)
    if at < end:
        value, at = _octets(data, at, end, VALUE)
    _require_end(at, end)
    return Info(oid.decode("ascii"), value)


def _result(data: bytes, at: int, end: int) -> tuple[int, str, int]:
    code, at = _integer(data, at, end, ENUMERATED)
    _, at = _octets(data, at, end)
    message, at = _octets(data, at, end)
    if at < end and data[at] == REFERRAL:
        at, stop = _inside(data, at, end, REFERRAL)
        _reference(data, at, stop)
        at = stop
    return code, message.decode("utf-8", "replace"), at


def _done(data: bytes, at: int, end: int, controls: Mapping[str, bytes]) -> Done:
    code, message, at = _result(data, at, end)
    _require_end(at, end)
    return Done(code, message, controls)


def _reference(data: bytes, at: int, end: int) -> Reference:
    while at < end:
        at = _inside(data, at, end, OCTETS)[1]
    return Reference()


def _notice(data: bytes, at: int, end: int) -> Notice:
    code, message, at = _result(data, at, end)
    for tag in (RESPONSE_NAME, RESPONSE_VALUE):
        if at < end and data[at] == tag:
            at = _inside(data, at, end, tag)[1]
    _require_end(at, end)
    return Notice(code, message)
