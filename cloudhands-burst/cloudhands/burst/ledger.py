"""Writes down what several threads have to record, in one transaction where they come together.

To commit costs more than what is committed, and on SQLite one writes at a time: so whoever comes
first writes for all who come while the transaction before is under way (group commit). What one
has to record may fail; then nothing of it and of the others is written, and each thread writes its
own alone.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from cloudhands.burst.shares import Shares
from cloudhands.common import work
from cloudhands.common.db import Database
from cloudhands.common.work import Claim

MOST = 16
"""So many are written together: for that long others wait for their rows, and for SQLite."""

LOCK_TIMEOUT = "SET LOCAL lock_timeout = '1s'"

ReadT = TypeVar("ReadT")
WrittenT = TypeVar("WrittenT")


@dataclass(frozen=True)
class Page:
    """An open transaction in which several things are written down.

    :param session: it is flushed at the end, and not before each query: whoever asks for what was
        changed in it flushes it.
    :param artifacts: of which something is written down; they are locked.
    """

    session: Session
    artifacts: Sequence[Any]
    shares: Shares = field(default_factory=Shares)
    _read: dict[Callable[..., Any], Any] = field(default_factory=dict)

    def of_all(self, read: Callable[["Page"], ReadT]) -> ReadT:
        """What a function reads for all artifacts: whoever asks first has it read, once."""
        if read not in self._read:
            self._read[read] = read(self)
        found: ReadT = self._read[read]
        return found


Record = Callable[[Page, Any], WrittenT]
"""Writes down something about an artifact that is held.

It may be called twice, the second time when all that the first has written is rolled back, and in
another thread: so it has no effect but in the page, and what it returns.
"""


class _Request:
    """A thread's, to have something written down.

    :param told: lets the thread go on, when it is answered or when it is its turn to write.
    """

    def __init__(self, claim: Claim, record: Record[Any]) -> None:
        self.claim = claim
        self.record = record
        self.told = threading.Semaphore(0)
        self.answered = False
        self.alone = False
        self.result: Any = None
        self.error: Exception | None = RuntimeError("whoever was about to write this was ended")

    def settle(self, result: Any = None, error: Exception | None = None) -> None:
        """Tell what came of it."""
        self.result, self.error = result, error

    def answer(self) -> None:
        """Let the thread go on."""
        self.answered = True
        self.told.release()

    def outcome(self) -> Any:
        """What the record has returned; raises what it has raised."""
        if self.error is not None:
            raise self.error
        return self.result


class Ledger:
    """Takes down what threads have to record, for each while its claim is held.

    :param most: so many at once.
    """

    def __init__(self, database: Database, most: int = MOST) -> None:
        self._database = database
        self._most = most
        self._lock = threading.Lock()
        self._waiting: list[_Request] = []
        self._busy = False

    @property
    def waiting(self) -> int:
        """How many threads wait for their turn now."""
        return len(self._waiting)

    def write(self, claim: Claim, record: Record[WrittenT]) -> WrittenT:
        """Have something written down; returns what `record` has returned when it is committed.

        :raises ClaimLost: if another worker holds the artifact now.
        """
        request = _Request(claim, record)
        with self._lock:
            self._waiting.append(request)
            first, self._busy = not self._busy, True
        if not first:
            request.told.acquire()
        if not request.answered:
            self._write_for_all()
        if request.alone:
            self._together([request])
        written: WrittenT = request.outcome()
        return written

    def _write_for_all(self) -> None:
        with self._lock:
            requests = self._waiting[: self._most]
            del self._waiting[: self._most]
        try:
            self._together(requests)
        finally:
            with self._lock:
                following = self._waiting[:1]
                self._busy = bool(following)
            for each in following:
                each.told.release()
            for each in requests:
                each.answer()

    def _together(self, requests: Sequence[_Request]) -> None:
        written: dict[_Request, Any] = {}
        complete = False
        try:
            with self._database.writing() as session:
                if len(requests) > 1:
                    self._wait_briefly(session)
                written = self._write(session, requests)
                complete = True
        except Exception as error:  # noqa: BLE001 - whoever asked for it gets it
            for request in requests:
                # What may be committed, though nobody said so, is not written once more.
                request.alone = len(requests) > 1 and not complete
                request.settle(error=error)
        else:
            for request in requests:
                if request in written:
                    request.settle(written[request])
                else:
                    request.settle(error=work.lost(request.claim))

    def _wait_briefly(self, session: Session) -> None:
        """Let nobody who keeps a row locked keep all threads from writing, but only its own."""
        if not self._database.is_sqlite:
            session.connection().exec_driver_sql(LOCK_TIMEOUT)

    def _write(self, session: Session, requests: Sequence[_Request]) -> dict[_Request, Any]:
        """What each has returned, without those whose claim is lost."""
        session.autoflush = False
        held = work.held_of(session, [request.claim for request in requests])
        found = [(request, held[request.claim]) for request in requests if request.claim in held]
        page = Page(session, [artifact for _, artifact in found])
        written = {request: request.record(page, artifact) for request, artifact in found}
        session.flush()
        page.shares.settle(session)
        return written
