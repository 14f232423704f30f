"""Reads what has changed by an attribute that changes with the entry, and sweeps for who is gone.

Active Directory counts changes (uSNChanged), each controller for itself: another controller, or
one whose count went back, is read in full. Elsewhere there is a time (modifyTimestamp), of the
server's clock and of whole seconds: each look begins a little before the last change that the one
before has seen, but for changes since that one began, which it may have seen in part, and times yet
to come, which an entry may bear too. What it finds again as it was is left alone. Neither shows who
was deleted or is not ours any more: now and then all identifiers are read, and compared.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import structlog

from cloudhands.common import directory
from cloudhands.common.directory import Attributes
from cloudhands.web.index.decode import Entry
from cloudhands.web.index.engine import Position
from cloudhands.web.index.sync import full, standing
from cloudhands.web.index.sync.choose import CHANGES, FULL
from cloudhands.web.index.sync.session import BATCH, Session, now

NUMBER = "usnchanged"
# Between the clocks of servers that copy from each other, and for a change that is late.
OVERLAP = timedelta(minutes=5)
# From one look for deletions to the next.
SWEEP = timedelta(minutes=10)
FORMAT, DIGITS = "%Y%m%d%H%M%S", 14
NEVER = datetime.max.replace(tzinfo=UTC)

log = structlog.get_logger(__name__)


@dataclass
class _Found:
    """What a look at changes has brought.

    :param put: people who are to be put.
    :param seen: all people who were found, also those who are in the index as they are.
    :param hidden: identifiers of entries that are not shown.
    :param mark: the last change.
    """

    mark: str
    put: dict[str, Entry] = field(default_factory=dict)
    seen: dict[str, Entry] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)


def sync(session: Session, position: Position | None) -> Position:
    """Bring the index to where the directory is.

    :param position: where the index stands.
    :raises DirectoryError: if the directory cannot be read to the end, or too many are gone.
    """
    held = _standing(session, position)
    if position is None or held is None:
        return _read(session)
    at = now()
    is_swept = held.swept is not None and timedelta() <= at - held.swept < SWEEP
    # Before the look at changes, which then has everybody who came meanwhile.
    there = None if is_swept else _identifiers(session)
    found = _look(session, held, position, at)
    remove = set(found.hidden)
    if there is not None:
        known = session.writer.ids()
        unknown = there - known - found.seen.keys() - found.hidden - session.ignored
        if unknown:
            log.info("people without a change that shows: everything is read", count=len(unknown))
            return _read(session)
        remove |= known - there - found.seen.keys()
        held = replace(held, swept=at)
    held = replace(held, mark=found.mark)
    new = Position(CHANGES, held.bytes(), session.server.name, at)
    session.change(found.put.values(), remove, new, position)
    session.recent = found.seen
    return new


def _standing(session: Session, position: Position | None) -> standing.Standing | None:
    """Where to go on from, or None if everything has to be read."""
    if position is None or position.protocol != CHANGES:
        return None
    held, server = standing.parse(position.cookie), session.server
    if held is None or position.server != server.name:
        return None
    if held.is_due(now()):
        log.info("everything is read afresh, as once a day")
        return None
    if held.origin != _origin(session) or not _is_mark(session, held.mark):
        log.warning("another numbering of changes: everything is read", server=server.name)
        return None
    return held


def _is_mark(session: Session, mark: str) -> bool:
    """Whether it can be gone on from a mark: a number must not be above the server's last one."""
    if not _is_numbered(session):
        return _is_time(mark)
    return mark.isascii() and mark.isdigit() and int(mark) <= (session.server.usn or 0)


def _origin(session: Session) -> str:
    """Of what the marks are, and whose."""
    return f"{session.source.attributes.changed} {session.server.origin}".strip()


def _read(session: Session) -> Position:
    """Everybody; by the protocol `full` from then on if no entry says when it changed."""
    at, mark = now(), ""
    # The next look would find them again; its clock may differ a little.
    lately = f"{at - 2 * OVERLAP:{FORMAT}}"
    session.recent.clear()
    session.ignored.clear()

    def entries() -> Iterator[Entry]:
        nonlocal mark
        for read in full.pages(session, session.source.shown, _wanted(session)):
            mark = _later(session, mark, read.attributes, at)
            entry = session.decoded(read.attributes)
            if entry is not None:
                if _later(session, lately, read.attributes) != lately:
                    session.recent[entry.person.id] = entry
                yield entry
            else:
                session.ignored.add(session.identifier(read.attributes))

    server = session.server.name
    session.replace(entries(), Position(FULL, b"", server, at))
    if _is_numbered(session):
        # What is changed while we read is numbered higher, and seen by the next look.
        mark = str(session.server.usn or "")
    if not mark:
        return Position(FULL, b"", server, at)
    held = standing.Standing(at, mark, _origin(session), swept=at)
    position = Position(CHANGES, held.bytes(), server, at)
    session.change((), (), position, position)
    return position


def _look(session: Session, held: standing.Standing, old: Position, at: datetime) -> _Found:
    """What has changed since a mark; large parts of it are committed on the way."""
    # What is changed while we look is numbered higher, and seen the next time.
    found = _Found(str(session.server.usn) if _is_numbered(session) else held.mark)
    filter = f"(&{session.source.shown}({_since(session, held.mark)}))"
    for read in full.pages(session, filter, _wanted(session)):
        found.mark = _later(session, found.mark, read.attributes, at)
        identifier = session.identifier(read.attributes)
        entry = session.decoded(read.attributes)
        if entry is None:
            found.hidden.add(identifier)
            session.ignored.add(identifier)
            continue
        found.seen[identifier] = entry
        if session.recent.get(identifier) != entry:
            found.put[identifier] = entry
        if len(found.put) >= BATCH:
            session.change(found.put.values(), (), old, old)
            found.put.clear()
    return found


def _identifiers(session: Session) -> set[str]:
    """Of all entries, shown or not."""
    found = full.pages(session, session.source.shown, [session.source.attributes.id])
    return {session.identifier(read.attributes) for read in found} - {""}


def _wanted(session: Session) -> list[str]:
    return [*directory.wanted(session.source.attributes), session.source.attributes.changed]


def _is_numbered(session: Session) -> bool:
    return session.source.attributes.changed.lower() == NUMBER


def _since(session: Session, mark: str) -> str:
    """The part of a filter that finds what has changed since a mark."""
    name = session.source.attributes.changed
    if _is_numbered(session):
        return f"{name}>={int(mark) + 1}"
    since = datetime.strptime(mark[:DIGITS], FORMAT).replace(tzinfo=UTC) - OVERLAP
    return f"{name}>={since:{FORMAT}}Z"


def _later(session: Session, mark: str, attributes: Attributes, until: datetime = NEVER) -> str:
    """When an entry was changed, if that is later than a mark, but not than `until`; else the mark.

    :param until: by our own clock; where the server's is before ours, more is found again.
    """
    if _is_numbered(session):
        return mark
    found = directory.first(directory.texts(attributes, session.source.attributes.changed))
    is_past = found[:DIGITS] <= f"{until:{FORMAT}}"
    return found if found > mark and is_past and _is_time(found) else mark


def _is_time(text: str) -> bool:
    try:
        # Before the year 1 there is no time to look from.
        return datetime.strptime(text[:DIGITS], FORMAT).replace(tzinfo=UTC).year > 1
    except ValueError:
        return False
