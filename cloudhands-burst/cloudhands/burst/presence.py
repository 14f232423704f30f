"""Tells that this process is at work, so that an operator can see it: a row, touched now and then.

A thread of its own does it: whether the loop hangs is one of the things to be seen.
"""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import structlog

from cloudhands.common.clock import Clock
from cloudhands.common.db import UNREACHABLE, Database
from cloudhands.common.worker import commands

log = structlog.get_logger("cloudhands.burst.presence")

EVERY_SECONDS = 10.0
# The end does not wait for a database that hangs.
LEAVE_SECONDS = 1.0


class Presence:
    """One worker's row.

    :param in_hand: tells how many artifacts are in hand.
    """

    def __init__(self, database: Database, clock: Clock, in_hand: Callable[[], int]) -> None:
        self._database = database
        self._clock = clock
        self._in_hand = in_hand
        self._row: int | None = None

    def tell(self) -> None:
        """Tell that it is at work; what the database does not take now, it is told next time."""
        try:
            with self._database.writing() as session:
                now, row = self._clock(), self._row
                if row is None or not commands.tell(session, row, self._in_hand(), now):
                    row = commands.arrive(session, socket.gethostname(), os.getpid(), now)
            self._row = row
        except UNREACHABLE as error:
            log.debug("database away", error=str(error))

    def leave(self) -> None:
        """Tell that it has ended."""
        if self._row is None:
            return
        try:
            with self._database.writing() as session:
                commands.leave(session, self._row)
        except UNREACHABLE as error:
            log.debug("database away", error=str(error))


@contextmanager
def present(presence: Presence, every: float = EVERY_SECONDS) -> Iterator[None]:
    """Tell within the block, every so many seconds."""
    ended = Event()

    def telling() -> None:
        presence.tell()
        while not ended.wait(every):
            presence.tell()

    thread = Thread(target=telling, name="presence", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(LEAVE_SECONDS)
        presence.leave()
