"""What happens in the course of chaos, from the first launch until nothing moves any more."""

import time
from collections import Counter
from collections.abc import Mapping
from random import Random

from chaos_faults import Weather
from chaos_people import People
from chaos_verdict import is_quiet
from chaos_world import TAKES, Extent, World
from harness.bursts import Burst, Bursts

WORKERS = 2
# A worker lives for so long after it is ready, in seconds.
LIVES = (0.1, 1.0)
WISHES = {"stop": 4.0, "start": 4.0, "reboot": 3.0, "resize": 3.0, "retry": 3.0, "delete": 0.7}
QUIET_SECONDS = 180.0
# Every so many kills others things go wrong.
TURN_KILLS = 2
POLL = 0.05


class Course:
    """One course of chaos.

    :param random: all that is left to chance but the timing of processes.
    """

    def __init__(self, world: World, bursts: Bursts, extent: Extent, random: Random) -> None:
        self._world = world
        self._bursts = bursts
        self._extent = extent
        self._random = random
        self._people = People(world, random)
        self._weather = Weather(world, random)
        self._done: Counter[str] = Counter()
        self._quiet_after = 0.0

    @property
    def counts(self) -> Mapping[str, float]:
        """What was done, and in how many seconds it was quiet after the faults had ended."""
        return {**self._done, **self._people.wished, "quiet after s": round(self._quiet_after, 1)}

    def run(self) -> None:
        """Let it all happen, and wait until nothing moves, or too long."""
        while len(self._bursts.alive) < WORKERS:
            self._bursts.start()
        freeze_at = {
            (number + 1) * self._extent.kills // (self._extent.freezes + 1)
            for number in range(self._extent.freezes)
        }
        while self._done["kills"] < self._extent.kills:
            if self._done["kills"] % TURN_KILLS == 0:
                self._weather.turn()
            if self._done["kills"] in freeze_at and not self._world.database.is_sqlite:
                self._freeze()
            self._kill_one()
        self._mend()

    def _kill_one(self) -> None:
        """The older one dies, soon after the younger is at work."""
        oldest, youngest = self._bursts.alive[0], self._bursts.alive[-1]
        self._bursts.start()
        self._wish_until(youngest)
        self._wish_for(self._random.uniform(*LIVES))
        self._bursts.kill(oldest)
        self._done["kills"] += 1

    def _freeze(self) -> None:
        """One stands still for longer than its claims, while another takes over."""
        frozen = self._bursts.alive[0]
        self._wish_until(frozen)
        frozen.freeze()
        self._wish_for(self._extent.claim + 1)
        frozen.go_on()
        self._wish_for(1)
        self._done["freezes"] += 1

    def _wish_until(self, burst: Burst) -> None:
        while not burst.is_ready:
            self._wish_for(POLL)

    def _wish_for(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while True:
            self._wish()
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(POLL, left))

    def _wish(self) -> None:
        missing = self._extent.appliances - self._people.wished["launch"]
        # All are there when half of the kills are done.
        share = self._done["kills"] / max(1, self._extent.kills // 2)
        wanted = int(self._extent.appliances * share) + 1
        self._people.launch(max(0, min(missing, wanted - self._people.wished["launch"])))
        self._people.wish(WISHES)
        if self._random.random() < POLL / 5:
            self._people.resume()

    def _mend(self) -> None:
        """The faults end; workers that begin afresh bring it all to rest."""
        self._people.launch(self._extent.appliances - self._people.wished["launch"])
        self._weather.clear()
        while self._bursts.alive:
            self._bursts.kill(self._bursts.alive[0])
            self._done["kills"] += 1
        self._people.resume()
        self._people.hasten()
        started = time.monotonic()
        for burst in [self._bursts.start() for _ in range(WORKERS)]:
            burst.wait_until_ready()
        while time.monotonic() - started < QUIET_SECONDS:
            if is_quiet(self._world):
                break
            time.sleep(TAKES)
        self._quiet_after = time.monotonic() - started
        self._bursts.stop()
