"""A search on ldap3's connection, whose answers we decode ourselves, as they come.

ldap3 connects, speaks TLS and binds. It decodes every answer in Python into two dictionaries and
keeps them all until the last one is there; here an entry takes a tenth of that, and a follower gets
each change the moment it comes.

Whatever a server sends, or leaves unsent, ends in a `DirectoryError`: what is not LDAP, a message
of more than `LARGEST`, one that takes more than `MESSAGE_SECONDS` to come, silence for longer than
the connection's own timeout.
"""

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPException
from ldap3.operation.search import search_operation
from ldap3.protocol.convert import build_controls_list
from ldap3.utils.asn1 import encode  # type: ignore[attr-defined]

from cloudhands.common.directory import Connection
from cloudhands.common.directory.framing import Malformed, frame
from cloudhands.common.errors import DirectoryError
from cloudhands.web.index import by_ldap3, messages
from cloudhands.web.index.messages import Done, Entry, Info, Message

__all__ = ["Done", "Entry", "Info", "search"]

MESSAGE_SECONDS = 60.0
CHUNK = 1 << 16

Decoder = Callable[[bytes, int, int], tuple[int, Message]]


def search(
    connection: ldap3.Connection,
    base: str,
    filter: str,
    attributes: Sequence[str],
    *,
    controls: Sequence[Any] = (),
    timeout: float | None = None,
) -> Iterator[Entry | Info | Done | None]:
    """Send one search of a whole subtree and give its answers, down to how it ended.

    Aliases and references to other servers are not followed. Who leaves before `Done` leaves a
    connection that is of no more use, and closed.

    :param controls: as ldap3 takes them, for example (OID, critical, value).
    :param timeout: seconds after which None is given each time if nothing has come; without it,
        the connection's own timeout ends the search.
    :raises DirectoryError: for a lost connection, and for an answer that is not LDAP or too large.
    """
    try:
        number = _send(connection, base, filter, attributes, controls)
        yield from _answers(connection, number, timeout)
    except Malformed as error:
        raise DirectoryError(
            f"what {connection.server.name} answers is not LDAP: {error}"
        ) from error
    except (LDAPException, OSError) as error:
        raise DirectoryError(f"{connection.server.name} cannot answer: {error}") from error


def _send(
    connection: ldap3.Connection,
    base: str,
    filter: str,
    attributes: Sequence[str],
    controls: Sequence[Any],
) -> int:
    if connection.closed:
        raise ConnectionResetError("the connection is closed")
    number: int = connection.server.next_message_id()
    # As short as can be: servers may refuse what BER forbids.
    said = number.to_bytes(number.bit_length() // 8 + 1, "big")
    held = build_controls_list(list(controls))
    content = bytes((messages.INTEGER, len(said))) + said
    content += _request(base, filter, tuple(attributes))
    content += encode(held) if held else b""
    connection.socket.sendall(b"\x30\x84" + len(content).to_bytes(4, "big") + content)
    return number


# Encoding takes as long as decoding a hundred answers, and a page asks for what the last one did.
@lru_cache(maxsize=16)
def _request(base: str, filter: str, attributes: tuple[str, ...]) -> bytes:
    request = search_operation(
        base,
        filter,
        ldap3.SUBTREE,
        ldap3.DEREF_NEVER,
        list(attributes),
        size_limit=0,
        time_limit=0,
        types_only=False,
        auto_escape=True,
        auto_encode=True,
    )
    encoded: bytes = encode(request)
    return encoded


def _answers(
    connection: ldap3.Connection, number: int, timeout: float | None
) -> Iterator[Entry | Info | Done | None]:
    link: socket.socket = connection.socket
    usual = link.gettimeout()
    references = 0
    ended = False
    try:
        if timeout is not None:
            link.settimeout(timeout)
        for received in _messages(link, _decoder(connection)):
            if received is None:
                if timeout is None:
                    raise TimeoutError(f"it says nothing for {usual:g} s")
                yield None
                continue
            answered, message = received
            if answered != number or isinstance(message, messages.Notice):
                raise _unasked(answered, message, number)
            if isinstance(message, Entry):
                yield message
            elif isinstance(message, Done):
                ended = True
                # What the server sends after it is lost: it can only be its leave.
                link.settimeout(usual)
                yield message._replace(references=references)
                return
            elif isinstance(message, messages.Reference):
                references += 1
            else:
                yield message
    finally:
        if not ended:
            with suppress(LDAPException, OSError):
                connection.strategy.close()


def _unasked(answered: int, message: Message, number: int) -> Exception:
    if isinstance(message, messages.Notice):
        said = f"{message.message} (result {message.result})"
        return ConnectionResetError(f"it ends the connection: {said}")
    return Malformed(f"an answer to request {answered} instead of {number}")


def _decoder(connection: ldap3.Connection) -> Decoder:
    if isinstance(connection, Connection) and connection.source.decoder == "ldap3":
        return by_ldap3.decode
    return messages.decode


def _messages(link: socket.socket, decode: Decoder) -> Iterator[tuple[int, Message] | None]:
    """What comes, decoded; None whenever nothing has come for the socket's timeout."""
    data = b""
    while True:
        at = 0
        begin, end = frame(data, at)
        # One at a time: many that are decoded and kept have Python look for garbage among them.
        while begin and end <= len(data):
            yield decode(data, begin, end)
            at = end
            begin, end = frame(data, at)
        rest = bytearray(data[at:])
        yield from _fill(link, rest, end - at)
        data = bytes(rest)


def _fill(link: socket.socket, rest: bytearray, needed: int) -> Iterator[None]:
    """Receive until so many bytes are there."""
    begun = time.monotonic() if rest else None
    while len(rest) < needed:
        try:
            chunk = link.recv(CHUNK)
        except TimeoutError:
            chunk = None
        if chunk == b"":
            raise ConnectionResetError("it has closed the connection")
        if chunk is None:
            yield None
        else:
            rest += chunk
        if rest and begun is None:
            begun = time.monotonic()
        if begun is not None and time.monotonic() - begun > MESSAGE_SECONDS:
            raise TimeoutError(f"a message has not come whole in {MESSAGE_SECONDS:g} s")
