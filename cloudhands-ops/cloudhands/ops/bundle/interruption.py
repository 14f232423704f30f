"""Ends in good order what somebody interrupts: by Ctrl-C, `kill`, or a lost terminal."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """One of the signals came.

    :param status: the exit status, as a shell tells it.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.status = 128 + number


@contextmanager
def raised() -> Iterator[None]:
    """Raise `Interrupted` in a `with` block when one of the signals comes."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Interrupted(number)

    # One that is ignored, as below nohup, stays so.
    heard = [one for one in SIGNALS if signal.getsignal(one) != signal.SIG_IGN]
    before = {one: signal.signal(one, stop) for one in heard}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


@contextmanager
def postponed() -> Iterator[None]:
    """Let them wait until the end of a `with` block, in which something is down for a moment."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
