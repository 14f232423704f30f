"""How long to wait after trouble: exponential, with jitter and a cap."""

import random
from dataclasses import dataclass

# No cloud's word makes us wait for longer than this.
LONGEST_SECONDS = 3600


@dataclass(frozen=True)
class Backoff:
    """Waits `first` seconds, then twice as long each time, `cap` seconds at most."""

    first: float
    cap: float

    def after(self, attempt: int, retry_after: float | None = None) -> float:
        """Seconds to wait.

        :param attempt: how many tries in a row have failed, this one included.
        :param retry_after: what the cloud asked for; never less than that, within an hour.
        """
        full = min(self.cap, self.first * 2.0 ** min(attempt - 1, 30))
        # Half of it is by chance, so that many that failed together do not come back together.
        wait = full * random.uniform(0.5, 1)
        return min(max(wait, retry_after or 0), LONGEST_SECONDS)


TROUBLE = Backoff(first=1, cap=60)
DENIED = Backoff(first=60, cap=600)
PROBE = Backoff(first=5, cap=300)
