"""One connection to one server, and the index that it fills: what every protocol works with."""

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from cloudhands.common import directory, settings
from cloudhands.common.directory import Attributes
from cloudhands.common.errors import DirectoryError
from cloudhands.web.index import wire
from cloudhands.web.index.background import Stopped
from cloudhands.web.index.decode import Entry, decode
from cloudhands.web.index.engine import Position, Writer
from cloudhands.web.index.sync.controls import Control
from cloudhands.web.index.sync.guard import DeletionsRefused, Guard, never
from cloudhands.web.index.sync.server import Server

# How long to wait for a message before looking whether there is something else to do, in seconds:
# also how long the last of some changes waits for another one.
POLL = 0.05
# So many changes are committed at once.
BATCH = 1_000
TELL_SECONDS = 0.5

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Progress:
    """How far a read has come.

    :param read: entries so far.
    :param expected: how many there were the last time, or None.
    :param seconds: since it began.
    """

    read: int
    expected: int | None
    seconds: float


Told = Callable[[Progress], None]
Message = wire.Entry | wire.Info | wire.Done


def nothing(_: Progress) -> None:
    """Nobody wants to know."""


@dataclass
class Session:
    """What a sync is made with.

    :param connection: to the server; used for one search at a time.
    :param recent: people whom a look at changes has found lately, as they were put; kept from one
        session to the next.
    :param ignored: identifiers of entries that are not shown; kept likewise.
    :param called: whether somebody wants another session at once.
    :param found: how many entries were looked at as people.
    :param received: how many came in pages.
    """

    connection: directory.Connection
    server: Server
    source: settings.Directory
    writer: Writer
    guard: Guard
    stopping: threading.Event
    told: Told = nothing
    recent: dict[str, Entry] = field(default_factory=dict)
    ignored: set[str] = field(default_factory=set)
    called: Callable[[], bool] = never
    found: int = 0
    received: int = 0

    def messages(
        self,
        base: str,
        filter: str,
        attributes: Sequence[str],
        sent: Sequence[Control] = (),
        silence: Callable[[], float] | None = None,
    ) -> Iterator[Message | None]:
        """What one search brings, with a None wherever nothing came for a moment.

        :param silence: tells after how many seconds a server that says nothing is given up; the
            directory's timeout if None.
        :raises Stopped: if the process has to stop.
        :raises DirectoryError: if the connection is lost, or the server says nothing.
        """
        heard = time.monotonic()
        for message in wire.search(
            self.connection, base, filter, attributes, controls=sent, timeout=POLL
        ):
            if self.stopping.is_set():
                raise Stopped
            if message is not None:
                heard = time.monotonic()
            else:
                self._believe(time.monotonic() - heard, silence)
            yield message

    def _believe(self, quiet: float, silence: Callable[[], float] | None) -> None:
        limit = silence() if silence else self.source.timeout
        if quiet > limit:
            raise DirectoryError(
                f"the directory {self.server.name} has said nothing for {limit:g} s "
                "(directory.timeout)"
            )

    def identifier(self, attributes: Attributes) -> str:
        """Of an entry, shown or not; empty if it has none."""
        return directory.identifier(attributes, self.source.attributes)

    def decoded(self, attributes: Attributes) -> Entry | None:
        """The entry as indexed, or None if it is not to be shown."""
        self.found += 1
        return decode(attributes, self.source.attributes)

    def _reading(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Entries as they are read, telling how far it has come."""
        started = last = time.monotonic()
        expected = self.writer.people() or None
        count = 0
        for count, entry in enumerate(entries, 1):
            now = time.monotonic()
            if now - last > TELL_SECONDS:
                last = now
                self.told(Progress(count, expected, now - started))
            yield entry
        self.told(Progress(count, expected, time.monotonic() - started))

    def replace(self, entries: Iterable[Entry], position: Position) -> None:
        """Make these people the index, if the guard lets it.

        :raises DeletionsRefused: if it does not; the index stays as it was.
        """
        before = self.found
        self.writer.replace(self._guarded(self._reading(entries)), position)
        self.guard.committed()
        if not self.writer.people() and self.found > before:
            log.warning(
                "nobody of those who were read can be shown: look at directory.attributes and at "
                "what directory.bind_dn may read",
                read=self.found - before,
            )

    def _guarded(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        found: set[str] = set()
        for entry in entries:
            found.add(entry.person.id)
            yield entry
        # Before the end of the entries: what is raised here leaves the index as it was.
        before = self.writer.ids()
        self.guard.require(len(before - found), len(before), len(found))

    def change(
        self, put: Collection[Entry], remove: Collection[str], position: Position, old: Position
    ) -> None:
        """Put and remove people, if the guard lets it; else only put, and stay where we were.

        :param remove: identifiers; of unknown ones nothing is made.
        :raises DeletionsRefused: if it does not.
        """
        gone = self.writer.known(remove) if remove else frozenset()
        people = self.writer.people()
        try:
            self.guard.require(len(gone), people, people - len(gone) + len(put))
        except DeletionsRefused:
            if put:
                self.writer.change(put, (), old)
            raise
        self.writer.change(put, gone, position)
        self.guard.committed()


def now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)
