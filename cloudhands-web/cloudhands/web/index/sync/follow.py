"""Keeps the index where the directory is: connects, chooses, syncs, waits, and begins again."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import structlog

from cloudhands.common import directory, settings
from cloudhands.common.errors import DirectoryError, IndexUnavailable
from cloudhands.web.index import background
from cloudhands.web.index.background import Stopped
from cloudhands.web.index.decode import Entry
from cloudhands.web.index.engine import Position, Writer
from cloudhands.web.index.sync import changes, choose, full, server, syncrepl, waiting
from cloudhands.web.index.sync.choose import Choice
from cloudhands.web.index.sync.guard import MISSING_SHARE, Guard, never
from cloudhands.web.index.sync.operation import Limits, Unsuitable
from cloudhands.web.index.sync.server import Server
from cloudhands.web.index.sync.session import Session, Told, nothing, now

ASK_AGAIN_SECONDS = 86_400.0
# A server that is behind its own people is right again with its next change.
BEHIND_SECONDS = 5.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Contact:
    """How it stands with the directory; a follower tells it whenever it changes.

    :param protocol: in use; empty before the first sync.
    :param server: its URL; empty while there is no connection.
    :param since: when that connection was made, UTC.
    :param synced: when the index was last known to be what the directory holds, UTC.
    :param error: why it is not now; empty if it is.
    :param failures: how many attempts to sync have failed, ever.
    :param reason: why the directory does not tell changes as they come; empty if it does.
    """

    protocol: str = ""
    server: str = ""
    since: datetime | None = None
    synced: datetime | None = None
    error: str = ""
    failures: int = 0
    reason: str = ""


Seen = Callable[[Contact], None]


def nobody(_: Contact) -> None:
    """Nobody wants to know."""


def once(
    writer: Writer,
    source: settings.Directory,
    state: Path,
    *,
    told: Told = nothing,
    missing_share: float = MISSING_SHARE,
    confirmed: Callable[[], bool] = never,
    stopping: threading.Event | None = None,
) -> Position:
    """Sync once, with whatever the server offers, down to the commit.

    :param source: the settings' `[directory]`.
    :param state: the folder that relative files are below.
    :param told: how far a read of everybody has come.
    :param missing_share: the setting `index.missing_share`.
    :param confirmed: whether an operator has confirmed that so many are gone; asked if they are.
    :param stopping: is set when the process has to stop.
    :returns: where the index stands.
    :raises Stopped: if it is set.
    :raises DirectoryError: if the directory cannot be read to the end, or too many are gone.
    :raises IndexUnavailable: if the index cannot be written.
    """
    guard = Guard(missing_share, confirmed)
    work = _Work(writer, source, state, stopping or threading.Event(), guard, told)
    return work.visit(None)


def follow(
    writer: Writer,
    source: settings.Directory,
    state: Path,
    stopping: threading.Event,
    interval: float,
    *,
    told: Told = nothing,
    seen: Seen = nobody,
    missing_share: float = MISSING_SHARE,
    confirmed: Callable[[], bool] = never,
    anew: Callable[[], bool] = never,
    called: Callable[[], bool] = never,
) -> None:
    """Keep the index where the directory is, until it has to stop; the rest as `once`.

    Where the directory tells every change as it comes, `interval` is how long its silence is
    believed. What fails is tried again after a growing wait.

    :param interval: seconds from one look at the directory to the next.
    :param seen: how it stands with the directory, whenever that changes.
    :param anew: whether everybody is to be read anew; asked before each look at the directory.
    :param called: whether that look is to come at once; asked all the time.
    """
    guard = Guard(missing_share, confirmed)
    work = _Work(writer, source, state, stopping, guard, told, seen, called)
    failures = 0
    while not stopping.is_set():
        if anew():
            writer.forget()
        began, before = time.monotonic(), work.contact.synced
        try:
            position = work.visit(Limits(idle=interval))
            failures = 0
            wait = work.until_next(position, interval, time.monotonic() - began)
        except Stopped:
            break
        except (DirectoryError, IndexUnavailable) as error:
            took, in_vain = time.monotonic() - began, work.contact.synced == before
            failures = failures if in_vain or took < waiting.STEADY else 0
            wait = min(interval, waiting.after_failure(error, failures, took if in_vain else 0.0))
            failures += 1
            work.failed(error, wait)
        waiting.wait(wait, stopping, called)
    log.info("stopped")


@dataclass
class _Work:
    """What stays from one connection to the next."""

    writer: Writer
    source: settings.Directory
    state: Path
    stopping: threading.Event
    guard: Guard
    told: Told = nothing
    seen: Seen = nobody
    called: Callable[[], bool] = never
    contact: Contact = Contact()
    # How often one after the other the server was behind its own people.
    behind: int = 0
    # What each server offers and has refused to do; it is asked again a day later.
    refused: dict[str, set[str]] = field(default_factory=dict)
    refused_since: float = field(default_factory=time.monotonic)
    recent: dict[str, Entry] = field(default_factory=dict)
    ignored: set[str] = field(default_factory=set)

    def visit(self, limits: Limits | None) -> Position:
        """Connect, sync by the best protocol, and with limits stay where that goes on."""
        while True:
            with self._connected() as (connection, server, protocol):
                session = Session(
                    connection,
                    server,
                    self.source,
                    self.writer,
                    self.guard,
                    self.stopping,
                    self.told,
                    self.recent,
                    self.ignored,
                    self.called,
                )
                try:
                    return self._by(protocol, session, limits)
                except Unsuitable as error:
                    if self.source.sync != "auto":
                        raise
                    self.refused.setdefault(server.name, set()).update((protocol, *error.protocols))
                    log.warning("another protocol is used", not_by=protocol, reason=str(error))
                finally:
                    self.recent = session.recent

    def _by(self, protocol: str, session: Session, limits: Limits | None) -> Position:
        began = time.monotonic()
        old = self.writer.position()

        def synced(position: Position) -> None:
            if self.contact.error or self.contact.protocol != position.protocol:
                self._log(position, time.monotonic() - began)
            self._contact(protocol=position.protocol, synced=position.synced, error="")

        if protocol in choose.SYNCREPL:
            stay = limits if protocol == choose.PERSIST else None
            name = choose.PERSIST if stay else choose.REFRESH
            return syncrepl.sync(session, name, old, stay, synced)
        if protocol == choose.CHANGES:
            position = changes.sync(session, old)
        else:
            position = full.sync(session)
        synced(position)
        return position

    @contextmanager
    def _connected(self) -> Iterator[tuple[directory.Connection, Server, str]]:
        """A connection and what its server says of itself; a request to stop is not kept waiting.

        A server that accepts and says nothing would hold us for its timeout.
        """
        opening = self._greeted()
        connection, found, choice = background.wait_for(opening.__enter__, self.stopping)
        with ExitStack() as stack:
            stack.push(opening)
            self._contact(server=found.name, since=now(), reason=choice.reason)
            try:
                yield connection, found, choice.protocol
            finally:
                self._contact(server="", since=None)

    @contextmanager
    def _greeted(self) -> Iterator[tuple[directory.Connection, Server, Choice]]:
        with directory.connect(self.source, self.state) as connection:
            yield connection, *self._greet(connection)

    def _greet(self, connection: directory.Connection) -> tuple[Server, Choice]:
        """What the server says of itself, and by which protocol to read it."""
        source = self.source
        found = server.ask(connection, source.base)
        if time.monotonic() - self.refused_since > ASK_AGAIN_SECONDS:
            self.refused.clear()
            self.refused_since = time.monotonic()
        choice = choose.protocol(found, source, self.refused.get(found.name, ()))
        if choice.protocol in choose.SYNCREPL and server.is_behind(
            connection, found, source.base, source.shown
        ):
            self.behind = min(self.behind + 1, 16)
            log.warning("the server is behind its own people", server=found.name)
            return found, Choice(choose.CHANGES, "the server is behind its own people")
        self.behind = 0
        return found, choice

    def until_next(self, position: Position, interval: float, took: float) -> float:
        """Seconds to wait after a visit that went well and took so many seconds."""
        if position.protocol == choose.PERSIST:
            # A server may end at once what it should go on with.
            return max(0.0, min(interval, waiting.FIRST_RETRY) - took)
        return min(interval, BEHIND_SECONDS * 2.0 ** (self.behind - 1)) if self.behind else interval

    def failed(self, error: Exception, wait: float) -> None:
        """Tell that the index is not what the directory holds, and why."""
        self._contact(error=str(error), failures=self.contact.failures + 1)
        log.warning(
            "not synced; the last good index stays", reason=str(error), retry_in=round(wait, 1)
        )

    def _log(self, position: Position, seconds: float) -> None:
        people = self.writer.people()
        log.info(
            "synced",
            protocol=position.protocol,
            server=position.server,
            people=people,
            seconds=round(seconds, 3),
        )

    def _contact(self, **changed: object) -> None:
        contact = replace(self.contact, **changed)  # type: ignore[arg-type]
        if contact != self.contact:
            self.contact = contact
            self.seen(contact)
