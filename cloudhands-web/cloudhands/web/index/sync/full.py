"""Reads everybody, in pages where the server has them: what works with every directory.

A read that fails or stops half-way raises: what is there in part is never taken for the whole.
"""

from collections.abc import Generator, Iterator, Sequence

from ldap3.core.results import (
    RESULT_ADMIN_LIMIT_EXCEEDED,
    RESULT_CODES,
    RESULT_SUCCESS,
    RESULT_UNAVAILABLE_CRITICAL_EXTENSION,
    RESULT_UNWILLING_TO_PERFORM,
)

from cloudhands.common import directory
from cloudhands.common.errors import DirectoryError
from cloudhands.web.index import wire
from cloudhands.web.index.engine import Position
from cloudhands.web.index.sync import controls
from cloudhands.web.index.sync.choose import FULL
from cloudhands.web.index.sync.session import Session, now

# slapd says the last one where pages are not allowed.
NO_PAGING = (
    RESULT_UNAVAILABLE_CRITICAL_EXTENSION,
    RESULT_UNWILLING_TO_PERFORM,
    RESULT_ADMIN_LIMIT_EXCEEDED,
)

# A server may send some: it looks at so many entries for each, whether they match or not.
MOST_EMPTY_PAGES = 10_000


def sync(session: Session) -> Position:
    """Make everybody in the directory the index.

    :raises DirectoryError: if the directory cannot be read to the end, or too many are gone.
    """
    position = Position(FULL, b"", session.server.name, now())
    read = pages(session, session.source.shown, directory.wanted(session.source.attributes))
    entries = (session.decoded(entry.attributes) for entry in read)
    session.replace((entry for entry in entries if entry), position)
    return position


def pages(session: Session, filter: str, attributes: Sequence[str]) -> Iterator[wire.Entry]:
    """The entries that match a filter, page by page; twice those that are below two bases.

    :raises DirectoryError: if the answer is only a part: a limit of the server, a lost connection.
    """
    for base in session.source.bases:
        yield from _below(session, base, filter, attributes)


def _below(
    session: Session, base: str, filter: str, attributes: Sequence[str]
) -> Iterator[wire.Entry]:
    cookie, empty = b"", 0
    while True:
        page = controls.pages(session.source.page_size, cookie)
        before = session.received
        done = yield from _search(session, base, filter, attributes, page)
        if done.result in NO_PAGING and not cookie:
            done = yield from _search(session, base, filter, attributes)
        if done.result != RESULT_SUCCESS:
            raise cut_short(session, done)
        # A server that ignores the control sent everything at once, and no cookie.
        cookie = _next(done)
        if not cookie:
            return
        empty = empty + 1 if session.received == before else 0
        if empty > MOST_EMPTY_PAGES:
            raise DirectoryError(
                f"the directory {session.server.name} sends empty pages without an end"
            )


def cut_short(session: Session, done: wire.Done) -> DirectoryError:
    """That a search has ended with something else than success."""
    words = f" ({done.message})" if done.message else ""
    name = RESULT_CODES.get(done.result, f"result {done.result}")
    return DirectoryError(f"the directory {session.server.name} cannot answer: {name}{words}")


def _search(
    session: Session, base: str, filter: str, attributes: Sequence[str], *sent: controls.Control
) -> Generator[wire.Entry, None, wire.Done]:
    for message in session.messages(base, filter, attributes, sent):
        if isinstance(message, wire.Entry):
            session.received += 1
            yield message
        elif isinstance(message, wire.Done):
            return message
    raise DirectoryError(f"the directory {session.server.name} has not ended its answer")


def _next(done: wire.Done) -> bytes:
    if controls.PAGED not in done.controls:
        return b""
    try:
        return controls.next_page(done.controls[controls.PAGED])
    except ValueError as error:
        raise DirectoryError(f"the directory's pages cannot be understood: {error}") from error
