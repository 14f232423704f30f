"""HTTP/1.1 over a bare socket: the bytes of a request, and responses out of a stream of bytes.

An HTTP library costs more than the servers that are measured here. This reader looks at the head
of a response once: one that it has seen before, byte for byte, is not parsed again.
"""

import socket
from collections.abc import Mapping
from dataclasses import dataclass

from cloudhands.common.testing.ports import LOOPBACK

END_OF_HEAD = b"\r\n\r\n"
BODILESS = frozenset({204, 304})
HEADS_KEPT = 1_000
RECEIVED_AT_ONCE = 256 * 1024
SILENCE = 10.0
"""Seconds that a server may be silent."""


class ProtocolError(RuntimeError):
    """What the server sent is not HTTP/1.1 as this reader knows it."""


@dataclass(frozen=True)
class Head:
    """What there is to know of a response before its body.

    :param length: bytes of the body.
    :param closes: whether the server closes the connection after it.
    """

    status: int
    headers: Mapping[str, str]
    length: int
    closes: bool


def request(path: str, headers: Mapping[str, str], method: str = "GET") -> bytes:
    """The bytes of a request without a body."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


class Responses:
    """Divides what one connection receives into responses."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._taken = 0
        self._body = slice(0)
        self._heads: dict[bytes, Head] = {}

    def feed(self, data: bytes) -> None:
        """Add what was received."""
        del self._buffer[: self._taken]
        self._taken = 0
        self._buffer += data

    def clear(self) -> None:
        """Forget what is left of the last connection."""
        self._buffer.clear()
        self._taken = 0

    def take(self) -> Head | None:
        """The next response, once it is complete.

        :raises ProtocolError: if it has a body whose length it does not tell.
        """
        end = self._buffer.find(END_OF_HEAD, self._taken)
        if end < 0:
            return None
        head = self._head(bytes(self._buffer[self._taken : end]))
        begin = end + len(END_OF_HEAD)
        if len(self._buffer) < begin + head.length:
            return None
        self._taken = begin + head.length
        self._body = slice(begin, self._taken)
        return head

    @property
    def body(self) -> bytes:
        """The body of the response that was taken last, until more is fed."""
        return bytes(self._buffer[self._body])

    def _head(self, text: bytes) -> Head:
        known = self._heads.get(text)
        if known is None:
            if len(self._heads) >= HEADS_KEPT:  # they differ by their date, at least
                self._heads.clear()
            known = self._heads[text] = parse(text)
        return known


def parse(text: bytes) -> Head:
    """The head of a response.

    :param text: its lines without the empty one at their end.
    :raises ProtocolError: if it is none, or does not tell the length of its body.
    """
    first, *lines = text.decode("latin-1").split("\r\n")
    version, status, *_ = [*first.split(" "), ""]
    if version != "HTTP/1.1" or not status.isdigit():
        raise ProtocolError(f"{first!r} is not a status line of HTTP/1.1")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    if int(status) not in BODILESS and "content-length" not in headers:
        raise ProtocolError(f"{first!r} came without Content-Length")
    return Head(
        status=int(status),
        headers=headers,
        length=0 if int(status) in BODILESS else int(headers["content-length"]),
        closes=headers.get("connection", "").lower() == "close",
    )


def fetch(port: int, asked: bytes) -> tuple[Head, bytes]:
    """One answer of a server of 127.0.0.1, and its body, over a connection of its own.

    :param asked: the bytes of the request.
    :raises ProtocolError: if the connection ends before the answer does.
    """
    responses = Responses()
    with socket.create_connection((LOOPBACK, port), timeout=SILENCE) as connection:
        connection.sendall(asked)
        while (head := responses.take()) is None:
            data = connection.recv(RECEIVED_AT_ONCE)
            if not data:
                raise ProtocolError(f"port {port} closed the connection before it had answered")
            responses.feed(data)
    return head, responses.body
