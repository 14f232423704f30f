"""Waits for something slow in such a way that a request to stop is answered at once.

A directory that accepts a connection and then says nothing holds its reader until the timeout,
which may be longer than a process has to stop.
"""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

POLL = 0.1

Result = TypeVar("Result")


class Stopped(Exception):
    """The wait was given up because the process has to stop."""


def nothing() -> None:
    """There is nothing to do meanwhile."""


class _Work(threading.Thread, Generic[Result]):
    def __init__(self, work: Callable[[], Result]) -> None:
        # A daemon thread: the process does not wait for it at its end.
        super().__init__(daemon=True, name="background")
        self._work = work
        self.result: Result | None = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.result = self._work()
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            self.error = error


def wait_for(work: Callable[[], Result], stopping: threading.Event) -> Result:
    """What a function returns or raises, run in a thread of its own.

    :param work: must leave nothing behind if the process ends in the middle of it.
    :raises Stopped: if the process has to stop before it ends.
    """
    thread = _Work(work)
    thread.start()
    while thread.is_alive() and not stopping.is_set():
        thread.join(POLL)
    if thread.is_alive():
        raise Stopped
    if thread.error is not None:
        raise thread.error
    return thread.result  # type: ignore[return-value]


def ends_in_time(
    work: Callable[[], None],
    stopping: threading.Event,
    grace: float,
    meanwhile: Callable[[], None] = nothing,
) -> bool:
    """Run a function that ends by itself when the process has to stop; whether it did in time.

    :param work: run in a thread of its own; what it raises is raised here.
    :param grace: seconds that it may take from then on.
    :param meanwhile: called often until then, in this thread.
    """
    thread = _Work(work)
    thread.start()
    while thread.is_alive() and not stopping.is_set():
        meanwhile()
        thread.join(POLL)
    thread.join(grace)
    if thread.error is not None:
        raise thread.error
    return not thread.is_alive()
