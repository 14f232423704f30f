"""How fast one provider may be called by this process: calls under way, and calls a second."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cloudhands.common.cloud import Temporary

# How long a call waits for one that is under way to end: all clouds share the threads.
SLOT_SECONDS = 0.25
# After a pause so many seconds' worth of calls may begin at once.
BURST_SECONDS = 0.2
# What the rate allows later than that is put aside, so that no claim is overslept.
LONGEST_SECONDS = 2.0
# When to try again that for which there was no room.
AGAIN_SECONDS = 1.0


class NotCalled(Temporary):
    """We did not call the cloud: nothing has happened there, and it is not to blame."""


class Busy(NotCalled):
    """We call that provider as much as we may already."""


class Pace:
    """Lets calls of one provider begin; shared among threads.

    :param at_once: how many may be under way, those that wait for the rate included.
    :param per_second: how many may begin, in the long run.
    :param longest: how long a call may be kept waiting for the rate, in seconds.
    :param monotonic: seconds that only rise: whoever sets the host's clock changes nothing.
    """

    def __init__(
        self,
        at_once: int,
        per_second: float,
        longest: float = LONGEST_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._at_once = at_once
        self._interval = 1 / per_second
        self._longest = longest
        self._monotonic = monotonic
        self._sleep = sleep
        self._changed = threading.Condition()
        self._under_way = 0
        self._full_at = 0.0  # when the bucket will be as full as it was at the beginning

    @property
    def crowded(self) -> bool:
        """Whether as many calls are under way as may be."""
        return self._under_way >= self._at_once

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Make a call within.

        :raises Busy: if it cannot begin soon.
        """
        self._enter()
        try:
            # Not even for no time: that would let another thread run first.
            if wait := self._wait():
                self._sleep(wait)
            yield
        finally:
            self._leave()

    def _enter(self) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: not self.crowded, SLOT_SECONDS):
                raise Busy("as many calls are under way as may be", AGAIN_SECONDS)
            self._under_way += 1

    def _leave(self) -> None:
        with self._changed:
            self._under_way -= 1
            self._changed.notify()

    def _wait(self) -> float:
        """Take a token out of the bucket; returns seconds until it may be used."""
        with self._changed:
            now = self._monotonic()
            full_at = max(self._full_at, now)
            wait = max(0.0, full_at - now - BURST_SECONDS)
            if wait > self._longest:
                raise Busy("as many calls begin as may in a second", wait)
            self._full_at = full_at + self._interval
            return wait
