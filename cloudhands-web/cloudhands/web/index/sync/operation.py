"""One sync request (RFC 4533), and how the index takes what it brings."""

import math
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from cloudhands.common import directory
from cloudhands.common.errors import DirectoryError
from cloudhands.web.index.decode import Entry
from cloudhands.web.index.engine import Position
from cloudhands.web.index.sync import controls, standing
from cloudhands.web.index.sync.choose import SYNCREPL
from cloudhands.web.index.sync.controls import Mode
from cloudhands.web.index.sync.refresh import Change, Put, Refresh, Remove
from cloudhands.web.index.sync.session import BATCH, Message, Session, now

# Changes are committed at the latest so long after the first of them, in seconds.
GATHER = 0.1
# A cookie that came without changes for us waits longer: losing it costs little.
COOKIE_SECONDS = 30.0
# After so long a connection is made anew, whatever it seems to be.
LIFETIME = 3600.0


class Unsuitable(DirectoryError):
    """The server does not synchronise its content for us; another protocol may do.

    :param protocols: those that it does not do.
    """

    def __init__(self, sentence: str, protocols: Collection[str]) -> None:
        super().__init__(sentence)
        self.protocols = protocols


@dataclass
class Limits:
    """How long a persistent search is believed, in seconds.

    :param idle: without a message; a connection may be dead, and only a new one tells.
    :param lifetime: in all.
    """

    idle: float
    lifetime: float = LIFETIME


@dataclass
class Batch:
    """Changes on their way to one commit; the last one of a person counts."""

    put: dict[str, Entry] = field(default_factory=dict)
    remove: set[str] = field(default_factory=set)
    since: float = math.inf

    def __bool__(self) -> bool:
        return bool(self.put or self.remove)

    def __len__(self) -> int:
        return len(self.put) + len(self.remove)

    def take(self, id: str, entry: Entry | None) -> None:
        self.since = min(self.since, time.monotonic())
        if entry is None:
            self.put.pop(id, None)
            self.remove.add(id)
        else:
            self.remove.discard(id)
            self.put[id] = entry

    def is_ripe(self) -> bool:
        return len(self) >= BATCH or time.monotonic() - self.since >= GATHER


class Operation:
    """One sync request and all that it brings.

    :param old: where the index stands; its cookie stays until the refresh is complete.
    """

    def __init__(
        self,
        session: Session,
        protocol: str,
        held: standing.Standing,
        old: Position | None,
        limits: Limits | None,
    ) -> None:
        self.cookie = held.mark.encode("latin-1")
        self._session = session
        self.protocol = protocol
        self._held = held
        self._limits = limits
        # Who reads everything learns who is missing when it replaces the index.
        known = session.writer.ids if self.cookie else frozenset
        self._machine = Refresh(known, self.cookie)
        self._batch = Batch()
        self._began = now()
        self._old = old if old and self.cookie else self._position(self._began)

    @property
    def refreshed(self) -> bool:
        """Whether everything has come that there was at the operation's beginning."""
        return self._machine.refreshed

    def run(self, synced: Callable[[Position], None]) -> Position:
        """Bring the index to where the directory is, and go on if that is asked for."""
        mode = Mode.REFRESH_AND_PERSIST if self._limits else Mode.REFRESH_ONLY
        messages = self._session.messages(
            self._session.source.base,
            self._session.source.shown,
            directory.wanted(self._session.source.attributes),
            [controls.request(mode, self.cookie)],
            # Later, silence is what a directory without changes has to say.
            lambda: math.inf if self.refreshed else self._session.source.timeout,
        )
        if self.cookie:
            self._refresh(messages)
        else:
            self._session.replace(self._everybody(messages), self._old)
        self._commit(self._began)
        synced(self._old)
        if self._limits and not self._machine.ended:
            self._persist(messages, self._limits, synced)
        return self._old

    def _refresh(self, messages: Iterator[Message | None]) -> None:
        """Gather what has changed; additions need not wait for its end."""
        for message in self._refreshing(messages):
            for change in self._machine.take(message):
                self._gather(change)
            if len(self._batch.put) >= BATCH:
                self._session.writer.change(self._batch.put.values(), (), self._old)
                self._batch.put.clear()

    def _everybody(self, messages: Iterator[Message | None]) -> Iterator[Entry]:
        """Everybody who is there; what is taken back meanwhile is gathered for later."""
        for message in self._refreshing(messages):
            for change in self._machine.take(message):
                if isinstance(change, Put):
                    self._batch.remove.discard(change.id)
                    entry = self._entry(change)
                    if entry is not None:
                        yield entry
                    else:
                        # Who came before, and has been disabled since.
                        self._gather(Remove(frozenset((change.id,))))
                else:
                    self._gather(change)

    def _refreshing(self, messages: Iterator[Message | None]) -> Iterator[Message]:
        for message in messages:
            if message is not None:
                yield message
                if self.refreshed:
                    return
        raise DirectoryError(f"the directory {self._session.server.name} ended before its sync did")

    def _persist(
        self,
        messages: Iterator[Message | None],
        limits: Limits,
        synced: Callable[[Position], None],
    ) -> None:
        """Commit changes as they come, until the connection is not to be believed any more."""
        began = heard = committed = time.monotonic()
        for message in messages:
            at = time.monotonic()
            if message is not None:
                heard = at
                for change in self._machine.take(message):
                    self._gather(change)
            is_ripe = self._batch.is_ripe() or (message is None and self._batch)
            if is_ripe or (self._has_moved() and at - committed > COOKIE_SECONDS):
                committed = at
                self._commit(now())
                synced(self._old)
            is_over = at - heard > limits.idle or at - began > limits.lifetime
            if self._machine.ended or is_over or self._session.called():
                break
        if self._batch or self._has_moved():
            self._commit(now())

    def _gather(self, change: Change) -> None:
        if isinstance(change, Put):
            self._batch.take(change.id, self._entry(change))
        else:
            for identifier in change.ids:
                self._batch.take(identifier, None)

    def _entry(self, put: Put) -> Entry | None:
        entry = self._session.decoded(put.attributes)
        if entry is not None and entry.person.id != put.id:
            raise Unsuitable(
                f"the directory {self._session.server.name} names {entry.person.id} otherwise in "
                "its sync; its deletions could not be followed",
                SYNCREPL,
            )
        return entry

    def _commit(self, at: datetime) -> None:
        position = self._position(at)
        batch, self._batch = self._batch, Batch()
        self._session.change(batch.put.values(), batch.remove, position, self._old)
        self._old = position

    def _has_moved(self) -> bool:
        return self._position(self._old.synced) != self._old

    def _position(self, at: datetime) -> Position:
        held = replace(self._held, mark=self._machine.cookie.decode("latin-1"))
        return Position(self.protocol, held.bytes(), self._session.server.name, at)
