"""Lets go wrong at a simulated cloud what its faults say."""

import threading
import time
from collections import deque
from collections.abc import Sequence
from random import Random
from typing import Any

from cloudhands.burst.providers.simulated.faults import NONE, Chances, Faults, chance
from cloudhands.burst.providers.simulated.faults_file import FaultsFile
from cloudhands.burst.providers.simulated.luck import Building, Luck
from cloudhands.burst.relay import Relay
from cloudhands.common.clock import Clock
from cloudhands.common.cloud import Cloud, Denied, Full, Listing, Server, Temporary

NO_ANSWER = "the cloud did not answer in time"
NO_HOST = "No valid host was found. There are not enough hosts available."
ABORTED = "Build of instance aborted: failed to allocate the network."
CAN_BE_FULL = frozenset({"create", "give_address", "resize"})


class Troubles(Luck):
    """Draws what goes wrong; safe to share among threads.

    :param file: the faults that hold.
    """

    def __init__(self, file: FaultsFile) -> None:
        self._file = file
        self._drawing = (NONE, Random(NONE.seed))

    @property
    def faults(self) -> Faults:
        """What holds now."""
        return self._file.faults()

    @property
    def sticking(self) -> bool:
        """See `Luck`."""
        return self.faults.stuck_deletion > 0

    def building(self) -> Building:
        """See `Luck`."""
        faults = self.faults
        seen_after = faults.late_seconds if self.happens(faults.late) else 0
        if not self.happens(faults.failing):
            return Building(seen_after)
        full = self.happens(faults.failing_full)
        return Building(seen_after, NO_HOST if full else ABORTED, full)

    def deletion_late_by(self) -> float:
        """See `Luck`."""
        faults = self.faults
        if self.happens(faults.stuck_deletion):
            return float("inf")
        return faults.slow_seconds if self.happens(faults.slow_deletion) else 0

    def happens(self, probability: float) -> bool:
        """Draw."""
        return probability > 0 and self._random().random() < probability

    def _random(self) -> Random:
        faults, random = self._drawing
        if (now := self.faults) is not faults:
            random = Random(now.seed)
            self._drawing = (now, random)
        return random


class TroubledCloud(Relay):
    """A cloud at which things go wrong; costs next to nothing while nothing shall.

    :param clock: tells what time it is there.
    """

    def __init__(self, cloud: Cloud, troubles: Troubles, clock: Clock) -> None:
        super().__init__(cloud)
        self._troubles = troubles
        self._clock = clock
        self._calls: deque[float] = deque()
        self._counting = threading.Lock()

    def _call(self, name: str, *about: object) -> Any:
        faults = self._troubles.faults
        if faults is NONE:
            return super()._call(name, *about)
        self._before(faults, name)
        answer = super()._call(name, *about)
        self._after(faults, name)
        return self._with_holes(faults, answer) if name == "listed" else answer

    def _before(self, faults: Faults, name: str) -> None:
        if faults.denied:
            raise Denied("the cloud refuses the credentials")
        if faults.calls_per_second is not None:
            self._throttle(faults.calls_per_second)
        if self._happens(faults.temporary, name):
            raise Temporary("the cloud has trouble of its own for now")
        if self._happens(faults.timeout_before, name):
            self._time_out(faults)
        if name in CAN_BE_FULL and self._happens(faults.full, name):
            raise Full("the cloud has no room for it now")

    def _after(self, faults: Faults, name: str) -> None:
        if self._happens(faults.lost, name):
            raise Temporary("the connection broke before the cloud's answer came")
        if self._happens(faults.timeout_after, name):
            self._time_out(faults)
        if self._happens(faults.strange, name):
            # As an adapter stumbles over a key that the answer lacks; see `burst.guard`.
            raise KeyError("server")

    def _happens(self, chances: Chances, name: str) -> bool:
        return self._troubles.happens(chance(chances, name))

    def _time_out(self, faults: Faults) -> None:
        time.sleep(faults.timeout_seconds)
        raise Temporary(NO_ANSWER)

    def _throttle(self, most: int) -> None:
        now = self._clock().timestamp()
        with self._counting:
            calls = self._calls
            while calls and now - calls[0] >= 1:
                calls.popleft()
            if len(calls) >= most:
                raise Temporary("the cloud is called too often", retry_after=1 - (now - calls[0]))
            calls.append(now)

    def _with_holes(self, faults: Faults, listing: Listing) -> Listing:
        if faults.vanished:
            return Listing([])
        servers: Sequence[Server] = [
            server for server in listing.servers if not self._troubles.happens(faults.holes)
        ]
        return Listing(servers, listing.held)
