"""The little of BER that the values of LDAP's controls need; the messages themselves are `wire`'s.

What a server sends is never trusted: whatever is cut short, too long or of another kind than
expected is a ValueError, and nothing is read twice.
"""

from collections.abc import Iterator

BOOLEAN, INTEGER, OCTETS, ENUMERATED, SEQUENCE, SET = 0x01, 0x02, 0x04, 0x0A, 0x30, 0x31

Element = tuple[int, bytes]


def element(tag: int, content: bytes) -> bytes:
    """One element: its tag, its length and what is in it."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def integer(value: int) -> bytes:
    """A number from 0 on."""
    return element(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def elements(data: bytes) -> Iterator[Element]:
    """The elements that some bytes are made of, one after the other.

    :raises ValueError: if they are not whole elements.
    """
    position = 0
    while position < len(data):
        start, end = _content(data, position)
        yield data[position], data[start:end]
        position = end


def only(data: bytes, tag: int) -> list[Element]:
    """What is in the one element that some bytes are.

    :raises ValueError: if they are something else.
    """
    outer = list(elements(data))
    if len(outer) != 1 or outer[0][0] != tag:
        raise ValueError("not the expected element")
    return list(elements(outer[0][1]))


def _content(data: bytes, position: int) -> tuple[int, int]:
    if data[position] & 0x1F == 0x1F or position + 2 > len(data):
        raise ValueError("a tag of several bytes, or no length")
    start, size = position + 2, data[position + 1]
    if size & 0x80:
        count = size & 0x7F
        if not 0 < count <= 4 or start + count > len(data):
            raise ValueError("a length that LDAP does not use, or cut short")
        size = int.from_bytes(data[start : start + count], "big")
        start += count
    if start + size > len(data):
        raise ValueError("cut short")
    return start, start + size
