"""Keeps a mail server in trouble from holding up all that cloud-burst has in hand.

While it is known not to answer, nobody tries, but for one at a time who finds out whether it does
again. So it costs one thread the time of a timeout, and not all of them.
"""

from datetime import datetime, timedelta
from threading import Lock

from cloudhands.burst.backoff import Backoff

TROUBLE = Backoff(first=5, cap=300)
LONGEST = timedelta(seconds=TROUBLE.cap)


class Gate:
    """Shared among threads.

    :param probe: seconds that one who tries is given before the next may.
    """

    def __init__(self, probe: float) -> None:
        self._probe = timedelta(seconds=probe)
        self._lock = Lock()
        self._failures = 0
        self._opens_at: datetime | None = None
        self._problem = ""

    def closed(self, now: datetime) -> tuple[str, float] | None:
        """None if one may try; otherwise why not, and for how many seconds."""
        with self._lock:
            if self._opens_at is None:
                return None
            # A clock that was set back keeps it closed for no longer.
            if now < self._opens_at <= now + max(self._probe, LONGEST):
                return self._problem, (self._opens_at - now).total_seconds()
            self._opens_at = now + self._probe
            return None

    def failed(self, problem: str, now: datetime) -> None:
        """The server could not be used."""
        with self._lock:
            self._failures += 1
            self._problem = problem
            self._opens_at = now + timedelta(seconds=TROUBLE.after(self._failures))

    def worked(self) -> None:
        """The server answered."""
        with self._lock:
            self._failures, self._opens_at = 0, None
