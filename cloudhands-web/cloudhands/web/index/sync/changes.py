"""Reads what has changed by an attribute that changes with the entry, and sweeps for who is gone.

Active Directory counts changes (`uSNChanged`), each controller for itself: another controller, or one
whose count went back, is read in full. Elsewhere there is a time (`modifyTimestamp`), of the server's
clock and of whole seconds: each look begins a little before the last change it has seen, and what it
finds again as it was is left alone. Neither shows who was deleted or is not ours any more: now and then
all identifiers are read, and compared.
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
from cloudhands.web.index.sync.server import Server
from cloudhands.web.index.sync.session import BATCH, Session, now

TIME, NUMBER = "modifyTimestamp", "uSNChanged"
# Between the clocks of servers that copy from each other, and for a change that is late.
OVERLAP = timedelta(minutes=5)
SWEEP = timedelta(minutes=10)
FORMAT, DIGITS = "%Y%m%d%H%M%S", 14

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


def sync(session: Session, position: Position | None, sweep: timedelta = SWEEP) -> Position:
    """Bring the index to where the directory is.

    :param position: where the index stands.
    :param sweep: from one look for deletions to the next.
    :raises DirectoryError: if the directory cannot be read to the end, or too many are gone.
    """
    held = _standing(session, position)
    if position is None or held is None:
        return _read(session)
    at = now()
    is_swept = held.swept is not None and timedelta() <= at - held.swept < sweep
    # Before the look at changes, which then has everybody who came meanwhile.
    there = None if is_swept else _identifiers(session)
    found = _look(session, held, position)
    remove = set(found.hidden)
    if there is not None:
        unknown = there - session.known() - found.seen.keys() - found.hidden - session.ignored
        if unknown:
            log.info("people without a change that shows: everything is read", count=len(unknown))
            return _read(session)
        remove |= session.known() - there - found.seen.keys()
        held = replace(held, swept=at)
    held = replace(held, mark=found.mark)
    new = Position(CHANGES, held.bytes(), session.server.name, at)
    remove &= session.known() if remove else set()
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
    went_back = server.usn is not None and _number(held.mark) > server.usn
    is_mark = _is_time(held.mark) if server.usn is None else bool(_number(held.mark))
    if held.origin != _origin(server) or went_back or not is_mark:
        log.warning("another numbering of changes: everything is read", server=server.name)
        return None
    return held


def _origin(server: Server) -> str:
    """Of what kind the marks are, and whose."""
    return TIME if server.usn is None else f"{NUMBER} {server.origin}"


def _read(session: Session) -> Position:
    """Everybody; by the protocol `full` from then on if no entry says when it changed."""
    at, mark = now(), ""
    session.recent.clear()
    session.ignored.clear()

    def entries() -> Iterator[Entry]:
        nonlocal mark
        for read in full.pages(session, session.source.people, _wanted(session)):
            mark = _later(session, mark, read.attributes)
            entry = session.decoded(read.attributes)
            if entry is not None:
                yield entry
            else:
                session.ignored.add(_identifier(session, read.attributes))

    server = session.server.name
    session.replace(entries(), Position(FULL, b"", server, at))
    if session.server.usn is not None:
        # What was changed while we read is numbered higher, and seen by the next look.
        mark = str(session.server.usn)
    if not mark:
        return Position(FULL, b"", server, at)
    held = standing.Standing(at, mark, _origin(session.server), swept=at)
    position = Position(CHANGES, held.bytes(), server, at)
    session.change((), (), position, position)
    return position


def _look(session: Session, held: standing.Standing, old: Position) -> _Found:
    """What has changed since a mark; large parts of it are committed on the way."""
    # What is changed while we look is numbered higher, and seen the next time.
    found = _Found(held.mark if session.server.usn is None else str(session.server.usn))
    filter = f"(&{session.source.people}({_since(session, held.mark)}))"
    for read in full.pages(session, filter, _wanted(session)):
        found.mark = _later(session, found.mark, read.attributes)
        identifier = _identifier(session, read.attributes)
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
    found = full.pages(session, session.source.people, [session.source.attributes.id])
    return {_identifier(session, read.attributes) for read in found} - {""}


def _identifier(session: Session, attributes: Attributes) -> str:
    """The identifier of an entry that may have nothing else of a person."""
    names = session.source.attributes
    held = {names.id: directory.values(attributes, names.id), names.uid: (b"-",)}
    person = directory.person(held, names)
    return person.id if person else ""


def _wanted(session: Session) -> list[str]:
    return [*directory.wanted(session.source.attributes), _attribute(session)]


def _attribute(session: Session) -> str:
    return TIME if session.server.usn is None else NUMBER


def _since(session: Session, mark: str) -> str:
    """The part of a filter that finds what has changed since a mark."""
    if session.server.usn is not None:
        return f"{NUMBER}>={_number(mark) + 1}"
    since = datetime.strptime(mark[:DIGITS], FORMAT).replace(tzinfo=UTC) - OVERLAP
    return f"{TIME}>={since:{FORMAT}}Z"


def _later(session: Session, mark: str, attributes: Attributes) -> str:
    """When an entry was changed, if that is later than a mark; else the mark."""
    if session.server.usn is not None:
        return mark
    found = directory.first(directory.texts(attributes, TIME))
    return found if found > mark and _is_time(found) else mark


def _is_time(text: str) -> bool:
    try:
        return bool(datetime.strptime(text[:DIGITS], FORMAT).replace(tzinfo=UTC))
    except ValueError:
        return False


def _number(mark: str) -> int:
    return int(mark) if mark.isascii() and mark.isdigit() else 0
