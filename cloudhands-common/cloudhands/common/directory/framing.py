"""Receives LDAP messages whole, and no more than a server may send.

ldap3 receives whatever it is told is coming, for as long as a byte comes now and then; and its own
quick decoder takes longer than anybody lives over a hundred bytes that say the right thing, sent by
whoever is on the way before TLS has begun.
"""

import socket
import time
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPSocketReceiveError
from ldap3.strategy.sync import SyncStrategy

LARGEST = 16 << 20
# Of what ldap3 is asked for, which is little: a bind, one person, the server's own description.
LARGEST_ANSWER = 64 << 20
ANSWER_SECONDS = 60.0

SEQUENCE, LONG = 0x30, 0x80


class Malformed(ValueError):
    """What a server sent is not such a message."""


def frame(data: bytes, at: int) -> tuple[int, int]:
    """Where the content of the message at `at` begins, and where it ends.

    Where that cannot be told yet the content begins at 0, and ends where it can be told.

    :raises Malformed: if no message begins there, or one that is too large.
    """
    there = len(data) - at
    if there < 2:
        return 0, at + 2
    size = data[at + 1]
    if data[at] != SEQUENCE:
        raise Malformed(f"a message begins with {data[at]:#04x}")
    begin = at + 2
    if size >= LONG:
        octets = size - LONG
        if not 0 < octets <= 8:
            raise Malformed("the size of a message is not told")
        begin += octets
        if there < 2 + octets:
            return 0, begin
        size = int.from_bytes(data[at + 2 : begin], "big")
        if size > LARGEST:
            raise Malformed(f"a message of {size:,} bytes; {LARGEST:,} are the most that is taken")
    return begin, begin + size


def bound(connection: ldap3.Connection) -> None:
    """Set limits to what a connection receives."""
    connection.strategy = _Bounded(connection)
    # ldap3 looks these up when it makes the connection, to call them there.
    for name in ("send", "open", "get_response", "post_send_single_response", "post_send_search"):
        setattr(connection, name, getattr(connection.strategy, name))


class _Bounded(SyncStrategy):
    """ldap3's way to send a request and to wait for the answer, within limits."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self._until = 0.0
        self._room = 0

    def send(self, *given: Any, **named: Any) -> int:
        """Send a request; returns its number."""
        self._until = time.monotonic() + ANSWER_SECONDS
        self._room = LARGEST_ANSWER
        number: int = super().send(*given, **named)
        return number

    def receiving(self) -> list[bytes]:  # type: ignore[override]
        """The next message.

        No byte behind it is received: after StartTLS those would be taken for what is encrypted.

        :raises LDAPSocketReceiveError: if it does not come, or too much does.
        """
        link: socket.socket = self.connection.socket
        try:
            data = b""
            begin, end = 0, 2
            while len(data) < end or not begin:
                data += self._exactly(link, end - len(data))
                begin, end = frame(data, 0)
            self._room -= end
            if self._room < 0:
                raise Malformed(f"more than {LARGEST_ANSWER:,} bytes")
            return [data]
        except (OSError, Malformed) as error:
            self.connection.last_error = str(error)
            self.close()
            raise LDAPSocketReceiveError(f"error receiving data: {error}") from error

    def _exactly(self, link: socket.socket, count: int) -> bytes:
        found = bytearray()
        usual = link.gettimeout()
        try:
            while len(found) < count:
                remaining = self._until - time.monotonic()
                if remaining <= 0:
                    raise TimeoutError(f"an answer has not come whole in {ANSWER_SECONDS:g} s")
                link.settimeout(remaining if usual is None else min(usual, remaining))
                chunk = link.recv(count - len(found))
                if not chunk:
                    raise ConnectionResetError("it has closed the connection")
                found += chunk
        finally:
            link.settimeout(usual)
        return bytes(found)
